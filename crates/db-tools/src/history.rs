//! What a database says was applied, and how that compares with the files.

use std::fmt;
use std::path::Path;

use time::OffsetDateTime;

use crate::migration::{Checksum, Migration, MigrationFolder, Version};
use crate::section::FormatProblem;

/// One row of a tool's history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The version that was applied.
    pub version: Version,
    /// Its name; for people.
    pub name: String,
    /// When it was applied, if the tool records that.
    pub installed_on: Option<OffsetDateTime>,
    /// False where a tool recorded that it failed half-way.
    pub success: bool,
    /// The checksum that its file had, where the tool stores one.
    pub checksum: Option<Checksum>,
    /// What the tool alone understands.
    pub detail: String,
}

impl Applied {
    /// The same row about another version.
    pub fn of_version(&self, version: &Version) -> Applied {
        Applied { version: version.clone(), ..self.clone() }
    }
}

/// The history table as it was read, in ascending order of version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The table's qualified name; `None` if the table does not exist.
    pub table: Option<String>,
    /// Its rows.
    pub applied: Vec<Applied>,
    /// History tables of other tools, and those with other names, if this tool's table does not
    /// exist.
    pub foreign: Vec<ForeignHistory>,
}

/// A history table other than the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignHistory {
    /// The tool that it belongs to.
    pub tool: String,
    /// The table's qualified name.
    pub table: String,
}

impl fmt::Display for ForeignHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is a history of {}", self.table, self.tool)
    }
}

/// How a migration that needs attention got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// Applied, and its file was changed afterwards.
    Edited,
    /// Applied, but its file does not exist.
    Missing,
    /// Pending, though a later one is applied.
    OutOfOrder,
    /// Two files claim one version.
    Duplicate,
    /// The history says that it failed half-way.
    Failed,
    /// A down file without its up file.
    Orphan,
    /// A file that the tool cannot read.
    Misnamed,
    /// A file that is not as its tool has it, or that is another tool's.
    Unreadable,
    /// A file that the tool leaves alone.
    Ignored,
    /// There is another tool's history, and none of this one's.
    Foreign,
}

impl ProblemKind {
    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            ProblemKind::Edited => "edited",
            ProblemKind::Missing => "missing",
            ProblemKind::OutOfOrder => "out of order",
            ProblemKind::Duplicate => "duplicate",
            ProblemKind::Failed => "failed",
            ProblemKind::Orphan => "orphan",
            ProblemKind::Misnamed => "misnamed",
            ProblemKind::Unreadable => "unreadable",
            ProblemKind::Ignored => "ignored",
            ProblemKind::Foreign => "foreign",
        }
    }
}

/// A problem with a migration or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub trouble: ProblemKind,
    /// The version of the migration, if the problem is about one.
    pub version: Option<Version>,
    /// The migration's name, or otherwise the path of the file.
    pub name: String,
    /// One sentence for a person.
    pub explanation: String,
    /// The checksum in the history, if the file has another one.
    pub recorded: Option<Checksum>,
}

impl Problem {
    /// The problem as one line.
    pub fn line(&self) -> String {
        match &self.version {
            Some(version) if self.name.is_empty() => format!("{version}: {}", self.explanation),
            Some(version) => format!("{version} `{}`: {}", self.name, self.explanation),
            None => format!("`{}`: {}", self.name, self.explanation),
        }
    }
}

/// Files and history side by side. Every problem is in it, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus<'a> {
    /// Not applied yet, ascending; those out of order are among them.
    pub pending: Vec<&'a Migration>,
    /// The applied migrations in ascending order, each with its file if that exists.
    pub applied: Vec<(&'a Applied, Option<&'a Migration>)>,
    /// Everything that needs attention.
    pub problems: Vec<Problem>,
    /// How many migrations are known, from files or from history.
    pub total: usize,
}

impl<'a> MigrationStatus<'a> {
    /// Compares what the folder holds with what the database remembers.
    pub fn compare(folder: &'a MigrationFolder, history: &'a History) -> MigrationStatus<'a> {
        // Rows are sorted by version, and nearly always files are as well. Of two files with one
        // version the first counts.
        let mut files: Vec<&Migration> = folder.migrations.iter().collect();
        files.dedup_by(|later, earlier| later.version == earlier.version);
        let mut by_version: Vec<(&Version, usize)> =
            files.iter().enumerate().map(|(place, file)| (&file.version, place)).collect();
        let in_order = by_version.is_sorted_by(|(a, _), (b, _)| a <= b);
        if !in_order {
            by_version.sort_unstable();
        }
        let place_of = |version: &Version| {
            let found = by_version.binary_search_by(|(known, _)| (*known).cmp(version));
            found.ok().map(|index| by_version[index].1)
        };
        let is_applied = |version: &Version| {
            history.applied.binary_search_by(|row| row.version.cmp(version)).is_ok()
        };

        let mut rows: Vec<(&Applied, Option<usize>)> =
            history.applied.iter().map(|row| (row, place_of(&row.version))).collect();
        if !in_order {
            rows.sort_by_key(|(_, place)| *place);
        }
        let repeats = |version: &Version| matches!(version, Version::Repeated(_));
        let latest = rows
            .iter()
            .rev()
            .filter(|(row, _)| !repeats(&row.version))
            .find_map(|(_, place)| *place);
        let applied: Vec<_> =
            rows.into_iter().map(|(row, place)| (row, place.map(|at| files[at]))).collect();
        let pending: Vec<_> =
            files.iter().copied().filter(|file| !is_applied(&file.version)).collect();
        let newest =
            history.applied.iter().map(|row| &row.version).rfind(|version| !repeats(version));
        let late = pending.iter().filter(|file| !repeats(&file.version)).filter(|file| {
            // A missing file also counts as later than this one if its version is greater.
            latest.is_some_and(|latest| place_of(&file.version).is_some_and(|place| place < latest))
                || (in_order || matches!(file.version, Version::Number(_)))
                    && newest.is_some_and(|newest| file.version < *newest)
        });

        let mut problems = folder_problems(folder);
        problems.extend(doubtful_problems(folder, &is_applied));
        problems.extend(unversioned_problems(folder, &is_applied));
        problems.extend(
            history.foreign.first().filter(|_| history.table.is_none()).map(foreign_problem),
        );
        // Of two files with one version, only one was applied. That they are two is a problem of
        // its own.
        let is_recorded = |row: &Applied| {
            let mut files = folder.migrations.iter().filter(|file| file.version == row.version);
            let stored = row.checksum.as_ref();
            stored.is_some_and(|stored| files.any(|file| file.is_recorded_as(stored)))
        };
        problems.extend(applied.iter().filter_map(|(row, file)| {
            let problem = row_problem(row, *file)?;
            (problem.trouble != ProblemKind::Edited || !is_recorded(row)).then_some(problem)
        }));
        problems.extend(late.map(|file| out_of_order(file)));
        problems.sort_by(|a, b| {
            (&a.version, a.trouble, &a.name).cmp(&(&b.version, b.trouble, &b.name))
        });
        MigrationStatus { total: applied.len() + pending.len(), pending, applied, problems }
    }

    /// The applied migration with the greatest version, and its file.
    pub fn last(&self) -> Option<(&'a Applied, Option<&'a Migration>)> {
        self.applied.last().copied()
    }
}

fn folder_problems(folder: &MigrationFolder) -> Vec<Problem> {
    let duplicates =
        folder.migrations.windows(2).filter(|pair| pair[0].version == pair[1].version).map(
            |pair| {
                let (one, other) = (&pair[0].up.path, &pair[1].up.path);
                Problem {
                    trouble: ProblemKind::Duplicate,
                    recorded: None,
                    version: Some(pair[0].version.clone()),
                    name: pair[0].name.clone(),
                    explanation: format!(
                        "`{}` and `{}` have the same version",
                        one.display(),
                        other.display()
                    ),
                }
            },
        );
    let orphans = folder.orphans.iter().map(|path| Problem {
        trouble: ProblemKind::Orphan,
        recorded: None,
        version: None,
        name: path.display().to_string(),
        explanation: "a down file without an up file of the same version".to_owned(),
    });
    let misnamed = folder.misnamed.iter().map(|(path, why)| misnamed(path, why));
    let faulty = folder.faulty.iter().map(|(path, problem)| unreadable(path, problem));
    let ignored = folder.ignored.iter().map(|(path, why)| Problem {
        trouble: ProblemKind::Ignored,
        recorded: None,
        version: None,
        name: path.display().to_string(),
        explanation: (*why).to_owned(),
    });
    duplicates.chain(orphans).chain(misnamed).chain(faulty).chain(ignored).collect()
}

fn unreadable(path: &Path, problem: &FormatProblem) -> Problem {
    Problem {
        trouble: ProblemKind::Unreadable,
        recorded: None,
        version: None,
        name: path.display().to_string(),
        explanation: format!("line {}: {}", problem.line, problem.why),
    }
}

/// What is doubtful of the files that are still to run.
fn doubtful_problems(
    folder: &MigrationFolder,
    is_applied: &dyn Fn(&Version) -> bool,
) -> impl Iterator<Item = Problem> {
    let open = folder.doubtful.iter().filter(|(version, ..)| !is_applied(version));
    open.map(|(_, path, problem)| unreadable(path, problem))
}

/// The files that are still to run, and whose names have no version.
fn unversioned_problems(
    folder: &MigrationFolder,
    is_applied: &dyn Fn(&Version) -> bool,
) -> impl Iterator<Item = Problem> {
    let open = folder.unversioned.iter().filter(|(version, ..)| !is_applied(version));
    open.map(|(_, path, why)| misnamed(path, why))
}

fn misnamed(path: &Path, why: &str) -> Problem {
    Problem {
        trouble: ProblemKind::Misnamed,
        recorded: None,
        version: None,
        name: path.display().to_string(),
        explanation: why.to_owned(),
    }
}

fn foreign_problem(foreign: &ForeignHistory) -> Problem {
    Problem {
        trouble: ProblemKind::Foreign,
        recorded: None,
        version: None,
        name: "the history".to_owned(),
        explanation: format!("it is not there, but {foreign}"),
    }
}

fn row_problem(row: &Applied, file: Option<&Migration>) -> Option<Problem> {
    let (trouble, explanation) = match file {
        _ if !row.success => {
            (ProblemKind::Failed, "the history says that it failed half-way".to_owned())
        }
        None => (ProblemKind::Missing, "it is applied, and its file is gone".to_owned()),
        Some(file) if row.checksum.as_ref().is_some_and(|stored| !file.is_recorded_as(stored)) => (
            ProblemKind::Edited,
            format!("it is applied, and `{}` was changed since", file.up.path.display()),
        ),
        Some(_) => return None,
    };
    Some(Problem {
        trouble,
        recorded: (trouble == ProblemKind::Edited).then(|| row.checksum.clone()).flatten(),
        version: Some(row.version.clone()),
        name: row.name.clone(),
        explanation,
    })
}

fn out_of_order(file: &Migration) -> Problem {
    Problem {
        trouble: ProblemKind::OutOfOrder,
        recorded: None,
        version: Some(file.version.clone()),
        name: file.name.clone(),
        explanation: "it is pending, and a later one is applied".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;
    use crate::migration::{Recorded, ScriptFile};

    fn file(version: i64, checksum: u8) -> Migration {
        let up = ScriptFile {
            path: format!("migrations/{version}_m.sql").into(),
            checksum: Checksum::of_digest(&[checksum]),
            transactional: true,
            has_own_blocks: false,
            part: None,
            is_code: false,
        };
        let (recorded, detail) = (Recorded::Digest, String::new());
        Migration {
            version: Version::Number(version),
            name: "m".into(),
            up,
            down: None,
            recorded,
            detail,
        }
    }

    fn row(version: i64, checksum: u8) -> Applied {
        Applied {
            version: Version::Number(version),
            name: "m".into(),
            installed_on: None,
            success: true,
            checksum: Some(Checksum::of_digest(&[checksum])),
            detail: String::new(),
        }
    }

    fn doubt(version: i64) -> (Version, PathBuf, FormatProblem) {
        let problem = FormatProblem { line: 1, why: "it is another tool's".to_owned() };
        (Version::Number(version), "migrations/x.sql".into(), problem)
    }

    #[test]
    fn of_two_files_with_one_version_none_is_edited_if_one_was_applied() {
        let history = History { table: None, applied: vec![row(6, 7)], foreign: Vec::new() };
        let troubles = |second: u8| {
            let migrations = vec![file(6, 6), file(6, second)];
            let folder = MigrationFolder { migrations, ..MigrationFolder::default() };
            let status = MigrationStatus::compare(&folder, &history);
            status.problems.iter().map(|problem| problem.trouble).collect::<Vec<_>>()
        };
        assert_eq!(troubles(7), [ProblemKind::Duplicate]);
        assert_eq!(troubles(8), [ProblemKind::Edited, ProblemKind::Duplicate]);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let folder = MigrationFolder {
            migrations: vec![file(1, 1), file(2, 9), file(4, 4), file(6, 6), file(6, 7)],
            orphans: vec!["migrations/8_x.down.sql".into()],
            misnamed: vec![("migrations/first.sql".into(), "no number")],
            doubtful: [1, 4].map(doubt).into(),
            ..MigrationFolder::default()
        };
        let history = History {
            table: Some("_sqlx_migrations".into()),
            applied: vec![row(1, 1), row(2, 2), row(3, 3), Applied { success: false, ..row(5, 5) }],
            foreign: Vec::new(),
        };
        let standing = MigrationStatus::compare(&folder, &history);
        let troubles: BTreeSet<ProblemKind> =
            standing.problems.iter().map(|problem| problem.trouble).collect();
        assert_eq!(
            troubles.into_iter().collect::<Vec<_>>(),
            [
                ProblemKind::Edited,
                ProblemKind::Missing,
                ProblemKind::OutOfOrder,
                ProblemKind::Duplicate,
                ProblemKind::Failed,
                ProblemKind::Orphan,
                ProblemKind::Misnamed,
                ProblemKind::Unreadable,
            ]
        );
        // What is applied already ran as it is.
        let unreadable = |problem: &&Problem| problem.trouble == ProblemKind::Unreadable;
        assert_eq!(standing.problems.iter().filter(unreadable).count(), 1);
        let pending: Vec<String> =
            standing.pending.iter().map(|file| file.version.to_string()).collect();
        assert_eq!(pending, ["4", "6"]);
        assert_eq!(standing.total, 6);
    }

    #[test]
    fn versions_compare_as_numbers() {
        let folder = MigrationFolder {
            migrations: vec![file(9, 1), file(10, 1)],
            ..MigrationFolder::default()
        };
        let history = History { applied: vec![row(9, 1)], ..History::default() };
        let standing = MigrationStatus::compare(&folder, &history);
        assert_eq!(standing.problems, []);
        assert_eq!(standing.pending[0].version, Version::Number(10));
    }
}
