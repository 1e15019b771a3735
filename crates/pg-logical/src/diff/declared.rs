//! Columns that a table inherits from a parent that it gets. `INHERIT` demands that the table
//! already has each column of the parent, and leaves it as one of the table's own.

use crate::catalog::Column;
use crate::diff::closure::Fates;
use crate::diff::compare::Pair;
use crate::diff::{column, inherited, words};

impl Fates<'_> {
    /// Refuses columns that a table would still define itself.
    pub(super) fn keep_declared_columns(&mut self) {
        let mut refused = Vec::new();
        for pair in (0..self.of.len()).filter(|&old| !self.goes(old)).filter_map(|o| self.pair(o)) {
            let why = "its table gets another parent, and would keep the column as one of its own";
            let columns = declared(&pair).into_iter();
            let of = |column| (words::column(&pair.now().identity, column), why.to_owned());
            refused.extend(columns.map(of));
        }
        refused.into_iter().for_each(|(column, why)| self.refuse(column, why));
    }
}

/// The columns that a table should only inherit, and from none of the parents that it keeps.
fn declared<'a>(pair: &Pair<'a>) -> Vec<&'a Column> {
    if inherited::gained(pair).is_empty() {
        return Vec::new();
    }
    let kept = column::parents(pair);
    let is_of = |parent: &Pair<'_>, column: &Column| {
        parent.now().columns().iter().any(|own| own.name == column.name)
    };
    let columns = pair.now().columns().iter();
    let inherited = columns.filter(|column| column.is_inherited && !column.is_local);
    inherited.filter(|column| !kept.iter().any(|parent| is_of(parent, column))).collect()
}
