//! sqlx's own migrator and `cargo db` take turns on one database.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;

use crate::support::{Project, cluster};

fn ten(project: &Project) {
    for number in 1..=10 {
        project.migration(
            &format!("202601{number:02}000000_step_{number}_it's.up.sql"),
            &format!("-- ünïcode {number}\nCREATE TABLE t{number} (id int);\r\nINSERT INTO t{number} VALUES ({number});\n"),
        );
        project.migration(
            &format!("202601{number:02}000000_step_{number}_it's.down.sql"),
            &format!("DROP TABLE t{number};"),
        );
    }
    project.migration(
        "20260201000000_index.up.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON t1 (id);\n",
    );
    project.migration(
        "20260201000000_index.down.sql",
        "-- no-transaction\nDROP INDEX CONCURRENTLY i;\n",
    );
}

/// Runs something with sqlx's library.
pub(crate) fn with_sqlx<F: Future<Output = ()>>(
    project: &Project,
    work: impl FnOnce(Migrator, PgPool) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder: &Path = &project.path().join("migrations");
        let migrator = Migrator::new(folder).await.unwrap();
        let pool = PgPool::connect(&cluster().url(&project.database)).await.unwrap();
        work(migrator, pool.clone()).await;
        pool.close().await;
    });
}

fn history(project: &Project) -> Vec<String> {
    project.query("SELECT version, description, success, encode(checksum, 'hex'), execution_time > 0 FROM _sqlx_migrations ORDER BY 1")
}

fn definition(project: &Project) -> Vec<String> {
    project.query(
        "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns \
         WHERE table_name = '_sqlx_migrations' ORDER BY ordinal_position",
    )
}

#[test]
fn half_and_half_both_ways_gives_equal_rows() {
    let all_sqlx = Project::new("i_sqlx");
    ten(&all_sqlx);
    with_sqlx(&all_sqlx, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    all_sqlx.db(&["status", "--check"]).ok();

    let ours_first = Project::new("i_ours_first");
    ten(&ours_first);
    ours_first.db(&["migrate", "--steps", "5"]).ok();
    with_sqlx(&ours_first, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    ours_first.db(&["migrate"]).ok().says("nothing to do");

    let sqlx_first = Project::new("i_sqlx_first");
    ten(&sqlx_first);
    with_sqlx(&sqlx_first, |migrator, pool| async move {
        migrator.run_to(20_260_105_000_000, &pool).await.unwrap();
    });
    sqlx_first.db(&["migrate"]).ok().says("6 migrations applied");
    with_sqlx(&sqlx_first, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });

    assert_eq!(history(&all_sqlx).len(), 11);
    for project in [&ours_first, &sqlx_first] {
        assert_eq!(history(project), history(&all_sqlx));
        assert_eq!(definition(project), definition(&all_sqlx));
    }
}

#[test]
fn each_tool_rolls_back_what_the_other_applied() {
    let project = Project::new("i_undo");
    ten(&project);
    with_sqlx(&project, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    project.db(&["rollback", "--steps", "6", "--yes"]).ok();
    with_sqlx(&project, |migrator, pool| async move {
        migrator.undo(&pool, 20_260_102_000_000).await.unwrap();
    });
    assert_eq!(history(&project).len(), 2);
    with_sqlx(&project, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    project.db(&["status", "--check"]).ok();
}

#[test]
fn sqlx_waits_for_our_lock() {
    let project = Project::new("i_lock");
    ten(&project);
    // While sqlx waits it holds a snapshot, for which a concurrent build would wait in turn.
    for direction in ["up", "down"] {
        let file = format!("migrations/20260201000000_index.{direction}.sql");
        std::fs::remove_file(project.path().join(file)).unwrap();
    }
    project.migration("20260131000000_slow.up.sql", "SELECT pg_sleep(1.5);");
    let mut run =
        project.command(&["migrate"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let sleeping =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'i_lock' AND wait_event = 'PgSleep'";
    crate::support::eventually("our run sleeps", || {
        !cluster().query("postgres", sleeping).is_empty()
    });
    with_sqlx(&project, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    // It came through only after the slow migration was in, and had nothing left to do.
    assert!(run.wait().unwrap().success());
    assert_eq!(history(&project).len(), 11);
}
