//! A PostgreSQL dump as a value: the rows that its COPY blocks hold, and the parts of an archive.
//!
//! Everything that looks at each row of a dump lives here, in a crate of its own, because it is
//! optimised in the dev profile too: the rest of cargo db is not, and half a gigabyte of rows
//! passes through this code. Nothing here is generic over its input for the same reason: a
//! generic function is compiled where it is used.
//!
//! No I/O but reading from what is handed in, and no client tools.

pub mod archive;
pub mod content;

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
