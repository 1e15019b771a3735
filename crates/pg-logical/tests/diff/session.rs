//! Reads a catalog over a connection of the `postgres` crate.

use std::collections::HashMap;
use std::error::Error;
use std::rc::Rc;

use pg_logical::catalog::{self, Catalog};
use pg_logical::source::{Record, RowSets, Source, SourceError};
use postgres::{Client, SimpleQueryMessage};

/// A connection that a catalog is read from.
pub(crate) struct Session(pub(crate) Client);

impl Session {
    /// The catalog of its database, and the role that reads it.
    pub(crate) fn catalog(mut self) -> Result<(Catalog, String), Box<dyn Error>> {
        self.0.batch_execute("SET search_path = pg_catalog, pg_temp")?;
        self.0.simple_query(catalog::SETTINGS)?;
        self.0.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let role: String = self.0.query_one("SELECT current_user::text", &[])?.get(0);
        Ok((catalog::read(&mut self)?, role))
    }
}

struct Line {
    columns: Rc<HashMap<String, usize>>,
    values: Vec<Option<String>>,
}

impl Record for Line {
    fn column(&self, name: &str) -> Result<Option<&str>, SourceError> {
        let place = self.columns.get(name).ok_or_else(|| SourceError::Unexpected {
            column: name.to_owned(),
            what: "no such column".to_owned(),
        })?;
        Ok(self.values.get(*place).and_then(Option::as_deref))
    }
}

impl Source for Session {
    fn sets(&mut self, _: &str, sql: &str) -> Result<RowSets, SourceError> {
        let messages = self.0.simple_query(sql).map_err(|e| SourceError::Source(Box::new(e)))?;
        let mut sets: RowSets = Vec::new();
        let mut columns = Rc::new(HashMap::new());
        let mut set = Vec::new();
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(described) => {
                    let names = described.iter().enumerate();
                    columns = Rc::new(names.map(|(at, c)| (c.name().to_owned(), at)).collect());
                }
                SimpleQueryMessage::Row(row) => {
                    let value = |at| row.get(at).map(str::to_owned);
                    let values = (0..row.len()).map(value).collect();
                    let columns = columns.clone();
                    set.push(Box::new(Line { columns, values }) as Box<dyn Record>);
                }
                _ => sets.push(std::mem::take(&mut set)),
            }
        }
        Ok(sets)
    }

    fn copy(&mut self, _: &str, _: &str, _: &mut dyn FnMut(&[u8])) -> Result<(), SourceError> {
        Ok(())
    }
}
