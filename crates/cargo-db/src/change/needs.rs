//! What a verb needs before it runs, and what it may do: each verb declares both.

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
            Effect::Reads => "Effect: reads",
            Effect::ChangesSchema => "Effect: changes schema",
            Effect::ChangesData => "Effect: changes data",
            Effect::Destroys => "Effect: destroys",
        }
    }
}

/// What has to be known before a verb runs.
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
    /// It makes no difference which one is meant: settings that name none do not matter.
    Irrelevant,
    /// One is meant; no server is asked or started on its account.
    Named,
    /// One is worked with, and its own record of which environment it is counts.
    Marked,
}

/// How it is decided whose migrations these are, where the files look like those of several tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolNeed {
    /// It makes no difference.
    Irrelevant,
    /// By the files alone, without a database to ask.
    ByFiles,
    /// By the history that the database has.
    ByHistory,
}

/// Whether one set of migrations has to be named where `db.toml` has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetNeed {
    One,
    /// The verb works with none, or with all of them.
    Any,
}

/// Whether a repository of another user's is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustNeed {
    /// Only where it is trusted.
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
    /// A verb that reads the files of migrations.
    pub(crate) const FILES: Needs = Needs { tool: ToolNeed::ByFiles, ..Needs::WORKSPACE };
}
