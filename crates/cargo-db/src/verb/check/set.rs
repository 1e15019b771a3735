//! Checks the files of a set of migrations.

use std::path::{Path, PathBuf};

use crate::change::Workspace;
use crate::check::{self, CheckContext, CheckContexts, Direction, FileToCheck};
use crate::failure::Result;
use crate::migration;
use crate::model::finding::Checked;
use crate::model::migration::{MigrationFolder, ScriptFile};
use crate::rehearse::Receipts;
use crate::settings::Settings;
use crate::verb::check::repository::{Repository, Selection};
use db_tools::{FoundFile, ProjectTool};

/// What was found in the files of each selection, and what to say if there are no migrations.
pub(super) fn check_selections(
    workspace: &Workspace,
    settings: &Settings,
    (selections, files): (&[Selection], &[PathBuf]),
) -> Result<(Vec<Checked>, Option<String>)> {
    let (mut checked, mut is_empty) = (Vec::new(), true);
    for selection in selections {
        let repository = Repository::of(settings, selection)?;
        let folder = repository.migrations(settings)?;
        is_empty &= folder.is_empty();
        let chosen = Chosen::of(&repository, (selection, settings), (&folder, files))?;
        checked.extend(check_chosen(workspace, settings, (&repository, &folder), &chosen)?);
    }
    let layout = &settings.migrations.layout;
    if layout.is_code() && checked.is_empty() {
        workspace.ui.note(&format!(
            "the migrations of {} are programs, which `check` cannot lint; `cargo db rehearse` \
             runs them",
            layout.key()
        ));
    }
    let is_empty = is_empty && checked.is_empty() && !selections.iter().all(Selection::is_of_git);
    let hint = is_empty.then(|| migration::elsewhere_hint(settings)).flatten();
    hint.iter().for_each(|hint| workspace.ui.warning(hint));
    Ok((checked, hint))
}

/// The selected files, relative to the root.
struct Chosen {
    /// Those with SQL, which are linted.
    scripts: Vec<PathBuf>,
    programs: ChosenPrograms,
}

/// The programs about which git may have something to say.
enum ChosenPrograms {
    All,
    /// Only the files themselves were named.
    None,
    These(Vec<PathBuf>),
}

impl Chosen {
    fn of(
        repository: &Repository<'_>,
        (selection, settings): (&Selection, &Settings),
        (folder, named): (&MigrationFolder, &[PathBuf]),
    ) -> Result<Chosen> {
        if let Some(changed) = repository.changed()? {
            let (scripts, programs) = changed.into_iter().partition(|path| is_sql(path));
            return Ok(Chosen { scripts, programs: ChosenPrograms::These(programs) });
        }
        if matches!(selection, Selection::Named) {
            let root = &settings.root;
            let relative = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).to_owned();
            let scripts = named.iter().map(relative).collect();
            return Ok(Chosen { scripts, programs: ChosenPrograms::None });
        }
        Ok(Chosen { scripts: all_scripts(folder), programs: ChosenPrograms::All })
    }

    fn has_program(&self, path: &Path) -> bool {
        match &self.programs {
            ChosenPrograms::All => !is_sql(path),
            ChosenPrograms::None => false,
            ChosenPrograms::These(programs) => programs.iter().any(|program| program == path),
        }
    }
}

/// All files of a folder with SQL.
fn all_scripts(folder: &MigrationFolder) -> Vec<PathBuf> {
    let up = folder.migrations.iter().map(|migration| migration.up.path.clone());
    let down = folder
        .migrations
        .iter()
        .filter_map(|migration| Some(migration.down.as_ref()?.path.clone()));
    let mut all: Vec<PathBuf> = up.chain(down).chain(folder.orphans.clone()).collect();
    let left = folder.misnamed.iter().chain(&folder.ignored).map(|(path, _)| path);
    all.extend(left.chain(folder.faulty.iter().map(|(path, _)| path)).cloned());
    all.retain(|path| is_sql(path));
    all.sort();
    all.dedup();
    all
}

fn check_chosen(
    workspace: &Workspace,
    settings: &Settings,
    (repository, folder): (&Repository<'_>, &MigrationFolder),
    chosen: &Chosen,
) -> Result<Vec<Checked>> {
    let unmatched = migration::unmatched_expectations(settings, folder);
    unmatched.iter().for_each(|warning| workspace.ui.warning(warning));
    let mut checked = Vec::new();
    let server = Receipts::of(&settings.root).server(settings)?;
    let read = |path: &Path| repository.read(path).ok();
    let wanted = chosen.scripts.iter().map(PathBuf::as_path).collect();
    let contexts = CheckContexts::new(server, folder, &wanted, &read);
    for path in &chosen.scripts {
        let (layout, bytes) = (&settings.migrations.layout, repository.read(path)?);
        checked.push(check_file(layout, path, &bytes, &contexts.before(path)));
    }
    let deleted = repository.deleted()?;
    let is_deleted = |path: &Path| deleted.iter().any(|one| one == path);
    let past = repository.past(settings, folder, &is_deleted);
    let of_folder = check::of_folder(folder).into_iter().chain(past);
    // What is known of programs is only what git says of them as files. A migration folder without
    // its file is never among the chosen files.
    let is_meant =
        |path: &Path| chosen.has_program(path) || repository.is_folder(path) || is_deleted(path);
    merge(&mut checked, of_folder, &is_meant);
    name_them(&mut checked, folder);
    check::accept_empty_migrations(&mut checked);
    for one in &mut checked {
        let version = one.version.as_deref().unwrap_or_default();
        one.expected.extend(settings.expected.of(version));
        migration::accept_losses(one, &repository.read(&one.file).unwrap_or_default());
    }
    Ok(checked)
}

/// Checks a file, or both parts of a file that contains the up and the down migration.
fn check_file(layout: &ProjectTool, path: &Path, bytes: &[u8], context: &CheckContext) -> Checked {
    let folder = layout.read(vec![FoundFile { path: path.to_owned(), bytes: bytes.to_vec() }]);
    let parts = folder
        .scripts()
        .filter(|(script, _)| script.path == path && !(script.is_code && script.part.is_some()));
    let directed = |is_up| if is_up { Direction::Up } else { Direction::Down };
    let mut parts: Vec<_> =
        parts.map(|(script, is_up)| (script.clone(), directed(is_up))).collect();
    // A program in a file is the same file both ways.
    parts.dedup_by(|later, earlier| later.0 == earlier.0);
    let check_script = |script: &ScriptFile, direction| {
        check::check_script(layout, script, bytes.to_vec(), direction, context.clone())
    };
    let Some(((first, direction), rest)) = parts.split_first() else {
        // A down file without an up file belongs to no migration.
        let name = path.to_string_lossy();
        let is_down = name.ends_with("down.sql") || name.ends_with(".rollback.sql");
        let divided = db_tools::migration::divided(bytes.to_vec());
        let text = String::from_utf8_lossy(&divided);
        let source =
            FileToCheck::alone(layout, path, &text, directed(!is_down)).on(context.clone());
        return check::check(&source.decoded_to(check::undecoded_line(bytes)));
    };
    let mut checked = check_script(first, *direction);
    for (script, direction) in rest {
        let other = check_script(script, *direction);
        checked.findings.extend(other.findings);
        checked.expected.extend(other.expected);
        checked.allowed.extend(other.allowed);
    }
    checked
}

/// Adds findings about whole files to those of the selected files, and further selected files.
fn merge(
    checked: &mut Vec<Checked>,
    found: impl Iterator<Item = Checked>,
    is_meant: &dyn Fn(&Path) -> bool,
) {
    for mut about in found {
        if let Some(of_file) = checked.iter_mut().find(|checked| checked.file == about.file) {
            about.findings.retain(|finding| !of_file.allowed.contains(&finding.rule));
            of_file.findings.splice(0..0, about.findings);
        } else if is_meant(&about.file) {
            checked.push(about);
        }
    }
}

/// Whether it is an SQL file, or one with a `.SQL` extension.
fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// Gives the files of migrations their version and name.
fn name_them(checked: &mut [Checked], folder: &MigrationFolder) {
    for checked in checked {
        let of = |path: &PathBuf| *path == checked.file;
        let found = folder.migrations.iter().find(|migration| {
            of(&migration.up.path) || migration.down.as_ref().is_some_and(|down| of(&down.path))
        });
        if let Some(migration) = found {
            checked.version = Some(migration.version.to_string());
            migration.name.clone_into(&mut checked.name);
        }
    }
}
