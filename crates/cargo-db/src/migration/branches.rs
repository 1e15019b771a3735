//! Finds in git the file of a migration that is applied but missing from the folder: usually it is
//! on the branch that was checked out before.

use std::path::Path;

use crate::failure::Failure;
use crate::migration::files::has_no_statement;
use crate::migration::folder::read_folder;
use crate::model::history::{Problem, ProblemKind};
use crate::model::migration::{Checksum, Migration};
use crate::settings::Settings;
use crate::world::git::git;

/// At most this many branches are searched for a file.
const MOST_BRANCHES: &str = "--count=20";

/// Adds to the failure which branch or commit has each missing file.
pub(crate) fn with_branches(failure: Failure, settings: &Settings) -> Failure {
    let failure = with_rollback(without_repair(failure, settings), settings);
    let (root, dir) = (&settings.root, &settings.migrations.dir.value);
    let Some(files) =
        failure.has_problem(ProblemKind::Missing).then(|| committed(root, dir)).flatten()
    else {
        return failure;
    };
    failure.with_problems(|problem| add_place(root, &files, problem))
}

/// Does not suggest `repair` where it would refuse: it compares an edited file with the version
/// that was applied, which git must have.
fn without_repair(failure: Failure, settings: &Settings) -> Failure {
    if !failure.has_problem(ProblemKind::Edited) {
        return failure;
    }
    let Ok(folder) = read_folder(settings) else { return failure };
    let is_committed = |migration: &Migration| {
        let log = ["log", "--format=%H", "-n", "1", "--", &migration.up.path.display().to_string()];
        git(&settings.root, &log).is_some_and(|commits| !commits.trim().is_empty())
    };
    let edited = failure.problems().iter().filter(|one| one.trouble == ProblemKind::Edited);
    let mut files = edited.filter_map(|problem| {
        folder.migrations.iter().find(|file| Some(&file.version) == problem.version.as_ref())
    });
    match files.any(is_committed) {
        true => failure,
        false => failure.without_hope_of_repair(),
    }
}

/// Adds to the problem of an edited file that the migration can be rolled back, if it has a down
/// file that is not empty.
fn with_rollback(failure: Failure, settings: &Settings) -> Failure {
    if !settings.environment.environment.is_disposable()
        || !failure.has_problem(ProblemKind::Edited)
    {
        return failure;
    }
    let Ok(folder) = read_folder(settings) else { return failure };
    let can_go = |migration: &Migration| {
        let down = migration.down.as_ref();
        settings.migrations.layout.can_roll_back()
            && down.is_some_and(|down| !has_no_statement(settings, down))
    };
    failure.with_problems(|problem| {
        let of_problem =
            |migration: &&Migration| Some(&migration.version) == problem.version.as_ref();
        let file = folder.migrations.iter().find(of_problem);
        let Some(file) = file.filter(|_| problem.trouble == ProblemKind::Edited) else { return };
        let was_new = |stored: &Checksum| settings.migrations.layout.is_of_new_file(stored);
        if file.down.is_some() && problem.recorded.as_ref().is_some_and(was_new) {
            problem.explanation += "; nothing was written in it when it was applied. In \
                                    development, you can also move what is written now to a new \
                                    migration, empty both files, and run `cargo db rollback`";
        } else if can_go(file) {
            problem.explanation += "; in development, you can also apply it again with `cargo db \
                                    rollback` (and `--to`, if it is not the newest) and `cargo db \
                                    migrate`, if its down file still reverts what was applied";
        }
    })
}

/// Adds to the problems of a status where git has the missing files.
pub(crate) fn name_branches(problems: &mut [Problem], settings: &Settings) {
    let (root, dir) = (&settings.root, &settings.migrations.dir.value);
    let is_missing = |problem: &Problem| problem.trouble == ProblemKind::Missing;
    let files = problems.iter().any(is_missing).then(|| committed(root, dir)).flatten();
    let files = files.unwrap_or_default();
    problems.iter_mut().for_each(|problem| add_place(root, &files, problem));
}

/// Adds to the problem of a missing file where git has it. The up file is preferred to the down
/// file.
fn add_place(root: &Path, files: &[Committed], problem: &mut Problem) {
    let of_problem = files.iter().filter(|one| is_of(&one.path, problem));
    let found = of_problem.min_by_key(|one| one.path.ends_with("down.sql"));
    if let (ProblemKind::Missing, Some(Committed { commit, path })) = (problem.trouble, found) {
        let place = place_of(root, commit, path);
        problem.explanation += &format!("; git has `{path}` {place}");
    }
}

/// A file of the migrations folder, relative to the root, and a commit that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) commit: String,
    pub(super) path: String,
}

/// Every file that any branch ever had in the folder. A file is listed once for each commit that
/// wrote it, the newest first. Branches that were deleted or rewritten count as long as git knows
/// that they were checked out.
pub(super) fn committed(root: &Path, dir: &Path) -> Option<Vec<Committed>> {
    let dir = dir.strip_prefix(root).unwrap_or(dir).to_str()?;
    let all = ["-c", "core.quotePath=false", "log", "--all", "--reflog"];
    // The parents of a merge that have the same files are followed too: a stash is a merge.
    let log = [&all[..], &["--full-history", "--relative", "--diff-filter=AMR"]].concat();
    let shape = ["--format=commit %H", "--name-only", "--", dir];
    let text = git(root, &[&log[..], &shape].concat())?;
    let (mut commit, mut files) = ("", Vec::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("commit ") {
            Some(hash) => commit = hash,
            None => files.push(Committed { commit: commit.to_owned(), path: line.to_owned() }),
        }
    }
    Some(files)
}

/// Whether the name of a file, or of a folder that it is in, contains the problem's version.
fn is_of(path: &str, problem: &Problem) -> bool {
    let Some(version) = problem.version.as_ref().map(ToString::to_string) else { return false };
    path.split('/').any(|part| has_version(part, &version))
}

/// Tools may write a version with leading zeros, a leading letter, or dashes.
pub(super) fn has_version(name: &str, version: &str) -> bool {
    let digits = |text: &str| text.trim_start_matches('0').to_owned();
    let joined = name.replace('-', "");
    [name, &joined].iter().any(|name| {
        let start = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let end = start.find(|c: char| !c.is_ascii_digit()).unwrap_or(start.len());
        let number = digits(&start[..end]);
        !number.is_empty() && number == digits(version)
    })
}

/// Which branch has a file that a commit wrote, in words; else which commit.
pub(super) fn place_of(root: &Path, commit: &str, path: &str) -> String {
    let contains = format!("--contains={commit}");
    let asked = ["for-each-ref", MOST_BRANCHES, "--format=%(refname:short)", &contains];
    let refs = git(root, &[asked.as_slice(), &["refs/heads", "refs/remotes"]].concat());
    let refs = refs.unwrap_or_default();
    let has_it = |branch: &&str| {
        git(root, &["ls-tree", "--name-only", branch, "--", path]).is_some_and(|it| !it.is_empty())
    };
    match refs.lines().find(has_it) {
        Some(branch) => format!("on the branch `{branch}`"),
        None => format!("in the commit {}", &commit[..commit.len().min(10)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_as_tools_write_it() {
        for (name, version) in [
            ("20261126000001_badges.up.sql", "20261126000001"),
            ("0003_c.sql", "3"),
            ("V2__b.sql", "2"),
            ("2026-11-26-000001_badges", "20261126000001"),
        ] {
            assert!(has_version(name, version), "{name}");
        }
        for (name, version) in [("12_a.sql", "1"), ("a.sql", "1"), ("000_a.sql", "1")] {
            assert!(!has_version(name, version), "{name}");
        }
    }
}
