//! `cargo db doctor`. Each file has the checks of one topic, as an array.

mod backups;
mod bundle;
mod check;
mod database;
mod project;
mod redaction;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::answer::{DoctorReport, ExaminedView, Outcome};
use crate::change::{DatabaseNeed, Effect, Needs, SetNeed, Workspace};
use crate::failure::Result;
use crate::verb::declare::Verb;
use crate::verb::doctor::check::{DatabaseSubject, Diagnosis};
use crate::world::pg::{Purpose, Session};

const EFFECT: Effect = Effect::Reads;

/// Examine the server, the databases, the backups and the project for problems
///
/// Shows each problem with its evidence and a remedy, and exits with code 1 if there is one. With
/// -v, also shows the checks that found nothing. Reads only, and starts no server.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct DoctorArgs {
    /// Report transactions that are older than this (default: 5m)
    #[arg(long, value_name = "DURATION", default_value = "5m", hide_default_value = true)]
    #[arg(value_parser = humantime::parse_duration)]
    long_transaction: Duration,
    /// Also write a file to attach to a bug report, without passwords, hosts and roles (default:
    /// a new name in the current folder)
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    bundle: Option<Option<PathBuf>>,
}

impl Verb for DoctorArgs {
    fn name(&self) -> &'static str {
        "doctor"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Named, set: SetNeed::Each, ..Needs::FILES }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let mut project = workspace.clone();
        let mut checks: Vec<ExaminedView> =
            project::CHECKS.iter().map(|check| check.examine(&mut project, None)).collect();
        let sets = workspace.of_each_set()?;
        for (set, of_set) in &sets {
            workspace.world.interrupt.check()?;
            match of_set {
                Ok(of_set) => checks.extend(self.examine_set(of_set, set.as_ref())),
                Err(failure) => checks.push(Diagnosis::of(failure).view("settings", set.as_ref())),
            }
        }
        let mut report = DoctorReport::of(checks);
        let has_problem = report.has_problem();
        if let Some(file) = &self.bundle {
            let path = file.clone().unwrap_or_else(bundle::default_name);
            bundle::write(&path, workspace, &sets, &report)?;
            report = report.with_bundle(&path);
        }
        Ok(Outcome::done(report).finding_if(has_problem))
    }
}

impl DoctorArgs {
    /// Examines the database of a set, and what the project keeps of it.
    fn examine_set(&self, workspace: &Workspace, set: Option<&String>) -> Vec<ExaminedView> {
        let Workspace { world, settings, .. } = workspace;
        let Some(target) = workspace.target_without_start(settings) else {
            let why = "the private server does not run, so no database was examined";
            return vec![Diagnosis::Skipped(why.to_owned()).view("reachable", set)];
        };
        // A table that somebody has locked is not waited for.
        let session = Session::open(world, &target, Purpose::Read).and_then(|mut session| {
            session.run("limit the wait for locks", "SET lock_timeout = '500ms'")?;
            Ok(session)
        });
        let session = match session {
            Ok(session) => session,
            Err(failure) => {
                let id = if failure.is_pooler() { "pooler" } else { "reachable" };
                return vec![Diagnosis::of(&failure).view(id, set)];
            }
        };
        let long_transaction = self.long_transaction;
        let (world, settings) = (world.clone(), settings.clone());
        let mut subject = DatabaseSubject { world, settings, target, session, long_transaction };
        let topics = [server::CHECKS, database::CHECKS, backups::CHECKS].into_iter().flatten();
        topics.map(|check| check.examine(&mut subject, set)).collect()
    }
}
