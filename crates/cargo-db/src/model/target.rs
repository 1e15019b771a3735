//! Where a database is and who connects to it.
//!
//! `postgres::Config` is not libpq: it knows no `verify-full`, `sslrootcert`, `service` or
//! `passfile`. So a URL and the `PG*` variables are read once into [`Target`], from which both
//! the client's configuration and the environment of child processes are derived. Its password
//! is a [`Secret`], which no formatter prints.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

pub(crate) use crate::model::host::Host;
use crate::model::link::{self, Link, ValueError};
use crate::model::stray::{hidden_character, stray_character};

/// What makes a URL or its keywords no target. It never holds a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TargetError {
    /// It cannot be read.
    Unreadable { setting: String, why: String },
    /// It asks for options that we do not know, and that may matter.
    NotHonoured { setting: String, options: Vec<String> },
}

type Result<T> = std::result::Result<T, TargetError>;

/// What is written otherwise in a URL. Some clients read no name that is written so without need.
/// RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A string that cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps what must not be seen.
    pub(crate) fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that hands it on.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// How the connection is protected; the modes of libpq, with libpq's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// The TLS part of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    /// How strictly the server is authenticated.
    pub(crate) mode: TlsMode,
    /// PEM file of the trusted certificate authorities; the system's own if absent.
    pub(crate) root: Option<PathBuf>,
    /// PEM files of our certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// A server, a database and a role. Prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    pub(crate) database: String,
    pub(crate) tls: Tls,
    pub(crate) connect_timeout: Duration,
    /// Parameters of the connection itself.
    pub(crate) link: Link,
    /// Settings for the session, in the form of libpq's `options`.
    pub(crate) options: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.user, self.server(), self.database)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl Target {
    /// `host:port`, for sentences about the server as a whole.
    pub(crate) fn server(&self) -> String {
        match &self.host {
            Host::Socket(folder) => format!("{}:{}", folder.display(), self.port),
            Host::Name(name) if name.contains(':') => format!("[{name}]:{}", self.port),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }

    /// The server, the database and the settings of its sessions: where something goes.
    pub(crate) fn place(&self) -> String {
        let options = self.options.as_ref().map(|options| format!(" with {options}"));
        format!("{}/{}{}", self.server(), self.database, options.unwrap_or_default())
    }

    /// No server at all, for a program that wants variables and connects to nothing.
    pub(crate) fn without_server() -> Target {
        Target {
            host: Host::Socket(PathBuf::from("/nonexistent")),
            port: 5432,
            user: String::new(),
            password: None,
            database: String::new(),
            tls: Tls { mode: TlsMode::Disable, root: None, identity: None },
            connect_timeout: Duration::from_secs(1),
            link: Link::default(),
            options: None,
        }
    }

    /// The same server and role, another database.
    pub(crate) fn with_database(&self, database: &str) -> Target {
        Target { database: database.to_owned(), ..self.clone() }
    }

    /// The same server and role, in the maintenance database: for operations on the server, or on a
    /// database that must have no sessions.
    pub(crate) fn maintenance(&self) -> Target {
        self.with_database("postgres")
    }

    /// The database as a connection string: a bare name that contains `=` would be parsed as one.
    pub(crate) fn only_name(&self) -> String {
        format!("dbname='{}'", self.database.replace('\\', "\\\\").replace('\'', "\\'"))
    }

    /// Whether the server is reached without leaving this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.host.is_this_machine()
    }

    /// The search path in the URL.
    pub(crate) fn search_path(&self) -> Option<&str> {
        let path = self.options.as_deref()?.split("-csearch_path=").nth(1)?;
        path.split(' ').next()
    }

    /// The only schema of that search path.
    pub(crate) fn schema(&self) -> Option<String> {
        let path = self.search_path().filter(|path| !path.contains(','))?;
        Some(path.trim_matches('"').to_owned())
    }

    /// A URL for other programs. It contains the password, so it is only passed in the environment
    /// of a child.
    pub(crate) fn url_for_child(&self) -> Secret {
        let password = self.password.as_ref().map(Secret::expose);
        Secret::new(self.url(password))
    }

    /// A URL to show: the password is left out.
    pub(crate) fn url_without_password(&self) -> String {
        self.url(None)
    }

    fn url(&self, password: Option<&str>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut user = encode(&self.user);
        if let Some(password) = password {
            user = format!("{user}:{}", encode(password));
        }
        let mut pairs = Vec::new();
        let place = match &self.host {
            Host::Socket(folder) => {
                pairs.push(format!("host={}", folder.display()));
                format!("localhost:{}", self.port)
            }
            Host::Name(_) => self.server(),
        };
        if self.tls.mode != TlsMode::Prefer {
            pairs.push(format!("sslmode={}", self.tls.mode.name()));
        }
        if let Some(root) = &self.tls.root {
            pairs.push(format!("sslrootcert={}", root.display()));
        }
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        format!("postgresql://{user}@{place}/{}{query}", encode(&self.database))
    }

    /// The variables that tell libpq's programs the same. The password is among them, because
    /// a child's environment is the one place where `ps` does not show it.
    pub(crate) fn libpq_variables(&self) -> Vec<(&'static str, String)> {
        let host = match &self.host {
            Host::Socket(folder) => folder.display().to_string(),
            Host::Name(name) => name.clone(),
        };
        let mut variables = vec![
            ("PGHOST", host),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGDATABASE", self.database.clone()),
            ("PGSSLMODE", self.tls.mode.name().to_owned()),
        ];
        let optional = [
            ("PGPASSWORD", self.password.as_ref().map(|secret| secret.expose().to_owned())),
            ("PGSSLROOTCERT", self.tls.root.as_ref().map(|path| path.display().to_string())),
            ("PGOPTIONS", self.options.clone()),
        ];
        variables.extend(self.link.libpq_variables());
        variables.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        variables
    }
}

impl TlsMode {
    fn parse(text: &str) -> Option<TlsMode> {
        match text {
            "disable" => Some(TlsMode::Disable),
            // libpq's `allow` tries without first; asking for it is asking for no more than that.
            "allow" | "prefer" => Some(TlsMode::Prefer),
            "require" => Some(TlsMode::Require),
            "verify-ca" => Some(TlsMode::VerifyCa),
            "verify-full" => Some(TlsMode::VerifyFull),
            _ => None,
        }
    }

    /// libpq's name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }
}

/// Connection keywords of libpq and their values, before they mean anything.
pub(crate) type Keywords = BTreeMap<String, String>;

/// Keywords that [`Target`] honours.
const HONOURED: &[&str] = &[
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "options",
    "passfile",
    "service",
    "servicefile",
    "search_path",
    "schema",
];

/// Keywords that ask nothing of a connection as we make it: what other clients tune their pools
/// by, and libpq's own settings where the value given is what we do anyway.
const HARMLESS: &[&str] = &[
    "application_name",
    "fallback_application_name",
    "connection_limit",
    "pool_timeout",
    "pgbouncer",
    "statement_cache_size",
    "statement-cache-capacity",
    "socket_timeout",
];

/// Splits `postgres://user:password@host:port/database?keyword=value` into keywords.
///
/// The grammar is libpq's (PostgreSQL manual, 34.1.1.2 "Connection URIs"), without lists of hosts.
pub(crate) fn parse_url(url: &str, source: &str) -> Result<Keywords> {
    let bad =
        |why: &str| TargetError::Unreadable { setting: source.to_owned(), why: why.to_owned() };
    if let Some(why) = stray_character(url) {
        return Err(bad(&why));
    }
    if url.contains("${") {
        return Err(bad("it contains `${` without the name of a variable"));
    }
    // A scheme means the same in capitals. RFC 3986, 3.1.
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    if !["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(bad("it does not begin with `postgres://`"));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if query.contains('@') {
        return Err(bad(
            "there is an `@` after the `?`; write a `?` in a password as `%3F`, and an `@` as \
             `%40`",
        ));
    }
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    if database.contains('@') {
        return Err(bad("there is an `@` after the first `/`; write a `/` in a password as `%2F`"));
    }
    let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    if place.contains(',') {
        return Err(bad("it lists several hosts, but cargo db connects to exactly one"));
    }
    let (host, port) = split_port(place).ok_or_else(|| bad("its host has no closing `]`"))?;

    let mut pairs = vec![
        ("user", user),
        ("password", password),
        ("host", host),
        ("port", port),
        ("dbname", database),
    ];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        pairs.push(pair.split_once('=').ok_or_else(|| bad("an option after `?` has no `=`"))?);
    }
    let mut keywords = Keywords::new();
    for (keyword, value) in pairs {
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| bad("its percent-encoded text is not UTF-8"))?;
        if let Some(why) = hidden_character(keyword, &value) {
            return Err(bad(&why));
        }
        if !value.is_empty() {
            keywords.insert(keyword.to_owned(), value.into_owned());
        }
    }
    Ok(keywords)
}

fn split_port(place: &str) -> Option<(&str, &str)> {
    match place.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            Some((address, after.strip_prefix(':').unwrap_or("")))
        }
        None => Some(place.split_once(':').unwrap_or((place, ""))),
    }
}

/// Gives keywords their meaning. `source` names where they came from in errors, `os_user` is
/// libpq's default for the role, and so for the database.
pub(crate) fn from_keywords(keywords: &Keywords, source: &str, os_user: &str) -> Result<Target> {
    refuse_what_we_cannot_honour(keywords, source)?;
    let get = |keyword: &str| keywords.get(keyword).map(String::as_str);
    let bad = |why: String| TargetError::Unreadable { setting: source.to_owned(), why };

    let host = match get("host") {
        Some(host) if host.starts_with('/') => Host::Socket(PathBuf::from(host)),
        Some(host) => Host::Name(host.to_owned()),
        None => Host::Name("localhost".to_owned()),
    };
    let port = match get("port") {
        // The text in place of the port may be part of a password, so it is not shown.
        Some(port) => port.parse().map_err(|_| bad("its port is not a number".to_owned()))?,
        None => 5432,
    };
    let user = get("user").unwrap_or(os_user).to_owned();
    let seconds = match get("connect_timeout") {
        Some(text) => {
            text.parse().map_err(|_| bad(format!("`{text}` is not a number of seconds")))?
        }
        None => 10,
    };
    Ok(Target {
        host,
        port,
        password: get("password").map(Secret::new),
        database: get("dbname").unwrap_or(&user).to_owned(),
        user,
        tls: tls(keywords, &bad)?,
        connect_timeout: Duration::from_secs(seconds),
        link: Link::of(&get).map_err(|unfit| match unfit {
            ValueError::Unreadable(why) => bad(why),
            ValueError::NotHonoured(keyword) => TargetError::NotHonoured {
                setting: source.to_owned(),
                options: vec![keyword.to_owned()],
            },
        })?,
        options: session_options(keywords),
    })
}

fn refuse_what_we_cannot_honour(keywords: &Keywords, source: &str) -> Result<()> {
    let refused: Vec<String> = keywords
        .iter()
        .filter(|(keyword, value)| {
            let lists = [HONOURED, HARMLESS, link::KEYWORDS];
            let known = lists.iter().any(|list| list.contains(&keyword.as_str()));
            let same = match keyword.as_str() {
                "gssencmode" => *value == "disable" || *value == "prefer",
                // Ours is the one of these two that it can be.
                "client_encoding" => {
                    ["utf8", "utf-8", "unicode", "auto"].contains(&value.to_lowercase().as_str())
                }
                "sslcompression" | "sslsni" => true,
                "sslnegotiation" => *value == "postgres",
                _ => false,
            };
            !known && !same
        })
        .map(|(keyword, _)| keyword.clone())
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(TargetError::NotHonoured { setting: source.to_owned(), options: refused })
}

fn tls(keywords: &Keywords, bad: &dyn Fn(String) -> TargetError) -> Result<Tls> {
    let get = |keyword: &str| keywords.get(keyword).map(String::as_str);
    let root = match get("sslrootcert") {
        Some("system") | None => None,
        Some(path) => Some(PathBuf::from(path)),
    };
    let mode = match get("sslmode") {
        Some(text) => {
            TlsMode::parse(text).ok_or_else(|| bad(format!("`{text}` is not a valid `sslmode`")))?
        }
        // As in libpq: who trusts the system's authorities wants the name checked too.
        None if get("sslrootcert") == Some("system") => TlsMode::VerifyFull,
        None => TlsMode::Prefer,
    };
    if get("sslrootcert") == Some("system") && mode != TlsMode::VerifyFull {
        return Err(bad("`sslrootcert=system` requires `sslmode=verify-full`".to_owned()));
    }
    if mode == TlsMode::VerifyCa && root.is_none() {
        let why = "`sslmode=verify-ca` needs `sslrootcert`: any authority that the system trusts \
                   could issue a certificate";
        return Err(bad(why.to_owned()));
    }
    let identity = match (get("sslcert"), get("sslkey")) {
        (Some(certificate), Some(key)) => Some((PathBuf::from(certificate), PathBuf::from(key))),
        (None, None) => None,
        _ => return Err(bad("`sslcert` and `sslkey` must be set together".to_owned())),
    };
    Ok(Tls { mode, root, identity })
}

fn session_options(keywords: &Keywords) -> Option<String> {
    let schema = keywords.get("schema").map(|schema| as_identifier(schema));
    let path = keywords.get("search_path").cloned().or(schema);
    let path = path.map(|path| format!("-csearch_path={}", path.replace(' ', "\\ ")));
    let parts: Vec<String> = keywords.get("options").cloned().into_iter().chain(path).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The name of a schema in a search path. Prisma takes `schema=` literally.
fn as_identifier(schema: &str) -> String {
    let folds = |character: char| character.is_uppercase() || character == '-';
    match schema.contains(folds) && !schema.contains([',', '"']) {
        true => format!("\"{schema}\""),
        false => schema.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target> {
        from_keywords(&parse_url(url, "DATABASE_URL")?, "DATABASE_URL", "me")
    }

    #[test]
    fn prints_redacted_in_every_form() {
        let target = target("postgres://ada:s%40cret@db.example:5433/school").unwrap();
        assert_eq!(target.to_string(), "ada@db.example:5433/school");
        assert_eq!(target.password.as_ref().unwrap().expose(), "s@cret");
        assert!(!format!("{target:?} {:?}", target.password).contains("cret"));
        assert!(!target.url_without_password().contains("cret"));
    }

    #[test]
    fn a_socket_folder_can_be_host_or_option() {
        for url in ["postgres://%2Frun%2Fpg/school", "postgres:///school?host=/run/pg"] {
            let target = target(url).unwrap();
            assert_eq!(target.host, Host::Socket("/run/pg".into()));
            assert!(target.is_local());
        }
    }

    #[test]
    fn the_url_for_a_child_reads_back_as_the_same_target() {
        for url in [
            "postgres://u:p%2F%3A@[::1]:5499/d?sslmode=require",
            "postgres:///x?host=/run/pg&port=5",
        ] {
            let first = target(url).unwrap();
            assert_eq!(target(first.url_for_child().expose()).unwrap(), first);
        }
    }

    #[test]
    fn what_we_cannot_honour_is_named_and_not_ignored() {
        let error = target("postgres://h/d?sslcrl=x&connection_limit=3&krbsrvname=y").unwrap_err();
        let options = vec!["krbsrvname".to_owned(), "sslcrl".to_owned()];
        assert_eq!(error, TargetError::NotHonoured { setting: "DATABASE_URL".to_owned(), options });
    }

    #[test]
    fn what_hosted_databases_write_into_their_urls_is_honoured() {
        let of = |query: &str| target(&format!("POSTGRES://u@h/d?{query}"));
        let link = of("sslmode=require&channel_binding=require&keepalives_idle=30").unwrap().link;
        assert_eq!(link.binding, Some(link::Binding::Require));
        assert_eq!(link.idle, Some(Duration::from_secs(30)));
        let link = of("keepalives=0&keepalives_count=5&tcp_user_timeout=1500").unwrap().link;
        assert_eq!((link.keepalives, link.count), (Some(false), Some(5)));
        assert_eq!(link.user_timeout, Some(Duration::from_millis(1500)));
        assert!(of("target_session_attrs=read-write").unwrap().link.writes);
        assert!(!of("client_encoding=UTF8&socket_timeout=3").unwrap().link.writes);
        let told = of("target_session_attrs=primary").unwrap().libpq_variables();
        assert!(told.contains(&("PGTARGETSESSIONATTRS", "read-write".to_owned())));
        for not in ["target_session_attrs=standby", "client_encoding=latin1"] {
            assert!(matches!(of(not), Err(TargetError::NotHonoured { .. })), "{not}");
        }
        for slip in ["keepalives_idle=soon", "channel_binding=yes", "target_session_attrs=rw"] {
            assert!(matches!(of(slip), Err(TargetError::Unreadable { .. })), "{slip}");
        }
    }

    #[test]
    fn white_space_and_what_nobody_sees_are_no_part_of_a_url() {
        let good = "postgres://ada:s@db.example/school";
        for stray in ["\n", "\r\n", "\t", " ", "\u{a0}", "\u{200b}", "\u{feff}", "\u{1b}", "\0"] {
            let why = |url: &str| match target(url) {
                Err(TargetError::Unreadable { why, .. }) => why,
                other => panic!("{url:?}: {other:?}"),
            };
            assert!(why(&format!("{good}{stray}")).contains("at its end"));
            assert!(why(&format!("{stray}{good}")).contains("at its beginning"));
            assert!(why(&good.replace("ada", &format!("a{stray}da"))).contains("in it"));
        }
        for encoded in ["%00", "%0A", "%0d", "%1b", "%E2%80%8B"] {
            assert!(target(&format!("{good}{encoded}")).is_err(), "{encoded}");
            assert!(target(&good.replace(".example", encoded)).is_err(), "{encoded}");
        }
        assert!(target("postgres://db.example%20/x").is_err());
        let blank = target("postgres://ada:%20%0A@db.example/my%20school").unwrap();
        assert_eq!(blank.database, "my school");
        assert_eq!(blank.password.unwrap().expose(), " \n");
        assert!(target("postgres://h/${NAME}").is_err());
        assert!(target("postgres://ada:a%00b@db.example/x").is_err());
    }

    #[test]
    fn only_loopback_counts_as_this_machine() {
        assert!(target("postgres://127.0.0.9/d").unwrap().is_local());
        assert!(!target("postgres://10.0.0.1/d").unwrap().is_local());
        assert!(!target("postgres://localhost.evil.example/d").unwrap().is_local());
    }

    #[test]
    fn bad_urls_say_what_is_bad_and_never_show_a_password() {
        for url in ["mysql://u:hush@h/d", "postgres://u:hush@h:port/d", "postgres://u:hush@a,b/d"] {
            let error = target(url).unwrap_err();
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }
}
