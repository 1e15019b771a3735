//! The schema of a database as lines, one a thing: what it is, its name, its definition. Two databases
//! with the same lines have the same schema; where they differ, the lines say how.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::world::files;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use pg_sql::quote::quote_literal;

/// The lines of a schema: kind and name, and the definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<(String, String), String>);

/// What belongs to whom. It differs between environments that have the same schema.
const OF_OWNERS: [&str; 2] = ["owner", "grant"];

impl Fingerprint {
    /// Reads that of the session's database.
    pub(crate) fn of(session: &mut Session, layout: &ProjectTool) -> Result<Fingerprint> {
        session.run("prepare the session", "SET search_path = ''")?;
        let rows = session.rows("read the schema", &sql(layout))?;
        session.run("prepare the session", "RESET search_path")?;
        let mut lines = BTreeMap::new();
        for row in rows {
            let [kind, name, definition] = row.as_slice() else { continue };
            let text = |column: &Option<String>| column.clone().unwrap_or_default();
            lines.insert((text(kind), text(name)), text(definition));
        }
        Ok(Fingerprint(lines))
    }

    /// A digest of all but owners and rights.
    pub(crate) fn digest(&self) -> String {
        let lines = self.0.iter().filter(|((kind, _), _)| !OF_OWNERS.contains(&kind.as_str()));
        let text: String =
            lines.map(|((kind, name), what)| format!("{kind} {name} {what}\n")).collect();
        files::sha256(text.as_bytes()).to_string()
    }

    /// What the other has not (`-`), and what it has too much (`+`).
    pub(crate) fn difference(&self, other: &Fingerprint) -> Vec<String> {
        let line = |sign, ((kind, name), what): (&(String, String), &String)| {
            let what = what.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            format!("{sign} {kind} {name} {what}").trim_end().to_owned()
        };
        let missing = self.0.iter().filter(|(key, what)| other.0.get(*key) != Some(*what));
        let added = other.0.iter().filter(|(key, what)| self.0.get(*key) != Some(*what));
        missing.map(|entry| line('-', entry)).chain(added.map(|entry| line('+', entry))).collect()
    }

    /// The names that programs use and that `after` no longer has, or has as something else; and what
    /// they have to know from then on.
    pub(super) fn changes(&self, after: &Fingerprint) -> Vec<Change> {
        let mut changes = Vec::new();
        for ((kind, name), before) in &self.0 {
            let now = after.0.get(&(kind.clone(), name.clone()));
            let rule = match (kind.as_str(), now) {
                // Sequences come and go with their columns.
                ("relation", None) if before.starts_with('S') => continue,
                ("relation", None) => "relation-gone",
                // The columns of what is gone are gone with it.
                ("column", None) if !after.has_relation_of(name) => continue,
                ("column", None) => "column-gone",
                ("enum value", None) => "enum-value-gone",
                ("function", None) => "function-gone",
                ("column", Some(now)) if reads_otherwise(type_of(before), type_of(now)) => {
                    "column-type-changed"
                }
                _ => continue,
            };
            let evidence = match now {
                None => format!("there is no {kind} {name} any more"),
                Some(now) => format!("it was {}, and is {}", type_of(before), type_of(now)),
            };
            changes.push(Change { rule, object: name.clone(), evidence });
        }
        let required = |((kind, name), what): &(&(String, String), &String)| {
            kind == "column"
                && self.has_relation_of(name)
                && is_required(what)
                && !self
                    .0
                    .get(&("column".to_owned(), name.clone()))
                    .is_some_and(|before| is_required(before))
        };
        changes.extend(after.0.iter().filter(required).map(|((_, name), _)| Change {
            rule: "required-column",
            object: name.clone(),
            evidence: "a row must have a value here, and there is no default".to_owned(),
        }));
        changes
    }

    fn has_relation_of(&self, column: &str) -> bool {
        let relation = column.rsplit_once('.').map_or(column, |(relation, _)| relation);
        self.0.contains_key(&("relation".to_owned(), relation.to_owned()))
    }
}

/// A name that is another one now.
pub(super) struct Change {
    pub(super) rule: &'static str,
    pub(super) object: String,
    pub(super) evidence: String,
}

fn type_of(definition: &str) -> &str {
    definition.split(" | ").next().unwrap_or(definition)
}

/// Whether a program that reads one type is surprised by the other. A length is no surprise.
fn reads_otherwise(before: &str, now: &str) -> bool {
    let base =
        |name: &str| name.split('(').next().unwrap_or(name).replace("character varying", "text");
    base(before) != base(now)
}

fn is_required(definition: &str) -> bool {
    let mut parts = definition.split(" | ").skip(1);
    parts.next() == Some("not null") && parts.next() == Some("")
}

/// Reads what pg_dump would write, as rows. Objects of extensions come with these, and the tables of
/// cargo db and of the migration tool are nobody's schema.
fn sql(layout: &ProjectTool) -> String {
    let queries: Vec<String> = of_relations(layout).into_iter().chain(of_others(layout)).collect();
    queries.join(" UNION ALL ")
}

/// The schemas that are somebody's.
const OWN: &str =
    "n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db')";

/// That an object belongs to no extension.
fn free(class: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{class}'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )
}

/// Tables, views and sequences, and what belongs to them.
fn of_relations(layout: &ProjectTool) -> Vec<String> {
    let relation =
        format!("{OWN} AND NOT ({}) AND {}", layout.own_relations(), free("pg_class", "c.oid"));
    let name = "format('%I.%I', n.nspname, c.relname)";
    let of_class = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";
    vec![
        format!(
            "SELECT 'relation', {name}, concat_ws(' ', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','), \
                pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), CASE WHEN c.relrowsecurity THEN 'rls' END, \
                CASE WHEN c.relforcerowsecurity THEN 'forced' END, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) \
             {of_class} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {relation}"
        ),
        format!(
            "SELECT 'column', {name} || '.' || quote_ident(a.attname), concat_ws(' | ', format_type(a.atttypid, a.atttypmod), \
                CASE WHEN a.attnotnull THEN 'not null' ELSE '' END, \
                coalesce(pg_get_expr(d.adbin, d.adrelid), CASE a.attidentity WHEN 'a' THEN 'always as identity' WHEN 'd' THEN 'as identity' END, ''), \
                a.attgenerated, nullif(a.attcollation, t.typcollation)::regcollation::text, \
                nullif(a.attstorage, t.typstorage), nullif(a.attstattarget, -1)) \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND {relation}"
        ),
        format!(
            "SELECT 'constraint', {name} || '.' || quote_ident(k.conname), pg_get_constraintdef(k.oid) || ' ' || k.convalidated \
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE k.contype <> 'n' AND {relation}"
        ),
        format!(
            "SELECT 'index', format('%I.%I', n.nspname, i.relname), pg_get_indexdef(x.indexrelid) || ' ' || x.indisvalid || x.indisclustered || x.indisreplident \
             FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {relation}"
        ),
        format!(
            "SELECT 'trigger', {name} || '.' || quote_ident(g.tgname), concat_ws(' ', pg_get_triggerdef(g.oid), g.tgenabled) \
             FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE NOT g.tgisinternal AND {relation}"
        ),
        format!(
            "SELECT 'rule', {name} || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid) FROM pg_rewrite r \
             JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND {relation}"
        ),
        format!(
            "SELECT 'policy', {name} || '.' || quote_ident(y.polname), concat_ws(' ', y.polcmd, y.polpermissive, y.polroles::regrole[], \
                pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid)) \
             FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {relation}"
        ),
        format!(
            "SELECT 'sequence', {name}, concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle) \
             FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {relation}"
        ),
        format!(
            "SELECT 'owner', {name}, pg_get_userbyid(c.relowner) {of_class} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {relation}"
        ),
        format!(
            "SELECT 'grant', {name}, array_to_string(ARRAY(SELECT a::text FROM unnest(c.relacl) a ORDER BY 1), ' ') \
             {of_class} WHERE c.relacl IS NOT NULL AND {relation}"
        ),
    ]
}

/// Schemas, types, functions, comments.
fn of_others(layout: &ProjectTool) -> Vec<String> {
    let tools = layout.schema().map_or_else(|| "''".to_owned(), quote_literal);
    let routine = format!("{OWN} AND {}", free("pg_proc", "p.oid"));
    let typed = format!("{OWN} AND {}", free("pg_type", "t.oid"));
    vec![
        format!("SELECT 'schema', quote_ident(n.nspname), '' FROM pg_namespace n WHERE {OWN} AND n.nspname <> {tools}"),
        "SELECT 'extension', quote_ident(extname), '' FROM pg_extension".to_owned(),
        format!(
            "SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid) \
             FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {OWN}"
        ),
        format!(
            "SELECT 'function', p.oid::regprocedure::text, CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {routine}"
        ),
        format!(
            "SELECT 'type', t.oid::regtype::text, concat_ws(' ', t.typtype, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault) \
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('d', 'e', 'r') AND {typed}"
        ),
        format!(
            "SELECT 'domain constraint', t.oid::regtype::text || '.' || quote_ident(k.conname), pg_get_constraintdef(k.oid) || ' ' || k.convalidated \
             FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE k.contype <> 'n' AND {typed}"
        ),
        format!(
            "SELECT 'enum value', t.oid::regtype::text || '.' || v.enumlabel, '' FROM pg_enum v JOIN pg_type t ON t.oid = v.enumtypid \
             JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {typed}"
        ),
        "SELECT 'comment', pg_describe_object(m.classoid, m.objoid, m.objsubid), m.description FROM pg_description m \
             WHERE m.objoid >= 16384 AND m.classoid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass) \
               AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = m.classoid AND e.objid = m.objoid AND e.deptype = 'e')"
        .to_owned(),
    ]
}
