//! Restoring a backup: a new database is built beside the old one, compared with the manifest, and
//! swapped in by two renames in one transaction. Until then the old one is not touched, and
//! whatever fails before leaves it exactly as it was.

use std::io::Write;
use std::time::Duration;

use crate::backup::beside::{Built, SCRATCH, TO_BE_DROPPED, beside, create_beside, stem};
use crate::backup::source::Source;
use crate::backup::verify::{Text, differences, read_content};
use crate::failure::{Failure, Kind, Result};
use crate::model::backup::{Format, Manifest};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::plain_text;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Backend, Purpose, Session, after_the_end_of, backend};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::ScriptReader;

/// Builds the new database, and has it compared with the manifest and dressed like the old one.
pub(crate) fn build(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
) -> Result<Built> {
    let mut built = load_beside(world, settings, target, source, "restore")?;
    if let Some(manifest) = &source.manifest {
        let began = stopwatch();
        world.tell(Event::Started {
            doing: "Comparing",
            subject: "every row with the manifest".to_owned(),
        });
        let problems = compare(world, settings, &built.target, manifest)?;
        if !problems.is_empty() {
            return Err(Kind::Unsound { name: source.name.clone(), problems }.into());
        }
        let subject = format!("{} tables with the manifest", manifest.tables.len());
        world.tell(Event::Finished { done: "Compared", subject, elapsed: began.elapsed() });
    }
    finish(world, target, &mut built)?;
    Ok(built)
}

/// Dresses a new database like the old one, and has it analysed.
pub(crate) fn finish(world: &World, target: &Target, built: &mut Built) -> Result<()> {
    built.comment = carry_over(world, target, &built.target)?;
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    session.run("analyse the new database", "ANALYZE")
}

/// A scratch database with the source in it, for whoever only wants to look.
pub(crate) fn scratch(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
) -> Result<Built> {
    load_beside(world, settings, target, source, SCRATCH)
}

/// Creates a database beside the target and loads the source into it.
fn load_beside(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    what: &str,
) -> Result<Built> {
    let like = source.manifest.as_ref().map(|manifest| manifest.database.locale.clone());
    let built = create_beside(world, target, what, like)?;
    let mut session = Session::open(world, &built.target, Purpose::Read)?;
    let major = server_major(&mut session)?;
    drop(session);

    let began = stopwatch();
    world.tell(Event::Started { doing: "Loading", subject: source.name.clone() });
    match source.format {
        Format::Sql => {
            let mut session = Session::open(world, &built.target, Purpose::Write)?;
            // The database is nobody's until it is swapped in, and then it is on disk.
            let settings = "SET synchronous_commit = off; SET client_min_messages = warning; SET lc_monetary = 'C'";
            session.run("prepare the session", settings)?;
            load(world, &mut session, Box::new(plain_text(&source.path)?), false)?;
        }
        Format::Custom | Format::Directory | Format::Set => {
            let program = source.archive_tool(settings, major)?;
            let jobs = source
                .jobs
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
            let arguments = [
                "--no-password".to_owned(),
                "--exit-on-error".to_owned(),
                format!("--jobs={jobs}"),
                format!("--dbname={}", built.target.database),
                source.path.display().to_string(),
            ];
            ClientProgram::start(world, &program, &arguments, &built.target)?.finish(world)?;
        }
    }
    world.tell(Event::Finished {
        done: "Loaded",
        subject: source.name.clone(),
        elapsed: began.elapsed(),
    });
    Ok(built)
}

/// Runs a dump through our own reader: no psql, and so no command of psql's.
///
/// With `inside`, it runs in the transaction of the session: a BEGIN and a COMMIT of the dump's own
/// (large objects have them) are left out, and nothing may end it.
pub(super) fn load(
    world: &World,
    session: &mut Session,
    mut text: Box<dyn Text>,
    inside: bool,
) -> Result<()> {
    let mut reader = ScriptReader::of_dump(Box::new(&mut text));
    let bad =
        |error: pg_sql::script::ScriptError| Kind::Backup { doing: "read", why: error.to_string() };
    while let Some(statement) = reader.next_statement().map_err(bad)? {
        world.interrupt.check()?;
        let left_out =
            statement.is_plain_begin() || statement.is_plain_commit() || sets_limits(&statement);
        if statement.is_about_database() || inside && left_out {
            continue;
        }
        if inside && statement.controls_transaction() {
            let why =
                format!("line {} would end the transaction that it is restored in", statement.line);
            return Err(Kind::Backup { doing: "read", why }.into());
        }
        let failed = |session: &Session, error: &postgres::Error| -> Failure {
            let doing = format!("run line {} of the backup", statement.line);
            world.interrupt.check().err().unwrap_or_else(|| session.failure(&doing, error))
        };
        if !statement.reads_data() {
            session.batch_execute(&statement.text).map_err(|error| failed(session, &error))?;
            continue;
        }
        let copied = copy_in(session, &statement.text, &mut reader);
        copied.map_err(bad)?.map_err(|error| failed(session, &error))?;
        world.tell(Event::Counted);
    }
    drop(reader);
    text.finish(world)
}

/// Whether a statement of a dump lifts the limits of the session.
pub(super) fn sets_limits(statement: &pg_sql::script::Statement) -> bool {
    let name = statement.text.strip_prefix("SET ").and_then(|rest| rest.split_whitespace().next());
    name.is_some_and(|name| name.ends_with("_timeout"))
}

/// How much of a COPY goes to the client at once: it keeps a message per write.
const PIECE: usize = 256 * 1024;

fn copy_in(
    session: &mut Session,
    statement: &str,
    reader: &mut ScriptReader<'_>,
) -> std::result::Result<std::result::Result<(), postgres::Error>, pg_sql::script::ScriptError> {
    let mut writer = match session.copy_in(statement) {
        Ok(writer) => writer,
        Err(error) => return Ok(Err(error)),
    };
    let mut piece: Vec<u8> = Vec::with_capacity(PIECE);
    // What the server has against the data, it says at the end.
    let mut refused = false;
    reader.copy_data(&mut |line| {
        piece.extend_from_slice(line);
        if piece.len() >= PIECE && !refused {
            refused = writer.write_all(&piece).is_err();
            piece.clear();
        }
        Ok(())
    })?;
    if !refused {
        let _ = writer.write_all(&piece);
    }
    Ok(writer.finish().map(drop))
}

/// Compares every table, sequence and index of a database with the manifest. The rows are read as
/// `pg_dump` writes them, because so they were when they were counted the first time.
pub(super) fn compare(
    world: &World,
    settings: &Settings,
    target: &Target,
    manifest: &Manifest,
) -> Result<Vec<String>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let programs =
        client(settings.pg_bin(), server_major(&mut session)?.max(manifest.engine.major))?;
    let arguments = ["--no-password".to_owned(), "--format=plain".to_owned()];
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    let found = read_content(world, dump)?;
    let mut problems = differences(&manifest.tables, &found.tables);
    for (sequence, expected) in &manifest.sequences {
        let value = found.sequences.get(sequence).map_or("nothing", String::as_str);
        if value != expected {
            problems
                .push(format!("sequences: {sequence} stands at {value}, and stood at {expected}"));
        }
    }
    let sql = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid";
    let invalid = session.rows("look for invalid indexes", sql)?;
    problems.extend(
        invalid
            .iter()
            .filter_map(|row| Some(format!("indexes: {} is invalid", row[0].as_deref()?))),
    );
    Ok(problems)
}

pub(super) fn server_major(session: &mut Session) -> Result<u32> {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    let version = session.value("ask for the version", sql)?;
    Ok(version.and_then(|version| version.parse().ok()).unwrap_or(0))
}

/// Settings whose value is a list of names, each quoted by itself.
const LISTS: &[&str] =
    &["search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"];

/// Gives the new database what belongs to a database and not to its content: owner, rights,
/// settings, connection limit. Returns the comment, which follows when it is swapped in.
fn carry_over(world: &World, from: &Target, to: &Target) -> Result<Option<String>> {
    let mut session = Session::open(world, &from.with_database("postgres"), Purpose::Write)?;
    let (old, new) = (quote_literal(&from.database), quote_identifier(&to.database));
    let sql = format!(
        "SELECT quote_ident(pg_get_userbyid(datdba)), datconnlimit, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = {old}; \
         SELECT coalesce('ROLE ' || quote_ident(r.rolname) || ' IN ', ''), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) \
         FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c \
         WHERE d.datname = {old}; \
         SELECT a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.is_grantable \
         FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = {old}"
    );
    let sets = session.result_sets("look at the old database", &sql)?;
    let [about, settings, rights] = sets.as_slice() else { return Ok(None) };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut statements = Vec::new();
    for row in about {
        statements.push(format!("ALTER DATABASE {new} OWNER TO {}", text(&row[0])));
        statements.push(format!("ALTER DATABASE {new} CONNECTION LIMIT {}", text(&row[1])));
    }
    for row in settings {
        let (whose, name, value) = (text(&row[0]), quote_identifier(&text(&row[1])), text(&row[2]));
        // A list is stored as it was written, with its own quotes.
        let value =
            if LISTS.contains(&text(&row[1]).as_str()) { value } else { quote_literal(&value) };
        statements.push(format!("ALTER {whose}DATABASE {new} SET {name} = {value}"));
    }
    if !rights.is_empty() {
        statements.push(format!("REVOKE ALL ON DATABASE {new} FROM PUBLIC"));
    }
    for row in rights {
        let option = if row[2].as_deref() == Some("t") { " WITH GRANT OPTION" } else { "" };
        statements.push(format!(
            "GRANT {} ON DATABASE {new} TO {}{option}",
            text(&row[0]),
            text(&row[1])
        ));
    }
    session.run("dress the new database like the old one", &statements.join("; "))?;
    Ok(about.first().and_then(|row| row[2].clone()))
}

/// Gives the new database its name. Returns what the old one is called now, where it is kept.
pub(crate) fn swap(
    world: &World,
    target: &Target,
    mut built: Built,
    exists: bool,
    keeps_old: bool,
) -> Result<Option<String>> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    session.run("bring the new database to disk", "CHECKPOINT").or_else(only_superusers)?;
    let old = exists.then(|| beside(&target.database, "before"));
    let name = |name: &str| quote_identifier(name);
    let comment = built.comment.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal);
    let mut statements =
        vec![format!("COMMENT ON DATABASE {} IS {comment}", name(&built.target.database))];
    if let Some(old) = &old {
        statements.push(format!(
            "ALTER DATABASE {} RENAME TO {}",
            name(&target.database),
            name(old)
        ));
        if !keeps_old {
            let going = quote_literal(TO_BE_DROPPED);
            statements.push(format!("COMMENT ON DATABASE {} IS {going}", name(old)));
        }
    }
    statements.push(format!(
        "ALTER DATABASE {} RENAME TO {}",
        name(&built.target.database),
        name(&target.database)
    ));
    let backend = backend(&mut session)?;
    rename(world, &mut session, &[&target.database, &built.target.database], &statements)
        .or_else(|failure| took_place(world, &session.target, &backend, &built.target, failure))?;
    built.kept = true;
    match old {
        Some(old) if !keeps_old => {
            // The new one is in its place, whatever becomes of this; the next run tries again.
            if let Err(failure) = drop_previous(world, target, &old) {
                let message = format!("the old database stays as {old} for now: {failure}");
                world.tell(Event::Notice { severity: "warning".to_owned(), message });
            }
            Ok(None)
        }
        old => Ok(old),
    }
}

/// Where the connection was lost while the renames were being committed, the server is asked whether
/// they are in: then nothing has the name any more that the new database was built under.
fn took_place(
    world: &World,
    server: &Target,
    backend: &Backend,
    built: &Target,
    failure: Failure,
) -> Result<()> {
    if !matches!(failure.kind(), Kind::ConnectionLost { .. }) {
        return Err(failure);
    }
    let (target, subject) = (server.to_string(), "the swap".to_owned());
    let unknown = || Kind::CommitUnknown { target: target.clone(), subject: subject.clone() };
    let mut looking =
        after_the_end_of(&world.uninterrupted(), server, backend).ok_or_else(unknown)?;
    let sql =
        format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(&built.database));
    match looking.value("look for the new database", &sql).map_err(|_| unknown())? {
        Some(_) => Err(failure),
        None => Ok(()),
    }
}

/// Anyone may restore, and the operating system will write it anyway.
fn only_superusers(failure: Failure) -> Result<()> {
    match failure.kind() {
        Kind::Sql { server, .. } if server.code.as_deref() == Some("42501") => Ok(()),
        _ => Err(failure),
    }
}

/// Renames in one transaction, after ending the sessions that are in the way. Somebody may come
/// back in between, so it is tried a few times.
fn rename(
    world: &World,
    session: &mut Session,
    databases: &[&str],
    statements: &[String],
) -> Result<()> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({}) AND pid <> pg_backend_pid()",
        names.join(", ")
    );
    for attempt in 1.. {
        world.interrupt.check()?;
        session.rows("end the sessions that are in the way", &end)?;
        let renamed =
            session.run("swap the databases", &format!("BEGIN; {}; COMMIT", statements.join("; ")));
        match renamed {
            Ok(()) => return Ok(()),
            Err(failure) => {
                // If this fails, the connection is gone, and the server rolls back by itself.
                let _ = session.batch_execute("ROLLBACK");
                // 55006: the database is being accessed by other users.
                let busy = matches!(failure.kind(), Kind::Sql { server, .. } if server.code.as_deref() == Some("55006"));
                if !busy || attempt >= 5 {
                    return Err(failure);
                }
                pause(world, Duration::from_millis(300))?;
            }
        }
    }
    Ok(())
}

/// What earlier restores kept of this database, the newest first.
pub(crate) fn previous(world: &World, target: &Target) -> Result<Vec<String>> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Read)?;
    let sql = format!(
        "SELECT datname FROM pg_database d WHERE starts_with(datname, {}) \
         AND shobj_description(d.oid, 'pg_database') IS DISTINCT FROM {} ORDER BY 1 DESC",
        quote_literal(&format!("{}__before_", stem(&target.database))),
        quote_literal(TO_BE_DROPPED)
    );
    session.column("look for what restores kept", &sql)
}

/// Swaps back: what the last restore kept takes the name again, and what it built is kept instead.
pub(crate) fn undo(world: &World, target: &Target, kept: &str) -> Result<String> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    let aside = beside(&target.database, "before");
    let statements = [
        format!(
            "ALTER DATABASE {} RENAME TO {}",
            quote_identifier(&target.database),
            quote_identifier(&aside)
        ),
        format!(
            "ALTER DATABASE {} RENAME TO {}",
            quote_identifier(kept),
            quote_identifier(&target.database)
        ),
    ];
    rename(world, &mut session, &[&target.database, kept], &statements)?;
    Ok(aside)
}

/// Drops a database that a restore kept.
pub(crate) fn drop_previous(world: &World, target: &Target, name: &str) -> Result<()> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    session.run(
        "drop the previous database",
        &format!("DROP DATABASE {} WITH (FORCE)", quote_identifier(name)),
    )
}
