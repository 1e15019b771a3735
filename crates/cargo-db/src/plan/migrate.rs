//! Which pending migrations run, and whether they may.

use crate::failure::{HistoryError, MigrationError, RepairHope, Result};
use crate::model::history::{MigrationStatus, Problem, ProblemKind};
use crate::model::migration::Migration;
use crate::plan::{Batch, MigrationFacts, Operation, Plan, Step};
use pg_sql::script::{Statement, statements};

/// How far to go.
#[derive(Clone, Debug, Default)]
pub(crate) struct MigrateRequest {
    /// Up to and with this version.
    pub(crate) to: Option<String>,
    /// The maximum number of migrations.
    pub(crate) steps: Option<usize>,
    pub(crate) tolerance: Tolerance,
}

/// Problems that the caller chose to ignore.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tolerance {
    /// Continue although the file of an applied migration is missing.
    pub(crate) missing: bool,
    /// Apply migrations older than the newest applied one, even if the environment forbids it.
    pub(crate) out_of_order: bool,
}

/// Plans to apply the pending migrations.
pub(crate) fn migrate(facts: &MigrationFacts, request: &MigrateRequest) -> Result<Plan> {
    if let (None, Some(foreign)) = (&facts.history.table, facts.history.foreign.first()) {
        let (database, tool) = (facts.target.database.clone(), facts.layout.key().to_owned());
        return Err(HistoryError::Foreign { database, foreign: foreign.to_string(), tool }.into());
    }
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    let chosen = choose(&standing.pending, &facts.folder.migrations, request)?;
    let (blocking, unusual): (Vec<Problem>, Vec<Problem>) = standing
        .problems
        .into_iter()
        .partition(|problem| blocks(problem.trouble, facts, &request.tolerance));
    if !blocking.is_empty() {
        return Err(HistoryError::Inconsistent {
            target: facts.target.to_string(),
            problems: blocking,
            repair: RepairHope::Possible,
        }
        .into());
    }

    let takes_all_pending = chosen.len() == standing.pending.len();
    let mut steps = Vec::new();
    if !facts.database_exists {
        steps.push(Step::CreateDatabase { name: facts.target.database.clone() });
    }
    if !chosen.is_empty() {
        steps.extend(facts.creating_history());
        steps.extend(
            chosen.into_iter().map(|migration| Step::Apply { migration, losses: Vec::new() }),
        );
    }
    let mut plan = facts.plan(Operation::Migrate, steps);
    plan.takes_all_pending = takes_all_pending;
    plan.warnings = unusual.iter().map(Problem::line).collect();
    Ok(plan)
}

/// How these migrations, each with the text of its file, can be made all or nothing.
pub(crate) fn all_or_nothing(files: &[(&Migration, String)]) -> Batch {
    let needs_no_transaction = files.iter().find(|(migration, _)| !migration.up.transactional);
    // A value that is added to an enum cannot be used before it is committed.
    let adds_value = |text: &str| {
        let text = text.to_ascii_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.windows(2).any(|pair| pair == ["add", "value"])
    };
    let early =
        files.split_last().and_then(|(_, before)| before.iter().find(|(_, text)| adds_value(text)));
    let commits = files.iter().find(|(migration, text)| ends_transactions(migration, text));
    if let (None, Some((migration, _))) = (needs_no_transaction, commits) {
        let because = format!("{} ends transactions itself", migration.version);
        return Batch::SwapBack { because };
    }
    match (needs_no_transaction, early) {
        (Some((migration, _)), _) => {
            Batch::SwapBack { because: format!("{} runs outside a transaction", migration.version) }
        }
        (None, Some((migration, _))) => Batch::SwapBack {
            because: format!(
                "{} adds a value to an enum, which a later migration may use",
                migration.version
            ),
        },
        (None, None) => Batch::OneTransaction,
    }
}

/// Whether a file that may control transactions itself ends one.
fn ends_transactions(migration: &Migration, text: &str) -> bool {
    migration.up.has_own_blocks
        && statements(text.as_bytes()).is_ok_and(|all| all.iter().any(Statement::ends_transaction))
}

fn blocks(trouble: ProblemKind, facts: &MigrationFacts, tolerance: &Tolerance) -> bool {
    match trouble {
        ProblemKind::Missing => !tolerance.missing,
        ProblemKind::OutOfOrder => {
            (!facts.environment.is_disposable() || facts.layout.profile().is_strict)
                && !tolerance.out_of_order
        }
        // This one was refused before.
        ProblemKind::Orphan | ProblemKind::Ignored | ProblemKind::Foreign => false,
        ProblemKind::Edited
        | ProblemKind::Duplicate
        | ProblemKind::Failed
        | ProblemKind::Misnamed
        | ProblemKind::Unreadable => true,
    }
}

fn choose(
    pending: &[&Migration],
    files: &[Migration],
    request: &MigrateRequest,
) -> Result<Vec<Migration>> {
    let place = |wanted: &str| files.iter().position(|file| file.version.to_string() == wanted);
    let last = match &request.to {
        Some(to) => {
            place(to).ok_or_else(|| MigrationError::UnknownVersion { version: to.clone() })?
        }
        None => usize::MAX,
    };
    // Pending ones are in the order of the files.
    let within = pending.iter().take_while(|one| {
        last == usize::MAX
            || files.iter().position(|file| file.version == one.version) <= Some(last)
    });
    Ok(within.take(request.steps.unwrap_or(usize::MAX)).map(|&file| file.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::Environment;
    use crate::model::history::{Applied, History};
    use crate::model::migration::{Checksum, Version};
    use crate::model::target::{from_keywords, parse_url};
    use db_tools::{FoundFile, ProjectTool};

    fn facts(files: &[(&str, &str)], applied: &[i64], environment: Environment) -> MigrationFacts {
        let url = parse_url("postgres://me@localhost/school", "x").unwrap();
        let found = files
            .iter()
            .map(|(path, text)| FoundFile { path: path.into(), bytes: text.as_bytes().to_vec() });
        let row = |&version: &i64| Applied {
            version: Version::Number(version),
            name: "m".into(),
            installed_on: None,
            success: true,
            checksum: Some(ProjectTool::plain().digest(b"x")),
            detail: String::new(),
        };
        MigrationFacts {
            target: from_keywords(&url, "x", "me").unwrap(),
            environment,
            layout: ProjectTool::plain(),
            database_exists: true,
            missing_schema: None,
            folder: ProjectTool::plain().read(found.collect()),
            history: History {
                table: Some("t".into()),
                applied: applied.iter().map(row).collect(),
                foreign: Vec::new(),
            },
        }
    }

    fn versions(plan: &Plan) -> Vec<String> {
        plan.migrations().map(|migration| migration.version.to_string()).collect()
    }

    #[test]
    fn takes_what_is_pending_up_to_the_limit() {
        let facts = facts(
            &[("1_a.sql", "x"), ("2_b.sql", "x"), ("3_c.sql", "x")],
            &[1],
            Environment::Development,
        );
        let all = migrate(&facts, &MigrateRequest::default()).unwrap();
        assert_eq!(versions(&all), ["2", "3"]);
        let one = MigrateRequest { steps: Some(1), ..Default::default() };
        assert_eq!(versions(&migrate(&facts, &one).unwrap()), ["2"]);
        let to = MigrateRequest { to: Some("2".to_owned()), ..Default::default() };
        assert_eq!(versions(&migrate(&facts, &to).unwrap()), ["2"]);
        let unknown = MigrateRequest { to: Some("9".to_owned()), ..Default::default() };
        assert!(migrate(&facts, &unknown).is_err());
    }

    #[test]
    fn out_of_order_is_a_warning_in_development_and_refused_elsewhere() {
        let files = [("1_a.sql", "x"), ("2_b.sql", "x")];
        let home =
            migrate(&facts(&files, &[2], Environment::Development), &MigrateRequest::default())
                .unwrap();
        assert_eq!((versions(&home), home.warnings.len()), (vec!["1".to_owned()], 1));
        let staging = facts(&files, &[2], Environment::Staging);
        assert!(migrate(&staging, &MigrateRequest::default()).is_err());
        let tolerance = Tolerance { out_of_order: true, ..Tolerance::default() };
        assert!(migrate(&staging, &MigrateRequest { tolerance, ..Default::default() }).is_ok());
    }

    #[test]
    fn one_byte_changes_the_id_and_nothing_else_does() {
        let id = |text: &str, environment| {
            migrate(&facts(&[("1_a.sql", text)], &[], environment), &MigrateRequest::default())
                .unwrap()
                .id()
        };
        assert_eq!(id("SELECT 1", Environment::Test), id("SELECT 1", Environment::Test));
        assert_ne!(id("SELECT 1", Environment::Test), id("SELECT 2", Environment::Test));
        assert_ne!(id("SELECT 1", Environment::Test), id("SELECT 1", Environment::Staging));
    }

    #[test]
    fn an_edited_migration_stops_everything() {
        let mut facts = facts(&[("1_a.sql", "x"), ("2_b.sql", "x")], &[1], Environment::Test);
        facts.history.applied[0].checksum = Some(Checksum::stored("00"));
        assert!(migrate(&facts, &MigrateRequest::default()).is_err());
    }
}
