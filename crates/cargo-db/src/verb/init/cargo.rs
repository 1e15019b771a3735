//! What cargo needs to run cargo db in a workspace: a crate, its entry in the members, an alias,
//! and the profile. They are written together or not at all, and the alias last: an alias without
//! the crate that it runs would hide an installed `cargo-db` that works.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::answer::text::quoted;
use crate::failure::Result;
use crate::migration::{Vendored, is_workspace, manifest_of, name_of};
use crate::verb::init::alias;
use crate::verb::init::manifest::{as_meant, at_end, below, with_word};
use crate::verb::init::program;
use crate::verb::init::source::this_program;
use crate::verb::init::work::{Edit, Work, is_taken, read_or_empty, shown, text_of};

/// What cargo itself warns about, with a hint of a future error.
const SHADOWED: &str = "a `cargo-db` is installed too: the alias counts, and cargo warns that it \
     shadows the other. To end the warning, run `cargo uninstall cargo-db`, or remove the alias";
const XTASK_MAIN: &str = "\
//! The repository's tasks: `cargo db`.
fn main() -> std::process::ExitCode {
    cargo_db::main()
}
";
/// The crates that process every byte of a backup or a migration, with their `opt-level` in this
/// workspace's dev profile. Cargo uses only the profiles of the workspace root, so a dependency
/// cannot bring its own. Crates that only a feature of cargo db needs are left out: cargo warns
/// about unknown ones.
const OPTIMISED: [(&str, i64); 12] = [
    ("pg-logical", 3),
    ("pg-sql", 3),
    ("ruzstd", 1),
    ("twox-hash", 1),
    ("rowan", 1),
    ("tokio-postgres", 2),
    ("postgres-protocol", 2),
    ("flate2", 3),
    ("zlib-rs", 3),
    ("memchr", 3),
    ("xxhash-rust", 3),
    ("crc32fast", 3),
];

/// Adds to `work` what has to be written, or why nothing is written.
pub(super) fn workspace(
    root: &Path,
    folders: &[PathBuf],
    vendored: Option<&Vendored>,
    work: &mut Work,
) -> Result<()> {
    let manifest = root.join("Cargo.toml");
    if !is_taken(&manifest) {
        return without_workspace(root, folders, vendored, work);
    }
    let place = CargoWorkspace { root, text: text_of(&manifest)?, folders, vendored };
    match place.xtask() {
        Some(there) => place.for_existing_xtask(&there, work)?,
        None => place.made(work)?,
    }
    place.note_shadow(work);
    Ok(())
}

/// A project in another language: an alias for the program in the vendored source, if there is one.
/// An `xtask` would need a cargo workspace.
fn without_workspace(
    root: &Path,
    folders: &[PathBuf],
    vendored: Option<&Vendored>,
    work: &mut Work,
) -> Result<()> {
    let Some(source) = vendored else {
        program::installed("no cargo workspace here", "", work);
        return Ok(());
    };
    let (manifest, package) = program::of_source(root, source);
    let place = CargoWorkspace { root, text: String::new(), folders, vendored };
    // The profile is that of the source's own workspace.
    let Some(config) = place.config(&alias::of_manifest(&manifest, package), &[], work)? else {
        return Ok(());
    };
    work.edits.extend(config);
    work.notes.push(format!(
        "no cargo workspace here: the alias runs the program in `{manifest}`, so `cargo db` works \
         in this folder and not in the folders below it"
    ));
    place.note_shadow(work);
    Ok(())
}

/// A cargo workspace.
struct CargoWorkspace<'a> {
    root: &'a Path,
    /// Its manifest.
    text: String,
    /// The folders to search, relative to the root.
    folders: &'a [PathBuf],
    vendored: Option<&'a Vendored>,
}

impl CargoWorkspace<'_> {
    /// The folder of an existing `xtask`, relative to the root.
    fn xtask(&self) -> Option<PathBuf> {
        let is_one = |folder: &&PathBuf| {
            folder.ends_with("xtask") && is_taken(&self.root.join(folder).join("Cargo.toml"))
        };
        self.folders.iter().find(is_one).cloned()
    }

    /// For an existing `xtask`: adds the alias if it depends on cargo db and is a member, or
    /// reports what is missing.
    fn for_existing_xtask(&self, xtask: &Path, work: &mut Work) -> Result<()> {
        let folder = self.root.join(xtask);
        let has_it = read_or_empty(&folder.join("Cargo.toml")).contains("cargo-db");
        let is_member = self.is_member(xtask);
        let is_run = runs_as_xtask(&folder) || self.has_alias();
        if has_it && is_member && is_run {
            let config = self.config_for_xtask(work)?;
            work.edits.extend(config.unwrap_or_default());
            return Ok(());
        }
        let (xtask, mut missing) = (xtask.display(), Vec::new());
        if !has_it {
            missing.push(format!(
                "let `{xtask}` depend on `cargo-db`, and call `cargo_db::main()` for the argument \
                 `db`"
            ));
        }
        if !is_member {
            missing.push(format!("add \"{xtask}\" to the members of the workspace in Cargo.toml"));
        }
        missing.push(match is_run {
            true => "then run `cargo db init` again, which adds the alias".to_owned(),
            false => format!(
                "add an alias `db` to .cargo/config.toml that runs the program in `{xtask}` with \
                 the argument `db`: neither its package nor its program may be called `xtask`"
            ),
        });
        work.by_hand.push(missing.join("; "));
        Ok(())
    }

    /// Creates an `xtask`, if there is a source of cargo db that everybody can use.
    fn made(&self, work: &mut Work) -> Result<()> {
        let path = |vendored: &Vendored| Path::new("..").join(&vendored.folder);
        let dependency = match self.vendored {
            Some(vendored) => {
                Some(format!("{{ path = {} }}", quoted(&path(vendored).display().to_string())))
            }
            None => this_program().dependency(),
        };
        let Some(dependency) = dependency else {
            program::installed(NO_SOURCE, OR_VENDORED, work);
            return Ok(());
        };
        let text = match self.with_member() {
            Ok(text) => text,
            Err(to_do) => {
                work.by_hand.push(format!("{to_do}, and run `cargo db init` again"));
                return Ok(());
            }
        };
        let Some(config) = self.config_for_xtask(work)? else { return Ok(()) };
        let folder = self.root.join("xtask");
        work.add(folder.join("Cargo.toml"), xtask_manifest(&dependency));
        work.add(folder.join("src/main.rs"), XTASK_MAIN.to_owned());
        if text != self.text {
            let mut lines = vec!["members: \"xtask\"".to_owned()];
            if let Some(other) = self.vendored.and_then(|vendored| vendored.workspace.as_ref()) {
                lines.push(format!("exclude: \"{}\"", other.display()));
            }
            work.edits.push(Edit::more(self.root.join("Cargo.toml"), text, lines));
        }
        work.edits.extend(config);
        Ok(())
    }

    fn manifest(&self) -> Table {
        toml::from_str(&self.text).unwrap_or_default()
    }

    /// The entries of a list in `[workspace]`.
    fn words(&self, list: &str) -> Vec<String> {
        let manifest = self.manifest();
        let words = manifest.get("workspace").and_then(|workspace| workspace.get(list));
        let words = words.and_then(Value::as_array).cloned().unwrap_or_default();
        words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    }

    fn is_member(&self, folder: &Path) -> bool {
        let alone = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let fits = |word: &String| {
            glob::Pattern::new(word.trim_end_matches('/'))
                .is_ok_and(|pattern| pattern.matches_path_with(folder, alone))
        };
        let is_excluded = self.words("exclude").iter().any(|word| folder.starts_with(word));
        self.words("members").iter().any(fits) && !is_excluded
    }

    /// The manifest with `xtask` as a member. A vendored crate that belongs to another workspace is
    /// excluded. The error describes what a person has to do.
    fn with_member(&self) -> Result<String, String> {
        if self.words("exclude").iter().any(|word| Path::new("xtask").starts_with(word)) {
            return Err("take \"xtask\" out of `exclude` in Cargo.toml".to_owned());
        }
        if let Some(above) = self.workspace_above() {
            return Err(format!(
                "add an empty `[workspace]` to Cargo.toml if the package is no member of the \
                 workspace in {}",
                above.display()
            ));
        }
        match self.edited() {
            Some(text) if text == self.text => Ok(text),
            Some(text) if !self.root.join("Cargo.toml").is_symlink() => Ok(text),
            edited => {
                let why =
                    edited.map_or("init cannot edit this Cargo.toml", |_| "Cargo.toml is a link");
                Err(format!("add \"xtask\" to the members of the workspace ({why})"))
            }
        }
    }

    /// The manifest with everything that it has to contain; `None` if it cannot be edited.
    fn edited(&self) -> Option<String> {
        let text = match self.is_member(Path::new("xtask")) {
            true => self.text.clone(),
            false => with_word(&self.text, "members", "xtask")?,
        };
        let other = self.vendored.and_then(|vendored| vendored.workspace.as_ref());
        let excluded = self.words("exclude");
        match other.filter(|other| !excluded.iter().any(|word| other.starts_with(word))) {
            Some(other) => with_word(&text, "exclude", &other.display().to_string()),
            None => Some(text),
        }
    }

    /// The workspace above the root that the package belongs to, or may belong to.
    fn workspace_above(&self) -> Option<&Path> {
        let has_its_own = self.manifest().contains_key("workspace");
        let above = self.root.ancestors().skip(1).find(|above| is_workspace(above));
        above.filter(|_| !has_its_own)
    }

    /// The configuration that cargo reads: the older name wins if both exist.
    fn config_file(&self) -> PathBuf {
        let [old, new] = [".cargo/config", ".cargo/config.toml"].map(|name| self.root.join(name));
        if is_taken(&old) { old } else { new }
    }

    fn has_alias(&self) -> bool {
        let known: Option<Table> = toml::from_str(&read_or_empty(&self.config_file())).ok();
        known.is_some_and(|known| known.get("alias").is_some_and(|all| all.get("db").is_some()))
    }

    /// Cargo warns about an installed program that an alias hides.
    fn note_shadow(&self, work: &mut Work) {
        let path = self.config_file();
        let is_written = work.edits.iter().any(|edit| edit.path == path);
        if program::is_installed() && (self.has_alias() || is_written) {
            work.notes.push(SHADOWED.to_owned());
        }
    }

    /// The configuration with the alias for an `xtask`, and the profile.
    fn config_for_xtask(&self, work: &mut Work) -> Result<Option<Vec<Edit>>> {
        let known: Option<Table> = toml::from_str(&text_of(&self.config_file())?).ok();
        let optimised = self.missing_profiles(known.as_ref());
        self.config(&alias::of_workspace(), &optimised, work)
    }

    /// The configuration with an alias, and with profiles.
    /// `None` if `db` is another alias, or if the file cannot be edited.
    fn config(
        &self,
        words: &[String],
        optimised: &[(&'static str, i64)],
        work: &mut Work,
    ) -> Result<Option<Vec<Edit>>> {
        let path = self.config_file();
        let (text, name) = (text_of(&path)?, shown(self.root, &path));
        let known: Option<Table> = toml::from_str(&text).ok();
        let alias = known.as_ref().and_then(|known| known.get("alias")?.get("db"));
        let is_other =
            |alias| words_of(alias) != words && !words_of(alias).contains(&"xtask".to_owned());
        if alias.is_some_and(is_other) {
            work.notes.push(format!("`db` is an alias already, in {name}, so none was written"));
            return Ok(None);
        }
        let is_of_folder = |words: &[String]| words.contains(&"--manifest-path".to_owned());
        if alias.is_some_and(|alias| is_of_folder(&words_of(alias)) && !is_of_folder(words)) {
            work.by_hand.push(format!(
                "replace the alias `db` in {name} by `{}`: it works in one folder only",
                alias::line(words)
            ));
        }
        let words = alias.is_none().then_some(words);
        let edited = known.and_then(|known| configured(&text, known, words, optimised));
        let lines = lines_of(words, optimised);
        Ok(match edited {
            Some(edited) if edited == text => Some(Vec::new()),
            Some(edited) if !path.is_symlink() => Some(vec![Edit::more(path, edited, lines)]),
            edited => {
                let why = edited.map_or("it cannot edit this file", |_| "the file is a link");
                work.by_hand.push(format!(
                    "add `{}` to `[alias]` in {name}, and run `cargo db init` again: {why}",
                    alias::line(words.unwrap_or_default())
                ));
                None
            }
        })
    }

    /// The packages that have no profile in the manifest or in the configuration.
    fn missing_profiles(&self, config: Option<&Table>) -> Vec<(&'static str, i64)> {
        let manifest = self.manifest();
        let is_known = |name: &str| {
            [Some(&manifest), config].into_iter().flatten().any(|table| {
                let packages = table.get("profile").and_then(|all| all.get("dev")?.get("package"));
                packages.is_some_and(|packages| packages.get(name).is_some())
            })
        };
        OPTIMISED.into_iter().filter(|(name, _)| !is_known(name)).collect()
    }
}

const NO_SOURCE: &str = "no xtask and no alias, because the source of cargo db is not in this \
     repository, and it is not published";
const OR_VENDORED: &str = ". To pin a version for everybody, add the source, for example as a git \
     submodule, and run `cargo db init` again";

/// Whether the alias runs the program in this folder. What cannot be read is not doubted.
fn runs_as_xtask(folder: &Path) -> bool {
    let is_xtask = |name: &str| name == "xtask";
    let manifest = manifest_of(folder);
    let programs = manifest.get("bin").and_then(Value::as_array);
    let mut names = programs.into_iter().flatten().filter_map(|bin| bin.get("name")?.as_str());
    name_of(folder).is_none_or(|name| is_xtask(&name))
        && (programs.is_none_or(Vec::is_empty) || names.any(is_xtask))
}

/// What is added to the configuration, for messages.
fn lines_of(words: Option<&[String]>, optimised: &[(&str, i64)]) -> Vec<String> {
    let alias = words.map(|words| format!("alias {}", alias::line(words)));
    let profile = (!optimised.is_empty()).then(|| "[profile.dev.package] of cargo db".to_owned());
    alias.into_iter().chain(profile).collect()
}

/// The words of an alias, which is a string or a list.
fn words_of(alias: &Value) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match alias {
        Value::Array(all) => all.iter().filter_map(Value::as_str).flat_map(words).collect(),
        one => words(one.as_str().unwrap_or_default()),
    }
}

/// The configuration with the alias and the profile; `None` if it cannot be edited.
fn configured(
    text: &str,
    known: Table,
    words: Option<&[String]>,
    optimised: &[(&str, i64)],
) -> Option<String> {
    let (mut text, mut meant) = (text.to_owned(), known);
    if let Some(words) = words {
        let line = alias::line(words);
        let edited = below(&text, "[alias]", &line);
        text = edited.unwrap_or_else(|| at_end(&text, &format!("[alias]\n{line}")));
        table_in(&mut meant, "alias")?.insert("db".to_owned(), alias::value(words));
    }
    let mut profiles = PROFILE_COMMENT.to_owned();
    for (name, level) in optimised {
        profiles.push_str(&format!("\n[profile.dev.package.{name}]\nopt-level = {level}"));
        let dev = table_in(table_in(&mut meant, "profile")?, "dev")?;
        let of_package = Table::from_iter([("opt-level".to_owned(), Value::from(*level))]);
        table_in(dev, "package")?.insert((*name).to_owned(), of_package.into());
    }
    if !optimised.is_empty() {
        text = at_end(&text, &profiles);
    }
    as_meant(text, &meant)
}

const PROFILE_COMMENT: &str = "\
# The crates that process every byte of a backup. The alias builds them in the dev profile, where
# they take ten times as long without these lines.";

fn table_in<'t>(table: &'t mut Table, name: &str) -> Option<&'t mut Table> {
    table.entry(name).or_insert_with(|| Table::new().into()).as_table_mut()
}

fn xtask_manifest(dependency: &str) -> String {
    format!(
        "[package]\nname = \"xtask\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\ncargo-db = {dependency}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The crates that only a feature of cargo db needs.
    const OPTIONAL: [&str; 1] = ["zstd-sys"];

    #[test]
    fn adopters_get_the_profile_of_this_workspace() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
        let manifest: Table = toml::from_str(&read_or_empty(&manifest)).expect("a manifest");
        let packages = manifest["profile"]["dev"]["package"].as_table().expect("packages");
        let ours = packages.iter().filter_map(|(name, of_it)| {
            let level = of_it.get("opt-level")?.as_integer()?;
            (!OPTIONAL.contains(&name.as_str())).then(|| (name.clone(), level))
        });
        let theirs = OPTIMISED.map(|(name, level)| (name.to_owned(), level));
        assert_eq!(ours.collect::<BTreeSet<_>>(), BTreeSet::from(theirs));
    }

    #[test]
    fn an_alias_is_added_to_those_that_are_there() {
        let text = "[alias]\nx = \"check\"\n\n[build]\njobs = 2\n";
        let known = toml::from_str(text).expect("TOML");
        let words = alias::of_workspace();
        let edited = configured(text, known, Some(&words), &[("flate2", 3)]).expect("an edit");
        assert!(edited.starts_with("[alias]\ndb = \"run "), "{edited}");
        assert!(edited.ends_with("[profile.dev.package.flate2]\nopt-level = 3\n"), "{edited}");
        let inline = "alias = { x = \"check\" }\n";
        let known = toml::from_str(inline).expect("TOML");
        assert_eq!(configured(inline, known, Some(&words), &[]), None);
    }
}
