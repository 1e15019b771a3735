//! `cargo db restore`.

use std::path::Path;

use crate::backup::{
    self, Folder, OldDatabase, Preflight, RestoreOptions, Scope, Source, Verifier,
};
use crate::cli::RestoreArgs;
use crate::command::{Context, Word, consent};
use crate::failure::{Exit, Kind, Result};
use crate::model::backup::{Backup, Format};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, Step, Verb};
use crate::ui::Report;
use crate::world::pg::{Lock, OWN_KEY, Session};

pub(super) fn run(context: &Context, args: &RestoreArgs) -> Result<Exit> {
    let target = context.target()?;
    if args.undo {
        return undo(context, &target, args.dry_run);
    }
    if args.drop_previous {
        return drop_previous(context, &target, args.dry_run);
    }
    let Context { world, settings, .. } = context;
    let folder = Folder::of(settings);
    let folder_lock = folder.lock_shared()?;
    let mut source = choose(context, args, &folder, &target)?;
    source.jobs = args.jobs.map(|jobs| jobs.max(1));
    let target =
        args.into.as_deref().map_or_else(|| target.clone(), |into| target.with_database(into));
    let scope = scope(args);
    let options = RestoreOptions { builds: scope.is_none(), brings_roles: args.roles };
    let preflight = backup::preflight(world, settings, &target, &source, options)?;
    if args.into.is_some() && preflight.exists {
        let problems = vec![format!("target: `{}` exists already", target.database)];
        return Err(Kind::CannotRestore { name: source.name, problems }.into());
    }
    let roles =
        if args.roles { backup::missing_roles(world, &target, &source)? } else { Vec::new() };
    let restore = Restore { context, target: &target, source: &source, roles };
    match scope {
        Some(scope) => restore.in_place(scope, args.dry_run, folder_lock),
        None => restore.beside(&preflight, args.dry_run),
    }
}

/// The part that is meant; nothing where a new database is built.
fn scope(args: &RestoreArgs) -> Option<Scope> {
    match (&args.schema, &args.table) {
        // A name with a dot of its own needs its schema beside it.
        (Some(schema), Some(table)) => {
            Some(Scope::Table { schema: schema.clone(), table: table.clone() })
        }
        (None, Some(table)) => {
            let (schema, table) = table.split_once('.').unwrap_or(("public", table));
            Some(Scope::Table { schema: schema.to_owned(), table: table.to_owned() })
        }
        (Some(schema), None) => Some(Scope::Schema(schema.clone())),
        (None, None) => args.clean.then_some(Scope::Everything),
    }
}

/// A restore of which everything is known.
struct Restore<'a> {
    context: &'a Context,
    target: &'a Target,
    source: &'a Source,
    /// The roles to create first.
    roles: Vec<String>,
}

impl Restore<'_> {
    /// Builds a new database beside the old one and swaps it in.
    fn beside(&self, preflight: &Preflight, dry_run: bool) -> Result<Exit> {
        let Context { ui, world, settings, .. } = self.context;
        let environment = settings.environment.environment;
        let name = self.target.database.clone();
        let keeps_old = environment != Environment::Test;
        let last = if preflight.exists {
            let gone = Loss { object: format!("{name}, {} tables", preflight.tables), rows: None };
            let loses = if keeps_old { Vec::new() } else { vec![gone] };
            Step::Swap { name, keeps_old, loses }
        } else {
            Step::Name { name }
        };
        let steps = vec![Step::Build { backup: self.source.name.clone() }, last];
        let plan = self.plan(Verb::Restore, steps, "")?;
        let Some((_lock, given)) = agree(self.context, &plan, dry_run)? else {
            return Ok(Exit::Done);
        };
        let kept = self.context.carry_out(&plan, given, None, || {
            self.create_roles()?;
            let built = backup::build(world, settings, self.target, self.source)?;
            // What the old database says of itself is true of the new one.
            if preflight.exists {
                Word::succeed(world, self.target, &built.target)?;
            }
            let old = match (preflight.exists, keeps_old) {
                (false, _) => OldDatabase::Absent,
                (true, true) => OldDatabase::Kept,
                (true, false) => OldDatabase::Dropped,
            };
            backup::swap(world, self.target, built, old)
        })?;
        ui.report(&Report::Restored { target: self.target, what: None, kept: kept.as_deref() });
        Ok(Exit::Done)
    }

    /// Replaces a part, or everything, in the database itself.
    fn in_place(&self, scope: Scope, dry_run: bool, reading: std::fs::File) -> Result<Exit> {
        let Context { ui, world, settings, .. } = self.context;
        let (what, whole) = (scope.describe(), scope == Scope::Everything);
        if matches!(&scope, Scope::Schema(schema) | Scope::Table { schema, .. } if schema == "cargo_db")
        {
            let what =
                "what cargo db remembers in the schema cargo_db is not brought back by itself"
                    .to_owned();
            return Err(Kind::Usage { what }.into());
        }
        let part = backup::gather(world, settings, self.target, self.source, scope)?;
        let (backup, loses) = (self.source.name.clone(), part.losses.clone());
        let steps = vec![Step::Replace { what: what.clone(), backup, loses }];
        let plan = self.plan(Verb::RestoreInPlace, steps, &part.fingerprint())?;
        let Some((_lock, given)) = agree(self.context, &plan, dry_run)? else {
            return Ok(Exit::Done);
        };
        // Whoever writes a backup is alone in the folder, and we are reading there.
        drop(reading);
        // From here on nobody writes to what is replaced: what they wrote by now is in the backup.
        let locked = backup::begin(world, settings, self.target, &part)?;
        let taken = self.context.back_up(&plan)?;
        let _reading = Folder::of(settings).lock_shared()?;
        self.context.carry_out(&plan, given, taken, || {
            self.create_roles()?;
            let word = Word::of(world, self.target)?;
            let last = |session: &mut Session| if whole { word.pass_on(session) } else { Ok(()) };
            backup::replace(world, settings, locked, self.source, last)
        })?;
        ui.report(&Report::Restored { target: self.target, what: Some(&what), kept: None });
        Ok(Exit::Done)
    }

    fn plan(&self, verb: Verb, mut steps: Vec<Step>, part: &str) -> Result<Plan> {
        if !self.roles.is_empty() {
            steps.insert(0, Step::CreateRoles { names: self.roles.clone() });
        }
        let environment = self.context.settings.environment.environment;
        let basis = format!("{}{part}", self.source.fingerprint()?);
        self.context.seal(Plan::from_basis(verb, self.target, environment, steps, basis))
    }

    fn create_roles(&self) -> Result<()> {
        if self.roles.is_empty() {
            return Ok(());
        }
        backup::create_roles(&self.context.world, self.target, self.source, &self.roles)
    }
}

/// A backup of ours, found sound before anything else happens, or a file that is named.
fn choose(
    context: &Context,
    args: &RestoreArgs,
    folder: &Folder,
    target: &Target,
) -> Result<Source> {
    let name = match args.backup.as_ref().or(args.file.as_ref()) {
        Some(name) => Some(name.clone()),
        None if args.latest => None,
        None if context.ui.can_prompt() => Some(pick(context, folder)?),
        None => {
            let what =
                "which backup to restore was not said: name one, or say `--latest`".to_owned();
            return Err(Kind::Usage { what }.into());
        }
    };
    if let Some(name) = &name {
        let known = folder.list()?.backups.iter().any(|backup| backup.manifest.name == *name);
        let path = context.settings.root.join(Path::new(name));
        if !known && path.exists() && !path.starts_with(folder.path()) {
            return Source::file(&path);
        }
    }
    let backup = match (&name, scope(args)) {
        // A file of SQL has no parts to choose from.
        (None, Some(Scope::Schema(_) | Scope::Table { .. })) => {
            newest(context, folder, target, true)?
        }
        (None, _) => newest(context, folder, target, false)?,
        (Some(name), _) => folder.find(Some(name), &target.database)?,
    };
    let (world, settings) = (&context.world, &context.settings);
    Verifier { world, settings, folder, target: &|| context.target() }.before_restore(&backup)?;
    Ok(Source::of(folder, &backup))
}

/// The newest backup of the database, which can be one of several servers that have one of this name.
fn newest(context: &Context, folder: &Folder, target: &Target, with_parts: bool) -> Result<Backup> {
    let name = &target.database;
    let is_meant = |backup: &Backup| {
        backup.manifest.database.name == *name
            && !(with_parts && backup.manifest.format == Format::Sql)
    };
    let found: Vec<Backup> = folder.list()?.backups.into_iter().filter(is_meant).collect();
    let server = backup::system_identifier(&context.world, target);
    let is_here =
        |backup: &&Backup| server.is_some() && backup.manifest.server.system_identifier == server;
    if let Some(here) = found.iter().find(is_here) {
        return Ok(here.clone());
    }
    let with = if with_parts { " with parts: a set or an archive" } else { "" };
    let none = |what: String| Kind::NoBackup { what: what + with };
    let Some(first) = found.first() else {
        return Err(none(format!("of `{name}` in `{}`", folder.path().display())).into());
    };
    if found.iter().any(|backup| backup.group() != first.group()) {
        return Err(none(format!(
            "of `{name}` on this server, and several of other servers: name one"
        ))
        .into());
    }
    context.ui.warning(&format!("`{}` was taken on another server", first.manifest.name));
    Ok(first.clone())
}

/// A numbered list, and a question.
fn pick(context: &Context, folder: &Folder) -> Result<String> {
    let found = folder.list()?;
    context.ui.numbered(&found);
    let answer = context.ui.ask("Number of the backup, or q to quit")?;
    let chosen: Option<&Backup> = answer
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|number| found.backups.get(number.checked_sub(1)?));
    chosen.map(|backup| backup.manifest.name.clone()).ok_or_else(|| Kind::Declined.into())
}

/// Lets what the last restore kept take the name again.
fn undo(context: &Context, target: &Target, dry_run: bool) -> Result<Exit> {
    let look = || -> Result<(String, Plan)> {
        let kept = backup::previous(&context.world, target)?.into_iter().next();
        let kept = kept.ok_or_else(|| Kind::NoBackup {
            what: format!("of `{}` that a restore kept", target.database),
        })?;
        let step = Step::PutBack { kept: kept.clone(), name: target.database.clone() };
        Ok((kept, of_kept(context, target, vec![step])?))
    };
    let (kept, plan) = look()?;
    let Some((_lock, given)) = agree(context, &plan, dry_run)? else { return Ok(Exit::Done) };
    consent::unchanged(&plan, &look()?.1)?;
    let aside = context.carry_out(&plan, given, None, || {
        // What is true of the database that goes is true of the one that comes back.
        Word::succeed(&context.world, target, &target.with_database(&kept))?;
        backup::undo(&context.world, target, &kept)
    })?;
    context.ui.report(&Report::Restored { target, what: None, kept: Some(&aside) });
    Ok(Exit::Done)
}

fn drop_previous(context: &Context, target: &Target, dry_run: bool) -> Result<Exit> {
    let kept = backup::previous(&context.world, target)?;
    let steps = kept.iter().map(|name| Step::Remove { what: format!("the database {name}") });
    let plan = of_kept(context, target, steps.collect())?;
    if !plan.is_empty() || dry_run {
        let Some((_lock, given)) = agree(context, &plan, dry_run)? else { return Ok(Exit::Done) };
        context.carry_out(&plan, given, None, || {
            kept.iter().try_for_each(|name| backup::drop_previous(&context.world, target, name))
        })?;
    }
    context.ui.report(&Report::Line(&format!("{} previous databases dropped", kept.len())));
    Ok(Exit::Done)
}

/// A plan about databases that restores kept.
fn of_kept(context: &Context, target: &Target, steps: Vec<Step>) -> Result<Plan> {
    let environment = context.settings.environment.environment;
    context.seal(Plan::from_basis(Verb::Restore, target, environment, steps, String::new()))
}

/// Shows the plan, and gets the consent and the lock. Nothing where the plan was only asked for.
fn agree(context: &Context, plan: &Plan, dry_run: bool) -> Result<Option<(Lock, Consent)>> {
    let Context { ui, world, settings, .. } = context;
    if dry_run {
        ui.report(&Report::DryRun { plan, sql: None });
        return Ok(None);
    }
    ui.plan(plan);
    let given = consent::to_plan(context, plan)?;
    // From here on nobody else restores or builds on this server.
    let server = plan.target.maintenance();
    let lock = Lock::acquire(world, &server, &[OWN_KEY], settings.limits.lock_timeout.value)?;
    Ok(Some((lock, given)))
}
