//! What was not agreed to, and what policy refuses whatever is agreed to.

use std::path::{Path, PathBuf};

use crate::failure::approval::as_planned;
use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use pg_sql::quote::quote_identifier;

/// Consent that is missing, that is for something else, or that nothing can replace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsentError {
    #[error("declined: nothing was changed")]
    Declined,
    #[error("declined: no backup was taken")]
    NoBackup { command: String },
    #[error("`{verb}` on `{database}` ({environment}) needs {}", needed(*consent))]
    Missing {
        verb: &'static str,
        /// The command as it was typed, without its consent flags.
        command: String,
        database: String,
        environment: Environment,
        consent: Consent,
        /// The flag for the bounds of losses, with a leading space; empty if nothing is lost.
        bounds: String,
        /// What makes it ask for so much.
        signals: Vec<String>,
        /// Whether a person has to approve the plan, because an AI agent asks.
        approval: bool,
    },
    #[error("`{}` would be a second folder of migrations, besides {elsewhere}", folder.display())]
    SecondFolder {
        folder: PathBuf,
        /// The other folders, with their tools.
        elsewhere: String,
        /// They as they can be typed here, and as db.toml names them.
        others: Vec<(PathBuf, PathBuf)>,
        /// The command as it was typed, without its consent flags.
        command: String,
    },
    #[error("an AI agent called this command, and only a person can consent to loading {what}")]
    LoadByAgent { what: String, verb: &'static str, command: String },
    #[error("`--confirm {given}` does not match the name of the database, `{database}`")]
    WrongName {
        given: String,
        database: String,
        /// The command with the right name.
        command: String,
    },
    #[error("`--plan {given}` does not match the id of this plan, {plan}")]
    WrongPlan { given: String, plan: String, command: String },
    #[error("the plan `{given}` was already carried out; a plan id is valid for only one run")]
    PlanUsedUp { given: String, command: String },
    #[error("`--lose-at-most` does not say how many rows of {} may be lost", objects.join(", "))]
    NoBound { objects: Vec<String>, command: String },
    #[error("more rows would be lost than the plan allows: {}", beyond(object, *found, *bound))]
    MoreLost { object: String, found: Option<u64>, bound: u64, command: String },
    #[error("the plan changed from `{before}` to {now}")]
    PlanChanged { before: String, now: String },
    #[error("`{}` configures programs that are not trusted", root.display())]
    Untrusted { root: PathBuf, commands: Vec<String>, changed: bool },
    #[error("an AI agent ({agent}) called this command, and only a person can trust programs")]
    TrustByAgent { agent: String },
    #[error("trust can only be given at a terminal")]
    TrustWithoutTerminal { root: PathBuf },
    #[error("`{verb}` needs to read tables that the role `{role}` has no privilege on")]
    Unreadable { verb: &'static str, role: String, tables: Vec<String> },
    #[error("`{verb}` is refused in {environment}")]
    Refused { verb: &'static str, environment: Environment, signals: Vec<String> },
}

impl ConsentError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            ConsentError::Declined => Explanation::new("CONSENT.DECLINED", Exit::Consent),
            ConsentError::NoBackup { command } => {
                Explanation::new("CONSENT.DECLINED", Exit::Consent)
                    .because("pressing Enter means no: answer `y` to take the backup")
                    .run("take the backup without a prompt", format!("{command} --yes"))
            }
            ConsentError::Missing { command, signals, approval: true, .. } => {
                Explanation::new("CONSENT.MISSING", Exit::Consent)
                    .because_of(signals.iter().cloned())
                    .because("here, a person has to approve the plan")
                    .run(
                        "keep the plan, and ask a person to approve it",
                        format!("{} --for-approval", as_planned(command)),
                    )
            }
            ConsentError::Missing { command, database, consent, bounds, signals, .. } => {
                let missing = Explanation::new("CONSENT.MISSING", Exit::Consent)
                    .because_of(signals.iter().cloned());
                consent_hint(missing, command, database, (*consent, bounds))
            }
            ConsentError::SecondFolder { others, command, .. } => second_folder(others, command),
            ConsentError::LoadByAgent { command, .. } => {
                Explanation::new("CONSENT.BY_AGENT", Exit::Consent)
                    .because(
                        "this project did not take it as a backup, and loading it runs the code \
                         in it",
                    )
                    .run("ask a person to review the file and to run", command)
            }
            ConsentError::WrongName { command, .. } => {
                Explanation::new("CONSENT.WRONG_NAME", Exit::Consent)
                    .run("if this is the right database", command)
            }
            ConsentError::WrongPlan { command, .. } => {
                Explanation::new("CONSENT.WRONG_PLAN", Exit::Consent)
                    .run("show the current plan", format!("{command} --dry-run"))
            }
            ConsentError::PlanUsedUp { command, .. } => {
                Explanation::new("CONSENT.USED_UP", Exit::Policy)
                    .run("show the current plan", format!("{command} --dry-run"))
            }
            ConsentError::NoBound { command, .. } => {
                Explanation::new("CONSENT.NO_BOUND", Exit::Consent)
                    .because(
                        "to consent to a plan, state the largest acceptable loss of each object",
                    )
                    .run("show the plan with its bounds", format!("{command} --dry-run"))
            }
            ConsentError::MoreLost { command, .. } => {
                Explanation::new("CONSENT.MORE_LOST", Exit::Policy)
                    .run("show the current plan", format!("{command} --dry-run"))
            }
            ConsentError::PlanChanged { .. } => Explanation::new("PLAN.CHANGED", Exit::Consent)
                .advise("run the command again to see the new plan"),
            ConsentError::Untrusted { root, commands, changed } => {
                untrusted(root, commands, *changed)
            }
            ConsentError::TrustByAgent { .. } => Explanation::new("TRUST.BY_AGENT", Exit::Policy)
                .run("ask a person to review the commands and to run", "cargo db trust"),
            ConsentError::TrustWithoutTerminal { root } => {
                Explanation::new("TRUST.NO_TERMINAL", Exit::Consent)
                    .run("without a terminal, as in CI", by_variable(root))
            }
            ConsentError::Unreadable { role, tables, .. } => {
                Explanation::new("POLICY.UNREADABLE", Exit::Policy)
                    .because_of(tables.iter().map(|table| format!("cargo_db.{table}")))
                    .advise(format!(
                        "ask the owner of these tables to run `{}`",
                        grants(role, tables)
                    ))
            }
            ConsentError::Refused { verb, signals, .. } => {
                let refused = Explanation::new("POLICY.REFUSED", Exit::Policy)
                    .because_of(signals.iter().cloned())
                    .advise("no flag overrides this");
                alternatives(refused, verb)
            }
        }
    }
}

fn second_folder(others: &[(PathBuf, PathBuf)], command: &str) -> Explanation {
    let second = Explanation::new("CREATE.SECOND_FOLDER", Exit::Consent);
    let of_folder = |all: Explanation, (typed, _): &(PathBuf, PathBuf)| {
        let folder = typed.display().to_string();
        let dir = shell_words::quote(&folder);
        let label = format!("to create it in `{folder}`");
        all.run(&label, format!("{command} --migrations-dir {dir}"))
    };
    others
        .iter()
        .fold(second, of_folder)
        .advise(format!(
            "to name that folder in db.toml: `dir = \"{}\"` below `[migrations]`",
            others.first().map(|(_, dir)| dir.display().to_string()).unwrap_or_default()
        ))
        .run("to begin a second folder", format!("{command} --yes"))
}

fn untrusted(root: &Path, commands: &[String], changed: bool) -> Explanation {
    let untrusted = Explanation::new("TRUST.MISSING", Exit::Consent);
    let untrusted = match changed {
        true => untrusted.because("the programs have changed since they were trusted"),
        false => untrusted,
    };
    untrusted
        .because_of(commands.iter().cloned())
        .run("review and trust them at a terminal", "cargo db trust")
        .run("without a terminal, as in CI", by_variable(root))
}

fn by_variable(root: &Path) -> String {
    format!("export CARGO_DB_TRUST={}", shell_words::quote(&root.display().to_string()))
}

/// The statements that let a role read these tables; into the trail it writes too.
fn grants(role: &str, tables: &[String]) -> String {
    let role = quote_identifier(role);
    let tables = tables.iter().map(|table| match table.as_str() {
        "audit" => format!("GRANT SELECT, INSERT ON cargo_db.audit TO {role}"),
        _ => format!("GRANT SELECT ON cargo_db.{} TO {role}", quote_identifier(table)),
    });
    let schema = format!("GRANT USAGE ON SCHEMA cargo_db TO {role}");
    std::iter::once(schema).chain(tables).collect::<Vec<_>>().join("; ")
}

fn beyond(object: &str, found: Option<u64>, bound: u64) -> String {
    match found {
        Some(found) => format!("{object} has {found} rows, and at most {bound} may be lost"),
        None => format!("{object} cannot be counted, and at most {bound} rows may be lost"),
    }
}

fn needed(consent: Consent) -> &'static str {
    match consent {
        Consent::Free => "nothing",
        Consent::Confirm => "a confirmation",
        Consent::ByName => "consent by name",
        Consent::ToPlan => "consent to the plan",
    }
}

fn consent_hint(
    missing: Explanation,
    command: &str,
    database: &str,
    (consent, bounds): (Consent, &str),
) -> Explanation {
    let database = shell_words::quote(database);
    match consent {
        Consent::Free => missing,
        Consent::Confirm => missing.run("to confirm", format!("{command} --yes")),
        Consent::ByName => missing.run("to confirm", format!("{command} --confirm {database}")),
        Consent::ToPlan => {
            missing.run("show the plan and its id", format!("{command} --dry-run")).run(
                "consent to exactly that plan",
                format!("{command} --confirm {database} --plan <id>{bounds}"),
            )
        }
    }
}

/// What is right where a verb is refused.
fn alternatives(refused: Explanation, verb: &str) -> Explanation {
    match verb {
        "reset" => {
            refused.run("to go back to an earlier state", "cargo db restore --dry-run --latest")
        }
        "seed --fresh" => {
            refused.run("to load only the seeds that are missing", "cargo db seed --dry-run")
        }
        _ => refused.run("show the policy", "cargo db policy"),
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<ConsentError> {
    let text = str::to_owned;
    let (database, command) = (text("school"), text("cargo db migrate"));
    let missing = |consent| ConsentError::Missing {
        verb: "migrate",
        command: command.clone(),
        database: database.clone(),
        environment: Environment::Production,
        consent,
        bounds: text(" --lose-at-most pupils=12"),
        signals: vec![text("environment: production, from DB_ENV (prod)")],
        approval: false,
    };
    let more_lost = |found| {
        let (object, command) = (text("pupils"), command.clone());
        ConsentError::MoreLost { object, found, bound: 12, command }
    };
    let refused = |verb| ConsentError::Refused {
        verb,
        environment: Environment::Production,
        signals: vec![text("environment: production, from DB_ENV (prod)")],
    };
    vec![
        ConsentError::SecondFolder {
            folder: PathBuf::from("migrations"),
            elsewhere: text("`crates/db/migrations` (sqlx)"),
            others: vec![("../crates/db/migrations".into(), "crates/db/migrations".into())],
            command: text("cargo db create add users"),
        },
        ConsentError::Declined,
        ConsentError::NoBackup { command: text("cargo db backup") },
        missing(Consent::Confirm),
        missing(Consent::ByName),
        missing(Consent::ToPlan),
        ConsentError::Missing {
            verb: "migrate",
            command: command.clone(),
            database: database.clone(),
            environment: Environment::Staging,
            consent: Consent::ToPlan,
            bounds: String::new(),
            signals: Vec::new(),
            approval: true,
        },
        ConsentError::LoadByAgent {
            what: text("school.sql"),
            verb: "backups verify",
            command: command.clone(),
        },
        ConsentError::WrongName {
            given: text("x"),
            database: database.clone(),
            command: text("cargo db migrate --confirm school"),
        },
        ConsentError::WrongPlan { given: text("a"), plan: text("b"), command: command.clone() },
        ConsentError::PlanUsedUp { given: text("a"), command: command.clone() },
        ConsentError::NoBound { objects: vec![text("pupils")], command: command.clone() },
        more_lost(Some(5_000)),
        more_lost(None),
        ConsentError::PlanChanged { before: text("a"), now: text("`b`") },
        ConsentError::Untrusted {
            root: "/p".into(),
            commands: vec![text("seeds.command: ./seed")],
            changed: false,
        },
        ConsentError::Untrusted { root: "/p".into(), commands: Vec::new(), changed: true },
        ConsentError::TrustByAgent { agent: text("AI_AGENT") },
        ConsentError::TrustWithoutTerminal { root: "/p".into() },
        ConsentError::Unreadable {
            verb: "migrate",
            role: text("app"),
            tables: vec![text("audit"), text("marker")],
        },
        refused("reset"),
        refused("seed --fresh"),
        refused("rollback"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_database_is_one_word() {
        for consent in [Consent::ByName, Consent::ToPlan] {
            let missing = Explanation::new("CONSENT.MISSING", Exit::Consent);
            let agree = consent_hint(missing, "cargo db reset", "my db; ls", (consent, ""));
            let command =
                agree.hints.last().and_then(|hint| hint.command.clone()).unwrap_or_default();
            let words = shell_words::split(&command).unwrap_or_default();
            assert_eq!(words.get(4).map(String::as_str), Some("my db; ls"), "{command}");
        }
    }
}
