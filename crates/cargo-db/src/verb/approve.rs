//! `cargo db approve`.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::answer::{ApprovalKeys, Approved, Outcome};
use crate::change::{
    Effect, KeptPlan, Mode, Needs, SignedApproval, Workspace, refused_in, run_kept, signed_approval,
};
use crate::failure::{ApprovalError, CausedBy, ConsentError, Failure, KeyError, Result};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::key::PublicKey;
use crate::model::target::{Secret, Target};
use crate::plan::{Operation, Plan};
use crate::policy::Judgement;
use crate::verb::declare::Verb;
use crate::world::files;
use crate::world::pg::approvals::{self, APPROVER, RoleOfApproval};
use crate::world::pg::{Purpose, Session};
use crate::world::signing::SigningKey;

const EFFECT: Effect = Effect::ChangesData;

/// Approve a plan that an AI agent may then carry out, once
///
/// In staging and production, an agent needs the approval of exactly its plan. A person gives it at
/// a terminal, as a role that the agent's own role cannot become. The plan is made again and shown
/// before. The approval is valid for 24 hours, and for one run.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ApproveArgs {
    /// The id of the plan
    #[arg(value_name = "PLAN-ID", required_unless_present_any = ["accept_key", "revoke_key"])]
    id: Option<String>,
    /// Read the plan from this file; else it is looked up in `.db/plans` and in the database
    #[arg(long, value_name = "FILE")]
    plan_file: Option<PathBuf>,
    /// The role to connect as: cargo_db_approver, or a member of it
    #[arg(long = "as", value_name = "ROLE", default_value = APPROVER)]
    role: String,
    /// In CI: sign the approval with the signing key, and write it beside the plan
    #[arg(long, conflicts_with_all = ["role", "accept_key", "revoke_key"])]
    sign: bool,
    /// Accept approvals that are signed with this public key
    #[arg(long, value_name = "KEY", conflicts_with = "id")]
    accept_key: Option<String>,
    /// No longer accept approvals that are signed with this public key
    #[arg(long, value_name = "KEY", conflicts_with_all = ["id", "accept_key"])]
    revoke_key: Option<String>,
}

impl Verb for ApproveArgs {
    fn name(&self) -> &'static str {
        "approve"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        // An agent that says that it is none is still one here.
        if let Some(agent) = workspace.settings.agent.known_by(Environment::Production) {
            let (agent, command) = (agent.to_owned(), workspace.consent.command.clone());
            return Err(ApprovalError::ByAgent { agent, command }.into());
        }
        if !self.sign && !workspace.ui.can_prompt() {
            let command = &workspace.consent.command;
            let sign = self.id.as_ref().map(|_| format!("{command} --sign"));
            return Err(ApprovalError::NoTerminal { sign }.into());
        }
        match (&self.id, self.accept_key.as_ref().or(self.revoke_key.as_ref())) {
            (Some(id), _) => self.approve(workspace, id),
            (None, Some(key)) => self.change_key(workspace, key),
            (None, None) => Ok(Outcome::said()),
        }
    }
}

impl ApproveArgs {
    fn approve(&self, workspace: &Workspace, id: &str) -> Result<Outcome> {
        let approver = Approver::of(self, workspace);
        let key = self.sign.then(|| signing_key(workspace)).transpose()?;
        let kept = self.find(&approver, id)?;
        // What is wrong with the roles is said before anything is rehearsed or typed.
        if key.is_none() {
            is_safe(workspace, &workspace.target()?)?;
        }
        workspace.ui.note(&format!("The kept plan is of `{}`", kept.typed()));
        let (outcome, planning) = run_kept(workspace, &kept, Mode::DryRun)?;
        let shown = planning.shown_plans.all();
        let Some(plan) =
            shown.iter().map(|(plan, _)| plan).find(|plan| plan.id().to_string() == id)
        else {
            let now = shown.first().map_or("empty".to_owned(), |(plan, _)| plan.id().to_string());
            let (plan, command) = (id.to_owned(), kept.typed());
            let changed = || ApprovalError::Changed { plan, now, command }.into();
            return Err(outcome.into_failure().unwrap_or_else(changed));
        };
        // The password of the approver goes to no server that only the plan names.
        let own = workspace.target()?;
        if !is_same_place(&plan.target, &own) {
            let (plan, theirs, own) = (id.to_owned(), plan.target.place(), own.place());
            return Err(ApprovalError::OtherPlace { plan, theirs, own }.into());
        }
        if let Some(answer) = outcome.answer() {
            workspace.ui.show(answer);
        }
        agree(&planning, plan)?;
        let by = match key {
            Some(key) => self.sign(workspace, plan, key)?,
            None => approver.approve(plan, &own)?,
        };
        Ok(Outcome::done(Approved::of(plan, by)))
    }

    /// The plan: from the file, from the project, or as its maker left it in the database.
    fn find(&self, approver: &Approver<'_>, id: &str) -> Result<KeptPlan> {
        match KeptPlan::find(&approver.workspace.settings.root, id, self.plan_file.as_deref()) {
            Err(failure) if self.plan_file.is_none() && !self.sign && is_unknown(&failure) => {
                let text = approver.requested(id)?.ok_or(failure)?;
                KeptPlan::read(&text, id, Path::new("the plan in the database"))
            }
            found => found,
        }
    }

    /// Signs the approval with the key of CI, and returns where that is.
    fn sign(&self, workspace: &Workspace, plan: &Plan, key: SigningKey) -> Result<String> {
        let id = plan.id().to_string();
        let signed = SignedApproval::sign(&id, &key).ok_or(KeyError::Missing)?;
        let file = signed_approval(&workspace.settings.root, &id, self.plan_file.as_deref());
        files::replace(&file, &signed.to_text())?;
        workspace.ui.status("Wrote", &file.display().to_string());
        Ok(key.place)
    }

    fn change_key(&self, workspace: &Workspace, key: &str) -> Result<Outcome> {
        let key: PublicKey = key.parse().map_err(|why| KeyError::NotPublic { why })?;
        let accepted = self.accept_key.is_some();
        let target = workspace.target()?;
        let question = match accepted {
            true => format!("Accept approvals on {} that {key} signed?", target.database),
            false => format!("No longer accept approvals on {} of {key}?", target.database),
        };
        if !workspace.ui.confirm(&question)? {
            return Err(ConsentError::Declined.into());
        }
        let mut session = Approver::of(self, workspace).session(&target)?;
        approvals::accept_key(&mut session, &key, accepted)?;
        let keys = approvals::keys(&mut session)?;
        Ok(Outcome::done(ApprovalKeys::of(&target, &keys)))
    }
}

/// Who approves: another role than the one that migrates.
struct Approver<'a> {
    workspace: &'a Workspace,
    role: &'a str,
    /// Typed once, and kept nowhere an agent could find it.
    password: OnceCell<Option<Secret>>,
}

impl<'a> Approver<'a> {
    fn of(args: &'a ApproveArgs, workspace: &'a Workspace) -> Approver<'a> {
        Approver { workspace, role: &args.role, password: OnceCell::new() }
    }

    fn connect(&self, target: &Target) -> Result<Session> {
        if self.password.get().is_none() {
            let (role, place) = (self.role, target.place());
            let question = format!("Password of {role} on {place} (Enter if it has none)");
            let typed = self.workspace.ui.ask_secret(&question)?;
            let password = Some(typed).filter(|typed| !typed.is_empty()).map(Secret::new);
            self.password.get_or_init(|| password);
        }
        let password = self.password.get().cloned().flatten();
        let target = Target { user: self.role.to_owned(), password, ..target.clone() };
        Session::open(&self.workspace.world, &target, Purpose::Write)
    }

    /// A session in which the schema of approvals exists, and holds against the migrating role.
    fn session(&self, target: &Target) -> Result<Session> {
        is_safe(self.workspace, target)?;
        let database = target.database.clone();
        let mut session = self.connect(target)?;
        let created = approvals::act_as_approver(&mut session)
            .and_then(|()| approvals::create(&mut session, &target.user));
        created.map_err(|failure| {
            let (role, why) = (self.role.to_owned(), failure.to_string());
            ApprovalError::CannotApprove { role, database, why }.caused_by(failure)
        })?;
        Ok(session)
    }

    /// The plan that was left in the database.
    fn requested(&self, id: &str) -> Result<Option<String>> {
        let mut session = self.connect(&self.workspace.target()?)?;
        if !approvals::is_there(&mut session)? {
            return Ok(None);
        }
        approvals::act_as_approver(&mut session)?;
        approvals::requested(&mut session, id)
    }

    /// Writes the approval, and returns who gave it. The connection is as this person's settings
    /// want it: a plan can ask for one without TLS.
    fn approve(&self, plan: &Plan, own: &Target) -> Result<String> {
        let mut session = self.session(own)?;
        let id = plan.id().to_string();
        let about = (plan.verb.name(), plan.environment);
        approvals::approve(&mut session, &id, about)?;
        Ok(self.role.to_owned())
    }
}

/// Whether a plan changes the very database that the settings here name, as the same role.
fn is_same_place(theirs: &Target, own: &Target) -> bool {
    theirs.user == own.user && theirs.place() == own.place()
}

/// The key that CI signs with.
fn signing_key(workspace: &Workspace) -> Result<SigningKey> {
    Ok(SigningKey::find(&workspace.settings.signing)?.ok_or(KeyError::Missing)?)
}

/// Fails if an approval would prove nothing about the role that migrates.
fn is_safe(workspace: &Workspace, target: &Target) -> Result<()> {
    let (database, role) = (target.database.clone(), target.user.clone());
    let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
    if !approvals::approver_is_there(&mut session)? {
        return Err(ApprovalError::NoApprover { database }.into());
    }
    let mut doubts = approvals::doubts(&mut session, &RoleOfApproval::OfSession)?;
    for doubt in approvals::doubts(&mut session, &RoleOfApproval::Named(&role))? {
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    match doubts.is_empty() {
        true => Ok(()),
        false => Err(ApprovalError::Unsafe { database, role, doubts }.into()),
    }
}

/// Asks whoever is at the terminal, as the policy wants it. CI agrees by signing.
fn agree(workspace: &Workspace, plan: &Plan) -> Result<()> {
    let Judgement::Allowed(terms) = workspace.policy.cell(Operation::Approve, plan.environment)
    else {
        return Err(refused_in(&workspace.database()?, "approve", plan.environment));
    };
    if !workspace.ui.can_prompt() {
        return Ok(());
    }
    let name = &plan.target.database;
    let is_agreed = match terms.consent {
        Consent::Free | Consent::Confirm => workspace.ui.confirm("Approve this plan?")?,
        // The id was typed already.
        Consent::ByName | Consent::ToPlan => {
            let question = format!("Type the name of the database, {name}, to approve this plan");
            workspace.ui.ask(&question)? == *name
        }
    };
    if is_agreed { Ok(()) } else { Err(ConsentError::Declined.into()) }
}

fn is_unknown(failure: &Failure) -> bool {
    failure.code() == "PLAN.UNKNOWN"
}
