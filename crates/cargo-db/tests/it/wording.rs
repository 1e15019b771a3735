//! Names and phrases that readers stumbled over stay out of the code, the help and the docs.

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;

use crate::support::repository;

/// Names that nothing is defined under: a function, a type, a module, a field or a variable.
const IDENTIFIERS: &[&str] = &[
    "Agreed",
    "Around",
    "CUSTOMARY",
    "Convention",
    "Deed",
    "Demands",
    "Facts",
    "Foresight",
    "From",
    "Heard",
    "Heir",
    "Kindred",
    "Layout",
    "Locked",
    "Order",
    "STRANGERS",
    "Standing",
    "Stood",
    "Stranger",
    "TELLING",
    "Told",
    "Trouble",
    "Turn",
    "WayBack",
    "Word",
    "beside",
    "deed",
    "foresight",
    "goes_where_it_is_told",
    "heeding_the_signal",
    "is_own",
    "look",
    "or_swap_back",
    "outside",
    "rivals",
    "says_enough",
    "took_place",
    "way_back",
    "with_the_word_of_the_database",
];

/// Phrases that are written nowhere. Of a long one, the part that gives it away.
const PHRASES: &[&str] = &[
    // README
    "All is tried on",
    "All is well",
    "The house of the first",
    "believes no history and no file",
    "brings a private server along",
    "is at home in projects",
    "says what is lost before anything is",
    "takes backups that it has read",
    "the first run takes about a minute without a word",
    "what does hurt",
    "with whatever somebody put there",
    // Help
    "Agree where a confirmation is asked for",
    "Apply at most so many",
    "Ask nothing",
    "Either all are in, or the database is as before",
    "Everything else is refused, and said",
    "From where on a finding is a failure",
    "Have the project's tool work out a migration",
    "How long a statement may wait for a lock of PostgreSQL's",
    "How much to look at",
    "It is made and started when",
    "Its name; the newest of the database without one",
    "List them, the newest first",
    "Look after the",
    "Look for the first record",
    "Look through migrations",
    "Make the database anew",
    "Not this table",
    "Put the history right",
    "Show all that is known of one",
    "Tables or parts at once",
    "Take back applied migrations",
    "Take back so many",
    "The least that makes it exit",
    "Verify one, or all",
    "What it does, in words",
    "What it is on disk",
    "With a down file (what is done",
    "Without who owns what",
    "left another state than it claimed",
    "roles of a set that the server does not have",
    "something that moves on a terminal",
    "stronger than DATABASE_URL",
    "what may hurt",
    // Answers and prompts
    "Copied a copy",
    "Go on?",
    "applied with a warning (",
    "done before it, and kept",
    "executed, none pending",
    "generate the client again",
    "has every migration that was asked for",
    "has every seed",
    "has no such migration",
    "how much was not counted",
    "human: ",
    "is what cargo db begins with",
    "its place would be",
    "knows no way back",
    "let the path of `cargo-db`",
    "look whether the rows are the ones you want",
    "make a workspace of it",
    "no cargo workspace is here",
    "no prompt\"",
    "nothing was done yet",
    "one that everybody has",
    "put right in the history",
    "rehearsal, no prompt",
    "the migrations lead to the schema",
    "there are no seeds",
    "was killed, or is at work",
    "way back",
    "what was in it is in",
    "which no rule keeps",
    // Warnings and errors
    "a set is whole and has its place",
    "a word that nobody knows",
    "agree: `",
    "all of it goes",
    "all of {name} goes",
    "another database than it is told",
    "begin anew",
    "cannot be believed",
    "cannot be the name of a backup: it would leave the folder",
    "give cargo db a URL of its own",
    "git knows no version of the file",
    "holds a password, and the command line",
    "is no secret",
    "is not made anew",
    "is not sound",
    "it counts as development because",
    "it is of other files",
    "it is taken by cargo db",
    "it may hold letters",
    "leave them out of",
    "look at the user and the password",
    "look for one that is",
    "lose what it stands on",
    "mend the file",
    "most migrations of this folder have one",
    "no local server to give",
    "not brought back by itself",
    "nothing that can be passed changes this",
    "on a busy database this would be felt",
    "rehearse it on a copy, where there is one",
    "the audit trail does not know the outcome",
    "the database is as before it",
    "the rehearsal says no",
    "the whole seeding",
    "where it says they come from",
    "which backup to restore was not said",
    "write what leads back",
    // Sentences whose subject is a pronoun, or that leave out the verb or the object
    "a part, --",
    "all of it is committed",
    "another one works",
    "as far as that goes",
    "gave up: it ",
    "in no dump that",
    "is not yours to change",
    "it ran outside a transaction",
    "it runs outside a transaction",
    "it waited for {",
    "kept true by a test",
    "left alone",
    "may not be there yet",
    "nothing was kept",
    "the rehearsal blocked it",
    "they wrote would be lost",
    "was not said",
    "what is excluded",
    "when they have ended",
    "without being asked for",
    // Nonstandard terms
    "Effect: reads",
    "another database than",
    "by a setting",
    "do not survive the new type",
    "does not name the database",
    "is a cargo feature",
    "look whether",
    "loosen the policy",
    "names nothing",
    "not brought back",
    "other databases than",
    "switched off here",
    "taken here",
    "what the migrations lead to",
    "where it was rehearsed",
    // Docs and comments
    "Everything that cargo db reads is in",
    "Heed",
    "Who measures another's data",
    "a session has no number",
    "answered other questions",
    "at home",
    "dress the new database",
    "from where on",
    "heed",
    "holds once, and is used up",
    "is sent away",
    "it is no record",
    "pays the rent",
    "so many",
    "that we heed",
    "the house's own",
    "the server knows nothing of itself",
];

/// The text of a file on one line, without the marks of comments: phrases go across lines.
fn prose(text: &str) -> String {
    let mark = Regex::new(r"^\s*(///|//!|//|#|--)?\s*").unwrap();
    let lines = text.lines().map(|line| mark.replace(line.trim_end_matches('\\'), ""));
    lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text files that these globs match, by their paths.
fn files(globs: &[&str]) -> BTreeMap<String, String> {
    let root = repository();
    let mut found = BTreeMap::new();
    for pattern in globs {
        let pattern = root.join(pattern).display().to_string();
        for path in glob::glob(&pattern).unwrap().flatten().filter(|path| path.is_file()) {
            let name = path.strip_prefix(Path::new(&root)).unwrap().display().to_string();
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    assert!(found.len() >= globs.len(), "{globs:?} match too few files");
    found
}

#[test]
fn nothing_has_a_name_that_has_to_be_guessed() {
    let names = IDENTIFIERS.join("|");
    let defined = Regex::new(&format!(
        r"(?x)
          \b(?:fn|struct|enum|trait|type|mod|const|static|let|let\ mut)\ (?:{names})\b
          | ^\s*(?:pub(?:\([a-z]+\))?\ )?(?:{names}):\ "
    ));
    let defined = defined.unwrap();
    let mut wrong = Vec::new();
    for (path, text) in files(&["crates/*/src/**/*.rs", "xtask/src/**/*.rs"]) {
        let lines = text.lines().enumerate().filter(|(_, line)| defined.is_match(line));
        wrong.extend(lines.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Types of one name would have two meanings. Aliases such as `Result` follow the standard library,
/// and the catalog of `pg-logical` the names of PostgreSQL, which mean the same there.
#[test]
fn no_two_types_share_a_name() {
    let defined = Regex::new(
        r"(?xm)
          ^(?:\ {4})*(?:pub(?:\([a-z]+\))?\ )?(?:struct|enum|trait)\ (\w+)
          | ^(?:pub(?:\([a-z]+\))?\ )?type\ (\w+)",
    );
    let defined = defined.unwrap();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in files(&["crates/*/src/**/*.rs"]) {
        for found in defined.captures_iter(&text) {
            let name = found.get(1).or(found.get(2)).unwrap().as_str();
            let vocabulary = if path.starts_with("crates/pg-logical/") { "catalog " } else { "" };
            places.entry(format!("{vocabulary}{name}")).or_default().push(path.clone());
        }
    }
    places.retain(|name, paths| paths.len() > 1 && name != "Result");
    assert_eq!(places, BTreeMap::new());
}

#[test]
fn no_phrase_has_to_be_read_twice() {
    let mut wrong = Vec::new();
    for (path, text) in files(&[
        "*.md",
        ".env.example",
        "crates/*/src/**/*.rs",
        "crates/*/src/**/*.sql",
        "crates/cargo-db/tests/it/seen/*.txt",
        "docs/**/*.json",
        "docs/**/*.md",
        "scripts/*",
        "xtask/src/**/*.rs",
    ]) {
        let text = prose(&text);
        let found = PHRASES.iter().filter(|phrase| text.contains(**phrase));
        wrong.extend(found.map(|phrase| format!("{path}: {phrase}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
