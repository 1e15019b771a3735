//! What a restore can leave out of a dump: ownership, privileges, tablespaces and similar. These
//! are the statements that `pg_restore` leaves out with the corresponding options.

use std::sync::LazyLock;

use crate::shape::Shape;
use crate::statement::Statement;

/// A longer statement does not set an owner: such a one has only a name and argument types.
const LONGEST_OF_OWNER: usize = 64 * 1024;

static OWNERS: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let patterns =
        ["alter ... owner to NAME", "set session authorization ...", "reset session authorization"];
    patterns.into_iter().map(Shape::new).collect()
});

static PRIVILEGES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    ["grant ...", "revoke ...", "alter default privileges ..."]
        .into_iter()
        .map(Shape::new)
        .collect()
});

static TABLESPACES: LazyLock<Vec<Shape>> =
    LazyLock::new(|| vec![Shape::new("set default_tablespace =|to ...")]);

static EXTENSIONS: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    ["create extension ...", "comment on extension ..."].into_iter().map(Shape::new).collect()
});

/// What is left out of a dump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose the objects are.
    pub owners: bool,
    /// Who may use them.
    pub privileges: bool,
    /// Their tablespaces.
    pub tablespaces: bool,
    /// The extensions that they need, and the comments on these.
    pub extensions: bool,
}

impl LeftOut {
    /// Whether a statement is left out.
    pub fn holds(&self, statement: &Statement) -> bool {
        let kinds = [
            (self.owners, &OWNERS),
            (self.privileges, &PRIVILEGES),
            (self.tablespaces, &TABLESPACES),
            (self.extensions, &EXTENSIONS),
        ];
        let mut asked_for = kinds.into_iter().filter(|(wanted, _)| *wanted).peekable();
        if asked_for.peek().is_none() || !may_be_left_out(statement) {
            return false;
        }
        let pieces = statement.tokens();
        asked_for.any(|(_, shapes)| shapes.iter().any(|shape| shape.fits(&pieces)))
    }
}

/// Whether the first word allows the statement to be left out: most statements need no further
/// check.
fn may_be_left_out(statement: &Statement) -> bool {
    let first = statement.text.split_whitespace().next().unwrap_or_default();
    ["alter", "set", "reset", "grant", "revoke", "create", "comment"]
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

/// The tablespace of the objects after a statement, if it sets one.
pub fn tablespace(statement: &Statement) -> Option<String> {
    let words = crate::lexer::words(statement.text.get(..200).unwrap_or(&statement.text));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["set", "default_tablespace", "=" | "to", name] => {
            Some((*name).to_owned()).filter(|name| name != "''")
        }
        _ => None,
    }
}

/// The extension that a statement creates, and its schema.
pub fn extension(statement: &Statement) -> Option<(String, Option<String>)> {
    let words = crate::lexer::first_words(&statement.text, 10);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["create", "extension", rest @ ..] = words.as_slice() else { return None };
    let rest = rest.strip_prefix(&["if", "not", "exists"]).unwrap_or(rest);
    let schema = rest.windows(2).find(|pair| pair[0] == "schema").map(|pair| pair[1].to_owned());
    Some(((*rest.first()?).to_owned(), schema))
}

/// The role that a statement makes the owner of an object, and whether the object is a schema or an
/// event trigger.
pub fn owner(statement: &Statement) -> Option<(String, bool)> {
    let is_alter =
        statement.text.get(..6).is_some_and(|first| first.eq_ignore_ascii_case("alter "));
    if !is_alter || statement.text.len() > LONGEST_OF_OWNER {
        return None;
    }
    let words = crate::lexer::words(&statement.text);
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["alter", "schema" | "event", .., "owner", "to", role] => Some((role.to_owned(), true)),
        ["alter", .., "owner", "to", role] => Some((role.to_owned(), false)),
        _ => None,
    }
}

/// The role that a statement switches the session to; only a superuser may switch to another user's
/// role. `pg_dump` writes it as a name before a privilege that this role granted, and as a string
/// before each object with `--use-set-session-authorization`.
pub fn acts_as(statement: &Statement) -> Option<String> {
    let words = crate::lexer::first_words(&statement.text, 4);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["set", "session", "authorization", "default"] => None,
        ["set", "session", "authorization", "''"] => {
            let (_, string) = statement.text.split_once('\'')?;
            Some(string.strip_suffix('\'')?.replace("''", "'"))
        }
        ["set", "session", "authorization", role] => Some((*role).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> Statement {
        Statement { text: text.to_owned(), line: 1, column: 1 }
    }

    #[test]
    fn each_kind_is_left_out_by_itself() {
        let owners = LeftOut { owners: true, ..LeftOut::default() };
        let privileges = LeftOut { privileges: true, ..LeftOut::default() };
        let tablespaces = LeftOut { tablespaces: true, ..LeftOut::default() };
        let extensions = LeftOut { extensions: true, ..LeftOut::default() };
        for (text, by) in [
            ("ALTER TABLE public.t OWNER TO \"A b\"", owners),
            ("ALTER FUNCTION public.f(a integer) OWNER TO me", owners),
            ("SET SESSION AUTHORIZATION 'me'", owners),
            ("RESET SESSION AUTHORIZATION", owners),
            ("GRANT SELECT(a) ON TABLE public.t TO me", privileges),
            ("REVOKE ALL ON SCHEMA public FROM PUBLIC", privileges),
            ("ALTER DEFAULT PRIVILEGES FOR ROLE me GRANT SELECT ON TABLES TO you", privileges),
            ("SET default_tablespace = fast", tablespaces),
            ("CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public", extensions),
            ("COMMENT ON EXTENSION hstore IS 'x'", extensions),
        ] {
            for kind in [owners, privileges, tablespaces, extensions, LeftOut::default()] {
                assert_eq!(kind.holds(&statement(text)), kind == by, "{text}: {kind:?}");
            }
        }
    }

    #[test]
    fn owners_are_reported() {
        for (text, role, is_schema) in [
            ("ALTER TABLE public.t OWNER TO \"A b\"", "A b", false),
            ("alter function public.f(a integer) owner to me", "me", false),
            ("ALTER SCHEMA app OWNER TO me", "me", true),
            ("ALTER EVENT TRIGGER e OWNER TO me", "me", true),
        ] {
            assert_eq!(owner(&statement(text)), Some((role.to_owned(), is_schema)), "{text}");
            assert_eq!(acts_as(&statement(text)), None);
        }
        for text in ["ALTER TABLE public.t ADD owner text", "COMMENT ON TABLE t IS 'owner to me'"] {
            assert_eq!(owner(&statement(text)), None, "{text}");
        }
    }

    #[test]
    fn the_role_that_a_session_switches_to_is_reported() {
        for (text, role) in [
            ("SET SESSION AUTHORIZATION bob", Some("bob")),
            ("SET SESSION AUTHORIZATION \"A b\"", Some("A b")),
            ("SET SESSION AUTHORIZATION 'it''s'", Some("it's")),
            ("SET SESSION AUTHORIZATION DEFAULT", None),
            ("RESET SESSION AUTHORIZATION", None),
            ("SET session_authorization = bob", None),
        ] {
            assert_eq!(acts_as(&statement(text)).as_deref(), role, "{text}");
        }
    }

    #[test]
    fn all_else_is_loaded() {
        let all = LeftOut { owners: true, privileges: true, tablespaces: true, extensions: true };
        for text in [
            "ALTER TABLE public.t ADD CONSTRAINT owner CHECK (a > 1)",
            "ALTER SEQUENCE public.s OWNED BY public.t.a",
            "COMMENT ON TABLE public.t IS 'grant; owner to me'",
            "CREATE TABLE public.\"grant\" (a integer)",
            "SET default_table_access_method = heap",
        ] {
            assert!(!all.holds(&statement(text)), "{text}");
        }
    }

    #[test]
    fn an_extension_is_named_with_its_schema() {
        let named = |text| extension(&statement(text));
        let text = "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA app";
        assert_eq!(named(text), Some(("uuid-ossp".to_owned(), Some("app".to_owned()))));
        assert_eq!(named("CREATE EXTENSION hstore"), Some(("hstore".to_owned(), None)));
        assert_eq!(named("CREATE SCHEMA extension"), None);
    }

    #[test]
    fn a_tablespace_is_named() {
        let named = |text| tablespace(&statement(text));
        assert_eq!(named("SET default_tablespace = \"Fast ssd\""), Some("Fast ssd".to_owned()));
        assert_eq!(named("SET default_tablespace = fast"), Some("fast".to_owned()));
        assert_eq!(named("SET default_tablespace = ''"), None);
        assert_eq!(named("SET lock_timeout = 0"), None);
    }
}
