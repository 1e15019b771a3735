//! The text of PostgreSQL's SQL: its tokens, the statements of a script, names and how they are
//! quoted. It knows no catalog and no server, and does no I/O but reading from what is handed in.
//!
//! Everything that looks at each byte of a script lives here, in a crate of its own, because it is
//! optimised in the dev profile too: the rest of cargo db is not. Nothing here is generic over its
//! input for the same reason: a generic function is compiled where it is used.

pub mod alike;
mod bytes;
pub mod calls;
pub mod concurrently;
pub mod dump;
mod hidden;
pub mod left_out;
pub mod lexer;
pub mod name;
mod path;
pub mod quote;
pub mod script;
mod shape;
mod statement;
pub mod survey;
