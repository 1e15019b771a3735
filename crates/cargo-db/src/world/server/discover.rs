//! Finding PostgreSQL on this machine: the folder with both `initdb` and `postgres`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{BackupError, Failure, LocalServerError, Result};
use crate::world::process;

/// The usual locations; `*` matches a version.
const PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/lib/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/usr/local/pgsql/bin",
];

/// The programs of one version: the server's, or the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(super) folder: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// The path of one of them.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The programs that a folder must contain; the first is run to find out the version.
const SERVER: &[&str] = &["postgres", "initdb"];
const CLIENT: &[&str] = &["pg_dump", "pg_restore"];

/// All servers that can be found: the configured one and the one on `PATH` first, then the newest.
/// A configured folder without a server is an error.
pub(super) fn all(named: Option<&Path>) -> Result<Vec<Binaries>> {
    match named {
        Some(folder) => binaries_in(folder, SERVER)
            .map(|binaries| vec![binaries])
            .ok_or_else(|| nothing_found(named)),
        None => Ok(everywhere(SERVER)),
    }
}

/// The client programs for a server: of the same major version where they are here, else the
/// oldest newer ones. Older ones cannot dump it.
pub(crate) fn client(named: Option<&Path>, major: u32) -> Result<Binaries> {
    let mut found: Vec<Binaries> =
        named.and_then(|folder| binaries_in(folder, CLIENT)).into_iter().collect();
    found.extend(everywhere(CLIENT));
    found.retain(|binaries| binaries.major >= major);
    found.sort_by_key(|binaries| binaries.major);
    found.into_iter().next().ok_or_else(|| {
        let package = if on_path("apt-get") {
            format!("postgresql-client-{major}")
        } else {
            format!("PostgreSQL {major}'s client")
        };
        BackupError::NoClient { major, package }.into()
    })
}

fn everywhere(programs: &[&str]) -> Vec<Binaries> {
    let mut folders: Vec<PathBuf> = process::search_path();
    folders.extend(pg_config());
    let mut found: Vec<Binaries> = Vec::new();
    let mut usual: Vec<Binaries> =
        places().iter().filter_map(|folder| binaries_in(folder, programs)).collect();
    usual.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    for binaries in folders.iter().filter_map(|folder| binaries_in(folder, programs)).chain(usual) {
        if !found.contains(&binaries) {
            found.push(binaries);
        }
    }
    found
}

fn on_path(program: &str) -> bool {
    process::search_path().iter().any(|folder| folder.join(program).exists())
}

fn places() -> Vec<PathBuf> {
    PLACES.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten().flatten().collect()
}

fn pg_config() -> Option<PathBuf> {
    let program = process::search_path()
        .into_iter()
        .map(|folder| folder.join("pg_config"))
        .find(|path| path.is_file())?;
    let printed =
        process::run_server_program(&program, &["--bindir"], Path::new("/"), None).ok()?;
    Some(PathBuf::from(printed.trim()))
}

/// `PATH` often contains links to the real folder, or a wrapper, without the other programs next to
/// it.
fn binaries_in(folder: &Path, programs: &[&str]) -> Option<Binaries> {
    let first = fs::canonicalize(folder.join(programs.first()?)).ok()?;
    let folder = first.parent()?.to_owned();
    if !programs.iter().all(|program| folder.join(program).is_file()) {
        return None;
    }
    let printed = process::run_server_program(&first, &["--version"], Path::new("/"), None).ok()?;
    // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    let version = printed.split_whitespace().nth(2)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some(Binaries { folder, major: digits.parse().ok()? })
}

/// The failure to find anything, with the one command that helps on this system.
pub(super) fn nothing_found(named: Option<&Path>) -> Failure {
    let looked_in = match named {
        Some(folder) => vec![format!("`{}`, as CARGO_DB_PG_BIN or db.toml says", folder.display())],
        None => vec!["PATH".to_owned(), "pg_config".to_owned(), "the usual folders".to_owned()],
    };
    let known = [
        ("apt-get", "sudo apt-get install postgresql"),
        ("dnf", "sudo dnf install postgresql-server"),
        ("apk", "sudo apk add postgresql"),
        ("pacman", "sudo pacman -S postgresql"),
        ("zypper", "sudo zypper install postgresql-server"),
        ("brew", "brew install postgresql@17"),
    ];
    let command = known.into_iter().find(|(program, _)| on_path(program));
    let install = command
        .map_or("see https://www.postgresql.org/download/", |(_, command)| command)
        .to_owned();
    LocalServerError::NoBinaries { looked_in, install }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_older_than_the_server_is_not_used() {
        let failure = client(None, 99).unwrap_err();
        assert_eq!(failure.code(), "BACKUP.NO_CLIENT");
        assert!(failure.hints()[0].label.contains("99"), "{:?}", failure.hints());
    }
}
