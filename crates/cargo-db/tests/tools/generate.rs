//! `cargo db generate`: the tool's own diff, against a scratch database and never the real one.

use crate::projects::project;
use crate::support::{Project, cluster};

/// The one file that was written, and its text.
#[track_caller]
fn generated(project: &Project, name: &str) -> String {
    let before = project.content();
    let json = project.db(&["generate", name, "--json"]).ok().json();
    let files = json["files"].as_array().unwrap().clone();
    assert!(!files.is_empty(), "{json}");
    assert_eq!(project.content(), before, "the database is untouched");
    let like =
        format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{}%'", project.database);
    assert_eq!(cluster().query("postgres", &like), ["1"], "no scratch database is left");
    let texts = files
        .iter()
        .map(|file| std::fs::read_to_string(project.path().join(file.as_str().unwrap())).unwrap());
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn diesel() {
    let project = project("generate_diesel", None);
    project.write(
        "diesel.toml",
        "[print_schema]\nfile = \"schema.rs\"\n[migrations_directory]\ndir = \"migrations\"\n",
    );
    project.write(
        "migrations/2026-01-01-000001_users/up.sql",
        "CREATE TABLE users (id BIGINT PRIMARY KEY, name TEXT NOT NULL);",
    );
    project.write("migrations/2026-01-01-000001_users/down.sql", "DROP TABLE users;");
    project.write("schema.rs", "diesel::table! {\n    users (id) {\n        id -> Int8,\n        name -> Text,\n        age -> Nullable<Int4>,\n    }\n}\n");
    assert!(generated(&project, "age").contains("ALTER TABLE \"users\" ADD COLUMN \"age\" INT4"));
    let _ = project.db(&["migrate"]).ok();
}

#[test]
fn drizzle() {
    let project = project("generate_drizzle", Some("drizzle"));
    project.write(
        "drizzle.config.ts",
        "export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle', dbCredentials: { url: process.env.DATABASE_URL } };\n",
    );
    project.write(
        "schema.ts",
        "import { pgTable, bigint, text } from 'drizzle-orm/pg-core';\nexport const users = pgTable('users', { id: bigint({ mode: 'number' }).primaryKey(), name: text() });\n",
    );
    project.write(
        "db.toml",
        &format!("[database]\nname = \"{}\"\n[migrations]\ntool = \"drizzle\"\n", project.database),
    );
    assert!(generated(&project, "users").contains("CREATE TABLE \"users\""));
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["generate", "nothing"]).ok().says("nothing");
    let _ = project.db(&["create", "by", "hand"]).ok().says("by_hand.sql");
    project.write("drizzle/0001_by_hand.sql", "COMMENT ON TABLE users IS 'people';");
    let _ = project.db(&["migrate"]).ok();
}

#[test]
fn prisma_6() {
    let mut project = project("generate_prisma", Some("prisma6"));
    project.write("prisma.config.ts", include_str!("prisma.config.ts"));
    project.write(
        "prisma/schema.prisma",
        "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\nmodel users {\n  id BigInt @id\n  name String\n  age Int?\n}\n",
    );
    project.write("prisma/migrations/20260101000001_users/migration.sql", "CREATE TABLE \"users\" (\"id\" BIGINT NOT NULL, \"name\" TEXT NOT NULL, CONSTRAINT \"users_pkey\" PRIMARY KEY (\"id\"));\n");
    project.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
    crate::projects::without_engine(&mut project);
    assert!(generated(&project, "age").contains("ADD COLUMN     \"age\" INTEGER"));
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["generate", "again"]).ok().says("nothing to generate");
}

#[test]
fn typeorm() {
    let project = project("generate_typeorm", Some("typeorm"));
    project
        .write("package.json", "{\"private\": true, \"dependencies\": {\"typeorm\": \"1.1.1\"}}");
    project.write(
        "ds.js",
        "const { DataSource, EntitySchema } = require('typeorm');\nconst users = new EntitySchema({ name: 'users', tableName: 'users', columns: { id: { type: 'bigint', primary: true, primaryKeyConstraintName: 'users_pkey' }, name: { type: 'text' }, age: { type: 'int', nullable: true } } });\nmodule.exports = { default: new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, entities: [users], migrations: [__dirname + '/migrations/*.js'] }) };\n",
    );
    project.write(
        "migrations/1767225600001-Users.js",
        "module.exports = class Users1767225600001 {\n  name = 'Users1767225600001';\n  async up(q) { await q.query(`CREATE TABLE users (id bigint CONSTRAINT users_pkey PRIMARY KEY, name text NOT NULL)`); }\n  async down(q) { await q.query(`DROP TABLE users`); }\n};\n",
    );
    assert!(generated(&project, "age").contains("ADD \"age\" integer"));
    let _ = project.db(&["migrate"]).ok();
}

#[test]
fn alembic() {
    let project = project("generate_alembic", None);
    project.write("alembic.ini", "[alembic]\nscript_location = migrations\n");
    project.write(
        "migrations/env.py",
        "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine, MetaData, Table, Column, BigInteger, Text\nmetadata = MetaData()\nTable('users', metadata, Column('id', BigInteger, primary_key=True), Column('email', Text))\nurl = os.environ['DATABASE_URL'].replace('postgresql://', 'postgresql+psycopg://', 1)\nwith create_engine(url).connect() as c:\n    context.configure(connection=c, target_metadata=metadata)\n    with context.begin_transaction():\n        context.run_migrations()\n",
    );
    project.write(
        "migrations/script.py.mako",
        "from alembic import op\nimport sqlalchemy as sa\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\ndef upgrade():\n    ${upgrades if upgrades else 'pass'}\ndef downgrade():\n    ${downgrades if downgrades else 'pass'}\n",
    );
    project.write(
        "migrations/versions/a1_users.py",
        "from alembic import op\nrevision = 'a1'\ndown_revision = None\ndef upgrade():\n    op.execute('CREATE TABLE users (id bigint PRIMARY KEY)')\ndef downgrade():\n    op.execute('DROP TABLE users')\n",
    );
    assert!(generated(&project, "email").contains("add_column('users'"));
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["status", "--check"]).ok();
}

/// PostgreSQL records no dependency of a function on what its body names; the extension
/// plpgsql_check finds what no longer works.
#[test]
fn bodies_of_functions_are_checked() {
    let project = Project::new("generate_bodies");
    let name = &project.database;
    project.write(
        "db.toml",
        &format!("[database]\nname = \"{name}\"\n[schema]\nfile = \"schema.sql\"\n"),
    );
    let function = |name: &str, body: &str| {
        format!("CREATE FUNCTION {name} LANGUAGE plpgsql AS $$ BEGIN\n{body};\nEND $$;\n")
    };
    let functions = [
        function("sum_of() RETURNS int", "RETURN (SELECT sum(lost) FROM a)"),
        function("kept_of() RETURNS int", "RETURN (SELECT sum(kept) FROM a)"),
        function("was_broken() RETURNS int", "RETURN (SELECT sum(never) FROM a)"),
        function("on_a() RETURNS trigger", "NEW.lost := 1; RETURN NEW"),
    ]
    .concat();
    let rest = "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION on_a();\n";
    let schema = |columns: &str| format!("CREATE TABLE a ({columns});\n{functions}{rest}");
    let before = schema("kept int, lost int").replace("$$;", "$$;\n");
    project.write(
        "migrations/20260101000000_a.sql",
        // The proof inserts rows, which this trigger would refuse after the change.
        &format!("{before}ALTER TABLE a DISABLE TRIGGER t;\n"),
    );
    project
        .write("schema.sql", &format!("{}ALTER TABLE a DISABLE TRIGGER t;\n", schema("kept int")));
    project.db(&["migrate"]).ok();
    let json = project.db(&["generate", "drop", "--dry-run", "--json"]).ok().json();
    let broken: Vec<(String, String)> = json["hazards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["object"].to_string(), one["why"].to_string()))
        .filter(|(_, why)| why.contains("its body no longer works"))
        .collect();
    let objects: Vec<&str> = broken.iter().map(|(object, _)| object.as_str()).collect();
    assert_eq!(objects, ["\"function on_a()\"", "\"function sum_of()\""], "{json}");
    assert!(broken[1].1.contains("line 2: column \\\"lost\\\" does not exist"), "{json}");
}
