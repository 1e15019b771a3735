//! Which tool a history table or a file belongs to. A table is recognised by its columns, and also
//! by its name if many tools have these columns; so a renamed table is recognised too.

use std::path::Path;

use crate::naming::{file_name, leading_digits};
use crate::profile::{HistoryTable, Profile};
use crate::section::{FormatProblem, embedded_down, foreign};
use crate::tools::{supported, unsupported};
use crate::unsupported::UnsupportedTool;

fn tables() -> impl Iterator<Item = (&'static str, &'static HistoryTable)> {
    supported().map(|tool| (tool.profile().key, &tool.profile().table))
}

/// The names of the tables by which tools are known.
pub fn history_names() -> Vec<&'static str> {
    tables().map(|(_, table)| table.name).chain(unsupported().map(|tool| tool.table)).collect()
}

/// The columns of those tables that are known by them: in the order of their names, with spaces
/// between.
pub fn history_signatures() -> Vec<String> {
    tables().filter_map(|(_, table)| table.signature()).collect()
}

/// The tool that a history table belongs to. `columns` are sorted by name and separated by spaces.
pub fn tool_of_table(schema: &str, name: &str, columns: &str) -> Option<&'static str> {
    let found: Vec<&str> = columns.split(' ').collect();
    let is_named = |table: &HistoryTable| {
        table.name == name
            && table.schema.is_none_or(|own| own == schema)
            && table.columns.iter().all(|column| found.contains(column))
    };
    let is_refused = |tool: &&UnsupportedTool| {
        let mut own = tool.columns.to_vec();
        own.sort_unstable();
        tool.table == name && (own.is_empty() || own.join(" ") == columns)
    };
    let refused = unsupported().find(is_refused);
    // If the columns of two tools match, the tool with more columns wins.
    let by_name = tables()
        .filter(|(_, table)| is_named(table))
        .max_by_key(|(_, table)| table.columns.len())
        .filter(|(_, table)| refused.is_none_or(|tool| table.columns.len() >= tool.columns.len()));
    let by_columns = || tables().find(|(_, table)| table.signature().as_deref() == Some(columns));
    let supported = by_name.map(|(key, _)| key).or(refused.map(|tool| tool.key));
    supported.or_else(|| by_columns().map(|(key, _)| key))
}

/// What speaks for another tool in the text of a file that a tool reads.
pub(crate) fn doubt(profile: &Profile, text: &str) -> Option<FormatProblem> {
    // Nearly every file has no such line.
    if !text.contains("--") && !text.contains('#') {
        return None;
    }
    let others = supported()
        .map(|tool| (tool.profile().key, tool.profile().sections.map_or(&[][..], |own| own.words)))
        .chain(unsupported().map(|tool| (tool.title, tool.sections)))
        .filter(|(tool, _)| *tool != profile.key);
    for (tool, words) in others.filter(|(_, words)| !words.is_empty()) {
        if let Some((line, comment)) = foreign(text, words) {
            let why = format!(
                "`{comment}` is a marker of {tool}; as a file of {}, the whole file would run",
                profile.key
            );
            return Some(FormatProblem::at(line, why));
        }
    }
    let is_divided = profile.sections.is_some_and(|own| own.divides(text));
    let (line, comment) = if is_divided { None } else { embedded_down(text) }?;
    let why = format!(
        "`{comment}` seems to begin the down migration; as a file of {}, the whole file would run",
        profile.key
    );
    Some(FormatProblem::at(line, why))
}

/// The tool that a migration file belongs to, if cargo db does not support that tool.
pub fn refused_tool_of(path: &Path) -> Option<&'static UnsupportedTool> {
    let extension = path.extension()?.to_str()?;
    leading_digits(file_name(path))?;
    unsupported().find(|tool| tool.extension == Some(extension))
}

/// Unsupported tools' tables that show that a table of this name belongs to that tool.
pub fn claimants_of(name: &str) -> Vec<&'static str> {
    unsupported().filter(|tool| tool.shared_table == Some(name)).map(|tool| tool.table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_known_by_columns_and_by_name() {
        let of = |name: &str, columns: &str| tool_of_table("public", name, columns);
        assert_eq!(of("schema_migrations", "version"), Some("dbmate"));
        assert_eq!(of("schema_migrations", "dirty version"), Some("golang-migrate"));
        assert_eq!(of("schema_migrations", "a b"), None);
        let refinery = "applied_on checksum name version";
        assert_eq!(of("of_another_name", refinery), Some("refinery"));
        assert_eq!(of("atlas_schema_revisions", "x"), Some("atlas"));
        assert_eq!(of("schema_migrations", "inserted_at version"), Some("ecto"));
        assert_eq!(of("gorp_migrations", "applied_at id"), Some("sql-migrate"));
        assert_eq!(of("micrate_db_version", "id is_applied tstamp version_id"), Some("micrate"));
        assert_eq!(of("schema_version", "version"), Some("tern"));
        assert_eq!(of("migrations", "batch id migration"), None);
        assert_eq!(of("migrations", "id name timestamp"), Some("typeorm"));
        assert_eq!(claimants_of("schema_migrations"), ["ar_internal_metadata"]);
    }

    #[test]
    fn files_of_refused_tools_are_known() {
        let of = |name: &str| refused_tool_of(Path::new(name)).map(|tool| tool.key);
        assert_eq!(of("db/migrate/20260101000000_users.rb"), Some("rails"));
        assert_eq!(of("20260101000000_users.exs"), Some("ecto"));
        assert_eq!(of("seeds.exs"), None);
    }

    #[test]
    fn a_marker_of_another_tool_raises_a_doubt() {
        let of = |key: &str, text: &str| {
            let tool = supported().find(|tool| tool.profile().key == key).unwrap();
            doubt(tool.profile(), text).map(|problem| problem.line)
        };
        let up_and_down = [
            "-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n",
            "-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;\n",
            "-- +micrate Up\nSELECT 1;\n-- +micrate Down\nSELECT 2;\n",
            "# --- !Ups\nSELECT 1;\n# --- !Downs\nSELECT 2;\n",
            "-- !Ups\nSELECT 1;\n-- !Downs\nSELECT 2;\n",
            "-- migrate:up\nSELECT 1;\n-- migrate:down;\nSELECT 2;\n",
            "-- +goose up\nSELECT 1;\n-- +goose down;\nSELECT 2;\n",
        ];
        for text in up_and_down {
            assert_eq!(of("sqlx", text), Some(1), "{text}");
        }
        assert_eq!(of("prisma", "SELECT 1;\n---- create above / drop below ----\n"), Some(2));
        assert_eq!(of("sqlx", "SELECT 1;\n-- Down Migration\nSELECT 2;\n"), Some(2));
        assert_eq!(of("node-pg-migrate", "SELECT 1;\n-- Down Migration\nSELECT 2;\n"), None);
        assert_eq!(of("goose", up_and_down[6]), None);
        assert_eq!(of("sqlx", "-- Up migration of the users\nSELECT 1; -- down\n"), None);
    }

    #[test]
    fn a_table_in_a_schema_of_its_own_is_known_there_only() {
        let columns = "created_at hash id";
        assert_eq!(tool_of_table("drizzle", "__drizzle_migrations", columns), Some("drizzle"));
        assert!(history_signatures().contains(&columns.to_owned()));
        assert!(history_names().contains(&"hdb_version"));
    }
}
