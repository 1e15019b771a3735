//! The columns of tables that are in both databases.

use pg_sql::quote::name as quoted;

use crate::catalog::{Column, Identity, Kind, Table, class};
use crate::ddl;
use crate::diff::compare::{ColumnPair, Pair};
use crate::diff::conversion::{self, Conversion};
use crate::diff::edit::{Edit, comment};
use crate::diff::hazard::Hazard;
use crate::diff::inherited;
use crate::diff::{foreign, options, sequence, words};
use crate::graph::usual_not_null;

/// Whether the type or the collation of a column differs.
pub(super) fn has_new_type(columns: ColumnPair<'_>) -> bool {
    let of = |column: &Column| (column.data_type.clone(), column.collation.clone());
    of(columns.old) != of(columns.new)
}

/// Whether a column has to be dropped and added again: PostgreSQL cannot turn a plain column into a
/// generated one, and can change its expression only since version 17.
pub(super) fn is_remade(pair: &Pair<'_>, columns: ColumnPair<'_>) -> bool {
    let ColumnPair { old, new, .. } = columns;
    match (old.generated, new.generated) {
        (None, None) => false,
        (Some('s'), None) => false,
        (was, is) if was != is => true,
        _ if old.value == new.value => false,
        _ => pair.major() < 17,
    }
}

/// `ALTER TABLE ONLY`, which leaves the tables that inherit this one as they are.
fn only(pair: &Pair<'_>) -> String {
    let is_foreign = pair.now().identity.kind == Kind::ForeignTable;
    let word = if is_foreign { "FOREIGN TABLE" } else { "TABLE" };
    format!("ALTER {word} ONLY {}", pair.sql())
}

/// `ALTER TABLE`, which also changes the tables that inherit this one.
pub(super) fn alter(pair: &Pair<'_>) -> String {
    let is_foreign = pair.now().identity.kind == Kind::ForeignTable;
    let word = if is_foreign { "FOREIGN TABLE" } else { "TABLE" };
    format!("ALTER {word} {}", pair.sql())
}

/// The parents that a table has in both databases; none while it is detached from them.
pub(super) fn parents<'a>(pair: &Pair<'a>) -> Vec<Pair<'a>> {
    let Some((old, new)) = pair.tables() else { return Vec::new() };
    let place = |oid: &u32| pair.after().catalog.place(class::CLASS, *oid);
    let parents = new.parents.iter().filter_map(place).filter_map(|new_at| {
        let old_at = pair.comparison.originals[new_at]?;
        let address = pair.before().object(old_at).address;
        let is_parent = old.parents.contains(&address.oid);
        (is_parent && !inherited::is_away(pair)).then_some(Pair { old_at, new_at, ..*pair })
    });
    parents.collect()
}

/// The columns of those parents with this name.
fn parents_pairs<'a>(pair: &Pair<'a>, name: &str) -> Vec<ColumnPair<'a>> {
    let of = |parent: Pair<'a>| parent.columns().into_iter().find(|c| c.new.name == name);
    parents(pair).into_iter().filter_map(of).collect()
}

/// Whether a parent's `ADD COLUMN` also adds this column.
pub(super) fn comes_with_parent(pair: &Pair<'_>, column: &Column) -> bool {
    column.is_inherited
        && parents(pair)
            .iter()
            .any(|parent| parent.new_columns().iter().any(|(_, own)| own.name == column.name))
}

/// Whether a parent's `DROP COLUMN` also drops this column.
pub(super) fn goes_with_parent(pair: &Pair<'_>, column: &Column) -> bool {
    column.is_inherited
        && parents(pair).iter().any(|parent| {
            let is_remade =
                |own: &Column| pair.facets.remade.contains(&(parent.old_at, own.number));
            let is_gone = parent.gone_columns().iter().any(|own| own.name == column.name)
                && !is_kept_by_heirs(parent, column);
            is_gone || parent.was().columns().iter().any(|o| o.name == column.name && is_remade(o))
        })
}

/// Every difference in the columns, except dropped ones, which have steps of their own. New
/// generated columns come last, because they may read the others.
pub(super) fn edits(pair: &Pair<'_>, edits: &mut Vec<Edit>) {
    let (generated, plain): (Vec<_>, Vec<_>) =
        pair.new_columns().into_iter().partition(|(_, column)| column.generated.is_some());
    plain.into_iter().for_each(|(place, column)| added(pair, place, column, edits));
    for columns in pair.columns() {
        if !pair.facets.remade.contains(&(pair.old_at, columns.old.number)) {
            changed(pair, columns, edits);
        }
    }
    generated.into_iter().for_each(|(place, column)| added(pair, place, column, edits));
}

fn added(pair: &Pair<'_>, place: usize, column: &Column, edits: &mut Vec<Edit>) {
    let (Some((_, table)), catalog) = (pair.tables(), pair.after().catalog) else { return };
    if comes_with_parent(pair, column) {
        return own_value(pair, column, edits);
    }
    let has_value = pair.after().order.is_inlined_default(pair.new_at, place);
    let order = &pair.after().order;
    let given = (column, has_value);
    let declared = ddl::declared_column(catalog, order, pair.now(), table, given);
    let Some(declared) = declared.filter(|_| table.of_type.is_none()) else { return };
    let name = words::column(&pair.now().identity, column);
    let found = format!("new {name} ({})", column.data_type);
    let mut statements = vec![format!("{} ADD COLUMN {declared}", alter(pair))];
    ddl::column_details(pair.now(), column, &mut statements);
    let mut edit = Edit::of(found, statements);
    edit.hazards = conversion::added(pair.after().catalog, column);
    edits.push(edit);
}

/// What differs from the parents in a column that a parent's `ADD COLUMN` added.
fn own_value(pair: &Pair<'_>, column: &Column, edits: &mut Vec<Edit>) {
    let parents = parents(pair);
    let mut of_parents = parents.iter().filter_map(|parent| {
        pair.after().column_named(parent.new_at, &column.name).map(|(_, column)| column)
    });
    let is_same = of_parents.all(|own| own.value == column.value);
    if !is_same && column.generated.is_none() {
        let statement = set_default(pair, column);
        edits.push(Edit::new(words::column(&pair.now().identity, column), statement));
    }
    let mut statements = Vec::new();
    ddl::column_details(pair.now(), column, &mut statements);
    if !statements.is_empty() {
        edits.push(Edit::of(words::column(&pair.now().identity, column), statements));
    }
}

fn set_default(pair: &Pair<'_>, column: &Column) -> String {
    let value = column.value.as_ref().map_or("NULL", |value| &value.expression);
    let name = quoted(&column.name);
    format!("{} ALTER COLUMN {name} SET DEFAULT {value}", only(pair))
}

fn changed(pair: &Pair<'_>, columns: ColumnPair<'_>, edits: &mut Vec<Edit>) {
    let key = (pair.old_at, columns.old.number);
    let is_retyped = has_new_type(columns) || pair.facets.moved.contains(&key);
    let is_inherited = columns.new.is_inherited && {
        let parents = parents_pairs(pair, &columns.new.name);
        parents.iter().any(|parent| has_new_type(*parent))
            || pair.facets.moved.contains(&key) && !parents.is_empty()
    };
    let of_type = |table: &Table| table.of_type.is_some();
    let is_typed = pair.tables().is_some_and(|(_, new)| of_type(new));
    if is_retyped && !is_inherited && !is_typed {
        retype(pair, columns, edits);
    }
    expression(pair, columns, edits);
    if pair.after().order.is_inlined_default(pair.new_at, columns.place) {
        value(pair, columns, is_retyped, edits);
    }
    // An identity column must be `NOT NULL` already.
    not_null(pair, columns, edits);
    identity(pair, columns, edits);
    storage(pair, columns, is_retyped, edits);
}

fn retype(pair: &Pair<'_>, columns: ColumnPair<'_>, edits: &mut Vec<Edit>) {
    let ColumnPair { old, new, .. } = columns;
    let name = quoted(&new.name);
    let alter = format!("{} ALTER COLUMN {name}", alter(pair));
    let mut statements = Vec::new();
    let is_loose = pair.facets.loosened.contains(&(pair.old_at, old.number));
    if old.value.is_some() && old.generated.is_none() && !is_loose {
        statements.push(format!("{alter} DROP DEFAULT"));
    }
    let is_foreign = pair.now().identity.kind == Kind::ForeignTable;
    let collation = new.collation.as_ref().map(|name| format!(" COLLATE {name}"));
    let is_moved = pair.facets.moved.contains(&(pair.old_at, old.number));
    let conversion = Conversion::of(pair, columns);
    let using = if is_foreign || new.generated.is_some() {
        String::new()
    } else {
        conversion.using(&name, is_moved && is_named_type(pair, new))
    };
    let kind = &new.data_type;
    statements.push(format!("{alter} TYPE {kind}{}{using}", collation.unwrap_or_default()));
    let column = words::column(&pair.now().identity, new);
    let found = format!("{column}: {} to {}", old.data_type, new.data_type);
    let mut edit = Edit::of(found, statements).about(&new.name);
    if !is_foreign {
        edit.hazards = conversion.hazards(is_moved);
    }
    edits.push(edit);
}

/// Whether values have to be cast through text when the type itself is replaced: all but those of a
/// domain.
fn is_named_type(pair: &Pair<'_>, column: &Column) -> bool {
    let kind = pair.after().catalog.find(class::TYPE, column.type_oid);
    kind.is_none_or(|kind| kind.identity.kind != Kind::Domain)
}

/// The expression of a generated column.
fn expression(pair: &Pair<'_>, columns: ColumnPair<'_>, edits: &mut Vec<Edit>) {
    let ColumnPair { old, new, .. } = columns;
    let column = words::column(&pair.now().identity, new);
    let alter = format!("{} ALTER COLUMN {}", alter(pair), quoted(&new.name));
    match (old.generated, new.generated, &new.value) {
        (Some(_), None, _) => {
            edits.push(Edit::new(
                format!("{column} is not generated"),
                format!("{alter} DROP EXPRESSION"),
            ));
        }
        (Some(_), Some(_), Some(value)) if old.value != new.value => {
            let set = format!("{alter} SET EXPRESSION AS ({})", value.expression);
            let edit = Edit::new(format!("{column} is generated by {}", value.expression), set);
            edits.push(edit.with(Hazard::Rewrite));
        }
        _ => {}
    }
}

/// The default of a column that is not generated.
pub(super) fn value(
    pair: &Pair<'_>,
    columns: ColumnPair<'_>,
    is_retyped: bool,
    edits: &mut Vec<Edit>,
) {
    let ColumnPair { old, new, .. } = columns;
    if new.generated.is_some() {
        return;
    }
    let was = old.value.as_ref().filter(|_| old.generated.is_none());
    let is_off = is_retyped || pair.facets.loosened.contains(&(pair.old_at, old.number));
    let column = words::column(&pair.now().identity, new);
    match &new.value {
        Some(value) if is_off || was != Some(value) => {
            let found = if was == Some(value) {
                String::new()
            } else {
                format!("{column} defaults to {}", value.expression)
            };
            edits.push(Edit::new(found, set_default(pair, new)));
        }
        None if was.is_some() => {
            let drop = format!("{} ALTER COLUMN {} DROP DEFAULT", only(pair), quoted(&new.name));
            let statements = if is_off { Vec::new() } else { vec![drop] };
            let edit = Edit::of(format!("{column} has no default"), statements);
            edits.push(edit.about(&new.name));
        }
        _ => {}
    }
}

fn identity(pair: &Pair<'_>, columns: ColumnPair<'_>, edits: &mut Vec<Edit>) {
    let ColumnPair { old, new, .. } = columns;
    let column = words::column(&pair.now().identity, new);
    let alter = format!("{} ALTER COLUMN {}", alter(pair), quoted(&new.name));
    let when = if new.is_always_identity { "ALWAYS" } else { "BY DEFAULT" };
    match (&old.identity, &new.identity) {
        (None, Some(sequence)) if !new.is_inherited => {
            let clauses = ddl::identity(sequence);
            let name = format!("{}.{}", quoted(&sequence.schema), quoted(&sequence.name));
            let statements = vec![
                format!("{alter} ADD GENERATED {when} AS IDENTITY {clauses}"),
                sequence::set_beyond(&name, &pair.sql(), &quoted(&new.name)),
            ];
            edits.push(Edit::of(format!("{column} is an identity column"), statements));
        }
        (Some(_), None) => {
            let found = format!("{column} is no longer an identity column");
            edits.push(Edit::of(found, Vec::new()).about(&new.name));
        }
        (Some(was), Some(is)) => {
            let mut statements = Vec::new();
            if old.is_always_identity != new.is_always_identity {
                statements.push(format!("{alter} SET GENERATED {when}"));
            }
            let name = |schema: &str, name: &str| format!("{}.{}", quoted(schema), quoted(name));
            if was.name != is.name {
                let (from, to) = (name(&was.schema, &was.name), quoted(&is.name));
                statements.push(format!("ALTER SEQUENCE {from} RENAME TO {to}"));
            }
            let clauses = sequence::clauses(was, is);
            if !clauses.is_empty() {
                let sequence = name(&is.schema, &is.name);
                statements.extend(sequence::within(&sequence, was, is));
                statements.push(format!("ALTER SEQUENCE {sequence} {}", clauses.join(" ")));
            }
            if !statements.is_empty() {
                edits.push(Edit::of(format!("{column}: its identity changes"), statements));
            }
            if was.comment != is.comment {
                let target = format!("SEQUENCE {}", name(&is.schema, &is.name));
                edits.push(comment(&target, is.comment.as_deref()));
            }
        }
        _ => {}
    }
}

fn not_null(pair: &Pair<'_>, columns: ColumnPair<'_>, edits: &mut Vec<Edit>) {
    let ColumnPair { old, new, .. } = columns;
    let parents = parents_pairs(pair, &new.name);
    let comes =
        parents.iter().any(|p| p.old.not_null != p.new.not_null && p.new.not_null == new.not_null);
    let column = words::column(&pair.now().identity, new);
    let table = alter(pair);
    let alter = format!("{table} ALTER COLUMN {}", quoted(&new.name));
    if old.not_null != new.not_null && !comes {
        let is_named = new.not_null_constraint.as_ref().is_some_and(|one| {
            one.name != usual_not_null(&pair.now().identity.name, &new.name)
                || one.is_not_inherited
                || !one.is_validated
        });
        let verb = if new.not_null { "becomes NOT NULL" } else { "allows NULL" };
        let mut statements = Vec::new();
        match &new.not_null_constraint {
            Some(one) if is_named && one.is_validated => {
                let inherit = if one.is_not_inherited { " NO INHERIT" } else { "" };
                let (name, column) = (quoted(&one.name), quoted(&new.name));
                statements
                    .push(format!("{table} ADD CONSTRAINT {name} NOT NULL {column}{inherit}"));
            }
            Some(_) if is_named => ddl::not_valid_not_null(pair.now(), new, &mut statements),
            _ if new.not_null => statements.push(format!("{alter} SET NOT NULL")),
            _ => statements.push(format!("{alter} DROP NOT NULL")),
        }
        let mut edit = Edit::of(format!("{column} {verb}"), statements);
        if new.not_null {
            edit = edit.with(Hazard::RequiredColumn).with(Hazard::ScanUnderLock);
        }
        edits.push(edit);
        return;
    }
    if let (Some(was), Some(is)) = (&old.not_null_constraint, &new.not_null_constraint) {
        let what = format!("{column}: the NOT NULL constraint");
        let (from, to) = (quoted(&was.name), quoted(&is.name));
        if was.name != is.name {
            let rename = format!("{table} RENAME CONSTRAINT {from} TO {to}");
            edits.push(Edit::new(what.clone(), rename));
        }
        if !was.is_validated && is.is_validated {
            let validate = format!("{table} VALIDATE CONSTRAINT {to}");
            edits.push(Edit::new(what.clone(), validate));
        }
        if was.comment != is.comment {
            let target = format!("CONSTRAINT {to} ON {}", pair.sql());
            edits.push(comment(&target, is.comment.as_deref()));
        }
    }
}

fn storage(pair: &Pair<'_>, columns: ColumnPair<'_>, is_retyped: bool, edits: &mut Vec<Edit>) {
    let ColumnPair { old, new, .. } = columns;
    let column = words::column(&pair.now().identity, new);
    let alter = format!("{} ALTER COLUMN {}", only(pair), quoted(&new.name));
    let mut add = |clause: String| {
        edits.push(Edit::new(
            format!("{column}: {}", clause.to_lowercase()),
            format!("{alter} {clause}"),
        ));
    };
    // `ALTER COLUMN TYPE` resets the storage to that of the new type.
    if old.storage != new.storage || is_retyped && new.storage.is_some() {
        match new.storage {
            Some(storage) => add(format!("SET STORAGE {}", ddl::storage_word(storage))),
            None if is_retyped => {}
            None => add(format!("SET STORAGE {}", usual_storage(pair, new))),
        }
    }
    // A new type resets the compression as well.
    if old.compression != new.compression || is_retyped && new.compression.is_some() {
        add(match new.compression {
            Some('l') => "SET COMPRESSION lz4".to_owned(),
            Some(_) => "SET COMPRESSION pglz".to_owned(),
            None => "SET COMPRESSION default".to_owned(),
        });
    }
    if old.statistics != new.statistics {
        add(format!("SET STATISTICS {}", new.statistics.as_deref().unwrap_or("-1")));
    }
    options::stored(&old.options, &new.options, "").into_iter().for_each(&mut add);
    if let Some(change) = options::foreign(&old.foreign_options, &new.foreign_options) {
        let statement = foreign::table_options(&pair.sql(), Some(&new.name), &change);
        edits.push(Edit::new(format!("{column}: its options"), statement));
    }
}

/// The keyword for the storage of the column's type: `DEFAULT` since version 16, before that the
/// storage of common types.
fn usual_storage(pair: &Pair<'_>, column: &Column) -> &'static str {
    let bare = column.data_type.split('(').next().unwrap_or_default();
    match bare {
        _ if pair.major() >= 16 => "DEFAULT",
        "numeric" | "inet" | "cidr" => "MAIN",
        _ => "EXTENDED",
    }
}

/// Drops the default and the identity of a column before its table is altered.
pub(super) fn loosen(table: &Identity, column: &Column, new: Option<&Column>) -> Vec<String> {
    let word = table.kind.word().to_uppercase();
    let name = quoted(&column.name);
    let alter = format!("ALTER {word} ONLY {} ALTER COLUMN {name}", table.sql());
    let mut statements = Vec::new();
    let is_identity = new.is_some_and(|new| new.identity.is_some());
    if column.identity.is_some() && !is_identity {
        statements.push(format!("{alter} DROP IDENTITY"));
    }
    if column.value.is_some() && column.generated.is_none() {
        statements.push(format!("{alter} DROP DEFAULT"));
    }
    statements
}

/// `DROP COLUMN`, unless a parent's drops the column too. With `ONLY` if a table that inherits the
/// column keeps it.
pub(super) fn drop(pair: &Pair<'_>, column: &Column) -> Option<Edit> {
    if goes_with_parent(pair, column) {
        return None;
    }
    let alter = if is_kept_by_heirs(pair, column) { only(pair) } else { alter(pair) };
    let statement = format!("{alter} DROP COLUMN {}", quoted(&column.name));
    let name = words::column(&pair.now().identity, column);
    let edit = Edit::new(format!("dropped {name}"), statement).about(&column.name);
    Some(edit.with(Hazard::ValuesLost).with(Hazard::ColumnGone))
}

fn is_kept_by_heirs(pair: &Pair<'_>, column: &Column) -> bool {
    if pair.facets.remade.contains(&(pair.old_at, column.number)) {
        return false;
    }
    let own = pair.was().address.oid;
    let mut heirs = pair.before().catalog.objects.iter().enumerate().filter(|(_, object)| {
        object.table().is_some_and(|table| table.parents.contains(&own) && table.bound.is_none())
    });
    heirs.any(|(old, _)| {
        let new = pair.comparison.twins[old];
        new.is_some_and(|new| pair.after().column_named(new, &column.name).is_some())
    })
}
