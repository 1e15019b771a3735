//! The hazards of steps, and the transactions that steps need.

use pg_logical::diff::{Plan, TransactionNeed, possible_renames, renames};

use crate::{Database, between, proved, text};

/// The differences of a plan, each with its hazards.
fn listed(plan: &Plan) -> Vec<String> {
    let line = |step: &pg_logical::diff::DiffStep| {
        let hazards: Vec<&str> = step.hazards.iter().map(|hazard| hazard.word()).collect();
        format!("{}: {}", step.found.clone().unwrap_or_default(), hazards.join(" "))
    };
    plan.steps.iter().map(line).collect()
}

/// The old schema, the new one, and the steps that lead from one to the other.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT 1 AS x; CREATE SEQUENCE s; \
         CREATE SCHEMA n; CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS int; \
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "",
        &[
            "dropped view v: relation-gone",
            "dropped table t: rows-lost relation-gone",
            "dropped sequence s: ban-drop-sequence",
            "dropped function f(): function-gone",
            "dropped domain d: ban-drop-type",
            "dropped type e: ban-drop-type",
            "dropped schema n: ban-drop-schema",
        ],
    ),
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int, b int NOT NULL, c int NOT NULL DEFAULT 1, d serial, \
         e uuid DEFAULT gen_random_uuid(), f int GENERATED ALWAYS AS IDENTITY, \
         g timestamptz DEFAULT now())",
        &[
            "new sequence t_d_seq: ",
            "new column t.b (integer): required-column",
            "new column t.c (integer): ",
            "new column t.d (integer): rewrite",
            "new column t.e (uuid): rewrite",
            "new column t.f (integer): rewrite",
            "new column t.g (timestamp with time zone): ",
            ": ",
        ],
    ),
    (
        "CREATE TABLE t (a varchar(9), b int, c text, d numeric(9, 4), e text, f bigint, \
         g timestamp(6))",
        "CREATE TABLE t (a varchar(20), b bigint, c varchar(3), d numeric(9, 2), e uuid, f int, \
         g date)",
        &[
            "column t.a: character varying(9) to character varying(20): column-type-changed",
            "column t.b: integer to bigint: column-type-changed rewrite",
            "column t.c: text to character varying(3): column-type-changed rewrite \
             narrowing-type-change",
            "column t.d: numeric(9,4) to numeric(9,2): column-type-changed rewrite \
             narrowing-type-change values-lost",
            "column t.e: text to uuid: column-type-changed rewrite narrowing-type-change",
            "column t.f: bigint to integer: column-type-changed rewrite narrowing-type-change",
            "column t.g: timestamp(6) without time zone to date: column-type-changed rewrite \
             narrowing-type-change values-lost",
        ],
    ),
    (
        "CREATE TABLE t (a int, b int, UNIQUE (b), CONSTRAINT c CHECK (a > 0)); \
         CREATE UNIQUE INDEX u ON t (a)",
        "CREATE TABLE t (a int NOT NULL, b int PRIMARY KEY); CREATE INDEX i ON t (a); \
         CREATE TABLE n (a int PRIMARY KEY)",
        &[
            "dropped index u: unique-gone",
            "dropped constraint t_b_key of t: unique-gone",
            "dropped constraint c of t: ban-drop-constraint",
            "new table n: ",
            "column t.a becomes NOT NULL: required-column scan-under-lock",
            "column t.b becomes NOT NULL: required-column scan-under-lock",
            "new constraint n_pkey of n: ",
            "new constraint t_pkey of t: scan-under-lock",
            "new index i: scan-under-lock",
        ],
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'x', b int NOT NULL, c int GENERATED ALWAYS AS IDENTITY, \
         d int GENERATED ALWAYS AS (b * 2) STORED)",
        "CREATE TABLE t (a int, b int, c int NOT NULL)",
        &[
            "column t.c is no longer an identity column: ",
            "column t.a has no default: ",
            "column t.a: text to integer: column-type-changed rewrite narrowing-type-change",
            "column t.b allows NULL: ",
            "dropped column t.d: values-lost column-gone",
        ],
    ),
    (
        "CREATE TABLE p (a int) PARTITION BY LIST (a); \
         CREATE TABLE c PARTITION OF p FOR VALUES IN (1); CREATE TABLE d (a int)",
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE c (a int); \
         CREATE TABLE d PARTITION OF p FOR VALUES IN (2); ALTER TABLE p ENABLE ROW LEVEL SECURITY",
        &[
            "table c is no longer a part of public.p: partition-gone",
            "table p: enable row level security: authz-changed row-security-on",
            "table d is a partition of public.p FOR VALUES IN (2): scan-under-lock",
        ],
    ),
    (
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RETURN new; END'; CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f(); \
         CREATE TRIGGER h AFTER INSERT ON t EXECUTE FUNCTION f(); GRANT SELECT ON t TO pg_monitor",
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql \
         SECURITY DEFINER AS 'BEGIN RETURN new; END'; \
         CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f(); \
         ALTER TABLE t DISABLE TRIGGER g; GRANT INSERT ON t TO pg_monitor",
        &[
            "dropped trigger h of t: trigger-off",
            "function f() changes: authz-changed",
            "trigger g of t: disable: trigger-off",
            "privileges of table t: authz-changed rights-lost",
        ],
    ),
];

#[test]
fn each_step_has_its_hazards() {
    for (before, after, steps) in CASES {
        let up = proved(before, before, after).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(listed(&up), *steps, "{before}\nto\n{after}\n{}", text(&up));
    }
}

#[test]
fn functions_that_mention_what_is_dropped_are_named() {
    let functions = "CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS \
                     'BEGIN RETURN (SELECT sum(u.a) FROM users u); END'; \
                     CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT \"B\" FROM users'; \
                     CREATE FUNCTION h() RETURNS text LANGUAGE sql AS 'SELECT ''users.a gone'''";
    let of = |tables: &str| format!("{functions}; {tables}");
    let before = of("CREATE TABLE users (a int, \"B\" int, c int); CREATE TABLE gone ()");
    let up = proved("columns", &before, &of("CREATE TABLE users (a bigint)")).expect("a plan");
    let mentioned: Vec<(String, Vec<String>)> = up
        .steps
        .iter()
        .map(|step| {
            let names = step.mentioned_in.iter().map(|identity| identity.name.clone());
            (step.found.clone().unwrap_or_default(), names.collect())
        })
        .collect();
    let wanted = [
        ("dropped table gone", vec![]),
        ("column users.a: integer to bigint", vec!["f"]),
        ("dropped column users.\"B\"", vec!["g"]),
        ("dropped column users.c", vec![]),
    ];
    let wanted = wanted.map(|(found, names)| {
        (found.to_owned(), names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    });
    assert_eq!(mentioned, wanted);
    assert_eq!(
        listed(&up)[2],
        "dropped column users.\"B\": values-lost column-gone \
                                untrackable-dependency"
    );
}

#[test]
fn functions_that_mention_a_renamed_column_are_named() {
    let of = |column: &str| {
        format!(
            "CREATE TABLE users ({column} text); CREATE FUNCTION f() RETURNS text \
                 LANGUAGE sql AS 'SELECT max(mail) FROM users'"
        )
    };
    let (before, after) =
        (Database::new(&of("mail")).catalog(), Database::new(&of("email")).catalog());
    let possible = possible_renames(&before, &after);
    let asked: Vec<_> = possible.into_iter().map(|one| one.rename).collect();
    let renaming = renames(&before, &after, &asked).expect("a rename");
    let there = Plan { steps: renaming.there };
    assert_eq!(
        listed(&there),
        ["renamed column users.mail to email: renaming-column untrackable-dependency"]
    );
    assert_eq!(there.steps[0].mentioned_in.len(), 1);
    assert_eq!(renaming.back[0].mentioned_in.len(), 0, "the old state has the old name");
}

#[test]
fn a_new_enum_value_is_committed_before_it_is_used() {
    let live = Database::new(
        "CREATE TYPE e AS ENUM ('a', 'z'); CREATE TABLE t (a e, b text); CREATE TABLE l (e e) \
         PARTITION BY LIST (e)",
    );
    let goal = Database::new(
        "CREATE TYPE e AS ENUM ('a', 'it''s', 'z'); CREATE TABLE t (a e DEFAULT 'it''s', b text, \
         c e[] DEFAULT '{it''s,a}'); CREATE TABLE l (e e) PARTITION BY LIST (e); \
         CREATE TABLE l1 PARTITION OF l FOR VALUES IN ('it''s')",
    );
    let up = between(&live.catalog(), &goal.catalog()).expect("a plan");
    live.apply("a value", &up).unwrap_or_else(|error| panic!("{error}"));
    let back = between(&goal.catalog(), &live.catalog()).map(|plan| plan.steps.len());
    assert_eq!(back, Ok(0));
    let groups: Vec<bool> = up.groups().iter().map(|group| group.is_in_transaction).collect();
    assert_eq!(groups, [true, true], "{}", text(&up));
    let new = up.steps.iter().filter(|step| step.transaction == TransactionNeed::New).count();
    assert_eq!(new, 1);
    let array = "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a text[])";
    let live = Database::new(&format!("{array}; INSERT INTO t VALUES ('{{b}}')"));
    let goal = Database::new("CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (a e[])");
    let up = between(&live.catalog(), &goal.catalog()).expect("a plan");
    live.apply("an array", &up).unwrap_or_else(|error| panic!("{error}"));
    let unused = between(
        &Database::new("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e)").catalog(),
        &Database::new("CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (a e DEFAULT 'a')")
            .catalog(),
    );
    assert_eq!(unused.expect("a plan").groups().len(), 1);
}
