//! Privileges as GRANT and REVOKE: what differs from those that an object is made with.

use pg_sql::quote::name as quoted;

use crate::catalog::{DefaultRights, Grant, Kind, Object, OthersRights, Rights};

/// The privileges of each kind, by the letter of `acldefault`: those of all versions, and those
/// since version 17.
const ALL: &[(char, &[&str])] = &[
    ('r', &["DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"]),
    ('c', &["INSERT", "REFERENCES", "SELECT", "UPDATE"]),
    ('s', &["SELECT", "UPDATE", "USAGE"]),
    ('f', &["EXECUTE"]),
    ('n', &["CREATE", "USAGE"]),
    ('T', &["USAGE"]),
    ('l', &["USAGE"]),
    ('F', &["USAGE"]),
    ('S', &["USAGE"]),
    ('L', &["SELECT", "UPDATE"]),
];

/// What privileges are on, and whose.
struct Target<'a> {
    /// `TABLE public.users`.
    on: String,
    letter: char,
    owner: Option<&'a str>,
    /// `ALTER DEFAULT PRIVILEGES …`, with a blank.
    before: String,
    major: u32,
}

/// The statements for the privileges of an object and its columns.
pub fn of_object(object: &Object, major: u32) -> Vec<String> {
    object.rights.iter().flat_map(|rights| of_one(object, rights, major)).collect()
}

/// The letter for a kind of object, as in `acldefault`.
pub(crate) fn letter_of(kind: Kind) -> char {
    on(kind).1
}

fn on(kind: Kind) -> (&'static str, char) {
    match kind {
        Kind::Sequence => ("SEQUENCE", 's'),
        Kind::Function | Kind::Aggregate => ("FUNCTION", 'f'),
        Kind::Procedure => ("PROCEDURE", 'f'),
        Kind::Schema => ("SCHEMA", 'n'),
        Kind::Type | Kind::Domain => ("TYPE", 'T'),
        Kind::ForeignDataWrapper => ("FOREIGN DATA WRAPPER", 'F'),
        Kind::Server => ("FOREIGN SERVER", 'S'),
        Kind::LargeObject => ("LARGE OBJECT", 'L'),
        _ => ("TABLE", 'r'),
    }
}

/// The statements that set the privileges on an object or on one of its columns.
pub(crate) fn of_one(object: &Object, rights: &Rights, major: u32) -> Vec<String> {
    let (word, letter) = on(object.identity.kind);
    let on = format!("{word} {}", object.identity.sql());
    let owner = object.owner.as_deref();
    Target { on, letter, owner, before: String::new(), major }.statements(rights)
}

/// All privileges that exist for a kind of object.
pub(crate) fn all_privileges(letter: char, major: u32) -> Vec<String> {
    let all = ALL.iter().find(|(known, _)| *known == letter).map_or(&[][..], |(_, all)| all);
    let new = (letter == 'r' && major >= 17).then_some("MAINTAIN");
    all.iter().copied().chain(new).map(str::to_owned).collect()
}

/// The same for an object of the system or of an extension.
pub fn of_others(others: &OthersRights, major: u32) -> Vec<String> {
    // Its owner granted what it was made with.
    let owner = others.rights.first.first().map(|grant| grant.grantor.as_str());
    let (on, letter) = (others.target.clone(), others.letter);
    Target { on, letter, owner, before: String::new(), major }.statements(&others.rights)
}

/// The same for what will be made; by `own` without its name.
pub fn of_defaults(defaults: &DefaultRights, major: u32, own: Option<&str>) -> Vec<String> {
    let (word, letter) = match defaults.kind {
        'r' => ("TABLES", 'r'),
        'S' => ("SEQUENCES", 's'),
        'f' => ("FUNCTIONS", 'f'),
        'T' => ("TYPES", 'T'),
        'n' => ("SCHEMAS", 'n'),
        _ => ("LARGE OBJECTS", 'L'),
    };
    let schema = defaults.schema.as_ref().map(|schema| format!("IN SCHEMA {} ", quoted(schema)));
    let is_default = own == Some(defaults.role.as_str());
    let role = (!is_default).then(|| format!("FOR ROLE {} ", quoted(&defaults.role)));
    let (role, schema) = (role.unwrap_or_default(), schema.unwrap_or_default());
    let before = format!("ALTER DEFAULT PRIVILEGES {role}{schema}");
    let owner = Some(defaults.role.as_str());
    Target { on: word.to_owned(), letter, owner, before, major }.statements(&defaults.rights)
}

impl Target<'_> {
    fn statements(&self, rights: &Rights) -> Vec<String> {
        let column = rights.column.as_deref();
        let gone = rights.first.iter().filter(|grant| !rights.now.contains(grant));
        let mut found: Vec<String> = gone.map(|grant| self.revoke(grant, column)).collect();
        let new = rights.now.iter().filter(|grant| !rights.first.contains(grant));
        for grant in self.in_order(new.collect()) {
            let is_owners = Some(grant.grantor.as_str()) == self.owner;
            let grants = self.grants(grant, column);
            if is_owners {
                found.extend(grants);
            } else {
                found.push(format!("SET SESSION AUTHORIZATION {}", quoted(&grant.grantor)));
                found.extend(grants);
                found.push("RESET SESSION AUTHORIZATION".to_owned());
            }
        }
        found
    }

    /// The order of the list, as far as nobody grants what he was not granted yet.
    fn in_order<'a>(&self, mut left: Vec<&'a Grant>) -> Vec<&'a Grant> {
        let mut sorted: Vec<&Grant> = Vec::new();
        while !left.is_empty() {
            let may = |grant: &&Grant| {
                Some(grant.grantor.as_str()) == self.owner
                    || sorted.iter().any(|given| given.grantee.as_deref() == Some(&grant.grantor))
            };
            let next = left.iter().position(may).unwrap_or(0);
            sorted.push(left.remove(next));
        }
        sorted
    }

    fn revoke(&self, grant: &Grant, column: Option<&str>) -> String {
        let privileges: Vec<&str> =
            grant.privileges.iter().map(|(name, _)| name.as_str()).collect();
        let (list, from) = (self.list(&privileges, column), grantee(grant));
        format!("{}REVOKE {list} ON {} FROM {from}", self.before, self.on)
    }

    fn grants(&self, grant: &Grant, column: Option<&str>) -> Vec<String> {
        let to = grantee(grant);
        let with = |grantable: bool| {
            let privileges = grant.privileges.iter().filter(|(_, is)| *is == grantable);
            let privileges: Vec<&str> = privileges.map(|(name, _)| name.as_str()).collect();
            (!privileges.is_empty()).then(|| {
                let option = if grantable { " WITH GRANT OPTION" } else { "" };
                let list = self.list(&privileges, column);
                format!("{}GRANT {list} ON {} TO {to}{option}", self.before, self.on)
            })
        };
        [with(false), with(true)].into_iter().flatten().collect()
    }

    fn list(&self, privileges: &[&str], column: Option<&str>) -> String {
        let letter = if column.is_some() { 'c' } else { self.letter };
        let all = ALL.iter().find(|(known, _)| *known == letter).map_or(&[][..], |(_, all)| all);
        let more = usize::from(letter == 'r' && self.major >= 17);
        let is_all = privileges.len() == all.len() + more;
        let column = column.map(|column| format!("({})", quoted(column))).unwrap_or_default();
        if is_all {
            return format!("ALL{column}");
        }
        privileges.iter().map(|name| format!("{name}{column}")).collect::<Vec<_>>().join(",")
    }
}

fn grantee(grant: &Grant) -> String {
    grant.grantee.as_ref().map_or("PUBLIC".to_owned(), |role| quoted(role))
}
