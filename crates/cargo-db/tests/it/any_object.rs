//! Every object that can be created is either dumped or reported as not covered: objects of all
//! kinds, with unusual names, in a pseudorandom order.

use std::collections::BTreeSet;

use pg_logical::catalog::{self, Catalog, Definition, class};
use pg_logical::dump::{self, Contents};
use pg_logical::graph;
use pg_logical::source::{Record, RowSets, Source, SourceError};
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::support::{Project, cluster, content, psql};

/// The objects that the random ones refer to.
const BASE: &str = include_str!("fixtures/base.sql");

/// One object per line: the first major version that has it, its catalog, and its SQL.
///
/// `{n}` is its name, `{m}` the end of its name, `{i}` a number. `[[a|b]]` chooses one of two
/// texts; `[[!a|b]]` chooses one that the dump has to contain too.
const OBJECTS: &str = include_str!("fixtures/objects.txt");

/// A pseudorandom generator that is the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("a small number")
    }
}

/// An object to be created, and what the dump has to contain about it.
#[derive(Debug)]
struct New {
    sql: String,
    /// The part of its name that no other name contains.
    mark: String,
    written: Vec<String>,
}

impl New {
    /// The `number`th object, made from a line.
    fn of(template: &str, number: usize, dice: &mut Dice) -> New {
        let mark = format!("mark{number:03}");
        let long = "_234567890123456789012345678901234567890";
        let odd = ["", "Q\"", "ä ", "select ", "it's.", long];
        let name = format!("\"{}{mark}\"", odd[dice.below(odd.len())].replace('"', "\"\""));
        let (mut sql, mut written) = (String::new(), Vec::new());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("[[") {
            let (inside, after) = after.split_once("]]").expect("an end");
            let is_written = inside.starts_with('!');
            let choices: Vec<&str> = inside.trim_start_matches('!').split('|').collect();
            let chosen = choices[dice.below(choices.len())];
            written.extend(is_written.then(|| chosen.to_owned()));
            sql.push_str(before);
            sql.push_str(chosen);
            rest = after;
        }
        sql.push_str(rest);
        let number = (10_000 + number).to_string();
        let filled =
            |text: String| text.replace("{n}", &name).replace("{i}", &number).replace("{m}", &mark);
        let written = written.into_iter().map(filled).collect();
        New { sql: filled(sql), mark, written }
    }
}

impl New {
    /// What is missing from the added statements.
    fn lacks(&self, added: &[&String]) -> Option<String> {
        let about: Vec<&&String> = added.iter().filter(|text| text.contains(&self.mark)).collect();
        let is_missing = |part: &&String| !about.iter().any(|text| text.contains(*part));
        let missing: Vec<&String> = self.written.iter().filter(is_missing).collect();
        let is_there = !about.is_empty() && missing.is_empty();
        (!is_there).then(|| format!("{missing:?} of {}: {about:#?}", self.sql))
    }
}

struct Answer(SimpleQueryRow);

impl Record for Answer {
    fn column(&self, name: &str) -> Result<Option<&str>, SourceError> {
        Ok(self.0.get(name))
    }
}

/// A connection with one transaction for the whole test.
struct Within(Client);

impl Source for Within {
    fn sets(&mut self, doing: &str, sql: &str) -> Result<RowSets, SourceError> {
        let messages =
            self.0.simple_query(sql).unwrap_or_else(|error| panic!("{doing}: {error:?}"));
        let mut sets: RowSets = Vec::new();
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(_) => sets.push(Vec::new()),
                SimpleQueryMessage::Row(row) => {
                    sets.last_mut().expect("columns come first").push(Box::new(Answer(row)));
                }
                _ => {}
            }
        }
        Ok(sets)
    }

    fn copy(&mut self, _: &str, _: &str, _: &mut dyn FnMut(&[u8])) -> Result<(), SourceError> {
        panic!("no rows are read");
    }
}

/// The statements of a dump, and the objects that it reports as not covered.
fn said(source: &mut Within) -> (Catalog, BTreeSet<String>) {
    source.0.batch_execute("SET LOCAL search_path = pg_catalog").unwrap();
    let catalog = catalog::read(source).unwrap();
    source.0.batch_execute("RESET search_path").unwrap();
    let order = graph::order(&catalog, &BTreeSet::new()).unwrap();
    let contents = Contents {
        has_schema: true,
        has_rows: false,
        has_owners: true,
        has_rights: true,
        chosen: None,
        left_out: Vec::new(),
        program: String::new(),
        header: None,
        own_role: None,
    };
    let mut bytes = Vec::new();
    dump::write(&catalog, &order, &contents, source, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let statements = text.split(";\n\n").map(str::to_owned);
    let uncovered = catalog.uncovered.iter().map(|one| format!("not covered: {}", one.object));
    let unfinished =
        catalog.unfinished.iter().map(|index| format!("not covered: index {}", index.name));
    let said = statements.chain(uncovered).chain(unfinished).collect();
    (catalog, said)
}

fn lines() -> Vec<(u32, &'static str, &'static str)> {
    let line = |line: &'static str| {
        let mut words = line.splitn(3, ' ');
        let since = words.next()?.parse().ok()?;
        Some((since, words.next()?, words.next()?))
    };
    OBJECTS.lines().filter_map(line).collect()
}

#[test]
fn an_object_of_any_kind_is_written_or_named() {
    let _ = cluster().connect("postgres").batch_execute("CREATE ROLE any_reader");
    let project = Project::new("any_object");
    project.run_sql(BASE);
    let mut source = Within(cluster().connect("any_object"));
    let major = cluster().major();
    let lines: Vec<_> = lines().into_iter().filter(|(since, _, _)| *since <= major).collect();
    // Another seed tries other objects.
    let seed = std::env::var("CARGO_DB_TEST_SEED").map_or(18, |seed| seed.parse().unwrap());
    let mut dice = Dice(seed);
    source.0.batch_execute("SET jit = off; BEGIN; SET LOCAL allow_system_table_mods = on").unwrap();
    let (_, mut before) = said(&mut source);
    // First every line once, then random lines.
    let wanted: Vec<usize> =
        (0..lines.len()).chain((0..30).map(|_| dice.below(lines.len()))).collect();
    let wanted: Vec<New> =
        wanted.iter().zip(0..).map(|(&at, n)| New::of(lines[at].2, n, &mut dice)).collect();
    let mut wrong = Vec::new();
    for some in wanted.chunks(5) {
        source.0.batch_execute("SAVEPOINT s").unwrap();
        for new in some {
            let made = source.0.batch_execute(&new.sql);
            made.unwrap_or_else(|error| panic!("{}: {error:?}", new.sql));
        }
        let (catalog, after) = said(&mut source);
        let added: Vec<&String> = after.difference(&before).collect();
        wrong.extend(some.iter().filter_map(|new| new.lacks(&added)));
        // Undo what cannot be dumped, and a quarter of the rest.
        let is_covered = catalog.uncovered.is_empty() && catalog.unfinished.is_empty();
        if is_covered && dice.below(4) > 0 {
            before = after;
        } else {
            source.0.batch_execute("ROLLBACK TO s").unwrap();
        }
    }
    assert!(wrong.is_empty(), "neither written nor named:\n{}", wrong.join("\n"));
    source.0.batch_execute("COMMIT").unwrap();
    drop(source);
    // A copy made from the dump has all remaining objects.
    project.db(&["dump", "-o", "any.sql"]).ok();
    cluster().run("postgres", "CREATE DATABASE any_object_copy TEMPLATE template0");
    psql("any_object_copy", None, &project.path().join("any.sql"));
    let (one, other) = (content("any_object"), content("any_object_copy"));
    let differing = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert_eq!(differing, None);
    assert_eq!(one, other);
}

#[test]
fn composed_definitions_are_those_of_the_server() {
    let project = Project::new("any_definition");
    project.run_sql(
        "CREATE TABLE target (id int PRIMARY KEY, a text, \"B\" int, UNIQUE (a) INCLUDE (id));
         ALTER TABLE target ADD UNIQUE (\"B\", id) DEFERRABLE;
         CREATE DOMAIN code AS text COLLATE \"C\";
         CREATE TABLE plain (id oid PRIMARY KEY, gone int, a text, v varchar(3), n name,
             nd name COLLATE \"default\", c text COLLATE \"C\", d code, l text[], r regclass, \
             \"order\" int,
             t int REFERENCES target, b int REFERENCES target (id) ON DELETE CASCADE,
             s text REFERENCES target (a) DEFERRABLE);
         ALTER TABLE plain DROP COLUMN gone;
         CREATE INDEX ON plain (a, v, n, nd, c, d);
         CREATE INDEX ON plain (a DESC, v DESC NULLS LAST, n NULLS FIRST, d ASC);
         CREATE INDEX ON plain (a COLLATE \"C\");
         CREATE INDEX ON plain (c COLLATE \"POSIX\");
         CREATE INDEX ON plain (nd COLLATE \"C\");
         CREATE INDEX ON plain (a text_pattern_ops);
         CREATE INDEX ON plain (r);
         CREATE INDEX ON plain (v varchar_ops);
         CREATE UNIQUE INDEX \"Q\" ON plain (t) INCLUDE (a, b);
         CREATE INDEX ON plain (l);
         CREATE INDEX ON plain (\"order\");
         CREATE INDEX ON plain (lower(a)) WHERE t > 1;
         CREATE INDEX ON plain USING hash (t);
         CREATE INDEX ON plain (t) WITH (fillfactor = 50);
         CREATE TABLE parts (id int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9);
         CREATE INDEX ON parts (a);
         CREATE INDEX ON ONLY parts (a DESC);
         CREATE MATERIALIZED VIEW seen AS SELECT t, a FROM plain;
         CREATE UNIQUE INDEX ON seen (t);",
    );
    let has_nulls_not_distinct = cluster().major() >= 15;
    if has_nulls_not_distinct {
        project.run_sql(
            "ALTER TABLE target ADD UNIQUE NULLS NOT DISTINCT (\"B\");
             CREATE UNIQUE INDEX ON plain (t) NULLS NOT DISTINCT;
             ALTER TABLE plain ADD UNIQUE NULLS NOT DISTINCT (a);",
        );
    }
    let mut source = Within(cluster().connect("any_definition"));
    source.0.batch_execute("SET search_path = pg_catalog, pg_temp").unwrap();
    let catalog = catalog::read(&mut source).unwrap();
    let mut compared = 0;
    for object in &catalog.objects {
        let (function, own) = match &object.definition {
            Definition::Index(index) => ("pg_get_indexdef", &index.definition),
            Definition::Constraint(key) => ("pg_get_constraintdef", &key.definition),
            _ => continue,
        };
        assert!([class::CLASS, class::CONSTRAINT].contains(&object.address.class));
        let sql = format!("SELECT {function}({})", object.address.oid);
        let servers: String = source.0.query_one(&sql, &[]).unwrap().get(0);
        assert_eq!(*own, servers, "{}", object.identity);
        compared += 1;
    }
    assert_eq!(compared, if has_nulls_not_distinct { 30 } else { 27 });
}

#[test]
fn there_is_an_object_for_each_catalog_of_the_census() {
    let census = include_str!("../../../pg-logical/src/catalog/queries/census.sql");
    let known: BTreeSet<&str> = lines().iter().map(|(_, catalog, _)| *catalog).collect();
    let counted = regex::Regex::new("'(pg_[a-z_]+)'::regclass::oid").unwrap();
    for found in counted.captures_iter(census) {
        let catalog = found.get(1).unwrap().as_str();
        assert!(known.contains(catalog), "{catalog}");
    }
    assert!(known.contains("pg_seclabel") && known.contains("pg_default_acl"));
}
