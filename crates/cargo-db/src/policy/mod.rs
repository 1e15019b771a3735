//! May this plan run here, and what does it need first? One table, which reads like the one in
//! the documentation, and pure functions around it.

use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::plan::{Plan, Verb};

/// What the policy says about a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It may run after this consent.
    Allowed(Consent),
    /// It never runs here.
    Never,
}

/// The policy.
pub(crate) fn judge(plan: &Plan) -> Judgement {
    let judgement = table(plan.verb, plan.environment);
    let far = plan.environment.is_own() && !plan.target.is_local();
    match judgement {
        // A development database on another machine may well be somebody else's.
        Judgement::Allowed(Consent::Confirm) if far => Judgement::Allowed(Consent::ByName),
        other => other,
    }
}

#[rustfmt::skip]
fn table(verb: Verb, environment: Environment) -> Judgement {
    use Consent::{ByName, Confirm, Free, ToPlan};
    use Environment::{Development, Production, Staging, Test};
    use Judgement::{Allowed, Never};
    match (verb, environment) {
        (Verb::Migrate,   Development) => Allowed(Free),
        (Verb::Migrate,   Test)        => Allowed(Free),
        (Verb::Migrate,   Staging)     => Allowed(Confirm),
        (Verb::Migrate,   Production)  => Allowed(ToPlan),

        (Verb::Rollback,  Development) => Allowed(Confirm),
        (Verb::Rollback,  Test)        => Allowed(Free),
        (Verb::Rollback,  Staging)     => Allowed(Confirm),
        (Verb::Rollback,  Production)  => Allowed(ToPlan),

        (Verb::Seed,      Development) => Allowed(Free),
        (Verb::Seed,      Test)        => Allowed(Free),
        (Verb::Seed,      Staging)     => Allowed(Confirm),
        (Verb::Seed,      Production)  => Allowed(ToPlan),

        (Verb::SeedFresh, Development) => Allowed(Confirm),
        (Verb::SeedFresh, Test)        => Allowed(Free),
        (Verb::SeedFresh, Staging)     => Allowed(ByName),
        (Verb::SeedFresh, Production)  => Never,

        (Verb::Restore,   Development) => Allowed(Confirm),
        (Verb::Restore,   Test)        => Allowed(Free),
        (Verb::Restore,   Staging)     => Allowed(ByName),
        (Verb::Restore,   Production)  => Allowed(ToPlan),
    }
}
