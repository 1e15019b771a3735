//! The catalog of a database without the tables of cargo db and of the migration tool.

use pg_logical::catalog::{Catalog, Kind, Object};

use crate::failure::Result;
use crate::model::target::Target;
use crate::schema::{self, OWN_SCHEMA};
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use db_tools::ProjectTool;

/// Reads the objects that belong to the project.
pub(crate) fn catalog(world: &World, target: &Target, layout: &ProjectTool) -> Result<Catalog> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let mut catalog = schema::read(&mut session)?;
    catalog.remove(|object| is_of_tool(layout, object));
    Ok(catalog)
}

fn is_of_tool(layout: &ProjectTool, object: &Object) -> bool {
    let identity = &object.identity;
    match (&identity.schema, identity.kind) {
        (Some(schema), kind) => {
            schema == OWN_SCHEMA
                || kind == Kind::Table && layout.is_disposable(schema, &identity.name)
                || layout.table().schema == Some(schema)
        }
        (None, Kind::Schema) => {
            let name = Some(identity.name.as_str());
            name == Some(OWN_SCHEMA) || name == layout.schema() && name != Some("public")
        }
        (None, _) => false,
    }
}
