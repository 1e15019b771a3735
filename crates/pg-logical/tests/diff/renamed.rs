//! Renames that the user asks for.

use pg_logical::catalog::Kind;
use pg_logical::diff::{
    Hazard, Plan, Rename, RenameProblem, Renamed, Renaming, both_ways, possible_renames, renames,
};

use crate::{Database, between, same, text, wanted};

fn of(what: Renamed, old: &str, new: &str) -> Rename {
    Rename { what, old: old.to_owned(), new: new.to_owned(), line: None }
}

fn told(text: &str) -> Rename {
    Rename::told(text).expect("old=new")
}

const TABLE: Renamed = Renamed::Object(Kind::Table);

fn of_table(old: &str, new: &str) -> Rename {
    of(TABLE, old, new)
}

/// Runs the renames and the plan between two schemas, and back, and returns the renames.
#[track_caller]
fn renamed(first: &str, second: &str, asked: &[Rename]) -> Renaming {
    let (live, goal) = (Database::new(first), Database::new(second));
    let (start, after) = (live.catalog(), goal.catalog());
    let renaming = renames(&start, &after, asked).unwrap_or_else(|error| panic!("{error}"));
    live.apply("the renames", &Plan { steps: renaming.there.clone() }).expect("renames");
    let plans = both_ways(&live.catalog(), &after, &wanted()).expect("plans");
    live.apply("the rest", &plans.up).expect("steps");
    same("renamed", &live.catalog(), &after).expect("the same");
    let down = plans.with(renaming.clone()).down.expect("a down migration");
    live.apply("back", &down).expect("steps");
    same("renamed back", &live.catalog(), &start).expect("the same");
    renaming
}

#[test]
fn everything_follows_a_rename() {
    let live = Database::new(
        "CREATE TABLE t (a int UNIQUE, b int); CREATE VIEW v AS SELECT a FROM t; \
         CREATE INDEX i ON t (b); INSERT INTO t VALUES (1, 2)",
    );
    let goal = Database::new(
        "CREATE TABLE people (a int CONSTRAINT t_a_key UNIQUE, age int); \
         CREATE VIEW v AS SELECT a FROM people; CREATE INDEX i ON people (age)",
    );
    let start = live.catalog();
    let asked = [of(TABLE, "t", "people"), of(Renamed::Column, "public.people.b", "age")];
    let renaming = renames(&start, &goal.catalog(), &asked).expect("renames");
    live.apply("renames", &Plan { steps: renaming.there }).expect("renames");
    assert_eq!(between(&live.catalog(), &goal.catalog()), Ok(Plan::default()));
    live.apply("renamed back", &Plan { steps: renaming.back }).expect("renames");
    same("renamed back", &live.catalog(), &start).expect("the same");
    assert_eq!(crate::cluster().query(&live.0, "SELECT b FROM t"), ["2"]);
}

#[test]
fn names_that_postgresql_made_are_renamed_along() {
    let of = |table: &str, column: &str| {
        format!(
            "CREATE TABLE {table} (id serial PRIMARY KEY, {column} text UNIQUE, \
             CHECK ({column} <> ''), x int); CREATE INDEX ON {table} ({column}, x); \
             CREATE INDEX my_own ON {table} (x); \
             CREATE TABLE other (id int REFERENCES {table}, i int GENERATED ALWAYS AS IDENTITY)"
        )
    };
    let asked = [told("users=people"), told("users.mail=people.email")];
    let renaming = renamed(&of("users", "mail"), &of("people", "email"), &asked);
    let found: Vec<&str> = renaming.there.iter().filter_map(|step| step.found.as_deref()).collect();
    assert_eq!(
        found,
        [
            "renamed column users.mail to email",
            "renamed sequence users_id_seq to people_id_seq",
            "renamed constraint users_mail_check to people_email_check",
            "renamed constraint users_mail_key to people_email_key",
            "renamed constraint users_pkey to people_pkey",
            "renamed index users_mail_x_idx to people_email_x_idx",
            "renamed table users to people",
        ]
    );
    assert_eq!(renaming.there[0].hazards, [Hazard::RenamingColumn]);
}

#[test]
fn objects_of_all_kinds_are_renamed() {
    let of = |s: &str, o: &str| {
        format!(
            "CREATE SCHEMA {s}; CREATE TYPE {s}.e{o} AS ENUM ('a'); CREATE TABLE {s}.t (a int, \
             b {s}.e{o}); CREATE TYPE {s}.k AS (f{o} int); \
             CREATE VIEW {s}.v{o} AS SELECT a AS c{o} FROM {s}.t; \
             CREATE FUNCTION {s}.f{o}(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
             CREATE POLICY p{o} ON {s}.t USING (a > 0); \
             CREATE MATERIALIZED VIEW {s}.m AS SELECT a AS c{o} FROM {s}.t"
        )
    };
    let asked = [
        told("one=two"),
        told("one.e1=e2"),
        told("one.k.f1=f2"),
        told("one.v1=v2"),
        told("one.v1.c1=c2"),
        told("one.f1=f2"),
        told("p1=p2"),
        told("one.m.c1=c2"),
    ];
    renamed(&of("one", "1"), &of("two", "2"), &asked);
}

/// The tables that inherit a column get its new name, and so do their indexes.
#[test]
fn a_column_is_renamed_in_the_table_that_others_inherit_it_from() {
    let of = |column: &str| {
        format!(
            "CREATE TABLE logs (id int, {column} date) PARTITION BY RANGE ({column}); \
             CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO \
             ('2026-01-01') PARTITION BY LIST (id); \
             CREATE TABLE logs_one PARTITION OF logs_2025 FOR VALUES IN (1); \
             CREATE INDEX ON logs ({column}); CREATE TABLE base (x{column} int); \
             CREATE TABLE heir () INHERITS (base)"
        )
    };
    let (before, after) = (of("day"), of("at"));
    let (old, new) = (Database::new(&before).catalog(), Database::new(&after).catalog());
    let possible = possible_renames(&old, &new);
    let words: Vec<&str> = possible.iter().map(|one| one.dropped.as_str()).collect();
    assert_eq!(words, ["column base.xday (integer)", "column logs.day (date)"]);
    for inherited in ["logs_2025.day=at", "logs_one.day=at", "heir.xday=xat"] {
        let error = renames(&old, &new, &[told(inherited)]).expect_err(inherited);
        let why = "rename it in the table that it is inherited from";
        assert_eq!(error.problem, RenameProblem::Inherited);
        assert!(error.to_string().ends_with(why), "{error}");
    }
    let renaming = renamed(&before, &after, &[told("logs.day=at"), told("base.xday=xat")]);
    let found: Vec<&str> = renaming.there.iter().filter_map(|step| step.found.as_deref()).collect();
    assert_eq!(
        found,
        [
            "renamed column logs.day to at",
            "renamed column base.xday to xat",
            "renamed index logs_2025_day_idx to logs_2025_at_idx",
            "renamed index logs_day_idx to logs_at_idx",
            "renamed index logs_one_day_idx to logs_one_at_idx",
        ]
    );
}

#[test]
fn constraints_of_domains_are_renamed() {
    let of = |domain: &str, check: &str| {
        format!(
            "CREATE DOMAIN {domain} AS int CHECK (VALUE > 0) CONSTRAINT {check} CHECK (VALUE < 9)"
        )
    };
    let renaming =
        renamed(&of("small", "old"), &of("digit", "new"), &[told("small=digit"), told("old=new")]);
    assert_eq!(
        text(&Plan { steps: renaming.there }),
        "ALTER DOMAIN public.small RENAME CONSTRAINT small_check TO digit_check;\n\
         ALTER DOMAIN public.small RENAME CONSTRAINT old TO new;\n\
         ALTER DOMAIN public.small RENAME TO digit;\n"
    );
}

#[test]
fn an_object_is_found_by_the_new_name_of_its_schema() {
    let of = |schema: &str, table: &str| {
        format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.{table} (a int)")
    };
    renamed(&of("one", "t"), &of("two", "u"), &[told("one=two"), of_table("two.t", "u")]);
}

/// A comment stays in the schema file, so it is no error afterwards.
#[test]
fn a_rename_that_has_happened_needs_no_step() {
    let schema = "CREATE TABLE people (email text)";
    let comment = |text| Rename { line: Some(1), ..told(text) };
    let asked = [comment("users=people"), comment("people.mail=email")];
    let renaming = renamed(schema, schema, &asked);
    assert_eq!((renaming.there.len(), renaming.done.as_slice()), (0, asked.as_slice()));
}

#[test]
fn an_impossible_rename_names_the_object() {
    let before = Database::new(
        "CREATE TABLE t (a int, b int); CREATE FUNCTION t() RETURNS int \
                                LANGUAGE sql AS 'SELECT 1'",
    )
    .catalog();
    let after = Database::new(
        "CREATE TABLE u (b int, c int); CREATE FUNCTION u() RETURNS int \
                               LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (b int, c int)",
    )
    .catalog();
    let error = |asked: &[Rename]| renames(&before, &after, asked).expect_err("an error");
    let problem = |text: &str| error(&[told(text)]).problem;
    assert_eq!(problem("gone=v"), RenameProblem::Nothing);
    assert_eq!(problem("t=v"), RenameProblem::NotWanted);
    assert_eq!(problem("t.a=b"), RenameProblem::Taken);
    let several = error(&[told("t=u")]);
    assert_eq!(
        several.to_string(),
        "cannot rename `t` to `u`: the name is ambiguous: function t() or table t"
    );
    let table = of(TABLE, "t", "u");
    assert_eq!(error(&[table.clone(), table]).problem, RenameProblem::Twice);
    // Neither do two columns become the same one.
    let columns = [told("t.a=c"), told("t.b=c")];
    assert_eq!(error(&columns).problem, RenameProblem::Twice);
}

#[test]
fn possible_renames_have_the_same_type_or_the_same_columns() {
    let before = Database::new(
        "CREATE TABLE users (id int, mail text, \"Old\" int); CREATE TABLE a (x int, y text); \
         CREATE TABLE stays (p int)",
    );
    let after = Database::new(
        "CREATE TABLE users (id int, email text, n bigint); CREATE TABLE b (y text, x int); \
         CREATE TABLE c (y int); CREATE TABLE stays (p int)",
    );
    let found = possible_renames(&before.catalog(), &after.catalog());
    let words: Vec<String> =
        found.iter().map(|one| format!("{} or {}", one.dropped, one.added)).collect();
    assert_eq!(
        words,
        ["table a or table b", "column users.mail (text) or column users.email (text)"]
    );
    let asked: Vec<Rename> = found.into_iter().map(|one| one.rename).collect();
    let renaming = renames(&before.catalog(), &after.catalog(), &asked).expect("renames");
    assert_eq!(
        text(&Plan { steps: renaming.there }),
        "ALTER TABLE public.users RENAME COLUMN mail TO email;\nALTER TABLE public.a RENAME TO b;\n"
    );
}
