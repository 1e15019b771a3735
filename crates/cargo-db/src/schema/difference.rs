//! Where two texts differ, line by line.

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

/// More than this is not compared line by line.
const MOST: usize = 4_000_000;

/// The lines in which a file differs from what the migrations lead to, in their order.
pub(super) fn differences(file: &str, migrations: &str) -> Vec<Difference> {
    let (a, b): (Vec<&str>, Vec<&str>) = (file.lines().collect(), migrations.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = a.iter().zip(&b).take_while(same).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let found = if a.len() * b.len() > MOST { all(a, b) } else { longest(a, b) };
    let of = |(of, at, text): (LineOf, usize, &str)| Difference {
        of,
        line: start + at + 1,
        text: text.to_owned(),
    };
    // An empty line says nothing.
    found.into_iter().filter(|(_, _, text)| !text.trim().is_empty()).map(of).collect()
}

type CommonLines<'a> = Vec<(LineOf, usize, &'a str)>;

fn all<'a>(a: &[&'a str], b: &[&'a str]) -> CommonLines<'a> {
    let of_file = a.iter().enumerate().map(|(at, line)| (LineOf::File, at, *line));
    of_file.chain(b.iter().map(|line| (LineOf::Migrations, a.len(), *line))).collect()
}

/// What is not in the longest common subsequence.
fn longest<'a>(a: &[&'a str], b: &[&'a str]) -> CommonLines<'a> {
    let width = b.len() + 1;
    let mut length = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let next = (i + 1) * width + j;
            length[i * width + j] = if a[i] == b[j] {
                length[next + 1] + 1
            } else {
                length[next].max(length[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len()
            || i < a.len() && length[(i + 1) * width + j] >= length[i * width + j + 1]
        {
            found.push((LineOf::File, i, a[i]));
            i += 1;
        } else {
            found.push((LineOf::Migrations, i, b[j]));
            j += 1;
        }
    }
    found
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
