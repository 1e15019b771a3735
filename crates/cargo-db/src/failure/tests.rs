//! What holds for every kind of failure.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use super::*;

/// The name of a kind in the source.
fn name(kind: &impl std::fmt::Debug) -> String {
    format!("{kind:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// The samples of one area, with its source: each wording there needs a sample.
fn area<K: Into<Kind> + std::fmt::Debug>(source: &str, samples: Vec<K>) -> Vec<Failure> {
    let wordings = source.matches("#[error(").count();
    let kinds: BTreeSet<String> = samples.iter().map(name).collect();
    assert_eq!(kinds.len(), wordings, "a kind without a sample: there are {kinds:?}");
    samples.into_iter().map(Failure::from).collect()
}

/// The samples of every area.
fn samples() -> Vec<Failure> {
    let areas = [
        area(include_str!("settings.rs"), settings::samples()),
        area(include_str!("file.rs"), file::samples()),
        area(include_str!("concurrently.rs"), concurrently::samples()),
        area(include_str!("connection.rs"), connection::samples()),
        area(include_str!("server.rs"), server::samples()),
        area(include_str!("lock.rs"), lock::samples()),
        area(include_str!("history.rs"), history::samples()),
        area(include_str!("migration.rs"), migration::samples()),
        area(include_str!("seed.rs"), seed::samples()),
        area(include_str!("consent.rs"), consent::samples()),
        area(include_str!("rehearsal.rs"), rehearsal::samples()),
        area(include_str!("database.rs"), database::samples()),
        area(include_str!("program.rs"), program::samples()),
        area(include_str!("backup.rs"), backup::samples()),
        area(include_str!("dump.rs"), dump::samples()),
        area(include_str!("schema.rs"), schema::samples()),
        area(include_str!("generate.rs"), generate::samples()),
        area(include_str!("approval.rs"), approval::samples()),
        area(include_str!("audit.rs"), audit::samples()),
        area(include_str!("key.rs"), key::samples()),
        area(include_str!("hooks.rs"), hooks::samples()),
        area(include_str!("rebase.rs"), rebase::samples()),
        area(include_str!("snapshot.rs"), snapshot::samples()),
        area(include_str!("switch.rs"), switch::samples()),
        area(include_str!("run.rs"), run::samples()),
    ];
    let all: Vec<Failure> = areas.into_iter().flatten().collect();
    let met: BTreeSet<String> =
        all.iter().map(|one| format!("{:?}", discriminant(one.kind()))).collect();
    assert_eq!(met.len(), 25, "an area without samples");
    all
}

/// Kinds whose message alone is sufficient: it says what is wrong, and so what to do.
const SAID_ALL: &[&str] = &[
    "BACKUP.FAILED",
    "BACKUP.NAME",
    "CONSENT.DECLINED",
    "CREATE.NAME",
    "HISTORY.UNREADABLE",
    "SCRIPT.UNREADABLE",
    "SETTINGS.FILE",
    "SETTINGS.URL",
    "SETTINGS.VALUE",
    "TOOL.CANNOT",
    "TOOL.FAILED",
    "USAGE",
];

#[test]
fn every_kind_says_why_or_what_to_do_next() {
    for failure in samples() {
        let more = failure.why().len() + failure.hints().len();
        let all = SAID_ALL.contains(&failure.code());
        assert!(more > 0 || all, "{}: {failure}", failure.code());
    }
    let mute = |code: &&str| {
        let is_it =
            |one: &Failure| one.code() == *code && one.why().is_empty() && one.hints().is_empty();
        samples().iter().any(is_it)
    };
    assert!(SAID_ALL.iter().all(mute), "the list names a kind that says more");
}

#[test]
fn wordings_are_fragments_that_fit_on_lines() {
    for failure in samples() {
        let said = failure.to_string();
        assert!(!said.is_empty() && !said.ends_with('.'), "{said}");
        let lines =
            failure.why().into_iter().chain(failure.hints().into_iter().map(|one| one.label));
        for line in lines.chain([said]) {
            let text = line.trim_start();
            assert!(!text.contains('\n') && !text.contains("  "), "{line:?}");
        }
    }
}

/// The interface for programs: each code and its exit codes. A change here is a breaking change.
const CODES: &[(&str, &[u8])] = &[
    ("APPROVAL.BY_AGENT", &[4]),
    ("APPROVAL.CANNOT_APPROVE", &[4]),
    ("APPROVAL.CHANGED", &[3]),
    ("APPROVAL.EXPIRED", &[3]),
    ("APPROVAL.MISSING", &[3]),
    ("APPROVAL.NO_APPROVER", &[4]),
    ("APPROVAL.NO_TERMINAL", &[3]),
    ("APPROVAL.OTHER_PLACE", &[4]),
    ("APPROVAL.SIGNATURE", &[4]),
    ("APPROVAL.UNSAFE", &[4]),
    ("APPROVAL.USED", &[4]),
    ("AUDIT.BROKEN", &[1]),
    ("AUDIT.LOST", &[4]),
    ("AUDIT.NOT_KEPT", &[7]),
    ("AUDIT.NOT_OURS", &[4]),
    ("AUDIT.NOT_PUT_BACK", &[8]),
    ("AUDIT.NOT_WRITABLE", &[7]),
    ("AUDIT.NO_OPERATION", &[2]),
    ("AUDIT.PUT_BACK", &[8]),
    ("AUDIT.TOUCHED", &[7]),
    ("AUDIT.UNREADABLE", &[7]),
    ("BACKUP.CLIENT_FAILED", &[11]),
    ("BACKUP.FAILED", &[11]),
    ("BACKUP.FOLDER", &[11]),
    ("BACKUP.HIDDEN_ROWS", &[11]),
    ("BACKUP.NAME", &[2]),
    ("BACKUP.NONE", &[11]),
    ("BACKUP.NONE_WHOLE", &[11]),
    ("BACKUP.NOTHING_KEPT", &[11]),
    ("BACKUP.NO_CLIENT", &[11]),
    ("BACKUP.NO_FILE", &[11]),
    ("BACKUP.PART", &[2]),
    ("BACKUP.UNSOUND", &[11]),
    ("BACKUP.UNVERIFIED", &[7]),
    ("BASELINE.DIFFERS", &[9]),
    ("BUG", &[70]),
    ("CHECK.NO_PROJECT", &[2]),
    ("CONCURRENTLY.CIRCLE", &[8]),
    ("CONCURRENTLY.LEFT", &[8]),
    ("CONCURRENTLY.TIMED_OUT", &[8]),
    ("CONNECTION.COMMIT_UNKNOWN", &[6]),
    ("CONNECTION.FAILED", &[6]),
    ("CONNECTION.LOST", &[7]),
    ("CONNECTION.LOST_AFTERWARDS", &[8]),
    ("CONNECTION.LOST_PART_WAY", &[8]),
    ("CONNECTION.NO_DATABASE", &[6]),
    ("CONNECTION.POOLER", &[2]),
    ("CONNECTION.POOL_TOO_SMALL", &[2]),
    ("CONSENT.BY_AGENT", &[3]),
    ("CONSENT.DECLINED", &[3]),
    ("CONSENT.MISSING", &[3]),
    ("CONSENT.MORE_LOST", &[4]),
    ("CONSENT.NO_BOUND", &[3]),
    ("CONSENT.USED_UP", &[4]),
    ("CONSENT.WRONG_NAME", &[3]),
    ("CONSENT.WRONG_PLAN", &[3]),
    ("CREATE.NAME", &[2]),
    ("CREATE.NO_PROJECT", &[2]),
    ("CREATE.SECOND_FOLDER", &[3]),
    ("CREATE.SEVERAL_TOOLS", &[2]),
    ("DATABASE.FAILED", &[7]),
    ("DATABASE.NOT_TEXT", &[7]),
    ("DIFF.NO_SCHEMA_FILE", &[2]),
    ("DIFF.UNSUPPORTED", &[4]),
    ("DUMP.BY_AGENT", &[4]),
    ("DUMP.CHOICE", &[2]),
    ("DUMP.CIRCLE", &[11]),
    ("DUMP.NEEDED", &[2]),
    ("DUMP.TOO_OLD", &[11]),
    ("DUMP.UNCOVERED", &[11]),
    ("FILE.FAILED", &[7]),
    ("GENERATE.MIGRATIONS_CHANGED", &[7]),
    ("GENERATE.NEEDS_TRANSACTION", &[4]),
    ("GENERATE.NOT_A_SOURCE", &[2]),
    ("GENERATE.NOT_LOADED", &[7]),
    ("GENERATE.NO_SCHEMA_FILE", &[2]),
    ("GENERATE.NO_SOURCE", &[2]),
    ("GENERATE.OPTIONS", &[2]),
    ("GENERATE.OTHER_MAJOR", &[2]),
    ("GENERATE.OWN_COMMAND", &[2]),
    ("GENERATE.OWN_GENERATOR", &[2]),
    ("GENERATE.PENDING", &[4]),
    ("GENERATE.POSSIBLE_RENAME", &[3]),
    ("GENERATE.RENAME", &[2]),
    ("GENERATE.SHARED_DATABASE", &[4]),
    ("GENERATE.UNSUPPORTED", &[4]),
    ("GENERATE.URL", &[2]),
    ("HISTORY.CHANGED", &[4]),
    ("HISTORY.CHANGED_MEANWHILE", &[9]),
    ("HISTORY.ELSEWHERE", &[9]),
    ("HISTORY.EMPTY_BESIDE", &[9]),
    ("HISTORY.FOREIGN", &[9]),
    ("HISTORY.INCONSISTENT", &[9]),
    ("HISTORY.NOT_READABLE", &[7]),
    ("HISTORY.NOT_RECORDED", &[8]),
    ("HISTORY.NOT_REPAIRABLE", &[9]),
    ("HISTORY.NO_SCHEMA", &[7]),
    ("HISTORY.OTHER_TOOL", &[9]),
    ("HISTORY.UNREADABLE", &[9]),
    ("HOOKS.NO_REPOSITORY", &[2]),
    ("HOOKS.OUTSIDE", &[2]),
    ("INDEX.INVALID", &[8]),
    ("KEY.BY_AGENT", &[4]),
    ("KEY.EXISTS", &[2]),
    ("KEY.MISSING", &[2]),
    ("KEY.NONE_ACCEPTED", &[4]),
    ("KEY.NOT_ACCEPTED", &[2]),
    ("KEY.NOT_PUBLIC", &[2]),
    ("KEY.NO_FOLDER", &[2]),
    ("KEY.UNUSABLE", &[2]),
    ("LOCK.BUSY", &[5]),
    ("LOCK.LOST", &[7]),
    ("LOCK.OTHERS_WAITED", &[7]),
    ("LOCK.TABLE_HELD", &[5]),
    ("MIGRATE.NOT_SWAPPED_BACK", &[8]),
    ("MIGRATION.NOT_APPLIED", &[2]),
    ("MIGRATION.NOT_SQL", &[2]),
    ("MIGRATION.PART_WAY", &[8]),
    ("MIGRATION.UNKNOWN", &[2]),
    ("PLAN.CHANGED", &[3]),
    ("PLAN.FILE_CHANGED", &[7]),
    ("PLAN.OTHER", &[2]),
    ("PLAN.OTHER_VERB", &[2]),
    ("PLAN.TOO_OLD", &[3]),
    ("PLAN.UNKNOWN", &[2]),
    ("PLAN.UNREADABLE", &[2]),
    ("POLICY.REFUSED", &[4]),
    ("POLICY.UNREADABLE", &[4]),
    ("REBASE.AMBIGUOUS", &[9]),
    ("REBASE.INTERRUPTED", &[2]),
    ("REBASE.NO_BRANCH", &[2]),
    ("REBASE.NO_VERSION", &[2]),
    ("REBASE.ORDER_ELSEWHERE", &[2]),
    ("REBASE.TAKEN", &[2]),
    ("REHEARSAL.BLOCKED", &[4]),
    ("REHEARSAL.MORE_THAN_EXPECTED", &[4]),
    ("REHEARSAL.NOT_COUNTED", &[4]),
    ("REHEARSAL.NO_RECEIPT", &[4]),
    ("RESTORE.CHANGED", &[11]),
    ("RESTORE.INCOMPLETE", &[11]),
    ("RESTORE.NOT_OF_DUMP", &[11]),
    ("RESTORE.NO_READER", &[11]),
    ("RESTORE.PREFLIGHT", &[11]),
    ("RESTORE.ROLE_RIGHTS", &[11]),
    ("RESTORE.UNREADABLE", &[11]),
    ("ROLLBACK.EMPTY", &[7]),
    ("ROLLBACK.IRREVERSIBLE", &[7]),
    ("RUN.FORMAT_NOT_BUILT", &[2]),
    ("RUN.NOT_LOOKED_AT", &[8]),
    ("RUN.NOT_SERVED", &[7]),
    ("RUN.NO_RANDOM_BYTES", &[7]),
    ("RUN.PROTOCOL_NOT_BUILT", &[2]),
    ("SCHEMA.NOT_BUILT", &[7]),
    ("SCHEMA.NOT_DRAWN", &[2]),
    ("SCHEMA.NOT_HERE", &[4]),
    ("SCHEMA.NOT_OURS", &[2]),
    ("SCHEMA.NO_FILE", &[2]),
    ("SCHEMA.NO_TABLE", &[2]),
    ("SCHEMA.NO_VIEW", &[2]),
    ("SCHEMA.OUTSIDE", &[7]),
    ("SCHEMA.SEVERAL_TABLES", &[2]),
    ("SCHEMA.SHARED_FILE", &[2]),
    ("SCHEMA.TOO_LARGE", &[2]),
    ("SCHEMA.UNCOVERED", &[11]),
    ("SCRIPT.SETTING", &[7]),
    ("SCRIPT.TRANSACTION_CONTROL", &[7]),
    ("SCRIPT.UNREADABLE", &[7]),
    ("SEED.REFERRED_TO", &[7]),
    ("SEED.UNKNOWN", &[2]),
    ("SERVER.FAILED", &[6]),
    ("SERVER.NONE", &[2]),
    ("SERVER.NO_PROJECT", &[2]),
    ("SERVER.NOT_MADE_HERE", &[4]),
    ("SERVER.NO_BINARIES", &[6]),
    ("SERVER.OTHER_MAJOR", &[6]),
    ("SETTINGS.CIRCLE_OF_SETS", &[2]),
    ("SETTINGS.ENVIRONMENT", &[2]),
    ("SETTINGS.FILE", &[2]),
    ("SETTINGS.FOREIGN_OWNER", &[2]),
    ("SETTINGS.NO_DATABASE", &[2]),
    ("SETTINGS.OPTION_NOT_HONOURED", &[2]),
    ("SETTINGS.PASSWORD_IN_FLAG", &[2]),
    ("SETTINGS.SEVERAL_SETS", &[2]),
    ("SETTINGS.SEVERAL_TOOLS", &[2]),
    ("SETTINGS.SHARED_HISTORY", &[2]),
    ("SETTINGS.URL", &[2]),
    ("SETTINGS.VALUE", &[2]),
    ("SNAPSHOT.CANNOT_RESTORE", &[11]),
    ("SNAPSHOT.CANNOT_SAVE", &[11]),
    ("SNAPSHOT.IN_USE", &[11]),
    ("SNAPSHOT.NAME", &[2]),
    ("SNAPSHOT.NONE", &[2]),
    ("SNAPSHOT.NOT_FOUND", &[2]),
    ("SNAPSHOT.TAKEN", &[2]),
    ("SHELL.BY_AGENT", &[4]),
    ("SHELL.NOT_STARTED", &[10]),
    ("SIGNAL.INTERRUPTED", &[130]),
    ("SIGNAL.TERMINATED", &[143]),
    ("STATEMENT.FAILED", &[7]),
    ("STATEMENT.PART_WAY", &[8]),
    ("SWITCH.BY_TOOL", &[2]),
    ("SWITCH.NOT_IN_GIT", &[9]),
    ("TOOL.CANNOT", &[10]),
    ("TOOL.FAILED", &[10]),
    ("TOOL.GOES_ELSEWHERE", &[10]),
    ("TOOL.MISSING", &[10]),
    ("TOOL.NEEDS_TCP", &[10]),
    ("TOOL.OTHER_STATE", &[10]),
    ("TOOL.REQUIRED_STEP", &[10]),
    ("TRANSACTION.ENDED", &[8]),
    ("TRUST.BY_AGENT", &[4]),
    ("TRUST.MISSING", &[3]),
    ("TRUST.NO_TERMINAL", &[3]),
    ("USAGE", &[2]),
    ("VERIFY.FAILED", &[7, 8]),
];

#[test]
fn codes_and_exits_are_those_that_programs_rely_on() {
    let mut found: BTreeMap<&str, BTreeSet<u8>> = BTreeMap::new();
    for failure in samples() {
        found.entry(failure.code()).or_default().insert(failure.exit() as u8);
    }
    let known = CODES.iter().map(|(code, exits)| (*code, exits.iter().copied().collect()));
    assert_eq!(found, known.collect());
}

#[test]
fn codes_are_an_area_and_a_word_and_belong_to_one_kind() {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let mut kinds: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for failure in samples() {
        let code = failure.code();
        let two = code
            .split_once('.')
            .is_some_and(|(area, word)| is_word(area) && !area.contains('_') && is_word(word));
        assert!(two || ["USAGE", "BUG"].contains(&code), "{code}");
        kinds.entry(code).or_default().insert(format!("{:?}", failure.kind()));
    }
    // `Area(Kind {…})` without its fields.
    let shared = kinds.into_iter().filter_map(|(code, kinds)| {
        let path = |kind: &String| kind.split(' ').next().unwrap_or_default().to_owned();
        let names: BTreeSet<String> = kinds.iter().map(path).collect();
        (names.len() > 1).then_some((code, names.into_iter().collect::<Vec<_>>()))
    });
    // A declined backup has the code of any declined consent. Swapping the backup back in keeps
    // the code of its cause; a program that cannot be started has the code of one that failed.
    let documented = [
        ("CONSENT.DECLINED", vec!["Consent(Declined)".into(), "Consent(NoBackup".into()]),
        ("STATEMENT.FAILED", vec!["Database(Statement".into(), "Migration(SwappedBack".into()]),
        ("TOOL.FAILED", vec!["Program(Failed".into(), "Program(NotRun".into()]),
    ];
    assert_eq!(shared.collect::<Vec<_>>(), documented);
}

#[test]
fn every_exit_is_documented() {
    let table = include_str!("../../../../docs/scripting.md");
    let numbers: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split(", ").map(str::to_owned))
        .collect();
    for failure in samples() {
        let number = (failure.exit() as u8).to_string();
        assert!(
            numbers.contains(&number),
            "{number} of {} is not in docs/scripting.md",
            failure.code()
        );
    }
}

#[test]
fn a_failure_keeps_its_cause_and_prints_its_own_message() {
    let doing = "read";
    let error = std::io::Error::other("the disk is gone");
    let kind = FileError::Failed { doing, path: "a".into(), why: error.to_string() };
    let failure = kind.caused_by(error);
    assert_eq!(failure.to_string(), "failed to read `a`");
    assert_eq!(failure.source().unwrap().to_string(), "the disk is gone");
    let outer = RunError::Bug { what: "no".to_owned() }.caused_by(failure);
    assert!(outer.source().and_then(Error::source).is_some(), "a chain");
    assert!(Failure::from(ConsentError::Declined).source().is_none());
}

#[test]
fn the_next_commands_keep_the_flags_of_the_call() {
    let failure = || Failure::from(MigrationError::NotApplied { version: "9".to_owned() });
    let command = |failure: &Failure| failure.hints()[0].command.clone().unwrap();
    assert_eq!(command(&failure()), "cargo db status");
    let kept = [
        RetainedFlag::new(&["--set"], ["a b"]),
        RetainedFlag::new(&["--env-file"], ["x.env", "y.env"]),
        RetainedFlag::new(&["-D", "--database-url"], None::<String>),
    ];
    let once = failure().of_call(kept.clone());
    assert_eq!(command(&once), "cargo db status --set 'a b' --env-file x.env --env-file y.env");
    assert_eq!(
        command(&once.of_call(kept)),
        command(&failure().of_call([
            RetainedFlag::new(&["--set"], ["a b"]),
            RetainedFlag::new(&["--env-file"], ["x.env", "y.env"]),
        ]))
    );
    // A flag that was typed, in any form, is not added again, and other programs get no flags.
    let typed = |command: &str, flag: RetainedFlag| {
        let hint = Hint { label: String::new(), command: Some(command.to_owned()) };
        with_kept_flags(vec![hint], &[flag]).remove(0).command.unwrap()
    };
    let url = || RetainedFlag::new(&["-D", "--database-url"], ["postgres://h/a"]);
    for same in [
        "cargo db migrate --database-url=postgres://h/b",
        "cargo db migrate -Dpostgres://h/b --yes",
        "cargo db migrate -D=postgres://h/b",
        "cargo db migrate -qDpostgres://h/b",
        "cargo db migrate -qyD postgres://h/b",
        "cargo db migrate '-Dpostgres://h/b?options=-c x=1'",
        "chmod 600 key",
    ] {
        assert_eq!(typed(same, url()), same);
    }
    for other in ["cargo db migrate -q", "cargo db create --note", "cargo db migrate --dry-run"] {
        assert_eq!(typed(other, url()), format!("{other} -D postgres://h/a"));
    }
    let quoted = "cargo db migrate --env-file 'a && b' && cargo db status";
    assert_eq!(
        typed(quoted, RetainedFlag::new(&["--set"], ["a"])),
        "cargo db migrate --env-file 'a && b' --set a && cargo db status --set a"
    );
    assert_eq!(
        typed(
            "cargo db server stop && cargo db server start",
            RetainedFlag::new(&["--set"], ["a"])
        ),
        "cargo db server stop --set a && cargo db server start --set a"
    );
}

/// Swapping a backup back in removes what a migration left in the database.
#[test]
fn a_backup_that_is_swapped_back_in_leaves_nothing_behind() {
    let left = [explanation::LEFT_BEHIND, "  the invalid index public.cx"].map(str::to_owned);
    let stays: Vec<String> = explanation::list_remaining(&["CREATE TABLE a".to_owned()]).collect();
    for listed in [left.to_vec(), stays] {
        let why: Vec<String> = [vec!["SQLSTATE 23505".to_owned()], listed].concat();
        let (failure, code) = ("1_a.sql:2: no".to_owned(), "CONCURRENTLY.LEFT");
        let swapped = MigrationError::SwappedBack { failure, why, code, exit: Exit::Failed };
        let unchanged = "the backup was swapped back in: the database is unchanged";
        assert_eq!(Failure::from(swapped).why(), ["SQLSTATE 23505", unchanged]);
    }
}

/// A further problem is reported with its own next step, which comes first.
#[test]
fn a_second_failure_is_reported_with_the_first() {
    let (verb, database) = ("migrate", "school".to_owned());
    let (objections, lacks_rows) = (vec!["it is old".to_owned()], false);
    let lacking = RehearsalError::NoReceipt { verb, database, objections, lacks_rows };
    let both = Failure::from(ConsentError::Declined).with_other(lacking.into());
    assert_eq!(both.code(), "CONSENT.DECLINED");
    assert_eq!(
        both.why(),
        ["also: there is no valid rehearsal receipt for `migrate` on `school`", "it is old"]
    );
    assert_eq!(both.hints()[0].command.as_deref(), Some("cargo db rehearse"));
}

/// The page of error codes, with a sample of each. `SNAPSHOTS=overwrite cargo test` regenerates it.
#[test]
fn the_page_of_error_codes_is_complete() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(error_page(), snapbox::Data::read_from(page.as_ref(), None).raw());
}

fn error_page() -> String {
    let mut text = "# Errors\n\n\
        Every error has a stable code, an exit code and, if possible, a next step. With `--json`, \
        these are in `error.code`,\n`error.exit` and `error.next`. The names in the examples are \
        invented.\n"
        .to_owned();
    let mut failures = samples();
    failures.sort_by_key(Failure::code);
    let mut last = "";
    for failure in &failures {
        if failure.code() != last {
            text.push_str(&format!("\n## {}\n", failure.code()));
        }
        last = failure.code();
        text.push_str(&format!(
            "\nExit code {}\n\n```text\nerror: {failure}\n",
            failure.exit() as u8
        ));
        failure.why().iter().for_each(|why| text.push_str(&format!("  {why}\n")));
        for hint in failure.hints() {
            let command = hint.command.map_or(String::new(), |command| format!(": `{command}`"));
            text.push_str(&format!("help: {}{command}\n", hint.label));
        }
        text.push_str("```\n");
    }
    text
}
