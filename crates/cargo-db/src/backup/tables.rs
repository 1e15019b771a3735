//! Extracts the tables of a set, their definitions and rows, from the text of the full dump while
//! it is read back. Extraction costs no additional pass; dumping each table separately would read
//! the whole catalog each time.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::backup::subjects::subjects;
use crate::model::event::Event;
use crate::world::World;
use crate::world::archive::{append, create};
use pg_logical::content::{DumpObserver, set_value};
use pg_sql::lexer::words;
use pg_sql::script::Statement;

/// A relation by its schema and its name.
type RelationName = (String, String);

/// What ends every dump.
const TRAILER: &str = "--\n-- PostgreSQL database dump complete\n--\n\n";

/// The files of one table.
#[derive(Default)]
pub(super) struct TableFiles {
    pub(super) definition: PathBuf,
    pub(super) rows: PathBuf,
}

/// The statements of one table, or of a sequence whose owner is not known yet.
#[derive(Default)]
struct TableStatements {
    definition: String,
    /// The settings that hold at the end of the definition.
    settings: String,
    /// The values of its sequences.
    values: String,
}

/// Writes the files of tables while a dump passes.
pub(super) struct TableWriter<'a> {
    world: &'a World,
    files: BTreeMap<RelationName, TableFiles>,
    /// Whose each relation is: a table its own, an index its table's, a sequence its table's once
    /// that is known.
    owners: HashMap<RelationName, RelationName>,
    pieces: HashMap<RelationName, TableStatements>,
    /// The settings that every dump begins with.
    preamble: String,
    /// Those that a definition depends on.
    settings: BTreeMap<String, String>,
    begun: bool,
    copying: Option<BufWriter<File>>,
}

impl<'a> TableWriter<'a> {
    /// Gets ready to write these files.
    pub(super) fn new(
        world: &'a World,
        files: BTreeMap<RelationName, TableFiles>,
    ) -> TableWriter<'a> {
        let owners = files.keys().map(|name| (name.clone(), name.clone())).collect();
        TableWriter {
            world,
            files,
            owners,
            pieces: HashMap::new(),
            preamble: String::new(),
            settings: BTreeMap::new(),
            begun: false,
            copying: None,
        }
    }

    /// Writes the rest after the end of the dump.
    pub(super) fn finish(mut self) -> io::Result<()> {
        for (name, files) in &self.files {
            let piece = self.pieces.remove(name).unwrap_or_default();
            let mut file = create(&files.definition)?;
            write!(file, "{}{}{TRAILER}", self.preamble, piece.definition)?;
            file.flush()?;
            let mut file = self.rows_of(files)?;
            write!(file, "{}{TRAILER}", piece.values)?;
            file.flush()?;
        }
        Ok(())
    }

    /// Opens the file for the rows of a table, after writing what precedes them.
    fn rows_of(&self, files: &TableFiles) -> io::Result<BufWriter<File>> {
        if files.rows.exists() {
            return append(&files.rows);
        }
        let mut file = create(&files.rows)?;
        file.write_all(self.preamble.as_bytes())?;
        Ok(file)
    }

    /// Starts writing rows if they belong to a table that has files.
    fn copy(&mut self, statement: &Statement, comments: &str) -> io::Result<()> {
        let words = words(&statement.text);
        let files = name_at(&words, 1).and_then(|name| self.files.get(&name));
        if let Some(files) = files {
            let mut file = self.rows_of(files)?;
            write!(file, "{}", text_of(statement, comments))?;
            self.copying = Some(file);
        }
        Ok(())
    }

    /// Adds a statement to its subject.
    fn define(&mut self, statement: &Statement, comments: &str) {
        let words = words(&statement.text);
        let text = format!("{}\n\n", text_of(statement, comments));
        if let Some(sequence) = set_sequence(&statement.text) {
            let Some(owner) = self.owners.get(&sequence) else { return };
            self.pieces.entry(owner.clone()).or_default().values.push_str(&text);
            return;
        }
        if let Some(sequence) = made_sequence(&words) {
            self.owners.insert(sequence.clone(), sequence);
        }
        let Some(owner) = self.owner(&words) else { return };
        self.note_created(&words, &owner);
        let settings: String = self.settings.values().cloned().collect();
        let piece = self.pieces.entry(owner).or_default();
        if depends_on_settings(&words) && piece.settings != settings {
            piece.definition.push_str(&settings);
            piece.settings = settings;
        }
        piece.definition.push_str(&text);
    }

    /// Whose a statement is. A partition is attached by its own definition.
    fn owner(&mut self, words: &[String]) -> Option<RelationName> {
        if words.get(1).is_some_and(|second| second == "publication") {
            return None;
        }
        let owned = words.windows(2).position(|two| two == ["owned", "by"]);
        if let Some(owner) = owned.and_then(|at| name_at(words, at + 2)) {
            return self.give(&name_at(words, 2)?, owner);
        }
        let attached = words.windows(2).position(|two| two == ["attach", "partition"]);
        let attached = attached.and_then(|at| name_at(words, at + 2));
        let of_statistics = words.iter().position(|word| word == "statistics").map(|at| at + 1);
        let named = of_statistics.into_iter().chain(subjects(words));
        let mut named = attached.into_iter().chain(named.filter_map(|at| name_at(words, at)));
        named.find_map(|name| self.owners.get(&name).cloned())
    }

    /// Assigns a sequence and its statements to the table whose column owns it.
    fn give(&mut self, sequence: &RelationName, table: RelationName) -> Option<RelationName> {
        if !self.files.contains_key(&table) {
            return None;
        }
        let piece = self.pieces.remove(sequence).unwrap_or_default();
        self.owners.insert(sequence.clone(), table.clone());
        let owner = self.pieces.entry(table.clone()).or_default();
        owner.definition.push_str(&piece.definition);
        owner.values.push_str(&piece.values);
        Some(table)
    }

    /// Records the owner of an index or a sequence that a statement creates in addition to its
    /// subject.
    fn note_created(&mut self, words: &[String], owner: &RelationName) {
        let after = |pair: [&str; 2]| {
            let at = words.windows(2).position(|two| two == pair);
            at.map(|at| at + 2)
        };
        let in_schema = |at: usize| words.get(at).map(|name| (owner.0.clone(), name.clone()));
        let index = match words.first().map(String::as_str) {
            Some("create") if words[1] == "statistics" => {
                return drop(name_at(words, 2).map(|name| self.owners.insert(name, owner.clone())));
            }
            Some("create") => words.iter().take(4).position(|word| word == "index"),
            _ => after(["add", "constraint"]).map(|at| at - 1),
        };
        let made = index.and_then(|at| in_schema(at + 1));
        let sequence = after(["sequence", "name"]).and_then(|at| name_at(words, at));
        for name in made.into_iter().chain(sequence) {
            self.owners.insert(name, owner.clone());
        }
    }
}

impl DumpObserver for TableWriter<'_> {
    fn statement(&mut self, statement: &Statement, comments: &str) -> io::Result<()> {
        if statement.reads_data() {
            return self.copy(statement, comments);
        }
        let is_set = statement.text.starts_with("SET ");
        if is_set && self.begun {
            let name = statement.text.split_whitespace().nth(1).unwrap_or_default();
            self.settings.insert(name.to_owned(), format!("{};\n\n", statement.text));
        } else if is_set || statement.text.starts_with("SELECT pg_catalog.set_config(") {
            let _ = writeln!(self.preamble, "{};", statement.text);
        } else {
            if !self.begun {
                self.preamble =
                    format!("--\n-- PostgreSQL database dump\n--\n\n{}\n", self.preamble);
                self.begun = true;
            }
            self.define(statement, comments);
        }
        Ok(())
    }

    fn row(&mut self, piece: &[u8]) -> io::Result<()> {
        self.copying.as_mut().map_or(Ok(()), |file| file.write_all(piece))
    }

    fn end_of_rows(&mut self) -> io::Result<()> {
        self.world.emit(Event::Counted);
        let Some(mut file) = self.copying.take() else { return Ok(()) };
        file.write_all(b"\\.\n\n\n")?;
        file.flush()
    }
}

/// A statement with its heading, as a dump writes it.
fn text_of(statement: &Statement, comments: &str) -> String {
    format!("{comments}\n{};\n", statement.text)
}

/// The qualified name at this word.
fn name_at(words: &[String], at: usize) -> Option<RelationName> {
    match words.get(at..)? {
        [schema, dot, name, ..] if dot == "." => Some((schema.clone(), name.clone())),
        _ => None,
    }
}

/// The sequence that a statement makes.
fn made_sequence(words: &[String]) -> Option<RelationName> {
    let at = words.iter().take(3).position(|word| word == "sequence")?;
    name_at(words, at + 1).filter(|_| words[0] == "create")
}

/// The sequence that a statement sets.
fn set_sequence(text: &str) -> Option<RelationName> {
    let (name, _) = set_value(text)?;
    name_at(&words(&name), 0)
}

/// Whether it matters to a statement which tablespace and which access method are the default.
fn depends_on_settings(words: &[String]) -> bool {
    let begins = |first: &str| words.first().is_some_and(|word| word == first);
    begins("create") || words.windows(2).any(|two| two == ["add", "constraint"])
}
