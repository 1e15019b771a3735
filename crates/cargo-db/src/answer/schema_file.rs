//! The schema file, and how it differs from the result of the migrations.

use serde::Serialize;

use crate::answer::text::{fitted, on_lines, plural};
use crate::answer::{Answer, GREEN, RED, Style};
use crate::schema::{Comparison, Difference, LineOf};

/// More differences than this are only counted.
const SHOWN: usize = 10;

/// What became of the schema file, or how it stands.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SchemaFileView {
    file: String,
    /// `written` or `unchanged`; of a dry run and of a check `missing`, `differs` or `same`.
    state: &'static str,
    /// The server's major version that the file names, where it is another one than this server's.
    other_major: Option<u32>,
    /// The first lines that only one of both has, as it was found.
    differences: Vec<LineView>,
    /// How many there are.
    difference_count: usize,
    /// Migrations that were not run on the scratch database, because they allow
    /// `outside-database`.
    not_run: Vec<String>,
    #[serde(skip)]
    is_dry_run: bool,
}

/// A line that only one of both has.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LineView {
    /// Its number in the file, or where it would be.
    line: usize,
    /// `file` or `migrations`.
    only_in: &'static str,
    text: String,
}

impl From<&Difference> for LineView {
    fn from(difference: &Difference) -> LineView {
        let only_in = match difference.of {
            LineOf::File => "file",
            LineOf::Migrations => "migrations",
        };
        LineView { line: difference.line, only_in, text: difference.text.clone() }
    }
}

impl SchemaFileView {
    /// The file was written, or was as it would have been.
    pub(crate) fn written(comparison: &Comparison) -> SchemaFileView {
        let state = if comparison.is_same { "unchanged" } else { "written" };
        SchemaFileView { state, ..SchemaFileView::of(comparison) }
    }

    /// The same, of a dry run.
    pub(crate) fn would_write(comparison: &Comparison) -> SchemaFileView {
        SchemaFileView { is_dry_run: true, ..SchemaFileView::of(comparison) }
    }

    /// How it stands.
    pub(crate) fn of(comparison: &Comparison) -> SchemaFileView {
        let Comparison { file, is_there, is_same, differences, .. } = comparison;
        SchemaFileView {
            file: file.display().to_string(),
            state: match (is_there, is_same) {
                (false, _) => "missing",
                (true, false) => "differs",
                (true, true) => "same",
            },
            other_major: comparison.other_major,
            differences: differences.iter().take(SHOWN).map(LineView::from).collect(),
            difference_count: differences.len(),
            not_run: comparison.not_run.iter().map(|path| path.display().to_string()).collect(),
            is_dry_run: false,
        }
    }

    /// The lines that differ.
    fn lines(&self, style: &Style) -> Vec<String> {
        let line = |one: &LineView| {
            let (colour, sign) = if one.only_in == "file" { (RED, '-') } else { (GREEN, '+') };
            let text = style.paint(colour, &format!("{sign} {}", one.text));
            format!("  line {:<5} {text}", one.line)
        };
        let legend = "  - only in the file, + only in the migrations".to_owned();
        let mut lines = vec![legend];
        lines.extend(self.differences.iter().map(line));
        let more = self.difference_count - self.differences.len();
        lines.extend((more > 0).then(|| format!("  and {} more", plural(more, "line"))));
        on_lines(lines)
    }

    fn head(&self, style: &Style) -> String {
        let file = &self.file;
        let command = style.command("cargo db schema dump");
        match (self.state, self.is_dry_run) {
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
            let not_run = self.not_run.join(", ");
            let said = format!("not run on the scratch database (outside-database): {not_run}");
            lines.push(fitted(&said, style.width));
        }
        lines.join("\n")
    }
}
