//! The file names of a schema that is kept in a folder.

use std::collections::BTreeMap;

use pg_logical::catalog::{Catalog, Identity};
use pg_logical::split::{PlaceOfPart, SchemaPart};

use crate::world::files;

/// The longest file name: less than file systems allow, since editors append suffixes.
const LONGEST: usize = 200;

/// The file name of each part, in the order of the parts.
pub(super) fn names(catalog: &Catalog, parts: &[SchemaPart]) -> Vec<String> {
    let name = |part: &SchemaPart| match part.place {
        PlaceOfPart::First => "0_first.sql".to_owned(),
        PlaceOfPart::Table(at) => of_table(&catalog.objects[at].identity),
        PlaceOfPart::Last => "2_last.sql".to_owned(),
    };
    distinct(parts.iter().map(name).collect())
}

fn of_table(identity: &Identity) -> String {
    let schema = escaped(identity.schema.as_deref().unwrap_or_default());
    let name = format!("{schema}.{}", escaped(&identity.name));
    format!("1_{}.sql", shortened(name))
}

/// A name as part of a file name: letters, digits, `_` and `-` are kept, other characters are
/// percent-encoded, as in a URL.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() || matches!(letter, '_' | '-') {
            text.push(letter);
        } else {
            let mut bytes = [0; 4];
            let bytes = letter.encode_utf8(&mut bytes).bytes();
            bytes.for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        }
    }
    text
}

fn shortened(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let mut room = LONGEST - "~01234567".len();
    while !name.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}~{}", &name[..room], hash(&name))
}

fn hash(name: &str) -> String {
    files::sha256(name.as_bytes()).to_string().chars().take(8).collect()
}

/// The names, changed where a file system that ignores case would treat two as the same.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    names.iter().for_each(|name| *counted.entry(name.to_lowercase()).or_default() += 1);
    let own = |name: String| {
        let is_lower = name == name.to_lowercase();
        if is_lower || counted.get(&name.to_lowercase()) == Some(&1) {
            return name;
        }
        format!("{}~{}.sql", name.trim_end_matches(".sql"), hash(&name))
    };
    names.into_iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_a_file() {
        assert_eq!(escaped("order_items-1"), "order_items-1");
        assert_eq!(escaped("a/b.c d\"ä"), "a%2Fb%2Ec%20d%22ä");
        assert_eq!(escaped(".."), "%2E%2E");
        let long = shortened("ä".repeat(150));
        assert!(long.len() <= LONGEST && long.contains('~'), "{long}");
    }

    #[test]
    fn names_differ_without_their_case_too() {
        let names = |names: &[&str]| distinct(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(names(&["1_a.User.sql", "1_a.post.sql"]), ["1_a.User.sql", "1_a.post.sql"]);
        let found = names(&["1_a.User.sql", "1_a.USER.sql", "1_a.user.sql"]);
        assert_eq!(found[2], "1_a.user.sql");
        let lower: Vec<String> = found.iter().map(|name| name.to_lowercase()).collect();
        assert!(lower[0] != lower[1] && lower[0] != lower[2] && lower[1] != lower[2], "{found:?}");
    }
}
