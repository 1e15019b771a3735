//! Why it failed, in lines, and what to do next, for every kind of failure.

use crate::failure::{Hint, Kind, ServerError, StatementError};
use crate::model::consent::Consent;
use crate::model::history::Problem;

/// Why, in lines: what the server said, or what was found.
pub(super) fn why(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::File { why, .. } | Kind::CannotConnect { why, .. } | Kind::Server { why, .. } => {
            why.lines().map(str::to_owned).collect()
        }
        Kind::ConnectionLost { why, .. } => {
            vec![
                why.clone(),
                "the server undoes what was not committed: the database is as before it".to_owned(),
            ]
        }
        Kind::CommitUnknown { .. } => {
            vec!["the server did not say in time whether it is in".to_owned()]
        }
        Kind::NoBinaries { looked_in, .. } => vec![format!("looked in {}", looked_in.join(", "))],
        Kind::LockBusy { waited, .. } => vec![format!("waited {waited} for it")],
        Kind::HistoryInconsistent { problems, .. } => problems.iter().map(problem_line).collect(),
        Kind::Refused { signals, .. } => signals.clone(),
        Kind::Blocking { who, .. } => vec![
            format!("the last who waited was {who}"),
            "its transaction was rolled back: the database is as before it".to_owned(),
        ],
        Kind::Blocked { findings } => findings.iter().skip(1).cloned().collect(),
        Kind::NoReceipt { objections, .. } => objections.clone(),
        Kind::NoTarget { signals, environment } => signals
            .iter()
            .map(|signal| format!("it counts as {environment} because of {signal}"))
            .collect(),
        Kind::ConsentMissing { signals, .. } => signals.clone(),
        Kind::Statement { statement, subject, .. } => {
            let mut lines = server_lines(&statement.server);
            lines.push(format!("{subject} was rolled back: the database is as before it"));
            lines
        }
        Kind::PartWay { statement, stays, .. } => {
            server_lines(&statement.server).into_iter().chain(staying(stays)).collect()
        }
        Kind::LockLost { why, .. } => {
            vec![
                why.clone(),
                "somebody else may have begun to work, so nothing more was done".to_owned(),
            ]
        }
        Kind::LostPartWay { why, stays, .. } | Kind::NotRecorded { why, stays, .. } => {
            std::iter::once(why.clone()).chain(staying(stays)).collect()
        }
        Kind::NotVerified { subject, .. } if subject.is_empty() => {
            vec!["every migration is in; what they did is not what was wanted".to_owned()]
        }
        Kind::NotVerified { subject, .. } => {
            vec![format!(
                "the transaction of {subject} was rolled back: the database is as before it"
            )]
        }
        Kind::SwappedBack { why, .. } => {
            let back =
                "the backup was swapped back in: the database is as before all of them".to_owned();
            // What stayed for a moment does not stay any more.
            let own =
                why.iter().take_while(|line| !line.contains("outside a transaction")).cloned();
            own.chain([back]).collect()
        }
        Kind::NotSwappedBack { doubts, why, .. } => {
            let lost = doubts.iter().map(|doubt| format!("{doubt}: what they wrote would be lost"));
            why.iter().cloned().chain(lost).collect()
        }
        Kind::TrailBroken { why, .. } => vec![why.clone()],
        Kind::Client { why, .. } => why.lines().map(str::to_owned).collect(),
        Kind::Unsound { problems, .. } | Kind::CannotRestore { problems, .. } => problems.clone(),
        Kind::Sql { server, .. } => server_lines(server),
        Kind::ToolFailed { said, differences, .. } => {
            let lines: Vec<String> = said
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect();
            shortened(&lines).chain(differences.iter().cloned()).collect()
        }
        Kind::OtherState { differences, .. } => differences.iter().skip(1).cloned().collect(),
        _ => Vec::new(),
    }
}

/// The first lines and the last: a program can be long-winded, and says what went wrong at either end.
fn shortened(lines: &[String]) -> impl Iterator<Item = String> {
    const EITHER: usize = 12;
    let left_out = lines.len().saturating_sub(2 * EITHER);
    let head = lines.iter().take(if left_out > 0 { EITHER } else { lines.len() });
    let tail = lines.iter().skip(if left_out > 0 { lines.len() - EITHER } else { lines.len() });
    let gap = (left_out > 0).then(|| format!("… {left_out} lines …"));
    head.cloned().chain(gap).chain(tail.cloned())
}

/// What to do next.
pub(super) fn hints(kind: &Kind) -> Vec<Hint> {
    match kind {
        Kind::OptionNotHonoured { setting, .. } => {
            vec![say(&format!(
                "leave them out of `{setting}`, or give cargo db a URL of its own with `-D`"
            ))]
        }
        Kind::PasswordInFlag { .. } => {
            vec![say("set DATABASE_URL or PGPASSWORD, or write `.env` or `~/.pgpass`")]
        }
        Kind::BadFile { suggestion: Some(suggestion), .. } => {
            vec![say(&format!("did you mean `{suggestion}`?"))]
        }
        Kind::NoTarget { .. } => vec![say("set DATABASE_URL, in the environment or in `.env`")],
        Kind::NoSuchSeed { .. } => {
            vec![run("see which seeds there are", "cargo db seed --dry-run")]
        }
        Kind::CannotConnect { code, .. } => vec![connection_hint(code.as_deref())],
        Kind::NoDatabase { environment, .. } if environment.is_own() => {
            vec![run("create it and apply the migrations", "cargo db migrate")]
        }
        Kind::NoDatabase { environment, .. } => {
            vec![say(&format!("cargo db creates no database in {environment}: create it first"))]
        }
        Kind::NoBinaries { install, .. } => vec![
            run("install it", install),
            say(
                "or name a database in DATABASE_URL, or a folder with `initdb` and `postgres` in CARGO_DB_PG_BIN",
            ),
        ],
        Kind::OtherMajor { made_by, .. } => vec![
            say(&format!(
                "install PostgreSQL {made_by} beside it, or name its folder in CARGO_DB_PG_BIN"
            )),
            run("or begin anew, without what is in it", "cargo db server destroy"),
        ],
        Kind::NoLocalServer { .. } => {
            vec![run("see which database is used, and why", "cargo db status")]
        }
        Kind::LockBusy { .. } => {
            vec![say("wait longer with `--lock-timeout 10m`, or try again later")]
        }
        Kind::HistoryInconsistent { problems, .. } => history_hints(problems),
        Kind::UnknownVersion { .. } | Kind::NotApplied { .. } | Kind::CommitUnknown { .. } => {
            vec![run("see where the database stands", "cargo db status")]
        }
        Kind::Irreversible { .. } => {
            vec![say("write the down file, or a new migration that leads back")]
        }
        Kind::TransactionControl { .. } => vec![say(
            "leave it out; how a migration runs without a transaction, its tool says: `cargo db check`",
        )],
        Kind::FileChanged { .. } | Kind::PlanChanged { .. } => {
            vec![say("run the command again to see the new plan")]
        }
        Kind::ReferredTo { .. } => {
            vec![say("empty that table yourself, or add a seed that fills it")]
        }
        Kind::ConsentMissing { command, database, consent, .. } => {
            consent_hints(command, database, *consent)
        }
        Kind::WrongName { database, .. } => vec![say(&format!("`--confirm {database}`"))],
        Kind::WrongPlan { command, .. } | Kind::PlanUsedUp { command, .. } => {
            vec![run("see the plan as it is now", &format!("{command} --dry-run"))]
        }
        Kind::Refused { verb, .. } => refused_hints(verb),
        Kind::Statement { statement, verb, .. } => vec![statement_hint(statement, verb)],
        Kind::LockLost { .. } => vec![run("see where the database stands", "cargo db status")],
        Kind::HistoryElsewhere { .. } => {
            vec![say(
                "put the schema into the search path (`?search_path=` in the URL), or move the table",
            )]
        }
        Kind::EmptyDown { .. } => vec![say("write what leads back, or a new migration")],
        Kind::PartWay { .. } | Kind::LostPartWay { .. } | Kind::NotRecorded { .. } => vec![say(
            "mend the file so that it can run again (`IF NOT EXISTS`), or undo by hand what stays, then migrate again",
        )],
        Kind::ConnectionLost { .. } => {
            vec![run("when the server is back", "cargo db status --wait")]
        }
        Kind::Interrupted { .. } => vec![run("see where the database stands", "cargo db status")],
        Kind::NoClient { package, .. } => {
            vec![say(&format!("install {package}, or name its folder in CARGO_DB_PG_BIN"))]
        }
        Kind::NoBackup { .. } => vec![run("see which there are", "cargo db backups list")],
        Kind::NotSwappedBack { backup, .. } => vec![run(
            "to go back all the same, and lose what was written since",
            &format!("cargo db restore {backup}"),
        )],
        Kind::Unsound { .. } | Kind::Backup { doing: "read" | "read back", .. } => {
            vec![run("look for one that is", "cargo db backups verify --all")]
        }
        Kind::Bug { .. } => vec![say("this is a bug of cargo db: please report it")],
        _ => tool_hints(kind),
    }
}

/// What to do about migration tools.
fn tool_hints(kind: &Kind) -> Vec<Hint> {
    match kind {
        Kind::NoTool { program } => {
            vec![say(&format!(
                "install {program}, or name another command in `[migrations]` of db.toml"
            ))]
        }
        Kind::ToolCannot { key: "", .. } => Vec::new(),
        Kind::ToolCannot { key, .. } => {
            vec![say(&format!("name a command as `{key}` in `[migrations]` of db.toml"))]
        }
        Kind::GoesElsewhere { .. } => vec![say(
            "no migration was run; let its configuration take the database from DATABASE_URL or libpq's variables",
        )],
        Kind::NeedsTcp { .. } => vec![
            run(
                "have the private server listen on a port too",
                "cargo db server stop && cargo db server start --port 5544",
            ),
            say(
                "give its role a password (`ALTER ROLE postgres PASSWORD …`), and name all of it in DATABASE_URL",
            ),
        ],
        Kind::NotSql { .. } => vec![say("set `[migrations] runner = \"tool\"` in db.toml")],
        Kind::SeveralTools { .. } => {
            vec![say("say which with `[migrations] tool = \"…\"` in db.toml")]
        }
        Kind::OtherHistory { tool, .. } => {
            let own =
                say("give the history another table: `[migrations] table = \"…\"` in db.toml");
            let theirs = tool.as_ref().map(|tool| {
                say(&format!(
                    "if the project uses {tool}: `[migrations] tool = \"{tool}\"` in db.toml"
                ))
            });
            theirs.into_iter().chain([own]).collect()
        }
        Kind::ForeignHistory { .. } => vec![say(
            "set `[migrations] tool` in db.toml to that tool, or `table` to that table; or, if the project has moved on from it, record what is applied with `cargo db baseline`",
        )],
        Kind::ToolFailed { .. } | Kind::OtherState { .. } => {
            vec![run("see where the database stands", "cargo db status")]
        }
        _ => rehearsal_hints(kind),
    }
}

fn say(label: &str) -> Hint {
    Hint { label: label.to_owned(), command: None }
}

fn run(label: &str, command: &str) -> Hint {
    Hint { label: label.to_owned(), command: Some(command.to_owned()) }
}

fn connection_hint(code: Option<&str>) -> Hint {
    match code {
        Some("28P01" | "28000") => {
            say("look at the user and the password; `cargo db status` says where they come from")
        }
        Some("53300") => say("the server has no connection left: close some, or wait"),
        _ => run("wait for the server to come up", "cargo db status --wait"),
    }
}

/// Nothing that can be passed changes a refusal; this is what is right instead.
fn refused_hints(verb: &str) -> Vec<Hint> {
    let instead = match verb {
        "reset" => run("to go back to an earlier state", "cargo db restore --dry-run --latest"),
        "seed --fresh" => run("to add what is missing", "cargo db seed --dry-run"),
        _ => run("see what is allowed here", "cargo db policy"),
    };
    vec![say("nothing that can be passed changes this"), instead]
}

fn rehearsal_hints(kind: &Kind) -> Vec<Hint> {
    match kind {
        Kind::Blocking { .. } => {
            vec![say(
                "try when less is going on, or let them wait longer: `[migrate] max-blocking = \"2s\"`",
            )]
        }
        Kind::Blocked { .. } => vec![
            run("see all of it", "cargo db rehearse"),
            say(
                "mend the file, or say in it what is expected: `-- cargo-db: expect loss <object> <= <number>`",
            ),
        ],
        Kind::NoReceipt { .. } => vec![
            run("rehearse it on a copy, where there is one", "cargo db rehearse"),
            say("and carry the receipt from `.db/receipts` here: `--receipt FILE`"),
        ],
        Kind::MoreThanExpected { .. } => {
            vec![say(
                "look at what is there now, then raise the bound in the file, in a commit that says why",
            )]
        }
        _ => Vec::new(),
    }
}

fn consent_hints(command: &str, database: &str, consent: Consent) -> Vec<Hint> {
    match consent {
        Consent::Free => Vec::new(),
        Consent::Confirm => vec![run("agree", &format!("{command} --yes"))],
        Consent::ByName => vec![run("agree", &format!("{command} --confirm {database}"))],
        Consent::ToPlan => vec![
            run("see the plan and its id", &format!("{command} --dry-run")),
            run(
                "agree to exactly that plan",
                &format!("{command} --confirm {database} --plan <id>"),
            ),
        ],
    }
}

fn history_hints(problems: &[Problem]) -> Vec<Hint> {
    use crate::model::history::Trouble;
    let has = |trouble| problems.iter().any(|problem| problem.trouble == trouble);
    let all = [
        (
            Trouble::Edited,
            "edited: put the file back as it was applied, and write the change as a new migration; `cargo db repair` if only comments or white space changed",
        ),
        (
            Trouble::Missing,
            "missing: bring the file back; `cargo db migrate --ignore-missing` goes on without it",
        ),
        (
            Trouble::OutOfOrder,
            "out of order: give it a newer version, or apply it all the same with `--allow-out-of-order`",
        ),
        (Trouble::Duplicate, "duplicate: give one of the two another version"),
        (
            Trouble::Failed,
            "failed: see what it left behind, then let `cargo db repair` clear its row away",
        ),
        (Trouble::Misnamed, "misnamed: mend what is said of it, or move it away"),
    ];
    all.into_iter().filter(|(trouble, _)| has(*trouble)).map(|(_, hint)| say(hint)).collect()
}

/// A problem of the history as one line.
pub(crate) fn problem_line(problem: &Problem) -> String {
    format!("{}: {}", problem.trouble.name(), problem.line())
}

fn server_lines(server: &ServerError) -> Vec<String> {
    let code = server.code.as_ref().map(|code| format!("SQLSTATE {code}"));
    let detail = server.detail.as_ref().map(|detail| format!("detail: {detail}"));
    let hint = server.hint.as_ref().map(|hint| format!("the server's hint: {hint}"));
    let context = server
        .context
        .as_ref()
        .map(|context| format!("in {}", context.lines().next().unwrap_or("")));
    [detail, context, hint, code].into_iter().flatten().collect()
}

/// What helps against a refused statement depends on why it was refused.
fn statement_hint(statement: &StatementError, verb: &str) -> Hint {
    let again = format!("cargo db {verb}");
    match statement.server.code.as_deref() {
        Some("55P03") => run(
            "others hold the table: when it is free, or with a longer `--ddl-lock-timeout`",
            &again,
        ),
        Some("57014") => run("it took too long: raise `[migrate] statement-timeout`, then", &again),
        Some("42501") => run("as a role that may do this", &again),
        Some("25001") => run(
            "it cannot run in a transaction: `cargo db check` says how it leaves it, then",
            &again,
        ),
        Some("42P07" | "42710") => {
            run("where the database has this already, record it as applied:", "cargo db baseline")
        }
        _ => run("mend the file, then", &again),
    }
}

/// What a file that ran outside a transaction leaves behind when it stops.
fn staying(stays: &[String]) -> impl Iterator<Item = String> {
    let head = "it runs outside a transaction, so what came before the failure stays:".to_owned();
    std::iter::once(head).chain(stays.iter().map(|statement| format!("  {statement}")))
}
