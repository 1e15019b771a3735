//! Keys of databases that only the migrations built: one for each prefix of the list of migrations.
//! Two databases with the same key have the same schema.

use crate::backup;
use crate::failure::Result;
use crate::migration;
use crate::model::target::Target;
use crate::settings::{Runner, Settings};
use crate::world::World;
use crate::world::files;
use crate::world::pg::{Purpose, Session};

/// How many digits of the hash fit into the name of a database.
const LENGTH: usize = 16;

/// The keys, from that of no migration to that of all migrations.
pub(super) struct MigrationChain(Vec<String>);

impl MigrationChain {
    /// `None` if migrations are run by programs, whose effect depends on more than the files.
    pub(super) fn of(
        world: &World,
        settings: &Settings,
        target: &Target,
    ) -> Result<Option<MigrationChain>> {
        let migrations = &settings.migrations;
        if migrations.runner == Runner::Tool || migrations.layout.is_asked() {
            return Ok(None);
        }
        let folder = migration::read_folder(settings)?;
        if folder.migrations.iter().any(|migration| migration.up.is_code) {
            return Ok(None);
        }
        let mut keys = vec![beginning(world, settings, target)?];
        for migration in &folder.migrations {
            let bytes = files::read(&settings.root.join(&migration.up.path))?;
            let before = keys.last().map(String::as_str).unwrap_or_default();
            let path = migration.up.path.display().to_string();
            keys.push(key(&[
                before.as_bytes(),
                migration.title().as_bytes(),
                path.as_bytes(),
                &bytes,
            ]));
        }
        Ok(Some(MigrationChain(keys)))
    }

    /// The key of all migrations.
    pub(super) fn whole(&self) -> &str {
        self.0.last().map(String::as_str).unwrap_or_default()
    }

    /// The keys of one or more migrations, the longest prefix first.
    pub(super) fn longest_first(&self) -> Vec<String> {
        self.0.iter().skip(1).rev().cloned().collect()
    }
}

/// What the schema depends on besides the migrations: the server, the role, this version of cargo
/// db, and the base.
fn beginning(world: &World, settings: &Settings, target: &Target) -> Result<String> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let surroundings = backup::surroundings(&mut session, target)?;
    let layout = &settings.migrations.layout;
    let base = match &settings.schema.base {
        Some(path) => files::read(&settings.root.join(path))?,
        None => Vec::new(),
    };
    let parts = [
        env!("CARGO_PKG_VERSION"),
        &surroundings,
        layout.key(),
        layout.table_name(),
        settings.schema.base_version.as_deref().unwrap_or_default(),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).chain([&base[..]]).collect();
    Ok(key(&parts))
}

/// The first digits of a hash of the parts. The length of each part is hashed too, so that moving
/// bytes from one part to the next changes the key.
fn key(parts: &[&[u8]]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(part.len().to_le_bytes());
        bytes.extend(*part);
    }
    files::sha256(&bytes).to_string().chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(key(&[b"ab", b"c"]).len(), 16);
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
        assert_ne!(key(&[b"ab"]), key(&[b"ab", b""]));
    }
}
