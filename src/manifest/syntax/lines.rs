//! Lines of offsets, for files in which many things are found.

/// Where the lines of a text begin.
pub struct Lines(Vec<usize>);

impl Lines {
    /// Those of `text`.
    pub fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(breaks.map(|(at, _)| at + 1).collect())
    }

    /// The line, from 1, that the byte at `offset` stands on.
    pub fn line(&self, offset: usize) -> u32 {
        self.0.partition_point(|begin| *begin <= offset) as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_at_one() {
        let lines = Lines::of("a\nb\n\nc");
        let found: Vec<_> = [0, 1, 2, 3, 4, 5, 99].map(|it| lines.line(it)).into();
        assert_eq!(found, [1, 1, 2, 2, 3, 4, 4]);
    }
}
