//! What a status command of a project's own prints.

/// What a status command of the project's own says: a line for each migration, with `applied` or
/// `pending` before or after its name. Other lines say nothing.
pub fn states(text: &str) -> Vec<(String, bool)> {
    let state = |word: &str| match word
        .trim_matches(['[', ']', ':', '(', ')'])
        .to_ascii_lowercase()
        .as_str()
    {
        "applied" => Some(true),
        "x" if word.starts_with('[') => Some(true),
        "pending" => Some(false),
        _ => None,
    };
    let line = |line: &str| {
        // A sentence about all of them.
        const ALL: [&str; 6] = ["no", "none", "nothing", "all", "everything", "0"];
        // `[ ]` is a single marker that contains a space.
        let line = line.trim().replace("[ ]", "pending");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [first, ..] if ALL.contains(&first.to_ascii_lowercase().as_str()) => None,
            [first, name, ..] if state(first).is_some() => {
                Some(((*name).to_owned(), state(first)?))
            }
            [name, .., last] => Some(((*name).to_owned(), state(last)?)),
            _ => None,
        }
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_in_any_customary_form() {
        let text = "Status\n[X] 1_a\n[ ] 2_b\npending 3_c\n4_d applied\n\n5 e: pending\n\
                    Up to date\nDatabase is down\nNo migrations pending\n";
        let expected = [("1_a", true), ("2_b", false), ("3_c", false), ("4_d", true), ("5", false)];
        assert_eq!(states(text), expected.map(|(name, applied)| (name.to_owned(), applied)));
    }
}
