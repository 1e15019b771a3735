//! A password in what another program prints, however it is spelled there.

/// A shorter one would be found everywhere.
const SHORTEST: usize = 3;

/// The text without the password: as it is, in a URL (`%2F`, `+`), in a configuration file (`%%2F`), or
/// quoted (`\\'`, `\'\'`, `\\u00e9`).
pub(super) fn masked(text: &str, password: &str) -> String {
    let characters: Vec<char> = password.chars().collect();
    if characters.len() < SHORTEST {
        return text.to_owned();
    }
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        match spelled(rest, &characters) {
            Some(length) => {
                shown.push_str("****");
                rest = &rest[length..];
            }
            None => {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    shown
}

/// How long the password is that `text` begins with, in any spelling.
fn spelled(text: &str, password: &[char]) -> Option<usize> {
    let Some((first, others)) = password.split_first() else { return Some(0) };
    let found = spellings(*first).into_iter().filter_map(|spelling| {
        let begins = text.get(..spelling.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(&spelling));
        // Only of digits in base 16 the case makes no difference.
        let same = begins && (spelling.len() > first.len_utf8() || text.starts_with(&spelling));
        same.then(|| spelled(&text[spelling.len()..], others).map(|length| length + spelling.len()))?
    });
    found.max()
}

fn spellings(character: char) -> Vec<String> {
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    let in_base_16 =
        |before: &str| bytes.iter().map(|byte| format!("{before}{byte:02X}")).collect::<String>();
    let mut all = vec![character.to_string(), in_base_16("%"), in_base_16("%%"), in_base_16("\\x")];
    all.push(format!("\\u{:04x}", u32::from(character)));
    match character {
        ' ' => all.push("+".to_owned()),
        '\'' | '"' | '\\' | '`' | '$' | '/' => {
            all.extend([format!("\\{character}"), format!("{character}{character}")]);
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_is_shown() {
        let password = "aB3/x+Y9=z'! é%";
        for spelled in [
            "aB3/x+Y9=z'! é%",
            "aB3%2Fx%2BY9%3Dz'!%20%C3%A9%25",
            "aB3/x%2by9%3Dz%27%21+%c3%a9%25".replace("%2by9", "%2bY9").as_str(),
            "aB3%%2Fx%%2BY9%%3Dz%%27%%21%%20%%C3%%A9%%25",
            "aB3/x+Y9=z''! é%",
            "aB3\\/x+Y9=z\\'! \\u00e9%",
        ] {
            assert_eq!(masked(&format!("postgres://me:{spelled}@db"), password), "postgres://me:****@db");
        }
        assert_eq!(masked("ab3/x", "aB3"), "ab3/x");
        assert_eq!(masked("%25 of a%", "%25"), "**** of a%");
        assert_eq!(masked("a ab", "ab"), "a ab");
    }
}
