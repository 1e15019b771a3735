//! What our own rules find in statements: what the linter does not know.

use crate::check::columns::{Columns, TypeChange};
use crate::check::finding::finding;
use crate::check::split::split;
use crate::check::switch::switched_off;
use crate::check::words::{as_strs, object_of, texts};
use crate::model::finding::Finding;
use pg_sql::lexer::{Lexed, Token, token, words};
use pg_sql::script::Statement;

/// What our own rules find in one statement.
pub(super) fn of_statement(
    statement: &Statement,
    transactional: bool,
    columns: &Columns,
) -> Vec<Finding> {
    let all = words(&statement.text);
    let is_block = all.first().is_some_and(|first| first == "do");
    let pieces = if is_block { body_pieces(statement) } else { Vec::new() };
    let mut found = narrowing(columns, (statement.line, &statement.text), &as_strs(&all));
    for (line, piece) in &pieces {
        found.extend(narrowing(columns, (*line, piece), &as_strs(&words(piece))));
    }
    let mut add = |rule: &str, line: usize, text: &str, evidence: String| {
        let mut finding = finding(rule, line, text, evidence);
        finding.object = object_of(text);
        found.push(finding);
    };
    if transactional && statement.controls_transaction() {
        let why = "the statement would end the transaction of the migration".to_owned();
        add("transaction-control", statement.line, &statement.text, why);
    }
    if let Some((setting, value)) = statement.misleading_setting() {
        let why = format!(
            "the statement sets `{setting}` to `{value}`, so the rest of the file would be \
             parsed differently"
        );
        add("misread-setting", statement.line, &statement.text, why);
    }
    for (rule, evidence) in matching(&as_strs(&all), transactional) {
        add(rule, statement.line, &statement.text, evidence.to_owned());
    }
    if let Some((rule, evidence)) = switched_off(&statement.text) {
        add(rule, statement.line, &statement.text, evidence.to_owned());
    }
    for (line, piece) in pieces {
        let words = words(&piece);
        let words = as_strs(&words);
        if words.first() == Some(&"execute") {
            let why = "it runs a statement that is built at run time".to_owned();
            add("dynamic-execute", line, &piece, why);
        }
        for (rule, evidence) in matching(&words, transactional) {
            add(rule, line, &piece, evidence.to_owned());
        }
        let executed = texts(&piece);
        let executed = executed.iter().map(|text| text.trim_matches('\''));
        if let Some((rule, evidence)) =
            std::iter::once(piece.as_str()).chain(executed).find_map(switched_off)
        {
            add(rule, line, &piece, evidence.to_owned());
        }
        // What it puts together may reach out as well.
        let inner =
            texts(&piece).into_iter().map(|text| pg_sql::lexer::words(text.trim_matches('\'')));
        if inner.into_iter().any(|words| reaches_out(&as_strs(&words))) {
            let why = "it affects more than this database".to_owned();
            add("outside-database", line, &piece, why);
        }
    }
    // A function that reaches out does so when it is called, which may be here.
    let makes_routine = all.first().is_some_and(|first| first == "create")
        && all.iter().take(5).any(|word| word == "function" || word == "procedure");
    if makes_routine {
        for (line, piece) in body_pieces(statement) {
            if reaches_out(&as_strs(&words(&piece))) {
                add(
                    "outside-database",
                    line,
                    &piece,
                    "it affects more than this database".to_owned(),
                );
            }
        }
    }
    found
}

/// Which of our rules the words of a statement break.
fn matching(words: &[&str], transactional: bool) -> Vec<(&'static str, &'static str)> {
    let has = |pattern: &[&str]| words.windows(pattern.len()).any(|window| window == pattern);
    let alters_table = matches!(words, ["alter", "table", ..]);
    let adds_column = alters_table && adds_column(words);
    let top = top_level(words);
    let mut found = Vec::new();
    let mut when = |broken: bool, rule, evidence| found.extend(broken.then_some((rule, evidence)));

    when(words.first() == Some(&"truncate"), "truncate", "it empties whole tables");
    when(is_bare(&top, "delete"), "delete-without-where", "it deletes every row");
    when(is_bare(&top, "update"), "update-without-where", "it overwrites every row");
    let writes = ["insert", "update", "delete", "merge"];
    let hidden = words.first() == Some(&"with")
        && words.windows(2).any(|pair| pair[0] == "(" && writes.contains(&pair[1]));
    when(hidden, "dml-in-cte", "a WITH query changes rows");
    when(
        alters_table && has(&["attach", "partition"]),
        "attach-partition",
        "the partition is scanned under a lock",
    );
    let refreshes =
        matches!(words, ["refresh", "materialized", "view", next, ..] if *next != "concurrently");
    when(refreshes, "refresh-materialized-view", "it cannot be read meanwhile");
    when(
        words.first() == Some(&"cluster"),
        "cluster",
        "the table is rewritten, and cannot be read meanwhile",
    );
    let vacuums = words.first() == Some(&"vacuum") && words.contains(&"full");
    when(vacuums, "vacuum-full", "the table is rewritten, and cannot be read meanwhile");
    let logged = has(&["set", "unlogged"]) || has(&["set", "logged"]);
    when(alters_table && logged, "set-unlogged", "the table is rewritten");
    let serial = words.iter().any(|word| {
        matches!(*word, "serial" | "bigserial" | "smallserial" | "serial4" | "serial8")
    });
    let identity = has(&["as", "identity"]);
    when(
        adds_column && (serial || identity),
        "serial-column",
        "every row gets a value: the table is rewritten",
    );
    when(
        adds_column && has(&["check", "("]),
        "add-column-with-check",
        "every row is checked under a lock",
    );
    let drops = matches!(words, ["drop", ..]) || alters_table && words.contains(&"drop");
    when(drops && cascades(words), "drop-cascade", "dependent objects are dropped too");
    when(reaches_out(words), "outside-database", "it affects more than this database");
    let needs_no_transaction = matches!(words, ["vacuum", ..])
        || words.contains(&"concurrently")
            && matches!(words, ["create" | "drop" | "reindex" | "alter", ..]);
    when(
        transactional && needs_no_transaction,
        "concurrently-in-transaction",
        "it cannot run in a transaction",
    );
    found
}

/// The words outside of parentheses.
fn top_level<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut depth = 0_usize;
    let mut top = Vec::new();
    for word in words {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            word if depth == 0 => top.push(word),
            _ => {}
        }
    }
    top
}

/// Whether a statement, behind its WITH, is of this kind and has no WHERE.
fn is_bare(top: &[&str], kind: &str) -> bool {
    let is_of =
        |word: &&&str| matches!(**word, "select" | "insert" | "update" | "delete" | "merge");
    let first = match top.first() {
        Some(&"with") => top.iter().find(is_of),
        first => first,
    };
    first == Some(&kind) && !top.contains(&"where")
}

/// Whether an ALTER TABLE adds a column; the word COLUMN is optional.
pub(crate) fn adds_column(words: &[&str]) -> bool {
    // `ADD GENERATED` changes an existing column.
    let constraints =
        ["constraint", "check", "unique", "primary", "foreign", "exclude", "value", "generated"];
    words.windows(2).any(|pair| pair[0] == "add" && !constraints.contains(&pair[1]))
}

/// Whether there is a CASCADE outside of the action of a foreign key.
fn cascades(words: &[&str]) -> bool {
    (0..words.len()).any(|index| {
        words[index] == "cascade" && !(index > 0 && matches!(words[index - 1], "delete" | "update"))
    })
}

/// Whether an ALTER TABLE changes the type of a column: whether it contains the word TYPE, other
/// than as a name in an expression or a constraint.
pub(crate) fn changes_type(words: &[&str]) -> bool {
    let of_column = |index: usize| {
        let alters = words[..index].iter().rposition(|word| *word == "alter");
        let adds = words[..index].iter().rposition(|word| *word == "add");
        let is_name = matches!(words[..index].last(), Some(&("alter" | "column")));
        !is_name && alters.filter(|alters| *alters > 0) > adds
    };
    (0..words.len().saturating_sub(1)).any(|index| words[index] == "type" && of_column(index))
}

/// The columns that get a type that may not hold every value of theirs.
fn narrowing(columns: &Columns, (line, text): (usize, &str), words: &[&str]) -> Vec<Finding> {
    let changes = columns.type_changes(words).into_iter();
    let narrowed = changes.filter_map(|change| Some((why_narrower(&change)?, change.object)));
    let found = narrowed.map(|(why, object)| {
        let found = finding("narrowing-type-change", line, text, why);
        Finding { object: Some(object), ..found }
    });
    found.collect()
}

fn why_narrower(change: &TypeChange<'_>) -> Option<String> {
    let TypeChange { old, new, .. } = change;
    let holds = old.filter(|_| !change.is_computed).and_then(|old| new.holds(old));
    let may_lose = "a value may not fit, or be rounded";
    match (old, holds) {
        (Some(old), Some(false)) => {
            Some(format!("`{}` cannot hold every value of `{}`", new.spelled, old.spelled))
        }
        (_, Some(_)) => None,
        _ if !new.is_limited() => None,
        (Some(_), None) => Some(may_lose.to_owned()),
        (None, None) => {
            Some(format!("{may_lose}: earlier files do not say which type the column has"))
        }
    }
}

/// Whether a statement only changes types, and none of the changes rewrites the table.
pub(super) fn keeps_stored_values(columns: &Columns, statement: &Statement) -> bool {
    let words = words(&statement.text);
    let words = as_strs(&words);
    let changes = columns.type_changes(&words);
    let keeps = |change: &TypeChange<'_>| {
        let is_plain = !change.is_computed && !change.is_collated;
        is_plain && change.old.is_some_and(|old| change.new.is_stored_like(old))
    };
    !changes.is_empty() && changes.iter().all(keeps)
}

/// Whether a statement affects something outside this database, or that no rollback undoes.
fn reaches_out(words: &[&str]) -> bool {
    changes_server(words) || cannot_be_undone(words)
}

/// Whether a script contains something that no rollback undoes, such as a program that it runs.
pub(crate) fn has_lasting_effects(text: &str) -> bool {
    let (statements, _) = split(text);
    statements.iter().flat_map(word_lists).any(|words| cannot_be_undone(&as_strs(&words)))
}

/// The words of a statement, of the statements in its body, and of the strings in both.
fn word_lists(statement: &Statement) -> Vec<Vec<String>> {
    let pieces = body_pieces(statement).into_iter().map(|(_, piece)| piece);
    let pieces: Vec<String> = pieces.chain([statement.text.clone()]).collect();
    let strings = pieces.iter().flat_map(|piece| texts(piece));
    let strings: Vec<String> = strings.map(|text| text.trim_matches('\'').to_owned()).collect();
    pieces.iter().chain(&strings).map(|text| words(text)).collect()
}

/// Whether a statement runs a program, uses a file of the server, or affects other sessions or
/// servers.
fn cannot_be_undone(words: &[&str]) -> bool {
    let calls = [
        "lo_import",
        "lo_export",
        "pg_read_file",
        "pg_write_file",
        "pg_file_write",
        "pg_reload_conf",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_switch_wal",
        "pg_promote",
        "pg_rotate_logfile",
    ];
    let called = |name: &str| {
        calls.contains(&name) || name.starts_with("dblink") || name.contains("replication_slot")
    };
    let is_program = |pair: &[&str]| matches!(pair, ["from" | "to", "program" | "''"]);
    match words {
        ["alter", "system", ..] => true,
        ["create" | "alter" | "drop", "subscription", ..] => true,
        // They cannot run in a transaction, so no rollback undoes them.
        ["create" | "drop", "database" | "tablespace", ..] => true,
        ["copy", rest @ ..] => rest.windows(2).any(is_program),
        _ => words.windows(2).any(|pair| pair[1] == "(" && called(pair[0])),
    }
}

/// Whether a statement changes what all databases of the server share.
fn changes_server(words: &[&str]) -> bool {
    let of_server = ["role", "user", "group", "database", "tablespace", "server"];
    let has = |pattern: &[&str]| words.windows(pattern.len()).any(|window| window == pattern);
    match words {
        // Unlike a user, a user mapping belongs to one database.
        ["create" | "alter" | "drop", "user", "mapping", ..] => false,
        ["create" | "alter" | "drop", what, ..] if of_server.contains(what) => true,
        ["comment", "on", "database" | "role" | "tablespace", ..] => true,
        ["drop" | "reassign", "owned", ..] => true,
        // Rights on something are the database's own; roles given to roles, and rights on a
        // database, are not.
        ["grant" | "revoke", ..] => {
            !words.contains(&"on")
                || has(&["on", "database"])
                || has(&["on", "tablespace"])
                || has(&["on", "parameter"])
        }
        _ => false,
    }
}

/// The statements of a DO block with their lines, as far as they can be split without PL/pgSQL's
/// grammar.
fn body_pieces(statement: &Statement) -> Vec<(usize, String)> {
    let Some(body) = texts(&statement.text).into_iter().find(|text| text.starts_with('$')) else {
        return Vec::new();
    };
    let begins = statement.text.find(&body).unwrap_or(0);
    let tag = body[1..].find('$').map_or(0, |end| end + 2);
    let inner = &body[tag..body.len() - tag];
    let mut line = statement.line + statement.text[..begins + tag].matches('\n').count();
    let (mut pieces, mut piece, mut piece_line, mut at) = (Vec::new(), String::new(), line, 0);
    while at < inner.len() {
        let Lexed::Token(kind, length) = token(&inner.as_bytes()[at..], true) else { break };
        let text = &inner[at..at + length];
        let opens =
            matches!(text.to_lowercase().as_str(), "begin" | "then" | "else" | "loop" | "declare");
        if kind == Token::Semicolon || opens {
            pieces.push((piece_line, std::mem::take(&mut piece)));
        } else if !(piece.is_empty() && matches!(kind, Token::Space | Token::Comment)) {
            if piece.is_empty() {
                piece_line = line;
            }
            piece.push_str(text);
        }
        line += text.matches('\n').count();
        at += length;
    }
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
}
