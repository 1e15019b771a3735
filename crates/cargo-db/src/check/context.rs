//! What is known of the database that a file will run on, without asking it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::check::columns::Columns;
use crate::check::split::split;
use crate::model::migration::{Migration, MigrationFolder};
use pg_sql::lexer::mentions;

/// What is known of the database that a file will run on.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckContext {
    /// The major version of the server.
    pub(crate) server: Option<u32>,
    /// The columns that earlier files made.
    pub(super) columns: Columns,
}

/// What is known before each of some files: the columns are those that the files before it made.
///
/// `read` gives the content of a file.
#[derive(Debug, Default)]
pub(crate) struct CheckContexts {
    server: Option<u32>,
    columns: BTreeMap<PathBuf, Columns>,
}

impl CheckContexts {
    /// Reads the files before those of `wanted` that change the type of a column.
    pub(crate) fn new(
        server: Option<u32>,
        folder: &MigrationFolder,
        wanted: &BTreeSet<&Path>,
        read: &dyn Fn(&Path) -> Option<Vec<u8>>,
    ) -> CheckContexts {
        let asks = |migration: &&Migration| {
            wanted.contains(migration.up.path.as_path())
                && read(&migration.up.path).is_some_and(|bytes| may_change_type(&bytes))
        };
        let asking: BTreeSet<&Path> =
            folder.migrations.iter().filter(asks).map(|one| one.up.path.as_path()).collect();
        let (mut columns, mut known) = (BTreeMap::new(), Columns::default());
        for migration in &folder.migrations {
            if columns.len() == asking.len() {
                break;
            }
            known.begin_file();
            let path = migration.up.path.as_path();
            if asking.contains(path) {
                columns.insert(path.to_owned(), known.clone());
            }
            match read(path).filter(|_| !migration.up.is_code) {
                Some(bytes) => note_all(&mut known, &migration.up.part_of(bytes)),
                None => known.forget(),
            }
        }
        CheckContexts { server, columns }
    }

    /// What is known before this file.
    pub(crate) fn before(&self, path: &Path) -> CheckContext {
        let columns = self.columns.get(path).cloned().unwrap_or_default();
        CheckContext { server: self.server, columns }
    }
}

fn note_all(known: &mut Columns, bytes: &[u8]) {
    let (statements, _) = split(&String::from_utf8_lossy(bytes));
    statements.iter().for_each(|statement| known.note(statement));
}

/// Whether a file may change the type of a column.
pub(super) fn may_change_type(bytes: &[u8]) -> bool {
    mentions(bytes, "type")
}
