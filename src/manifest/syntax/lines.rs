//! Lines of many offsets of one text.

/// Where the lines of a text begin.
pub struct Lines {
    breaks: Vec<usize>,
}

impl Lines {
    /// Looks through the text once.
    pub fn of(text: &str) -> Self {
        let bytes = text.bytes().enumerate();
        Self {
            breaks: bytes.filter(|it| it.1 == b'\n').map(|it| it.0).collect(),
        }
    }

    /// The line, from 1, of the byte at `offset`.
    pub fn at(&self, offset: usize) -> u32 {
        self.breaks.partition_point(|it| *it < offset) as u32 + 1
    }
}
