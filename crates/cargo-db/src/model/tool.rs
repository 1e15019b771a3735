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
    Create { name: &'a str, app: Option<&'a str> },
    /// Read something from the database, which it has to reach for that.
    Probe,
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

/// How a tool is called. Words in braces stand for what a task is about; one that stands for nothing is
/// left out, with the option before it.
struct Commands {
    key: &'static str,
    /// Applies everything that is pending.
    all: &'static str,
    /// Applies up to `{last}`, or `{count}`.
    next: &'static str,
    /// Applies the next one.
    next_one: &'static str,
    /// Takes `{count}` back, so that `{newest}` is the newest.
    back: &'static str,
    /// Takes the newest one back.
    back_one: &'static str,
    /// What `{newest}` is when nothing is left.
    nothing: &'static str,
    create: &'static str,
    generate: &'static str,
    /// Fails where the database cannot be reached, and changes nothing but the tool's own tables.
    probe: &'static str,
}

const NONE: Commands = Commands {
    key: "",
    all: "",
    next: "",
    next_one: "",
    back: "",
    back_one: "",
    nothing: "",
    create: "",
    generate: "",
    probe: "",
};

#[rustfmt::skip]
const TOOLS: [Commands; 21] = [
    Commands {
        key: "sqlx",
        all: "sqlx migrate run --source {dir}",
        next: "sqlx migrate run --source {dir} --target-version {last}",
        back: "sqlx migrate revert --source {dir} --target-version {newest}",
        nothing: "0",
        create: "sqlx migrate add -r --source {dir} {name}",
        probe: "sqlx migrate info --source {dir}",
        ..NONE
    },
    Commands {
        key: "diesel",
        all: "diesel migration run --migration-dir {dir}",
        back: "diesel migration revert --migration-dir {dir} --number {count}",
        create: "diesel migration generate --migration-dir {dir} {name}",
        generate: "diesel migration generate --migration-dir {dir} {name} --diff-schema",
        probe: "diesel migration pending --migration-dir {dir}",
        ..NONE
    },
    Commands {
        key: "refinery",
        all: "refinery migrate -e DATABASE_URL -p {dir}",
        next: "refinery migrate -e DATABASE_URL -p {dir} -t {last}",
        ..NONE
    },
    Commands {
        key: "dbmate",
        all: "dbmate --migrations-dir {dir} --no-dump-schema migrate",
        back_one: "dbmate --migrations-dir {dir} --no-dump-schema rollback",
        create: "dbmate --migrations-dir {dir} new {name}",
        probe: "dbmate --migrations-dir {dir} status",
        ..NONE
    },
    Commands {
        key: "prisma",
        all: "prisma migrate deploy",
        generate: "prisma migrate diff --from-migrations {dir} {to-schema} {schema} --script",
        probe: "prisma migrate status",
        ..NONE
    },
    Commands {
        key: "drizzle",
        all: "drizzle-kit migrate",
        create: "drizzle-kit generate --custom --name {name}",
        generate: "drizzle-kit generate --name {name}",
        ..NONE
    },
    Commands {
        key: "drizzle-1",
        all: "drizzle-kit migrate",
        create: "drizzle-kit generate --custom --name {name}",
        generate: "drizzle-kit generate --name {name}",
        ..NONE
    },
    Commands {
        key: "node-pg-migrate",
        all: "node-pg-migrate up -m {dir}",
        next: "node-pg-migrate up {count} -m {dir}",
        back: "node-pg-migrate down {count} -m {dir}",
        create: "node-pg-migrate create {name} -j sql -m {dir}",
        probe: "node-pg-migrate up --dry-run -m {dir}",
        ..NONE
    },
    Commands {
        key: "goose",
        all: "goose -dir {dir} up",
        next: "goose -dir {dir} up-to {last}",
        back: "goose -dir {dir} down-to {newest}",
        nothing: "0",
        create: "goose -dir {dir} create {name} sql",
        ..NONE
    },
    Commands {
        key: "golang-migrate",
        all: "migrate -path {dir} -database {url} up",
        next: "migrate -path {dir} -database {url} up {count}",
        back: "migrate -path {dir} -database {url} down {count}",
        create: "migrate create -ext sql -dir {dir} {name}",
        ..NONE
    },
    Commands { key: "flyway", all: "flyway migrate", next: "flyway migrate -target={last}", ..NONE },
    Commands {
        key: "supabase",
        all: "supabase migration up --include-all --yes --remote={url}",
        create: "supabase migration new {name}",
        ..NONE
    },
    Commands { key: "graphile-migrate", all: "graphile-migrate migrate", probe: "graphile-migrate status",
        ..NONE },
    Commands {
        key: "sea-orm",
        all: "cargo run --quiet -- up",
        next: "cargo run --quiet -- up -n {count}",
        back: "cargo run --quiet -- down -n {count}",
        create: "cargo run --quiet -- generate {name}",
        probe: "cargo run --quiet -- status",
        ..NONE
    },
    Commands {
        key: "typeorm",
        all: "{typeorm} migration:run -d {source}",
        back_one: "{typeorm} migration:revert -d {source}",
        create: "{typeorm} migration:create {file} {javascript}",
        generate: "{typeorm} migration:generate -d {source} {file} {javascript}",
        probe: "{typeorm} migration:show -d {source}",
        ..NONE
    },
    Commands {
        key: "alembic",
        all: "alembic upgrade head",
        // One at a time: a revision on another branch does not come with it.
        next_one: "alembic upgrade {last}",
        back: "alembic downgrade {newest}",
        nothing: "base",
        create: "alembic revision -m {name}",
        generate: "alembic revision --autogenerate -m {name}",
        probe: "alembic current",
        ..NONE
    },
    Commands {
        key: "django",
        all: "python manage.py migrate --no-input",
        next_one: "python manage.py migrate --no-input {app} {name-in-app}",
        back_one: "python manage.py migrate --no-input {app} {before-in-app}",
        create: "python manage.py makemigrations --empty -n {name} {own-app}",
        generate: "python manage.py makemigrations -n {name}",
        probe: "python manage.py showmigrations",
        ..NONE
    },
    Commands {
        key: "knex",
        all: "knex migrate:latest",
        next_one: "knex migrate:up",
        back_one: "knex migrate:down",
        create: "knex migrate:make {name}",
        probe: "knex migrate:list",
        ..NONE
    },
    Commands {
        key: "yoyo",
        all: "yoyo apply -b",
        next: "yoyo apply -b -r {last}",
        // Whatever came after it is taken back with it.
        back_one: "yoyo rollback -b -r {first}",
        create: "yoyo new -b --sql -m {name}",
        probe: "yoyo list -b",
        ..NONE
    },
    Commands {
        key: "sqitch",
        all: "sqitch deploy",
        next: "sqitch deploy --to {last}",
        back: "sqitch revert -y --to {newest}",
        create: "sqitch add {name} -n {name}",
        probe: "sqitch status",
        ..NONE
    },
    Commands {
        key: "liquibase",
        all: "liquibase update",
        next: "liquibase update-count --count={count}",
        back: "liquibase rollback-count --count={count}",
        probe: "liquibase status",
        ..NONE
    },
];

/// The command of a tool for a task; `None` where it has none.
pub(crate) fn command(layout: &Layout, task: &Task<'_>, place: &Place<'_>) -> Option<Vec<String>> {
    let tool = TOOLS.iter().find(|tool| tool.key == layout.key())?;
    let or = |first: &'static str, second| if first.is_empty() { second } else { first };
    let template = match task {
        Task::ApplyAll => tool.all,
        Task::ApplyNext { count: 1, .. } => or(tool.next, tool.next_one),
        Task::ApplyNext { .. } => tool.next,
        Task::Revert { count: 1, .. } => or(tool.back, tool.back_one),
        Task::Revert { .. } => tool.back,
        Task::Create { .. } => tool.create,
        Task::Generate { .. } => tool.generate,
        Task::Probe => tool.probe,
    };
    let mut line: Vec<String> = Vec::new();
    for word in template.split(' ').filter(|word| !word.is_empty()) {
        let Some((before, (name, after))) =
            word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        else {
            line.push(word.to_owned());
            continue;
        };
        match meaning(name, tool, task, place) {
            Some(value) => line.push(format!("{before}{value}{after}")),
            None if name == "source" => return None,
            None if line.last().is_some_and(|word| word.starts_with("--")) => drop(line.pop()),
            None => {}
        }
    }
    (!line.is_empty()).then_some(line)
}

/// What is the newest for a tool once `first` is taken back: of what is `left`, newest last. Django knows no
/// newest of all, only one in each app.
pub(crate) fn newest_left<'a>(
    layout: &Layout,
    first: &str,
    left: impl DoubleEndedIterator<Item = &'a str>,
) -> Option<&'a str> {
    let app = |version: &str| version.split_once('.').map(|(app, _)| app.to_owned());
    let is_of_the_same = |version: &&str| layout.key() != "django" || app(version) == app(first);
    left.rev().find(is_of_the_same)
}

/// What a word in braces stands for.
fn meaning(name: &str, tool: &Commands, task: &Task<'_>, place: &Place<'_>) -> Option<String> {
    let (count, first, last, newest, new) = match task {
        Task::ApplyAll | Task::Probe => (0, "", "", None, ""),
        Task::ApplyNext { count, last } => (*count, "", *last, None, ""),
        Task::Revert { count, first, newest } => (*count, *first, "", *newest, ""),
        Task::Create { name, .. } | Task::Generate { name } => (0, "", "", None, *name),
    };
    let of_tool = Some(tool.nothing).filter(|nothing| !nothing.is_empty());
    let in_app = |version: &str| {
        version.split_once('.').map(|(app, name)| (app.to_owned(), name.to_owned()))
    };
    let own = if first.is_empty() { last } else { first };
    let sibling = |name: &str| Path::new(place.dir).with_file_name(name).display().to_string();
    let is_typescript = || data_source(place).is_some_and(|source| source.ends_with(".ts"));
    match name {
        "dir" => Some(place.dir.to_owned()),
        "url" => Some(place.url.to_owned()),
        "count" => Some(count.to_string()),
        "first" => Some(first.to_owned()),
        "last" => Some(last.to_owned()),
        "newest" => newest.or(of_tool).map(str::to_owned),
        "name" => Some(new.to_owned()),
        "file" => Some(format!("{}/{new}", place.dir)),
        "own-app" => match task {
            Task::Create { app, .. } => app.map(str::to_owned),
            _ => None,
        },
        "app" => Some(in_app(own)?.0),
        "name-in-app" => Some(in_app(own)?.1),
        "before-in-app" => {
            let (app, _) = in_app(own)?;
            let before = newest.and_then(in_app).filter(|(other, _)| *other == app);
            Some(before.map_or_else(|| "zero".to_owned(), |(_, name)| name))
        }
        "source" => data_source(place).map(str::to_owned),
        "typeorm" => {
            Some(if is_typescript() { "typeorm-ts-node-commonjs" } else { "typeorm" }.to_owned())
        }
        "javascript" => (!is_typescript()).then(|| "-o".to_owned()),
        "schema" => Some(sibling("schema.prisma")),
        // The option was renamed in 7, which brings a package of this name.
        "to-schema" if (place.has)("node_modules/@prisma/dev") => Some("--to-schema".to_owned()),
        "to-schema" => Some("--to-schema-datamodel".to_owned()),
        _ => None,
    }
}

/// Where TypeORM's programs customarily say how to connect.
fn data_source(place: &Place<'_>) -> Option<&'static str> {
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
    SOURCES.into_iter().find(|name| (place.has)(name))
}

/// The variables that tell a tool which database is meant. They may hold a password, and go into the
/// environment of the tool and nowhere else.
pub(crate) fn variables(
    layout: &Layout,
    target: &Target,
    dir: &str,
    called: &str,
) -> Vec<(&'static str, Secret)> {
    // So that what it leaves behind on the server is known for it.
    let called = format!("cargo-db/{} {called}", env!("CARGO_PKG_VERSION"));
    let mut variables: Vec<(&'static str, Secret)> = target
        .libpq_variables()
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    // What libpq does if nothing is said, other clients take for a wish of its own.
    variables.retain(|(name, _)| *name != "PGSSLMODE" || target.tls.mode != TlsMode::Prefer);
    let url = target.url_for_child();
    // Go's client knows no `prefer`, and asks for TLS where nothing is said.
    let url = if matches!(layout.key(), "dbmate" | "golang-migrate") && target.is_local() {
        Secret::new(with_parameter(url.expose(), "sslmode=disable"))
    } else {
        url
    };
    // Some read the search path from the URL and nowhere else.
    let parameter = match layout.key() {
        "prisma" => Some("schema"),
        "dbmate" => Some("search_path"),
        _ => None,
    };
    let url = match (parameter, target.search_path()) {
        (Some(name), Some(path)) => {
            Secret::new(with_parameter(url.expose(), &format!("{name}={path}")))
        }
        _ => url,
    };
    let password = target.password.as_ref().map_or("", Secret::expose);
    let jdbc = || {
        let host = match &target.host {
            Host::Name(name) => name.clone(),
            Host::Socket(_) => "localhost".to_owned(),
        };
        let called = called.replace(' ', "%20");
        let (port, database) = (target.port, &target.database);
        Secret::new(format!("jdbc:postgresql://{host}:{port}/{database}?ApplicationName={called}"))
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
    variables.extend(layout.chosen_table().and_then(|table| {
        let name = match layout.key() {
            "dbmate" => "DBMATE_MIGRATIONS_TABLE",
            "goose" => "GOOSE_TABLE",
            "flyway" => "FLYWAY_TABLE",
            _ => return None,
        };
        Some((name, Secret::new(table)))
    }));
    variables.push(("DATABASE_URL", url));
    variables.push(("PGAPPNAME", Secret::new(called)));
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
    let state = |word: &str| match word
        .trim_matches(['[', ']', ':', '(', ')'])
        .to_ascii_lowercase()
        .as_str()
    {
        "applied" => Some(true),
        "x" if word.starts_with('[') => Some(true),
        "pending" => Some(false),
        _ => None,
    };
    let line = |line: &str| {
        // A sentence about all of them.
        const ALL: [&str; 6] = ["no", "none", "nothing", "all", "everything", "0"];
        // `[ ]` is one word with a hole in it.
        let line = line.trim().replace("[ ]", "pending");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [first, ..] if ALL.contains(&first.to_ascii_lowercase().as_str()) => None,
            [first, name, ..] if state(first).is_some() => {
                Some(((*name).to_owned(), state(first)?))
            }
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
            let place =
                Place { dir: "migrations", url: "postgres://me@db.example/school", has: &|_| true };
            let tasks = [
                Task::ApplyAll,
                Task::ApplyNext { count: 1, last: "2" },
                Task::Revert { count: 1, first: "2", newest: Some("1") },
                Task::Create { name: "x", app: None },
                Task::Generate { name: "x" },
            ];
            for task in tasks {
                let line = command(&layout, &task, &place).unwrap_or_default().join(" ");
                assert!(!line.contains("hunter2"), "{line}");
            }
            assert!(
                variables(&layout, &target, "migrations", "tool")
                    .iter()
                    .any(|(_, value)| value.expose().contains("hunter2"))
            );
        }
    }

    #[test]
    fn what_stands_for_nothing_is_left_out() {
        let line = |key: &str, task: &Task<'_>| {
            let place = Place { dir: "db", url: "", has: &|name| name == "ds.js" };
            command(&Layout::named(key).unwrap(), task, &place).map(|line| line.join(" "))
        };
        let revert = |count, newest| Task::Revert { count, first: "app.2_b", newest };
        assert_eq!(line("sqitch", &revert(2, None)).unwrap(), "sqitch revert -y");
        assert_eq!(line("sqitch", &revert(1, Some("a"))).unwrap(), "sqitch revert -y --to a");
        assert_eq!(line("alembic", &revert(1, None)).unwrap(), "alembic downgrade base");
        assert_eq!(
            line("django", &revert(1, Some("app.1_a"))).unwrap(),
            "python manage.py migrate --no-input app 1_a"
        );
        assert_eq!(
            line("django", &revert(1, Some("other.1_a"))).unwrap(),
            "python manage.py migrate --no-input app zero"
        );
        let django = Layout::named("django").unwrap();
        let left = ["app.1_a", "other.1_a", "other.2_b"];
        assert_eq!(newest_left(&django, "app.2_b", left.into_iter()), Some("app.1_a"));
        assert_eq!(newest_left(&django, "third.1_a", left.into_iter()), None);
        let alembic = Layout::named("alembic").unwrap();
        assert_eq!(newest_left(&alembic, "x", ["a", "b"].into_iter()), Some("b"));
        assert_eq!(line("knex", &revert(2, None)), None);
        assert_eq!(
            line("typeorm", &Task::Create { name: "x", app: None }).unwrap(),
            "typeorm migration:create db/x -o"
        );
        assert_eq!(line("refinery", &revert(1, None)), None);
    }

    #[test]
    fn a_status_is_read_in_any_customary_form() {
        let text = "Status\n[X] 1_a\n[ ] 2_b\npending 3_c\n4_d applied\n\n5 e: pending\nUp to date\nDatabase is down\nNo migrations pending\n";
        let expected = [("1_a", true), ("2_b", false), ("3_c", false), ("4_d", true), ("5", false)];
        assert_eq!(states(text), expected.map(|(name, applied)| (name.to_owned(), applied)));
    }
}
