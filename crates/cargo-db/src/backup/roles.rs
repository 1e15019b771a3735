//! The roles in a set. Only roles that are missing on the server are created: a backup must not
//! change what existing roles may do.

use crate::backup::allowed::beginning;
use crate::backup::content::Text;
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, CausedBy, Result};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use pg_sql::dump::is_of_roles;
use pg_sql::lexer::words;
use pg_sql::script::{ScriptReader, Statement};

/// The roles of a source that the server does not have.
pub(crate) fn missing_roles(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
) -> Result<Vec<String>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let there = session.column("list the roles", "SELECT rolname FROM pg_roles")?;
    let statements = statements(world, source)?;
    let created = statements.iter().filter_map(|statement| role_of(statement, "create"));
    let missing: Vec<String> = created.filter(|role| !there.contains(role)).collect();
    if !source.is_known(settings)? {
        refuse_rights(source, &statements, &missing)?;
    }
    Ok(missing)
}

/// What a role may do on the whole server.
const RIGHTS: &[&str] = &["superuser", "createrole", "createdb", "replication", "bypassrls"];

/// Fails if roles would get rights that only this project's own backups may give: rights on the
/// whole server, or membership in an existing role.
fn refuse_rights(source: &RestoreSource, statements: &[Statement], roles: &[String]) -> Result<()> {
    let gives_rights = |statement: &&Statement| {
        let words = words(&statement.text);
        match (role_of(statement, "alter"), member_of(statement)) {
            (Some(role), _) if roles.contains(&role) => {
                words[3..].iter().any(|word| RIGHTS.contains(&word.as_str()))
            }
            (_, Some(member)) => roles.contains(&member) && !roles.contains(&words[1]),
            _ => false,
        }
    };
    let Some(statement) = statements.iter().find(gives_rights) else { return Ok(()) };
    let (name, line) = (source.name.clone(), statement.line);
    Err(BackupError::RoleRights { name, line, statement: beginning(statement) }.into())
}

/// Creates roles with their attributes and memberships, but without passwords: nobody can log in
/// until one is set.
pub(crate) fn create_roles(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    roles: &[String],
) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    session.run("begin a transaction", "BEGIN")?;
    let statements = statements(world, source)?;
    if !source.is_known(settings)? {
        refuse_rights(source, &statements, roles)?;
    }
    for statement in statements {
        let named = role_of(&statement, "create").or_else(|| role_of(&statement, "alter"));
        if named.or_else(|| member_of(&statement)).is_some_and(|role| roles.contains(&role)) {
            session.run("create the roles of the backup", &statement.text)?;
        }
    }
    session.run("create the roles of the backup", "COMMIT")
}

fn statements(world: &World, source: &RestoreSource) -> Result<Vec<Statement>> {
    let Some(path) = &source.roles else {
        let problems = vec!["roles: only a set contains them".to_owned()];
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
