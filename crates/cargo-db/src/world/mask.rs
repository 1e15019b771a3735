//! Hides a password in the output of other programs and in messages of a server, in every spelling.

use std::collections::BTreeSet;

use crate::model::target::{Secret, Target};

/// A shorter one would be found everywhere.
const SHORTEST: usize = 3;

/// Finds a password and hides it: as it is, in a URL (`%2F`, `+`), in a configuration file
/// (`%%2F`), or quoted (`\'`, `''`, `\u00e9`).
#[derive(Clone)]
pub(super) struct Mask {
    /// Of each of its characters, every spelling.
    characters: Vec<Vec<String>>,
}

impl Mask {
    /// Masks this password; without one, nothing is masked.
    pub(super) fn of(password: Option<&str>) -> Mask {
        let characters: Vec<Vec<String>> =
            password.unwrap_or_default().chars().map(spellings).collect();
        Mask { characters: if characters.len() < SHORTEST { Vec::new() } else { characters } }
    }

    /// One that hides a target's password. If that is the name of the user or of the database, it
    /// is shown with these anyway, and without the names no message could be understood.
    pub(super) fn of_target(target: &Target) -> Mask {
        let names = [target.user.as_str(), target.database.as_str()];
        Mask::of(target.password.as_ref().map(Secret::expose).filter(|one| !names.contains(one)))
    }

    /// The text with the password masked.
    pub(super) fn hide(&self, text: &str) -> String {
        let (mut shown, mut rest) = (String::new(), text);
        while let Some(first) = rest.chars().next() {
            let length = self.length_at(rest).unwrap_or_default();
            if length > 0 {
                shown.push_str("****");
                rest = &rest[length..];
            } else {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        shown
    }

    /// The length of the spelling of the password at the beginning of `text`. One spelling can be
    /// the prefix of another, so all of them are followed.
    fn length_at(&self, text: &str) -> Option<usize> {
        let mut ends = BTreeSet::from([0]);
        for spellings in &self.characters {
            let next = |end: usize| {
                spellings
                    .iter()
                    .filter(move |one| begins(&text[end..], one))
                    .map(move |one| end + one.len())
            };
            ends = ends.into_iter().flat_map(next).collect();
        }
        ends.last().copied()
    }
}

/// Whether a text begins with a spelling. Only in one that is not the character itself, of digits
/// in base 16, the case makes no difference.
fn begins(text: &str, spelling: &str) -> bool {
    let is_itself = spelling.chars().count() == 1;
    text.starts_with(spelling)
        || !is_itself
            && text.get(..spelling.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(spelling))
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
    use crate::model::target::{from_keywords, parse_url};

    #[test]
    fn a_password_equal_to_a_name_does_not_mask_the_name() {
        for (url, shown) in [
            ("postgres://postgres:postgres@localhost/school", "role \"postgres\" of school"),
            ("postgres://postgres:school@localhost/school", "role \"postgres\" of school"),
            ("postgres://school:postgres@localhost/other", "role \"****\" of school"),
        ] {
            let target = from_keywords(&parse_url(url, "x").unwrap(), "x", "me").unwrap();
            assert_eq!(
                Mask::of_target(&target).hide("role \"postgres\" of school"),
                shown,
                "{url}"
            );
        }
    }

    #[test]
    fn no_spelling_is_shown() {
        let password = "aB3/x+Y9=z'! é%";
        let mask = Mask::of(Some(password));
        for spelled in [
            "aB3/x+Y9=z'! é%",
            "aB3%2Fx%2BY9%3Dz'!%20%C3%A9%25",
            "aB3/x%2by9%3Dz%27%21+%c3%a9%25".replace("%2by9", "%2bY9").as_str(),
            "aB3%%2Fx%%2BY9%%3Dz%%27%%21%%20%%C3%%A9%%25",
            "aB3/x+Y9=z''! é%",
            "aB3\\/x+Y9=z\\'! \\u00e9%",
        ] {
            assert_eq!(mask.hide(&format!("postgres://me:{spelled}@db")), "postgres://me:****@db");
        }
        let hidden = |text: &str, password| Mask::of(password).hide(text);
        assert_eq!(hidden("ab3/x", Some("aB3")), "ab3/x");
        assert_eq!(hidden("%25 of a%", Some("%25")), "**** of a%");
        assert_eq!(hidden("a ab", Some("ab")), "a ab");
        assert_eq!(hidden("a ab", None), "a ab");
    }
}
