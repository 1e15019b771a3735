//! What an agent spends on one turn of the loop: an agent pays for every call, and for every byte
//! that it writes or reads.

use serde_json::{Value, json};

use crate::support::{Project, Ran};

const TABLES: [&str; 12] = [
    "users",
    "teams",
    "courses",
    "lessons",
    "enrolments",
    "payments",
    "invoices",
    "messages",
    "attachments",
    "tags",
    "course_tags",
    "sessions",
];

/// A project of 12 tables with rows, and 25 migrations that are applied.
fn school(name: &str) -> Project {
    let mut project = Project::new(name);
    let mut version = 20_260_101_000_000_u64;
    let mut migration = |name: &str, up: &str, down: &str| {
        version += 1_000_000;
        project.migration(&format!("{version}_{name}.up.sql"), up);
        project.migration(&format!("{version}_{name}.down.sql"), down);
    };
    for (at, table) in TABLES.iter().enumerate() {
        let parent = TABLES[at.saturating_sub(1)];
        let up = format!(
            "CREATE TABLE {table} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    \
             parent_id bigint REFERENCES {parent} (id),\n    name text NOT NULL\n);\n"
        );
        migration(&format!("create_{table}"), &up, &format!("DROP TABLE {table};\n"));
        let up = format!("ALTER TABLE {table} ADD COLUMN note text;\n");
        let down = format!("ALTER TABLE {table} DROP COLUMN note;\n");
        migration(&format!("add_note_to_{table}"), &up, &down);
    }
    let up = "CREATE TYPE level AS ENUM ('beginner', 'advanced');\n";
    migration("create_level", up, "DROP TYPE level;\n");
    project.db(&["migrate", "--quiet"]).ok();
    for table in TABLES {
        let rows = "SELECT 'name ' || n FROM generate_series(1, 500) n";
        project.run_sql(&format!("INSERT INTO {table} (name) {rows}"));
    }
    project.set("CARGO_DB_AGENT", "1");
    project.set("CARGO_DB_REHEARSE", "1");
    project
}

/// The calls of an agent, and the bytes that it wrote and read.
struct Agent {
    project: Project,
    flags: &'static [&'static str],
    calls: usize,
    bytes: usize,
}

impl Agent {
    #[track_caller]
    fn calls(&mut self, arguments: &[&str]) -> Ran {
        let words = [arguments, self.flags].concat();
        let ran = self.project.db(&words).ok();
        self.calls += 1;
        self.bytes += "cargo db".len() + words.iter().map(|word| word.len() + 1).sum::<usize>();
        self.bytes += ran.stdout.len() + ran.stderr.len();
        ran
    }

    /// Adds a column, and takes it away again. What it types, it has read.
    fn goes_through_the_loop(&mut self) {
        self.calls(&["status"]).says("25");
        let schema = self.calls(&["schema", "show"]);
        assert!(TABLES.iter().all(|table| schema.stdout.contains(table)), "{schema}");
        let created = self.calls(&["create", "add stars to courses"]).stdout;
        for (file, sql) in [("up", "ADD COLUMN stars int"), ("down", "DROP COLUMN stars")] {
            let marker = format!("_add_stars_to_courses.{file}.sql");
            let (before, _) = created.split_once(&marker).unwrap();
            let version = &before[before.len() - 14..];
            let sql = format!("ALTER TABLE courses {sql};\n");
            self.bytes += sql.len();
            self.project.migration(&format!("{version}{marker}"), &sql);
        }
        self.calls(&["check"]).says("52");
        self.calls(&["rehearse"]).says("proved");
        self.calls(&["migrate"]).says("add stars to courses");
        assert!(self.has_stars());
        let shown = self.calls(&["rollback", "--dry-run"]).stdout;
        let (_, consent) = shown.split_once("rollback").unwrap();
        let (_, consent) = consent.split_once("--confirm").unwrap();
        let consent: Vec<&str> = consent.split(['"', '`']).next().unwrap().split(' ').collect();
        self.calls(&[&["rollback", "--confirm"], &consent[1..]].concat());
        assert!(!self.has_stars());
    }

    fn has_stars(&self) -> bool {
        let sql = "SELECT 1 FROM information_schema.columns WHERE column_name = 'stars'";
        !self.project.query(sql).is_empty()
    }
}

#[track_caller]
fn spends_little(name: &str, flags: &'static [&'static str]) {
    let mut agent = Agent { project: school(name), flags, calls: 0, bytes: 0 };
    agent.goes_through_the_loop();
    let tokens = agent.bytes.div_ceil(4);
    assert!(agent.calls <= 8, "{} calls", agent.calls);
    assert!(tokens <= 3000, "{tokens} tokens");
}

#[test]
fn a_turn_of_the_loop_costs_8_calls_and_3000_tokens_at_most() {
    spends_little("agent_cycle", &[]);
}

#[test]
fn so_it_does_as_json() {
    spends_little("agent_cycle_json", &["--json"]);
}

/// The names of migrations, files and backups are in the documents, so that no call is needed to
/// look them up. Long lists are cut.
#[test]
fn documents_name_what_was_applied_and_backed_up() {
    let project = school("agent_names");
    let all: Vec<String> = project.query("SELECT version FROM _sqlx_migrations ORDER BY 1 DESC");
    let status = |flags: &[&str]| project.db(&[&["status", "--json"], flags].concat()).ok().json();
    assert_eq!(status(&[])["migrations"]["applied_versions"], json!(all[..10]));
    assert_eq!(status(&["--verbose"])["migrations"]["applied_versions"], json!(all));
    assert_eq!(status(&[])["backup"], json!(null));

    let file = "migrations/20270101000000_add_stars.up.sql";
    let index = "CREATE INDEX ON courses (name);\n";
    project.write(file, index);
    project.write(&file.replace(".up.", ".down."), "DROP INDEX courses_name_idx;\n");
    assert_eq!(status(&[])["migrations"]["pending"][0]["file"], file);
    let check = |flags: &[&str]| {
        let mut command = project.command(&[&["check", "--json"], flags].concat());
        Ran::from(command.env("CARGO_DB_AGENT", "1").output().unwrap()).code(1).json()
    };
    let (found, listed) = (check(&[]), check(&["--verbose"]));
    assert_eq!((&found["files"], &listed["files"]), (&json!(52), &json!(52)));
    let length = |report: &Value| report["migrations"].as_array().map(Vec::len);
    assert_eq!((length(&found), length(&listed)), (Some(1), Some(52)), "{found:#}");
    assert_eq!(found["migrations"][0]["file"], file);

    let shown = project.db(&["migrate", "--dry-run", "--show-sql", "--json"]).ok().json();
    assert_eq!(shown["sql"], json!([{ "file": file, "sql": index }]));
    let migrated = project.db(&["migrate", "--json"]).ok().json();
    assert_eq!(migrated["done"][0]["version"], "20270101000000");
    assert_eq!(migrated["plan"]["steps"][1]["file"], file);
    let backups = project.db(&["backups", "list", "--json"]).ok().json();
    assert!(migrated["backup"].is_string(), "{migrated:#}");
    assert_eq!(migrated["backup"], backups["backups"][0]["name"]);
    // The backup before a change does not count as the newest.
    assert_eq!(status(&[])["backup"], json!(null));
    let taken = project.db(&["backup", "--json"]).ok().json();
    assert_eq!(status(&[])["backup"], taken["backup"]["name"]);
    assert!(taken["backup"]["name"].is_string(), "{taken:#}");
}
