//! What a user trusts.

use std::path::Path;

use serde::Serialize;

use crate::answer::{Answer, Style};
use crate::plan::PlanId;
use crate::settings::{Trust, TrustBasis, TrustRecord};

/// What a repository wants to be trusted with.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrustView {
    root: String,
    /// Of the root and all commands; what `--plan` takes.
    id: String,
    /// The commands that it names, each with its setting.
    commands: Vec<String>,
    /// Whether there are settings of another user.
    foreign: bool,
    /// The folder of a private server that was not made here.
    server: Option<String>,
    /// On what the commands run: built, variable, given; null where they do not.
    basis: Option<&'static str>,
    /// Whether it was trusted just now.
    given: bool,
}

impl TrustView {
    /// What there is to trust.
    pub(crate) fn of(trust: &Trust, server: Option<&Path>, given: bool) -> TrustView {
        TrustView {
            root: trust.root.display().to_string(),
            id: trust.id()[..PlanId::DIGITS].to_owned(),
            commands: trust.commands(),
            foreign: trust.foreign,
            server: server.map(|folder| folder.display().to_string()),
            basis: match (trust.basis, given) {
                (_, true) | (TrustBasis::Given, _) => Some("given"),
                (TrustBasis::Built, _) => Some("built"),
                (TrustBasis::Variable, _) => Some("variable"),
                (TrustBasis::Outdated | TrustBasis::Nothing, _) => None,
            },
            given,
        }
    }

    /// Whether there is nothing that wants trust.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty() && !self.foreign && self.server.is_none()
    }

    /// The id of the whole list.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl Answer for TrustView {
    fn text(&self, _: &Style) -> String {
        if self.is_empty() {
            return format!("{} configures no programs: there is nothing to trust", self.root);
        }
        let verb = if self.given { "trusted" } else { "in" };
        let mut lines = vec![format!("{verb} {}, id {}:", self.root, self.id)];
        lines.extend(self.commands.iter().map(|command| format!("  {command}")));
        if self.foreign {
            lines.push("  its settings, which belong to another user".to_owned());
        }
        lines.extend(self.server.iter().map(|folder| format!("  the private server in {folder}")));
        if !self.given {
            lines.extend(self.basis.map(|basis| match basis {
                "built" => {
                    "its commands may run: this program was built from the repository".to_owned()
                }
                "variable" => {
                    "its commands may run: CARGO_DB_TRUST lists the repository".to_owned()
                }
                _ => "its commands may run: they are trusted".to_owned(),
            }));
        }
        lines.join("\n")
    }
}

/// Everything that a user trusts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrustList {
    pub(crate) trusted: Vec<TrustRecord>,
    /// What `CARGO_DB_TRUST` lists.
    pub(crate) by_variable: Vec<String>,
}

impl Answer for TrustList {
    fn text(&self, _: &Style) -> String {
        if self.trusted.is_empty() && self.by_variable.is_empty() {
            return "no repository is trusted".to_owned();
        }
        let mut lines = Vec::new();
        for TrustRecord { root, commands, given, .. } in &self.trusted {
            lines.push(format!("{root}, since {given}"));
            lines.extend(commands.iter().map(|command| format!("  {command}")));
        }
        lines.extend(self.by_variable.iter().map(|root| format!("{root}, by CARGO_DB_TRUST")));
        lines.join("\n")
    }
}

/// The trust that was revoked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrustRevoked {
    pub(crate) root: String,
    /// False where there was none.
    pub(crate) revoked: bool,
    /// Whether its commands still run.
    pub(crate) still: bool,
}

impl Answer for TrustRevoked {
    fn text(&self, _: &Style) -> String {
        let said = match self.revoked {
            true => format!("{} is no longer trusted", self.root),
            false => format!("{} was not trusted", self.root),
        };
        let still = "its commands may still run: CARGO_DB_TRUST lists the repository, or this \
            program was built from it";
        if self.still { format!("{said}\n{still}") } else { said }
    }
}
