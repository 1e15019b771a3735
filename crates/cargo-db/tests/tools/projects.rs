//! A small project for each tool, with four migrations that are the same in all of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Project, Ran, binaries, cluster, repository};

/// What one migration does and undoes.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
}

/// The four migrations: a table, a column with rows, a function with semicolons in its body, a
/// comment.
pub(crate) const STEPS: [Step; 4] = [
    Step {
        name: "users",
        up: "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);\n",
        down: "DROP TABLE users;\n",
    },
    Step {
        name: "email",
        up: "ALTER TABLE users ADD COLUMN email text;\nINSERT INTO users VALUES (1, 'a;b', 'x''y');\n",
        down: "DELETE FROM users;\nALTER TABLE users DROP COLUMN email;\n",
    },
    Step {
        name: "shout",
        up: "-- semicolons; in a body\nCREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN upper($1);\nEND;\n$$;\n",
        down: "DROP FUNCTION shout(text);\n",
    },
    Step {
        name: "note",
        up: "COMMENT ON TABLE users IS 'people';\n",
        down: "COMMENT ON TABLE users IS NULL;\n",
    },
];

/// Where `scripts/tools` puts the tools.
fn tools() -> PathBuf {
    let tools = repository().join("target/tools");
    assert!(tools.join("bin/sqlx").exists(), "the tools are not here: run scripts/tools");
    tools
}

/// A project of a tool's: an empty database, reached over TCP as tools like it.
pub(crate) fn project(name: &str, npm: Option<&str>) -> Project {
    let mut project = Project::new(name);
    project.set("DATABASE_URL", &cluster().tcp_url(name));
    let tools = tools();
    if let Some(folder) = npm {
        let modules = tools.join("npm").join(folder).join("node_modules");
        std::os::unix::fs::symlink(modules, project.path().join("node_modules")).unwrap();
        project.write("package.json", "{\"private\": true}\n");
    }
    let path = std::env::var("PATH").unwrap();
    let own = ["bin", "python/bin", "npm/liquibase/node_modules/liquibase/dist/liquibase"];
    let own = own.map(|folder| tools.join(folder).display().to_string()).join(":");
    project.set("PATH", &format!("{own}:{path}"));
    // Rust's own programs ask where they live.
    for name in ["CARGO_HOME", "RUSTUP_HOME"] {
        let otherwise = || {
            format!(
                "{}/.{}",
                std::env::var("HOME").unwrap(),
                name.to_lowercase().replace("_home", "")
            )
        };
        project.set(name, &std::env::var(name).unwrap_or_else(|_| otherwise()));
    }
    project.set("CARGO_TARGET_DIR", &tools.join("fixture").display().to_string());
    project
}

/// Keeps Prisma from fetching its engine: `prisma.config.ts` brings one.
pub(crate) fn without_engine(project: &mut Project) {
    use std::os::unix::fs::PermissionsExt;
    let none = project.write("no-engine", "#!/bin/sh\nexit 0\n");
    let own = project.path().join("schema-engine");
    let engine = if own.exists() { own } else { none };
    std::fs::set_permissions(&engine, std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["PRISMA_SCHEMA_ENGINE_BINARY", "PRISMA_QUERY_ENGINE_LIBRARY"] {
        project.set(name, &engine.display().to_string());
    }
    project.set("ENGINE_MODULES", &project.path().join("node_modules").display().to_string());
    project.set("CHECKPOINT_DISABLE", "1");
}

/// Runs a tool in its project, as a person would.
pub(crate) fn run(project: &Project, line: &[&str]) -> Ran {
    let like = project.command(&[]);
    let variable = |wanted: &str| {
        let found = like.get_envs().find(|(name, _)| *name == wanted);
        found.and_then(|(_, value)| value).unwrap().to_str().unwrap().to_owned()
    };
    let modules = project.path().join("node_modules/.bin").join(line[0]);
    let program = if modules.exists() { modules.into_os_string() } else { line[0].into() };
    let mut command = Command::new(which(&variable("PATH"), &program));
    command.current_dir(project.path()).env_clear().stdin(Stdio::null());
    for (name, value) in like.get_envs() {
        command.env(name, value.unwrap());
    }
    command.env("PGPASSWORD", crate::support::PASSWORD);
    let url = variable("DATABASE_URL");
    let without_password = url.replace(&format!(":{}", crate::support::PASSWORD), "");
    let line: Vec<String> =
        line.iter().map(|word| word.replace("{url}", &without_password)).collect();
    command.args(&line[1..]);
    command
        .env("SHADOW_DATABASE_URL", format!("{url}_shadow"))
        .env("ROOT_DATABASE_URL", cluster().tcp_url("postgres"));
    if line[0] == *"dbmate" {
        command.env("DATABASE_URL", format!("{url}?sslmode=disable"));
    }
    command.output().unwrap_or_else(|error| panic!("{line:?}: {error}")).into()
}

fn which(path: &str, program: &std::ffi::OsStr) -> PathBuf {
    let direct = PathBuf::from(program);
    if direct.is_absolute() {
        return direct;
    }
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
        .unwrap_or(direct)
}

/// What `pg_dump` says of a database's schema, without what differs by chance.
pub(crate) fn schema(database: &str) -> String {
    let dump = Command::new(binaries().join("pg_dump"))
        .args(["--schema-only", "--no-owner", "--restrict-key=x", &cluster().url(database)])
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("--") && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}
