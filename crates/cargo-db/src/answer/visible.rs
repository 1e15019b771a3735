//! Escapes foreign text on a terminal: names, notices and output of programs may contain characters
//! that move the cursor, hide text or change its direction.

use std::borrow::Cow;
use std::fmt::Write;

use crate::answer::style::length_of_ours;

/// The text with these characters escaped, as in `\x1b` and `\u202e`. Line endings and the
/// program's own colours are kept.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| is_hidden(character) && character != '\n') {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let colour = length_of_ours(rest);
        let length = colour.unwrap_or(first.len_utf8());
        match first {
            '\n' => shown.push(first),
            _ if colour.is_none() && is_hidden(first) => escape(&mut shown, first),
            _ => shown.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    Cow::Owned(shown)
}

/// The text on one line: a name that contains a newline must not start a new line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(text.replace('\n', "\\n")) } else { Cow::Borrowed(text) }
}

fn escape(shown: &mut String, character: char) {
    let code = u32::from(character);
    let _ = match code {
        0..0x100 => write!(shown, "\\x{code:02x}"),
        _ => write!(shown, "\\u{code:04x}"),
    };
}

/// Whether the character is invisible, or changes how others are displayed.
fn is_hidden(character: char) -> bool {
    character.is_control() && character != '\t'
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{DIM, Style};

    #[test]
    fn characters_that_move_hide_or_reverse_text_are_escaped() {
        assert_eq!(visible("a\u{1b}[1A\u{1b}[2Kb\r"), "a\\x1b[1A\\x1b[2Kb\\x0d");
        assert_eq!(visible("users\u{202e}txt\u{9b}8m"), "users\\u202etxt\\x9b8m");
        assert_eq!(visible("two\nlines\tand é 用户"), "two\nlines\tand é 用户");
        assert_eq!(one_line("a\nb"), "a\\nb");
    }

    #[test]
    fn colours_of_our_own_stay() {
        let painted = Style { width: 80, colours: true, details: false, kept: Vec::new() }
            .paint(DIM, "x\u{1b}[8m");
        assert_eq!(visible(&painted), painted.replace("\u{1b}[8m", "\\x1b[8m"));
    }
}
