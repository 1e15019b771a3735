//! Which receipts cover the migrations of a plan: what differs in one that does not, and several
//! that follow each other.

use crate::model::migration::Migration;
use crate::rehearse::receipt::{Receipt, ReceiptEntry};

/// How many differences are named.
const NAMED: usize = 3;

/// A chain of more receipts is not looked for.
const LONGEST: usize = 8;

impl ReceiptEntry {
    fn is_of(&self, migration: &Migration) -> bool {
        self.up == migration.up.checksum.to_string()
    }
}

impl Receipt {
    /// Which files differ from those that were rehearsed; `None` if the receipt begins with these
    /// migrations.
    pub(super) fn differing_files(&self, migrations: &[&Migration]) -> Option<String> {
        let differs = |(at, migration): (usize, &&Migration)| {
            let version = migration.version.to_string();
            match self.migrations.get(at) {
                Some(entry) if entry.is_of(migration) => None,
                Some(entry) if entry.version == version => {
                    Some(format!("`{}` was edited", migration.up.path.display()))
                }
                Some(entry) if !self.migrations.iter().any(|one| one.version == version) => {
                    Some(format!("it is for {}, and not for {}", entry.version, migration.quoted()))
                }
                Some(entry) => {
                    Some(format!("{} comes where it has {}", migration.quoted(), entry.version))
                }
                None => Some(format!("{} was not rehearsed", migration.quoted())),
            }
        };
        let all: Vec<String> = migrations.iter().enumerate().filter_map(differs).collect();
        let more = all.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        let named: Vec<String> = all.into_iter().take(NAMED).chain(more).collect();
        (!named.is_empty()).then(|| format!("the files differ: {}", named.join(", ")))
    }

    /// This receipt and one that begins where it ends, as one receipt. It is as old as the older
    /// one, and its rows are those of the smaller copy.
    fn followed_by(&self, next: &Receipt) -> Receipt {
        let is_batch = |one: &Receipt| one.one_transaction && one.migrations.len() > 1;
        Receipt {
            when: self.when.min(next.when),
            basis: format!("{}, then {}", self.basis, next.basis),
            rows: self.rows.min(next.rows),
            with_rows: self.with_rows && next.with_rows,
            becomes: next.becomes.clone(),
            one_transaction: is_batch(self) || is_batch(next),
            migrations: [self.migrations.as_slice(), &next.migrations].concat(),
            signed_by: None,
            signature: None,
            ..self.clone()
        }
    }

    /// Whether another receipt goes on where this one ends. One with tables that had no rows does
    /// not: the migrations before it may fill them.
    fn leads_to(&self, next: &Receipt) -> bool {
        self.becomes.as_ref() == Some(&next.schema)
            && self.server == next.server
            && self.version == next.version
            && next.migrations.iter().all(|entry| entry.empty.is_empty())
    }
}

/// Receipts that each consist of several and cover the migrations, the newest first. Of each
/// beginning there is at most one.
pub(crate) fn chains(receipts: &[Receipt], migrations: &[&Migration]) -> Vec<Receipt> {
    let begin = |first: &Receipt| {
        let rest = rest_after(first, migrations)?;
        complete(first, receipts, (rest, LONGEST))
    };
    receipts.iter().filter_map(begin).collect()
}

/// The migrations that follow those of a receipt; `None` if it is not about the first ones, or none
/// follows.
fn rest_after<'a, 'm>(
    receipt: &Receipt,
    migrations: &'a [&'m Migration],
) -> Option<&'a [&'m Migration]> {
    let (first, rest) = migrations.split_at_checked(receipt.migrations.len())?;
    let is_same = receipt.migrations.iter().zip(first).all(|(entry, one)| entry.is_of(one));
    (is_same && !first.is_empty() && !rest.is_empty()).then_some(rest)
}

/// The beginning of a chain with the receipts that cover the rest.
fn complete(
    chain: &Receipt,
    receipts: &[Receipt],
    (rest, most): (&[&Migration], usize),
) -> Option<Receipt> {
    let most = most.checked_sub(1)?;
    receipts.iter().filter(|next| chain.leads_to(next)).find_map(|next| {
        let longer = || chain.followed_by(next);
        match rest_after(next, rest) {
            Some(rest) => complete(&longer(), receipts, (rest, most)),
            None => next.differing_files(rest).is_none().then(longer),
        }
    })
}
