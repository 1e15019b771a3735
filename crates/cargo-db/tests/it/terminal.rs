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
