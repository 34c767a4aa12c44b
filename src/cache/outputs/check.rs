//! Whether a result may be put in place at all. A store may be shared, so what it says is not believed.

use crate::cache::outputs::sight::is_reserved;
use crate::model::outputs::{Output, OutputEntry, OutputTree};
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;

/// The first path of `tree` that leaves the declared outputs, or cannot be made.
pub(crate) fn strayed(tree: &OutputTree, patterns: &[Pattern]) -> Option<FilePath> {
    let entries = tree.entries();
    let unsorted = entries
        .windows(2)
        .find(|pair| pair[0].path >= pair[1].path)
        .map(|pair| &pair[1]);
    let strays = |entry: &&OutputEntry| {
        !is_plain(entry.path.as_bytes())
            || !is_possible(&entry.output)
            || !is_matched(entry.path.as_bytes(), patterns)
            || !has_room(&entry.path, tree, patterns)
    };
    let stray = unsorted.or_else(|| entries.iter().find(strays));
    stray.map(|it| it.path.clone())
}

/// Whether it is a path below the workspace, and not one of git's or ours.
fn is_plain(path: &[u8]) -> bool {
    let is_odd =
        |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.contains(&0) || is_reserved(part);
    !path.split(|byte| *byte == b'/').any(is_odd)
}

fn is_possible(output: &Output) -> bool {
    match output {
        Output::Directory { mode } | Output::File { mode, .. } => *mode <= 0o7777,
        Output::Link { target } => !target.is_empty() && !target.contains(&0),
    }
}

fn is_matched(path: &[u8], patterns: &[Pattern]) -> bool {
    patterns.iter().any(|it| it.matches(path))
}

/// Whether everything above `path` is a directory, and is in the tree if it is an output.
fn has_room(path: &FilePath, tree: &OutputTree, patterns: &[Pattern]) -> bool {
    let above = ancestors(path.as_bytes()).skip(1);
    for directory in above.filter(|it| !it.is_empty()) {
        match tree.find(directory) {
            // What is above that one was looked at when it was its turn.
            Some(Output::Directory { .. }) => return true,
            Some(_) => return false,
            None if is_matched(directory, patterns) => return false,
            None => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_outputs_are_found() {
        let patterns = ["dist", "lib/**", "x/*.so"];
        let patterns = patterns.map(|it| Pattern::new(it, &"s".into()).unwrap());
        let entry = |path: &str| {
            let output = match path.strip_suffix('/') {
                Some(_) => Output::Directory { mode: 0o755 },
                None => Output::Link {
                    target: b"t".into(),
                },
            };
            OutputEntry {
                path: path.trim_end_matches('/').into(),
                output,
            }
        };
        let check = |paths: &[&str], expected: Option<&str>| {
            let tree = OutputTree::new(paths.iter().map(|it| entry(it)).collect());
            let stray = strayed(&tree, &patterns);
            assert_eq!(stray, expected.map(FilePath::from), "{paths:?}");
        };
        check(&[], None);
        check(
            &["s/dist/", "s/dist/a", "s/lib/a/", "s/lib/a/b", "s/x/y.so"],
            None,
        );
        check(&["s/dist"], None);
        check(&["s/dist/a"], Some("s/dist/a"));
        check(&["s/lib/a/b"], Some("s/lib/a/b"));
        check(&["s/dist", "s/dist/a"], Some("s/dist/a"));
        check(&["s/dist", "s/dist-2", "s/dist/a"], Some("s/dist-2"));
        check(&["s/lib"], Some("s/lib"));
        check(&["s/main.rs"], Some("s/main.rs"));
        check(&["s/x/y/z.so"], Some("s/x/y/z.so"));
        check(&["s/dist/", "s/dist/../../x"], Some("s/dist/../../x"));
        check(&["s/dist/", "s/dist/./x"], Some("s/dist/./x"));
        check(&["s/dist/", "s/dist//x"], Some("s/dist//x"));
        check(&["/s/dist"], Some("/s/dist"));
        check(&["s/dist/", "s/dist/.git"], Some("s/dist/.git"));
        check(
            &["s/dist/", "s/dist/.GIT/", "s/dist/.GIT/x"],
            Some("s/dist/.GIT"),
        );
        check(&["s/dist/", "s/dist/a\0b"], Some("s/dist/a\0b"));
        let ours = "s/dist/.svc-0123456789abcdef";
        check(&["s/dist/", ours], Some(ours));
    }

    #[test]
    fn trees_that_svc_does_not_make_are_found() {
        let patterns = [Pattern::new("dist", &FilePath::default()).unwrap()];
        let directory = |mode| OutputEntry {
            path: "dist".into(),
            output: Output::Directory { mode },
        };
        let strays = |entries: &Vec<OutputEntry>| {
            // As it comes from a store: not sorted again.
            let bytes = postcard::to_allocvec(entries).unwrap();
            let tree: OutputTree = postcard::from_bytes(&bytes).unwrap();
            strayed(&tree, &patterns).is_some()
        };
        assert!(!strays(&vec![directory(0o7777)]));
        assert!(strays(&vec![directory(0o10000)]));
        assert!(strays(&vec![directory(0o755), directory(0o755)]));
    }
}
