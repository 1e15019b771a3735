//! Values that a plan adds to an enum: PostgreSQL lets nothing use them before they are committed.

use pg_sql::lexer::{Lexed, Token, token};
use pg_sql::quote::quote_literal;

use crate::diff::hazard::Hazard;
use crate::diff::step::{DiffStep, TransactionNeed};

/// A new value, with its type as SQL.
struct NewValue {
    of: String,
    label: String,
}

/// Begins a new transaction before each step that may use a value added before it.
pub(super) fn commit_values(steps: &mut [DiffStep]) {
    let mut uncommitted: Vec<NewValue> = Vec::new();
    for step in steps {
        let is_used = |value: &NewValue| step.statements.iter().any(|text| value.is_in(text));
        if step.transaction == TransactionNeed::Same && uncommitted.iter().any(is_used) {
            step.transaction = TransactionNeed::New;
        }
        // Any other need ends the transaction too.
        if step.transaction != TransactionNeed::Same {
            uncommitted.clear();
        }
        if step.hazards.contains(&Hazard::EnumValueInSameTransaction) {
            let of = step.object.sql();
            let label = step.column.clone().unwrap_or_default();
            uncommitted.push(NewValue { of, label });
        }
    }
}

impl NewValue {
    /// Whether a statement may use the value. Bodies that are text are only run later.
    fn is_in(&self, statement: &str) -> bool {
        let is_text = ["FUNCTION", "PROCEDURE"].iter().any(|kind| {
            statement.starts_with(&format!("CREATE {kind}"))
                || statement.starts_with(&format!("CREATE OR REPLACE {kind}"))
        });
        if is_text && !statement.contains("BEGIN ATOMIC") {
            return false;
        }
        let is_bound = statement.contains(" ATTACH PARTITION ");
        let label = quote_literal(&self.label);
        let inner = label.trim_matches('\'');
        let is_used = |(literal, rest): &(&str, &str)| {
            let is_cast = rest.starts_with(&format!("::{}", self.of));
            // The literal of an array contains its elements.
            let is_array = literal.starts_with("'{") && literal.contains(inner);
            (is_cast || is_bound) && *literal == label || is_cast && is_array
        };
        let is_cast_to = |array| statement.contains(&format!(" TYPE {}{array} USING ", self.of));
        literals(statement).iter().any(is_used) || is_cast_to("") || is_cast_to("[]")
    }
}

/// The string literals of a statement, each with the text after it.
fn literals(statement: &str) -> Vec<(&str, &str)> {
    let (mut found, mut rest) = (Vec::new(), statement);
    while !rest.is_empty() {
        let Lexed::Token(token, length) = token(rest.as_bytes(), true) else { break };
        let (text, after) = rest.split_at(length);
        if token == Token::Text {
            found.push((text, after));
        }
        rest = after;
    }
    found
}
