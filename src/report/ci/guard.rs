//! Keeps what others wrote from being read as a command by the CI system that watches the log. All text goes through here on
//! its way out, see [`crate::report::output`]; only what [`crate::report::ci`] says itself passes beside it.
//!
//! Whatever would complete a marker gets a space before its last letter: `##[error]` becomes `## [error]`. So nothing has to
//! be held back, and it does not matter in which pieces the text came.

/// What a CI system looks for in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// In lower case.
    pub text: &'static str,
    pub place: Where,
}

/// Where a marker has to stand to be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Anywhere,
    /// At the start of a line, after white space at most.
    Start,
}

impl Marker {
    /// One that counts anywhere in a line.
    pub const fn anywhere(text: &'static str) -> Self {
        let place = Where::Anywhere;
        Self { text, place }
    }

    /// One that counts at the start of a line.
    pub const fn start(text: &'static str) -> Self {
        let place = Where::Start;
        Self { text, place }
    }
}

/// As many bytes as the longest marker may have.
const LONGEST: usize = 32;

/// Escape sequences longer than this are taken for text again: nobody waits for their end.
const SEQUENCE: usize = 64;

const ESCAPE: u8 = 0x1b;

/// Watches one stream. Its memory is a few bytes.
#[derive(Clone, Debug)]
pub struct Guard {
    markers: Vec<Marker>,
    /// Bytes in the middle of a line that have to be looked at: a marker may begin with them, or the line may end.
    stops: Vec<bool>,
    /// As many bytes at the start of a line may be the beginning of a marker.
    starts: usize,
    /// The last bytes of this line that may be the beginning of a marker, in lower case, without escape sequences.
    seen: Vec<u8>,
    /// How many bytes stand on this line after white space; no more than one above `starts` are counted.
    count: usize,
    /// The beginning of a letter that may turn out to be white space.
    letter: Vec<u8>,
    escape: Escape,
    is_at_start: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Control(usize),
}

impl Guard {
    /// A guard against these markers, at the start of a line.
    pub fn new(markers: impl IntoIterator<Item = Marker>) -> Self {
        let markers: Vec<Marker> = markers.into_iter().collect();
        let of_place = |place| markers.iter().filter(move |it| it.place == place);
        let mut stops = vec![false; 256];
        for marker in of_place(Where::Anywhere) {
            let first = marker.text.as_bytes()[0];
            stops[usize::from(first)] = true;
            stops[usize::from(first.to_ascii_uppercase())] = true;
        }
        for byte in [b'\n', b'\r', ESCAPE] {
            stops[usize::from(byte)] = true;
        }
        let starts = of_place(Where::Start).map(|it| it.text.len() - 1).max();
        Self {
            stops,
            starts: starts.unwrap_or_default(),
            markers,
            seen: Vec::with_capacity(LONGEST + 1),
            count: 0,
            letter: Vec::new(),
            escape: Escape::None,
            is_at_start: true,
        }
    }

    /// Whether the last byte ended a line, or nothing came yet.
    pub fn is_at_start(&self) -> bool {
        self.is_at_start
    }

    /// Whether nothing is watched for.
    pub fn is_idle(&self) -> bool {
        self.markers.is_empty()
    }

    /// `bytes` as they may be written.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 8);
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.is_between() {
                let is_stop = |it: &u8| self.stops[usize::from(*it)];
                let plain = rest.iter().position(is_stop).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                if plain > 0 {
                    continue;
                }
            }
            if self.completes(byte) {
                out.push(b' ');
                self.seen.clear();
                self.count = self.starts + 1;
            }
            out.push(byte);
            self.take(byte);
            rest = &rest[1..];
        }
        if let Some(last) = bytes.last() {
            self.is_at_start = matches!(last, b'\n' | b'\r');
        }
        out
    }

    /// Whether nothing that was seen matters for what comes.
    fn is_between(&self) -> bool {
        self.escape == Escape::None && self.count > self.starts && self.seen.is_empty()
    }

    fn completes(&self, byte: u8) -> bool {
        let byte = byte.to_ascii_lowercase();
        self.escape == Escape::None
            && self.markers.iter().any(|marker| {
                let text = marker.text.as_bytes();
                let (last, before) = text.split_last().expect("markers are not empty");
                *last == byte
                    && self.seen.ends_with(before)
                    && (marker.place == Where::Anywhere || self.count == before.len())
            })
    }

    fn take(&mut self, byte: u8) {
        match (self.escape, byte) {
            (_, b'\n' | b'\r') => self.begin_line(),
            (Escape::None, ESCAPE) => self.escape = Escape::Begun,
            (Escape::None, _) => self.note(byte),
            (Escape::Begun, b'[') => self.escape = Escape::Control(0),
            (Escape::Begun, _) => self.escape = Escape::None,
            (Escape::Control(length), b' '..=b'?') if length < SEQUENCE => {
                self.escape = Escape::Control(length + 1);
            }
            (Escape::Control(_), _) => self.escape = Escape::None,
        }
    }

    fn begin_line(&mut self) {
        self.seen.clear();
        self.letter.clear();
        self.count = 0;
        self.escape = Escape::None;
    }

    fn note(&mut self, byte: u8) {
        if self.count == 0 && self.is_blank(byte) {
            return;
        }
        if self.seen.len() == LONGEST {
            self.seen.remove(0);
        }
        self.seen.push(byte.to_ascii_lowercase());
        self.count = (self.count + 1).min(self.starts + 1);
        if self.count > self.starts && !self.is_beginning() {
            self.seen.clear();
        }
    }

    /// Whether what was seen ends in the beginning of a marker.
    fn is_beginning(&self) -> bool {
        let begins = |text: &[u8]| (1..text.len()).any(|it| self.seen.ends_with(&text[..it]));
        self.markers.iter().any(|it| begins(it.text.as_bytes()))
    }

    /// Whether the byte belongs to white space, or may: then the next ones tell.
    fn is_blank(&mut self, byte: u8) -> bool {
        if byte.is_ascii() {
            self.letter.clear();
            return byte <= b' ' || byte == 0x7f;
        }
        self.letter.push(byte);
        match std::str::from_utf8(&self.letter) {
            Ok(text) => {
                let is_blank = text.chars().all(is_unseen);
                self.letter.clear();
                is_blank
            }
            Err(error) => error.error_len().is_none(),
        }
    }
}

/// White space of any kind, and letters without width.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markers: &[Marker], input: &[u8], expected: &[u8]) {
        for size in [1, 2, 3, 7, 1000] {
            let mut guard = Guard::new(markers.iter().copied());
            let pieces = input.chunks(size);
            let out: Vec<u8> = pieces.flat_map(|it| guard.pass(it)).collect();
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(shown(&out), shown(expected), "in pieces of {size}");
        }
    }

    #[test]
    fn no_marker_comes_through() {
        let github = [Marker::start("::"), Marker::anywhere("##[")];
        let check = |input: &str, expected: &str| {
            check(&github, input.as_bytes(), expected.as_bytes());
        };
        check("::error::x\n", ": :error::x\n");
        check("  \t::error::x", "  \t: :error::x");
        check("a::b ::c", "a::b ::c");
        check("x\n::a\r::b\r\n::c", "x\n: :a\r: :b\r\n: :c");
        check("\u{a0}\u{3000}\u{feff}::x", "\u{a0}\u{3000}\u{feff}: :x");
        check("│ ::x", "│ ::x");
        check("\u{1b}[31m::x", "\u{1b}[31m: :x");
        check(":\u{1b}[0m:x", ":\u{1b}[0m :x");
        check("a ##[error]b ##[x]", "a ## [error]b ## [x]");
        check("###[x]", "### [x]");
        check("##\u{1b}[0m[x]", "##\u{1b}[0m [x]");
        check("## [error] #[a]", "## [error] #[a]");
        check("::::", ": :::");
    }

    #[test]
    fn letters_may_be_small_or_not_and_bytes_no_text() {
        let all = [
            Marker::anywhere("##vso["),
            Marker::anywhere("section_end:"),
            Marker::start("---"),
        ];
        check(&all, b"x ##VSO[task", b"x ##VSO [task");
        check(&all, b"Section_End:1:x", b"Section_End :1:x");
        check(&all, b"--- a\n a --- b\n ---", b"-- - a\n a --- b\n -- -");
        check(&all, b"\xff---", b"\xff---");
        check(&all, b"\xe2\x80---", b"\xe2\x80-- -");
    }

    #[test]
    fn an_escape_sequence_without_end_hides_nothing_behind_it() {
        let all = [Marker::anywhere("##[")];
        let long = [b"\x1b[", "1".repeat(100).as_bytes(), b"##[x]"].concat();
        let mut guard = Guard::new(all);
        let out = guard.pass(&long);
        assert!(out.ends_with(b"## [x]"));
    }
}
