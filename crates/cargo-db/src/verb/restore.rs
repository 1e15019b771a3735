//! `cargo db restore`.

use std::fs::File;
use std::path::Path;

use clap::Args;

use crate::answer::{BackupList, Dropped, DryRun, Outcome, Restored};
use crate::audit::DatabaseIdentity;
use crate::backup::{
    self, Folder, LockedScope, OldDatabase, RestoreOptions, Scope, Source, Verifier,
};
use crate::change::{
    Change, Database, Effect, Ending, Mode, Workspace, lock_migrations, lock_server, perform,
};
use crate::failure::{BackupError, ConsentError, Result, SettingsError};
use crate::model::backup::{Backup, Format};
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::{self, Loss, Plan, Step};
use crate::verb::declare::Verb;
use crate::world::pg::{Lock, Session};

const EFFECT: Effect = Effect::Destroys;

/// Restore a backup
///
/// A new database is built beside the old one, compared with the manifest row by row, and swapped
/// in. The old one is kept under another name; `--undo` swaps back.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct Restore {
    /// A backup's name, or any file or folder that pg_dump wrote
    backup: Option<String>,
    /// The newest backup of the database
    #[arg(long, conflicts_with = "backup")]
    latest: bool,
    /// The same as naming it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["backup", "latest"])]
    file: Option<String>,
    /// Restore into this new database and leave the old one alone
    #[arg(long, value_name = "DATABASE")]
    into: Option<String>,
    /// Replace only this schema, in the database itself and in one transaction
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["into", "clean"])]
    schema: Option<String>,
    /// Replace only this table (`users`, `sales.orders`), in the same way
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["into", "clean"])]
    table: Option<String>,
    /// Replace everything in the database itself, in one transaction; no old database is kept
    #[arg(long, conflicts_with = "into")]
    clean: bool,
    /// Create the roles of a set that the server does not have, without passwords
    #[arg(long)]
    roles: bool,
    /// Tables at once, where the format allows it; as many as there are processors if nothing is said
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Swap back what the last restore kept
    #[arg(long, conflicts_with_all = ["backup", "latest", "file", "into", "schema", "table", "clean", "roles", "drop_previous"])]
    undo: bool,
    /// Remove the databases that restores kept
    #[arg(long, conflicts_with_all = ["backup", "latest", "file", "into", "schema", "table", "clean", "roles"])]
    drop_previous: bool,
}

impl Verb for Restore {
    fn name(&self) -> &'static str {
        "restore"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        if self.undo {
            return self.swap_back(&database);
        }
        if self.drop_previous {
            return self.drop_kept(&database);
        }
        let folder = Folder::of(&database.settings);
        let reading = folder.lock_shared()?;
        let source = self.choose(&database, &folder)?;
        let target = match &self.into {
            Some(into) => database.target.with_database(into),
            None => database.target.clone(),
        };
        match self.scope() {
            Some(scope) => self.in_place(&database, Replacing::new(&source, scope, self, reading)?),
            None => self.beside(&database, Building { args: self, target, source: &source }),
        }
    }
}

impl Restore {
    /// The part that is meant; nothing where a new database is built.
    fn scope(&self) -> Option<Scope> {
        match (&self.schema, &self.table) {
            // A name with a dot of its own needs its schema beside it.
            (Some(schema), Some(table)) => {
                Some(Scope::Table { schema: schema.clone(), table: table.clone() })
            }
            (None, Some(table)) => {
                let (schema, table) = table.split_once('.').unwrap_or(("public", table));
                Some(Scope::Table { schema: schema.to_owned(), table: table.to_owned() })
            }
            (Some(schema), None) => Some(Scope::Schema(schema.clone())),
            (None, None) => self.clean.then_some(Scope::Everything),
        }
    }

    fn beside(&self, database: &Database<'_>, mut change: Building<'_>) -> Result<Outcome> {
        Ok(match perform(database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { plan, done: kept, .. } => {
                Outcome::done(Restored::whole(&plan.target, kept))
            }
        })
    }

    fn in_place(&self, database: &Database<'_>, mut change: Replacing<'_>) -> Result<Outcome> {
        Ok(match perform(database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { plan, .. } => {
                Outcome::done(Restored::part(&plan.target, change.scope.describe()))
            }
        })
    }

    /// Lets what the last restore kept take the name again.
    fn swap_back(&self, database: &Database<'_>) -> Result<Outcome> {
        Ok(match perform(database, Mode::of(self.dry_run), &mut SwappingBack::default())? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { plan, done: aside, .. } => {
                Outcome::done(Restored::whole(&plan.target, Some(aside)))
            }
        })
    }

    /// Drops the databases that restores kept.
    fn drop_kept(&self, database: &Database<'_>) -> Result<Outcome> {
        let ending = perform(database, Mode::of(self.dry_run), &mut DroppingKept::default())?;
        Ok(match ending {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(_) => Outcome::done(Dropped::of(&database.target, Vec::new())),
            Ending::Done { done, .. } => Outcome::done(Dropped::of(&database.target, done)),
        })
    }

    /// A backup of ours, found sound before anything else happens, or a file that is named.
    fn choose(&self, database: &Database<'_>, folder: &Folder) -> Result<Source> {
        let workspace = database.workspace;
        let name = match self.backup.as_ref().or(self.file.as_ref()) {
            Some(name) => Some(name.clone()),
            None if self.latest => None,
            None if workspace.ui.can_prompt() => Some(pick(workspace, folder)?),
            None => {
                let what = "which backup to restore was not said: name one, or say `--latest`";
                return Err(SettingsError::Usage { what: what.to_owned() }.into());
            }
        };
        let jobs = self.jobs.map(|jobs| jobs.max(1));
        if let Some(name) = &name {
            let listed = folder.list()?.backups;
            let is_ours = listed.iter().any(|backup| backup.manifest.name == *name);
            let path = database.settings.root.join(Path::new(name));
            if !is_ours && path.exists() && !path.starts_with(folder.path()) {
                return Ok(Source::file(&path)?.with_jobs(jobs));
            }
        }
        let has_parts = matches!(self.scope(), Some(Scope::Schema(_) | Scope::Table { .. }));
        let backup = match &name {
            None => newest(database, folder, has_parts)?,
            Some(name) => folder.find(Some(name), &database.target.database)?,
        };
        let (world, settings) = (&workspace.world, &database.settings);
        Verifier { world, settings, folder, target: &|| workspace.target() }
            .before_restore(&backup)?;
        Ok(Source::of(folder, &backup).with_jobs(jobs))
    }

    /// The roles of the source that the server does not have, where they are to be created.
    fn missing_roles(
        &self,
        database: &Database<'_>,
        target: &Target,
        source: &Source,
    ) -> Result<Vec<String>> {
        if !self.roles {
            return Ok(Vec::new());
        }
        backup::missing_roles(&database.workspace.world, target, source)
    }
}

/// The newest backup of the database, which can be one of several servers that have one of this name.
/// A part can be restored from one that has parts only: a file of SQL has none to choose from.
fn newest(database: &Database<'_>, folder: &Folder, has_parts: bool) -> Result<Backup> {
    let name = &database.target.database;
    let is_meant = |backup: &Backup| {
        let is_sql = backup.manifest.format == Format::Sql;
        backup.manifest.database.name == *name && !(has_parts && is_sql)
    };
    let found: Vec<Backup> = folder.list()?.backups.into_iter().filter(is_meant).collect();
    let server = backup::system_identifier(&database.workspace.world, &database.target);
    let is_here =
        |backup: &&Backup| server.is_some() && backup.manifest.server.system_identifier == server;
    if let Some(here) = found.iter().find(is_here) {
        return Ok(here.clone());
    }
    let with = if has_parts { " with parts: a set or an archive" } else { "" };
    let none = |what: String| BackupError::NotFound { what: what + with };
    let Some(first) = found.first() else {
        return Err(none(format!("of `{name}` in `{}`", folder.path().display())).into());
    };
    if found.iter().any(|backup| backup.group() != first.group()) {
        let what = format!("of `{name}` on this server, and several of other servers: name one");
        return Err(none(what).into());
    }
    let warning = format!("`{}` was taken on another server", first.manifest.name);
    database.workspace.ui.warning(&warning);
    Ok(first.clone())
}

/// A numbered list, and a question.
fn pick(workspace: &Workspace, folder: &Folder) -> Result<String> {
    let found = folder.list()?;
    workspace.ui.numbered(&BackupList::of(&found, folder.path()));
    let answer = workspace.ui.ask("Number of the backup, or q to quit")?;
    let number = answer.trim().parse::<usize>().ok();
    let chosen = number.and_then(|number| found.backups.get(number.checked_sub(1)?));
    chosen.map(|backup| backup.manifest.name.clone()).ok_or_else(|| ConsentError::Declined.into())
}

/// A new database, about to be built beside the old one and swapped in.
struct Building<'a> {
    args: &'a Restore,
    target: Target,
    source: &'a Source,
}

/// The locks of a database that is about to be replaced: the swap ends every session in it, so its own
/// lock is given back before.
struct SwapLocks {
    _server: Lock,
    database: Option<Lock>,
}

impl Change for Building<'_> {
    type Held = SwapLocks;
    /// The name under which the old database is kept.
    type Done = Option<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let options = RestoreOptions { builds: true, brings_roles: self.args.roles };
        let preflight = backup::preflight(world, settings, &self.target, self.source, options)?;
        let name = self.target.database.clone();
        if self.args.into.is_some() && preflight.exists {
            let problems = vec![format!("target: `{name}` exists already")];
            let name = self.source.name.clone();
            return Err(BackupError::CannotRestore { name, problems }.into());
        }
        let last = if preflight.exists {
            let gone = Loss { object: format!("{name}, {} tables", preflight.tables), rows: None };
            let keeps_old = database.environment() != Environment::Test;
            let loses = if keeps_old { Vec::new() } else { vec![gone] };
            Step::Swap { name, keeps_old, loses }
        } else {
            Step::Name { name }
        };
        let roles = self.args.missing_roles(database, &self.target, self.source)?;
        let build = Step::Build { backup: self.source.name.clone() };
        let steps = creating(roles).into_iter().chain([build, last]).collect();
        let (verb, environment) = (plan::Verb::Restore, database.environment());
        let basis = self.source.fingerprint()?;
        Ok(Plan::from_basis(verb, &self.target, environment, steps, basis))
    }

    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<SwapLocks> {
        let server = lock_server(database)?;
        let of_old = (old_database(plan) != OldDatabase::Absent)
            .then(|| lock_migrations(database, &self.target))
            .transpose()?;
        Ok(SwapLocks { _server: server, database: of_old })
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<Option<String>> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        create_roles(database, plan, self.source)?;
        let built = backup::build(world, settings, &self.target, self.source)?;
        // What the old database says of itself is true of the new one.
        if old_database(plan) != OldDatabase::Absent {
            DatabaseIdentity::hand_over(world, &self.target, &built.target)?;
        }
        drop(locks.database);
        backup::swap(world, &self.target, built, old_database(plan))
    }
}

/// A part of a database, or all of it, about to be replaced in the database itself.
struct Replacing<'a> {
    args: &'a Restore,
    source: &'a Source,
    scope: Scope,
    /// Keeps the backup that is restored from being removed; whoever writes a backup is alone there.
    reading: Option<File>,
    part: Option<backup::Part>,
    locked: Option<LockedScope>,
}

impl<'a> Replacing<'a> {
    fn new(
        source: &'a Source,
        scope: Scope,
        args: &'a Restore,
        reading: File,
    ) -> Result<Replacing<'a>> {
        let schema = match &scope {
            Scope::Schema(schema) | Scope::Table { schema, .. } => schema.as_str(),
            Scope::Everything => "",
        };
        if schema == "cargo_db" {
            let what =
                "what cargo db remembers in the schema cargo_db is not brought back by itself";
            return Err(SettingsError::Usage { what: what.to_owned() }.into());
        }
        Ok(Replacing { args, source, scope, reading: Some(reading), part: None, locked: None })
    }
}

impl Change for Replacing<'_> {
    type Held = Lock;
    type Done = ();

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings, target) =
            (&database.workspace.world, &database.settings, &database.target);
        let options = RestoreOptions { builds: false, brings_roles: self.args.roles };
        backup::preflight(world, settings, target, self.source, options)?;
        let roles = self.args.missing_roles(database, target, self.source)?;
        let part = backup::gather(world, settings, target, self.source, self.scope.clone())?;
        let replace = Step::Replace {
            what: self.scope.describe(),
            backup: self.source.name.clone(),
            loses: part.losses.clone(),
        };
        let steps = creating(roles).into_iter().chain([replace]).collect();
        let basis = format!("{}{}", self.source.fingerprint()?, part.fingerprint());
        self.part = Some(part);
        let (verb, environment) = (plan::Verb::RestoreInPlace, database.environment());
        Ok(Plan::from_basis(verb, target, environment, steps, basis))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_migrations(database, &database.target)
    }

    /// From here on nobody writes to what is replaced: what they wrote by now is in the backup.
    fn before_backup(&mut self, database: &Database<'_>, _: &Plan, _: &mut Lock) -> Result<()> {
        self.reading = None;
        if let Some(part) = self.part.take() {
            let (world, settings) = (&database.workspace.world, &database.settings);
            self.locked = Some(backup::begin(world, settings, &database.target, part)?);
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<()> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let _reading = Folder::of(settings).lock_shared()?;
        create_roles(database, plan, self.source)?;
        let identity = DatabaseIdentity::of(world, &database.target)?;
        let whole = self.scope == Scope::Everything;
        let last = |session: &mut Session| if whole { identity.write(session) } else { Ok(()) };
        match self.locked.take() {
            Some(locked) => backup::replace(world, settings, locked, self.source, last),
            None => Ok(()),
        }
    }
}

/// What the last restore kept, about to take the name again.
#[derive(Default)]
struct SwappingBack {
    kept: String,
}

impl Change for SwappingBack {
    type Held = Lock;
    /// The name under which the one that goes is kept.
    type Done = String;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        let kept = backup::previous(&database.workspace.world, target)?.into_iter().next();
        self.kept = kept.ok_or_else(|| BackupError::NotFound {
            what: format!("of `{}` that a restore kept", target.database),
        })?;
        let steps = vec![Step::PutBack { kept: self.kept.clone(), name: target.database.clone() }];
        let (verb, environment) = (plan::Verb::Restore, database.environment());
        Ok(Plan::from_basis(verb, target, environment, steps, String::new()))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_server(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<String> {
        let (world, target) = (&database.workspace.world, &database.target);
        // What is true of the database that goes is true of the one that comes back.
        DatabaseIdentity::hand_over(world, target, &target.with_database(&self.kept))?;
        backup::undo(world, target, &self.kept)
    }
}

/// The databases that restores kept, about to be dropped.
#[derive(Default)]
struct DroppingKept {
    kept: Vec<String>,
}

impl Change for DroppingKept {
    type Held = Lock;
    type Done = Vec<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        self.kept = backup::previous(&database.workspace.world, target)?;
        let remove = |name| Step::Remove { what: format!("the database {name}") };
        let steps = self.kept.iter().map(remove).collect();
        let (verb, environment) = (plan::Verb::Restore, database.environment());
        Ok(Plan::from_basis(verb, target, environment, steps, String::new()))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_server(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<Vec<String>> {
        let (world, target) = (&database.workspace.world, &database.target);
        self.kept.iter().try_for_each(|name| backup::drop_previous(world, target, name))?;
        Ok(std::mem::take(&mut self.kept))
    }
}

/// The step that creates roles first, where any are to be created.
fn creating(roles: Vec<String>) -> Option<Step> {
    (!roles.is_empty()).then_some(Step::CreateRoles { names: roles })
}

fn create_roles(database: &Database<'_>, plan: &Plan, source: &Source) -> Result<()> {
    for step in &plan.steps {
        if let Step::CreateRoles { names } = step {
            backup::create_roles(&database.workspace.world, &plan.target, source, names)?;
        }
    }
    Ok(())
}

/// What becomes of the database that the plan replaces.
fn old_database(plan: &Plan) -> OldDatabase {
    let of_step = |step: &Step| match step {
        Step::Swap { keeps_old: true, .. } => Some(OldDatabase::Kept),
        Step::Swap { keeps_old: false, .. } => Some(OldDatabase::Dropped),
        _ => None,
    };
    plan.steps.iter().find_map(of_step).unwrap_or(OldDatabase::Absent)
}
