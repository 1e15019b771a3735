//! Lending the session to SQL of the project, and taking it back.

use crate::failure::Result;
use crate::world::pg::pin::{BYTES, PATH, SearchPath, UserSettings};
use crate::world::pg::session::{Session, only_row};
use pg_sql::quote::{quote_identifier, quote_literal};

impl Session {
    /// An expression for the table that a name refers to along the search path that the session
    /// came with, quoted if necessary.
    pub(crate) fn table_named(&self, name: &str) -> String {
        self.pin.path.table(name)
    }

    /// Stores the settings of the project's SQL until [`Session::resume`]: those of its
    /// transaction, if it is in one.
    pub(crate) fn interrupt(&mut self, inside: bool) -> Result<UserSettings> {
        let scope = if inside { "LOCAL" } else { "SESSION" };
        let kept = ["search_path", "row_security", "statement_timeout"];
        let columns = kept.map(|name| format!("pg_catalog.current_setting('{name}') AS {name}"));
        let sql = format!(
            "SELECT {}; SELECT pg_catalog.unnest(pg_catalog.current_schemas(true)) AS schema; \
             SET {scope} search_path = {PATH}; SET {scope} row_security = off; \
             SET {scope} statement_timeout = 0",
            columns.join(", ")
        );
        let [settings, path, ..]: [_; 5] = self.sets("check between two statements", &sql)?;
        let settings = only_row("check between two statements", settings)?;
        let settings = kept.map(|name| Ok((name, settings.text(name)?.to_owned())));
        let path = path.iter().map(|row| Ok(row.text("schema")?.to_owned()));
        Ok(UserSettings {
            settings: settings.into_iter().collect::<Result<_>>()?,
            path: SearchPath(path.collect::<Result<_>>()?),
            local: inside,
        })
    }

    /// Returns the session to the project's SQL, with the settings that it had.
    pub(crate) fn resume(&mut self, theirs: &UserSettings) -> Result<()> {
        let set = theirs.settings.iter().map(|(name, value)| {
            format!("pg_catalog.set_config('{name}', {}, {})", quote_literal(value), theirs.local)
        });
        let set: Vec<String> = set.collect();
        self.run("go on with the next statement", &format!("SELECT {}", set.join(", ")))
    }

    /// The schemas of the search path that the session came with, in their order; those that
    /// PostgreSQL adds are among them.
    pub(crate) fn kept_path(&self) -> &[String] {
        &self.pin.path.0
    }

    /// The schema of that path that new objects go into.
    pub(crate) fn current_schema(&self) -> Option<&str> {
        self.pin.path.0.iter().map(String::as_str).find(|schema| !schema.starts_with("pg_"))
    }

    /// Lends the session to the project's SQL, with limits for waiting.
    pub(crate) fn lend(&mut self, limits: &str) -> Result<()> {
        let sql = format!("{}; {limits}", self.pin.theirs);
        self.run("restore the settings of the session", &sql)
    }

    /// Runs our own SQL that can fire triggers of the project, which resolve names along the search
    /// path that the session came with. `pg_catalog` comes first, so that our SQL resolves its own
    /// names there.
    pub(crate) fn run_with_triggers(&mut self, doing: &str, sql: &str) -> Result<()> {
        let theirs = self.pin.path.0.iter().filter(|schema| !schema.starts_with("pg_"));
        let schemas: Vec<String> = theirs.map(|schema| quote_identifier(schema)).collect();
        let path = [&["pg_catalog".to_owned()], &schemas[..], &["pg_temp".to_owned()]].concat();
        // Several statements in one message are one transaction.
        let sql = format!(
            "SET LOCAL search_path = {}; {sql}; SET LOCAL search_path = {PATH}",
            path.join(", ")
        );
        self.run(doing, &sql)
    }

    /// Takes the session back from the project's SQL and sets our settings again. Also works inside
    /// a transaction.
    pub(crate) fn take_back(&mut self) -> Result<()> {
        let sql = format!("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; {}", self.pin.ours);
        self.run("reset the session", &sql)
    }

    /// Takes the session back and discards everything that the project's SQL left in it.
    pub(crate) fn reclaim_and_reset(&mut self) -> Result<()> {
        self.take_back()?;
        let sql = "CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; \
                   SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";
        self.run("empty the session", sql)
    }

    /// What the project's SQL has left in the session, described for people.
    pub(crate) fn left_behind(&mut self) -> Result<Vec<String>> {
        self.column("find out what is left in the session", include_str!("sql/left_behind.sql"))
    }

    /// The encoding of text in both directions, by PostgreSQL's name.
    pub(crate) fn encoding(&self) -> &'static str {
        self.pin.encoding
    }

    /// A setting that the project's SQL must not change but did: its name and value. It would make
    /// the server read text differently from cargo db.
    pub(super) fn misread(&self) -> Option<(&'static str, String)> {
        // Text in `SQL_ASCII`, which the server does not interpret, is read as UTF-8 here.
        if self.pin.encoding == BYTES && self.client.reported("client_encoding") == Some("UTF8") {
            return None;
        }
        let needed =
            [("client_encoding", self.pin.encoding), ("standard_conforming_strings", "on")];
        needed.into_iter().find_map(|(setting, needed)| {
            let now = self.client.reported(setting)?;
            (now != needed).then(|| (setting, now.to_owned()))
        })
    }
}
