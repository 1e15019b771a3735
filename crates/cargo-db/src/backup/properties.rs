//! What belongs to a database and not to its content: owner, rights, settings, comment, connection
//! limit, whether it is a template. Read from a database, and given to a new one.

use crate::failure::Result;
use crate::model::event::Event;
use crate::model::properties::{OwnSetting, Properties, Right};
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Row, Session};
use pg_sql::quote::{quote_identifier, quote_literal};

/// The properties of a database on the session's server; `None` if it does not exist.
pub(super) fn properties(session: &mut Session, database: &str) -> Result<Option<Properties>> {
    let sql = format!(include_str!("sql/database.sql"), database = quote_literal(database));
    let [about, settings, rights] = session.sets("read the database", &sql)?;
    let Some(row) = about.first() else { return Ok(None) };
    let rights = rights.iter().map(right).collect::<Result<Vec<_>>>()?;
    Ok(Some(Properties {
        owner: row.text("owner")?.to_owned(),
        connection_limit: row.number("connection_limit")?,
        comment: row.optional_text("comment")?.map(str::to_owned),
        is_template: row.flag("is_template")?,
        settings: settings.iter().map(setting).collect::<Result<_>>()?,
        rights: (!row.flag("has_default_rights")?).then_some(rights),
    }))
}

fn setting(row: &Row) -> Result<OwnSetting> {
    Ok(OwnSetting {
        role: row.optional_text("role")?.map(str::to_owned),
        name: row.text("name")?.to_owned(),
        value: row.text("value")?.to_owned(),
    })
}

fn right(row: &Row) -> Result<Right> {
    Ok(Right {
        privilege: row.text("privilege")?.to_owned(),
        grantee: row.optional_text("grantee")?.map(str::to_owned),
        is_grantable: row.flag("is_grantable")?,
    })
}

/// Copies all properties of the replaced database to the new one, or fails.
pub(super) fn carry_over(world: &World, to: &Target, of: &Properties) -> Result<()> {
    let mut session = Session::open(world, &to.maintenance(), Purpose::Write)?;
    let statements = statements(of, &to.database);
    session.run("copy the settings of the old database", &statements.join("; "))
}

/// Applies the properties recorded in a backup to a new database. Missing roles and privileges are
/// reported and do not stop the restore.
pub(super) fn restore_properties(world: &World, to: &Target, of: &Properties) -> Result<()> {
    let mut session = Session::open(world, &to.maintenance(), Purpose::Write)?;
    for statement in statements(of, &to.database) {
        let Err(failure) = session.run("bring back what belonged to the database", &statement)
        else {
            continue;
        };
        world.interrupt.check()?;
        let message = format!("not restored: {statement}: {failure}");
        world.emit(Event::Notice { severity: "warning".to_owned(), message });
    }
    Ok(())
}

/// Settings whose value is a list of names, each quoted separately.
const LISTS: &[&str] =
    &["search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"];

/// All but the comment and that it is a template: until it has its name, a new database says by its
/// comment that it is ours, and can be dropped.
fn statements(of: &Properties, database: &str) -> Vec<String> {
    let new = quote_identifier(database);
    let owner = quote_identifier(&of.owner);
    let mut statements = vec![
        format!("ALTER DATABASE {new} OWNER TO {owner}"),
        format!("ALTER DATABASE {new} CONNECTION LIMIT {}", of.connection_limit),
    ];
    statements.extend(of.settings.iter().map(|setting| set(setting, &new)));
    if let Some(rights) = &of.rights {
        statements.push(format!("REVOKE ALL ON DATABASE {new} FROM PUBLIC"));
        statements.extend(rights.iter().map(|right| grant(right, &new)));
    }
    statements
}

fn set(setting: &OwnSetting, database: &str) -> String {
    let OwnSetting { role, name, value } = setting;
    let is_list = LISTS.contains(&name.as_str());
    let value = if is_list { list(value) } else { quote_literal(value) };
    let whose = role.as_ref().map(|role| format!("ROLE {} IN ", quote_identifier(role)));
    let (whose, name) = (whose.unwrap_or_default(), quote_identifier(name));
    format!("ALTER {whose}DATABASE {database} SET {name} = {value}")
}

/// The elements of a list, which the server stores as they were written: names, in double quotes if
/// necessary; an empty name is a pair of quotes, which no statement accepts.
fn list(value: &str) -> String {
    let (mut elements, mut element, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => element.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            ' ' if !quoted => {}
            other => element.push(other),
        }
    }
    elements.push(element);
    let elements: Vec<String> = elements.iter().map(|element| quote_literal(element)).collect();
    elements.join(", ")
}

fn grant(right: &Right, database: &str) -> String {
    let grantee = right.grantee.as_ref();
    let grantee = grantee.map_or_else(|| "PUBLIC".to_owned(), |role| quote_identifier(role));
    let option = if right.is_grantable { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {} ON DATABASE {database} TO {grantee}{option}", right.privilege)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_written_element_by_element() {
        assert_eq!(list("\"$user\", public"), "'$user', 'public'");
        assert_eq!(list("\"a, \"\"b\", c"), "'a, \"b', 'c'");
        assert_eq!((list("\"\""), list("")), ("''".to_owned(), "''".to_owned()));
    }
}
