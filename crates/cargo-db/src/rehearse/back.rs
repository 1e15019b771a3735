//! The down migrations, and whether they lead back to where the schema came from.

use crate::failure::Result;
use crate::model::direction::Direction;
use crate::model::finding::Finding;
use crate::model::rehearsal::{Rehearsed, WayBack};
use crate::rehearse::judge;
use crate::rehearse::run::{Deed, Ran};
use crate::rehearse::stage::{Stage, stops};

impl Stage<'_> {
    /// The down migrations, from the last one that ran to the first that cannot be taken back.
    pub(super) fn back(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let ran = self.before.len();
        // What one of them leaves behind is not the fault of those before it.
        let mut left_behind: Vec<String> = Vec::new();
        for index in (0..ran).rev() {
            if stops(&rehearsed[index].findings) || self.left_out.contains(&index) {
                continue;
            }
            let Some(down) = &self.request.migrations[index].down else { break };
            self.world.interrupt.check()?;
            let migration = &self.request.migrations[index];
            let deed = Deed { migration, direction: Direction::Down, file: down };
            let Ran { measured, failed, .. } = self.run(deed)?;
            let after = self.fingerprint()?;
            let mut difference = self.before[index].difference(&after);
            difference.retain(|line| !left_behind.contains(line));
            let lost: Vec<Finding> = measured.iter().flat_map(judge::findings).collect();
            let touched = self.touched_own()?;
            rehearsed[index].way_back = match &failed {
                None if !touched.is_empty() => {
                    WayBack::Wrong(touched.into_iter().map(|found| found.evidence).collect())
                }
                Some(failed) => {
                    let why = format!("line {}: {}", failed.line, failed.evidence);
                    WayBack::Wrong(vec![why])
                }
                None => judge::way_back(&rehearsed[index].findings, &lost, &difference),
            };
            left_behind.append(&mut difference);
            if failed.is_some() {
                let why = format!("the down migration of {} fails", rehearsed[index].version);
                let earlier =
                    rehearsed[..index].iter_mut().filter(|one| one.way_back.word() == "unmeasured");
                earlier.for_each(|one| one.way_back = WayBack::Unmeasured(why.clone()));
                break;
            }
        }
        Ok(())
    }
}
