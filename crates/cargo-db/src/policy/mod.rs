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

        (Verb::RestoreInPlace, Development) => Allowed(Confirm),
        (Verb::RestoreInPlace, Test)        => Allowed(Confirm),
        (Verb::RestoreInPlace, Staging)     => Allowed(ByName),
        (Verb::RestoreInPlace, Production)  => Allowed(ToPlan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{from_keywords, parse_url};

    fn judged(verb: Verb, environment: Environment, host: &str) -> Judgement {
        let url = parse_url(&format!("postgres://me@{host}/school"), "x").unwrap();
        let target = from_keywords(&url, "x", "me").unwrap();
        judge(&Plan::from_basis(verb, &target, environment, Vec::new(), String::new()))
    }

    #[test]
    fn a_development_database_on_another_machine_wants_its_name() {
        use Environment::Development;
        assert_eq!(judged(Verb::Rollback, Development, "localhost"), Judgement::Allowed(Consent::Confirm));
        assert_eq!(judged(Verb::Rollback, Development, "db.example"), Judgement::Allowed(Consent::ByName));
        assert_eq!(judged(Verb::Migrate, Development, "db.example"), Judgement::Allowed(Consent::Free));
        assert_eq!(
            judged(Verb::Rollback, Environment::Staging, "db.example"),
            Judgement::Allowed(Consent::Confirm)
        );
    }

    #[test]
    fn production_is_never_cleared_and_nothing_is_free_there() {
        use Environment::Production;
        assert_eq!(judged(Verb::SeedFresh, Production, "localhost"), Judgement::Never);
        for verb in [Verb::Migrate, Verb::Rollback, Verb::Seed, Verb::Restore] {
            assert_eq!(
                judged(verb, Production, "localhost"),
                Judgement::Allowed(Consent::ToPlan),
                "{verb:?}"
            );
        }
    }
}
