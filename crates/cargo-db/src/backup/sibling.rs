//! Databases that are built beside another one: named after it, marked as ours while they are
//! built, and dropped unless they are swapped in. A run removes those that killed runs left, at its
//! start and at its end.

use postgres::error::SqlState;

use crate::backup::locale::{self, locale_of};
use crate::backup::login;
use crate::backup::owner::{self, Owner};
use crate::backup::subscriptions::drop_database;
use crate::failure::Result;
use crate::model::backup::Locale;
use crate::model::event::Event;
use crate::model::snapshot::CopyStrategy;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::now;
use crate::world::pg::{Purpose, Session};
use crate::world::process;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The comment of a database that is being built, for people who come across it.
const BEING_BUILT: &str = "cargo-db: being built";

/// The suffix of a scratch database's name.
pub(crate) const SCRATCH: &str = "scratch";

/// A database that is being built; dropped with this value unless it was swapped in.
pub(crate) struct SiblingDatabase {
    pub(crate) target: Target,
    /// The comment that it will have; until it is swapped in, its comment says that it is ours.
    pub(super) comment: Option<String>,
    /// Whether it will be a template; one of these could not be dropped.
    pub(super) is_template: bool,
    world: World,
    pub(super) kept: bool,
    /// The login role that was created for it, owns everything in it, and is dropped with it.
    pub(super) login: Option<Target>,
    /// While its session lives, no other run takes the database for a leftover.
    pub(super) owner: Owner,
    /// The database that it is built for.
    pub(super) original: Target,
}

impl Drop for SiblingDatabase {
    fn drop(&mut self) {
        let world = self.world.uninterrupted();
        if !self.kept {
            self.remove(&world);
        }
        // The server may still have been creating the database of a killed run at the first check.
        // Old databases belong to a restore, which checks them under its lock.
        let _ = remove_leftovers(&world, &mut self.owner.0, &self.original, SCRATCH);
    }
}

impl SiblingDatabase {
    /// Removes it and its login role, or says that they are left.
    fn remove(&self, world: &World) {
        if let Err(failure) = self.try_to_remove(world) {
            let name = &self.target.database;
            let message = format!("{name} is left, and the next run removes it: {failure}");
            world.emit(Event::Notice { severity: "warning".to_owned(), message });
        }
    }

    fn try_to_remove(&self, world: &World) -> Result<()> {
        let mut session = Session::open(world, &self.target.maintenance(), Purpose::Write)?;
        // The notice that there is none yet is not shown.
        session.run("lower the message level", "SET client_min_messages = warning")?;
        drop_database(world, &mut session, &self.target.database)?;
        match &self.login {
            Some(_) => login::drop(&mut session, &self.target.database),
            None => Ok(()),
        }
    }
}

/// What a restore or a reset does not keep has this comment until it is dropped.
pub(super) const TO_BE_DROPPED: &str = "cargo-db: to be dropped";

/// Creates an empty database beside the target, with the encoding and the locale of `like`, or of
/// the target.
pub(crate) fn create_sibling(
    world: &World,
    target: &Target,
    what: &str,
    like: Option<Locale>,
) -> Result<SiblingDatabase> {
    let mut owner = Owner::open(world, target)?;
    remove_leftovers(world, &mut owner.0, target, what)?;
    let locale = match like {
        Some(locale) => Some(locale),
        None => own_locale(&mut owner.0, target)?,
    };
    let options = locale.as_ref().map(locale_options).unwrap_or_default();
    let mut built = claim(world, owner, target, what)?;
    let quoted = quote_identifier(&built.target.database);
    built.owner.0.run(
        "create the new database",
        &format!("CREATE DATABASE {quoted} TEMPLATE template0{options}"),
    )?;
    built.mark()?;
    Ok(built)
}

/// Makes the name of a new database the owner's. Dropped, it drops a database that came of it.
fn claim(world: &World, mut owner: Owner, target: &Target, what: &str) -> Result<SiblingDatabase> {
    let name = sibling_name(&target.database, what);
    owner.claim(&name)?;
    let (world, original) = (world.clone(), target.clone());
    let target = target.with_database(&name);
    Ok(SiblingDatabase {
        target,
        comment: None,
        is_template: false,
        world,
        kept: false,
        login: None,
        owner,
        original,
    })
}

/// The locale of the target; `None` if the database does not exist.
pub(super) fn own_locale(session: &mut Session, target: &Target) -> Result<Option<Locale>> {
    let sql = format!(
        "SELECT {} FROM pg_database d WHERE d.datname = {}",
        locale::COLUMNS,
        quote_literal(&target.database)
    );
    let row = session.optional("read the old database", &sql)?;
    row.as_ref().map(locale_of).transpose()
}

/// The options of CREATE DATABASE that ask for a locale.
fn locale_options(locale: &Locale) -> String {
    let options = format!(
        " ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quote_literal(&locale.encoding),
        quote_literal(&locale.collate),
        quote_literal(&locale.ctype)
    );
    match (locale.provider.as_deref(), &locale.icu) {
        (Some("i"), Some(icu)) => {
            format!("{options} LOCALE_PROVIDER icu ICU_LOCALE {}", quote_literal(icu))
        }
        _ => options,
    }
}

/// Clones the target into a database beside it. `None` if other sessions are connected or the role
/// may not clone it: this neither waits for other sessions nor ends them.
pub(crate) fn clone_sibling(
    world: &World,
    target: &Target,
    what: &str,
) -> Result<Option<SiblingDatabase>> {
    let mut owner = Owner::open(world, target)?;
    remove_leftovers(world, &mut owner.0, target, what)?;
    let others = format!(
        "SELECT 1 FROM pg_stat_activity WHERE datname = {} LIMIT 1",
        quote_literal(&target.database)
    );
    if owner.0.value("find out who is connected", &others)?.is_some() {
        return Ok(None);
    }
    cloned(claim(world, owner, target, what)?, &target.database, None)
}

/// Clones a database on the target's server to a new one beside the target, in the way that the
/// server prefers or in another one. `None` if other connections to the database stay open or the
/// role may not clone it.
pub(crate) fn clone_database(
    world: &World,
    target: &Target,
    template: &str,
    (what, strategy): (&str, Option<CopyStrategy>),
) -> Result<Option<SiblingDatabase>> {
    let mut owner = Owner::open(world, target)?;
    remove_leftovers(world, &mut owner.0, target, what)?;
    cloned(claim(world, owner, target, what)?, template, strategy)
}

fn cloned(
    mut built: SiblingDatabase,
    template: &str,
    strategy: Option<CopyStrategy>,
) -> Result<Option<SiblingDatabase>> {
    let template = quote_identifier(template);
    let name = quote_identifier(&built.target.database);
    let session = &mut built.owner.0;
    if strategy == Some(CopyStrategy::FileClone) {
        session.run("let the server clone files", "SET file_copy_method = clone")?;
    }
    // Older servers have one strategy, and no word for it.
    let strategy = strategy.filter(|_| session.reported_major() >= 15);
    let strategy = match strategy {
        Some(CopyStrategy::FileClone | CopyStrategy::FileCopy) => " STRATEGY file_copy",
        Some(CopyStrategy::WalLog) => " STRATEGY wal_log",
        Some(CopyStrategy::Dump) | None => "",
    };
    let sql = format!("CREATE DATABASE {name} TEMPLATE {template}{strategy}");
    match built.owner.0.run("clone the database", &sql) {
        Ok(()) => {}
        // Somebody came after all, or only its owner may do this.
        Err(failure)
            if failure.is(&SqlState::OBJECT_IN_USE)
                || failure.is(&SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            return Ok(None);
        }
        Err(failure) => return Err(failure),
    }
    built.mark()?;
    Ok(Some(built))
}

impl SiblingDatabase {
    /// The target for working in it: as its login role, if it has one, so that code from the dump
    /// gets no more privileges than while it was loaded.
    pub(crate) fn for_work(&self) -> &Target {
        self.login.as_ref().unwrap_or(&self.target)
    }

    /// Records on it that it is ours, for which database, and since when.
    fn mark(&mut self) -> Result<()> {
        let (user, host) = (process::user_name(), process::host_name());
        let comment = format!("{BEING_BUILT} by {user}@{host} at {}", now());
        let name = quote_identifier(&self.target.database);
        let sql = format!("COMMENT ON DATABASE {name} IS {}", quote_literal(&comment));
        self.owner.0.run("mark the new database", &sql)
    }

    /// Sessions that begin from now on do not wait for the disk after a commit: what a crash loses
    /// would be dropped anyway.
    pub(crate) fn without_waiting_for_disk(mut self) -> Result<SiblingDatabase> {
        let name = quote_identifier(&self.target.database);
        let sql = format!("ALTER DATABASE {name} SET synchronous_commit = off");
        self.owner.0.run("prepare the new database", &sql)?;
        Ok(self)
    }

    /// Gives the database its final name, together with the effects of `statements`: all or
    /// nothing. Nothing may be connected to it.
    pub(crate) fn keep_as(&mut self, name: &str, statements: &[String]) -> Result<()> {
        let (from, to) = (quote_identifier(&self.target.database), quote_identifier(name));
        let rename = format!("ALTER DATABASE {from} RENAME TO {to}");
        let all = [&[rename], statements].concat();
        self.owner.0.run("give the new database its name", &all.join("; "))?;
        self.kept = true;
        Ok(())
    }

    /// Keeps the database under a name of its own, no longer marked as ours.
    pub(crate) fn keep(mut self, what: &str) -> Result<String> {
        let mut session = Session::open(&self.world, &self.target.maintenance(), Purpose::Write)?;
        let name = self.target.database.clone();
        let sql =
            format!("COMMENT ON DATABASE {} IS {}", quote_identifier(&name), quote_literal(what));
        session.run("keep the new database", &sql)?;
        self.kept = true;
        Ok(name)
    }
}

/// `school__restore_20260131T235959_123`; a name has room for 63 bytes.
pub(crate) fn sibling_name(database: &str, what: &str) -> String {
    let moment = time::macros::format_description!(
        "[year][month][day]T[hour][minute][second]_[subsecond digits:3]"
    );
    let moment = now().format(moment).unwrap_or_default();
    let ending = format!("__{what}_{moment}");
    format!("{}{ending}", stem(database))
}

/// The common prefix of the names of the databases beside one: its name, or the beginning of a long
/// name and a hash, so that two long names differ.
pub(crate) fn stem(database: &str) -> String {
    let longest = "__restore_20260131T235959_123".len();
    if database.len() + longest <= 63 {
        return database.to_owned();
    }
    let hash = crc32fast::hash(database.as_bytes());
    let mut room = 63 - longest - "_00000000".len();
    while !database.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}_{hash:08x}", &database[..room])
}

/// Drops what killed runs left of this database: new databases without an owner, even if sessions
/// are connected, and old ones that were to be dropped. A database that cannot be dropped does not
/// stop the run.
fn remove_leftovers(
    world: &World,
    session: &mut Session,
    target: &Target,
    what: &str,
) -> Result<()> {
    drop_databases(world, session, target, what)?;
    login::drop_leftovers(world, session, |name| is_sibling_name(name, &target.database))
}

/// The databases that killed runs left of this one.
pub(crate) fn left_by_killed_runs(session: &mut Session, database: &str) -> Result<Vec<String>> {
    let mut named = built_beside(session, database, "")?;
    let held = owner::held(session)?;
    named.retain(|name| !held.contains(&owner::key(name)));
    Ok(named)
}

fn drop_databases(world: &World, session: &mut Session, target: &Target, what: &str) -> Result<()> {
    let named = built_beside(session, &target.database, what)?;
    if named.is_empty() {
        return Ok(());
    }
    let held = owner::held(session)?;
    // It may have been kept by its owner between the two queries, and then it must not be dropped.
    let still = built_beside(session, &target.database, what)?;
    let is_held = |name: &str| held.contains(&owner::key(name));
    for name in named.into_iter().filter(|name| still.contains(name) && !is_held(name)) {
        if let Err(failure) = drop_database(world, session, &name) {
            world.interrupt.check()?;
            let message = format!("could not drop {name}, which a killed run left: {failure}");
            world.emit(Event::Notice { severity: "warning".to_owned(), message });
        }
    }
    Ok(())
}

/// The databases beside this one that are named as new ones and are not marked otherwise, and those
/// that are marked to be dropped. Only a restore, which holds a lock on the server, drops the
/// latter; a rehearsal holds no such lock.
fn built_beside(session: &mut Session, database: &str, what: &str) -> Result<Vec<String>> {
    let prefix = quote_literal(&format!("{}__", stem(database)));
    let sql = format!(include_str!("sql/leftovers.sql"), prefix = prefix);
    let mut found = Vec::new();
    for row in session.rows("find what killed runs left", &sql)? {
        let (name, comment) = (row.text("name")?, row.optional_text("comment")?);
        let is_new = comment.is_none_or(|comment| comment.starts_with(BEING_BUILT));
        let is_old = comment == Some(TO_BE_DROPPED) && what != SCRATCH;
        if is_old || (is_new && is_sibling_name(name, database)) {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

/// Whether a name is one that [`sibling_name`] gives to a new database.
fn is_sibling_name(name: &str, database: &str) -> bool {
    let rest = name.strip_prefix(&format!("{}__", stem(database)));
    let moment = rest.and_then(|rest| {
        ["restore_", "reset_", "scratch_"].into_iter().find_map(|what| rest.strip_prefix(what))
    });
    let fits = |(pattern, byte): (u8, u8)| match pattern {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    let pattern = b"00000000T000000_000";
    moment.is_some_and(|moment| {
        moment.len() == pattern.len() && pattern.iter().copied().zip(moment.bytes()).all(fits)
    })
}
