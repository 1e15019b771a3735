//! The interface of a verb: each declares its needs and its effect next to its arguments.

use crate::answer::Outcome;
use crate::change::{Effect, Needs, Workspace};
use crate::cli::ReportFlags;
use crate::failure::{Result, RunError};

/// What can be typed after `cargo db`. Implemented by the arguments themselves.
pub(crate) trait Verb {
    /// As it is typed, and as JSON documents name it.
    fn name(&self) -> &'static str;

    /// What it may do, at most, as it is called here.
    fn effect(&self) -> Effect;

    /// What it needs before it runs.
    fn needs(&self) -> Needs {
        Needs::DATABASE
    }

    /// Whether one of its own flags implies `--yes`.
    fn implies_yes(&self) -> bool {
        false
    }

    /// How it reports its findings, if it looks for any.
    fn report(&self) -> Option<&ReportFlags> {
        None
    }

    /// The answer of a verb that needs no settings, and so also works where they are wrong.
    fn answer(&self) -> Option<Outcome> {
        None
    }

    /// Does it. Every verb implements this or `answer`.
    fn run(&self, _: &Workspace) -> Result<Outcome> {
        Err(RunError::Bug { what: format!("`{}` does nothing", self.name()) }.into())
    }

    /// The verb that was typed. A group of verbs overrides this to return the subcommand.
    fn verb(&self) -> &dyn Verb
    where
        Self: Sized,
    {
        self
    }
}

/// Declares the verbs, and the dispatch to the one that was typed.
macro_rules! verbs {
    ($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $variant:ident($args:ty),)* }) => {
        $(#[$about])*
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum $name {
            $($(#[$attribute])* $variant($args),)*
        }

        impl $name {
            /// The verb that was typed.
            pub(crate) fn verb(&self) -> &dyn $crate::verb::declare::Verb {
                match self {
                    $($name::$variant(args) => args.verb(),)*
                }
            }
        }
    };
}
pub(crate) use verbs;
