//! Rehearsals: what passes, what blocks, and what a receipt allows.

use crate::support::scene::Scene;

/// A table of users with notes, large enough for its locks and losses to be findings.
fn users(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    scene
        .project
        .migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, note text);\n");
    scene.project.migration("1_users.down.sql", "DROP TABLE users;\n");
    scene.project.db(&["migrate"]).ok();
    scene.project.run_sql("INSERT INTO users SELECT n, 'n' FROM generate_series(1, 18000) n");
    scene.project.run_sql("ANALYZE");
    scene.exports("CARGO_DB_REHEARSE", "");
    scene
}

#[test]
fn a_rehearsal_that_passes() {
    let mut scene = users("seen_pass");
    scene.types("rehearse");
    scene.file("migrations/2_team.up.sql", "ALTER TABLE users ADD COLUMN team int;\n");
    scene.file("migrations/2_team.down.sql", "ALTER TABLE users DROP COLUMN team;\n");
    scene.types("rehearse").types("rehearse --quiet").types("migrate").is("rehearse-pass");
}

#[test]
fn a_rehearsal_that_blocks() {
    let mut scene = users("seen_block");
    scene.file("migrations/2_drop.up.sql", "ALTER TABLE users DROP COLUMN note;\n");
    scene.file("migrations/2_drop.down.sql", "ALTER TABLE users ADD COLUMN note text;\n");
    scene.file(
        "migrations/3_checks.up.sql",
        "ALTER TABLE users ADD CONSTRAINT known CHECK (id > 0);\n",
    );
    scene.types("rehearse").types("migrate");
    let expected = "-- cargo-db: expect loss users.note <= 20000\n\
                    ALTER TABLE users DROP COLUMN note;\n";
    scene.file("migrations/2_drop.up.sql", expected).types("rehearse").is("rehearse-block");
}

#[test]
fn a_migration_that_fails_in_the_rehearsal() {
    let mut scene = users("seen_fails");
    scene.file("migrations/2_bad.up.sql", "ALTER TABLE users\n  ADD COLUMN x nosuchtype;\n");
    scene.types("rehearse").types("migrate").is("rehearse-fails");
}
