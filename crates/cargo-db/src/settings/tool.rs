//! Which migration tool a project uses, and where: what `db.toml` says, else what the files look
//! like.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use db_tools::{Claim, ProjectTool, ToolError, ToolSettings, unsupported};

use crate::failure::{Result, SettingsError};
use crate::settings::file::{DbToml, MigrationsTable};
use crate::settings::source::{Origin, Setting, Sources};
use crate::settings::trust::Guarded;

/// Who runs migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// cargo db, by the tool's rules.
    Builtin,
    /// The tool itself.
    Tool,
}

/// What is known of a project's migrations, or of one set of them.
#[derive(Clone, Debug)]
pub(crate) struct Migrations {
    /// The set's name, where there are several.
    pub(crate) set: Option<String>,
    pub(crate) layout: ProjectTool,
    pub(crate) dir: Setting<PathBuf>,
    /// What else the files look like; the database may decide.
    pub(crate) candidates: Vec<(ProjectTool, PathBuf)>,
    pub(crate) runner: Runner,
    /// The folder that the tool is run in.
    pub(crate) tool_dir: PathBuf,
    /// What `db.toml` says to run instead of the tool's customary commands, by what it is for.
    pub(crate) commands: Guarded<BTreeMap<&'static str, Vec<String>>>,
    /// All sets, where there are any: by their names, and what stands beside them without one.
    pub(crate) sets: Vec<Option<String>>,
}

impl Migrations {
    /// Settles on one of several tools.
    pub(crate) fn choose(&mut self, root: &Path, layout: ProjectTool, dir: PathBuf) {
        self.tool_dir = base(root, &layout, &dir);
        self.runner = if layout.is_code() { Runner::Tool } else { self.runner };
        (self.layout, self.dir.value) = (layout, dir);
        self.candidates.clear();
    }
}

/// Where a project's migrations are, and whose.
pub(super) fn resolve(sources: &Sources<'_>, toml: &DbToml, root: &Path) -> Result<Migrations> {
    let mut sets: Vec<Option<String>> = toml.migrations.sets.keys().cloned().map(Some).collect();
    if !sets.is_empty() && !toml.migrations.is_empty() {
        sets.insert(0, None);
    }
    let set = chosen_set(sources, toml)?;
    let table = set.as_ref().map_or(&toml.migrations, |set| &toml.migrations.sets[set]);
    let dir = named_dir(sources, table, root);
    let mut found = match (&table.tool, table.has_commands()) {
        (Some(name), _) => vec![named(sources, root, name, dir.as_ref())?],
        (None, true) => vec![named(sources, root, "commands", dir.as_ref())?],
        (None, false) => {
            let mut found = recognised(sources, root, dir.as_ref());
            if found.is_empty() {
                let folder =
                    dir.as_ref().map_or_else(|| root.join("migrations"), |dir| dir.value.clone());
                found.push((ProjectTool::plain(), folder));
            }
            found
        }
    };
    let (layout, value) = found.remove(0);
    let tool_dir = base(root, &layout, &value);
    if table.tool.is_none() {
        refuse_unsupported(sources, root, &value)?;
    }
    let own = own_settings(sources, &layout, &tool_dir)?;
    let layout = layout.with_settings(&own).with_table(table.table.clone());
    let (value, dir) = match (dir, own.dir) {
        (None, Some(named)) => (tool_dir.join(named), None),
        (dir, _) => (value, dir),
    };
    let runner = runner_of(table, &layout)?;
    let dir = dir.unwrap_or_else(|| Setting::default(value));
    Ok(Migrations {
        set,
        layout,
        dir,
        candidates: found,
        runner,
        tool_dir,
        commands: Guarded::new(table.commands()),
        sets,
    })
}

/// The folder that somebody named.
fn named_dir(
    sources: &Sources<'_>,
    table: &MigrationsTable,
    root: &Path,
) -> Option<Setting<PathBuf>> {
    match (&sources.flags.migrations_dir, &table.dir) {
        (Some(dir), _) => {
            Some(Setting { value: sources.cwd.join(dir), origin: Origin::Flag("--migrations-dir") })
        }
        (None, Some(dir)) => {
            Some(Setting { value: root.join(dir), origin: Origin::DbToml("migrations.dir") })
        }
        (None, None) => None,
    }
}

/// Who runs the migrations. What else `db.toml` says has to fit.
fn runner_of(table: &MigrationsTable, layout: &ProjectTool) -> Result<Runner> {
    let tool = layout.key();
    let bad = |setting: &str, value: String, why: String| {
        let source_name = format!("migrations.{setting} in db.toml");
        Err(SettingsError::Value { source_name, value, why }.into())
    };
    let runner = match table.runner.as_deref() {
        None if layout.is_code() => Runner::Tool,
        None => Runner::Builtin,
        Some("tool") => Runner::Tool,
        Some("builtin") if !layout.is_code() => Runner::Builtin,
        Some(builtin @ "builtin") => {
            let why = format!("the migrations of {tool} are programs, which only it can run");
            return bad("runner", builtin.to_owned(), why);
        }
        Some(other) => {
            return bad("runner", other.to_owned(), "there are builtin and tool".to_owned());
        }
    };
    match (runner, table.apply.as_ref().or(table.rollback.as_ref()), &table.table) {
        (Runner::Builtin, Some(words), _) => {
            let why =
                format!("cargo db runs migrations of {tool} itself: say `runner = \"tool\"` too");
            bad("apply or rollback", words.join(" "), why)
        }
        (Runner::Tool, _, Some(named))
            if !layout.is_code() && layout.profile().table_variable.is_none() =>
        {
            let why = format!(
                "{tool} would not know of it, and begin anew: leave `runner = \"tool\"` out"
            );
            bad("table", named.clone(), why)
        }
        _ => Ok(runner),
    }
}

/// Fails where a folder holds migrations of a tool that is known by name only.
fn refuse_unsupported(sources: &Sources<'_>, root: &Path, dir: &Path) -> Result<()> {
    let is_there = |mark: &str| (sources.exists)(&dir.join(mark));
    match unsupported().find(|tool| tool.marks.iter().any(|mark| is_there(mark))) {
        None => Ok(()),
        Some(tool) => {
            let folder = dir.strip_prefix(root).unwrap_or(dir).to_owned();
            Err(ToolError::UnsupportedFolder { folder, title: tool.title }.into())
        }
    }
}

/// What the tool's own settings file says, where it has one that matters here.
fn own_settings(
    sources: &Sources<'_>,
    layout: &ProjectTool,
    folder: &Path,
) -> Result<ToolSettings> {
    let Some(name) = layout.profile().settings_file else { return Ok(ToolSettings::default()) };
    let path = folder.join(name);
    let text = crate::settings::file::read_text(sources, &path)?.unwrap_or_default();
    Ok(layout.settings(&path, &text)?)
}

/// The set that is meant: the one that is named, or the only one.
fn chosen_set(sources: &Sources<'_>, toml: &DbToml) -> Result<Option<String>> {
    let sets = &toml.migrations.sets;
    let list = || sets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    match &sources.flags.set {
        Some(name) if sets.contains_key(name) => Ok(Some(name.clone())),
        Some(name) => {
            let why = if sets.is_empty() {
                "db.toml has no sets".to_owned()
            } else {
                format!("there are {}", list())
            };
            Err(SettingsError::Value { source_name: "--set".to_owned(), value: name.clone(), why }
                .into())
        }
        None if sets.len() == 1 && toml.migrations.is_empty() => Ok(sets.keys().next().cloned()),
        None if sets.len() > 1 && toml.migrations.is_empty() && !sources.flags.any_set => {
            Err(SettingsError::Usage {
                what: format!(
                    "db.toml has several sets of migrations; name one with --set: {}",
                    list()
                ),
            }
            .into())
        }
        None => Ok(None),
    }
}

fn named(
    sources: &Sources<'_>,
    root: &Path,
    name: &str,
    dir: Option<&Setting<PathBuf>>,
) -> Result<(ProjectTool, PathBuf)> {
    let layout = ProjectTool::named(name)?;
    let folder = dir.map(|dir| dir.value.clone()).or_else(|| {
        let mut places = layout.folders().iter().map(|folder| below(root, folder));
        places.find(|folder| (sources.exists)(folder))
    });
    let folder = folder.unwrap_or_else(|| below(root, layout.folders()[0]));
    Ok((layout, folder))
}

/// The tools that the files look like, each with its folder.
fn recognised(
    sources: &Sources<'_>,
    root: &Path,
    dir: Option<&Setting<PathBuf>>,
) -> Vec<(ProjectTool, PathBuf)> {
    let mut best: BTreeMap<PathBuf, (Strength, Vec<ProjectTool>)> = BTreeMap::new();
    let mut listings: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for layout in ProjectTool::all() {
        let folders: Vec<PathBuf> = match dir {
            Some(dir) => vec![dir.value.clone()],
            None => layout.folders().iter().map(|folder| below(root, folder)).collect(),
        };
        for folder in folders {
            if !(sources.exists)(&folder) {
                continue;
            }
            let deep = layout.depth() > 2 && folder == root;
            let listing =
                listings.entry(folder.clone()).or_insert_with(|| (sources.list)(&folder, 2));
            let within = |file: &&Path| file.components().count() <= layout.depth();
            let names: Vec<&Path> = listing.iter().map(PathBuf::as_path).filter(within).collect();
            let first = |name: &Path| (sources.read)(&folder.join(name)).ok().flatten();
            let project = ProjectRoot { sources, root: base(root, &layout, &folder) };
            let strength = project.strength(&layout, &names, &first, deep);
            let entry = best.entry(folder).or_insert((Strength::None, Vec::new()));
            if strength > entry.0 {
                *entry = (strength, vec![layout.clone()]);
            } else if strength == entry.0 && strength > Strength::None {
                entry.1.push(layout.clone());
            }
        }
    }
    // What sqlx and others name alike is plain SQL, unless something speaks for one of them.
    for (strength, layouts) in best.values_mut() {
        if *strength == Strength::Fits && layouts.iter().any(ProjectTool::is_plain) {
            *layouts = vec![ProjectTool::plain()];
        }
    }
    // An empty folder of a tool that is known to be here says less than one that holds its files.
    let strongest = best.values().map(|(strength, _)| *strength).max().unwrap_or(Strength::None);
    let enough = if strongest > Strength::Expected { Strength::Fits } else { Strength::Expected };
    let found = best.into_iter().filter(|(_, (strength, _))| *strength >= enough);
    let mut found: Vec<(ProjectTool, PathBuf)> = found
        .flat_map(|(folder, (_, layouts))| {
            layouts.into_iter().map(move |layout| (layout, folder.clone()))
        })
        .collect();
    found.dedup_by(|later, earlier| later.1 == earlier.1 && later.0.key() == earlier.0.key());
    found
}

/// Every folder of migrations in a repository, with the tools that it looks like.
pub(crate) fn survey(
    sources: &Sources<'_>,
    root: &Path,
    folders: &[PathBuf],
) -> Vec<(Vec<ProjectTool>, PathBuf)> {
    let mut all: BTreeMap<PathBuf, Vec<ProjectTool>> = BTreeMap::new();
    for folder in
        std::iter::once(root.to_owned()).chain(folders.iter().map(|folder| root.join(folder)))
    {
        for (layout, dir) in recognised(sources, &folder, None) {
            // What lies deep below is known by what stands in the root.
            if layout.depth() > 2 || (sources.list)(&dir, 2).iter().any(|file| layout.reads(file)) {
                let known = all.entry(dir).or_default();
                if known.iter().all(|one| one.key() != layout.key()) {
                    known.push(layout);
                }
            }
        }
    }
    all.into_iter().map(|(dir, layouts)| (layouts, dir)).collect()
}

/// How sure it is that files are a tool's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    None,
    /// The tool is here, and no file is.
    Expected,
    /// Names fit.
    Fits,
    /// Names fit, and the project is in the tool's language.
    OfLanguage,
    /// Only this tool writes files so, or it is here with files of its kind.
    Certain,
}

struct ProjectRoot<'a> {
    sources: &'a Sources<'a>,
    root: PathBuf,
}

impl ProjectRoot<'_> {
    fn strength(
        &self,
        layout: &ProjectTool,
        names: &[&Path],
        first: &dyn Fn(&Path) -> Option<String>,
        deep: bool,
    ) -> Strength {
        let has = |name: &str| (self.sources.exists)(&self.root.join(name));
        let package = || {
            (self.sources.read)(&self.root.join("package.json")).ok().flatten().unwrap_or_default()
        };
        let depends_on = |name: &str| package().contains(&format!("\"{name}\""));
        let owns = layout.owns(&has, &depends_on);
        // What lies deep below the root was not listed.
        let any = deep || names.iter().any(|name| layout.reads(name));
        match layout.claims(names, first) {
            Claim::Signed => Strength::Certain,
            Claim::Fits if owns => Strength::Certain,
            Claim::Fits if layout.profile().language.iter().any(|file| has(file)) => {
                Strength::OfLanguage
            }
            Claim::Fits => Strength::Fits,
            Claim::No if !owns => Strength::None,
            // Where nothing but the name of its folder tells, any file will do.
            Claim::No if any && layout.profile().marks_suffice => Strength::Certain,
            Claim::No => Strength::Expected,
        }
    }
}

fn below(root: &Path, folder: &str) -> PathBuf {
    if folder == "." { root.to_owned() } else { root.join(folder) }
}

/// The folder that a tool takes for the project: what stands above its customary folder.
fn base(root: &Path, layout: &ProjectTool, dir: &Path) -> PathBuf {
    let above = layout.folders().iter().filter(|folder| dir.ends_with(folder)).map(|folder| {
        let levels = layout
            .profile()
            .project_levels
            .unwrap_or_else(|| Path::new(folder).components().count());
        dir.ancestors().nth(levels).unwrap_or(root)
    });
    let above = above.max_by_key(|above| std::cmp::Reverse(above.components().count()));
    if *dir == *root { root.to_owned() } else { above.unwrap_or(root).to_owned() }
}

impl MigrationsTable {
    fn is_empty(&self) -> bool {
        let named = [&self.tool, &self.runner, &self.table, &self.url];
        self.dir.is_none()
            && named.iter().all(|value| value.is_none())
            && self.commands().is_empty()
    }

    fn has_commands(&self) -> bool {
        self.status.is_some()
    }
}
