//! Expectations about migrations, written outside their files: a new comment would count as an edit
//! of a file that is applied elsewhere.
//!
//! ```toml
//! # db.toml
//! [expect]
//! 20260301090000 = ["loss users.note <= 18000"]
//!
//! # expect/20260301090000.toml, or expect/<set>/20260301090000.toml
//! expect = ["loss users.note <= 18000"]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::failure::{CausedBy, Result, SettingsError};
use crate::model::finding::Expected;
use crate::settings::file::{DbToml, ExpectTable};
use crate::settings::owner::check_owner;
use crate::settings::source::Sources;

/// What is expected of each migration, by version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectations(BTreeMap<String, OfVersion>);

/// The expectations for one version.
#[derive(Clone, Debug, Default)]
struct OfVersion {
    expected: Vec<Expected>,
    /// The file that defines the first of them, for messages.
    source_name: String,
}

/// How similar a version must be to be suggested.
const NEAR: f64 = 0.6;

/// A file with the expectations about one migration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectFile {
    expect: Vec<String>,
}

impl Expectations {
    /// Reads the expectations of a set, or of the migrations without a set.
    pub(super) fn read(
        sources: &Sources<'_>,
        toml: &DbToml,
        root: &Path,
        set: Option<&str>,
    ) -> Result<Expectations> {
        let mut all = Expectations::default();
        for (name, table) in &toml.expect {
            match table {
                ExpectTable::Migration(lines) if set.is_none() => {
                    all.add(name, lines, &format!("expect.{name} in db.toml"))?;
                }
                ExpectTable::Set(versions) if set == Some(name) => {
                    for (version, lines) in versions {
                        all.add(version, lines, &format!("expect.{name}.{version} in db.toml"))?;
                    }
                }
                ExpectTable::Migration(_) | ExpectTable::Set(_) => {}
            }
        }
        let folder = root.join("expect");
        let folder = set.map_or_else(|| folder.clone(), |set| folder.join(set));
        for path in (sources.list)(&folder, 1) {
            let is_toml = path.extension().is_some_and(|extension| extension == "toml");
            let version = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let (true, Some(version)) = (is_toml, version) else { continue };
            let path = folder.join(&path);
            check_owner(sources, root, &path)?;
            let lines = lines_of(sources, &path)?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            all.add(&version, &lines, &shown)?;
        }
        Ok(all)
    }

    fn add(&mut self, version: &str, lines: &[String], source_name: &str) -> Result<()> {
        for line in lines {
            let expected = Expected::parse(0, line).ok_or_else(|| SettingsError::Value {
                source_name: source_name.to_owned(),
                value: line.clone(),
                why: "write `loss <object> <= <number>`, or `lock <table> <= <rows>`".to_owned(),
            })?;
            let of_version = self.0.entry(bare(version).to_owned()).or_insert_with(|| OfVersion {
                source_name: source_name.to_owned(),
                ..OfVersion::default()
            });
            of_version.expected.push(expected);
        }
        Ok(())
    }

    /// What is expected of the migration with this version.
    pub(crate) fn of(&self, version: &str) -> Vec<Expected> {
        self.0.get(bare(version)).map(|known| known.expected.clone()).unwrap_or_default()
    }

    /// Where the expectations about the migration with this version are: `expect/1.toml`, or
    /// `expect.1 in db.toml`.
    pub(crate) fn place_of(&self, version: &str) -> Option<&str> {
        self.0.get(bare(version)).map(|known| known.source_name.as_str())
    }

    /// A warning for each version with expectations that is not one of these.
    pub(crate) fn without_migration(&self, versions: &[String]) -> Vec<String> {
        let is_known = |version: &String| versions.iter().any(|known| bare(known) == version);
        let unknown = self.0.iter().filter(|(version, _)| !is_known(version));
        let warning = |(version, OfVersion { source_name, .. }): (&String, &OfVersion)| {
            let near = nearest(version, versions).map(|near| format!(": did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            format!("{source_name}: there is no migration with the version `{version}`{near}")
        };
        unknown.map(warning).collect()
    }
}

/// The version that is most similar to this one, if it is similar enough.
fn nearest<'v>(version: &str, versions: &'v [String]) -> Option<&'v String> {
    let near = |other: &str| strsim::normalized_damerau_levenshtein(version, bare(other));
    let best = versions.iter().max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(best) > NEAR || best.starts_with(version)).then_some(best)
}

/// A version for comparison: leading zeros of a number do not count.
fn bare(version: &str) -> &str {
    let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
    let short = version.trim_start_matches('0');
    if is_number && !short.is_empty() { short } else { version }
}

fn lines_of(sources: &Sources<'_>, path: &Path) -> Result<Vec<String>> {
    let text = sources.text(path)?.unwrap_or_default();
    let file: ExpectFile = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        let why = error.message().lines().next().unwrap_or("not TOML").to_owned();
        SettingsError::File { file: path.to_owned(), line, why, suggestion: None }.caused_by(error)
    })?;
    Ok(file.expect)
}
