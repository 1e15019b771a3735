//! The hooks of a repository.

use serde::Serialize;

use crate::answer::text::plural;
use crate::answer::{Answer, BOLD, GREEN, Style, YELLOW};
use crate::model::hook::{Hook, HookState};

/// The hooks, and where they are.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HookReport {
    /// What runs the hooks: git, husky or lefthook.
    pub(crate) manager: &'static str,
    /// The folder of the hooks, or the configuration file of lefthook.
    pub(crate) place: String,
    pub(crate) hooks: Vec<HookView>,
    /// What a person has to do or to know.
    pub(crate) notes: Vec<String>,
    /// Lines for the configuration file of the manager, if cargo db does not write them.
    pub(crate) lines: Option<String>,
}

/// One hook.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HookView {
    pub(crate) hook: Hook,
    pub(crate) state: HookState,
    /// Whether this run changed its file.
    pub(crate) changed: bool,
}

impl HookReport {
    /// Whether every hook runs cargo db.
    pub(crate) fn is_complete(&self) -> bool {
        self.hooks.iter().all(|hook| hook.state == HookState::Installed)
    }
}

impl HookView {
    fn text(&self, style: &Style) -> String {
        let (colour, word) = match (self.state, self.changed) {
            (HookState::Installed, true) => (GREEN, "installed now"),
            (HookState::Installed, false) => (GREEN, "installed"),
            (HookState::Outdated, _) => (YELLOW, "outdated"),
            (HookState::Absent, true) => (YELLOW, "removed"),
            (HookState::Absent, false) => (YELLOW, "not installed"),
            (HookState::Other, true) => (YELLOW, "cargo db removed, the rest kept"),
            (HookState::Other, false) => (YELLOW, "another hook, without cargo db"),
            (HookState::Disabled, _) => (YELLOW, "not executable, so git ignores it"),
        };
        format!("  {:<14} {}", self.hook.name(), style.paint(colour, word))
    }
}

impl Answer for HookReport {
    fn text(&self, style: &Style) -> String {
        let mut lines = vec![style.paint(BOLD, &format!("Hooks in {}", self.place))];
        lines.extend(self.hooks.iter().map(|hook| hook.text(style)));
        for note in &self.notes {
            lines.extend([String::new(), note.clone()]);
        }
        if let Some(more) = &self.lines {
            lines.extend([String::new(), more.trim_end().to_owned()]);
        }
        lines.join("\n")
    }
}

/// The script that a release phase runs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PreDeployScript {
    /// Relative to the root of the project.
    pub(crate) file: String,
    pub(crate) state: HookState,
    /// Whether this run changed it.
    pub(crate) changed: bool,
    /// Whether it runs `migrate` after `check --deploy`.
    pub(crate) migrates: bool,
}

impl Answer for PreDeployScript {
    fn text(&self, style: &Style) -> String {
        let (colour, word) = match (self.state, self.changed) {
            (HookState::Installed | HookState::Outdated, true) => (GREEN, "installed now"),
            (HookState::Installed | HookState::Outdated, false) => (GREEN, "installed"),
            (HookState::Absent, true) => (YELLOW, "removed"),
            (HookState::Absent, false) => (YELLOW, "not installed"),
            (HookState::Other, _) => (YELLOW, "kept as it is: cargo db did not write it"),
            (HookState::Disabled, _) => (YELLOW, "not executable"),
        };
        let runs = match (self.state, self.migrates) {
            (HookState::Installed, false) => ", runs `check --deploy`",
            (HookState::Installed, true) => ", runs `check --deploy` and `migrate`",
            _ => "",
        };
        format!("{}: {}{runs}", style.paint(BOLD, &self.file), style.paint(colour, word))
    }
}

/// How the migrations of a branch that was checked out differ from those that are applied.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BranchNotice {
    /// Only sets with a difference.
    pub(crate) sets: Vec<SetNotice>,
}

/// How those of one set differ.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SetNotice {
    pub(crate) set: Option<String>,
    /// How many are pending and came with the branch.
    pub(crate) new: usize,
    /// How many are applied and have no file.
    pub(crate) missing: usize,
}

impl SetNotice {
    /// Whether there is a difference.
    pub(crate) fn differs(&self) -> bool {
        self.new + self.missing > 0
    }

    fn text(&self, style: &Style) -> String {
        let missing = plural(self.missing, "applied migration");
        let is = if self.missing == 1 { "is" } else { "are" };
        let (said, verb) = match (self.missing, self.new) {
            (0, new) => (format!("this branch brings {}", plural(new, "new migration")), "migrate"),
            (_, 0) => (format!("{missing} {is} missing in this branch"), "switch"),
            (_, new) => (
                format!(
                    "{missing} {is} missing in this branch, which brings {}",
                    plural(new, "new one")
                ),
                "switch",
            ),
        };
        let flag = self.set.as_ref().map_or_else(String::new, |set| format!(" --set {set}"));
        let set = self.set.as_ref().map_or_else(String::new, |set| format!(" ({set})"));
        let command = style.command(&format!("cargo db {verb}{flag}"));
        format!("cargo db{set}: {said}: `{command}`")
    }
}

impl Answer for BranchNotice {
    /// One line, or none.
    fn text(&self, style: &Style) -> String {
        let Some((first, others)) = self.sets.split_first() else { return String::new() };
        match others.len() {
            0 => first.text(style),
            more => format!("{}; {} too", first.text(style), plural(more, "other set")),
        }
    }
}
