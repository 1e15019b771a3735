//! `cargo db restore`.

mod anything;
mod functions;
mod in_place;
mod kept;
mod replace;
mod roles;

use std::path::PathBuf;

use clap::Args;

use crate::answer::{BackupList, Dropped, DryRun, Outcome, Restored};
use crate::backup::{
    self, Allowed, BackupFolder, LoadFilter, RestoreArgument, RestoreScope, RestoreSource, Verifier,
};
use crate::change::{
    Database, DropKept, Effect, Ending, Mode, Needs, Workspace, apply_kept, perform,
};
use crate::failure::{BackupError, ConsentError, Result, SettingsError};
use crate::model::backup::{Backup, Format};
use crate::plan::Operation;
use crate::verb::declare::Verb;
use crate::verb::restore::in_place::Replacing;
use crate::verb::restore::kept::{SwappingBack, to_drop};
use crate::verb::restore::replace::Building;
use crate::verb::restore::roles::Roles;
use pg_sql::left_out::LeftOut;

/// How many bytes a name has: of a longer one, a server takes the beginning.
const LONGEST_NAME: usize = 63;

const EFFECT: Effect = Effect::Destroys;

/// The flags that say what to restore, and how.
const WHAT_TO_RESTORE: [&str; 14] = [
    "backup",
    "latest",
    "file",
    "into",
    "schema",
    "table",
    "clean",
    "roles",
    "allow_any_sql",
    "accept_incomplete",
    "no_owner",
    "no_privileges",
    "no_tablespaces",
    "role",
];

/// Restore a backup
///
/// Builds a new database beside the old one, compares the restored rows with the counts and hashes
/// in the backup's manifest, and swaps the new database in. The old one is kept under another name;
/// `--undo` puts it back.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RestoreArgs {
    /// Name of a backup, or path of a file or folder that pg_dump wrote
    backup: Option<String>,
    /// Restore the newest backup of the database
    #[arg(long, conflicts_with = "backup")]
    latest: bool,
    /// Same as the argument BACKUP
    #[arg(long, value_name = "NAME", conflicts_with_all = ["backup", "latest"])]
    file: Option<String>,
    /// Restore into this new database, and leave the current one unchanged
    #[arg(long, value_name = "DATABASE")]
    into: Option<String>,
    /// Replace only this schema, in place and in one transaction
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["into", "clean"])]
    schema: Option<String>,
    /// Replace only this table (`users`, `sales.orders`, `"a.b"."c.d"`), in place and in one
    /// transaction
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["into", "clean"])]
    table: Option<String>,
    /// Replace everything in place, in one transaction; the old contents are not kept
    #[arg(long, conflicts_with = "into")]
    clean: bool,
    /// Run every statement in the file as the connecting role, including statements that pg_dump
    /// does not write
    #[arg(long)]
    allow_any_sql: bool,
    /// Restore a file that lacks pg_dump's closing comment
    #[arg(long)]
    accept_incomplete: bool,
    /// Do not restore ownership; the connecting role owns every object
    #[arg(short = 'O', long)]
    no_owner: bool,
    /// Do not restore privileges (GRANT and REVOKE)
    #[arg(short = 'x', long, visible_alias = "no-acl")]
    no_privileges: bool,
    /// Do not restore tablespace assignments
    #[arg(long)]
    no_tablespaces: bool,
    /// Load the file as this role, which will own all objects; code in the file runs with the
    /// privileges of this role only
    #[arg(long = "as", value_name = "ROLE", conflicts_with_all = ["clean", "schema", "table"])]
    role: Option<String>,
    /// Create the roles that the backup set contains and the server lacks, without passwords
    #[arg(long)]
    roles: bool,
    /// Number of tables to load at once, if the format allows it
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Carry out the restore of a kept plan, as `cargo db apply` does; needs `--plan ID`
    #[arg(long, value_name = "FILE", requires = "plan", conflicts_with_all = WHAT_TO_RESTORE)]
    plan_file: Option<PathBuf>,
    /// Put back the database that the last restore kept
    #[arg(long, conflicts_with_all = WHAT_TO_RESTORE, conflicts_with = "drop_previous")]
    undo: bool,
    /// Remove the old databases that earlier restores kept
    #[arg(long, conflicts_with_all = WHAT_TO_RESTORE)]
    drop_previous: bool,
}

impl Verb for RestoreArgs {
    fn name(&self) -> &'static str {
        "restore"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        if self.plan_file.is_some() { Needs::REPOSITORY } else { Needs::DATABASE }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        if let Some(file) = &self.plan_file {
            let id = workspace.consent.plan.clone().unwrap_or_default();
            return apply_kept(workspace, &id, Some(file), Some("restore"));
        }
        let database = workspace.database()?;
        if self.undo {
            return self.swap_back(&database);
        }
        if self.drop_previous {
            return self.drop_kept(&database);
        }
        if self.into.as_ref().is_some_and(|name| name.is_empty() || name.len() > LONGEST_NAME) {
            let what =
                format!("`--into` takes the name of a database, of 1 to {LONGEST_NAME} bytes");
            return Err(SettingsError::Usage { what }.into());
        }
        let source = self.choose(&database, &BackupFolder::of(&database.settings))?;
        let source = source.with_wanted(self.wanted()).with_role(self.role.clone());
        let target = match &self.into {
            Some(into) => database.target.with_database(into),
            None => database.target.clone(),
        };
        let roles = if self.roles { Roles::Created } else { Roles::Expected };
        match self.scope() {
            Some(scope) => self.in_place(&database, Replacing::new(&source, scope, roles)?),
            None => {
                let is_new = self.into.is_some();
                self.replace_whole(&database, Building { source: &source, target, is_new, roles })
            }
        }
    }
}

impl RestoreArgs {
    /// The selected part; `None` if a new database is built.
    fn scope(&self) -> Option<RestoreScope> {
        match (&self.schema, &self.table) {
            // A name that contains a dot needs an explicit schema.
            (Some(schema), Some(table)) => {
                Some(RestoreScope::Table { schema: schema.clone(), table: table.clone() })
            }
            (None, Some(table)) => {
                let (schema, table) = table_named(table);
                Some(RestoreScope::Table { schema, table })
            }
            (Some(schema), None) => Some(RestoreScope::Schema(schema.clone())),
            (None, None) => self.clean.then_some(RestoreScope::Everything),
        }
    }

    /// What of the source is run.
    fn wanted(&self) -> LoadFilter {
        let allowed = if self.allow_any_sql { Allowed::Any } else { Allowed::OfDumps };
        let left_out = LeftOut {
            owners: self.no_owner || self.role.is_some(),
            privileges: self.no_privileges,
            tablespaces: self.no_tablespaces,
            extensions: false,
        };
        LoadFilter { allowed, left_out, accepts_incomplete: self.accept_incomplete }
    }

    /// Whether the restore replaces everything.
    fn wants_all(&self) -> bool {
        self.into.is_none() && matches!(self.scope(), None | Some(RestoreScope::Everything))
    }

    fn replace_whole(&self, database: &Database<'_>, mut change: Building<'_>) -> Result<Outcome> {
        Ok(match perform(database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { plan, done: kept, .. } => {
                let restored = Restored::whole(&plan.target, kept);
                Outcome::done(match self.into {
                    Some(_) => restored.elsewhere(&plan.target),
                    None => restored,
                })
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
        let ending = perform(
            database,
            Mode::of(self.dry_run),
            &mut DropKept::new(Operation::Restore, to_drop),
        )?;
        Ok(match ending {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(_) => Outcome::done(Dropped::of(&database.target, Vec::new())),
            Ending::Done { done, .. } => Outcome::done(Dropped::of(&database.target, done)),
        })
    }

    /// One of our backups, verified before anything else happens, or another file. The folder is
    /// locked for the verification, but not while waiting for a database, because other runs hold a
    /// database and wait for the folder.
    fn choose(&self, database: &Database<'_>, folder: &BackupFolder) -> Result<RestoreSource> {
        let workspace = database.workspace;
        let _reading = folder.lock_shared()?;
        let name = match self.backup.as_ref().or(self.file.as_ref()) {
            Some(name) => Some(name.clone()),
            None if self.latest => None,
            None if workspace.ui.can_prompt() => Some(pick(workspace, folder)?),
            None => {
                let what = "no backup was given: name one, or pass `--latest`";
                return Err(SettingsError::Usage { what: what.to_owned() }.into());
            }
        };
        let jobs = self.jobs.map(|jobs| jobs.max(1));
        let has_parts =
            matches!(self.scope(), Some(RestoreScope::Schema(_) | RestoreScope::Table { .. }));
        let named = match &name {
            None => RestoreArgument::backup(newest(database, folder, has_parts)?),
            Some(name) => folder.named(name)?,
        };
        let backup = match named {
            RestoreArgument::Backup(backup) => *backup,
            RestoreArgument::File(path) => {
                let source = RestoreSource::file(&path)?.with_jobs(jobs);
                if self.wants_all() {
                    source.is_whole()?;
                }
                return Ok(source);
            }
        };
        if self.wants_all() {
            backup::refuse_part(&backup.manifest)?;
        }
        let (world, settings) = (&workspace.world, &database.settings);
        Verifier { world, settings, folder, target: &|| workspace.target() }
            .before_restore(&backup)?;
        Ok(RestoreSource::of(folder, &backup).with_jobs(jobs))
    }
}

/// The newest backup of the database, which can be one of several servers that have one of this
/// name. A part can be restored from one that has parts only: a file of SQL has none to choose
/// from.
fn newest(database: &Database<'_>, folder: &BackupFolder, has_parts: bool) -> Result<Backup> {
    let name = &database.target.database;
    let is_meant = |backup: &Backup| {
        let is_sql = backup.manifest.format == Format::Sql;
        backup.manifest.database.name == *name && !(has_parts && is_sql)
    };
    let world = &database.workspace.world;
    let found: Vec<Backup> = folder.list()?.backups.into_iter().filter(is_meant).collect();
    let server = backup::system_identifier(world, &database.target);
    let is_here =
        |backup: &Backup| server.is_some() && backup.manifest.server.system_identifier == server;
    let (here, elsewhere): (Vec<_>, Vec<_>) = found.into_iter().partition(is_here);
    let with = if has_parts { " with parts: a set or an archive" } else { "" };
    let none = |what: String| BackupError::NotFound { what: what + with };
    if here.is_empty() && elsewhere.is_empty() {
        return Err(none(format!("of `{name}` in `{}`", folder.path().display())).into());
    }
    let of_one = |one: &Backup| elsewhere.iter().all(|other| other.group() == one.group());
    if here.is_empty() && !elsewhere.first().is_some_and(of_one) {
        let what =
            format!("of `{name}` on this server, but there are several of other servers: name one");
        return Err(none(what).into());
    }
    let is_elsewhere = here.is_empty();
    let (newest, others) = folder.newest_of(name, if is_elsewhere { elsewhere } else { here })?;
    backup::warn_about_unusable(world, &newest, &others);
    if is_elsewhere {
        let warning = format!("`{}` was taken on another server", newest.manifest.name);
        database.workspace.ui.warning(&warning);
    }
    Ok(newest)
}

/// The schema and table of a name as typed: unquoted and taken literally, or quoted as in SQL so
/// that either may contain a dot.
fn table_named(typed: &str) -> (String, String) {
    let words = if typed.contains('"') { pg_sql::lexer::words(typed) } else { Vec::new() };
    let (schema, table) = match words.as_slice() {
        [schema, dot, table] if dot == "." => (schema.as_str(), table.as_str()),
        [table] => ("public", table.as_str()),
        _ => typed.split_once('.').unwrap_or(("public", typed)),
    };
    (schema.to_owned(), table.to_owned())
}

/// A numbered list, and a question.
fn pick(workspace: &Workspace, folder: &BackupFolder) -> Result<String> {
    let found = folder.list()?;
    workspace.ui.numbered(&BackupList::of(&found, folder.path()));
    let answer = workspace.ui.ask("Number of the backup, or q to quit")?;
    let number = answer.trim().parse::<usize>().ok();
    let chosen = number.and_then(|number| found.backups.get(number.checked_sub(1)?));
    chosen.map(|backup| backup.manifest.name.clone()).ok_or_else(|| ConsentError::Declined.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_as_it_is_or_as_in_sql() {
        for (typed, schema, table) in [
            ("users", "public", "users"),
            ("Sales.Orders", "Sales", "Orders"),
            ("\"a.b\".\"c.d\"", "a.b", "c.d"),
            ("\"c.d\"", "public", "c.d"),
            ("sales.\"c\"\"d\"", "sales", "c\"d"),
        ] {
            assert_eq!(table_named(typed), (schema.to_owned(), table.to_owned()), "{typed}");
        }
    }
}
