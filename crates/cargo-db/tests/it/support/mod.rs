//! A hermetic project, a real cluster, and what a run of `cargo db` printed.

mod cluster;
pub(crate) mod hostile;
pub(crate) mod keys;
pub(crate) mod proxy;
pub(crate) mod recording;
pub(crate) mod scene;
pub(crate) mod school;
pub(crate) mod settle;
pub(crate) mod terminal;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) use cluster::{Cluster, PASSWORD, binaries, cluster, eventually};

/// A folder with migrations and seeds, and a separate database in the test cluster.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    pub(crate) database: String,
    variables: Vec<(String, String)>,
}

/// What a run ended with.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit: {}", self.code.map_or("a signal".to_owned(), |code| code.to_string()))?;
        writeln!(f, "--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Ran {
        self.code(0)
    }

    /// Both streams say this somewhere.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Ran {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "`{text}` is not in\n{self}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            code: output.status.code(),
        }
    }
}

impl Project {
    /// A project with no database named: its verbs find the local server.
    pub(crate) fn bare(name: &str) -> Project {
        let folder =
            tempfile::Builder::new().prefix("cargo-db-it-").tempdir().expect("a temporary folder");
        let project = Project { folder, database: name.to_owned(), variables: Vec::new() };
        project.write("db.toml", &format!("[database]\nname = \"{name}\"\n"));
        project
    }

    /// A project whose `DATABASE_URL` names a database that does not exist yet.
    pub(crate) fn without_database(name: &str) -> Project {
        let mut project = Project::bare(name);
        project.set("DATABASE_URL", &cluster().url(name));
        project
    }

    /// A project with an empty database.
    pub(crate) fn new(name: &str) -> Project {
        cluster().run("postgres", &format!("CREATE DATABASE \"{name}\""));
        Project::without_database(name)
    }

    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.variables.retain(|(name, _)| name != variable);
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Writes `migrations/<name>`.
    pub(crate) fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("migrations/{name}"), sql);
    }

    /// The migrations and seeds of the demo school.
    pub(crate) fn copy_the_demo(&self) {
        for folder in ["migrations", "seeds"] {
            for entry in std::fs::read_dir(repository().join(folder)).expect("the demo") {
                let path = entry.expect("a file").path();
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                let text = std::fs::read_to_string(&path).expect("text");
                self.write(&format!("{folder}/{name}"), &text);
            }
        }
    }

    /// Runs git in the project's folder, with a fixed author and without signing commits.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) {
        let author =
            ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let mut git = Command::new("git");
        let ran = git.args(author).args(arguments).current_dir(self.path()).output();
        let ran = ran.expect("git runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "git {arguments:?}: {said}");
    }

    /// Runs `cargo db` to its end.
    #[must_use = "look at what it printed, or at least that it succeeded"]
    pub(crate) fn db(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().expect("the program starts").into()
    }

    /// What a dry run of these arguments says one would have to type to consent to its plan.
    #[track_caller]
    pub(crate) fn consent(&self, arguments: &[&str]) -> Vec<String> {
        let plan = self.db(&[arguments, &["--dry-run", "--json"]].concat()).json();
        let typed = plan["plan"]["consent"].as_str().unwrap_or_else(|| panic!("{plan:#}"));
        let words = shell_words::split(typed).expect("words");
        let from = words.iter().position(|word| word == "--confirm").expect("what consents");
        words[from..].to_vec()
    }

    /// Runs `cargo db` to its end, with consent to the plan that a dry run shows.
    #[must_use = "look at what it printed, or at least that it succeeded"]
    #[track_caller]
    pub(crate) fn agreed(&self, arguments: &[&str]) -> Ran {
        let consent = self.consent(arguments);
        self.db(&[arguments, &consent.iter().map(String::as_str).collect::<Vec<_>>()].concat())
    }

    /// A run that is not started yet, with nothing of our own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        // A long run can use a copy of the program that no build replaces.
        let named = std::env::var_os("CARGO_DB_TEST_PROGRAM");
        let built = || env!("CARGO_BIN_EXE_cargo-db").into();
        let mut command = Command::new(named.unwrap_or_else(built));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("TMPDIR", self.path())
            .env("USER", "tester")
            .env("COLUMNS", "100")
            .env("CARGO_DB_PG_BIN", binaries())
            // Rehearsals have their own tests; the other tests skip them.
            .env("CARGO_DB_REHEARSE", "0")
            // Trust has its own tests too.
            .env("CARGO_DB_TRUST", self.path())
            // Production accepts its signatures if a test calls `accept_key`.
            .env("CARGO_DB_SIGNING_KEY", keys::SIGNING_KEY)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Everything in the project's database as one text: what `pg_dump` writes, its rows sorted.
    pub(crate) fn content(&self) -> String {
        content(&self.database)
    }

    /// The rows of a query in the project's database, columns with `|` between.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        cluster().query(&self.database, sql)
    }

    pub(crate) fn run_sql(&self, sql: &str) {
        cluster().run(&self.database, sql);
    }
}

/// Everything in a database as one text: schema and rows, without what changes from dump to dump.
pub(crate) fn content(database: &str) -> String {
    let dump = Command::new(binaries().join("pg_dump"))
        .args(["--encoding=UTF8", "--dbname", &cluster().url(database)])
        .output()
        .expect("pg_dump runs");
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).expect("UTF-8");
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect();
    // The rows of a COPY come in the order of the heap, which a restored table need not have.
    let mut at = 0;
    while let Some(begin) = lines[at..].iter().position(|line| line.starts_with("COPY ")) {
        let first = at + begin + 1;
        let end = first + lines[first..].iter().position(|line| *line == "\\.").expect("an end");
        lines[first..end].sort_unstable();
        at = end;
    }
    let rights = rights_on_public(database, &mut lines);
    lines.extend(rights.as_deref());
    lines.join("\n")
}

/// The rights on the schema `public`, for which a dump is replaced before PostgreSQL 15: it repeats
/// those of everybody, which each new database has, if the schema was dropped and created again.
fn rights_on_public(database: &str, dump: &mut Vec<&str>) -> Option<String> {
    if cluster().major() >= 15 {
        return None;
    }
    let granted = dump.iter().position(|line| *line == "GRANT ALL ON SCHEMA public TO PUBLIC;");
    if let Some(at) = granted {
        dump.remove(at);
        // The section holds nothing else.
        if dump[at - 1].is_empty() && dump[at].is_empty() {
            dump.drain(at - 4..at + 2);
        }
    }
    let rights = "SELECT acl FROM pg_namespace, unnest(nspacl::text[]) acl \
                  WHERE nspname = 'public' ORDER BY 1";
    Some(cluster().query(database, rights).join("\n"))
}

/// Loads a file as people do.
#[track_caller]
pub(crate) fn psql(database: &str, user: Option<&str>, file: &Path) {
    let mut command = Command::new(binaries().join("psql"));
    let url = cluster().url(database);
    let url = user.map_or(url.clone(), |user| url.replace("postgres@", &format!("{user}@")));
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", &url, "-f"]);
    let ran = command.arg(file).output().expect("psql runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}
