//! The roles that a set brings along. Only those that the server does not have are made: what a
//! role may do on this server is not for a backup to change.

use crate::backup::content::Text;
use crate::backup::source::Source;
use crate::failure::{BackupError, CausedBy, Result};
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::dump::is_of_roles;
use pg_sql::lexer::words;
use pg_sql::script::{ScriptReader, Statement};

/// The roles of a source that the server does not have.
pub(crate) fn missing_roles(
    world: &World,
    target: &Target,
    source: &Source,
) -> Result<Vec<String>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let there = session.column("list the roles", "SELECT rolname FROM pg_roles")?;
    let created = statements(world, source)?
        .into_iter()
        .filter_map(|statement| role_of(&statement, "create"));
    Ok(created.filter(|role| !there.contains(role)).collect())
}

/// Makes roles, with what they may do and the roles that they are members of. A password is not
/// among it: nobody can log in with one until somebody sets it.
pub(crate) fn create_roles(
    world: &World,
    target: &Target,
    source: &Source,
    roles: &[String],
) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    session.run("begin a transaction", "BEGIN")?;
    for statement in statements(world, source)? {
        let named = role_of(&statement, "create").or_else(|| role_of(&statement, "alter"));
        if named.or_else(|| member_of(&statement)).is_some_and(|role| roles.contains(&role)) {
            session.run("create the roles of the backup", &statement.text)?;
        }
    }
    session.run("create the roles of the backup", "COMMIT")
}

fn statements(world: &World, source: &Source) -> Result<Vec<Statement>> {
    let Some(path) = &source.roles else {
        let problems = vec!["roles: only a set brings them along".to_owned()];
        return Err(BackupError::CannotRestore { name: source.name.clone(), problems }.into());
    };
    let mut text = source.agreed_text(path)?;
    let mut reader = ScriptReader::of_dump(Box::new(&mut text));
    let mut statements = Vec::new();
    while let Some(statement) = reader.next_statement().map_err(|error| {
        BackupError::Failed { doing: "read the roles of", why: error.to_string() }.caused_by(error)
    })? {
        if !is_of_roles(&statement) {
            return Err(source.refused(&statement));
        }
        statements.push(statement);
    }
    drop(reader);
    text.finish(world)?;
    Ok(statements)
}

/// The role of a `CREATE ROLE` or `ALTER ROLE`.
fn role_of(statement: &Statement, verb: &str) -> Option<String> {
    match words(&statement.text).as_slice() {
        [first, second, role, ..] if first == verb && second == "role" => Some(role.clone()),
        _ => None,
    }
}

/// The role that a `GRANT role TO member` makes a member.
fn member_of(statement: &Statement) -> Option<String> {
    match words(&statement.text).as_slice() {
        [grant, _, to, member, ..] if grant == "grant" && to == "to" => Some(member.clone()),
        _ => None,
    }
}
