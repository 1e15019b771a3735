//! MyBatis Migrations, recognised and refused: a comment divides its files, and its history is
//! `changelog`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "mybatis",
    title: "MyBatis Migrations",
    sections: &["//@undo", "@undo"],
    table: "changelog",
    columns: &["id", "applied_at", "description"],
    ..UnsupportedTool::UNKNOWN
};
