//! Stray characters in a URL or a name, which would change its meaning.

/// White space, or a control or invisible character, that got into a URL when it was copied or read
/// from a file, and would become part of a name.
pub(crate) fn stray_character(url: &str) -> Option<String> {
    let unseen = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c);
    let (at, stray) = url.char_indices().find(|(_, c)| unseen(*c))?;
    let place = match (at, url[at..].chars().all(unseen)) {
        (0, _) => "at its beginning",
        (_, true) => "at its end",
        _ => "in it",
    };
    let encoded = if stray == ' ' && place == "in it" {
        "; a blank in a password or a name is written `%20`"
    } else {
        ""
    };
    Some(format!("there is {} {place}{encoded}", called(stray)))
}

/// What a character is called that cannot be shown.
fn called(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '\n' => "a line feed".to_owned(),
        '\r' => "a carriage return".to_owned(),
        '\t' => "a tab".to_owned(),
        c => format!("an invisible character (U+{:04X})", u32::from(c)),
    }
}

/// Characters of no width, and those that turn the direction of writing.
fn is_invisible(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff)
}

/// The same for percent-encoded characters: a space may be intended in a name, a control character
/// never is. A password may contain anything but NUL.
pub(crate) fn hidden_character(keyword: &str, value: &str) -> Option<String> {
    let is_bad = |c: char| match keyword {
        "password" | "options" => c == '\0',
        "host" | "port" => c.is_control() || c.is_whitespace() || is_invisible(c),
        _ => c.is_control() || is_invisible(c),
    };
    let stray = value.chars().find(|c| is_bad(*c))?;
    Some(format!("there is {} in its {keyword}, percent-encoded", called(stray)))
}

/// What is wrong with the value of one of libpq's variables, by its keyword: it would become a part
/// of a name.
pub(crate) fn stray_in_keyword(keyword: &str, value: &str) -> Option<String> {
    if matches!(keyword, "password" | "options") {
        return None;
    }
    let at_an_end = value.trim() != value;
    let stray = value.chars().find(|c| c.is_control() || is_invisible(*c));
    let stray = stray.or_else(|| value.chars().find(|c| at_an_end && c.is_whitespace()))?;
    Some(format!("there is {} in it", called(stray)))
}
