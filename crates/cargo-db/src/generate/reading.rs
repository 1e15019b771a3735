//! Reads the states of a scratch database.

use pg_logical::catalog::{Catalog, Kind};
use pg_logical::diff::DiffStep;

use crate::failure::Result;
use crate::generate::own;
use crate::model::target::Target;
use crate::schema;
use crate::settings::Settings;
use crate::world::World;

/// Reads the states of a scratch database.
#[derive(Clone, Copy)]
pub(super) struct StateReader<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a Settings,
    /// Whether the options of foreign servers are masked, as in a schema file of cargo db.
    pub(super) is_masked: bool,
}

impl StateReader<'_> {
    pub(super) fn catalog(&self, place: &Target) -> Result<Catalog> {
        let mut catalog = own::catalog(self.world, place, &self.settings.migrations.layout)?;
        if self.is_masked {
            schema::mask(&mut catalog);
        }
        Ok(catalog)
    }

    /// The steps that would write a mask instead of a value.
    pub(super) fn masked(&self, steps: &[DiffStep]) -> Vec<String> {
        let is_masked = |step: &&DiffStep| {
            matches!(step.object.kind, Kind::Server | Kind::UserMapping)
                && step.statements.iter().any(|text| text.contains("'***'"))
        };
        let masked = steps.iter().filter(|_| self.is_masked).filter(is_masked);
        let why = "its options are masked, so that no secret gets into a migration";
        masked.map(|step| format!("{}: {why}", step.object)).collect()
    }
}
