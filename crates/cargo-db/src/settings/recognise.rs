//! Detects the migration tool of a folder: by its files, and by other signs if they match several
//! tools.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use db_tools::recognition::refused_tool_of;
use db_tools::{Confidence, ProjectTool, unsupported};

use crate::settings::source::Sources;

/// A tool that the files match, with the evidence for it besides the files.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) layout: ProjectTool,
    pub(crate) dir: PathBuf,
    /// The folder that the tool is run in.
    pub(crate) tool_dir: PathBuf,
    pub(crate) evidence: Evidence,
}

impl Candidate {
    /// A tool with its folders.
    pub(super) fn of(
        (sources, root): (&Sources<'_>, &Path),
        layout: ProjectTool,
        dir: PathBuf,
        evidence: Evidence,
    ) -> Candidate {
        let tool_dir = base(sources, root, &layout, &dir);
        Candidate { layout, dir, tool_dir, evidence }
    }
}

/// What speaks for one of several tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    Nothing,
    /// A `db.toml` that names no tool: plain SQL files are what cargo db begins with.
    Default,
    /// The nearest project is in its language.
    Language,
    /// The nearest manifest depends on it, or its configuration file exists.
    Configuration,
}

/// The one for which most speaks; `None` where that leaves a choice, between tools or folders.
pub(crate) fn best(candidates: &[Candidate]) -> Option<&Candidate> {
    let (first, rest) = candidates.split_first()?;
    if rest.is_empty() {
        return Some(first);
    }
    let most = candidates.iter().map(|one| one.evidence).max().unwrap_or(Evidence::Nothing);
    let mut top = candidates.iter().filter(|one| one.evidence == most);
    let found = top.next().filter(|_| top.next().is_none() && most > Evidence::Nothing)?;
    rest.iter().all(|one| one.dir == first.dir).then_some(found)
}

/// The other tools that fit, where the language of the project alone made this one the choice.
/// Plain SQL files are what cargo db begins with, and so no guess.
pub(crate) fn guessed_beside(chosen: &Candidate, candidates: &[Candidate]) -> Vec<&'static str> {
    if chosen.layout.is_plain() || chosen.evidence > Evidence::Language {
        return Vec::new();
    }
    let keys = candidates.iter().map(|one| one.layout.key());
    keys.filter(|key| *key != chosen.layout.key()).collect()
}

/// The other tools that the files of a folder fit, if the choice was a guess.
pub(crate) fn others_of(sources: &Sources<'_>, root: &Path, dir: &Path) -> Vec<&'static str> {
    let candidates = search(sources, root, Some(dir), false).candidates();
    best(&candidates).map(|best| guessed_beside(best, &candidates)).unwrap_or_default()
}

/// How many files of a folder are read where a sample is enough.
const SAMPLE: usize = 20;

/// What to search for, and where.
pub(super) struct Search<'a> {
    pub(super) sources: &'a Sources<'a>,
    pub(super) root: &'a Path,
    /// The configured folder.
    pub(super) dir: Option<&'a Path>,
    /// Whether plain SQL files are the default if nothing is configured.
    pub(super) plain_by_default: bool,
    /// Whether only the files count, and not other files in the root.
    pub(super) by_files: bool,
}

/// What is known of a folder.
struct FolderListing {
    names: Vec<PathBuf>,
    /// The names on disk of those that end in capitals, by the name in `names`.
    originals: BTreeMap<PathBuf, PathBuf>,
    texts: RefCell<BTreeMap<PathBuf, Option<String>>>,
}

impl FolderListing {
    /// The files of a folder. If no name ends in `.sql` but some in `.SQL`, they are listed as if
    /// they ended in `.sql`: no tool reads them, but the folder is that of a tool, and reading it
    /// reports them.
    fn of(mut names: Vec<PathBuf>) -> FolderListing {
        let mut originals = BTreeMap::new();
        let has = |name: &Path, ending: &str| name.extension().is_some_and(|found| found == ending);
        if !names.iter().any(|name| has(name, "sql")) {
            let is_one = |name: &&mut PathBuf| {
                name.extension().is_some_and(|found| found.eq_ignore_ascii_case("sql"))
            };
            for name in names.iter_mut().filter(is_one) {
                let listed = name.with_extension("sql");
                originals.insert(listed.clone(), std::mem::replace(name, listed));
            }
        }
        FolderListing { names, originals, texts: RefCell::default() }
    }

    /// The name on disk.
    fn original<'n>(&'n self, name: &'n Path) -> &'n Path {
        self.originals.get(name).map_or(name, PathBuf::as_path)
    }
}

impl Search<'_> {
    /// The tools that the files match.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let best = self.best_of_each_folder();
        // An empty folder of a tool that is known to be here says less than one that holds its
        // files.
        let strongest =
            best.values().map(|(strength, _)| *strength).max().unwrap_or(Strength::None);
        let enough =
            if strongest > Strength::Expected { Strength::Fits } else { Strength::Expected };
        let found = best.into_iter().filter(|(_, (strength, _))| *strength >= enough);
        let of_folder = |(dir, (_, layouts)): (PathBuf, (Strength, Vec<ProjectTool>))| {
            let evidence = self.evidence(&dir, &layouts);
            let mut all: Vec<Candidate> = layouts
                .into_iter()
                .zip(evidence)
                .map(|(layout, evidence)| {
                    let place = (self.sources, self.root);
                    Candidate::of(place, layout, dir.clone(), evidence)
                })
                .collect();
            all.sort_by_key(|one| std::cmp::Reverse(one.evidence));
            all
        };
        found.flat_map(of_folder).collect()
    }

    /// For each folder, the tools that its files match best.
    fn best_of_each_folder(&self) -> BTreeMap<PathBuf, (Strength, Vec<ProjectTool>)> {
        let mut best: BTreeMap<PathBuf, (Strength, Vec<ProjectTool>)> = BTreeMap::new();
        let mut listings: BTreeMap<PathBuf, FolderListing> = BTreeMap::new();
        for layout in ProjectTool::all() {
            for folder in self.folders_of(&layout) {
                if !(self.sources.exists)(&folder) {
                    continue;
                }
                let listing = listings
                    .entry(folder.clone())
                    .or_insert_with(|| FolderListing::of((self.sources.list)(&folder, 2)));
                let strength = self.strength(&layout, &folder, listing);
                let entry = best.entry(folder).or_insert((Strength::None, Vec::new()));
                let is_new = entry.1.iter().all(|known| known.key() != layout.key());
                if strength > entry.0 {
                    *entry = (strength, vec![layout.clone()]);
                } else if strength == entry.0 && strength > Strength::None && is_new {
                    entry.1.push(layout.clone());
                }
            }
        }
        best
    }

    fn folders_of(&self, layout: &ProjectTool) -> Vec<PathBuf> {
        match self.dir {
            Some(dir) => vec![dir.to_owned()],
            None => layout.folders().iter().map(|folder| below(self.root, folder)).collect(),
        }
    }

    fn strength(&self, layout: &ProjectTool, folder: &Path, listing: &FolderListing) -> Strength {
        let within = |file: &&Path| file.components().count() <= layout.depth();
        let names: Vec<&Path> = listing.names.iter().map(PathBuf::as_path).filter(within).collect();
        let text_of = |name: &Path| {
            let read = || {
                let text = (self.sources.read)(&folder.join(listing.original(name)));
                Some(text.ok().flatten()?.trim_start_matches('\u{feff}').to_owned())
            };
            let mut texts = listing.texts.borrow_mut();
            if self.sources.flags.samples_files && texts.len() >= SAMPLE {
                return texts.get(name).cloned().flatten();
            }
            texts.entry(name.to_owned()).or_insert_with(read).clone()
        };
        let base = base(self.sources, self.root, layout, folder);
        let has = |name: &str| (self.sources.exists)(&base.join(name));
        let depends_on = |name: &str| self.names(&base, "package.json", name);
        let owns = layout.owns(&has, &depends_on);
        // Files deep below the root were not listed.
        let deep = layout.depth() > 2 && folder == self.root;
        let any = deep || names.iter().any(|name| layout.reads(name));
        match layout.claims(&names, &text_of) {
            Confidence::Signed => Strength::Certain,
            Confidence::Fits
                if layout.profile().needs_language && !self.is_spoken(layout, folder) =>
            {
                Strength::None
            }
            Confidence::Fits => Strength::Fits,
            Confidence::No if !owns || self.by_files => Strength::None,
            // If only the name of the folder identifies the tool, any file matches.
            Confidence::No if any && layout.profile().marks_suffice => Strength::Certain,
            Confidence::No => Strength::Expected,
        }
    }

    /// The folders of the projects that one of migrations can belong to, the nearest first.
    fn projects<'d>(&self, dir: &'d Path) -> impl Iterator<Item = &'d Path> + use<'d, '_> {
        let is_inside = dir.starts_with(self.root);
        dir.ancestors()
            .take_while(move |folder| !is_inside || folder.starts_with(self.root))
            .take(if is_inside { usize::MAX } else { 2 })
    }

    fn is_spoken(&self, layout: &ProjectTool, dir: &Path) -> bool {
        self.projects(dir).any(|project| self.is_in_language(layout, project))
    }

    fn is_in_language(&self, layout: &ProjectTool, project: &Path) -> bool {
        layout.profile().language.iter().any(|file| (self.sources.exists)(&project.join(file)))
    }

    /// Whether a project says that it uses a tool.
    fn is_configured(&self, layout: &ProjectTool, project: &Path) -> bool {
        let has = |name: &str| (self.sources.exists)(&project.join(name));
        let names = |manifest: &str, package: &str| self.names(project, manifest, package);
        layout.owns(&has, &|_| false) || layout.is_named(&names)
    }

    /// The evidence for each of several tools; that of the nearest project counts.
    fn evidence(&self, dir: &Path, layouts: &[ProjectTool]) -> Vec<Evidence> {
        let nearest = |evidence: &dyn Fn(&ProjectTool, &Path) -> bool| {
            let of_project = |project: &Path| -> Vec<bool> {
                layouts.iter().map(|layout| evidence(layout, project)).collect()
            };
            self.projects(dir).map(of_project).find(|said| said.contains(&true))
        };
        let configured = nearest(&|layout, project| self.is_configured(layout, project));
        let spoken = nearest(&|layout, project| self.is_in_language(layout, project));
        let said =
            |all: &Option<Vec<bool>>, index: usize| all.as_ref().is_some_and(|all| all[index]);
        let of_one = |(index, layout): (usize, &ProjectTool)| {
            if said(&configured, index) {
                Evidence::Configuration
            } else if said(&spoken, index) {
                Evidence::Language
            } else if self.plain_by_default && layout.is_plain() {
                Evidence::Default
            } else {
                Evidence::Nothing
            }
        };
        layouts.iter().enumerate().map(of_one).collect()
    }

    /// Whether the manifest of a project names a package.
    fn names(&self, project: &Path, manifest: &str, package: &str) -> bool {
        let text = (self.sources.read)(&project.join(manifest)).ok().flatten().unwrap_or_default();
        match manifest {
            "package.json" => text.contains(&format!("\"{package}\"")),
            "Cargo.toml" => text.lines().any(|line| is_dependency(line.trim(), package)),
            _ => text.contains(package),
        }
    }

    /// A customary folder of migrations that holds files which no tool claims.
    pub(super) fn unclaimed(&self) -> Option<PathBuf> {
        let is_file = |file: &PathBuf| {
            file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
                || refused_tool_of(file).is_some()
        };
        let customary = ProjectTool::all().flat_map(|layout| layout.folders().iter());
        let customary = customary.filter(|folder| folder.ends_with("migrations"));
        let refused = unsupported().flat_map(|tool| tool.folders.iter());
        let mut folders = customary.chain(refused).map(|folder| self.root.join(folder));
        folders.find(|folder| (self.sources.list)(folder, 1).iter().any(is_file))
    }
}

/// Whether a line of a `Cargo.toml` names a dependency.
fn is_dependency(line: &str, package: &str) -> bool {
    let names =
        line.strip_prefix(package).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']));
    names || line.starts_with('[') && line.ends_with(&format!("dependencies.{package}]"))
}

/// Every migrations folder in a repository, with the tools that it matches.
pub(crate) fn survey(
    sources: &Sources<'_>,
    root: &Path,
    folders: &[PathBuf],
) -> Vec<(Vec<ProjectTool>, PathBuf)> {
    let mut all: BTreeMap<PathBuf, Vec<Candidate>> = BTreeMap::new();
    let below_root: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    for folder in std::iter::once(root).chain(below_root.iter().map(PathBuf::as_path)) {
        let mut found = search(sources, folder, None, false).candidates();
        // Folders deep below the root are recognised by other files in the root.
        found.retain(|one| {
            one.layout.depth() > 2
                || (sources.list)(&one.dir, 2).iter().any(|file| may_be_of(&one.layout, file))
        });
        if is_for_migrations(root, folder) {
            let there = search(sources, root, Some(folder), true).candidates();
            found.extend(there.into_iter().filter(|one| holds_its_files(sources, one)));
        }
        for one in found {
            if is_part_of_another(&all, &one) {
                continue;
            }
            // The evidence for one of them may be above the folder.
            let again = search(sources, root, Some(&one.dir), false).candidates();
            let speaks = again.into_iter().find(|same| same.layout.key() == one.layout.key());
            let known = all.entry(one.dir.clone()).or_default();
            if known.iter().all(|known| known.layout.key() != one.layout.key()) {
                known.push(speaks.unwrap_or(one));
            }
        }
    }
    all.into_iter().map(|(dir, found)| (chosen(found), dir)).collect()
}

/// The tools that a project is configured for, whether it has migrations or not.
pub(crate) fn configured(sources: &Sources<'_>, root: &Path) -> Vec<ProjectTool> {
    let search = search(sources, root, None, false);
    ProjectTool::all().filter(|layout| search.is_configured(layout, root)).collect()
}

fn search<'a>(
    sources: &'a Sources<'a>,
    root: &'a Path,
    dir: Option<&'a Path>,
    by_files: bool,
) -> Search<'a> {
    Search { sources, root, dir, plain_by_default: false, by_files }
}

/// Whether a folder has a typical name for migrations, or is inside one that has.
fn is_for_migrations(root: &Path, folder: &Path) -> bool {
    let is_one = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        name == "db" || name.contains("migration")
    };
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let near = [below.file_name(), below.parent().and_then(Path::file_name)];
    near.into_iter().flatten().any(is_one)
}

/// Whether the folder itself contains files of the tool: a parent folder contains those of all
/// subfolders.
fn holds_its_files(sources: &Sources<'_>, one: &Candidate) -> bool {
    let depth = if one.layout.depth() == 2 { 2 } else { 1 };
    (sources.list)(&one.dir, depth).iter().any(|name| may_be_of(&one.layout, name))
}

/// Whether a tool reads a file, or would with an ending in lower case.
fn may_be_of(layout: &ProjectTool, file: &Path) -> bool {
    layout.reads(file) || layout.would_read(file)
}

/// Whether a tool reads the files of a folder together with those of a parent folder.
fn is_part_of_another(all: &BTreeMap<PathBuf, Vec<Candidate>>, one: &Candidate) -> bool {
    all.iter().any(|(dir, known)| {
        let is_above = one.dir != *dir && one.dir.starts_with(dir);
        is_above
            && known
                .iter()
                .any(|known| known.layout.key() == one.layout.key() && known.layout.depth() > 1)
    })
}

/// The tool for which most speaks, or all of them.
fn chosen(candidates: Vec<Candidate>) -> Vec<ProjectTool> {
    match best(&candidates) {
        Some(best) => vec![best.layout.clone()],
        None => candidates.into_iter().map(|one| one.layout).collect(),
    }
}

/// How sure it is that files are a tool's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    None,
    /// The tool is here, and no file is.
    Expected,
    /// Names fit.
    Fits,
    /// Only this tool writes files so, or it is here with files of its kind.
    Certain,
}

pub(super) fn below(root: &Path, folder: &str) -> PathBuf {
    if folder == "." { root.to_owned() } else { root.join(folder) }
}

/// The folder that a tool regards as the project, and is run in: the nearest one at or above its
/// files that has a file of the tool which says so, or else the parent of its default folder.
fn base(sources: &Sources<'_>, root: &Path, layout: &ProjectTool, dir: &Path) -> PathBuf {
    let is_home = |folder: &&Path| {
        layout.profile().home.iter().any(|name| (sources.exists)(&folder.join(name)))
    };
    let mut inside = dir.ancestors().take_while(|folder| folder.starts_with(root));
    if let Some(home) = inside.find(is_home) {
        return home.to_owned();
    }
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
