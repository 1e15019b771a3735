//! May this plan run here, and what does it need first? One table, which reads like the one in
//! the documentation, and pure functions around it.

use std::collections::BTreeMap;

use crate::failure::{Result, SettingsError};
use crate::model::agent::{Agent, AgentRule};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::plan::{Operation, Plan};
use crate::settings::Tightened;

/// What the policy says about a plan. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judgement {
    /// It may run on these terms.
    Allowed(Terms),
    /// It never runs here.
    Never,
}

/// What a plan needs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Terms {
    pub(crate) consent: Consent,
    /// A backup that was read back, where the database holds any row.
    pub(crate) backup: bool,
    pub(crate) proof: Proof,
    /// Whether a person has to approve this very plan, because an AI agent wants to carry it out.
    pub(crate) approval: bool,
}

/// The proof that migrations need before they run. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    Nothing,
    /// They are rehearsed, where the database holds any row.
    Rehearsal,
    /// A receipt shows that these files were rehearsed on this schema; for a rollback, that the
    /// down migration was proved.
    Receipt,
}

impl Proof {
    fn word(self) -> &'static str {
        match self {
            Proof::Nothing => "",
            Proof::Rehearsal => "rehearsal, ",
            Proof::Receipt => "receipt of a rehearsal, ",
        }
    }
}

impl Judgement {
    /// In words.
    pub(crate) fn describe(self) -> String {
        match self {
            Judgement::Never => "never".to_owned(),
            Judgement::Allowed(Terms { consent, backup, proof, approval }) => {
                format!(
                    "{}{}{}{}",
                    if backup { "backup, " } else { "" },
                    proof.word(),
                    consent.word(),
                    if approval { ", approval by a person" } else { "" }
                )
            }
        }
    }
}

/// The policy: the table, what `db.toml` tightens, and who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    tightened: BTreeMap<(Environment, &'static str), Judgement>,
    /// What `db.toml` asks of agents.
    agents: BTreeMap<(Environment, &'static str), AgentRule>,
    /// The AI agent that asks, if one does.
    agent: Agent,
}

impl Policy {
    /// The policy with what `[environments.<name>.policy]` and `[environments.<name>.agents]` ask
    /// for. They may ask for more and not for less.
    pub(crate) fn new(settings: &BTreeMap<Environment, Tightened>, agent: Agent) -> Result<Policy> {
        let mut policy = Policy { agent, ..Policy::default() };
        for (&environment, Tightened { policy: of_all, agents }) in settings {
            for (key, word) in of_all {
                let setting = Requirement { environment, table: "policy", key, word };
                let verb = setting.verb()?;
                policy.tightened.insert((environment, verb.key()), setting.judgement(verb)?);
            }
            for (key, word) in agents {
                let setting = Requirement { environment, table: "agents", key, word };
                let rule = AgentRule::named(word);
                let rule = rule.ok_or_else(|| setting.bad("write approved or never".to_owned()))?;
                let verb = setting.verb()?;
                if verb == Operation::Approve {
                    return Err(setting.bad("an agent never approves".to_owned()).into());
                }
                policy.agents.insert((environment, verb.key()), rule);
            }
        }
        Ok(policy)
    }

    /// What the policy says about a plan that whoever runs this wants to carry out.
    pub(crate) fn judge(&self, plan: &Plan) -> Judgement {
        self.of_caller(self.judge_for_anyone(plan), plan.verb, plan.environment)
    }

    /// The same about a cell of the table.
    pub(crate) fn cell_of_caller(&self, verb: Operation, environment: Environment) -> Judgement {
        self.of_caller(self.cell(verb, environment), verb, environment)
    }

    fn of_caller(
        &self,
        judgement: Judgement,
        verb: Operation,
        environment: Environment,
    ) -> Judgement {
        let Judgement::Allowed(mut terms) = judgement else { return judgement };
        if self.agent.known_by(environment).is_none() {
            return judgement;
        }
        // What holds for `restore` holds for a restore in place.
        let rules = [verb.key(), verb.name()];
        let rules = rules.iter().filter_map(|name| self.agents.get(&(environment, *name)).copied());
        let rule = rules.max();
        // That an agent approves its own plans, nothing allows.
        if rule == Some(AgentRule::Never) || verb == Operation::Approve {
            return Judgement::Never;
        }
        let is_guarded = !environment.is_disposable() && terms.consent > Consent::Free;
        terms.approval = is_guarded || rule == Some(AgentRule::Approved);
        if terms.consent > Consent::Free || terms.approval {
            terms.consent = Consent::ToPlan;
        }
        Judgement::Allowed(terms)
    }

    /// What the policy says about a plan, whoever wants to carry it out.
    pub(crate) fn judge_for_anyone(&self, plan: &Plan) -> Judgement {
        let judgement = self.cell(plan.verb, plan.environment);
        let far = plan.environment.is_disposable() && !plan.target.is_local();
        let Judgement::Allowed(mut terms) = judgement else { return judgement };
        // In the test environment, nobody can answer a prompt and no data is kept.
        if plan.is_unfinished && plan.environment != Environment::Test {
            terms.consent = terms.consent.max(Consent::Confirm);
        }
        // A development database on another machine may belong to somebody else.
        if far && terms.consent == Consent::Confirm {
            terms.consent = Consent::ByName;
        }
        if plan.runs_foreign_code() && terms.consent < Consent::ByName {
            terms.consent = Consent::ByName;
        }
        Judgement::Allowed(terms)
    }

    /// One cell of the table, as `db.toml` left it.
    pub(crate) fn cell(&self, verb: Operation, environment: Environment) -> Judgement {
        self.tightened
            .get(&(environment, verb.key()))
            .copied()
            .unwrap_or_else(|| table(verb, environment))
    }

    /// Whether `db.toml` tightened a cell.
    pub(crate) fn is_tightened(&self, verb: Operation, environment: Environment) -> bool {
        self.tightened.contains_key(&(environment, verb.key()))
    }
}

/// A line of `db.toml` that asks for more than the table.
struct Requirement<'a> {
    environment: Environment,
    table: &'static str,
    key: &'a str,
    word: &'a str,
}

impl Requirement<'_> {
    fn bad(&self, why: String) -> SettingsError {
        let Requirement { environment, table, key, word } = self;
        let source_name = format!("environments.{environment}.{table}.{key} in db.toml");
        SettingsError::Value { source_name, value: (*word).to_owned(), why }
    }

    fn verb(&self) -> Result<Operation, SettingsError> {
        Operation::ALL.into_iter().find(|verb| verb.key() == self.key).ok_or_else(|| {
            let known: Vec<&str> = Operation::ALL.into_iter().map(Operation::key).collect();
            self.bad(format!("unknown verb; the verbs are {}", known.join(", ")))
        })
    }

    /// The cell of the table that it makes.
    fn judgement(&self, verb: Operation) -> Result<Judgement, SettingsError> {
        let own = table(verb, self.environment);
        let asked = match (self.word, own) {
            ("never", _) | (_, Judgement::Never) => Judgement::Never,
            (word, Judgement::Allowed(terms)) => {
                let consent = Consent::named(word);
                let consent = consent.ok_or_else(|| {
                    self.bad("write confirm, by-name, to-plan or never".to_owned())
                })?;
                Judgement::Allowed(Terms { consent, ..terms })
            }
        };
        if asked < own || (own == Judgement::Never && self.word != "never") {
            let needs = own.describe();
            return Err(self.bad(format!("it would weaken the policy, which requires: {needs}")));
        }
        Ok(asked)
    }
}

#[rustfmt::skip]
fn table(verb: Operation, environment: Environment) -> Judgement {
    use Consent::{ByName, Confirm, Free, ToPlan};
    use Environment::{Development, Production, Staging, Test};
    use Judgement::Never;
    match (verb, environment) {
        (Operation::Migrate,        Development) => proved(Proof::Rehearsal, Free),
        (Operation::Migrate,        Test)        => only(Free),
        (Operation::Migrate,        Staging)     => proved(Proof::Rehearsal, Confirm),
        (Operation::Migrate,        Production)  => proved(Proof::Receipt, ToPlan),

        (Operation::Rollback,       Development) => backup_and(Confirm),
        (Operation::Rollback,       Test)        => only(Free),
        (Operation::Rollback,       Staging)     => backup_and(Confirm),
        (Operation::Rollback,       Production)  => proved(Proof::Receipt, ToPlan),

        (Operation::Seed,           Development) => only(Free),
        (Operation::Seed,           Test)        => only(Free),
        (Operation::Seed,           Staging)     => only(Confirm),
        (Operation::Seed,           Production)  => only(ToPlan),

        (Operation::SeedFresh,      Development) => backup_and(Confirm),
        (Operation::SeedFresh,      Test)        => only(Free),
        (Operation::SeedFresh,      Staging)     => backup_and(ByName),
        (Operation::SeedFresh,      Production)  => Never,

        (Operation::Reset,          Development) => backup_and(Confirm),
        (Operation::Reset,          Test)        => only(Free),
        (Operation::Reset,          Staging)     => backup_and(ByName),
        (Operation::Reset,          Production)  => Never,

        // A restore keeps the old database, except in test.
        (Operation::Restore,        Development) => only(Confirm),
        (Operation::Restore,        Test)        => only(Free),
        (Operation::Restore,        Staging)     => only(ByName),
        (Operation::Restore,        Production)  => only(ToPlan),

        (Operation::RestoreInPlace, Development) => backup_and(Confirm),
        (Operation::RestoreInPlace, Test)        => only(Confirm),
        (Operation::RestoreInPlace, Staging)     => backup_and(ByName),
        (Operation::RestoreInPlace, Production)  => backup_and(ToPlan),

        (Operation::Mark,           Development | Test) => only(Free),
        (Operation::Mark,           Staging)     => only(Confirm),
        (Operation::Mark,           Production)  => only(ToPlan),
        (Operation::Unmark,         _)           => only(ToPlan),

        (Operation::Key | Operation::Approve, Production) => only(ToPlan),
        (Operation::Key | Operation::Approve, _) => only(Confirm),

        (Operation::Baseline | Operation::Repair, Test) => only(Free),
        (Operation::Baseline | Operation::Repair, Development | Staging) => only(Confirm),
        (Operation::Baseline | Operation::Repair, Production) => only(ToPlan),

        (Operation::RepairDrift, Test)           => only(Free),
        (Operation::RepairDrift, Development | Staging) => only(Confirm),
        (Operation::RepairDrift, Production)     => only(ToPlan),

        // Whoever shares a database has the old names too.
        (Operation::Rebase | Operation::Switch, Development) => backup_and(Confirm),
        (Operation::Rebase | Operation::Switch, Test) => only(Free),
        (Operation::Rebase | Operation::Switch, Staging | Production) => Never,

        // A restore keeps the old database, except in test. Where it is never allowed, a snapshot
        // would only fill the disk, and to copy a database keeps everybody out of it.
        (Operation::SnapshotSave,    Development | Test) => only(Free),
        (Operation::SnapshotRestore | Operation::SnapshotDrop, Development) => only(Confirm),
        (Operation::SnapshotRestore | Operation::SnapshotDrop, Test) => only(Free),
        (Operation::SnapshotSave,    _)              => Never,
        (Operation::SnapshotRestore | Operation::SnapshotDrop, _) => Never,

        (Operation::Prune | Operation::Destroy, Production) => only(ToPlan),
        (Operation::Prune | Operation::Destroy, _)    => only(Confirm),
    }
}

const fn only(consent: Consent) -> Judgement {
    Judgement::Allowed(Terms { consent, backup: false, proof: Proof::Nothing, approval: false })
}

const fn backup_and(consent: Consent) -> Judgement {
    proved(Proof::Nothing, consent)
}

/// With a backup, and a proof.
const fn proved(proof: Proof, consent: Consent) -> Judgement {
    Judgement::Allowed(Terms { consent, backup: true, proof, approval: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{from_keywords, parse_url};

    fn judged(policy: &Policy, verb: Operation, environment: Environment, host: &str) -> Judgement {
        let url = parse_url(&format!("postgres://me@{host}/school"), "x").unwrap();
        let target = from_keywords(&url, "x", "me").unwrap();
        policy.judge(&Plan::from_basis(verb, &target, environment, Vec::new(), String::new()))
    }

    fn consent(judgement: Judgement) -> Option<Consent> {
        match judgement {
            Judgement::Allowed(terms) => Some(terms.consent),
            Judgement::Never => None,
        }
    }

    #[test]
    fn a_remote_development_database_needs_consent_by_name() {
        use Environment::{Development, Staging};
        let judged =
            |verb, environment, host| consent(judged(&Policy::default(), verb, environment, host));
        assert_eq!(judged(Operation::Rollback, Development, "localhost"), Some(Consent::Confirm));
        assert_eq!(judged(Operation::Rollback, Development, "db.example"), Some(Consent::ByName));
        assert_eq!(judged(Operation::Migrate, Development, "db.example"), Some(Consent::Free));
        assert_eq!(judged(Operation::Rollback, Staging, "db.example"), Some(Consent::Confirm));
    }

    fn an_agent() -> Agent {
        Agent::of(&BTreeMap::from([("AI_AGENT".to_owned(), "1".to_owned())]))
    }

    #[test]
    fn an_agent_consents_to_plans_and_to_nothing_less() {
        let policy = Policy { agent: an_agent(), ..Policy::default() };
        for verb in Operation::ALL {
            for environment in [Environment::Development, Environment::Test, Environment::Staging] {
                let consent = consent(judged(&policy, verb, environment, "localhost"));
                assert!(
                    matches!(consent, None | Some(Consent::Free | Consent::ToPlan)),
                    "{verb:?} {environment}"
                );
            }
        }
    }

    #[test]
    fn a_person_approves_what_an_agent_does_in_staging_and_production() {
        let policy = Policy { agent: an_agent(), ..Policy::default() };
        for verb in Operation::ALL {
            for environment in Environment::ALL {
                let of_agent = judged(&policy, verb, environment, "localhost");
                let Judgement::Allowed(terms) = of_agent else { continue };
                assert_eq!(terms.approval, !environment.is_disposable(), "{verb:?} {environment}");
                let anyone = judged(&Policy::default(), verb, environment, "localhost");
                assert!(anyone <= of_agent, "{verb:?} {environment}");
            }
        }
    }

    #[test]
    fn settings_ask_more_of_agents_alone() {
        let with = |environment, verb: &str, word: &str, agent| {
            let agents = BTreeMap::from([(verb.to_owned(), word.to_owned())]);
            let tightened = Tightened { agents, ..Tightened::default() };
            Policy::new(&BTreeMap::from([(environment, tightened)]), agent)
        };
        use Environment::{Development, Production};
        let never = with(Production, "migrate", "never", an_agent()).unwrap();
        assert_eq!(judged(&never, Operation::Migrate, Production, "localhost"), Judgement::Never);
        let person = with(Production, "migrate", "never", Agent::default()).unwrap();
        let migrate = judged(&person, Operation::Migrate, Production, "localhost");
        assert_eq!(consent(migrate), Some(Consent::ToPlan));
        let approved = with(Development, "migrate", "approved", an_agent()).unwrap();
        match judged(&approved, Operation::Migrate, Development, "localhost") {
            Judgement::Allowed(terms) => {
                assert!(terms.approval && terms.consent == Consent::ToPlan);
            }
            Judgement::Never => panic!("an approved plan may run"),
        }
        assert!(with(Development, "migrate", "confirm", an_agent()).is_err());
        assert!(with(Development, "migrat", "never", an_agent()).is_err());
    }

    #[test]
    fn production_is_never_cleared_and_always_needs_consent() {
        for verb in Operation::ALL {
            let judged = judged(&Policy::default(), verb, Environment::Production, "localhost");
            use Operation::{Rebase, Reset, SeedFresh, Switch};
            use Operation::{SnapshotDrop, SnapshotRestore, SnapshotSave};
            let never = matches!(
                verb,
                SeedFresh | Reset | Rebase | Switch | SnapshotSave | SnapshotRestore | SnapshotDrop
            );
            assert_eq!(consent(judged), (!never).then_some(Consent::ToPlan), "{verb:?}");
        }
    }

    #[test]
    fn settings_can_tighten_and_not_loosen() {
        let with = |environment, verb: &str, word: &str| {
            let policy = BTreeMap::from([(verb.to_owned(), word.to_owned())]);
            let tightened = Tightened { policy, ..Tightened::default() };
            Policy::new(&BTreeMap::from([(environment, tightened)]), Agent::default())
        };
        use Environment::{Development, Production};
        let policy = with(Development, "migrate", "by-name").unwrap();
        let judgement = policy.cell(Operation::Migrate, Development);
        assert_eq!(
            judgement,
            Judgement::Allowed(Terms {
                consent: Consent::ByName,
                backup: true,
                proof: Proof::Rehearsal,
                approval: false,
            })
        );
        assert!(with(Production, "restore", "never").is_ok());
        for (environment, verb, word) in [
            (Production, "migrate", "confirm"),
            (Production, "reset", "to-plan"),
            (Development, "reset", "free"),
            (Development, "migrate", "perhaps"),
            (Development, "migrat", "confirm"),
        ] {
            assert!(with(environment, verb, word).is_err(), "{environment} {verb} {word}");
        }
    }
}
