//! micrate, recognised and refused: its files are goose's under another name, and its history is
//! `micrate_db_version`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "micrate",
    title: "micrate",
    sections: &["+micrate"],
    table: "micrate_db_version",
    ..UnsupportedTool::UNKNOWN
};
