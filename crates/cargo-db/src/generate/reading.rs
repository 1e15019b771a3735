//! Reads the states of a scratch database.

use pg_logical::catalog::Catalog;

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
}
