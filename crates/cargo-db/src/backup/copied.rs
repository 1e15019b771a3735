//! Copies of a database by a dump, which needs no exclusive access to it.

use std::time::Duration;

use crate::backup::allowed::{Allowed, LoadFilter};
use crate::backup::load::{LoadOptions, LoadTransactions, load};
use crate::backup::sibling::{SCRATCH, SiblingDatabase, create_sibling};
use crate::backup::visible::hidden_rows;
use crate::failure::Result;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::approvals::APPROVALS;
use crate::world::pg::{Purpose, Session, wait_for_tables};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_sql::script::Statement;

/// What is copied of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// All of it.
    SchemaAndRows,
    /// Its schema alone.
    Schema,
}

/// Loads a dump of `target` into a database that was built beside it. The dump waits for locks no
/// longer than `patience`.
fn copy_into(
    world: &World,
    settings: &Settings,
    target: &Target,
    built: &SiblingDatabase,
    (copied, patience): (Copied, Duration),
) -> Result<()> {
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    let programs = client(settings.pg_bin(), session.server_major()?)?;
    let encoding = format!("--encoding={}", session.encoding());
    let mut arguments = vec!["--no-password".to_owned(), "--format=plain".to_owned(), encoding];
    // Whose slot a subscription has is the target's, and so is who approves.
    arguments.push("--no-subscriptions".to_owned());
    arguments.push(format!("--exclude-schema={APPROVALS}"));
    arguments.push(format!("--lock-wait-timeout={}", patience.as_millis().max(1)));
    arguments.extend((copied == Copied::Schema).then(|| "--schema-only".to_owned()));
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    session.run(
        "prepare the session",
        "SET synchronous_commit = off; SET client_min_messages = warning",
    )?;
    let (wanted, left_out) = (LoadFilter::all(Allowed::Any), &|_: &Statement| false);
    let loading = LoadOptions {
        name: &target.database,
        within: LoadTransactions::Statements,
        wanted,
        left_out,
    };
    load(world, &mut session, Box::new(dump), &loading)
}

/// A scratch database with what a dump of the target contains.
pub(crate) fn dump_into_scratch(
    world: &World,
    settings: &Settings,
    target: &Target,
    copied: Copied,
) -> Result<SiblingDatabase> {
    // What the server would say of it is found in the middle of a dump that broke off.
    if copied == Copied::SchemaAndRows
        && let Some(obstacle) = hidden_rows(world, target)?
    {
        return Err(obstacle.into());
    }
    let left = wait_for_tables(world, target, settings.limits.lock_timeout.value)?;
    let built = create_sibling(world, target, SCRATCH, None)?;
    copy_into(world, settings, target, &built, (copied, left))?;
    Ok(built)
}
