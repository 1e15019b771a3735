//! Backups and restores, and the programs of PostgreSQL that they use.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A backup that cannot be taken, found, read or restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("pg_dump and pg_restore for PostgreSQL {major} were not found")]
    NoClient { major: u32, package: String },
    #[error("`{name}` failed")]
    ClientFailed { name: String, why: String },
    #[error("cannot {doing} the backup: {why}")]
    Failed { doing: &'static str, why: String },
    #[error("there is no backup {what}")]
    NotFound { what: String },
    #[error("there is nothing to undo: no earlier version of `{database}` was kept")]
    NothingKept { database: String },
    #[error("there is no file `{path}`")]
    NoFile { path: String },
    #[error("`{folder}` is a folder of backups, and not a backup")]
    Folder { folder: String, newest: Option<String> },
    #[error(
        "the folder `{folder}` contains no complete backup of `{database}` (safety backups do not \
         count)"
    )]
    NoneWhole { database: String, folder: String, others: Vec<String> },
    #[error("the backup `{name}` contains only a part of `{database}`")]
    Part { name: String, database: String, part: Vec<String> },
    #[error("the backup `{name}` failed verification")]
    Unsound { name: String, problems: Vec<String> },
    #[error("could not verify the backup `{name}`; the backup itself may be fine")]
    Unverified { name: String, problems: Vec<String> },
    #[error(
        "`{name}` is not a valid name for a backup: it leads outside the folder, or is reserved"
    )]
    Name { name: String },
    #[error("the backup `{name}` cannot be restored here")]
    CannotRestore { name: String, problems: Vec<String> },
    #[error("line {line} of `{name}` is not a statement that pg_dump writes: {statement}")]
    NotOfDump { name: String, line: usize, statement: String },
    #[error("line {line} of the roles file of `{name}` grants rights on the server: {statement}")]
    RoleRights { name: String, line: usize, statement: String },
    #[error("`{name}` cannot be restored: {what}")]
    Unreadable { name: String, what: String, remedy: Option<String> },
    #[error("`{name}` does not end with pg_dump's closing comment")]
    Incomplete { name: String },
    #[error("no installed pg_restore is new enough for `{name}`, which pg_dump {written_by} wrote")]
    NoReader { name: String, written_by: String, package: String },
    #[error("`{name}` changed while it was restored")]
    Changed { name: String },
    #[error("`{role}` cannot dump `{database}`: row security hides rows from this role")]
    HiddenRows { database: String, role: String, tables: Vec<String> },
}

impl BackupError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            BackupError::NoClient { package, .. } => {
                Explanation::new("BACKUP.NO_CLIENT", Exit::Backup).advise(format!(
                    "install {package}, or set CARGO_DB_PG_BIN to the folder of pg_dump"
                ))
            }
            BackupError::ClientFailed { why, .. } => {
                Explanation::new("BACKUP.CLIENT_FAILED", Exit::Backup).because_text(why)
            }
            BackupError::Failed { doing: "read" | "read back", .. } => {
                find_a_sound_one(Explanation::new("BACKUP.FAILED", Exit::Backup))
            }
            BackupError::Failed { .. } => Explanation::new("BACKUP.FAILED", Exit::Backup),
            BackupError::NotFound { .. } => Explanation::new("BACKUP.NONE", Exit::Backup)
                .run("list the backups", "cargo db backups list"),
            BackupError::NothingKept { .. } => {
                Explanation::new("BACKUP.NOTHING_KEPT", Exit::Backup)
                    .run("to restore a backup instead, list the backups", "cargo db backups list")
            }
            BackupError::NoFile { .. } => Explanation::new("BACKUP.NO_FILE", Exit::Backup)
                .run("list the backups", "cargo db backups list"),
            BackupError::Folder { newest, .. } => of_folder(newest.as_deref()),
            BackupError::NoneWhole { others, .. } => {
                Explanation::new("BACKUP.NONE_WHOLE", Exit::Backup)
                    .because_of(others.iter().cloned())
                    .advise("take a complete backup, or name the backup that you want")
            }
            BackupError::Part { part, .. } => Explanation::new("BACKUP.PART", Exit::Usage)
                .because_of([format!("it was taken with {}", part.join(" "))])
                .advise("to replace only that part, pass `--table NAME` or `--schema NAME`")
                .advise("to restore it into a separate database, pass `--into NAME`"),
            BackupError::Unsound { problems, .. } => {
                find_a_sound_one(Explanation::new("BACKUP.UNSOUND", Exit::Backup))
                    .because_of(problems.iter().cloned())
            }
            BackupError::Unverified { problems, .. } => {
                Explanation::new("BACKUP.UNVERIFIED", Exit::Failed)
                    .because_of(problems.iter().cloned())
                    .because("the result of its last verification is kept")
            }
            BackupError::Name { .. } => Explanation::new("BACKUP.NAME", Exit::Usage),
            BackupError::CannotRestore { problems, .. } => {
                Explanation::new("RESTORE.PREFLIGHT", Exit::Backup)
                    .because_of(problems.iter().cloned())
            }
            BackupError::NotOfDump { .. } => Explanation::new("RESTORE.NOT_OF_DUMP", Exit::Backup)
                .because(
                    "a dump holds data and definitions; any other statement would run with your \
                     privileges",
                )
                .advise("if you have read the file and trust it, pass `--allow-any-sql`"),
            BackupError::RoleRights { .. } => Explanation::new("RESTORE.ROLE_RIGHTS", Exit::Backup)
                .because("only a backup that this project took may give roles rights on the server")
                .advise("create the role yourself, with its privileges"),
            BackupError::Unreadable { remedy, .. } => unreadable(remedy.as_deref()),
            BackupError::Incomplete { .. } => incomplete(),
            BackupError::NoReader { package, .. } => {
                Explanation::new("RESTORE.NO_READER", Exit::Backup).advise(format!(
                    "install {package} or newer, or set CARGO_DB_PG_BIN to the folder of pg_restore"
                ))
            }
            BackupError::Changed { .. } => Explanation::new("RESTORE.CHANGED", Exit::Backup)
                .because(
                    "nothing was restored: the file is no longer the one that you consented to",
                )
                .advise("review the file, then run the command again"),
            BackupError::HiddenRows { tables, .. } => {
                Explanation::new("BACKUP.HIDDEN_ROWS", Exit::Backup)
                    .because_of(tables.iter().map(|table| format!("{table} has row security")))
                    .advise(
                        "connect as a superuser, or as another role that sees all rows (see \
                         `ALTER ROLE … BYPASSRLS`)",
                    )
                    .advise(
                        "or, if this role owns the tables: `ALTER TABLE … NO FORCE ROW LEVEL \
                         SECURITY`",
                    )
            }
        }
    }
}

fn of_folder(newest: Option<&str>) -> Explanation {
    let folder = Explanation::new("BACKUP.FOLDER", Exit::Backup);
    let folder = match newest {
        Some(newest) => {
            folder.run("restore its newest backup", format!("cargo db restore {newest}"))
        }
        None => folder,
    };
    folder.run("list the backups", "cargo db backups list")
}

fn unreadable(remedy: Option<&str>) -> Explanation {
    let explanation = Explanation::new("RESTORE.UNREADABLE", Exit::Backup);
    match remedy {
        Some(command) => explanation.run("convert it first", command),
        None => explanation.run("list the backups", "cargo db backups list"),
    }
}

fn incomplete() -> Explanation {
    Explanation::new("RESTORE.INCOMPLETE", Exit::Backup)
        .because(
            "the comment that pg_dump writes last, `PostgreSQL database dump complete`, is \
             missing: the file was cut off, or another program wrote it",
        )
        .advise("if you know that nothing is missing, pass `--accept-incomplete`")
}

fn find_a_sound_one(explanation: Explanation) -> Explanation {
    explanation.run("find a valid one", "cargo db backups verify --all")
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<BackupError> {
    let text = str::to_owned;
    let problems = vec![text("rows: public.pupils has 2 rows, but the manifest says 3")];
    let full = vec![text("restore: cannot create the database: No space left on device")];
    let failed = |doing, why| BackupError::Failed { doing, why: text(why) };
    vec![
        BackupError::NoClient { major: 18, package: text("postgresql-client-18") },
        BackupError::ClientFailed {
            name: text("pg_dump"),
            why: text("permission denied for table pupils"),
        },
        failed("write", "No space left on device (os error 28)"),
        failed("read", "Input/output error (os error 5)"),
        failed("read back", "the disk returned different bytes from those written"),
        BackupError::NotFound { what: text("of `school`") },
        BackupError::NothingKept { database: text("school") },
        BackupError::NoFile { path: text("../prod.dump") },
        BackupError::Folder { folder: text("backups"), newest: Some(text("backups/a.sql.gz")) },
        BackupError::Folder { folder: text("backups"), newest: None },
        BackupError::NoneWhole {
            database: text("school"),
            folder: text("backups"),
            others: vec![text("school-1: partial (taken with --table=pupils)")],
        },
        BackupError::Part {
            name: text("school-1"),
            database: text("school"),
            part: vec![text("--table=pupils")],
        },
        BackupError::Unsound { name: text("school-1"), problems },
        BackupError::Unverified { name: text("school-1"), problems: full },
        BackupError::Name { name: text("../x") },
        BackupError::CannotRestore {
            name: text("school-1"),
            problems: vec![text("the role `teacher` does not exist on this server")],
        },
        BackupError::NotOfDump {
            name: text("school.sql"),
            line: 7,
            statement: text("DO $$ BEGIN END $$"),
        },
        BackupError::RoleRights {
            name: text("school-1"),
            line: 7,
            statement: text("ALTER ROLE ada WITH SUPERUSER"),
        },
        BackupError::Unreadable {
            name: text("school.sql.xz"),
            what: text("it is compressed with xz"),
            remedy: Some(text("xz -dk school.sql.xz")),
        },
        BackupError::Unreadable {
            name: text("school.sql"),
            what: text("it is empty"),
            remedy: None,
        },
        BackupError::Incomplete { name: text("school.sql") },
        BackupError::NoReader {
            name: text("school.dump"),
            written_by: text("18.6"),
            package: text("postgresql-client-17"),
        },
        BackupError::Changed { name: text("school.sql") },
        BackupError::HiddenRows {
            database: text("school"),
            role: text("app"),
            tables: vec![text("public.pupils")],
        },
    ]
}
