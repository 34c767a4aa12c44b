//! Hiding secrets in whatever a command writes.
//!
//! Every byte that belongs to an occurrence of a secret is hidden, overlapping occurrences included; each unbroken run of
//! such bytes becomes `***`. What comes out does not depend on how the stream was cut into chunks.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

/// What stands in place of a secret.
pub const HIDDEN: &[u8] = b"***";

/// The shortest text that is hidden, in bytes. Shorter ones stand everywhere by chance: hiding `1` or `no` would spoil every
/// output, and show where they are.
pub const SHORTEST: usize = 4;

/// The secrets to hide, prepared for looking for all of them at once. Clones share the preparation.
#[derive(Clone, Debug, Default)]
pub struct Mask(Option<Arc<Prepared>>);

#[derive(Debug)]
struct Prepared {
    automaton: AhoCorasick,
    /// Sorted.
    secrets: Vec<Vec<u8>>,
    longest: usize,
}

/// A stream in which secrets are hidden. It holds back only what may be the beginning of one.
#[derive(Clone, Debug)]
pub struct Stream {
    mask: Mask,
    held: Vec<u8>,
    /// How many of the held bytes belong to a secret that began before them.
    covered: usize,
    /// Whether the last byte that was handed out was hidden: the run goes on then.
    in_run: bool,
}

impl Mask {
    /// A mask for the values of secrets. Of a value with several lines, each is a secret of its own, without spaces around
    /// it, as tools print them one by one.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let values = values.into_iter();
        let lines = values.flat_map(|value| value.split(|byte| matches!(byte, b'\n' | b'\r')));
        let lines = lines
            .map(<[u8]>::trim_ascii)
            .filter(|line| line.len() >= SHORTEST);
        let mut secrets: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
        secrets.sort_unstable();
        secrets.dedup();
        let Ok(automaton) = AhoCorasick::new(&secrets) else {
            // Only with billions of bytes of secrets, which no environment holds.
            return Self(None);
        };
        let longest = secrets.iter().map(Vec::len).max();
        Self(longest.map(|longest| {
            Arc::new(Prepared {
                automaton,
                secrets,
                longest,
            })
        }))
    }

    /// Whether all of `value` would be hidden, wherever it stands: no line of it is too short.
    pub fn can_hide(value: &[u8]) -> bool {
        let mut lines = value.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines.all(|line| line.is_empty() || line.trim_ascii().len() >= SHORTEST)
    }

    /// What is hidden, each line of a secret for itself.
    pub fn secrets(&self) -> &[Vec<u8>] {
        self.0.as_ref().map_or(&[], |it| &it.secrets)
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a secret stands in `text`.
    pub fn finds_any(&self, text: &[u8]) -> bool {
        self.0
            .as_ref()
            .is_some_and(|it| it.automaton.is_match(text))
    }

    /// `text` with its secrets hidden.
    pub fn hide<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.finds_any(text) {
            return Cow::Borrowed(text);
        }
        let mut stream = self.stream();
        let mut hidden = stream.hide(text).into_owned();
        hidden.extend(stream.flush());
        Cow::Owned(hidden)
    }

    /// A stream of which nothing was seen yet.
    pub fn stream(&self) -> Stream {
        Stream {
            mask: self.clone(),
            held: Vec::new(),
            covered: 0,
            in_run: false,
        }
    }
}

impl Stream {
    /// Takes in `chunk` and gives what is certain by now.
    pub fn hide<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(prepared) = self.mask.0.clone() else {
            return Cow::Borrowed(chunk);
        };
        let is_first = self.held.is_empty() && !self.in_run;
        let text = match self.held.is_empty() {
            true => Cow::Borrowed(chunk),
            false => Cow::Owned([&std::mem::take(&mut self.held), chunk].concat()),
        };
        let runs = prepared.runs(&text, self.covered);
        let end = prepared.certain(&text);
        self.held = text[end..].to_vec();
        // A secret that began before what is held and reaches into it covers its beginning.
        let over = runs.iter().find(|it| it.start <= end && it.end > end);
        self.covered = over.map_or(0, |it| it.end - end);
        if is_first && runs.is_empty() {
            return match text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
                Cow::Owned(text) => Cow::Owned(text[..end].to_vec()),
            };
        }
        Cow::Owned(self.put(&text[..end], &runs))
    }

    /// Gives what was held back. The stream is over.
    pub fn flush(&mut self) -> Vec<u8> {
        let Some(prepared) = self.mask.0.clone() else {
            return Vec::new();
        };
        let text = std::mem::take(&mut self.held);
        let runs = prepared.runs(&text, self.covered);
        self.covered = 0;
        self.put(&text, &runs)
    }

    /// `text` with `runs`, as far as they lie in it, hidden.
    fn put(&mut self, text: &[u8], runs: &[Range<usize>]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        for run in runs.iter().filter(|it| it.start < text.len()) {
            if run.start > at {
                out.extend_from_slice(&text[at..run.start]);
                self.in_run = false;
            }
            if !self.in_run {
                out.extend_from_slice(HIDDEN);
                self.in_run = true;
            }
            at = run.end.min(text.len());
        }
        if at < text.len() {
            out.extend_from_slice(&text[at..]);
            self.in_run = false;
        }
        out
    }
}

impl Prepared {
    /// The bytes of `text` that belong to a secret, as ranges in order that do not touch; the first `covered` do.
    fn runs(&self, text: &[u8], covered: usize) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        // Most texts hold no secret, and seeing that is much quicker than looking for all places.
        if self.automaton.is_match(text) {
            let places = self.automaton.find_overlapping_iter(text);
            found.extend(places.map(|it| it.range()));
        }
        if covered > 0 {
            found.push(0..covered);
        }
        found.sort_unstable_by_key(|it| it.start);
        let mut runs: Vec<Range<usize>> = Vec::new();
        for range in found {
            match runs.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => runs.push(range),
            }
        }
        runs
    }

    /// How much of `text` no secret can begin in that is still to come.
    fn certain(&self, text: &[u8]) -> usize {
        let first = (text.len() + 1).saturating_sub(self.longest);
        let may_begin = |at: &usize| {
            let rest = &text[*at..];
            let next = self
                .secrets
                .partition_point(|secret| secret.as_slice() <= rest);
            self.secrets
                .get(next)
                .is_some_and(|secret| secret.starts_with(rest))
        };
        (first..text.len()).find(may_begin).unwrap_or(text.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(secrets.iter().map(|it| it.as_bytes()))
    }

    fn in_chunks(mask: &Mask, text: &[u8], size: usize) -> Vec<u8> {
        let mut stream = mask.stream();
        let mut out: Vec<u8> = text
            .chunks(size)
            .flat_map(|it| stream.hide(it).into_owned())
            .collect();
        out.extend(stream.flush());
        out
    }

    #[test]
    fn secrets_are_hidden() {
        let check = |secrets: &[&str], text: &str, expected: &str| {
            for size in 1..=text.len().max(1) {
                let got = in_chunks(&mask(secrets), text.as_bytes(), size);
                assert_eq!(
                    String::from_utf8_lossy(&got),
                    expected,
                    "{secrets:?} in {text:?} by {size}"
                );
            }
            let whole = mask(secrets);
            assert_eq!(whole.hide(text.as_bytes()), expected.as_bytes());
        };
        check(&["hunter2"], "my hunter2!", "my ***!");
        check(
            &["hunter2"],
            "hunter hunter2hunter2 hunter",
            "hunter *** hunter",
        );
        check(&["abcd", "cdef"], "xabcdefx", "x***x");
        check(&["abcd", "abcdef"], "abcde abcdef", "***e ***");
        check(&["abcd", "xabcdy"], "xabcdz xabcdy", "x***z ***");
        check(&["aaaa"], "aaa aaaaaa", "aaa ***");
        check(
            &["first line\n  second\r\n\nno\n"],
            "first line second no",
            "*** *** no",
        );
        check(&["", "a", "abc"], "abc", "abc");
        check(&[], "abc", "abc");
    }

    #[test]
    fn as_little_as_possible_is_held_back() {
        let mask = mask(&["secret", "xyz1"]);
        let mut stream = mask.stream();
        assert_eq!(&*stream.hide(b"hello\n"), b"hello\n");
        assert_eq!(&*stream.hide(b"a sec"), b"a ");
        assert_eq!(&*stream.hide(b"ond"), b"second");
        assert_eq!(&*stream.hide(b"secret"), b"***");
        assert_eq!(&*stream.hide(b"s"), b"");
        assert_eq!(stream.flush(), b"s");
    }

    #[test]
    fn short_values_are_told() {
        assert!(Mask::can_hide(b"hunter2"));
        assert!(Mask::can_hide(b""));
        assert!(Mask::can_hide(b"-----BEGIN\nabcd\n"));
        assert!(!Mask::can_hide(b"abc"));
        assert!(!Mask::can_hide(b"long enough\nno\n"));
        assert!(mask(&["abc", ""]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn chunks_change_nothing_and_nothing_leaks(
            secrets in proptest::collection::vec("[ab]{1,6}|[abc]{4,9}", 0..5),
            text in "[abc]{0,60}",
            cuts in proptest::collection::vec(0..8_usize, 1..20),
        ) {
            let mask = Mask::new(secrets.iter().map(|it| it.as_bytes()));
            let mut stream = mask.stream();
            let (mut out, mut rest) = (Vec::new(), text.as_bytes());
            for cut in cuts.iter().cycle().take(200) {
                let (chunk, after) = rest.split_at((*cut).min(rest.len()));
                out.extend_from_slice(&stream.hide(chunk));
                rest = after;
            }
            out.extend_from_slice(&stream.hide(rest));
            out.extend_from_slice(&stream.flush());
            prop_assert_eq!(&out, &naive(&secrets, text.as_bytes()));
            prop_assert!(!mask.finds_any(&out));
        }
    }

    /// Marks every byte of every occurrence, one by one.
    fn naive(secrets: &[String], text: &[u8]) -> Vec<u8> {
        let mut hidden = vec![false; text.len()];
        for secret in secrets.iter().filter(|it| it.len() >= SHORTEST) {
            for at in 0..text.len() {
                if text[at..].starts_with(secret.as_bytes()) {
                    hidden[at..at + secret.len()].fill(true);
                }
            }
        }
        let mut out = Vec::new();
        for (at, byte) in text.iter().enumerate() {
            match (hidden[at], at > 0 && hidden[at - 1]) {
                (false, _) => out.push(*byte),
                (true, false) => out.extend_from_slice(HIDDEN),
                (true, true) => {}
            }
        }
        out
    }
}
