//! The roles that own the objects of a source, and whether the connecting role may restore them
//! as owners.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::world::pg::Session;
use pg_sql::left_out::{acts_as, owner};
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// The roles that a source names as owners.
#[derive(Default)]
pub(super) struct Owners {
    pub(super) roles: BTreeSet<String>,
    /// The roles that it acts as: those that granted a right without owning, or all owners.
    pub(super) acts_as: BTreeSet<String>,
}

impl Owners {
    /// The owners that some statements name.
    pub(super) fn of<'a>(statements: impl Iterator<Item = &'a Statement> + Clone) -> Owners {
        let roles = statements.clone().filter_map(owner).map(|(role, _)| role).collect();
        Owners { roles, acts_as: statements.filter_map(acts_as).collect() }
    }

    /// Why the connecting role may not make them owners, and what to do `instead`. Missing roles
    /// are reported elsewhere.
    pub(super) fn problems(&self, session: &mut Session, instead: &str) -> Result<Vec<String>> {
        let names: Vec<String> = self.roles.iter().map(|role| quote_literal(role)).collect();
        let sql = format!(include_str!("sql/owners.sql"), names = names.join(", "));
        let [me, forbidden] = session.sets("find out who may own what is restored", &sql)?;
        let Some(me) = me.first() else { return Ok(Vec::new()) };
        let user = me.text("name")?;
        let mut problems = Vec::new();
        for row in &forbidden {
            let role = row.text("name")?;
            let grant = format!("GRANT {} TO {}", quote_identifier(role), quote_identifier(user));
            // A member of a superuser's role can do anything.
            let remedy = match row.flag("is_superuser")? {
                true => instead.to_owned(),
                false => format!("run `{grant}`, or {instead}"),
            };
            problems.push(format!(
                "role: `{user}` may give nothing to `{role}`, which owns part of the backup: \
                 {remedy}"
            ));
        }
        problems.extend(self.acts_as.iter().filter(|role| *role != user).map(|role| {
            format!(
                "role: `{user}` may not act as `{role}`, which granted or created something in \
                 the backup: connect as a superuser, or {instead}"
            )
        }));
        Ok(problems)
    }
}
