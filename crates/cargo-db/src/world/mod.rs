//! The only floor with effects: the database, files, processes, the clock, signals. It says what
//! happens through [`Events`] and prints nothing.

#![expect(clippy::disallowed_methods, reason = "this is the floor that the fence stands around")]

pub(crate) mod archive;
pub(crate) mod clock;
pub(crate) mod digest;
pub(crate) mod edit;
pub(crate) mod file_lock;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod git;
pub(crate) mod header;
pub(crate) mod hook_manager;
pub(crate) mod ignored;
pub(crate) mod kind;
mod mask;
#[cfg(feature = "mcp")]
pub(crate) mod own_run;
pub(crate) mod pg;
pub(crate) mod process;
pub(crate) mod proofs;
pub(crate) mod random;
pub(crate) mod records;
pub(crate) mod revisions;
pub(crate) mod server;
pub(crate) mod sessions;
pub(crate) mod signal;
pub(crate) mod signing;
mod sync;
pub(crate) mod temporary;
pub(crate) mod tool;
mod zstandard;

use crate::failure::{Failure, Kind, MigrationError};
use crate::model::event::{Event, Events};
use crate::world::proofs::ToolProofs;
use crate::world::sessions::Sessions;
use crate::world::signal::Interrupt;

/// The state that every effect needs.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) events: Events,
    pub(crate) interrupt: Interrupt,
    /// What this run opened.
    pub(crate) sessions: Sessions,
    /// What this run has proved of the tools that it calls.
    pub(crate) proofs: ToolProofs,
}

impl World {
    /// The world of one run.
    pub(crate) fn new(events: Events, interrupt: Interrupt) -> World {
        World { events, interrupt, sessions: Sessions::default(), proofs: ToolProofs::default() }
    }

    /// The same world for what has to come through also after a signal: tidying up, going back.
    pub(crate) fn uninterrupted(&self) -> World {
        World { interrupt: Interrupt::default(), ..self.clone() }
    }

    /// The failure of an interrupted run: the error of a cancelled statement is replaced by the
    /// signal that cancelled it. A failed swap back has handled it already.
    pub(crate) fn as_interrupted(&self, failure: Failure) -> Failure {
        match self.interrupt.check() {
            Err(interrupted)
                if !matches!(
                    failure.kind(),
                    Kind::Migration(MigrationError::SwappedBack { .. })
                        | Kind::Migration(MigrationError::NotSwappedBack { .. })
                ) =>
            {
                interrupted.after(failure.done().to_vec())
            }
            _ => failure,
        }
    }

    /// Sends an event to the listener.
    pub(crate) fn emit(&self, event: Event) {
        (self.events)(event);
    }
}
