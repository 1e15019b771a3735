//! Renames that the user asks for.

use pg_logical::catalog::Kind;
use pg_logical::diff::{Plan, Rename, RenameError, rename};

use crate::{Database, between, same};

fn of(kind: Option<Kind>, old: &str, new: &str) -> Rename {
    Rename { kind, old: old.to_owned(), new: new.to_owned() }
}

#[test]
fn everything_follows_a_rename() {
    let live = Database::new(
        "CREATE TABLE t (a int PRIMARY KEY, b int); CREATE VIEW v AS SELECT a FROM t; \
         CREATE INDEX i ON t (b); INSERT INTO t VALUES (1, 2)",
    );
    let wanted = Database::new(
        "CREATE TABLE people (a int CONSTRAINT t_pkey PRIMARY KEY, age int); \
         CREATE VIEW v AS SELECT a FROM people; CREATE INDEX i ON people (age)",
    );
    let start = live.catalog();
    let mut back = Vec::new();
    let renames = [of(Some(Kind::Table), "t", "people"), of(None, "public.people.b", "age")];
    for one in renames {
        let (there, again) = rename(&live.catalog(), &one).expect("a rename");
        live.apply("a rename", &Plan { steps: vec![there] }).expect("a rename");
        back.insert(0, again);
    }
    assert_eq!(between(&live.catalog(), &wanted.catalog()), Ok(Plan::default()));
    same("renamed", &live.catalog(), &wanted.catalog()).expect("the same");
    live.apply("renamed back", &Plan { steps: back }).expect("a rename");
    same("renamed back", &live.catalog(), &start).expect("the same");
    assert_eq!(crate::cluster().query(&live.0, "SELECT b FROM t"), ["2"]);
}

#[test]
fn an_impossible_rename_names_the_object() {
    let live = Database::new("CREATE TABLE t (a int, b int)");
    let catalog = live.catalog();
    let error = |one: Rename| rename(&catalog, &one).expect_err("an error");
    let nothing = error(of(Some(Kind::Table), "gone", "t2"));
    assert_eq!(nothing, RenameError::Nothing("gone".to_owned()));
    let taken = error(of(None, "t.a", "b"));
    assert_eq!(taken.to_string(), "cannot rename `t.a` to `b`: that exists already");
}
