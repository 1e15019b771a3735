//! The command line and the settings.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, in_backticks, no_project};
use crate::model::environment::Environment;
use crate::model::target::TargetError;

/// A flag, a variable, a file or a URL that cannot be honoured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("{setting} is not a valid database URL: {why}")]
    Url { setting: String, why: String },
    #[error("{setting} asks for {}, which cargo db does not support", in_backticks(options))]
    OptionNotHonoured { setting: String, options: Vec<String> },
    #[error("`{flag}` contains a password, and other users can see the command line of a program")]
    PasswordInFlag { flag: &'static str },
    #[error("`{}`, line {line}: {why}", file.display())]
    File { file: PathBuf, line: usize, why: String, suggestion: Option<String> },
    #[error("`{}` belongs to another user (uid {owner}; you are uid {uid})", file.display())]
    ForeignOwner { file: PathBuf, owner: u32, uid: u32, root: PathBuf },
    #[error("{source_name} is `{value}`: {why}")]
    Value { source_name: String, value: String, why: String },
    #[error("{source_name} is `{value}`, which is not an environment")]
    UnknownEnvironment { source_name: String, value: String },
    #[error("{what}")]
    Usage { what: String },
    #[error("no database is configured for {environment}")]
    NoDatabase { environment: Environment, signals: Vec<String> },
    #[error("the files look like those of several tools: {}", in_folders(candidates))]
    SeveralTools { candidates: Vec<(String, String)>, set: Option<String> },
    #[error("db.toml has several sets of migrations; name one with --set: {}", sets.join(", "))]
    SeveralSets { sets: Vec<String>, command: String },
    #[error("the sets of migrations depend on each other in a circle: {}", circle.join(" -> "))]
    CircleOfSets { circle: Vec<String> },
    #[error("`{}` is not a project, so there are no migrations to check", folder.display())]
    NoProject { folder: PathBuf, above: Option<PathBuf> },
    #[error("{one} and {other} share the history table `{table}` in one database")]
    SharedHistory { one: String, other: String, table: String, tool: String },
}

impl SettingsError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            SettingsError::Url { .. } => Explanation::new("SETTINGS.URL", Exit::Usage),
            SettingsError::OptionNotHonoured { setting, .. } => {
                Explanation::new("SETTINGS.OPTION_NOT_HONOURED", Exit::Usage)
                    .advise(format!("remove it from {setting}, or pass another URL with `-D`"))
            }
            SettingsError::PasswordInFlag { .. } => {
                Explanation::new("SETTINGS.PASSWORD_IN_FLAG", Exit::Usage)
                    .advise("set it in DATABASE_URL (`.env`), PGPASSWORD or `~/.pgpass`")
            }
            SettingsError::File { suggestion, .. } => {
                let file = Explanation::new("SETTINGS.FILE", Exit::Usage);
                match suggestion {
                    Some(suggestion) => file.advise(format!("did you mean `{suggestion}`?")),
                    None => file,
                }
            }
            SettingsError::ForeignOwner { root, .. } => {
                let root = root.display();
                Explanation::new("SETTINGS.FOREIGN_OWNER", Exit::Usage)
                    .because("its owner could choose the database and the programs that run")
                    .run(
                        "to trust this repository, for example in a container",
                        format!("export CARGO_DB_TRUST={}", shell_words::quote(&root.to_string())),
                    )
                    .run("or once, at a terminal", "cargo db trust")
            }
            SettingsError::Value { .. } => Explanation::new("SETTINGS.VALUE", Exit::Usage),
            SettingsError::UnknownEnvironment { value, .. } => {
                let names = "use development, test, staging or production".to_owned();
                let near = Environment::nearest(value);
                Explanation::new("SETTINGS.ENVIRONMENT", Exit::Usage)
                    .advise(near.map_or(names, |near| format!("did you mean `{near}`?")))
            }
            SettingsError::Usage { .. } => Explanation::new("USAGE", Exit::Usage),
            SettingsError::NoDatabase { environment, signals } => {
                let reason = |signal| format!("environment: {environment}, from {signal}");
                Explanation::new("SETTINGS.NO_DATABASE", Exit::Usage)
                    .because_of(signals.iter().map(reason))
                    .advise(format!(
                        "set DATABASE_URL, in the environment or in `.env.{environment}`"
                    ))
            }
            SettingsError::SeveralTools { candidates, set } => {
                let table = match set {
                    Some(set) => format!("[migrations.{set}]"),
                    None => "[migrations]".to_owned(),
                };
                let mut lines: Vec<String> = candidates
                    .iter()
                    .map(|(tool, _)| format!("`tool = \"{tool}\"` below `{table}`"))
                    .collect();
                lines.dedup();
                Explanation::new("SETTINGS.SEVERAL_TOOLS", Exit::Usage)
                    .advise(format!("name the tool in db.toml: {}", lines.join(" or ")))
            }
            SettingsError::SeveralSets { sets, command } => {
                let several = Explanation::new("SETTINGS.SEVERAL_SETS", Exit::Usage);
                let of_set = |several: Explanation, set: &String| {
                    let named = format!("{command} --set {}", shell_words::quote(set));
                    several.run(&format!("for the set `{set}`"), named)
                };
                sets.iter().fold(several, of_set)
            }
            SettingsError::CircleOfSets { .. } => {
                Explanation::new("SETTINGS.CIRCLE_OF_SETS", Exit::Usage)
                    .advise("remove one of them from a `depends-on` in db.toml")
            }
            SettingsError::NoProject { above, .. } => {
                no_project(Explanation::new("CHECK.NO_PROJECT", Exit::Usage), above.as_deref())
            }
            SettingsError::SharedHistory { one, tool, .. } => {
                Explanation::new("SETTINGS.SHARED_HISTORY", Exit::Usage)
                    .because("each would treat the migrations of the other as its own")
                    .advise(format!(
                        "below {one} in db.toml, set a separate database with `url`, or a separate \
                         table with `table`, and configure {tool} to use the same"
                    ))
            }
        }
    }
}

fn in_folders(candidates: &[(String, String)]) -> String {
    let shown = candidates.iter().map(|(tool, folder)| format!("{tool} in `{folder}`"));
    shown.collect::<Vec<_>>().join(", ")
}

impl From<TargetError> for SettingsError {
    fn from(error: TargetError) -> SettingsError {
        match error {
            TargetError::Unreadable { setting, why } => SettingsError::Url { setting, why },
            TargetError::NotHonoured { setting, options } => {
                SettingsError::OptionNotHonoured { setting, options }
            }
        }
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<SettingsError> {
    let text = str::to_owned;
    let file = |suggestion| SettingsError::File {
        file: "db.toml".into(),
        line: 3,
        why: text("unknown field `dri`"),
        suggestion,
    };
    let several = |set| SettingsError::SeveralTools {
        candidates: ["sqlx", "golang-migrate"].map(|tool| (text(tool), text("migrations"))).into(),
        set,
    };
    let unknown = |value| SettingsError::UnknownEnvironment {
        source_name: text("--env"),
        value: text(value),
    };
    vec![
        SettingsError::Url { setting: text("DATABASE_URL"), why: text("its host has no `]`") },
        SettingsError::OptionNotHonoured {
            setting: text("DATABASE_URL"),
            options: vec![text("sslcrl")],
        },
        SettingsError::PasswordInFlag { flag: "--database-url" },
        file(None),
        file(Some(text("dir"))),
        SettingsError::ForeignOwner {
            file: "/p/db.toml".into(),
            owner: 1000,
            uid: 0,
            root: "/p".into(),
        },
        SettingsError::Value {
            source_name: text("PGPORT"),
            value: text("x"),
            why: text("it is not a number"),
        },
        unknown("stagin"),
        unknown("elsewhere"),
        SettingsError::Usage { what: text("the command in db.toml is empty") },
        SettingsError::NoDatabase {
            environment: Environment::Production,
            signals: vec![text("DB_ENV (prod)")],
        },
        several(None),
        several(Some(text("api"))),
        SettingsError::SeveralSets {
            sets: vec![text("jobs"), text("web")],
            command: text("cargo db migrate"),
        },
        SettingsError::CircleOfSets { circle: vec![text("jobs"), text("web"), text("jobs")] },
        SettingsError::NoProject { folder: "/p/app".into(), above: Some("/p".into()) },
        SettingsError::NoProject { folder: "/p".into(), above: None },
        SettingsError::SharedHistory {
            one: text("[migrations.jobs]"),
            other: text("[migrations.web]"),
            table: text("_sqlx_migrations"),
            tool: text("sqlx"),
        },
    ]
}
