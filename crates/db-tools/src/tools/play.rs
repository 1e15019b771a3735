//! Play's evolutions, recognised and refused: comments divide their files, and their history is
//! `play_evolutions`.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "play",
    title: "Play evolutions",
    folders: &["conf/evolutions/default"],
    sections: &["!ups", "!downs"],
    table: "play_evolutions",
    ..UnsupportedTool::UNKNOWN
};
