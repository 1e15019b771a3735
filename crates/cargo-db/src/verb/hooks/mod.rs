//! `cargo db hooks`.

mod notice;
mod place;
mod pre_deploy;
mod script;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::answer::{HookReport, HookView, Outcome};
use crate::change::{DatabaseNeed, Effect, Needs, Workspace};
use crate::failure::Result;
use crate::model::hook::{Hook, HookState};
use crate::settings::Settings;
use crate::verb::declare::{Verb, verbs};
use crate::world::hook_manager::HookManager;
use crate::world::{edit, files};

use place::HookFolder;
use pre_deploy::{ReleaseScript, ReleaseSteps};

const EFFECT: Effect = Effect::Reads;

/// Install git hooks that check migrations
///
/// `pre-commit` checks what is staged, and `pre-push` what is pushed; a BLOCK stops both.
/// `post-checkout` and `post-merge` report migrations that the branch brings or lacks.
#[derive(Debug, Args)]
pub(crate) struct HooksArgs {
    #[command(subcommand)]
    action: Action,
}

impl HooksArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the hooks.
    Action {
        Install(InstallArgs),
        Uninstall(UninstallArgs),
        Status(HookStatusArgs),
        Notice(notice::NoticeArgs),
    }
}

/// Install the hooks
///
/// Writes the hooks to the folder from which git runs them, or to `.husky`. A hook that is already
/// there is kept: to run both, use `--append`. For lefthook, prints the lines to add to its
/// configuration. Exits with code 1 if a hook was not installed.
///
/// With `--pre-deploy`, writes one executable script and no hook. A file that cargo db did not
/// write is kept.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct InstallArgs {
    /// Add the lines also to existing hooks that are shell scripts
    #[arg(long)]
    append: bool,
    /// Write a script for a release phase instead, which runs `check --deploy`
    #[arg(long, value_name = "FILE", conflicts_with = "append")]
    pre_deploy: Option<PathBuf>,
    /// Let the script run `migrate` afterwards
    #[arg(long, requires = "pre_deploy")]
    migrate: bool,
    /// Let the script use the receipts in this file
    #[arg(long = "receipt", value_name = "FILE", requires = "pre_deploy")]
    receipts: Vec<PathBuf>,
}

/// Remove the hooks, and keep what else is in their files
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct UninstallArgs {
    /// Remove the script for a release phase instead
    #[arg(long, value_name = "FILE")]
    pre_deploy: Option<PathBuf>,
}

/// Show which hooks are installed, and where
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct HookStatusArgs {
    /// Show the script for a release phase instead
    #[arg(long, value_name = "FILE")]
    pre_deploy: Option<PathBuf>,
}

/// A verb that does the same with the file of each hook, and then reports all of them.
trait HookVerb {
    const NAME: &'static str;

    /// Returns whether it changed the file.
    fn apply(&self, place: &HookFolder, file: &HookFile) -> Result<bool>;

    /// Does the same with the script for a release phase; `None` if none was named.
    fn apply_to_script(&self, settings: &Settings) -> Option<Result<Outcome>>;

    /// Whether a hook that is not installed afterwards is a finding.
    fn wants_all(&self) -> bool {
        false
    }
}

impl HookVerb for InstallArgs {
    const NAME: &'static str = "hooks install";

    fn apply(&self, place: &HookFolder, file: &HookFile) -> Result<bool> {
        install(place, file, self.append)
    }

    fn apply_to_script(&self, settings: &Settings) -> Option<Result<Outcome>> {
        let content = ReleaseSteps { migrates: self.migrate, receipts: &self.receipts };
        let install = |file| ReleaseScript::of(settings, file)?.install(&content);
        self.pre_deploy.as_deref().map(install)
    }

    fn wants_all(&self) -> bool {
        true
    }
}

impl HookVerb for UninstallArgs {
    const NAME: &'static str = "hooks uninstall";

    fn apply(&self, place: &HookFolder, file: &HookFile) -> Result<bool> {
        uninstall(place, file)
    }

    fn apply_to_script(&self, settings: &Settings) -> Option<Result<Outcome>> {
        let uninstall = |file| ReleaseScript::of(settings, file)?.uninstall();
        self.pre_deploy.as_deref().map(uninstall)
    }
}

impl HookVerb for HookStatusArgs {
    const NAME: &'static str = "hooks status";

    fn apply(&self, _: &HookFolder, _: &HookFile) -> Result<bool> {
        Ok(false)
    }

    fn apply_to_script(&self, settings: &Settings) -> Option<Result<Outcome>> {
        let status = |file| ReleaseScript::of(settings, file)?.status();
        self.pre_deploy.as_deref().map(status)
    }
}

impl<V: HookVerb> Verb for V {
    fn name(&self) -> &'static str {
        V::NAME
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Irrelevant, ..Needs::WITHOUT_SETS }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        if let Some(outcome) = self.apply_to_script(&workspace.settings) {
            return outcome;
        }
        let place = HookFolder::of(&workspace.settings)?;
        let report = report(&place, |file| self.apply(&place, file))?;
        let is_lacking = self.wants_all() && !report.is_complete();
        Ok(Outcome::done(report).finding_if(is_lacking))
    }
}

/// The file of a hook.
struct HookFile {
    hook: Hook,
    path: PathBuf,
    /// `None` if there is no file.
    script: Option<String>,
    /// Whether it can be changed: it is a text, and no link to one.
    is_plain: bool,
}

impl HookFile {
    fn of(place: &HookFolder, hook: Hook) -> Result<HookFile> {
        let path = place.folder.join(hook.name());
        let is_link = edit::is_link(&path);
        let bytes = match is_link {
            // A link to nothing is a hook too.
            true => Some(files::read(&path).unwrap_or_default()),
            false => files::exists(&path).then(|| files::read(&path)).transpose()?,
        };
        let text = bytes.map(String::from_utf8);
        let is_plain = !is_link && text.as_ref().is_none_or(std::result::Result::is_ok);
        let script = text.map(std::result::Result::unwrap_or_default);
        Ok(HookFile { hook, path, script, is_plain })
    }

    fn state(&self, place: &HookFolder) -> HookState {
        let Some(script) = &self.script else { return HookState::Absent };
        let state = place.caller.state(self.hook, script);
        let is_run = place.manager == HookManager::Husky || edit::is_executable(&self.path);
        if is_run || state == HookState::Other { state } else { HookState::Disabled }
    }

    /// Whether the lines of cargo db can be added to it.
    fn takes_lines(&self) -> bool {
        self.is_plain && self.script.as_deref().is_some_and(script::is_of_shell)
    }
}

/// What the hooks are, after something was done with each of their files.
fn report(place: &HookFolder, change: impl Fn(&HookFile) -> Result<bool>) -> Result<HookReport> {
    if let HookManager::Lefthook(file) = &place.manager {
        return lefthook_report(place, file);
    }
    let (mut hooks, mut notes) = (Vec::new(), Vec::new());
    // All are read before the first one is changed.
    let before: Vec<HookFile> =
        Hook::ALL.into_iter().map(|hook| HookFile::of(place, hook)).collect::<Result<_>>()?;
    for file in before {
        let (hook, changed) = (file.hook, change(&file)?);
        let file = HookFile::of(place, hook)?;
        let state = file.state(place);
        notes.extend(note(place, &file, state).filter(|_| !changed));
        hooks.push(HookView { hook, state, changed });
    }
    if place.is_unused {
        notes.push("husky is not set up in this clone yet: run `npm install`".to_owned());
    }
    let manager = if place.manager == HookManager::Husky { "husky" } else { "git" };
    Ok(HookReport { manager, place: place.shown(&place.folder), hooks, notes, lines: None })
}

/// What to do about a hook of somebody else.
fn note(place: &HookFolder, file: &HookFile, state: HookState) -> Option<String> {
    let shown = place.shown(&file.path);
    match state {
        HookState::Other if file.takes_lines() => Some(format!(
            "`{shown}` is kept as it is; `cargo db hooks install --append` adds cargo db to it"
        )),
        HookState::Other => Some(format!(
            "`{shown}` is kept as it is; add this command to it: `cargo db {}`",
            file.hook.command()
        )),
        HookState::Disabled => {
            Some(format!("to enable it, run `chmod +x {}`", shell_words::quote(&shown)))
        }
        HookState::Outdated => {
            Some("`cargo db hooks install` replaces the outdated lines".to_owned())
        }
        HookState::Installed | HookState::Absent => None,
    }
}

/// Lefthook writes the files of the hooks itself.
fn lefthook_report(place: &HookFolder, file: &Path) -> Result<HookReport> {
    let text = String::from_utf8_lossy(&files::read(file)?).into_owned();
    let view = |hook| HookView { hook, state: script::lefthook_state(hook, &text), changed: false };
    let hooks: Vec<HookView> = Hook::ALL.map(view).into();
    let is_complete = hooks.iter().all(|hook| hook.state == HookState::Installed);
    let shown = place.shown(file);
    let built = place.caller.built.as_ref().filter(|path| !path.starts_with('/'));
    let program = built.map_or_else(|| "cargo-db db".to_owned(), |path| format!("./{path} db"));
    let lines = script::lefthook_lines(&program, &place.caller.project);
    let note = format!("lefthook writes the hooks; these lines in `{shown}` let it run cargo db:");
    Ok(HookReport {
        manager: "lefthook",
        place: shown,
        hooks,
        notes: if is_complete { Vec::new() } else { vec![note] },
        lines: (!is_complete).then_some(lines),
    })
}

/// Adds the lines of cargo db to a hook, and returns whether it changed.
fn install(place: &HookFolder, file: &HookFile, append: bool) -> Result<bool> {
    let state = file.state(place);
    let is_ours = matches!(state, HookState::Absent | HookState::Outdated | HookState::Installed);
    let may_add = is_ours || append && state == HookState::Other && file.takes_lines();
    if !may_add || !file.is_plain {
        return Ok(false);
    }
    let script = place.caller.added(file.hook, file.script.as_deref());
    if file.script.as_ref() == Some(&script) {
        return Ok(false);
    }
    edit::rewrite(&file.path, &script)?;
    if file.script.is_none() {
        edit::make_executable(&file.path)?;
    }
    Ok(true)
}

/// Removes the lines of cargo db from a hook, and returns whether it changed.
fn uninstall(place: &HookFolder, file: &HookFile) -> Result<bool> {
    let Some(script) = file.script.as_ref().filter(|_| file.is_plain) else { return Ok(false) };
    let rest = place.caller.removed(script);
    if rest == *script {
        return Ok(false);
    }
    match script::is_empty(&rest) {
        true => files::remove_file(&file.path)?,
        false => edit::rewrite(&file.path, &rest)?,
    }
    Ok(true)
}
