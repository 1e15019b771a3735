//! A rehearsal from its copy to its receipt.

use crate::failure::Result;
use crate::model::rehearsal::{Basis, Rehearsal};
use crate::rehearse::receipt::{Receipt, SchemaState};
use crate::rehearse::request::Request;
use crate::rehearse::scratch::Scratch;
use crate::rehearse::stage::Stage;
use crate::world::World;

/// Rehearses the migrations on this copy. The database itself is only read.
pub(crate) fn rehearse(
    world: &World,
    request: &Request<'_>,
    scratch: Scratch,
) -> Result<(Rehearsal, Receipt)> {
    let copied = scratch.copied;
    let mut stage = Stage::open(world, request, &scratch)?;
    let state = SchemaState::of(&mut stage.session, &request.settings.migrations.layout)?;
    let migrations = if request.settings.migrations.layout.is_code() {
        stage.by_tool()?
    } else {
        let mut migrations = stage.forward()?;
        stage.record_schema(&migrations)?;
        stage.back(&mut migrations)?;
        migrations
    };
    let broken = std::mem::take(&mut stage.preparing.broken);
    let tables = stage.baseline.relations.values().filter(|relation| relation.holds_rows());
    let rows = tables.map(|table| table.rows).sum();
    let becomes = stage.becomes.take();
    drop(stage);
    let basis = scratch.basis.clone();
    let with_rows = basis != Basis::Schema;
    let kept = if request.keep { Some(scratch.keep()?) } else { None };
    let rehearsal = Rehearsal { basis, copied, rows, with_rows, migrations, broken, becomes, kept };
    let receipt = Receipt::of(&rehearsal, request, &state);
    Ok((rehearsal, receipt))
}
