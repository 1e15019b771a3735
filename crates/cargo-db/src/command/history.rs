//! `cargo db history`.

use crate::audit::{self, Trail};
use crate::cli::{HistoryAction, HistoryArgs};
use crate::command::Context;
use crate::failure::{Exit, Kind, Result};
use crate::ui::Report;
use crate::world::pg::{Purpose, Session};

pub(super) fn run(context: &Context, args: &HistoryArgs) -> Result<Exit> {
    let trail = Trail::of(&context.settings.root);
    if let Some(HistoryAction::Verify) = args.action {
        let records = trail
            .verify()?
            .map_err(|broken| Kind::TrailBroken { sequence: broken.sequence, why: broken.why })?;
        context.ui.report(&Report::TrailSound { records });
        return Ok(Exit::Done);
    }
    let records = if args.database {
        let mut session = Session::open(&context.world, &context.target()?, Purpose::Read)?;
        audit::in_database(&mut session)?
    } else {
        trail.records()?
    };
    context.ui.report(&Report::History { records: &records });
    Ok(Exit::Done)
}
