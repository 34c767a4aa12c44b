//! Manifests that are programs: comments and strings taken out, so that what is left can be searched. Every byte stays at
//! its place.

use std::ops::Range;

use regex::{Captures, Match, Regex};

use crate::manifest::syntax::lines::Lines;

/// How many bytes brackets are followed for: files of nothing but opening brackets end in time.
const FARTHEST: usize = 1 << 14;

/// How a language writes comments and strings.
pub struct Style {
    /// What begins a comment that ends with its line.
    comments: &'static [&'static str],
    /// What begins and ends a longer comment.
    block: Option<(&'static str, &'static str)>,
    /// Whether longer comments may stand within each other.
    nests: bool,
    /// What strings begin and end with, longer marks first. Strings of one letter end with their line.
    quotes: &'static [&'static str],
}

pub const GROOVY: Style = Style {
    comments: &["//"],
    block: Some(("/*", "*/")),
    nests: false,
    quotes: &["\"\"\"", "'''", "\"", "'"],
};
pub const KOTLIN: Style = Style {
    nests: true,
    quotes: &["\"\"\"", "\"", "'"],
    ..GROOVY
};
pub const PROTO: Style = Style {
    quotes: &["\"", "'"],
    ..GROOVY
};
pub const STARLARK: Style = Style {
    comments: &["#"],
    block: None,
    nests: false,
    quotes: &["\"\"\"", "'''", "\"", "'"],
};
pub const RUBY: Style = Style {
    block: Some(("\n=begin", "\n=end")),
    quotes: &["\"", "'"],
    ..STARLARK
};
pub const ELIXIR: Style = STARLARK;
pub const CMAKE: Style = Style {
    block: Some(("#[[", "]]")),
    quotes: &["\""],
    ..STARLARK
};

/// A program, and what is left of it without comments and the insides of strings.
pub struct Code<'a> {
    text: &'a str,
    bare: String,
    lines: Lines,
}

impl<'a> Code<'a> {
    pub fn of(text: &'a str, style: &Style) -> Self {
        Self {
            text,
            bare: bare(text, style),
            lines: Lines::of(text),
        }
    }

    /// The text with comments and the insides of strings blanked. Marks around strings are left.
    pub fn bare(&self) -> &str {
        &self.bare
    }

    /// What `found` in the bare text is in truth: the inside of a string.
    pub fn text(&self, found: Match<'_>) -> &'a str {
        &self.text[found.range()]
    }

    /// What stands there in truth.
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        &self.text[range]
    }

    pub fn line(&self, offset: usize) -> u32 {
        self.lines.at(offset)
    }

    /// Where `regex` fits the bare text: line and inside of the string that the group `s` is.
    pub fn strings(&self, regex: &Regex) -> impl Iterator<Item = (u32, &'a str)> {
        let all = regex.captures_iter(&self.bare);
        all.filter_map(|found| {
            let string = found.name("s")?;
            Some((self.line(string.start()), self.text(string)))
        })
    }

    /// All matches, for what needs more than one string.
    pub fn all<'b>(&'b self, regex: &'b Regex) -> impl Iterator<Item = Captures<'b>> {
        regex.captures_iter(&self.bare)
    }

    /// All strings of one letter's mark within a range: line and inside.
    pub fn strings_within(&self, range: Range<usize>) -> Vec<(u32, &'a str)> {
        let mut found = Vec::new();
        let mut at = range.start;
        while let Some((start, end)) = next_string(&self.bare[..range.end], at) {
            found.push((self.line(start), &self.text[start..end]));
            at = end + 1;
        }
        found
    }

    /// From an opening bracket at `open` to behind the one that closes it; nothing where none does, as far as anybody
    /// writes.
    pub fn bracketed(&self, open: usize) -> Range<usize> {
        let mut depth = 0_usize;
        let end = self.bare.len().min(open.saturating_add(FARTHEST));
        for at in open..end {
            let byte = self.bare.as_bytes()[at];
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 {
                return open..at + 1;
            }
        }
        open..open
    }
}

fn next_string(bare: &str, from: usize) -> Option<(usize, usize)> {
    let mark = from + bare.get(from..)?.find(['"', '\''])?;
    let quote = bare.as_bytes()[mark] as char;
    let end = mark + 1 + bare[mark + 1..].find(quote)?;
    Some((mark + 1, end))
}

fn bare(text: &str, style: &Style) -> String {
    let mut left = text.as_bytes().to_vec();
    let mut at = 0;
    while at < left.len() {
        let rest = &text.as_bytes()[at..];
        let starts = |mark: &&&str| rest.starts_with(mark.as_bytes());
        let block = style.block.filter(|(begin, _)| starts(&begin));
        if let Some((begin, end)) = block {
            let length = block_length(rest, begin, end, style.nests);
            blank(&mut left[at..at + length]);
            at += length;
        } else if style.comments.iter().any(|mark| starts(&mark)) {
            let length = rest.iter().position(|byte| *byte == b'\n');
            let length = length.unwrap_or(rest.len());
            blank(&mut left[at..at + length]);
            at += length;
        } else if let Some(quote) = style.quotes.iter().find(starts) {
            let inside = at + quote.len();
            let length = string_length(&rest[quote.len()..], quote);
            blank(&mut left[inside..inside + length]);
            at = (inside + length + quote.len()).min(left.len());
        } else {
            at += 1;
        }
    }
    // Only whole runs between ASCII marks were blanked, so that it is still text.
    String::from_utf8(left).unwrap_or_default()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn block_length(rest: &[u8], begin: &str, end: &str, nests: bool) -> usize {
    let (mut at, mut depth) = (begin.len(), 1_usize);
    while at < rest.len() {
        if rest[at..].starts_with(end.as_bytes()) {
            at += end.len();
            depth -= 1;
            if depth == 0 {
                return at;
            }
        } else if nests && rest[at..].starts_with(begin.as_bytes()) {
            at += begin.len();
            depth += 1;
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// How long the inside of a string is. One that does not end on its line is taken to end with it.
fn string_length(inside: &[u8], quote: &str) -> usize {
    let mut at = 0;
    while at < inside.len() {
        match inside[at] {
            b'\\' => at += 2,
            b'\n' if quote.len() == 1 => return at,
            _ if inside[at..].starts_with(quote.as_bytes()) => return at,
            _ => at += 1,
        }
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(style: &Style, text: &str, expected: &str) {
        assert_eq!(Code::of(text, style).bare(), expected, "{text}");
    }

    #[test]
    fn comments_and_strings_are_blanked_at_their_place() {
        check(&GROOVY, "a // b\nc /* d\ne */ f", "a     \nc     \n     f");
        check(&GROOVY, "x 'http://y' // z", "x '        '     ");
        check(
            &GROOVY,
            "'it\\'s' + \"\"\"a\n\"b\"\"\"\"",
            "'     ' + \"\"\" \n  \"\"\"\"",
        );
        check(&KOTLIN, "/* a /* b */ c */d", "                 d");
        check(&GROOVY, "/* a /* b */ c", "             c");
        check(&STARLARK, "f('#') # it's\ng", "f(' ')       \ng");
        check(&RUBY, "a\n=begin\n'x\n=end\nb", "a\n      \n  \n    \nb");
        check(&CMAKE, "a #[[ b\n ]] c # d", "a      \n    c    ");
    }

    #[test]
    fn what_never_ends_ends_with_the_text() {
        check(&GROOVY, "a 'b\nc", "a ' \nc");
        check(&GROOVY, "a /* b", "a     ");
        check(&GROOVY, "a \"ü\\", "a \"   ");
        check(&GROOVY, "\"\"\"ü", "\"\"\"  ");
    }

    #[test]
    fn brackets_and_strings_are_found() {
        let code = Code::of("f(a, ['x', \"y)\"], (z)) 'q'", &GROOVY);
        let range = code.bracketed(1);
        assert_eq!(range, 1..22);
        assert_eq!(code.strings_within(range), [(1, "x"), (1, "y)")]);
    }
}
