//! Rules, triggers, policies and event triggers.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{EventTrigger, Object, Policy, Rule, Trigger};
use crate::ddl::text::without_semicolon;

/// The keywords of `ALTER TABLE` for a firing mode, as in `pg_trigger.tgenabled`; `O` is the
/// default.
pub(crate) fn firing(letter: char) -> &'static str {
    match letter {
        'D' => "DISABLE",
        'A' => "ENABLE ALWAYS",
        'R' => "ENABLE REPLICA",
        _ => "ENABLE",
    }
}

pub(super) fn rule(object: &Object, rule: &Rule, found: &mut Vec<String>) {
    found.push(without_semicolon(&rule.definition).to_owned());
    if let (Some(table), true) = (&object.identity.part_of, rule.firing != 'O') {
        let name = quoted(&object.identity.name);
        found.push(format!("ALTER TABLE {table} {} RULE {name}", firing(rule.firing)));
    }
}

pub(super) fn trigger(object: &Object, trigger: &Trigger, found: &mut Vec<String>) {
    found.extend(trigger.definition.clone());
    let is_usual = trigger.definition.is_some() && trigger.firing == 'O';
    if let (Some(table), false) = (&object.identity.part_of, is_usual) {
        let name = quoted(&object.identity.name);
        found.push(format!("ALTER TABLE {table} {} TRIGGER {name}", firing(trigger.firing)));
    }
}

pub(super) fn policy(object: &Object, policy: &Policy) -> String {
    let mut text = format!("CREATE POLICY {}", object.identity.target());
    if !policy.is_permissive {
        text.push_str(" AS RESTRICTIVE");
    }
    text.push_str(match policy.command {
        'r' => " FOR SELECT",
        'a' => " FOR INSERT",
        'w' => " FOR UPDATE",
        'd' => " FOR DELETE",
        _ => "",
    });
    if !policy.roles.is_empty() {
        let role = |role: &String| if is_public(role) { "PUBLIC".to_owned() } else { quoted(role) };
        let roles: Vec<String> = policy.roles.iter().map(role).collect();
        text.push_str(&format!(" TO {}", roles.join(", ")));
    }
    if let Some(condition) = &policy.condition {
        text.push_str(&format!(" USING ({condition})"));
    }
    if let Some(condition) = &policy.new_rows {
        text.push_str(&format!(" WITH CHECK ({condition})"));
    }
    text
}

/// How the server names role 0, which has no name.
fn is_public(role: &str) -> bool {
    role == "unknown (OID=0)"
}

pub(super) fn event_trigger(name: &str, trigger: &EventTrigger, found: &mut Vec<String>) {
    let tags: Vec<String> = trigger.tags.iter().map(|tag| quote_literal(tag)).collect();
    let when = if tags.is_empty() {
        String::new()
    } else {
        format!("\n    WHEN TAG IN ({})", tags.join(", "))
    };
    found.push(format!(
        "CREATE EVENT TRIGGER {name} ON {}{when}\n    EXECUTE FUNCTION {}()",
        quoted(&trigger.event),
        trigger.function
    ));
    if trigger.firing != 'O' {
        found.push(format!("ALTER EVENT TRIGGER {name} {}", firing(trigger.firing)));
    }
}
