//! Loads a dump of unknown origin as a role with fewer privileges than the connecting role.

use crate::backup::load::{LoadOptions, LoadTransactions, load};
use crate::backup::login::{self, Rights};
use crate::backup::sibling::SiblingDatabase;
use crate::backup::source::RestoreSource;
use crate::failure::Result;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::quote_identifier;
use pg_sql::script::Statement;

/// A source that is loaded as a temporary login role.
pub(super) struct Limited<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a Settings,
    pub(super) source: &'a RestoreSource,
    pub(super) rights: Rights<'a>,
    /// The statements that do not run.
    pub(super) left_out: &'a dyn Fn(&Statement) -> bool,
}

impl Limited<'_> {
    /// Loads it into a new database.
    pub(super) fn load(&self, built: &mut SiblingDatabase) -> Result<()> {
        let Limited { world, settings, source, left_out, .. } = self;
        let login = login::target(&built.target)?;
        built.login = Some(login.clone());
        login::make(world, &built.target, &login, &self.rights)?;
        self.make_extensions(built, &login.user)?;
        let mut wanted = source.wanted;
        (wanted.left_out.owners, wanted.left_out.extensions) = (true, true);
        let mut session = Session::open(world, &login, Purpose::Write)?;
        let prepare = "SET client_min_messages = warning; SET lc_monetary = 'C'";
        session.run("prepare the session", prepare)?;
        let (name, within) = (source.name.as_str(), LoadTransactions::Statements);
        let loading = LoadOptions { name, within, wanted, left_out };
        load(world, &mut session, source.text_to_load(world, settings)?, &loading)?;
        drop(session);
        if let Rights::Of(role) = self.rights {
            hand_over(world, built, &login.user, role)?;
        }
        Ok(())
    }

    /// Creates the extensions as the connecting role, before the dump creates objects that their
    /// scripts could find.
    fn make_extensions(&self, built: &SiblingDatabase, login: &str) -> Result<()> {
        let owner = match self.rights {
            Rights::None => login,
            Rights::Of(role) => role,
        };
        let extensions = self.source.extensions(self.world, self.settings)?;
        let mut session = Session::open(self.world, &built.target, Purpose::Write)?;
        session.run("prepare the session", "SET search_path = public")?;
        for (name, schema) in &extensions {
            let sql = making(name, schema.as_deref(), owner);
            session.run("create the extensions of the dump", &sql)?;
        }
        Ok(())
    }
}

fn making(extension: &str, schema: Option<&str>, owner: &str) -> String {
    let (name, owner) = (quote_identifier(extension), quote_identifier(owner));
    match schema {
        None | Some("public" | "pg_catalog") => {
            format!("CREATE EXTENSION IF NOT EXISTS {name} CASCADE")
        }
        Some(schema) => {
            let schema = quote_identifier(schema);
            format!(
                "CREATE SCHEMA IF NOT EXISTS {schema}; \
                 CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema} CASCADE; \
                 ALTER SCHEMA {schema} OWNER TO {owner}"
            )
        }
    }
}

/// Drops the login role. Objects that functions created as that role go to the role that it
/// represents.
fn hand_over(world: &World, built: &mut SiblingDatabase, login: &str, role: &str) -> Result<()> {
    let (from, to) = (quote_identifier(login), quote_identifier(role));
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    let sql = format!("REASSIGN OWNED BY {from} TO {to}; DROP OWNED BY {from}");
    session.run("drop the rights of the loading role", &sql)?;
    login::drop(&mut session, login)?;
    built.login = None;
    Ok(())
}
