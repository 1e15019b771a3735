//! The findings of `check` and `rehearse` in the formats of pipelines and reviewers.

use std::path::Path;

use crate::support::{Project, Ran};

/// A table whose name is markup wherever it is not escaped.
const ODD: &str = "\"a<b>&'c`|@x\"";

/// Two sets in a folder of a repository. `shop` has findings, `jobs` has none.
fn two_sets(name: &str) -> Project {
    let project = Project::bare(name);
    project
        .write("db.toml", "[migrations.shop]\ndir = \"shop\"\n[migrations.jobs]\ndir = \"jobs\"\n");
    project.write("shop/1_a.sql", "CREATE TABLE a (id bigint);\n");
    project.write("shop/2_b.sql", &format!("DROP TABLE a;\nDROP TABLE {ODD};\n"));
    project.write("jobs/1_a.sql", "CREATE TABLE jobs (id bigint PRIMARY KEY);\n");
    project
}

/// A database with rows, and pending migrations: one that loses values, and one without findings.
fn pending(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(&format!(
        "CREATE TABLE users (id int PRIMARY KEY, note text, gap text);
         INSERT INTO users SELECT n, 'note' FROM generate_series(1, 500) n;
         CREATE TABLE {ODD} (id int); INSERT INTO {ODD} VALUES (1), (2);"
    ));
    project.migration(
        "1_drop.sql",
        &format!(
            "UPDATE users SET gap = 'secret words';\n\
             ALTER TABLE users DROP COLUMN note;\nDROP TABLE {ODD};\n"
        ),
    );
    project.migration("2_fine.sql", "CREATE TABLE fine (id bigint PRIMARY KEY);\n");
    project
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn checked(project: &Project, format: &str, code: i32) -> String {
    project.db(&["check", "--format", format]).code(code).stdout
}

/// The lines that begin with a workflow command.
fn annotations<'a>(text: &'a str, level: &str) -> Vec<&'a str> {
    let command = format!("::{level} ");
    text.lines().filter(|line| line.starts_with(&command)).collect()
}

#[test]
fn markdown_is_one_comment_over_all_sets() {
    let project = two_sets("f_markdown");
    let page = checked(&project, "markdown", 1);
    assert!(page.starts_with("<!-- cargo db check -->\n### cargo db check\n"), "{page}");
    assert!(page.contains("**3 files: 1 BLOCK, 2 PASS**"), "{page}");
    assert!(page.contains("#### Set shop") && page.contains("#### Set jobs"), "{page}");
    assert!(page.contains("**`shop/2_b.sql`**\n\n- BLOCK line 1, ban-drop-table: `a`:"), "{page}");
    assert!(page.contains("`` a<b>&'c`|@x ``"), "{page}");
    // Of one set it is the same comment.
    let one = project.db(&["check", "--set", "jobs", "--format", "markdown"]).ok().stdout;
    assert!(one.starts_with("<!-- cargo db check -->\n") && !one.contains("####"), "{one}");
}

#[test]
fn markdown_stays_below_the_limit_and_counts_the_rest() {
    let project = two_sets("f_limit");
    let long = "x".repeat(50);
    for number in 100..600 {
        let drop = format!("DROP TABLE t{number}_{long}; DROP TABLE u{number}_{long};");
        let warns = format!("CREATE INDEX i ON t{number}_{long} (id);");
        let text = if number == 599 { &drop } else { &warns };
        project.write(&format!("shop/{number}_{long}.sql"), text);
    }
    project.write("jobs/2_last.sql", "DROP TABLE jobs;\n");
    let page = checked(&project, "markdown", 1);
    assert!(page.len() > 30_000 && page.len() < 64_000, "{}", page.len());
    let left: usize = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Not shown: ")?.split(' ').next()?.parse::<usize>().ok()
        })
        .sum();
    let shown = page.matches("\n**`shop/").count() + page.matches("\n**`jobs/").count();
    // The first file of each set has no finding, and nothing to show.
    assert_eq!((left > 0, left + shown), (true, 502), "{page}");
    // The worst come first, also those of the last set.
    assert!(page.contains("shop/599_") && page.contains("jobs/2_last.sql"), "{page}");
}

#[test]
fn github_annotates_the_worst_and_counts_the_rest() {
    let project = Project::bare("f_github");
    let drops: String = (1..=12).map(|number| format!("DROP TABLE t{number};\n")).collect();
    project.migration("1_a.sql", "CREATE INDEX i ON t (id);\nUPDATE t SET id = 1;\n");
    project.migration("2_b.sql", &drops);
    let said = checked(&project, "github", 1);
    let errors = annotations(&said, "error");
    assert_eq!((errors.len(), annotations(&said, "warning").len()), (10, 2), "{said}");
    assert!(said.starts_with("::error file=migrations/2_b.sql,line=1,title=ban-drop-table t1::"));
    assert!(said.contains("::notice title=cargo db check::not annotated: 2 errors\n"), "{said}");
    assert!(said.ends_with("2 files: 1 BLOCK, 1 WARN\n"), "{said}");
}

#[test]
fn github_gets_paths_of_the_repository_and_a_summary_of_the_step() {
    let mut project = Project::bare("f_summary");
    project.write("app, 1/db.toml", "");
    project.write("app, 1/migrations/1_a.sql", "DROP TABLE a;\n");
    project.git(&["init", "--quiet"]);
    let summary = project.write("summary.md", "before\n");
    project.set("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    let run = |project: &Project, format: &str| -> Ran {
        let mut check = project.command(&["check", "--format", format]);
        let check = check.env("CARGO_DB_TRUST", project.path().join("app, 1"));
        check.current_dir(project.path().join("app, 1")).output().unwrap().into()
    };
    let said = run(&project, "github").code(1).stdout;
    assert!(said.starts_with("::error file=app%2C 1/migrations/1_a.sql,line=1,"), "{said}");
    let written = read(&summary);
    assert!(written.starts_with("before\n<!-- cargo db check -->\n"), "{written}");
    // Other formats leave it alone, and one that cannot be written fails nothing.
    let _ = run(&project, "markdown").code(1);
    assert_eq!(read(&summary), written);
    project.set("GITHUB_STEP_SUMMARY", project.path().to_str().unwrap().to_owned().as_str());
    let _ = run(&project, "github").code(1).says("warning: ");
}

#[test]
fn a_failure_is_reported_in_every_format() {
    let project = two_sets("f_failure");
    let failed = |format: &str| {
        project.db(&["check", "--range", "nowhere..", "--format", format]).code(2).says("error: ")
    };
    let said = failed("github").stdout;
    assert!(said.starts_with("::error title=cargo db check%3A USAGE::"), "{said}");
    let page = failed("markdown").stdout;
    assert!(page.contains("**Failed**: git knows no commit"), "{page}");
    assert!(failed("html").stdout.contains("<strong>Failed</strong>"));
    assert_eq!(failed("json").json()["error"]["code"], "USAGE");
    assert_eq!(failed("text").stdout, "");
    // A set that cannot be read does not hide the other.
    project.write(
        "db.toml",
        "[migrations.shop]\ndir = \"shop\"\n[migrations.jobs]\ndir = \"jobs\"\ntool = \"?\"\n",
    );
    let said = checked(&project, "github", 2);
    assert!(said.contains("title=cargo db check%2C set jobs%3A SETTINGS."), "{said}");
    assert!(said.contains("title=ban-drop-table a::"), "{said}");
}

#[test]
fn json_is_the_document_of_the_json_flag() {
    let project = two_sets("f_json");
    let json = project.db(&["check", "--json"]).code(1).stdout;
    assert_eq!(checked(&project, "json", 1), json);
    let _ = project.db(&["check", "--json", "--format", "github"]).code(2).says("cannot be used");
}

#[test]
fn a_report_is_written_to_a_file_in_one_step() {
    let project = two_sets("f_output");
    let path = project.path().join("reports/check.md");
    let args = |format| ["check", "--format", format, "-o", "reports/check.md", "--quiet"];
    for format in ["text", "markdown", "json", "github", "html"] {
        let ran = project.db(&args(format)).code(1);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{format}");
        assert_eq!(read(&path), checked(&project, format, 1), "{format}");
    }
    // An earlier report stays if a new one cannot be written, and nothing else is left behind.
    let names = || std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names(), 1);
    let _ = project.db(&["check", "--range", "nowhere..", "-o", "reports/check.md"]).code(2);
    assert!(read(&path).starts_with("<!doctype html>"));
    let _ = project.db(&["check", "-o", "reports"]).code(7).says("failed to write `reports`");
    let said = project.db(&["check", "-o", "reports/check.md"]).code(1);
    assert_eq!(said.stderr, "       Wrote reports/check.md\n");
}

#[test]
fn the_page_for_a_reviewer_shows_verdicts_locks_losses_and_the_rollback() {
    let project = pending("f_page");
    let expect = "[database]\nname = \"f_page\"\n[expect]\n1 = [\"loss users.note <= 500\"]\n";
    project.write("db.toml", expect);
    let page = project.db(&["rehearse", "--format", "html"]).code(1).stdout;
    let order = [
        "<strong>2 migrations: 1 BLOCK, 1 PASS</strong>",
        "Rehearsed on a copy of f_page",
        "<span class=\"badge BLOCK\">BLOCK</span><a href=\"#file-0-0\">1 drop</a>",
        "<span class=\"badge PASS\">PASS</span><a href=\"#file-0-1\">2 fine</a>",
        "<article id=\"file-0-0\">",
        "table dropped, with 2 rows",
        "<code>UPDATE users SET gap = &#39;…&#39;</code>",
        "<code>users</code>: RowExclusive",
        "<code>ALTER TABLE users DROP COLUMN note</code>",
        "<code>users</code>: AccessExclusive, reads and writes wait",
        "reads and writes wait for ",
        "<h4>Losses</h4>",
        "500 values are lost with the column (expected)",
        "<h4>Rows</h4>",
        "<code>users</code>: 500 updated",
        "<h4>Rollback</h4>",
        "<strong>irreversible</strong>",
    ];
    let mut from = 0;
    for part in order {
        let found = page[from..].find(part);
        from += found.unwrap_or_else(|| panic!("`{part}` is not after {from} in\n{page}"));
    }
    for absent in ["<b>", "secret words", "http:", "https:", "src=", "<script", "url("] {
        assert!(!page.contains(absent), "`{absent}` is in\n{page}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("a&lt;b&gt;&amp;"));
}

#[test]
fn a_rehearsal_reports_its_statements_and_what_was_expected() {
    let project = pending("f_statements");
    project.write(
        "db.toml",
        "[database]\nname = \"f_statements\"\n[expect]\n1 = [\"loss users.note <= 500\"]\n",
    );
    let json = project.db(&["rehearse", "--json"]).code(1).json();
    let migration = &json["migrations"][0];
    assert_eq!(migration["accepted"][0]["rule"], "values-lost", "{migration:#}");
    let statements = migration["statements"].as_array().unwrap();
    let lines: Vec<_> = statements.iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3]);
    let lock = &statements[1]["locks"][0];
    assert_eq!(
        (lock["table"].as_str(), lock["mode"].as_str(), lock["blocks"].as_str()),
        (Some("users"), Some("AccessExclusiveLock"), Some("reads and writes"))
    );
    assert!(statements[0]["locks"][0]["blocks"].is_null(), "{migration:#}");
    // A suggestion names each expectation once.
    let said = project.db(&["rehearse", "--format", "markdown"]).code(1).stdout;
    assert!(said.contains("| **BLOCK** | 1 drop | "), "{said}");
    assert!(said.contains("- BLOCK line 3, rows-lost: `` \"a<b>&'c`|@x\" ``: table"), "{said}");
}

#[test]
fn nothing_to_rehearse_is_a_report_too() {
    let project = Project::new("f_nothing");
    for format in ["markdown", "github", "html"] {
        let said = project.db(&["rehearse", "--format", format]).ok().stdout;
        let note = "nothing to rehearse: no migration is pending";
        assert!(said.contains("no files") && (said.contains(note) || format == "github"), "{said}");
    }
}

#[cfg(not(feature = "ci"))]
#[test]
fn a_build_without_the_feature_ci_says_how_to_install_it() {
    let project = two_sets("f_unbuilt");
    for format in ["sarif", "junit"] {
        let ran =
            project.db(&["check", "--format", format]).code(2).says("without the feature `ci`");
        let _ = ran.says("cargo install --locked --features ci --path crates/cargo-db");
    }
}

#[cfg(not(feature = "mcp"))]
#[test]
fn a_build_without_the_feature_mcp_says_how_to_install_it() {
    let project = two_sets("f_no_server");
    let ran = project.db(&["mcp"]).code(2).says("without the feature `mcp`");
    let ran = ran.says("cargo install --locked --features mcp --path crates/cargo-db");
    assert_eq!(ran.stdout, "");
}

#[cfg(feature = "ci")]
mod ci {
    use serde_json::{Value, json};

    use super::*;

    fn sarif(project: &Project, arguments: &[&str], code: i32) -> Value {
        project.db(&[arguments, &["--format", "sarif"]].concat()).code(code).json()
    }

    fn results(sarif: &Value) -> Vec<Value> {
        sarif["runs"][0]["results"].as_array().unwrap().clone()
    }

    /// What SARIF 2.1.0 and GitHub require of the parts that are written, and nothing else.
    fn schema() -> Value {
        let object = |required: &[&str], properties: Value| {
            json!({
                "type": "object", "additionalProperties": false,
                "required": required, "properties": properties,
            })
        };
        let (text, number) = (json!({"type": "string", "minLength": 1}), json!({"minimum": 1}));
        let message = object(&["text"], json!({"text": text}));
        let list = |items: &Value| json!({"type": "array", "items": items});
        let described = json!({
            "id": text, "shortDescription": message, "fullDescription": message, "help": message,
        });
        let rule = object(&["id", "shortDescription", "fullDescription", "help"], described);
        let driver = json!({
            "name": {"const": "cargo-db"}, "version": text, "semanticVersion": text,
            "rules": list(&rule),
        });
        let driver = object(&["name", "rules"], driver);
        let uri = json!({
            "uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"},
            "uriBaseId": {"const": "%SRCROOT%"},
        });
        let region = json!({
            "startLine": number,
            "startColumn": number,
            "snippet": object(&["text"], json!({"text": text})),
        });
        let place = json!({
            "artifactLocation": object(&["uri", "uriBaseId"], uri),
            "region": object(&["startLine"], region),
        });
        let place = object(&["artifactLocation", "region"], place);
        let location = object(&["physicalLocation"], json!({"physicalLocation": place}));
        let prints = json!({"primaryLocationLineHash": {"pattern": "^[0-9a-f]{64}:[0-9]+$"}});
        let result = json!({
            "ruleId": text, "ruleIndex": {"type": "integer", "minimum": 0},
            "level": {"enum": ["error", "warning"]}, "message": message,
            "locations": {"type": "array", "items": location, "minItems": 1, "maxItems": 1},
            "partialFingerprints": object(&["primaryLocationLineHash"], prints),
        });
        let result = object(
            &["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
            result,
        );
        let notification = json!({"message": message, "level": {"const": "error"}});
        let invocation = json!({
            "executionSuccessful": {"type": "boolean"},
            "toolExecutionNotifications": list(&object(&["message"], notification)),
        });
        let run = json!({
            "tool": object(&["driver"], json!({"driver": driver})),
            "automationDetails": object(&["id"], json!({"id": text})),
            "invocations": list(&object(&["executionSuccessful"], invocation)),
            "results": list(&result),
        });
        let run = object(&["tool", "results"], run);
        let log = json!({
            "$schema": {"const": "https://json.schemastore.org/sarif-2.1.0.json"},
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "items": run, "minItems": 1, "maxItems": 1},
        });
        object(&["version", "runs"], log)
    }

    #[track_caller]
    fn is_valid(sarif: &Value) {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let errors = validator.iter_errors(sarif);
        let errors: Vec<String> =
            errors.map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{sarif:#}");
        let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        for result in results(sarif) {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[at]["id"], result["ruleId"], "{sarif:#}");
        }
    }

    #[test]
    fn sarif_is_valid_with_findings_without_and_of_a_failure() {
        let project = two_sets("f_sarif");
        let found = sarif(&project, &["check"], 1);
        is_valid(&found);
        assert_eq!(results(&found).len(), 2);
        assert_eq!(found["runs"][0]["automationDetails"]["id"], "cargo-db/check/");
        let none = sarif(&project, &["check", "--set", "jobs"], 0);
        is_valid(&none);
        assert_eq!(results(&none), Vec::<Value>::new());
        let failed = sarif(&project, &["check", "--range", "nowhere.."], 2);
        is_valid(&failed);
        assert_eq!(failed["runs"][0]["invocations"][0]["executionSuccessful"], false);
        let rehearsed = sarif(&pending("f_sarif_db"), &["rehearse"], 1);
        is_valid(&rehearsed);
        let level = |rule: &str| {
            let of_rule = |one: &Value| one["ruleId"] == rule;
            results(&rehearsed).into_iter().find(of_rule).map(|one| one["level"].clone())
        };
        assert_eq!(level("rows-lost"), Some(json!("error")));
        assert_eq!(level("column-gone"), Some(json!("warning")));
    }

    #[test]
    fn a_finding_keeps_its_fingerprint_on_another_line() {
        let project = Project::bare("f_prints");
        let prints = |sql: &str| -> Vec<String> {
            project.migration("1_a.sql", sql);
            let found = results(&sarif(&project, &["check"], 1));
            let print = |one: &Value| one["partialFingerprints"]["primaryLocationLineHash"].clone();
            found.iter().map(|one| print(one).as_str().unwrap().to_owned()).collect()
        };
        let before = prints("DROP TABLE a;\nDROP TABLE b;\nDROP TABLE a;\n");
        let after = prints("-- One.\n\nDROP TABLE a;\n-- Two.\nDROP TABLE b;\nDROP TABLE a;\n");
        assert_eq!(before, after);
        let mut distinct = before.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 3, "{before:?}");
        assert_ne!(prints("DROP TABLE c;\n")[0], before[0]);
    }

    #[test]
    fn junit_fails_the_files_that_fail_the_run() {
        let project = two_sets("f_junit");
        project.write("jobs/2_b.sql", "CREATE INDEX i ON jobs (id);\n");
        let junit = checked(&project, "junit", 1);
        let suite = |name: &str, failures: u8| {
            format!(
                "<testsuite name=\"{name}\" tests=\"2\" skipped=\"0\" errors=\"0\" \
                 failures=\"{failures}\">"
            )
        };
        assert!(junit.contains(&suite("shop", 1)) && junit.contains(&suite("jobs", 1)), "{junit}");
        assert!(junit.contains("<failure message=\"ban-drop-table a\" type=\"BLOCK\">"), "{junit}");
        assert!(junit.contains("file=\"shop/2_b.sql\"") && !junit.contains("<b>"), "{junit}");
        // What does not fail the run fails no test.
        let arguments = ["check", "--fail-on", "block", "--format", "junit"];
        let junit = project.db(&arguments).code(1).stdout;
        assert!(junit.contains(&suite("jobs", 0)) && junit.contains("<system-out>WARN"), "{junit}");
        let failed = project.db(&["check", "--range", "nowhere..", "--format", "junit"]).code(2);
        assert!(
            failed.stdout.contains("<error message=") && failed.stdout.contains("type=\"USAGE\"")
        );
        let measured = pending("f_junit_db").db(&["rehearse", "--format", "junit"]).code(1).stdout;
        assert!(
            measured.contains("<testcase name=\"2 fine\" classname=\"cargo db rehearse\" time=")
        );
    }
}
