//! The columns that earlier files created, with their types, because `check` has no database to
//! query.
//!
//! If the type of a column is uncertain, it counts as unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pg_sql::lexer::{first_words, words};
use pg_sql::name::short;
use pg_sql::script::Statement;
use pg_sql::types::Type;

use crate::check::words::{as_strs, texts};

/// What is known of the tables at one place of the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    /// Shared, since every file that changes a type gets a copy.
    tables: BTreeMap<String, Arc<BTreeMap<String, Type>>>,
    /// The tables that this file made, and that cannot hold rows yet.
    empty: BTreeSet<String>,
    /// Whether this file says where tables without a schema are.
    has_own_path: bool,
}

/// A column that gets another type.
pub(super) struct TypeChange<'a> {
    /// The table and the column.
    pub(super) object: String,
    /// The type that it has, if that is known.
    pub(super) old: Option<&'a Type>,
    pub(super) new: Type,
    /// Whether the values are converted by an expression that is more than a cast.
    pub(super) is_computed: bool,
    /// Whether the order of texts changes too.
    pub(super) is_collated: bool,
}

impl Columns {
    /// Begins another file: what the last one made may hold rows by now.
    pub(crate) fn begin_file(&mut self) {
        self.empty.clear();
        self.has_own_path = false;
    }

    /// Forgets everything, after a migration that cannot be read.
    pub(crate) fn forget(&mut self) {
        *self = Columns::default();
    }

    /// The columns whose type a statement changes, except in empty tables.
    pub(super) fn type_changes(&self, words: &[&str]) -> Vec<TypeChange<'_>> {
        let Some((table, actions)) = altered(words) else { return Vec::new() };
        if self.empty.contains(short(&table)) {
            return Vec::new();
        }
        let known = self.tables.get(short(&table)).filter(|_| self.is_certain(&table));
        let change = |action: &[&str]| {
            let (column, new, rest) = retyped(action)?;
            Some(TypeChange {
                object: format!("{table}.{column}"),
                old: known.and_then(|known| known.get(column)),
                is_computed: is_computed(rest, column, &new),
                is_collated: rest.first() == Some(&"collate"),
                new,
            })
        };
        at_commas(actions).into_iter().filter_map(change).collect()
    }

    /// Records the effects of a statement.
    pub(crate) fn note(&mut self, statement: &Statement) {
        // A file may contain 100,000 INSERTs: for most statements, the first word is sufficient.
        let first = first_words(&statement.text, 1);
        match first.first().map(String::as_str) {
            Some("create" | "alter" | "drop") => self.define(&as_strs(&words(&statement.text))),
            Some("insert" | "update" | "delete" | "copy") => self.fill(&statement.text),
            Some("comment" | "grant" | "revoke" | "lock" | "analyze") => {}
            Some("set" | "select") if statement.text.contains("search_path") => {
                self.has_own_path = !is_usual_path(&as_strs(&words(&statement.text)));
            }
            Some("set" | "reset") => {}
            Some("do") => {
                self.empty.clear();
                self.forget_altered_by(&statement.text);
            }
            _ => self.empty.clear(),
        }
    }

    /// A table that rows are written to is not empty.
    fn fill(&mut self, statement: &str) {
        if !self.empty.is_empty() {
            let words = words(statement);
            self.empty.retain(|table| !words.iter().any(|word| word == last(table)));
        }
    }

    /// What a block of code alters is not known any more.
    fn forget_altered_by(&mut self, statement: &str) {
        for body in texts(statement) {
            let words = words(body.trim_matches(['$', '\'']));
            let has = |word: &str| words.iter().any(|one| one == word);
            let mentions = |word: &str| body.to_lowercase().contains(word);
            if !mentions("type") && !mentions("rename") {
                continue;
            }
            if has("execute") {
                self.tables.clear();
            }
            self.tables.retain(|table, _| !has(last(table)));
        }
    }

    fn define(&mut self, words: &[&str]) {
        match words {
            ["create", rest @ ..] => self.create(rest),
            ["drop", "table", rest @ ..] => {
                for name in rest.split(|word| *word == ",") {
                    if let Some((table, _)) = name_in(without(name, &["if", "exists"])) {
                        self.remove(&table);
                    }
                }
            }
            ["drop", "schema", ..] => self.tables.clear(),
            _ => self.alter(words),
        }
    }

    fn create(&mut self, words: &[&str]) {
        let Some(at) = words.iter().take(3).position(|word| *word == "table") else { return };
        let may_exist = words.get(at + 1) == Some(&"if");
        let Some((table, rest)) = name_in(without(&words[at + 1..], &["if", "not", "exists"]))
        else {
            return;
        };
        let key = short(&table).to_owned();
        if may_exist && self.tables.contains_key(&key) {
            return;
        }
        self.remove(&table);
        let ["(", elements @ ..] = rest else { return };
        let is_temporary = words[..at].iter().any(|word| word.starts_with("temp"));
        let rest = &elements[elements.len() - after_group(elements)..];
        if is_temporary || !self.is_certain(&table) || rest.contains(&"as") {
            return;
        }
        let columns = at_commas(elements).into_iter().filter_map(defined).collect();
        if !may_exist {
            self.empty.insert(key.clone());
        }
        self.tables.insert(key, Arc::new(columns));
    }

    fn alter(&mut self, words: &[&str]) {
        let Some((table, actions)) = altered(words) else { return };
        let key = short(&table).to_owned();
        if !self.is_certain(&table) {
            return self.remove(&table);
        }
        match actions {
            ["rename", "to", new, ..] => self.rename(&key, &in_same_schema(&table, new)),
            ["set", "schema", schema, ..] => {
                self.rename(&key, &format!("{schema}.{}", last(&table)));
            }
            ["rename", "column", old, "to", new, ..] | ["rename", old, "to", new, ..] => {
                let Some(columns) = self.tables.get_mut(&key).map(Arc::make_mut) else { return };
                if let Some(of) = columns.remove(*old) {
                    columns.insert((*new).to_owned(), of);
                }
            }
            actions => {
                for action in at_commas(actions) {
                    self.act(&key, action);
                }
            }
        }
    }

    /// Carries out one action of an ALTER TABLE.
    fn act(&mut self, key: &str, action: &[&str]) {
        if action.starts_with(&["attach"]) {
            self.empty.remove(key);
        }
        let Some(columns) = self.tables.get_mut(key).map(Arc::make_mut) else { return };
        match action {
            ["add", rest @ ..] => {
                let rest = without(rest, &["column"]);
                let may_exist = rest.first() == Some(&"if");
                let added = defined(without(rest, &["if", "not", "exists"]));
                if let Some((column, of)) = added
                    && !(may_exist && columns.contains_key(&column))
                {
                    columns.insert(column, of);
                }
            }
            ["drop", rest @ ..] => {
                let rest = without(without(rest, &["column"]), &["if", "exists"]);
                if let [column, ..] = rest {
                    columns.remove(*column);
                }
            }
            action => {
                if let Some((column, of, _)) = retyped(action) {
                    columns.insert(column.to_owned(), of);
                }
            }
        }
    }

    fn rename(&mut self, old: &str, new: &str) {
        let new = short(new).to_owned();
        if self.empty.remove(old) {
            self.empty.insert(new.clone());
        }
        self.tables.remove(&new);
        if let Some(columns) = self.tables.remove(old) {
            self.tables.insert(new, columns);
        }
    }

    fn remove(&mut self, table: &str) {
        self.tables.remove(short(table));
        self.empty.remove(short(table));
    }

    /// Whether the name says which table it is.
    fn is_certain(&self, table: &str) -> bool {
        !self.has_own_path || table.contains('.')
    }
}

/// Whether a statement that sets the search path leaves it as it usually is.
fn is_usual_path(words: &[&str]) -> bool {
    matches!(words, ["set", .., "=" | "to", "public"])
}

/// The table of an ALTER TABLE, and its actions.
fn altered<'a, 'w>(words: &'a [&'w str]) -> Option<(String, &'a [&'w str])> {
    let ["alter", "table", rest @ ..] = words else { return None };
    let (table, rest) = name_in(without(without(rest, &["if", "exists"]), &["only"]))?;
    Some((table, without(rest, &["*"])))
}

/// The column that an action gives a type, the type, and what follows it.
fn retyped<'a, 'w>(action: &'a [&'w str]) -> Option<(&'w str, Type, &'a [&'w str])> {
    let ["alter", rest @ ..] = action else { return None };
    let rest = if rest.get(1).is_some_and(|word| matches!(*word, "type" | "set")) {
        rest
    } else {
        without(rest, &["column"])
    };
    let (column, of) = match rest {
        [column, "set", "data", "type", of @ ..] | [column, "type", of @ ..] => (*column, of),
        _ => return None,
    };
    let (of, rest) = Type::read(of)?;
    Some((column, of, rest))
}

/// Whether the words after a type convert the values by more than a cast of the column to it.
fn is_computed(rest: &[&str], column: &str, to: &Type) -> bool {
    let Some(at) = rest.iter().position(|word| *word == "using") else { return false };
    let mut expression = &rest[at + 1..];
    while let ["(", inner @ .., ")"] = expression {
        expression = inner;
    }
    let cast = match expression {
        [name] if *name == column => return false,
        [name, ":", ":", cast @ ..] if *name == column => cast,
        ["cast", "(", name, "as", cast @ .., ")"] if *name == column => cast,
        _ => return true,
    };
    Type::read(cast).is_none_or(|(cast, rest)| !rest.is_empty() || !cast.is(to))
}

/// The column that an element of a CREATE TABLE or an ADD COLUMN defines, with its type.
fn defined(element: &[&str]) -> Option<(String, Type)> {
    const OTHERS: [&str; 7] =
        ["constraint", "primary", "unique", "check", "foreign", "exclude", "like"];
    let (column, of) = element.split_first().filter(|(first, _)| !OTHERS.contains(first))?;
    let (of, _) = Type::read(of)?;
    Some(((*column).to_owned(), of))
}

/// Words up to the end of their group, divided at the commas that are in no parentheses.
fn at_commas<'a, 'w>(words: &'a [&'w str]) -> Vec<&'a [&'w str]> {
    let words = &words[..words.len() - after_group(words)];
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, word) in words.iter().enumerate() {
        match *word {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                parts.push(&words[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&words[start..]);
    parts
}

/// How many words there are from the parenthesis that closes the group they are in.
fn after_group(words: &[&str]) -> usize {
    let mut depth = 0;
    let closes = |word: &&str| {
        depth += i32::from(*word == "(") - i32::from(*word == ")");
        depth < 0
    };
    words.iter().position(closes).map_or(0, |at| words.len() - at)
}

/// The words after this prefix, if it matches completely.
fn without<'a, 'w>(words: &'a [&'w str], first: &[&str]) -> &'a [&'w str] {
    if words.starts_with(first) { &words[first.len()..] } else { words }
}

/// The name at the beginning, with its schema, and what follows.
fn name_in<'a, 'w>(words: &'a [&'w str]) -> Option<(String, &'a [&'w str])> {
    match words {
        [schema, ".", name, rest @ ..] => Some((format!("{schema}.{name}"), rest)),
        [name, rest @ ..] => Some(((*name).to_owned(), rest)),
        [] => None,
    }
}

/// Another name in the schema of a table.
fn in_same_schema(table: &str, name: &str) -> String {
    let schema = table.rsplit_once('.').map(|(schema, _)| schema);
    schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"))
}

/// The name without its schema.
fn last(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}
