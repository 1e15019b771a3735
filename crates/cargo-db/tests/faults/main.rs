//! Faults at every moment: runs that are killed, connections that are cut, servers that die. After
//! each, history, schema and rows agree, one normal run brings everything right, no database is
//! left over, the audit trail is whole, and exit code 0 was given only where the work is done.
//!
//! Slow; it runs with `scripts/test --faults`. Words choose: `kill`, `cut`, `server`, the name of a
//! verb (`restore-table`), and a number for how often.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "the table is what it is for")]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the other suite needs more of it")]
mod support;

mod cases;
mod fault;
mod proxy;
mod scene;

use std::process::ExitCode;

use cases::{Case, all};
use fault::{Fault, Row};

/// How often each fault strikes a verb, where no number says otherwise.
const KILLS: usize = 50;
const CUTS: usize = 100;
const CRASHES: usize = 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let number = words.iter().find_map(|word| word.parse::<usize>().ok());
    let cases = all();
    let is_meant = |name: &str, among: &[&str]| {
        let named: Vec<&String> =
            words.iter().filter(|word| among.contains(&word.as_str())).collect();
        named.is_empty() || named.iter().any(|word| *word == name)
    };
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    let mut rows: Vec<Row> = Vec::new();
    for (kind, often) in [("kill", KILLS), ("cut", CUTS), ("server", CRASHES)] {
        let wanted = |case: &&Case| {
            let usual =
                kind == "kill" || case.is_of_the_server || words.contains(&case.name.into());
            usual && is_meant(case.name, &names) && is_meant(kind, &["kill", "cut", "server"])
        };
        for case in cases.iter().filter(wanted) {
            let fault = Fault::of(kind);
            let row = fault.strikes(case, number.unwrap_or(often));
            eprintln!("{row}");
            rows.push(row);
        }
    }
    println!("\n| fault | verb | N of N | hit | in the deed | of |\n|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{}", row.table()));
    let all_well = !rows.is_empty() && rows.iter().all(Row::is_well);
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
