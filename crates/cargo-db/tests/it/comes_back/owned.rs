//! Databases of roles with limited privileges.

use std::process::Command;

use super::{FORMATS, backup};
use crate::support::{Project, binaries, cluster};

/// A database of a role, with extensions that the role could not make.
fn owned(name: &str, rights: &str) -> Project {
    let role = format!("{name}_role");
    cluster().run("postgres", &format!("CREATE ROLE {role} LOGIN {rights}"));
    cluster().run("postgres", &format!("CREATE DATABASE {name} OWNER {role}"));
    cluster().run(
        name,
        "CREATE EXTENSION pageinspect; CREATE EXTENSION pg_trgm; CREATE SCHEMA extra; \
         CREATE EXTENSION citext SCHEMA extra; GRANT USAGE ON SCHEMA extra TO PUBLIC",
    );
    cluster().run(
        name,
        &format!(
            "SET SESSION AUTHORIZATION {role}; CREATE EXTENSION hstore; CREATE SCHEMA app; \
             CREATE TYPE app.mood AS ENUM ('ok'); CREATE DOMAIN app.d AS int; \
             CREATE TABLE app.t (id int GENERATED ALWAYS AS IDENTITY, n extra.citext, h hstore, \
                                 m app.mood, d app.d); \
             INSERT INTO app.t (n, h) VALUES ('A', 'a=>1'); \
             CREATE TABLE public.u (id serial PRIMARY KEY, v text); \
             CREATE INDEX ON public.u USING gin (v gin_trgm_ops); \
             INSERT INTO public.u (v) VALUES ('x'), ('y'); \
             CREATE VIEW public.w AS SELECT v FROM public.u; CREATE SEQUENCE public.free; \
             CREATE FUNCTION public.f(int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1'"
        ),
    );
    let mut project = Project::without_database(name);
    let url = cluster().url(name).replace("postgres@", &format!("{role}@"));
    project.set("DATABASE_URL", &url);
    project
}

#[test]
fn extensions_that_somebody_else_made_stay_and_the_rest_comes_back() {
    let project = owned("cbo_clean", "");
    // Rights on what extensions made are in the dump, and their owner's to give.
    project.run_sql(
        "GRANT EXECUTE ON FUNCTION get_raw_page(text, bigint) TO PUBLIC; \
         REVOKE EXECUTE ON FUNCTION set_limit(real) FROM PUBLIC",
    );
    let before = project.content();
    for format in FORMATS {
        let name = backup(&project, format);
        project.run_sql(
            "SET SESSION AUTHORIZATION cbo_clean_role; DELETE FROM public.u; \
                 DROP TABLE app.t; CREATE TABLE public.later (a int)",
        );
        // It may not create databases, and only a superuser can create such an extension.
        project
            .db(&["restore", &name, "--yes"])
            .code(11)
            .says("`cbo_clean_role` may not create databases")
            .says(
                "`cbo_clean_role` may not create `pageinspect` in a new database; pass `--clean`",
            );
        project.db(&["restore", &name, "--clean", "--yes"]).ok();
        assert_eq!(project.content(), before, "{format}");
    }
    project.db(&["restore", "--latest", "--into", "cbo_other", "--yes"]).code(11);
}

#[test]
fn what_could_not_be_verified_is_not_unsound() {
    let mut project = owned("cbo_verify", "");
    let name = backup(&project, "custom");
    project.db(&["backups", "verify", &name]).ok();
    let state = |project: &Project| {
        let list = project.db(&["backups", "list", "--json"]).ok().json();
        list["backups"][0]["state"].as_str().unwrap().to_owned()
    };
    let verify = ["backups", "verify", &name, "--level", "restore"];
    let failed = project.db(&verify).code(7).says("could not verify");
    failed.says("may not create databases");
    assert_eq!(state(&project), "verified");
    let failed = project.db(&[&verify[..], &["--json"]].concat()).code(7).json();
    assert_eq!(failed["error"]["code"], "BACKUP.UNVERIFIED");
    // A server that is down says nothing about a backup either.
    project.set("DATABASE_URL", "postgres://postgres@127.0.0.1:1/cbo_verify");
    project.db(&verify).code(6).says("cannot connect");
    project.db(&["backups", "verify", "--all", "--level", "restore"]).code(6);
    assert_eq!(state(&project), "verified");
    // A superuser can load it.
    project.set("DATABASE_URL", &cluster().url("cbo_verify"));
    project.db(&verify).ok().says("sound");
}

#[test]
fn a_role_that_may_create_databases_restores_what_it_may_create() {
    let project = owned("cbo_swap", "CREATEDB");
    cluster().run("cbo_swap", "DROP EXTENSION pageinspect; DROP SCHEMA extra CASCADE");
    let before = project.content();
    for format in FORMATS {
        let name = backup(&project, format);
        project.db(&["backups", "verify", &name, "--level", "restore"]).ok().says("sound");
        project.run_sql("DELETE FROM public.u");
        project.db(&["restore", &name, "--yes"]).ok();
        assert_eq!(project.content(), before, "{format}");
    }
}

#[test]
fn default_privileges_of_a_schema_that_stays_change_nothing_that_comes_back() {
    let project = owned("cbo_defaults", "");
    let role = "cbo_defaults_role";
    cluster().run("postgres", "CREATE ROLE cbo_defaults_reader");
    // `--clean` does not drop this schema, because another role's extension is in it.
    project.run_sql(&format!("ALTER SCHEMA extra OWNER TO {role}"));
    project.run_sql(&format!(
        "SET SESSION AUTHORIZATION {role}; CREATE TABLE extra.kept (a int); \
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO cbo_defaults_reader"
    ));
    for format in FORMATS {
        let before = project.content();
        let name = backup(&project, format);
        project.run_sql(&format!(
            "SET SESSION AUTHORIZATION {role}; ALTER DEFAULT PRIVILEGES IN SCHEMA extra \
             GRANT INSERT ON TABLES TO cbo_defaults_reader"
        ));
        project.db(&["restore", &name, "--clean", "--yes"]).ok();
        assert_eq!(project.content(), before, "{format}");
    }
    // Default privileges that the backup contains are restored.
    project.run_sql(&format!(
        "SET SESSION AUTHORIZATION {role}; ALTER DEFAULT PRIVILEGES IN SCHEMA extra \
         GRANT UPDATE ON TABLES TO cbo_defaults_reader"
    ));
    let before = project.content();
    let name = backup(&project, "custom");
    project.db(&["restore", &name, "--clean", "--yes"]).ok();
    assert_eq!(project.content(), before);
    // If privileges are left out, those of a schema that is kept do not change.
    let defaults = "SELECT defaclacl FROM pg_default_acl ORDER BY defaclnamespace";
    let before = project.query(defaults);
    assert_eq!(before.len(), 2, "{before:?}");
    project.db(&["restore", &name, "--clean", "-x", "--yes"]).ok();
    assert_eq!(project.query(defaults), before);
}

#[test]
fn a_missing_client_does_not_fail_a_backup() {
    let project = Project::new("cbo_client");
    for name in ["other.sql.gz", "newer.dump"] {
        let format = if name == "newer.dump" { "custom" } else { "sql" };
        project.db(&["backup", "--format", format, "-o", name]).ok();
    }
    let manifest = project.path().join("backups/newer.dump.manifest.json");
    let mut known: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    known["engine"]["major"] = 99.into();
    std::fs::write(&manifest, known.to_string()).unwrap();
    let ran = project.db(&["backups", "verify", "--all", "--json"]).code(11);
    assert_eq!(ran.json()["error"]["code"], "BACKUP.NO_CLIENT");
    let ran = ran.says("could not verify newer.dump: ").says("99");
    assert!(!ran.to_string().contains("not sound"), "{ran}");
    // The other backups were verified anyway, and the earlier result for this one stays valid.
    project.db(&["backups", "verify", "--all"]).code(11).says("other.sql.gz");
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    assert_eq!(list["backups"][0]["state"], "verified", "{list:#}");
}

#[test]
fn an_owner_that_nothing_may_be_given_to_is_named_before_anything_is_made() {
    let project = owned("cbo_owner", "CREATEDB");
    let role = "cbo_owner_role";
    project.run_sql(&format!(
        "DROP EXTENSION pageinspect; DROP SCHEMA extra CASCADE; CREATE ROLE cbo_owner_team; \
         CREATE SCHEMA team; CREATE TABLE team.t (a int); INSERT INTO team.t VALUES (1); \
         ALTER TABLE team.t OWNER TO cbo_owner_team; ALTER SCHEMA team OWNER TO cbo_owner_team; \
         GRANT pg_read_all_data TO {role}"
    ));
    let name = backup(&project, "custom");
    let others: &[&[&str]] =
        &[&[], &["--into", "cbo_owner_into"], &["--clean"], &["--table", "team.t"]];
    for how in others {
        let ran = project.db(&[&["restore", &name, "--yes"], *how].concat()).code(11);
        let ran = ran.says("`cbo_owner_role` may give nothing to `cbo_owner_team`");
        let ran =
            ran.says("`GRANT \"cbo_owner_team\" TO \"cbo_owner_role\"`, or pass `--no-owner`");
        let builds = how.is_empty() || how[0] == "--into";
        assert_eq!(ran.to_string().contains("`--as` one role"), builds, "{ran}");
    }
    // Objects that the role does not own can still be replaced.
    project.run_sql("DELETE FROM public.u");
    project.db(&["restore", &name, "--table", "u", "--yes"]).code(11).says("depends: ");
    project.run_sql("DROP VIEW public.w");
    project.db(&["restore", &name, "--table", "u", "--yes"]).ok();
    assert_eq!(project.query("SELECT v FROM public.u ORDER BY id"), ["x", "y"]);
    let verify = ["backups", "verify", &name, "--level", "restore"];
    project
        .db(&verify)
        .code(7)
        .says("may give nothing to")
        .says("or verify the backup with `--level full`");
    // Each of the suggested fixes works.
    project.db(&["restore", &name, "--no-owner", "-x", "--into", "cbo_owner_none", "--yes"]).ok();
    project.run_sql(&format!("GRANT cbo_owner_team TO {role}"));
    project.db(&["restore", &name, "--yes"]).ok();
    let owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'team'";
    assert_eq!(project.query(owner), ["cbo_owner_team"]);
}

/// A database of a role that may create databases, with one table in `public`.
fn plain(name: &str) -> Project {
    let role = format!("{name}_role");
    cluster().run("postgres", &format!("CREATE ROLE {role} LOGIN CREATEDB"));
    cluster().run("postgres", &format!("CREATE DATABASE {name} OWNER {role}"));
    let mut project = Project::without_database(name);
    let url = cluster().url(name).replace("postgres@", &format!("{role}@"));
    project.set("DATABASE_URL", &url);
    project.run_sql(&format!(
        "SET SESSION AUTHORIZATION {role}; CREATE TABLE t (a int); INSERT INTO t VALUES (1)"
    ));
    project
}

#[test]
fn the_owner_of_the_schema_public_needs_no_grant() {
    let project = plain("cbo_public");
    // A file that names the owner of `public`, as `pg_dump` writes it for this schema alone.
    let file = project.path().join("public.sql").display().to_string();
    let arguments = ["-n", "public", "-f", file.as_str(), &cluster().url("cbo_public")];
    let dumped = Command::new(binaries().join("pg_dump")).args(arguments).status().unwrap();
    assert!(dumped.success());
    // Before PostgreSQL 15, a superuser owns the schema, to whom another role can give nothing.
    let is_of_superuser = cluster().major() < 15;
    let owner = if is_of_superuser { "postgres" } else { "pg_database_owner" };
    let named = format!("ALTER SCHEMA public OWNER TO {owner}");
    assert!(std::fs::read_to_string(&file).unwrap().contains(&named));
    let restore = |name: &str, more: &[&str]| {
        let ran = || project.db(&[&["restore", name, "--yes"], more].concat());
        if is_of_superuser {
            ran().code(11).says("may give nothing to `postgres`").says("--no-owner");
            return project.db(&[&["restore", name, "--yes", "--no-owner"], more].concat()).ok();
        }
        ran().ok()
    };
    restore(&file, &["--into", "cbo_public_file"]).says("cbo_public_file");
    let taken = project.db(&["backup", "--schema", "public", "--json"]).ok().json();
    let name = taken["backup"]["name"].as_str().unwrap();
    let level = if is_of_superuser { "full" } else { "restore" };
    project.db(&["backups", "verify", name, "--level", level]).ok().says("sound");
    restore(name, &["--into", "cbo_public_part"]).says("cbo_public_part");
    assert_eq!(cluster().query("cbo_public_part", "SELECT a FROM t"), ["1"]);
    restore(&file, &[]).says("cbo_public");
    assert_eq!(project.query("SELECT a FROM t"), ["1"]);
}

#[test]
fn rights_that_another_role_granted_are_named_before_anything_is_made() {
    let mut project = plain("cbo_grantor");
    let role = "cbo_grantor_role";
    project.run_sql(&format!(
        "CREATE ROLE cbo_grantor_a; CREATE ROLE cbo_grantor_b; SET SESSION AUTHORIZATION {role}; \
         GRANT SELECT ON t TO cbo_grantor_a WITH GRANT OPTION; RESET SESSION AUTHORIZATION; \
         SET ROLE cbo_grantor_a; GRANT SELECT ON t TO cbo_grantor_b"
    ));
    for format in ["sql", "custom"] {
        let name = backup(&project, format);
        let others: &[&[&str]] = &[&[], &["--into", "cbo_grantor_x"], &["--clean"]];
        for how in others {
            let ran = project.db(&[&["restore", &name, "--yes"], *how].concat()).code(11);
            ran.says("`cbo_grantor_role` may not act as `cbo_grantor_a`").says("--no-owner");
        }
        project.db(&["restore", &name, "--no-owner", "--yes"]).ok();
        project.run_sql("SET ROLE cbo_grantor_a; GRANT SELECT ON t TO cbo_grantor_b");
    }
    // A dump in which each role creates its own objects can be loaded by that role.
    project.run_sql("REVOKE SELECT ON t FROM cbo_grantor_a CASCADE");
    let file = project.path().join("acting.sql").display().to_string();
    let url = cluster().url("cbo_grantor");
    let arguments = ["--use-set-session-authorization", "-f", file.as_str(), &url];
    let dumped = Command::new(binaries().join("pg_dump")).args(arguments).status().unwrap();
    assert!(dumped.success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("SET SESSION AUTHORIZATION 'cbo_grantor_role'"), "{text}");
    project.db(&["restore", &file, "--into", "cbo_grantor_own", "--yes"]).ok();
    cluster().run("postgres", "CREATE ROLE cbo_grantor_c LOGIN CREATEDB");
    let other = cluster().url("cbo_grantor").replace("postgres@", "cbo_grantor_c@");
    project.set("DATABASE_URL", &other);
    project
        .db(&["restore", &file, "--into", "cbo_grantor_not", "--yes"])
        .code(11)
        .says("`cbo_grantor_c` may not act as `cbo_grantor_role`");
}
