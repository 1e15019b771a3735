//! The environment of a database, as far as names show it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::key::PublicKey;

/// How much care a database asks for. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Environment {
    /// A database for automated tests, which anyone may wipe.
    Test,
    /// Somebody's working database.
    Development,
    /// Shared, and close to production.
    Staging,
    /// The production database. Unrecognised environment names count as production too.
    Production,
}

impl Environment {
    pub(crate) const ALL: [Environment; 4] = [
        Environment::Development,
        Environment::Test,
        Environment::Staging,
        Environment::Production,
    ];

    /// The environment with this name; `None` for an unrecognised name.
    pub(crate) fn named(word: &str) -> Option<Environment> {
        match word.trim().to_ascii_lowercase().as_str() {
            "test" | "testing" | "ci" => Some(Environment::Test),
            "development" | "dev" | "local" => Some(Environment::Development),
            "staging" | "stage" | "stg" => Some(Environment::Staging),
            "production" | "prod" | "prd" | "live" => Some(Environment::Production),
            _ => None,
        }
    }

    /// The name, as in `.env.<environment>` and `seeds/<environment>`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Environment::Test => "test",
            Environment::Development => "development",
            Environment::Staging => "staging",
            Environment::Production => "production",
        }
    }

    /// The environment whose name is most similar to an unknown name, if any is similar enough.
    pub(crate) fn nearest(said: &str) -> Option<&'static str> {
        let said = said.to_lowercase();
        let near = |name: &&str| strsim::normalized_damerau_levenshtein(&said, name);
        let names = Environment::ALL.into_iter().map(Environment::name);
        names.max_by(|a, b| near(a).total_cmp(&near(b))).filter(|name| near(name) > 0.6)
    }

    /// Whether cargo db may create databases and start a server here without confirmation.
    pub(crate) fn is_disposable(self) -> bool {
        matches!(self, Environment::Test | Environment::Development)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One reason to believe that this is one environment rather than another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Signal {
    /// Where it was said: a flag, a variable and its file, or the host.
    pub(crate) source: String,
    /// What was said there.
    pub(crate) said: String,
    /// What that means.
    pub(crate) environment: Environment,
}

impl Signal {
    /// Parses a name; an unrecognised one counts as production.
    pub(crate) fn word(source: impl Into<String>, said: &str) -> Signal {
        Signal {
            source: source.into(),
            said: match Environment::named(said) {
                Some(_) => said.to_owned(),
                None => {
                    let near =
                        Environment::nearest(said).map(|name| format!(": did you mean `{name}`?"));
                    let near = near.unwrap_or_default();
                    format!("{said}, an unrecognised environment name{near}")
                }
            },
            environment: Environment::named(said).unwrap_or(Environment::Production),
        }
    }
}

impl Signal {
    /// Whether it comes from the marker in the database.
    pub(crate) fn is_of_marker(&self) -> bool {
        self.source == OF_MARKER
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.source, self.said)
    }
}

/// The source of a marker's signal.
const OF_MARKER: &str = "the marker in the database";

/// The source of one that the database does not have any more.
const OF_LOST_MARKER: &str = "the marker that the database had before a run that was killed";

/// The resolved environment, and every signal that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// What counts.
    pub(crate) environment: Environment,
    /// The signals, in the order in which they were read.
    pub(crate) signals: Vec<Signal>,
    /// The environment that the database was copied from, where its marker says that it is a copy.
    pub(crate) copy_of: Option<Environment>,
}

/// A database's own record of its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Marker {
    pub(crate) environment: Environment,
    /// Whether it was written in this very database, and did not come with a dump or a template.
    pub(crate) genuine: bool,
    /// The keys whose receipts production accepts.
    #[serde(default)]
    pub(crate) keys: Vec<PublicKey>,
}

impl Marker {
    /// One of this very database, which accepts no key yet.
    pub(crate) fn of(environment: Environment) -> Marker {
        Marker { environment, genuine: true, keys: Vec::new() }
    }

    /// One that a copy has.
    pub(crate) fn of_copy(environment: Environment) -> Marker {
        Marker { environment, genuine: false, keys: Vec::new() }
    }
}

impl Resolved {
    /// Settles the environment: a name that decides, else the strictest of the customary names,
    /// else what the place of the server suggests. A host pattern can only raise the result.
    pub(crate) fn resolve(
        decisive: Option<Signal>,
        customary: Vec<Signal>,
        host_is_this_machine: bool,
        patterns: Vec<Signal>,
    ) -> Resolved {
        let mut signals: Vec<Signal> = match decisive {
            Some(signal) => vec![signal],
            None if customary.is_empty() => vec![unset(host_is_this_machine)],
            None => customary,
        };
        signals.extend(patterns);
        let environment = signals.iter().map(|signal| signal.environment).max();
        Resolved {
            environment: environment.unwrap_or(Environment::Production),
            signals,
            copy_of: None,
        }
    }

    /// The same after the marker was changed.
    pub(crate) fn marked_anew(mut self, marker: Option<&Marker>) -> Resolved {
        self.signals.retain(|signal| !signal.is_of_marker());
        let strictest = self.signals.iter().map(|signal| signal.environment).max();
        self.environment = strictest.unwrap_or(Environment::Production);
        marker.into_iter().fold(self, Resolved::raised_by)
    }

    /// Takes the marker into account: it can only raise the result. The marker of a copy only tells
    /// where the copy came from.
    pub(crate) fn raised_by(self, marker: &Marker) -> Resolved {
        self.raised(marker, OF_MARKER)
    }

    /// Takes the marker into account that the database had before a run that was killed.
    pub(crate) fn raised_by_previous(self, marker: &Marker) -> Resolved {
        self.raised(marker, OF_LOST_MARKER)
    }

    fn raised(mut self, marker: &Marker, source: &str) -> Resolved {
        let Marker { environment, genuine, .. } = *marker;
        if genuine {
            let (source, said) = (source.to_owned(), environment.name().to_owned());
            self.signals.push(Signal { source, said, environment });
            self.environment = self.environment.max(environment);
        } else {
            self.copy_of = Some(environment);
        }
        self
    }
}

fn unset(host_is_this_machine: bool) -> Signal {
    let (said, environment) = if host_is_this_machine {
        ("the server is on this machine", Environment::Development)
    } else {
        ("the server is on another machine", Environment::Production)
    };
    Signal { source: "the default".to_owned(), said: said.to_owned(), environment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unrecognised_name_counts_as_production() {
        assert_eq!(Environment::named("quality"), None);
        assert_eq!(Signal::word("APP_ENV", "quality").environment, Environment::Production);
    }

    #[test]
    fn the_strictest_customary_name_counts() {
        let heard = vec![Signal::word("APP_ENV", "dev"), Signal::word("NODE_ENV", "stg")];
        let settled = Resolved::resolve(None, heard, true, vec![]);
        assert_eq!(settled.environment, Environment::Staging);
        assert_eq!(settled.signals.len(), 2);
    }

    #[test]
    fn a_decisive_name_hides_the_customary_ones_but_not_the_host() {
        let named = Some(Signal::word("--env", "test"));
        let custom = vec![Signal::word("NODE_ENV", "production")];
        assert_eq!(
            Resolved::resolve(named.clone(), custom, true, vec![]).environment,
            Environment::Test
        );
        let host = vec![Signal::word("hosts", "production")];
        assert_eq!(
            Resolved::resolve(named, vec![], true, host).environment,
            Environment::Production
        );
    }

    #[test]
    fn a_marker_can_only_raise_and_that_of_a_copy_does_not() {
        let settled =
            |name| Resolved::resolve(Some(Signal::word("--env", name)), vec![], true, vec![]);
        let marker = |environment, genuine| Marker { genuine, ..Marker::of(environment) };
        let production = marker(Environment::Production, true);
        assert_eq!(
            settled("development").raised_by(&production).environment,
            Environment::Production
        );
        let copy = settled("development").raised_by(&marker(Environment::Production, false));
        assert_eq!(
            (copy.environment, copy.copy_of),
            (Environment::Development, Some(Environment::Production))
        );
        let lower = settled("production").raised_by(&marker(Environment::Test, true));
        assert_eq!(lower.environment, Environment::Production);
    }

    #[test]
    fn nothing_set_is_development_only_on_this_machine() {
        assert_eq!(
            Resolved::resolve(None, vec![], true, vec![]).environment,
            Environment::Development
        );
        assert_eq!(
            Resolved::resolve(None, vec![], false, vec![]).environment,
            Environment::Production
        );
    }
}
