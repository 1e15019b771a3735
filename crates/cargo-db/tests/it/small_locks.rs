//! Locks of small tables are warnings, in the rehearsal and in the real run; and what a rehearsal
//! reports if the database cannot be copied or has no rows.

use crate::support::{Project, cluster, eventually};

/// A project with a table of this many rows.
fn filled(name: &str, rows: u32) -> Project {
    let project = Project::new(name);
    project.run_sql(&format!(
        "CREATE TABLE orders (id int PRIMARY KEY, note text NOT NULL DEFAULT ''); \
         INSERT INTO orders SELECT n FROM generate_series(1, {rows}) n; ANALYZE orders"
    ));
    project
}

/// Repeats the rehearsal until its verdict is the wanted one: on a busy machine, any lock can take
/// long.
fn verdict(project: &Project, wanted: &str) {
    let mut seen = String::new();
    for _ in 0..5 {
        let json = project.db(&["rehearse", "--json"]).json();
        json["verdict"].as_str().unwrap().clone_into(&mut seen);
        if seen == wanted {
            return;
        }
    }
    panic!("{seen}, not {wanted}");
}

#[test]
fn a_lock_of_a_small_table_warns_and_the_receipt_is_judged_by_the_size_here() {
    let mut project = filled("sl_receipt", 500);
    project.accept_key();
    project.migration("1_m.sql", "CREATE INDEX orders_note ON orders (note);");
    verdict(&project, "WARN");
    project.db(&["rehearse"]).ok().says("scan-under-lock orders: scans 500 rows");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["migrate", "--dry-run"]).ok();
    project
        .run_sql("INSERT INTO orders SELECT n FROM generate_series(501, 30000) n; ANALYZE orders");
    project
        .db(&["migrate", "--dry-run"])
        .code(1)
        .says("orders has about 30,000 rows here, and had 500 in the rehearsal: ShareLock");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["rehearse"]).code(1).says("BLOCK");
}

#[test]
fn a_copy_from_a_small_backup_is_judged_by_the_size_of_the_database() {
    let project = filled("sl_backup", 500);
    project.db(&["backup"]).ok();
    project
        .run_sql("INSERT INTO orders SELECT n FROM generate_series(501, 30000) n; ANALYZE orders");
    project.migration("1_m.sql", "CREATE INDEX orders_note ON orders (note);");
    let json = project.db(&["rehearse", "--from", "backup", "--json"]).code(1).json();
    let found = &json["migrations"][0]["findings"][0];
    assert_eq!((found["severity"].as_str(), found["rows"].as_u64()), (Some("block"), Some(30_000)));
    let why = "scans 500 rows while writes wait; about 30,000 rows in the database";
    assert_eq!(found["evidence"], why);
}

#[test]
fn work_while_another_table_is_locked_is_judged_by_the_size_here() {
    let mut project = filled("sl_other", 3000);
    project.set("COLUMNS", "300");
    project.run_sql("CREATE TABLE a (id int); INSERT INTO a VALUES (1)");
    project.accept_key();
    project.db(&["backup"]).ok();
    project.migration("1_m.sql", "ALTER TABLE a ADD x int;\nUPDATE orders SET note = note;");
    verdict(&project, "WARN");
    let receipt = "work-under-lock a: an earlier statement locked it";
    project.db(&["rehearse"]).says(receipt);
    verdict(&project, "WARN");
    project
        .run_sql("INSERT INTO orders SELECT n FROM generate_series(3001, 30000) n; ANALYZE orders");
    project.set("CARGO_DB_ENV", "production");
    let why = "orders has about 30,000 rows here, and had 3,000 in the rehearsal: \
               AccessExclusiveLock on a blocks";
    project.db(&["migrate", "--dry-run"]).code(1).says(why);
    project.set("CARGO_DB_ENV", "development");
    project
        .db(&["rehearse", "--from", "backup"])
        .code(1)
        .says("processed 3,000 rows; orders has about 30,000 rows in the database")
        .says("lock a <= 30000");
}

#[test]
fn the_line_that_a_rehearsal_on_a_smaller_copy_prints_holds_for_the_database() {
    let mut project = filled("sl_line", 20_000);
    project.set("COLUMNS", "300");
    project.accept_key();
    project.db(&["backup"]).ok();
    project.run_sql(
        "INSERT INTO orders SELECT n FROM generate_series(20001, 30000) n; ANALYZE orders",
    );
    project.migration("1_m.sql", "CREATE INDEX orders_note ON orders (note);");
    let line = "1 = [\"lock orders <= 30000\"]";
    project.db(&["rehearse", "--from", "backup"]).code(1).says(line);
    project.write("db.toml", &format!("[database]\nname = \"sl_line\"\n[expect]\n{line}\n"));
    project.db(&["rehearse", "--from", "backup"]).ok();
    project.set("CARGO_DB_ENV", "production");
    project.db(&["migrate", "--dry-run"]).ok();
}

#[test]
fn a_slight_lock_that_is_held_for_long_blocks_in_one_file_and_in_one_transaction() {
    let mut project = filled("sl_long", 500);
    let (index, long) = ("CREATE INDEX orders_note ON orders (note);", "SELECT pg_sleep(0.6);");
    let why = "work-under-lock orders: writes wait for";
    project.migration("1_m.sql", &format!("{index}\n{long}"));
    project.db(&["rehearse"]).code(1).says(why);
    project.migration("1_m.sql", index);
    project.migration("2_m.sql", long);
    verdict(&project, "WARN");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["rehearse"]).code(1).says(why).says("orders <= 500");
    let toml = "[database]\nname = \"sl_long\"\n[expect]\n1 = [\"lock orders <= 500\"]\n";
    project.write("db.toml", toml);
    project.db(&["rehearse"]).ok();
}

#[test]
fn a_table_that_grew_since_it_was_counted_is_large() {
    let project = filled("sl_grown", 5);
    project.run_sql("ALTER TABLE orders SET (autovacuum_enabled = false)");
    project.run_sql("INSERT INTO orders SELECT n FROM generate_series(6, 60000) n");
    assert_eq!(
        project.query("SELECT reltuples FROM pg_class WHERE relname = 'orders'"),
        ["5"],
        "it is analysed no more"
    );
    cluster().end_sessions("sl_grown");
    project.migration("1_m.sql", "CREATE INDEX orders_note ON orders (note);");
    project.db(&["rehearse"]).code(1).says("BLOCK");
}

/// What the server estimates may be less than half of the rows, so they are counted on the copy.
#[test]
fn what_waits_for_a_lock_is_counted_and_not_estimated() {
    let project = filled("sl_counted", 9_000);
    project.run_sql("ALTER TABLE orders SET (autovacuum_enabled = false)");
    project.run_sql("INSERT INTO orders SELECT n FROM generate_series(9001, 20000) n");
    cluster().end_sessions("sl_counted");
    let note = "ALTER TABLE orders ALTER note SET NOT NULL, ALTER note DROP DEFAULT;";
    let slow = "SELECT pg_sleep(0.6);";
    for (sql, rule) in [
        ("CREATE INDEX orders_note ON orders (note);".to_owned(), "scan-under-lock"),
        ("ALTER TABLE orders ALTER id TYPE bigint;".to_owned(), "rewrite"),
        (format!("LOCK TABLE orders;\n{slow}"), "work-under-lock"),
        (format!("{note}\n{slow}"), "work-under-lock"),
        (format!("LOCK TABLE orders IN SHARE MODE;\n{slow}"), "work-under-lock"),
        ("LOCK TABLE orders;\nUPDATE orders SET note = 'x';".to_owned(), "work-under-lock"),
    ] {
        project.migration("1_m.sql", &sql);
        let json = project.db(&["rehearse", "--json"]).json();
        let found = json["migrations"][0]["findings"].as_array().unwrap();
        let found = found.iter().find(|found| found["rule"] == rule);
        let found = found.unwrap_or_else(|| panic!("{sql} {json:#}"));
        // The estimate counts if it is larger.
        assert!(found["rows"].as_u64() >= Some(20_000), "{sql} {json:#}");
    }
    let expect = |rows: u32| {
        let lines = format!("[expect]\n1 = [\"lock orders <= {rows}\"]\n");
        project.write("db.toml", &format!("[database]\nname = \"sl_counted\"\n{lines}"));
        project.migration("1_m.sql", "CREATE INDEX orders_note ON orders (note);");
        project.db(&["rehearse"])
    };
    expect(19_999).code(1).says("scans 20,0");
    expect(21_000).ok();
}

#[test]
fn help_fits_the_statement_and_names_the_line_that_accepts_it() {
    let project = filled("sl_help", 20_000);
    project.run_sql("ALTER TABLE orders ADD COLUMN type text DEFAULT 'y'");
    let line = "`1 = [\"lock orders <= 20000\"]` below `[expect]` in db.toml";
    for (sql, help) in [
        ("CREATE INDEX i ON orders (note);", "use CONCURRENTLY: begin the file with"),
        ("ALTER TABLE orders ADD CHECK (id > 0);", "add the constraint NOT VALID"),
        ("ALTER TABLE orders ADD UNIQUE (note, id);", "unique index CONCURRENTLY"),
        ("ALTER TABLE orders ADD EXCLUDE USING btree (id WITH =);", "no other way"),
        ("ALTER TABLE orders ALTER COLUMN id TYPE bigint;", "switch over"),
        ("ALTER TABLE orders ALTER id SET DATA TYPE bigint;", "switch over"),
        ("ALTER TABLE orders ADD CHECK (type <> 'x');", "add the constraint NOT VALID"),
        ("ALTER TABLE orders ADD x uuid DEFAULT gen_random_uuid();", "switch over"),
    ] {
        project.migration("1_m.sql", sql);
        let json = project.db(&["rehearse", "--json"]).code(1).json();
        let found = json["migrations"][0]["findings"].as_array().unwrap().clone();
        let told = |one: &serde_json::Value| {
            let told = one["help"].as_str().unwrap_or_default();
            told.contains(help) && told.contains(line)
        };
        assert!(found.iter().any(told), "{sql}\n{json:#}");
    }
}

#[test]
fn a_skipped_rehearsal_is_reported() {
    let mut project = Project::new("sl_skipped");
    project.migration("1_m.sql", "CREATE TABLE a (id int);");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).ok().says("no rehearsal: the database has no rows");
    // A dry run also shows the findings of `check`.
    project.migration("2_m.sql", "CREATE INDEX a_id ON a (id);");
    project.db(&["check", "migrations/2_m.sql"]).code(1).says("1 file: 1 WARN");
    project.db(&["migrate", "--dry-run"]).ok().says("1 file: 1 WARN");
}

#[test]
fn a_skipped_rehearsal_is_reported_in_development_too() {
    let mut project = Project::new("sl_skipped_here");
    for (rehearse, why) in [("", "the database has no rows"), ("0", "rehearsals are turned off")] {
        project.set("CARGO_DB_REHEARSE", rehearse);
        project.migration(&format!("1{rehearse}_m.sql"), "CREATE SCHEMA IF NOT EXISTS a;");
        project.db(&["migrate"]).ok().says(&format!("no rehearsal: {why}"));
    }
}

/// A dry run without a rehearsal has the verdicts of `check`, and says what does not matter here.
#[test]
fn a_dry_run_has_the_verdicts_of_check() {
    let mut project = Project::new("sl_verdicts");
    project.run_sql("CREATE TABLE a (id int);");
    let block_of_rows = "a BLOCK about rows or locks does not stop `migrate` without rows";
    let drops = "DROP TABLE a;";
    for environment in ["development", "test", "staging"] {
        project.set("CARGO_DB_ENV", environment);
        project.set("CARGO_DB_REHEARSE", "");
        project.migration("1_m.sql", drops);
        let checked = project.db(&["check", "--json"]).code(1).json();
        let dry = project.db(&["migrate", "--dry-run", "--json"]).ok().json();
        let (checked, foreseen) = (&checked["migrations"][0], &dry["preview"]["check"][0]);
        assert_eq!(checked["verdict"], "BLOCK");
        assert_eq!(checked, foreseen);
        let why = match environment {
            "test" => "the policy for test asks for none",
            _ => "the database has no rows",
        };
        assert_eq!(dry["preview"]["not_rehearsed"], why);
        let dry = project.db(&["migrate", "--dry-run"]).ok().says("1 file: 1 BLOCK");
        dry.says(&format!("not rehearsed: {why}")).says(block_of_rows);
        // What cannot run is stopped anyway.
        project.migration("1_m.sql", "DROP TABLE a; CREATE TABLE b (id int,;");
        let dry = project.db(&["migrate", "--dry-run"]).code(1);
        dry.says("syntax").says(block_of_rows);
        project.migration("1_m.sql", "DELETE FROM cargo_db.marker WHERE true;");
        let dry = project.db(&["migrate", "--dry-run"]).code(1).says("own-tables");
        assert!(!dry.stdout.contains(block_of_rows), "{dry}");
    }
    // With rows and without a rehearsal, the losses are unknown.
    project.run_sql("INSERT INTO a VALUES (1)");
    project.migration("1_m.sql", drops);
    for (environment, rehearse, why) in [
        ("test", "", "the policy for test asks for none"),
        ("development", "0", "rehearsals are turned off"),
    ] {
        project.set("CARGO_DB_ENV", environment);
        project.set("CARGO_DB_REHEARSE", rehearse);
        let dry = project.db(&["migrate", "--dry-run"]).code(1).says("1 file: 1 BLOCK");
        dry.says(&format!("not rehearsed: {why}"));
    }
}

#[test]
fn what_pg_dump_complains_of_is_said_first() {
    let project = filled("sl_dump", 500);
    cluster().run("postgres", "CREATE ROLE sl_reader LOGIN CREATEDB PASSWORD 'x'");
    project.run_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO sl_reader");
    // A function that fails while rows are read aborts the dump in the middle of a table.
    project.run_sql(
        "CREATE FUNCTION burst(int) RETURNS bool LANGUAGE plpgsql AS \
         $$ BEGIN IF $1 > 400 THEN RAISE 'row % is broken', $1; END IF; RETURN true; END $$; \
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY; \
         ALTER TABLE orders FORCE ROW LEVEL SECURITY; \
         CREATE POLICY p ON orders USING (burst(id))",
    );
    project.migration("1_m.sql", "CREATE TABLE b (id int);");
    let mut command = project.command(&["rehearse"]);
    let url = cluster().url("sl_dump").replace("postgres://", "");
    let (_, host) = url.split_once('@').unwrap_or(("", &url));
    command.env("DATABASE_URL", format!("postgres://sl_reader:x@{host}"));
    let ran: crate::support::Ran = command.output().expect("it runs").into();
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(!ran.stderr.contains("backups verify"), "{ran}");
    ran.says("row");
}

#[test]
fn a_session_that_locks_the_source_is_named_and_the_wait_is_limited() {
    let project = filled("sl_held", 10);
    project.migration("1_m.sql", "CREATE TABLE b (id int);");
    let mut holder = cluster().connect("sl_held");
    holder.batch_execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").unwrap();
    let ran = project.db(&["rehearse", "--lock-timeout", "1s"]);
    ran.code(5).says("public.orders cannot be read: it is locked by pid").says("waited 1s");
    // Once the lock is released, the rehearsal continues.
    let mut waiting = project.command(&["rehearse"]).spawn().expect("it runs");
    eventually("the rehearsal waits", || {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = 'sl_held'";
        cluster().query("postgres", sql).len() > 1
    });
    holder.batch_execute("COMMIT").unwrap();
    assert!(waiting.wait().expect("it ends").success());
}

#[test]
fn a_backup_names_the_session_that_it_waits_for_and_stops_in_time() {
    let project = filled("sl_backup_held", 10);
    let mut holder = cluster().connect("sl_backup_held");
    holder.batch_execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").unwrap();
    let ran = project.db(&["backup", "--lock-timeout", "1s"]);
    ran.code(5).says("public.orders cannot be read: it is locked by pid").says("waited 1s");
    // What is not backed up may stay locked.
    let others = ["backup", "--exclude-table", "orders", "--lock-timeout", "1s"];
    project.db(&others).ok();
    holder.batch_execute("COMMIT").unwrap();
    project.db(&["backup"]).ok();
}

#[test]
fn a_session_that_waits_for_the_source_is_named_too() {
    let project = filled("sl_queue", 10);
    project.migration("1_m.sql", "CREATE TABLE b (id int);");
    let mut reader = cluster().connect("sl_queue");
    reader.batch_execute("BEGIN; SELECT FROM orders").unwrap();
    let mut writer = cluster().connect("sl_queue");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| writer.batch_execute("ALTER TABLE orders ADD COLUMN late int"));
        eventually("the writer waits", || {
            let sql = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' \
                       AND database = (SELECT oid FROM pg_database WHERE datname = 'sl_queue')";
            !cluster().query("postgres", sql).is_empty()
        });
        let ran = project.db(&["rehearse", "--lock-timeout", "500ms"]);
        reader.batch_execute("COMMIT").unwrap();
        waits.join().unwrap().unwrap();
        ran.code(5)
            .says("public.orders cannot be read: it is locked by pid")
            .says("which waits for its own lock")
            .says("waited 500ms");
    });
    project.db(&["rehearse"]).ok();
}

#[test]
fn a_migrate_names_the_session_that_it_waits_for_and_stops_in_time() {
    let mut project = filled("sl_migrate_held", 10);
    project.migration("1_m.sql", "CREATE TABLE b (id int);");
    let mut holder = cluster().connect("sl_migrate_held");
    holder.batch_execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").unwrap();
    let held = "public.orders cannot be read: it is locked by pid";
    for rehearse in ["0", ""] {
        project.set("CARGO_DB_REHEARSE", rehearse);
        for arguments in [&["migrate"][..], &["migrate", "--dry-run"]] {
            let ran = project.db(&[arguments, &["--lock-timeout", "1s"]].concat());
            ran.code(5).says(held).says("waited 1");
        }
    }
    // The rows of what a file drops are counted before the file runs.
    project.migration("1_m.sql", "DROP TABLE orders;");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["migrate", "--lock-timeout", "1s"]).code(5).says(held);
    holder.batch_execute("COMMIT").unwrap();
    project.db(&["migrate"]).ok();
}

/// What a table loses with its partitions is one finding, and one expectation covers it.
#[test]
fn losses_of_partitions_are_one_finding_about_their_table() {
    let project = Project::new("sl_lost_parts");
    project.run_sql(
        "CREATE TABLE p (id int, v text) PARTITION BY RANGE (id); \
         DO $$ BEGIN FOR n IN 0..4 LOOP EXECUTE format('CREATE TABLE p_%s PARTITION OF p FOR \
         VALUES FROM (%s) TO (%s)', n, n * 20, (n + 1) * 20); END LOOP; END $$; \
         INSERT INTO p SELECT n, 'x' FROM generate_series(0, 99) n",
    );
    let settings = |expected: &str| {
        let expected = format!("[expect]\n1 = [\"{expected}\"]\n");
        project.write("db.toml", &format!("[database]\nname = \"sl_lost_parts\"\n\n{expected}"));
    };
    for (sql, rule, object) in [
        ("DELETE FROM p;", "rows-lost", "p"),
        ("TRUNCATE p;", "rows-lost", "p"),
        ("DROP TABLE p;", "rows-lost", "p"),
        ("ALTER TABLE p DROP COLUMN v;", "values-lost", "p.v"),
        ("UPDATE p SET v = 'y';", "values-overwritten", "p"),
    ] {
        project.migration("1_m.sql", sql);
        project.write("db.toml", "[database]\nname = \"sl_lost_parts\"\n");
        let json = project.db(&["rehearse", "--json"]).json();
        let all = json["migrations"][0]["findings"].as_array().unwrap();
        let lost: Vec<_> = all.iter().filter(|one| one["rule"] == rule).collect();
        let [one] = lost.as_slice() else { panic!("{sql} {all:#?}") };
        assert_eq!((&one["object"], &one["rows"]), (&object.into(), &100.into()), "{sql}");
        assert!(all.iter().all(|one| !one["object"].as_str().unwrap().starts_with("p_")), "{sql}");
        settings(&format!("loss {object} <= 100"));
        let json = project.db(&["rehearse", "--json"]).ok().json();
        let left = json["migrations"][0]["findings"].as_array().unwrap();
        assert!(left.iter().all(|one| one["rule"] != rule), "{sql} {left:#?}");
    }
    // A partition that is named is meant alone.
    project.migration("1_m.sql", "TRUNCATE p_1;");
    let json = project.db(&["rehearse", "--json"]).code(1).json();
    assert_eq!(json["migrations"][0]["findings"][0]["object"], "p_1");
    // The expectation about the table is compared with its rows again before the run.
    project.migration("1_m.sql", "TRUNCATE p;");
    settings("loss p <= 100");
    let mut project = project;
    project.set("CARGO_DB_ENV", "production");
    project.accept_key();
    project.db(&["rehearse"]).ok();
    project.run_sql("INSERT INTO p SELECT 1, 'z' FROM generate_series(1, 5)");
    let consent = project.consent(&["migrate"]);
    let words: Vec<&str> = consent.iter().map(String::as_str).collect();
    let ran = project.db(&[&["migrate"], &words[..]].concat());
    ran.code(4).says("p has 105 rows, and the file allows a loss of 100");
}

/// Many small partitions together have as many rows as a large table.
#[test]
fn locks_of_partitions_are_one_finding_about_their_table() {
    let mut project = Project::new("sl_parts");
    project.run_sql(
        "CREATE TABLE p (id int, v int) PARTITION BY RANGE (id); \
         DO $$ BEGIN FOR n IN 0..11 LOOP EXECUTE format('CREATE TABLE p_%s PARTITION OF p FOR \
         VALUES FROM (%s) TO (%s)', n, n * 2000, (n + 1) * 2000); END LOOP; END $$; \
         INSERT INTO p SELECT n, n FROM generate_series(0, 23999) n",
    );
    project.migration("1_m.sql", "ALTER TABLE p ALTER v TYPE bigint;");
    let found = |project: &Project, code: i32| {
        let json = project.db(&["rehearse", "--json"]).code(code).json();
        json["migrations"][0]["findings"].as_array().unwrap().clone()
    };
    let rewrites = found(&project, 1);
    let of_rule = rewrites.iter().filter(|one| one["rule"] == "rewrite").collect::<Vec<_>>();
    let [one] = of_rule.as_slice() else { panic!("{rewrites:#?}") };
    assert_eq!((&one["object"], &one["rows"]), (&"p".into(), &24_000.into()));
    assert_eq!(one["evidence"], "12 partitions are rewritten, 24,000 rows");
    let expected = "[expect]\n1 = [\"lock p <= 24000\"]\n";
    project.write("db.toml", &format!("[database]\nname = \"sl_parts\"\n\n{expected}"));
    let left = found(&project, 0);
    assert!(left.iter().all(|one| one["class"] != "lock"), "{left:#?}");
    // What changes for programs is about the table too, and so are the locks that are listed.
    let changed: Vec<_> = left.iter().map(|one| (&one["rule"], &one["object"])).collect();
    assert_eq!(changed, [(&"column-type-changed".into(), &"p.v".into())], "{left:#?}");
    let json = project.db(&["rehearse", "--json"]).ok().json();
    assert_eq!(json["migrations"][0]["locks"].as_array().map(Vec::len), Some(1), "{json:#}");
    // In production, the rows of all partitions are compared with the expectation.
    project.set("CARGO_DB_ENV", "production");
    project.accept_key();
    project.run_sql("INSERT INTO p SELECT 1, n FROM generate_series(1, 5000) n; ANALYZE");
    let ran = project.db(&["migrate", "--dry-run"]);
    ran.says("p has about 29,000 rows here, and had 24,000 in the rehearsal");
}
