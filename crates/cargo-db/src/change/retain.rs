//! What the retention removes: only backups of the current database, only as a step of a plan, and
//! none that would need production's consent unless pruning was requested.

use std::collections::BTreeSet;

use crate::backup::{self, BackupFolder, RetentionContext};
use crate::change::record::record;
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::model::backup::{Backup, Manifest};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::plan::{Bounds, Operation, Plan, Retention, RetentionDecision, Step, judge_retention};
use crate::policy::Judgement;

/// The request of a retention.
#[derive(Clone, Copy, Default)]
struct RetentionRequest<'a> {
    /// Whether pruning was requested explicitly, with its own consent.
    by_itself: bool,
    /// The backup that this run took.
    taken: Option<&'a str>,
    /// Whether this run is going to take one.
    coming: bool,
}

/// What the rules of the settings keep, and the plan to remove the rest. The strictest environment
/// counts: the database's, and that of each backup to be removed.
pub(crate) fn pruning(
    database: &Database<'_>,
    folder: &BackupFolder,
) -> Result<(Plan, Vec<RetentionDecision>)> {
    let asked = RetentionRequest { by_itself: true, ..RetentionRequest::default() };
    let found = folder.list()?.backups;
    let verdicts = judge(database, &found, &rules(database), asked);
    Ok((removal(database, &found, &verdicts), verdicts))
}

/// The steps that remove, at the end of a plan, what the retention does not keep then.
pub(super) fn steps(database: &Database<'_>, plan: &Plan) -> Result<Vec<Step>> {
    let coming = plan.takes_backup();
    // The backup that is about to be restored is not removed.
    let by_settings = coming && plan.verb != Operation::RestoreInPlace;
    if !by_settings && plan.keeps_backups.is_none() {
        return Ok(Vec::new());
    }
    let found = BackupFolder::of(&database.settings).list()?.backups;
    let asked = RetentionRequest { coming, ..RetentionRequest::default() };
    let mut going = BTreeSet::new();
    if by_settings {
        going.extend(names(&judge(database, &found, &rules(database), asked)));
    }
    if let Some(last) = plan.keeps_backups {
        let rules = Retention { last: last.max(1), together: true, ..Retention::default() };
        going.extend(names(&judge(database, &found, &rules, asked)));
    }
    Ok(going.into_iter().map(|name| Step::RemoveBackup { name }).collect())
}

/// Removes the backups that a plan says go at its end.
pub(super) fn carry_out(database: &Database<'_>, plan: &Plan) -> Result<()> {
    let going = plan.removed_backups();
    if going.is_empty() || plan.verb == Operation::Prune {
        return Ok(());
    }
    let folder = BackupFolder::of(&database.settings);
    let removed = folder.lock().and_then(|_lock| backup::remove(&folder, &going));
    removed.map(drop).map_err(|failure| {
        let done = format!("`{}` was done", plan.verb.name());
        failure.afterwards(&done, "the removal of old backups")
    })
}

/// Removes what the retention does not keep after a backup that a person took, between two records
/// of the trail, and reports what is kept although no rule keeps it.
pub(crate) fn after_backup(database: &Database<'_>, taken: &Backup) -> Result<Vec<String>> {
    let folder = BackupFolder::of(&database.settings);
    let _lock = folder.lock()?;
    let asked =
        RetentionRequest { taken: Some(&taken.manifest.name), ..RetentionRequest::default() };
    let found = folder.list()?.backups;
    let verdicts = judge(database, &found, &rules(database), asked);
    let withheld: BTreeSet<&str> =
        verdicts.iter().filter_map(|verdict| verdict.withheld.as_deref()).collect();
    for why in withheld {
        let stay = verdicts.iter().filter(|verdict| verdict.withheld.as_deref() == Some(why));
        let stay = match stay.count() {
            1 => "1 backup that no rule keeps was".to_owned(),
            count => format!("{count} backups that no rule keeps were"),
        };
        let message = format!("{stay} not removed: {why}");
        database.workspace.ui.warning(&message);
    }
    let going = names(&verdicts);
    if going.is_empty() {
        return Ok(going);
    }
    let plan = removal(database, &found, &verdicts);
    record(database, (&plan, &plan), (Consent::Free, None), None, || {
        backup::remove(&folder, &going)
    })
}

/// The rules of the settings. The variables of an agent's process may ask for more to be kept than
/// the repository does, and not for less.
fn rules(database: &Database<'_>) -> Retention {
    let settings = &database.settings.backup;
    let (mut last, mut within) = (settings.keep_last, settings.keep_within);
    if database.settings.agent.known_by(database.environment()).is_some() {
        (last, within) = (last.max(settings.shared_last), within.max(settings.shared_within));
    }
    Retention {
        last,
        daily: settings.keep_daily,
        weekly: settings.keep_weekly,
        monthly: settings.keep_monthly,
        within: Some(within),
        together: false,
    }
}

fn judge(
    database: &Database<'_>,
    found: &[Backup],
    rules: &Retention,
    asked: RetentionRequest<'_>,
) -> Vec<RetentionDecision> {
    if found.is_empty() {
        return Vec::new();
    }
    let around = RetentionContext::of(&database.workspace.world, &database.target);
    let in_the_way = |backup: &Backup| {
        if asked.by_itself { None } else { wants_consent(database, &backup.manifest) }
    };
    let bounds = Bounds {
        database: &database.target.database,
        server: around.server.as_deref(),
        now: around.now,
        taken: asked.taken,
        coming: asked.coming,
        in_the_way: &in_the_way,
    };
    judge_retention(found, rules, &bounds)
}

/// Why a backup is not removed on the side: the policy wants more than a yes for that.
fn wants_consent(database: &Database<'_>, manifest: &Manifest) -> Option<String> {
    let environment = environment_of(database, manifest);
    match database.workspace.policy.cell(Operation::Prune, environment) {
        Judgement::Allowed(terms) if terms.consent <= Consent::Confirm => None,
        judgement => Some(format!(
            "removing one of {environment} needs {}: `cargo db backups prune --dry-run`",
            judgement.describe()
        )),
    }
}

/// The strictest environment of the backup, the database's marker and the settings. An unrecognised
/// name counts as production.
fn environment_of(database: &Database<'_>, manifest: &Manifest) -> Environment {
    let of_backup = Environment::named(&manifest.environment).unwrap_or(Environment::Production);
    of_backup.max(database.environment())
}

/// The names of the backups that nothing keeps.
fn names(verdicts: &[RetentionDecision]) -> Vec<String> {
    let going = verdicts.iter().filter(|verdict| verdict.reasons.is_empty());
    going.map(|verdict| verdict.name.clone()).collect()
}

/// The plan that removes them and does nothing else.
fn removal(database: &Database<'_>, found: &[Backup], verdicts: &[RetentionDecision]) -> Plan {
    let going = names(verdicts);
    let manifests = found.iter().map(|backup| &backup.manifest);
    let environments = manifests
        .filter(|manifest| going.contains(&manifest.name))
        .map(|manifest| environment_of(database, manifest));
    let environment = environments.fold(database.environment(), Environment::max);
    let steps = going.into_iter().map(|name| Step::RemoveBackup { name }).collect();
    Plan::from_basis(Operation::Prune, &database.target, environment, steps, String::new())
}
