//! The script that a release phase runs.

use std::path::{Path, PathBuf};

use crate::answer::{Outcome, PreDeployScript};
use crate::failure::{Result, SettingsError};
use crate::model::hook::HookState;
use crate::model::path::without_dots;
use crate::settings::Settings;
use crate::verb::hooks::place::built;
use crate::world::{edit, files};

/// The beginning of a script that cargo db wrote.
const HEAD: &str = "#!/bin/sh\n# Made by `cargo db hooks install --pre-deploy`.\n";

/// The file of a script, in a project.
pub(super) struct ReleaseScript<'a> {
    settings: &'a Settings,
    /// As it was typed.
    file: &'a Path,
    /// Relative to the root of the project.
    below: PathBuf,
}

/// What a script does.
pub(super) struct ReleaseSteps<'a> {
    /// Whether it migrates, too.
    pub(super) migrates: bool,
    pub(super) receipts: &'a [PathBuf],
}

impl<'a> ReleaseScript<'a> {
    /// The script finds the project from its own place, so it has to be in it.
    pub(super) fn of(settings: &'a Settings, file: &'a Path) -> Result<ReleaseScript<'a>> {
        Ok(ReleaseScript { settings, file, below: below_root(settings, file)? })
    }

    /// Writes the script, unless there is a file that cargo db did not write.
    pub(super) fn install(&self, content: &ReleaseSteps<'_>) -> Result<Outcome> {
        let (state, text) = (self.state()?, self.script(content)?);
        let is_ours = state != HookState::Other;
        let changed =
            is_ours && (state != HookState::Installed || self.text()?.as_ref() != Some(&text));
        if changed {
            edit::rewrite(self.file, &text)?;
            edit::make_executable(self.file)?;
        }
        Ok(Outcome::done(self.report(changed)?).finding_if(!is_ours))
    }

    /// Removes the script, unless cargo db did not write it.
    pub(super) fn uninstall(&self) -> Result<Outcome> {
        let is_ours = matches!(self.state()?, HookState::Installed | HookState::Disabled);
        if is_ours {
            files::remove_file(self.file)?;
        }
        Ok(Outcome::done(self.report(is_ours)?))
    }

    /// What is there.
    pub(super) fn status(&self) -> Result<Outcome> {
        Ok(Outcome::done(self.report(false)?))
    }

    fn report(&self, changed: bool) -> Result<PreDeployScript> {
        let text = self.text()?.unwrap_or_default();
        let migrates = text.starts_with(HEAD) && text.contains(" db migrate ");
        let file = self.below.display().to_string();
        Ok(PreDeployScript { file, state: self.state()?, changed, migrates })
    }

    /// The text that is there; `None` if there is no file.
    fn text(&self) -> Result<Option<String>> {
        let bytes = files::exists(self.file).then(|| files::read(self.file)).transpose()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn state(&self) -> Result<HookState> {
        Ok(match self.text()? {
            _ if edit::is_link(self.file) => HookState::Other,
            None => HookState::Absent,
            Some(text) if !text.starts_with(HEAD) => HookState::Other,
            Some(_) if !edit::is_executable(self.file) => HookState::Disabled,
            Some(_) => HookState::Installed,
        })
    }

    fn script(&self, content: &ReleaseSteps<'_>) -> Result<String> {
        let up = vec![".."; self.below.components().count() - 1].join("/");
        let built = built(&self.settings.root).filter(|path| !path.starts_with('/'));
        let built = built.map(|path| {
            let path = shell_words::quote(&path).into_owned();
            format!("elif [ -x {path} ]; then\n    cargo_db={path}\n")
        });
        let mut receipts = String::new();
        for file in content.receipts {
            let file = below_root(self.settings, file)?.display().to_string();
            receipts += &format!(" --receipt {}", shell_words::quote(&file));
        }
        let runs = match content.migrates {
            false => format!("exec \"$cargo_db\" db check --deploy{receipts} \"$@\"\n"),
            true => format!(
                "\"$cargo_db\" db check --deploy{receipts}\n\
                 # The arguments are the consent that `migrate --dry-run` prints for production.\n\
                 exec \"$cargo_db\" db migrate --yes{receipts} \"$@\"\n"
            ),
        };
        Ok(format!(
            "{HEAD}\
             set -eu\n\
             CDPATH='' cd -- \"$(dirname -- \"$0\")/{up}\"\n\
             if command -v cargo-db >/dev/null; then\n    \
                 cargo_db=cargo-db\n\
             {}else\n    \
                 echo 'cargo db is neither installed nor built, so nothing was checked' >&2\n    \
                 exit 127\n\
             fi\n\
             {runs}",
            built.unwrap_or_default()
        ))
    }
}

/// A file that was named, relative to the root of the project.
fn below_root(settings: &Settings, file: &Path) -> Result<PathBuf> {
    let path = without_dots(&files::current_dir()?.join(file));
    let below = path.strip_prefix(&settings.root).map(Path::to_owned).map_err(|_| {
        let (file, root) = (file.display(), settings.root.display());
        SettingsError::Usage { what: format!("`{file}` is not in the project, `{root}`") }
    })?;
    Ok(below)
}
