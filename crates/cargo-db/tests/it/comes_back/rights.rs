//! A restore brings back owners and privileges, and compares them with the manifest.

use std::os::unix::fs::PermissionsExt;

use super::{FORMATS, backup};
use crate::support::{Project, binaries, cluster};

fn granted(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(&format!(
        "CREATE ROLE {name}_a; CREATE ROLE {name}_b; CREATE TABLE t (id int, v text); \
         ALTER TABLE t OWNER TO {name}_a; GRANT SELECT ON t TO {name}_b; \
         GRANT UPDATE (v) ON t TO {name}_b WITH GRANT OPTION; \
         CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC; CREATE SCHEMA app AUTHORIZATION {name}_b; \
         SET ROLE {name}_b; ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC"
    ));
    project
}

#[test]
fn rights_are_in_the_manifest_and_come_back() {
    let project = granted("cbr_back");
    let before = project.content();
    for format in FORMATS {
        let name = backup(&project, format);
        let shown = project.db(&["backups", "show", &name, "--json"]).ok().json();
        let rights = shown["manifest"]["rights"].as_array().unwrap();
        let holds = |right: &str| rights.iter().any(|other| other == right);
        assert!(
            holds("GRANT UPDATE(v) ON TABLE public.t TO cbr_back_b WITH GRANT OPTION"),
            "{rights:?}"
        );
        assert!(holds("ALTER TABLE public.t OWNER TO cbr_back_a"), "{rights:?}");
        project.db(&["backups", "verify", &name, "--level", "restore"]).ok().says("sound");
        project.db(&["restore", &name, "--yes"]).ok();
        assert_eq!(project.content(), before, "{format}");
        // If owners and privileges are left out, they are not compared.
        let into = format!("cbr_back_{format}");
        project.db(&["restore", &name, "-O", "-x", "--into", &into, "--yes"]).ok();
        let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 't'";
        assert_eq!(cluster().query(&into, owner), ["postgres"]);
    }
}

#[test]
fn a_privilege_that_is_not_restored_is_named() {
    let mut project = granted("cbr_lost");
    let name = backup(&project, "custom");
    // This `pg_dump` shows the restored database with one GRANT missing and another one added.
    let (real, clients) = (binaries(), project.path().join("clients"));
    for program in ["pg_dump", "pg_restore", "psql", "pg_dumpall"] {
        let lost = match program {
            "pg_dump" => {
                "case \"$*\" in *--snapshot*|*--version*) ;; *) \"$real\" \"$@\" | \
                          sed 's/^GRANT SELECT ON TABLE public.t TO cbr_lost_b/GRANT ALL ON TABLE \
                          public.t TO cbr_lost_b/'; exit;; esac\n"
            }
            _ => "",
        };
        let real = real.join(program).display().to_string();
        let script = format!("#!/bin/sh\nreal='{real}'\n{lost}exec \"$real\" \"$@\"\n");
        let path = project.write(&format!("clients/{program}"), &script);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    project.set("CARGO_DB_PG_BIN", clients.to_str().unwrap());
    let ran = project.db(&["backups", "verify", &name, "--level", "restore"]).code(11);
    let ran = ran.says("rights: missing is `GRANT SELECT ON TABLE public.t TO cbr_lost_b`");
    ran.says("rights: the backup does not contain `GRANT ALL ON TABLE public.t TO cbr_lost_b`");
    project.db(&["restore", &name, "--yes"]).code(11).says("rights: missing is");
}

#[test]
fn a_backup_without_owners_is_not_compared_by_owner() {
    let project = granted("cbr_free");
    for format in ["sql", "custom"] {
        let arguments = ["backup", "--no-owner", "--format", format, "--json"];
        let taken = project.db(&arguments).ok().json();
        let name = taken["backup"]["name"].as_str().unwrap();
        project.db(&["backups", "verify", name, "--level", "restore"]).ok().says("sound");
        project.db(&["restore", name, "--yes"]).ok();
        let holder = "SELECT has_column_privilege('cbr_free_b', 't', 'v', 'UPDATE')";
        assert_eq!(project.query(holder), ["t"], "{format}");
    }
}

#[test]
fn the_schema_public_is_restored_alone() {
    let project = granted("cbr_public");
    for format in ["sql", "custom"] {
        let arguments = ["backup", "--schema", "public", "--format", format, "--json"];
        let taken = project.db(&arguments).ok().json();
        let name = taken["backup"]["name"].as_str().unwrap();
        project.db(&["backups", "verify", name, "--level", "restore"]).ok().says("sound");
        let into = format!("cbr_public_{format}");
        project.db(&["restore", name, "--into", &into, "--yes"]).ok();
        let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 't'";
        assert_eq!(cluster().query(&into, owner), ["cbr_public_a"]);
    }
}
