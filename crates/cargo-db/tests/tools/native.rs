//! Natively supported layouts: half by the tool and half by cargo db, in both orders.

use crate::projects::{STEPS, Step, project, run, schema, without_engine};
use crate::support::Project;

/// Whether the output of a program says that nothing is pending.
type Says = fn(&str) -> bool;

/// A program and its arguments.
type Line = &'static [&'static str];

/// One tool's way to write, run and record migrations.
struct Tool {
    name: &'static str,
    npm: Option<&'static str>,
    /// Writes migration number `n`, from 1.
    write: fn(&Project, usize, &Step),
    /// What exists before any migration.
    prepare: fn(&Project),
    apply: &'static [&'static str],
    /// Says that nothing is pending; `None` where the tool cannot, and then applying does nothing.
    status: Option<(Line, Says)>,
    /// The rows of the history, but for times and random keys.
    rows: &'static str,
    /// What the tool leaves behind in the schema and cargo db has no use for.
    ignore: &'static [&'static str],
}

fn nothing(_: &Project) {}

const SQLX: Tool = Tool {
    name: "sqlx",
    npm: None,
    write: |project, n, step| {
        project.write(&format!("migrations/2026010100000{n}_{}.up.sql", step.name), step.up);
        project.write(&format!("migrations/2026010100000{n}_{}.down.sql", step.name), step.down);
    },
    prepare: nothing,
    apply: &["sqlx", "migrate", "run"],
    status: Some((&["sqlx", "migrate", "info"], |said| {
        !said.contains("pending") && !said.contains("different")
    })),
    rows: "SELECT version, description, success, encode(checksum, 'hex') FROM _sqlx_migrations ORDER BY 1",
    ignore: &[],
};

const DIESEL: Tool = Tool {
    name: "diesel",
    npm: None,
    write: |project, n, step| {
        project.write(&format!("migrations/2026-01-01-00000{n}_{}/up.sql", step.name), step.up);
        project.write(&format!("migrations/2026-01-01-00000{n}_{}/down.sql", step.name), step.down);
    },
    prepare: |project| {
        project.write("diesel.toml", "[migrations_directory]\ndir = \"migrations\"\n");
    },
    apply: &["diesel", "migration", "run"],
    status: Some((&["diesel", "migration", "pending"], |said| said.trim() == "false")),
    rows: "SELECT version FROM __diesel_schema_migrations ORDER BY 1",
    // Part of `diesel setup`, which its `migration run` does not need.
    ignore: &[],
};

const REFINERY: Tool = Tool {
    name: "refinery",
    npm: None,
    write: |project, n, step| {
        project.write(&format!("migrations/V{n}__{}.sql", step.name), step.up);
    },
    prepare: |project| {
        project.write("refinery.toml", "");
    },
    apply: &["refinery", "migrate", "-e", "DATABASE_URL", "-d", "-m"],
    status: None,
    rows: "SELECT version, name, checksum, applied_on ~ '^2[0-9-]{9}T[0-9:.]+Z$' FROM refinery_schema_history ORDER BY 1",
    ignore: &[],
};

const DBMATE: Tool = Tool {
    name: "dbmate",
    npm: Some("dbmate"),
    write: |project, n, step| {
        let text = format!("-- migrate:up\n{}\n-- migrate:down\n{}", step.up, step.down);
        project.write(&format!("db/migrations/2026010100000{n}_{}.sql", step.name), &text);
    },
    prepare: nothing,
    apply: &["dbmate", "--no-dump-schema", "migrate"],
    status: Some((&["dbmate", "status"], |said| said.contains("Pending: 0"))),
    rows: "SELECT version FROM schema_migrations ORDER BY 1",
    ignore: &[],
};

const PRISMA6: Tool = Tool {
    name: "prisma6",
    npm: Some("prisma6"),
    write: write_prisma,
    prepare: |project| prepare_prisma(project, "prisma6"),
    apply: &["prisma", "migrate", "deploy"],
    status: Some((&["prisma", "migrate", "status"], |said| said.contains("up to date"))),
    rows: "SELECT checksum, migration_name, logs, rolled_back_at, applied_steps_count, finished_at IS NOT NULL, length(id) \
           FROM _prisma_migrations ORDER BY migration_name",
    ignore: &[],
};

const PRISMA7: Tool = Tool {
    name: "prisma7",
    npm: Some("prisma7"),
    prepare: |project| prepare_prisma(project, "prisma7"),
    ..PRISMA6
};

const SUPABASE: Tool = Tool {
    name: "supabase",
    npm: Some("supabase"),
    write: |project, n, step| {
        project.write(&format!("supabase/migrations/2026010100000{n}_{}.sql", step.name), step.up);
    },
    prepare: |project| {
        project.write("supabase/config.toml", "project_id = \"x\"\n");
    },
    apply: &["supabase", "migration", "up", "--include-all", "--yes", "--remote={url}"],
    status: None,
    rows: "SELECT version, name, statements FROM supabase_migrations.schema_migrations ORDER BY 1",
    ignore: &[],
};

const DRIZZLE: Tool = Tool {
    name: "drizzle",
    npm: Some("drizzle"),
    write: |project, n, step| {
        project.write(&format!("drizzle/000{}_{}.sql", n - 1, step.name), step.up);
        let entries: Vec<String> = STEPS[..n]
            .iter()
            .enumerate()
            .map(|(at, step)| {
                format!(
                    r#"{{"idx":{at},"version":"7","when":{},"tag":"000{at}_{}","breakpoints":true}}"#,
                    1_767_225_600_000u64 + at as u64,
                    step.name
                )
            })
            .collect();
        let journal = format!(
            r#"{{"version":"7","dialect":"postgresql","entries":[{}]}}"#,
            entries.join(",")
        );
        project.write("drizzle/meta/_journal.json", &journal);
    },
    prepare: prepare_drizzle,
    apply: &["drizzle-kit", "migrate"],
    status: None,
    rows: "SELECT id, hash, created_at FROM drizzle.__drizzle_migrations ORDER BY 1",
    ignore: &[],
};

const DRIZZLE1: Tool = Tool {
    name: "drizzle1",
    npm: Some("drizzle1"),
    write: |project, n, step| {
        let folder = format!("drizzle/2026010100000{n}_{}", step.name);
        project.write(&format!("{folder}/migration.sql"), step.up);
        let id = |n: usize| format!("00000000-0000-0000-0000-00000000000{n}");
        let snapshot = format!(
            r#"{{"id":"{}","prevIds":["{}"],"version":"8","dialect":"postgres","ddl":[],"renames":[]}}"#,
            id(n),
            id(n - 1)
        );
        project.write(&format!("{folder}/snapshot.json"), &snapshot);
    },
    prepare: prepare_drizzle,
    apply: &["drizzle-kit", "migrate"],
    status: None,
    rows: "SELECT id, hash, created_at, name, applied_at IS NOT NULL FROM drizzle.__drizzle_migrations ORDER BY 1",
    ignore: &[],
};

const NODE_PG_MIGRATE: Tool = Tool {
    name: "node_pg_migrate",
    npm: Some("node-pg-migrate"),
    write: |project, n, step| {
        let text = format!("-- Up Migration\n{}\n-- Down Migration\n{}", step.up, step.down);
        project.write(&format!("migrations/176722560000{n}_{}.sql", step.name), &text);
    },
    prepare: nothing,
    apply: &["node-pg-migrate", "up"],
    status: None,
    rows: "SELECT id, name FROM pgmigrations ORDER BY 1",
    ignore: &[],
};

const GRAPHILE: Tool = Tool {
    name: "graphile",
    npm: Some("graphile-migrate"),
    write: |project, n, step| {
        // The files form a chain, computed with the tool's own hash.
        use ring_sha1::sha1;
        let mut previous = String::new();
        for (at, earlier) in STEPS[..n].iter().enumerate() {
            let body = format!("{previous}\n{}", earlier.up.trim());
            let hash = format!("sha1:{}", sha1(&format!("{}\n", body.trim())));
            if at + 1 == n {
                let shown = if previous.is_empty() { "-" } else { &previous };
                let text = format!(
                    "--! Previous: {shown}\n--! Hash: {hash}\n--! Message: {}\n\n{}",
                    step.name, step.up
                );
                project.write(&format!("migrations/committed/00000{n}-{}.sql", step.name), &text);
            }
            previous = hash;
        }
    },
    prepare: |project| {
        project.write(".gmrc", "{\"pgSettings\": {}}\n");
        project.write("migrations/current.sql", "");
    },
    apply: &["graphile-migrate", "migrate"],
    status: Some((&["graphile-migrate", "status"], |_| true)),
    rows: "SELECT hash, previous_hash, filename FROM graphile_migrate.migrations ORDER BY filename",
    ignore: &[],
};

mod ring_sha1 {
    //! `sha1sum` of coreutils, so that the test does not rely on our own code.
    use std::io::Write;
    use std::process::{Command, Stdio};

    pub(super) fn sha1(text: &str) -> String {
        let mut child = Command::new("sha1sum")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sha1sum");
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
    }
}

fn write_prisma(project: &Project, n: usize, step: &Step) {
    project
        .write(&format!("prisma/migrations/2026010100000{n}_{}/migration.sql", step.name), step.up);
    project.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
}

/// Prisma's engine, run as WebAssembly over node's PostgreSQL client, because npm does not have the
/// native engine. As with the native engine, `"char"` is read as text, and a file is sent in one
/// message.
fn prepare_prisma(project: &Project, version: &str) {
    let url = if version == "prisma6" { "\n  url = env(\"DATABASE_URL\")" } else { "" };
    project.write(
        "prisma/schema.prisma",
        &format!("datasource db {{\n  provider = \"postgresql\"{url}\n}}\nmodel users {{\n  id BigInt @id\n  name String\n}}\n"),
    );
    if version == "prisma6" {
        project.write("prisma.config.ts", include_str!("prisma.config.ts"));
    } else {
        project.write("prisma.config.ts", include_str!("prisma7.config.ts"));
        project.write("schema-engine", include_str!("prisma7-engine.cjs"));
    }
}

fn prepare_drizzle(project: &Project) {
    project.write(
        "drizzle.config.ts",
        "export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle', dbCredentials: { url: process.env.DATABASE_URL } };\n",
    );
    project.write("schema.ts", "export {};\n");
}

/// A project of this tool, with a separate database.
fn begin(tool: &Tool, what: &str) -> Project {
    let mut project = project(&format!("tool_{}_{what}", tool.name), tool.npm);
    (tool.prepare)(&project);
    if tool.name.starts_with("prisma") {
        without_engine(&mut project);
    }
    project
}

fn write(tool: &Tool, project: &Project, numbers: std::ops::RangeInclusive<usize>) {
    for n in numbers {
        (tool.write)(project, n, &STEPS[n - 1]);
    }
}

#[track_caller]
fn by_tool(tool: &Tool, project: &Project) {
    let _ = run(project, tool.apply).ok();
}

#[track_caller]
fn by_us(project: &Project) {
    let _ = project.db(&["migrate"]).ok();
}

/// Everything is applied, as both see it.
#[track_caller]
fn all_is_applied(tool: &Tool, project: &Project) {
    these_are_applied(tool, project, 4);
}

#[track_caller]
fn these_are_applied(tool: &Tool, project: &Project, count: usize) {
    let status = project.db(&["status", "--check", "--json"]).ok().json();
    assert_eq!(
        (&status["migrations"]["applied"], &status["migrations"]["problems"]),
        (&count.into(), &serde_json::json!([])),
        "{status}"
    );
    let rows = project.query(tool.rows);
    if let Some((line, says)) = tool.status {
        let ran = run(project, line).ok();
        assert!(says(&format!("{}{}", ran.stdout, ran.stderr)), "{ran}");
    }
    // Once more does nothing.
    by_tool(tool, project);
    assert_eq!(project.query(tool.rows), rows);
}

fn matrix(tool: &Tool) {
    let only_tool = begin(tool, "tool");
    write(tool, &only_tool, 1..=4);
    by_tool(tool, &only_tool);
    all_is_applied(tool, &only_tool);

    let only_us = begin(tool, "us");
    write(tool, &only_us, 1..=4);
    by_us(&only_us);
    all_is_applied(tool, &only_us);

    let tool_first = begin(tool, "tool_first");
    write(tool, &tool_first, 1..=2);
    by_tool(tool, &tool_first);
    write(tool, &tool_first, 3..=4);
    by_us(&tool_first);
    all_is_applied(tool, &tool_first);

    let we_first = begin(tool, "we_first");
    write(tool, &we_first, 1..=2);
    by_us(&we_first);
    write(tool, &we_first, 3..=4);
    by_tool(tool, &we_first);
    all_is_applied(tool, &we_first);

    let (rows, wanted) = (only_tool.query(tool.rows), schema(&only_tool.database));
    assert_eq!(rows.len(), 4);
    for other in [&only_us, &tool_first, &we_first] {
        assert_eq!(other.query(tool.rows), rows, "{}", other.database);
        assert_eq!(
            without(&schema(&other.database), tool.ignore),
            without(&wanted, tool.ignore),
            "{}",
            other.database
        );
    }
    edited_is_seen(tool, &only_us);
}

fn without(schema: &str, ignore: &[&str]) -> String {
    schema
        .lines()
        .filter(|line| ignore.iter().all(|word| !line.contains(word)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A changed file is reported if the layout stores a checksum, and has no effect otherwise.
fn edited_is_seen(tool: &Tool, project: &Project) {
    const CHECKED: [&str; 7] =
        ["sqlx", "refinery", "prisma6", "prisma7", "drizzle", "drizzle1", "graphile"];
    let edited = Step {
        up: "CREATE TABLE users (id bigint);\n",
        ..Step { name: "users", up: "", down: "" }
    };
    if tool.name == "graphile" {
        let path = project.path().join("migrations/committed/000001-users.sql");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("name text", "name varchar")).unwrap();
    } else {
        (tool.write)(project, 1, &edited);
        if tool.name == "drizzle" {
            (tool.write)(project, 4, &STEPS[3]);
        }
    }
    if CHECKED.contains(&tool.name) {
        let _ = project.db(&["migrate"]).code(9).says("was changed since");
    } else {
        let _ = project.db(&["migrate"]).ok();
    }
}

/// A migration that cargo db generates is one of the tool's: applied by either of them, both say
/// that nothing is pending.
fn generate(tool: &Tool) {
    let wanted = format!("{}ALTER TABLE users ADD email text;\n{}", STEPS[0].up, STEPS[2].up);
    for (what, applies) in [("generated", by_us as fn(&Project)), ("generated_2", |_: &Project| {})]
    {
        let project = begin(tool, what);
        write(tool, &project, 1..=1);
        project.write("wanted.sql", &wanted);
        let _ = project.db(&["generate", "email", "--from", "wanted.sql"]).ok();
        applies(&project);
        by_tool(tool, &project);
        these_are_applied(tool, &project, 2);
        assert_eq!(project.query("SELECT shout('a')"), ["A"]);
        let _ =
            project.db(&["generate", "x", "--from", "wanted.sql"]).ok().says("nothing to generate");
    }
}

/// Rolls back with cargo db, and applies again with the tool.
fn roll_back_and_forward(tool: &Tool) {
    let project = begin(tool, "back");
    write(tool, &project, 1..=4);
    by_tool(tool, &project);
    let rows = project.query(tool.rows);
    let _ = project.db(&["rollback", "--yes", "-n", "3"]).ok();
    assert_eq!(
        project.query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'"),
        ["2"]
    );
    by_tool(tool, &project);
    let count = |rows: &[String]| rows.len();
    assert_eq!(count(&project.query(tool.rows)), count(&rows));
    let _ = project.db(&["status", "--check"]).ok();
}

#[test]
fn sqlx() {
    matrix(&SQLX);
    generate(&SQLX);
    roll_back_and_forward(&SQLX);
}

#[test]
fn diesel() {
    matrix(&DIESEL);
    generate(&DIESEL);
    roll_back_and_forward(&DIESEL);
}

#[test]
fn refinery() {
    matrix(&REFINERY);
    generate(&REFINERY);
}

#[test]
fn dbmate() {
    matrix(&DBMATE);
    generate(&DBMATE);
    roll_back_and_forward(&DBMATE);
}

#[test]
fn prisma_6() {
    matrix(&PRISMA6);
}

#[test]
fn prisma_7() {
    matrix(&PRISMA7);
}

#[test]
fn supabase() {
    matrix(&SUPABASE);
    generate(&SUPABASE);
}

#[test]
fn drizzle_before_1() {
    matrix(&DRIZZLE);
}

#[test]
fn drizzle_1() {
    matrix(&DRIZZLE1);
}

#[test]
fn node_pg_migrate() {
    matrix(&NODE_PG_MIGRATE);
    generate(&NODE_PG_MIGRATE);
    roll_back_and_forward(&NODE_PG_MIGRATE);
}

#[test]
fn graphile_migrate() {
    matrix(&GRAPHILE);
    generate(&GRAPHILE);
}
