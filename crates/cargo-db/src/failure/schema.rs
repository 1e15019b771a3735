//! The schema of a database, and the file that holds the one to which the migrations lead.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;
use crate::model::environment::Environment;

/// A statement that may affect more than its database.
#[derive(Clone, Debug)]
pub(crate) struct ServerWideStatement {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl ServerWideStatement {
    /// The place and the reason, on a line.
    pub(crate) fn describe(&self) -> String {
        format!("{}:{}: {}", self.file.display(), self.line, self.why)
    }
}

/// A schema that is not shown, not written or not compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("there is no table or view `{table}` in `{database}`")]
    NoTable { table: String, database: String, similar: Option<String> },
    #[error("`{table}` is the name of several tables")]
    SeveralTables { table: String, found: Vec<String> },
    #[error("`{table}` cannot be the centre of a diagram")]
    NotDrawn { table: String },
    #[error("db.toml has no diagram view `{name}`")]
    NoView { name: String, views: Vec<String> },
    #[error("{tables} tables are too many for a Mermaid diagram")]
    TooLarge { tables: usize },
    #[error("db.toml names no schema file")]
    NoFile,
    #[error("all sets of migrations would share the schema file `{}`", file.display())]
    SharedFile { file: PathBuf },
    #[error("`{}` was not written by cargo db, and is not replaced", file.display())]
    NotOurs { file: PathBuf },
    #[error("`{command}` is not available in {environment}")]
    NotHere { command: String, environment: Environment },
    #[error("`{}` may affect other databases", .0.file.display())]
    Outside(ServerWideStatement),
    #[error("the migrations cannot be applied to an empty database")]
    NotBuilt { why: Vec<String>, has_base: bool },
    #[error("`{database}` differs from what the migrations build that are to be recorded")]
    NotAsRecorded { database: String, objects: Vec<String>, command: String },
    #[error("the schema file would leave out objects of unsupported kinds")]
    Uncovered { objects: Vec<String> },
}

impl SchemaError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            SchemaError::NoTable { similar: Some(similar), .. } => {
                let shown = shell_words::quote(similar);
                Explanation::new("SCHEMA.NO_TABLE", Exit::Usage).run(
                    &format!("there is a similar name, `{similar}`"),
                    format!("cargo db schema show {shown}"),
                )
            }
            SchemaError::NoTable { similar: None, .. } => {
                Explanation::new("SCHEMA.NO_TABLE", Exit::Usage)
                    .run("list the tables", "cargo db schema show")
            }
            SchemaError::SeveralTables { found, .. } => {
                Explanation::new("SCHEMA.SEVERAL_TABLES", Exit::Usage)
                    .because_of(found.iter().cloned())
                    .advise("name the schema, as in `public.users`")
            }
            SchemaError::NotDrawn { .. } => Explanation::new("SCHEMA.NOT_DRAWN", Exit::Usage)
                .because("a diagram shows only tables: no views and no partitions")
                .run("list the tables", "cargo db schema show"),
            SchemaError::NoView { views, .. } if views.is_empty() => {
                Explanation::new("SCHEMA.NO_VIEW", Exit::Usage).advise(
                    "add one to db.toml: `billing = { around = [\"invoices\"] }` below \
                     `[diagram.views]`",
                )
            }
            SchemaError::NoView { views, .. } => Explanation::new("SCHEMA.NO_VIEW", Exit::Usage)
                .advise(format!("the views are: {}", views.join(", "))),
            SchemaError::TooLarge { .. } => Explanation::new("SCHEMA.TOO_LARGE", Exit::Usage)
                .because("Mermaid refuses diagrams of more than 50,000 characters")
                .run("draw an image", "cargo db diagram --format svg --output schema.svg")
                .advise("or draw a part: `--around TABLE`"),
            SchemaError::NoFile => Explanation::new("SCHEMA.NO_FILE", Exit::Usage)
                .advise("name one in db.toml: `file = \"schema.sql\"` below `[schema]`"),
            SchemaError::SharedFile { .. } => Explanation::new("SCHEMA.SHARED_FILE", Exit::Usage)
                .because("each set has its own schema")
                .advise("put `{set}` into the file name, as in `file = \"schema-{set}.sql\"`"),
            SchemaError::NotOurs { .. } => Explanation::new("SCHEMA.NOT_OURS", Exit::Usage)
                .because("the file does not begin like a schema file of cargo db")
                .advise("remove it, or name another file in `[schema] file` in db.toml"),
            SchemaError::NotHere { .. } => Explanation::new("SCHEMA.NOT_HERE", Exit::Policy)
                .because("the command runs all migrations on a scratch database on the same server")
                .advise("run it in development or in CI"),
            SchemaError::Outside(ServerWideStatement { line, why, .. }) => {
                Explanation::new("SCHEMA.OUTSIDE", Exit::Failed)
                    .because(format!("line {line}: {why}"))
                    .because(
                        "the file was not run on the scratch database, and nothing was written",
                    )
                    .advise(
                        "move the statements that affect the whole server to a separate file that \
                         begins with `-- cargo-db: allow outside-database`; such files are not run",
                    )
            }
            SchemaError::NotBuilt { why, has_base } => not_built(why, *has_base),
            SchemaError::NotAsRecorded { objects, command, .. } => {
                Explanation::new("BASELINE.DIFFERS", Exit::History)
                    .because_of(objects.iter().cloned())
                    .advise("change the database, or stop before a migration with `--to`")
                    .run("record them in spite of that", format!("{command} --accept-differences"))
            }
            SchemaError::Uncovered { objects } => {
                Explanation::new("SCHEMA.UNCOVERED", Exit::Backup)
                    .because_of(objects.iter().cloned())
                    .because("nothing was written")
                    .advise("to work without a schema file, remove `[schema] file` from db.toml")
            }
        }
    }
}

/// A database that the migrations alone do not build.
fn not_built(why: &[String], has_base: bool) -> Explanation {
    Explanation::new("SCHEMA.NOT_BUILT", Exit::Failed)
        .because_of(why.iter().cloned())
        .because("they ran on a scratch database; nothing was written")
        .advise(match has_base {
            true => {
                "check that `[schema] base` in db.toml is the schema as it was before the first \
                 migration after `base-version`"
            }
            false => {
                "if the database existed before its first migration (`cargo db baseline`), save \
                 its schema from that time in a file, and name the file: `base = \"base.sql\"` \
                 below `[schema]`"
            }
        })
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<SchemaError> {
    let text = str::to_owned;
    let no_table = |similar: Option<&str>| SchemaError::NoTable {
        table: text("pupil"),
        database: text("school"),
        similar: similar.map(text),
    };
    let not_built = |has_base| SchemaError::NotBuilt {
        why: vec![text("migrations/1_a.up.sql:1:13: relation \"users\" does not exist")],
        has_base,
    };
    vec![
        no_table(Some("pupils")),
        no_table(None),
        SchemaError::SeveralTables {
            table: text("users"),
            found: vec![text("app.users"), text("shop.users")],
        },
        SchemaError::NotDrawn { table: text("pupils_2026") },
        SchemaError::NoView { name: text("bills"), views: Vec::new() },
        SchemaError::NoView { name: text("bills"), views: vec![text("billing"), text("lessons")] },
        SchemaError::TooLarge { tables: 3_000 },
        SchemaError::NoFile,
        SchemaError::SharedFile { file: "schema.sql".into() },
        SchemaError::NotOurs { file: "db/schema.sql".into() },
        SchemaError::NotHere { command: text("schema dump"), environment: Environment::Production },
        SchemaError::Outside(ServerWideStatement {
            file: "migrations/1_a.up.sql".into(),
            line: 3,
            why: text("CREATE ROLE affects all databases of the server"),
        }),
        not_built(false),
        not_built(true),
        SchemaError::NotAsRecorded {
            database: "school".to_owned(),
            objects: vec!["column public.users.age is missing".to_owned()],
            command: "cargo db baseline".to_owned(),
        },
        SchemaError::Uncovered { objects: vec![text("language plsample")] },
    ]
}
