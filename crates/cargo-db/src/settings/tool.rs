//! The migration tool of a project, and its folder: configured in `db.toml`, or detected from the
//! files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use db_tools::history::ForeignHistory;
use db_tools::{ProjectTool, ToolError, ToolSettings, unsupported};

use pg_sql::name::TableName;

use crate::failure::{Result, SettingsError};
use crate::settings::connection::DatabaseChoice;
use crate::settings::file::{DbToml, MigrationsTable};
use crate::settings::recognise::{Candidate, Evidence, Search, below};
use crate::settings::sets;
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
    /// The tools that the files match, if there are several; the database may decide.
    pub(crate) candidates: Vec<Candidate>,
    /// Whether the folder is a default one and its files match no tool.
    pub(crate) is_unclaimed: bool,
    /// The histories of the other sets.
    pub(crate) others: Vec<OtherSet>,
    pub(crate) runner: Runner,
    /// The folder that the tool is run in.
    pub(crate) tool_dir: PathBuf,
    /// The variable that names the database, if `db.toml` says which one.
    pub(crate) url_variable: Option<String>,
    /// Commands in `db.toml` that replace the tool's own, by their purpose.
    pub(crate) commands: Guarded<BTreeMap<&'static str, Vec<String>>>,
    /// All sets, if there are any: by name, and the one without a name. Each comes after those that
    /// it depends on.
    pub(crate) sets: Vec<Option<String>>,
    /// Whether the sets name different databases.
    pub(crate) has_several_urls: bool,
    /// The set in whose folder the command was started.
    pub(crate) set_here: Option<String>,
}

impl Migrations {
    /// Settles on one of several tools.
    pub(crate) fn choose(&mut self, Candidate { layout, dir, tool_dir, .. }: Candidate) {
        self.runner = if layout.is_code() { Runner::Tool } else { self.runner };
        (self.layout, self.dir.value, self.tool_dir) = (layout, dir, tool_dir);
        self.candidates.clear();
    }

    /// Fails if another set in the same database uses the same history table.
    pub(super) fn sharing_none(
        &self,
        place: &DatabaseChoice,
        place_of: &dyn Fn(&OtherSet) -> Result<Setting<DatabaseChoice>>,
    ) -> Result<()> {
        let shares = |other: &&OtherSet| {
            let theirs = place_of(other);
            theirs.is_ok_and(|theirs| other.shares(&theirs.value, &self.layout, place))
        };
        let mut others = self.others.iter().filter(|_| self.candidates.is_empty());
        let Some(other) = others.find(shares) else { return Ok(()) };
        let heading = |set: &Option<String>| match set {
            Some(set) => format!("[migrations.{set}]"),
            None => "[migrations]".to_owned(),
        };
        let (one, other) = (heading(&self.set), heading(&other.name));
        let (table, tool) = (self.layout.table_name().to_owned(), self.layout.key().to_owned());
        Err(SettingsError::SharedHistory { one, other, table, tool }.into())
    }

    /// The tools of all sets of migrations in the database, that of this set first.
    pub(crate) fn layouts_here(&self) -> Vec<&ProjectTool> {
        std::iter::once(&self.layout).chain(self.others.iter().map(|other| &other.layout)).collect()
    }

    /// Whether a history that does not belong to this set belongs to another one in the same
    /// database.
    pub(crate) fn is_anothers(&self, history: &ForeignHistory) -> bool {
        self.others.iter().any(|other| other.has(history))
    }
}

/// What another set of migrations says of its history.
#[derive(Clone, Debug)]
pub(crate) struct OtherSet {
    pub(crate) name: Option<String>,
    /// The variable that names its database.
    pub(crate) url: Option<String>,
    layout: ProjectTool,
    /// Whether its files match exactly one tool.
    is_sure: bool,
}

impl OtherSet {
    /// Whether both would use the same history table in one database. Tools whose migrations are
    /// programs may do so: Django has one table for all applications.
    fn shares(&self, place: &DatabaseChoice, layout: &ProjectTool, own: &DatabaseChoice) -> bool {
        let is_same_schema = match (self.layout.schema(), layout.schema()) {
            (Some(theirs), Some(ours)) => theirs == ours,
            (None, None) => own.is_same_path(place),
            (Some(theirs), None) => own.searches(theirs),
            (None, Some(ours)) => place.searches(ours),
        };
        self.is_sure
            && !layout.is_code()
            && self.layout.key() == layout.key()
            && self.layout.table_name() == layout.table_name()
            && is_same_schema
    }

    fn has(&self, history: &ForeignHistory) -> bool {
        // The server quotes a name only if necessary.
        let (table, name) = (history.table.replace('"', ""), self.layout.table_name());
        let is_table = match self.layout.schema() {
            Some(schema) => table == format!("{schema}.{name}"),
            None => table.ends_with(&format!(".{name}")),
        };
        history.tool == self.layout.key() && is_table
    }
}

/// The migrations of a project: their folder and tool.
pub(super) fn resolve(sources: &Sources<'_>, toml: &DbToml, root: &Path) -> Result<Migrations> {
    let sets = sets::in_order(&toml.migrations)?;
    let set = sets::chosen(sources, toml, root)?;
    let table = sets::table_of(&toml.migrations, set.as_ref());
    let dir = named_dir(sources, table, root);
    let place = (sources, root);
    let (mut found, is_unclaimed) = found(place, table, set.is_none(), dir.as_ref())?;
    if table.tool.is_none() {
        refuse_unsupported(sources, root, &found[0].dir)?;
    }
    for one in &mut found {
        apply_table(sources, table, dir.is_none(), one)?;
    }
    let Candidate { layout, dir: value, tool_dir, .. } = found[0].clone();
    let runner = runner_of(table, &layout)?;
    let mut dir = dir.unwrap_or_else(|| Setting::default(value));
    let is_home = |name: &&str| (sources.exists)(&tool_dir.join(name));
    // Where the project is the folder of the migrations, a folder in it means all of it.
    if layout.folders() == ["."] && layout.profile().home.iter().any(is_home) {
        dir.value.clone_from(&tool_dir);
    }
    Ok(Migrations {
        layout,
        dir,
        candidates: if found.len() > 1 { found } else { Vec::new() },
        is_unclaimed,
        others: other_sets(place, toml, set.as_ref()),
        set,
        runner,
        tool_dir,
        url_variable: table.url.clone(),
        commands: Guarded::new(table.commands()),
        sets,
        has_several_urls: sets::has_several_urls(&toml.migrations),
        set_here: sets::here(sources, toml, root),
    })
}

/// A project: what its settings come from, and its root.
type ProjectSources<'a> = (&'a Sources<'a>, &'a Path);

/// The tools that `db.toml` names, or that the files match; and whether no tool claims the files in
/// the folder.
fn found(
    (sources, root): ProjectSources<'_>,
    table: &MigrationsTable,
    is_alone: bool,
    dir: Option<&Setting<PathBuf>>,
) -> Result<(Vec<Candidate>, bool)> {
    let commands = table.has_commands().then_some("commands");
    if let Some(name) = table.tool.as_deref().or(commands) {
        let (layout, dir) = named(sources, root, name, dir)?;
        let evidence = Evidence::Configuration;
        return Ok((vec![Candidate::of((sources, root), layout, dir, evidence)], false));
    }
    let search = Search {
        sources,
        root,
        dir: dir.map(|dir| dir.value.as_path()),
        plain_by_default: is_alone && (sources.exists)(&root.join("db.toml")),
        by_files: false,
    };
    let mut found = search.candidates();
    let mut unclaimed = None;
    if found.is_empty() {
        let plain = dir.map_or_else(|| root.join("migrations"), |dir| dir.value.clone());
        let is_sql = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "sql");
        let is_used = dir.is_some() || (sources.list)(&plain, 1).iter().any(is_sql);
        unclaimed = if is_used { None } else { search.unclaimed() };
        let folder = unclaimed.clone().unwrap_or(plain);
        let layout = ProjectTool::plain();
        found.push(Candidate::of((sources, root), layout, folder, Evidence::Nothing));
    }
    Ok((found, unclaimed.is_some()))
}

/// Adds what the tool's own settings file says, and what `db.toml` says of its history.
fn apply_table(
    sources: &Sources<'_>,
    table: &MigrationsTable,
    is_free: bool,
    one: &mut Candidate,
) -> Result<()> {
    let own = own_settings(sources, &one.layout, &one.tool_dir)?;
    let named = table.table.as_deref().map(named_table).transpose()?;
    one.layout = one.layout.clone().with_settings(&own).with_table(named);
    if let (true, Some(named)) = (is_free, own.dir) {
        one.dir = one.tool_dir.join(named);
    }
    Ok(())
}

/// The history table that `db.toml` names.
fn named_table(text: &str) -> Result<TableName> {
    TableName::configured(text).ok_or_else(|| {
        let why = "expected `table` or `schema.table`, with quotes around a part as in SQL";
        let (source_name, value) = ("migrations.table in db.toml".to_owned(), text.to_owned());
        SettingsError::Value { source_name, value, why: why.to_owned() }.into()
    })
}

/// The histories of the other sets. A set that cannot be resolved is skipped.
fn other_sets(
    place @ (sources, root): ProjectSources<'_>,
    toml: &DbToml,
    own: Option<&String>,
) -> Vec<OtherSet> {
    let named = toml.migrations.sets.iter().filter(|(name, _)| Some(*name) != own);
    let named = named.map(|(name, table)| (Some(name.clone()), table));
    let alone = (own.is_some() && !toml.migrations.is_empty()).then_some((None, &toml.migrations));
    let of_set = |(name, table): (Option<String>, &MigrationsTable)| {
        let dir = table
            .dir
            .as_ref()
            .map(|dir| Setting { value: root.join(dir), origin: Origin::DbToml("migrations.dir") });
        let found = found(place, table, name.is_none(), dir.as_ref()).ok()?.0;
        let is_sure = found.len() == 1;
        let url = table.url.clone();
        let of_one = move |mut one: Candidate| {
            apply_table(sources, table, dir.is_none(), &mut one).ok()?;
            let (name, url) = (name.clone(), url.clone());
            Some(OtherSet { name, url, layout: one.layout, is_sure })
        };
        Some(found.into_iter().filter_map(of_one).collect::<Vec<_>>())
    };
    named.chain(alone).filter_map(of_set).flatten().collect()
}

/// The configured folder.
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
            return bad("runner", other.to_owned(), "expected builtin or tool".to_owned());
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
                "{tool} would not read it, and would start from the first migration: remove \
                 `runner = \"tool\"`"
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

/// The relevant content of the tool's settings file, if it has one.
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

impl MigrationsTable {
    pub(super) fn is_empty(&self) -> bool {
        let named = [&self.tool, &self.runner, &self.table, &self.url];
        self.dir.is_none()
            && named.iter().all(|value| value.is_none())
            && self.depends_on.is_empty()
            && self.commands().is_empty()
    }

    fn has_commands(&self) -> bool {
        self.status.is_some()
    }
}
