//! Django: `<app>/migrations/<4 digits>_<name>.py`; `django_migrations`. Each migration belongs to
//! an application, and there is a newest migration only within an application.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::command::{Commands, Task, ToolFolder};
use crate::error::ToolError;
use crate::history::History;
use crate::migration::{Migration, MigrationFolder};
use crate::naming::{file_name, folder_name, has_extension, leading_digits};
use crate::profile::{HistoryTable, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of, in_order, keep_known};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &Django;

struct Django;

static PROFILE: Profile = Profile {
    key: "django",
    folders: &["."],
    depth: 4,
    renumbering: Renumbering::Elsewhere(
        "each names the one before it in `dependencies`: join the two with `python manage.py \
         makemigrations --merge`",
    ),
    marks: &["manage.py"],
    home: &["manage.py"],
    needs_tcp: true,
    table: HistoryTable {
        schema: None,
        name: "django_migrations",
        columns: &["id", "app", "name", "applied"],
        create: "",
        fields: [
            "app || '.' || name",
            "NULL",
            "extract(epoch FROM applied)::bigint",
            "true",
            "NULL",
            "NULL",
        ],
        rows: "{table}",
        companions: &[],
    },
    commands: Commands {
        all: "python manage.py migrate --no-input",
        next_one: "python manage.py migrate --no-input {app} {name-in-app}",
        record: "python manage.py migrate {app} {name-in-app} --fake --no-input",
        back_one: "python manage.py migrate --no-input {app} {before-in-app}",
        create: "python manage.py makemigrations --empty -n {name} {own-app}",
        generate: "python manage.py makemigrations -n {name}",
        probe: "python manage.py showmigrations",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Django {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        folder_name(path) == "migrations"
            && has_extension(path, "py")
            && leading_digits(file_name(path)).is_some()
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut files = BTreeMap::new();
        for file in found {
            let app = file.path.parent().map_or("", folder_name);
            let stem = file_name(&file.path).trim_end_matches(".py");
            let name = format!("{app}.{stem}");
            files.insert(name, (django_dependencies(&file.text()), file));
        }
        let edges =
            files.iter().map(|(name, (before, _))| (name.clone(), before.clone())).collect();
        let mut order = OrderedFiles::default();
        for name in in_order(&edges) {
            if let Some((_, file)) = files.remove(&name) {
                order.push(&name, file);
            }
        }
        folder_of(self, order)
    }

    /// Applications that are installed as packages have their files elsewhere, and squashed
    /// migrations have none.
    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        keep_known(history, folder);
    }

    /// The only application, or the one that is named first.
    fn application(
        &self,
        folder: &MigrationFolder,
        words: &[String],
    ) -> Result<(Option<String>, usize), ToolError> {
        let app = |migration: &Migration| {
            migration.version.to_string().split('.').next().unwrap_or_default().to_owned()
        };
        let apps: BTreeSet<String> = folder.migrations.iter().map(app).collect();
        match words {
            [first, _, ..] if apps.contains(first) => Ok((Some(first.clone()), 1)),
            _ if apps.len() == 1 => Ok((apps.into_iter().next(), 0)),
            _ => Err(ToolError::NoApplication { applications: apps.into_iter().collect() }),
        }
    }

    fn command_word(&self, word: &str, task: &Task<'_>, _: &ToolFolder<'_>) -> Option<String> {
        let about = if task.first().is_empty() { task.last() } else { task.first() };
        match (word, task) {
            ("own-app", Task::Create { app, .. }) => app.map(str::to_owned),
            ("app", _) => Some(in_app(about)?.0.to_owned()),
            ("name-in-app", _) => Some(in_app(about)?.1.to_owned()),
            ("before-in-app", _) => {
                let (app, _) = in_app(about)?;
                let before = task.newest().and_then(in_app).filter(|(other, _)| *other == app);
                Some(before.map_or("zero", |(_, name)| name).to_owned())
            }
            _ => None,
        }
    }

    /// The newest migration of each application: recording it also records those before it, but
    /// only in the same application.
    fn to_record<'a>(&self, chosen: &[&'a Migration]) -> Vec<&'a Migration> {
        let app = |migration: &Migration| {
            in_app(&migration.version.to_string()).map(|(app, _)| app.to_owned())
        };
        let is_newest = |(at, migration): &(usize, &&Migration)| {
            chosen[at + 1..].iter().all(|later| app(later) != app(migration))
        };
        chosen.iter().enumerate().filter(is_newest).map(|(_, one)| *one).collect()
    }

    fn can_be_newest_after(&self, version: &str, reverted: &str) -> bool {
        in_app(version).map(|(app, _)| app) == in_app(reverted).map(|(app, _)| app)
    }
}

/// The application of a version, and its name there.
fn in_app(version: &str) -> Option<(&str, &str)> {
    version.split_once('.')
}

/// `("app", "0001_x")` in the list of dependencies.
fn django_dependencies(text: &str) -> Vec<String> {
    let list = text
        .split_once("dependencies")
        .and_then(|(_, after)| after.split_once(']'))
        .map_or("", |(list, _)| list);
    let words: Vec<&str> = list.split(['"', '\'']).skip(1).step_by(2).collect();
    words.chunks_exact(2).map(|pair| format!("{}.{}", pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_dependencies() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Django.read(vec![
            file("shop/migrations/0001_initial.py", "dependencies = [('user', '0001_initial')]"),
            file("user/migrations/0001_initial.py", "dependencies = []"),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["user.0001_initial", "shop.0001_initial"]);
        let all: Vec<&Migration> = folder.migrations.iter().collect();
        assert_eq!(Django.to_record(&all).len(), 2, "one of each application");
    }
}
