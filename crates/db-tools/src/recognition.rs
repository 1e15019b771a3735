//! Whose a history table is: a table is known by its columns, and by its name where these say
//! little; so one that was given another name is found too.

use crate::profile::HistoryTable;
use crate::tools::{supported, unsupported};

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

/// The tool whose history a table is; its columns are in the order of their names, with spaces
/// between.
pub fn tool_of_table(schema: &str, name: &str, columns: &str) -> Option<&'static str> {
    let found: Vec<&str> = columns.split(' ').collect();
    let is_named = |table: &HistoryTable| {
        table.name == name
            && table.schema.is_none_or(|own| own == schema)
            && table.columns.iter().all(|column| found.contains(column))
    };
    // Of two whose columns are all there, the one with more of them.
    let by_name =
        tables().filter(|(_, table)| is_named(table)).max_by_key(|(_, table)| table.columns.len());
    let by_columns = || tables().find(|(_, table)| table.signature().as_deref() == Some(columns));
    let supported = by_name.or_else(by_columns).map(|(key, _)| key);
    supported.or_else(|| unsupported().find(|tool| tool.table == name).map(|tool| tool.key))
}

/// Tables of tools that are refused, beside which a table of this name is theirs.
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
        assert_eq!(claimants_of("schema_migrations"), ["ar_internal_metadata"]);
    }

    #[test]
    fn a_table_in_a_schema_of_its_own_is_known_there_only() {
        let columns = "created_at hash id";
        assert_eq!(tool_of_table("drizzle", "__drizzle_migrations", columns), Some("drizzle"));
        assert!(history_signatures().contains(&columns.to_owned()));
        assert!(history_names().contains(&"hdb_version"));
    }
}
