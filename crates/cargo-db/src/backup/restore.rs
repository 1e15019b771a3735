//! Restoring a backup: a new database is built beside the old one, compared with the manifest, and
//! swapped in by two renames in one transaction. Until then the old one is not touched, and
//! whatever fails before leaves it exactly as it was.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backup::folder::{Folder, read_manifest};
use crate::backup::set;
use crate::backup::verify::{ARCHIVE_TOOL, archive_text, changed, differences, file_entries, read_content};
use crate::failure::{Failure, Kind, Result};
use crate::model::backup::{Backup, Format, Manifest, SET_MANIFEST};
use crate::model::event::Event;
use crate::model::layout::{quote_identifier, quote_literal};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::{Kindred, plain_text, recognise};
use crate::world::clock::{now, pause, stopwatch};
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_logical::script::ScriptReader;

/// The comment by which a database that is being built is recognised, so that the next run can
/// remove one that a killed run left behind.
const BEING_BUILT: &str = "cargo-db: being built";

/// What a restore reads: a backup of ours, or any file that `pg_dump` wrote.
pub(crate) struct Source {
    pub(crate) name: String,
    path: PathBuf,
    format: Format,
    pub(crate) manifest: Option<Manifest>,
}

impl Source {
    /// A backup of ours.
    pub(crate) fn of(folder: &Folder, backup: &Backup) -> Source {
        Source {
            name: backup.manifest.name.clone(),
            path: folder.path_of(&backup.main_file()),
            format: match backup.manifest.format {
                Format::Set => Format::Custom,
                format => format,
            },
            manifest: Some(backup.manifest.clone()),
        }
    }

    /// Any file or folder, recognised by its content.
    pub(crate) fn file(path: &Path) -> Result<Source> {
        if set::is_set(path) {
            return Source::set(path);
        }
        let format = if path.is_dir() {
            Format::Directory
        } else if recognise(path)? == Kindred::Custom {
            Format::Custom
        } else {
            Format::Sql
        };
        Ok(Source { name: path.display().to_string(), path: path.to_owned(), format, manifest: None })
    }

    /// A set that lies somewhere else than in the backup folder.
    fn set(path: &Path) -> Result<Source> {
        let folder = Folder::new(path.parent().unwrap_or(Path::new("/")));
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let bad = |why: String| Kind::Unsound { name: name.clone(), problems: vec![why] };
        let manifest = read_manifest(&path.join(SET_MANIFEST)).map_err(bad)?;
        let backup = Backup { manifest: Manifest { name: name.clone(), ..manifest }, verification: None };
        let problems = changed(&folder, &backup)?;
        if problems.is_empty() {
            return Ok(Source::of(&folder, &backup));
        }
        Err(Kind::Unsound { name, problems }.into())
    }

    /// What a consent to restore it is about: the checksum of every byte that will be read.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let files = match &self.manifest {
            Some(manifest) => manifest.files.clone(),
            None => file_entries(&self.path)?,
        };
        Ok(files.iter().map(|file| format!("{} {}\n", file.path, file.sha256)).collect())
    }

    /// The roles and extensions that it cannot be loaded without. A file without a manifest is read
    /// to its end for that, so one that was cut off is refused here.
    fn needs(&self, world: &World, settings: &Settings) -> Result<(Vec<String>, Vec<String>)> {
        if let Some(manifest) = &self.manifest {
            return Ok((manifest.roles.clone(), manifest.extensions.keys().cloned().collect()));
        }
        let content = match self.format {
            Format::Sql => read_content(world, plain_text(&self.path)?)?,
            Format::Custom | Format::Directory | Format::Set => {
                let program = self.archive_tool(settings, 0)?;
                read_content(world, archive_text(world, &program, &self.path, &Target::nowhere())?)?
            }
        };
        Ok((content.roles, content.extensions))
    }

    /// A `pg_restore` that can read it, and is not older than the server.
    fn archive_tool(&self, settings: &Settings, server_major: u32) -> Result<PathBuf> {
        let named = settings.pg_bin.as_ref().map(|bin| bin.value.as_path());
        let written_by = self.manifest.as_ref().map_or(0, |manifest| manifest.engine.major);
        Ok(client(named, server_major.max(written_by))?.program(ARCHIVE_TOOL))
    }
}

/// What was found before anything is touched.
pub(crate) struct Preflight {
    /// Whether there is a database of this name now.
    pub(crate) exists: bool,
    /// How many tables it has: what the swap takes out of sight.
    pub(crate) tables: u64,
}

/// Looks whether the source can be restored here; every obstacle is named at once.
pub(crate) fn preflight(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
) -> Result<Preflight> {
    let (wanted_roles, wanted_extensions) = source.needs(world, settings)?;
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Read)?;
    let sql = format!(
        "SELECT rolname FROM pg_roles; SELECT name FROM pg_available_extensions; \
         SELECT rolcreatedb OR rolsuper, current_setting('server_version_num')::int / 10000 FROM pg_roles WHERE rolname = current_user; \
         SELECT oid FROM pg_database WHERE datname = {}",
        quote_literal(&target.database)
    );
    let sets = session.result_sets("look whether the backup can be restored here", &sql)?;
    let [roles, extensions, rights, database] = sets.as_slice() else {
        return Err(Kind::Bug { what: "the server answered other questions".to_owned() }.into());
    };
    let names =
        |rows: &[Vec<Option<String>>]| rows.iter().filter_map(|row| row[0].clone()).collect::<Vec<_>>();
    let (roles, extensions) = (names(roles), names(extensions));
    let mut problems: Vec<String> = Vec::new();
    let missing = |wanted: &[String], there: &[String]| -> Vec<String> {
        wanted.iter().filter(|name| !there.contains(name)).cloned().collect()
    };
    problems.extend(missing(&wanted_roles, &roles).iter().map(|role| {
        format!("role: `{role}` does not exist; create it, or take the backup with `--no-owner`")
    }));
    problems.extend(
        missing(&wanted_extensions, &extensions)
            .iter()
            .map(|name| format!("extension: `{name}` is not installed on the server")),
    );
    let right = rights.first();
    if right.is_none_or(|row| row[0].as_deref() != Some("t")) {
        problems.push(format!("rights: `{}` may not create databases", target.user));
    }
    let major: u32 = right.and_then(|row| row[1].as_deref()?.parse().ok()).unwrap_or(0);
    let from: u32 = source
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.server.version.split('.').next()?.parse().ok())
        .unwrap_or(0);
    if from > major {
        problems.push(format!("version: it is from PostgreSQL {from}, and the server is {major}"));
    }
    if !problems.is_empty() {
        return Err(Kind::CannotRestore { name: source.name.clone(), problems }.into());
    }
    let exists = !database.is_empty();
    let tables = if exists { count_tables(world, target)? } else { 0 };
    Ok(Preflight { exists, tables })
}

fn count_tables(world: &World, target: &Target) -> Result<u64> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let rows = session.rows("count tables", "SELECT count(*) FROM pg_stat_user_tables")?;
    Ok(rows.first().and_then(|row| row[0].as_deref()?.parse().ok()).unwrap_or(0))
}

/// A database that is being built; dropped with this value unless it was swapped in.
pub(crate) struct Built {
    pub(crate) target: Target,
    /// The comment that it will have; until it is swapped in, its comment says that it is ours.
    comment: Option<String>,
    world: World,
    kept: bool,
}

impl Drop for Built {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // After a signal every session would be cancelled at once; this one has to come through.
        let world = World { interrupt: crate::world::signal::Interrupt::default(), ..self.world.clone() };
        if let Ok(mut session) = Session::open(&world, &self.target.with_database("postgres"), Purpose::Write)
        {
            let name = quote_identifier(&self.target.database);
            let _ = session
                .run("drop the unfinished database", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// Builds the new database, and has it compared with the manifest and dressed like the old one.
pub(crate) fn build(world: &World, settings: &Settings, target: &Target, source: &Source) -> Result<Built> {
    let mut built = scratch(world, settings, target, source)?;
    if let Some(manifest) = &source.manifest {
        let began = stopwatch();
        world.tell(Event::Started { doing: "Comparing", subject: "every row with the manifest".to_owned() });
        let problems = compare(world, settings, &built.target, manifest)?;
        if !problems.is_empty() {
            return Err(Kind::Unsound { name: source.name.clone(), problems }.into());
        }
        let subject = format!("{} tables with the manifest", manifest.tables.len());
        world.tell(Event::Finished { done: "Compared", subject, elapsed: began.elapsed() });
    }
    built.comment = carry_over(world, target, &built.target)?;
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    session.run("analyse the new database", "ANALYZE")?;
    Ok(built)
}

/// Creates a database beside the target and loads the source into it.
pub(super) fn scratch(world: &World, settings: &Settings, target: &Target, source: &Source) -> Result<Built> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    remove_leftovers(&mut session, target)?;
    let name = beside(&target.database, "restore");
    let like = source.manifest.as_ref().map(|manifest| &manifest.database);
    let locale = like.map(|like| {
        format!(
            " ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            quote_literal(&like.encoding),
            quote_literal(&like.collate),
            quote_literal(&like.ctype)
        )
    });
    let create = format!(
        "CREATE DATABASE {} TEMPLATE template0{}",
        quote_identifier(&name),
        locale.unwrap_or_default()
    );
    let built =
        Built { target: target.with_database(&name), comment: None, world: world.clone(), kept: false };
    session.run("create the new database", &create)?;
    let comment =
        format!("COMMENT ON DATABASE {} IS {}", quote_identifier(&name), quote_literal(BEING_BUILT));
    session.run("mark the new database", &comment)?;
    let major = server_major(&mut session)?;

    let began = stopwatch();
    world.tell(Event::Started { doing: "Loading", subject: source.name.clone() });
    match source.format {
        Format::Sql => load_script(world, &built.target, source)?,
        Format::Custom | Format::Directory | Format::Set => {
            let program = source.archive_tool(settings, major)?;
            let jobs = std::thread::available_parallelism().map_or(1, usize::from);
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
    world.tell(Event::Finished { done: "Loaded", subject: source.name.clone(), elapsed: began.elapsed() });
    Ok(built)
}

/// `school__restore_20260131T235959_123`; a name has room for 63 bytes.
fn beside(database: &str, what: &str) -> String {
    let moment =
        time::macros::format_description!("[year][month][day]T[hour][minute][second]_[subsecond digits:3]");
    let moment = now().format(moment).unwrap_or_default();
    let ending = format!("__{what}_{moment}");
    let mut room = 63 - ending.len();
    while !database.is_char_boundary(room.min(database.len())) {
        room -= 1;
    }
    format!("{}{ending}", &database[..room.min(database.len())])
}

/// Drops databases that killed runs were building for this one: marked as ours, and used by nobody.
fn remove_leftovers(session: &mut Session, target: &Target) -> Result<()> {
    let sql = format!(
        "SELECT datname FROM pg_database d WHERE starts_with(datname, {}) \
         AND shobj_description(d.oid, 'pg_database') = {} \
         AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid = d.oid)",
        quote_literal(&format!("{}__restore_", target.database)),
        quote_literal(BEING_BUILT)
    );
    for row in session.rows("look for what killed runs left", &sql)? {
        let name = quote_identifier(row[0].as_deref().unwrap_or_default());
        session.run("drop what a killed run left", &format!("DROP DATABASE IF EXISTS {name}"))?;
    }
    Ok(())
}

/// Runs a dump through our own reader: no psql, and so no command of psql's.
fn load_script(world: &World, target: &Target, source: &Source) -> Result<()> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    // The database is nobody's until it is swapped in, and then it is on disk.
    session.run("prepare the session", "SET synchronous_commit = off; SET client_min_messages = warning")?;
    let mut reader = ScriptReader::of_dump(plain_text(&source.path)?);
    let bad = |error: pg_logical::script::ScriptError| Kind::Backup { doing: "read", why: error.to_string() };
    while let Some(statement) = reader.next_statement().map_err(bad)? {
        world.interrupt.check()?;
        let failed = |session: &Session, error: &postgres::Error| -> Failure {
            let doing = format!("run line {} of the backup", statement.line);
            world.interrupt.check().err().unwrap_or_else(|| session.failure(&doing, error))
        };
        if !statement.reads_data() {
            session.batch_execute(&statement.text).map_err(|error| failed(&session, &error))?;
            continue;
        }
        let copied = copy_in(&mut session, &statement.text, &mut reader);
        copied.map_err(bad)?.map_err(|error| failed(&session, &error))?;
    }
    Ok(())
}

/// How much of a COPY goes to the client at once: it keeps a message per write.
const PIECE: usize = 256 * 1024;

fn copy_in(
    session: &mut Session,
    statement: &str,
    reader: &mut ScriptReader<'_>,
) -> std::result::Result<std::result::Result<(), postgres::Error>, pg_logical::script::ScriptError> {
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
    let named = settings.pg_bin.as_ref().map(|bin| bin.value.as_path());
    let mut session = Session::open(world, target, Purpose::Read)?;
    let programs = client(named, server_major(&mut session)?.max(manifest.engine.major))?;
    let arguments = ["--no-password".to_owned(), "--format=plain".to_owned()];
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    let found = read_content(world, dump)?;
    let mut problems = differences(&manifest.tables, &found.tables);
    for (sequence, expected) in &manifest.sequences {
        let value = found.sequences.get(sequence).map_or("nothing", String::as_str);
        if value != expected {
            problems.push(format!("sequences: {sequence} stands at {value}, and stood at {expected}"));
        }
    }
    let sql = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid";
    let invalid = session.rows("look for invalid indexes", sql)?;
    problems
        .extend(invalid.iter().filter_map(|row| Some(format!("indexes: {} is invalid", row[0].as_deref()?))));
    Ok(problems)
}

fn server_major(session: &mut Session) -> Result<u32> {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    let rows = session.rows("ask for the version", sql)?;
    Ok(rows.first().and_then(|row| row[0].as_deref()?.parse().ok()).unwrap_or(0))
}

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
        let value = if text(&row[1]) == "search_path" { value } else { quote_literal(&value) };
        statements.push(format!("ALTER {whose}DATABASE {new} SET {name} = {value}"));
    }
    if !rights.is_empty() {
        statements.push(format!("REVOKE ALL ON DATABASE {new} FROM PUBLIC"));
    }
    for row in rights {
        let option = if row[2].as_deref() == Some("t") { " WITH GRANT OPTION" } else { "" };
        statements.push(format!("GRANT {} ON DATABASE {new} TO {}{option}", text(&row[0]), text(&row[1])));
    }
    session.run("dress the new database like the old one", &statements.join("; "))?;
    Ok(about.first().and_then(|row| row[2].clone()))
}

/// Gives the new database its name. Returns what the old one is called now, where there was one.
pub(crate) fn swap(world: &World, target: &Target, mut built: Built, exists: bool) -> Result<Option<String>> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    session.run("bring the new database to disk", "CHECKPOINT").or_else(only_superusers)?;
    let old = exists.then(|| beside(&target.database, "before"));
    let name = |name: &str| quote_identifier(name);
    let comment = built.comment.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal);
    let mut statements = vec![format!("COMMENT ON DATABASE {} IS {comment}", name(&built.target.database))];
    if let Some(old) = &old {
        statements.push(format!("ALTER DATABASE {} RENAME TO {}", name(&target.database), name(old)));
    }
    statements.push(format!(
        "ALTER DATABASE {} RENAME TO {}",
        name(&built.target.database),
        name(&target.database)
    ));
    rename(world, &mut session, &[&target.database, &built.target.database], &statements)?;
    built.kept = true;
    Ok(old)
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
fn rename(world: &World, session: &mut Session, databases: &[&str], statements: &[String]) -> Result<()> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({}) AND pid <> pg_backend_pid()",
        names.join(", ")
    );
    for attempt in 1.. {
        world.interrupt.check()?;
        session.rows("end the sessions that are in the way", &end)?;
        let renamed = session.run("swap the databases", &format!("BEGIN; {}; COMMIT", statements.join("; ")));
        match renamed {
            Ok(()) => return Ok(()),
            Err(failure) => {
                session.run("give up the swap", "ROLLBACK")?;
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
        "SELECT datname FROM pg_database WHERE starts_with(datname, {}) ORDER BY 1 DESC",
        quote_literal(&format!("{}__before_", target.database))
    );
    let rows = session.rows("look for what restores kept", &sql)?;
    Ok(rows.into_iter().filter_map(|row| row[0].clone()).collect())
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
        format!("ALTER DATABASE {} RENAME TO {}", quote_identifier(kept), quote_identifier(&target.database)),
    ];
    rename(world, &mut session, &[&target.database, kept], &statements)?;
    Ok(aside)
}

/// Drops a database that a restore kept.
pub(crate) fn drop_previous(world: &World, target: &Target, name: &str) -> Result<()> {
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Write)?;
    session
        .run("drop the previous database", &format!("DROP DATABASE {} WITH (FORCE)", quote_identifier(name)))
}
