//! tern, recognised and refused: a line divides its files, and its history is the one row of
//! `schema_version`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "tern",
    title: "tern",
    marks: &["tern.conf"],
    sections: &["create above / drop below"],
    table: "schema_version",
    columns: &["version"],
    ..UnsupportedTool::UNKNOWN
};
