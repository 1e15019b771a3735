//! What git and Docker must ignore: backups, settings with passwords, and cargo db's own files.

use std::path::Path;

use crate::failure::Result;
use crate::verb::init::work::{Work, text_of};
use crate::world::ignored::{docker_files, missing};

/// Adds the patterns that are missing. `backups` is the folder of the backups, if it is below the
/// root.
pub(super) fn ignored(root: &Path, backups: Option<&str>, work: &mut Work) -> Result<()> {
    let backups = backups.map(|folder| (format!("/{folder}/"), format!("{folder}/")));
    let (for_git, for_docker) = backups.as_ref().map(|(git, docker)| (&**git, &**docker)).unzip();
    let of = |all: [Option<&str>; 3], path: &Path| -> Result<Vec<String>> {
        let all: Vec<&str> = all.into_iter().flatten().collect();
        let text = text_of(path)?;
        Ok(missing(&text, &all).into_iter().map(str::to_owned).collect())
    };
    let git = root.join(".gitignore");
    work.append(root, git.clone(), of([Some("/.db/"), for_git, Some(".env")], &git)?)?;
    for path in docker_files(root) {
        work.append(root, path.clone(), of([for_docker, Some(".db/"), Some(".env*")], &path)?)?;
    }
    Ok(())
}
