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
    /// Whether it is the database as a whole that is another one now.
    #[serde(skip)]
    whole: bool,
}

impl Restored {
    /// Another database has the name now.
    pub(crate) fn whole(target: &Target, kept: Option<String>) -> Restored {
        let restored = "everything".to_owned();
        Restored { target: target.into(), restored, kept, whole: true }
    }

    /// A part of the database itself was replaced.
    pub(crate) fn part(target: &Target, what: String) -> Restored {
        Restored { target: target.into(), restored: what, kept: None, whole: false }
    }
}

impl Answer for Restored {
    fn text(&self, _: &Style) -> String {
        let database = &self.target.database;
        let mut lines = vec![match self.whole {
            true => format!("{database} is restored"),
            false => format!("{} of {database} is restored", self.restored),
        }];
        if let Some(kept) = &self.kept {
            lines.push(format!("the old database is kept as {kept}"));
            lines.push("to swap back:       cargo db restore --undo".to_owned());
            lines.push("to remove it:       cargo db restore --drop-previous".to_owned());
        }
        lines.push("to look at it:      cargo db status".to_owned());
        lines.push(
            "next: check the data; if the schema is older, regenerate what is derived from it"
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
