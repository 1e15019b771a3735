//! Parses the text of a `.env` file. `dotenvy` handles the quoting; references to other variables
//! are resolved here, so that a reference to an unset variable is an error with its line instead of
//! an empty text.

use std::collections::BTreeMap;
use std::path::Path;

use crate::failure::SettingsError;

/// A variable of a file.
#[derive(Clone, Debug)]
pub(super) struct DotenvEntry {
    pub(super) line: usize,
    /// Its value, or the reason why it has none, which is an error for the reader of this variable.
    pub(super) value: Result<String, String>,
}

/// The variables of a file by their names. `process` is stronger than what the file says.
pub(super) fn parse(
    text: &str,
    path: &Path,
    process: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, DotenvEntry>, SettingsError> {
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate().peekable();
    let mut entries: BTreeMap<String, DotenvEntry> = BTreeMap::new();
    while let Some((index, first)) = lines.next() {
        if matches!(first.trim_start().chars().next(), None | Some('#')) {
            continue;
        }
        let mut assignment = Assignment::default();
        assignment.read(first);
        while assignment.is_open() && lines.peek().is_some() {
            assignment.read(lines.next().map_or("", |(_, next)| next));
        }
        let line = index + 1;
        let (name, value) = assignment.finish().ok_or_else(|| SettingsError::File {
            file: path.to_owned(),
            line,
            why: "expected `NAME=value`; put a value with spaces in quotes".to_owned(),
            suggestion: None,
        })?;
        let known = ReferenceScope { process, entries: &entries, text };
        let value = assignment.with_values(&name, &value, &known);
        // As in every dotenv library, the first definition wins.
        entries.entry(name).or_insert(DotenvEntry { line, value });
    }
    Ok(entries)
}

/// Placeholders for the values of variables: private-use characters around a number.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// One variable of the text, while it is read.
#[derive(Default)]
struct Assignment {
    /// The text with a mark in the place of each reference.
    marked: String,
    references: Vec<Reference>,
    state: ParserState,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ParserState {
    #[default]
    Name,
    Plain,
    Single,
    Double,
}

/// `$NAME` or `${NAME}`.
struct Reference {
    name: String,
    braced: bool,
    /// Whether it may be part of a password, which is not shown.
    secret: bool,
}

impl Assignment {
    /// Reads one more line.
    fn read(&mut self, line: &str) {
        let mut rest = line.chars().peekable();
        let mut before = ' ';
        while let Some(c) = rest.next() {
            match (self.state, c) {
                (ParserState::Name, '=') => self.state = ParserState::Plain,
                (ParserState::Plain, '#') if before.is_whitespace() || before == '=' => break,
                (ParserState::Plain, '\'') => self.state = ParserState::Single,
                (ParserState::Plain, '"') => self.state = ParserState::Double,
                (ParserState::Single, '\'') | (ParserState::Double, '"') => {
                    self.state = ParserState::Plain;
                }
                (ParserState::Plain | ParserState::Double, '\\') => {
                    self.marked.push('\\');
                    before = rest.next().unwrap_or('\n');
                    self.marked.push(before);
                    continue;
                }
                (ParserState::Plain | ParserState::Double, '$') => {
                    let left: String = rest.clone().collect();
                    let taken = self.refer(&left);
                    rest.by_ref().take(taken).for_each(drop);
                    before = '$';
                    continue;
                }
                _ => {}
            }
            self.marked.push(c);
            before = c;
        }
        self.marked.push('\n');
    }

    /// Takes what follows a `$` for a reference, and gives the number of its characters.
    fn refer(&mut self, left: &str) -> usize {
        let is_of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let braced = left.starts_with('{') && left.contains('}');
        let name: String = if braced {
            left[1..].chars().take_while(|c| *c != '}').collect()
        } else {
            left.chars().take_while(is_of_name).collect()
        };
        let taken = name.chars().count() + if braced { 2 } else { 0 };
        if taken == 0 {
            self.marked.push_str("\\$");
            return 0;
        }
        let is_password = self.marked.contains("PASSWORD") || self.marked.contains("password=");
        let secret = !braced && (is_password || left.contains('@'));
        self.marked.push_str(&format!("{OPEN}{}{CLOSE}", self.references.len()));
        self.references.push(Reference { name, braced, secret });
        taken
    }

    fn is_open(&self) -> bool {
        matches!(self.state, ParserState::Single | ParserState::Double)
    }

    /// The name and marked value; `None` if the text is not an assignment.
    fn finish(&self) -> Option<(String, String)> {
        let mut found = dotenvy::from_read_iter(self.marked.as_bytes());
        let assignment = found.next()?.ok()?;
        found.next().is_none().then_some(assignment)
    }

    /// The value with references resolved, or the reason why it has none.
    fn with_values(
        &self,
        own: &str,
        marked: &str,
        known: &ReferenceScope<'_>,
    ) -> Result<String, String> {
        let mut value = String::new();
        let mut rest = marked;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (number, after) = after.split_once(CLOSE).unwrap_or((after, ""));
            value.push_str(before);
            if let Some(reference) =
                number.parse().ok().and_then(|at: usize| self.references.get(at))
            {
                value.push_str(&known.value_of(reference).map_err(|why| format!("{own}: {why}"))?);
            }
            rest = after;
        }
        value.push_str(rest);
        Ok(value)
    }
}

/// What a reference can mean.
struct ReferenceScope<'a> {
    process: &'a BTreeMap<String, String>,
    entries: &'a BTreeMap<String, DotenvEntry>,
    text: &'a str,
}

impl ReferenceScope<'_> {
    fn value_of(&self, reference: &Reference) -> Result<String, String> {
        let Reference { name, braced, secret } = reference;
        if *braced && !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let is_of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let name: String = name.chars().take_while(is_of_name).collect();
            return Err(format!(
                "`${{{name}…}}` contains more than a name; cargo db does not support defaults here"
            ));
        }
        let of_process = self.process.get(name).filter(|value| !value.is_empty());
        match (of_process, self.entries.get(name).map(|entry| &entry.value)) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(Ok(value))) if !value.is_empty() => Ok(value.clone()),
            (None, Some(Err(why))) => Err(why.clone()),
            _ if *secret => Err("`$` starts the name of a variable that is not set; in single \
                                 quotes, it is literal"
                .to_owned()),
            _ => Err(self.unset(name)),
        }
    }

    /// Says that a variable is not set, or not yet.
    fn unset(&self, name: &str) -> String {
        let later = self.text.lines().position(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
            line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
        });
        match later.filter(|_| !self.entries.contains_key(name)) {
            Some(later) => {
                format!("`{name}` is not set yet: it is defined later, in line {}", later + 1)
            }
            None => {
                format!("`{name}` is not set; in single quotes, `$` is literal")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, name: &str) -> Result<String, String> {
        let process = BTreeMap::from([("OUTER".to_owned(), "from outside".to_owned())]);
        let entries =
            parse(text, Path::new(".env"), &process).map_err(|error| error.to_string())?;
        entries[name].value.clone()
    }

    #[test]
    fn values_are_those_of_any_dotenv() {
        for (text, value) in [
            ("A=1", "1"),
            ("A=1 ", "1"),
            ("\u{feff}A=1", "1"),
            ("export A = 'x y' # said", "x y"),
            ("A=\"two\nlines\"\nB=1", "two\nlines"),
            ("A=a#b", "a#b"),
            ("A= # nothing", ""),
            ("# don't\nA=x # it's\nB=2", "x"),
            ("A=s\\ ix", "s ix"),
            ("A='it''s'\n", "its"),
            ("A='$OUTER'", "$OUTER"),
            ("A=\\$OUTER", "$OUTER"),
            ("A=5$", "5$"),
            ("A=5$-x", "5$-x"),
            ("A=first\nA=second", "first"),
        ] {
            assert_eq!(read(text, "A").as_deref(), Ok(value), "{text:?}");
        }
        for bad in ["A=two words", "A='open", "nothing", "A=\"x\nB=2", "=x"] {
            let error = read(&format!("\n{bad}"), "A").unwrap_err();
            assert!(error.contains(".env`, line 2: expected `NAME=value`"), "{bad:?}: {error}");
        }
    }

    #[test]
    fn references_have_a_value_or_are_an_error() {
        for (text, value) in [
            ("A=$OUTER", "from outside"),
            ("A=\"<${OUTER}>\"", "<from outside>"),
            ("DB_NAME=x\nA=p/$DB_NAME", "p/x"),
            ("OUTER=inside\nA=${OUTER}", "from outside"),
            ("B=\"a b'$\"\nA=${B}${B}", "a b'$a b'$"),
        ] {
            assert_eq!(read(text, "A").as_deref(), Ok(value), "{text:?}");
        }
        for (text, why) in [
            ("A=p/${DB}", "A: `DB` is not set; in single"),
            ("A=p/$DB_NAME/x", "A: `DB_NAME` is not set"),
            ("A=\"${DB}\"", "`DB` is not set"),
            ("DB=\nA=${DB}", "`DB` is not set"),
            ("A=${DB}\nDB=1", "`DB` is not set yet: it is defined later, in line 2"),
            ("A=${DB:-c15}", "`${DB…}` contains more than a name"),
            ("B=$C\nA=$B", "A: B: `C` is not set"),
            ("A=postgres://app:right$word@h/d", "`$` starts"),
            ("PGPASSWORD=right$word\nA=$PGPASSWORD", "`$` starts"),
        ] {
            let error = read(text, "A").unwrap_err();
            assert!(error.contains(why) && !error.contains("word@"), "{text:?}: {error}");
            assert!(!error.contains("$word"), "{error}");
        }
    }
}
