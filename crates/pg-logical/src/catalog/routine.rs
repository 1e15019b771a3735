//! Functions, procedures and aggregates.

use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// A function or a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the clauses of CREATE FUNCTION")]
pub struct Function {
    pub is_window: bool,
    /// Modes, names, types and defaults.
    pub arguments: String,
    /// Nothing for a procedure.
    pub result: Option<String>,
    pub language: String,
    pub transforms: Vec<String>,
    /// `i`, `s` or `v`.
    pub volatility: char,
    pub is_strict: bool,
    pub is_definer: bool,
    pub is_leakproof: bool,
    pub cost: String,
    pub rows: String,
    pub support: Option<String>,
    /// `s`, `r` or `u`.
    pub parallel: char,
    /// `name=value`.
    pub settings: Vec<String>,
    pub source: String,
    pub library: Option<String>,
    /// The body of SQL's standard form, which was parsed when the function was made.
    pub body: Option<String>,
}

impl Function {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Function), SourceError> {
        let kind = row.letter("kind")?;
        let definition = Function {
            is_window: kind == 'w',
            arguments: row.text("arguments")?,
            result: row.optional("result")?,
            language: row.text("language")?,
            transforms: row.list("transforms")?,
            volatility: row.letter("volatility")?,
            is_strict: row.flag("is_strict")?,
            is_definer: row.flag("is_definer")?,
            is_leakproof: row.flag("is_leakproof")?,
            cost: row.text("cost")?,
            rows: row.text("rows")?,
            support: row.optional("support")?,
            parallel: row.letter("parallel")?,
            settings: row.list("settings")?,
            source: row.text("source")?,
            library: row.optional("library")?,
            body: row.optional("body")?,
        };
        let kind = if kind == 'p' { Kind::Procedure } else { Kind::Function };
        Ok((ObjectHeader::owned(row, class::PROC, identity(row, kind)?)?, definition))
    }
}

/// An aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the options of CREATE AGGREGATE")]
pub struct Aggregate {
    /// `n`, `o` or `h`, as in `pg_aggregate`.
    pub kind: char,
    pub arguments: String,
    pub parallel: char,
    pub combine: Option<String>,
    pub serial: Option<String>,
    pub deserial: Option<String>,
    pub sort: Option<String>,
    /// The inverse of the moving step.
    pub inverse: Option<String>,
    pub steps: Steps,
    /// The same for a moving window.
    pub moving: Option<Steps>,
}

/// How the state of an aggregate is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the options of CREATE AGGREGATE")]
pub struct Steps {
    pub step: String,
    pub state: String,
    pub space: String,
    pub initial: Option<String>,
    pub last: Option<String>,
    pub last_extra: bool,
    /// `r`, `s` or `w`.
    pub last_modifies: char,
}

impl Aggregate {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Box<Aggregate>), SourceError> {
        let moving = match row.optional("moving_step")? {
            Some(step) => Some(Steps {
                step,
                state: row.text("moving_state")?,
                space: row.text("moving_space")?,
                initial: row.optional("moving_initial")?,
                last: row.optional("moving_final")?,
                last_extra: row.flag("moving_final_extra")?,
                last_modifies: row.letter("moving_final_modify")?,
            }),
            None => None,
        };
        let definition = Box::new(Aggregate {
            kind: row.letter("kind")?,
            arguments: row.text("arguments")?,
            parallel: row.letter("parallel")?,
            combine: row.optional("combine")?,
            serial: row.optional("serial")?,
            deserial: row.optional("deserial")?,
            sort: row.optional("sort")?,
            inverse: row.optional("moving_inverse")?,
            steps: Steps {
                step: row.text("step")?,
                state: row.text("state")?,
                space: row.text("space")?,
                initial: row.optional("initial")?,
                last: row.optional("final")?,
                last_extra: row.flag("final_extra")?,
                last_modifies: row.letter("final_modify")?,
            },
            moving,
        });
        let mut identity = identity(row, Kind::Aggregate)?;
        if identity.signature.as_deref() == Some("") {
            identity.signature = Some("*".to_owned());
        }
        Ok((ObjectHeader::owned(row, class::PROC, identity)?, definition))
    }
}

fn identity(row: Row<'_>, kind: Kind) -> Result<Identity, SourceError> {
    let signature = Some(row.text("signature")?);
    let identity = Identity::within(kind, row.text("schema")?, row.text("name")?);
    Ok(Identity { signature, ..identity })
}
