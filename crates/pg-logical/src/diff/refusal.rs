//! Why no plan is possible.

use thiserror::Error;

/// An object that cannot be changed, or compared, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The kind and the name of the object, such as `table users`.
    pub object: String,
    /// The reason, as the end of a sentence.
    pub why: String,
}

/// Why no plan is possible.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiffError {
    /// Changes that DDL cannot make without losing rows.
    #[error("cannot be changed: {}", listed(.0))]
    Unsupported(Vec<Refused>),
    /// Objects of which only the name is known.
    #[error("cannot be compared, because only their names are known: {}", .0.join(", "))]
    Uncovered(Vec<String>),
    /// Objects whose changes depend on each other.
    #[error("the changes of these objects depend on each other: {}", .0.join(", "))]
    Circle(Vec<String>),
}

impl DiffError {
    /// Each object for which there is no plan, with the reason.
    pub fn refused(&self) -> Vec<Refused> {
        let all = |objects: &[String], why: &str| {
            let refused = |object: &String| Refused { object: object.clone(), why: why.to_owned() };
            objects.iter().map(refused).collect()
        };
        match self {
            DiffError::Unsupported(refused) => refused.clone(),
            DiffError::Uncovered(objects) => all(objects, "only its name is known"),
            DiffError::Circle(objects) => {
                let why = "its change and the changes of the other objects depend on each other";
                all(objects, why)
            }
        }
    }
}

fn listed(refused: &[Refused]) -> String {
    let refused = refused.iter().map(|one| format!("{}: {}", one.object, one.why));
    refused.collect::<Vec<_>>().join("; ")
}
