//! Rules, triggers, policies, event triggers and publications.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{Definition, EventTrigger, Object, Policy, Publication};
use crate::ddl;
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, Verdict};
use crate::diff::hazard::Hazard;
use crate::diff::words;

/// The verdict on an object of which only the firing mode can differ. `word` is `RULE` or
/// `TRIGGER`; event triggers do not use it.
fn fires(pair: &Pair<'_>, word: &str, old: char, new: char) -> Verdict {
    if old == new {
        return Verdict::same();
    }
    let identity = &pair.now().identity;
    let (name, when) = (quoted(&identity.name), ddl::firing(new));
    let statement = match &identity.part_of {
        Some(of) => format!("ALTER TABLE {of} {when} {word} {name}"),
        None => format!("ALTER EVENT TRIGGER {name} {when}"),
    };
    let found = format!("{}: {}", words::of(identity), when.to_lowercase());
    let edit = Edit::new(found, statement);
    let is_off = matches!(new, 'D' | 'R') && matches!(old, 'O' | 'A') && word == "TRIGGER";
    Verdict::Alter(vec![if is_off { edit.with(Hazard::TriggerOff) } else { edit }])
}

pub(super) fn rule(pair: &Pair<'_>) -> Verdict {
    match (&pair.was().definition, &pair.now().definition) {
        (Definition::Rule(old), Definition::Rule(new)) if old.definition == new.definition => {
            fires(pair, "RULE", old.firing, new.firing)
        }
        _ => Verdict::Replace,
    }
}

pub(super) fn trigger(pair: &Pair<'_>) -> Verdict {
    match (&pair.was().definition, &pair.now().definition) {
        (Definition::Trigger(old), Definition::Trigger(new))
            if old.definition == new.definition =>
        {
            fires(pair, "TRIGGER", old.firing, new.firing)
        }
        _ => Verdict::Replace,
    }
}

/// A partition's copy of a trigger is an object only because its firing mode differs. It cannot be
/// dropped, so it is enabled again.
pub(super) fn drop_trigger(object: &Object) -> Option<String> {
    let Definition::Trigger(trigger) = &object.definition else { return None };
    let (name, of) = (quoted(&object.identity.name), object.identity.part_of.as_ref()?);
    Some(match trigger.definition {
        Some(_) => format!("DROP TRIGGER {name} ON {of}"),
        None => format!("ALTER TABLE {of} ENABLE TRIGGER {name}"),
    })
}

pub(super) fn policy(pair: &Pair<'_>) -> Verdict {
    let (Definition::Policy(old), Definition::Policy(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let same = |policy: &Policy| Policy { table: 0, ..policy.clone() };
    if same(old) == same(new) {
        return Verdict::same();
    }
    let is_taken_off = |old: &Option<String>, new: &Option<String>| old.is_some() && new.is_none();
    if old.command != new.command
        || old.is_permissive != new.is_permissive
        || is_taken_off(&old.condition, &new.condition)
        || is_taken_off(&old.new_rows, &new.new_rows)
    {
        return Verdict::Replace;
    }
    let mut text = format!("ALTER POLICY {}", pair.now().identity.target());
    if old.roles != new.roles {
        text.push_str(&format!(" TO {}", roles(new)));
    }
    let mut clause = |word: &str, old: &Option<String>, new: &Option<String>| {
        if let Some(condition) = new.as_ref().filter(|_| old != new) {
            text.push_str(&format!(" {word} ({condition})"));
        }
    };
    clause("USING", &old.condition, &new.condition);
    clause("WITH CHECK", &old.new_rows, &new.new_rows);
    let found = format!("{} changes", words::of(&pair.now().identity));
    Verdict::Alter(vec![Edit::new(found, text).with(Hazard::AuthzChanged)])
}

fn roles(policy: &Policy) -> String {
    let role = |role: &String| match role.as_str() {
        "unknown (OID=0)" => "PUBLIC".to_owned(),
        role => quoted(role),
    };
    let roles: Vec<String> = policy.roles.iter().map(role).collect();
    if roles.is_empty() { "PUBLIC".to_owned() } else { roles.join(", ") }
}

pub(super) fn event_trigger(pair: &Pair<'_>) -> Verdict {
    match (&pair.was().definition, &pair.now().definition) {
        (Definition::EventTrigger(old), Definition::EventTrigger(new)) => {
            let same = |one: &EventTrigger| EventTrigger { firing: 'O', ..one.clone() };
            if same(old) == same(new) {
                fires(pair, "", old.firing, new.firing)
            } else {
                Verdict::Replace
            }
        }
        _ => Verdict::Replace,
    }
}

pub(super) fn publication(pair: &Pair<'_>) -> Verdict {
    let (Definition::Publication(old), Definition::Publication(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if old.is_of_all != new.is_of_all {
        return Verdict::Replace;
    }
    let name = pair.sql();
    let mut statements = Vec::new();
    let settings = publication_settings(old, new).join(", ");
    if !settings.is_empty() {
        statements.push(format!("ALTER PUBLICATION {name} SET ({settings})"));
    }
    published(pair, &name, old, new, &mut statements);
    if statements.is_empty() {
        return Verdict::same();
    }
    Verdict::Alter(vec![Edit::of(
        format!("{} changes", words::of(&pair.now().identity)),
        statements,
    )])
}

fn publication_settings(old: &Publication, new: &Publication) -> Vec<String> {
    let mut settings = Vec::new();
    if old.operations != new.operations {
        settings.push(format!("publish = {}", quote_literal(&new.operations.join(", "))));
    }
    if old.is_via_root != new.is_via_root {
        settings.push(format!("publish_via_partition_root = {}", new.is_via_root));
    }
    if old.has_generated != new.has_generated {
        let word = if new.has_generated { "stored" } else { "none" };
        settings.push(format!("publish_generated_columns = {word}"));
    }
    settings
}

/// Adds the changes of published tables and schemas. PostgreSQL itself removes a dropped table from
/// its publications.
fn published(
    pair: &Pair<'_>,
    name: &str,
    old: &Publication,
    new: &Publication,
    statements: &mut Vec<String>,
) {
    let alter = format!("ALTER PUBLICATION {name}");
    let stays = |schema: &str, table: &str| {
        let mut objects = pair.after().catalog.objects.iter();
        objects.any(|object| {
            object.table().is_some()
                && object.identity.schema.as_deref() == Some(schema)
                && object.identity.name == table
        })
    };
    for table in old.tables.iter().filter(|table| !new.tables.contains(table)) {
        if stays(&table.schema, &table.name) {
            let (schema, table) = (quoted(&table.schema), quoted(&table.name));
            statements.push(format!("{alter} DROP TABLE ONLY {schema}.{table}"));
        }
    }
    let schemas = old.schemas.iter().filter(|schema| !new.schemas.contains(schema));
    statements.extend(schemas.map(|schema| format!("{alter} DROP TABLES IN SCHEMA {schema}")));
    let schemas = new.schemas.iter().filter(|schema| !old.schemas.contains(schema));
    statements.extend(schemas.map(|schema| format!("{alter} ADD TABLES IN SCHEMA {schema}")));
    let tables = new.tables.iter().filter(|table| !old.tables.contains(table));
    statements.extend(tables.map(|table| ddl::add_published(name, table)));
}
