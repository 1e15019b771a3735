//! `cargo db restore`.

use std::path::Path;

use crate::backup::{self, Folder, Source, Verifier};
use crate::cli::RestoreArgs;
use crate::command::{Context, consent};
use crate::failure::{Exit, Kind, Result};
use crate::model::backup::Backup;
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, Step, Verb};
use crate::ui::Report;
use crate::world::pg::{Lock, OWN_KEY};

pub(super) fn run(context: &Context, args: &RestoreArgs) -> Result<Exit> {
    let target = context.target()?;
    if args.undo {
        return undo(context, &target);
    }
    if args.drop_previous {
        return drop_previous(context, &target);
    }
    let Context { ui, world, settings, .. } = context;
    let folder = Folder::new(&settings.backup.dir.value);
    let _folder_lock = folder.lock_shared()?;
    let source = choose(context, args, &folder, &target)?;
    let target = args.into.as_deref().map_or_else(|| target.clone(), |into| target.with_database(into));
    let preflight = backup::preflight(world, settings, &target, &source)?;
    if args.into.is_some() && preflight.exists {
        let problems = vec![format!("target: `{}` exists already", target.database)];
        return Err(Kind::CannotRestore { name: source.name, problems }.into());
    }
    let plan = plan(context, &target, &source, &preflight)?;
    if args.dry_run {
        ui.report(&Report::DryRun { plan: &plan, sql: None });
        return Ok(Exit::Done);
    }
    ui.plan(&plan);
    consent::to_plan(context, &plan)?;

    // From here on nobody else restores or builds on this server.
    let _lock = Lock::acquire(
        world,
        &target.with_database("postgres"),
        &[OWN_KEY],
        settings.limits.lock_timeout.value,
    )?;
    let built = backup::build(world, settings, &target, &source)?;
    let mut kept = backup::swap(world, &target, built, preflight.exists)?;
    if settings.environment.environment == Environment::Test
        && let Some(old) = kept.take()
    {
        backup::drop_previous(world, &target, &old)?;
    }
    ui.report(&Report::Restored { target: &target, kept: kept.as_deref() });
    Ok(Exit::Done)
}

/// A backup of ours, found sound before anything else happens, or a file that is named.
fn choose(context: &Context, args: &RestoreArgs, folder: &Folder, target: &Target) -> Result<Source> {
    let name = match &args.backup {
        Some(name) => Some(name.clone()),
        None if args.latest => None,
        None if context.ui.can_prompt() => Some(pick(context, folder)?),
        None => {
            let (source_name, value) = ("the backup to restore".to_owned(), "nothing".to_owned());
            let why = "name one, or say `--latest`".to_owned();
            return Err(Kind::BadSetting { source_name, value, why }.into());
        }
    };
    if let Some(name) = &name {
        let known = folder.list()?.backups.iter().any(|backup| backup.manifest.name == *name);
        let path = context.settings.root.join(Path::new(name));
        if !known && path.exists() && !path.starts_with(folder.path()) {
            return Source::file(&path);
        }
    }
    let backup = folder.find(name.as_deref(), &target.database)?;
    let (world, settings) = (&context.world, &context.settings);
    Verifier { world, settings, folder, target: &|| context.target() }.before_restore(&backup)?;
    Ok(Source::of(folder, &backup))
}

/// A numbered list, and a question.
fn pick(context: &Context, folder: &Folder) -> Result<String> {
    let found = folder.list()?;
    context.ui.numbered(&found);
    let answer = context.ui.ask("Number of the backup, or q to quit")?;
    let chosen: Option<&Backup> =
        answer.trim().parse::<usize>().ok().and_then(|number| found.backups.get(number.checked_sub(1)?));
    chosen.map(|backup| backup.manifest.name.clone()).ok_or_else(|| Kind::Declined.into())
}

fn plan(context: &Context, target: &Target, source: &Source, preflight: &backup::Preflight) -> Result<Plan> {
    let environment = context.settings.environment.environment;
    let name = target.database.clone();
    let keeps_old = environment != Environment::Test;
    let last = if preflight.exists {
        let gone = Loss { object: format!("{name}, {} tables", preflight.tables), rows: None };
        let loses = if keeps_old { Vec::new() } else { vec![gone] };
        Step::Swap { name, keeps_old, loses }
    } else {
        Step::Name { name }
    };
    let steps = vec![Step::Build { backup: source.name.clone() }, last];
    Ok(Plan::from_basis(Verb::Restore, target, environment, steps, source.fingerprint()?))
}

fn undo(context: &Context, target: &Target) -> Result<Exit> {
    let kept = backup::previous(&context.world, target)?.into_iter().next();
    let kept =
        kept.ok_or_else(|| Kind::NoBackup { what: format!("of `{}` that a restore kept", target.database) })?;
    context.ui.note(&format!("{kept} becomes {} again", target.database));
    obtain(context, target)?;
    let aside = backup::undo(&context.world, target, &kept)?;
    context.ui.report(&Report::Restored { target, kept: Some(&aside) });
    Ok(Exit::Done)
}

fn drop_previous(context: &Context, target: &Target) -> Result<Exit> {
    let kept = backup::previous(&context.world, target)?;
    kept.iter().for_each(|name| context.ui.note(&format!("  drops the database {name}")));
    if !kept.is_empty() {
        obtain(context, target)?;
    }
    kept.iter().try_for_each(|name| backup::drop_previous(&context.world, target, name))?;
    context.ui.report(&Report::Line(&format!("{} previous databases dropped", kept.len())));
    Ok(Exit::Done)
}

/// What a restore that changes nothing on disk needs: a confirmation, or the name where it matters.
fn obtain(context: &Context, target: &Target) -> Result<()> {
    let environment = context.settings.environment.environment;
    let needed = if environment.is_own() { Consent::Confirm } else { Consent::ByName };
    consent::obtain(context, needed, "restore", &target.database, environment)
}
