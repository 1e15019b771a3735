//! The text of an array of PostgreSQL's, as its elements (PostgreSQL manual, 8.15.6 "Array Input
//! and Output Syntax"), and of a list of names in a setting.

/// The elements of an array of one dimension; nothing where the text is none.
pub(crate) fn elements(text: &str) -> Option<Vec<String>> {
    // An array that does not begin at 1 says where: `[0:1]={a,b}`.
    let text = if text.starts_with('[') { text.split_once('=')?.1 } else { text };
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?.chars().peekable();
    let mut found = Vec::new();
    while rest.peek().is_some() {
        let mut element = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => element.push(rest.next()?),
                    other => element.push(other),
                }
            }
        } else {
            while let Some(other) = rest.next_if(|&next| next != ',') {
                element.push(if other == '\\' { rest.next()? } else { other });
            }
        }
        found.push(element);
        if rest.next().is_some_and(|separator| separator != ',') {
            return None;
        }
    }
    Some(found)
}

/// The names of a list in a setting: `public, "A, b"`.
pub(crate) fn listed_names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => push(&mut names, '"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => names.push(String::new()),
            letter if letter.is_whitespace() && !is_quoted => {}
            letter => push(&mut names, letter),
        }
    }
    names
}

fn push(names: &mut [String], letter: char) {
    if let Some(last) = names.last_mut() {
        last.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_its_elements() {
        let given = "{a,\"b, c\",\"d \\\"e\\\\\",\"\",NULL}";
        assert_eq!(elements(given).unwrap(), ["a", "b, c", "d \"e\\", "", "NULL"]);
        assert_eq!(elements("{}"), Some(vec![]));
        assert_eq!(elements("[0:1]={1,2}").unwrap(), ["1", "2"]);
        assert_eq!(["a", "{\"a}", "{\"a\"b}"].map(elements), [None, None, None]);
    }

    #[test]
    fn a_setting_lists_names() {
        assert_eq!(listed_names("public, \"A, \"\"b\""), ["public", "A, \"b"]);
        assert_eq!(listed_names("\"\""), [""]);
    }
}
