//! `cargo db seed`.

use crate::support::Project;

fn school(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_s.sql",
        "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, bio text);
         CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users);
         CREATE TABLE visits (author int REFERENCES users);",
    );
    project.write("seeds/01_users.csv", "email,bio\na@x,\"likes, commas\"\nb@x,\n");
    project.write(
        "seeds/02_posts.sql",
        "INSERT INTO posts SELECT n, (SELECT min(id) FROM users) FROM generate_series(1, 3) n;",
    );
    project.db(&["migrate"]).ok();
    project
}

#[test]
fn loads_everything_once_and_reports_rows() {
    let project = school("s_once");
    let json = project.db(&["seed", "--json"]).ok().json();
    assert_eq!(
        json["tables"].to_string(),
        r#"[{"name":"public.posts","rows":3},{"name":"public.users","rows":2}]"#
    );
    assert_eq!(
        project.query("SELECT email, coalesce(bio, 'NULL') FROM users ORDER BY 1"),
        ["a@x|likes, commas", "b@x|NULL"]
    );
    project
        .db(&["seed"])
        .ok()
        .says("`01_users.csv` is already loaded")
        .says("all seeds are already loaded");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["2"]);
}

#[test]
fn a_table_emptied_by_hand_gets_its_seed_back() {
    let project = school("s_again");
    project.db(&["seed"]).ok();
    project.run_sql("DELETE FROM posts");
    project.db(&["seed"]).ok().says("Loaded 02_posts.sql");
    assert_eq!(project.query("SELECT count(*) FROM posts"), ["3"]);
}

#[test]
fn fresh_clears_first_and_numbers_anew() {
    let project = school("s_fresh");
    project.db(&["seed"]).ok();
    project.run_sql("INSERT INTO users (email) VALUES ('mine')");
    project
        .db(&["seed", "--fresh"])
        .code(3)
        .says("loses users: 3 rows")
        .says("cargo db seed --fresh --yes");
    project.db(&["seed", "--fresh", "--yes"]).ok();
    assert_eq!(project.query("SELECT string_agg(id::text, ',' ORDER BY id) FROM users"), ["1,2"]);
}

#[test]
fn fresh_never_deletes_rows_that_no_seed_restores() {
    let project = school("s_refer");
    project.db(&["seed"]).ok();
    project.run_sql("INSERT INTO visits VALUES (1)");
    project
        .db(&["seed", "--fresh", "--yes"])
        .code(7)
        .says("`public.visits` refers to it and has 1 rows that no seed restores");
    assert_eq!(project.query("SELECT count(*) FROM visits"), ["1"]);
}

#[test]
fn a_failed_seed_rolls_back_all_seeds() {
    let project = school("s_fail");
    project.write("seeds/03_bad.csv", "id,author\n7,1\nx,1\n");
    project.db(&["seed", "--json"]).code(7).says("seeds/03_bad.csv");
    project.write("seeds/03_posts.csv", "id,author\n7,1\nx,1\n");
    std::fs::remove_file(project.path().join("seeds/03_bad.csv")).unwrap();
    project
        .db(&["seed"])
        .code(7)
        .says("seeds/03_posts.csv:3:1: invalid input syntax")
        .says("loading the seeds was rolled back")
        .says("`cargo db seed`");
    assert_eq!(
        project.query("SELECT (SELECT count(*) FROM users), to_regclass('cargo_db.seeds') IS NULL"),
        ["0|t"]
    );
}

#[test]
fn groups_environments_and_files_can_be_chosen() {
    let mut project = school("s_groups");
    project.write("seeds/demo/x.sql", "INSERT INTO users (email) VALUES ('demo');");
    project.write("seeds/test/only.sql", "INSERT INTO users (email) VALUES ('test only');");
    project.write("seeds/staging/only.sql", "INSERT INTO users (email) VALUES ('staging only');");
    project.write("db.toml", "[seeds.groups]\npeople = ['*users*', 'demo/*']\n");
    project.db(&["seed", "--only", "people"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM users"), ["3"]);
    project.db(&["seed", "--only", "posts"]).ok().says("Loaded 02_posts.sql");
    project
        .db(&["seed", "--only", "nobody"])
        .code(2)
        .says("there is no seed `nobody` in development");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["seed"]).ok().says("Loaded test/only.sql");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["seed", "--yes"]).ok().says("Loaded staging/only.sql");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["5"]);
}

#[test]
fn cleared_tables_are_no_longer_recorded_as_seeded() {
    let project = school("s_forget");
    project.write("seeds/04_more.sql", "INSERT INTO users (email) VALUES ('more');");
    project.db(&["seed"]).ok();
    project.run_sql("DELETE FROM posts");
    project.db(&["seed", "--fresh", "--only", "users", "--yes"]).ok();
    project.db(&["seed"]).ok().says("Loaded 04_more.sql").says("Loaded 02_posts.sql");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["3"]);
}

#[test]
fn production_is_never_cleared() {
    let mut project = school("s_prod");
    project.set("CARGO_DB_ENV", "production");
    project.write("seeds/production/a.sql", "INSERT INTO users (email) VALUES ('p');");
    project
        .db(&["seed", "--fresh", "--yes", "--confirm", "s_prod"])
        .code(4)
        .says("CARGO_DB_ENV in the environment (production)");
    project.db(&["seed", "--yes"]).code(3).says("consent to the plan");
}

#[test]
fn a_command_runs_after_the_files_with_the_database_in_its_environment() {
    let project = school("s_command");
    project
        .write("seed.sh", "echo \"to $PGDATABASE\" >&2; echo $DATABASE_URL > url; exit ${FAIL:-0}");
    project.write("db.toml", "[seeds]\ncommand = \"sh 'seed.sh'\"\n");
    let ran = project.db(&["seed"]).ok().says("to s_command");
    assert!(!ran.stdout.contains("to s_command"), "its output is not the answer");
    assert!(std::fs::read_to_string(project.path().join("url")).unwrap().contains("/s_command"));
    let mut failing = project;
    failing.set("FAIL", "3");
    failing.db(&["seed"]).code(10).says("`sh seed.sh` failed: it ended with exit status: 3");
}

#[test]
fn without_a_database_it_says_what_to_do() {
    let project = Project::without_database("s_none");
    project.write("seeds/a.sql", "SELECT 1");
    project.db(&["seed"]).code(6).says("cargo db migrate");
}
