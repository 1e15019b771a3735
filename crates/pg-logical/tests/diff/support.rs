//! Databases that are migrated and compared.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use pg_logical::catalog::Catalog;
use pg_logical::diff::{DiffError, Plan, Wanted, both_ways, diff, shape};

use crate::cluster::cluster;
use crate::session::Session;

/// A database that is dropped at the end of the test.
pub(crate) struct Database(pub(crate) String);

impl Database {
    pub(crate) fn new(sql: &str) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("diff_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster().run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let database = Database(name);
        let sql = format!("SET check_function_bodies = off; {sql}");
        cluster().run(&database.0, &sql);
        database
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Session(cluster().connect(&self.0)).catalog().expect("a catalog").0
    }

    /// Runs the steps of a plan in the transactions that they need.
    pub(crate) fn apply(&self, what: &str, plan: &Plan) -> Result<(), String> {
        let mut client = cluster().connect(&self.0);
        client.batch_execute("SET check_function_bodies = off").expect("a setting");
        let mut run = |statement: &str| {
            client.batch_execute(statement).map_err(|error| {
                let why = error.as_db_error().map(ToString::to_string).unwrap_or_default();
                format!("{what}: {why}\n{statement}\nof\n{}", text(plan))
            })
        };
        for group in plan.groups() {
            let (begin, end) = if group.is_in_transaction { ("BEGIN", "COMMIT") } else { ("", "") };
            run(begin)?;
            for statement in group.steps.iter().flat_map(|step| &step.statements) {
                run(statement)?;
            }
            run(end)?;
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        cluster().run("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.0));
    }
}

pub(crate) fn text(plan: &Plan) -> String {
    let statements = plan.steps.iter().flat_map(|step| &step.statements);
    statements.map(|statement| format!("{statement};\n")).collect()
}

pub(crate) fn wanted() -> Wanted {
    Wanted { role: "postgres".to_owned(), has_owners: true, has_rights: true, avoids_locks: false }
}

pub(crate) fn between(before: &Catalog, after: &Catalog) -> Result<Plan, DiffError> {
    diff(before, after, &wanted())
}

pub(crate) fn same(what: &str, one: &Catalog, other: &Catalog) -> Result<(), String> {
    let of = |catalog| shape(catalog, &wanted()).map_err(|error| format!("{what}: {error}"));
    let (one, other) = (of(one)?, of(other)?);
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        a.difference(b).cloned().collect::<Vec<_>>().join("\n")
    };
    if one == other {
        return Ok(());
    }
    Err(format!("{what}: has\n{}\nand lacks\n{}", only(&one, &other), only(&other, &one)))
}

/// Migrates a database from the first schema to the second and back, and returns the forward plan.
pub(crate) fn proved(what: &str, first: &str, second: &str) -> Result<Plan, String> {
    proved_as(what, (first, second), &wanted())
}

pub(crate) fn proved_as(
    what: &str,
    schemas: (&str, &str),
    wanted: &Wanted,
) -> Result<Plan, String> {
    let (live, goal) = (Database::new(schemas.0), Database::new(schemas.1));
    let (before, after) = (live.catalog(), goal.catalog());
    let refused = |error| format!("{what}: {error}");
    let plans = both_ways(&before, &after, wanted).map_err(refused)?;
    let (up, down) = (plans.up, plans.down.map_err(refused)?);
    live.apply(what, &up)?;
    let now = live.catalog();
    same(what, &now, &after)?;
    match between(&now, &after) {
        Ok(rest) if rest.steps.is_empty() => {}
        rest => return Err(format!("{what}: a second diff still finds: {rest:?}")),
    }
    let back = format!("{what}, back");
    live.apply(&back, &down)?;
    same(&back, &live.catalog(), &before)?;
    Ok(up)
}
