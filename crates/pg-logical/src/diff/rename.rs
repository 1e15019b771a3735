//! Renames that the user asked for. The caller runs their steps in a copy of the old database,
//! reads its catalog again and compares that, so that PostgreSQL itself updates every definition
//! that refers to a renamed object.

use thiserror::Error;

use crate::catalog::{Catalog, Column, Identity, Kind, Object, class};
use crate::diff::mentions::mention;
use crate::diff::renaming::{Named, is_relation};
use crate::diff::step::DiffStep;
use crate::diff::words;

/// A rename that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// What is renamed.
    pub what: Renamed,
    /// The current name: `users`, `public.users`, or `users.mail` for a column. The table of a
    /// column may have its new name.
    pub old: String,
    /// The new name, without its schema or table.
    pub new: String,
    /// The line of the schema file that asks for it.
    pub line: Option<usize>,
}

/// What a rename renames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Renamed {
    /// Whatever has the name: an object or a column.
    Any,
    /// A column of a table or a view, or an attribute of a composite type.
    Column,
    /// An object of this kind.
    Object(Kind),
}

impl Rename {
    /// Reads `old=new`. The new name may be as qualified as the old one.
    pub fn told(text: &str) -> Option<Rename> {
        let (old, new) = text.split_once('=')?;
        let (old, new) = (old.trim(), new.trim());
        let parts = parts(new);
        let name = parts.last().filter(|_| !old.is_empty())?;
        Some(Rename { what: Renamed::Any, old: old.to_owned(), new: name.clone(), line: None })
    }
}

/// Why a rename is not possible.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {problem}", described(rename, problem))]
pub struct RenameError {
    /// The rename, with the line that asks for it.
    pub rename: Rename,
    /// The reason.
    pub problem: RenameProblem,
}

/// What is wrong with a rename.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RenameProblem {
    /// Nothing has the old name.
    #[error("nothing has that name")]
    Nothing,
    /// Several objects have the old name.
    #[error("the name is ambiguous: {}", .0.join(" or "))]
    Several(Vec<String>),
    /// A table inherits the column from another one.
    #[error("rename it in the table that it is inherited from")]
    Inherited,
    /// The new name is already taken.
    #[error("that name is already taken")]
    Taken,
    /// The wanted state has nothing with the new name.
    #[error("the wanted state has nothing with the new name")]
    NotWanted,
    /// Two renames concern the same object.
    #[error("another rename concerns the same object")]
    Twice,
    /// A comment of the schema file is not above an object or on the line of a column.
    #[error("the comment is neither directly above an object nor on the line of a column")]
    Nowhere,
    /// A comment of the schema file is above an object of a kind that comments do not rename.
    #[error("a comment cannot rename an object of this kind")]
    OtherKind,
    /// A comment of the schema file cannot be read.
    #[error("expected `@renamed from=NAME`")]
    Unreadable,
}

fn described(rename: &Rename, problem: &RenameProblem) -> String {
    match (rename.old.as_str(), rename.new.as_str()) {
        ("", _) => "cannot read the comment".to_owned(),
        (old, "") if *problem == RenameProblem::OtherKind => {
            format!("`@renamed from={old}` has no effect")
        }
        (old, "") => {
            format!("`@renamed from={old}` does not belong to an object or a column")
        }
        (old, new) => format!("cannot rename `{old}` to `{new}`"),
    }
}

/// The steps of renames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renaming {
    /// To run in the old database, before it is compared.
    pub there: Vec<DiffStep>,
    /// To run at the end of the down migration.
    pub back: Vec<DiffStep>,
    /// The renames that need no step, because the old database already has the new name.
    pub done: Vec<Rename>,
}

/// Returns the steps of all renames. A constraint, index, sequence or statistics object with a name
/// that PostgreSQL derived from its table or column is renamed too, if the wanted state has the
/// derived new name.
pub fn renames(
    before: &Catalog,
    after: &Catalog,
    wanted: &[Rename],
) -> Result<Renaming, RenameError> {
    let mut search = Search { before, after, found: Vec::new() };
    let mut done = Vec::new();
    // Columns last: their table may be called by its new name.
    let (columns, objects): (Vec<&Rename>, Vec<&Rename>) =
        wanted.iter().partition(|one| one.what == Renamed::Column);
    for rename in objects.into_iter().chain(columns) {
        let fail = |problem| RenameError { rename: rename.clone(), problem };
        match search.one(rename).map_err(fail)? {
            Some(named) => search.found.push(named),
            None => done.push(rename.clone()),
        }
    }
    let mut found = search.along();
    found.extend(search.found);
    // Columns and parts are named with their table, so that tables, types and schemas
    // follow them.
    found.sort_by_key(|named| match (named.column.is_some(), named.identity.kind) {
        (true, _) => 0,
        (false, Kind::Schema) => 3,
        (false, Kind::Type | Kind::Domain) => 2,
        (false, kind) if is_relation(kind) => 2,
        (false, _) => 1,
    });
    let mut there: Vec<DiffStep> = found.iter().map(Named::there).collect();
    let mut back: Vec<DiffStep> = found.iter().rev().map(Named::back).collect();
    mention(after, &mut there);
    mention(before, &mut back);
    Ok(Renaming { there, back, done })
}

/// The parts of a name: unquoted ones in lower case, quoted ones without quotes.
pub(super) fn parts(name: &str) -> Vec<String> {
    pg_sql::lexer::words(name).into_iter().filter(|word| word != ".").collect()
}

/// Finds what renames concern.
struct Search<'a> {
    before: &'a Catalog,
    after: &'a Catalog,
    found: Vec<Named>,
}

impl Search<'_> {
    /// What a rename concerns; `None` if it has already happened, and is told by a comment, which
    /// stays in the schema file.
    fn one(&self, rename: &Rename) -> Result<Option<Named>, RenameProblem> {
        let all = self.named(rename, &rename.old);
        if all.is_empty() {
            let is_done = rename.line.is_some() && self.is_done(rename);
            return is_done.then_some(None).ok_or(RenameProblem::Nothing);
        }
        let mut fitting: Vec<Named> = all.into_iter().filter(|one| self.is_wanted(one)).collect();
        let named = match fitting.len() {
            0 => return Err(RenameProblem::NotWanted),
            1 => fitting.remove(0),
            _ => return Err(RenameProblem::Several(fitting.iter().map(Named::words).collect())),
        };
        if self.is_inherited(&named) {
            return Err(RenameProblem::Inherited);
        }
        let is_same = |one: &Named| {
            (&one.identity, &one.column) == (&named.identity, &named.column)
                || (one.renamed(), one.new_column()) == (named.renamed(), named.new_column())
        };
        if self.found.iter().any(is_same) {
            return Err(RenameProblem::Twice);
        }
        if has(self.before, &named.renamed(), named.new_column()) {
            return Err(RenameProblem::Taken);
        }
        Ok(Some(named))
    }

    /// Objects and columns of the old database with this name.
    fn named(&self, rename: &Rename, name: &str) -> Vec<Named> {
        let of = |object: &Object, column: Option<&Column>| {
            Named::of(object, column.map(|column| column.name.clone()), rename.new.clone())
        };
        let is_fitting = |object: &Object| match rename.what {
            Renamed::Any => true,
            Renamed::Object(kind) => object.identity.kind == kind,
            Renamed::Column => false,
        };
        let called = |is: &dyn Fn(&Object) -> bool| -> Vec<Named> {
            let objects = self.before.objects.iter();
            objects.filter(|one| is_fitting(one) && is(one)).map(|one| of(one, None)).collect()
        };
        let mut found = called(&|object| is_called(&object.identity, name));
        if found.is_empty() {
            // Its schema or table may be called by its new name.
            found = called(&|object| is_called(&self.mapped(&object.identity), name));
        }
        for object in &self.before.objects {
            if matches!(rename.what, Renamed::Any | Renamed::Column) {
                let renamed = self.mapped(&object.identity);
                let is_of =
                    |table: &str| is_called(&object.identity, table) || is_called(&renamed, table);
                let columns = object.columns().iter();
                let column = columns.filter(|column| is_column(column, name, &is_of)).take(1);
                found.extend(column.map(|column| of(object, Some(column))));
            }
        }
        found
    }

    /// Whether the old database has the new name already, and so does the wanted state.
    fn is_done(&self, rename: &Rename) -> bool {
        let old = parts(&rename.old);
        let qualified: Vec<String> = old[..old.len().saturating_sub(1)]
            .iter()
            .chain([&rename.new])
            .map(|part| pg_sql::quote::name(part))
            .collect();
        let now = self.named(rename, &qualified.join("."));
        now.iter().any(|one| has(self.after, &self.mapped(&one.identity), one.column.as_deref()))
    }

    fn is_wanted(&self, named: &Named) -> bool {
        has(self.after, &self.mapped(&named.renamed()), named.new_column())
    }

    /// An identity with the new names of its schema and its table.
    fn mapped(&self, identity: &Identity) -> Identity {
        let mut mapped = identity.clone();
        if let Some(whole) = self.whole(identity) {
            mapped.part_of = Some(self.mapped(whole).sql());
        }
        for named in self.found.iter().filter(|named| named.column.is_none()) {
            let renamed = named.renamed();
            if named.identity == *identity {
                mapped.name.clone_from(&renamed.name);
            }
            if named.identity.kind == Kind::Schema
                && mapped.schema.as_ref() == Some(&named.identity.name)
            {
                mapped.schema = Some(renamed.name);
            }
        }
        mapped
    }

    /// The table or domain that an object is a part of.
    fn whole(&self, identity: &Identity) -> Option<&Identity> {
        let part_of = identity.part_of.as_ref().filter(|_| !self.found.is_empty())?;
        let mut objects = self.before.objects.iter().map(|object| &object.identity);
        objects.find(|whole| {
            let may = is_relation(whole.kind) || whole.kind == Kind::Domain;
            may && whole.schema == identity.schema && whole.sql() == *part_of
        })
    }

    /// Constraints, indexes, sequences and statistics that are named after a renamed table or
    /// column.
    fn along(&self) -> Vec<Named> {
        let mut found = Vec::new();
        for object in &self.before.objects {
            let may = matches!(
                object.identity.kind,
                Kind::Constraint | Kind::Index | Kind::Sequence | Kind::Statistics
            );
            let whole = object.whole().and_then(|at| self.before.find(at.class, at.oid));
            let Some(whole) = whole.filter(|_| may) else { continue };
            let Some(new) = self.name_along(whole, &object.identity.name) else { continue };
            if has(self.after, &self.mapped(&object.identity), None) {
                continue;
            }
            let named = Named::of(object, None, new);
            if self.is_wanted(&named) && !has(self.before, &named.renamed(), None) {
                found.push(named);
            }
        }
        found
    }

    /// The name of a part with the new names of its table and columns.
    fn name_along(&self, whole: &Object, name: &str) -> Option<String> {
        let new_table = self.mapped(&whole.identity).name;
        let rest = name.strip_prefix(&format!("{}_", whole.identity.name))?;
        let mut rest = format!("_{rest}_");
        let lineage = self.lineage(whole);
        for named in self.found.iter().filter(|named| lineage.contains(&&named.identity)) {
            if let Some(column) = &named.column {
                rest = rest.replacen(&format!("_{column}_"), &format!("_{}_", named.new), 1);
            }
        }
        let new = format!("{new_table}{}", rest.strip_suffix('_').unwrap_or(&rest));
        (new != name).then_some(new)
    }

    /// A table, and all those that it inherits from.
    fn lineage<'b>(&'b self, table: &'b Object) -> Vec<&'b Identity> {
        let mut found = vec![&table.identity];
        let parents = table.table().map_or(&[][..], |table| &table.parents);
        for parent in parents.iter().filter_map(|oid| self.before.find(class::CLASS, *oid)) {
            found.extend(self.lineage(parent));
        }
        found
    }

    /// Whether a column is renamed with that of another table.
    fn is_inherited(&self, named: &Named) -> bool {
        let table = self.before.named(&named.identity).map(|at| &self.before.objects[at]);
        table.is_some_and(|table| {
            let mut columns = table.columns().iter();
            columns.any(|own| own.is_inherited && Some(&own.name) == named.column.as_ref())
        })
    }
}

/// Whether a catalog has an object or its column.
fn has(catalog: &Catalog, identity: &Identity, column: Option<&str>) -> bool {
    let object = catalog.named(identity).map(|at| &catalog.objects[at]);
    object.is_some_and(|object| {
        column.is_none_or(|name| object.columns().iter().any(|column| column.name == name))
    })
}

/// Whether a name, qualified or not, is that of an object.
fn is_called(identity: &Identity, name: &str) -> bool {
    let own = |with_schema: bool| {
        let schema = identity.schema.iter().filter(|_| with_schema).cloned();
        let whole = identity.part_of.as_deref().map(parts).unwrap_or_default();
        let whole = whole.into_iter().skip(usize::from(!with_schema));
        let whole: Vec<String> = whole.collect();
        if whole.is_empty() { schema.collect() } else { whole }
    };
    let ends = |mut begin: Vec<String>| {
        begin.push(identity.name.clone());
        parts(name) == begin
    };
    name == identity.name
        || name == identity.sql()
        || ends(Vec::new())
        || ends(own(true))
        || identity.part_of.is_some() && ends(own(false))
}

/// Whether a name such as `users.mail` is that of a column of the relation that `is_of` accepts.
fn is_column(column: &Column, name: &str, is_of: &dyn Fn(&str) -> bool) -> bool {
    let raw = name.rsplit_once('.').is_some_and(|(of, own)| own == column.name && is_of(of));
    let mut parts = parts(name);
    let own = parts.pop();
    let table: Vec<String> = parts.iter().map(|part| pg_sql::quote::name(part)).collect();
    raw || own.as_ref() == Some(&column.name) && !table.is_empty() && is_of(&table.join("."))
}

impl Named {
    fn words(&self) -> String {
        match &self.column {
            Some(column) => format!("column {column} of {}", words::of(&self.identity)),
            None => words::of(&self.identity),
        }
    }

    fn new_column(&self) -> Option<&str> {
        self.column.as_ref().map(|_| self.new.as_str())
    }
}
