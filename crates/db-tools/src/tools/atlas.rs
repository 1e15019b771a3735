//! Atlas, recognised and refused: its history is `atlas_schema_revisions`, and its migrations
//! folder contains `atlas.sum`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "atlas",
    title: "Atlas",
    marks: &["atlas.sum"],
    table: "atlas_schema_revisions",
    ..UnsupportedTool::UNKNOWN
};
