//! Paths as texts.

use std::path::{Component, Path, PathBuf};

/// A path without `.` and `..`, resolved by its text only.
pub(crate) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lead_to_the_same_folder() {
        for path in ["/a/b/./c", "/a/x/../b/c", "/../a/b/c"] {
            assert_eq!(without_dots(Path::new(path)), Path::new("/a/b/c"));
        }
        assert_eq!(without_dots(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
    }
}
