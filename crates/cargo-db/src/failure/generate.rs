//! Migrations that cannot be generated, and schemas that cannot be compared.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;
use crate::model::statement::ServerError;

/// A migration that is not generated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenerateError {
    #[error("there is no wanted schema to generate a migration from")]
    NoSource,
    #[error("db.toml names no schema file")]
    NoSchemaState,
    #[error("the schema file `{}` does not exist", file.display())]
    NoSchemaFile { file: PathBuf },
    #[error("`{typed}` is not a schema to compare with")]
    NotASource { typed: String, why: String },
    /// It is not repeated, because of the password that may be in it.
    #[error("a URL is not accepted as a schema to compare with")]
    Url { instead: &'static str },
    OwnGenerator { title: &'static str, command: Option<String> },
    #[error("the wanted schema cannot be loaded: `{}`", file.display())]
    NotLoaded { file: PathBuf, line: usize, server: Box<ServerError> },
    #[error("the changes cannot be generated as a proved migration")]
    Unsupported { objects: Vec<String> },
    #[error("the difference cannot be written as SQL")]
    NoDdl { objects: Vec<String> },
    #[error("the changes may include a rename")]
    PossibleRename { renames: Vec<AskedRename>, command: String },
    #[error("cannot rename {name}: {why}")]
    Rename { name: String, why: String, place: Option<(PathBuf, usize)> },
    #[error("the databases have different major versions of PostgreSQL: {one} and {other}")]
    OtherMajor { one: u32, other: u32 },
}

/// A rename that the user is asked about.
#[derive(Clone, Debug)]
pub(crate) struct AskedRename {
    /// In words.
    pub(crate) dropped: String,
    pub(crate) added: String,
    /// As `--rename` takes it.
    pub(crate) flag: String,
}

impl GenerateError {
    /// Refuses a name of a state that may contain a password.
    pub(crate) fn refuse_url(typed: &str, instead: &'static str) -> Result<(), GenerateError> {
        let is_connection = typed.contains("://") || typed.contains("password=");
        if is_connection { Err(GenerateError::Url { instead }) } else { Ok(()) }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            GenerateError::NoSource => Explanation::new("GENERATE.NO_SOURCE", Exit::Usage)
                .because("db.toml names no schema file, and `--from` was not given")
                .advise(
                    "describe the wanted schema in a file of SQL, and name it in db.toml: \
                         `[schema] file = \"schema.sql\"`",
                )
                .run(
                    "or generate the changes that were made by hand to your database",
                    "cargo db generate NAME --from-live",
                ),
            GenerateError::NoSchemaState => Explanation::new("DIFF.NO_SCHEMA_FILE", Exit::Usage)
                .because("the state `schema` is the file or folder of `[schema] file`")
                .advise(
                    "name the file in db.toml: `[schema] file = \"schema.sql\"`, or compare with \
                     `file:PATH`",
                ),
            GenerateError::NoSchemaFile { .. } => {
                Explanation::new("GENERATE.NO_SCHEMA_FILE", Exit::Usage)
                    .because("db.toml names it: `[schema] file`")
                    .run("write it from the migrations", "cargo db schema dump")
            }
            GenerateError::NotASource { why, .. } => {
                Explanation::new("GENERATE.NOT_A_SOURCE", Exit::Usage).because(why)
            }
            GenerateError::Url { instead } => {
                Explanation::new("GENERATE.NOT_A_SOURCE", Exit::Usage)
                    .because(format!("a URL can contain a password: write {instead}"))
            }
            GenerateError::OwnGenerator { title, command } => {
                let explained =
                    Explanation::new("GENERATE.OWN_GENERATOR", Exit::Usage).because(format!(
                        "{title} derives its migrations from a model of its own, which a \
                             migration from SQL would contradict"
                    ));
                match command {
                    Some(command) => explained.run("generate it with the tool", command),
                    None => explained.advise("write the migration with the tool"),
                }
            }
            GenerateError::NotLoaded { line, server, .. } => {
                let explained = Explanation::new("GENERATE.NOT_LOADED", Exit::Failed)
                    .because(format!("line {line}: {}", server.message))
                    .because("it was loaded into an empty scratch database; nothing was written");
                advice(explained, server)
            }
            GenerateError::Unsupported { objects } => {
                Explanation::new("GENERATE.UNSUPPORTED", Exit::Policy)
                    .because_of(objects.iter().cloned())
                    .because("nothing was written")
                    .advise(
                        "write this migration by hand (`cargo db create`), or leave these \
                             objects out of the wanted schema",
                    )
            }
            GenerateError::NoDdl { objects } => Explanation::new("DIFF.UNSUPPORTED", Exit::Policy)
                .because_of(objects.iter().cloned())
                .because("nothing was changed"),
            GenerateError::PossibleRename { renames, command } => asked(renames, command),
            GenerateError::Rename { place, .. } => {
                let explained = Explanation::new("GENERATE.RENAME", Exit::Usage);
                let place = place.iter().map(|(file, line)| format!("{}:{line}", file.display()));
                explained.because_of(place).advise(
                    "write a rename as `--rename old=new`, with the table's name before that of \
                     a column: `--rename users.mail=email`",
                )
            }
            GenerateError::OtherMajor { .. } => {
                Explanation::new("GENERATE.OTHER_MAJOR", Exit::Usage).because(
                    "PostgreSQL describes objects differently in each major version, so the \
                     differences would not be real",
                )
            }
        }
    }
}

/// One command for each rename: several of one object exclude each other.
fn asked(renames: &[AskedRename], command: &str) -> Explanation {
    let mut explained = Explanation::new("GENERATE.POSSIBLE_RENAME", Exit::Consent);
    for AskedRename { dropped, added, .. } in renames {
        explained = explained.because(format!("{dropped} may be {added} now"));
    }
    for AskedRename { dropped, added, flag } in renames {
        let label = match renames {
            [_] => "if it is a rename".to_owned(),
            _ => format!("if {dropped} is {added} now"),
        };
        explained = explained.run(&label, format!("{command} --rename {flag}"));
    }
    explained.run("if it is not: drop and add", format!("{command} --yes"))
}

/// What to do about a statement of the wanted schema that the server refused.
fn advice(explained: Explanation, server: &ServerError) -> Explanation {
    let name = server.quoted_name().unwrap_or("the name");
    match server.code.as_deref() {
        // undefined_object: a role, a type, an extension.
        Some("42704") if server.message.contains("role ") => explained.advise(format!(
            "create the role on this server (`CREATE ROLE {name}`): roles belong to the server and \
             not to a database"
        )),
        Some("0A000" | "58P01") if server.message.contains("extension ") => explained.advise(
            format!("install the extension {name} on this server, or select another server"),
        ),
        _ => match &server.hint {
            Some(hint) => explained.because(format!("hint: {hint}")),
            None => explained,
        },
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<GenerateError> {
    let text = str::to_owned;
    let not_loaded = |code: &str, message: &str| GenerateError::NotLoaded {
        file: "schema.sql".into(),
        line: 3,
        server: Box::new(ServerError {
            code: Some(text(code)),
            message: text(message),
            ..ServerError::default()
        }),
    };
    let asked = |added: &str| AskedRename {
        dropped: text("column users.mail (text)"),
        added: format!("column users.{added} (text)"),
        flag: format!("users.mail={added}"),
    };
    let possible =
        |renames| GenerateError::PossibleRename { renames, command: text("cargo db generate x") };
    vec![
        GenerateError::NoSource,
        GenerateError::NoSchemaState,
        GenerateError::NoSchemaFile { file: "schema.sql".into() },
        GenerateError::Url { instead: "`url:VARIABLE`" },
        GenerateError::NotASource { typed: text("x.sql"), why: text("no such file or variable") },
        GenerateError::OwnGenerator {
            title: "Prisma",
            command: Some(text("cargo db generate NAME")),
        },
        GenerateError::OwnGenerator { title: "Knex", command: None },
        not_loaded("42601", "syntax error at or near \"TABEL\""),
        not_loaded("42704", "role \"reader\" does not exist"),
        not_loaded("0A000", "extension \"postgis\" is not available"),
        GenerateError::Unsupported {
            objects: vec![text("table events: its partition key changes")],
        },
        GenerateError::NoDdl { objects: vec![text("table events: its partition key changes")] },
        possible(vec![asked("email")]),
        possible(vec![asked("email"), asked("contact")]),
        GenerateError::Rename {
            name: text("`users.mail` to `email`"),
            why: text("nothing has that name"),
            place: Some(("schema.sql".into(), 3)),
        },
        GenerateError::OtherMajor { one: 15, other: 17 },
    ]
}
