//! The schema as a folder: one file per table, one before and one after them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::dumped::shared_objects;
use crate::support::{Project, cluster, content, psql};

const TOML: &str = "[schema]\nfile = \"db/schema/\"\n";

const SHOP: &str = "\
    CREATE SCHEMA shop; CREATE TYPE mood AS ENUM ('sad', 'ok'); \
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
    CREATE TABLE users (id serial PRIMARY KEY, mood mood, boss int REFERENCES users); \
    CREATE INDEX by_mood ON users (mood); COMMENT ON TABLE users IS 'people'; \
    CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch(); \
    ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users; \
    GRANT SELECT ON users TO PUBLIC; \
    CREATE TABLE shop.\"Orders\" (id int PRIMARY KEY, buyer int REFERENCES users); \
    CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at); \
    CREATE TABLE a_part PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); \
    CREATE VIEW names AS SELECT id FROM users; \
    CREATE SEQUENCE counter OWNED BY users.boss; \
    CREATE TABLE counted (id int DEFAULT nextval('counter'), of_user users);\n";

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.write("db.toml", &format!("[database]\nname = \"{name}\"\n\n{TOML}"));
    project.migration("1_shop.up.sql", SHOP);
    project
}

/// The files of the folder, by name.
fn files(project: &Project) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(project.path().join("db/schema")).expect("the folder");
    let file = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    entries.flatten().map(|entry| file(&entry.path())).collect()
}

#[test]
fn each_table_has_a_file_with_all_that_is_of_it() {
    let project = project("so_tables");
    project.db(&["schema", "check"]).code(1).says("db/schema/ does not exist");
    project.db(&["schema", "dump"]).ok().says("wrote db/schema/: 6 changed files");
    let files = files(&project);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let wanted = [
        "0_first.sql",
        "1_public._sqlx_migrations.sql",
        "1_public.parts.sql",
        "1_public.users.sql",
        "1_shop.Orders.sql",
        "2_last.sql",
    ];
    let is_last = files["2_last.sql"].contains("CREATE TABLE public.counted");
    assert!(is_last, "its column is of the type of another table: {}", files["2_last.sql"]);
    assert_eq!(names, wanted);
    let users = &files["1_public.users.sql"];
    for part in [
        "CREATE TABLE public.users",
        "CREATE SEQUENCE public.users_id_seq",
        "CREATE INDEX by_mood",
        "users_boss_fkey",
        "CREATE TRIGGER touch",
        "CREATE POLICY own",
        "GRANT SELECT ON TABLE public.users",
        "IS 'people'",
    ] {
        assert!(users.contains(part), "`{part}` is not in\n{users}");
    }
    assert!(files["1_public.parts.sql"].contains("ATTACH PARTITION public.a_part"));
    assert!(files["2_last.sql"].contains("Orders_buyer_fkey"));
    assert!(files["2_last.sql"].contains("CREATE VIEW public.names"));
    assert!(files["0_first.sql"].contains("CREATE SEQUENCE public.counter"));
    project.db(&["schema", "check"]).ok().says("db/schema/ matches the migrations");
}

/// Loads the files in the order of their names, each in a run of its own.
fn loaded(project: &Project, database: &str) {
    cluster().run("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"));
    for name in files(project).keys() {
        psql(database, None, &project.path().join("db/schema").join(name));
    }
}

#[test]
fn the_files_in_the_order_of_their_names_make_the_same_schema() {
    let project = project("so_load");
    project.db(&["schema", "dump"]).ok();
    loaded(&project, "so_load_files");
    project.write("db.toml", "[database]\nname = \"so_load\"\n\n[schema]\nfile = \"one.sql\"\n");
    project.db(&["schema", "dump"]).ok();
    cluster().run("postgres", "CREATE DATABASE so_load_file TEMPLATE template0");
    psql("so_load_file", None, &project.path().join("one.sql"));
    assert_eq!(content("so_load_file"), content("so_load_files"));
}

#[test]
fn every_kind_has_its_place_in_the_files() {
    shared_objects();
    let project = Project::new("so_kinds");
    let toml = |file: &str| {
        let base = "[database]\nname = \"so_kinds\"\n\n[schema]\nbase = \"kinds.sql\"\n";
        project.write("db.toml", &format!("{base}file = \"{file}\"\n"));
    };
    project.write("kinds.sql", include_str!("fixtures/kinds.sql"));
    project.migration("1_last.up.sql", "CREATE TABLE last ();\n");
    toml("db/schema/");
    project.db(&["schema", "dump"]).ok();
    loaded(&project, "so_kinds_files");
    toml("one.sql");
    project.db(&["schema", "dump"]).ok();
    cluster().run("postgres", "CREATE DATABASE so_kinds_file TEMPLATE template0");
    psql("so_kinds_file", None, &project.path().join("one.sql"));
    let (one, other) = (content("so_kinds_file"), content("so_kinds_files"));
    let differing = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert_eq!(differing, None);
    let files = files(&project);
    assert!(files.len() > 15, "{:?}", files.keys());
    assert!(files["2_last.sql"].contains("CREATE EVENT TRIGGER on_ddl"));
}

#[test]
fn only_files_that_differ_are_named_and_written() {
    let project = project("so_differ");
    project.db(&["schema", "dump"]).ok();
    let folder = project.path().join("db/schema");
    let foreign = [("notes.md", "x"), ("1_public.gone.sql", "-- by hand\n"), ("empty.sql", "")];
    foreign.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    let stamp = |name: &str| std::fs::metadata(folder.join(name)).unwrap().modified().unwrap();
    let before = stamp("1_public.users.sql");
    project.migration(
        "2_more.up.sql",
        "CREATE TABLE more (); ALTER TABLE shop.\"Orders\" ADD COLUMN n int; DROP TABLE parts;\n",
    );
    let run = project.db(&["schema", "check"]).code(1);
    let run = run.says("db/schema/1_shop.Orders.sql\n").says("+     n integer");
    run.says("1_public.more.sql does not exist")
        .says("1_public.parts.sql is of a table that does not exist");
    let json = project.db(&["schema", "check", "--json"]).code(1).json();
    let states: Vec<(&str, &str)> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["file"].as_str().unwrap(), file["state"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("db/schema/1_public.more.sql", "missing"),
        ("db/schema/1_shop.Orders.sql", "differs"),
        ("db/schema/1_public.parts.sql", "stale"),
    ];
    assert_eq!(states, wanted);
    assert_eq!(json["differences"][0]["file"], "db/schema/1_shop.Orders.sql");
    project.db(&["schema", "dump", "--dry-run"]).ok().says("would write db/schema/:");
    // In development, `migrate` writes the folder too.
    project.db(&["migrate"]).ok().says("Wrote db/schema/");
    project.db(&["schema", "dump"]).ok().says("db/schema/ is up to date");
    let files = files(&project);
    assert!(!files.contains_key("1_public.parts.sql") && files.contains_key("1_public.more.sql"));
    for (name, text) in foreign {
        assert_eq!(files[name], text, "not ours");
    }
    assert_eq!(stamp("1_public.users.sql"), before);
    // A file that cargo db did not write is not replaced.
    project.migration("3_gone.up.sql", "CREATE TABLE gone ();\n");
    project.db(&["schema", "dump"]).code(2).says("1_public.gone.sql` was not written by cargo db");
}

#[test]
fn a_folder_that_is_there_needs_no_slash() {
    let project = project("so_slash");
    let name = &project.database;
    let toml = format!("[database]\nname = \"{name}\"\n\n[schema]\nfile = \"schema\"\n");
    project.write("db.toml", &toml);
    std::fs::create_dir(project.path().join("schema")).unwrap();
    project.db(&["schema", "dump"]).ok();
    assert!(project.path().join("schema/1_public.users.sql").exists());
    project.db(&["check", "--schema", "--fail-on", "block"]).ok();
}
