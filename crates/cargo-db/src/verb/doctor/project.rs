//! The project: what it keeps of its databases, and what git has of that.

use std::path::Path;

use crate::audit::Trail;
use crate::backup::BackupFolder;
use crate::change::Workspace;
use crate::failure::Result;
use crate::model::path::without_dots;
use crate::rehearse::Receipts;
use crate::settings::{Runner, Settings};
use crate::verb::doctor::check::{Diagnosis, DoctorCheck};
use crate::world::git::{git, listed};
use crate::world::hook_manager::{HookManager, hook_manager};
use crate::world::{files, tool};

pub(super) const CHECKS: &[DoctorCheck<Workspace>] = &[
    DoctorCheck { id: "build", diagnose: build },
    DoctorCheck { id: "tools", diagnose: tools },
    DoctorCheck { id: "trail", diagnose: trail },
    DoctorCheck { id: "receipts", diagnose: receipts },
    DoctorCheck { id: "git-ignore", diagnose: git_ignore },
    DoctorCheck { id: "hooks", diagnose: hooks },
];

/// The version of this build.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The profile of this build.
pub(super) const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

fn build(_: &mut Workspace) -> Result<Diagnosis> {
    Ok(Diagnosis::Sound(format!("cargo-db {VERSION}, built with the {PROFILE} profile")))
}

/// The programs that run migrations.
fn tools(subject: &mut Workspace) -> Result<Diagnosis> {
    let sets = subject.sets();
    let settings = sets.iter().filter_map(|(_, settings)| settings.as_ref().ok());
    let missing: Vec<String> = settings.filter_map(missing_program).collect();
    Ok(Diagnosis::of_evidence(
        missing,
        "every program that runs migrations is installed",
        "install it, or name another command in `[migrations]` of db.toml",
    ))
}

fn missing_program(settings: &Settings) -> Option<String> {
    let migrations = &settings.migrations;
    if migrations.runner != Runner::Tool {
        return None;
    }
    let named = migrations.commands.shown().get("apply").and_then(|words| words.first().cloned());
    let customary = || migrations.layout.profile().commands.all.split_whitespace().next();
    let program = named.or_else(|| customary().map(str::to_owned))?;
    let found = tool::find(&program, &migrations.tool_dir, &settings.repository);
    let missing =
        || format!("`{program}`, which runs the migrations of {}", migrations.layout.key());
    found.is_none().then(missing)
}

fn trail(subject: &mut Workspace) -> Result<Diagnosis> {
    let broken = match Trail::of(&subject.settings.root).verify()? {
        Ok(records) => {
            return Ok(Diagnosis::Sound(format!("the trail has {records} sound records")));
        }
        Err(broken) => format!("record {}: {}", broken.sequence, broken.why),
    };
    let remedy = "find out who changed .db/audit.jsonl; records of staging and production are in \
                  the database too";
    Ok(Diagnosis::of_evidence(vec![broken], "", remedy)
        .with_commands(&["cargo db audit verify", "cargo db audit --database"]))
}

fn receipts(subject: &mut Workspace) -> Result<Diagnosis> {
    let root = &subject.settings.root;
    let unreadable = Receipts::of(root).unreadable()?;
    Ok(Diagnosis::of_evidence(
        unreadable.iter().map(|path| shown(path, root)).collect(),
        "every receipt can be read",
        "delete the file, and rehearse again",
    ))
}

/// Files with passwords or rows do not belong in git.
fn git_ignore(subject: &mut Workspace) -> Result<Diagnosis> {
    let settings = &subject.settings;
    let root = &settings.root;
    let backups = shown(&without_dots(BackupFolder::of(settings).path()), root);
    let mut asked = vec!["ls-files", "-z", "--"];
    asked.extend([".db", ".env", ".env.staging", ".env.production"]);
    // A folder in another place is not in this repository.
    asked.extend(Some(backups.as_str()).filter(|path| Path::new(path).is_relative()));
    let Some(tracked) = listed(root, &asked) else {
        return Ok(Diagnosis::Skipped("this is not a git repository".to_owned()));
    };
    let tracked = tracked.iter().filter(|path| !path.ends_with(".gitignore"));
    let mut found: Vec<String> =
        tracked.map(|path| format!("git tracks {}", path.display())).collect();
    let is_ignored = || git(root, &["check-ignore", "--no-index", ".env"]).is_some();
    if files::exists(&root.join(".env")) && !is_ignored() {
        found.push("git does not ignore .env".to_owned());
    }
    Ok(Diagnosis::of_evidence(
        found,
        "git has no file with a password or a backup",
        "add it to .gitignore, remove it with `git rm --cached`, and change the passwords in it",
    ))
}

/// The hooks that `cargo db hooks install` writes: all of them are there, or none.
fn hooks(subject: &mut Workspace) -> Result<Diagnosis> {
    const NAMES: [&str; 4] = ["pre-commit", "pre-push", "post-checkout", "post-merge"];
    let root = &subject.settings.root;
    let Some(folder) = git(root, &["rev-parse", "--git-path", "hooks"]) else {
        return Ok(Diagnosis::Skipped("this is not a git repository".to_owned()));
    };
    let top = git(root, &["rev-parse", "--show-toplevel"]).unwrap_or_default();
    let of_git = without_dots(&root.join(folder.trim_end()));
    let (manager, folder) = hook_manager(Path::new(top.trim_end()), &of_git);
    let calls_us = |text: &str| text.contains("cargo db") || text.contains("cargo-db");
    let text = |file: &Path| files::read_if_there(file).ok().flatten().unwrap_or_default();
    let is_ours = |name: &&str| match &manager {
        HookManager::Lefthook(file) => {
            let text = text(file);
            calls_us(&text) && text.contains(*name)
        }
        _ => calls_us(&text(&folder.join(name))),
    };
    let (installed, missing): (Vec<&str>, Vec<&str>) = NAMES.into_iter().partition(is_ours);
    if installed.is_empty() {
        return Ok(Diagnosis::Sound("no hooks are installed".to_owned()));
    }
    Ok(Diagnosis::of_evidence(
        missing.iter().map(|name| format!("the hook {name} does not call cargo db")).collect(),
        "the hooks call cargo db",
        "`cargo db hooks install` adds what is missing",
    )
    .with_commands(&["cargo db hooks status"]))
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
