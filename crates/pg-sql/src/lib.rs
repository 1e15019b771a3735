//! The text of PostgreSQL's SQL: its tokens, the statements of a script, names and quoting. It uses
//! no catalog and no server, and does no I/O except reading from the given input.
//!
//! Code that processes each byte of a script is in this separate crate because it is optimised in
//! the dev profile too: the rest of cargo db is not. For the same reason, nothing here is generic
//! over its input: a generic function is compiled where it is used.

pub mod alike;
mod bytes;
pub mod calls;
pub mod concurrently;
pub mod dump;
mod hidden;
mod keywords;
pub mod left_out;
pub mod lexer;
pub mod name;
mod path;
pub mod quote;
pub mod script;
mod shape;
mod statement;
pub mod survey;
pub mod types;
