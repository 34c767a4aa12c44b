//! The part of a workspace that somebody asks for: paths, each with everything below it.

use std::ops::Range;

use crate::git::native::index::Index;
use crate::model::path::{FilePath, ancestors};

/// Paths of which none lies below another.
pub struct Within(Vec<FilePath>);

impl Within {
    /// The same part as `paths`.
    pub fn new(paths: &[FilePath]) -> Self {
        let mut sorted = paths.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let holds = |path: &[u8]| {
            sorted
                .binary_search_by(|own| own.as_bytes().cmp(path))
                .is_ok()
        };
        let kept = sorted
            .iter()
            .filter(|path| !ancestors(path.as_bytes()).skip(1).any(holds));
        Self(kept.cloned().collect())
    }

    /// The paths.
    pub fn paths(&self) -> &[FilePath] {
        &self.0
    }

    /// Whether `path` is one of the paths or lies below one.
    pub fn holds(&self, path: &[u8]) -> bool {
        let own = |path: &[u8]| self.0.binary_search_by(|own| own.as_bytes().cmp(path));
        ancestors(path).any(|path| own(path).is_ok())
    }

    /// The entries of `index` that lie in this part of `workspace`, in order.
    pub fn entries(&self, index: &Index, workspace: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let workspace = FilePath::from_bytes(workspace);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for path in &self.0 {
            let path = workspace.join(path.as_bytes());
            ranges.push(index.find(path.as_bytes()));
            ranges.push(index.below(path.as_bytes()));
        }
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_others_are_left_out() {
        let check = |paths: &[&str], expected: &[&str]| {
            let paths: Vec<FilePath> = paths.iter().map(|path| FilePath::from(*path)).collect();
            let expected: Vec<FilePath> =
                expected.iter().map(|path| FilePath::from(*path)).collect();
            assert_eq!(Within::new(&paths).paths(), expected);
        };
        check(&["b", "a/x", "a", "a-b", "b"], &["a", "a-b", "b"]);
        check(&["a", ""], &[""]);
        check(&[], &[]);
    }

    #[test]
    fn a_path_is_held_by_what_lies_above_it() {
        let within = Within::new(&["a".into(), "b/c".into()]);
        assert!(within.holds(b"a"));
        assert!(within.holds(b"a/x"));
        assert!(within.holds(b"b/c/d"));
        assert!(!within.holds(b"b"));
        assert!(!within.holds(b"a-b"));
    }
}
