//! Who owns an object.

use pg_sql::quote::name as quoted;

use crate::catalog::{Definition, Object, Schema};

/// The statement that gives an object its owner, if it has one of its own.
pub fn owner(object: &Object) -> Option<String> {
    let owner = object.owner.as_ref()?;
    if matches!(&object.definition, Definition::Schema(Schema { is_usual: true })) {
        return None;
    }
    let word = object.identity.kind.word().to_uppercase();
    Some(format!("ALTER {word} {} OWNER TO {}", object.identity.sql(), quoted(owner)))
}
