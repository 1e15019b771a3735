//! Connection parameters of a URL other than its address: keepalives, channel binding, and a server
//! that accepts writes; with libpq's keywords and semantics (PostgreSQL manual, 34.1.2 "Parameter
//! Key Words").

use std::time::Duration;

/// The keywords.
pub(crate) const KEYWORDS: &[&str] = &[
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "channel_binding",
    "target_session_attrs",
];

/// Whether authentication is bound to the TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// Connection parameters; by default, the system's settings apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// Whether keepalive probes are sent; on by default.
    pub(crate) keepalives: Option<bool>,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
    /// How long sent data may remain unacknowledged.
    pub(crate) user_timeout: Option<Duration>,
    pub(crate) binding: Option<Binding>,
    /// Whether the server has to take writes.
    pub(crate) writes: bool,
}

/// Why a keyword's value cannot be taken.
pub(crate) enum ValueError {
    /// The value cannot be parsed.
    Unreadable(String),
    /// It asks for what we do not do.
    NotHonoured(&'static str),
}

impl Link {
    /// Parses the parameters. As in libpq, 0 selects the system's default.
    pub(crate) fn of<'a>(get: &dyn Fn(&str) -> Option<&'a str>) -> Result<Link, ValueError> {
        let number = |keyword: &str| match get(keyword) {
            Some(text) => text.trim().parse::<u32>().map(Some).map_err(|_| {
                ValueError::Unreadable(format!(
                    "`{text}` is not a number, but `{keyword}` must be one"
                ))
            }),
            None => Ok(None),
        };
        let above_zero = |keyword: &str| Ok(number(keyword)?.filter(|number| *number > 0));
        let seconds = |number: u32| Duration::from_secs(number.into());
        Ok(Link {
            keepalives: number("keepalives")?.map(|number| number != 0),
            idle: above_zero("keepalives_idle")?.map(seconds),
            interval: above_zero("keepalives_interval")?.map(seconds),
            count: above_zero("keepalives_count")?,
            user_timeout: above_zero("tcp_user_timeout")?
                .map(|number| Duration::from_millis(number.into())),
            binding: get("channel_binding").map(Binding::parse).transpose()?,
            writes: get("target_session_attrs").map_or(Ok(false), takes_writes)?,
        })
    }

    /// The variables that pass these parameters to libpq's programs, as far as libpq has variables
    /// for them.
    pub(crate) fn libpq_variables(&self) -> Vec<(&'static str, String)> {
        let binding = self.binding.map(|binding| ("PGCHANNELBINDING", binding.name().to_owned()));
        let writes = self.writes.then(|| ("PGTARGETSESSIONATTRS", "read-write".to_owned()));
        binding.into_iter().chain(writes).collect()
    }
}

impl Binding {
    fn parse(text: &str) -> Result<Binding, ValueError> {
        match text {
            "disable" => Ok(Binding::Disable),
            "prefer" => Ok(Binding::Prefer),
            "require" => Ok(Binding::Require),
            _ => Err(ValueError::Unreadable(format!("`{text}` is not a valid `channel_binding`"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Binding::Disable => "disable",
            Binding::Prefer => "prefer",
            Binding::Require => "require",
        }
    }
}

/// `target_session_attrs` for a single server: it accepts writes or it does not. A read-only server
/// is useless for migrations.
fn takes_writes(text: &str) -> Result<bool, ValueError> {
    match text {
        "any" | "prefer-standby" => Ok(false),
        "read-write" | "primary" => Ok(true),
        "read-only" | "standby" => Err(ValueError::NotHonoured("target_session_attrs")),
        _ => Err(ValueError::Unreadable(format!("`{text}` is not a valid `target_session_attrs`"))),
    }
}
