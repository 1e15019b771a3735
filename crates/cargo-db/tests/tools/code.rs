//! Tools whose migrations are programs: the verbs from end to end, with the real tool.

use crate::projects::{project, run};
use crate::support::{Project, cluster};

/// Two migrations, written in any way: a table `users`, and its column `email`.
#[track_caller]
fn verbs(project: &Project, tool: &str) {
    let state = |executed: usize| {
        let status = project.db(&["status", "--json"]).ok().json();
        assert_eq!(status["tool"]["name"], tool, "{status}");
        assert_eq!(status["migrations"]["problems"], serde_json::json!([]), "{status}");
        assert_eq!(status["migrations"]["applied"], executed, "{status}");
        assert_eq!(status["migrations"]["total"], 2, "{status}");
    };
    state(0);
    let _ = project.db(&["migrate", "--dry-run"]);
    assert_eq!(columns(project), "0", "a dry run changes nothing");
    let _ = project.db(&["migrate"]).ok();
    state(2);
    assert_eq!(columns(project), "3");
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["rollback", "--yes"]).ok();
    state(1);
    assert_eq!(columns(project), "2");
    let _ = project.db(&["migrate"]).ok();
    state(2);
    let _ = project.db(&["rollback", "--yes", "-n", "2"]).ok();
    state(0);
    assert_eq!(columns(project), "0");
    let _ = project.db(&["audit", "verify"]).ok();
}

fn columns(project: &Project) -> String {
    project
        .query("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'")
        .remove(0)
}

/// The same two migrations on a database that already has their changes: the tool records them
/// without running them. A tool that can only record all of them says so.
#[track_caller]
fn baseline(project: &Project, command: &str, one_by_one: bool) {
    project.run_sql("CREATE TABLE users (id bigint PRIMARY KEY, name text, email text)");
    let status = project.db(&["status", "--json"]).ok().json();
    let first = status["migrations"]["pending"][0]["version"].as_str().unwrap().to_owned();
    let _ = project.db(&["baseline", "--dry-run"]).ok().says(command);
    let executed =
        || project.db(&["status", "--json"]).ok().json()["migrations"]["applied"].clone();
    assert_eq!(executed(), 0, "a dry run records nothing");
    let to_first = ["baseline", "--yes", "--to", &first];
    if one_by_one {
        let _ = project.db(&to_first).code(9).says("new column users.email (text)");
        let _ = project.db(&[&to_first[..], &["--accept-differences"]].concat()).ok();
    } else {
        let _ = project.db(&to_first).code(10).says("record a migration as");
    }
    assert_eq!(executed(), i32::from(one_by_one));
    // The table was made by hand, so details may differ.
    let _ = project.db(&["baseline", "--yes", "--accept-differences"]).ok();
    assert_eq!(executed(), 2);
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["repair"]).ok();
    assert_eq!(columns(project), "3");
    project.run_sql("ALTER TABLE users DROP COLUMN email");
    project.run_sql("ALTER TABLE users ADD COLUMN email text");
    let _ = project.db(&["rollback", "--yes", "-n", "2"]).ok();
    assert_eq!(columns(project), "0");
}

/// A migration that fails names what the tool said.
#[track_caller]
fn fails(project: &Project, says: &str) {
    let _ = project.db(&["migrate"]).code(10).says(says).says("is not applied");
}

/// If the configuration of a tool names another database, nothing is written: the tool is first
/// asked about a database that does not exist, and must not find it.
#[test]
fn a_tool_that_connects_elsewhere_is_detected() {
    let project = project("code_elsewhere", Some("knex"));
    cluster().run("postgres", "CREATE DATABASE code_prodlike");
    let other = cluster().tcp_url("code_prodlike");
    project.write(
        "knexfile.js",
        &format!("module.exports = {{ client: 'pg', connection: '{other}' }};\n"),
    );
    project.write("migrations/1_users.js", "exports.up = (k) => k.raw('CREATE TABLE users ()');\nexports.down = (k) => k.raw('DROP TABLE users');\n");
    for own in ["", "[migrations]\ntool = 'knex'\napply = ['knex', 'migrate:latest']\n"] {
        project.write("db.toml", own);
        for arguments in [&["migrate"][..], &["rehearse"], &["migrate", "--steps", "1"]] {
            let _ = project.db(arguments).code(10).says("knex ignores the configured database");
        }
    }
    assert_eq!(cluster().query("code_prodlike", "SELECT to_regclass('users') IS NULL"), ["t"]);
}

/// The effect of a program is measured on a copy: lost rows and values, changed names, the down
/// migration.
#[test]
fn programs_are_rehearsed_by_their_tool() {
    let project = project("code_rehearsed", Some("knex"));
    project.write(
        "knexfile.js",
        "module.exports = { client: 'pg', connection: process.env.DATABASE_URL };\n",
    );
    let migration = |name: &str, up: &str, down: &str| {
        let text =
            format!("exports.up = (k) => k.raw(`{up}`);\nexports.down = (k) => k.raw(`{down}`);\n");
        project.write(&format!("migrations/{name}.js"), &text);
    };
    migration(
        "1_users",
        "CREATE TABLE users (id bigint PRIMARY KEY, note text)",
        "DROP TABLE users",
    );
    let _ = project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO users SELECT i, 'x' FROM generate_series(1, 500) i");
    let before = project.content();
    migration("2_age", "ALTER TABLE users ADD COLUMN age int", "ALTER TABLE users DROP COLUMN age");
    migration(
        "3_note",
        "ALTER TABLE users DROP COLUMN note",
        "ALTER TABLE users ADD COLUMN note text",
    );
    let rehearsal = project.db(&["rehearse", "--json"]).code(1).json();
    let migrations = rehearsal["migrations"].as_array().unwrap();
    let shown = |at: usize| {
        (migrations[at]["verdict"].as_str().unwrap(), migrations[at]["rollback"]["is"].as_str())
    };
    assert_eq!(migrations.len(), 2, "{rehearsal}");
    assert_eq!(shown(0).0, "PASS", "{rehearsal}");
    assert_eq!(shown(1).0, "BLOCK", "{rehearsal}");
    let findings = migrations[1]["findings"].to_string();
    assert!(findings.contains("500 values are lost with the column"), "{findings}");
    assert_eq!(project.content(), before, "the source is untouched");
    // It stops the real run until it is acknowledged, in a comment of the program's.
    let mut project = project;
    project.set("CARGO_DB_REHEARSE", "1");
    let _ = project.db(&["migrate"]).code(4).says("users.note");
    let text = std::fs::read_to_string(project.path().join("migrations/3_note.js")).unwrap();
    project.write(
        "migrations/3_note.js",
        &format!("// cargo-db: expect loss users.note <= 500\n{text}"),
    );
    let _ = project.db(&["migrate"]).ok();
    let left = cluster()
        .query("postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'code_rehearsed%'");
    assert_eq!(left, ["1"], "no scratch database is left");
}

#[test]
fn typeorm() {
    let project = project("code_typeorm", Some("typeorm"));
    project.write(
        "ds.js",
        "const { DataSource } = require('typeorm');\nmodule.exports = { default: new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, migrations: [__dirname + '/migrations/*.js'] }) };\n",
    );
    project
        .write("package.json", "{\"private\": true, \"dependencies\": {\"typeorm\": \"1.1.1\"}}");
    let migration = |time: u64, name: &str, up: &str, down: &str| {
        let text = format!(
            "module.exports = class {name}{time} {{\n  name = '{name}{time}';\n  async up(q) {{ await q.query(`{up}`); }}\n  async down(q) {{ await q.query(`{down}`); }}\n}};\n"
        );
        project.write(&format!("migrations/{time}-{name}.js"), &text);
    };
    migration(
        1_767_225_600_001,
        "Users",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text)",
        "DROP TABLE users",
    );
    migration(
        1_767_225_600_002,
        "Email",
        "ALTER TABLE users ADD COLUMN email text",
        "ALTER TABLE users DROP COLUMN email",
    );
    verbs(&project, "typeorm");
    baseline(&project, "migration:run -d ds.js --fake", false);
    let _ = project.db(&["create", "add", "age"]).ok().says("add_age.js");
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    migration(1_767_225_600_003, "Bad", "SELECT nothing", "SELECT 1");
    fails(&project, "column \"nothing\" does not exist");
}

/// An Alembic project without revisions.
fn alembic_project(name: &str) -> Project {
    let project = project(name, None);
    project.write("alembic.ini", "[alembic]\nscript_location = migrations\n");
    project.write(
        "migrations/env.py",
        "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\nurl = os.environ['DATABASE_URL'].replace('postgresql://', 'postgresql+psycopg://', 1)\nwith create_engine(url).connect() as c:\n    context.configure(connection=c, target_metadata=None)\n    with context.begin_transaction():\n        context.run_migrations()\n",
    );
    project.write(
        "migrations/script.py.mako",
        "from alembic import op\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\ndef upgrade():\n    pass\ndef downgrade():\n    pass\n",
    );
    project
}

fn alembic_revision(project: &Project, revision: &str, before: &str, up: &str, down: &str) {
    let text = format!(
        "from alembic import op\nrevision = '{revision}'\ndown_revision = {before}\n\ndef upgrade():\n    op.execute(\"{up}\")\n\ndef downgrade():\n    op.execute(\"{down}\")\n"
    );
    project.write(&format!("migrations/versions/{revision}_x.py"), &text);
}

#[test]
fn alembic() {
    let project = alembic_project("code_alembic");
    let migration = |revision: &str, before: &str, up: &str, down: &str| {
        alembic_revision(&project, revision, before, up, down);
    };
    migration(
        "b1",
        "None",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text)",
        "DROP TABLE users",
    );
    migration(
        "a2",
        "'b1'",
        "ALTER TABLE users ADD COLUMN email text",
        "ALTER TABLE users DROP COLUMN email",
    );
    verbs(&project, "alembic");
    baseline(&project, "alembic stamp a2", true);
    let _ = project.db(&["create", "age"]).ok().says("_age.py");
    std::fs::remove_dir_all(project.path().join("migrations/versions")).unwrap();
    migration("c1", "None", "SELECT nothing", "SELECT 1");
    fails(&project, "column \"nothing\" does not exist");
}

/// A Django project with these applications.
fn django_project(name: &str, apps: &str) -> Project {
    let project = project(name, None);
    project.write("manage.py", "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n");
    project.write(
        "settings.py",
        &format!("INSTALLED_APPS = {apps}\n{}", "import os\nSECRET_KEY = 'x'\nUSE_TZ = True\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['PGDATABASE'], 'USER': os.environ['PGUSER'], 'HOST': os.environ['PGHOST'], 'PORT': os.environ['PGPORT'], 'PASSWORD': os.environ.get('PGPASSWORD', '')}}\n"),
    );
    project
}

#[test]
fn django() {
    let project = django_project("code_django", "['app']");
    project.write("app/__init__.py", "");
    project.write("app/models.py", "from django.db import models\nclass User(models.Model):\n    name = models.TextField()\n    email = models.TextField(null=True)\n    age = models.IntegerField(null=True)\n    class Meta:\n        db_table = 'users'\n");
    project.write("app/migrations/__init__.py", "");
    project.write(
        "app/migrations/0001_users.py",
        "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    initial = True\n    dependencies = []\n    operations = [migrations.CreateModel('User', [('id', models.BigAutoField(primary_key=True, serialize=False)), ('name', models.TextField())], options={'db_table': 'users'})]\n",
    );
    project.write(
        "app/migrations/0002_email.py",
        "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    dependencies = [('app', '0001_users')]\n    operations = [migrations.AddField('User', 'email', models.TextField(null=True))]\n",
    );
    verbs(&project, "django");
    baseline(&project, "manage.py migrate app 0002_email --fake", true);
    let _ = project.db(&["generate", "age"]).ok().says("0003_age.py");
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(columns(&project), "4");
    let _ = project.db(&["create", "by", "hand"]).ok().says("0004_by_hand.py");
}

/// With `zero`, Django rolls back a whole application, and what others have built on it.
#[test]
fn a_django_rollback_stays_in_its_application() {
    let project = django_project("code_django_two", "['acct', 'shop']");
    let migration = |app: &str, name: &str, before: &str| {
        for package in [app.to_owned(), format!("{app}/migrations")] {
            project.write(&format!("{package}/__init__.py"), "");
        }
        let table = format!("{app}_{name}");
        let text = format!(
            "from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [{before}]\n    operations = [migrations.RunSQL('CREATE TABLE {table} (id int)', 'DROP TABLE {table}')]\n"
        );
        project.write(&format!("{app}/migrations/{name}.py"), &text);
    };
    migration("acct", "0001_a", "");
    migration("shop", "0001_b", "('acct', '0001_a')");
    migration("acct", "0002_c", "('acct', '0001_a'), ('shop', '0001_b')");
    migration("shop", "0002_d", "('shop', '0001_b')");
    let _ = project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO shop_0001_b SELECT generate_series(1, 1000)");
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM shop_0001_b"), ["1000"]);
    let left = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname ~ '^(shop|acct)'";
    assert_eq!(project.query(left)[0].split(' ').count(), 3);
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["rollback", "--yes", "-n", "2"]).ok();
    assert_eq!(project.query(left), ["acct_0001_a shop_0001_b"]);
}

/// The tool's own table contains no data of the project: a merge removes a row there.
#[test]
fn a_merge_of_alembic_loses_nothing() {
    let project = alembic_project("code_alembic_merge");
    let migration = |revision: &str, before: &str, up: &str, down: &str| {
        alembic_revision(&project, revision, before, up, down);
    };
    migration("a", "None", "CREATE TABLE a (id int)", "DROP TABLE a");
    migration("b", "'a'", "CREATE TABLE b (id int)", "DROP TABLE b");
    migration("c", "'a'", "CREATE TABLE c (id int)", "DROP TABLE c");
    migration("m", "('b', 'c')", "SELECT 1", "SELECT 1");
    let _ = project.db(&["migrate", "--to", "c"]).ok();
    project.run_sql("INSERT INTO a VALUES (1)");
    let rehearsal = project.db(&["rehearse", "--json"]).ok().json();
    assert_eq!(
        rehearsal["migrations"].as_array().unwrap().last().unwrap()["findings"],
        serde_json::json!([])
    );
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["status", "--check"]).ok();
    // Two branches that are not merged yet are two rows in `alembic_version`.
    project.run_sql("DELETE FROM alembic_version");
    let _ = project.db(&["baseline", "--yes", "--to", "c"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM alembic_version"), ["2"]);
    let _ = project.db(&["baseline", "--yes"]).ok();
    assert_eq!(project.query("SELECT version_num FROM alembic_version"), ["m"]);
}

#[test]
fn knex() {
    let project = project("code_knex", Some("knex"));
    project.write("knexfile.js", "module.exports = { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: './migrations' } };\n");
    let migration = |name: &str, up: &str, down: &str| {
        let text =
            format!("exports.up = (k) => k.raw('{up}');\nexports.down = (k) => k.raw('{down}');\n");
        project.write(&format!("migrations/{name}.js"), &text);
    };
    migration(
        "20260101000001_users",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text)",
        "DROP TABLE users",
    );
    migration(
        "20260101000002_email",
        "ALTER TABLE users ADD COLUMN email text",
        "ALTER TABLE users DROP COLUMN email",
    );
    verbs(&project, "knex");
    let refused = project.db(&["baseline", "--yes"]).code(10);
    let _ = refused.says("no command to record a migration as applied");
    let _ = project.db(&["create", "age"]).ok().says("_age.js");
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    migration("20260101000003_bad", "SELECT nothing", "SELECT 1");
    fails(&project, "column \"nothing\" does not exist");
}

#[test]
fn yoyo() {
    let project = project("code_yoyo", None);
    project.write(
        "yoyo.ini",
        "[DEFAULT]\nsources = migrations\ndatabase = %(DATABASE_URL)s\nbatch_mode = on\n",
    );
    project.write(
        "migrations/0001.users.sql",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n",
    );
    project.write("migrations/0001.users.rollback.sql", "DROP TABLE users;\n");
    project.write(
        "migrations/0002.email.py",
        "from yoyo import step\n__depends__ = {'0001.users'}\nsteps = [step('ALTER TABLE users ADD COLUMN email text', 'ALTER TABLE users DROP COLUMN email')]\n",
    );
    verbs(&project, "yoyo");
    project.write("migrations/0003.bad.sql", "SELECT nothing;\n");
    fails(&project, "column \"nothing\" does not exist");
}

#[test]
fn sqitch() {
    let mut project = project("code_sqitch", None);
    project.set("SQITCH_FULLNAME", "Tester");
    project.set("SQITCH_EMAIL", "tester@example.com");
    project.set("TZ", "UTC");
    project.write("sqitch.conf", "[core]\n\tengine = pg\n");
    let plan = "%syntax-version=1.0.0\n%project=app\n\nusers 2026-01-01T00:00:00Z t <t@example.com> # users\nemail [users] 2026-01-01T00:00:01Z t <t@example.com> # email\n";
    project.write("sqitch.plan", plan);
    let change = |name: &str, deploy: &str, revert: &str| {
        project.write(&format!("deploy/{name}.sql"), &format!("BEGIN;\n{deploy};\nCOMMIT;\n"));
        project.write(&format!("revert/{name}.sql"), &format!("BEGIN;\n{revert};\nCOMMIT;\n"));
        project.write(&format!("verify/{name}.sql"), "SELECT 1;\n");
    };
    change("users", "CREATE TABLE users (id bigint PRIMARY KEY, name text)", "DROP TABLE users");
    change(
        "email",
        "ALTER TABLE users ADD COLUMN email text",
        "ALTER TABLE users DROP COLUMN email",
    );
    verbs(&project, "sqitch");
    baseline(&project, "sqitch deploy --log-only", true);
    let _ = project.db(&["create", "age"]).ok().says("deploy/age.sql");
    change("age", "SELECT nothing", "SELECT 1");
    fails(&project, "column \"nothing\" does not exist");
}

#[test]
fn liquibase() {
    let project = project("code_liquibase", None);
    project.write("liquibase.properties", "changeLogFile=changelog.sql\n");
    let text = "--liquibase formatted sql\n\n--changeset me:1\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n--rollback DROP TABLE users;\n\n--changeset me:2\nALTER TABLE users ADD COLUMN email text;\n--rollback ALTER TABLE users DROP COLUMN email;\n";
    project.write("changelog.sql", text);
    verbs(&project, "liquibase");
    project.write("changelog.sql", &format!("{text}\n--changeset me:3\nSELECT nothing;\n"));
    fails(&project, "column \"nothing\" does not exist");
}

#[test]
fn sea_orm() {
    let project = project("code_sea_orm", None);
    for (path, text) in [
        ("Cargo.toml", include_str!("sea-orm/Cargo.toml.txt")),
        ("Cargo.lock", include_str!("sea-orm/Cargo.lock.txt")),
        ("src/main.rs", include_str!("sea-orm/main.rs.txt")),
        ("src/lib.rs", include_str!("sea-orm/lib.rs.txt")),
        ("src/m20260101_000001_users.rs", include_str!("sea-orm/users.rs.txt")),
        ("src/m20260101_000002_email.rs", include_str!("sea-orm/email.rs.txt")),
    ] {
        project.write(&format!("migration/{path}"), text);
    }
    let _ = run(
        &project,
        &["cargo", "build", "--quiet", "--locked", "--manifest-path", "migration/Cargo.toml"],
    )
    .ok();
    verbs(&project, "sea-orm");
    let _ = project.db(&["create", "age"]).ok().says("_age.rs");
}

/// An unknown tool, by its commands.
#[test]
fn commands_of_the_projects_own() {
    let project = project("code_commands", None);
    let database = project.database.clone();
    project.write(
        "db.toml",
        &format!(
            "[database]\nname = \"{database}\"\n[migrations]\nstatus = [\"./tool\", \"status\"]\napply = [\"./tool\", \"up\"]\nrollback = [\"./tool\", \"down\"]\ncreate = [\"./tool\", \"new\"]\n"
        ),
    );
    let tool = project.write("tool", include_str!("own-tool.sh"));
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    verbs(&project, "commands");
    let _ = project.db(&["create", "age"]).ok().says("age.new");
    let _ = project.db(&["generate", "age"]).code(10).says("no command to generate a migration");
}
