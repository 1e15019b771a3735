//! Random pairs of schemas.

use pg_logical::diff::Wanted;

use crate::proved_as;

/// A random number generator that repeats its numbers for a seed (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).expect("a small number")]
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A schema with few names, so that two of them have much in common.
fn schema(numbers: &mut Numbers) -> String {
    let mut sql = vec![format!("CREATE TYPE e AS ENUM ({})", labels(numbers))];
    let base = numbers.one(&["int", "bigint"]);
    sql.push(format!("CREATE DOMAIN d AS {base} CHECK (VALUE > {})", numbers.below(2)));
    let result = numbers.one(&["int", "bigint"]);
    sql.push(format!(
        "CREATE FUNCTION f() RETURNS {result} IMMUTABLE LANGUAGE sql AS 'SELECT {}'",
        numbers.below(3)
    ));
    for table in ["t", "u", "w"] {
        if numbers.is(85) {
            self::table(numbers, table, &mut sql);
        }
    }
    sql.join(";\n")
}

fn labels(numbers: &mut Numbers) -> String {
    let mut labels: Vec<&str> = ["'a'", "'b'", "'c'"].into_iter().collect();
    if numbers.is(30) {
        labels.swap(0, 1);
    }
    labels.truncate(if numbers.is(50) { 3 } else { 2 });
    labels.join(", ")
}

fn table(numbers: &mut Numbers, table: &str, sql: &mut Vec<String>) {
    let mut columns = vec!["id int PRIMARY KEY".to_owned()];
    let mut names = Vec::new();
    for name in ["a", "b", "c"] {
        if numbers.is(75) {
            columns.push(column(numbers, name));
            names.push(name);
        }
    }
    if numbers.is(30) {
        columns.push(format!("CONSTRAINT k CHECK (id > {})", numbers.below(2)));
    }
    if names.contains(&"a") && numbers.is(30) {
        columns.push("g int GENERATED ALWAYS AS (id * 2) STORED".to_owned());
    }
    let unlogged = if table != "t" && numbers.is(10) { "UNLOGGED " } else { "" };
    sql.push(format!("CREATE {unlogged}TABLE {table} ({})", columns.join(", ")));
    for name in &names {
        if numbers.is(30) {
            let unique = if numbers.is(30) { "UNIQUE " } else { "" };
            sql.push(format!("CREATE {unique}INDEX {table}_{name} ON {table} ({name})"));
        }
    }
    if numbers.is(50) {
        let list: Vec<&str> =
            names.iter().copied().filter(|_| numbers.is(70)).chain(["id"]).collect();
        let list = list.join(", ");
        let invoker = if numbers.is(50) { " WITH (security_barrier = true)" } else { "" };
        sql.push(format!("CREATE VIEW v_{table}{invoker} AS SELECT {list}, f() AS x FROM {table}"));
        if numbers.is(40) {
            sql.push(format!("CREATE VIEW vv_{table} AS SELECT id FROM v_{table} WHERE x > 0"));
            sql.push(format!("GRANT SELECT ON vv_{table} TO pg_monitor"));
        }
        if numbers.is(30) {
            sql.push(format!("CREATE MATERIALIZED VIEW m_{table} AS SELECT id FROM v_{table}"));
        }
    }
    if numbers.is(25) {
        sql.push(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"));
        sql.push(format!("CREATE POLICY p ON {table} USING (id > f())"));
    }
    if table != "t" && sql.iter().any(|text| text.contains(" TABLE t (")) && numbers.is(40) {
        let constraint = "ADD CONSTRAINT r FOREIGN KEY (id) REFERENCES t (id)";
        sql.push(format!("ALTER TABLE {table} {constraint}"));
    }
    if numbers.is(25) {
        sql.push(format!("COMMENT ON TABLE {table} IS '{}'", numbers.one(&["one", "other"])));
    }
    if numbers.is(25) {
        sql.push(format!(
            "GRANT {} ON {table} TO pg_monitor",
            numbers.one(&["SELECT", "INSERT, SELECT"])
        ));
    }
}

fn column(numbers: &mut Numbers, name: &str) -> String {
    let (kind, default) = match numbers.below(8) {
        0 => ("text", "'x'"),
        1 => ("varchar(20)", "'y'"),
        2 => ("int", "f()"),
        3 => ("bigint", "7"),
        4 => ("e", "'a'"),
        5 => ("d", "3"),
        6 => ("numeric(8, 2)", "0"),
        _ => ("int", "1"),
    };
    let default = if numbers.is(40) { format!(" DEFAULT {default}") } else { String::new() };
    let not_null = if numbers.is(30) { " NOT NULL" } else { "" };
    format!("{name} {kind}{default}{not_null}")
}

#[test]
fn a_hundred_random_pairs_migrate_there_and_back() {
    let mut wrong = Vec::new();
    for seed in 1..=100 {
        let mut numbers = Numbers(seed);
        let (before, after) = (schema(&mut numbers), schema(&mut numbers));
        let what = format!("seed {seed}:\n{before}\nto\n{after}");
        let wanted = Wanted { avoids_locks: seed % 3 == 0, ..crate::wanted() };
        wrong.extend(proved_as(&what, (&before, &after), &wanted).err());
    }
    assert!(wrong.is_empty(), "{} pairs fail: {}", wrong.len(), wrong.join("\n\n"));
}
