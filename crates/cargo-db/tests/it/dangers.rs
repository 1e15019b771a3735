//! Dangers that a rehearsal must not miss: missing or hidden rows, disabled constraints, sequences
//! that are behind, and what programs lose besides names.

use serde_json::Value;

use crate::support::{Project, cluster, eventually};

/// A project of production with this schema, never analysed.
fn production(name: &str, schema: &str) -> Project {
    let mut project = Project::new(name);
    project.run_sql(schema);
    project.accept_key();
    project.set("CARGO_DB_ENV", "production");
    project
}

/// The JSON of a rehearsal of one migration, from its own basis.
fn rehearsal(project: &Project, from: &str, sql: &str) -> Value {
    project.migration("1_m.sql", sql);
    let mut json = Value::Null;
    // A role that may not dump needs a clone, which fails while any session is connected, such as
    // an autovacuum worker or the previous run's session.
    eventually("the database can be copied", || {
        json = project.db(&["rehearse", "--from", from, "--json"]).json();
        json["error"]["code"] != "BACKUP.HIDDEN_ROWS"
    });
    json
}

const TABLES: &str = "
CREATE TABLE kept (id int PRIMARY KEY);
CREATE TABLE dead (id int PRIMARY KEY);
ALTER TABLE dead SET (autovacuum_enabled = false);
INSERT INTO dead SELECT generate_series(1, 300);
";

#[test]
fn a_schema_without_rows_proves_nothing_of_a_table_that_has_some() {
    let project = production("d_schema", TABLES);
    // The server has no estimate yet.
    let json = rehearsal(&project, "schema", "DROP TABLE dead;");
    assert_eq!(json["verdict"], "UNMEASURED", "{json:#}");
    project.db(&["migrate", "--dry-run"]).code(1).says("its verdict is UNMEASURED for 1");
    let json = rehearsal(&project, "schema", "ALTER TABLE dead ADD COLUMN x int;");
    assert_eq!(json["verdict"], "PASS", "{json:#}");
    let dry = project.db(&["migrate", "--dry-run"]).code(1);
    dry.says("may have rows here").says("cargo db rehearse --from live");
    // A table without rows on both sides is another matter.
    let json = rehearsal(&project, "schema", "DROP TABLE kept;");
    assert_eq!(json["verdict"], "WARN", "{json:#}");
    project.db(&["migrate", "--dry-run"]).ok();
}

#[test]
fn a_table_that_was_empty_at_the_rehearsal_and_is_not_now_undoes_its_receipt() {
    let project = production("d_filled", TABLES);
    let json = rehearsal(&project, "live", "ALTER TABLE kept ADD COLUMN x int;");
    assert_eq!(json["verdict"], "PASS", "{json:#}");
    project.db(&["migrate", "--dry-run"]).ok();
    // What it does not touch may change.
    project.run_sql("INSERT INTO dead VALUES (301)");
    project.db(&["migrate", "--dry-run"]).ok();
    project.run_sql("INSERT INTO kept VALUES (1)");
    project.db(&["migrate", "--dry-run"]).code(1).says("public.kept may have rows here");
    let plan = project.db(&["migrate", "--dry-run", "--json"]).code(1).json();
    let id = plan["plan"]["id"].as_str().unwrap();
    let refused = project.db(&["migrate", "--confirm", "d_filled", "--plan", id, "--json"]).code(4);
    let next = &refused.json()["error"]["next"][0]["command"];
    assert_eq!(next, "cargo db rehearse --from live");
}

#[test]
fn a_receipt_says_whether_it_had_rows() {
    let project = production("d_says", TABLES);
    for (from, with_rows, empty) in
        [("schema", false, vec!["public.dead", "public.kept"]), ("live", true, vec!["public.kept"])]
    {
        let json = rehearsal(&project, from, "DROP TABLE dead; ALTER TABLE kept ADD x int;");
        let path = json["receipt"].as_str().unwrap();
        let text = std::fs::read_to_string(project.path().join(path)).unwrap();
        let receipt: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(receipt["with_rows"], with_rows, "{text}");
        let mut found: Vec<&str> = receipt["migrations"][0]["empty"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!(found, empty, "{from}");
    }
}

/// A project whose role owns the database but is not a superuser, with a table of 90 rows of which
/// a policy shows it a third, whether it owns the table or not.
fn forced(name: &str) -> Project {
    let mut project = Project::new(name);
    let role = format!("{name}_owner");
    cluster().run("postgres", &format!("CREATE ROLE {role} LOGIN CREATEDB"));
    cluster().run("postgres", &format!("ALTER DATABASE {name} OWNER TO {role}"));
    project.run_sql(&format!(
        "SET ROLE {role};
         CREATE TABLE safe (id int PRIMARY KEY, note text);
         INSERT INTO safe SELECT n, 'n' FROM generate_series(1, 90) n;
         CREATE TABLE secrets (id int PRIMARY KEY, tenant int, w text, code char(9));
         INSERT INTO secrets SELECT n, n % 3, 'w' || n, 'c' || n FROM generate_series(1, 90) n;
         CREATE POLICY p ON secrets USING (tenant = 1);
         ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
         ALTER TABLE secrets FORCE ROW LEVEL SECURITY;"
    ));
    let url = cluster().url(name).replace("//postgres@", &format!("//{role}@"));
    project.set("DATABASE_URL", &url);
    project
}

/// The findings of the first migration as `rule object rows`.
fn found(json: &Value) -> Vec<String> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let findings = json["migrations"][0]["findings"].as_array();
    let findings = findings.unwrap_or_else(|| panic!("{json:#}")).iter();
    let line = |one: &Value| {
        let rows = one["rows"].as_u64().map(|rows| format!(" {rows}")).unwrap_or_default();
        format!("{} {}{rows}", text(one, "rule"), text(one, "object")).trim().to_owned()
    };
    findings.map(line).collect()
}

#[test]
fn what_row_security_hides_is_never_a_number() {
    let project = forced("d_hidden");
    for (sql, object) in [
        ("DROP TABLE secrets CASCADE;", "secrets"),
        ("ALTER TABLE secrets DROP COLUMN w;", "secrets.w"),
        (
            "-- cargo-db: expect loss secrets.w <= 90\nALTER TABLE secrets DROP COLUMN w;",
            "secrets.w",
        ),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE secrets DROP w'; END $$;", "secrets.w"),
        ("ALTER TABLE secrets ALTER COLUMN code TYPE char(2) USING left(code, 2);", "secrets.code"),
        ("TRUNCATE secrets;", "secrets"),
        ("UPDATE secrets SET w = 'x' WHERE tenant = 2;", "secrets"),
        ("DELETE FROM secrets WHERE tenant = 2;", "secrets"),
    ] {
        let json = rehearsal(&project, "live", sql);
        let line = format!("not-counted {object}");
        assert!(found(&json).contains(&line), "{sql}\n{json:#}");
        assert!(json["verdict"] == "UNMEASURED" || json["verdict"] == "BLOCK", "{sql}\n{json:#}");
    }
    for sql in [
        "ALTER TABLE safe DROP COLUMN note;",
        "UPDATE safe SET note = 'x';",
        "INSERT INTO secrets VALUES (91, 1, 'w', 'c');",
        "ALTER TABLE secrets ADD COLUMN more int;",
    ] {
        let json = rehearsal(&project, "live", sql);
        assert!(!found(&json).iter().any(|one| one.starts_with("not-counted")), "{sql}\n{json:#}");
    }
}

#[test]
fn an_empty_table_with_row_security_hides_nothing() {
    let project = forced("d_hidden_empty");
    project.run_sql("TRUNCATE secrets");
    let json = rehearsal(&project, "live", "DROP TABLE secrets CASCADE;");
    assert_eq!(json["verdict"], "WARN", "{json:#}");
}

#[test]
fn a_role_that_sees_every_row_counts_them() {
    let project = forced("d_bypass");
    cluster().run("postgres", "ALTER ROLE d_bypass_owner BYPASSRLS");
    let json = rehearsal(&project, "live", "ALTER TABLE secrets DROP COLUMN w;");
    assert!(found(&json).contains(&"values-lost secrets.w 90".to_owned()), "{json:#}");
    let sql = "-- cargo-db: expect loss secrets.w <= 90\nALTER TABLE secrets DROP COLUMN w;";
    assert_eq!(rehearsal(&project, "live", sql)["verdict"], "WARN");
}

#[test]
fn a_dry_run_says_that_the_backup_would_fail_and_what_to_do() {
    let mut project = forced("d_backup");
    project.accept_key();
    project.migration("1_m.sql", "ALTER TABLE safe ADD COLUMN more int;");
    for environment in ["development", "staging", "production"] {
        project.set("CARGO_DB_ENV", environment);
        let dry = project.db(&["migrate", "--dry-run"]).code(1);
        dry.says("the backup would fail").says("public.secrets").says("BYPASSRLS");
        let run = project.db(&["migrate", "--yes"]).code(11);
        run.says("cannot dump").says("BYPASSRLS");
    }
    // Without a backup there is nothing to say.
    project.set("CARGO_DB_ENV", "test");
    project.db(&["migrate", "--dry-run"]).ok();
}

#[test]
fn a_copy_that_the_role_cannot_make_is_refused_with_what_to_do() {
    let project = forced("d_dump");
    project.migration("1_m.sql", "ALTER TABLE safe ADD COLUMN more int;");
    // Somebody is connected: it cannot be cloned.
    let _other = cluster().connect("d_dump");
    let ran = project.db(&["rehearse"]).code(11);
    let ran = ran.says("cannot dump").says("public.secrets").says("BYPASSRLS");
    assert!(!ran.stderr.contains("backups verify"), "{ran}");
}

#[test]
fn expected_losses_are_counted_in_every_environment_or_refused() {
    let mut project = forced("d_guard");
    project.accept_key();
    let loses = |bound: u32| {
        format!("-- cargo-db: expect loss secrets.w <= {bound}\nALTER TABLE secrets DROP COLUMN w;")
    };
    // A third of them is what the role sees.
    project.set("CARGO_DB_ENV", "test");
    project.migration("1_m.sql", &loses(30));
    let run = project.db(&["migrate", "--yes"]).code(4);
    run.says("cannot be counted: the role `").says("BYPASSRLS");
    cluster().run("postgres", "ALTER ROLE d_guard_owner BYPASSRLS");
    project.db(&["migrate", "--yes"]).code(4).says("secrets.w has 90 rows");
    assert_eq!(project.query("SELECT count(w) FROM secrets"), ["90"]);
    // In production the receipt carries the bound, and the role is a lesser one there.
    project.migration("1_m.sql", &loses(90));
    project.db(&["rehearse"]).ok();
    project.run_sql("ALTER ROLE d_guard_owner NOBYPASSRLS");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["migrate", "--dry-run"]).code(1).says("the backup would fail");
    project.run_sql("ALTER ROLE d_guard_owner BYPASSRLS");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["migrate", "--yes"]).ok();
}

const SHOP: &str = "
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE);
INSERT INTO customers SELECT n, n || '@example.com' FROM generate_series(1, 200) n;
CREATE TABLE orders (id serial PRIMARY KEY,
                     customer_id int REFERENCES customers (id) ON DELETE CASCADE);
INSERT INTO orders (customer_id) SELECT n FROM generate_series(1, 200) n;
CREATE TABLE lines (id int PRIMARY KEY);
INSERT INTO lines SELECT generate_series(1, 50);
ALTER TABLE lines ALTER COLUMN id SET NOT NULL;
CREATE TABLE pa (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE pa_1 PARTITION OF pa FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE pa_2 PARTITION OF pa FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO pa SELECT n, '2025-05-05' FROM generate_series(1, 40) n;
CREATE VIEW emails AS SELECT email FROM customers;
CREATE TYPE mood AS ENUM ('fine');
CREATE FUNCTION total(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION quietly() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica
AS 'BEGIN DELETE FROM customers WHERE id <= 7; END';
CREATE SCHEMA attic;
";

fn shop(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(SHOP);
    project
}

/// Rehearses on the database, and finds exactly one line of these about an object.
#[track_caller]
fn finds(project: &Project, sql: &str, verdict: &str, lines: &[&str]) -> Value {
    let json = rehearsal(project, "live", sql);
    let all = found(&json);
    for line in lines {
        assert_eq!(all.iter().filter(|one| one == line).count(), 1, "{line}: {sql}\n{json:#}");
    }
    assert_eq!(json["verdict"], verdict, "{sql}\n{json:#}");
    json
}

#[test]
fn rows_orphaned_while_foreign_keys_were_off_block() {
    let project = shop("d_orphans");
    let orphans = |rows: u32| format!("orphans orders.orders_customer_id_fkey {rows}");
    let off = "ALTER TABLE customers DISABLE TRIGGER ALL;";
    let on = "ALTER TABLE customers ENABLE TRIGGER ALL;";
    for (sql, rows) in [
        (format!("{off} UPDATE customers SET id = id + 1000 WHERE id <= 50; {on}"), 50),
        ("-- cargo-db: expect loss customers <= 9\nSET session_replication_role = replica; \
         DELETE FROM customers WHERE id <= 9;".to_owned(), 9),
        ("SET LOCAL session_replication_role = replica; INSERT INTO orders (customer_id) VALUES \
         (999);".to_owned(), 1),
        ("DO $$ BEGIN EXECUTE 'SET LOCAL session_repli' || 'cation_role = replica'; DELETE FROM \
         customers WHERE id = 1; END $$;".to_owned(), 1),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE customers DIS' || 'ABLE TRIGGER ALL'; DELETE FROM \
         customers WHERE id < 3; EXECUTE 'ALTER TABLE customers EN' || 'ABLE TRIGGER ALL'; END \
         $$;".to_owned(), 2),
        ("SELECT quietly();".to_owned(), 7),
        ("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey; DELETE FROM customers \
         WHERE id <= 4; ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY \
         (customer_id) REFERENCES customers NOT VALID; \
         UPDATE pg_constraint SET convalidated = true \
         WHERE conname = 'orders_customer_id_fkey';".to_owned(), 4),
    ] {
        finds(&project, &sql, "BLOCK", &[&orphans(rows)]);
    }
    // Nothing refers to nothing.
    for sql in [
        format!("{off} UPDATE customers SET email = upper(email); {on}"),
        "SET session_replication_role = replica; INSERT INTO orders (customer_id) VALUES (1), \
         (NULL);"
            .to_owned(),
        "DELETE FROM orders WHERE customer_id = 1;".to_owned(),
    ] {
        let json = rehearsal(&project, "live", &sql);
        assert!(!found(&json).iter().any(|one| one.starts_with("orphans")), "{sql}\n{json:#}");
    }
}

#[test]
fn a_trigger_that_prevents_a_cascade_leaves_orphans() {
    let project = shop("d_hollow");
    project.run_sql(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER keep BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION keep();",
    );
    let sql = "-- cargo-db: expect loss customers <= 9\nDELETE FROM customers WHERE id <= 9;";
    finds(&project, sql, "BLOCK", &["orphans orders.orders_customer_id_fkey 9"]);
}

/// The `expect` line that the help of a finding suggests, as a comment in the file.
fn line_in(help: &str) -> String {
    let expected = help.split_once("[\"").and_then(|(_, rest)| rest.split_once("\"]"));
    let lines = expected.expect(help).0.split("\", \"");
    lines.map(|line| format!("-- cargo-db: expect {line}")).collect::<Vec<_>>().join("\n")
}

#[test]
fn orphans_are_accepted_by_their_own_line_only() {
    let project = shop("d_orphans_expected");
    let sql =
        "SET session_replication_role = replica; INSERT INTO orders (customer_id) VALUES (999);";
    let json = finds(&project, sql, "BLOCK", &[]);
    let help = json["migrations"][0]["findings"][0]["help"].as_str().unwrap();
    let line = line_in(help);
    assert_eq!(line, "-- cargo-db: expect orphans orders.orders_customer_id_fkey <= 1");
    finds(&project, &format!("{line}\n{sql}"), "PASS", &[]);
    finds(&project, &format!("-- cargo-db: expect loss orders <= 9\n{sql}"), "BLOCK", &[]);
}

#[test]
fn foreign_keys_that_stay_off_block() {
    let project = shop("d_stays_off");
    let sql = "ALTER TABLE orders DISABLE TRIGGER ALL;";
    finds(&project, sql, "BLOCK", &["constraints-off orders 1"]);
    project.run_sql("ALTER TABLE orders DISABLE TRIGGER ALL");
    finds(&project, "ALTER TABLE orders ADD COLUMN x int;", "PASS", &[]);
}

#[test]
fn another_primary_key_is_a_loss() {
    let project = shop("d_keys");
    let sql = "UPDATE lines SET id = id + 1000 WHERE id <= 20;";
    finds(&project, sql, "BLOCK", &["keys-changed lines.id 20"]);
    // The new ones are partly the old ones.
    finds(&project, "UPDATE lines SET id = -id;", "BLOCK", &["keys-changed lines.id 50"]);
    let called = "DO $$ BEGIN UPDATE lines SET id = id + 100 WHERE id > 40; END $$;";
    finds(&project, called, "BLOCK", &["keys-changed lines.id 10"]);
    let expected = format!("-- cargo-db: expect loss lines.id <= 20\n{sql}");
    finds(&project, &expected, "PASS", &[]);
    finds(&project, "UPDATE customers SET email = 'x' || email;", "WARN", &[]);
}

#[test]
fn a_sequence_behind_its_column_blocks_where_the_migration_made_it_so() {
    let project = shop("d_sequences");
    for (sql, line) in [
        ("SELECT setval('orders_id_seq', 1, false);", "sequence-behind orders.id 200"),
        ("SELECT setval('orders_id_seq', 150);", "sequence-behind orders.id 50"),
        ("ALTER SEQUENCE orders_id_seq RESTART WITH 5;", "sequence-behind orders.id 196"),
        ("ALTER SEQUENCE orders_id_seq RESTART;", "sequence-behind orders.id 200"),
        (
            "ALTER TABLE lines ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;",
            "sequence-behind lines.id 50",
        ),
        (
            "CREATE SEQUENCE s; ALTER TABLE lines ALTER COLUMN id SET DEFAULT nextval('s');",
            "sequence-behind lines.id 50",
        ),
        ("INSERT INTO orders (id) VALUES (201), (202);", "sequence-behind orders.id 2"),
        (
            "DO $$ BEGIN PERFORM setval('orders_id_seq', 199); END $$;",
            "sequence-behind orders.id 1",
        ),
    ] {
        finds(&project, sql, "BLOCK", &[line]);
    }
    for sql in [
        "INSERT INTO orders (customer_id) VALUES (1);",
        "SELECT setval('orders_id_seq', 200);",
        "SELECT setval('orders_id_seq', 201, false);",
        "ALTER TABLE lines ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START 51);",
        "ALTER TABLE lines ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY; \
         SELECT setval('lines_id_seq', (SELECT max(id) FROM lines));",
    ] {
        finds(&project, sql, "PASS", &[]);
    }
    // It was so before, so this migration did not cause it.
    project.run_sql("SELECT setval('orders_id_seq', 10)");
    finds(&project, "ALTER TABLE orders ADD COLUMN x int;", "PASS", &[]);
    finds(&project, "INSERT INTO orders (customer_id, id) VALUES (1, 1000);", "PASS", &[]);
}

#[test]
fn lost_guarantees_are_reported_with_the_line_that_accepts_them() {
    let project = shop("d_promises");
    project.run_sql(
        "CREATE ROLE d_reader;
         GRANT SELECT ON emails, customers, orders TO d_reader;
         GRANT SELECT (email) ON customers TO d_reader;
         GRANT UPDATE (email) ON customers TO d_reader;
         GRANT USAGE ON SEQUENCE orders_id_seq TO d_reader;
         GRANT USAGE ON SCHEMA attic TO d_reader;",
    );
    // MAINTAIN came with 17.
    let has_maintain = cluster().major() >= 17;
    let all_rights = if has_maintain { "rights-lost lines 8" } else { "rights-lost lines 7" };
    for (sql, line) in [
        (
            "DROP VIEW emails; CREATE VIEW emails AS SELECT email FROM customers;",
            "rights-lost emails 1",
        ),
        ("REVOKE SELECT ON orders FROM d_reader;", "rights-lost orders 1"),
        ("REVOKE UPDATE (email) ON customers FROM d_reader;", "rights-lost customers.email 1"),
        ("REVOKE USAGE ON SEQUENCE orders_id_seq FROM d_reader;", "rights-lost orders_id_seq 1"),
        ("REVOKE USAGE ON SCHEMA attic FROM d_reader;", "rights-lost attic 1"),
        (
            "REVOKE EXECUTE ON FUNCTION total(int, int) FROM PUBLIC;",
            "rights-lost total(integer, integer) 1",
        ),
        ("REVOKE USAGE ON TYPE mood FROM PUBLIC;", "rights-lost mood 1"),
        ("ALTER TABLE lines OWNER TO d_reader;", all_rights),
        (
            "ALTER TABLE customers RENAME TO people; CREATE VIEW customers AS SELECT * FROM \
             people;",
            "rights-lost customers 1",
        ),
        ("ALTER TABLE orders ENABLE ROW LEVEL SECURITY;", "row-security-on orders 200"),
        (
            "ALTER TABLE lines FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY;",
            "row-security-on lines 50",
        ),
        (
            "ALTER TABLE customers DROP CONSTRAINT customers_email_key;",
            "unique-gone customers_email_key 200",
        ),
        ("ALTER TABLE lines DROP CONSTRAINT lines_pkey;", "unique-gone lines_pkey 50"),
        ("ALTER TABLE pa DETACH PARTITION pa_1;", "partition-gone pa_1 40"),
        (
            "-- no-transaction\nALTER TABLE pa DETACH PARTITION pa_1 CONCURRENTLY;",
            "partition-gone pa_1 40",
        ),
        ("-- cargo-db: expect loss pa_1 <= 40\nDROP TABLE pa_1;", "partition-gone pa_1 40"),
    ] {
        let json = finds(&project, sql, "WARN", &[line]);
        let (rule, object) = line.rsplit_once(' ').unwrap().0.split_once(' ').unwrap();
        let findings = json["migrations"][0]["findings"].as_array().unwrap();
        let told = findings.iter().find(|one| one["rule"] == rule && one["object"] == object);
        let help = told.unwrap()["help"].as_str().unwrap();
        let accepts = line_in(help);
        let directive = sql.starts_with("-- no-transaction");
        let sql =
            if directive { format!("{sql}\n{accepts}\n") } else { format!("{accepts}\n{sql}") };
        let json = rehearsal(&project, "live", &sql);
        let left = found(&json);
        let same = |one: &String| one.starts_with(&format!("{rule} {object} "));
        assert!(!left.iter().any(same), "{sql}\n{json:#}");
        assert!(!left.iter().any(|one| one.starts_with("unknown")), "{sql}\n{json:#}");
    }
}

#[test]
fn changes_that_programs_do_not_notice_are_not_reported() {
    let project = shop("d_stays");
    project.run_sql("CREATE ROLE d_stays_reader; GRANT SELECT ON emails TO d_stays_reader");
    for sql in [
        "DROP VIEW emails; CREATE VIEW emails AS SELECT email FROM customers; \
         GRANT SELECT ON emails TO d_stays_reader;",
        "GRANT INSERT ON orders TO d_stays_reader; REVOKE INSERT ON orders FROM d_stays_reader;",
        "-- no-transaction\nREINDEX INDEX CONCURRENTLY customers_email_key;",
        "ALTER TABLE customers RENAME CONSTRAINT customers_email_key TO one_email;",
        "CREATE UNIQUE INDEX e ON lines (id);",
        "ALTER TABLE pa DETACH PARTITION pa_2;",
        "CREATE TABLE hidden (id int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;",
    ] {
        let json = rehearsal(&project, "live", sql);
        let rules = ["rights-lost", "row-security-on", "unique-gone", "partition-gone"];
        let told = |one: &String| rules.iter().any(|rule| one.starts_with(rule));
        assert!(!found(&json).iter().any(told), "{sql}\n{json:#}");
    }
}
