//! `cargo db init` adds to a repository what cargo db needs. It may add lines to existing files,
//! but removes none.

mod agents;
mod alias;
mod cargo;
mod ignored;
mod manifest;
mod program;
mod sets;
mod source;
mod work;

use std::path::Path;

use clap::Args;

use crate::answer::{Added, Initialised, Outcome};
use crate::change::{Effect, Needs, Workspace};
use crate::face::{CodingAgent, agent_files};
use crate::failure::Result;
use crate::migration::{self, DEPTH};
use crate::verb::declare::Verb;
use crate::verb::init::work::{EditKind, Work, is_taken, shown};
use crate::world::{edit, files};
use db_tools::ProjectTool;

const EFFECT: Effect = Effect::Reads;

/// Set up cargo db in a repository
///
/// Adds lines to existing files, but removes none. Lists the decisions that are left to you.
///
/// `--agent` writes files for coding agents too: a skill in `.agents`, and slash commands in the
/// format of each agent. It changes only files that it wrote. With a `db.toml`, it writes nothing
/// else.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct InitArgs {
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write files for this coding agent, or for all; may be repeated
    #[arg(long, value_name = "AGENT", value_enum, num_args = 0.., require_equals = true)]
    #[arg(value_delimiter = ',', default_missing_value = "all")]
    agent: Vec<CodingAgent>,
    /// Write nothing; exit with code 1 if a file for an agent is missing or outdated
    #[arg(long, requires = "agent", conflicts_with = "dry_run")]
    check: bool,
}

/// Whose existence means that the project is set up.
const SETTINGS: &str = "db.toml";

const ENV_EXAMPLE: &str = "\
# Copy to `.env`; the process environment overrides it. docs/settings.md of cargo db lists all
# variables.

# The database. Without it: a private local server.
DATABASE_URL=
# development, test, staging or production.
CARGO_DB_ENV=
";

impl Verb for InitArgs {
    fn name(&self) -> &'static str {
        "init"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let root = workspace.settings.root.as_path();
        let files = match self.agent.as_slice() {
            [] => Vec::new(),
            chosen => agents::survey(root, agent_files(chosen, &(workspace.described_commands)()))?,
        };
        if self.check {
            return Ok(agents::report(&self.agent, &files));
        }
        let mut work = match !files.is_empty() && is_taken(&root.join(SETTINGS)) {
            true => Work::default(),
            false => {
                let backups = workspace.settings.backup.dir.value.strip_prefix(root).ok();
                let backups = backups.map(|folder| folder.display().to_string());
                survey_of(root, backups.as_deref())?
            }
        };
        agents::add(root, files, &mut work);
        self.carry_out(workspace, &work)?;
        let (mut written, mut rewritten, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for edit in work.edits {
            let file = shown(root, &edit.path);
            match edit.kind {
                EditKind::Lines(lines) => added.push(Added { file, lines }),
                EditKind::New => written.push(file),
                EditKind::Anew => rewritten.push(file),
            }
        }
        Ok(Outcome::done(Initialised {
            dry_run: self.dry_run,
            written,
            rewritten,
            added,
            found: work.found,
            left_to_you: work.by_hand,
            notes: work.notes,
            next: work.next.unwrap_or_else(|| "cargo db status".to_owned()),
        }))
    }
}

impl InitArgs {
    fn carry_out(&self, workspace: &Workspace, work: &Work) -> Result<()> {
        let (root, ui) = (workspace.settings.root.as_path(), &workspace.ui);
        for found in &work.found {
            ui.status("Found", found);
        }
        for edit in &work.edits {
            if !self.dry_run {
                match edit.kind {
                    EditKind::Lines(_) | EditKind::Anew => edit::rewrite(&edit.path, &edit.text)?,
                    EditKind::New => files::write_new(&edit.path, &edit.text)?,
                }
            }
            let file = shown(root, &edit.path);
            let (word, text) = match (&edit.kind, self.dry_run) {
                (EditKind::Lines(lines), true) => ("Would add", to_file(lines, &file)),
                (EditKind::Lines(lines), false) => ("Added", to_file(lines, &file)),
                (EditKind::New, true) => ("Would write", file),
                (EditKind::New, false) => ("Wrote", file),
                (EditKind::Anew, true) => ("Would update", file),
                (EditKind::Anew, false) => ("Updated", file),
            };
            ui.status(word, &text);
        }
        Ok(())
    }
}

fn to_file(lines: &[String], file: &str) -> String {
    format!("{} to {file}", lines.join(", "))
}

/// What exists, and what has to be written.
fn survey_of(root: &Path, backups: Option<&str>) -> Result<Work> {
    let mut work = Work::default();
    let (folders, vendored) = migration::folders_of_project(root, DEPTH);
    let mut found = migration::in_folders(root, &folders);
    let is_begun = !found.is_empty();
    found.extend(migration::configured_tool(root).filter(|_| !is_begun));
    for (layouts, dir) in &found {
        report(root, layouts, dir, is_begun, &mut work);
    }
    if found.is_empty() {
        work.found.push("no migrations: starting with plain SQL files in `migrations`".to_owned());
    }
    let path = root.join(SETTINGS);
    if !is_taken(&path) {
        let text = match found.as_slice() {
            // A folder that db.toml names has to exist, so it is not named.
            [(layouts, _)] if !is_begun => {
                format!("[migrations]\ntool = \"{}\"\n", layouts[0].key())
            }
            _ => sets::db_toml(root, &found, &mut work),
        };
        work.add(path, text);
    } else if found.len() > 1 {
        let text = files::read(&path)?;
        let unnamed = found.iter().map(|(_, dir)| shown(root, dir));
        let unnamed = unnamed.filter(|dir| !String::from_utf8_lossy(&text).contains(dir));
        work.by_hand.extend(unnamed.map(|dir| {
            format!("name {dir} in db.toml, which existed: `[migrations.NAME] dir = \"{dir}\"`")
        }));
    }
    work.add(root.join(".env.example"), ENV_EXAMPLE.to_owned());
    ignored::ignored(root, backups, &mut work)?;
    cargo::workspace(root, &folders, vendored.as_ref(), &mut work)?;
    Ok(work)
}

/// Reports the tools of a folder, and what only a person knows of them.
fn report(root: &Path, layouts: &[ProjectTool], dir: &Path, is_begun: bool, work: &mut Work) {
    let keys: Vec<&str> = layouts.iter().map(ProjectTool::key).collect();
    let (keys, folder) = (keys.join(" or "), shown(root, dir));
    let begins = if is_begun { "" } else { ", without migrations yet" };
    work.found.push(format!("{keys} in {folder}{begins}"));
    if layouts.len() > 1 {
        work.by_hand.push(format!("set `tool` for {folder} in db.toml: its files match {keys}"));
        return;
    }
    let others = migration::guessed_instead_of(root, dir);
    if !others.is_empty() {
        let others = others.join(", ");
        work.notes.push(format!(
            "{keys} is guessed for {folder} from the language of the project: the files also fit \
             {others}. If it is another tool, change `tool` in db.toml"
        ));
    }
}
