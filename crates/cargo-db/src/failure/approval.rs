//! Approvals of plans by a person, and plans that were kept for that.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;
use crate::model::environment::Environment;
use pg_sql::quote::quote_identifier;

/// An approval that is missing or does not hold, or a plan that cannot be approved or applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApprovalError {
    #[error("no person has approved the plan {plan} of `{verb}` on `{database}` ({environment})")]
    Missing {
        plan: String,
        verb: &'static str,
        database: String,
        environment: Environment,
        /// The command as it was typed, without its consent flags.
        command: String,
    },
    #[error("the approval of the plan {plan} has expired")]
    Expired { plan: String },
    #[error("the approval of the plan {plan} was already used; it is valid for only one run")]
    Used { plan: String },
    #[error("the signed approval in `{}` does not count: {why}", file.display())]
    BadSignature { file: PathBuf, why: String, plan: String },
    #[error("approvals in `{database}` do not hold against the role `{role}`")]
    Unsafe { database: String, role: String, doubts: Vec<String> },
    #[error("the server has no role `cargo_db_approver`, which would own approvals")]
    NoApprover { database: String },
    #[error("`{role}` cannot approve plans on `{database}`: {why}")]
    CannotApprove { role: String, database: String, why: String },
    #[error("an AI agent ({agent}) called this command, and only a person can approve a plan")]
    ByAgent { agent: String, command: String },
    #[error("a person approves at a terminal, or CI with a signing key")]
    NoTerminal {
        /// The command that signs, if it can be signed.
        sign: Option<String>,
    },
    #[error("there is no kept plan `{plan}`")]
    NoPlan { plan: String },
    #[error("`{}` is not a kept plan: {why}", file.display())]
    NotAPlan { file: PathBuf, why: String },
    #[error("the plan {plan} is from {made}: a kept plan is valid for 24 hours")]
    TooOld { plan: String, made: String, command: String },
    #[error("`{}` holds the plan {found}, and not {plan}", file.display())]
    OtherPlan { file: PathBuf, found: String, plan: String },
    #[error("the plan {plan} is {now} now: the database, the files or the settings have changed")]
    Changed { plan: String, now: String, command: String },
    #[error("the plan {plan} changes {theirs}, and your settings name {own}")]
    OtherPlace { plan: String, theirs: String, own: String },
    #[error("the plan {plan} is one of `{verb}`, and not of `{wanted}`")]
    OtherVerb { plan: String, verb: String, wanted: &'static str },
}

impl ApprovalError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            ApprovalError::Missing { plan, command, .. } => {
                Explanation::new("APPROVAL.MISSING", Exit::Consent)
                    .because(
                        "an AI agent called this command, and here a person approves its plans",
                    )
                    .run(
                        "keep the plan for a person",
                        format!("{} --for-approval", as_planned(command)),
                    )
                    .run("a person approves it at a terminal", format!("cargo db approve {plan}"))
            }
            ApprovalError::Expired { plan } => Explanation::new("APPROVAL.EXPIRED", Exit::Consent)
                .run("a person approves it again", format!("cargo db approve {plan}")),
            ApprovalError::Used { .. } => Explanation::new("APPROVAL.USED", Exit::Policy)
                .advise("make a new plan, and ask a person to approve it"),
            ApprovalError::BadSignature { plan, .. } => {
                Explanation::new("APPROVAL.SIGNATURE", Exit::Policy)
                    .run("a person accepts the key", "cargo db approve --accept-key <public key>")
                    .run("or approves the plan", format!("cargo db approve {plan}"))
            }
            ApprovalError::Unsafe { database, doubts, .. } => {
                let unsafe_here = Explanation::new("APPROVAL.UNSAFE", Exit::Policy)
                    .because_of(doubts.iter().cloned());
                set_up(unsafe_here, database)
            }
            ApprovalError::NoApprover { database } => {
                set_up(Explanation::new("APPROVAL.NO_APPROVER", Exit::Policy), database)
            }
            ApprovalError::CannotApprove { database, .. } => {
                Explanation::new("APPROVAL.CANNOT_APPROVE", Exit::Policy)
                    .advise(format!(
                        "as a superuser: GRANT CREATE ON DATABASE {} TO cargo_db_approver",
                        quote_identifier(database)
                    ))
                    .advise(
                        "connect with `--as ROLE`, where ROLE is cargo_db_approver or a member of \
                         it",
                    )
            }
            ApprovalError::ByAgent { command, .. } => {
                Explanation::new("APPROVAL.BY_AGENT", Exit::Policy)
                    .run("ask a person to review the plan and to run", command)
            }
            ApprovalError::NoTerminal { sign } => {
                let missing = Explanation::new("APPROVAL.NO_TERMINAL", Exit::Consent);
                match sign {
                    Some(sign) => missing.run("in CI, with the key in CARGO_DB_SIGNING_KEY", sign),
                    None => missing.advise("run the command at a terminal"),
                }
            }
            ApprovalError::NoPlan { .. } => Explanation::new("PLAN.UNKNOWN", Exit::Usage)
                .run("keep a plan here, for example", "cargo db plan migrate")
                .advise("a plan that was kept elsewhere is read with `--plan-file FILE`"),
            ApprovalError::NotAPlan { .. } => Explanation::new("PLAN.UNREADABLE", Exit::Usage)
                .run("keep a new plan, for example", "cargo db plan migrate"),
            ApprovalError::TooOld { command, .. } => {
                Explanation::new("PLAN.TOO_OLD", Exit::Consent)
                    .run("make the plan again", as_planned(command))
            }
            ApprovalError::OtherPlan { .. } => {
                Explanation::new("PLAN.OTHER", Exit::Usage).advise("pass the id that the file has")
            }
            ApprovalError::Changed { command, .. } => {
                Explanation::new("APPROVAL.CHANGED", Exit::Consent)
                    .run("make the plan again", as_planned(command))
            }
            ApprovalError::OtherPlace { .. } => {
                Explanation::new("APPROVAL.OTHER_PLACE", Exit::Policy)
                    .because("whoever made the plan chose that server, with a flag or a variable")
                    .advise("if it is the right one, set DATABASE_URL to it, and approve again")
            }
            ApprovalError::OtherVerb { plan, .. } => {
                Explanation::new("PLAN.OTHER_VERB", Exit::Usage)
                    .run("carry it out, whatever it is of", format!("cargo db apply {plan}"))
            }
        }
    }
}

/// The command that keeps the plan of another one.
pub(super) fn as_planned(command: &str) -> String {
    command.replacen("cargo db ", "cargo db plan ", 1)
}

/// How the roles are made, which keep a migrating role from approving its own plans.
fn set_up(explanation: Explanation, database: &str) -> Explanation {
    let database = quote_identifier(database);
    explanation
        .advise("as a superuser: CREATE ROLE cargo_db_approver LOGIN PASSWORD '…'")
        .advise(format!("as a superuser: GRANT CREATE ON DATABASE {database} TO cargo_db_approver"))
        .advise(
            "migrate as a role of its own, which owns the database and is neither a superuser nor \
             a member of cargo_db_approver: CREATE ROLE school_owner LOGIN CREATEDB PASSWORD '…'",
        )
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<ApprovalError> {
    let text = str::to_owned;
    let plan = || "0a".repeat(16);
    let (database, command) = (text("school"), text("cargo db migrate"));
    let role = || text("app");
    let file = || PathBuf::from(".db/plans/a.json");
    vec![
        ApprovalError::Missing {
            plan: plan(),
            verb: "migrate",
            database: database.clone(),
            environment: Environment::Production,
            command: command.clone(),
        },
        ApprovalError::Expired { plan: plan() },
        ApprovalError::Used { plan: plan() },
        ApprovalError::BadSignature {
            file: file(),
            why: text("the database does not accept its key"),
            plan: plan(),
        },
        ApprovalError::Unsafe {
            database: database.clone(),
            role: role(),
            doubts: vec![text("the role app is a superuser, or can become one")],
        },
        ApprovalError::NoApprover { database: database.clone() },
        ApprovalError::CannotApprove {
            role: role(),
            database,
            why: text("it is not a member of cargo_db_approver"),
        },
        ApprovalError::ByAgent { agent: text("AI_AGENT"), command: text("cargo db approve a") },
        ApprovalError::NoTerminal { sign: Some(text("cargo db approve a --sign")) },
        ApprovalError::NoTerminal { sign: None },
        ApprovalError::NoPlan { plan: plan() },
        ApprovalError::NotAPlan { file: file(), why: text("it is not JSON") },
        ApprovalError::TooOld { plan: plan(), made: text("2026-11-20"), command: command.clone() },
        ApprovalError::OtherPlan { file: file(), found: text("b"), plan: plan() },
        ApprovalError::Changed { plan: plan(), now: text("b"), command },
        ApprovalError::OtherPlace {
            plan: plan(),
            theirs: text("db.example:5432/school"),
            own: text("localhost:5432/school"),
        },
        ApprovalError::OtherVerb { plan: plan(), verb: text("migrate"), wanted: "restore" },
    ]
}
