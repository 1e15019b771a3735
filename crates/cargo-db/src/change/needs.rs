//! What a verb needs before it runs, and its effect: each verb declares both.

/// What a verb may do to databases and backups, at most. Files of the repository do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Nothing is changed; a scratch database may be made and dropped.
    Reads,
    ChangesSchema,
    ChangesData,
    /// Rows, databases or backups can be lost.
    Destroys,
}

impl Effect {
    /// The last line of a verb's help.
    pub(crate) const fn help(self) -> &'static str {
        match self {
            Effect::Reads => "Effect on the database: none",
            Effect::ChangesSchema => "Effect on the database: changes the schema",
            Effect::ChangesData => "Effect on the database: changes data",
            Effect::Destroys => "Effect on the database: can destroy data",
        }
    }
}

/// What a verb needs before it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    pub(crate) database: DatabaseNeed,
    pub(crate) tool: ToolNeed,
    pub(crate) set: SetNeed,
    pub(crate) trust: TrustNeed,
}

/// What a verb has to do with the database that the settings name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseNeed {
    /// No database is needed, so settings without one are fine.
    Irrelevant,
    /// A database is selected, but no server is contacted or started.
    Named,
    /// The verb works with a database, whose marker counts.
    Marked,
    /// The same, and no server is started.
    Running,
}

impl DatabaseNeed {
    /// Whether the verb works with the database.
    pub(super) fn is_used(self) -> bool {
        matches!(self, DatabaseNeed::Marked | DatabaseNeed::Running)
    }
}

/// How the migration tool is determined if the files match several tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolNeed {
    /// It makes no difference.
    Irrelevant,
    /// By the files alone, without a database to ask.
    ByFiles,
    /// By some of the files.
    BySample,
    /// By the history that the database has.
    ByHistory,
}

/// Whether one set of migrations has to be selected if `db.toml` has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetNeed {
    One,
    /// The verb works with none.
    None,
    /// The verb runs for each set if none is selected.
    Each,
}

/// Whether a repository of another user may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustNeed {
    /// Only if it is trusted.
    Given,
    /// The verb is the one that gives trust.
    Gives,
}

impl Needs {
    /// A verb that works with one database and its migrations.
    pub(crate) const DATABASE: Needs = Needs {
        database: DatabaseNeed::Marked,
        tool: ToolNeed::ByHistory,
        set: SetNeed::One,
        trust: TrustNeed::Given,
    };
    /// A verb that works with the repository or its settings, and with no migrations.
    pub(crate) const WORKSPACE: Needs =
        Needs { database: DatabaseNeed::Named, tool: ToolNeed::Irrelevant, ..Needs::DATABASE };
    /// The same for a verb that works with no set of migrations, however many there are.
    pub(crate) const WITHOUT_SETS: Needs = Needs { set: SetNeed::None, ..Needs::WORKSPACE };
    /// A verb that works with files of the repository, and with no database.
    pub(crate) const REPOSITORY: Needs =
        Needs { database: DatabaseNeed::Irrelevant, ..Needs::WITHOUT_SETS };
    /// A verb that reads the files of migrations.
    pub(crate) const FILES: Needs = Needs { tool: ToolNeed::ByFiles, ..Needs::WORKSPACE };
}
