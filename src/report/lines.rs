//! Cuts a stream of bytes into lines that are fit to be shown: of bounded length, with nothing that can move the cursor.

/// What is kept besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing. Bytes that are not UTF-8 pass through: the reader is no terminal.
    Bytes,
    /// Nothing. Bytes that are not UTF-8 are replaced.
    Text,
    /// SGR sequences: colours, bold and the like. Bytes that are not UTF-8 are replaced.
    Colours,
}

/// Lines longer than this are cut into pieces.
pub const LINE_LIMIT: usize = 8 * 1024;

/// Escape sequences longer than this mean nothing to us.
const SEQUENCE_LIMIT: usize = 64;

/// Colours in force that take more than this are forgotten.
const COLOUR_LIMIT: usize = 256;

const ESCAPE: u8 = 0x1b;

/// Cuts a stream of bytes into clean lines. Its memory is bounded whatever is fed to it.
///
/// A carriage return takes back what stood on the line before it, as it does for a reader's eye. Colours that are still on
/// at the end of a line are ended there and taken up on the next.
#[derive(Debug)]
pub struct Lines {
    keep: Keep,
    limit: usize,
    line: Vec<u8>,
    /// The SGR sequences in force.
    colour: Vec<u8>,
    state: State,
    /// The escape sequence that is being read.
    sequence: Vec<u8>,
    /// The last byte was a carriage return.
    returned: bool,
    /// Something came since the last end of a line.
    begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    Escape,
    /// After `ESC [`.
    Control,
    /// After `ESC ]` and the like: a string up to BEL or `ESC \`.
    String,
    StringEscape,
}

impl Lines {
    /// Lines of at most `limit` bytes, colours not counted.
    pub fn new(keep: Keep, limit: usize) -> Self {
        Self {
            keep,
            limit: limit + COLOUR_LIMIT,
            line: Vec::new(),
            colour: Vec::new(),
            state: State::Text,
            sequence: Vec::new(),
            returned: false,
            begun: false,
        }
    }

    /// Takes the next bytes, and gives each line that they complete.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let plain = match self.state {
                State::Text => rest.iter().position(|it| *it < b' ' || *it == 0x7f),
                _ => Some(0),
            };
            match plain.unwrap_or(rest.len()) {
                0 => {
                    if self.step(byte, each) {
                        rest = &rest[1..];
                    }
                }
                length => {
                    self.push(&rest[..length], each);
                    rest = &rest[length..];
                }
            }
        }
    }

    /// Gives the last line, if it had no end.
    pub fn finish(&mut self, each: &mut dyn FnMut(&[u8])) {
        if self.begun {
            self.emit(each);
        }
        self.colour.clear();
        self.line.clear();
        self.state = State::Text;
    }

    /// The line that is not complete yet.
    pub fn partial(&self) -> &[u8] {
        &self.line
    }

    /// Takes one byte that is no plain text. False: it has to be looked at again, in a new state.
    fn step(&mut self, byte: u8, each: &mut dyn FnMut(&[u8])) -> bool {
        match (self.state, byte) {
            (State::Text, b'\n') => self.emit(each),
            (State::Text, b'\r') => self.returned = true,
            (State::Text, b'\t') => self.push(b"\t", each),
            (State::Text, ESCAPE) => self.open(State::Escape),
            (State::Text, _) => {}
            (State::Escape, b'[') => self.open(State::Control),
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => self.open(State::String),
            // `ESC ( B` and its kind: one more byte follows.
            (State::Escape, b' '..=b'/') => {}
            (State::Control, b' '..=b'?') => {
                if self.sequence.len() < SEQUENCE_LIMIT {
                    self.sequence.push(byte);
                }
            }
            (State::Control, b'm') => self.select_graphics(each),
            (State::String, ESCAPE) => self.state = State::StringEscape,
            // A string that is never ended must not swallow the rest of the output.
            (State::String, b'\n') | (State::StringEscape, b'\n') => {
                self.state = State::Text;
                return false;
            }
            (State::String, 0x07 | 0x18 | 0x1a) | (State::StringEscape, b'\\') => {
                self.state = State::Text;
            }
            (State::String, _) => {}
            (State::StringEscape, _) => {
                self.state = State::Escape;
                return false;
            }
            (State::Escape | State::Control, _) => {
                self.state = State::Text;
                return matches!(byte, b' '..=b'~');
            }
        }
        true
    }

    fn open(&mut self, state: State) {
        self.sequence.clear();
        self.state = state;
    }

    /// The end of an SGR sequence was read.
    fn select_graphics(&mut self, each: &mut dyn FnMut(&[u8])) {
        self.state = State::Text;
        let parameters = self.sequence.as_slice();
        let is_plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
        let is_whole = parameters.len() < SEQUENCE_LIMIT && parameters.iter().all(is_plain);
        if self.keep != Keep::Colours || !is_whole {
            return;
        }
        let sequence = [b"\x1b[", parameters, b"m"].concat();
        let resets = parameters.iter().all(|byte| *byte == b'0');
        let begins_anew = parameters.starts_with(b"0;");
        let is_full = self.colour.len() + sequence.len() > COLOUR_LIMIT;
        if resets || begins_anew || is_full {
            self.colour.clear();
        }
        if !resets {
            self.colour.extend_from_slice(&sequence);
        }
        self.push(&sequence, each);
    }

    /// Adds text, or one whole SGR sequence.
    fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        if std::mem::take(&mut self.returned) {
            self.line.clone_from(&self.colour);
        }
        self.begun = true;
        if bytes[0] == ESCAPE {
            if self.line.len() + bytes.len() > self.limit {
                self.emit(each);
                self.begun = true;
            }
            self.line.extend_from_slice(bytes);
            return;
        }
        for piece in bytes.chunks(self.limit) {
            self.line.extend_from_slice(piece);
            if self.line.len() > self.limit {
                let rest = self.line.split_off(floor_boundary(&self.line, self.limit));
                self.emit(each);
                self.line.extend_from_slice(&rest);
                self.begun = true;
            }
        }
    }

    fn emit(&mut self, each: &mut dyn FnMut(&[u8])) {
        let mut line = std::mem::take(&mut self.line);
        self.begun = false;
        self.returned = false;
        if needs_scrub(&line) {
            line = scrub(&line, self.keep);
        }
        if !self.colour.is_empty() {
            line.extend_from_slice(b"\x1b[0m");
        }
        each(&line);
        self.line.extend_from_slice(&self.colour);
    }
}

/// Gives each line of `bytes`, cleaned.
pub fn clean_lines(bytes: &[u8], keep: Keep, mut each: impl FnMut(&[u8])) {
    let mut lines = Lines::new(keep, LINE_LIMIT);
    lines.feed(bytes, &mut each);
    lines.finish(&mut each);
}

fn needs_scrub(line: &[u8]) -> bool {
    !line.is_ascii()
}

/// Takes out C1 controls, and what is not UTF-8 unless bytes are kept.
fn scrub(line: &[u8], keep: Keep) -> Vec<u8> {
    let mut clean = Vec::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        let is_control = |letter: char| ('\u{80}'..='\u{9f}').contains(&letter);
        for part in chunk.valid().split(is_control) {
            clean.extend_from_slice(part.as_bytes());
        }
        if !chunk.invalid().is_empty() {
            match keep {
                Keep::Bytes => clean.extend_from_slice(chunk.invalid()),
                Keep::Text | Keep::Colours => clean.extend_from_slice("\u{fffd}".as_bytes()),
            }
        }
    }
    clean
}

/// The last place at or before `at` where no letter is cut in two.
fn floor_boundary(line: &[u8], at: usize) -> usize {
    let is_inside = |place: &usize| matches!(line[*place], 0x80..=0xbf);
    let start = (at.saturating_sub(3)..=at).rev().find(|it| !is_inside(it));
    start.unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8], keep: Keep, chunk: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let mut lines = Lines::new(keep, LINE_LIMIT);
        let mut each = |line: &[u8]| seen.push(String::from_utf8(line.to_vec()).unwrap());
        for piece in input.chunks(chunk) {
            lines.feed(piece, &mut each);
        }
        lines.finish(&mut each);
        seen
    }

    fn check(input: &[u8], expected: &[&str]) {
        for chunk in [1, 2, 3, 1000] {
            let actual = lines_of(input, Keep::Text, chunk);
            assert_eq!(actual, expected, "in pieces of {chunk}");
        }
    }

    #[test]
    fn only_text_is_left() {
        check(b"", &[]);
        check(b"a\nb", &["a", "b"]);
        check(b"\n\na\n", &["", "", "a"]);
        check(b"a\r\nb\r\n", &["a", "b"]);
        check(b"10%\r20%\r100%\r\ndone", &["100%", "done"]);
        check(b"10%\r", &["10%"]);
        check(b"\x1b[31mred\x1b[0m", &["red"]);
        check(b"a\x1b[2J\x1b[1;1Hb\x1b[1Ac", &["abc"]);
        check(b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", &["ab"]);
        check(b"\x1bPq#0\x1b\\a\x1b(Bb\x1b7c\x1bMd", &["abcd"]);
        check(b"never ended \x1b]0;abc\nnext", &["never ended ", "next"]);
        check(b"cut \x1b[31\nnext \x1b", &["cut ", "next "]);
        check(b"a\x07\x08\x00\x7fb\tc", &["ab\tc"]);
        check("a\u{9b}31mb\u{85}c".as_bytes(), &["a31mbc"]);
        check(b"a\xffb\x9bc", &["a\u{fffd}b\u{fffd}c"]);
        check("größe ✓ 日本".as_bytes(), &["größe ✓ 日本"]);
    }

    #[test]
    fn colours_stay_on_their_line_and_go_on_in_the_next() {
        let check = |input: &[u8], expected: &[&str]| {
            for chunk in [1, 1000] {
                assert_eq!(lines_of(input, Keep::Colours, chunk), expected);
            }
        };
        check(
            b"\x1b[31mred\nstill\x1b[0m no\nplain",
            &["\x1b[31mred\x1b[0m", "\x1b[31mstill\x1b[0m no", "plain"],
        );
        check(b"\x1b[?25l\x1b[>4mx\x1b[2Ky", &["xy"]);
        check(b"\x1b[1m\x1b[0;32mx", &["\x1b[1m\x1b[0;32mx\x1b[0m"]);
        check(b"\x1b[38;5;0mx\x1b[m", &["\x1b[38;5;0mx\x1b[m"]);
    }

    #[test]
    fn bytes_pass_where_no_terminal_reads() {
        let mut seen = Vec::new();
        clean_lines(b"caf\xe9 \x1b[31mx", Keep::Bytes, |line| {
            seen.push(line.to_vec());
        });
        assert_eq!(seen, [b"caf\xe9 x"]);
    }

    #[test]
    fn a_very_long_line_comes_in_pieces_and_no_letter_is_cut() {
        let text = "ä".repeat(5 * 1024 * 1024);
        let mut lines = Lines::new(Keep::Text, LINE_LIMIT);
        let (mut joined, mut longest, mut held) = (String::new(), 0, 0);
        let mut each = |line: &[u8]| {
            longest = longest.max(line.len());
            joined.push_str(std::str::from_utf8(line).unwrap());
        };
        for chunk in text.as_bytes().chunks(65_537) {
            lines.feed(chunk, &mut each);
            held = held.max(lines.partial().len());
        }
        lines.finish(&mut each);
        assert!(joined == text, "nothing is lost");
        assert!(longest <= LINE_LIMIT + COLOUR_LIMIT);
        assert!(held <= LINE_LIMIT + COLOUR_LIMIT);
    }

    #[test]
    fn endless_sequences_and_colours_take_no_memory() {
        let mut lines = Lines::new(Keep::Colours, LINE_LIMIT);
        let mut each = |line: &[u8]| assert!(line.len() <= LINE_LIMIT + 2 * COLOUR_LIMIT);
        for _ in 0..10_000 {
            lines.feed(b"\x1b[38;2;1;2;3m", &mut each);
        }
        lines.feed(b"\x1b[", &mut each);
        lines.feed(&[b'1'; 100_000], &mut each);
        lines.feed(b"m\x1b]", &mut each);
        lines.feed(&[b'x'; 100_000], &mut each);
        assert!(lines.line.len() + lines.colour.len() + lines.sequence.len() < 10_000);
    }
}
