//! `cargo db dump`.

use std::path::PathBuf;

use clap::Args;
use pg_logical::choose::Request;

use crate::answer::{Dumped, Outcome};
use crate::backup::{self, BackupFolder, Place, Plain, PlainRequest};
use crate::change::{Database, Effect, Workspace, refuse_agent};
use crate::failure::{DumpError, Result};
use crate::model::backup::Compression;
use crate::verb::declare::Verb;
use crate::world::files;
use crate::world::pg::approvals::APPROVALS;
use crate::world::pg::{Purpose, Session, unread};

const EFFECT: Effect = Effect::Reads;

/// Write the database as an SQL file, without pg_dump
///
/// Writes the definitions of all objects and the rows of all tables, as of one snapshot. `psql` and
/// `cargo db restore` can load the file. The same database always gives the same bytes. If the
/// database has objects that cannot be dumped, they are listed and nothing is written. Client
/// programs of PostgreSQL are not needed.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct DumpArgs {
    /// The file to write (default: a new file in the backup folder)
    #[arg(short, long, value_name = "FILE", conflicts_with = "stdout")]
    output: Option<PathBuf>,
    /// Write to standard output
    #[arg(long)]
    stdout: bool,
    /// Write only the definitions, without rows
    #[arg(long)]
    schema_only: bool,
    /// Write only the rows, without definitions
    #[arg(long, conflicts_with = "schema_only")]
    data_only: bool,
    /// Write only this schema; may be repeated
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,
    /// Write only this table, view or sequence, with its indexes, constraints and triggers; may be
    /// repeated
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Leave out this object, and mark the file as incomplete; may be repeated
    #[arg(long, value_name = "OBJECT")]
    exclude: Vec<String>,
    /// Leave out owners
    #[arg(long)]
    no_owner: bool,
    /// Leave out privileges
    #[arg(long)]
    no_privileges: bool,
    /// Compress with gzip or zstd, optionally with a level (`gzip:9`, `zstd:3`); zstd needs
    /// a `cargo-db` that was built with the feature `zstd`
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "gzip", conflicts_with = "stdout")]
    compress: Option<String>,
}

impl Verb for DumpArgs {
    fn name(&self) -> &'static str {
        "dump"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        refuse_agent(&database, |agent, environment, command| DumpError::ByAgent {
            agent,
            environment,
            command,
        })?;
        let Database { target, settings, .. } = &database;
        let compression = match &self.compress {
            Some(text) => backup::compression(text)?,
            None => Compression::None,
        };
        let request = self.request(&database)?;
        let world = &workspace.world;
        if self.stdout {
            let plain = Plain::begin(world, target, &request)?;
            warn(workspace, &plain);
            workspace.ui.stream(|out| plain.write(out))?;
            return Ok(Outcome::said());
        }
        let folder = BackupFolder::of(settings);
        let place = Place::of(world, &folder, target, self.output.as_deref(), compression)?;
        let plain = Plain::begin(world, target, &request)?;
        warn(workspace, &plain);
        let described = plain.describe();
        let bytes = plain.store(world, target, &place)?;
        let path = backup::from_folder(&place.path, &files::current_dir()?);
        Ok(Outcome::done(Dumped::of(&path, bytes, &described)))
    }
}

impl DumpArgs {
    fn request(&self, database: &Database<'_>) -> Result<PlainRequest> {
        let Database { workspace, target, .. } = database;
        let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
        Ok(PlainRequest {
            objects: Request {
                schemas: self.schema.clone(),
                tables: self.table.clone(),
                exclude: self.exclude.clone(),
                omitted_schemas: vec![APPROVALS.to_owned()],
            },
            has_schema: !self.data_only,
            has_rows: !self.schema_only,
            has_owners: !self.no_owner,
            has_rights: !self.no_privileges,
            command: database.workspace.consent.command.clone(),
            unread: unread::left_out(&mut session)?,
            lock_timeout: database.settings.limits.lock_timeout.value,
        })
    }
}

/// Warns of what the file will not have.
fn warn(workspace: &Workspace, plain: &Plain) {
    for index in plain.describe().unfinished {
        workspace.ui.warning(&format!("the index {index} is not valid, and is left out"));
    }
}
