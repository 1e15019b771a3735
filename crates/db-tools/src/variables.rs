//! How to pass the database to a tool: by environment variables, because every user of the machine
//! can see arguments.

/// The database that a tool is to connect to. It holds the password, so it has no `Debug`.
pub struct Connection<'a> {
    /// A URL with the password.
    pub url: String,
    /// The URL of another database of the same server.
    pub url_of: &'a dyn Fn(&str) -> String,
    /// Who connects.
    pub user: &'a str,
    /// The password; empty if there is none.
    pub password: &'a str,
    /// The host; `None` for a unix socket.
    pub host: Option<&'a str>,
    /// The port.
    pub port: u16,
    /// The database's name.
    pub database: &'a str,
    /// The requested search path.
    pub search_path: Option<&'a str>,
    /// Whether the server is on this machine.
    pub is_local: bool,
    /// The migrations folder, relative to the working directory of the tool.
    pub dir: &'a str,
    /// What its sessions are called on the server.
    pub application: &'a str,
}

/// A variable for the environment of a tool, and nowhere else: its value may hold a password.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Whether a value counts instead that the project has set.
    pub is_default: bool,
}

impl Variable {
    /// A variable that says what must be.
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Variable {
        Variable { name, value: value.into(), is_default: false }
    }

    /// A variable that counts where the project has set none.
    pub(crate) fn default(name: &'static str, value: impl Into<String>) -> Variable {
        Variable { is_default: true, ..Variable::new(name, value) }
    }
}

impl Connection<'_> {
    /// The URL for Java's client, without user and password.
    pub(crate) fn jdbc_url(&self) -> String {
        let host = self.host.unwrap_or("localhost");
        let (port, database) = (self.port, self.database);
        let application = self.application.replace(' ', "%20");
        format!("jdbc:postgresql://{host}:{port}/{database}?ApplicationName={application}")
    }

    /// The URL for Go's client, which does not support `prefer` and requires TLS by default.
    pub(crate) fn go_url(&self) -> String {
        if self.is_local { with_parameter(&self.url, "sslmode=disable") } else { self.url.clone() }
    }

    /// A URL with the search path in a parameter, for a client that reads it nowhere else.
    pub(crate) fn with_search_path(&self, url: String, parameter: &str) -> String {
        match self.search_path {
            Some(path) => with_parameter(&url, &format!("{parameter}={}", path.trim_matches('"'))),
            None => url,
        }
    }
}

fn with_parameter(url: &str, parameter: &str) -> String {
    let name = parameter.split('=').next().unwrap_or(parameter);
    if url.contains(&format!("{name}=")) {
        return url.to_owned();
    }
    format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' })
}
