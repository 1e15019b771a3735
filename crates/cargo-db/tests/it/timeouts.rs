//! Settings of a role or a database that would end or refuse our own statements.

use crate::support::{Project, cluster};

/// A database with so much in it that ours take longer than the timeout, and a backup with parts.
fn with_backup(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_t.sql",
        "CREATE TABLE t (id int PRIMARY KEY, text text);
         INSERT INTO t SELECT n, repeat(md5(n::text), 40) FROM generate_series(1, 5000) n;",
    );
    project.db(&["migrate"]).ok();
    project.db(&["backup", "-o", "the.backup"]).ok();
    project.db(&["backup", "--format", "custom", "-o", "parts"]).ok();
    project
}

/// The verbs whose own statements must not be ended or refused.
fn all_verbs(project: &Project) {
    let into = format!("{}_copy", project.database);
    let runs: [&[&str]; 6] = [
        &["backups", "verify", "the.backup", "--level", "restore"],
        &["restore", "parts", "--table", "t", "--yes"],
        &["restore", "parts", "--clean", "--yes"],
        &["restore", "the.backup", "--into", &into, "--yes"],
        &["restore", "the.backup", "--yes"],
        &["backup"],
    ];
    for arguments in runs {
        project.db(arguments).ok();
    }
}

#[test]
fn a_statement_timeout_of_the_database_ends_nothing_of_ours() {
    let project = with_backup("to_time");
    cluster().run("postgres", "ALTER DATABASE to_time SET statement_timeout = '40ms'");
    all_verbs(&project);
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    project.write("seeds/u.sql", "INSERT INTO u VALUES (1);");
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["seed"]).ok();
    // The project's own SQL has the timeout, as it has it in the project's tool.
    project.migration("3_v.sql", "SELECT pg_sleep(1);");
    project.db(&["migrate", "--yes"]).code(7).says("statement timeout");
}

#[test]
fn a_database_that_is_read_only_by_default_lets_our_writing_sessions_write() {
    let project = with_backup("to_read");
    cluster().run("postgres", "ALTER DATABASE to_read SET default_transaction_read_only = on");
    all_verbs(&project);
    // The project's own SQL is read-only, as it is in the project's tool.
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    project
        .db(&["migrate", "--yes"])
        .code(7)
        .says("transactions of this role or database are read-only");
    project.migration("2_u.sql", "SET TRANSACTION READ WRITE; CREATE TABLE u (id int);");
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["env", "set", "test", "--yes"]).ok();
}

/// The settings of a role also apply in the maintenance database, where databases are created and
/// swapped.
#[test]
fn settings_of_a_role_end_and_refuse_nothing_of_ours() {
    let mut project = with_backup("to_role");
    cluster().run("postgres", "CREATE ROLE to_role_r LOGIN SUPERUSER");
    for setting in [
        "statement_timeout = '40ms'",
        "lock_timeout = '10ms'",
        "idle_in_transaction_session_timeout = '10ms'",
        "default_transaction_read_only = on",
    ] {
        cluster().run("postgres", &format!("ALTER ROLE to_role_r SET {setting}"));
    }
    let url = cluster().url("to_role").replacen("postgres@", "to_role_r@", 1);
    project.set("DATABASE_URL", &url);
    all_verbs(&project);
    project.migration("2_u.sql", "SET TRANSACTION READ WRITE; CREATE TABLE u (id int);");
    project.db(&["migrate", "--yes"]).ok();
}
