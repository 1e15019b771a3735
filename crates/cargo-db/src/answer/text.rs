//! Words and numbers for people.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use crate::answer::style::length_of_ours;
use crate::answer::visible::one_line;

/// `1 table`, `2 tables`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{} {noun}s", number(count as u64)),
    }
}

/// Says which files were left out of a scratch database.
pub(crate) fn not_run(files: &[impl AsRef<Path>]) -> String {
    let files: Vec<String> = files.iter().map(|file| file.as_ref().display().to_string()).collect();
    format!("not run on the scratch database (outside-database): {}", files.join(", "))
}

/// Thousands set apart.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// Bytes in the unit that leaves one to three digits before the point; 1 kB is 1024 bytes, as
/// in PostgreSQL's `pg_size_pretty`.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A moment, to the second.
pub(crate) fn moment(when: OffsetDateTime) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    when.format(format).unwrap_or_default()
}

/// A time that was measured, as precise as anybody wants it.
pub(crate) fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", duration.as_millis())
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}

/// A time in whole milliseconds, as programs read it.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Keeps each of these on one line, even if a name contains a newline.
pub(crate) fn on_lines(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| one_line(&line).into_owned()).collect()
}

/// How many migrations are listed before they are only counted.
pub(super) const MIGRATIONS_SHOWN: usize = 10;

/// The line below a list of which only the first entries are shown.
pub(crate) fn and_more(count: usize, shown: usize) -> Option<String> {
    let more = count.checked_sub(shown).filter(|more| *more > 0)?;
    Some(format!("and {} more", number(more as u64)))
}

/// The first entries of a list, and how many more there are.
pub(crate) fn cut(mut lines: Vec<String>, shown: usize) -> Vec<String> {
    let more = and_more(lines.len(), shown);
    lines.truncate(shown);
    lines.extend(more);
    lines
}

/// An aligned table; the second and later columns are numbers and right-aligned.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| on_lines(row.clone())).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let lines = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(header.to_vec())).chain(lines).collect::<Vec<_>>().join("\n")
}

/// The same within a width: of the columns that may go, in this order, as many are left out as
/// necessary. If the others are still too wide, the first one is shortened.
pub(crate) fn table_within(
    width: usize,
    (header, rows): (&[&str], &[Vec<String>]),
    may_go: &[usize],
) -> String {
    let mut kept: Vec<usize> = (0..header.len()).collect();
    let mut may_go = may_go.iter();
    loop {
        let header: Vec<&str> = kept.iter().map(|&column| header[column]).collect();
        let cells = |row: &Vec<String>| kept.iter().map(|&column| row[column].clone()).collect();
        let mut rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        let shown = table(&header, &rows);
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let Some(excess) = widest.checked_sub(width).filter(|excess| *excess > 0) else {
            return shown;
        };
        if let Some(column) = may_go.next() {
            kept.retain(|one| one != column);
            continue;
        }
        let longest = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
        rows.iter_mut().for_each(|row| row[0] = shortened(&row[0], longest.saturating_sub(excess)));
        return table(&header, &rows);
    }
}

/// The beginning of a text, with an ellipsis if it is longer than this.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let most = most.max(12);
    if text.chars().count() <= most {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(most - 1).collect::<String>())
}

/// A command, broken before its flags where it does not fit, with a backslash at the end of each
/// line but the last: all lines together can be pasted into a shell.
pub(crate) fn command_lines(command: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts_of(command) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 3 <= width => {
                line.push(' ');
                line.push_str(part);
            }
            Some(_) => lines.push(format!("  {part}")),
            None => lines.push(part.to_owned()),
        }
    }
    let last = lines.len().saturating_sub(1);
    lines.iter_mut().take(last).for_each(|line| line.push_str(" \\"));
    lines
}

/// The command with its subcommands, then each flag with its value. A flag inside quotes is a part
/// of a value.
fn parts_of(command: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, c) in command.char_indices() {
        is_quoted ^= c == '\'';
        if !is_quoted && command[at..].starts_with(" --") {
            parts.push(&command[start..at]);
            start = at + 1;
        }
    }
    parts.push(&command[start..]);
    parts
}

/// Wraps words, leaving room for an indent. A longer word gets its own line.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Breaks lines between words so that they fit in a width. The continuation of a line that begins
/// with a label is indented to its value.
pub(crate) fn fitted(text: &str, width: usize) -> String {
    text.lines().map(|line| fitted_line(line, width)).collect::<Vec<_>>().join("\n")
}

/// [`fitted`] for narrow terminals only: in wider ones, hardly anything but URLs is too long.
pub(crate) fn fitted_if_narrow(text: String, width: usize) -> String {
    if width < NARROW { fitted(&text, width) } else { text }
}

/// A terminal with fewer columns than this is narrow.
pub(crate) const NARROW: usize = 80;

fn fitted_line(line: &str, width: usize) -> String {
    if shown_width(line) <= width {
        return line.to_owned();
    }
    let indent = value_at(line).filter(|at| at * 2 <= width).unwrap_or(2);
    let (mut fitted, mut column) = (String::new(), 0);
    for piece in line.split_inclusive(' ') {
        let length = shown_width(piece);
        let is_begun = !fitted.trim().is_empty() && column > indent;
        if is_begun && column + shown_width(piece.trim_end()) > width {
            fitted.truncate(fitted.trim_end().len());
            fitted.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        }
        fitted.push_str(piece);
        column += length;
    }
    fitted
}

/// The column of the value in a line with a label: after the first gap that follows a word.
fn value_at(line: &str) -> Option<usize> {
    let plain = without_colours(line);
    let start = plain.chars().position(|c| c != ' ')?;
    let rest: Vec<char> = plain.chars().skip(start).collect();
    let gap = rest.windows(2).position(|two| two == [' ', ' '])?;
    let value = rest[gap..].iter().position(|c| *c != ' ')?;
    Some(start + gap + value)
}

fn shown_width(text: &str) -> usize {
    without_colours(text).chars().count()
}

fn without_colours(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(next) = rest.chars().next() {
        match length_of_ours(rest) {
            Some(length) => rest = &rest[length..],
            None => {
                plain.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    plain
}

/// Quotes a text as JSON, YAML and TOML do.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_break_between_words_and_go_on_below_their_value() {
        let line = "Server       PostgreSQL 15.18 at /var/tmp/socket:5432, a standby";
        let fitted = fitted(line, 40);
        assert_eq!(
            fitted,
            "Server       PostgreSQL 15.18 at\n             /var/tmp/socket:5432, a\n\
             \x20            standby"
        );
        assert_eq!(super::fitted(line, 100), line);
        assert_eq!(super::fitted(&"x".repeat(50), 40), "x".repeat(50));
        let painted = format!(
            "{}Tool{:#}         sqlx of a set with a name",
            crate::answer::BOLD,
            crate::answer::BOLD
        );
        assert_eq!(super::fitted(&painted, 38), painted);
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(
            (number(7), number(1234), number(1_000_000)),
            ("7".into(), "1,234".into(), "1,000,000".into())
        );
        assert_eq!(
            (size(512), size(8192), size(500 << 20)),
            ("512 bytes".into(), "8.0 kB".into(), "500 MB".into())
        );
        assert_eq!(plural(1, "row"), "1 row");
        assert_eq!(elapsed(Duration::from_millis(1500)), "1.5 s");
    }

    #[test]
    fn a_command_is_broken_before_its_flags() {
        let command = "cargo db migrate --confirm 'a --b' --plan 0123 --lose-at-most t=3";
        assert_eq!(command_lines(command, 90), [command]);
        let lines = command_lines(command, 40);
        assert_eq!(lines[0], "cargo db migrate --confirm 'a --b' \\");
        assert_eq!(lines[1], "  --plan 0123 --lose-at-most t=3");
        let joined = lines.join("\n").replace("\\\n  ", "");
        assert_eq!(joined, command);
        assert!(command_lines(command, 25).iter().all(|line| line.chars().count() <= 36));
    }

    #[test]
    fn tables_leave_out_columns_and_then_shorten_names() {
        let row = |name: &str| [name, "8.0 kB", "verified"].map(str::to_owned).to_vec();
        let rows = [row("a_backup_with_a_long_name"), row("b")];
        let shown = |width| table_within(width, (&["Backup", "Size", "State"], &rows), &[1]);
        assert_eq!(shown(43).lines().nth(2), Some("b                          8.0 kB  verified"));
        assert_eq!(shown(42).lines().nth(2), Some("b                          verified"));
        assert_eq!(shown(25).lines().nth(1), Some("a_backup_with_…  verified"));
    }

    #[test]
    fn tables_align() {
        let rows = vec![
            vec!["users".to_owned(), "5".to_owned()],
            vec!["x".to_owned(), "1,000".to_owned()],
        ];
        assert_eq!(table(&["Table", "Rows"], &rows), "Table   Rows\nusers      5\nx      1,000");
    }
}
