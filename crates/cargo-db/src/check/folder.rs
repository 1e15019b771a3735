//! What is wrong with the folder of the migrations itself.

use std::path::{Path, PathBuf};

use crate::check::finding::finding;
use crate::model::finding::{Checked, Finding};
use crate::model::migration::{Migration, MigrationFolder};

/// What is wrong with the folder itself.
pub(crate) fn of_folder(folder: &MigrationFolder) -> Vec<Checked> {
    fn about(
        rule: &'static str,
        why: &'static str,
    ) -> impl Fn(&PathBuf) -> (&PathBuf, &'static str, String) {
        move |path| (path, rule, why.to_owned())
    }
    let orphans = folder.orphans.iter().map(about("orphan-down-file", "its up file is missing"));
    let misnamed =
        folder.misnamed.iter().map(|(path, why)| (path, "misnamed-file", (*why).to_owned()));
    let unversioned =
        folder.unversioned.iter().map(|(_, path, why)| (path, "misnamed-file", why.clone()));
    let ignored =
        folder.ignored.iter().map(|(path, why)| (path, "misnamed-file", (*why).to_owned()));
    let twins = folder.migrations.windows(2).filter(|pair| pair[0].version == pair[1].version).map(
        |pair| {
            (
                &pair[1].up.path,
                "same-version",
                format!("`{}` has the same version", pair[0].up.path.display()),
            )
        },
    );
    // Of two files with one version, the down file may belong to either.
    let is_alone = |migration: &Migration| {
        let same = folder.migrations.iter().filter(|one| one.version == migration.version);
        same.count() == 1
    };
    let lacks_one = |migration: &&Migration| {
        migration.down.is_none() && folder.is_reversible() && is_alone(migration)
    };
    let missing = folder.migrations.iter().filter(lacks_one);
    let missing = missing.map(|migration| {
        (
            &migration.up.path,
            "missing-down-file",
            "most migrations in this folder have one".to_owned(),
        )
    });
    let all = orphans.chain(misnamed).chain(unversioned).chain(ignored).chain(twins).chain(missing);
    let all = all.map(|(path, rule, evidence)| of_file(path, finding(rule, 1, "", evidence)));
    let doubtful = folder.doubtful.iter().map(|(_, path, problem)| (path, problem));
    let problems = folder.faulty.iter().map(|(path, problem)| (path, problem)).chain(doubtful);
    let problems = problems.map(|(path, problem)| {
        of_file(path, finding("wrong-marker", problem.line, "", problem.why.clone()))
    });
    all.chain(problems).collect()
}

/// One finding about a file as a whole.
pub(super) fn of_file(path: &Path, finding: Finding) -> Checked {
    Checked {
        file: path.to_owned(),
        version: None,
        name: path.display().to_string(),
        findings: vec![finding],
        expected: Vec::new(),
        allowed: Vec::new(),
    }
}
