//! Renames in the comments of a schema file: `-- @renamed from=old`, directly above an object, on
//! the line on which its statement begins, or on the line of a column or constraint.

use pg_sql::lexer::{Lexed, Token, token, words};

use crate::catalog::Kind;
use crate::diff::rename::{Rename, RenameError, RenameProblem, Renamed, parts};

/// Returns the renames that the comments of a schema file ask for.
pub fn renames_of_file(sql: &str) -> Result<Vec<Rename>, RenameError> {
    let pieces = pieces(sql);
    let mut found = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if piece.token != Token::Comment || !piece.text.contains("@renamed") {
            continue;
        }
        let what = Renamed::Any;
        let old = old_name(piece.text);
        let (given, line) = (old.clone().unwrap_or_default(), Some(piece.line));
        let fail = |problem| RenameError {
            rename: Rename { what, old: given.clone(), new: String::new(), line },
            problem,
        };
        let old = old.ok_or_else(|| fail(RenameProblem::Unreadable))?;
        let target = target(&pieces, at).ok_or_else(|| fail(RenameProblem::Nowhere))?;
        let rename = target.renamed_from(&old).map_err(fail)?;
        found.push(Rename { line, ..rename });
    }
    Ok(found)
}

/// A token of the file, with the line on which it begins.
#[derive(Clone, Copy)]
struct Piece<'a> {
    token: Token,
    text: &'a str,
    line: usize,
}

impl Piece<'_> {
    fn is_code(&self) -> bool {
        !matches!(self.token, Token::Space | Token::Comment)
    }

    /// A name without its quotes, a word in lower case.
    fn word(&self) -> String {
        words(self.text).pop().unwrap_or_default()
    }
}

fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(Lexed::Token(token, length)) =
        (at < sql.len()).then(|| token(&sql.as_bytes()[at..], true))
    {
        let text = &sql[at..at + length];
        pieces.push(Piece { token, text, line });
        line += text.matches('\n').count();
        at += length;
    }
    pieces
}

/// The name after `from=`.
fn old_name(comment: &str) -> Option<String> {
    let (_, rest) = comment.split_once("@renamed")?;
    let rest = rest.trim_start().strip_prefix("from=")?;
    let rest = rest.trim_end().trim_end_matches("*/");
    // A quoted name may contain spaces.
    let mut is_quoted = false;
    let ends = |letter: char| {
        is_quoted ^= letter == '"';
        !is_quoted && (letter.is_whitespace() || letter == ',')
    };
    let end = rest.find(ends).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

/// The words of a statement, and of the line in it that a comment is about.
struct Marked {
    statement: Vec<String>,
    /// The words of a column or a constraint in the parentheses of the statement.
    part: Option<Vec<String>>,
}

/// What the comment at this place is about.
fn target(pieces: &[Piece<'_>], at: usize) -> Option<Marked> {
    let line = pieces[at].line;
    let before = pieces[..at].iter().rposition(Piece::is_code);
    match before.filter(|&before| pieces[before].line == line) {
        Some(before) => {
            let ends = pieces[before].token == Token::Semicolon;
            let last =
                if ends { pieces[..before].iter().rposition(Piece::is_code)? } else { before };
            let start = start_of_statement(pieces, last);
            let first = pieces.iter().position(|piece| piece.is_code() && piece.line == line)?;
            let is_of_statement = pieces[start].line == line || first < start;
            Some(Marked::new(pieces, start, (!is_of_statement).then_some(first)))
        }
        None => {
            let first = at + pieces[at..].iter().position(Piece::is_code)?;
            let is_apart = |piece: &Piece<'_>| {
                piece.token == Token::Space && piece.text.matches('\n').count() > 1
            };
            if pieces[at..first].iter().any(is_apart) {
                return None;
            }
            let start = start_of_statement(pieces, first);
            Some(Marked::new(pieces, start, (start < first).then_some(first)))
        }
    }
}

/// The first piece of code of the statement that this piece is in.
fn start_of_statement(pieces: &[Piece<'_>], at: usize) -> usize {
    let end = pieces[..at].iter().rposition(|piece| piece.token == Token::Semicolon);
    let begin = end.map_or(0, |end| end + 1);
    begin + pieces[begin..=at].iter().position(Piece::is_code).unwrap_or_default()
}

impl Marked {
    fn new(pieces: &[Piece<'_>], start: usize, part: Option<usize>) -> Marked {
        let words = |from: usize| {
            let code = pieces[from..].iter().filter(|piece| piece.is_code());
            let code = code.take_while(|piece| piece.token != Token::Semicolon);
            code.map(Piece::word).collect()
        };
        let is_inside = |&at: &usize| {
            let count = |token| pieces[start..at].iter().filter(|p| p.token == token).count();
            count(Token::Open) == count(Token::Close) + 1
        };
        let is_outside = part.is_some_and(|at| !is_inside(&at));
        let statement = if is_outside { Vec::new() } else { words(start) };
        Marked { statement, part: part.map(words) }
    }

    fn renamed_from(&self, old: &str) -> Result<Rename, RenameProblem> {
        let problem = || match self.statement.first() {
            Some(word) if word == "create" => RenameProblem::OtherKind,
            _ => RenameProblem::Nowhere,
        };
        let object = object(&self.statement).ok_or_else(problem)?;
        self.rename_of(object, old).ok_or(RenameProblem::Nowhere)
    }

    fn rename_of(&self, (kind, name, of): ToldObject, old: &str) -> Option<Rename> {
        let rename =
            |what, old: String, new: &str| Rename { what, old, new: new.to_owned(), line: None };
        let Some(part) = &self.part else {
            let own = name.last()?;
            let of = of.unwrap_or_else(|| name[..name.len() - 1].to_vec());
            return Some(rename(Renamed::Object(kind), within(&of, old), own));
        };
        match part.first()?.as_str() {
            "constraint" => {
                let what = Renamed::Object(Kind::Constraint);
                Some(rename(what, within(&name, old), part.get(1)?))
            }
            "primary" | "unique" | "check" | "foreign" | "exclude" | "like" => None,
            // The line begins with the end of the list.
            ")" => None,
            column => Some(rename(Renamed::Column, within(&name, old), column)),
        }
    }
}

/// The old name, with the schema or table that it is in, unless it is qualified itself.
fn within(of: &[String], old: &str) -> String {
    if parts(old).len() > 1 {
        return old.to_owned();
    }
    let of = of.iter().map(|part| format!("{}.", pg_sql::quote::name(part)));
    of.chain([old.to_owned()]).collect()
}

/// The words between `CREATE` and the name of an object, by kind.
const KINDS: [(&str, Kind); 20] = [
    ("materialized view", Kind::MaterializedView),
    ("foreign table", Kind::ForeignTable),
    ("constraint trigger", Kind::Trigger),
    ("event trigger", Kind::EventTrigger),
    ("unique index", Kind::Index),
    ("recursive view", Kind::View),
    ("table", Kind::Table),
    ("view", Kind::View),
    ("index", Kind::Index),
    ("sequence", Kind::Sequence),
    ("type", Kind::Type),
    ("domain", Kind::Domain),
    ("function", Kind::Function),
    ("procedure", Kind::Procedure),
    ("aggregate", Kind::Aggregate),
    ("schema", Kind::Schema),
    ("trigger", Kind::Trigger),
    ("policy", Kind::Policy),
    ("rule", Kind::Rule),
    ("statistics", Kind::Statistics),
];

/// The kind and the name of an object, and the table that it is on.
type ToldObject = (Kind, Vec<String>, Option<Vec<String>>);

/// The object that a statement creates.
fn object(statement: &[String]) -> Option<ToldObject> {
    let words: Vec<&str> = statement.iter().map(String::as_str).collect();
    if let ["alter", "table", rest @ ..] = words.as_slice() {
        let rest = skip(rest, &[&["if", "exists"], &["only"]]);
        let (table, rest) = name(rest)?;
        return match rest {
            ["add", "constraint", constraint, ..] => {
                Some((Kind::Constraint, vec![(*constraint).to_owned()], Some(table)))
            }
            _ => None,
        };
    }
    let ["create", rest @ ..] = words.as_slice() else { return None };
    let rest = skip(rest, &[&["or", "replace"], &["unlogged"]]);
    let is_of = |(words, _): &&(&str, Kind)| rest.join(" ").starts_with(&format!("{words} "));
    let (kind_words, kind) = KINDS.iter().find(is_of)?;
    let rest = &rest[kind_words.split(' ').count()..];
    let rest = skip(rest, &[&["concurrently"], &["if", "not", "exists"]]);
    let (own, rest) = name(rest)?;
    let is_part = matches!(kind, Kind::Trigger | Kind::Policy | Kind::Rule);
    // `CREATE RULE r AS ON INSERT TO t`
    let before = if *kind == Kind::Rule { "to" } else { "on" };
    let on = rest.iter().position(|word| *word == before).filter(|_| is_part);
    let of = on.and_then(|on| name(&rest[on + 1..])).map(|(table, _)| table);
    (!is_part || of.is_some()).then_some((*kind, own, of))
}

/// The words after those of these groups that come first.
fn skip<'a, 'w>(mut words: &'a [&'w str], groups: &[&[&str]]) -> &'a [&'w str] {
    for group in groups {
        if words.starts_with(group) {
            words = &words[group.len()..];
        }
    }
    words
}

/// The parts of the name at the beginning, and the words after it.
fn name<'a, 'w>(words: &'a [&'w str]) -> Option<(Vec<String>, &'a [&'w str])> {
    let (parts, rest) = match words {
        [schema, ".", own, rest @ ..] => (vec![*schema, *own], rest),
        [own, rest @ ..] if *own != "(" => (vec![*own], rest),
        _ => return None,
    };
    Some((parts.into_iter().map(str::to_owned).collect(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> Vec<String> {
        let renames = renames_of_file(sql).unwrap_or_else(|error| panic!("{error}"));
        let line = |one: Rename| {
            let what = match one.what {
                Renamed::Object(kind) => kind.word(),
                Renamed::Column => "column",
                Renamed::Any => "any",
            };
            format!("{}: {what} {} to {}", one.line.unwrap_or_default(), one.old, one.new)
        };
        renames.into_iter().map(line).collect()
    }

    #[test]
    fn comments_are_about_the_object_below_or_the_line() {
        let sql = "-- @renamed from=users\n\
                   -- The people.\n\
                   CREATE TABLE IF NOT EXISTS app.people (\n\
                   \x20   id int,\n\
                   \x20   email text NOT NULL, -- @renamed from=mail\n\
                   \x20   -- @renamed from=\"Old age\"\n\
                   \x20   \"Age\" int, /* @renamed from=x */\n\
                   \x20   CONSTRAINT c CHECK (id > 0) -- @renamed from=old_c\n\
                   );\n\n\
                   CREATE UNIQUE INDEX i ON app.people (id); -- @renamed from=j\n\
                   CREATE TABLE t ( -- @renamed from=app.s\n    a int);\n\
                   /* @renamed from=f */ CREATE OR REPLACE FUNCTION g() RETURNS int\n\
                   LANGUAGE sql AS $$ SELECT 1 -- @renamed from=nothing\n$$;\n\
                   -- @renamed from=p\n\
                   CREATE POLICY q ON app.people USING (true);\n\
                   -- @renamed from=k\n\
                   ALTER TABLE ONLY public.t\n    ADD CONSTRAINT l PRIMARY KEY (a);\n";
        assert_eq!(
            told(sql),
            [
                "1: table app.users to people",
                "5: column app.people.mail to email",
                "6: column app.people.\"Old age\" to Age",
                "7: column app.people.x to Age",
                "8: constraint app.people.old_c to c",
                "11: index j to i",
                "12: table app.s to t",
                "14: function f to g",
                "17: policy app.people.p to q",
                "19: constraint public.t.k to l",
            ]
        );
    }

    #[test]
    fn a_comment_is_about_the_table_of_a_long_statement() {
        let sql = "-- @renamed from=g\n\
                   CREATE TRIGGER h BEFORE INSERT OR UPDATE OF a, b OR DELETE OR TRUNCATE\n\
                   ON app.t EXECUTE FUNCTION f();\n\
                   -- @renamed from=r\n\
                   CREATE RULE s AS ON INSERT TO app.t DO INSTEAD NOTHING;\n\
                   -- @renamed from=\"a.b\"\n\
                   CREATE TABLE app.c ();\n";
        assert_eq!(
            told(sql),
            ["1: trigger app.t.g to h", "4: rule app.t.r to s", "6: table app.\"a.b\" to c"]
        );
    }

    #[test]
    fn a_comment_about_nothing_is_an_error_with_its_line() {
        for (sql, line, problem) in [
            ("-- @renamed from=a\n\nCREATE TABLE b ();", 1, RenameProblem::Nowhere),
            ("CREATE TABLE b ();\n-- @renamed from=a\n", 2, RenameProblem::Nowhere),
            ("-- @renamed from=a\nINSERT INTO b VALUES (1);", 1, RenameProblem::Nowhere),
            (
                "CREATE TABLE b (\n a int,\n CHECK (\n a > 0 -- @renamed from=a\n));",
                4,
                RenameProblem::Nowhere,
            ),
            ("CREATE TABLE b (\n CHECK (a > 0) -- @renamed from=a\n);", 2, RenameProblem::Nowhere),
            ("CREATE TABLE b (\n a int\n); -- @renamed from=x", 3, RenameProblem::Nowhere),
            ("-- @renamed from=a\nCREATE PUBLICATION b;", 1, RenameProblem::OtherKind),
            ("-- @renamed from=a\nCREATE EXTENSION b;", 1, RenameProblem::OtherKind),
            (
                "-- @renamed from=a\nCREATE SERVER b FOREIGN DATA WRAPPER w;",
                1,
                RenameProblem::OtherKind,
            ),
            ("-- @renamed a\nCREATE TABLE b ();", 1, RenameProblem::Unreadable),
            ("-- @renamed from=\nCREATE TABLE b ();", 1, RenameProblem::Unreadable),
        ] {
            let error = renames_of_file(sql).expect_err(sql);
            assert_eq!((error.rename.line, error.problem), (Some(line), problem), "{sql}");
        }
    }
}
