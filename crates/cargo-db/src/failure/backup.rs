//! Backups and restores, and the programs of PostgreSQL that they use.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A backup that cannot be taken, found, believed or restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("no pg_dump and pg_restore for PostgreSQL {major} were found")]
    NoClient { major: u32, package: String },
    #[error("`{name}` failed")]
    ClientFailed { name: String, why: String },
    #[error("cannot {doing} the backup: {why}")]
    Failed { doing: &'static str, why: String },
    #[error("there is no backup {what}")]
    NotFound { what: String },
    #[error("the backup `{name}` is not sound")]
    Unsound { name: String, problems: Vec<String> },
    #[error(
        "`{name}` cannot be the name of a backup: it would leave the folder, or it is taken by \
         cargo db"
    )]
    Name { name: String },
    #[error("the backup `{name}` cannot be restored here")]
    CannotRestore { name: String, problems: Vec<String> },
    #[error("`{role}` cannot dump `{database}`: row security hides rows from it")]
    HiddenRows { database: String, role: String, tables: Vec<String> },
}

impl BackupError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            BackupError::NoClient { package, .. } => {
                Explanation::new("BACKUP.NO_CLIENT", Exit::Backup)
                    .advise(format!("install {package}, or name its folder in CARGO_DB_PG_BIN"))
            }
            BackupError::ClientFailed { why, .. } => {
                Explanation::new("BACKUP.CLIENT_FAILED", Exit::Backup).because_text(why)
            }
            BackupError::Failed { doing: "read" | "read back", .. } => {
                find_a_sound_one(Explanation::new("BACKUP.FAILED", Exit::Backup))
            }
            BackupError::Failed { .. } => Explanation::new("BACKUP.FAILED", Exit::Backup),
            BackupError::NotFound { .. } => Explanation::new("BACKUP.NONE", Exit::Backup)
                .run("see which there are", "cargo db backups list"),
            BackupError::Unsound { problems, .. } => {
                find_a_sound_one(Explanation::new("BACKUP.UNSOUND", Exit::Backup))
                    .because_of(problems.iter().cloned())
            }
            BackupError::Name { .. } => Explanation::new("BACKUP.NAME", Exit::Usage),
            BackupError::CannotRestore { problems, .. } => {
                Explanation::new("RESTORE.PREFLIGHT", Exit::Backup)
                    .because_of(problems.iter().cloned())
            }
            BackupError::HiddenRows { tables, .. } => {
                Explanation::new("BACKUP.HIDDEN_ROWS", Exit::Backup)
                    .because_of(tables.iter().map(|table| format!("row security of {table}")))
                    .advise(
                        "connect as a superuser, or as another role that sees all rows: \
                         `ALTER ROLE … BYPASSRLS`",
                    )
                    .advise(
                        "or let the owner see its tables: `ALTER TABLE … NO FORCE ROW LEVEL \
                         SECURITY`",
                    )
            }
        }
    }
}

fn find_a_sound_one(explanation: Explanation) -> Explanation {
    explanation.run("look for one that is", "cargo db backups verify --all")
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<BackupError> {
    let text = str::to_owned;
    let problems = vec![text("`pupils` has 2 rows, and 3 were written")];
    let failed = |doing| BackupError::Failed { doing, why: text("the disk is full") };
    vec![
        BackupError::NoClient { major: 18, package: text("postgresql-client-18") },
        BackupError::ClientFailed { name: text("pg_dump"), why: text("permission denied") },
        failed("write"),
        failed("read"),
        failed("read back"),
        BackupError::NotFound { what: text("of `school`") },
        BackupError::Unsound { name: text("school-1"), problems: problems.clone() },
        BackupError::Name { name: text("../x") },
        BackupError::CannotRestore { name: text("school-1"), problems },
        BackupError::HiddenRows {
            database: text("school"),
            role: text("app"),
            tables: vec![text("public.pupils")],
        },
    ]
}
