//! What `pg_dump` 16 to 18 write of a database with objects of each kind: every statement may run,
//! and only the statements of the rows differ by option. `17.sql` and `16.sql` contain what is not
//! in `18.sql`, and `18-options.sql` what these options add: `--statistics`, `--sequence-data`,
//! `--column-inserts`, `--use-set-session-authorization`, `--quote-all-identifiers`,
//! `--load-via-partition-root`.

use pg_sql::dump::AllowList;
use pg_sql::script::ScriptReader;
use pg_sql::survey::survey;

const DUMPS: [(&str, &str); 4] = [
    ("18", include_str!("dumps/18.sql")),
    ("18 with options", include_str!("dumps/18-options.sql")),
    ("17", include_str!("dumps/17.sql")),
    ("16", include_str!("dumps/16.sql")),
];

#[test]
fn every_statement_is_one_that_pg_dump_writes() {
    for (name, text) in DUMPS {
        let found = survey(&mut text.as_bytes(), &mut || ()).unwrap();
        assert_eq!(found.unexpected, None, "{name}");
    }
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let text = DUMPS[0].1.replace('\n', "\r\n");
    assert!(text.contains("\\restrict "));
    let found = survey(&mut text.as_bytes(), &mut || ()).unwrap();
    assert_eq!(found.unexpected, None);
}

/// The same statements with one word removed are refused.
#[test]
fn what_is_not_quite_a_statement_of_pg_dump_is_refused() {
    let mut reader = ScriptReader::of_dump(Box::new(DUMPS[0].1.as_bytes()));
    let mut looked_at = 0;
    while let Some(mut statement) = reader.next_statement().unwrap() {
        if statement.reads_data() {
            reader.copy_data(&mut |_| Ok(())).unwrap();
        }
        statement.text.insert_str(0, "EXPLAIN ANALYZE ");
        assert!(!AllowList::default().admits(&statement), "{}", statement.text);
        looked_at += 1;
    }
    assert!(looked_at > 400, "{looked_at}");
}

#[test]
fn what_a_dump_calls_while_it_is_loaded_is_named() {
    let found = survey(&mut DUMPS[0].1.as_bytes(), &mut || ()).unwrap();
    let calls = found.calls.iter().map(|call| format!("{}: {}", call.caller, call.function));
    let expected = [
        "cast: app.m2i",
        "event trigger et17: app.etrg",
        "event trigger et17r: app.etrg",
        "event trigger et2: app.etrg",
        "event trigger et: app.etrg",
        "type app.base: app.base_in",
        "type app.base: app.base_out",
    ];
    let mut calls: Vec<String> = calls.collect();
    calls.sort();
    assert_eq!(calls, expected);
}
