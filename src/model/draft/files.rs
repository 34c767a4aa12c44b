//! All files of a repository by their paths alone.

use std::ops::Range;

/// Paths, sorted by their bytes, each once. Packed, since there may be very many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileList {
    bytes: Vec<u8>,
    /// Where each path ends.
    ends: Vec<usize>,
}

impl FileList {
    /// Appends a path, which has to follow those before it; one that is there already is not added again.
    pub fn push(&mut self, path: &[u8]) {
        if let Some(last) = self.len().checked_sub(1) {
            debug_assert!(self.at(last) <= path);
            if self.at(last) == path {
                return;
            }
        }
        self.bytes.extend_from_slice(path);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The path at a place in the order.
    pub fn at(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    /// All paths, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.at(at))
    }

    /// Whether there is a file at `path`.
    pub fn has(&self, path: &[u8]) -> bool {
        let at = self.first_from(path);
        at < self.len() && self.at(at) == path
    }

    /// Whether there is a file below the directory `path`.
    pub fn has_below(&self, path: &[u8]) -> bool {
        !self.below(path).is_empty()
    }

    /// The places of the files below a directory.
    pub fn below(&self, directory: &[u8]) -> Range<usize> {
        if directory.is_empty() {
            return 0..self.len();
        }
        // `0` is what follows `/`.
        let start = self.first_from(&[directory, b"/"].concat());
        start..self.first_from(&[directory, b"0"].concat()).max(start)
    }

    fn first_from(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle) < path {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl<'p> FromIterator<&'p str> for FileList {
    fn from_iter<I: IntoIterator<Item = &'p str>>(paths: I) -> Self {
        let mut sorted: Vec<&[u8]> = paths.into_iter().map(str::as_bytes).collect();
        sorted.sort_unstable();
        let mut files = Self::default();
        sorted.into_iter().for_each(|path| files.push(path));
        files
    }
}

/// The directory that `path` lies in, and its name there.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_are_told_apart() {
        let files: FileList = ["b/x", "a", "b-c/y", "b/y/z", "bc", "a"]
            .into_iter()
            .collect();
        assert_eq!(files.len(), 5);
        assert!(files.has(b"b/x"));
        assert!(!files.has(b"b"));
        assert!(files.has_below(b"b"));
        assert!(files.has_below(b""));
        assert!(!files.has_below(b"bc"));
        let below: Vec<&[u8]> = files.below(b"b").map(|at| files.at(at)).collect();
        assert_eq!(below, [&b"b/x"[..], b"b/y/z"]);
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
