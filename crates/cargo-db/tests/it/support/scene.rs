//! A session at a prompt as its user sees it, whole, to compare with a file in `tests/it/seen`.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;
use snapbox::{Assert, Data};

use crate::support::settle::settled;
use crate::support::{Project, Ran, binaries};

/// What was typed in a project, and what was printed, at 80 columns without colours.
pub(crate) struct Scene {
    pub(crate) project: Project,
    text: String,
}

impl Scene {
    pub(crate) fn of(mut project: Project) -> Scene {
        // Lines break at the same places everywhere: this path is as long as that of the folder.
        let programs = project.path().join("pg");
        std::os::unix::fs::symlink(binaries(), &programs).expect("a link");
        project.set("CARGO_DB_PG_BIN", &programs.display().to_string());
        project.set("COLUMNS", "80");
        Scene { project, text: String::new() }
    }

    /// A scene with an empty database.
    pub(crate) fn new(database: &str) -> Scene {
        Scene::of(Project::new(database))
    }

    /// Runs `cargo db` with these arguments.
    #[track_caller]
    pub(crate) fn types(&mut self, arguments: &str) -> &mut Scene {
        let words = shell_words::split(arguments).expect("words");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = self.project.db(&words);
        self.show(arguments, &ran)
    }

    /// The same, with the consent that a dry run of it asks for.
    #[track_caller]
    pub(crate) fn agrees(&mut self, arguments: &str) -> &mut Scene {
        let words = shell_words::split(arguments).expect("words");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let consent = shell_words::join(self.project.consent(&words));
        self.types(&format!("{arguments} {consent}"))
    }

    /// Adds a run that was started otherwise.
    pub(crate) fn show(&mut self, arguments: &str, ran: &Ran) -> &mut Scene {
        self.prompt(format!("cargo db {arguments}").trim_end(), &ran.stdout);
        if !ran.stderr.is_empty() {
            self.add(&format!("--- stderr\n{}", ran.stderr.trim_end()));
        }
        match ran.code {
            Some(0) => self,
            Some(code) => self.add(&format!("--- exit {code}")),
            None => self.add("--- a signal"),
        }
    }

    /// Writes a file that the reader has to know.
    pub(crate) fn file(&mut self, path: &str, text: &str) -> &mut Scene {
        self.project.write(path, text);
        self.prompt(&format!("cat {path}"), text)
    }

    /// Removes a file.
    pub(crate) fn remove(&mut self, path: &str) -> &mut Scene {
        std::fs::remove_file(self.project.path().join(path)).expect("a file");
        self.prompt(&format!("rm {path}"), "")
    }

    /// Sets a variable of the environment.
    pub(crate) fn exports(&mut self, name: &str, value: &str) -> &mut Scene {
        self.project.set(name, value);
        self.prompt(&format!("export {name}={}", shell_words::quote(value)), "")
    }

    /// Runs SQL in the project's database.
    pub(crate) fn sql(&mut self, sql: &str) -> &mut Scene {
        self.project.run_sql(sql);
        self.prompt(&format!("psql --command={}", shell_words::quote(sql)), "")
    }

    /// Says what happens between two commands.
    pub(crate) fn note(&mut self, text: &str) -> &mut Scene {
        self.gap().add(&format!("# {text}"))
    }

    /// Compares the whole with `tests/it/seen/<name>.txt`; `SNAPSHOTS=overwrite cargo test` writes
    /// it anew.
    #[track_caller]
    pub(crate) fn is(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/seen");
        let file = Data::read_from(&folder.join(format!("{name}.txt")), None);
        Assert::new().action_env("SNAPSHOTS").eq(self.settled(), file.raw());
    }

    /// The project's folder differs from run to run too, and so does the machine. What takes their
    /// place is as long as they are, so that lines break where they would have.
    fn settled(&self) -> String {
        let path = self.project.path();
        let real = path.canonicalize().expect("a folder");
        let text = settled(&self.text);
        let programs = path.join("pg").display().to_string();
        let text = text.replace(&programs, "/usr/lib/postgresql/18/bin");
        let text = text.replace(&real.display().to_string(), "/home/tester/src/school");
        let text = text.replace(&path.display().to_string(), "/home/tester/src/school");
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let person = Regex::new(&format!(r"\b[\w-]+@{}\b", regex::escape(&host)));
        person.expect("a pattern").replace_all(&text, "tester@laptop").into_owned()
    }

    fn prompt(&mut self, command: &str, printed: &str) -> &mut Scene {
        self.gap().add(&format!("$ {command}"));
        if !printed.is_empty() {
            self.add(printed.trim_end());
        }
        self
    }

    fn gap(&mut self) -> &mut Scene {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self
    }

    fn add(&mut self, text: &str) -> &mut Scene {
        writeln!(self.text, "{text}").expect("memory");
        self
    }
}
