//! Rails, recognised and refused: its migrations are Ruby programs. Its history `schema_migrations`
//! has the same name as that of several other tools; `ar_internal_metadata` identifies it.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "rails",
    title: "Rails",
    folders: &["db/migrate"],
    extension: Some("rb"),
    table: "ar_internal_metadata",
    shared_table: Some("schema_migrations"),
    ..UnsupportedTool::UNKNOWN
};
