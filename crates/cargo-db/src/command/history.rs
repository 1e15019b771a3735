//! `cargo db history`.

use crate::answer::{AuditTrail, Outcome, TrailSound};
use crate::audit::{self, Trail};
use crate::cli::{HistoryAction, HistoryArgs};
use crate::command::Context;
use crate::failure::{Kind, Result};
use crate::world::pg::{Purpose, Session};

pub(super) fn run(context: &Context, args: &HistoryArgs) -> Result<Outcome> {
    let trail = Trail::of(&context.settings.root);
    if let Some(HistoryAction::Verify) = args.action {
        let records = trail
            .verify()?
            .map_err(|broken| Kind::TrailBroken { sequence: broken.sequence, why: broken.why })?;
        return Ok(Outcome::done(TrailSound { records }));
    }
    let records = if args.database {
        let mut session = Session::open(&context.world, &context.target()?, Purpose::Read)?;
        audit::in_database(&mut session)?
    } else {
        trail.records()?
    };
    Ok(Outcome::done(AuditTrail { records }))
}
