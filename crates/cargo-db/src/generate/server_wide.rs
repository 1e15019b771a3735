//! SQL of the project that must not change anything outside of a scratch database.

use std::path::Path;

use crate::check::{self, Direction, FileToCheck};
use crate::failure::{Result, ServerWideStatement};
use crate::model::target::Target;
use crate::schema;
use crate::settings::Settings;
use crate::world::World;

/// The first statement that may affect the whole server. `None` if there is none, or if the script
/// changes nothing outside of its database when it is tried out.
pub(super) fn server_wide_statement(
    world: &World,
    settings: &Settings,
    target: &Target,
    (path, bytes): (&Path, &[u8]),
) -> Result<Option<ServerWideStatement>> {
    let Some(statement) = suspicious(settings, path, bytes) else { return Ok(None) };
    let is_inside = schema::is_inside(world, settings, target, (path, bytes.to_vec()))?;
    Ok((!is_inside).then_some(statement))
}

fn suspicious(settings: &Settings, path: &Path, bytes: &[u8]) -> Option<ServerWideStatement> {
    let text = String::from_utf8_lossy(bytes);
    let layout = &settings.migrations.layout;
    let checked = check::check(&FileToCheck::alone(layout, path, &text, Direction::Up));
    let found = checked.findings.into_iter().find(|finding| finding.rule == schema::OUTSIDE)?;
    Some(ServerWideStatement { file: path.to_owned(), line: found.line, why: found.evidence })
}
