//! Where two texts differ, line by line.

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};

/// Which of two texts has a line that the other lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineOf {
    File,
    Migrations,
}

/// A line that only one of two texts has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) of: LineOf,
    /// Its number in the file, or where it would be.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The lines that differ between a file and the result of the migrations, in their order.
pub(super) fn differences(file: &str, migrations: &str) -> Vec<Difference> {
    let (old, new): (Vec<&str>, Vec<&str>) = (file.lines().collect(), migrations.lines().collect());
    let lines = |op: &DiffOp| {
        let (removed, added) = match op.tag() {
            DiffTag::Equal => (0..0, 0..0),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                (op.old_range(), op.new_range())
            }
        };
        let place = removed.end.max(op.old_range().start) + 1;
        let removed = removed.map(|at| (LineOf::File, at + 1, old[at]));
        let added = added.map(|at| (LineOf::Migrations, place, new[at]));
        removed.chain(added).collect::<Vec<_>>()
    };
    let found = capture_diff_slices(Algorithm::Myers, &old, &new);
    let found = found.iter().flat_map(lines);
    // An empty line says nothing.
    let found = found.filter(|(_, _, text)| !text.trim().is_empty());
    found.map(|(of, line, text)| Difference { of, line, text: text.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: &str, migrations: &str) -> Vec<String> {
        let sign = |of| if of == LineOf::File { '-' } else { '+' };
        let found = differences(file, migrations).into_iter();
        found.map(|one| format!("{}{}{}", one.line, sign(one.of), one.text)).collect()
    }

    #[test]
    fn only_what_is_not_in_both_is_different() {
        assert_eq!(shown("a\nb\nc\n", "a\nb\nc\n"), Vec::<String>::new());
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), ["2-b", "3+x"]);
        assert_eq!(shown("a\nc\n", "a\nb\n\nc\n"), ["2+b"]);
        assert_eq!(shown("a\nb\nc\nd\ne\n", "b\nc\nx\nd\n"), ["1-a", "4+x", "5-e"]);
        assert_eq!(shown("", "a\n"), ["1+a"]);
    }
}
