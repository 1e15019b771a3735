//! `init --agent`: the files for coding agents.

use std::path::Path;

use clap::ValueEnum;

use crate::answer::{AgentFilesChecked, Outcome};
use crate::face::{AgentFile, CodingAgent, is_agent_file};
use crate::failure::Result;
use crate::verb::init::work::{Edit, Work, is_taken};
use crate::world::files;

/// How a file compares with what would be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AgentFileState {
    Current,
    Missing,
    /// It is ours, and has another text.
    Outdated,
    /// Somebody else wrote it, or a link leads to it.
    Foreign,
}

/// The state of each file.
pub(super) fn survey(
    root: &Path,
    files: Vec<AgentFile>,
) -> Result<Vec<(AgentFile, AgentFileState)>> {
    let with_state = |file: AgentFile| Ok((state(root, &file)?, file)).map(|(is, file)| (file, is));
    files.into_iter().map(with_state).collect()
}

fn state(root: &Path, file: &AgentFile) -> Result<AgentFileState> {
    let path = root.join(&file.path);
    if path.is_symlink() || !is_inside(root, &path)? {
        return Ok(AgentFileState::Foreign);
    }
    if !is_taken(&path) {
        return Ok(AgentFileState::Missing);
    }
    let bytes = files::read(&path)?;
    Ok(match String::from_utf8_lossy(&bytes) {
        text if text == file.text => AgentFileState::Current,
        text if is_agent_file(&text) => AgentFileState::Outdated,
        _ => AgentFileState::Foreign,
    })
}

/// Whether the folder of a file is in the project, wherever links lead.
fn is_inside(root: &Path, path: &Path) -> Result<bool> {
    let folder = path.ancestors().skip(1).find(|folder| is_taken(folder)).unwrap_or(root);
    Ok(files::real_path(folder)?.starts_with(files::real_path(root)?))
}

/// Adds the files that have to be written, and names those of somebody else.
pub(super) fn add(root: &Path, files: Vec<(AgentFile, AgentFileState)>, work: &mut Work) {
    for (AgentFile { path, text }, state) in files {
        let full = root.join(&path);
        match state {
            AgentFileState::Current => {}
            AgentFileState::Missing => work.add(full, text),
            AgentFileState::Outdated => work.edits.push(Edit::anew(full, text)),
            AgentFileState::Foreign => work
                .by_hand
                .push(format!("`{}` is left to you: cargo db did not write it", path.display())),
        }
    }
}

/// The report of `--check`; a file that has to be written is a finding.
pub(super) fn report(chosen: &[CodingAgent], files: &[(AgentFile, AgentFileState)]) -> Outcome {
    let of = |wanted: AgentFileState| -> Vec<String> {
        let found = files.iter().filter(|(_, state)| *state == wanted);
        found.map(|(file, _)| file.path.display().to_string()).collect()
    };
    let report = AgentFilesChecked {
        missing: of(AgentFileState::Missing),
        outdated: of(AgentFileState::Outdated),
        left_to_you: of(AgentFileState::Foreign),
        next: command(chosen),
    };
    let is_finding = report.is_finding();
    Outcome::done(report).finding_if(is_finding)
}

/// The command that writes the files for these agents.
fn command(chosen: &[CodingAgent]) -> String {
    if chosen.contains(&CodingAgent::All) {
        return "cargo db init --agent".to_owned();
    }
    let names = chosen.iter().filter_map(ValueEnum::to_possible_value);
    let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
    format!("cargo db init --agent={}", names.join(","))
}
