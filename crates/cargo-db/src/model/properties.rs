//! What belongs to a database and not to its content: no dump of it has that.

use serde::{Deserialize, Serialize};

/// Owner, rights, settings and the like of a database, by real names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Properties {
    pub(crate) owner: String,
    /// -1 where there is none.
    pub(crate) connection_limit: i64,
    pub(crate) comment: Option<String>,
    pub(crate) is_template: bool,
    pub(crate) settings: Vec<OwnSetting>,
    /// Nothing where they are PostgreSQL's own for a new database.
    pub(crate) rights: Option<Vec<Right>>,
}

/// A setting of the database, or of one role in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnSetting {
    pub(crate) role: Option<String>,
    pub(crate) name: String,
    /// As the server stores it.
    pub(crate) value: String,
}

/// A right on the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Right {
    pub(crate) privilege: String,
    /// Nothing where everybody has it.
    pub(crate) grantee: Option<String>,
    pub(crate) is_grantable: bool,
}

impl Properties {
    /// The same for people to see. A project's own settings can hold a secret.
    pub(crate) fn shown(mut self) -> Properties {
        for setting in self.settings.iter_mut().filter(|setting| setting.name.contains('.')) {
            "***".clone_into(&mut setting.value);
        }
        self
    }
}
