//! How `cargo db` is started where no `xtask` gives it to the project.

use std::path::{Path, PathBuf};

use crate::migration::{Vendored, name_of};
use crate::verb::init::source::this_program;
use crate::verb::init::work::Work;
use crate::world::{files, process};

/// The manifest of the program in a vendored source, and its package.
pub(super) fn of_source(root: &Path, vendored: &Vendored) -> (String, &'static str) {
    let has_xtask = |workspace: &&PathBuf| {
        name_of(&root.join(workspace).join("xtask")).as_deref() == Some("xtask")
    };
    // With its `xtask`, what was built to run `init` is not built again.
    let (folder, package) = match vendored.workspace.as_ref().filter(has_xtask) {
        Some(workspace) => (workspace, "xtask"),
        None => (vendored.workspace.as_ref().unwrap_or(&vendored.folder), "cargo-db"),
    };
    (folder.join("Cargo.toml").display().to_string(), package)
}

/// Whether cargo finds a `cargo-db` on the `PATH`.
pub(super) fn is_installed() -> bool {
    process::search_path().iter().any(|folder| files::exists(&folder.join("cargo-db")))
}

/// Says that the project uses an installed `cargo-db`, and how to install it if it is not.
pub(super) fn installed(why: &str, or_else: &str, work: &mut Work) {
    if is_installed() {
        work.notes.push(format!("{why}: `cargo db` is the installed `cargo-db`{or_else}"));
        return;
    }
    let source = this_program().folder;
    if !files::exists(source) {
        let command = "cargo install --locked --path crates/cargo-db";
        work.notes.push(format!(
            "{why}, and `cargo-db` is not installed: run `{command}` in a clone of cargo \
             db{or_else}"
        ));
        return;
    }
    let source = shell_words::quote(&source.display().to_string()).into_owned();
    let command = format!("cargo install --locked --path {source}");
    work.notes
        .push(format!("{why}, and `cargo-db` is not installed: `{command}` installs it{or_else}"));
    work.next = Some(command);
}
