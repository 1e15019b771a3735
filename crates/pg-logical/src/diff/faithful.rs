//! Expressions in a form that PostgreSQL reads as it wrote them.
//!
//! `status IN ('a', 'b')` on a `character varying` is kept as a comparison with an array that is
//! cast as a whole. The server writes this as `ANY ((ARRAY['a'::character varying, ...])::text[])`,
//! and reads a cast of such an array as one cast an element: another expression, which it writes in
//! another way. Without the cast, it adds the one that was there.

const BEGIN: &str = "((ARRAY[";
const END: &str = "])::text[])";

/// A statement without casts that would not be read as they were written.
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

/// Where the bracket is that closes an array of literals.
fn closing(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, letter)| {
        is_quoted ^= letter == '\'';
        (letter == ']' && !is_quoted).then_some(at)
    })
}

/// Whether each element is a literal of the type `character varying`.
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
    fn a_cast_of_an_array_is_left_to_the_server() {
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
