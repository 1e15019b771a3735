//! The words of a statement, as patterns take them.

use pg_sql::lexer::{Lexed, Token, token, words};

/// The words of a statement, borrowed, for patterns.
pub(super) fn as_strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The relation that a statement is about, as far as its words show.
pub(super) fn object_of(statement: &str) -> Option<String> {
    let words = words(statement);
    let words = as_strs(&words);
    let rest = match words.as_slice() {
        ["alter" | "drop" | "truncate" | "cluster", "table", rest @ ..]
        | ["drop", "materialized", "view", rest @ ..]
        | ["refresh", "materialized", "view", rest @ ..]
        | ["delete", "from", rest @ ..]
        | ["insert", "into", rest @ ..]
        | ["truncate" | "update" | "cluster", rest @ ..]
        | ["vacuum", "full", rest @ ..]
        | ["drop", _, rest @ ..] => rest,
        ["create", ..] => {
            let on = words.iter().position(|word| *word == "on")?;
            &words[on + 1..]
        }
        _ => return None,
    };
    let skipped = ["if", "exists", "only", "concurrently"];
    let mut rest = rest.iter().skip_while(|word| skipped.contains(word));
    let first = (*rest.next()?).to_owned();
    Some(match (rest.next(), rest.next()) {
        (Some(&"."), Some(name)) => format!("{first}.{name}"),
        _ => first,
    })
}

/// The strings of a statement, with their quotes.
pub(super) fn texts(statement: &str) -> Vec<String> {
    let (mut texts, mut at) = (Vec::new(), 0);
    while at < statement.len() {
        let Lexed::Token(kind, length) = token(&statement.as_bytes()[at..], true) else { break };
        if kind == Token::Text {
            texts.push(statement[at..at + length].to_owned());
        }
        at += length;
    }
    texts
}
