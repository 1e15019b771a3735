//! The rules: those of the linter that we heed, and our own for what it does not know.
//! `docs/rules.md` has a page on each, with examples that a test runs.

use pg_sql::lexer::{Lexed, Token, token, words};
use pg_sql::script::Statement;

use crate::check::{as_strs, finding, object_of};
use crate::model::finding::Class::{self, Compatibility, Form, Lock, Loss};
use crate::model::finding::Finding;
use crate::model::finding::Severity::{self, Block, Warn};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    /// What to do instead; for the linter's rules the linter says it.
    pub(crate) instead: &'static str,
}

const fn rule(name: &'static str, class: Class, severity: Severity, instead: &'static str) -> Rule {
    Rule { name, class, severity, instead }
}

/// All of them, by what they are about.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    // The file.
    rule("syntax", Form, Block, ""),
    rule("psql-command", Form, Block, "write SQL: nothing runs psql"),
    rule("transaction-control", Form, Block, "leave it out, or begin the file with `-- no-transaction`"),
    rule("outside-database", Form, Block, "do it by hand, or where the server is set up: a rollback does not undo it"),
    rule("enum-value-in-same-transaction", Form, Block, "use the value in the next migration"),
    rule("concurrently-in-transaction", Form, Block, "begin the file with `-- no-transaction`"),
    rule("ban-duplicate-column-assignments", Form, Block, ""),
    rule("identifier-too-long", Form, Warn, ""),
    rule("dynamic-execute", Form, Warn, "what it runs can only be seen by rehearsing it"),
    rule("allow-without-reason", Form, Warn, "say why, for whoever reads it in a year"),
    rule("unused-allow", Form, Warn, "take it out"),
    rule("unknown-directive", Form, Warn, ""),
    // The folder and its past.
    rule("edited-migration", Form, Block, "put it back, and write the change as a new migration"),
    rule("edited-comments", Form, Warn, "put it back: a tool that compares checksums takes it for another file"),
    rule("late-version", Form, Warn, "give it a newer version: others have applied newer ones already"),
    rule("same-version", Form, Block, "give one of the two another version"),
    rule("same-second", Form, Warn, "give one of the two another second: their order is chance"),
    rule("missing-down-file", Form, Warn, "write what leads back, or say in the file why there is none"),
    rule("orphan-down-file", Form, Warn, "give it the name of its up file, or remove it"),
    rule("misnamed-file", Form, Warn, "rename it, or move it away"),
    // Rows and values.
    rule("ban-drop-table", Loss, Block, "rename it first, and drop it when nobody has missed it"),
    rule("ban-drop-column", Loss, Block, "let the programs forget it first"),
    rule("ban-drop-schema", Loss, Block, ""),
    rule("ban-drop-database", Loss, Block, ""),
    rule("drop-cascade", Loss, Block, "name what should go: CASCADE takes what nobody looked at"),
    rule("truncate", Loss, Block, "delete what should go with a WHERE"),
    rule("delete-without-where", Loss, Block, "say which rows"),
    rule("update-without-where", Loss, Warn, "say which rows, and do many in batches"),
    rule("dml-in-cte", Loss, Warn, "write it as a statement of its own, which reviewers see"),
    rule("narrowing-type-change", Loss, Warn, "look first whether every value fits"),
    // Measured by a rehearsal.
    rule("fails", Form, Block, ""),
    rule("commit-fails", Form, Block, "what is deferred is checked at the commit"),
    rule("invalid-index", Form, Block, "drop it: nothing can use it"),
    rule("rows-lost", Loss, Block, ""),
    rule("values-lost", Loss, Block, ""),
    rule("values-overwritten", Loss, Warn, ""),
    rule("rewrite", Lock, Block, "add a column, fill it in batches, and change over"),
    rule("scan-under-lock", Lock, Block, "CONCURRENTLY, or NOT VALID and a VALIDATE in the next migration"),
    rule("work-under-lock", Lock, Block, "do it in a migration of its own, before or after"),
    rule("missing-index", Lock, Warn, "index the column that refers to it"),
    rule("relation-gone", Compatibility, Warn, ""),
    rule("column-gone", Compatibility, Warn, ""),
    rule("column-type-changed", Compatibility, Warn, ""),
    rule("enum-value-gone", Compatibility, Warn, ""),
    rule("function-gone", Compatibility, Warn, ""),
    rule("required-column", Compatibility, Warn, ""),
    // Locks and rewrites.
    rule("require-concurrent-index-creation", Lock, Warn, ""),
    rule("require-concurrent-index-deletion", Lock, Warn, ""),
    rule("require-concurrent-reindex", Lock, Warn, ""),
    rule("require-concurrent-partition-detach", Lock, Warn, ""),
    rule("constraint-missing-not-valid", Lock, Warn, ""),
    rule("adding-foreign-key-constraint", Lock, Warn, ""),
    rule("adding-field-with-default", Lock, Warn, ""),
    rule("adding-not-nullable-field", Lock, Warn, ""),
    rule("adding-serial-primary-key-field", Lock, Warn, ""),
    rule("disallowed-unique-constraint", Lock, Warn, ""),
    rule("changing-column-type", Lock, Warn, ""),
    rule("ban-alter-domain-with-add-constraint", Lock, Warn, ""),
    rule("attach-partition", Lock, Warn, "add a matching CHECK first, so that the table need not be read"),
    rule("refresh-materialized-view", Lock, Warn, "REFRESH … CONCURRENTLY lets it be read meanwhile"),
    rule("cluster", Lock, Warn, "pg_repack does it without shutting everybody out"),
    rule("vacuum-full", Lock, Warn, "a plain VACUUM, or pg_repack"),
    rule("set-unlogged", Lock, Warn, "make it so when it is created: here it is written anew"),
    rule("serial-column", Lock, Warn, "add it as bigint, fill it in batches, then attach the sequence"),
    rule("add-column-with-check", Lock, Warn, "add the column, then the CHECK as NOT VALID, then validate it"),
    // What programs rely on.
    rule("renaming-column", Compatibility, Warn, ""),
    rule("renaming-table", Compatibility, Warn, ""),
    rule("renaming-object", Compatibility, Warn, ""),
    rule("adding-required-field", Compatibility, Warn, ""),
    rule("ban-set-schema", Compatibility, Warn, ""),
    rule("ban-drop-constraint", Compatibility, Warn, ""),
    rule("ban-drop-view", Compatibility, Warn, ""),
    rule("ban-drop-function", Compatibility, Warn, ""),
    rule("ban-drop-type", Compatibility, Warn, ""),
    rule("ban-drop-sequence", Compatibility, Warn, ""),
    rule("ban-drop-domain", Compatibility, Warn, ""),
];

/// The rule with this name.
pub(super) fn named(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// What a finding of the linter is about; one of a rule that we do not heed is left out.
pub(super) fn of_linter(name: &str) -> Option<(Class, Severity)> {
    named(name).map(|rule| (rule.class, rule.severity))
}

/// What our own rules find in one statement.
pub(super) fn of_statement(statement: &Statement, transactional: bool) -> Vec<Finding> {
    let all = words(&statement.text);
    let mut found = Vec::new();
    let mut add = |rule: &str, line: usize, text: &str, evidence: String| {
        let mut finding = finding(rule, line, text, evidence);
        finding.object = object_of(text);
        found.push(finding);
    };
    if transactional && statement.controls_transaction() {
        let why = "it would end the transaction that the migration runs in".to_owned();
        add("transaction-control", statement.line, &statement.text, why);
    }
    for (rule, evidence) in matching(&as_strs(&all), transactional) {
        add(rule, statement.line, &statement.text, evidence.to_owned());
    }
    if all.first().is_some_and(|first| first == "do") {
        for (line, piece) in body_pieces(statement) {
            let words = words(&piece);
            let words = as_strs(&words);
            if words.first() == Some(&"execute") {
                let why = "it runs a statement that is put together as it goes".to_owned();
                add("dynamic-execute", line, &piece, why);
            }
            for (rule, evidence) in matching(&words, transactional) {
                add(rule, line, &piece, evidence.to_owned());
            }
            // What it puts together may reach out as well.
            let inner =
                texts(&piece).into_iter().map(|text| pg_sql::lexer::words(text.trim_matches('\'')));
            if inner.into_iter().any(|words| reaches_out(&as_strs(&words))) {
                add("outside-database", line, &piece, "it reaches beyond the database".to_owned());
            }
        }
    }
    // A function that reaches out does so when it is called, which may be here.
    let makes_routine = all.first().is_some_and(|first| first == "create")
        && all.iter().take(5).any(|word| word == "function" || word == "procedure");
    if makes_routine {
        for (line, piece) in body_pieces(statement) {
            if reaches_out(&as_strs(&words(&piece))) {
                add("outside-database", line, &piece, "it reaches beyond the database".to_owned());
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
        "the partition is read under a lock",
    );
    let refreshes =
        matches!(words, ["refresh", "materialized", "view", next, ..] if *next != "concurrently");
    when(refreshes, "refresh-materialized-view", "nobody can read it meanwhile");
    when(
        words.first() == Some(&"cluster"),
        "cluster",
        "the table is written anew, and nobody can read it meanwhile",
    );
    let vacuums = words.first() == Some(&"vacuum") && words.contains(&"full");
    when(vacuums, "vacuum-full", "the table is written anew, and nobody can read it meanwhile");
    let logged = has(&["set", "unlogged"]) || has(&["set", "logged"]);
    when(alters_table && logged, "set-unlogged", "the table is written anew");
    let serial = words.iter().any(|word| {
        matches!(*word, "serial" | "bigserial" | "smallserial" | "serial4" | "serial8")
    });
    let identity = has(&["as", "identity"]);
    when(
        adds_column && (serial || identity),
        "serial-column",
        "every row gets a value: the table is written anew",
    );
    when(
        adds_column && has(&["check", "("]),
        "add-column-with-check",
        "every row is checked under a lock",
    );
    let drops = matches!(words, ["drop", ..]) || alters_table && words.contains(&"drop");
    when(drops && cascades(words), "drop-cascade", "what depends on it goes too");
    when(
        alters_table && narrows(words),
        "narrowing-type-change",
        "a value may not fit, or be rounded",
    );
    when(reaches_out(words), "outside-database", "it reaches beyond the database");
    let outside = matches!(words, ["vacuum", ..])
        || words.contains(&"concurrently")
            && matches!(words, ["create" | "drop" | "reindex" | "alter", ..]);
    when(transactional && outside, "concurrently-in-transaction", "it cannot run in a transaction");
    found
}

/// What two statements do together.
pub(super) fn of_earlier(
    earlier: &[Statement],
    statement: &Statement,
    transactional: bool,
) -> Vec<Finding> {
    if !transactional {
        return Vec::new();
    }
    let used = texts(&statement.text);
    let added = earlier.iter().filter_map(|before| {
        let words = words(&before.text);
        let adds = matches!(as_strs(&words).as_slice(), ["alter", "type", ..] if words.iter().any(|word| word == "add"));
        if adds { texts(&before.text).into_iter().next() } else { None }
    });
    // A value may be written as E'…' in one place and as '…' in another.
    let bare = |text: &str| text.trim_start_matches(['e', 'E']).to_owned();
    let added = added.map(|value| bare(&value));
    let added = added.filter(|value| used.iter().any(|text| text.contains(value.as_str())));
    let found = added.map(|value| {
        let why = format!(
            "{value} was added to an enum by this transaction, and can be used when it is over"
        );
        finding("enum-value-in-same-transaction", statement.line, &statement.text, why)
    });
    found.collect()
}

/// The strings of a statement, with their quotes.
fn texts(statement: &str) -> Vec<String> {
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

/// The words that stand in no parentheses.
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

/// Whether an ALTER TABLE adds a column; the word COLUMN may be left out.
fn adds_column(words: &[&str]) -> bool {
    let constraints = ["constraint", "check", "unique", "primary", "foreign", "exclude", "value"];
    words.windows(2).any(|pair| pair[0] == "add" && !constraints.contains(&pair[1]))
}

/// Whether a CASCADE stands anywhere but in the action of a foreign key.
fn cascades(words: &[&str]) -> bool {
    (0..words.len()).any(|index| {
        words[index] == "cascade" && !(index > 0 && matches!(words[index - 1], "delete" | "update"))
    })
}

/// Whether a column gets a type that not every value of another one fits into.
fn narrows(words: &[&str]) -> bool {
    let narrow = [
        "smallint",
        "int2",
        "integer",
        "int",
        "int4",
        "real",
        "float4",
        "date",
        "boolean",
        "varchar",
        "character",
        "char",
        "numeric",
        "decimal",
    ];
    let changes = |index: usize| words[index] == "type" && words[..index].contains(&"alter");
    let to = (0..words.len().saturating_sub(1))
        .find(|&index| changes(index))
        .map(|index| &words[index + 1..]);
    // `numeric` and `varchar` without a length hold everything.
    to.is_some_and(|to| {
        let sized = to.contains(&"(");
        narrow.contains(&to[0])
            && (sized || !matches!(to[0], "varchar" | "character" | "numeric" | "decimal"))
    })
}

/// Whether a statement does something that lies outside this database, or that no rollback undoes.
fn reaches_out(words: &[&str]) -> bool {
    let of_server =
        ["system", "role", "user", "group", "database", "tablespace", "subscription", "server"];
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
    let has = |pattern: &[&str]| words.windows(pattern.len()).any(|window| window == pattern);
    match words {
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
        ["copy", rest @ ..] => {
            rest.windows(2).any(|pair| matches!(pair, ["from" | "to", "program" | "''"]))
        }
        _ => words.windows(2).any(|pair| pair[1] == "(" && called(pair[0])),
    }
}

/// The statements of a DO block, as far as they can be told without PL/pgSQL's grammar, with their
/// lines.
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
