//! What is left on the screen of a terminal.

use rexpect::session::spawn_command;

use crate::support::Project;

/// What a terminal shows once it was sent all of this: text, line ends, and the sequences that move
/// the cursor or erase.
fn screen(sent: &str) -> Vec<String> {
    let mut rows = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut characters = sent.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                let mut number = String::new();
                while let Some(digit) = characters.next_if(|next| !next.is_ascii_alphabetic()) {
                    number.push(digit);
                }
                let count = number.parse().unwrap_or(1);
                match characters.next() {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') if number == "2" => rows[row].clear(),
                    Some('K') => rows[row].truncate(column),
                    _ => {}
                }
            }
            character => {
                let line = &mut rows[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
        rows.resize(rows.len().max(row + 1), Vec::new());
    }
    rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn nothing_that_moved_stays() {
    let project = Project::new("t_screen");
    project.run_sql("CREATE TABLE t AS SELECT id FROM generate_series(1, 300000) AS id");
    for arguments in [&["backup", "--auto"][..], &["restore", "--latest", "--yes"]] {
        let mut command = project.command(arguments);
        command.env("TERM", "xterm").env_remove("CI");
        let mut session = spawn_command(command, Some(60_000)).expect("a terminal");
        let sent = session.exp_eof().expect("it ends");
        assert!(sent.contains("\u{1b}["), "nothing moved: {sent:?}");
        let lines = screen(&sent);
        for moving in ["Backing up", "Reading back", "Loading", "Comparing"] {
            assert!(!lines.iter().any(|line| line.contains(moving)), "{moving}: {lines:#?}");
        }
        assert!(lines.iter().all(|line| !line.is_empty() || line == lines.last().unwrap()));
    }
}

#[test]
fn a_name_with_a_line_end_begins_no_line() {
    let project = Project::new("t_lines");
    project.run_sql("CREATE TABLE \"a\nPending      9 nothing\" (id int)");
    project.db(&["backup"]).ok();
    for verb in [&["status"][..], &["backups", "show"], &["backup", "--format", "set"]] {
        let ran = project.db(verb).ok();
        assert!(!ran.to_string().contains("\nPending      9"), "{ran}");
    }
    project.db(&["status"]).ok().says("a\\nPending      9 nothing");
    let json = project.db(&["status", "--json"]).ok().json();
    assert!(json["tables"][0]["name"].as_str().unwrap().contains("a\nPending"), "{json:#}");
    // Problems of a backup of such a table are escaped too.
    let manifest = std::fs::read_dir(project.path().join("backups")).unwrap().flatten();
    let manifest = manifest.map(|entry| entry.path());
    let manifest =
        manifest.into_iter().find(|path| path.to_string_lossy().ends_with(".sql.gz.manifest.json"));
    let manifest = manifest.unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"rows\": 0", "\"rows\": 7")).unwrap();
    let name = manifest.file_name().unwrap().to_string_lossy().replace(".manifest.json", "");
    let ran = project.db(&["backups", "verify", &name]).code(11);
    assert!(!ran.to_string().contains("\nPending      9"), "{ran}");
}
