//! The database: its settings, the rights of the role, and objects that need attention.

use crate::backup;
use crate::failure::Result;
use crate::migration;
use crate::schema::{Drift, Glance};
use crate::verb::doctor::check::{DatabaseSubject, Diagnosis, DoctorCheck};
use crate::world::pg::{Row, unread};
use pg_sql::quote::quote_literal;

pub(super) const CHECKS: &[DoctorCheck<DatabaseSubject>] = &[
    DoctorCheck { id: "rights", diagnose: rights },
    DoctorCheck { id: "search-path", diagnose: search_path },
    DoctorCheck { id: "encoding", diagnose: encoding },
    DoctorCheck { id: "collation-version", diagnose: collation_version },
    DoctorCheck { id: "settings-of-sessions", diagnose: settings_of_sessions },
    DoctorCheck { id: "invalid-indexes", diagnose: invalid_indexes },
    DoctorCheck { id: "unvalidated-constraints", diagnose: unvalidated_constraints },
    DoctorCheck { id: "sequences-near-end", diagnose: sequences_near_end },
    DoctorCheck { id: "sequences-behind", diagnose: sequences_behind },
    DoctorCheck { id: "leftovers", diagnose: leftovers },
    DoctorCheck { id: "drift", diagnose: drift },
];

fn rights(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let schema = subject.session.current_schema().map(quote_literal);
    let sql = include_str!("sql/rights.sql")
        .replace("{schema}", schema.as_deref().unwrap_or("NULL"))
        .replace(
            "{rehearses}",
            &subject.settings.environment.environment.is_disposable().to_string(),
        );
    let mut found = subject.session.column("read the rights of the role", &sql)?;
    let unread = unread::unread(&mut subject.session)?;
    found.extend(unread.iter().map(|table| format!("may not read cargo_db.{table}")));
    let role = &subject.target.user;
    Ok(Diagnosis::of_evidence(
        found.into_iter().map(|what| format!("the role `{role}` {what}")).collect(),
        "the role may create tables and databases, and owns the tables",
        "grant the role what it lacks, or run `cargo db` as the owner of the tables",
    ))
}

fn search_path(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    Ok(match subject.session.current_schema() {
        Some(schema) => Diagnosis::Sound(format!("new tables go into `{schema}`")),
        None => Diagnosis::of_evidence(
            vec!["no schema of the search path exists".to_owned()],
            "",
            "create the schema, or correct `search_path` of the role, the database or the URL",
        ),
    })
}

fn encoding(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = "SELECT format('the encoding is %s, with the locale %s', \
               pg_encoding_to_char(encoding), datcollate) AS found, \
               pg_encoding_to_char(encoding) = 'UTF8' AS sound \
               FROM pg_database WHERE datname = current_database()";
    let row = subject.session.one("read the encoding", sql)?;
    let evidence = row.text("found")?.to_owned();
    if row.flag("sound")? {
        return Ok(Diagnosis::Sound(evidence));
    }
    let remedy = "dump the database, and load it into one that was created with ENCODING 'UTF8'";
    Ok(Diagnosis::of_evidence(vec![evidence], "", remedy))
}

/// PostgreSQL manual, "ALTER COLLATION", Notes.
fn collation_version(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let of_database = match subject.session.server_major()? {
        ..15 => "",
        _ => include_str!("sql/collation_of_database.sql"),
    };
    let sql = include_str!("sql/collations.sql").replace("{of_database}", of_database);
    let found = subject.session.column("compare the versions of collations", &sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "collations have the versions that the server has",
        "rebuild the indexes on texts (REINDEX DATABASE), then run ALTER DATABASE … REFRESH \
         COLLATION VERSION, or ALTER COLLATION … REFRESH VERSION",
    ))
}

/// cargo db's own sessions are not affected: other tools and programs are.
fn settings_of_sessions(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = include_str!("sql/settings_of_sessions.sql");
    let found = subject.session.column("read the settings of sessions", sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "no setting of the role or the database disturbs a migration tool",
        "remove the setting with ALTER DATABASE … RESET or ALTER ROLE … RESET, or give the \
         migrating role a value of its own",
    ))
}

fn invalid_indexes(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = "SELECT indexrelid::regclass::text AS found FROM pg_index i WHERE NOT indisvalid \
               AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p \
               WHERE p.index_relid = i.indexrelid) ORDER BY 1";
    let found = subject.session.column("look for invalid indexes", sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "every index is valid",
        "drop the index, or rebuild it with REINDEX INDEX CONCURRENTLY: queries do not use it, and \
         every write updates it",
    ))
}

fn unvalidated_constraints(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = "SELECT format('%I on %s', conname, conrelid::regclass) AS found \
               FROM pg_constraint c WHERE NOT convalidated AND conrelid <> 0 \
               AND coalesce(to_jsonb(c) ->> 'conenforced', 'true') = 'true' ORDER BY 1";
    let found = subject.session.column("look for constraints", sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "every constraint is validated",
        "run ALTER TABLE … VALIDATE CONSTRAINT in a migration: older rows may violate it",
    ))
}

fn sequences_near_end(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = include_str!("sql/sequences_near_end.sql");
    let found = subject.session.column("read the sequences", sql)?;
    Ok(Diagnosis::of_evidence(
        found,
        "no sequence has used 80 % of its values",
        "change the column and its sequence to bigint",
    ))
}

/// Only columns that an index begins with are compared: reading others would read the whole table.
fn sequences_behind(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let sql = include_str!("sql/owned_sequences.sql");
    let query = |row: &Row| Ok(row.text("query")?.to_owned());
    let rows = subject.session.rows("read the sequences of columns", sql)?;
    let queries: Vec<String> = rows.iter().map(query).collect::<Result<_>>()?;
    let found = match queries.is_empty() {
        true => Vec::new(),
        false => {
            let all = queries.join(" UNION ALL ");
            subject.session.column("compare sequences with their columns", &all)?
        }
    };
    Ok(Diagnosis::of_evidence(
        found,
        "no sequence is behind its column",
        "set the sequence with setval to the largest value of the column: inserts would fail",
    ))
}

fn leftovers(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let found = backup::left_by_killed_runs(&mut subject.session, &subject.target.database)?;
    Ok(Diagnosis::of_evidence(
        found.into_iter().map(|name| format!("database {name}")).collect(),
        "no killed run left a database",
        "the next rehearsal or restore of this database drops it",
    ))
}

fn drift(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let DatabaseSubject { world, settings, target, session, .. } = subject;
    let migrations = &settings.migrations;
    if migrations.layout.is_asked() {
        let why = format!("{} reports the history itself", migrations.layout.key());
        return Ok(Diagnosis::Skipped(why));
    }
    let history = migration::read_history(session, &migrations.layout)?;
    let glance = Glance::take(world, &settings.root, target, settings.environment.environment)?;
    Ok(match glance.drift(migrations, &history)? {
        None => Diagnosis::Skipped("no migration is applied".to_owned()),
        Some(Drift::Unknown(why)) => Diagnosis::Skipped(why.reason().to_owned()),
        Some(Drift::Absent { .. }) => {
            Diagnosis::Sound("the schema is the one that the migrations left".to_owned())
        }
        Some(Drift::Found { objects, .. }) => Diagnosis::of_evidence(
            objects.iter().map(|one| format!("{} is {}", one.object, one.how)).collect(),
            "",
            "`cargo db repair --drift` writes a migration with the changes",
        )
        .with_commands(&["cargo db status -v"]),
    })
}
