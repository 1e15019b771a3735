//! Faults at every moment: runs that are killed, connections that are cut, servers that die. After
//! each, history, schema and rows agree, one normal run brings everything right, no database is
//! left over, the audit trail is whole, and exit code 0 was given only where the work is done.
//!
//! A strike counts where it met the change: the audit trail holds the intent, and no outcome. Nine
//! of ten are aimed there, the others at what comes before, and four of five have to count.
//!
//! Slow; it runs with `scripts/test --faults`. Words choose: `kill`, `cut`, `server`, the name of a
//! verb (`restore-table`), and a number for how often; with 0 the changes are only measured.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "the table is what it is for")]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

mod cases;
mod fault;
mod proxy;
mod scene;
mod stage;

use std::process::ExitCode;

use cases::{Case, all};
use fault::{Fault, Row};

/// How often a fault strikes a verb, where no number says otherwise.
fn usual(fault: Fault, case: &Case) -> usize {
    match fault {
        Fault::Kill => 50,
        Fault::Cut if case.name == "migrate" => 100,
        // Its connection only reads.
        Fault::Cut if case.name == "prune" => 0,
        Fault::Cut => 20,
        Fault::Server if CRASHED.contains(&case.name) => 20,
        Fault::Server => 0,
    }
}

/// The verbs that are struck with all of the server.
const CRASHED: &[&str] = &["migrate", "reset", "restore", "restore-clean"];

const FAULTS: &[Fault] = &[Fault::Kill, Fault::Cut, Fault::Server];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let number = words.iter().find_map(|word| word.parse::<usize>().ok());
    let cases = all();
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    let faults: Vec<&str> = FAULTS.iter().map(|fault| fault.word()).collect();
    // Words of one kind that are not there mean all of it.
    let is_meant = |name: &str, among: &[&str]| {
        let mut named = words.iter().filter(|word| among.contains(&word.as_str())).peekable();
        named.peek().is_none() || named.any(|word| word == name)
    };
    let mut rows: Vec<Row> = Vec::new();
    for fault in FAULTS.iter().filter(|fault| is_meant(fault.word(), &faults)) {
        for case in cases.iter().filter(|case| is_meant(case.name, &names)) {
            if usual(*fault, case) > 0 {
                rows.push(fault.strikes(case, number.unwrap_or(usual(*fault, case))));
            }
        }
    }
    println!("| fault | verb | N of N | hit the change | change of run |\n|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));
    let all_well = !rows.is_empty() && rows.iter().all(Row::is_well);
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
