//! `rehearse`: each hazard and its safe counterpart, measured on a small schema with about ten
//! thousand rows.

use std::process::Stdio;

use crate::support::{Project, Ran, cluster, eventually};

const BASE: &str = "
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO teams SELECT n, 'team ' || n FROM generate_series(1, 100) n;
CREATE TABLE users (id int PRIMARY KEY, team int, name text NOT NULL, mail varchar(100), score int, note text, mood mood, gap text, at timestamp);
INSERT INTO users SELECT n, 1 + n % 100, 'user ' || n, 'u' || n || '@example.com', n, CASE WHEN n <= 18000 THEN 'note ' || n END, 'fine', NULL, '2026-01-01'
FROM generate_series(1, 20000) n;
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, amount numeric(10,2) NOT NULL);
INSERT INTO orders SELECT n, n, n + 0.25 FROM generate_series(1, 20000) n;
CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders ON DELETE CASCADE, what text);
INSERT INTO items SELECT n, n, 'item' FROM generate_series(1, 10000) n;
CREATE TABLE prices (id int PRIMARY KEY, amount numeric(10,2));
INSERT INTO prices SELECT n, n + 0.25 FROM generate_series(1, 20000) n;
CREATE INDEX users_mail ON users (mail);
CREATE TABLE empty (id int PRIMARY KEY, note text);
CREATE TABLE loose (id int, name text);
INSERT INTO loose SELECT n, 'x' FROM generate_series(1, 20000) n;
CREATE TABLE twins (name text);
INSERT INTO twins SELECT 'same' FROM generate_series(1, 100);
CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO events SELECT n, '2025-06-01' FROM generate_series(1, 20000) n;
CREATE TABLE events_2026 (id int, day date NOT NULL);
INSERT INTO events_2026 SELECT n, '2026-06-01' FROM generate_series(1, 20000) n;
CREATE TABLE events_2027 (id int, day date NOT NULL CHECK (day >= '2027-01-01' AND day < '2028-01-01'));
INSERT INTO events_2027 SELECT n, '2027-06-01' FROM generate_series(1, 20000) n;
CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) AS amount FROM orders GROUP BY 1;
CREATE UNIQUE INDEX totals_user ON totals (user_id);
CREATE VIEW names AS SELECT id, name FROM users;
CREATE INDEX users_score ON users (score);
CREATE TABLE proved (id int CHECK (id IS NOT NULL));
INSERT INTO proved SELECT n FROM generate_series(1, 20000) n;
CREATE FUNCTION wipe() RETURNS void LANGUAGE sql AS 'DELETE FROM loose';
CREATE DOMAIN positive AS int;
CREATE TABLE sums (value positive);
INSERT INTO sums SELECT n FROM generate_series(1, 20000) n;
";

/// A database with the base schema, cloned from one that is created once.
fn based(name: &str) -> Project {
    static TEMPLATE: std::sync::Once = std::sync::Once::new();
    TEMPLATE.call_once(|| {
        cluster().run("postgres", "CREATE DATABASE h_template");
        cluster().run("h_template", BASE);
        cluster().run("h_template", "ANALYZE");
        cluster().end_sessions("h_template");
    });
    let project = Project::without_database(name);
    cluster().run("postgres", &format!("CREATE DATABASE {name} TEMPLATE h_template"));
    project
}

/// Rehearses one migration. Returns its verdict and its findings as `rule object`.
fn rehearsed(project: &Project, sql: &str) -> (String, Vec<String>) {
    project.migration("1_m.sql", sql);
    let ran = project.db(&["rehearse", "--json"]);
    let json = ran.json();
    let migration = &json["migrations"][0];
    assert!(migration.is_object(), "{sql}\n{ran}");
    let found = migration["findings"].as_array().unwrap().iter();
    let text = |finding: &serde_json::Value, key: &str| {
        finding[key].as_str().unwrap_or_default().to_owned()
    };
    let found = found.map(|finding| {
        let rows = finding["rows"].as_u64().map(|rows| format!(" {rows}")).unwrap_or_default();
        format!("{} {}{rows}", text(finding, "rule"), text(finding, "object")).trim().to_owned()
    });
    let verdict = migration["verdict"].as_str().unwrap().to_owned();
    assert_eq!(
        ran.code,
        Some(i32::from(matches!(verdict.as_str(), "BLOCK" | "UNMEASURED"))),
        "{ran}"
    );
    (verdict, found.collect())
}

/// A hazard and the expected findings.
const DANGERS: &[(&str, &[&str])] = &[
    ("ALTER TABLE users ADD COLUMN must text NOT NULL;", &["fails"]),
    (
        "ALTER TABLE users ADD COLUMN seen timestamptz DEFAULT clock_timestamp();",
        &["rewrite users 20000"],
    ),
    ("ALTER TABLE users ADD COLUMN number bigserial;", &["rewrite users 20000"]),
    (
        "ALTER TABLE users ADD COLUMN number int GENERATED ALWAYS AS IDENTITY;",
        &["rewrite users 20000"],
    ),
    (
        "ALTER TABLE users ADD COLUMN long int GENERATED ALWAYS AS (length(name)) STORED;",
        &["rewrite users 20000"],
    ),
    ("ALTER TABLE users ADD COLUMN u text UNIQUE;", &["scan-under-lock users 20000"]),
    (
        "ALTER TABLE users ADD COLUMN positive int CHECK (positive > 0);",
        &["scan-under-lock users 20000"],
    ),
    ("CREATE INDEX users_name ON users (name);", &["scan-under-lock users 20000"]),
    ("REINDEX TABLE users;", &["scan-under-lock users 20000"]),
    ("CREATE INDEX CONCURRENTLY users_name ON users (name);", &["fails"]),
    (
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY twin ON twins (name);",
        &["fails", "invalid-index twin"],
    ),
    ("ALTER TABLE items ALTER COLUMN id TYPE bigint;", &["rewrite items 10000"]),
    (
        "ALTER TABLE users ALTER COLUMN mail TYPE varchar(100) COLLATE \"C\";",
        &["scan-under-lock users 20000"],
    ),
    (
        "ALTER TABLE prices ALTER COLUMN amount TYPE int;",
        &["rewrite prices 20000", "values-lost prices.amount 20000"],
    ),
    ("ALTER TABLE users ALTER COLUMN note SET NOT NULL;", &["fails"]),
    ("ALTER TABLE users ALTER COLUMN score SET NOT NULL;", &["scan-under-lock users 20000"]),
    (
        "ALTER TABLE users ADD CONSTRAINT positive CHECK (score > 0);",
        &["scan-under-lock users 20000"],
    ),
    (
        "ALTER TABLE users ADD FOREIGN KEY (team) REFERENCES teams;",
        &["scan-under-lock users 20000"],
    ),
    (
        "ALTER TABLE users ADD CONSTRAINT c CHECK (score > 0) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT c;",
        &["scan-under-lock users 20000"],
    ),
    ("ALTER TABLE users ADD UNIQUE (mail);", &["scan-under-lock users 20000"]),
    ("ALTER TABLE loose ADD PRIMARY KEY (id);", &["scan-under-lock loose 20000"]),
    ("ALTER TABLE twins ADD UNIQUE (name);", &["fails"]),
    ("ALTER TABLE loose ADD EXCLUDE USING btree (id WITH =);", &["scan-under-lock loose 20000"]),
    ("ALTER DOMAIN positive ADD CHECK (VALUE > 0);", &["scan-under-lock sums 20000"]),
    (
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        &["scan-under-lock events_2026 20000"],
    ),
    ("REFRESH MATERIALIZED VIEW totals;", &["rewrite totals 20000"]),
    ("CLUSTER users USING users_pkey;", &["rewrite users 20000"]),
    ("-- no-transaction\nVACUUM FULL users;", &["rewrite users 20000"]),
    ("ALTER TABLE users SET UNLOGGED;", &["fails"]),
    ("ALTER TABLE loose SET UNLOGGED;", &["rewrite loose 20000"]),
    ("DROP TABLE items;", &["rows-lost items 10000"]),
    ("ALTER TABLE users DROP COLUMN note;", &["values-lost users.note 18000"]),
    (
        "DO $$ BEGIN EXECUTE 'ALTER TABLE users DROP COLUMN '||'no'||'te'; END $$;",
        &["values-lost users.note 18000"],
    ),
    ("DROP TYPE mood CASCADE;", &["values-lost users.mood 20000"]),
    ("TRUNCATE items;", &["rows-lost items 10000"]),
    ("DELETE FROM items;", &["rows-lost items 10000"]),
    (
        "DELETE FROM orders WHERE id <= 200;",
        &["rows-lost items 200", "rows-lost orders 200", "missing-index items"],
    ),
    ("SELECT wipe();", &["rows-lost loose 20000"]),
    (
        "WITH gone AS (DELETE FROM loose RETURNING 1) SELECT count(*) FROM gone;",
        &["rows-lost loose 20000"],
    ),
    ("UPDATE users SET note = 'redacted';", &["values-lost users.note 18000"]),
    (
        "ALTER TABLE teams ADD COLUMN x int; UPDATE users SET score = score + 1;",
        &["work-under-lock teams"],
    ),
    (
        "ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey; ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users DEFERRABLE INITIALLY DEFERRED; INSERT INTO orders VALUES (99999, 99999, 1);",
        &["commit-fails"],
    ),
    (
        "ALTER TYPE mood ADD VALUE 'great'; UPDATE users SET mood = 'great' WHERE id = 1;",
        &["fails"],
    ),
    ("CREATE TABLE a (id int); COMMIT; CREATE TABLE b (id int);", &["transaction-control"]),
];

/// Statements that look like hazards but are not.
const LOOK_ALIKES: &[&str] = &[
    "ALTER TABLE users ADD COLUMN must text NOT NULL DEFAULT 'x';",
    "ALTER TABLE users ADD COLUMN seen timestamptz DEFAULT now();",
    "ALTER TABLE users ADD COLUMN number bigint;",
    "ALTER TABLE users ALTER COLUMN mail TYPE varchar(200);",
    "ALTER TABLE users ALTER COLUMN mail TYPE text;",
    "SET timezone = 'UTC'; ALTER TABLE users ALTER COLUMN at TYPE timestamptz;",
    "ALTER TABLE prices ALTER COLUMN amount TYPE numeric(12,2);",
    "-- no-transaction\nCREATE INDEX CONCURRENTLY users_name ON users (name);",
    "-- no-transaction\nREINDEX INDEX CONCURRENTLY users_score;",
    "-- no-transaction\nDROP INDEX CONCURRENTLY users_score;",
    "CREATE TABLE fresh (id int PRIMARY KEY, name text); INSERT INTO fresh SELECT n, 'x' FROM generate_series(1, 5000) n; CREATE INDEX i ON fresh (name); ALTER TABLE fresh ALTER COLUMN name SET NOT NULL;",
    "CREATE INDEX i ON empty (note);",
    "ALTER TABLE proved ALTER COLUMN id SET NOT NULL;",
    "ALTER TABLE users ADD CONSTRAINT positive CHECK (score > 0) NOT VALID;",
    "ALTER TABLE users ADD CONSTRAINT of_team FOREIGN KEY (team) REFERENCES teams NOT VALID;",
    "ALTER TABLE proved VALIDATE CONSTRAINT proved_id_check;",
    "ALTER TABLE events ATTACH PARTITION events_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');",
    "CREATE TABLE events_2028 PARTITION OF events FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY totals;",
    "-- no-transaction\nVACUUM users;",
    "DROP TABLE empty;",
    "ALTER TABLE empty DROP COLUMN note;",
    "ALTER TABLE users DROP COLUMN gap;",
    "TRUNCATE empty;",
    "DELETE FROM users WHERE id = -1;",
    "UPDATE users SET gap = 'filled' WHERE gap IS NULL;",
    "UPDATE users SET note = upper(note) WHERE id < 100;",
    "INSERT INTO teams SELECT n, 'more' FROM generate_series(101, 3000) n;",
    "ALTER TYPE mood ADD VALUE 'great';",
    "ALTER TABLE users ALTER COLUMN score SET DEFAULT 0;",
    "ALTER TABLE users SET (fillfactor = 90);",
    "COMMENT ON TABLE users IS 'DROP TABLE users; TRUNCATE users';",
    "CREATE OR REPLACE VIEW names AS SELECT id, name, mail FROM users;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN 1; END $$;",
    "ALTER TABLE users RENAME COLUMN note TO remark;",
    "ALTER TABLE users ALTER COLUMN score DROP DEFAULT;",
    "DROP INDEX users_score;",
    "CREATE STATISTICS st (dependencies) ON team, score FROM users;",
    "GRANT SELECT ON users TO PUBLIC;",
    "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE; ALTER TABLE users ADD COLUMN extra int;",
    "CREATE TABLE copied AS SELECT * FROM users WHERE id < 10;",
    "COPY teams FROM STDIN;\n200000\tcopied\n\\.\n",
    "DO $$ BEGIN PERFORM 1; END $$;",
    "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();",
];

#[test]
fn every_hazard_is_found_and_no_look_alike_is_blocked() {
    let threads: Vec<_> = (0..4)
        .map(|part| {
            std::thread::spawn(move || {
                let project = based(&format!("h_part{part}"));
                let mut wrong = Vec::new();
                for (sql, expected) in DANGERS.iter().skip(part).step_by(4) {
                    let (verdict, found) = rehearsed(&project, sql);
                    let all = expected
                        .iter()
                        .all(|rule| found.iter().any(|found| found.starts_with(rule)));
                    if verdict != "BLOCK" || !all {
                        wrong.push(format!("{sql}\n  {verdict} {found:?}, not {expected:?}"));
                    }
                }
                for sql in LOOK_ALIKES.iter().skip(part).step_by(4) {
                    let (verdict, found) = rehearsed(&project, sql);
                    if !matches!(verdict.as_str(), "PASS" | "WARN") {
                        wrong.push(format!("{sql}\n  {verdict} {found:?}"));
                    }
                }
                wrong
            })
        })
        .collect();
    let wrong: Vec<String> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        cluster().query(
            "postgres",
            "SELECT datname FROM pg_database WHERE datname LIKE 'h\\_part%scratch%'"
        ),
        Vec::<String>::new()
    );
}

#[test]
fn a_rollback_is_proved_lossy_wrong_or_irreversible() {
    let project = based("h_back");
    let way = |up: &str, down: Option<&str>| {
        project.migration("1_m.up.sql", up);
        match down {
            Some(down) => project.migration("1_m.down.sql", down),
            None => drop(std::fs::remove_file(project.path().join("migrations/1_m.down.sql"))),
        }
        let json = project.db(&["rehearse", "--json"]).json();
        json["migrations"][0]["rollback"].clone()
    };
    let is = |way: &serde_json::Value, word: &str, detail: &str| {
        assert_eq!(way["is"], word, "{way}");
        assert!(way["details"].to_string().contains(detail), "{way}");
    };
    let proved = way(
        "ALTER TABLE users ADD COLUMN extra int; CREATE INDEX i ON empty (note); CREATE TABLE t (id int);",
        Some("DROP TABLE t; DROP INDEX i; ALTER TABLE users DROP COLUMN extra;"),
    );
    is(&proved, "proved", "");
    let lossy =
        way("ALTER TABLE users DROP COLUMN note;", Some("ALTER TABLE users ADD COLUMN note text;"));
    is(&lossy, "lossy", "users.note: 18,000 values are lost with the column");
    let lossy = way(
        "ALTER TABLE users ADD COLUMN copy text; UPDATE users SET copy = name;",
        Some("ALTER TABLE users DROP COLUMN copy;"),
    );
    is(&lossy, "lossy", "users.copy: 20,000 values are lost with the column");
    let wrong =
        way("ALTER TABLE users ADD COLUMN extra int NOT NULL DEFAULT 1;", Some("SELECT 1;"));
    is(&wrong, "wrong", "+ column public.users.extra integer | not null | 1");
    let wrong =
        way("DROP INDEX users_score;", Some("CREATE INDEX users_score ON users (score DESC);"));
    is(
        &wrong,
        "wrong",
        "- index public.users_score CREATE INDEX users_score ON public.users USING btree (score)",
    );
    is(&way("CREATE TABLE t (id int);", Some("DROP TABLE no_such;")), "wrong", "does not exist");
    std::fs::remove_file(project.path().join("migrations/1_m.up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/1_m.down.sql")).unwrap();
    project.migration("1_m.sql", "CREATE TABLE t (id int);");
    let json = project.db(&["rehearse", "--json"]).json();
    assert_eq!(json["migrations"][0]["rollback"]["is"], "irreversible");
}

#[test]
fn expected_losses_pass_up_to_their_bound() {
    let mut project = based("h_expect");
    project.accept_key();
    project.set("CARGO_DB_REHEARSE", "");
    let drop_note = |bound: u32| {
        format!(
            "-- cargo-db: expect loss users.note <= {bound}\nALTER TABLE users DROP COLUMN note;"
        )
    };
    let (verdict, found) = rehearsed(&project, &drop_note(17_999));
    assert_eq!((verdict.as_str(), found[0].as_str()), ("BLOCK", "values-lost users.note 18000"));
    project
        .db(&["migrate"])
        .code(4)
        .says("values-lost users.note: 18,000 values are lost with the column");
    assert_eq!(rehearsed(&project, &drop_note(18_000)).0, "WARN", "programs still miss it");
    assert_eq!(
        rehearsed(
            &project,
            "-- cargo-db: expect lock users <= 20000\nCREATE INDEX i ON users (name);"
        )
        .0,
        "PASS"
    );

    // In production the receipt carries the bound, and reality is counted again.
    project.migration("1_m.sql", &drop_note(18_001));
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "production");
    project.run_sql("UPDATE users SET note = 'late' WHERE id IN (18001, 18002)");
    project
        .agreed(&["migrate"])
        .code(4)
        .says("users.note has 18002 rows")
        .says("18002")
        .says("18001");
    assert_eq!(project.query("SELECT count(note) FROM users"), ["18002"]);
    project.run_sql("UPDATE users SET note = NULL WHERE id = 18002");
    project.agreed(&["migrate"]).ok();
}

#[test]
fn production_needs_the_receipt_of_these_files_on_this_schema() {
    let mut project = based("h_receipt");
    project.accept_key();
    project.migration("1_m.up.sql", "ALTER TABLE users ADD COLUMN extra int;");
    project.migration("1_m.down.sql", "ALTER TABLE users DROP COLUMN extra;");
    project.set("CARGO_DB_ENV", "production");
    let agreed = |project: &Project, verb: &[&str]| project.agreed(verb);
    agreed(&project, &["migrate"]).code(4).says("no valid rehearsal receipt");
    let receipt =
        project.db(&["rehearse", "--json"]).ok().json()["receipt"].as_str().unwrap().to_owned();
    // Another byte, another schema: another receipt.
    project.migration("1_m.up.sql", "ALTER TABLE users ADD COLUMN extra int; ");
    let differs = "the files differ: `migrations/1_m.up.sql` was edited";
    agreed(&project, &["migrate"]).code(4).says(differs);
    project.migration("1_m.up.sql", "ALTER TABLE users ADD COLUMN extra int;");
    project.run_sql("CREATE TABLE by_hand (id int)");
    agreed(&project, &["migrate"]).code(4).says("the schema differs");
    project.run_sql("DROP TABLE by_hand");
    // It can be carried from another machine.
    std::fs::rename(&receipt, project.path().join("carried.json")).unwrap();
    agreed(&project, &["migrate"]).code(4);
    agreed(&project, &["migrate", "--receipt", "carried.json"]).ok().says("Proved");
    // The down migration was proved there; without the receipt that is unknown.
    agreed(&project, &["rollback"])
        .code(4)
        .says("no rehearsal proved that rolling back `1 m` undoes it");
    std::fs::rename(project.path().join("carried.json"), &receipt).unwrap();
    agreed(&project, &["rollback"]).ok();
}

#[test]
fn migrate_rehearses_by_itself_and_a_block_stops_it() {
    let mut project = based("h_self");
    project.set("CARGO_DB_REHEARSE", "");
    let before = project.content();
    project.migration("1_m.sql", "TRUNCATE items;");
    project.db(&["migrate"]).code(4).says("rows-lost items: table emptied, with 10,000 rows");
    project
        .db(&["migrate", "--dry-run"])
        .code(1)
        .says("Rehearsed on a copy of h_self")
        .says("rows-lost");
    // A statement that fails does so on the copy.
    project.migration("1_m.sql", "CREATE TABLE t (id int);\nSELECT 1 / 0;");
    project
        .db(&["migrate"])
        .code(7)
        .says("migrations/1_m.sql:2:1: division by zero")
        .says("the rehearsal of `1 m`");
    assert_eq!(project.content(), before);
    // At home a lock is a warning.
    project.migration("1_m.sql", "CREATE INDEX i ON users (name);");
    project.db(&["migrate", "--dry-run"]).code(1);
    let ran = project.db(&["migrate"]).ok().says("scan-under-lock");
    assert!(ran.stderr.contains("would block a busy database"), "{ran}");
    // It can be turned off in development, and nowhere else.
    project.set("CARGO_DB_REHEARSE", "0");
    project.migration("2_m.sql", "TRUNCATE items;");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).code(4);
    project.set("CARGO_DB_ENV", "development");
    project.db(&["migrate"]).ok();
}

#[test]
fn queries_that_break_are_named_with_what_broke_them() {
    let project = based("h_queries");
    project.write(
        ".sqlx/query-1.json",
        r#"{"db_name": "PostgreSQL", "query": "SELECT note FROM users WHERE id = $1"}"#,
    );
    project.write(
        ".sqlx/query-2.json",
        r#"{"db_name": "PostgreSQL", "query": "SELECT name FROM users"}"#,
    );
    project.write(
        ".sqlx/query-3.json",
        r#"{"db_name": "PostgreSQL", "query": "SELECT broken FROM nowhere"}"#,
    );
    project.migration("1_a.sql", "ALTER TABLE users ADD COLUMN extra int;");
    project.migration("2_b.sql", "ALTER TABLE users RENAME COLUMN note TO remark;");
    let json = project.db(&["rehearse", "--queries", ".sqlx", "--json"]).code(1).json();
    let broken = json["broken_queries"].as_array().unwrap();
    assert_eq!(broken.len(), 1, "{json}");
    assert_eq!(
        (broken[0]["query"].as_str(), broken[0]["by"].as_str()),
        (Some(".sqlx/query-1.json"), Some("2 b"))
    );
    project.write("sql/all.sql", "SELECT name FROM users;\nSELECT note FROM users;\n");
    project.db(&["rehearse", "--queries", "sql"]).code(1).says("sql/all.sql:2");
    let annotated = project.db(&["rehearse", "--queries", "sql", "--format", "github"]).code(1);
    annotated.says("::error file=sql/all.sql,line=2,title=broken-query::");
    project.db(&["rehearse", "--queries", "migrations/none"]).code(2);
}

#[test]
fn a_schema_copy_is_partly_unmeasured_and_a_backup_is_measured() {
    let project = based("h_basis");
    project.migration("1_m.sql", "CREATE INDEX i ON users (name);");
    let json = project.db(&["rehearse", "--from", "schema", "--json"]).code(1).json();
    assert_eq!(json["migrations"][0]["findings"][0]["rows"], 20_000, "{json}");
    project.migration("1_m.sql", "UPDATE users SET name = 'x';");
    let json = project.db(&["rehearse", "--from", "schema", "--json"]).code(1).json();
    assert_eq!(json["migrations"][0]["verdict"], "UNMEASURED");
    project.db(&["backup", "-o", "b.sql.gz"]).ok();
    project.run_sql("DELETE FROM items");
    project.migration("1_m.sql", "DROP TABLE items;");
    let json = project.db(&["rehearse", "--from", "backup", "--json"]).code(1).json();
    assert_eq!(json["migrations"][0]["findings"][0]["rows"], 10_000);
    assert_eq!(json["basis"], "the backup b.sql.gz");
    // Sizes from another database are used to scale, and reported as an estimate.
    project.migration(
        "1_m.sql",
        "CREATE INDEX i ON users (name); INSERT INTO teams VALUES (101, 'x');",
    );
    project.db(&["rehearse", "--from", "backup"]).code(1).says("(an estimate)");
    let json = project.db(&["rehearse", "--from", "backup", "--json"]).json();
    let migration = &json["migrations"][0];
    assert!(migration["locks"][0]["estimated_ms"].is_u64(), "{json}");
    assert_eq!(
        migration["rows"][0],
        serde_json::json!({"table": "teams", "inserted": 1, "updated": 0, "deleted": 0})
    );
    project.migration("1_m.sql", "DROP TABLE items;");
    project.db(&["rehearse"]).ok();
    // What reaches further than the database is not run, not even on a copy.
    project.migration("1_m.sql", "CREATE ROLE h_basis_role;");
    project.db(&["rehearse"]).code(1).says("rollback: unmeasured").says("outside-database");
    assert!(
        cluster()
            .query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'h_basis_role'")
            .is_empty()
    );
}

#[test]
fn however_it_ends_nothing_is_left_and_no_session_is_terminated() {
    let project = based("h_kill");
    let before = project.content();
    project.migration("1_m.sql", "CREATE TABLE t (id int); SELECT pg_sleep(20);");
    let scratch = "SELECT datname FROM pg_database WHERE starts_with(datname, 'h_kill__scratch')";
    let sleeping = "SELECT pid FROM pg_stat_activity WHERE starts_with(datname, 'h_kill__scratch') AND query LIKE '%pg_sleep%'";
    // While a session is connected, the database is dumped and not cloned, and the session is kept.
    let mut guest = cluster().connect("h_kill");
    let start = || {
        let mut command = project.command(&["rehearse"]);
        let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the rehearsal sleeps", || !cluster().query("postgres", sleeping).is_empty());
        run
    };
    let run = start();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&run),
        rustix::process::Signal::INT,
    )
    .unwrap();
    Ran::from(run.wait_with_output().unwrap()).code(130);
    assert_eq!(cluster().query("postgres", scratch), Vec::<String>::new());
    let run = start();
    let pid = cluster().query("postgres", sleeping).remove(0);
    cluster().run("postgres", &format!("SELECT pg_terminate_backend({pid})"));
    Ran::from(run.wait_with_output().unwrap()).code(7).says("was lost");
    assert_eq!(cluster().query("postgres", scratch), Vec::<String>::new());
    let mut run = start();
    run.kill().unwrap();
    run.wait().unwrap();
    let left = cluster().query("postgres", scratch);
    assert_eq!(left.len(), 1);
    cluster().end_sessions(&left[0]);
    let connected = format!("SELECT 1 FROM pg_stat_activity WHERE datname = '{}'", left[0]);
    eventually("its sessions are gone", || cluster().query("postgres", &connected).is_empty());
    // A database that only looks like ours is kept.
    cluster().run("postgres", "CREATE DATABASE h_kill__scratch_mine");
    project.migration("1_m.sql", "CREATE TABLE t (id int);");
    project.db(&["rehearse"]).ok();
    assert_eq!(cluster().query("postgres", scratch), ["h_kill__scratch_mine"]);
    guest.batch_execute("SELECT 1").unwrap();
    assert_eq!(project.content(), before);
}

#[test]
fn the_report_fits_a_pull_request() {
    let project = based("h_report");
    project.migration("1_a.sql", "ALTER TABLE users ADD COLUMN extra int;");
    project.migration("2_b.sql", "CREATE INDEX i ON users (name);");
    let page = project.db(&["rehearse", "--format", "markdown"]).code(1).stdout;
    assert!(page.contains("| **BLOCK** | 2 b |"), "{page}");
    assert!(
        page.contains(
            "- BLOCK line 1, scan-under-lock: `users`: scans 20,000 rows while writes wait"
        ),
        "{page}"
    );
    assert!(page.contains("  if that is meant: `2 = [\"lock users <= 20000\"]`"), "{page}");
    project
        .db(&["rehearse", "--keep"])
        .code(1)
        .says("the scratch database is kept as h_report__scratch_");
    let kept = cluster().query(
        "postgres",
        "SELECT datname FROM pg_database WHERE starts_with(datname, 'h_report__')",
    );
    // It is not a leftover.
    project.db(&["rehearse"]).code(1);
    assert_eq!(
        cluster().query(
            "postgres",
            "SELECT datname FROM pg_database WHERE starts_with(datname, 'h_report__')"
        ),
        kept
    );
}

/// Found by a reader who tried to get past it.
#[test]
fn losses_are_seen_however_they_come() {
    let project = based("h_losses");
    project.run_sql(
        "CREATE TABLE aud (id int PRIMARY KEY, note text); INSERT INTO aud SELECT n, 'n' || n FROM generate_series(1, 500) n;
         CREATE TABLE trg (id int PRIMARY KEY, v int); INSERT INTO trg VALUES (1, 1);
         CREATE FUNCTION wipe_notes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE aud SET note = NULL; RETURN NULL; END $$;
         CREATE TRIGGER t AFTER UPDATE ON trg FOR EACH STATEMENT EXECUTE FUNCTION wipe_notes();
         CREATE TABLE odd (id int PRIMARY KEY, database text, twice int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO odd (id, database) SELECT n, 'x' FROM generate_series(1, 50) n;
         CREATE TABLE bag (note text); INSERT INTO bag SELECT 'n' || n FROM generate_series(1, 300) n;
         CREATE PROCEDURE drop_aud() LANGUAGE plpgsql AS $$ BEGIN DROP TABLE aud; COMMIT; END $$; ANALYZE",
    );
    for (sql, expected) in [
        (
            "UPDATE users SET score = score, (note, mail) = (NULL, NULL) WHERE id > 0;",
            "values-lost users.mail 20000",
        ),
        ("UPDATE trg SET v = v WHERE id > 0;", "values-lost aud.note 500"),
        (
            "UPDATE users SET note = note || 'x', mail = NULL WHERE id > 0;",
            "values-lost users.mail 20000",
        ),
        (
            "WITH x AS (UPDATE aud SET note = NULL RETURNING 1) SELECT count(*) FROM x;",
            "values-lost aud.note 500",
        ),
        (
            "MERGE INTO aud USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET note = NULL;",
            "values-lost aud.note 500",
        ),
        (
            "INSERT INTO aud SELECT id FROM aud ON CONFLICT (id) DO UPDATE SET note = NULL;",
            "values-lost aud.note 500",
        ),
        (
            "ALTER TABLE aud ALTER id TYPE bigint, ALTER note TYPE text USING NULL;",
            "values-lost aud.note 500",
        ),
        (
            "DO $$ BEGIN ALTER TABLE aud ALTER note TYPE varchar(2); EXCEPTION WHEN OTHERS THEN ALTER TABLE aud ALTER note TYPE varchar(2) USING left(note, 2); END $$;",
            "values-lost aud.note",
        ),
        ("UPDATE bag SET note = NULL;", "values-lost bag.note 300"),
        ("-- no-transaction\nALTER TABLE odd DROP COLUMN database;", "values-lost odd.database 50"),
        ("-- no-transaction\nCALL drop_aud();", "rows-lost aud 500"),
        ("-- no-transaction\nBEGIN; DELETE FROM aud; COMMIT;", "rows-lost aud 500"),
        ("DO $$ BEGIN LOCK TABLE users; PERFORM pg_sleep(0.7); END $$;", "work-under-lock users"),
        (
            "-- no-transaction\nBEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.7); COMMIT;",
            "work-under-lock users",
        ),
    ] {
        let (verdict, found) = rehearsed(&project, sql);
        assert!(
            verdict == "BLOCK" && found.iter().any(|found| found.starts_with(expected)),
            "{sql}\n{verdict} {found:?}"
        );
    }
    for sql in [
        "SAVEPOINT a; CREATE TABLE foo (id int); ROLLBACK TO SAVEPOINT a; RELEASE SAVEPOINT a; CREATE TABLE bar (id int);",
        "-- no-transaction\nBEGIN; DECLARE c CURSOR FOR SELECT * FROM users; FETCH 1 FROM c; COMMIT;",
        "-- no-transaction\nBEGIN; CREATE TEMP TABLE tt (id int) ON COMMIT DROP; INSERT INTO tt VALUES (1); COMMIT;",
        "-- no-transaction\nBEGIN; DELETE FROM aud; ROLLBACK;",
        "ALTER TYPE mood ADD VALUE 'new'; INSERT INTO teams VALUES (999, 'new');",
        "UPDATE aud SET note = note WHERE id > 0;",
        "ALTER TABLE odd DROP COLUMN twice;",
    ] {
        let (verdict, found) = rehearsed(&project, sql);
        assert!(matches!(verdict.as_str(), "PASS" | "WARN"), "{sql}\n{verdict} {found:?}");
    }
}

#[test]
fn nothing_that_all_databases_share_is_changed_by_a_rehearsal() {
    let project = based("h_shared");
    let shared = || {
        cluster().query(
            "postgres",
            "SELECT rolname FROM pg_roles UNION ALL SELECT slot_name FROM pg_replication_slots \
             UNION ALL SELECT concat(datname, datacl, shobj_description(oid, 'pg_database')) FROM pg_database WHERE datname = 'h_shared' ORDER BY 1",
        )
    };
    let before = shared();
    for sql in [
        "CREATE FUNCTION mk() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE ROLE h_leaked; END $$; SELECT mk();",
        "DO $$ BEGIN EXECUTE 'CREATE ROLE h_leaked'; END $$;",
        "DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE h_leaked'; END $$;",
        "-- no-transaction\nBEGIN; DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE h_leaked'; END $$; COMMIT;",
        "GRANT CREATE ON DATABASE h_shared TO PUBLIC;",
        "COMMENT ON DATABASE h_shared IS 'leaked';",
        "SELECT pg_create_physical_replication_slot('h_leaked');",
    ] {
        let (verdict, found) = rehearsed(&project, sql);
        assert!(
            verdict == "BLOCK" && found.iter().any(|found| found.starts_with("outside-database")),
            "{sql}\n{verdict} {found:?}"
        );
        assert_eq!(shared(), before, "{sql}");
    }
    // Its author may say that it is known; then it is not run, and those after it are.
    let (verdict, _) = rehearsed(
        &project,
        "-- cargo-db: allow outside-database the application logs in with it\nCREATE ROLE h_leaked;",
    );
    assert_eq!(verdict, "WARN");
    assert_eq!(shared(), before);
}

#[test]
fn an_expected_loss_is_counted_under_the_name_that_it_has() {
    let mut project = based("h_renamed");
    project.accept_key();
    project.migration(
        "1_m.sql",
        "-- cargo-db: expect loss gone <= 10000\nALTER TABLE items RENAME TO gone;\nDROP TABLE gone;",
    );
    project.db(&["rehearse"]).ok();
    project.run_sql("INSERT INTO items VALUES (20000, 1, 'late')");
    project.set("CARGO_DB_ENV", "production");
    project.agreed(&["migrate"]).code(4).says("items has 10001 rows");
}

#[test]
fn a_receipt_of_an_empty_copy_is_none_where_there_are_rows() {
    let mut project = Project::new("h_empty");
    project.accept_key();
    project.run_sql("CREATE TABLE aud (id int PRIMARY KEY, note text)");
    project.migration("1_m.sql", "DELETE FROM aud WHERE id > 0;");
    let path =
        project.db(&["rehearse", "--json"]).ok().json()["receipt"].as_str().unwrap().to_owned();
    project.run_sql("INSERT INTO aud SELECT n, 'n' FROM generate_series(1, 500) n; ANALYZE");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["migrate", "--dry-run"]).code(1).says("the rehearsed copy had no rows");
    // Nor is one of another time, or of a format to come.
    let text = std::fs::read_to_string(&path).unwrap().replace("\"rows\": 0", "\"rows\": 100");
    let year = &text[text.find("\"when\": \"").unwrap() + 9..][..4];
    for (changed, why) in [
        (
            text.replace(&format!("\"when\": \"{year}"), "\"when\": \"2090"),
            "it is dated in the future",
        ),
        (
            text.replace(&format!("\"when\": \"{year}"), "\"when\": \"2020"),
            "it is older than 7 days",
        ),
        (text.replace("\"version\": 5,", "\"version\": 6,"), "is unknown"),
        (text.replace("\"server\": 1", "\"server\": 2"), "it is for PostgreSQL"),
    ] {
        assert_ne!(changed, text, "{why}");
        std::fs::write(&path, changed).unwrap();
        project.db(&["migrate", "--dry-run"]).code(1).says(why);
    }
}

#[test]
fn what_only_looks_like_a_hazard_is_let_through() {
    let project = based("h_alike");
    for sql in [
        "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.x (i int);",
        "ALTER TYPE mood RENAME TO feeling;",
        "CREATE SCHEMA s2; ALTER TYPE mood SET SCHEMA s2; ALTER DOMAIN positive SET SCHEMA s2;",
    ] {
        let (_, found) = rehearsed(&project, sql);
        assert!(found.iter().all(|one| !one.starts_with("values-overwritten")), "{sql}: {found:?}");
    }
    // What works in one database only is left out, and those after it run.
    project.migration(
        "1_m.sql",
        "-- cargo-db: allow outside-database it works in one database only\n\
         DO $$ BEGIN IF current_database() <> 'h_alike' THEN RAISE 'not here'; END IF; END $$;",
    );
    project.migration("2_n.sql", "CREATE TABLE after_it (id int);");
    project.db(&["rehearse"]).ok().says("not run").says("PASS  2 n");
}

#[test]
fn an_index_of_a_partitioned_table_is_judged_at_the_end() {
    let project = based("h_parts");
    project.migration("1_m.sql", "CREATE INDEX events_day ON ONLY events (day);");
    project.migration("2_n.sql", "CREATE INDEX events_2025_day ON events_2025 (day);");
    project.migration("3_o.sql", "ALTER INDEX events_day ATTACH PARTITION events_2025_day;");
    let ran = project.db(&["rehearse"]);
    assert!(!ran.stdout.contains("invalid-index"), "{ran}");
    for last in ["3_o.sql", "2_n.sql"] {
        // Another release may build and attach the rest.
        let _ = std::fs::remove_file(project.path().join("migrations").join(last));
        let json = project.db(&["rehearse", "--json"]).json();
        assert_eq!(json["migrations"][0]["verdict"], "WARN", "{json:#}");
        let found = &json["migrations"][0]["findings"][0];
        assert_eq!(found["rule"], "unattached-index", "{json:#}");
        assert_eq!((&found["object"], &found["severity"]), (&"events_day".into(), &"warn".into()));
        assert!(found["help"].as_str().unwrap().contains("ATTACH PARTITION"), "{json:#}");
    }
    project.db(&["migrate", "--yes"]).ok();
}
