//! Tables, foreign tables, views and materialized views.

use pg_sql::quote::name as quoted;

use crate::catalog::{Column, Definition, Kind, Table, View};
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, Verdict};
use crate::diff::hazard::Hazard;
use crate::diff::inherited::{gained, is_attached, is_detached, parents};
use crate::diff::{checks, column, foreign, options, words};

pub(super) fn table(pair: &Pair<'_>) -> Verdict {
    let Some((old, new)) = pair.tables() else { return Verdict::Replace };
    if old.server != new.server {
        return Verdict::Replace;
    }
    if old.partition_key != new.partition_key {
        let key = |key: &Option<String>| key.clone().unwrap_or("not partitioned".to_owned());
        let (old, new) = (key(&old.partition_key), key(&new.partition_key));
        return Verdict::Refuse(format!("its partition key changes from {old} to {new}"));
    }
    if let Some(column) = told_by_another(pair, old, new) {
        let whose = "another table of the inheritance tree would have to declare this column";
        return Verdict::Refuse(format!("its column {}: {whose}", quoted(&column.name)));
    }
    let mut edits = Vec::new();
    typed(pair, old, new, &mut edits);
    column::edits(pair, &mut edits);
    inheritance(pair, old, new, &mut edits);
    stored(pair, old, new, &mut edits);
    policies(pair, old, new, &mut edits);
    identity(pair, old, new, &mut edits);
    Verdict::Alter(edits)
}

/// A column that one version of the table defines itself (`attislocal`) and the other only
/// inherits. No `ALTER TABLE` changes that, unless the table leaves its parent or the parent drops
/// the column.
fn told_by_another<'a>(pair: &Pair<'a>, old: &Table, new: &Table) -> Option<&'a Column> {
    if old.bound.is_some() || new.bound.is_some() {
        return None;
    }
    let columns = pair.columns().into_iter();
    let mut told = columns.filter(|columns| columns.old.is_local != columns.new.is_local);
    told.find(|columns| columns.old.is_local || columns.new.is_inherited).map(|pair| pair.new)
}

fn alter(pair: &Pair<'_>, found: &str, clause: &str) -> Edit {
    let found = format!("{}: {found}", words::of(&pair.now().identity));
    Edit::new(found, format!("{} {clause}", column::alter(pair)))
}

fn typed(pair: &Pair<'_>, old: &Table, new: &Table, edits: &mut Vec<Edit>) {
    if old.of_type == new.of_type {
        return;
    }
    let clause = new.of_type.as_ref().map_or("NOT OF".to_owned(), |name| format!("OF {name}"));
    edits.push(alter(pair, "its type", &clause));
}

fn inheritance(pair: &Pair<'_>, old: &Table, new: &Table, edits: &mut Vec<Edit>) {
    let (was, is) = (parents(pair.before(), old), parents(pair.after(), new));
    if is_detached(pair) || is_attached(pair) {
        edits.push(Edit::of(partition(pair, &was, &is, new), Vec::new()));
    }
    for parent in gained(pair) {
        let name = pair.after().object(parent).identity.sql();
        let mut edit = alter(pair, &format!("inherits {name}"), &format!("INHERIT {name}"));
        let inherit = edit.statements.remove(0);
        edit.statements = checks::inherit(pair, parent, inherit);
        let scans = edit.statements.len() > 1;
        edits.push(if scans { edit.with(Hazard::ScanUnderLock) } else { edit });
    }
}

/// The change of a table's place as a partition, in words.
fn partition(pair: &Pair<'_>, was: &[String], is: &[String], new: &Table) -> String {
    let table = words::of(&pair.now().identity);
    let (was, is) = (was.join(", "), is.join(", "));
    match &new.bound {
        Some(bound) => format!("{table} is a partition of {is} {bound}"),
        None => format!("{table} is no longer a part of {was}"),
    }
}

fn stored(pair: &Pair<'_>, old: &Table, new: &Table, edits: &mut Vec<Edit>) {
    if old.is_unlogged != new.is_unlogged {
        let clause = if new.is_unlogged { "SET UNLOGGED" } else { "SET LOGGED" };
        let edit = alter(pair, &clause.to_lowercase(), clause);
        edits.push(edit.with(Hazard::Rewrite));
    }
    if old.method != new.method {
        let method = new.method.as_deref().unwrap_or("heap");
        let clause = format!("SET ACCESS METHOD {}", quoted(method));
        edits.push(alter(pair, &clause.to_lowercase(), &clause).with(Hazard::Rewrite));
    }
    if old.tablespace != new.tablespace {
        let space = new.tablespace.as_deref().unwrap_or("pg_default");
        let clause = format!("SET TABLESPACE {}", quoted(space));
        edits.push(alter(pair, &clause.to_lowercase(), &clause).with(Hazard::Rewrite));
    }
    let own = options::stored(&old.options, &new.options, "");
    let toast = options::stored(&old.toast_options, &new.toast_options, "toast.");
    for clause in own.into_iter().chain(toast) {
        edits.push(alter(pair, &clause.to_lowercase(), &clause));
    }
    if let Some(change) = options::foreign(&old.foreign_options, &new.foreign_options) {
        let statement = foreign::table_options(&pair.sql(), None, &change);
        let found = format!("{}: its options", words::of(&pair.now().identity));
        edits.push(Edit::new(found, statement));
    }
}

fn policies(pair: &Pair<'_>, old: &Table, new: &Table, edits: &mut Vec<Edit>) {
    let mut add = |clause: &str| {
        let edit = alter(pair, &clause.to_lowercase(), clause);
        let edit = edit.with(Hazard::AuthzChanged);
        let is_on = clause.starts_with("ENABLE");
        edits.push(if is_on { edit.with(Hazard::RowSecurityOn) } else { edit });
    };
    match (old.has_policies, new.has_policies) {
        (false, true) => add("ENABLE ROW LEVEL SECURITY"),
        (true, false) => add("DISABLE ROW LEVEL SECURITY"),
        _ => {}
    }
    match (old.forces_policies, new.forces_policies) {
        (false, true) => add("FORCE ROW LEVEL SECURITY"),
        (true, false) => add("NO FORCE ROW LEVEL SECURITY"),
        _ => {}
    }
}

/// The replica identity. `USING INDEX` is an edit of the index.
fn identity(pair: &Pair<'_>, old: &Table, new: &Table, edits: &mut Vec<Edit>) {
    let clause = match new.replica_identity {
        same if same == old.replica_identity => return,
        'n' => "REPLICA IDENTITY NOTHING",
        'f' => "REPLICA IDENTITY FULL",
        'i' => return,
        _ => "REPLICA IDENTITY DEFAULT",
    };
    edits.push(alter(pair, &clause.to_lowercase(), clause));
}

pub(super) fn view(pair: &Pair<'_>) -> Verdict {
    let (Definition::View(old), Definition::View(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let mut edits = Vec::new();
    if old.query != new.query || types(&old.columns) != types(&new.columns) {
        let is_materialized = pair.now().identity.kind == Kind::MaterializedView;
        if is_materialized || !types(&new.columns).starts_with(&types(&old.columns)) {
            return Verdict::Replace;
        }
        edits.push(replaced(pair));
    } else {
        view_options(pair, old, new, &mut edits);
    }
    columns(pair, &mut edits);
    Verdict::Alter(edits)
}

/// The properties of columns that `CREATE OR REPLACE VIEW` cannot change.
fn types(columns: &[Column]) -> Vec<(&str, &str, Option<&str>)> {
    fn of(column: &Column) -> (&str, &str, Option<&str>) {
        (&column.name, &column.data_type, column.collation.as_deref())
    }
    columns.iter().map(of).collect()
}

fn replaced(pair: &Pair<'_>) -> Edit {
    let made = pair.after().made(pair.new_at);
    let statements =
        made.iter().map(|text| text.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1));
    Edit::of(format!("{} changes", words::of(&pair.now().identity)), statements.collect())
}

fn view_options(pair: &Pair<'_>, old: &View, new: &View, edits: &mut Vec<Edit>) {
    let identity = &pair.now().identity;
    let word = identity.kind.word().to_uppercase();
    let mut clauses = options::stored(&old.options, &new.options, "");
    if old.method != new.method {
        let method = new.method.as_deref().unwrap_or("heap");
        clauses.push(format!("SET ACCESS METHOD {}", quoted(method)));
    }
    if old.tablespace != new.tablespace {
        let space = new.tablespace.as_deref().unwrap_or("pg_default");
        clauses.push(format!("SET TABLESPACE {}", quoted(space)));
    }
    for clause in clauses {
        let found = format!("{}: {}", words::of(identity), clause.to_lowercase());
        let edit = Edit::new(found, format!("ALTER {word} {} {clause}", identity.sql()));
        let is_security = clause.contains("security_");
        edits.push(if is_security { edit.with(Hazard::AuthzChanged) } else { edit });
    }
}

/// The statistics targets of a view's columns, and the defaults that are dropped without a
/// replacement.
fn columns(pair: &Pair<'_>, edits: &mut Vec<Edit>) {
    let identity = &pair.now().identity;
    for columns in pair.columns() {
        let found = words::column(identity, columns.new);
        let name = quoted(&columns.new.name);
        let word = identity.kind.word().to_uppercase();
        let alter = format!("ALTER {word} {} ALTER COLUMN {name}", identity.sql());
        if columns.old.value.is_some() && columns.new.value.is_none() {
            edits.push(Edit::new(found.clone(), format!("{alter} DROP DEFAULT")));
        }
        if columns.old.statistics != columns.new.statistics {
            let target = columns.new.statistics.as_deref().unwrap_or("-1");
            edits.push(Edit::new(found, format!("{alter} SET STATISTICS {target}")));
        }
    }
}
