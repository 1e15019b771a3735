//! The sets of migrations in `db.toml`: their order, and which one is selected.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result, SettingsError};
use crate::model::path::without_dots;
use crate::settings::file::{DbToml, MigrationsTable};
use crate::settings::source::Sources;

/// All sets, each after those that it depends on; otherwise the one without a name first, then by
/// name. Empty if `db.toml` names no set.
pub(super) fn in_order(migrations: &MigrationsTable) -> Result<Vec<Option<String>>> {
    let named = migrations.sets.keys().cloned().map(Some);
    let unnamed = (!migrations.sets.is_empty() && !migrations.is_empty()).then_some(None);
    let mut order = SetOrder { migrations, done: Vec::new(), open: Vec::new() };
    unnamed.into_iter().chain(named).try_for_each(|set| order.add(set))?;
    Ok(order.done)
}

/// The sets whose place in the order is known, and those that wait for another one.
struct SetOrder<'a> {
    migrations: &'a MigrationsTable,
    done: Vec<Option<String>>,
    open: Vec<Option<String>>,
}

impl SetOrder<'_> {
    fn add(&mut self, set: Option<String>) -> Result<()> {
        if self.done.contains(&set) {
            return Ok(());
        }
        if let Some(at) = self.open.iter().position(|open| *open == set) {
            // Nothing can name the set without a name, so all have one.
            let circle = self.open[at..].iter().chain([&set]).flatten().cloned().collect();
            return Err(SettingsError::CircleOfSets { circle }.into());
        }
        self.open.push(set.clone());
        for needed in &table_of(self.migrations, set.as_ref()).depends_on {
            if !self.migrations.sets.contains_key(needed) {
                return Err(self.unknown(set.as_ref(), needed));
            }
            self.add(Some(needed.clone()))?;
        }
        self.open.pop();
        self.done.push(set);
        Ok(())
    }

    fn unknown(&self, set: Option<&String>, needed: &str) -> Failure {
        let of_set = set.map_or_else(String::new, |set| format!(".{set}"));
        let source_name = format!("migrations{of_set}.depends-on in db.toml");
        unknown(self.migrations, source_name, needed.to_owned())
    }
}

/// What `db.toml` says of a set.
pub(super) fn table_of<'a>(
    migrations: &'a MigrationsTable,
    set: Option<&String>,
) -> &'a MigrationsTable {
    set.map_or(migrations, |set| &migrations.sets[set])
}

/// Whether the sets name different databases.
pub(super) fn has_several_urls(migrations: &MigrationsTable) -> bool {
    let unnamed = (!migrations.is_empty()).then_some(migrations);
    let urls = migrations.sets.values().chain(unnamed).map(|table| &table.url);
    urls.collect::<BTreeSet<_>>().len() > 1
}

/// The selected set: the one that is named, the one whose folder is named, or the only one.
pub(super) fn chosen(sources: &Sources<'_>, toml: &DbToml, root: &Path) -> Result<Option<String>> {
    let sets = &toml.migrations.sets;
    match &sources.flags.set {
        Some(name) if sets.contains_key(name) => Ok(Some(name.clone())),
        Some(name) => Err(unknown(&toml.migrations, "--set".to_owned(), name.clone())),
        None if sets.len() == 1 && toml.migrations.is_empty() => Ok(sets.keys().next().cloned()),
        None => match of_named_folder(sources, toml, root) {
            None if sets.len() > 1 && toml.migrations.is_empty() && !sources.flags.any_set => {
                here(sources, toml, root).map(Some).ok_or_else(|| several(sources, toml))
            }
            of_folder => Ok(of_folder),
        },
    }
}

/// There is no set of this name.
pub(super) fn unknown(migrations: &MigrationsTable, source_name: String, value: String) -> Failure {
    let why = match migrations.sets.is_empty() {
        true => "db.toml has no sets".to_owned(),
        false => format!("expected one of {}", names(migrations)),
    };
    SettingsError::Value { source_name, value, why }.into()
}

fn several(sources: &Sources<'_>, toml: &DbToml) -> Failure {
    let sets = toml.migrations.sets.keys().cloned().collect();
    SettingsError::SeveralSets { sets, command: sources.flags.command.clone() }.into()
}

/// The set whose folder `--migrations-dir` names.
fn of_named_folder(sources: &Sources<'_>, toml: &DbToml, root: &Path) -> Option<String> {
    let named = without_dots(&sources.cwd.join(sources.flags.migrations_dir.as_ref()?));
    let is_it = |dir: &PathBuf| without_dots(&root.join(dir)) == named;
    let mut sets = toml.migrations.sets.iter();
    let (set, _) = sets.find(|(_, table)| table.dir.as_ref().is_some_and(is_it))?;
    Some(set.clone())
}

/// The set in the nearest folder that has one, at or above the current folder and below the root:
/// in `crates/web`, the set whose folder is `crates/web/migrations`. `None` if there are several.
pub(super) fn here(sources: &Sources<'_>, toml: &DbToml, root: &Path) -> Option<String> {
    let folders = sources.cwd.ancestors().take_while(|folder| folder.starts_with(root));
    for folder in folders.filter(|folder| *folder != root) {
        let is_here = |dir: &PathBuf| without_dots(&root.join(dir)).starts_with(folder);
        let sets = toml.migrations.sets.iter();
        let mut here = sets.filter(|(_, table)| table.dir.as_ref().is_some_and(is_here));
        if let Some((set, _)) = here.next() {
            return here.next().is_none().then(|| set.clone());
        }
    }
    None
}

fn names(migrations: &MigrationsTable) -> String {
    migrations.sets.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
