//! Prisma's schema: the one that the URL names, or `public`, is created if it is missing.

use crate::support::{Project, cluster};

/// A project with one migration, whose URL has these additional parameters.
fn project(name: &str, parameters: &str) -> Project {
    let mut project = Project::new(name);
    project.write("prisma/migrations/1_a/migration.sql", "CREATE TABLE a (id int);");
    project.set("DATABASE_URL", &format!("{}{parameters}", cluster().url(name)));
    project
}

fn places(project: &Project) -> Vec<String> {
    project.query(
        "SELECT schemaname || '.' || tablename FROM pg_tables \
         WHERE tablename IN ('a', '_prisma_migrations') ORDER BY 1",
    )
}

#[test]
fn the_schema_that_the_url_names_is_created() {
    for (name, schema) in [("ps_named", "app"), ("ps_case", "App"), ("ps_dash", "my-app")] {
        let project = project(name, &format!("&schema={schema}"));
        let plan = project.db(&["migrate", "--dry-run"]).ok();
        plan.says(&format!("create the schema {schema}"));
        assert_eq!(places(&project), Vec::<String>::new(), "a dry run creates nothing");
        project.db(&["migrate", "--yes"]).ok();
        let expected = [format!("{schema}._prisma_migrations"), format!("{schema}.a")];
        assert_eq!(places(&project), expected);
        project.db(&["status", "--check"]).ok();
        // A new database has no such schema either.
        project.db(&["reset", "--force"]).ok();
        assert_eq!(places(&project), expected);
        project.db(&["migrate", "--yes"]).ok().says("nothing to do");
    }
}

#[test]
fn a_rehearsal_and_a_baseline_create_it_too() {
    let mut project = project("ps_rehearsed", "&schema=app");
    project.set("CARGO_DB_REHEARSE", "");
    project.run_sql("CREATE TABLE other (id int); INSERT INTO other VALUES (1)");
    project.db(&["rehearse"]).ok().says("1 PASS");
    assert_eq!(places(&project), Vec::<String>::new());
    project.db(&["baseline", "--accept-differences", "--yes"]).ok();
    assert_eq!(places(&project), ["app._prisma_migrations"]);
}

#[test]
fn a_new_database_gets_the_history_table() {
    let project = project("ps_new", "&schema=app");
    cluster().run("postgres", "DROP DATABASE ps_new");
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(places(&project), ["app._prisma_migrations", "app.a"]);
}

#[test]
fn without_a_name_it_is_public_unless_the_role_has_another() {
    let project = project("ps_public", "");
    project.run_sql("DROP SCHEMA public");
    project.db(&["migrate", "--dry-run"]).ok().says("create the schema public");
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(places(&project), ["public._prisma_migrations", "public.a"]);
    let project = self::project("ps_role", "");
    project.run_sql(
        "DROP SCHEMA public; CREATE SCHEMA app; ALTER DATABASE ps_role SET search_path = app",
    );
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(places(&project), ["app._prisma_migrations", "app.a"]);
}
