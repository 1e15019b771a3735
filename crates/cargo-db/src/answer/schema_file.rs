//! The schema file, and how it differs from the result of the migrations.

use serde::Serialize;

use crate::answer::text::{fitted, not_run, on_lines, plural};
use crate::answer::{Answer, FileReport, GREEN, RED, Style};
use crate::model::finding::Finding;
use crate::schema::{Comparison, Difference, DifferingFile, FileState, LineOf};

/// More differences than this are only counted.
const SHOWN: usize = 10;

/// What became of the schema file, or how it stands.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SchemaFileView {
    /// The file or the folder that `db.toml` names.
    file: String,
    /// `written` or `unchanged`; of a dry run and of a check `missing`, `differs` or `same`.
    state: &'static str,
    /// The server's major version that the file names, where it is another one than this server's.
    other_major: Option<u32>,
    /// The files that differ, or did differ, from the result of the migrations.
    files: Vec<OneFileView>,
    /// The first lines that only one of both has, as it was found.
    differences: Vec<LineView>,
    /// How many there are.
    difference_count: usize,
    /// Migrations that were not run on the scratch database, because they allow
    /// `outside-database`.
    not_run: Vec<String>,
    #[serde(skip)]
    is_dry_run: bool,
    #[serde(skip)]
    is_folder: bool,
}

/// A file that differs, or did differ, from the result of the migrations.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OneFileView {
    file: String,
    /// `missing`, `differs`, or `stale`: the table of the file no longer exists.
    state: &'static str,
}

/// A line that only one of both has.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LineView {
    /// The file that contains the line, or would contain it.
    file: String,
    /// Its number in the file, or where it would be.
    line: usize,
    /// `file` or `migrations`.
    only_in: &'static str,
    text: String,
}

impl LineView {
    fn of(file: &DifferingFile, difference: &Difference) -> LineView {
        let only_in = match difference.of {
            LineOf::File => "file",
            LineOf::Migrations => "migrations",
        };
        let file = file.name.display().to_string();
        LineView { file, line: difference.line, only_in, text: difference.text.clone() }
    }
}

impl From<&DifferingFile> for OneFileView {
    fn from(file: &DifferingFile) -> OneFileView {
        let state = match file.state {
            FileState::Missing => "missing",
            FileState::Differs => "differs",
            FileState::Stale => "stale",
        };
        OneFileView { file: file.name.display().to_string(), state }
    }
}

impl SchemaFileView {
    /// The file was written, or was as it would have been.
    pub(crate) fn written(comparison: &Comparison) -> SchemaFileView {
        let state = if comparison.is_same() { "unchanged" } else { "written" };
        SchemaFileView { state, ..SchemaFileView::of(comparison) }
    }

    /// The same, of a dry run.
    pub(crate) fn would_write(comparison: &Comparison) -> SchemaFileView {
        SchemaFileView { is_dry_run: true, ..SchemaFileView::of(comparison) }
    }

    /// How it stands.
    pub(crate) fn of(comparison: &Comparison) -> SchemaFileView {
        let Comparison { file, is_there, differing, .. } = comparison;
        // The lines of a file that does not exist yet are not listed one by one.
        let is_read =
            |file: &&DifferingFile| !comparison.is_folder || file.state == FileState::Differs;
        let lines = differing.iter().filter(is_read).flat_map(|file| {
            file.differences.iter().map(move |difference| LineView::of(file, difference))
        });
        let lines: Vec<LineView> = lines.collect();
        SchemaFileView {
            file: file.display().to_string(),
            state: match (is_there, comparison.is_same()) {
                (false, _) => "missing",
                (true, false) => "differs",
                (true, true) => "same",
            },
            other_major: comparison.other_major,
            files: differing.iter().map(OneFileView::from).collect(),
            difference_count: lines.len(),
            differences: lines.into_iter().take(SHOWN).collect(),
            not_run: comparison.not_run.iter().map(|path| path.display().to_string()).collect(),
            is_dry_run: false,
            is_folder: comparison.is_folder,
        }
    }

    /// The report on a file that does not match the migrations.
    pub(super) fn report(&self, style: &Style) -> FileReport {
        let found = Finding::of_whole("schema-file", self.head(style));
        FileReport::of_whole("schema file", Some(&self.file), found)
    }

    /// The lines that differ; for a folder, by file.
    fn lines(&self, style: &Style) -> Vec<String> {
        let mut lines = vec!["  - only in the file, + only in the migrations".to_owned()];
        if self.is_folder {
            lines.extend(self.files.iter().flat_map(|file| self.lines_of(file, style)));
        } else {
            lines.extend(self.differences.iter().map(|line| line.shown(style)));
        }
        let more = self.difference_count - self.differences.len();
        lines.extend((more > 0).then(|| format!("  and {} more", plural(more, "line"))));
        on_lines(lines)
    }

    /// A file of a folder, with those of its differing lines that are shown.
    fn lines_of(&self, file: &OneFileView, style: &Style) -> Vec<String> {
        let head = match file.state {
            "missing" => format!("  {} does not exist", file.file),
            "stale" => format!("  {} is of a table that does not exist", file.file),
            _ => format!("  {}", file.file),
        };
        let own = self.differences.iter().filter(|line| line.file == file.file);
        let own = own.map(|line| line.shown(style));
        std::iter::once(head).chain(own).collect()
    }

    fn head(&self, style: &Style) -> String {
        let file = &self.file;
        let command = style.command("cargo db schema dump");
        match (self.state, self.is_dry_run) {
            ("written", _) if self.is_folder => {
                format!("wrote {file}: {}", plural(self.files.len(), "changed file"))
            }
            ("written", _) => format!("wrote {file}"),
            ("unchanged", _) => format!("{file} is up to date"),
            ("same", _) => format!("{file} matches the migrations"),
            ("missing", true) => format!("would write {file}, which does not exist"),
            (_, true) => format!("would write {file}:"),
            ("missing", false) => format!("{file} does not exist; run `{command}`"),
            _ => format!("{file} does not match the migrations; run `{command}`"),
        }
    }
}

impl LineView {
    fn shown(&self, style: &Style) -> String {
        let (colour, sign) = if self.only_in == "file" { (RED, '-') } else { (GREEN, '+') };
        let text = style.paint(colour, &format!("{sign} {}", self.text));
        format!("  line {:<5} {text}", self.line)
    }
}

impl Answer for SchemaFileView {
    fn text(&self, style: &Style) -> String {
        let mut lines = vec![fitted(&self.head(style), style.width)];
        if self.state == "differs" {
            lines.extend(self.lines(style));
        }
        if let (Some(major), "differs") = (self.other_major, self.state) {
            let said = format!(
                "the file was written with PostgreSQL {major}: other major versions write some \
                 definitions differently"
            );
            lines.push(fitted(&said, style.width));
        }
        if !self.not_run.is_empty() {
            lines.push(fitted(&not_run(&self.not_run), style.width));
        }
        lines.join("\n")
    }
}
