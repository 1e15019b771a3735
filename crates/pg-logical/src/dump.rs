//! A database as a plain SQL file: what `psql` and `cargo db restore` load, written while it is
//! read. The same database gives the same bytes.

use std::collections::BTreeSet;
use std::io::{self, Write};

use pg_sql::quote::name as quoted;
use thiserror::Error;

use crate::catalog::{Catalog, Definition, Kind, Object, class};
use crate::ddl;
use crate::graph::{DumpOrder, Step};
use crate::source::{Row, Source, SourceError};
use crate::split::{PlaceOfPart, SchemaPart};

/// What a dump contains.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The objects.
    pub has_schema: bool,
    /// The rows, the values of sequences, and large objects.
    pub has_rows: bool,
    /// Who owns what.
    pub has_owners: bool,
    /// Who may do what.
    pub has_rights: bool,
    /// The objects that are dumped, by their places in the catalog; all of them if there is none.
    pub chosen: Option<BTreeSet<usize>>,
    /// What the header says is missing.
    pub left_out: Vec<String>,
    /// The program that writes it: `cargo-db 0.1.0`.
    pub program: String,
    /// What the header says instead of which server and which program: comments, with line ends.
    pub header: Option<String>,
    /// The role whose name is left out where it says whose default privileges are meant: the role
    /// that loads the dump has them then.
    pub own_role: Option<String>,
}

/// Why a dump could not be written.
#[derive(Debug, Error)]
pub enum DumpError {
    /// The database could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

type Written = Result<(), DumpError>;

/// What a large object is read by.
const PIECE: u64 = 1 << 18;

/// What is being written.
struct Writing<'a> {
    catalog: &'a Catalog,
    order: &'a DumpOrder,
    contents: &'a Contents,
    out: &'a mut dyn Write,
}

/// Writes a dump. `source` is in the transaction that the catalog was read in.
pub fn write(
    catalog: &Catalog,
    order: &DumpOrder,
    contents: &Contents,
    source: &mut dyn Source,
    out: &mut dyn Write,
) -> Written {
    let mut writing = Writing { catalog, order, contents, out };
    writing.head()?;
    writing.steps(source)?;
    let chosen = writing.chosen();
    if contents.has_schema {
        writing.rights(&chosen, contents.chosen.is_none())?;
    }
    if contents.has_rows {
        writing.refreshes()?;
    }
    if contents.has_schema {
        writing.event_triggers(&chosen)?;
    }
    writing.end()
}

/// Writes one part of a schema, without owners and rows.
pub fn write_part(
    catalog: &Catalog,
    order: &DumpOrder,
    contents: &Contents,
    part: &SchemaPart,
    out: &mut dyn Write,
) -> Written {
    let is_last = part.place == PlaceOfPart::Last;
    let is_whole = contents.chosen.is_none() && is_last;
    let mut writing = Writing { catalog, order, contents, out };
    writing.head()?;
    for &step in &part.steps {
        writing.statements(&ddl::statements(catalog, order, step))?;
    }
    writing.rights(&part.objects, is_whole)?;
    writing.event_triggers(&part.objects)?;
    writing.end()
}

impl Writing<'_> {
    fn head(&mut self) -> Written {
        let about = &self.catalog.about;
        let usual = || {
            let (version, program) = (one_line(&about.version), &self.contents.program);
            format!("-- Dumped from database version {version}\n-- Dumped by {program}\n")
        };
        let header = self.contents.header.clone().unwrap_or_else(usual);
        let mut text = format!("--\n-- PostgreSQL database dump\n--\n\n{header}");
        for line in &self.contents.left_out {
            text.push_str(&format!("-- Incomplete: without {}\n", one_line(line)));
        }
        text.push('\n');
        let encoding = if about.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" };
        let mut settings = vec![
            "SET statement_timeout = 0".to_owned(),
            "SET lock_timeout = 0".to_owned(),
            "SET idle_in_transaction_session_timeout = 0".to_owned(),
            format!("SET client_encoding = '{encoding}'"),
            "SET standard_conforming_strings = on".to_owned(),
            "SELECT pg_catalog.set_config('search_path', '', false)".to_owned(),
            "SET check_function_bodies = false".to_owned(),
            "SET xmloption = content".to_owned(),
            "SET client_min_messages = warning".to_owned(),
            "SET row_security = off".to_owned(),
        ];
        settings.push("SET default_tablespace = ''".to_owned());
        settings.push("SET default_table_access_method = heap".to_owned());
        for setting in settings {
            text.push_str(&setting);
            text.push_str(";\n");
        }
        text.push('\n');
        Ok(self.out.write_all(text.as_bytes())?)
    }

    fn is_chosen(&self, at: usize) -> bool {
        self.contents.chosen.as_ref().is_none_or(|chosen| chosen.contains(&at))
    }

    fn chosen(&self) -> BTreeSet<usize> {
        (0..self.catalog.objects.len()).filter(|&at| self.is_chosen(at)).collect()
    }

    fn end(&mut self) -> Written {
        Ok(self.out.write_all(b"--\n-- PostgreSQL database dump complete\n--\n\n")?)
    }

    fn statement(&mut self, text: &str) -> Written {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.write_all(b";\n\n")?)
    }

    fn statements(&mut self, texts: &[String]) -> Written {
        texts.iter().try_for_each(|text| self.statement(text))
    }

    fn steps(&mut self, source: &mut dyn Source) -> Written {
        let catalog = self.catalog;
        let order = self.order;
        for &step in &order.steps {
            match step {
                step if !self.is_chosen(step.object()) => {}
                Step::Rows(at) if self.contents.has_rows => {
                    self.rows(&catalog.objects[at], source)?;
                }
                Step::Value(at) if self.contents.has_rows => {
                    self.values(&catalog.objects[at], source)?;
                }
                Step::Create(at) if self.contents.has_schema => self.create(at, step, source)?,
                Step::Create(at) if self.contents.has_rows => self.large_object(at, source)?,
                step if self.contents.has_schema => {
                    self.statements(&ddl::statements(catalog, self.order, step))?;
                }
                _ => {}
            }
        }
        if self.contents.has_rows {
            self.configured(source)?;
        }
        Ok(())
    }

    fn create(&mut self, at: usize, step: Step, source: &mut dyn Source) -> Written {
        let object = &self.catalog.objects[at];
        let statements = ddl::statements(self.catalog, self.order, step);
        let owner = ddl::owner(object).filter(|_| self.contents.has_owners);
        self.statements(&statements)?;
        self.statements(owner.as_slice())?;
        self.large_object(at, source)
    }

    /// The bytes of a large object.
    fn large_object(&mut self, at: usize, source: &mut dyn Source) -> Written {
        let object = &self.catalog.objects[at];
        if object.identity.kind != Kind::LargeObject || !self.contents.has_rows {
            return Ok(());
        }
        let oid = object.address.oid;
        let mut offset = 0;
        let mut is_open = false;
        loop {
            let piece = format!("pg_catalog.lo_get({oid}, {offset}, {PIECE})");
            let query = format!("SELECT pg_catalog.encode({piece}, 'hex') AS bytes");
            let sets = source.sets("read a large object", &query)?;
            let record = sets.first().and_then(|rows| rows.first());
            let bytes = record.map(|record| Row::new(&**record).text("bytes")).transpose()?;
            let bytes = bytes.unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            if !is_open {
                self.statement("BEGIN")?;
                self.statement(&format!("SELECT pg_catalog.lo_open('{oid}', 131072)"))?;
                is_open = true;
            }
            self.statement(&format!("SELECT pg_catalog.lowrite(0, '\\x{bytes}')"))?;
            offset += PIECE;
        }
        if is_open {
            self.statement("SELECT pg_catalog.lo_close(0)")?;
            self.statement("COMMIT")?;
        }
        Ok(())
    }

    /// The rows of a table in the order in which it has them.
    fn rows(&mut self, object: &Object, source: &mut dyn Source) -> Written {
        let own = object.columns().iter().filter(|column| column.generated.is_none());
        let columns: Vec<String> = own.map(|column| quoted(&column.name)).collect();
        let list = column_list(&columns);
        let table = object.identity.sql();
        let into = self.loaded_through(object).unwrap_or(table.clone());
        if columns.is_empty() && !object.columns().is_empty() {
            return Ok(());
        }
        self.copy(&format!("{into}{list}"), &format!("COPY {table}{list} TO stdout"), source)
    }

    fn copy(&mut self, into: &str, statement: &str, source: &mut dyn Source) -> Written {
        writeln!(self.out, "COPY {into} FROM stdin;")?;
        let mut failed = None;
        let out = &mut *self.out;
        source.copy("copy the rows", statement, &mut |line| {
            if failed.is_none() {
                failed = out.write_all(line).err();
            }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        Ok(self.out.write_all(b"\\.\n\n")?)
    }

    /// The table through which the rows of a partition are loaded, where another database may have
    /// them in another one: the hash of an enum's value is that of its number in the catalog.
    fn loaded_through(&self, object: &Object) -> Option<String> {
        let mut root = None;
        let mut table = object.table()?;
        while table.bound.is_some() {
            let parent = self.catalog.find(class::CLASS, *table.parents.first()?)?;
            table = parent.table()?;
            if table.partition_key.as_ref()?.starts_with("HASH") && self.has_enum_key(table) {
                root = Some(parent);
            }
        }
        let mut top = root?;
        while let Some(parent) = top.table()?.parents.first() {
            top = self.catalog.find(class::CLASS, *parent)?;
        }
        Some(top.identity.sql())
    }

    fn has_enum_key(&self, table: &crate::catalog::Table) -> bool {
        let key = table.partition_key.as_deref().unwrap_or_default();
        table.columns.iter().any(|column| {
            let kind = self.catalog.find(class::TYPE, column.type_oid);
            key.contains(&quoted(&column.name))
                && kind.is_some_and(|kind| matches!(kind.definition, Definition::Enum(_)))
        })
    }

    /// The values of a sequence, or of the sequences of a table's identity columns.
    fn values(&mut self, object: &Object, source: &mut dyn Source) -> Written {
        let own =
            matches!(object.definition, Definition::Sequence(_)).then(|| object.identity.sql());
        let identities = object.columns().iter().filter_map(|column| column.identity.as_ref());
        let identities = identities
            .map(|sequence| format!("{}.{}", quoted(&sequence.schema), quoted(&sequence.name)));
        for sequence in own.into_iter().chain(identities) {
            let query = format!("SELECT last_value AS value, is_called FROM {sequence}");
            let sets = source.sets("read a sequence", &query)?;
            for record in sets.iter().flatten() {
                let row = Row::new(&**record);
                let value = row.text("value")?;
                self.statement(&ddl::set_value(&sequence, &value, row.flag("is_called")?))?;
            }
        }
        Ok(())
    }

    /// Rows of extensions' tables that belong to the database.
    fn configured(&mut self, source: &mut dyn Source) -> Written {
        for rows in &self.catalog.configured {
            let place = self.catalog.place(rows.extension.class, rows.extension.oid);
            if !place.is_some_and(|at| self.is_chosen(at)) {
                continue;
            }
            let columns: Vec<String> = rows.columns.iter().map(|column| quoted(column)).collect();
            let list = column_list(&columns);
            let (table, condition) = (&rows.table, &rows.condition);
            let select = format!("SELECT {} FROM ONLY {table} {condition}", columns.join(", "));
            self.copy(&format!("{table}{list}"), &format!("COPY ({select}) TO stdout"), source)?;
        }
        Ok(())
    }

    /// Privileges, when everything is there that they are on, and those of what will be made.
    fn rights(&mut self, chosen: &BTreeSet<usize>, has_others: bool) -> Written {
        if !self.contents.has_rights {
            return Ok(());
        }
        let major = self.catalog.about.major;
        let mut found: Vec<String> = Vec::new();
        let objects = || chosen.iter().map(|&at| &self.catalog.objects[at]);
        objects().for_each(|object| found.extend(ddl::of_object(object, major)));
        if has_others {
            let others = self.catalog.others.iter();
            others.for_each(|others| found.extend(ddl::of_others(others, major)));
        }
        for object in objects() {
            if let Definition::DefaultRights(defaults) = &object.definition {
                let own = self.contents.own_role.as_deref();
                found.extend(ddl::of_defaults(defaults, major, own));
            }
        }
        self.statements(&found)
    }

    /// Materialized views are filled last, when their owners have their privileges; those that have
    /// no rows, and those that would read them, are not.
    fn refreshes(&mut self) -> Written {
        let mut empty: BTreeSet<usize> = BTreeSet::new();
        let mut found = Vec::new();
        for step in &self.order.steps {
            let (Step::Create(at) | Step::View(at)) = *step else { continue };
            let Definition::View(view) = &self.catalog.objects[at].definition else { continue };
            let is_materialized = self.catalog.objects[at].identity.kind == Kind::MaterializedView;
            let reads_empty = self.catalog.needs[at].iter().any(|need| empty.contains(need));
            if reads_empty || is_materialized && !view.is_populated {
                empty.insert(at);
            } else if is_materialized && self.is_chosen(at) {
                let name = self.catalog.objects[at].identity.sql();
                found.push(format!("REFRESH MATERIALIZED VIEW {name}"));
            }
        }
        self.statements(&found)
    }

    /// They come last, so that nothing of the dump fires them.
    fn event_triggers(&mut self, chosen: &BTreeSet<usize>) -> Written {
        let mut found = Vec::new();
        for &at in chosen {
            let object = &self.catalog.objects[at];
            if object.identity.kind == Kind::EventTrigger {
                found.extend(ddl::statements(self.catalog, self.order, Step::Create(at)));
                found.extend(ddl::owner(object).filter(|_| self.contents.has_owners));
            }
        }
        self.statements(&found)
    }
}

fn column_list(columns: &[String]) -> String {
    if columns.is_empty() { " ".to_owned() } else { format!(" ({})", columns.join(", ")) }
}

/// Text in a comment: nothing of it may begin another line.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The statement that locks tables, so that none of them changes or goes while it is dumped.
pub fn lock(tables: &[(String, String)]) -> Option<String> {
    let names: Vec<String> = tables
        .iter()
        .map(|(schema, name)| format!("ONLY {}.{}", quoted(schema), quoted(name)))
        .collect();
    (!names.is_empty()).then(|| format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", ")))
}
