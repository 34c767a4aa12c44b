//! Symbolic links on the way to many paths, each directory looked at once.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::model::path::{FilePath, ancestors};

/// From this many paths in a directory on, listing it is quicker than asking for each of them.
const MANY: usize = 16;

/// Fewer directories than this are looked at sooner than threads are started.
const FEW: usize = 64;

/// For each of `paths` below `root` the first symbolic link among the directories above it and itself.
pub fn links<'p>(root: &Path, paths: &[&'p FilePath]) -> Vec<Option<FilePath>> {
    let mut by_parent: HashMap<&[u8], HashSet<&[u8]>> = HashMap::new();
    for path in paths {
        let mut above = ancestors(path.as_bytes()).peekable();
        while let (Some(part), Some(parent)) = (above.next(), above.peek()) {
            // Whatever is known already, so is all above it.
            if !by_parent.entry(parent).or_default().insert(part) {
                break;
            }
        }
    }
    let groups: Vec<_> = by_parent.into_iter().collect();
    let look = |(parent, parts): (&[u8], HashSet<&'p [u8]>)| match parts.len() < MANY {
        true => parts.into_iter().filter(|it| is_link(root, it)).collect(),
        false => listed(root, parent, &parts),
    };
    let links: HashSet<&[u8]> = match groups.len() < FEW {
        true => groups.into_iter().flat_map(look).collect(),
        false => groups.into_par_iter().flat_map_iter(look).collect(),
    };
    let first = |path: &&FilePath| {
        let above = ancestors(path.as_bytes()).filter(|it| links.contains(it));
        above.last().map(FilePath::from_bytes)
    };
    match links.is_empty() {
        true => vec![None; paths.len()],
        false => paths.iter().map(first).collect(),
    }
}

fn is_link(root: &Path, path: &[u8]) -> bool {
    let path = FilePath::from_bytes(path);
    root.join(path.as_path()).is_symlink()
}

/// Those of `parts`, all of them in `parent`, that are links.
fn listed<'p>(root: &Path, parent: &[u8], parts: &HashSet<&'p [u8]>) -> Vec<&'p [u8]> {
    let parent = FilePath::from_bytes(parent);
    let Ok(entries) = std::fs::read_dir(root.join(parent.as_path())) else {
        return Vec::new();
    };
    let entries = entries.filter_map(Result::ok);
    let links = entries.filter(|it| it.file_type().is_ok_and(|it| it.is_symlink()));
    let paths = links.map(|it| parent.join(it.file_name().as_encoded_bytes()));
    paths
        .filter_map(|it| parts.get(it.as_bytes()).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_first_link_on_the_way_is_found() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        std::fs::create_dir_all(root.join("a/real/deep")).unwrap();
        symlink("real", root.join("a/link")).unwrap();
        symlink("nowhere", root.join("a/broken")).unwrap();
        symlink(".", root.join("a/real/up")).unwrap();
        let check = |more: usize| {
            let more = (0..more).map(|at| (format!("a/more{at}/x"), None));
            let cases = [
                ("", None),
                ("a", None),
                ("a/real/deep/x/y", None),
                ("a/link", Some("a/link")),
                ("a/link/deep/x", Some("a/link")),
                ("a/link/up/up", Some("a/link")),
                ("a/real/up/up", Some("a/real/up")),
                ("a/broken/x", Some("a/broken")),
                ("gone/x", None),
            ];
            let cases = cases.map(|(path, link)| (path.to_owned(), link));
            let (paths, expected): (Vec<_>, Vec<_>) = cases.into_iter().chain(more).unzip();
            let paths: Vec<_> = paths.iter().map(|it| FilePath::from(it.as_str())).collect();
            let expected: Vec<_> = expected.iter().map(|it| it.map(FilePath::from)).collect();
            assert_eq!(links(root, &paths.iter().collect::<Vec<_>>()), expected);
        };
        check(0);
        check(MANY);
    }
}
