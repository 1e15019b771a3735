//! `cargo db generate`: migrations from the difference between the wanted schema and what the
//! migrations build, proved before they are written.

use std::process::{Child, Command, Stdio};

use rexpect::session::spawn_command;
use serde_json::{Value, json};

use crate::layouts;
use crate::support::{Project, Ran, cluster, eventually};

const USERS: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n";

/// A project with a schema file, and a migration that creates `users`.
fn project(name: &str, schema: &str) -> Project {
    let project = Project::new(name);
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.migration("1_users.up.sql", USERS);
    project.migration("1_users.down.sql", "DROP TABLE users;\n");
    project.write("schema.sql", schema);
    project
}

fn files(project: &Project) -> Vec<String> {
    let folder = std::fs::read_dir(project.path().join("migrations")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// All files of a project.
fn files_below(project: &Project) -> String {
    let mut find = Command::new("find");
    let found = find.arg(project.path()).args(["-type", "f"]).output().expect("find runs");
    String::from_utf8(found.stdout).unwrap()
}

fn text(project: &Project, file: &str) -> String {
    std::fs::read_to_string(project.path().join(file)).unwrap()
}

/// The databases beside the project's that are not templates.
fn scratch_databases(database: &str) -> Vec<String> {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE datname LIKE '{database}\\_\\_%' \
         AND datname NOT LIKE '%\\_\\_schema\\_%'"
    );
    cluster().query("postgres", &sql)
}

#[test]
fn a_change_of_the_schema_file_becomes_a_migration() {
    let wanted = format!(
        "{USERS}ALTER TABLE users ADD avatar_url text;\nCREATE INDEX users_mail ON users (mail);\n"
    );
    let project = project("ge_change", &wanted);
    project.db(&["migrate"]).ok();
    let generated = project.db(&["generate", "add", "avatar"]).ok();
    let generated =
        generated.says("new column users.avatar_url (text)").says("new index users_mail");
    generated
        .says("applied and rolled back, with rows in 1 table")
        .says("migrations/2_add_avatar.up");
    let up = text(&project, "migrations/2_add_avatar.up.sql");
    assert!(up.starts_with("ALTER TABLE public.users ADD COLUMN avatar_url text;\n"), "{up}");
    assert!(!up.contains("_sqlx_migrations"), "the table of the tool is nobody's: {up}");
    project.run_sql("INSERT INTO users (mail) VALUES ('a')");
    project.db(&["migrate"]).ok();
    project.db(&["generate", "more"]).ok().says("nothing to generate");
    project.db(&["rollback", "--yes"]).ok();
    assert_eq!(
        project.query("SELECT to_regclass('users_mail') IS NULL, count(*) FROM users"),
        ["t|1"]
    );
    assert_eq!(files(&project).len(), 4);
    assert_eq!(scratch_databases("ge_change"), Vec::<String>::new());
}

#[test]
fn a_dry_run_shows_both_directions_and_writes_nothing() {
    let project = project("ge_dry", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    let shown = project.db(&["generate", "posts", "--dry-run"]).ok();
    shown.says("CREATE TABLE public.posts").says("DROP TABLE public.posts").says("dry run");
    assert_eq!(files(&project), ["1_users.down.sql", "1_users.up.sql"]);
    let shown = project.db(&["generate", "posts", "--dry-run", "--json"]).ok().json();
    assert_eq!((&shown["changes"], &shown["files"]), (&json!(["new table posts"]), &json!([])));
    assert_eq!(shown["down"], json!(["DROP TABLE public.posts;\n"]));
    assert_eq!(shown["checked"][0]["file"], "migrations/2_posts.up.sql");
}

#[test]
fn the_database_itself_is_not_compared() {
    let project = Project::without_database("ge_absent");
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.write("schema.sql", USERS);
    project.db(&["generate", "users"]).ok().says("new table users");
    let found =
        cluster().query("postgres", "SELECT 1 FROM pg_database WHERE datname = 'ge_absent'");
    assert_eq!(found, Vec::<String>::new());
    // A pending migration is one of the folder, and so is an edited one.
    project.db(&["generate", "again"]).ok().says("nothing to generate");
    let up = files(&project).into_iter().find(|file| file.ends_with(".up.sql")).unwrap();
    project.migration(&up, "CREATE TABLE users (id bigserial PRIMARY KEY);\n");
    project.db(&["generate", "mail"]).ok().says("new column users.mail (text)");
}

#[test]
fn a_rename_is_never_guessed() {
    let wanted = USERS.replace("mail", "email");
    let project = project("ge_rename", &wanted);
    let asked = project.db(&["generate", "email"]).code(3);
    let asked = asked.says("column users.mail (text)").says("--rename public.users.mail=email");
    assert!(asked.stderr.contains("cargo db generate email --yes"), "{asked}");
    assert_eq!(files(&project).len(), 2);
    let taken = project.db(&["generate", "email", "--dry-run", "--yes"]).ok();
    taken.says("DROP COLUMN mail").says("is dropped").says("--rename");
    project.db(&["generate", "email", "--rename", "users.mail=email"]).ok();
    let up = text(&project, "migrations/2_email.up.sql");
    assert!(up.contains("RENAME COLUMN mail TO email") && !up.contains("DROP"), "{up}");
    let down = text(&project, "migrations/2_email.down.sql");
    assert!(down.contains("RENAME COLUMN email TO mail"), "{down}");
    for (told, why) in [("users.name=email", "nothing has that name"), ("email", "old=new")] {
        let wrong = project.db(&["generate", "x", "--rename", told]).code(2);
        wrong.says(why);
    }
}

#[test]
fn a_column_of_a_renamed_table_may_be_renamed_too() {
    let wanted = USERS.replace("users", "people").replace("mail", "email");
    let project = project("ge_both_renamed", &wanted);
    let table = ["generate", "people", "--rename", "users=people"];
    let asked = project.db(&table).code(3);
    asked.says("column people.mail (text)").says("--rename public.people.mail=email");
    let both = [&table[..], &["--rename", "public.people.mail=email"]].concat();
    project.db(&both).ok();
    let up = text(&project, "migrations/2_people.up.sql");
    assert!(up.contains("RENAME COLUMN mail TO email") && !up.contains("DROP"), "{up}");
}

#[test]
fn what_cannot_be_proved_is_not_written() {
    let (parted, by_day) = (
        "CREATE TABLE events (id int, day date) PARTITION BY LIST (id);\n",
        "CREATE TABLE events (id int, day date) PARTITION BY RANGE (day);\n",
    );
    let project = project("ge_refused", &format!("{USERS}{by_day}"));
    project.migration("2_events.up.sql", parted);
    project.migration("2_events.down.sql", "DROP TABLE events;\n");
    let refused = project.db(&["generate", "by", "day", "--json"]).code(4);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "GENERATE.UNSUPPORTED");
    assert!(error["why"].to_string().contains("table events"), "{error}");
    assert_eq!(files(&project).len(), 4);
    assert_eq!(scratch_databases("ge_refused"), Vec::<String>::new());
}

#[test]
fn rows_on_which_a_migration_fails_are_named() {
    let wanted = USERS.replace("mail text NOT NULL", "mail text NOT NULL, name text NOT NULL");
    let project = project("ge_rows", &wanted);
    let shown = project.db(&["generate", "name", "--json"]).ok().json();
    let fails = &shown["proof"]["fails_on_rows"][0];
    assert_eq!((&fails["table"], &fails["direction"]), (&json!("public.users"), &json!("up")));
    assert!(fails["why"].as_str().unwrap().contains("contains null values"), "{fails}");
    assert_eq!(shown["checked"][0]["findings"][0]["rule"], "adding-required-field");
}

/// Each of these tables needs values that follow from its types, keys and checks.
const FILLED: &str = "
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 50 AND 60);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE teams (id uuid PRIMARY KEY, code char(2) UNIQUE, mood mood NOT NULL);
CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team uuid NOT NULL REFERENCES teams, boss int REFERENCES people,
    mail text NOT NULL UNIQUE CHECK (mail LIKE '%@%'), age int NOT NULL CHECK (age >= 18),
    state text NOT NULL CHECK (state IN ('on', 'off')), share percent NOT NULL,
    zip text CHECK (zip ~ '^[0-9]{5}$'), short varchar(3) NOT NULL, rate numeric(2, 2) NOT NULL);
CREATE TABLE stays (team uuid REFERENCES teams, during tstzrange NOT NULL, tags text[] NOT NULL,
    data jsonb NOT NULL, pair pair NOT NULL, place point NOT NULL, at inet NOT NULL,
    ends date NOT NULL, starts date NOT NULL, CHECK (starts <= ends), PRIMARY KEY (team, during));
CREATE TABLE logs (day date NOT NULL, region text NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE never (id int NOT NULL CHECK (id > id));
";

#[test]
fn tables_are_filled_for_the_proof() {
    let project = Project::new("ge_filled");
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.migration("1_all.up.sql", FILLED);
    project.migration("1_all.down.sql", "SELECT 1;\n");
    project.write("schema.sql", &format!("{FILLED}CREATE INDEX ON people (team);\n"));
    let shown = project.db(&["generate", "index", "--dry-run", "--json"]).ok().json();
    let proof = &shown["proof"];
    assert_eq!(proof["tables_with_rows"], 4, "{proof:#}");
    let empty: Vec<&Value> = proof["tables_without_rows"].as_array().unwrap().iter().collect();
    assert_eq!(empty.len(), 1, "{proof:#}");
    assert_eq!(empty[0]["table"], "public.never");
    project.db(&["generate", "index"]).ok().says("not proved with rows: public.never");
}

#[test]
fn seeds_fill_the_proof_too() {
    let project =
        project("ge_seeds", &USERS.replace("mail text NOT NULL", "mail varchar(9) NOT NULL"));
    project.write("seeds/users.sql", "INSERT INTO users (mail) VALUES ('much too long');\n");
    let shown = project.db(&["generate", "short", "--json"]).ok().json();
    let fails = shown["proof"]["fails_on_rows"].to_string();
    assert!(fails.contains("value too long for type character varying(9)"), "{fails}");
}

#[test]
fn seeds_change_nothing_outside_of_the_scratch_database() {
    let mut project = project("ge_seed_role", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    project.write("seeds/role.sql", "CREATE ROLE ge_seeded;\n");
    project.write("seeds/users.sql", "INSERT INTO users (mail) VALUES ('much too long');\n");
    project.db(&["generate", "posts"]).ok();
    let roles = "SELECT rolname FROM pg_roles WHERE rolname = 'ge_seeded'";
    assert_eq!(cluster().query("postgres", roles), Vec::<String>::new());
    // Beside precious data, no seed is loaded.
    project.db(&["migrate"]).ok();
    project.run_sql("ALTER TABLE users ALTER mail TYPE varchar(9)");
    let generate = ["generate", "short", "--from-live", "--dry-run", "--json"];
    let fails =
        |project: &Project| project.db(&generate).ok().json()["proof"]["fails_on_rows"].clone();
    assert_ne!(fails(&project), json!([]));
    project.set("CARGO_DB_ENV", "production");
    assert_eq!(fails(&project), json!([]));
}

#[test]
fn a_table_may_have_more_columns_than_a_function_takes_arguments() {
    let columns: Vec<String> = (1..=120).map(|n| format!("c{n} int")).collect();
    let wide = format!("CREATE TABLE wide ({});\n", columns.join(", "));
    let project = project("ge_wide", &format!("{USERS}{wide}ALTER TABLE wide ADD name text;\n"));
    project.migration("2_wide.up.sql", &wide);
    project.migration("2_wide.down.sql", "DROP TABLE wide;\n");
    project.db(&["generate", "name"]).ok().says("applied and rolled back, with rows in 2 tables");
}

#[test]
fn a_partitioned_table_gets_one_warning() {
    let parts = "CREATE TABLE logs (day date) PARTITION BY RANGE (day);\n\
                 CREATE TABLE logs_old PARTITION OF logs\n\
                     FOR VALUES FROM (MINVALUE) TO ('2026-01-01');\n\
                 CREATE TABLE logs_new PARTITION OF logs\n\
                     FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);\n";
    let wanted = format!("{USERS}{parts}ALTER TABLE logs ADD name text NOT NULL;\n");
    let project = project("ge_parts", &wanted);
    project.migration("2_logs.up.sql", parts);
    project.migration("2_logs.down.sql", "DROP TABLE logs;\n");
    let proof = project.db(&["generate", "name", "--json"]).ok().json()["proof"].clone();
    assert_eq!(proof["fails_on_rows"].as_array().unwrap().len(), 1, "{proof:#}");
    assert_eq!(proof["fails_on_rows"][0]["table"], "public.logs");
    assert_eq!(proof["tables_with_rows"], 1, "{proof:#}");
}

#[test]
fn a_new_value_of_an_enum_is_committed_before_it_is_used() {
    let before = "CREATE TYPE mood AS ENUM ('sad');\nCREATE TABLE people (mood mood);\n";
    let after = "CREATE TYPE mood AS ENUM ('sad', 'happy');\n\
                 CREATE TABLE people (mood mood DEFAULT 'happy');\n";
    let project = project("ge_enum", &format!("{USERS}{after}"));
    project.migration("2_mood.up.sql", before);
    project.migration("2_mood.down.sql", "DROP TABLE people; DROP TYPE mood;\n");
    project.db(&["generate", "happy"]).ok();
    assert_eq!(files(&project).len(), 8, "two migrations: {:?}", files(&project));
    project.db(&["migrate"]).ok();
    project.db(&["rollback", "--steps", "2", "--yes"]).ok();
    project.db(&["migrate"]).ok();
    project.db(&["generate", "more"]).ok().says("nothing to generate");
}

#[test]
fn a_schema_that_does_not_load_is_an_error_with_its_line() {
    let project = project("ge_broken", &format!("{USERS}\nCREATE TABEL x ();\n"));
    let broken = project.db(&["generate", "x"]).code(7);
    broken.says("line 3: syntax error at or near \"TABEL\"").says("`schema.sql`");
    project.write("schema.sql", &format!("{USERS}GRANT SELECT ON users TO ge_nobody;\n"));
    let broken = project.db(&["generate", "x"]).code(7).says("role \"ge_nobody\" does not exist");
    broken.says("CREATE ROLE ge_nobody");
    project.write("schema.sql", "CREATE EXTENSION ge_nothing;\n");
    project.db(&["generate", "x"]).code(7).says("install the extension ge_nothing");
    assert_eq!(scratch_databases("ge_broken"), Vec::<String>::new());
}

#[test]
fn the_schema_file_changes_nothing_outside_of_its_scratch_database() {
    let project = project("ge_outside", &format!("{USERS}CREATE ROLE ge_created;\n"));
    let refused = project.db(&["generate", "x"]).code(4);
    refused.says("schema.sql:2");
    let roles = "SELECT rolname FROM pg_roles WHERE rolname IN ('ge_created', 'ge_reader')";
    assert_eq!(cluster().query("postgres", roles), Vec::<String>::new());
    // Neither is a role of a migration created, and the error says what to do about it.
    project.write("schema.sql", USERS);
    project.migration("2_role.up.sql", "CREATE ROLE ge_created;\n");
    project.db(&["generate", "x"]).code(7).says("allow outside-database");
    let allowed = "-- cargo-db: allow outside-database\nCREATE ROLE ge_created;\n";
    project.migration("2_role.up.sql", allowed);
    let generated = project.db(&["generate", "x"]).ok().says("nothing to generate");
    generated.says("not run on the scratch database (outside-database): migrations/2_role.up.sql");
    assert_eq!(cluster().query("postgres", roles), Vec::<String>::new());
    std::fs::remove_file(project.path().join("migrations/2_role.up.sql")).unwrap();
    // What is there already is not created.
    cluster().run("postgres", "CREATE ROLE ge_reader");
    let guarded = "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ge_reader') \
                   THEN CREATE ROLE ge_reader; END IF; END $$;\n";
    project.write("schema.sql", &format!("{USERS}{guarded}GRANT SELECT ON users TO ge_reader;\n"));
    project.db(&["generate", "reader"]).ok().says("authz-changed");
    let up = text(&project, "migrations/2_reader.up.sql");
    assert_eq!(up, "GRANT SELECT ON TABLE public.users TO ge_reader;\n");
}

#[test]
fn settings_of_the_schema_file_stay_in_it() {
    let schema = "SET search_path = app;\nCREATE SCHEMA app;\nCREATE TABLE t (id int);\n\
                  CREATE FUNCTION f() RETURNS bigint LANGUAGE sql \
                  AS 'SELECT count(*) FROM app.t';\n";
    let project = project("ge_path", &format!("{USERS}{schema}"));
    project.db(&["generate", "app"]).ok();
    let up = text(&project, "migrations/2_app.up.sql");
    assert!(up.contains("CREATE TABLE app.t") && up.contains("check_function_bodies"), "{up}");
    project.db(&["migrate"]).ok();
    project.db(&["generate", "more"]).ok().says("nothing to generate");
}

#[test]
fn the_wanted_schema_can_come_from_elsewhere() {
    let mut project = project("ge_from", USERS);
    project.db(&["migrate"]).ok();
    project.run_sql("ALTER TABLE users ADD by_hand int");
    let live = project.db(&["generate", "hand", "--from-live", "--dry-run"]).ok();
    live.says("new column users.by_hand (integer)");
    project.write("other/1.sql", USERS);
    project.write("other/2.sql", "CREATE VIEW v AS SELECT id FROM users;\n");
    project.db(&["generate", "v", "--from", "other", "--dry-run"]).ok().says("new view v");
    project.db(&["generate", "v", "--from", "other/1.sql"]).ok().says("nothing to generate");
    project.set("OTHER_URL", &cluster().url("ge_from"));
    let other = project.db(&["generate", "hand", "--from", "OTHER_URL", "--dry-run"]).ok();
    other.says("new column users.by_hand (integer)");
    for (from, why) in [
        ("nowhere", "no file, folder or variable has this name"),
        ("postgres://u:secret@h/d", "write the name of a variable that contains it"),
        ("migrations/../seeds", "no file"),
    ] {
        let wrong = project.db(&["generate", "x", "--from", from]).code(2);
        let wrong = wrong.says(why);
        assert!(!wrong.stderr.contains("secret"), "{wrong}");
    }
    project.db(&["generate", "x", "--from", "host=h password=secret"]).code(2).says("variable");
    // Owners and privileges of a database are those of its server.
    project.run_sql("ALTER TABLE users DROP by_hand; GRANT SELECT ON users TO public");
    project.db(&["generate", "x", "--from-live"]).ok().says("nothing to generate");
}

#[test]
fn without_a_wanted_schema_it_says_what_to_do() {
    let project = Project::new("ge_nothing");
    project.migration("1_users.up.sql", USERS);
    let missing = project.db(&["generate", "x"]).code(2);
    missing.says("below `[schema]`").says("--from-live");
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    let missing = project.db(&["generate", "x"]).code(2).says("`schema.sql` does not exist");
    missing.says("cargo db schema dump");
    project.db(&["schema", "dump"]).ok();
    project.db(&["generate", "x"]).ok().says("nothing to generate");
}

#[test]
fn a_database_that_has_the_changes_records_the_migration() {
    let project = project("ge_record", USERS);
    project.db(&["migrate"]).ok();
    project.run_sql("ALTER TABLE users ADD by_hand int");
    let generated = project.db(&["generate", "hand", "--from-live"]).ok();
    let generated = generated.says("this database has the change already");
    generated.says("`cargo db baseline --to 2`").says("run `cargo db migrate` on the others");
    project.db(&["baseline", "--to", "2", "--yes"]).ok();
    project.db(&["status", "--check"]).ok();
    project.db(&["rollback", "--yes"]).ok();
    project.db(&["migrate"]).ok();
    assert_eq!(project.db(&["diff", "--json"]).ok().json()["differs"], false);
}

#[test]
fn beside_precious_data_nothing_is_built() {
    let mut project = project("ge_production", &format!("{USERS}CREATE TABLE posts ();\n"));
    project.db(&["migrate"]).ok();
    project.run_sql("CREATE TABLE by_hand (id int)");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["generate", "x"]).code(4).says("is refused in production");
    let generated = project.db(&["generate", "hand", "--from-live"]).ok();
    generated.says("new table by_hand");
    let templates = "SELECT datname FROM pg_database WHERE datname LIKE 'ge\\_production\\_\\_%' \
                     ORDER BY datname";
    let found = cluster().query("postgres", templates);
    assert!(found.len() <= 1, "only what development kept: {found:?}");
}

#[test]
fn an_agent_may_generate() {
    let mut project = project("ge_agent", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    project.set("AI_AGENT", "1");
    project.db(&["generate", "posts"]).ok().says("new table posts");
}

#[test]
fn two_at_once_write_one_migration() {
    let project = project("ge_twice", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    let started = ["one", "two"].map(|name| {
        let mut command = project.command(&["generate", name]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    });
    let codes = started.map(|mut child| child.wait().unwrap().code());
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 7))), "{codes:?}");
    let versions: Vec<String> = files(&project)
        .iter()
        .filter(|file| file.ends_with(".up.sql"))
        .map(|file| file.split('_').next().unwrap().to_owned())
        .collect();
    assert_eq!(versions, ["1", "2"]);
    project.db(&["migrate"]).ok();
    project.db(&["generate", "more"]).ok().says("nothing to generate");
    assert_eq!(scratch_databases("ge_twice"), Vec::<String>::new());
}

#[test]
fn tools_with_a_model_of_their_own_keep_their_generator() {
    let files = [("prisma/schema.prisma", ""), ("prisma/migrations/1_a/migration.sql", USERS)];
    let project = layouts::project("ge_prisma", &files);
    project.write("wanted.sql", USERS);
    let refused = project.db(&["generate", "x", "--from", "wanted.sql"]).code(2);
    refused.says("generates its migrations itself").says("cargo db generate NAME");
    let before = files_below(&project);
    for option in [&["--dry-run"] as &[&str], &["--avoid-locks"], &["--rename", "a=b"]] {
        let refused = project.db(&[&["generate", "x"], option].concat()).code(2);
        refused.says(option[0]).says("prisma");
    }
    assert_eq!(files_below(&project), before);
}

#[test]
fn a_command_of_the_project_keeps_its_generator() {
    let project = Project::new("ge_command");
    project.write(
        "db.toml",
        "[migrations]\nstatus = ['./tool', 'status']\napply = ['./tool', 'up']\n\
         generate = ['./tool', 'diff']\n",
    );
    project.write("wanted.sql", USERS);
    for arguments in [["--from", "wanted.sql"].as_slice(), &["--dry-run"]] {
        let refused = project.db(&[&["generate", "x"], arguments].concat()).code(2);
        refused.says("`[migrations] generate`");
    }
}

/// The name of a case, the files of a project whose migration creates `users`, and the new files.
type Layout =
    (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str], bool);

const LAYOUTS: &[Layout] = &[
    ("gl_sqlx_simple", &[("migrations/20260101000000_a.sql", USERS)], &["_add_both.sql"], false),
    (
        "gl_diesel",
        &[
            ("diesel.toml", ""),
            ("migrations/2026-01-01-000000_a/up.sql", USERS),
            ("migrations/2026-01-01-000000_a/down.sql", "DROP TABLE users;"),
        ],
        &["_add_both/up.sql", "_add_both/down.sql"],
        true,
    ),
    (
        "gl_refinery",
        &[("refinery.toml", ""), ("migrations/V1__a.sql", USERS)],
        &["V2__add_both.sql"],
        false,
    ),
    (
        "gl_dbmate",
        &[(
            "db/migrations/1_a.sql",
            concat!(
                "-- migrate:up\n",
                "CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
                "-- migrate:down\nDROP TABLE users;\n"
            ),
        )],
        &["2_add_both.sql"],
        true,
    ),
    (
        "gl_goose",
        &[(
            "migrations/00001_a.sql",
            concat!(
                "-- +goose Up\n",
                "CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
                "-- +goose Down\nDROP TABLE users;\n"
            ),
        )],
        &["00002_add_both.sql"],
        true,
    ),
    (
        "gl_golang",
        &[
            ("go.mod", ""),
            ("migrations/000001_a.up.sql", USERS),
            ("migrations/000001_a.down.sql", "DROP TABLE users;"),
        ],
        &["000002_add_both.up.sql", "000002_add_both.down.sql"],
        true,
    ),
    ("gl_flyway", &[("flyway.conf", ""), ("sql/V1__a.sql", USERS)], &["V2__add_both.sql"], false),
    (
        "gl_supabase",
        &[("supabase/migrations/20260101000000_a.sql", USERS)],
        &["_add_both.sql"],
        false,
    ),
    (
        "gl_node",
        &[(
            "migrations/1_a.sql",
            concat!(
                "-- Up Migration\n",
                "CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
                "-- Down Migration\nDROP TABLE users;\n"
            ),
        )],
        &["_add-both.sql"],
        true,
    ),
    (
        "gl_graphile",
        &[(
            "migrations/committed/000001-a.sql",
            "--! Previous: -\n--! Hash: x\n--! AllowInvalidHash\n\n\
             CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
        )],
        &["000002-add-both.sql"],
        false,
    ),
    (
        "gl_sql_migrate",
        &[
            ("dbconfig.yml", ""),
            (
                "migrations/1-a.sql",
                concat!(
                    "-- +migrate Up\n",
                    "CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
                    "-- +migrate Down\nDROP TABLE users;\n"
                ),
            ),
        ],
        &["-add_both.sql"],
        true,
    ),
];

#[test]
fn every_layout_gets_its_own_files() {
    let wanted = format!(
        "{USERS}CREATE FUNCTION two() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; -- a;\n\
         RETURN 2; END $$;\nALTER TABLE users ADD name text;\n"
    );
    for (name, files, ends, rolls_back) in LAYOUTS {
        let project = layouts::project(name, files);
        project.write("db.toml", "[schema]\nfile = \"wanted.sql\"\n");
        project.write("wanted.sql", &wanted);
        let made = project.db(&["generate", "add", "both", "--json"]).ok().json();
        let made: Vec<&str> =
            made["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        assert_eq!(made.len(), ends.len(), "{name}: {made:?}");
        for (file, end) in made.iter().zip(*ends) {
            assert!(file.ends_with(end), "{name}: {file}");
        }
        project.db(&["migrate", "--yes"]).ok();
        project.db(&["status", "--check"]).ok();
        assert_eq!(project.query("SELECT two()"), ["1"], "{name}");
        project.db(&["generate", "more"]).ok().says("nothing to generate");
        if *rolls_back {
            project.db(&["rollback", "--yes"]).ok();
            assert_eq!(project.query("SELECT to_regproc('two') IS NULL"), ["t"], "{name}");
        }
    }
}

#[test]
fn the_schema_file_can_tell_renames() {
    let wanted = "CREATE TABLE users (\n    id bigserial PRIMARY KEY,\n    \
                  email text NOT NULL -- @renamed from=mail\n);\n";
    let project = project("ge_told", wanted);
    project.db(&["generate", "email"]).ok();
    let up = text(&project, "migrations/2_email.up.sql");
    assert!(up.contains("RENAME COLUMN mail TO email") && !up.contains("DROP"), "{up}");
    // The comment may stay in the file.
    project.db(&["generate", "more"]).ok().says("nothing to generate");
    project.write("schema.sql", &wanted.replace("from=mail", "from=phone"));
    std::fs::remove_file(project.path().join("migrations/2_email.up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/2_email.down.sql")).unwrap();
    project.db(&["generate", "x"]).code(2).says("schema.sql:3");
}

#[test]
fn secrets_that_a_schema_file_masks_are_not_changed() {
    let server = "CREATE FOREIGN DATA WRAPPER ge_wrapper;\n\
                  CREATE SERVER far FOREIGN DATA WRAPPER ge_wrapper OPTIONS (secret 'hunter2');\n";
    let project = project("ge_masked", "");
    project.migration("2_far.up.sql", server);
    project.migration("2_far.down.sql", "DROP FOREIGN DATA WRAPPER ge_wrapper CASCADE;\n");
    std::fs::remove_file(project.path().join("schema.sql")).unwrap();
    project.db(&["schema", "dump"]).ok();
    assert!(text(&project, "schema.sql").contains("secret '***'"));
    project.db(&["generate", "x"]).ok().says("nothing to generate");
}

/// A server whose name ends the quotes of a careless `DO`, with a password.
const FAR: &str = "CREATE FOREIGN DATA WRAPPER ge_wrapper;\n\
                   CREATE SERVER \"f$$r\" FOREIGN DATA WRAPPER ge_wrapper\n\
                       OPTIONS (host 'hunter2');\n\
                   CREATE USER MAPPING FOR PUBLIC SERVER \"f$$r\" OPTIONS (password 'hunter2');\n";

#[test]
fn secrets_of_another_database_are_not_written() {
    let mut project = project("ge_secret", USERS);
    project.run_sql(&format!("{USERS}{FAR}"));
    project.set("OTHER_URL", &cluster().url("ge_secret"));
    for source in [["--from-live"].as_slice(), &["--from", "OTHER_URL"]] {
        let refused = project.db(&[&["generate", "far"], source].concat()).code(4);
        assert!(!format!("{refused}").contains("hunter2"), "{refused}");
        refused.says("user mapping").says("its options are masked");
    }
    assert_eq!(files(&project).len(), 2);
}

#[test]
fn a_mask_is_not_written_into_a_migration() {
    let project = project("ge_mask", USERS);
    project.migration("2_far.up.sql", FAR);
    project.migration("2_far.down.sql", "DROP FOREIGN DATA WRAPPER ge_wrapper CASCADE;\n");
    std::fs::remove_file(project.path().join("schema.sql")).unwrap();
    project.db(&["schema", "dump"]).ok();
    for file in ["2_far.up.sql", "2_far.down.sql"] {
        std::fs::remove_file(project.path().join("migrations").join(file)).unwrap();
    }
    project.db(&["generate", "far"]).code(4).says("server \"f$$r\": its options are masked");
    assert_eq!(files(&project).len(), 2);
}

#[test]
fn a_migration_that_drops_what_is_masked_cannot_be_rolled_back() {
    let project = project("ge_unmask", USERS);
    project.run_sql(USERS);
    project.migration("2_far.up.sql", FAR);
    project.migration("2_far.down.sql", "DROP FOREIGN DATA WRAPPER ge_wrapper CASCADE;\n");
    let generated = project.db(&["generate", "near", "--from-live"]).ok();
    generated.says("cannot be rolled back: server \"f$$r\"");
    let down = text(&project, "migrations/3_near.down.sql");
    assert!(down.starts_with("DO $_$ BEGIN RAISE") && !down.contains("hunter2"), "{down}");
    project.run_sql("DROP TABLE users");
    project.db(&["migrate", "--yes"]).ok();
    let refused = project.db(&["rollback", "--yes"]);
    assert!(refused.code != Some(0), "{refused}");
    refused.says("this migration cannot be rolled back: ");
}

#[test]
fn each_possible_rename_has_a_command_of_its_own() {
    let before = "CREATE TABLE people (mail text, tel text);\n";
    let after = "CREATE TABLE people (email text, phone text);\n";
    let project = project("ge_several", &format!("{USERS}{after}"));
    project.migration("2_people.up.sql", before);
    project.migration("2_people.down.sql", "DROP TABLE people;\n");
    let asked = project.db(&["generate", "x", "--json"]).code(3).json();
    let commands = asked["error"]["next"].to_string() + &asked["error"]["hints"].to_string();
    for rename in ["mail=email", "mail=phone", "tel=email", "tel=phone"] {
        let one = format!("cargo db generate x --json --rename public.people.{rename}\"");
        assert!(commands.contains(&one), "{rename}: {asked:#}");
    }
    // Neither name of a rename that was told is offered again.
    let told = ["generate", "x", "--rename", "people.mail=email"];
    let asked = project.db(&told).code(3).says("--rename public.people.tel=phone");
    assert!(!asked.stderr.contains("tel=email") && !asked.stderr.contains("mail=phone"), "{asked}");
    let twice = ["generate", "x", "--rename", "people.mail=email", "--rename", "people.tel=email"];
    project.db(&twice).code(2).says("another rename concerns the same object");
    let both = ["generate", "x", "--rename", "people.mail=email", "--rename", "people.tel=phone"];
    project.db(&both).ok().says("renamed column people.tel to phone");
}

#[test]
fn long_locks_can_be_avoided() {
    let wanted = format!(
        "{USERS}CREATE INDEX users_mail ON users (mail);\n\
         CREATE INDEX users_both ON users (mail, id);\n\
         ALTER TABLE users ADD CONSTRAINT mail_has_at CHECK (mail LIKE '%@%');\n"
    );
    for (name, files) in [
        ("ga_sqlx", &[("migrations/1_a.sql", USERS)] as &[(&str, &str)]),
        (
            "ga_goose",
            &[(
                "migrations/1_a.sql",
                "-- +goose Up\n\
                 CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n",
            )],
        ),
        (
            "ga_diesel",
            &[
                ("diesel.toml", ""),
                ("migrations/1_a/up.sql", USERS),
                ("migrations/1_a/down.sql", "DROP TABLE users;"),
            ],
        ),
        (
            "ga_dbmate",
            &[(
                "db/migrations/1_a.sql",
                "-- migrate:up\n\
                 CREATE TABLE users (id bigserial PRIMARY KEY, mail text NOT NULL);\n\
                 -- migrate:down\nDROP TABLE users;\n",
            )],
        ),
    ] {
        let project = layouts::project(name, files);
        project.write("db.toml", "[schema]\nfile = \"wanted.sql\"\n");
        project.write("wanted.sql", &wanted);
        let made = project.db(&["generate", "fast", "--avoid-locks", "--json"]).ok().json();
        let up = made["up"].to_string();
        assert!(up.contains("CONCURRENTLY") && up.contains("NOT VALID"), "{name}: {up}");
        // Tools send a file as one query, so that none may have two.
        let files = made["up"].as_array().unwrap();
        let alone = |file: &&Value| file.as_str().unwrap().matches("CONCURRENTLY").count() == 1;
        assert_eq!((files.len(), files.iter().filter(alone).count()), (4, 2), "{name}: {up}");
        project.db(&["migrate", "--yes"]).ok();
        project.db(&["generate", "more"]).ok().says("nothing to generate");
    }
    let project =
        layouts::project("ga_refinery", &[("refinery.toml", ""), ("migrations/V1__a.sql", USERS)]);
    project.write("db.toml", "[schema]\nfile = \"wanted.sql\"\n");
    project.write("wanted.sql", &wanted);
    let refused = project.db(&["generate", "fast", "--avoid-locks"]).code(4);
    refused
        .says("refinery cannot run the migration outside a transaction")
        .says("without `--avoid-locks`");
}

/// Starts a command whose proof waits in a seed, until `release` is called.
fn held(project: &Project, database: &str, arguments: &[&str]) -> Child {
    project.write("seeds/wait.sql", "SELECT pg_sleep(600);\n");
    let mut command = project.command(arguments);
    let child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    eventually("the seed waits", || !waiting(database).is_empty());
    child
}

/// The sessions that wait in the seed.
fn waiting(database: &str) -> Vec<String> {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname LIKE '{database}\\_\\_%' \
         AND wait_event = 'PgSleep'"
    );
    cluster().query("postgres", &sql)
}

fn release(database: &str) {
    for session in waiting(database) {
        cluster().run("postgres", &format!("SELECT pg_cancel_backend({session})"));
    }
}

#[test]
fn a_killed_run_leaves_no_file_and_its_databases_are_dropped_later() {
    let project = project("ge_killed", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    let mut child = held(&project, "ge_killed", &["generate", "posts"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(&project), ["1_users.down.sql", "1_users.up.sql"]);
    assert!(!scratch_databases("ge_killed").is_empty());
    std::fs::remove_file(project.path().join("seeds/wait.sql")).unwrap();
    release("ge_killed");
    project.db(&["generate", "posts"]).ok().says("new table posts");
    assert_eq!(files(&project).len(), 4);
    eventually("they are dropped", || scratch_databases("ge_killed").is_empty());
}

#[test]
fn a_migration_that_is_added_meanwhile_is_compared_too() {
    let project = project("ge_meanwhile", &format!("{USERS}CREATE TABLE posts (id int);\n"));
    let child = held(&project, "ge_meanwhile", &["generate", "posts"]);
    project.migration("2_posts.up.sql", "CREATE TABLE posts (id int);\n");
    release("ge_meanwhile");
    let stopped = Ran::from(child.wait_with_output().unwrap()).code(7);
    stopped.says("the migrations changed").says("repeat the command");
    assert_eq!(files(&project).len(), 3);
    std::fs::remove_file(project.path().join("seeds/wait.sql")).unwrap();
    project.db(&["generate", "posts"]).ok().says("nothing to generate");
}

#[test]
fn at_a_terminal_a_rename_is_asked_for() {
    for (name, answer, statement) in [
        ("ge_asked_yes", "y", "RENAME COLUMN mail TO email"),
        ("ge_asked_no", "n", "DROP COLUMN mail"),
    ] {
        let project = project(name, &USERS.replace("mail", "email"));
        let mut command = project.command(&["generate", "email"]);
        command.env("TERM", "xterm").stdin(Stdio::inherit());
        let mut session = spawn_command(command, Some(60_000)).expect("a terminal");
        session.exp_string("renamed to column").expect("a question");
        session.send_line(answer).expect("an answer");
        session.exp_eof().expect("the end");
        let up = text(&project, "migrations/2_email.up.sql");
        assert!(up.contains(statement), "{up}");
    }
}
