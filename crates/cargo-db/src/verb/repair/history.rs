//! What `cargo db repair` corrects in the history.

use std::path::{Path, PathBuf};

use crate::change::Database;
use crate::check;
use crate::failure::{HistoryError, Result};
use crate::migration;
use crate::model::history::{Applied, MigrationStatus, Problem, ProblemKind};
use crate::model::migration::{Checksum, Migration, Recorded, ScriptFile, Version};
use crate::plan::{self, MigrationFacts, Plan};
use crate::world::{files, git};
use db_tools::FoundFile;

/// Facts and plan.
pub(super) fn plan(database: &Database<'_>) -> Result<Plan> {
    let (world, target) = (&database.workspace.world, &database.target);
    let facts = migration::gather(world, &database.settings, target)?;
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    let (mut harmless, mut failed, mut beyond) = (Vec::new(), Vec::new(), Vec::<Problem>::new());
    for problem in &standing.problems {
        let of_it =
            |version: &Version| standing.applied.iter().find(|(row, _)| row.version == *version);
        let found = problem.version.as_ref().and_then(of_it);
        match (problem.trouble, found) {
            (ProblemKind::Failed, Some((_, Some(file)))) => failed.push((*file).clone()),
            // Whoever deletes the file of a migration that failed has its row left.
            (ProblemKind::Failed, Some((row, None))) => failed.push(without_file(row)),
            (ProblemKind::Edited, Some((row, Some(file)))) => {
                let root = &database.settings.root;
                let now = files::read(&root.join(&file.up.path)).unwrap_or_default();
                let stored = row.checksum.as_ref();
                let why = match stored.and_then(|stored| applied_text(root, &facts, file, stored)) {
                    Some(then)
                        if check::has_same_content(&then, &String::from_utf8_lossy(&now)) =>
                    {
                        harmless.push((*file).clone());
                        continue;
                    }
                    Some(_) => {
                        "more than comments and white space changed since it was applied; git has \
                         the applied version"
                    }
                    None => {
                        "no version of this file in git has the applied checksum, so it is not \
                         certain that only comments changed"
                    }
                };
                beyond.push(Problem { explanation: why.to_owned(), ..problem.clone() });
            }
            // It blocks nothing, or is for people to say.
            (ProblemKind::OutOfOrder | ProblemKind::Orphan | ProblemKind::Foreign, _) => {}
            _ => beyond.push(problem.clone()),
        }
    }
    if harmless.is_empty() && failed.is_empty() && !beyond.is_empty() {
        return Err(
            HistoryError::NotRepairable { target: target.to_string(), problems: beyond }.into()
        );
    }
    let mut plan = plan::repair(&facts, harmless, failed);
    if !facts.database_exists {
        let database = &target.database;
        plan.warnings.push(format!("the database `{database}` does not exist yet"));
    }
    plan.warnings.extend(beyond.iter().map(|problem| format!("not repaired: {}", problem.line())));
    Ok(plan)
}

/// A migration that only exists as a row of the history.
fn without_file(row: &Applied) -> Migration {
    let checksum = row.checksum.clone().unwrap_or_else(|| Checksum::stored(""));
    let up = ScriptFile {
        path: PathBuf::new(),
        checksum,
        transactional: true,
        has_own_blocks: false,
        part: None,
        is_code: true,
    };
    let (version, name, detail) = (row.version.clone(), row.name.clone(), row.detail.clone());
    Migration { version, name, up, down: None, recorded: Recorded::Nothing, detail }
}

/// The text of the file as it was applied, if git remembers it.
fn applied_text(
    root: &Path,
    facts: &MigrationFacts,
    file: &Migration,
    stored: &Checksum,
) -> Option<String> {
    let path = &file.up.path;
    let log = ["log", "--format=%H", "-n", "500", "--", &path.display().to_string()];
    let commits = git::git(root, &log).unwrap_or_default();
    let was_applied = |text: &str| match &file.recorded {
        Recorded::Digest => facts.layout.digest(text.as_bytes()) == *stored,
        _ => {
            let found = vec![FoundFile { path: path.clone(), bytes: text.as_bytes().to_vec() }];
            facts
                .layout
                .read(found)
                .migrations
                .first()
                .is_some_and(|then| then.is_recorded_as(stored))
        }
    };
    commits.lines().filter_map(|commit| text_at(root, commit, path)).find(|text| was_applied(text))
}

fn text_at(root: &Path, commit: &str, path: &Path) -> Option<String> {
    git::git(root, &["show", &format!("{commit}:./{}", path.display())])
}
