//! The target is exactly the configured one: no other database, and no other repository's settings.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::support::{Project, Ran, cluster};

/// The databases with this prefix.
fn databases(name: &str) -> Vec<String> {
    let sql =
        format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{name}') ORDER BY 1");
    cluster().query("postgres", &sql)
}

#[test]
fn white_space_at_a_url_makes_no_database_of_another_name() {
    let mut project = Project::new("t_space");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let url = cluster().url("t_space");
    for stray in ["\n", "\r\n", "\t", " ", "\u{a0}", "\u{200b}"] {
        for url in [format!("{url}{stray}"), url.replace("t_space", &format!("t_space{stray}"))] {
            project.set("DATABASE_URL", &url);
            project
                .db(&["migrate", "--yes"])
                .code(2)
                .says("DATABASE_URL in the environment")
                .says("there is a");
        }
    }
    project.set("DATABASE_URL", &url.replace("t_space", "t_space%0A"));
    project.db(&["migrate", "--yes"]).code(2).says("a line feed in its dbname");
    project.set("DATABASE_URL", "");
    // A newline inside quotes: the error has the line of the variable.
    project.write(".env", &format!("# mine\n\nDATABASE_URL=\"{url}\n\"\n"));
    project
        .db(&["migrate", "--yes"])
        .code(2)
        .says("DATABASE_URL in .env, line 3")
        .says("at its end");
    project.write(".env", "");
    for (name, value) in [("PGHOST", cluster().folder.to_str().unwrap()), ("PGUSER", "postgres")] {
        project.set(name, value);
    }
    project.set("PGPORT", &cluster().port.to_string());
    project.set("PGDATABASE", "t_space\n");
    project.db(&["migrate", "--yes"]).code(2).says("PGDATABASE in the environment is `t_space\\n`");
    assert_eq!(databases("t_space"), ["t_space"]);
    project.set("PGDATABASE", "t_space");
    project.db(&["migrate", "--yes"]).ok();
}

#[test]
fn an_unset_variable_is_an_error_and_not_empty() {
    let project = Project::bare("t_unset");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let url = cluster().url("NAME");
    let wrong = |line: &str, says: &str| {
        project.write(".env", &format!("\u{feff}# mine\n{line}\n"));
        let ran = project.db(&["status"]).code(2).says(".env`, line 2").says(says);
        assert!(!ran.stderr.contains("hush"), "{ran}");
        project.db(&["migrate", "--yes"]).code(2);
        project.db(&["reset", "--force"]).code(2);
        assert_eq!(databases("t_unset"), Vec::<String>::new());
        let histories = "SELECT count(*) FROM pg_class WHERE relname = '_sqlx_migrations'";
        assert_eq!(cluster().query("postgres", histories), ["0"]);
    };
    wrong(&format!("DATABASE_URL={}", url.replace("NAME", "${DB}")), "`DB` is not set");
    wrong(&format!("DATABASE_URL={}", url.replace("NAME", "$DB_NAME")), "`DB_NAME` is not set");
    wrong(&format!("DATABASE_URL=\"{}\"", url.replace("NAME", "${DB}")), "`DB` is not set");
    wrong(
        &format!("DATABASE_URL={}", url.replace("NAME", "${DB:-postgres}")),
        "does not support defaults",
    );
    wrong("DATABASE_URL=${SECRET_URL}", "`SECRET_URL` is not set");
    wrong(
        &format!("DATABASE_URL={}\nDB=x", url.replace("NAME", "${DB}")),
        "it is defined later, in line 3",
    );
    wrong("DATABASE_URL=postgres://app:pa$hush@localhost/x", "in single quotes");
    wrong("PGHOST=${WHERE}", "`WHERE` is not set");
    // A variable that nothing reads does not matter; references are resolved; single quotes are
    // literal.
    let good = url.replace("NAME", "${DB}");
    project.write(".env", &format!("OTHER=${{NOTHING}}\nDB=postgres\nDATABASE_URL={good}\n"));
    project.db(&["status"]).ok().says("/postgres (DATABASE_URL in .env)");
    project.write(".env", &format!("DATABASE_URL={good}\n"));
    let mut outer = project.command(&["status"]);
    Ran::from(outer.env("DB", "template1").output().unwrap()).ok().says("/template1");
}

#[test]
fn a_host_pattern_is_not_passed_by_another_spelling() {
    let mut project = Project::new("t_hosts");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.set("CARGO_DB_ENV", "development");
    let port = cluster().port;
    let tcp = cluster().tcp_url("t_hosts");
    for pattern in ["localhost", "127.0.0.1", "::1", "LOCALHOST."] {
        project.write("db.toml", &format!("[environments.production]\nhosts = ['{pattern}']\n"));
        for host in ["127.0.0.1", "127.1", "2130706433", "localhost", "0x7f.0.0.1"] {
            let url = format!("{}?sslmode=disable", tcp.replace("127.0.0.1", host));
            assert!(url.contains(&format!("@{host}:{port}/")));
            project.set("DATABASE_URL", &url);
            project.db(&["env", "show"]).ok().says("production");
            project.db(&["reset", "--force"]).code(4).says("refused in production");
        }
        project.set("DATABASE_URL", &cluster().url("t_hosts"));
        project.db(&["reset", "--force"]).code(4).says(&format!("matches {pattern}"));
    }
    project.write("db.toml", "[environments.production]\nhosts = ['*.prod.example']\n");
    for host in ["db.prod.example.", "DB.prod.EXAMPLE"] {
        project.set("DATABASE_URL", &tcp.replace("127.0.0.1", host));
        project.db(&["reset", "--dry-run", "--json"]).code(6);
        project.db(&["policy"]).ok();
    }
    project.set("DATABASE_URL", &cluster().url("t_hosts"));
    project.db(&["reset", "--force"]).ok();
}

/// Runs in a folder below the project's, as after cloning it there; nothing is trusted.
fn run_in(project: &Project, folder: &str, arguments: &[&str]) -> Ran {
    let mut command = project.command(arguments);
    command.env_remove("CARGO_DB_TRUST").current_dir(project.path().join(folder));
    command.output().unwrap().into()
}

fn git_init(folder: &Path) {
    let git = Command::new("git").args(["init", "--quiet"]).arg(folder).status().unwrap();
    assert!(git.success());
}

#[test]
fn a_folder_above_the_repository_has_no_effect() {
    let mut project = Project::new("t_above");
    let proof = project.path().join("it-ran");
    let status = format!("[migrations]\nstatus = ['sh', '-c', 'touch {}']\n", proof.display());
    project.write("db.toml", &status);
    project.write(".env", "DATABASE_URL=postgres://nobody@127.0.0.1:1/elsewhere\n");
    project.write("proj/migrations/1_a.sql", "CREATE TABLE a (id int);");
    project.write("proj/Cargo.toml", "[package]\nname = 'x'\n");
    project.set("DATABASE_URL", "");
    let repository = project.path().join("proj");
    git_init(&repository);
    let url = cluster().url("t_above");
    let own = |name: &str| {
        run_in(&project, "proj", &["status", "-D", &url]).ok().says("1 pending");
        let ran = run_in(&project, "proj", &["env", "show", "--env", "staging"]).code(2);
        assert!(ran.stderr.contains("no database is configured for"), "{name}: {ran}");
    };
    own("a folder");
    // A worktree has a file.
    std::fs::rename(repository.join(".git"), project.path().join("git")).unwrap();
    project.write("proj/.git", "gitdir: ../git\n");
    own("a file");
    std::fs::remove_file(repository.join(".git")).unwrap();
    own("a package without git");
    assert!(!proof.exists());
}

#[test]
fn programs_are_not_taken_from_above_the_repository() {
    let mut project = Project::new("t_programs");
    let proof = project.path().join("it-ran");
    let planted = project
        .write("node_modules/.bin/own-tool", &format!("#!/bin/sh\ntouch {}\n", proof.display()));
    std::fs::set_permissions(&planted, std::fs::Permissions::from_mode(0o755)).unwrap();
    let toml = "[migrations]\nstatus = ['own-tool', 'status']\n";
    project.write("proj/db.toml", toml);
    let repository = project.path().join("proj");
    git_init(&repository);
    project.set("CARGO_DB_TRUST", repository.to_str().unwrap());
    let run = |folder: &str| {
        let mut command = project.command(&["status"]);
        Ran::from(command.current_dir(project.path().join(folder)).output().unwrap())
    };
    run("proj").code(10).says("own-tool");
    assert!(!proof.exists());
    // Within the repository, every parent folder is searched.
    project.write("proj/services/web/db.toml", toml);
    std::fs::rename(project.path().join("node_modules"), repository.join("node_modules")).unwrap();
    project.set("CARGO_DB_TRUST", repository.join("services/web").to_str().unwrap());
    let mut command = project.command(&["status"]);
    drop(command.current_dir(repository.join("services/web")).output().unwrap());
    assert!(proof.exists());
}

#[test]
fn a_submodule_takes_the_settings_that_name_it() {
    let project = Project::new("t_module");
    project.write("super/db.toml", "[migrations]\ndir = 'billing/migrations'\n");
    project.write("super/billing/migrations/1_a.sql", "CREATE TABLE a (id int);");
    project.write("super/billing/.git", "gitdir: ../.git/modules/billing\n");
    git_init(&project.path().join("super"));
    let status = run_in(&project, "super/billing", &["status", "--json"]).ok().json();
    assert_eq!(status["migrations"]["pending"][0]["name"], "a", "{status:#}");
    project.write("super/db.toml", "[database]\nname = 'x'\n[migrations]\ndir = 'web/gone'\n");
    let ran = run_in(&project, "super/billing", &["status"]).ok();
    assert!(ran.stdout.contains("1 pending"), "its own, and not the folder that is gone: {ran}");
}

#[test]
fn the_settings_of_another_user_are_not_read() {
    if !rustix::process::geteuid().is_root() {
        return; // Nobody else can give a file away.
    }
    let proof = Project::bare("t_owner");
    let ran = proof.path().join("it-ran");
    for file in ["db.toml", ".env"] {
        let project = Project::bare("t_foreign");
        project.write("db.toml", &format!("[seeds]\ncommand = 'touch {}'\n", ran.display()));
        project.write(".env", &format!("DATABASE_URL={}\n", cluster().url("postgres")));
        let path = project.path().join(file);
        chown(&path, Some(12345), None).unwrap();
        let root = project.path().canonicalize().unwrap();
        run_in(&project, "", &["status"])
            .code(2)
            .says("belongs to another user (uid 12345; you are uid 0)")
            .says(&format!("export CARGO_DB_TRUST={}", root.display()));
        project.db(&["status"]).ok();
        // A file that was named explicitly is read.
        if file == ".env" {
            run_in(&project, "", &["status", "--env-file", ".env"]).ok();
        }
        let mut sudo = project.command(&["status"]);
        sudo.env_remove("CARGO_DB_TRUST").env("SUDO_UID", "12345");
        Ran::from(sudo.output().unwrap()).ok();
        chown(&path, Some(0), None).unwrap();
        // Whoever owns the folder can replace the file.
        chown(project.path(), Some(12345), None).unwrap();
        run_in(&project, "", &["status"]).code(2).says("uid 12345");
        // SUDO_UID has no effect unless the user is root.
        chown(project.path(), Some(0), None).unwrap();
        run_in(&project, "", &["status"]).ok();
    }
    assert!(!ran.exists());
}

#[test]
fn a_pipe_is_refused_as_a_settings_file() {
    let project = Project::bare("t_pipe");
    let pipe = project.path().join(".env");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    project.db(&["status"]).code(7).says("it is not a regular file");
    project.db(&["policy", "--no-dotenv"]).ok();
}

#[test]
fn a_database_that_is_not_reached_is_named_with_the_line_that_names_it() {
    let project = Project::bare("t_address");
    let url = |host: &str, database: &str| {
        format!("# ours\nDATABASE_URL=postgres://postgres@{host}/{database}\n")
    };
    project.write(".env", &url("nosuchhost.invalid", "x"));
    for verb in ["status", "migrate", "backup", "rollback"] {
        let ran = project.db(&[verb]).code(6);
        ran.says("the address is from DATABASE_URL in .env, line 2").says("check the host name");
    }
    let server = cluster().url("nosuch_database");
    project.write(".env", &format!("DATABASE_URL={server}\n"));
    for verb in ["backup", "rollback"] {
        project.db(&[verb]).code(6).says("DATABASE_URL in .env, line 1").says("cargo db migrate");
    }
    let history = project.db(&["repair", "--dry-run"]).ok();
    history.says("the database `nosuch_database` does not exist yet");
    project.write(".env", "DATABASE_URL=postgres:///x?host=/nowhere&user=postgres\n");
    let ran = project.db(&["status"]).code(6).says("check the folder of the socket and the port");
    assert!(!ran.stderr.contains("--wait"), "{ran}");
}

#[test]
fn a_server_that_does_not_run_may_be_a_private_one() {
    let project = Project::bare("t_refused");
    project.write(".env", "DATABASE_URL=postgres://postgres@127.0.0.1:1/x\n");
    let ran = project.db(&["status"]).code(6).says("Connection refused");
    ran.says("cargo db status --wait").says("cargo db server start");
}
