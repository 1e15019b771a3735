//! Rewrites expressions that PostgreSQL does not read back as it printed them.
//!
//! PostgreSQL stores `status IN ('a', 'b')` on a `character varying` column as a comparison with an
//! array that is cast as a whole, and prints
//! `ANY ((ARRAY['a'::character varying, ...])::text[])`. When it parses that, it casts each element
//! instead: another expression, which it prints differently. Without the outer cast, it adds the
//! original cast itself.

const BEGIN: &str = "((ARRAY[";
const END: &str = "])::text[])";

/// The statement without the casts that would not be read back as they were printed.
pub(super) fn faithful(statement: &str) -> String {
    let mut text = String::with_capacity(statement.len());
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        text.push_str(before);
        let end = closing(after).filter(|&end| after[end..].starts_with(END));
        let elements = end.map(|end| &after[..end]).filter(|elements| are_varying(elements));
        let is_compared = before.ends_with("ANY ") || before.ends_with("ALL ");
        match elements.filter(|_| is_compared) {
            Some(elements) => {
                text.push_str(&format!("(ARRAY[{elements}])"));
                rest = &after[elements.len() + END.len()..];
            }
            None => {
                text.push_str(BEGIN);
                rest = after;
            }
        }
    }
    text + rest
}

/// The position of the bracket that closes an array of literals.
fn closing(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, letter)| {
        is_quoted ^= letter == '\'';
        (letter == ']' && !is_quoted).then_some(at)
    })
}

/// Whether each element is a literal of type `character varying`.
fn are_varying(elements: &str) -> bool {
    let mut is_quoted = false;
    let separates = |letter: char| {
        is_quoted ^= letter == '\'';
        letter == ',' && !is_quoted
    };
    elements.split(separates).all(|element| {
        let element = element.trim();
        element.starts_with('\'') && element.ends_with("'::character varying")
    })
}

#[cfg(test)]
mod tests {
    use super::faithful;

    #[test]
    fn an_array_cast_is_left_to_the_server() {
        let text = "CHECK (((a)::text = ANY ((ARRAY['x,]'::character varying, \
                    'it''s'::character varying])::text[])))";
        let wanted = "CHECK (((a)::text = ANY (ARRAY['x,]'::character varying, \
                      'it''s'::character varying])))";
        assert_eq!(faithful(text), wanted);
    }

    #[test]
    fn other_casts_stay() {
        for text in [
            "ANY ((ARRAY[b, 'x'::character varying])::text[])",
            "f((ARRAY['x'::character varying])::text[])",
            "ANY ((ARRAY['x'::character varying])::name[])",
        ] {
            assert_eq!(faithful(text), text);
        }
    }
}
