//! Command lines of tools: templates, and the values that are put into them. Arguments never
//! contain secrets.
//!
//! The effect and exit code of each command were tested with the versions that `scripts/tools`
//! installs.

/// What a tool is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task<'a> {
    /// Apply all pending migrations.
    ApplyAll,
    /// Apply the next migrations.
    ApplyNext {
        /// How many.
        count: usize,
        /// The last of them.
        last: &'a str,
    },
    /// Record all pending migrations as applied, without running them.
    RecordAll,
    /// Record a migration and its predecessors as applied, without running them.
    Record {
        /// The migration.
        last: &'a str,
    },
    /// Take back the newest ones.
    Revert {
        /// How many.
        count: usize,
        /// The one that is taken back last.
        first: &'a str,
        /// The newest one then, if there is one.
        newest: Option<&'a str>,
    },
    /// Write an empty migration.
    Create {
        /// Its name.
        name: &'a str,
        /// The application that it belongs to.
        app: Option<&'a str>,
    },
    /// Read something from the database, which it has to reach for that.
    Probe,
    /// Generate a migration that brings the database to the schema that the program describes.
    Generate {
        /// Its name.
        name: &'a str,
    },
}

/// Where the tool works.
pub struct ToolFolder<'a> {
    /// The migrations folder, relative to the working directory of the tool.
    pub dir: &'a str,
    /// The database URL without its password, for tools that need it as an argument.
    pub url: &'a str,
    /// Whether the working directory contains this file.
    pub has: &'a dyn Fn(&str) -> bool,
}

/// The command lines of a tool. Words in braces are replaced by values of the task; a word without
/// a value is left out together with the option before it.
#[derive(Debug)]
pub struct Commands {
    /// Applies all pending migrations.
    pub all: &'static str,
    /// Applies up to `{last}`, or `{count}`.
    pub next: &'static str,
    /// Applies the next one.
    pub next_one: &'static str,
    /// Records all pending migrations as applied, without running them.
    pub record_all: &'static str,
    /// Records `{last}` and its predecessors as applied, without running them.
    pub record: &'static str,
    /// Rolls `{count}` back, so that `{newest}` is the newest.
    pub back: &'static str,
    /// Takes the newest one back.
    pub back_one: &'static str,
    /// What `{newest}` is when nothing is left.
    pub nothing: &'static str,
    /// Writes an empty migration.
    pub create: &'static str,
    /// Writes the migration that the project's description of the schema asks for.
    pub generate: &'static str,
    /// Fails where the database cannot be reached, and changes nothing but the tool's own tables.
    pub probe: &'static str,
    /// Words that need a value; without one, there is no command.
    pub required: &'static [&'static str],
}

impl Commands {
    /// No command at all.
    pub const NONE: Commands = Commands {
        all: "",
        next: "",
        next_one: "",
        record_all: "",
        record: "",
        back: "",
        back_one: "",
        nothing: "",
        create: "",
        generate: "",
        probe: "",
        required: &[],
    };

    /// The template for a task; empty if the tool has no command for it.
    fn template(&self, task: &Task<'_>) -> &'static str {
        let or = |first: &'static str, second| if first.is_empty() { second } else { first };
        match task {
            Task::ApplyAll => self.all,
            Task::ApplyNext { count: 1, .. } => or(self.next, self.next_one),
            Task::ApplyNext { .. } => self.next,
            Task::RecordAll => self.record_all,
            Task::Record { .. } => self.record,
            Task::Revert { count: 1, .. } => or(self.back, self.back_one),
            Task::Revert { .. } => self.back,
            Task::Create { .. } => self.create,
            Task::Generate { .. } => self.generate,
            Task::Probe => self.probe,
        }
    }

    /// The command for a task, with the placeholders replaced by `meaning`; `None` if the tool has
    /// no command.
    pub(crate) fn line(
        &self,
        task: &Task<'_>,
        meaning: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Vec<String>> {
        let mut line: Vec<String> = Vec::new();
        for word in self.template(task).split(' ').filter(|word| !word.is_empty()) {
            let Some((before, (name, after))) = word
                .split_once('{')
                .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
            else {
                line.push(word.to_owned());
                continue;
            };
            match meaning(name) {
                Some(value) => line.push(format!("{before}{value}{after}")),
                None if self.required.contains(&name) => return None,
                None if line.last().is_some_and(|word| word.starts_with("--")) => drop(line.pop()),
                None => {}
            }
        }
        (!line.is_empty()).then_some(line)
    }

    /// The value of a placeholder that the commands of every tool can use.
    pub(crate) fn common_word(
        &self,
        word: &str,
        task: &Task<'_>,
        folder: &ToolFolder<'_>,
    ) -> Option<String> {
        let of_tool = Some(self.nothing).filter(|nothing| !nothing.is_empty());
        match word {
            "dir" => Some(folder.dir.to_owned()),
            "url" => Some(folder.url.to_owned()),
            "count" => Some(task.count().to_string()),
            "first" => Some(task.first().to_owned()),
            "last" => Some(task.last().to_owned()),
            "newest" => task.newest().or(of_tool).map(str::to_owned),
            "name" => Some(task.name().to_owned()),
            "file" => Some(format!("{}/{}", folder.dir, task.name())),
            _ => None,
        }
    }
}

impl<'a> Task<'a> {
    /// The task in words, for a message.
    pub fn doing(&self) -> String {
        match self {
            Task::ApplyAll => "apply migrations".to_owned(),
            Task::ApplyNext { count, .. } => {
                format!("apply only {count} of the pending migrations")
            }
            Task::RecordAll => "record migrations as applied".to_owned(),
            Task::Record { .. } => "record a migration as applied".to_owned(),
            Task::Revert { count: 1, .. } => "roll back a migration".to_owned(),
            Task::Revert { .. } => "roll back several migrations at once".to_owned(),
            Task::Create { .. } => "write an empty migration".to_owned(),
            Task::Generate { .. } => "generate a migration".to_owned(),
            Task::Probe => "show which database it connects to".to_owned(),
        }
    }

    /// The setting in `db.toml` for the project's own command; empty if there is none.
    pub fn setting(&self) -> &'static str {
        match self {
            Task::ApplyAll => "apply",
            Task::Revert { count: 1, .. } => "rollback",
            Task::Create { .. } => "create",
            Task::Generate { .. } => "generate",
            Task::ApplyNext { .. }
            | Task::RecordAll
            | Task::Record { .. }
            | Task::Revert { .. }
            | Task::Probe => "",
        }
    }

    /// The name of the migration that the task writes; empty for other tasks.
    pub fn name(&self) -> &'a str {
        match self {
            Task::Create { name, .. } | Task::Generate { name } => name,
            _ => "",
        }
    }

    fn count(&self) -> usize {
        match self {
            Task::ApplyNext { count, .. } | Task::Revert { count, .. } => *count,
            _ => 0,
        }
    }

    /// The first migration to roll back; empty for other tasks.
    pub(crate) fn first(&self) -> &'a str {
        if let Task::Revert { first, .. } = self { first } else { "" }
    }

    /// The last migration that is applied or recorded; empty for other tasks.
    pub(crate) fn last(&self) -> &'a str {
        if let Task::ApplyNext { last, .. } | Task::Record { last } = self { last } else { "" }
    }

    /// The newest migration after the rollback.
    pub(crate) fn newest(&self) -> Option<&'a str> {
        if let Task::Revert { newest, .. } = self { *newest } else { None }
    }
}
