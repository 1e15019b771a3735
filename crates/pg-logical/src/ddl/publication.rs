//! Publications.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{Publication, Published};

pub(super) fn create(name: &str, publication: &Publication, found: &mut Vec<String>) {
    let all = if publication.is_of_all { " FOR ALL TABLES" } else { "" };
    let mut options =
        vec![format!("publish = {}", quote_literal(&publication.operations.join(", ")))];
    if publication.is_via_root {
        options.push("publish_via_partition_root = true".to_owned());
    }
    if publication.has_generated {
        options.push("publish_generated_columns = stored".to_owned());
    }
    found.push(format!("CREATE PUBLICATION {name}{all} WITH ({})", options.join(", ")));
    let schemas = publication.schemas.iter();
    found.extend(
        schemas.map(|schema| format!("ALTER PUBLICATION {name} ADD TABLES IN SCHEMA {schema}")),
    );
    found.extend(publication.tables.iter().map(|table| add(name, table)));
}

pub(crate) fn add(publication: &str, table: &Published) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    let columns =
        if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let condition = table.condition.as_ref().map(|condition| format!(" WHERE ({condition})"));
    let (schema, name) = (quoted(&table.schema), quoted(&table.name));
    let condition = condition.unwrap_or_default();
    format!("ALTER PUBLICATION {publication} ADD TABLE ONLY {schema}.{name}{columns}{condition}")
}
