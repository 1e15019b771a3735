//! A login role that is created to load a dump, and dropped with the database that it loads. `SET
//! ROLE` would not be enough: a function can reset it. The server is sent a verifier of its
//! password, as psql's `\password` does, since a server may log its statements. The role has the
//! name of the database, by which a later run finds a role that a killed run left.

use crate::failure::Result;
use crate::model::backup::LoadedAs;
use crate::model::event::Event;
use crate::model::target::{Secret, Target, Tls};
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use crate::world::random;
use pg_sql::quote::{quote_identifier, quote_literal};
use postgres_protocol::password::scram_sha_256;

/// The comment of such a role, for people who come across it.
const COMMENT: &str = "cargo-db: loads a dump";

/// What the role may do.
pub(super) enum Rights<'a> {
    /// Nothing but to fill the database.
    None,
    /// What this role may do: it is that role.
    Of(&'a str),
}

/// The role that loads a backup which this project did not take: one without rights if the
/// connecting role may create roles, otherwise the connecting role.
pub(crate) fn loading_role(world: &World, target: &Target) -> Result<LoadedAs> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let sql = "SELECT rolsuper OR rolcreaterole AS may, current_user::pg_catalog.text AS name \
               FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user";
    let row = session.one("check whether the role may create roles", sql)?;
    Ok(LoadedAs { is_limited: row.flag("may")?, connected_as: row.text("name")?.to_owned() })
}

/// The target for connecting as the login role of a new database, with a new random password.
pub(super) fn target(built: &Target) -> Result<Target> {
    Ok(Target {
        user: built.database.clone(),
        password: Some(Secret::new(random::hexadecimal(32)?)),
        options: None,
        tls: Tls { identity: None, ..built.tls.clone() },
        ..built.clone()
    })
}

/// Creates the login role and makes it, or the role that it represents, the owner of the new
/// database.
pub(super) fn make(
    world: &World,
    built: &Target,
    login: &Target,
    rights: &Rights<'_>,
) -> Result<()> {
    let mut session = Session::open(world, &built.maintenance(), Purpose::Write)?;
    let password = login.password.as_ref().map(Secret::expose).unwrap_or_default();
    let verifier = scram_sha_256(password.as_bytes());
    session.run("create the role that loads the dump", &making(&built.database, &verifier, rights))
}

fn making(name: &str, verifier: &str, rights: &Rights<'_>) -> String {
    let role = quote_identifier(name);
    let (stands_for, owner) = match rights {
        Rights::None => (String::new(), role.clone()),
        Rights::Of(other) => {
            let (literal, other) = (quote_literal(other), quote_identifier(other));
            (format!("GRANT {other} TO {role}; ALTER ROLE {role} SET role = {literal}; "), other)
        }
    };
    // A role that is not a superuser may give a database only to roles that it is a member of.
    let member = format!(
        "DO $$ BEGIN IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname \
         OPERATOR(pg_catalog.=) current_user) THEN GRANT {role} TO CURRENT_USER; END IF; END $$; "
    );
    format!(
        "BEGIN; CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION \
         NOBYPASSRLS PASSWORD {}; COMMENT ON ROLE {role} IS {}; {stands_for}{member}\
         ALTER DATABASE {role} OWNER TO {owner}; COMMIT",
        quote_literal(verifier),
        quote_literal(COMMENT),
    )
}

/// Drops the login role of a database that is finished or was dropped.
pub(super) fn drop(session: &mut Session, name: &str) -> Result<()> {
    session.run(
        "drop the role that loaded it",
        &format!("DROP ROLE IF EXISTS {}", quote_identifier(name)),
    )
}

/// Drops the login roles of databases that no longer exist, recognised by their names.
pub(super) fn drop_leftovers(
    world: &World,
    session: &mut Session,
    is_ours: impl Fn(&str) -> bool,
) -> Result<()> {
    let sql = format!(include_str!("sql/login_roles.sql"), comment = quote_literal(COMMENT));
    let found = session.column("find roles that killed runs left", &sql)?;
    for name in found.into_iter().filter(|name| is_ours(name)) {
        if let Err(failure) = drop(session, &name) {
            world.interrupt.check()?;
            let message =
                format!("could not drop the role {name}, which a killed run left: {failure}");
            world.emit(Event::Notice { severity: "warning".to_owned(), message });
        }
    }
    Ok(())
}
