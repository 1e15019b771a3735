//! SQL that may affect the whole server, such as `CREATE ROLE`, before it runs on a scratch
//! database.

use std::path::Path;

use crate::check;
use crate::failure::Result;
use crate::migration::session_settings;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Script, Session, TransactionContext};

/// Whether a script would change nothing outside its database at this moment, for example because
/// it creates a role only if there is none. It is tried out in a transaction that is rolled back,
/// unless it contains something that no rollback undoes.
pub(crate) fn is_inside(
    world: &World,
    settings: &Settings,
    target: &Target,
    (path, bytes): (&Path, Vec<u8>),
) -> Result<bool> {
    if check::has_lasting_effects(&String::from_utf8_lossy(&bytes)) {
        return Ok(false);
    }
    let Ok(script) = Script::check(path, bytes, TransactionContext::Transaction) else {
        return Ok(false);
    };
    let mut session = Session::open(world, target, Purpose::Write)?;
    if session.value("ask for a setting", "SHOW track_counts")?.as_deref() != Some("on") {
        return Ok(false);
    }
    session.begin_and_lend(&session_settings(&settings.limits))?;
    let ran = script.run(&mut session, &mut ()).is_ok();
    let writes = include_str!("sql/shared_writes.sql");
    let is_inside = ran && session.take_back().is_ok() && {
        session
            .number::<u64>("look for changes of the server", writes)
            .is_ok_and(|count| count == 0)
    };
    session.run("roll back", "ROLLBACK")?;
    Ok(is_inside)
}
