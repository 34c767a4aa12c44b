//! The last lines of an output, in bounded memory.

use std::collections::VecDeque;

/// How much of an output is kept for the summary of a failure.
const BYTES: usize = 16 * 1024;
const LINES: usize = 20;

/// Keeps the end of what is written to it.
#[derive(Default)]
pub struct Tail(VecDeque<u8>);

impl Tail {
    /// Takes more output in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend(&bytes[bytes.len().saturating_sub(BYTES)..]);
        let excess = self.0.len().saturating_sub(BYTES);
        self.0.drain(..excess);
    }

    /// The last whole lines.
    pub fn lines(&self) -> Vec<u8> {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let mut breaks = text
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n');
        let start = breaks.nth(LINES - 1).map_or(0, |(at, _)| at + 1);
        text[start..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        tail.push(b"a\nb\n");
        assert_eq!(tail.lines(), b"a\nb");
        for line in 0..100_000 {
            tail.push(format!("{line}\n").as_bytes());
        }
        let lines = tail.lines();
        assert!(lines.starts_with(b"99980\n") && lines.ends_with(b"\n99999"));
        tail.push(&[b'x'; 100_000]);
        assert_eq!(tail.lines().len(), BYTES);
    }
}
