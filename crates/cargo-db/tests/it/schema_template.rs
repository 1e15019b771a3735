//! The database that the migrations built is kept beside the project's, so that the next `schema
//! dump` or `schema check` continues from it.

use crate::support::{Project, cluster};

/// A project with a schema file and a migration.
fn with_file(name: &str) -> Project {
    let project = Project::new(name);
    let toml = format!("[database]\nname = \"{name}\"\n\n[schema]\nfile = \"schema.sql\"\n");
    project.write("db.toml", &toml);
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);\n");
    project
}

/// The databases whose names begin with the name of a project's database.
fn beside(database: &str) -> Vec<String> {
    let like = format!("SELECT datname FROM pg_database WHERE datname LIKE '{database}\\_\\_%'");
    let mut found = cluster().query("postgres", &like);
    found.sort();
    found
}

fn schema_file(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("schema.sql")).expect("a schema file")
}

/// Marks a template with an extra table, which shows where its content is used.
fn marked(template: &str) {
    let mut client = cluster().connect(template);
    client.batch_execute("SET default_transaction_read_only = off").unwrap();
    client.batch_execute("CREATE TABLE mark ()").unwrap();
}

#[test]
fn the_next_run_goes_on_from_what_was_built() {
    let project = with_file("st_next");
    project.db(&["schema", "dump"]).ok();
    let [template] = &beside("st_next")[..] else { panic!("one template") };
    assert!(template.starts_with("st_next__schema_"), "{template}");
    let refused = cluster().connect(template).batch_execute("CREATE TABLE mark ()");
    assert!(refused.is_err(), "nobody writes into it by mistake");
    marked(template);
    project.db(&["schema", "check"]).code(1).says("mark");
    // A new migration is run on a copy of the template.
    project.migration("2_posts.up.sql", "CREATE TABLE posts (id int);\n");
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    assert!(text.contains("public.mark") && text.contains("public.posts"), "{text}");
    assert_eq!(beside("st_next").len(), 2);
    // Without that migration, the first template is used again.
    std::fs::remove_file(project.path().join("migrations/2_posts.up.sql")).unwrap();
    project.db(&["schema", "dump"]).ok();
    assert!(!schema_file(&project).contains("posts"));
    assert_eq!(beside("st_next").len(), 2);
    // An edited migration needs a new template.
    project.migration("1_users.up.sql", "CREATE TABLE users (id bigint PRIMARY KEY);\n");
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    assert!(!text.contains("public.mark") && text.contains("id bigint"), "{text}");
}

#[test]
fn only_the_last_used_are_kept() {
    let project = with_file("st_limit");
    project.db(&["schema", "dump"]).ok();
    let first = beside("st_limit");
    for number in 2..6 {
        let sql = format!("CREATE TABLE t{number} ();\n");
        project.migration(&format!("{number}_more.up.sql"), &sql);
        project.db(&["schema", "dump"]).ok();
        if number == 3 {
            // The oldest template is used again.
            std::fs::rename(project.path().join("migrations"), project.path().join("aside"))
                .unwrap();
            project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);\n");
            project.db(&["schema", "dump"]).ok();
            std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
            std::fs::rename(project.path().join("aside"), project.path().join("migrations"))
                .unwrap();
        }
        assert!(beside("st_limit").len() <= 3, "{:?}", beside("st_limit"));
        assert_eq!(number < 5, beside("st_limit").contains(&first[0]), "{number}");
    }
    // Neither `reset` nor `status` mistakes the templates for other databases.
    project.agreed(&["reset"]).ok();
    let status = project.db(&["status"]).ok();
    assert!(!status.stdout.contains("__schema"), "{status}");
    assert_eq!(beside("st_limit").iter().filter(|name| name.contains("__schema_")).count(), 3);
}

#[test]
fn a_database_that_is_not_complete_is_never_used() {
    let project = with_file("st_broken");
    project.db(&["schema", "dump"]).ok();
    let [template] = &beside("st_broken")[..] else { panic!("one template") };
    let text = schema_file(&project);
    // A database with a template's name but no comment, and the scratch database of a killed run.
    cluster().run("postgres", &format!("DROP DATABASE {template}"));
    cluster().run("postgres", &format!("CREATE DATABASE {template}"));
    let left = "st_broken__scratch_20260101T000000_000";
    cluster().run("postgres", &format!("CREATE DATABASE \"{left}\""));
    project.db(&["schema", "check"]).ok();
    assert_eq!(beside("st_broken"), [template.as_str()]);
    assert_eq!(
        cluster().query(template, "SELECT 1 FROM pg_class WHERE relname = 'users'").len(),
        0
    );
    project.db(&["schema", "dump"]).ok();
    assert_eq!(schema_file(&project), text);
    // A migration that fails leaves no database behind.
    project.migration("2_wrong.up.sql", "CREATE TABLE posts (id int); SELECT 1/0;\n");
    project.db(&["schema", "dump"]).code(7).says("division by zero");
    assert_eq!(beside("st_broken"), [template.as_str()]);
}

#[test]
fn two_runs_at_once_do_not_harm_each_other() {
    let project = with_file("st_both");
    for round in 0..3 {
        let name = format!("{}_more.up.sql", round + 2);
        project.migration(&name, &format!("CREATE TABLE t{round} ();\n"));
        std::thread::scope(|scope| {
            let run = || project.db(&["schema", "check"]).code(1).says("schema.sql does not exist");
            let runs: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
            runs.into_iter().for_each(|run| drop(run.join().unwrap()));
        });
        assert_eq!(beside("st_both").len(), round + 1, "{:?}", beside("st_both"));
    }
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    assert!((0..3).all(|round| text.contains(&format!("CREATE TABLE public.t{round}"))), "{text}");
}
