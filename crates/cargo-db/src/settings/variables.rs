//! Environment variables in layers: the process, `.env.<environment>`, `.env`. An earlier layer
//! takes precedence, and an empty variable counts as not set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Result, SettingsError};
use crate::model::environment::Environment;
use crate::settings::dotenv::{DotenvEntry, parse};
use crate::settings::owner::check_owner;
use crate::settings::source::{Origin, Setting, Sources};

/// The layers, the strongest first.
pub(crate) struct Variables {
    process: BTreeMap<String, String>,
    files: Vec<Layer>,
}

/// The variables of a file.
struct Layer {
    path: PathBuf,
    /// As it is shown.
    shown: PathBuf,
    entries: BTreeMap<String, DotenvEntry>,
}

impl Variables {
    /// The process and the `.env` nearest to where the command was started, but not above the
    /// project; with `--env-file` the files named there instead.
    pub(crate) fn gather(sources: &Sources<'_>, root: &Path) -> Result<Variables> {
        let mut files = Vec::new();
        if !sources.flags.no_dotenv && sources.flags.env_files.is_empty() {
            let mut within = sources.cwd.ancestors().take_while(|folder| folder.starts_with(root));
            let nearest = within.find_map(|folder| {
                let path = folder.join(".env");
                of_project(sources, root, &path).transpose()
            });
            files.extend(nearest.transpose()?);
        }
        // The last `--env-file` wins, and a file that was named explicitly may belong to any user.
        for file in sources.flags.env_files.iter().rev() {
            files.push(load(sources, &sources.cwd.join(file))?.ok_or_else(|| {
                SettingsError::Value {
                    source_name: "--env-file".to_owned(),
                    value: file.display().to_string(),
                    why: "no such file".to_owned(),
                }
            })?);
        }
        Ok(Variables { process: sources.process.clone(), files })
    }

    /// All of them, with those of `.env.<environment>`.
    pub(crate) fn of_environment(
        sources: &Sources<'_>,
        root: &Path,
        environment: Environment,
    ) -> Result<Variables> {
        let mut variables = Variables::gather(sources, root)?;
        variables.add_environment_file(sources, root, environment)?;
        Ok(variables)
    }

    /// Puts `.env.<environment>` between the process and `.env`.
    pub(crate) fn add_environment_file(
        &mut self,
        sources: &Sources<'_>,
        root: &Path,
        environment: Environment,
    ) -> Result<()> {
        if !sources.flags.no_dotenv && sources.flags.env_files.is_empty() {
            let layer = of_project(sources, root, &root.join(format!(".env.{environment}")))?;
            self.files.splice(0..0, layer);
        }
        Ok(())
    }

    /// The value of a variable and its source. A variable that refers to an unset variable is an
    /// error.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Setting<String>>> {
        if let Some(value) = self.process.get(name).filter(|value| !value.is_empty()) {
            let origin = Origin::Process(name.to_owned());
            return Ok(Some(Setting { value: value.clone(), origin }));
        }
        for Layer { path, shown, entries } in &self.files {
            let Some(DotenvEntry { line, value }) = entries.get(name) else { continue };
            let value = value.clone().map_err(|why| SettingsError::File {
                file: path.clone(),
                line: *line,
                why,
                suggestion: None,
            })?;
            if !value.is_empty() {
                let (file, line, variable) = (shown.clone(), *line, name.to_owned());
                return Ok(Some(Setting {
                    value,
                    origin: Origin::EnvFile { file, line, variable },
                }));
            }
        }
        Ok(None)
    }

    /// The name and the value of each variable, in every layer.
    pub(crate) fn into_values(self) -> Vec<(String, String)> {
        let in_files = self.files.into_iter().flat_map(|file| file.entries);
        let in_files = in_files.filter_map(|(name, entry)| Some((name, entry.value.ok()?)));
        self.process.into_iter().chain(in_files).collect()
    }
}

/// A file of the project, which has to belong to the user.
fn of_project(sources: &Sources<'_>, root: &Path, path: &Path) -> Result<Option<Layer>> {
    check_owner(sources, root, path)?;
    load(sources, path)
}

fn load(sources: &Sources<'_>, path: &Path) -> Result<Option<Layer>> {
    let Some(text) = sources.text(path)? else { return Ok(None) };
    let shown = path.strip_prefix(&sources.cwd).unwrap_or(path).to_owned();
    let entries = parse(&text, path, &sources.process)?;
    Ok(Some(Layer { path: path.to_owned(), shown, entries }))
}
