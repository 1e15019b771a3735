//! The number of sessions that a run opened in each database, so that sessions of others can be
//! told apart from ours.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::target::{Host, Target};

/// One database of one server.
type DatabaseAddress = (Host, u16, String);

/// The count of a run; its copies count together.
#[derive(Clone, Default)]
pub(crate) struct Sessions(
    Arc<Mutex<HashMap<DatabaseAddress, u64>>>,
    Arc<Mutex<HashSet<(Host, u16)>>>,
);

impl Sessions {
    /// How many were opened in the target's database.
    pub(crate) fn opened(&self, target: &Target) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&place(target)).copied().unwrap_or_default()
    }

    /// Whether this run already knows that there is no pooler in front of this server.
    pub(crate) fn is_direct(&self, target: &Target) -> bool {
        self.1
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(target.host.clone(), target.port))
    }

    /// Takes note of that.
    pub(crate) fn found_direct(&self, target: &Target) {
        self.1
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((target.host.clone(), target.port));
    }

    /// Counts a session that we, or one of our programs, open there.
    pub(crate) fn opens(&self, target: &Target) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(place(target)).or_default() += 1;
    }
}

fn place(target: &Target) -> DatabaseAddress {
    (target.host.clone(), target.port, target.database.clone())
}
