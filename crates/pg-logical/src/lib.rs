//! A PostgreSQL dump as a value: the rows in its COPY blocks, and the parts of an archive.
//!
//! Code that processes each row of a dump is in this separate crate because it is optimised in the
//! dev profile too: the rest of cargo db is not, and half a gigabyte of rows passes through this
//! code. For the same reason, nothing here is generic over its input: a generic function is
//! compiled where it is used.
//!
//! It does no I/O except reading from the given input, and needs no client tools.

pub mod archive;
mod array;
pub mod catalog;
pub mod choose;
pub mod content;
pub mod ddl;
pub mod diagram;
pub mod diff;
pub mod dump;
pub mod facts;
pub mod graph;
pub mod source;
pub mod split;
pub mod writes;

/// Whether the compiler optimised this crate: see its `build.rs`.
pub fn is_optimised() -> bool {
    is_level_optimised(env!("PG_LOGICAL_OPT_LEVEL"))
}

fn is_level_optimised(level: &str) -> bool {
    matches!(level, "2" | "3" | "s" | "z")
}

#[cfg(test)]
mod tests {
    use super::{is_level_optimised, is_optimised};

    #[test]
    fn the_workspace_has_it_optimised() {
        assert!(is_optimised());
        assert!(["0", "1", ""].into_iter().all(|level| !is_level_optimised(level)));
    }
}
