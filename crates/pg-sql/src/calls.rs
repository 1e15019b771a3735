//! The functions that PostgreSQL calls while a dump is loaded: those in the dump, whose code can be
//! anything, and those of the server that reach outside the database.
//!
//! A statement that names a function of the dump counts as a call, so that too many functions are
//! listed rather than too few.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{first_words, words};
use crate::name::qualified_name;
use crate::statement::Statement;

/// A function that is called while a dump is loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// What is called.
    pub function: String,
    /// What calls it.
    pub caller: String,
}

/// Functions of the server that read or write outside of the database, run SQL or other sessions'
/// business: the beginnings of their names.
const OUTSIDE: &[&str] = &[
    "pg_read_file",
    "pg_read_binary_file",
    "pg_ls_",
    "pg_stat_file",
    "pg_file_",
    "pg_current_logfile",
    "lo_import",
    "lo_export",
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "ts_stat",
    "ts_rewrite",
    "pg_stat_reset",
    "pg_import_system_collations",
    "pg_backup_",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_wal_replay_",
    "lo_unlink",
    "lo_put",
    "lo_create",
    "lo_from_bytea",
    "dblink",
    "set_config",
    "pg_notify",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_switch_wal",
    "pg_promote",
    "pg_create_",
    "pg_drop_",
    "pg_copy_",
    "pg_logical_",
    "pg_replication_",
    "pg_advisory_",
    "pg_sleep",
];

/// What is known of a dump after some of its statements.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    found: BTreeSet<Call>,
    /// The functions that it makes, with and without their schemas.
    functions: BTreeSet<String>,
    /// What a view, an aggregate or an operator names of them: called when it is read or used.
    within: BTreeMap<String, BTreeSet<String>>,
    /// What runs with the rows of a table: its triggers and rules.
    with_rows: Vec<Call>,
    /// The defaults of columns, called if the rows do not contain the column.
    defaults: Vec<Default>,
}

/// The default of a column that calls something.
#[derive(Debug)]
struct Default {
    column: String,
    call: Call,
}

impl Calls {
    /// Looks at the next statement.
    pub(crate) fn note(&mut self, statement: &Statement) {
        let head = first_words(&statement.text, 4);
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        match head.as_slice() {
            ["create", "function" | "procedure", ..]
            | ["create", "or", "replace", "function" | "procedure"] => self.makes(statement),
            ["create", "view" | "aggregate" | "operator", ..]
            | ["create", "or", "replace", "view" | "aggregate"]
            | ["create", "recursive", "view", ..]
            | ["create", "materialized", "view", ..] => self.keeps(statement),
            ["create", "trigger" | "rule", ..] | ["create", "constraint", "trigger", ..] => {
                let calls = self.calls_of(statement);
                self.with_rows.extend(calls);
            }
            ["create", "table" | "unlogged" | "foreign", ..] => self.table(statement),
            ["create", ..] => self.calls(statement),
            ["alter", "table" | "foreign" | "domain", ..] => self.alters(statement),
            ["refresh", ..] => self.refreshes(statement),
            ["copy" | "insert", ..] => self.rows(statement),
            _ => {}
        }
    }

    /// What was found, without the same twice.
    pub(crate) fn found(self) -> Vec<Call> {
        self.found.into_iter().collect()
    }

    fn makes(&mut self, statement: &Statement) {
        let words = words(head_of(&statement.text));
        let at = words.iter().position(|word| word == "function" || word == "procedure");
        // The server loads a library as soon as a function in C is created.
        if words.windows(2).any(|pair| pair == ["language", "c"]) {
            let name = at.and_then(|at| qualified_name(&words[at + 1..])).unwrap_or_default();
            let function = "the code of a library of the server".to_owned();
            self.found.insert(Call { function, caller: format!("function {name}") });
        }
        self.functions.extend(at.and_then(|at| last_part(&words[at + 1..])));
    }

    /// Remembers what something names, for when that is used itself.
    fn keeps(&mut self, statement: &Statement) {
        let words = words(&statement.text);
        let named = self.named_deeply(&words);
        if named.is_empty() {
            return;
        }
        // Indexes and constraints use an operator by its sign, or by no name at all.
        if words.get(1).is_some_and(|word| word == "operator") {
            self.add(&named, &describe(&words));
        } else if let Some(name) = subject(&words) {
            self.within.insert(name, named);
        }
    }

    fn calls(&mut self, statement: &Statement) {
        let calls = self.calls_of(statement);
        self.found.extend(calls);
    }

    fn calls_of(&self, statement: &Statement) -> Vec<Call> {
        let words = words(&statement.text);
        let caller = describe(&words);
        let named = self.named_deeply(&words).into_iter();
        named.map(|function| Call { function, caller: caller.clone() }).collect()
    }

    /// The functions that a table calls for each row, and those that it calls for omitted columns.
    fn table(&mut self, statement: &Statement) {
        let words = words(&statement.text);
        if self.named_deeply(&words).is_empty() {
            return;
        }
        let caller = describe(&words);
        let (defaults, rest) = split_defaults(&words);
        let named = self.named_deeply(&rest);
        self.add(&named, &caller);
        for (column, default) in defaults {
            self.default(&column, &default, &caller);
        }
    }

    fn default(&mut self, column: &str, words: &[String], caller: &str) {
        for function in self.named_deeply(words) {
            let call = Call { function, caller: format!("default of {column} in {caller}") };
            self.defaults.push(Default { column: column.to_owned(), call });
        }
    }

    fn alters(&mut self, statement: &Statement) {
        let words = words(&statement.text);
        let default = words.windows(2).position(|pair| pair == ["set", "default"]);
        match default.filter(|at| *at > 0) {
            Some(at) => self.default(&words[at - 1], &words[at..], &describe(&words)),
            None => self.calls(statement),
        }
    }

    /// What a materialized view calls when it is filled.
    fn refreshes(&mut self, statement: &Statement) {
        let words = words(&statement.text);
        let Some(name) = subject(&words) else { return };
        let named = self.within.get(&name).cloned().unwrap_or_default();
        self.add(&named, &format!("materialized view {name}"));
    }

    /// What rows set off that are loaded now.
    fn rows(&mut self, statement: &Statement) {
        if self.with_rows.is_empty() && self.defaults.is_empty() {
            return;
        }
        self.found.extend(self.with_rows.iter().cloned());
        let words = words(head_of(&statement.text));
        let has_columns = words.iter().take(6).any(|word| word == "(");
        let inserts = words.first().is_some_and(|word| word == "insert");
        for Default { column, call } in &self.defaults {
            let left_out = if has_columns { !words.contains(column) } else { inserts };
            if left_out {
                self.found.insert(call.clone());
            }
        }
    }

    fn add(&mut self, functions: &BTreeSet<String>, caller: &str) {
        let call =
            |function: &String| Call { function: function.clone(), caller: caller.to_owned() };
        self.found.extend(functions.iter().map(call));
    }

    /// What is named, and what that names in its turn.
    fn named_deeply(&self, words: &[String]) -> BTreeSet<String> {
        let mut named = self.named(words);
        for (other, of_other) in &self.within {
            if names(words, other) {
                named.extend(of_other.iter().cloned());
            }
        }
        named
    }

    /// The functions of the dump that are named, and those that reach out of the database.
    fn named(&self, words: &[String]) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for (at, word) in words.iter().enumerate() {
            let begin = begin_of_name(words, at);
            let is_called = words.get(at + 1).is_some_and(|next| next == "(")
                || begin > 0 && BEFORE.contains(&words[begin - 1].as_str());
            // `row.name` calls the function `name` with the row.
            let is_attribute = begin < at;
            let is_ours = self.functions.contains(word) && words[begin] != "pg_catalog";
            let is_outside = OUTSIDE.iter().any(|outside| word.starts_with(outside));
            if is_called && (is_ours || is_outside) || is_attribute && is_ours {
                named.insert(words[begin..=at].concat());
            }
        }
        named
    }
}

/// Words before the name of a function that is referred to but not called.
const BEFORE: &[&str] = &["=", "handler", "validator", "inline", "function", "procedure"];

/// The start of the qualified name whose last part is at this position.
fn begin_of_name(words: &[String], mut at: usize) -> usize {
    while at >= 2 && words[at - 1] == "." {
        at -= 2;
    }
    at
}

/// As much of a statement as has its names: the rows of an INSERT may be long.
fn head_of(text: &str) -> &str {
    let mut end = text.len().min(20_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The last part of the qualified name at the beginning.
fn last_part(words: &[String]) -> Option<String> {
    let mut at = 0;
    while words.get(at + 1).is_some_and(|word| word == ".") {
        at += 2;
    }
    words.get(at).cloned()
}

/// Keywords for the kind of object that a statement creates, which precede its name.
const KINDS: &[&str] = &[
    "access",
    "aggregate",
    "alter",
    "as",
    "class",
    "constraint",
    "conversion",
    "create",
    "data",
    "default",
    "domain",
    "event",
    "exists",
    "family",
    "foreign",
    "if",
    "index",
    "language",
    "materialized",
    "method",
    "not",
    "on",
    "only",
    "operator",
    "or",
    "procedural",
    "recursive",
    "refresh",
    "replace",
    "rule",
    "search",
    "sequence",
    "server",
    "statistics",
    "table",
    "text",
    "transform",
    "trigger",
    "trusted",
    "type",
    "unique",
    "unlogged",
    "view",
    "wrapper",
];

/// The name of the object that a statement creates.
fn subject(words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| !KINDS.contains(&word.as_str()))?;
    qualified_name(&words[at..])
}

/// What a statement makes, as people say it: `index public.i`.
fn describe(words: &[String]) -> String {
    let at = words.iter().position(|word| !KINDS.contains(&word.as_str())).unwrap_or(words.len());
    let left_out =
        ["create", "alter", "or", "replace", "if", "not", "exists", "only", "unlogged", "unique"];
    let kind = words[..at].iter().map(String::as_str).filter(|word| !left_out.contains(word));
    let name = subject(words);
    kind.chain(name.as_deref()).collect::<Vec<_>>().join(" ")
}

/// Whether the words contain the last part of a name.
fn names(words: &[String], name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    words.iter().any(|word| word == last)
}

/// What ends the default of a column.
const AFTER_DEFAULT: &[&str] = &[
    "check",
    "collate",
    "constraint",
    "generated",
    "not",
    "null",
    "primary",
    "references",
    "unique",
];

/// The defaults of a table's columns, and the remaining words of its statement.
fn split_defaults(words: &[String]) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    let (mut defaults, mut rest) = (Vec::new(), Vec::new());
    let (mut depth, mut column, mut in_default) = (0_usize, 0, false);
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_outermost = depth == 1 && word != ")" || depth == 0;
        if is_outermost && (word == "," || word == "(" || depth == 0) {
            (column, in_default) = (at + 1, false);
        } else if is_outermost && AFTER_DEFAULT.contains(&word.as_str()) {
            in_default = false;
        }
        if is_outermost && depth == 1 && word == "default" && at > column {
            in_default = true;
            defaults.push((words[column].clone(), Vec::new()));
        }
        match defaults.last_mut().filter(|_| in_default) {
            Some((_, default)) => default.push(word.clone()),
            None => rest.push(word.clone()),
        }
    }
    (defaults, rest)
}

#[cfg(test)]
mod tests {
    use crate::survey::survey;

    const FUNCTION: &str =
        "CREATE FUNCTION public.f(a text) RETURNS text LANGUAGE sql AS $$ SELECT 1 $$;\n";

    fn calls(text: &str) -> Vec<String> {
        let text = format!("{FUNCTION}{text}");
        let found = survey(&mut text.as_bytes(), &mut || ()).unwrap();
        assert_eq!(found.unexpected, None, "{text}");
        found.calls.iter().map(|call| format!("{} by {}", call.function, call.caller)).collect()
    }

    #[test]
    fn a_library_and_an_attribute_are_calls_too() {
        let library = "CREATE FUNCTION public.c() RETURNS int LANGUAGE c AS '$libdir/x', 'y';";
        assert_eq!(calls(library), ["the code of a library of the server by function public.c"]);
        let view = "CREATE MATERIALIZED VIEW public.m AS SELECT r.f FROM public.t r WITH NO DATA;\n\
                    REFRESH MATERIALIZED VIEW public.m;";
        assert_eq!(calls(view), ["r.f by materialized view public.m"]);
    }

    #[test]
    fn whatever_calls_a_function_while_it_is_loaded_is_named() {
        for (text, caller) in [
            ("CREATE UNIQUE INDEX i ON public.t USING btree (public.f(a));", "index i"),
            (
                "CREATE TABLE public.t (a text, CONSTRAINT c CHECK (public.f(a) = 'x'));",
                "table public.t",
            ),
            (
                "CREATE TABLE public.t (a text, b text GENERATED ALWAYS AS (public.f(a)) STORED);",
                "table public.t",
            ),
            (
                "CREATE TABLE public.t (a text DEFAULT 'x', CHECK (public.f(a) > 1));",
                "table public.t",
            ),
            ("CREATE TABLE public.t (a text) PARTITION BY LIST (public.f(a));", "table public.t"),
            (
                "ALTER TABLE ONLY public.t ADD CONSTRAINT c CHECK (public.f(a) > 1);",
                "table public.t",
            ),
            ("CREATE DOMAIN public.d AS text CHECK (public.f(VALUE) > 1);", "domain public.d"),
            (
                "ALTER DOMAIN public.d ADD CONSTRAINT c CHECK (public.f(VALUE) > 1);",
                "domain public.d",
            ),
            (
                "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f();",
                "event trigger e",
            ),
            ("CREATE STATISTICS public.s ON public.f(a), b FROM public.t;", "statistics public.s"),
            (
                "CREATE OPERATOR public.=== (FUNCTION = public.f, LEFTARG = text, RIGHTARG = \
                 text);",
                "operator public.=",
            ),
            ("CREATE CAST (text AS public.x) WITH FUNCTION public.f(text);", "cast"),
            (
                "CREATE VIEW public.v AS SELECT public.f('x');\nCREATE VIEW public.w AS SELECT * \
                 FROM public.v;\nCREATE MATERIALIZED VIEW public.m AS SELECT * FROM public.w \
                 WITH NO DATA;\nREFRESH MATERIALIZED VIEW public.m;",
                "materialized view public.m",
            ),
            (
                "CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION \
                 public.f();\nCOPY public.t (a) FROM stdin;\n\\.\n",
                "trigger g",
            ),
            (
                "CREATE TABLE public.t (a text, b text DEFAULT public.f('x') NOT NULL);\n\
                 COPY public.t (a) FROM stdin;\n\\.\n",
                "default of b in table public.t",
            ),
            (
                "ALTER TABLE ONLY public.t ALTER COLUMN b SET DEFAULT public.f('x');\n\
                 INSERT INTO public.t VALUES (1);",
                "default of b in table public.t",
            ),
        ] {
            let found = calls(text);
            assert!(
                found.iter().any(|call| call.starts_with(&format!("public.f by {caller}"))),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_only_defined_calls_nothing() {
        for text in [
            "CREATE VIEW public.v AS SELECT public.f('x');",
            "CREATE MATERIALIZED VIEW public.m AS SELECT public.f('x') WITH NO DATA;",
            "CREATE FUNCTION public.g() RETURNS text LANGUAGE sql AS $$ SELECT public.f('x') $$;",
            "CREATE TABLE public.t (a text, b text DEFAULT public.f('x') NOT NULL);\n\
             COPY public.t (a, b) FROM stdin;\n\\.\n",
            "CREATE TABLE public.t (a text DEFAULT now());\nCOPY public.t (a) FROM stdin;\nf(\n\
             \\.\nCREATE TRIGGER g AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION \
             public.f();",
            "CREATE TABLE public.t (a text, f text, CHECK (f <> 'f('));",
            "CREATE INDEX i ON public.t USING btree (lower(a));",
            "COMMENT ON FUNCTION public.f(a text) IS 'f';",
        ] {
            assert_eq!(calls(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_reaches_out_of_the_database_is_named() {
        let text = "CREATE TABLE public.t (a text CHECK (pg_catalog.pg_read_file(a) > ''));";
        assert_eq!(calls(text), ["pg_catalog.pg_read_file by table public.t"]);
    }
}
