//! TypeORM: `<13 digits>-<Name>.ts` with a class that is called `<Name><13 digits>`; `migrations`.

use std::path::Path;

use crate::command::{Commands, Task, ToolFolder};
use crate::history::History;
use crate::migration::{MigrationFolder, Version};
use crate::naming::{file_name, leading_digits};
use crate::profile::{HistoryTable, Profile, Renumbering, RollbackSupport};
use crate::program::{OrderedFiles, folder_of, is_script, keep_known};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &TypeOrm;

struct TypeOrm;

static PROFILE: Profile = Profile {
    key: "typeorm",
    folders: &["migrations", "src/migrations", "src/migration"],
    depth: 1,
    renumbering: Renumbering::Elsewhere(
        "the name of the class has the time too: write it again with `typeorm migration:generate`",
    ),
    marks: &["ormconfig.json", "ormconfig.js"],
    home: &["ormconfig.json", "ormconfig.js"],
    packages: &["typeorm"],
    rollback: RollbackSupport::AsRun,
    table: HistoryTable {
        schema: None,
        name: "migrations",
        columns: &["id", "timestamp", "name"],
        create: "",
        fields: ["name", "NULL", "NULL", "true", "NULL", "id"],
        rows: "{table}",
        companions: &["typeorm_metadata"],
    },
    commands: Commands {
        required: &["source"],
        all: "{typeorm} migration:run -d {source}",
        record_all: "{typeorm} migration:run -d {source} --fake",
        back_one: "{typeorm} migration:revert -d {source}",
        create: "{typeorm} migration:create {file} {javascript}",
        generate: "{typeorm} migration:generate -d {source} {file} {javascript}",
        probe: "{typeorm} migration:show -d {source}",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for TypeOrm {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        is_script(path) && leading_digits(file_name(path)).is_some()
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut order = OrderedFiles::default();
        for file in found {
            match class_name(&file.text()) {
                Some(name) => order.push(&name, file),
                None => {
                    order
                        .strange
                        .push((file.path, "there is no class in it whose name ends with a time"));
                }
            }
        }
        let time = |version: &Version| {
            let name = version.to_string();
            name.get(name.len().saturating_sub(13)..).and_then(|digits| digits.parse::<i64>().ok())
        };
        order.migrations.sort_by_key(|(version, ..)| (time(version), version.clone()));
        folder_of(self, order)
    }

    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        keep_known(history, folder);
    }

    fn command_word(&self, word: &str, _: &Task<'_>, folder: &ToolFolder<'_>) -> Option<String> {
        let source = data_source(folder);
        let is_typescript = source.is_some_and(|source| source.ends_with(".ts"));
        match word {
            "source" => source.map(str::to_owned),
            "typeorm" if is_typescript => Some("typeorm-ts-node-commonjs".to_owned()),
            "typeorm" => Some("typeorm".to_owned()),
            "javascript" => (!is_typescript).then(|| "-o".to_owned()),
            _ => None,
        }
    }
}

/// Where TypeORM's programs customarily say how to connect.
fn data_source(folder: &ToolFolder<'_>) -> Option<&'static str> {
    const SOURCES: [&str; 8] = [
        "data-source.ts",
        "src/data-source.ts",
        "data-source.js",
        "src/data-source.js",
        "ds.js",
        "ds.ts",
        "ormconfig.ts",
        "ormconfig.js",
    ];
    SOURCES.into_iter().find(|name| (folder.has)(name))
}

/// The name that a class gives itself, else its own; it ends with 13 digits.
fn class_name(text: &str) -> Option<String> {
    let ends_with_time = |name: &&str| {
        name.len() > 13
            && name
                .get(name.len() - 13..)
                .is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = |text: &'_ str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$')
            .collect()
    };
    let given = text.split("name").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix(": string").unwrap_or(rest).trim_start().strip_prefix('=')?;
        rest.trim_start().strip_prefix(['"', '\'', '`']).map(word)
    });
    let classes = text.split("class ").skip(1).map(word);
    given.chain(classes).find(|name| ends_with_time(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Migration;

    #[test]
    fn the_order_is_that_of_the_times() {
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = TypeOrm.read(vec![
            file("2-B.ts", "export class B1767225600002 implements MigrationInterface {}"),
            file("1-A.js", "module.exports = class Old1767225600009 { name = 'A1767225600001' }"),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["A1767225600001", "B1767225600002"]);
    }
}
