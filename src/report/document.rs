//! JSON as it is written: for machines, but a terminal may show it, so nothing in it can move the cursor or turn the order
//! of letters round.

use serde_json::Value;

/// A document of several lines, with its end of line.
pub fn document(value: &Value) -> String {
    escaped(&format!("{value:#}\n"))
}

/// A document on one line, with its end of line.
pub fn line(value: &Value) -> String {
    escaped(&format!("{value}\n"))
}

/// Letters that are seen as no letter stand in strings alone, where an escape means the same. So do those that a CI system
/// would take for the beginning of a command: a second `#`, and the `_` of `section_start:`.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        let is_of_command = match letter {
            '#' => text.ends_with('#'),
            '_' => ends_with_section(&text),
            _ => false,
        };
        match is_of_command || is_unseen(letter) {
            true => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => text.push(letter),
        }
    }
    text
}

fn ends_with_section(text: &str) -> bool {
    const WORD: &str = "section";
    let end = text.len().checked_sub(WORD.len());
    let end = end.and_then(|at| text.as_bytes().get(at..));
    end.is_some_and(|it| it.eq_ignore_ascii_case(WORD.as_bytes()))
}

/// Controls beyond those that JSON itself escapes, marks of direction, separators and letters without width.
fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_seen_is_escaped_and_means_the_same() {
        let value = json!({"a\u{9b}": "\u{1b}\u{7f}\u{85}\u{202e}\u{2066}\u{200f}\u{e0041}é✓ü\n"});
        for text in [document(&value), line(&value)] {
            assert!(!text.trim_end().contains(is_unseen), "{text:?}");
            assert!(text.contains("\\u009b") && text.contains("é✓ü"), "{text}");
            assert!(text.contains("\\udb40\\udc41"), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
