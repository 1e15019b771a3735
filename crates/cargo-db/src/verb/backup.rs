//! `cargo db backup`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::answer::{BackedUp, Outcome};
use crate::audit::{self, BackupRun, Trail};
use crate::backup::{self, BackupFolder, BackupRequest};
use crate::change::{Database, Effect, Workspace, after_backup};
use crate::failure::{ConsentError, Failure, Result, SettingsError};
use crate::model::backup::{Compression, Format, Reason};
use crate::verb::declare::Verb;
use crate::world::{files, ignored};

const EFFECTS: &str =
    "Effect on the database: none; old backups are removed by the retention rules";

/// Take a backup
///
/// Dumps one snapshot of the database into a file with a temporary name, and reads the file back.
/// Only then does the backup get its final name and a manifest, which lists what the file contains.
/// Afterwards, old backups are removed according to the retention rules.
#[derive(Debug, Args)]
#[command(after_help = EFFECTS)]
pub(crate) struct BackupArgs {
    /// Format of the backup
    #[arg(long, value_enum, default_value_t)]
    format: BackupFormat,
    /// Compression of an SQL file: gzip or zstd, optionally with a level (`gzip:9`, `zstd:3`); zstd
    /// needs a `cargo-db` that was built with the feature `zstd`
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "gzip", conflicts_with = "no_compress")]
    compress: Option<String>,
    /// Do not compress
    #[arg(long)]
    no_compress: bool,
    /// Name of the file or folder in the backup folder
    #[arg(short, long, value_name = "NAME")]
    output: Option<String>,
    /// Do not prompt (default in CI and without a terminal)
    #[arg(long)]
    auto: bool,
    /// Include only this schema; may be repeated
    #[arg(long, value_name = "SCHEMA")]
    schema: Vec<String>,
    /// Include only this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,
    /// Exclude this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    exclude_table: Vec<String>,
    /// Exclude the rows of this table; may be repeated
    #[arg(long, value_name = "TABLE")]
    exclude_table_data: Vec<String>,
    /// Do not record ownership
    #[arg(long)]
    no_owner: bool,
    /// Number of parallel jobs (directory and set formats)
    #[arg(short, long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Do not read the backup back (the manifest records this)
    #[arg(long)]
    no_verify: bool,
}

/// What a backup is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum BackupFormat {
    /// One SQL file, compressed with gzip by default
    #[default]
    Sql,
    /// pg_dump's custom format
    Custom,
    /// pg_dump's directory format
    Directory,
    /// A folder with a dump of the database, a dump of each schema, the roles, and SQL files for
    /// each table
    Set,
}

impl Verb for BackupArgs {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn effect(&self) -> Effect {
        Effect::Destroys
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let Database { target, settings, .. } = &database;
        let ui = &workspace.ui;
        let folder = BackupFolder::of(settings);
        let request = request(self, &settings.backup.event)?;
        let (name, server) = (&target.database, target.server());
        ui.note(&format!("Backup of {name} on {server} into {}", folder.path().display()));
        if !pg_logical::is_optimised() {
            ui.warning(NOT_OPTIMISED);
        }
        let skips = self.auto || settings.backup.skip_prompt || workspace.consent.yes;
        if ui.can_prompt() && !skips && !ui.confirm("Proceed?")? {
            let command = workspace.consent.command.clone();
            return Err(ConsentError::NoBackup { command }.into());
        }
        let run = BackupRun::begin();
        let taken = backup::take(&workspace.world, settings, target, &folder, &request);
        let known = taken.as_ref().map(|taken| taken.manifest.name.as_str());
        record(&database, run, known.map_err(Failure::code));
        let taken = taken?;
        // Nothing is removed on the basis of a backup that was not read back.
        let removed = if taken.manifest.read_back {
            let failed = |failure: Failure| {
                failure.afterwards("the backup was taken", "the removal of old backups")
            };
            after_backup(&database, &taken).map_err(failed)?
        } else {
            Vec::new()
        };
        warn_about_docker(workspace, folder.path());
        let path = folder.path_of(&taken.manifest.name);
        let path = backup::from_folder(&path, &files::current_dir()?);
        Ok(Outcome::done(BackedUp::of(&path, &taken, removed)))
    }
}

/// Records the backup in the audit trail. It is there, or failed, whether that can be recorded or
/// not.
fn record(database: &Database<'_>, run: BackupRun, taken: std::result::Result<&str, &str>) {
    let Database { workspace, target, settings, .. } = database;
    let by = audit::by(&target.user, settings.actor());
    let about = (target, database.environment(), by);
    if let Err(failure) = run.record(&Trail::of(&settings.root), about, taken) {
        let warning = format!("could not record the backup in the audit trail: {failure}");
        workspace.ui.warning(&warning);
    }
}

/// Cargo uses the profile of the workspace that builds cargo db, not the one in our manifest.
const NOT_OPTIMISED: &str = "cargo db was built without optimisation, so backups take ten times \
    as long: `cargo db init` adds the missing profile to `.cargo/config.toml`";

/// Warns once if a Docker image would contain the backups.
fn warn_about_docker(workspace: &Workspace, folder: &Path) {
    let root = &workspace.settings.root;
    let told = root.join(".db/told-of-docker");
    let Ok(folder) = folder.strip_prefix(root) else { return };
    let pattern = format!("{}/", folder.display());
    let lacks_it = |path: &PathBuf| {
        let text = files::read_if_there(path).ok().flatten().unwrap_or_default();
        !ignored::missing(&text, &[&pattern]).is_empty()
    };
    let found = ignored::docker_files(root).into_iter().find(lacks_it);
    let Some(path) = found.filter(|_| !files::exists(&told)) else { return };
    let path = path.strip_prefix(root).unwrap_or(&path).display();
    workspace.ui.warning(&format!(
        "a Docker image would contain the backups: add `{pattern}` to {path} (`cargo db init` does)"
    ));
    // If this cannot be recorded, the warning is repeated next time; the backup does not depend on
    // it.
    let _ = files::create_own_dir(&root.join(".db")).and_then(|()| files::write_new(&told, ""));
}

fn request(args: &BackupArgs, event: &str) -> Result<BackupRequest> {
    let compression = match &args.compress {
        _ if args.format != BackupFormat::Sql || args.no_compress => Compression::None,
        None => Compression::Gzip(6),
        Some(text) => backup::compression(text)?,
    };
    let lists = [
        ("--schema", &args.schema),
        ("--table", &args.table),
        ("--exclude-table", &args.exclude_table),
        ("--exclude-table-data", &args.exclude_table_data),
    ];
    let mut selection: Vec<String> = lists
        .iter()
        .flat_map(|(flag, values)| values.iter().map(move |value| format!("{flag}={value}")))
        .collect();
    if args.format == BackupFormat::Set && (!selection.is_empty() || args.output.is_some()) {
        let what =
            "`--format set` cannot be combined with `-o`, `--schema`, `--table` or the exclusions"
                .to_owned();
        return Err(SettingsError::Usage { what }.into());
    }
    if args.no_owner {
        selection.push("--no-owner".to_owned());
    }
    Ok(BackupRequest {
        format: match args.format {
            BackupFormat::Sql => Format::Sql,
            BackupFormat::Custom => Format::Custom,
            BackupFormat::Directory => Format::Directory,
            BackupFormat::Set => Format::Set,
        },
        compression,
        name: args.output.clone(),
        selection,
        jobs: args.jobs.max(1),
        read_back: !args.no_verify,
        event: event.to_owned(),
        reason: Reason::Person,
    })
}
