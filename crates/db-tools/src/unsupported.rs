//! Tools that are recognised, so that the error can name them.

/// An unsupported tool: its history is not read, and its migrations are not run.
#[derive(Debug)]
pub struct UnsupportedTool {
    /// As `[migrations] tool` would name it.
    pub key: &'static str,
    /// What it calls itself.
    pub title: &'static str,
    /// Files that only this tool's migrations folder contains.
    pub marks: &'static [&'static str],
    /// Where its files customarily are.
    pub folders: &'static [&'static str],
    /// The extension of its migrations, where no other tool that begins their names with digits
    /// has it.
    pub extension: Option<&'static str>,
    /// What the comments begin with by which it divides its files, in lower case and without the
    /// dashes, where no other tool and no prose has it.
    pub sections: &'static [&'static str],
    /// Its own table.
    pub table: &'static str,
    /// The columns that distinguish it from another tool's table of the same name.
    pub columns: &'static [&'static str],
    /// The name of its history table, if a supported tool uses the same name: next to
    /// [`UnsupportedTool::table`] it belongs to this tool.
    pub shared_table: Option<&'static str>,
}

impl UnsupportedTool {
    /// A placeholder without any signs.
    pub(crate) const UNKNOWN: UnsupportedTool = UnsupportedTool {
        key: "",
        title: "",
        marks: &[],
        folders: &[],
        extension: None,
        sections: &[],
        table: "",
        columns: &[],
        shared_table: None,
    };
}
