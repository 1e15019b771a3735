//! What `restore` did.

use serde::Serialize;

use crate::answer::plan::TargetView;
use crate::answer::text::plural;
use crate::answer::{Answer, Style};
use crate::model::target::Target;

/// A restore that is done, of all or of a part.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Restored {
    target: TargetView,
    /// `everything`, or the part.
    restored: String,
    /// The name that the old database is kept under.
    kept: Option<String>,
    /// Whether the whole database was replaced.
    #[serde(skip)]
    whole: bool,
    /// The command that shows its status.
    #[serde(skip)]
    status: String,
}

const STATUS: &str = "cargo db status";
const UNDO: &str = "cargo db restore --undo";
const DROP: &str = "cargo db restore --drop-previous";
const LIST: &str = "cargo db restore --drop-previous --dry-run";

impl Restored {
    /// Another database has the name now.
    pub(crate) fn whole(target: &Target, kept: Option<String>) -> Restored {
        let restored = "everything".to_owned();
        Restored { target: target.into(), restored, kept, whole: true, status: STATUS.to_owned() }
    }

    /// A part of the database itself was replaced.
    pub(crate) fn part(target: &Target, what: String) -> Restored {
        let (kept, status) = (None, STATUS.to_owned());
        Restored { target: target.into(), restored: what, kept, whole: false, status }
    }

    /// The same, for a database other than the configured one.
    pub(crate) fn elsewhere(self, target: &Target) -> Restored {
        let url = target.url_without_password();
        Restored { status: format!("{STATUS} -D {}", shell_words::quote(&url)), ..self }
    }
}

impl Answer for Restored {
    fn text(&self, style: &Style) -> String {
        let database = &self.target.database;
        let mut lines = vec![match self.whole {
            true => format!("{database} is restored"),
            false => format!("{} of {database} is restored", self.restored),
        }];
        if let Some(kept) = &self.kept {
            lines.push(format!("the old database is kept as {kept}"));
            lines.push(format!("to put it back:    {}", style.command(UNDO)));
            lines.push(format!("to remove it:       {}", style.command(DROP)));
            lines.push(format!("to list all kept:   {}", style.command(LIST)));
        }
        lines.push(format!("to show its status: {}", style.command(&self.status)));
        lines.push(
            "next: check the data; if its schema is older, regenerate the code that is derived \
             from the schema"
                .to_owned(),
        );
        lines.join("\n")
    }
}

/// The databases that restores kept are dropped.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Dropped {
    target: TargetView,
    dropped: Vec<String>,
}

impl Dropped {
    /// These were kept for the target.
    pub(crate) fn of(target: &Target, dropped: Vec<String>) -> Dropped {
        Dropped { target: target.into(), dropped }
    }
}

impl Answer for Dropped {
    fn text(&self, _: &Style) -> String {
        format!("{} dropped", plural(self.dropped.len(), "previous database"))
    }
}
