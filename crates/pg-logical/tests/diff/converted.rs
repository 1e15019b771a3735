//! Columns that get another type: no value is cut, and hazards say which values are lost.

use pg_logical::diff::Hazard;

use crate::{Database, between, cluster};

/// Changes the type of a column that has this value, and returns the new one.
fn converted(value: &str, was: &str, is: &str) -> Result<String, String> {
    let of = |kind: &str| format!("CREATE DOMAIN short AS varchar(3); CREATE TABLE t (a {kind})");
    let live = Database::new(&format!("{}; INSERT INTO t VALUES ({value})", of(was)));
    let up = between(&live.catalog(), &Database::new(&of(is)).catalog()).expect("a plan");
    live.apply(&format!("{was} to {is}"), &up)?;
    Ok(cluster().query(&live.0, "SELECT a FROM t").concat())
}

#[test]
fn a_value_that_is_too_long_is_refused() {
    for (value, was, is) in [
        ("12345", "int", "varchar(3)"),
        ("12345", "int", "char(3)"),
        ("'2020-01-01'", "date", "varchar(3)"),
        ("'12345'", "text", "varchar(3)"),
        ("'{12345}'", "int[]", "varchar(3)[]"),
        ("'{12345}'", "int[]", "varchar(3)"),
        ("'{12345}'", "text", "varchar(3)[]"),
        ("'10101'", "text", "bit(3)"),
        ("'10101'", "bit(5)", "bit(3)"),
        ("'10101'", "bit(5)", "bit varying(3)"),
        ("12345", "int", "short"),
        ("'12345'", "text", "short"),
    ] {
        let error = converted(value, was, is).expect_err(is);
        assert!(error.contains("too long") || error.contains("does not match"), "{error}");
    }
}

#[test]
fn a_value_that_fits_is_kept() {
    for (value, was, is, kept) in [
        ("123", "int", "varchar(3)", "123"),
        ("'{1,22}'", "int[]", "varchar(3)[]", "{1,22}"),
        ("'{abc}'", "varchar(3)[]", "text", "{abc}"),
        ("'{1}'", "text", "int[]", "{1}"),
        ("'{1}'", "varchar(10)[]", "int[]", "{1}"),
        ("'7'", "text", "int", "7"),
        ("true", "boolean", "int", "1"),
        ("'101'", "bit(3)", "bit(5)", "10100"),
        ("'101'", "text", "bit(3)", "101"),
        ("12", "int", "short", "12"),
        ("'abc'", "short", "text", "abc"),
    ] {
        assert_eq!(converted(value, was, is).as_deref(), Ok(kept), "{was} to {is}");
    }
}

#[test]
fn lost_values_are_a_hazard() {
    let types = [
        ("bigint", "double precision", true),
        ("integer", "real", true),
        ("integer", "double precision", false),
        ("integer", "smallint", false),
        ("real", "integer", true),
        ("numeric(9, 4)", "numeric(9, 2)", true),
        ("interval", "time", true),
        ("interval", "interval day", true),
        ("interval day", "interval", false),
        ("time", "interval", false),
        ("time(6)", "time(0)", true),
        ("time(0)", "time(6)", false),
        ("timetz", "time", true),
        ("time", "timetz", false),
        ("inet", "cidr", true),
        ("cidr", "inet", false),
        ("text", "numeric(10, 2)", true),
        ("text", "real", true),
        ("text", "integer", false),
        ("text", "varchar(3)", false),
        ("text", "name", true),
        ("text", "timestamp(0)", true),
        ("timestamp", "timestamptz", false),
        ("timestamp", "timestamptz(0)", true),
        ("timestamptz", "date", true),
        ("date", "timestamptz", false),
        ("bigint[]", "double precision[]", true),
    ];
    let table = |is_new| {
        let kind =
            |(was, is, _): &(&'static str, &'static str, bool)| if is_new { *is } else { *was };
        let columns = types.iter().enumerate().map(|(at, types)| format!("c{at} {}", kind(types)));
        Database::new(&format!("CREATE TABLE t ({})", columns.collect::<Vec<_>>().join(", ")))
    };
    let up = between(&table(false).catalog(), &table(true).catalog()).expect("a plan");
    for (at, (was, is, is_lost)) in types.iter().enumerate() {
        let name = format!("c{at}");
        let mut steps = up.steps.iter().filter(|step| step.column.as_ref() == Some(&name));
        let hazards = &steps.next().expect("a step").hazards;
        assert_eq!(hazards.contains(&Hazard::ValuesLost), *is_lost, "{was} to {is}: {hazards:?}");
    }
}
