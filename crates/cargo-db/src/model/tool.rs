//! How each migration tool is run: the customary command for what is wanted, and the variables that tell it
//! which database is meant. Nothing secret is ever among the arguments.
//!
//! What each command does, and what it ends with, was tried on the versions that `scripts/tools` installs.

use std::path::Path;

use crate::model::layout::Layout;
use crate::model::target::{Host, Secret, Target, TlsMode};

/// What a tool is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task<'a> {
    /// Apply everything that is pending.
    ApplyAll,
    /// Apply the next migrations, of which this is the last.
    ApplyNext { count: usize, last: &'a str },
    /// Take back the newest ones; then this one is the newest, if there is one.
    Revert { count: usize, first: &'a str, newest: Option<&'a str> },
    /// Write an empty migration.
    Create { name: &'a str },
    /// Write a migration that leads to what the program's own description of the schema says.
    Generate { name: &'a str },
}

/// Where the tool works.
pub(crate) struct Place<'a> {
    /// The folder of the migrations, from where the tool is run.
    pub(crate) dir: &'a str,
    /// The database, without a password, for tools that have to be told as an argument.
    pub(crate) url: &'a str,
    /// Whether there is such a file where it is run.
    pub(crate) has: &'a dyn Fn(&str) -> bool,
}

/// The command of a tool for a task; `None` where it has none.
pub(crate) fn command(layout: &Layout, task: &Task<'_>, place: &Place<'_>) -> Option<Vec<String>> {
    let dir = place.dir;
    let line = match layout.key() {
        "sqlx" => match task {
            Task::ApplyAll => words(&["sqlx", "migrate", "run", "--source", dir]),
            Task::ApplyNext { last, .. } => {
                words(&["sqlx", "migrate", "run", "--source", dir, "--target-version", last])
            }
            Task::Revert { newest, .. } => {
                let to = newest.unwrap_or("0");
                words(&["sqlx", "migrate", "revert", "--source", dir, "--target-version", to])
            }
            Task::Create { name } => words(&["sqlx", "migrate", "add", "-r", "--source", dir, name]),
            Task::Generate { .. } => return None,
        },
        "diesel" => match task {
            Task::ApplyAll => words(&["diesel", "migration", "run", "--migration-dir", dir]),
            Task::Revert { count, .. } => {
                let count = count.to_string();
                words(&["diesel", "migration", "revert", "--migration-dir", dir, "--number", &count])
            }
            Task::Create { name } => {
                words(&["diesel", "migration", "generate", "--migration-dir", dir, name])
            }
            Task::Generate { name } => {
                words(&["diesel", "migration", "generate", "--migration-dir", dir, name, "--diff-schema"])
            }
            Task::ApplyNext { .. } => return None,
        },
        "refinery" => match task {
            Task::ApplyAll => words(&["refinery", "migrate", "-e", "DATABASE_URL", "-p", dir]),
            Task::ApplyNext { last, .. } => {
                words(&["refinery", "migrate", "-e", "DATABASE_URL", "-p", dir, "-t", last])
            }
            _ => return None,
        },
        "dbmate" => match task {
            Task::ApplyAll => words(&["dbmate", "--migrations-dir", dir, "--no-dump-schema", "migrate"]),
            Task::Revert { count: 1, .. } => {
                words(&["dbmate", "--migrations-dir", dir, "--no-dump-schema", "rollback"])
            }
            Task::Create { name } => words(&["dbmate", "--migrations-dir", dir, "new", name]),
            _ => return None,
        },
        "prisma" => match task {
            Task::ApplyAll => words(&["prisma", "migrate", "deploy"]),
            Task::Generate { .. } => {
                let schema = Path::new(dir)
                    .parent()
                    .map_or_else(String::new, |folder| folder.join("schema.prisma").display().to_string());
                // The option was renamed in 7.
                let to = if (place.has)("node_modules/@prisma/schema-engine-wasm") {
                    "--to-schema"
                } else {
                    "--to-schema-datamodel"
                };
                words(&["prisma", "migrate", "diff", "--from-migrations", dir, to, &schema, "--script"])
            }
            _ => return None,
        },
        "drizzle" | "drizzle-1" => match task {
            Task::ApplyAll => words(&["drizzle-kit", "migrate"]),
            Task::Create { name } => words(&["drizzle-kit", "generate", "--custom", "--name", name]),
            Task::Generate { name } => words(&["drizzle-kit", "generate", "--name", name]),
            _ => return None,
        },
        "node-pg-migrate" => match task {
            Task::ApplyAll => words(&["node-pg-migrate", "up", "-m", dir]),
            Task::ApplyNext { count, .. } => words(&["node-pg-migrate", "up", &count.to_string(), "-m", dir]),
            Task::Revert { count, .. } => words(&["node-pg-migrate", "down", &count.to_string(), "-m", dir]),
            Task::Create { name } => words(&["node-pg-migrate", "create", name, "-j", "sql", "-m", dir]),
            Task::Generate { .. } => return None,
        },
        "goose" => match task {
            Task::ApplyAll => words(&["goose", "-dir", dir, "up"]),
            Task::ApplyNext { last, .. } => words(&["goose", "-dir", dir, "up-to", last]),
            Task::Revert { newest, .. } => words(&["goose", "-dir", dir, "down-to", newest.unwrap_or("0")]),
            Task::Create { name } => words(&["goose", "-dir", dir, "create", name, "sql"]),
            Task::Generate { .. } => return None,
        },
        "golang-migrate" => {
            let run =
                |rest: &[&str]| words(&[&["migrate", "-path", dir, "-database", place.url], rest].concat());
            match task {
                Task::ApplyAll => run(&["up"]),
                Task::ApplyNext { count, .. } => run(&["up", &count.to_string()]),
                Task::Revert { count, .. } => run(&["down", &count.to_string()]),
                Task::Create { name } => words(&["migrate", "create", "-ext", "sql", "-dir", dir, name]),
                Task::Generate { .. } => return None,
            }
        }
        "flyway" => match task {
            Task::ApplyAll => words(&["flyway", "migrate"]),
            Task::ApplyNext { last, .. } => words(&["flyway", "migrate", &format!("-target={last}")]),
            _ => return None,
        },
        "supabase" => match task {
            Task::ApplyAll => words(&["supabase", "migration", "up", "--include-all", "--db-url", place.url]),
            Task::Create { name } => words(&["supabase", "migration", "new", name]),
            _ => return None,
        },
        "graphile-migrate" => match task {
            Task::ApplyAll => words(&["graphile-migrate", "migrate"]),
            _ => return None,
        },
        "sea-orm" => {
            let run = |rest: &[&str]| words(&[&["cargo", "run", "--quiet", "--"], rest].concat());
            match task {
                Task::ApplyAll => run(&["up"]),
                Task::ApplyNext { count, .. } => run(&["up", "-n", &count.to_string()]),
                Task::Revert { count, .. } => run(&["down", "-n", &count.to_string()]),
                Task::Create { name } => run(&["generate", name]),
                Task::Generate { .. } => return None,
            }
        }
        "typeorm" => {
            const SOURCES: [&str; 8] = [
                "data-source.ts",
                "src/data-source.ts",
                "data-source.js",
                "src/data-source.js",
                "ds.js",
                "ds.ts",
                "ormconfig.ts",
                "ormconfig.js",
            ];
            let source = SOURCES.into_iter().find(|name| (place.has)(name))?;
            let program = if source.ends_with(".ts") { "typeorm-ts-node-commonjs" } else { "typeorm" };
            let file = |name: &str| format!("{dir}/{name}");
            match task {
                Task::ApplyAll => words(&[program, "migration:run", "-d", source]),
                Task::Revert { count: 1, .. } => words(&[program, "migration:revert", "-d", source]),
                Task::Create { name } => {
                    let mut line = words(&[program, "migration:create", &file(name)]);
                    line.extend((!source.ends_with(".ts")).then(|| "-o".to_owned()));
                    line
                }
                Task::Generate { name } => {
                    let mut line = words(&[program, "migration:generate", "-d", source, &file(name)]);
                    line.extend((!source.ends_with(".ts")).then(|| "-o".to_owned()));
                    line
                }
                _ => return None,
            }
        }
        "alembic" => match task {
            Task::ApplyAll => words(&["alembic", "upgrade", "head"]),
            Task::ApplyNext { last, .. } => words(&["alembic", "upgrade", last]),
            Task::Revert { newest, .. } => words(&["alembic", "downgrade", newest.unwrap_or("base")]),
            Task::Create { name } => words(&["alembic", "revision", "-m", name]),
            Task::Generate { name } => words(&["alembic", "revision", "--autogenerate", "-m", name]),
        },
        "django" => {
            let split = |version: &str| {
                let (app, name) = version.split_once('.').unwrap_or((version, ""));
                (app.to_owned(), name.to_owned())
            };
            match task {
                Task::ApplyAll => words(&["python", "manage.py", "migrate", "--no-input"]),
                Task::ApplyNext { count: 1, last } => {
                    let (app, name) = split(last);
                    words(&["python", "manage.py", "migrate", "--no-input", &app, &name])
                }
                Task::Revert { count: 1, first, newest } => {
                    let (app, _) = split(first);
                    let before = newest.map(split).filter(|(other, _)| *other == app).map(|(_, name)| name);
                    let before = before.unwrap_or_else(|| "zero".to_owned());
                    words(&["python", "manage.py", "migrate", "--no-input", &app, &before])
                }
                Task::Create { name } => {
                    words(&["python", "manage.py", "makemigrations", "--empty", "-n", name])
                }
                Task::Generate { name } => words(&["python", "manage.py", "makemigrations", "-n", name]),
                _ => return None,
            }
        }
        "knex" => match task {
            Task::ApplyAll => words(&["knex", "migrate:latest"]),
            Task::ApplyNext { count: 1, .. } => words(&["knex", "migrate:up"]),
            Task::Revert { count: 1, .. } => words(&["knex", "migrate:down"]),
            Task::Create { name } => words(&["knex", "migrate:make", name]),
            _ => return None,
        },
        "yoyo" => match task {
            Task::ApplyAll => words(&["yoyo", "apply", "-b"]),
            Task::ApplyNext { last, .. } => words(&["yoyo", "apply", "-b", "-r", last]),
            Task::Revert { first, .. } => words(&["yoyo", "rollback", "-b", "-r", first]),
            Task::Create { name } => words(&["yoyo", "new", "-b", "--sql", "-m", name]),
            Task::Generate { .. } => return None,
        },
        "sqitch" => match task {
            Task::ApplyAll => words(&["sqitch", "deploy"]),
            Task::ApplyNext { last, .. } => words(&["sqitch", "deploy", "--to", last]),
            Task::Revert { newest, .. } => {
                let mut line = words(&["sqitch", "revert", "-y"]);
                line.extend(newest.iter().flat_map(|newest| words(&["--to", newest])));
                line
            }
            Task::Create { name } => words(&["sqitch", "add", name, "-n", name]),
            Task::Generate { .. } => return None,
        },
        "liquibase" => match task {
            Task::ApplyAll => words(&["liquibase", "update"]),
            Task::ApplyNext { count, .. } => {
                words(&["liquibase", "update-count", &format!("--count={count}")])
            }
            Task::Revert { count, .. } => {
                words(&["liquibase", "rollback-count", &format!("--count={count}")])
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(line)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The variables that tell a tool which database is meant. They may hold a password, and go into the
/// environment of the tool and nowhere else.
pub(crate) fn variables(layout: &Layout, target: &Target, dir: &str) -> Vec<(&'static str, Secret)> {
    let mut variables: Vec<(&'static str, Secret)> =
        target.libpq_variables().into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
    // What libpq does if nothing is said, other clients take for a wish of its own.
    variables.retain(|(name, _)| *name != "PGSSLMODE" || target.tls.mode != TlsMode::Prefer);
    let url = target.url_for_child();
    // Go's client knows no `prefer`, and asks for TLS where nothing is said.
    let url = if matches!(layout.key(), "dbmate" | "golang-migrate") && target.is_local() {
        Secret::new(with_parameter(url.expose(), "sslmode=disable"))
    } else {
        url
    };
    let password = target.password.as_ref().map_or("", Secret::expose);
    let jdbc = || {
        let host = match &target.host {
            Host::Name(name) => name.clone(),
            Host::Socket(_) => "localhost".to_owned(),
        };
        Secret::new(format!("jdbc:postgresql://{host}:{}/{}", target.port, target.database))
    };
    match layout.key() {
        "goose" => {
            variables.push(("GOOSE_DRIVER", Secret::new("postgres")));
            variables.push(("GOOSE_DBSTRING", url.clone()));
        }
        "flyway" => {
            variables.push(("FLYWAY_URL", jdbc()));
            variables.push(("FLYWAY_USER", Secret::new(target.user.clone())));
            variables.push(("FLYWAY_PASSWORD", Secret::new(password)));
            variables.push(("FLYWAY_LOCATIONS", Secret::new(format!("filesystem:{dir}"))));
        }
        "liquibase" => {
            variables.push(("LIQUIBASE_COMMAND_URL", jdbc()));
            variables.push(("LIQUIBASE_COMMAND_USERNAME", Secret::new(target.user.clone())));
            variables.push(("LIQUIBASE_COMMAND_PASSWORD", Secret::new(password)));
            variables.push(("LIQUIBASE_SHOW_BANNER", Secret::new("false")));
        }
        // The rest is in libpq's variables, which psql and the driver read.
        "sqitch" => variables.push(("SQITCH_TARGET", Secret::new("db:pg:"))),
        // It wants to know them, though it needs neither to migrate.
        "graphile-migrate" => {
            let beside = |database: &str| target.with_database(database).url_for_child();
            variables.push(("SHADOW_DATABASE_URL", beside(&format!("{}_shadow", target.database))));
            variables.push(("ROOT_DATABASE_URL", beside("postgres")));
        }
        "prisma" => {
            variables.push(("SHADOW_DATABASE_URL", url.clone()));
            variables.push(("CHECKPOINT_DISABLE", Secret::new("1")));
            variables.push(("PRISMA_HIDE_UPDATE_MESSAGE", Secret::new("1")));
        }
        _ => {}
    }
    variables.push(("DATABASE_URL", url));
    variables
}

fn with_parameter(url: &str, parameter: &str) -> String {
    let name = parameter.split('=').next().unwrap_or(parameter);
    if url.contains(&format!("{name}=")) {
        return url.to_owned();
    }
    format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' })
}

/// What a status command of the project's own says: a line for each migration, with `applied` or
/// `pending` before or after its name. Other lines say nothing.
pub(crate) fn states(text: &str) -> Vec<(String, bool)> {
    let state = |word: &str| match word.trim_matches(['[', ']', ':', '(', ')']).to_ascii_lowercase().as_str()
    {
        "applied" | "up" | "x" => Some(true),
        "pending" | "down" => Some(false),
        _ => None,
    };
    let line = |line: &str| {
        // `[ ]` is one word with a hole in it.
        let line = line.trim().replace("[ ]", "pending");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [first, name, ..] if state(first).is_some() => Some(((*name).to_owned(), state(first)?)),
            [name, .., last] => Some(((*name).to_owned(), state(last)?)),
            _ => None,
        }
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{from_keywords, parse_url};

    #[test]
    fn no_argument_holds_a_secret() {
        let url = parse_url("postgres://me:hunter2@db.example/school", "x").unwrap();
        let target = from_keywords(&url, "x", "me").unwrap();
        for layout in Layout::all() {
            let place = Place { dir: "migrations", url: "postgres://me@db.example/school", has: &|_| true };
            let tasks = [
                Task::ApplyAll,
                Task::ApplyNext { count: 1, last: "2" },
                Task::Revert { count: 1, first: "2", newest: Some("1") },
                Task::Create { name: "x" },
                Task::Generate { name: "x" },
            ];
            for task in tasks {
                let line = command(&layout, &task, &place).unwrap_or_default().join(" ");
                assert!(!line.contains("hunter2"), "{line}");
            }
            assert!(
                variables(&layout, &target, "migrations")
                    .iter()
                    .any(|(_, value)| value.expose().contains("hunter2"))
            );
        }
    }

    #[test]
    fn a_status_is_read_in_any_customary_form() {
        let text = "Status\n[X] 1_a\n[ ] 2_b\npending 3_c\n4_d applied\n\n5 e: pending\n";
        let expected = [("1_a", true), ("2_b", false), ("3_c", false), ("4_d", true), ("5", false)];
        assert_eq!(states(text), expected.map(|(name, applied)| (name.to_owned(), applied)));
    }
}
