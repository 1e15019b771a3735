//! The daily commands: `status`, `create`, `migrate`, `rollback`, `seed`, `reset`, `check`.

use crate::support::Project;
use crate::support::scene::Scene;

const USERS: &str = "CREATE TABLE users (id int PRIMARY KEY, name text);\n";
const POSTS: &str = "CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users);\n";

/// Two reversible migrations that are not applied yet.
fn two_tables(project: &Project) {
    project.migration("20250101090000_users.up.sql", USERS);
    project.migration("20250101090000_users.down.sql", "DROP TABLE users;\n");
    project.migration("20250102090000_posts.up.sql", POSTS);
    project.migration("20250102090000_posts.down.sql", "DROP TABLE posts;\n");
}

#[test]
fn status_of_a_new_a_pending_an_applied_and_an_edited_project() {
    let mut scene = Scene::new("seen_status");
    scene.types("status");
    two_tables(&scene.project);
    scene.note("two migrations are written").types("status --check").types("migrate --quiet");
    scene.sql("INSERT INTO users SELECT n, 'x' FROM generate_series(1, 20000) n; ANALYZE");
    scene.types("status --check");
    scene.file("migrations/20250101090000_users.up.sql", "CREATE TABLE users (id bigint);\n");
    scene.types("status --check").is("status");
}

#[test]
fn status_without_a_database() {
    let mut scene = Scene::of(Project::without_database("seen_absent"));
    two_tables(&scene.project);
    scene.types("status").is("status-no-database");
}

#[test]
fn status_of_several_sets() {
    let mut scene = Scene::new("seen_sets");
    let sets = "[migrations.app]\ntool = \"sqlx\"\ndir = \"app\"\n\n\
                [migrations.jobs]\ntool = \"sqlx\"\ndir = \"jobs\"\ntable = \"jobs_migrations\"\n";
    scene.project.write("app/1_users.sql", USERS);
    scene.project.write("jobs/1_queue.sql", "CREATE TABLE queue (id int PRIMARY KEY);\n");
    scene.file("db.toml", sets).types("status").types("migrate --set jobs");
    scene.types("migrate").types("status --set jobs").types("rollback").is("status-sets");
}

#[test]
fn create() {
    let mut scene = Scene::of(Project::bare("seen_create"));
    scene.types("create add users").types("create --simple add index");
    scene.types("create").types("create 'add/users'").is("create");
}

#[test]
fn migrate() {
    let mut scene = Scene::new("seen_migrate");
    two_tables(&scene.project);
    scene.types("migrate --dry-run --show-sql").types("migrate --steps 1").types("migrate");
    scene.types("migrate").types("migrate --to 7").is("migrate");
}

#[test]
fn migrate_that_fails() {
    let mut scene = Scene::new("seen_migrate_fails");
    two_tables(&scene.project);
    let bad = "CREATE TABLE half (id int);\n\n  ALTER TABLE users\n    ADD COLUMN x nosuchtype;\n";
    scene.file("migrations/20250103090000_bad.up.sql", bad).types("migrate");
    let untransacted = "-- no-transaction\nCREATE INDEX CONCURRENTLY by_name ON users (name);\n\
                        CREATE UNIQUE INDEX CONCURRENTLY once ON users ((1));\n";
    scene.project.run_sql("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bo')");
    scene.file("migrations/20250103090000_bad.up.sql", untransacted).types("migrate");
    let breaking = "ALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 3);\n";
    scene.file("migrations/20250103090000_bad.up.sql", breaking).types("migrate");
    scene.is("migrate-fails");
}

#[test]
fn migrations_that_cannot_run() {
    let mut scene = Scene::new("seen_scripts");
    scene.file("migrations/1_a.sql", "CREATE TABLE a ();\nCOMMIT;\n").types("migrate");
    scene.file("migrations/1_a.sql", "SELECT 1;\n\\i other.sql\n").types("migrate");
    scene.file("migrations/1_a.sql", "SELECT $x$ never closed\n").types("migrate");
    scene.is("migrate-scripts");
}

#[test]
fn files_and_history_that_differ() {
    let mut scene = Scene::new("seen_differ");
    scene.project.migration("1_users.sql", USERS);
    scene.project.migration("2_posts.sql", POSTS);
    scene.project.migration("5_five.sql", "SELECT 5;\n");
    scene.project.db(&["migrate"]).ok();
    scene.file("migrations/1_users.sql", "CREATE TABLE users (id bigint PRIMARY KEY);\n");
    scene.remove("migrations/2_posts.sql").file("migrations/3_late.sql", "SELECT 3;\n");
    scene.file("migrations/6_a.sql", "SELECT 6;\n").file("migrations/6_b.sql", "SELECT 6;\n");
    scene.file("migrations/seven_x.sql", "SELECT 7;\n").types("migrate").types("repair");
    scene.is("migrate-differs");
}

#[test]
fn baseline_and_repair() {
    let mut scene = Scene::new("seen_baseline");
    scene.project.migration("1_users.sql", USERS);
    scene.project.run_sql(USERS);
    scene.types("migrate").types("baseline").types("baseline --yes").types("baseline");
    scene.file("migrations/1_users.sql", &format!("-- Who can log in.\n{USERS}"));
    scene.types("migrate").types("repair --yes").types("repair").is("baseline-and-repair");
}

#[test]
fn rollback() {
    let mut scene = Scene::new("seen_rollback");
    two_tables(&scene.project);
    scene.project.db(&["migrate"]).ok();
    scene.sql("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bo')");
    scene.types("rollback --to 0 --dry-run").types("rollback --to 0");
    scene.types("rollback --to 0 --yes").types("rollback");
    scene.file("migrations/20250103090000_tags.up.sql", "CREATE TABLE tags (id int);\n");
    scene.types("migrate --quiet").types("rollback").is("rollback");
}

#[test]
fn seed() {
    let mut scene = Scene::new("seen_seed");
    two_tables(&scene.project);
    scene.project.db(&["migrate"]).ok();
    scene.types("seed").file("seeds/01_users.csv", "id,name\n1,Ada\n2,Bo\n");
    scene.file("seeds/02_posts.sql", "INSERT INTO posts VALUES (1, 2);\n");
    scene.types("seed --dry-run").types("seed").types("seed").types("seed --fresh");
    scene.types("seed --fresh --yes").file("seeds/03_bad.csv", "id,nmae\n3,Cy\n").types("seed");
    scene.remove("seeds/03_bad.csv").file("seeds/01_users.csv", "id,name\n1,Ada\nthree,Cy\n");
    scene.types("seed").is("seed");
}

#[test]
fn reset() {
    let mut scene = Scene::new("seen_reset");
    two_tables(&scene.project);
    scene.project.db(&["migrate"]).ok();
    scene.project.write("seeds/users.csv", "id,name\n1,Ada\n2,Bo\n");
    scene.sql("INSERT INTO users SELECT n, 'x' FROM generate_series(1, 1200) n");
    scene.types("reset --dry-run").types("reset").types("reset --yes");
    scene.file("migrations/20250103090000_bad.up.sql", "SELECT nothing;\n").types("reset --yes");
    scene.is("reset");
}

#[test]
fn check() {
    let mut scene = Scene::of(Project::bare("seen_check"));
    two_tables(&scene.project);
    scene.types("check");
    let risky = "ALTER TABLE users DROP COLUMN name;\n\
                 CREATE INDEX by_author ON posts (author);\n\
                 ALTER TABLE posts ADD COLUMN title text NOT NULL;\n";
    scene.file("migrations/20250103090000_risky.up.sql", risky).types("check");
    scene.file("migrations/20250103090000_risky.up.sql", "CRATE TABLE x ();\n").types("check");
    scene.is("check");
}
