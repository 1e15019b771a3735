//! `cargo db init`: what cargo db needs in a repository. Nothing that is there is changed.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::answer::{Added, Initialised, Outcome};
use crate::change::{Effect, Needs, SetNeed, Workspace};
use crate::failure::Result;
use crate::settings::{Caller, Flags, Sources, survey};
use crate::verb::declare::Verb;
use crate::world::files;
use db_tools::ProjectTool;

const EFFECT: Effect = Effect::Reads;

/// Set up cargo db in a repository
///
/// Existing files are not changed; lines that you have to add to them yourself are printed.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct Init {
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// How deep a monorepo keeps its projects.
const DEPTH: usize = 5;

const ENV_EXAMPLE: &str = "\
# Copy to `.env`; the process environment is stronger. Everything that cargo db reads is in
# docs/settings.md of cargo db.

# The database. Without it: a private local server.
DATABASE_URL=
# development, test, staging or production.
CARGO_DB_ENV=
";

const ALIAS: &str = "db = \"run --quiet --package xtask --bin xtask --\"\n";
const XTASK_MAIN: &str = "\
//! The repository's tasks: `cargo db`.
fn main() -> std::process::ExitCode {
    cargo_db::main()
}
";
const IGNORED: [&str; 3] = ["/.db/", "/backups/", ".env"];

/// What is to be done.
#[derive(Default)]
struct Work {
    found: Vec<String>,
    /// New files.
    write: Vec<(PathBuf, String)>,
    /// Lines at the end of a file.
    append: Vec<(PathBuf, String)>,
    /// What only a person can do.
    by_hand: Vec<String>,
}

impl Verb for Init {
    fn name(&self) -> &'static str {
        "init"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { set: SetNeed::Any, ..Needs::WORKSPACE }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let (root, ui) = (workspace.settings.root.as_path(), &workspace.ui);
        let work = survey_of(root)?;
        let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        for found in &work.found {
            ui.status("Found", found);
        }
        for (path, text) in &work.write {
            if !self.dry_run {
                files::write_new(path, text)?;
            }
            ui.status(if self.dry_run { "Would write" } else { "Wrote" }, &relative(path));
        }
        for (path, lines) in &work.append {
            if !self.dry_run {
                files::append_line(path, lines.trim_end())?;
            }
            let lines = lines.trim().replace('\n', ", ");
            let verb = if self.dry_run { "Would add" } else { "Added" };
            ui.status(verb, &format!("{lines} to {}", relative(path)));
        }
        let added = work.append.iter().map(|(path, lines)| Added {
            file: relative(path),
            lines: lines.trim().lines().map(str::to_owned).collect(),
        });
        Ok(Outcome::done(Initialised {
            dry_run: self.dry_run,
            written: work.write.iter().map(|(path, _)| relative(path)).collect(),
            added: added.collect(),
            found: work.found,
            left_to_you: work.by_hand,
        }))
    }
}

/// What is there, and what has to be written.
fn survey_of(root: &Path) -> Result<Work> {
    let mut work = Work::default();
    let sources = Sources {
        flags: Flags::default(),
        process: std::collections::BTreeMap::new(),
        cwd: root.to_owned(),
        read: &files::read_if_there,
        exists: &|path| files::is_there(path),
        list: &files::listed_files,
        owner: &|_| None,
        caller: Caller::default(),
    };
    let found = survey(&sources, root, &files::folders(root, DEPTH));
    for (layouts, dir) in &found {
        let keys: Vec<&str> = layouts.iter().map(ProjectTool::key).collect();
        let (keys, dir) = (keys.join(" or "), shown(root, dir));
        work.found.push(format!("{keys} in {dir}"));
        if layouts.len() > 1 {
            work.by_hand.push(format!("say in db.toml whose the migrations in {dir} are: {keys}"));
        }
    }
    if found.is_empty() {
        work.found.push(
            "no migrations: plain SQL files in `migrations` is what cargo db begins with"
                .to_owned(),
        );
    }
    add(&mut work, root.join("db.toml"), db_toml(root, &found));
    add(&mut work, root.join(".env.example"), ENV_EXAMPLE.to_owned());
    workspace(root, &mut work);
    ignored(root, &mut work);
    Ok(work)
}

/// A file where none of its name is.
fn add(work: &mut Work, path: PathBuf, text: String) {
    if !files::is_there(&path) {
        work.write.push((path, text));
    }
}

fn text(path: &Path) -> String {
    files::read_if_there(path).ok().flatten().unwrap_or_default()
}

/// The crate and the alias that `cargo db` needs in a workspace.
fn workspace(root: &Path, work: &mut Work) {
    let [manifest, xtask] = ["Cargo.toml", "xtask"].map(|name| root.join(name));
    if !files::is_there(&manifest) {
        work.by_hand
            .push("no cargo workspace is here: install `cargo-db`, and call it as that".to_owned());
        return;
    }
    let elsewhere = files::folders(root, DEPTH).into_iter().map(|folder| root.join(folder));
    let there = elsewhere.into_iter().find(|folder| {
        folder.file_name() == xtask.file_name() && files::is_there(&folder.join("Cargo.toml"))
    });
    if let Some(there) = there {
        if !text(&there.join("Cargo.toml")).contains("cargo-db") {
            let what = format!(
                "let `{}` depend on `cargo-db`, and call `cargo_db::main()` for the argument `db`",
                shown(root, &there)
            );
            work.by_hand.push(what);
        }
    } else {
        add(work, xtask.join("Cargo.toml"), xtask_manifest());
        add(work, xtask.join("src/main.rs"), XTASK_MAIN.to_owned());
        let why = "let the path of `cargo-db` in xtask/Cargo.toml be one that everybody has";
        work.by_hand.push(why.to_owned());
        if !text(&manifest).contains("\"xtask\"") {
            work.by_hand.push(if text(&manifest).contains("[workspace]") {
                "add \"xtask\" to the members of the workspace in Cargo.toml".to_owned()
            } else {
                "make a workspace of it in Cargo.toml:\n[workspace]\nmembers = [\"xtask\"]"
                    .to_owned()
            });
        }
    }
    alias(root, work);
}

/// The alias, in the file that cargo reads: the older name wins where both are there.
fn alias(root: &Path, work: &mut Work) {
    let [old, new] = [".cargo/config", ".cargo/config.toml"].map(|name| root.join(name));
    let config = if files::is_there(&old) { old } else { new };
    if !files::is_there(&config) {
        work.write.push((config, format!("[alias]\n{ALIAS}")));
        return;
    }
    let known: toml::Table = toml::from_str(&text(&config)).unwrap_or_default();
    let name = shown(root, &config);
    match known.get("alias").and_then(toml::Value::as_table) {
        Some(aliases) if aliases.contains_key("db") => {}
        Some(_) => work.by_hand.push(format!("add to `[alias]` in {name}:\n{ALIAS}")),
        None => work.by_hand.push(format!("add to {name}:\n[alias]\n{ALIAS}")),
    }
}

/// What git need not see.
fn ignored(root: &Path, work: &mut Work) {
    let path = root.join(".gitignore");
    let ignored = text(&path);
    let known = |line: &&str| {
        ignored.lines().any(|known| known.trim().trim_matches('/') == line.trim_matches('/'))
    };
    let missing: Vec<&str> = IGNORED.into_iter().filter(|line| !known(line)).collect();
    let lines = format!("{}\n", missing.join("\n"));
    if !files::is_there(&path) {
        add(work, path, lines);
    } else if !missing.is_empty() {
        // What stands there may end without an end of line.
        let gap = if ignored.is_empty() || ignored.ends_with('\n') { "" } else { "\n" };
        work.append.push((path, format!("{gap}{lines}")));
    }
}

/// cargo-db is in no registry: another package of this name there would be somebody else's.
fn xtask_manifest() -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    format!(
        "[package]\nname = \"xtask\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\ncargo-db = {{ path = {here:?} }}\n"
    )
}

fn shown(root: &Path, dir: &Path) -> String {
    let relative = dir.strip_prefix(root).unwrap_or(dir).display().to_string();
    if relative.is_empty() { ".".to_owned() } else { relative }
}

/// The settings for what was found: one tool, or a set for each.
fn db_toml(root: &Path, found: &[(Vec<ProjectTool>, PathBuf)]) -> String {
    // A basic string of TOML is written as one of JSON is.
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let table = |layouts: &[ProjectTool], dir: &Path| {
        let tools: Vec<String> =
            layouts.iter().map(|layout| format!("tool = {}\n", quote(layout.key()))).collect();
        // Of several that fit nobody but a person can choose.
        let tools =
            if tools.len() > 1 { format!("# {}", tools.join("# ")) } else { tools.concat() };
        format!("{tools}dir = {}\n", quote(&shown(root, dir)))
    };
    match found {
        [] => "# Migrations are plain SQL files in `migrations`, as sqlx names them.\n".to_owned(),
        [(layouts, dir)] => format!("[migrations]\n{}", table(layouts, dir)),
        several => {
            let mut text = String::from(
                "# Each set is chosen with `--set`; `cargo db status` shows all of them.\n",
            );
            let mut names: Vec<String> = Vec::new();
            for (layouts, dir) in several {
                let name = set_name(root, &layouts[0], dir, &names);
                text.push_str(&format!("\n[migrations.{}]\n{}", quote(&name), table(layouts, dir)));
                names.push(name);
            }
            text
        }
    }
}

/// What a set is called: as the project that it belongs to, with as much of its path as tells it
/// from the others.
fn set_name(root: &Path, layout: &ProjectTool, dir: &Path, taken: &[String]) -> String {
    let above =
        dir.ancestors().nth(Path::new(layout.folders()[0]).components().count()).unwrap_or(dir);
    let path = above.strip_prefix(root).unwrap_or(above);
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let by_path = (1..=parts.len()).map(|count| parts[parts.len() - count..].join("-"));
    let by_tool = std::iter::once(layout.key().to_owned());
    let by_number = (2..).map(|number| format!("{}-{number}", layout.key()));
    let mut names = by_path.chain(by_tool).chain(by_number);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}
