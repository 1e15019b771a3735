//! Migrations on a real database: what is known about them, and how a plan is carried out.

mod batch;
mod execute;
mod facts;
mod new_files;
mod outside;
mod record;
mod tool;
mod verify;
mod watchdog;
mod witness;

use std::path::PathBuf;

use crate::failure::Result;
use crate::plan::Plan;
use crate::settings::{Runner, Settings};
use crate::world::pg::Lock;
use crate::world::{World, files};

pub(crate) use execute::{Deed, look_through, prepare_database, read_script, session_settings};
pub(crate) use facts::{
    connect_or_none, create_if_absent, gather, histories, holds_rows, holds_tables, losses_of,
    losses_where, named_folder_exists, read_folder, read_history, read_table,
};
pub(crate) use new_files::{Written, checked_name, written_by_tool};
pub(crate) use record::write_down;
pub(crate) use tool::{ask, commands_of, goes_where_it_is_told, run_task, task_exists};
pub(crate) use witness::Witness;

/// Whether a plan can be carried out at all: whether its files are SQL, or the program is there that runs them.
pub(crate) fn can_run(settings: &Settings, plan: &Plan) -> Result<()> {
    if settings.migrations.runner == Runner::Tool {
        tool::reaches(settings, &plan.target)?;
        return tool::program_exists(settings, plan);
    }
    match plan.files().find(|file| file.is_code) {
        None => Ok(()),
        Some(file) => {
            let (file, tool) = (file.path.clone(), settings.migrations.layout.key().to_owned());
            Err(crate::failure::Kind::NotSql { file, tool }.into())
        }
    }
}

/// Carries out a plan, by ourselves or with the project's tool, and then asks the database what came of it.
/// The caller holds the lock, and has made sure that the plan still fits.
pub(crate) fn carry_out(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<Vec<Deed>> {
    let (deeds, who) = match settings.migrations.runner {
        Runner::Builtin => (execute::carry_out(world, settings, plan, lock)?, "cargo db"),
        Runner::Tool => {
            (tool::carry_out(world, settings, plan, lock)?, settings.migrations.layout.key())
        }
    };
    tool::second_opinion(world, settings, plan, who)?;
    Ok(deeds)
}

/// The files that a plan runs, with their text.
pub(crate) fn sql_of(settings: &Settings, plan: &Plan) -> Result<Vec<(PathBuf, String)>> {
    // What a program will do, its text does not say.
    let files = plan.files().filter(|file| !file.is_code).map(|file| {
        let bytes = file.part_of(files::read(&settings.root.join(&file.path))?);
        Ok((file.path.clone(), String::from_utf8_lossy(bytes.trim_ascii()).into_owned() + "\n"))
    });
    files.collect()
}
