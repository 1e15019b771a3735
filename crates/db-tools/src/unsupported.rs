//! Tools that are recognised, so that they can be refused by name.

/// A tool whose history is not read and whose migrations are not run.
#[derive(Debug)]
pub struct UnsupportedTool {
    /// As `[migrations] tool` would name it.
    pub key: &'static str,
    /// What it calls itself.
    pub title: &'static str,
    /// Files that stand in its folder of migrations and in no other.
    pub marks: &'static [&'static str],
    /// A table of its own that nobody else has.
    pub table: &'static str,
    /// The table of its history, where a supported tool has one of the same name: beside
    /// [`UnsupportedTool::table`] it is this tool's.
    pub shared_table: Option<&'static str>,
}
