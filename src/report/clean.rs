//! Makes text from outside fit to be shown: nothing in it can move the cursor.

use crate::model::path::FilePath;
use crate::report::lines::{Keep, clean_lines};
use crate::report::table::fit;

/// `text` on one line, without anything that a terminal would obey or that turns the order of letters round.
pub fn one_line(text: &str) -> String {
    let mut lines = Vec::new();
    clean_lines(unreturned(text).as_bytes(), Keep::Text, |line| {
        lines.push(show(line));
    });
    lines.join(" ")
}

/// `text` on one line, of at most `most` columns: what is longer ends in a mark.
pub fn short(text: &str, most: usize) -> String {
    // Zero-width letters take no column, and are bounded all the same.
    let line: String = one_line(text).chars().take(8 * most).collect();
    fit(line.trim(), most, false)
}

/// A file's path, with nothing in it that a terminal would obey.
pub fn path(path: &FilePath) -> String {
    one_line(&path.display())
}

/// `text` with its line breaks, without anything else that a terminal would obey.
pub fn several_lines(text: &str, keep: Keep) -> String {
    let mut lines = Vec::new();
    clean_lines(unreturned(text).as_bytes(), keep, |line| {
        lines.push(String::from_utf8_lossy(line).into_owned());
    });
    lines.join("\n")
}

/// In a message, a carriage return must not take back what it says.
fn unreturned(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', " ")
}

/// The text of a clean line for a live line: without tabs and letters that are seen as no letter.
pub fn show(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let letters = text.chars().map(|it| if it == '\t' { ' ' } else { it });
    let is_seen = |letter: &char| !letter.is_control() && !turns_or_breaks(*letter);
    letters.filter(is_seen).collect()
}

/// Marks of direction that reach beyond their place, and separators of lines.
fn turns_or_breaks(letter: char) -> bool {
    matches!(
        letter,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("a\nb\x1b[2Jc\td"), "a bc d");
        assert_eq!(one_line("a\u{202e}b\u{2028}c"), "abc");
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short(" a\nb\x1b[2Jcd ", 4), "a b~");
        let long = short(&"x\u{301}".repeat(5000), 100);
        assert!(long.chars().count() <= 800, "{long}");
    }
}
