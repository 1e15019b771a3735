//! Random pairs of schemas.

use pg_logical::diff::Wanted;

use crate::support::{proved_as, wanted};

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

    /// The text, or nothing.
    fn maybe<'a>(&mut self, percent: u64, text: &'a str) -> &'a str {
        if self.is(percent) { text } else { "" }
    }
}

/// A schema with few names, so that two of them have much in common.
#[derive(Default)]
struct Random {
    sql: Vec<String>,
    /// The tables so far, with their columns other than `id`.
    tables: Vec<(&'static str, Vec<&'static str>)>,
}

fn schema(numbers: &mut Numbers) -> String {
    let mut random = Random::default();
    random.types(numbers);
    random.functions(numbers);
    for table in ["t", "u", "s.w"] {
        if numbers.is(85) {
            random.table(numbers, table);
        }
    }
    random.partitions(numbers);
    random.heirs(numbers);
    for at in 0..random.tables.len() {
        let (table, columns) = random.tables[at].clone();
        random.details(numbers, table, &columns);
        random.views(numbers, table, &columns);
        random.programs(numbers, table);
        random.rights(numbers, table, &columns);
    }
    random.alone(numbers);
    random.sql.join(";\n")
}

/// A name without its schema, for the objects that are named after a table.
fn bare(table: &str) -> &str {
    table.strip_prefix("s.").unwrap_or(table)
}

impl Random {
    fn add(&mut self, sql: impl Into<String>) {
        self.sql.push(sql.into());
    }

    fn types(&mut self, numbers: &mut Numbers) {
        self.add("CREATE SCHEMA s");
        self.add(format!("CREATE TYPE e AS ENUM ({})", labels(numbers)));
        let base = numbers.one(&["int", "bigint"]);
        let default = numbers.maybe(20, " DEFAULT 5");
        self.add(format!(
            "CREATE DOMAIN d AS {base}{default} CHECK (VALUE > {})",
            numbers.below(2)
        ));
        let attribute =
            numbers.one(&["a int, b text", "a int, b text, c e", "b text", "a bigint, b e"]);
        self.add(format!("CREATE TYPE s.k AS ({attribute})"));
    }

    fn functions(&mut self, numbers: &mut Numbers) {
        let result = numbers.one(&["int", "bigint"]);
        self.add(format!(
            "CREATE FUNCTION f() RETURNS {result} IMMUTABLE LANGUAGE sql AS 'SELECT {}'",
            numbers.below(3)
        ));
        let argument = numbers.one(&["x e", "y e", "x e, z int DEFAULT 1"]);
        let definer = numbers.maybe(30, " SECURITY DEFINER");
        self.add(format!(
            "CREATE FUNCTION g({argument}) RETURNS int LANGUAGE plpgsql{definer} \
             AS 'BEGIN RETURN 1; END'"
        ));
        self.add(
            "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        );
    }

    fn table(&mut self, numbers: &mut Numbers, table: &'static str) {
        let key = numbers.one(&["", "", "", " GENERATED ALWAYS AS IDENTITY", " DEFAULT 3"]);
        let of_key = numbers.one(&["int", "int", "bigint"]);
        let mut columns = vec![format!("id {of_key}{key} PRIMARY KEY")];
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
        if numbers.is(20) {
            let factor = 2 + numbers.below(2);
            columns.push(format!("g int GENERATED ALWAYS AS (id * {factor}) STORED"));
        }
        if numbers.is(10) {
            columns.push("n serial".to_owned());
        }
        let unlogged = if table == "u" { numbers.maybe(10, "UNLOGGED ") } else { "" };
        let options = numbers.maybe(15, " WITH (fillfactor = 70)");
        self.add(format!("CREATE {unlogged}TABLE {table} ({}){options}", columns.join(", ")));
        self.tables.push((table, names));
    }

    /// A partitioned table, of which partitions come and go.
    fn partitions(&mut self, numbers: &mut Numbers) {
        if numbers.is(30) {
            return;
        }
        let other =
            numbers.one(&["a text", "a varchar(9)", "a text NOT NULL DEFAULT 'x'", "b int"]);
        self.add(format!("CREATE TABLE p (k int NOT NULL, {other}) PARTITION BY LIST (k)"));
        for (part, value) in [("p1", 1), ("p2", 2), ("p3", 3)] {
            match numbers.below(4) {
                0 => {}
                1 => self.add(format!("CREATE TABLE {part} (k int NOT NULL, {other})")),
                _ => {
                    let value = value + 10 * numbers.below(2);
                    let bound = format!("FOR VALUES IN ({value})");
                    self.add(format!("CREATE TABLE {part} PARTITION OF p {bound}"));
                }
            }
        }
        if numbers.is(40) {
            self.add(format!("CREATE {}INDEX p_k ON p (k)", numbers.maybe(40, "UNIQUE ")));
        }
        if numbers.is(30) {
            self.add("ALTER TABLE p ADD CONSTRAINT p_key PRIMARY KEY (k)");
        }
        if numbers.is(30) {
            self.add(format!("ALTER TABLE p ADD CONSTRAINT c CHECK (k > {})", numbers.below(2)));
        }
    }

    fn heirs(&mut self, numbers: &mut Numbers) {
        let Some((parent, _)) = self.tables.first() else { return };
        if numbers.is(25) {
            let own = numbers.one(&["z int", "z bigint DEFAULT 4", ""]);
            self.add(format!("CREATE TABLE heir ({own}) INHERITS ({parent})"));
        }
    }

    fn details(&mut self, numbers: &mut Numbers, table: &str, columns: &[&str]) {
        let own = bare(table);
        for name in columns {
            if numbers.is(30) {
                let unique = numbers.maybe(30, "UNIQUE ");
                let condition = numbers.maybe(20, " WHERE id > 0");
                self.add(format!(
                    "CREATE {unique}INDEX {own}_{name} ON {table} ({name}){condition}"
                ));
            }
            if numbers.is(10) {
                self.add(format!(
                    "ALTER TABLE {table} ADD CONSTRAINT u_{own}_{name} UNIQUE ({name})"
                ));
            }
            if numbers.is(10) {
                self.add(format!("ALTER TABLE {table} ALTER {name} SET STATISTICS 50"));
            }
            if numbers.is(10) {
                self.add(format!("COMMENT ON COLUMN {table}.{name} IS 'it''s {name}'"));
            }
        }
        if columns.len() > 1 && numbers.is(15) {
            self.add(format!("CREATE STATISTICS st_{own} ON id, {} FROM {table}", columns[0]));
        }
        let is_there = self.tables.iter().any(|(name, _)| *name == "t");
        if table != "t" && is_there && numbers.is(40) {
            let action = numbers.one(&["", " ON DELETE CASCADE", " DEFERRABLE", " NOT VALID"]);
            self.add(format!(
                "ALTER TABLE {table} ADD CONSTRAINT r FOREIGN KEY (id) REFERENCES t (id){action}"
            ));
        }
        if numbers.is(25) {
            let text = numbers.one(&["one", "other"]);
            self.add(format!("COMMENT ON TABLE {table} IS '{text}'"));
        }
    }

    fn views(&mut self, numbers: &mut Numbers, table: &str, columns: &[&str]) {
        if numbers.is(50) {
            return;
        }
        let own = bare(table);
        let list = columns.iter().copied().filter(|_| numbers.is(70)).chain(["id"]);
        let list = list.collect::<Vec<_>>().join(", ");
        let barrier = numbers.maybe(50, " WITH (security_barrier = true)");
        self.add(format!("CREATE VIEW v_{own}{barrier} AS SELECT {list}, f() AS x FROM {table}"));
        if numbers.is(40) {
            self.add(format!("CREATE VIEW vv_{own} AS SELECT id FROM v_{own} WHERE x > 0"));
            self.add(format!("GRANT SELECT ON vv_{own} TO pg_monitor"));
        }
        if numbers.is(30) {
            let data = numbers.maybe(30, " WITH NO DATA");
            self.add(format!("CREATE MATERIALIZED VIEW m_{own} AS SELECT id FROM v_{own}{data}"));
            if numbers.is(50) {
                self.add(format!("CREATE UNIQUE INDEX mi_{own} ON m_{own} (id)"));
            }
        }
        if numbers.is(20) {
            self.add(format!(
                "CREATE TRIGGER instead INSTEAD OF INSERT ON v_{own} FOR EACH ROW \
                 EXECUTE FUNCTION fired()"
            ));
        }
        if numbers.is(20) {
            self.add(format!(
                "CREATE FUNCTION of_{own}(v_{own}) RETURNS int LANGUAGE sql AS 'SELECT 1'"
            ));
        }
    }

    /// Triggers, rules, policies, and functions that use the table.
    fn programs(&mut self, numbers: &mut Numbers, table: &str) {
        let own = bare(table);
        if numbers.is(25) {
            self.add(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"));
            let role = numbers.maybe(50, " TO pg_monitor");
            self.add(format!("CREATE POLICY p ON {table}{role} USING (id > f())"));
        }
        if numbers.is(25) {
            let when = numbers.one(&["BEFORE", "AFTER"]);
            self.add(format!(
                "CREATE TRIGGER fires {when} UPDATE OF id ON {table} FOR EACH ROW \
                 WHEN (new.id > 0) EXECUTE FUNCTION fired()"
            ));
            if numbers.is(30) {
                self.add(format!("ALTER TABLE {table} DISABLE TRIGGER fires"));
            }
        }
        if numbers.is(10) {
            let condition = numbers.maybe(50, " WHERE old.id > 0");
            self.add(format!(
                "CREATE RULE ru AS ON DELETE TO {table}{condition} DO INSTEAD NOTHING"
            ));
        }
        if numbers.is(20) {
            let read = numbers.one(&["max(id)", "count(*)", "min(id) + f()"]);
            self.add(format!(
                "CREATE FUNCTION atomic_{own}() RETURNS bigint BEGIN ATOMIC \
                 SELECT {read} FROM {table}; END"
            ));
        }
        if numbers.is(15) {
            self.add(format!(
                "CREATE FUNCTION row_{own}(r {table}) RETURNS int LANGUAGE sql AS 'SELECT r.id'"
            ));
        }
    }

    fn rights(&mut self, numbers: &mut Numbers, table: &str, columns: &[&str]) {
        if numbers.is(25) {
            let privileges = numbers.one(&["SELECT", "INSERT, SELECT"]);
            let option = numbers.maybe(30, " WITH GRANT OPTION");
            self.add(format!("GRANT {privileges} ON {table} TO pg_monitor{option}"));
        }
        for name in columns {
            if numbers.is(10) {
                self.add(format!("GRANT UPDATE ({name}) ON {table} TO pg_monitor"));
            }
        }
        if numbers.is(10) {
            self.add(format!("ALTER TABLE {table} OWNER TO pg_monitor"));
        }
    }

    /// Objects that no table needs.
    fn alone(&mut self, numbers: &mut Numbers) {
        if numbers.is(60) {
            let options =
                numbers.one(&["", " INCREMENT 2", " AS int MAXVALUE 500 CYCLE", " START 7"]);
            self.add(format!("CREATE SEQUENCE q{options}"));
        }
        // An unlogged table cannot be published.
        let tables: Vec<&str> =
            self.tables.iter().map(|(name, _)| *name).filter(|name| *name != "u").collect();
        if !tables.is_empty() && numbers.is(20) {
            let count = 1 + usize::try_from(numbers.below(tables.len() as u64)).expect("small");
            self.add(format!("CREATE PUBLICATION pub FOR TABLE {}", tables[..count].join(", ")));
        }
        if numbers.is(15) {
            let kind =
                numbers.one(&["SELECT ON TABLES", "EXECUTE ON FUNCTIONS", "USAGE ON SEQUENCES"]);
            self.add(format!("ALTER DEFAULT PRIVILEGES GRANT {kind} TO pg_monitor"));
        }
        if numbers.is(20) {
            let initial = numbers.maybe(50, ", INITCOND = '5'");
            self.add(format!("CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int{initial})"));
        }
    }
}

fn labels(numbers: &mut Numbers) -> String {
    let mut labels: Vec<&str> = ["'a'", "'b'", "'c'"].into_iter().collect();
    if numbers.is(30) {
        labels.swap(0, 1);
    }
    labels.truncate(if numbers.is(50) { 3 } else { 2 });
    labels.join(", ")
}

fn column(numbers: &mut Numbers, name: &str) -> String {
    let (kind, default) = match numbers.below(11) {
        0 => ("text", "'x'"),
        1 => ("varchar(20)", "'y'"),
        2 => ("int", "f()"),
        3 => ("bigint", "7"),
        4 => ("e", "'a'"),
        5 => ("d", "3"),
        6 => ("numeric(8, 2)", "0"),
        7 => ("e[]", "'{a,b}'"),
        8 => ("s.k", "NULL"),
        9 => ("timestamptz", "now()"),
        _ => ("int", "1"),
    };
    let default = if numbers.is(40) { format!(" DEFAULT {default}") } else { String::new() };
    let not_null = numbers.maybe(30, " NOT NULL");
    format!("{name} {kind}{default}{not_null}")
}

/// Migrates the pairs of these seeds there and back, and fails with those that differ. Few pairs
/// may be refused.
pub(crate) fn migrate(seeds: std::ops::RangeInclusive<u64>) {
    let (mut wrong, mut refused) = (Vec::new(), 0);
    let count = seeds.clone().count();
    for seed in seeds {
        let mut numbers = Numbers(seed);
        let (before, after) = (schema(&mut numbers), schema(&mut numbers));
        let what = format!("seed {seed}:\n{before}\nto\n{after}\n");
        let wanted = Wanted { avoids_locks: seed % 3 == 0, ..wanted() };
        match proved_as(&what, (&before, &after), &wanted) {
            Ok(_) => {}
            Err(why) if why.contains("cannot be changed: ") => {
                refused += 1;
                eprintln!(
                    "seed {seed}: {}",
                    why.rsplit("cannot be changed: ").next().unwrap_or("")
                );
            }
            Err(why) => {
                eprintln!("{why}\n");
                wrong.push(why);
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs fail: {}", wrong.len(), wrong.join("\n\n"));
    assert!(refused * 20 <= count, "{refused} of {count} pairs are refused");
}
