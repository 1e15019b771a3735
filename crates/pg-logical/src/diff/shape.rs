//! What two databases must have in common to count as equal.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::ddl;
use crate::diff::refusal::DiffError;
use crate::diff::step::Wanted;
use crate::graph::{Circle, order};

/// The statements that create a database, as a set: neither the order of objects nor that of
/// columns is compared. Owners and privileges are among them where they are wanted.
///
/// This does not use the rules by which [`crate::diff::diff`] finds differences, so that it can
/// prove them.
pub fn shape(catalog: &Catalog, wanted: &Wanted) -> Result<BTreeSet<String>, DiffError> {
    let order = order(catalog, &BTreeSet::new());
    let order = order.map_err(|Circle(objects)| DiffError::Circle(objects))?;
    let steps = order.steps.iter().flat_map(|step| ddl::statements(catalog, &order, *step));
    let mut found: BTreeSet<String> = steps.map(|statement| unordered(&statement)).collect();
    for object in &catalog.objects {
        found.extend(ddl::owner(object).filter(|_| wanted.has_owners));
        if wanted.has_rights {
            found.extend(ddl::of_object(object, catalog.about.major));
        }
    }
    if wanted.has_rights {
        found.extend(catalog.others.iter().flat_map(|o| ddl::of_others(o, catalog.about.major)));
    }
    Ok(found)
}

/// The lines of `CREATE TABLE` without their order.
fn unordered(statement: &str) -> String {
    let heads = ["CREATE TABLE ", "CREATE UNLOGGED TABLE ", "CREATE FOREIGN TABLE "];
    if !heads.iter().any(|head| statement.starts_with(head)) {
        return statement.to_owned();
    }
    let mut lines: Vec<&str> = statement.lines().map(|line| line.trim_end_matches(',')).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::unordered;

    #[test]
    fn only_the_lines_of_tables_have_no_order() {
        let is_same = |head: &str| {
            unordered(&format!("{head} (\n    a,\n    b\n)"))
                == unordered(&format!("{head} (\n    b,\n    a\n)"))
        };
        assert!(is_same("CREATE TABLE t") && is_same("CREATE UNLOGGED TABLE t"));
        assert!(
            !is_same("CREATE FUNCTION f() RETURNS TABLE ") && !is_same("CREATE VIEW v AS TABLE ")
        );
    }
}
