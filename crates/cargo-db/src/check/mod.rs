//! Checks migrations without a database: syntax, a linter's rules, and our own for what it does not
//! know. Pure: text in, findings out.

pub(crate) mod base;
mod columns;
mod context;
mod directive;
mod enums;
mod file;
mod finding;
mod folder;
mod linter;
mod majors;
mod rules;
mod same;
mod split;
mod statement;
mod switch;
mod words;

pub(crate) use crate::model::direction::Direction;
pub(crate) use context::{CheckContext, CheckContexts};
pub(crate) use file::{
    FileToCheck, accept_empty_migrations, check, check_script, empty_down, expected,
};
pub(crate) use finding::finding;
pub(crate) use folder::of_folder;
pub(crate) use same::has_same_content;
pub(crate) use split::undecoded_line;
pub(crate) use statement::{adds_column, changes_type, has_lasting_effects};
