//! The `db.toml` for the tools that were found: one tool, or a set for each folder, each with its
//! own history if several would share one.

use std::path::{Path, PathBuf};

use db_tools::ProjectTool;

use crate::answer::text::quoted;
use crate::migration::guessed_instead_of;
use crate::verb::init::work::{Work, is_taken, read_or_empty, shown};
use crate::world::files;

/// Migrations folders, with the tools that they match.
pub(super) type FoundFolders = [(Vec<ProjectTool>, PathBuf)];

/// The text of `db.toml`. Further files and manual steps that it needs are added to `work`.
pub(super) fn db_toml(root: &Path, found: &FoundFolders, work: &mut Work) -> String {
    match found {
        [] => "# Migrations are plain SQL files in `migrations`, as sqlx names them.\n".to_owned(),
        [(layouts, dir)] => format!("[migrations]\n{}", table(root, layouts, dir)),
        several => {
            let mut text = String::from(
                "# Each set is chosen with `--set`; `cargo db status` shows all of them.\n",
            );
            for MigrationSet { name, layouts, dir } in sets(root, several) {
                text.push_str(&format!("\n[migrations.{}]\n", quoted(&name)));
                text.push_str(&table(root, layouts, dir));
                let is_shared = |(other, of_other): &(Vec<ProjectTool>, PathBuf)| {
                    of_other != dir && other[0].key() == layouts[0].key() && other.len() == 1
                };
                if layouts.len() == 1 && several.iter().any(is_shared) {
                    text.push_str(&history(root, &name, &layouts[0], dir, work));
                }
            }
            text
        }
    }
}

/// A folder of migrations, and the name of its set.
struct MigrationSet<'f> {
    name: String,
    layouts: &'f [ProjectTool],
    dir: &'f Path,
}

fn sets<'f>(root: &Path, found: &'f FoundFolders) -> Vec<MigrationSet<'f>> {
    let mut names: Vec<String> = Vec::new();
    let of_folder = |(layouts, dir): &'f (Vec<ProjectTool>, PathBuf)| {
        let name = set_name(root, &layouts[0], dir, &names);
        names.push(name.clone());
        MigrationSet { name, layouts, dir }
    };
    found.iter().map(of_folder).collect()
}

/// The lines that name a folder and its tool.
fn table(root: &Path, layouts: &[ProjectTool], dir: &Path) -> String {
    let tools: Vec<String> =
        layouts.iter().map(|layout| format!("tool = {}\n", quoted(layout.key()))).collect();
    // If several tools fit, a person has to choose.
    let tools = if tools.len() > 1 { format!("# {}", tools.join("# ")) } else { tools.concat() };
    let others = if layouts.len() > 1 { Vec::new() } else { guessed_instead_of(root, dir) };
    let guess = match others.is_empty() {
        true => String::new(),
        false => format!("# Guessed: the files also fit {}.\n", others.join(", ")),
    };
    format!("{guess}{tools}dir = {}\n", quoted(&shown(root, dir)))
}

/// The line that gives a set its own history, if another folder of the same tool may be in the same
/// database. The tool must use the same table, or it would start again in its default table. If no
/// file can configure that, a person has to choose.
fn history(root: &Path, set: &str, layout: &ProjectTool, dir: &Path, work: &mut Work) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let suffix: String = set.chars().map(safe).collect();
    let table = format!("{}_{suffix}", layout.table_name());
    let line = format!("table = {}\n", quoted(&table));
    let variable = format!("{}_DATABASE_URL", suffix.to_ascii_uppercase());
    let own_database = format!("url = {}\n", quoted(&variable));
    let why = match layout.profile().settings_file {
        Some("sqlx.toml") => match sqlx_toml(root, layout, dir) {
            Ok(None) => return String::new(),
            Ok(Some(path)) => {
                work.add(path, format!("[migrate]\ntable-name = {}\n", quoted(&table)));
                let (tool, before) = (layout.key(), layout.table_name());
                work.by_hand.push(format!(
                    "set {set} has a history table of its own now, {table}: in each database that \
                     {tool} has migrated already, rename the table that it has, or all migrations \
                     count as pending: `ALTER TABLE {before} RENAME TO {table}`"
                ));
                return line;
            }
            Err(why) => why,
        },
        Some(file) => format!("{file} must name the same table"),
        None => match layout.profile().table_variable {
            Some(name) => format!("{} needs `{name}={table}`", layout.key()),
            None => format!("{} cannot name its history table", layout.key()),
        },
    };
    let can_be_told =
        layout.profile().table_variable.is_some() || layout.profile().settings_file.is_some();
    let or_table = if can_be_told {
        format!(", or write `{}` there: {why}", line.trim_end())
    } else {
        format!(": {why}")
    };
    work.by_hand.push(format!(
        "set {set} shares a history with another set if both are in one database: uncomment `url` \
         in db.toml to give it a database of its own{or_table}"
    ));
    format!("# {own_database}")
}

/// The `sqlx.toml` to write for a folder; `None` if an existing one already names the table. The
/// error says why none can be written.
fn sqlx_toml(root: &Path, layout: &ProjectTool, dir: &Path) -> Result<Option<PathBuf>, String> {
    let project = project_of(layout, dir);
    let path = project.join("sqlx.toml");
    if is_taken(&path) {
        let names_it =
            read_or_empty(&path).lines().any(|line| line.trim().starts_with("table-name"));
        return if names_it {
            Ok(None)
        } else {
            Err(format!("{} must name the same table", shown(root, &path)))
        };
    }
    let manifest = read_or_empty(&project.join("Cargo.toml"));
    let uses_sqlx = manifest.lines().any(|line| {
        let line = line.trim();
        line.starts_with("sqlx ") || line.starts_with("sqlx=") || line.starts_with("sqlx.")
    });
    if uses_sqlx && !manifest.contains("sqlx-toml") {
        return Err(
            "sqlx reads the name from `sqlx.toml`, since 0.9 and with its feature `sqlx-toml`"
                .to_owned(),
        );
    }
    if project == root || !files::exists(project) {
        return Err("a `sqlx.toml` here would apply to other sets too".to_owned());
    }
    Ok(Some(path))
}

/// The project folder, which contains the tool's default migrations folder, or is that folder.
fn project_of<'d>(layout: &ProjectTool, dir: &'d Path) -> &'d Path {
    let folders = layout.folders();
    let customary = folders.iter().find(|folder| dir.ends_with(folder));
    match customary.or(folders.first()) {
        None | Some(&".") => dir,
        Some(folder) => dir.ancestors().nth(Path::new(folder).components().count()).unwrap_or(dir),
    }
}

/// The name of a set: the name of its project, with as much of the path as is needed to make it
/// unique.
fn set_name(root: &Path, layout: &ProjectTool, dir: &Path, taken: &[String]) -> String {
    let above = project_of(layout, dir);
    let path = above.strip_prefix(root).unwrap_or(above);
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let by_path = (1..=parts.len()).map(|count| parts[parts.len() - count..].join("-"));
    let by_tool = std::iter::once(layout.key().to_owned());
    let by_number = (2..).map(|number| format!("{}-{number}", layout.key()));
    let mut names = by_path.chain(by_tool).chain(by_number);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}
