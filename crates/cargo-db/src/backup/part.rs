//! A part of a backup: the statements that define one table or schema, and the query for its rows.

use pg_sql::dump::AllowList;
use pg_sql::lexer::{first_words, words};
use pg_sql::script::{ScriptReader, Statement};

use crate::backup::allowed::Allowed;
use crate::backup::load::{sets_limits, unreadable};
use crate::backup::source::RestoreSource;
use crate::backup::subjects::subjects;
use crate::failure::{BackupError, Result};
use crate::plan::Loss;
use crate::settings::Settings;
use crate::world::World;
use pg_sql::name::qualified_name;
use pg_sql::quote::{quote_identifier, quote_literal};

/// What is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestoreScope {
    /// Every schema of the database.
    Everything,
    Schema(String),
    Table {
        schema: String,
        table: String,
    },
}

impl RestoreScope {
    /// As people say it.
    pub(crate) fn describe(&self) -> String {
        match self {
            RestoreScope::Everything => "everything".to_owned(),
            RestoreScope::Schema(schema) => format!("the schema {schema}"),
            RestoreScope::Table { schema, table } => format!("the table {schema}.{table}"),
        }
    }

    /// The condition on `pg_class c` that is true inside.
    pub(super) fn relations(&self) -> String {
        match self {
            RestoreScope::Everything => "true".to_owned(),
            RestoreScope::Schema(schema) => format!(
                "c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {})",
                quote_literal(schema)
            ),
            RestoreScope::Table { .. } => {
                format!("c.oid = to_regclass({})", quote_literal(&self.qualified()))
            }
        }
    }

    /// The quoted name of what is replaced.
    pub(super) fn qualified(&self) -> String {
        match self {
            RestoreScope::Everything => String::new(),
            RestoreScope::Schema(schema) => quote_identifier(schema),
            RestoreScope::Table { schema, table } => {
                format!("{}.{}", quote_identifier(schema), quote_identifier(table))
            }
        }
    }
}

/// A part of a backup, and what it conflicts with in the database.
pub(crate) struct BackupPart {
    pub(super) scope: RestoreScope,
    /// The statements that create the schema and set its owner and privileges, used if it does not
    /// exist.
    pub(super) of_schema: Vec<Statement>,
    /// What comes before the rows, and after them; empty for everything.
    pub(super) before: Vec<Statement>,
    pub(super) after: Vec<Statement>,
    /// The arguments that make `pg_restore` write the rows.
    pub(super) data: Vec<String>,
    /// Of a table: the sequences that its columns own.
    pub(super) sequences: Vec<String>,
    /// The tables that go, with their rows.
    pub(crate) losses: Vec<Loss>,
}

impl BackupPart {
    /// The hash that a consent covers.
    pub(crate) fn fingerprint(&self) -> String {
        self.before.iter().chain(&self.after).map(|statement| statement.text.as_str()).collect()
    }
}

/// Reads the definitions of the part out of the backup.
pub(super) fn part_of(
    world: &World,
    settings: &Settings,
    source: &RestoreSource,
    scope: RestoreScope,
) -> Result<BackupPart> {
    let mut part = BackupPart {
        scope,
        of_schema: vec![],
        before: vec![],
        after: vec![],
        data: vec![],
        sequences: vec![],
        losses: vec![],
    };
    let Some(schema) = (match &part.scope {
        RestoreScope::Everything => None,
        RestoreScope::Schema(schema) | RestoreScope::Table { schema, .. } => Some(schema.clone()),
    }) else {
        return Ok(part);
    };
    let of_schema = format!("--schema={schema}");
    // The schema exists before its contents are created.
    let allowed = || match &part.scope {
        RestoreScope::Schema(schema) => AllowList::of_part(schema),
        _ => AllowList::default(),
    };
    let read = |options: &[String]| definitions(world, settings, source, options, allowed());
    let section = |section: &str| read(&[of_schema.clone(), format!("--section={section}")]);
    if let RestoreScope::Schema(schema) = &part.scope {
        // Selecting a schema's objects does not select the schema itself.
        part.of_schema = read(&["--section=pre-data".to_owned()])?;
        part.of_schema.retain(|statement| is_about_schema(statement, schema));
    }
    (part.before, part.after) = (section("pre-data")?, section("post-data")?);
    part.data = vec![of_schema.clone(), "--section=data".to_owned()];
    if let RestoreScope::Table { table, .. } = &part.scope {
        let table = table.clone();
        keep_only_table(&mut part, &schema, &table);
    }
    let is_absent = part.before.iter().all(is_setting);
    let is_no_table =
        matches!(part.scope, RestoreScope::Table { .. }) && !part.before.iter().any(is_table);
    if is_absent || is_no_table {
        let as_one = if is_absent { "" } else { " as a table" };
        let what = format!("is not in the backup{as_one}");
        let problems = vec![format!("part: {} {what}", part.scope.describe())];
        return Err(BackupError::CannotRestore { name: source.name.clone(), problems }.into());
    }
    Ok(part)
}

/// The statements of a backup that these options select, without those about the session.
fn definitions(
    world: &World,
    settings: &Settings,
    source: &RestoreSource,
    options: &[String],
    mut allowed: AllowList,
) -> Result<Vec<Statement>> {
    let mut text = source.archive_text(world, settings, options)?;
    let mut reader = ScriptReader::of_dump(Box::new(&mut text));
    let mut statements = Vec::new();
    while let Some(statement) = reader.next_statement().map_err(unreadable)? {
        let ours =
            statement.is_plain_begin() || statement.is_plain_commit() || sets_limits(&statement);
        statements.extend((!ours).then_some(statement));
    }
    drop(reader);
    // Whatever made the text may have failed before its end.
    text.finish(world)?;
    let unexpected = statements.iter().find(|statement| !allowed.admits(statement));
    if let Some(statement) = unexpected.filter(|_| source.wanted.allowed == Allowed::OfDumps) {
        return Err(source.refused(statement));
    }
    Ok(statements)
}

/// Keeps only the statements about one table: itself, its sequences and its indexes.
fn keep_only_table(part: &mut BackupPart, schema: &str, table: &str) {
    let owned = owned_sequences(&part.before, &format!("{schema}.{table}"));
    part.data.push(format!("--table={table}"));
    // A name may hold dots; a schema's is known.
    let unqualified =
        |name: &String| name.get(schema.len() + 1..).map(|name| format!("--table={name}"));
    part.data.extend(owned.iter().filter_map(unqualified));
    part.sequences.clone_from(&owned);
    let mut names: Vec<String> = owned.into_iter().chain([format!("{schema}.{table}")]).collect();
    let indexes = part.after.iter().filter(|statement| is_about(statement, &names));
    let indexes: Vec<String> =
        indexes.filter_map(|statement| made_index(statement, schema)).collect();
    names.extend(indexes);
    // The settings at the top belong to everybody.
    part.before.retain(|statement| is_setting(statement) || is_about(statement, &names));
    part.after.retain(|statement| is_setting(statement) || is_about(statement, &names));
}

fn is_setting(statement: &Statement) -> bool {
    let first = statement.text.split_whitespace().next().unwrap_or_default();
    first == "SET" || statement.text.starts_with("SELECT pg_catalog.set_config(")
}

/// Whether a statement makes a table.
fn is_table(statement: &Statement) -> bool {
    let words = first_words(&statement.text, 4);
    words.first().is_some_and(|first| first == "create") && words.iter().any(|word| word == "table")
}

/// The sequences that a table's columns own: those of serial and identity columns.
fn owned_sequences(statements: &[Statement], table: &str) -> Vec<String> {
    let owned = |statement: &Statement| {
        let words = words(&statement.text);
        let after = |pair: [&str; 2]| {
            let at = words.windows(2).position(|words| words == pair)?;
            qualified_name(&words[at + 2..])
        };
        match words.get(1).map(String::as_str) {
            Some("sequence") if after(["owned", "by"])? == table => qualified_name(&words[2..]),
            Some("table") if qualified_name(&words[2..])? == table => after(["sequence", "name"]),
            _ => None,
        }
    };
    statements.iter().filter_map(owned).collect()
}

/// The index that a statement makes, or the constraint that makes one, with its schema.
fn made_index(statement: &Statement, schema: &str) -> Option<String> {
    let words = words(&statement.text);
    let at = match words.first()?.as_str() {
        "create" => words.iter().position(|word| word == "index")?,
        _ => words.windows(2).position(|pair| pair == ["add", "constraint"])? + 1,
    };
    Some(format!("{schema}.{}", words.get(at + 1)?))
}

/// Whether a statement creates this schema, or sets its owner or privileges.
pub(super) fn is_about_schema(statement: &Statement, schema: &str) -> bool {
    let words = words(&statement.text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["create" | "alter", "schema", name, ..] | ["comment", "on", "schema", name, ..] => {
            *name == schema
        }
        ["grant" | "revoke", ..] => words.windows(3).any(|three| three == ["on", "schema", schema]),
        _ => false,
    }
}

/// Whether a statement of a dump defines, changes or depends on one of these relations.
fn is_about(statement: &Statement, names: &[String]) -> bool {
    let words = words(&statement.text);
    subjects(&words)
        .any(|at| qualified_name(&words[at..]).is_some_and(|name| names.contains(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_one_table_are_separated_from_others() {
        let names = ["public.users".to_owned(), "public.users_id_seq".to_owned()];
        let about =
            |text: &str| is_about(&Statement { text: text.to_owned(), line: 1, column: 1 }, &names);
        for ours in [
            "CREATE TABLE public.users (id bigint)",
            "ALTER TABLE ONLY public.users ADD CONSTRAINT x FOREIGN KEY (a) \
             REFERENCES public.other(id)",
            "CREATE SEQUENCE public.users_id_seq",
            "ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id",
            "COMMENT ON COLUMN public.users.id IS 'x'",
            "COMMENT ON CONSTRAINT c ON public.users IS 'x'",
            "GRANT SELECT ON TABLE public.users TO reader",
            "CREATE UNIQUE INDEX i ON public.users USING btree (id)",
            "CREATE TRIGGER t AFTER INSERT ON public.users \
             FOR EACH ROW EXECUTE FUNCTION public.f()",
            "CREATE POLICY p ON public.users USING (true)",
            "ALTER TABLE ONLY public.parent ATTACH PARTITION public.users \
             FOR VALUES FROM (1) TO (2)",
        ] {
            assert!(about(ours), "{ours}");
        }
        for other in [
            "CREATE TABLE public.users2 (id bigint)",
            "ALTER TABLE ONLY public.orders ADD CONSTRAINT x FOREIGN KEY (a) \
             REFERENCES public.users(id) ON DELETE CASCADE",
            "CREATE VIEW public.v AS SELECT users.id FROM ONLY public.users",
            "CREATE POLICY p ON public.orders USING ((EXISTS ( SELECT 1 FROM public.users)))",
        ] {
            assert!(!about(other), "{other}");
        }
    }
}
