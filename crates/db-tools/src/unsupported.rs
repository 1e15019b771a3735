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
    /// Where its files customarily are.
    pub folders: &'static [&'static str],
    /// The extension of its migrations, where no other tool that begins their names with digits
    /// has it.
    pub extension: Option<&'static str>,
    /// What the comments begin with by which it divides its files, in lower case and without the
    /// dashes, where no other tool and no prose has it.
    pub sections: &'static [&'static str],
    /// A table of its own.
    pub table: &'static str,
    /// The columns by which that is told from another tool's table of the same name.
    pub columns: &'static [&'static str],
    /// The table of its history, where a supported tool has one of the same name: beside
    /// [`UnsupportedTool::table`] it is this tool's.
    pub shared_table: Option<&'static str>,
}

impl UnsupportedTool {
    /// A tool of which nothing is known.
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
