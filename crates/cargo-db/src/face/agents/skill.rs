//! The skill: what an agent has to know of cargo db before it works with a database.

use std::fmt::Write;

use crate::answer::{CommandView, ExitCodeView};
use crate::face::agents::command::RULES;
use crate::face::agents::file::with_front_matter;

pub(super) const NAME: &str = "cargo-db";

const DESCRIPTION: &str = "\
Work with the PostgreSQL databases of this repository: look at their state and schema, write, \
check, rehearse, apply and roll back migrations, load seeds, take and restore backups. Use it for \
every task that concerns the database or its migrations.";

const COMPATIBILITY: &str = "Needs the command `cargo db`, and PostgreSQL 15 or newer.";

/// What comes before the tables.
const LOOP: &str = "\
# cargo db

`cargo db` changes a database only by a plan that was shown, that the policy of the environment \
allows, and that was consented to. Write migrations, and no SQL of your own: `shell` is for people.

## The loop

1. `cargo db status` shows the environment, and the applied and pending migrations.
2. `cargo db schema show` lists the tables, `cargo db schema show TABLE` shows one.
3. `cargo db create NAME` creates empty files and prints their paths. Write SQL into both.
4. `cargo db check` lints the files, `cargo db rehearse` runs them on a copy and measures them.
5. `cargo db migrate` applies them.
6. `cargo db rollback --dry-run` shows what taking the newest one back loses, and the command that \
does it.

Exit code 3 means that consent is missing. Run the command with `--dry-run`, and then the command \
that its `help:` line names, which consents to exactly that plan. The same in two steps, for every \
command that has a plan: `cargo db plan COMMAND` keeps the plan, `cargo db apply ID --confirm \
DATABASE` carries it out.

In staging and production, a person has to approve your plan: run `cargo db plan COMMAND`, show \
it, and stop until the person has run `cargo db approve ID`. Only then apply it.
";

/// What comes after them.
const ASK: &str = "\
Ask the user before you lose rows: before `reset`, `restore`, `seed --fresh`, and a rollback or a \
migration whose plan names a loss. Leave `approve`, `trust`, `env`, `key` and the removal of \
backups to people. `cargo db help COMMAND` shows the options of a command.";

/// The file, with a table of these commands.
pub(super) fn text(commands: &[CommandView]) -> String {
    let keys = [("name", NAME), ("description", DESCRIPTION), ("compatibility", COMPATIBILITY)];
    let text = format!(
        "{LOOP}\n## Commands by their effect on the database\n\n{}\n## Exit codes\n\n{}\n\
         ## Rules\n\n{RULES}\n\n{ASK}\n",
        effects(commands),
        exit_codes()
    );
    with_front_matter(&keys, &text)
}

/// A line for each effect, with the commands that have it.
fn effects(commands: &[CommandView]) -> String {
    let mut effects: Vec<(&str, Vec<&str>)> = Vec::new();
    for CommandView { name, effect, .. } in commands {
        match effects.iter_mut().find(|(known, _)| known == effect) {
            Some((_, names)) => names.push(name),
            None => effects.push((effect, vec![name])),
        }
    }
    let line = |(effect, names): (&str, Vec<&str>)| format!("- {effect}: {}\n", names.join(", "));
    effects.into_iter().map(line).collect()
}

fn exit_codes() -> String {
    let mut lines = String::new();
    for ExitCodeView { code, meaning } in ExitCodeView::all() {
        // Writing to a string does not fail.
        let _ = writeln!(lines, "- {code}: {meaning}");
    }
    lines
}
