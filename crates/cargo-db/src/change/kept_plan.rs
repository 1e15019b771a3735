//! Plans that are kept to be applied, or approved, later: `.db/plans/ID.json`. A kept plan is a
//! command and the id that its plan had. It proves nothing: whoever carries it out computes the
//! plan anew, and compares the ids.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::answer::Planned;
use crate::failure::{ApprovalError, CausedBy, Result};
use crate::plan::Plan;
use crate::world::{clock, files};

/// How long a kept plan is valid.
const VALID: Duration = Duration::hours(24);
/// How far the clocks of two machines may differ.
const SKEW: Duration = Duration::minutes(5);

/// A plan that was kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptPlan {
    schema: u32,
    pub(crate) id: String,
    pub(crate) verb: String,
    made: String,
    pub(crate) database: String,
    pub(crate) environment: String,
    /// The words after `cargo db`, with the bounds of losses.
    command: Vec<String>,
    /// What it will do, for people.
    pub(crate) plan: Value,
}

impl KeptPlan {
    /// Of a plan that was made now, of this command.
    pub(crate) fn of(plan: &Plan, command: &str) -> KeptPlan {
        let command = format!("{command}{}", plan.at_most().flag());
        let words = shell_words::split(&command).unwrap_or_default();
        let made = clock::now().format(&Rfc3339).unwrap_or_default();
        KeptPlan {
            schema: 1,
            id: plan.id().to_string(),
            verb: plan.verb.name().to_owned(),
            made,
            database: plan.target.database.clone(),
            environment: plan.environment.to_string(),
            command: words.into_iter().skip(2).collect(),
            plan: serde_json::to_value(Planned::from(plan)).unwrap_or_default(),
        }
    }

    /// As it is written.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Keeps it in the project, and returns the file.
    pub(crate) fn keep(&self, root: &Path) -> Result<PathBuf> {
        files::create_own_dir(&root.join(".db"))?;
        files::create_private_dir(&folder(root), None)?;
        let file = place(root, &self.id);
        files::replace(&file, &self.to_text())?;
        Ok(file)
    }

    /// The plan with this id: of a file, or of the project in this folder.
    pub(crate) fn find(root: &Path, id: &str, file: Option<&Path>) -> Result<KeptPlan> {
        let file = match file {
            Some(file) => file.to_owned(),
            None if is_id(id) => place(root, id),
            None => return Err(ApprovalError::NoPlan { plan: id.to_owned() }.into()),
        };
        let text = files::read_if_there(&file).map_err(files::failed("read", &file))?;
        let Some(text) = text else {
            return Err(ApprovalError::NoPlan { plan: id.to_owned() }.into());
        };
        KeptPlan::read(&text, id, &file)
    }

    /// The plan that a text is, if it is the one with this id and still valid.
    pub(crate) fn read(text: &str, id: &str, file: &Path) -> Result<KeptPlan> {
        let not_a_plan = |why: String| ApprovalError::NotAPlan { file: file.to_owned(), why };
        let kept: KeptPlan = serde_json::from_str(text)
            .map_err(|error| not_a_plan(error.to_string()).caused_by(error))?;
        if kept.schema != 1 {
            let why = format!("a newer version of cargo db wrote it (schema {})", kept.schema);
            return Err(not_a_plan(why).into());
        }
        if kept.id != id {
            let (file, found, plan) = (file.to_owned(), kept.id, id.to_owned());
            return Err(ApprovalError::OtherPlan { file, found, plan }.into());
        }
        let made = OffsetDateTime::parse(&kept.made, &Rfc3339)
            .map_err(|_| not_a_plan(format!("`{}` is not a time", kept.made)))?;
        let age = clock::now() - made;
        if age > VALID || age < -SKEW {
            let (plan, command) = (kept.id.clone(), kept.typed());
            return Err(ApprovalError::TooOld { plan, made: kept.made, command }.into());
        }
        Ok(kept)
    }

    /// The words of its command.
    pub(crate) fn words(&self) -> Vec<String> {
        self.command.iter().filter(|word| *word != "--json").cloned().collect()
    }

    /// Its command, as it was typed.
    pub(crate) fn typed(&self) -> String {
        format!("cargo db {}", shell_words::join(self.words()))
    }
}

/// Whether a text can be the id of a plan, and nothing else that leads out of the folder.
fn is_id(text: &str) -> bool {
    text.len() == crate::plan::PlanId::DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn folder(root: &Path) -> PathBuf {
    root.join(".db").join("plans")
}

fn place(root: &Path, id: &str) -> PathBuf {
    folder(root).join(format!("{id}.json"))
}

/// The file of a signed approval, beside the plan that it is of.
pub(crate) fn signed_approval(root: &Path, id: &str, plan_file: Option<&Path>) -> PathBuf {
    let plan = plan_file.map_or_else(|| place(root, id), Path::to_owned);
    plan.with_extension("approval.json")
}
