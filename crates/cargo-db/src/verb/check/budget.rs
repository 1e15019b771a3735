//! Compares what the rehearsal measured, scaled by the rows of the database, with `[budget]`.

use std::time::Duration;

use crate::answer::text::{elapsed, number};
use crate::model::finding::{Class, Finding, Severity};
use crate::rehearse::{CostEstimate, Estimate};
use crate::settings::Budget;
use pg_sql::name::short;

/// What takes longer than the budget allows in a migration.
pub(super) fn over_budget(costs: &CostEstimate, budget: &Budget) -> Vec<Finding> {
    let over = |line: usize, estimate: &Estimate, limit: (&str, Option<Duration>), what: &str| {
        let (key, limit) = (limit.0, limit.1.filter(|limit| estimate.here > *limit)?);
        Some(Finding {
            class: Class::Lock,
            line,
            help: Some(format!("divide the work, or raise `{key}` below `[budget]` in db.toml")),
            ..Finding::of_whole(
                "over-budget",
                format!("{what} {}, and the budget is {}", duration(estimate), elapsed(limit)),
            )
        })
    };
    let whole = over(1, &costs.whole, ("migration", budget.migration), "the migration takes");
    let statements = costs.statements.iter().filter_map(|(line, estimate)| {
        over(*line, estimate, ("statement", budget.statement), "the statement takes")
    });
    let locks = costs.locks.iter().filter_map(|(line, table, estimate)| {
        let found = over(*line, estimate, ("lock", budget.lock), "other sessions wait for")?;
        Some(Finding { object: Some(short(table).to_owned()), ..found })
    });
    whole.into_iter().chain(statements).chain(locks).collect()
}

/// Says that nobody knows how long a migration takes.
pub(super) fn not_measured(why: &str, help: String) -> Finding {
    let evidence = format!("nothing says how long the migration takes: {why}");
    Finding {
        class: Class::Lock,
        severity: Severity::Unmeasured,
        help: Some(help),
        ..Finding::of_whole("not-measured", evidence)
    }
}

/// `2.1 s`, or `about 4 min 12 s (measured 2.1 s on 10,000 rows of users; about 1,200,000 here)`.
pub(super) fn duration(estimate: &Estimate) -> String {
    let measured = match estimate.measured.as_millis() {
        0 => "less than 1 ms".to_owned(),
        _ => elapsed(estimate.measured),
    };
    match &estimate.larger {
        None => measured,
        Some(larger) => format!(
            "about {} (measured {measured} on {} rows of {}; about {} here)",
            elapsed(estimate.here),
            number(larger.there),
            short(&larger.table),
            number(larger.here)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::LargerTable;

    fn estimate(measured_ms: u64, factor: u64) -> Estimate {
        let measured = Duration::from_millis(measured_ms);
        let here = measured * u32::try_from(factor).unwrap();
        let (table, there) = ("public.users".to_owned(), 10_000);
        let larger = (factor > 1).then(|| LargerTable { table, there, here: there * factor });
        Estimate { measured, here, larger }
    }

    #[test]
    fn what_is_over_is_said_with_what_it_was_estimated_from() {
        let slow = estimate(2_100, 120);
        let costs = CostEstimate {
            whole: slow.clone(),
            statements: vec![(3, slow.clone()), (5, estimate(10, 1))],
            locks: vec![(3, "public.users".to_owned(), slow)],
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let tight = Budget { migration: seconds(180), statement: seconds(15), lock: seconds(1) };
        let said: Vec<String> = over_budget(&costs, &tight)
            .iter()
            .map(|found| format!("{} {}", found.line, found.summary()))
            .collect();
        let about = "about 4 min 12 s (measured 2.1 s on 10,000 rows of users; about 1,200,000 \
                     here), and the budget is";
        assert_eq!(
            said,
            [
                format!("1 over-budget: the migration takes {about} 3 min 0 s"),
                format!("3 over-budget: the statement takes {about} 15.0 s"),
                format!("3 over-budget users: other sessions wait for {about} 1.0 s"),
            ]
        );
        // A budget is what something may take.
        let enough = Some(Duration::from_millis(252_000));
        let wide = Budget { migration: enough, statement: enough, lock: enough };
        assert_eq!(over_budget(&costs, &wide), []);
        assert_eq!(over_budget(&costs, &Budget::default()), []);
        assert_eq!(duration(&estimate(10, 1)), "10 ms");
    }
}
