//! One rule for each kind of object: how it is altered, created and dropped.

use crate::catalog::{Kind, Object};
use crate::diff::compare::Pair;
use crate::diff::edit::Verdict;
use crate::diff::hazard::Hazard;
use crate::diff::{acting, foreign, relation, routine, sequence, stored, types};

/// How objects of a kind are changed, and the hazards of that.
pub(super) struct KindRule {
    pub(super) kind: Kind,
    /// How an old object becomes the new one.
    pub(super) alter: fn(&Pair<'_>) -> Verdict,
    /// The statement that drops an object; `None` if it has none of its own.
    pub(super) drop: fn(&Object) -> Option<String>,
    /// The hazards of dropping an object.
    pub(super) loss: fn(&Object) -> Vec<Hazard>,
    /// The hazards of creating an object.
    pub(super) making: fn(&Object) -> Vec<Hazard>,
}

/// A kind without hazards.
const fn plain(kind: Kind, alter: fn(&Pair<'_>) -> Verdict) -> KindRule {
    KindRule { kind, alter, drop: dropped, loss: nothing, making: nothing }
}

fn relation_gone(_: &Object) -> Vec<Hazard> {
    vec![Hazard::RelationGone]
}

fn nothing(_: &Object) -> Vec<Hazard> {
    Vec::new()
}

/// The rules, in the order of [`Kind`].
pub(super) const RULES: [KindRule; 34] = [
    KindRule { loss: |_| vec![Hazard::BanDropSchema], ..plain(Kind::Schema, types::schema) },
    plain(Kind::Collation, made_again),
    plain(Kind::Extension, types::extension),
    KindRule { loss: |_| vec![Hazard::BanDropType], ..plain(Kind::Type, types::any) },
    KindRule { loss: |_| vec![Hazard::BanDropType], ..plain(Kind::Domain, types::domain) },
    plain(Kind::Cast, made_again),
    KindRule { loss: |_| vec![Hazard::FunctionGone], ..plain(Kind::Function, routine::function) },
    KindRule { loss: |_| vec![Hazard::FunctionGone], ..plain(Kind::Procedure, routine::function) },
    KindRule { loss: |_| vec![Hazard::FunctionGone], ..plain(Kind::Aggregate, made_again) },
    plain(Kind::Operator, types::operator),
    plain(Kind::OperatorFamily, types::operator_family),
    plain(Kind::OperatorClass, made_again),
    plain(Kind::TextSearchParser, made_again),
    plain(Kind::TextSearchTemplate, made_again),
    plain(Kind::TextSearchDictionary, made_again),
    plain(Kind::TextSearchConfiguration, types::search_configuration),
    plain(Kind::ForeignDataWrapper, foreign::wrapper),
    plain(Kind::Server, foreign::server),
    plain(Kind::UserMapping, foreign::user_mapping),
    KindRule {
        loss: |_| vec![Hazard::BanDropSequence],
        ..plain(Kind::Sequence, sequence::verdict)
    },
    KindRule {
        loss: |_| vec![Hazard::RowsLost, Hazard::RelationGone],
        ..plain(Kind::Table, relation::table)
    },
    KindRule { loss: relation_gone, ..plain(Kind::ForeignTable, relation::table) },
    KindRule { loss: relation_gone, ..plain(Kind::View, relation::view) },
    KindRule { loss: relation_gone, ..plain(Kind::MaterializedView, relation::view) },
    KindRule { drop: |_| None, ..plain(Kind::LargeObject, |_| Verdict::same()) },
    KindRule {
        drop: stored::drop_constraint,
        loss: stored::constraint_gone,
        making: stored::constraint_made,
        ..plain(Kind::Constraint, stored::constraint)
    },
    KindRule {
        loss: stored::index_gone,
        making: |_| vec![Hazard::ScanUnderLock],
        ..plain(Kind::Index, stored::index)
    },
    plain(Kind::Statistics, stored::statistics),
    plain(Kind::Rule, acting::rule),
    KindRule {
        drop: acting::drop_trigger,
        loss: |_| vec![Hazard::TriggerOff],
        ..plain(Kind::Trigger, acting::trigger)
    },
    KindRule {
        loss: |_| vec![Hazard::AuthzChanged],
        making: |_| vec![Hazard::AuthzChanged],
        ..plain(Kind::Policy, acting::policy)
    },
    plain(Kind::Publication, acting::publication),
    // Default privileges are compared together with the privileges of objects.
    KindRule { drop: |_| None, ..plain(Kind::DefaultPrivileges, |_| Verdict::same()) },
    plain(Kind::EventTrigger, acting::event_trigger),
];

/// The rule of a kind.
pub(super) fn rule(kind: Kind) -> &'static KindRule {
    let rule = &RULES[kind as usize];
    debug_assert_eq!(rule.kind, kind);
    rule
}

/// How an old object becomes the new one of the same name.
pub(super) fn verdict(pair: &Pair<'_>) -> Verdict {
    (rule(pair.now().identity.kind).alter)(pair)
}

/// The verdict for kinds that cannot be altered in place.
fn made_again(pair: &Pair<'_>) -> Verdict {
    if pair.is_same() { Verdict::same() } else { Verdict::Replace }
}

fn dropped(object: &Object) -> Option<String> {
    let word = object.identity.kind.word().to_uppercase();
    Some(format!("DROP {word} {}", object.identity.target()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_rule() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.kind as usize, place, "{:?}", rule.kind);
        }
        assert_eq!(RULES.len(), Kind::EventTrigger as usize + 1);
    }
}
