//! Domains that columns contain in another type. PostgreSQL cannot check the rows of such a column,
//! and refuses a new constraint of the domain.

use crate::catalog::{Definition, Kind, Link};
use crate::diff::closure::{ColumnFate, Fates};
use crate::diff::compare::constraint_of;
use crate::diff::words;

impl Fates<'_> {
    /// Refuses new constraints of domains that columns contain in another type.
    pub(super) fn keep_contained_domains(&mut self) {
        let before = &self.comparison.before;
        let domains = (0..self.of.len()).filter(|&old| {
            before.object(old).identity.kind == Kind::Domain
                && !self.goes(old)
                && self.has_new_check(old)
        });
        let mut refused = Vec::new();
        for old in domains {
            if let Some(column) = self.container(old) {
                let why = format!("{column} contains it, so that it cannot get a constraint");
                refused.push((words::of(&before.object(old).identity), why));
            }
        }
        refused.into_iter().for_each(|(domain, why)| self.refuse(domain, why));
    }

    /// Whether a domain gets a constraint that PostgreSQL checks.
    fn has_new_check(&self, old: usize) -> bool {
        let (before, after) = (&self.comparison.before, &self.comparison.after);
        let Some(new) = self.comparison.twins[old] else { return false };
        let not_null = |at: &crate::catalog::Object| match &at.definition {
            Definition::Domain(domain) => domain.not_null,
            _ => false,
        };
        let is_new = |&at: &usize| {
            let Some(constraint) = constraint_of(after.object(at)) else { return false };
            let was = self.comparison.originals[at].filter(|&old| !self.goes(old));
            let was = was.and_then(|old| constraint_of(before.object(old)));
            constraint.is_of_domain
                && constraint.is_validated
                && after.whole(at) == Some(new)
                && was.is_none_or(|was| !was.is_validated)
        };
        let is_required = not_null(after.object(new)) && !not_null(before.object(old));
        is_required || (0..after.catalog.objects.len()).any(|at| is_new(&at))
    }

    /// A column of a type that contains the domain.
    fn container(&self, domain: usize) -> Option<String> {
        let before = &self.comparison.before;
        let links = || before.catalog.links.iter();
        let column = |link: &Link| {
            let of_table = before.object(link.from).table().is_some() && !self.goes(link.from);
            let (_, column) = before.column(link.from, link.from_column).filter(|_| of_table)?;
            let stays = self.column_fate(link.from, link.from_column) != ColumnFate::Drop;
            let name = || words::column(&before.object(link.from).identity, column);
            (stays && !link.is_value).then(|| (name(), column.data_type.ends_with("[]")))
        };
        let direct = links().filter(|link| link.on == domain).filter_map(column);
        let mut arrays = direct.filter(|(_, is_array)| *is_array);
        let types = || {
            let of_domain = links().filter(|link| link.on == domain).map(|link| link.from);
            of_domain.filter(|&from| before.object(from).identity.kind == Kind::Type)
        };
        let mut contained = types().flat_map(|kind| links().filter(move |link| link.on == kind));
        let array = arrays.next().map(|(name, _)| name);
        array.or_else(|| contained.find_map(|link| column(link).map(|(name, _)| name)))
    }
}
