//! rambler, recognised and refused: comments divide its files, and its history is `migrations`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "rambler",
    title: "rambler",
    sections: &["rambler up", "rambler down"],
    table: "migrations",
    columns: &["migration"],
    ..UnsupportedTool::UNKNOWN
};
