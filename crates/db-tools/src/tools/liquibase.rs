//! Liquibase: changelogs in SQL or XML, where each change set is known by its file, author and id;
//! `databasechangelog`.

use std::path::Path;

use crate::command::Commands;
use crate::migration::MigrationFolder;
use crate::naming::{file_name, has_extension};
use crate::profile::{HistoryTable, Profile, Renumbering, RollbackSupport};
use crate::program::{OrderedFiles, folder_of};
use crate::tool::{FoundFile, Tool};
use crate::variables::{Connection, Variable};

pub(super) static TOOL: &dyn Tool = &Liquibase;

struct Liquibase;

static PROFILE: Profile = Profile {
    key: "liquibase",
    folders: &[".", "db/changelog", "src/main/resources/db/changelog"],
    depth: 2,
    renumbering: Renumbering::Elsewhere(
        "their order is that of the change sets in the changelog: move it to the end, and look at \
         it with `liquibase status`",
    ),
    marks: &["liquibase.properties"],
    rollback: RollbackSupport::AsRun,
    needs_tcp: true,
    table: HistoryTable {
        schema: None,
        name: "databasechangelog",
        columns: &[
            "id",
            "author",
            "filename",
            "dateexecuted",
            "orderexecuted",
            "exectype",
            "md5sum",
        ],
        create: "",
        fields: [
            "author || ':' || id",
            "NULL",
            "extract(epoch FROM dateexecuted)::bigint",
            "true",
            "NULL",
            "orderexecuted",
        ],
        rows: "{table}",
        companions: &["databasechangeloglock"],
    },
    commands: Commands {
        all: "liquibase update",
        next: "liquibase update-count --count={count}",
        back: "liquibase rollback-count --count={count}",
        probe: "liquibase status",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Liquibase {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).contains("changelog")
            && (has_extension(path, "sql") || has_extension(path, "xml"))
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = OrderedFiles::default();
        for file in found {
            for name in change_sets(&file.text()) {
                order.push(&name, FoundFile { path: file.path.clone(), bytes: file.bytes.clone() });
            }
        }
        folder_of(self, order)
    }

    fn variables(&self, connection: &Connection<'_>) -> Vec<Variable> {
        vec![
            Variable::new("LIQUIBASE_COMMAND_URL", connection.jdbc_url()),
            Variable::new("LIQUIBASE_COMMAND_USERNAME", connection.user),
            Variable::new("LIQUIBASE_COMMAND_PASSWORD", connection.password),
            Variable::new("LIQUIBASE_SHOW_BANNER", "false"),
        ]
    }
}

/// `--changeset author:id` and `<changeSet id="…" author="…">`.
fn change_sets(text: &str) -> Vec<String> {
    let of_sql = |line: &str| {
        let rest = line.trim().strip_prefix("--")?.trim_start().strip_prefix("changeset ")?;
        let name = rest.split_whitespace().next()?;
        name.contains(':').then(|| name.to_owned())
    };
    let attribute = |tag: &str, name: &str| {
        let (_, after) = tag.split_once(&format!("{name}=\""))?;
        after.split('"').next().map(str::to_owned)
    };
    let of_xml = text.split("<changeSet").skip(1).filter_map(|tag| {
        let tag = tag.split('>').next()?;
        Some(format!("{}:{}", attribute(tag, "author")?, attribute(tag, " id")?))
    });
    text.lines().filter_map(of_sql).chain(of_xml).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Migration;

    #[test]
    fn change_sets_are_found_in_sql_and_xml() {
        let sql = "--liquibase formatted sql\n--changeset me:1\nSELECT 1;\n\
                   -- changeset me:2 runInTransaction:false\n";
        let xml = "<changeSet id=\"3\" author=\"you\">";
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = Liquibase.read(vec![file("changelog.sql", sql), file("changelog.xml", xml)]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["me:1", "me:2", "you:3"]);
    }
}
