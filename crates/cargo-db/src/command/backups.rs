//! `cargo db backups`.

use std::time::Duration;

use crate::answer::{BackupList, BackupShown, Outcome, Pruned, Verified};
use crate::backup::{Folder, Verifier};
use crate::cli::{BackupsAction, BackupsArgs};
use crate::command::{Context, consent};
use crate::failure::{Kind, Result};
use crate::model::backup::{Backup, Level, Verification};
use crate::plan::{Retention, Step, Verb, Verdict, judge_retention};
use crate::world::clock::now;

pub(super) fn run(context: &Context, args: &BackupsArgs) -> Result<Outcome> {
    let folder = Folder::new(&context.settings.backup.dir.value);
    match &args.action {
        BackupsAction::List => {
            let found = folder.list()?;
            Ok(Outcome::done(BackupList::of(&found, folder.path())))
        }
        BackupsAction::Show { name } => {
            let backup = folder.find(name.as_deref(), database(context))?;
            Ok(Outcome::done(BackupShown::of(&backup)))
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
            if *dry_run {
                return Ok(Outcome::done(Pruned::dry_run(&plan, &verdicts)));
            }
            if !plan.is_empty() {
                context.ui.plan(&plan);
                let given = consent::to_plan(context, &plan)?;
                context.carry_out(&plan, given, None, || remove(&folder, &verdicts))?;
            }
            Ok(Outcome::done(Pruned::of(&plan, &verdicts)))
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
) -> Result<Outcome> {
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
    let answer = Verified::of(&verifications);
    let unsound = verifications.iter().find(|(_, verification)| !verification.ok);
    if let Some((name, verification)) = unsound {
        let (name, problems) = (name.clone(), verification.problems.clone());
        return Ok(Outcome::failed(answer, Kind::Unsound { name, problems }.into()));
    }
    if let Some(max_age) = max_age {
        let database = database(context);
        let listed = match folder.list() {
            Ok(found) => found.backups,
            Err(failure) => return Ok(Outcome::failed(answer, failure)),
        };
        let newest = listed
            .iter()
            .find(|backup| backup.is_verified() && backup.manifest.database.name == database);
        if newest.is_none_or(|newest| newest.manifest.finished + max_age < now()) {
            let what = format!(
                "of `{database}` that was verified and is younger than {}",
                humantime::format_duration(max_age)
            );
            return Ok(Outcome::failed(answer, Kind::NoBackup { what }.into()));
        }
    }
    Ok(Outcome::done(answer))
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
