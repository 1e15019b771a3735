//! The parts of a set contain what `pg_dump` writes of each schema and each table separately.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{awkward, backup};
use crate::support::{Project, binaries, cluster};

/// What a program of PostgreSQL's prints.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(binaries().join(program)).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The lines of a dump with its content, in any order.
fn lines(text: &str) -> Vec<String> {
    let is_of_session = |line: &str| {
        ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"]
            .iter()
            .any(|begin| line.starts_with(begin))
    };
    // Not every version writes statistics with their table.
    let is_wanted = |line: &&str| !line.is_empty() && !line.contains(" STATISTICS public.");
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| is_wanted(line) && !is_of_session(line))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

/// The objects that an archive lists, without their numbers.
fn objects(archive: &Path) -> Vec<String> {
    let text = printed("pg_restore", &["--list", archive.to_str().unwrap()]);
    let object = |line: &str| line.splitn(4, ' ').nth(3).unwrap_or_default().to_owned();
    let mut objects: Vec<String> =
        text.lines().filter(|line| !line.starts_with(';')).map(object).collect();
    objects.sort();
    objects
}

fn set_of(project: &Project) -> PathBuf {
    project.path().join("backups").join(backup(project, "set"))
}

fn found(set: &Path, pattern: &str) -> PathBuf {
    let pattern = format!("{}/{pattern}", glob::Pattern::escape(set.to_str().unwrap()));
    glob::glob(&pattern).unwrap().flatten().next().unwrap_or_else(|| panic!("no {pattern}"))
}

#[test]
fn each_part_is_what_a_dump_of_it_is() {
    let project = awkward("cbp_same");
    project.run_sql(
        "CREATE ROLE cbp_reader; CREATE SCHEMA \"More (x)\"; \
         COMMENT ON SCHEMA \"More (x)\" IS 'more'; \
         GRANT USAGE ON SCHEMA \"More (x)\" TO cbp_reader; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA \"More (x)\" GRANT SELECT ON TABLES TO cbp_reader; \
         CREATE TABLE \"More (x)\".\"T t\" (id serial PRIMARY KEY, u int UNIQUE); \
         COMMENT ON INDEX \"More (x)\".\"T t_pkey\" IS 'a key'; \
         GRANT SELECT (u), UPDATE ON \"More (x)\".\"T t\" TO cbp_reader; \
         CREATE FUNCTION \"More (x)\".f() RETURNS trigger LANGUAGE plpgsql \
         AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER g AFTER INSERT ON \"More (x)\".\"T t\" EXECUTE FUNCTION \"More (x)\".f(); \
         INSERT INTO \"More (x)\".\"T t\" (u) SELECT generate_series(1, 9)",
    );
    let set = set_of(&project);
    let url = cluster().url("cbp_same");
    let tables = "SELECT n.nspname, c.relname FROM pg_class c \
                  JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE relkind IN ('r', 'p') AND nspname IN ('public', 'More (x)')";
    for table in project.query(tables) {
        let (schema, table) = table.split_once('|').unwrap();
        let name = format!("--table=\"{schema}\".\"{table}\"");
        let folder = set
            .join(schema.replace(" (x)", "%20%28x%29"))
            .join("tables")
            .join(table.replace(' ', "%20"));
        for (file, only) in [("schema.sql", "--schema-only"), ("data.sql", "--data-only")] {
            // What is loaded through a partitioned table is with that one.
            if file == "data.sql" && table.starts_with("moods") {
                continue;
            }
            let dumped = printed("pg_dump", &[only, "--encoding=UTF8", &name, "--dbname", &url]);
            let ours = std::fs::read_to_string(folder.join(file)).unwrap();
            assert_eq!(lines(&ours), lines(&dumped), "{schema}.{table} {file}");
        }
    }
    let moods = std::fs::read_to_string(set.join("public/tables/moods/data.sql")).unwrap();
    assert_eq!(moods.matches("note ").count(), 90);
    for (schema, pattern) in [("More (x)", "More*/More*.dump"), ("helpers", "helpers/*.dump")] {
        let dumped = project.path().join("dumped");
        let (only, file) =
            (format!("--schema=\"{schema}\""), format!("--file={}", dumped.display()));
        printed("pg_dump", &["--format=custom", &only, &file, "--dbname", &url]);
        assert_eq!(objects(&found(&set, pattern)), objects(&dumped), "{schema}");
    }
}

#[test]
fn a_schema_and_a_table_are_restored_from_their_parts_alone() {
    let project = Project::new("cbp_alone");
    project.run_sql(
        "CREATE SCHEMA app; CREATE TABLE app.t (id serial PRIMARY KEY, v text); \
         INSERT INTO app.t (v) VALUES ('a'), (E'b\\tc'), (NULL); \
         CREATE TABLE app.u (t int REFERENCES app.t); INSERT INTO app.u VALUES (3); \
         CREATE TABLE public.other (id int)",
    );
    let set = set_of(&project);
    for name in ["cbp_schema", "cbp_table"] {
        cluster().run("postgres", &format!("CREATE DATABASE {name}"));
    }
    let archive = found(&set, "app/*.dump");
    let into = format!("--dbname={}", cluster().url("cbp_schema"));
    printed("pg_restore", &["--exit-on-error", "--jobs=2", &into, archive.to_str().unwrap()]);
    let rows = "SELECT count(*), max(v), (SELECT t FROM app.u), nextval('app.t_id_seq') FROM app.t";
    assert_eq!(cluster().query("cbp_schema", rows), ["3|b\tc|3|4"]);
    cluster().run("cbp_table", "CREATE SCHEMA app");
    for file in ["schema.sql", "data.sql"] {
        let path = set.join("app/tables/t").join(file);
        let url = cluster().url("cbp_table");
        let file = path.to_str().unwrap();
        printed("psql", &["-qX", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", file, &url]);
    }
    let rows = "SELECT count(*), max(v), nextval('app.t_id_seq') FROM app.t";
    assert_eq!(cluster().query("cbp_table", rows), ["3|b\tc|4"]);
}
