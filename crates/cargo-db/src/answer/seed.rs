//! What `seed` and `reset` did.

use serde::Serialize;

use crate::answer::plan::{Planned, TargetView};
use crate::answer::text::{number, plural, table};
use crate::answer::{Answer, Style};
use crate::model::target::Target;
use crate::plan::Plan;
use crate::seed::RowsLoaded;
use pg_sql::name::short;

/// A plan about seeds that was carried out, or had nothing to do.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Seeded {
    #[serde(flatten)]
    planned: Planned,
    /// The tables that rows were loaded into.
    tables: Vec<LoadedView>,
}

/// A table that rows were loaded into.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LoadedView {
    name: String,
    rows: u64,
}

impl Seeded {
    /// What was loaded.
    pub(crate) fn of(plan: &Plan, rows: &RowsLoaded) -> Seeded {
        let one = |(name, rows): (&String, &u64)| LoadedView { name: name.clone(), rows: *rows };
        Seeded { planned: plan.into(), tables: rows.iter().map(one).collect() }
    }
}

impl Answer for Seeded {
    fn text(&self, _: &Style) -> String {
        if self.planned.plan.steps.is_empty() {
            return self.planned.nothing_to_do();
        }
        if self.tables.is_empty() {
            return "no rows loaded".to_owned();
        }
        let line = |loaded: &LoadedView| vec![short(&loaded.name).to_owned(), number(loaded.rows)];
        let lines: Vec<Vec<String>> = self.tables.iter().map(line).collect();
        let total: u64 = self.tables.iter().map(|table| table.rows).sum();
        format!(
            "{}\n\n{} loaded into {}",
            table(&["Table", "Rows"], &lines),
            plural(usize::try_from(total).unwrap_or(usize::MAX), "row"),
            plural(lines.len(), "table")
        )
    }
}

/// A reset that is done.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rebuilt {
    target: TargetView,
    /// How many were applied.
    migrations: usize,
    /// How many rows were loaded, by table.
    rows: RowsLoaded,
    /// The backup of the previous content.
    backup: Option<String>,
}

impl Rebuilt {
    /// What the new database has.
    pub(crate) fn of(
        target: &Target,
        migrations: usize,
        rows: &RowsLoaded,
        backup: Option<String>,
    ) -> Rebuilt {
        Rebuilt { target: target.into(), migrations, rows: rows.clone(), backup }
    }
}

impl Answer for Rebuilt {
    fn text(&self, _: &Style) -> String {
        let (database, applied) = (&self.target.database, plural(self.migrations, "migration"));
        let mut line = format!("recreated {database}: {applied} applied");
        let total: u64 = self.rows.values().sum();
        if total > 0 {
            let total = usize::try_from(total).unwrap_or(usize::MAX);
            line = format!("{line}, {} loaded", plural(total, "row"));
        }
        match &self.backup {
            Some(backup) => format!("{line}\nprevious contents: {backup}"),
            None => line,
        }
    }
}
