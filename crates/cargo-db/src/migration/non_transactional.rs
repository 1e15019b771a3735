//! A file that runs outside a transaction: what stays when it stops, and the invalid index that a
//! failed concurrent build leaves behind.

use postgres::error::SqlState;

use crate::migration::retry::Patience;
use crate::model::event::Event;
use crate::model::statement::StatementError;
use crate::settings::Limits;
use crate::world::World;
use crate::world::pg::{Session, StatementObserver, Stop};
use pg_sql::lexer::words;
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// Follows a file that runs outside a transaction.
pub(super) struct Progress<'a> {
    world: &'a World,
    patience: Patience,
    subject: &'a str,
    /// The statements that are done, each as its first line.
    pub(super) stays: Vec<String>,
    /// How many were done before the transaction that the file has begun, if it has.
    begun: Option<usize>,
    running: Option<Statement>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(world: &'a World, limits: &Limits, subject: &'a str) -> Progress<'a> {
        let patience = Patience::new(limits);
        Progress { world, patience, subject, stays: Vec::new(), begun: None, running: None }
    }

    /// What is left when it stops here: what the file's own transaction did is gone, unless its end
    /// was on its way. What was running may have done a part, unless the server refused it and it
    /// is of a kind that does all or nothing.
    pub(super) fn stopped(&mut self, stop: &Stop) -> Vec<String> {
        let lost = matches!(stop, Stop::Lost(_));
        let running = self.running.as_ref().filter(|running| lost || !running.can_be_tried_again());
        let ending = running.is_some_and(|running| lost && running.controls_transaction());
        match (self.begun, running) {
            (Some(begun), _) if !ending => self.stays.truncate(begun),
            (_, Some(running)) => {
                self.stays
                    .push(format!("{} (perhaps, or a part of it)", first_line(&running.text)));
            }
            _ => {}
        }
        self.stays.clone()
    }
}

impl StatementObserver for Progress<'_> {
    fn before(&mut self, session: &mut Session, statement: &Statement) {
        self.running = Some(statement.clone());
        remove_invalid_index(self.world, session, statement, Moment::Before);
    }

    fn after(&mut self, statement: &Statement) {
        self.running = None;
        self.stays.push(first_line(&statement.text));
        if statement.begins_transaction() {
            self.begun = Some(self.stays.len() - 1);
        } else if statement.controls_transaction() {
            self.begun = None;
        }
    }

    /// Here a single statement can be tried again, because those before it are done for good; but
    /// not one that may have committed a part of its work.
    fn failed(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        error: &StatementError,
    ) -> bool {
        remove_invalid_index(self.world, session, statement, Moment::After);
        // A constraint or a timeout refuses a statement of one row set as a whole.
        if !matches!(first_word(statement).as_str(), "do" | "call") {
            self.running = None;
        }
        error.server.is(&SqlState::LOCK_NOT_AVAILABLE)
            && self.begun.is_none()
            && statement.can_be_tried_again()
            && self.patience.again(self.world, self.subject).unwrap_or(false)
    }
}

fn first_word(statement: &Statement) -> String {
    words(&statement.text).into_iter().next().unwrap_or_default()
}

/// On which side of a statement we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

/// Which index a statement builds concurrently, and on what.
#[derive(Debug, PartialEq, Eq)]
enum Build {
    /// `CREATE INDEX CONCURRENTLY name ON table`.
    Create { name: String, table: String },
    /// `REINDEX INDEX CONCURRENTLY name`: what a failure leaves is called `name_ccnew`.
    Reindex { name: String },
}

fn concurrent_build(statement: &Statement) -> Option<Build> {
    let words: Vec<String> = words(&statement.text)
        .into_iter()
        .filter(|word| !matches!(word.as_str(), "if" | "not" | "exists" | "only" | "unique"))
        .collect();
    let name = |words: &[String]| -> Option<String> {
        words.iter().map(|name| quote_identifier(name)).reduce(|a, b| format!("{a}.{b}"))
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["create", "index", "concurrently", index, "on", schema, ".", table, ..] => {
            let table = name(&[(*schema).to_owned(), (*table).to_owned()])?;
            Some(Build::Create { name: (*index).to_owned(), table })
        }
        ["create", "index", "concurrently", index, "on", table, ..] => {
            Some(Build::Create { name: (*index).to_owned(), table: quote_identifier(table) })
        }
        ["reindex", "index", "concurrently", .., index] => {
            Some(Build::Reindex { name: (*index).to_owned() })
        }
        _ => None,
    }
}

/// Drops the invalid index that a failed concurrent build leaves behind: nothing can use it, and
/// `IF NOT EXISTS` would skip the build for ever. Only an index of that name on that table counts,
/// and before a REINDEX nothing does, for that is how an invalid index is repaired.
fn remove_invalid_index(
    world: &World,
    session: &mut Session,
    statement: &Statement,
    moment: Moment,
) {
    let condition = match concurrent_build(statement) {
        Some(Build::Create { name, table }) => {
            format!(
                "c.relname = {} AND i.indrelid = to_regclass({})",
                quote_literal(&name),
                quote_literal(&table)
            )
        }
        Some(Build::Reindex { name }) if moment == Moment::After => {
            format!("starts_with(c.relname, {})", quote_literal(&format!("{name}_ccnew")))
        }
        _ => return,
    };
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND {condition}"
    );
    // Where nobody can look, the statement itself fails and says why.
    for index in session.column("look for invalid indexes", &sql).unwrap_or_default() {
        if session.run("drop an invalid index", &format!("DROP INDEX CONCURRENTLY {index}")).is_ok()
        {
            world.tell(Event::InvalidIndexRemoved { index });
        }
    }
}

pub(super) fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end().to_owned();
    if lines.next().is_some() { format!("{first} …") } else { first }
}
