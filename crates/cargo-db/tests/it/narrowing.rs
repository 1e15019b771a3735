//! Changes of a column's type: `check` takes the old type from the files before.

use crate::support::Project;

/// The findings of the last of these files about the type of a column: rule, object, evidence.
fn found(project: &Project, files: &[&str]) -> Vec<[String; 3]> {
    for (number, sql) in files.iter().enumerate() {
        project.migration(&format!("{}_m.sql", number + 1), sql);
    }
    let json = project.db(&["check", "--json"]).json();
    let last = json["migrations"].as_array().unwrap().last().unwrap();
    let of_types = ["narrowing-type-change", "changing-column-type"];
    let findings = last["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|one| of_types.contains(&one["rule"].as_str().unwrap()));
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or("").to_owned();
    findings.map(|one| ["rule", "object", "evidence"].map(|key| text(one, key))).collect()
}

fn rules(project: &Project, files: &[&str]) -> Vec<String> {
    found(project, files).into_iter().map(|[rule, ..]| rule).collect()
}

const NARROWING: &str = "narrowing-type-change";
const CHANGING: &str = "changing-column-type";

#[test]
fn a_column_that_gets_a_wider_type_loses_nothing() {
    let project = Project::bare("n_wider");
    // Changes that rewrite the table are found as that, and as nothing else.
    for (old, new, rewrites) in [
        ("char(36)", "varchar(40)", true),
        ("varchar(50)", "varchar(255)", false),
        ("bigint", "varchar(255)", true),
        ("varchar(500)", "character varying(1024)", false),
        ("varchar(24)", "text", false),
        ("integer NOT NULL DEFAULT 0", "numeric(65,30)", true),
        ("numeric(10,2)", "numeric(12,2)", false),
        ("int", "bigint", true),
        ("smallserial", "integer", true),
        ("timestamp(3)", "timestamp(6)", false),
    ] {
        let first = format!("CREATE TABLE a (id bigint PRIMARY KEY, n {old}, CHECK (n IS NULL));");
        let second = format!("ALTER TABLE public.a ALTER COLUMN n TYPE {new};");
        let expected: &[&str] = if rewrites { &[CHANGING] } else { &[] };
        assert_eq!(rules(&project, &[&first, &second]), expected, "{old} to {new}");
    }
}

#[test]
fn a_narrower_type_is_found_with_both_types() {
    let project = Project::bare("n_narrower");
    let first = "CREATE TABLE \"Team\" (\n  \"id\" BIGSERIAL NOT NULL,\n  \"code\" VARCHAR(255),\n  \
                 price DECIMAL(10, 4),\n  CONSTRAINT \"Team_pkey\" PRIMARY KEY (\"id\")\n);";
    let second = "ALTER TABLE \"Team\" ALTER COLUMN \"id\" SET DATA TYPE integer,\n  \
                  ALTER COLUMN \"code\" SET DATA TYPE VARCHAR(500),\n  \
                  ALTER price TYPE numeric(10,2);";
    let narrowing: Vec<[String; 3]> = found(&project, &[first, second])
        .into_iter()
        .filter(|[rule, ..]| rule == NARROWING)
        .collect();
    let of = |object: &str, evidence: &str| {
        [NARROWING.to_owned(), object.to_owned(), evidence.to_owned()]
    };
    let expected = [
        of("Team.id", "`integer` cannot hold every value of `bigserial`"),
        of("Team.price", "`numeric(10,2)` cannot hold every value of `decimal(10,4)`"),
    ];
    assert_eq!(narrowing, expected);
}

#[test]
fn what_earlier_files_do_to_a_column_is_followed() {
    let project = Project::bare("n_followed");
    let last = "ALTER TABLE b ALTER COLUMN m TYPE varchar(100);";
    let narrows = |before: &[&str]| {
        let files = [before, &[last]].concat();
        rules(&project, &files).contains(&NARROWING.to_owned())
    };
    let made = "CREATE TABLE a (n varchar(50));";
    let renamed = "ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME COLUMN n TO m;";
    for (second, third, expected) in [
        (renamed, "SELECT 1;", false),
        (renamed, "ALTER TABLE b ALTER m TYPE text;", true),
        (renamed, "ALTER TABLE b ALTER m TYPE varchar(90), ADD COLUMN x text;", false),
        (renamed, "ALTER TABLE b DROP COLUMN m, ADD COLUMN m text;", true),
        (renamed, "DROP TABLE IF EXISTS x, b; CREATE TABLE b (k int, m varchar(200));", true),
        (renamed, "ALTER TABLE b ADD COLUMN IF NOT EXISTS m text;", false),
        (renamed, "DO $$ BEGIN ALTER TABLE b ALTER m TYPE text; END $$;", true),
        (renamed, "DO $$ BEGIN EXECUTE 'ALTER TABLE b ALTER m TYPE text'; END $$;", true),
        (renamed, "DO $$ BEGIN ALTER TABLE b ADD UNIQUE (m); END $$;", false),
        ("ALTER TABLE a ADD COLUMN m varchar(20);", "ALTER TABLE a RENAME TO b;", false),
        // It may be a table of another schema.
        ("SET search_path TO s; CREATE TABLE b (m varchar(20));", "SELECT 1;", true),
        ("CREATE TABLE s.b (m varchar(20));", "SELECT 1;", true),
        ("CREATE TEMP TABLE b (m varchar(20));", "SELECT 1;", true),
    ] {
        assert_eq!(narrows(&[made, second, third]), expected, "{second} {third}");
    }
}

/// If the old type is unknown, the finding says so.
#[test]
fn without_the_old_type_a_limited_one_may_be_narrower() {
    let project = Project::bare("n_unknown");
    let unknown = "ALTER TABLE a ALTER COLUMN n TYPE varchar(100);";
    let [found] = &found(&project, &[unknown])
        .into_iter()
        .filter(|[rule, ..]| rule == NARROWING)
        .collect::<Vec<_>>()[..]
    else {
        panic!("one finding")
    };
    assert_eq!(found[1], "a.n");
    assert!(found[2].contains("earlier files do not say which type the column has"), "{found:?}");
    assert_eq!(rules(&project, &["ALTER TABLE a ALTER COLUMN n TYPE bigint;"]), [CHANGING]);
}

#[test]
fn a_conversion_is_trusted_only_if_it_is_a_cast_to_the_new_type() {
    let project = Project::bare("n_using");
    let made = "CREATE TABLE a (n int);";
    for (using, narrows) in [
        ("USING n", false),
        ("USING n::bigint::numeric(20)", true),
        ("USING (\"n\"::numeric(20,0))", false),
        ("USING CAST(n AS numeric(20))", false),
        ("USING n::smallint", true),
        ("USING n / 1000", true),
    ] {
        let changed = format!("ALTER TABLE a ALTER n TYPE numeric(20) {using};");
        let found = rules(&project, &[made, &changed]);
        assert_eq!(found.contains(&NARROWING.to_owned()), narrows, "{using}");
    }
}

/// A table that the same file made, and wrote nothing to, has no values to lose.
#[test]
fn an_empty_table_loses_nothing() {
    let project = Project::bare("n_empty");
    let changed = "ALTER TABLE a ALTER n TYPE smallint;";
    for (between, narrows) in [
        ("", false),
        ("CREATE INDEX i ON a (n); INSERT INTO b SELECT 1;", false),
        ("INSERT INTO a SELECT n FROM b;", true),
        ("COPY a FROM stdin;\n1\n\\.\n", true),
        ("SELECT fill();", true),
        ("DO $$ BEGIN PERFORM fill(); END $$;", true),
        ("ALTER TABLE a ATTACH PARTITION b FOR VALUES IN (1);", true),
    ] {
        let file = format!("CREATE TABLE a (n int);\n{between}\n{changed}");
        let found = rules(&project, &[&file]);
        assert_eq!(found.contains(&NARROWING.to_owned()), narrows, "{between}");
    }
    let file = format!("CREATE TABLE IF NOT EXISTS a (n int);\n{changed}");
    assert!(rules(&project, &[&file]).contains(&NARROWING.to_owned()));
}

/// Down parts of earlier files do not count as earlier changes.
#[test]
fn down_parts_and_dry_runs_agree() {
    let mut project = Project::new("n_dry_run");
    project.set("CARGO_DB_ENV", "test");
    let toml = "[database]\nname = \"n_dry_run\"\n[migrations]\ntool = \"dbmate\"\n";
    project.write("db.toml", &format!("{toml}dir = \"migrations\"\n"));
    let section = |up: &str, down: &str| format!("-- migrate:up\n{up}\n-- migrate:down\n{down}\n");
    let first = section("CREATE TABLE a (n varchar(20));", "DROP TABLE a;");
    project.migration("1_a.sql", &first);
    let second = section(
        "ALTER TABLE a ALTER n TYPE varchar(30);",
        "ALTER TABLE a ALTER n TYPE varchar(20);",
    );
    project.migration("2_b.sql", &second);
    project.db(&["check"]).ok();
    project.db(&["migrate", "--dry-run"]).ok();
    project.migration("2_b.sql", &section("ALTER TABLE a ALTER n TYPE varchar(10);", "SELECT 1;"));
    let why = "`varchar(10)` cannot hold every value of `varchar(20)`";
    project.db(&["check"]).code(1).says(why);
    project.db(&["migrate", "--dry-run"]).says(why);
}
