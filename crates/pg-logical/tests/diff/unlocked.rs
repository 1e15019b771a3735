//! Steps that avoid long locks.

use pg_logical::diff::{Hazard, Plan, Wanted};

use crate::proved_as;

/// The steps between two schemas, proved, with a line before each transaction.
#[track_caller]
fn unlocked(before: &str, after: &str) -> (Plan, String) {
    let wanted = Wanted { avoids_locks: true, ..crate::wanted() };
    let plan = proved_as(after, (before, after), &wanted).unwrap_or_else(|error| panic!("{error}"));
    let line = |is_in_transaction| if is_in_transaction { "BEGIN" } else { "outside" };
    let groups = plan.groups().into_iter();
    let text = groups.map(|group| format!("-- {}\n{}", line(group.is_in_transaction), group.sql()));
    let text = text.collect::<String>().replace("\n    ", " ");
    (plan, text)
}

#[test]
fn indexes_are_built_concurrently() {
    let (plan, text) = unlocked(
        "CREATE TABLE t (a int, b int); CREATE INDEX gone ON t (a); \
         CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
        "CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX u ON t (b); CREATE INDEX i ON t (a); \
         COMMENT ON INDEX i IS 'fast'; CREATE TABLE n (a int); CREATE INDEX ni ON n (a); \
         CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE INDEX mi ON m (a)",
    );
    assert_eq!(
        text,
        "-- outside\n\
         DROP INDEX CONCURRENTLY public.gone;\n\
         -- BEGIN\n\
         CREATE TABLE public.n ( a integer\n);\n\
         CREATE INDEX ni ON public.n USING btree (a);\n\
         -- outside\n\
         CREATE UNIQUE INDEX CONCURRENTLY u ON public.t USING btree (b);\n\
         -- outside\n\
         CREATE INDEX CONCURRENTLY i ON public.t USING btree (a);\n\
         -- BEGIN\n\
         COMMENT ON INDEX public.i IS 'fast';\n\
         -- outside\n\
         CREATE INDEX CONCURRENTLY mi ON public.m USING btree (a);\n"
    );
    let scans = |step: &pg_logical::diff::DiffStep| step.hazards.contains(&Hazard::ScanUnderLock);
    assert!(!plan.steps.iter().any(scans));
}

#[test]
fn constraints_are_validated_after_they_are_committed() {
    let (_, text) = unlocked(
        "CREATE DOMAIN d AS int; CREATE TABLE t (a int, b d); CREATE TABLE u (a int PRIMARY KEY)",
        "CREATE DOMAIN d AS int CONSTRAINT dc CHECK (VALUE > 0); \
         CREATE TABLE u (a int PRIMARY KEY); \
         CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0) CONSTRAINT f REFERENCES u, b d)",
    );
    assert_eq!(
        text,
        "-- BEGIN\n\
         ALTER DOMAIN public.d ADD CONSTRAINT dc CHECK ((VALUE > 0)) NOT VALID;\n\
         ALTER TABLE public.t ADD CONSTRAINT c CHECK ((a > 0)) NOT VALID;\n\
         ALTER TABLE ONLY public.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES public.u(a) NOT \
         VALID;\n\
         -- BEGIN\n\
         ALTER DOMAIN public.d VALIDATE CONSTRAINT dc;\n\
         ALTER TABLE public.t VALIDATE CONSTRAINT c;\n\
         ALTER TABLE public.t VALIDATE CONSTRAINT f;\n"
    );
}

#[test]
fn a_table_that_becomes_a_partition_gets_its_indexes_first() {
    unlocked(
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE INDEX ON p (a); \
         CREATE TABLE c (a int)",
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE INDEX ON p (a); \
         CREATE TABLE c PARTITION OF p FOR VALUES IN (1)",
    );
}

#[test]
fn a_table_that_becomes_a_partition_gets_valid_checks() {
    unlocked(
        "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE c (a int)",
        "CREATE TABLE p (a int, CONSTRAINT k CHECK (a > 0)) PARTITION BY LIST (a); \
         CREATE TABLE c PARTITION OF p FOR VALUES IN (1)",
    );
}

#[test]
fn a_domain_gets_its_constraint_before_columns_contain_it() {
    let of = |check: &str, column: &str| {
        format!(
            "CREATE DOMAIN d AS int {check}; CREATE TYPE k AS (x d); CREATE TABLE t (a int{column})"
        )
    };
    let (_, text) = unlocked(&of("", ""), &of("CONSTRAINT c CHECK (VALUE > 0)", ", b k, c d[]"));
    assert!(
        text.starts_with("-- BEGIN\nALTER DOMAIN public.d ADD CONSTRAINT c CHECK ((VALUE > 0));\n"),
        "{text}"
    );
}

#[test]
fn keys_use_an_index_and_not_null_a_validated_check() {
    let (plan, text) = unlocked(
        "CREATE TABLE t (a int, \"B\" int, c int)",
        "CREATE TABLE t (a int PRIMARY KEY, \"B\" int NOT NULL, c int, \
         CONSTRAINT k UNIQUE (c, a) INCLUDE (\"B\") WITH (fillfactor = 70) DEFERRABLE)",
    );
    assert_eq!(
        text,
        "-- BEGIN\n\
         ALTER TABLE public.t ADD CONSTRAINT a_is_not_null CHECK (a IS NOT NULL) NOT VALID;\n\
         ALTER TABLE public.t ADD CONSTRAINT \"B_is_not_null\" CHECK (\"B\" IS NOT NULL) NOT \
         VALID;\n\
         -- BEGIN\n\
         ALTER TABLE public.t VALIDATE CONSTRAINT a_is_not_null;\n\
         ALTER TABLE public.t ALTER COLUMN a SET NOT NULL;\n\
         ALTER TABLE public.t DROP CONSTRAINT a_is_not_null;\n\
         ALTER TABLE public.t VALIDATE CONSTRAINT \"B_is_not_null\";\n\
         ALTER TABLE public.t ALTER COLUMN \"B\" SET NOT NULL;\n\
         ALTER TABLE public.t DROP CONSTRAINT \"B_is_not_null\";\n\
         -- outside\n\
         CREATE UNIQUE INDEX CONCURRENTLY k ON public.t (c, a) INCLUDE (\"B\") WITH \
         (fillfactor='70');\n\
         -- BEGIN\n\
         ALTER TABLE public.t ADD CONSTRAINT k UNIQUE USING INDEX k DEFERRABLE;\n\
         -- outside\n\
         CREATE UNIQUE INDEX CONCURRENTLY t_pkey ON public.t (a);\n\
         -- BEGIN\n\
         ALTER TABLE public.t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey;\n"
    );
    let scans = |step: &pg_logical::diff::DiffStep| step.hazards.contains(&Hazard::ScanUnderLock);
    assert!(!plan.steps.iter().any(scans), "{}", crate::text(&plan));
}

/// A value is committed before it is used, also by a statement that no transaction can contain.
#[test]
fn an_index_that_uses_a_new_enum_value_is_built_concurrently() {
    let of =
        |labels: &str| format!("CREATE TYPE e AS ENUM ({labels}); CREATE TABLE t (a e, b int)");
    let after = of("'a', 'b'");
    let (_, text) = unlocked(
        &of("'a'"),
        &format!("{after}; CREATE UNIQUE INDEX i ON t (b) WHERE a = 'b'; CREATE INDEX ON t (a)"),
    );
    assert!(text.contains("-- outside\nCREATE UNIQUE INDEX CONCURRENTLY i "), "{text}");
}

#[test]
fn a_partition_of_another_table_gets_its_indexes_first() {
    let of = |parent: &str, value: u8| {
        format!(
            "CREATE TABLE p (a int) PARTITION BY LIST (a); \
             CREATE TABLE q (a int) PARTITION BY LIST (a); CREATE INDEX ON q (a); \
             CREATE TABLE c PARTITION OF {parent} FOR VALUES IN ({value})"
        )
    };
    unlocked(&of("p", 1), &of("q", 1));
    unlocked(&of("q", 1), &of("q", 2));
}

#[test]
fn a_unique_constraint_that_is_gone_for_a_while_is_a_hazard() {
    let of =
        |column: &str| format!("CREATE TABLE t (a int, b int, CONSTRAINT k UNIQUE ({column}))");
    let is_gone = |step: &pg_logical::diff::DiffStep| step.hazards.contains(&Hazard::UniqueGone);
    let (plan, text) = unlocked(&of("a"), &of("b"));
    assert!(plan.steps.iter().any(is_gone), "{text}");
    let plan = crate::there_and_back("in one transaction", &of("a"), &of("b"));
    assert!(!plan.steps.iter().any(is_gone), "{}", crate::text(&plan));
}

#[test]
fn the_check_for_not_null_has_a_name_of_its_own() {
    let long = "ä".repeat(31);
    let of = |not_null: &str| {
        format!(
            "CREATE TABLE t (a int{not_null}, {long} int{not_null}, \
             CONSTRAINT a_is_not_null CHECK (a <> 5)); CREATE TABLE u (a int{not_null})"
        )
    };
    let (_, text) = unlocked(&of(""), &of(" NOT NULL"));
    for name in
        ["a_is_not_null_2", "a_is_not_null_3", &format!("\"{}_is_not_null\"", "ä".repeat(25))]
    {
        assert!(text.contains(&format!(" DROP CONSTRAINT {name};")), "{name} in {text}");
    }
}

#[test]
fn a_not_null_constraint_with_a_name_needs_no_scan_under_a_lock() {
    let of = |not_null: &str| format!("CREATE TABLE t (a int{not_null})");
    let (plan, text) = unlocked(&of(""), &of(" CONSTRAINT filled NOT NULL"));
    assert!(text.contains(" VALIDATE CONSTRAINT a_is_not_null;"), "{text}");
    let scans = |step: &pg_logical::diff::DiffStep| step.hazards.contains(&Hazard::ScanUnderLock);
    assert!(!plan.steps.iter().any(scans), "{text}");
}

#[test]
fn a_new_identity_column_is_checked_for_null_without_a_lock() {
    let (_, text) = unlocked(
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY)",
    );
    assert!(text.contains("ADD CONSTRAINT a_is_not_null CHECK"), "{text}");
    assert_eq!(text.matches("SET NOT NULL").count(), 1, "{text}");
}

#[test]
fn partitioned_tables_take_the_plain_steps() {
    let (_, text) = unlocked(
        "CREATE TABLE p (a int) PARTITION BY LIST (a); \
         CREATE TABLE c PARTITION OF p FOR VALUES IN (1); CREATE INDEX gone ON p (a)",
        "CREATE TABLE p (a int) PARTITION BY LIST (a); \
         CREATE TABLE c PARTITION OF p FOR VALUES IN (1); CREATE INDEX i ON p (a)",
    );
    assert!(text.contains("CREATE INDEX i ON ONLY public.p"), "{text}");
    assert!(text.contains("CREATE INDEX CONCURRENTLY c_a_idx ON public.c"), "{text}");
    assert!(text.contains("DROP INDEX public.gone"), "{text}");
}
