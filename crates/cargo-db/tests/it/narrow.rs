//! Answers in narrow terminals do not break words.

use crate::support::Project;

/// The lines that the terminal would break inside a word although they could be broken at a space.
/// Commands in errors are printed in one piece, so that they can be copied.
fn torn(text: &str, columns: usize) -> Vec<String> {
    let is_torn = |line: &&str| {
        // A label stays on the line of a value that is a single word.
        let value = line.trim().split_once("  ").map_or(line.trim(), |(_, value)| value.trim());
        let words = value.split(' ').filter(|word| !word.is_empty());
        let is_command = line.contains("help: ") || line.trim().starts_with("--");
        line.chars().count() > columns && words.count() > 1 && !is_command
    };
    text.lines().filter(is_torn).map(str::to_owned).collect()
}

#[test]
fn answers_are_broken_between_words() {
    let mut project = Project::new("nr_columns");
    project.migration("20260301090000_users.up.sql", "CREATE TABLE users (id int, note text);");
    project.migration("20260301090000_users.down.sql", "DROP TABLE users;");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO users SELECT 1, 'a' FROM generate_series(1, 200)");
    project.db(&["backup", "-o", "a_backup_with_a_rather_long_name_2026.sql.gz"]).ok();
    project.db(&["backups", "verify", "--all"]).ok();
    let verbs: [&[&str]; 9] = [
        &["audit"],
        &["audit", "show", "1"],
        &["backups", "show", "1"],
        &["backups", "list"],
        &["backups", "verify", "1"],
        &["backups", "prune", "--dry-run"],
        &["rollback", "--dry-run"],
        &["restore", "1", "--dry-run"],
        &["status"],
    ];
    for columns in [60, 40] {
        project.set("COLUMNS", &columns.to_string());
        for verb in verbs {
            let ran = project.db(verb).ok();
            let both = format!("{}{}", ran.stdout, ran.stderr);
            assert_eq!(torn(&both, columns), Vec::<String>::new(), "{verb:?} {columns}\n{ran}");
        }
        let refused = project.db(&["rollback"]).code(3);
        let plan = refused.stderr.split("error:").next().unwrap();
        assert_eq!(torn(plan, columns), Vec::<String>::new(), "{refused}");
    }
    // A command is broken so that a shell reads all its lines as one.
    let dry = project.db(&["rollback", "--dry-run"]).ok();
    let lines = dry.stdout.lines().skip_while(|line| !line.contains("consent to exactly this:"));
    let lines: Vec<&str> = lines.skip(1).take_while(|line| line.starts_with("  ")).collect();
    assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= 60), "{dry}");
    let words = shell_words::split(&lines.join("\n")).unwrap();
    let json = project.db(&["rollback", "--dry-run", "--json"]).ok().json();
    let command = json["plan"]["consent"].as_str().unwrap().replace(" --json", "");
    assert_eq!(words, shell_words::split(&command).unwrap(), "{dry}");
}

/// A backup is one line at any width: columns are left out before a cell is shortened.
#[test]
fn backups_are_a_table_in_narrow_terminals_too() {
    let mut project = Project::new("nr_list");
    project.migration("1_users.sql", "CREATE TABLE users (id int);");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO users SELECT 1 FROM generate_series(1, 200)");
    project.db(&["backup"]).ok();
    project.db(&["backup", "-o", "a_backup_with_a_rather_long_name_2026.sql.gz"]).ok();
    for (columns, header) in [
        (120, "Size Taken Environment State Holds"),
        (80, "State Holds"),
        (60, "State"),
        (40, "State"),
    ] {
        project.set("COLUMNS", &columns.to_string());
        let listed = project.db(&["backups", "list"]).ok();
        let lines: Vec<&str> = listed.stdout.lines().collect();
        assert_eq!(lines.len(), 3, "{listed}");
        assert!(lines.iter().all(|line| line.chars().count() <= columns), "{columns} {listed}");
        let words: Vec<&str> = lines[0].split_whitespace().collect();
        assert_eq!(words.join(" "), format!("Backup {header}"), "{columns} {listed}");
        assert!(lines[1].contains("1. a_backup_with_a") && lines[1].contains(" verified"));
    }
}
