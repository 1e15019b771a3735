//! The hooks of git that cargo db installs.

use serde::Serialize;

/// A hook, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Hook {
    PreCommit,
    PrePush,
    PostCheckout,
    PostMerge,
}

impl Hook {
    pub(crate) const ALL: [Hook; 4] =
        [Hook::PreCommit, Hook::PrePush, Hook::PostCheckout, Hook::PostMerge];

    /// As git names its file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Hook::PreCommit => "pre-commit",
            Hook::PrePush => "pre-push",
            Hook::PostCheckout => "post-checkout",
            Hook::PostMerge => "post-merge",
        }
    }

    /// What it runs after `cargo db`. `$1` and `$@` are what git passes to the hook.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Hook::PreCommit => "check --staged --fail-on block --quiet",
            Hook::PrePush => "check --pushed \"$1\" --fail-on block --quiet",
            Hook::PostCheckout => "hooks notice --quiet post-checkout \"$@\"",
            Hook::PostMerge => "hooks notice --quiet post-merge \"$@\"",
        }
    }

    /// Whether it can stop what git is about to do.
    pub(crate) fn is_gate(self) -> bool {
        matches!(self, Hook::PreCommit | Hook::PrePush)
    }
}

/// What is in the place of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum HookState {
    /// It runs cargo db.
    Installed,
    /// It runs another version of cargo db's lines, or one for another program.
    Outdated,
    /// There is no such hook.
    Absent,
    /// There is a hook, and it does not run cargo db.
    Other,
    /// The file is not executable, so git ignores it.
    Disabled,
}
