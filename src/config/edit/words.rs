//! How single things are written: strings, lists and comments, each on one line.

use std::fmt::Write;

/// No line of a list is longer, where that can be helped.
pub const WIDTH: usize = 100;
/// The most characters of a comment that stem from elsewhere.
const LONGEST_COMMENT: usize = 160;

/// `text` as a string of TOML that takes one line.
pub fn string(text: &str) -> String {
    let written = toml_edit::Value::from(text).to_string();
    let is_plain = !written.contains(['\n', '\r', '\t'])
        && !written.starts_with("\"\"\"")
        && !written.starts_with("'''");
    match is_plain {
        true => written,
        false => escaped(text),
    }
}

fn escaped(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            letter if letter.is_control() => {
                write!(written, "\\u{:04X}", u32::from(letter)).expect("a string takes all")
            }
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// A key of TOML, in quotes where it needs them.
pub fn key(text: &str) -> String {
    toml_edit::Key::new(text).display_repr().into_owned()
}

/// A list of strings on one line.
pub fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|it| string(it.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

/// `key = […]` on one line where that is short enough, else with a line for each string.
pub fn assigned_list<T: AsRef<str>>(key: &str, texts: &[T]) -> String {
    let short = format!("{key} = {}", list(texts));
    if short.chars().count() <= WIDTH {
        return short;
    }
    let lines = texts
        .iter()
        .map(|it| format!("    {},\n", string(it.as_ref())));
    format!("{key} = [\n{}]", lines.collect::<String>())
}

/// Words of others, so that they can stand behind a `#`: on one line, with nothing in them that moves or hides text.
pub fn comment(text: &str) -> String {
    let is_hidden = |it: char| {
        it.is_control()
            || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown = text.replace(is_hidden, " ");
    let words: Vec<&str> = shown.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST_COMMENT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_take_one_line_and_mean_what_was_given() {
        for text in [
            "a",
            "",
            "a\"b",
            "a'b\"",
            "x\ny\r\n",
            "\t",
            "\u{1b}\u{7f}\0",
            "ü",
            "\\",
            "'''\"\"\"",
            "\u{85}",
        ] {
            let written = string(text);
            assert_eq!(written.lines().count(), 1, "{written}");
            let read: toml::Table = format!("x = {written}").parse().unwrap();
            assert_eq!(read["x"].as_str(), Some(text), "{written}");
        }
    }

    #[test]
    fn comments_stay_on_their_line() {
        assert_eq!(comment("a\n[x]\r\u{202e}b \u{1b}[31m  c"), "a [x] b [31m c");
        assert_eq!(
            comment(&"x".repeat(1000)).chars().count(),
            LONGEST_COMMENT + 1
        );
    }
}
