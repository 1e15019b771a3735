//! The facts for plans about migrations.

use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::history::{History, MigrationStatus};
use crate::model::migration::MigrationFolder;
use crate::model::target::Target;
use crate::plan::{Operation, Plan, Step};
use db_tools::ProjectTool;

/// The facts from which every plan about migrations is built.
#[derive(Clone, Debug)]
pub(crate) struct MigrationFacts {
    pub(crate) target: Target,
    pub(crate) environment: Environment,
    pub(crate) layout: ProjectTool,
    pub(crate) database_exists: bool,
    /// The schema that the tool would create, if it is missing.
    pub(crate) missing_schema: Option<String>,
    pub(crate) folder: MigrationFolder,
    pub(crate) history: History,
}

/// The schema that a tool would create in a new database.
pub(crate) fn schema_of_new(layout: &ProjectTool, target: &Target) -> Option<String> {
    let named = target.schema().filter(|_| layout.profile().creates_schema);
    named.filter(|schema| schema != "public")
}

impl MigrationFacts {
    /// The steps that create the history, if there is none.
    pub(super) fn creating_history(&self) -> Vec<Step> {
        if self.history.table.is_some() || self.layout.is_asked() {
            return Vec::new();
        }
        let schema = self.missing_schema.clone().map(|name| Step::CreateSchema { name });
        let table = self.layout.lookup_name().replace('"', "");
        schema.into_iter().chain([Step::CreateHistory { table }]).collect()
    }

    /// A plan of these steps, before anything is known about its consent.
    pub(super) fn plan(&self, verb: Operation, steps: Vec<Step>) -> Plan {
        let standing = MigrationStatus::compare(&self.folder, &self.history);
        let rows = self.history.applied.iter();
        let applied: Vec<String> =
            rows.map(|row| format!("{} {:?} {}", row.version, row.checksum, row.success)).collect();
        Plan {
            verb,
            target: self.target.clone(),
            environment: self.environment,
            steps,
            skipped: Vec::new(),
            warnings: Vec::new(),
            basis: applied.join("\n"),
            terms: String::new(),
            general_terms: String::new(),
            needs_approval: false,
            needs: Consent::Free,
            consent: String::new(),
            commands: Vec::new(),
            applied: standing.applied.iter().map(|(row, _)| row.version.clone()).collect(),
            takes_all_pending: false,
            is_unfinished: false,
            identity: None,
            receipts: None,
            turn: 0,
            keeps_backups: None,
        }
    }
}
