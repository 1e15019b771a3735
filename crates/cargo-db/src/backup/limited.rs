//! Loading a dump of somebody's as a role that may do less than the one that connects.

use crate::backup::load::{Loading, Within, load_but};
use crate::backup::login::{self, Rights};
use crate::backup::sibling::Built;
use crate::backup::source::Source;
use crate::failure::Result;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_identifier;
use pg_sql::script::Statement;

/// Loads a source into a new database as a login role that is made for it.
pub(super) fn load_limited(
    world: &World,
    settings: &Settings,
    built: &mut Built,
    source: &Source,
    rights: &Rights<'_>,
    left_out: &dyn Fn(&Statement) -> bool,
) -> Result<()> {
    built.has_login = true;
    let login = login::make(world, &built.target, rights)?;
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    make_extensions(world, settings, &mut session, source, rights, &login.user)?;
    drop(session);
    let mut wanted = source.wanted;
    wanted.left_out.owners = true;
    wanted.left_out.extensions = true;
    let mut session = Session::open(world, &login, Purpose::Write)?;
    session
        .run("prepare the session", "SET client_min_messages = warning; SET lc_monetary = 'C'")?;
    let loading = Loading { within: Within::Statements, wanted, left_out };
    load_but(world, &mut session, source.text_to_load(world, settings)?, &loading)?;
    drop(session);
    let Rights::Of(role) = rights else { return Ok(()) };
    // What a function made under its own name belongs to who it stands for.
    let (from, to) = (quote_identifier(&login.user), quote_identifier(role));
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    let sql = format!("REASSIGN OWNED BY {from} TO {to}; DROP OWNED BY {from}");
    session.run("take back what the loading role has", &sql)?;
    login::drop(&mut session, &login.user)?;
    built.has_login = false;
    Ok(())
}

/// Makes the extensions as the role that connects, before anything of the dump is there that their
/// scripts could find.
fn make_extensions(
    world: &World,
    settings: &Settings,
    session: &mut Session,
    source: &Source,
    rights: &Rights<'_>,
    login: &str,
) -> Result<()> {
    let owner = match rights {
        Rights::None => login,
        Rights::Of(role) => role,
    };
    for (extension, schema) in source.extensions(world, settings)? {
        let name = quote_identifier(&extension);
        let sql = match schema.as_deref() {
            None | Some("public" | "pg_catalog") => {
                format!("CREATE EXTENSION IF NOT EXISTS {name} CASCADE")
            }
            Some(schema) => {
                let schema = quote_identifier(schema);
                format!(
                    "CREATE SCHEMA IF NOT EXISTS {schema}; \
                     CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema} CASCADE; \
                     ALTER SCHEMA {schema} OWNER TO {}",
                    quote_identifier(owner)
                )
            }
        };
        session
            .run("make the extensions of the dump", &format!("SET search_path = public; {sql}"))?;
    }
    Ok(())
}
