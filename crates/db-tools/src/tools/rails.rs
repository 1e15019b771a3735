//! Rails, recognised and refused: its migrations are programs in Ruby, and its history is
//! `schema_migrations`, as that of several others, beside `ar_internal_metadata`.

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
