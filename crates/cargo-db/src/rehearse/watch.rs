//! Statements that cannot run in a transaction. Their locks are seen from another session; that
//! none is missed, each table that they name is held by a gate, which opens once the statement
//! waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pg_sql::lexer::words;
use pg_sql::script::Statement;

use crate::failure::Result;
use crate::rehearse::snapshot::{LockMode, Oid};
use crate::world::World;
use crate::world::clock::pause;
use crate::world::pg::{Purpose, Session, UserSettings, backend};
use pg_sql::quote::quote_identifier;

/// Whether the server refuses a statement in a transaction.
pub(super) fn needs_no_transaction(statement: &Statement) -> bool {
    let words = words(&statement.text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["vacuum", ..] | ["cluster"] => true,
        ["create" | "drop" | "alter", "database" | "system" | "tablespace", ..] => true,
        ["create" | "drop", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..] => true,
        ["reindex", what, ..] => {
            words.contains(&"concurrently") || matches!(*what, "database" | "system" | "schema")
        }
        ["alter", "table", .., "concurrently"] => true,
        // What they run may end the transaction that they run in.
        ["call", ..] => true,
        _ => false,
    }
}

/// A statement that is watched.
pub(super) struct LockWatch {
    over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<BTreeMap<Oid, LockMode>>>,
}

impl Drop for LockWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// A session that holds a table.
struct TableHold {
    session: Session,
    pid: u32,
    open: bool,
}

impl TableHold {
    fn open(&mut self) {
        if !self.open {
            let _ = self.session.run("open the gate", "ROLLBACK");
            self.open = true;
        }
    }
}

impl LockWatch {
    /// Sets the gates, and watches the session from now on.
    pub(super) fn begin(
        world: &World,
        session: &mut Session,
        statement: &Statement,
        theirs: &UserSettings,
    ) -> Result<Option<LockWatch>> {
        let pid = backend(session)?.pid();
        let mut gates = Vec::new();
        for table in tables_named(session, statement, theirs)? {
            let mut gate = Session::open(world, &session.target, Purpose::Write)?;
            let pid = backend(&mut gate)?.pid();
            gate.run(
                "set a gate",
                &format!("BEGIN; LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE"),
            )?;
            gates.push(TableHold { session: gate, pid, open: false });
        }
        let mut monitor = Session::open(world, &session.target, Purpose::Read)?;
        let over = Arc::new(AtomicBool::new(false));
        let (flag, world) = (Arc::clone(&over), world.clone());
        let watcher = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !flag.load(Ordering::SeqCst)
                && open_next_hold(&mut monitor, pid, &mut gates, &mut seen).is_ok()
            {
                let _ = pause(&world, Duration::from_millis(2));
            }
            gates.iter_mut().for_each(TableHold::open);
            seen
        });
        Ok(Some(LockWatch { over, watcher: Some(watcher) }))
    }

    /// Stops watching. Returns the strongest lock that was seen on each table.
    pub(super) fn end(mut self) -> BTreeMap<Oid, LockMode> {
        self.over.store(true, Ordering::SeqCst);
        self.watcher.take().and_then(|watcher| watcher.join().ok()).unwrap_or_default()
    }
}

/// Notes the locks of the worker, and opens the gate that it waits for.
fn open_next_hold(
    monitor: &mut Session,
    worker: u32,
    gates: &mut [TableHold],
    seen: &mut BTreeMap<Oid, LockMode>,
) -> Result<()> {
    let sql = format!(
        "SELECT relation AS oid, mode FROM pg_locks \
         WHERE pid = {worker} AND locktype = 'relation'; \
         SELECT unnest(pg_blocking_pids({worker})) AS pid"
    );
    let [locks, blocking] = monitor.sets("watch the statement", &sql)?;
    for row in &locks {
        if let Some(mode) = LockMode::named(row.text("mode")?) {
            let held = seen.entry(row.number("oid")?).or_insert(mode);
            *held = mode.max(*held);
        }
    }
    for row in &blocking {
        let pid: u32 = row.number("pid")?;
        gates.iter_mut().filter(|gate| gate.pid == pid).for_each(TableHold::open);
    }
    Ok(())
}

/// The tables that a statement names, itself or through an index, as the server names them.
fn tables_named(
    session: &mut Session,
    statement: &Statement,
    theirs: &UserSettings,
) -> Result<Vec<String>> {
    let words = words(&statement.text);
    let mut names = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let name = quote_identifier(word);
        let qualified = index >= 2 && words[index - 1] == ".";
        names.push(if qualified {
            format!("{}.{name}", quote_identifier(&words[index - 2]))
        } else {
            name
        });
    }
    let list: Vec<String> = names.iter().map(|name| theirs.path.table(name)).collect();
    let sql = format!(
        "SELECT DISTINCT coalesce(i.indrelid, c.oid)::regclass FROM unnest(ARRAY[{}]) w \
         JOIN pg_class c ON c.oid = w LEFT JOIN pg_index i ON i.indexrelid = c.oid \
         WHERE c.relkind IN ('r', 'p', 'i', 'm') AND c.oid >= 16384",
        list.join(", ")
    );
    session.column("find the tables that it names", &sql)
}
