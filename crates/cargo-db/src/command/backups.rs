//! `cargo db backups`.

use std::time::Duration;

use crate::backup::{Folder, Verifier};
use crate::cli::{BackupsAction, BackupsArgs};
use crate::command::{Context, consent};
use crate::failure::{Exit, Kind, Result};
use crate::model::backup::{Backup, Level, Verification};
use crate::plan::{Retention, Step, Verb, Verdict, judge_retention};
use crate::ui::Report;
use crate::world::clock::now;

pub(super) fn run(context: &Context, args: &BackupsArgs) -> Result<Exit> {
    let folder = Folder::of(&context.settings);
    match &args.action {
        BackupsAction::List => {
            let found = folder.list()?;
            context.ui.report(&Report::Backups { found: &found, folder: folder.path().to_owned() });
            Ok(Exit::Done)
        }
        BackupsAction::Show { name } => {
            let backup = folder.find(name.as_deref(), database(context))?;
            context.ui.report(&Report::Backup { backup: &backup });
            Ok(Exit::Done)
        }
        BackupsAction::Verify { name, all, level, max_age, .. } => {
            let chosen = if *all {
                folder.list()?.backups
            } else {
                vec![folder.find(name.as_deref(), database(context))?]
            };
            verify(context, &folder, &chosen, *level, *max_age)
        }
        BackupsAction::Prune { dry_run } => {
            let verdicts = verdicts(context, &folder)?;
            let goes = verdicts.iter().filter(|verdict| verdict.reasons.is_empty());
            let steps =
                goes.map(|verdict| Step::Remove { what: format!("the backup {}", verdict.name) });
            let plan = context.plan_without_server(Verb::Prune, steps.collect())?;
            if !dry_run && !plan.is_empty() {
                context.ui.plan(&plan);
                let given = consent::to_plan(context, &plan)?;
                context.carry_out(&plan, given, None, || remove(&folder, &verdicts))?;
            }
            context.ui.report(&Report::Pruned {
                verdicts: &verdicts,
                plan: &plan,
                dry_run: *dry_run,
            });
            Ok(Exit::Done)
        }
    }
}

/// The database whose backups are meant. No server is asked for that.
fn database(context: &Context) -> &str {
    context.settings.place.value.database()
}

fn verify(
    context: &Context,
    folder: &Folder,
    chosen: &[Backup],
    level: Level,
    max_age: Option<Duration>,
) -> Result<Exit> {
    let mut verifications: Vec<(String, Verification)> = Vec::new();
    {
        let _lock = folder.lock_shared()?;
        let (world, settings, target) = (&context.world, &context.settings, || context.target());
        let verifier = Verifier { world, settings, folder, target: &target };
        for backup in chosen {
            let found = verifier.verify(backup, level)?;
            verifications.push((backup.manifest.name.clone(), found));
        }
    }
    context.ui.report(&Report::Verified { verifications: &verifications });
    let unsound = verifications.iter().find(|(_, verification)| !verification.ok);
    if let Some((name, verification)) = unsound {
        return Err(
            Kind::Unsound { name: name.clone(), problems: verification.problems.clone() }.into()
        );
    }
    if let Some(max_age) = max_age {
        let database = database(context);
        let listed = folder.list()?.backups;
        let newest = listed
            .iter()
            .find(|backup| backup.is_verified() && backup.manifest.database.name == database);
        if newest.is_none_or(|newest| newest.manifest.finished + max_age < now()) {
            let what = format!(
                "of `{database}` that was verified and is younger than {}",
                humantime::format_duration(max_age)
            );
            return Err(Kind::NoBackup { what }.into());
        }
    }
    Ok(Exit::Done)
}

fn verdicts(context: &Context, folder: &Folder) -> Result<Vec<Verdict>> {
    let settings = &context.settings.backup;
    let rules = Retention {
        last: settings.keep_last,
        daily: settings.keep_daily,
        weekly: settings.keep_weekly,
        monthly: settings.keep_monthly,
        within: settings.keep_within,
    };
    Ok(judge_retention(&folder.list()?.backups, &rules, now()))
}

fn remove(folder: &Folder, verdicts: &[Verdict]) -> Result<Vec<String>> {
    let _lock = folder.lock()?;
    let going: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| verdict.reasons.is_empty())
        .map(|verdict| verdict.name.as_str())
        .collect();
    let mut removed = Vec::new();
    for backup in folder
        .list()?
        .backups
        .iter()
        .filter(|backup| going.contains(&backup.manifest.name.as_str()))
    {
        folder.remove(backup)?;
        removed.push(backup.manifest.name.clone());
    }
    Ok(removed)
}

/// Removes all backups but the newest ones.
pub(super) fn keep_last(folder: &Folder, last: usize) -> Result<Vec<String>> {
    let rules = Retention { last: last.max(1), ..Retention::default() };
    remove(folder, &judge_retention(&folder.list()?.backups, &rules, now()))
}

/// Removes what the retention does not keep, after a backup that was verified.
pub(super) fn prune(context: &Context, folder: &Folder) -> Result<Vec<String>> {
    remove(folder, &verdicts(context, folder)?)
}
