//! Building an `xtask` implies trust in it. This test is one: it calls `cargo_db::main()` when its
//! first argument is `db`, as an adopter's `main` does, and otherwise checks what that may do.

#![expect(clippy::disallowed_methods, reason = "tests look at the product from outside")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("db") {
        return cargo_db::main();
    }
    what_is_built_here_runs_what_the_repository_names();
    ExitCode::SUCCESS
}

fn what_is_built_here_runs_what_the_repository_names() {
    let folder = tempfile::Builder::new().prefix("cargo-db-xtask-").tempdir().unwrap();
    let (here, other) = (folder.path().join("here"), folder.path().join("other"));
    for repository in [&here, &other] {
        std::fs::create_dir_all(repository.join(".git")).unwrap();
        std::fs::create_dir_all(repository.join("xtask")).unwrap();
    }
    std::fs::write(
        here.join("db.toml"),
        "[migrations]\nstatus = ['./tool']\ncreate = ['./tool', 'new']\n",
    )
    .unwrap();
    let trace = here.join("it-ran");
    let tool = here.join("tool");
    std::fs::write(&tool, format!("#!/bin/sh\ntouch {}\n", trace.display())).unwrap();
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();

    let runs = |program: &Path, variables: &[(&str, &Path)]| {
        let ended = Command::new(program)
            .args(["db", "create", "x", "-D", "postgres://nobody@127.0.0.1:1/none"])
            .current_dir(&here)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let ran = trace.exists();
        let _ = std::fs::remove_file(&trace);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ran, !said.contains("configures programs that are not trusted"), "{said}");
        ran
    };
    let xtask = std::env::current_exe().unwrap();
    let installed = Path::new(env!("CARGO_BIN_EXE_cargo-db"));
    let manifest = |repository: &Path| repository.join("xtask");
    assert!(runs(&xtask, &[]), "it was built here");
    assert!(runs(&xtask, &[("CARGO_MANIFEST_DIR", &manifest(&here))]));
    assert!(!runs(&xtask, &[("CARGO_MANIFEST_DIR", &manifest(&other))]), "it was built elsewhere");
    assert!(!runs(installed, &[]));
    assert!(!runs(installed, &[("CARGO_MANIFEST_DIR", &manifest(&here))]));
    assert!(runs(installed, &[("CARGO_DB_TRUST", &here)]));
}
