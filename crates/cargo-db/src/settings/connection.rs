//! Selects the database: `-D`, `DATABASE_URL`, libpq's variables and files, or the local server.
//! `PGPASSWORD`, `~/.pgpass` and `pg_service.conf` are read here as libpq would, because our client
//! does not support them.

use std::path::PathBuf;

use crate::failure::{Result, SettingsError};
use crate::model::stray::stray_in_keyword;
use crate::model::target::{Host, Keywords, Secret, Target, from_keywords, parse_url};
use crate::settings::file;
use crate::settings::source::{Flags, Origin, Setting, Sources};
use crate::settings::variables::Variables;

/// The selected database.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseChoice {
    /// A configured database.
    Named(Box<Target>),
    /// This database of the private local server.
    Local {
        /// Its name.
        database: String,
    },
}

impl DatabaseChoice {
    /// Whether both are the same database, with any user.
    pub(crate) fn is_same_database(&self, other: &DatabaseChoice) -> bool {
        match (self, other) {
            (DatabaseChoice::Named(one), DatabaseChoice::Named(other)) => {
                (&one.host, one.port, &one.database) == (&other.host, other.port, &other.database)
            }
            (
                DatabaseChoice::Local { database: one },
                DatabaseChoice::Local { database: other },
            ) => one == other,
            _ => false,
        }
    }

    /// Whether a name without a schema resolves to the same table in both, as far as the settings
    /// show.
    pub(crate) fn is_same_path(&self, other: &DatabaseChoice) -> bool {
        match (self, other) {
            (DatabaseChoice::Named(one), DatabaseChoice::Named(other)) => {
                (&one.user, &one.options) == (&other.user, &other.options)
            }
            _ => true,
        }
    }

    /// Whether a name without a schema may be found in this one, as far as the settings show.
    pub(super) fn searches(&self, schema: &str) -> bool {
        let DatabaseChoice::Named(target) = self else { return schema == "public" };
        match target.search_path() {
            Some(path) => path.split(',').any(|one| one.trim_matches(['"', '\\', ' ']) == schema),
            None => schema == "public" || schema == target.user,
        }
    }

    /// The name of the database.
    pub(crate) fn database(&self) -> &str {
        match self {
            DatabaseChoice::Named(target) => &target.database,
            DatabaseChoice::Local { database } => database,
        }
    }
}

/// libpq's variables and their keywords (PostgreSQL manual, 34.15).
const LIBPQ: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGSERVICE", "service"),
    ("PGSERVICEFILE", "servicefile"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGSSLCRL", "sslcrl"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
];

const FLAG: &str = "--database-url";

/// Fails if the URL of the flag contains a password, or cannot be parsed and so may contain one.
/// Other failures suggest commands that repeat the flag, so this has to be checked first.
pub(super) fn no_password_in_flag(flags: &Flags) -> Result<()> {
    let Some(url) = &flags.database_url else { return Ok(()) };
    match parse_url(url, FLAG)?.keys().any(|keyword| keyword.ends_with("password")) {
        true => Err(SettingsError::PasswordInFlag { flag: FLAG }.into()),
        false => Ok(()),
    }
}

/// Finds the database.
pub(crate) fn place(
    sources: &Sources<'_>,
    variables: &Variables,
    url_variable: Option<&str>,
    local_database: &str,
) -> Result<Setting<DatabaseChoice>> {
    if let Some(url) = &sources.flags.database_url {
        let keywords = parse_url(url, FLAG)?;
        return target(sources, variables, keywords, Origin::Flag(FLAG));
    }
    let url = variables.get(url_variable.unwrap_or("DATABASE_URL"))?;
    let is_missing = url.is_none() && !sources.flags.without_database;
    if let Some(name) = url_variable.filter(|_| is_missing) {
        let (source_name, value) = ("migrations.url in db.toml".to_owned(), name.to_owned());
        if name.contains("://") {
            let why = "this must be the name of a variable, because a URL can contain a password, \
                which must not be in db.toml";
            let value = "a URL".to_owned();
            return Err(SettingsError::Value { source_name, value, why: why.to_owned() }.into());
        }
        let why = "no such variable in the environment or in `.env`".to_owned();
        return Err(SettingsError::Value { source_name, value, why }.into());
    }
    if let Some(url) = url {
        let keywords = parse_url(&url.value, &url.origin.place())?;
        return target(sources, variables, keywords, url.origin);
    }
    for name in ["PGHOST", "PGSERVICE", "PGDATABASE", "PGPORT"] {
        if let Some(found) = variables.get(name)? {
            return target(sources, variables, Keywords::new(), found.origin);
        }
    }
    Ok(Setting::default(DatabaseChoice::Local { database: local_database.to_owned() }))
}

/// The database whose URL a variable contains; `None` if there is no such variable.
pub(crate) fn in_variable(
    sources: &Sources<'_>,
    variables: &Variables,
    name: &str,
) -> Result<Option<Target>> {
    let Some(url) = variables.get(name)? else { return Ok(None) };
    let keywords = parse_url(&url.value, &url.origin.place())?;
    Ok(match target(sources, variables, keywords, url.origin)?.value {
        DatabaseChoice::Named(target) => Some(*target),
        DatabaseChoice::Local { .. } => None,
    })
}

/// Completes keywords as libpq does: from its variables, then the service file, then the
/// password file.
fn target(
    sources: &Sources<'_>,
    variables: &Variables,
    mut keywords: Keywords,
    origin: Origin,
) -> Result<Setting<DatabaseChoice>> {
    let variable = |keyword: &str| variable_of(variables, keyword);
    // As in libpq, what the service file says is stronger than the variables.
    if let Some(service) = or_of(keywords.get("service").cloned(), || variable("service"))? {
        let file = or_of(keywords.get("servicefile").cloned(), || variable("servicefile"))?;
        for (keyword, value) in service_entries(sources, file, &service)? {
            keywords.entry(keyword).or_insert(value);
        }
    }
    for (_, keyword) in LIBPQ {
        if !keywords.contains_key(*keyword) {
            keywords.extend(variable(keyword)?.map(|value| ((*keyword).to_owned(), value)));
        }
    }
    let home = home(sources);
    if let (None, Some(home)) = (keywords.get("sslrootcert"), &home) {
        let customary = home.join(".postgresql/root.crt");
        if (sources.exists)(&customary) {
            keywords.insert("sslrootcert".to_owned(), customary.display().to_string());
        }
    }
    let os_user = or_of(variables.get("USER")?, || variables.get("LOGNAME"))?;
    let os_user = os_user.map_or_else(|| "postgres".to_owned(), |found| found.value);
    let mut target = from_keywords(&keywords, &origin.place(), &os_user)?;
    if target.password.is_none() {
        let file =
            keywords.get("passfile").map(PathBuf::from).or_else(|| Some(home?.join(".pgpass")));
        if let Some(text) = file.and_then(|file| file::read_text(sources, &file).ok().flatten()) {
            target.password = password_for(&text, &target).map(Secret::new);
        }
    }
    Ok(Setting { value: DatabaseChoice::Named(Box::new(target)), origin })
}

/// The value of the variable for a keyword. Stray characters are refused, because they would become
/// part of a name.
fn variable_of(variables: &Variables, keyword: &str) -> Result<Option<String>> {
    let Some((name, _)) = LIBPQ.iter().find(|(_, known)| *known == keyword) else {
        return Ok(None);
    };
    let Some(found) = variables.get(name)? else { return Ok(None) };
    if let Some(why) = stray_in_keyword(keyword, &found.value) {
        let value = found.value.escape_debug().to_string();
        return Err(SettingsError::Value { source_name: found.origin.place(), value, why }.into());
    }
    Ok(Some(found.value))
}

/// What there is, else what can be found.
fn or_of<T>(there: Option<T>, find: impl FnOnce() -> Result<Option<T>>) -> Result<Option<T>> {
    match there {
        Some(there) => Ok(Some(there)),
        None => find(),
    }
}

fn home(sources: &Sources<'_>) -> Option<PathBuf> {
    sources.process.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// The section of `pg_service.conf` with this name (PostgreSQL manual, 34.17).
fn service_entries(sources: &Sources<'_>, file: Option<String>, service: &str) -> Result<Keywords> {
    let file = file.map(PathBuf::from).or_else(|| Some(home(sources)?.join(".pg_service.conf")));
    let text = file.as_ref().map(|file| file::read_text(sources, file)).transpose()?.flatten();
    let mut lines = text.as_deref().unwrap_or("").lines().map(str::trim);
    let header = format!("[{service}]");
    if !lines.any(|line| line == header) {
        let (source_name, value) = ("the service".to_owned(), service.to_owned());
        let place =
            file.map_or_else(|| "any file".to_owned(), |file| format!("`{}`", file.display()));
        return Err(SettingsError::Value {
            source_name,
            value,
            why: format!("it is not in {place}"),
        }
        .into());
    }
    let section =
        lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#'));
    let entries = section.filter_map(|line| line.split_once('='));
    Ok(entries
        .map(|(keyword, value)| (keyword.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

/// The password of the first line of a `.pgpass` that fits (PostgreSQL manual, 34.16):
/// `host:port:database:user:password`, where `*` fits all and `\` protects a `:`.
fn password_for(text: &str, target: &Target) -> Option<String> {
    let host = match &target.host {
        Host::Socket(_) => "localhost",
        Host::Name(name) => name,
    };
    let wanted = [host, &target.port.to_string(), &target.database, &target.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = pgpass_fields(line);
        let [rest @ .., password] = fields.as_slice() else { return None };
        let fits = rest.len() == 4
            && rest.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then(|| password.clone())
    })
}

fn pgpass_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => {
                let character =
                    if character == '\\' { characters.next().unwrap_or('\\') } else { character };
                fields.last_mut().expect("there is always a field").push(character);
            }
        }
    }
    fields
}
