//! Hasura, recognised and refused: its catalog is `hdb_version`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "hasura",
    title: "Hasura",
    table: "hdb_version",
    ..UnsupportedTool::UNKNOWN
};
