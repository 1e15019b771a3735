//! A whole session at a prompt as its user sees it, to compare with a file in `tests/it/seen`.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;
use snapbox::{Assert, Data};

use crate::support::settle::settled;
use crate::support::{Project, Ran, binaries};

/// The commands that were run in a project and their output, at 80 columns without colours.
pub(crate) struct Scene {
    pub(crate) project: Project,
    text: String,
}

impl Scene {
    pub(crate) fn of(mut project: Project) -> Scene {
        // PostgreSQL's programs get a path in the project's folder, so that lines wrap in the same
        // way on every machine.
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

    /// The same, with the consent that its dry run asks for.
    #[track_caller]
    pub(crate) fn agrees(&mut self, arguments: &str) -> &mut Scene {
        let words = shell_words::split(arguments).expect("words");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let consent = shell_words::join(self.project.consent(&words));
        self.types(&format!("{arguments} {consent}"))
    }

    /// Adds a run that was started in another way.
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

    /// Writes a file and shows its content to the reader.
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

    /// Notes what happens between two commands.
    pub(crate) fn note(&mut self, text: &str) -> &mut Scene {
        self.gap().add(&format!("# {text}"))
    }

    /// Compares the session with `tests/it/seen/<name>.txt`; `SNAPSHOTS=overwrite cargo test`
    /// rewrites the file.
    #[track_caller]
    pub(crate) fn is(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/seen");
        let file = Data::read_from(&folder.join(format!("{name}.txt")), None);
        Assert::new().action_env("SNAPSHOTS").eq(self.settled(), file.raw());
    }

    /// Also replaces the project's folder and the names of user and machine, which differ between
    /// runs. The replacement has the length of the folder, so that lines wrap in the same way.
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
