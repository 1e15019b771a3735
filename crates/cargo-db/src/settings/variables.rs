//! Environment variables in layers: the process, `.env.<environment>`, `.env`. A variable of an
//! earlier layer hides those of later ones, and an empty one counts as not set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Result, SettingsError};
use crate::model::environment::Environment;
use crate::settings::source::{Origin, Setting, Sources};

/// The layers, the strongest first. `None` is the process itself.
pub(crate) struct Variables {
    layers: Vec<Layer>,
}

type Layer = (Option<PathBuf>, BTreeMap<String, String>);

impl Variables {
    /// The process and the `.env` nearest to where the command was started, but not above the
    /// project; with `--env-file` the files named there instead.
    pub(crate) fn gather(sources: &Sources<'_>, root: &Path) -> Result<Variables> {
        let mut layers = vec![(None, sources.process.clone())];
        if !sources.flags.no_dotenv && sources.flags.env_files.is_empty() {
            let mut within = sources.cwd.ancestors().take_while(|folder| folder.starts_with(root));
            layers.extend(
                within
                    .find_map(|folder| load(sources, &folder.join(".env")).transpose())
                    .transpose()?,
            );
        }
        // What is named last is meant to win.
        for file in sources.flags.env_files.iter().rev() {
            layers.push(load(sources, &sources.cwd.join(file))?.ok_or_else(|| {
                SettingsError::Value {
                    source_name: "--env-file".to_owned(),
                    value: file.display().to_string(),
                    why: "there is no such file".to_owned(),
                }
            })?);
        }
        Ok(Variables { layers })
    }

    /// Puts `.env.<environment>` between the process and `.env`.
    pub(crate) fn add_environment_file(
        &mut self,
        sources: &Sources<'_>,
        root: &Path,
        environment: Environment,
    ) -> Result<()> {
        if !sources.flags.no_dotenv && sources.flags.env_files.is_empty() {
            let layer = load(sources, &root.join(format!(".env.{environment}")))?;
            self.layers.splice(1..1, layer);
        }
        Ok(())
    }

    /// The value of a variable and where it was set.
    pub(crate) fn get(&self, name: &str) -> Option<Setting<String>> {
        self.layers.iter().find_map(|(file, values)| {
            let value = values.get(name).filter(|value| !value.is_empty())?.clone();
            let origin = match file {
                Some(file) => Origin::EnvFile(file.clone(), name.to_owned()),
                None => Origin::Process(name.to_owned()),
            };
            Some(Setting { value, origin })
        })
    }
}

fn load(sources: &Sources<'_>, path: &Path) -> Result<Option<Layer>> {
    let Some(text) = super::file::read_text(sources, path)? else { return Ok(None) };
    let shown = path.strip_prefix(&sources.cwd).unwrap_or(path).to_owned();
    Ok(Some((Some(shown), parse(&text, path)?)))
}

fn parse(text: &str, path: &Path) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = entry.map_err(|error| malformed(text, path, &error))?;
        // As in every dotenv: what stands first counts.
        values.entry(name).or_insert(value);
    }
    Ok(values)
}

/// dotenvy gives the text that it stumbled over and not the line's number. That text may hold a
/// password: it is used to find the line and is not shown.
fn malformed(text: &str, path: &Path, error: &dotenvy::Error) -> SettingsError {
    let line = match error {
        dotenvy::Error::LineParse(bad, _) => {
            let bad = bad.lines().next().unwrap_or("").trim();
            text.lines().position(|line| line.contains(bad))
        }
        _ => None,
    };
    SettingsError::File {
        file: path.to_owned(),
        line: line.map_or(1, |index| index + 1),
        why: "this is not `NAME=value`; a value with spaces stands in quotes".to_owned(),
        suggestion: None,
    }
}
