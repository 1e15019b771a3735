//! A dump to be written: `pg_dump` with the snapshot of the backup, and the destination of its
//! output.

use std::path::Path;
use std::time::Duration;

use crate::backup::content::{ARCHIVE_TOOL, archive_text, read_content};
use crate::backup::integrity::{file_entries, file_entry};
use crate::failure::{BackupError, CausedBy, Result, SettingsError};
use crate::model::backup::{Compression, FileEntry, Format, Reason};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::archive::store;
use crate::world::pg::approvals::APPROVALS;
use crate::world::process::ClientProgram;
use crate::world::server::Binaries;
use crate::world::{World, files};
use pg_logical::content::{self, Content};
use pg_sql::quote::quote_identifier;

/// What is wanted of a backup.
#[derive(Clone)]
pub(crate) struct BackupRequest {
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    /// A name of the user's, without the ending.
    pub(crate) name: Option<String>,
    /// `pg_dump`'s options that select objects.
    pub(crate) selection: Vec<String>,
    /// Parallel jobs (directory and set formats).
    pub(crate) jobs: usize,
    /// Read the backup back before it is called done.
    pub(crate) read_back: bool,
    /// Why it is taken: `manual`, `migrate`, `push`.
    pub(crate) event: String,
    pub(crate) reason: Reason,
}

impl BackupRequest {
    /// Whether some tables are left out.
    pub(super) fn selects_tables(&self) -> bool {
        let selects = ["--schema", "--table", "--exclude-table"];
        let option = |option: &String| option.split('=').next().unwrap_or_default().to_owned();
        self.selection.iter().any(|given| selects.contains(&option(given).as_str()))
    }

    /// The same without these tables of cargo db's own, and without approvals: they belong to
    /// another role, and to this very database.
    pub(super) fn without(&self, own: &[String]) -> BackupRequest {
        let quoted = own.iter().map(|table| quote_identifier(table));
        let left_out = quoted.map(|table| format!("--exclude-table=cargo_db.{table}"));
        let left_out = left_out.chain([format!("--exclude-schema={APPROVALS}")]);
        let selection = self.selection.iter().cloned().chain(left_out).collect();
        BackupRequest { selection, ..self.clone() }
    }
}

/// What `--compress` asks for.
pub(crate) fn compression(text: &str) -> Result<Compression> {
    let why = match Compression::parse(text) {
        Some(compression) if compression.is_built_in() => return Ok(compression),
        Some(_) => {
            "this `cargo-db` was built without the feature `zstd`: add `features = [\"zstd\"]` \
             where `cargo-db` is a dependency, or use `gzip`"
        }
        None => "use `gzip` (1 to 9) or `zstd` (1 to 19), for example `zstd:3`",
    };
    let (source_name, value) = ("--compress".to_owned(), text.to_owned());
    Err(SettingsError::Value { source_name, value, why: why.to_owned() }.into())
}

/// A dump to be written.
pub(super) struct Dump<'a> {
    pub(super) world: &'a World,
    pub(super) target: &'a Target,
    pub(super) request: &'a BackupRequest,
    /// Its name.
    pub(super) snapshot: &'a str,
    pub(super) programs: &'a Binaries,
    /// How long `pg_dump` may wait for the lock of a table.
    pub(super) patience: Duration,
    /// Connections at once.
    pub(super) jobs: usize,
    /// In which its text is written, whatever a role or a database has set.
    pub(super) encoding: &'a str,
}

impl Dump<'_> {
    /// Starts `pg_dump` on the snapshot.
    pub(super) fn start(&self, more: &[String]) -> Result<ClientProgram> {
        let mut arguments = vec![
            "--no-password".to_owned(),
            format!("--snapshot={}", self.snapshot),
            // While pg_dump waits for an ALTER TABLE, other sessions queue behind pg_dump.
            format!("--lock-wait-timeout={}", self.patience.as_millis().clamp(1_000, 60_000)),
            format!("--encoding={}", self.encoding),
        ];
        self.world.sessions.opens(self.target);
        arguments.extend(self.request.selection.iter().chain(more).cloned());
        ClientProgram::start(self.world, &self.programs.program("pg_dump"), &arguments, self.target)
    }

    /// Writes it as SQL.
    pub(super) fn write_sql(&self, path: &Path) -> Result<(Content, Vec<FileEntry>)> {
        let mut dump = self.start(&["--format=plain".to_owned()])?;
        let (content, stored) =
            store(self.world, &mut dump, path, self.request.compression, |stream| {
                let content = content::read(stream, &mut || self.world.emit(Event::Counted));
                // What follows the end of the dump belongs to the file too.
                let _ = std::io::copy(stream, &mut std::io::sink());
                content
            })?;
        dump.finish(self.world)?;
        let content = content.map_err(|error| {
            BackupError::Failed { doing: "write", why: error.to_string() }.caused_by(error)
        })?;
        Ok((content, vec![file_entry("", &stored)]))
    }

    /// Writes it as an archive, and reads that back.
    pub(super) fn write_archive(&self, path: &Path) -> Result<(Content, Vec<FileEntry>)> {
        let file = format!("--file={}", path.display());
        if self.request.format == Format::Custom {
            // pg_dump keeps the mode of an existing file.
            files::private_file(path)?;
            self.start(&["--format=custom".to_owned(), file])?.finish(self.world)?;
            files::sync_file(path)?;
        } else {
            files::create_private_dir(path, None)?;
            let jobs = format!("--jobs={}", self.jobs);
            self.start(&["--format=directory".to_owned(), jobs, file])?.finish(self.world)?;
            files::seal_dir(path)?;
        }
        let text =
            archive_text(self.world, &self.programs.program(ARCHIVE_TOOL), path, self.target)?;
        Ok((read_content(self.world, text)?, file_entries(path)?))
    }
}
