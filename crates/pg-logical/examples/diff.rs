//! `diff [--avoid-locks] URL_A URL_B`: prints the SQL that changes A into B. Exits with 4 and the
//! reason if that is not possible.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to people")]

use std::error::Error;
use std::process::ExitCode;

use pg_logical::catalog::Catalog;
use pg_logical::diff::{DiffStep, Wanted, diff};
use postgres::{Client, NoTls};

#[path = "../tests/diff/session.rs"]
mod session;

fn read(url: &str) -> Result<(Catalog, String), Box<dyn Error>> {
    session::Session(Client::connect(url, NoTls)?).catalog()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (flags, urls): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let avoids_locks = flags.iter().any(|flag| flag == "--avoid-locks");
    let (before, role) = read(&urls[0])?;
    let (after, _) = read(&urls[1])?;
    let wanted = Wanted { role, has_owners: true, has_rights: true, avoids_locks };
    let plan = match diff(&before, &after, &wanted) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::from(4));
        }
    };
    println!("SET check_function_bodies = off;\n");
    for group in plan.groups() {
        if group.is_in_transaction {
            println!("BEGIN;\n");
        }
        group.steps.iter().for_each(print);
        if group.is_in_transaction {
            println!("COMMIT;\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(step: &DiffStep) {
    let hazards: Vec<&str> = step.hazards.iter().map(|hazard| hazard.word()).collect();
    if let Some(found) = &step.found {
        println!("-- {} {}", found.replace('\n', " "), hazards.join(" "));
    }
    step.statements.iter().for_each(|statement| println!("{statement};"));
    println!();
}
