//! Verifies foreign keys after a migration that may have disabled them: whether each row still
//! refers to an existing one. The server does not verify that again.

use std::collections::BTreeSet;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::Finding;
use crate::rehearse::judge::grouped;
use crate::rehearse::snapshot::Oid;
use crate::world::pg::{Row, Session};
use pg_sql::name::short;

/// Whether a statement may disable foreign keys or mark them as valid, judging by its text,
/// including strings, which a DO block may run.
pub(super) fn may_switch_off(statement: &str) -> bool {
    let text = statement.to_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = ["session_replication_role", "disable trigger", "pg_constraint", "pg_trigger"];
    says.iter().any(|says| text.contains(says))
}

/// Proves the foreign keys of these tables; of all, where they are not known. Returns what does not
/// hold.
pub(super) fn orphans(
    session: &mut Session,
    tables: Option<&BTreeSet<Oid>>,
) -> Result<Vec<Finding>> {
    let of_tables = match tables {
        None => "true".to_owned(),
        Some(tables) if tables.is_empty() => return Ok(Vec::new()),
        Some(tables) => {
            let list: Vec<String> = tables.iter().map(ToString::to_string).collect();
            let list = format!("ARRAY[{}]::pg_catalog.oid[]", list.join(", "));
            include_str!("sql/keys_of_tables.sql").trim_end().replace("{tables}", &list)
        }
    };
    let sql = include_str!("sql/foreign_keys.sql").replace("{of_tables}", &of_tables);
    let mut found = Vec::new();
    for key in session.rows("list the foreign keys", &sql)? {
        found.extend(prove(session, &key)?);
    }
    Ok(found)
}

fn prove(session: &mut Session, key: &Row) -> Result<Option<Finding>> {
    let object = key.text("name")?;
    if !key.flag("countable")? {
        let why = "not all rows are visible: it is unknown whether the key holds".to_owned();
        let mut found = finding("not-counted", 1, "", why);
        found.object = Some(short(object).to_owned());
        return Ok(Some(found));
    }
    let (child, parent) = (key.text("child")?, key.text("parent")?);
    let (filled, same) = (key.text("filled")?, key.text("same")?);
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM {child} f WHERE ({filled}) \
         AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})"
    );
    let rows: u64 = session.number("prove a foreign key", &sql)?;
    let evidence = format!(
        "{} rows of {} refer to rows of {} that do not exist",
        grouped(rows),
        short(child.trim_start_matches("ONLY ")),
        short(parent.trim_start_matches("ONLY "))
    );
    let mut found = finding("orphans", 1, "", evidence);
    (found.object, found.rows) = (Some(short(object).to_owned()), Some(rows));
    Ok((rows > 0).then_some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_switches_foreign_keys_off_is_seen_in_strings_too() {
        for statement in [
            "ALTER TABLE a DISABLE  TRIGGER ALL",
            "SET LOCAL Session_Replication_Role = replica",
            "DO $$ BEGIN EXECUTE 'alter table a disable\n trigger all'; END $$",
            "UPDATE pg_constraint SET convalidated = true",
        ] {
            assert!(may_switch_off(statement), "{statement}");
        }
        assert!(!may_switch_off("ALTER TABLE a ENABLE TRIGGER ALL"));
    }
}
