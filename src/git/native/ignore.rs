//! Git's ignore rules: the files that hold them, one inside another, and whether they speak of a path.

use std::path::Path;
use std::sync::Arc;

use gix_glob::pattern::Case;
use gix_glob::wildmatch::Mode;

use crate::git::error::Error;

/// The rules that hold in a directory: its own, and those of the directories above.
pub struct Ignores {
    above: Option<Arc<Ignores>>,
    /// How many bytes of a path from the root of the repository lead to the directory of the rules.
    skip: usize,
    patterns: Vec<gix_glob::Pattern>,
    case: Case,
}

impl Ignores {
    /// The rules for a whole repository: those of `excludes_file`, and stronger ones of `info_exclude`.
    ///
    /// # Errors
    /// A file that is there but cannot be read.
    pub fn of_repository(
        excludes_file: Option<&Path>,
        info_exclude: &Path,
        case: Case,
    ) -> Result<Arc<Self>, Error> {
        let weaker = excludes_file.map(read).transpose()?.unwrap_or_default();
        let bottom = Arc::new(Self {
            above: None,
            skip: 0,
            patterns: parse(&weaker),
            case,
        });
        Ok(bottom.with(&read(info_exclude)?, 0))
    }

    /// These rules and those of a file with `content`, in the directory whose files have `skip` bytes before their
    /// names.
    pub fn with(self: &Arc<Self>, content: &[u8], skip: usize) -> Arc<Self> {
        let patterns = parse(content);
        match patterns.is_empty() {
            true => Arc::clone(self),
            false => Arc::new(Self {
                above: Some(Arc::clone(self)),
                skip,
                patterns,
                case: self.case,
            }),
        }
    }

    /// Whether `path`, counted from the root of the repository, is ignored. The directories above it are not asked.
    pub fn ignore(&self, path: &[u8], is_directory: bool) -> bool {
        let mut here = Some(self);
        while let Some(rules) = here {
            let path = &path[rules.skip..];
            let name = path.iter().rposition(|byte| *byte == b'/');
            let name = name.map(|slash| slash + 1);
            let decision = rules.patterns.iter().rev().find(|pattern| {
                pattern.matches_repo_relative_path(
                    path.into(),
                    name,
                    Some(is_directory),
                    rules.case,
                    Mode::NO_MATCH_SLASH_LITERAL,
                )
            });
            if let Some(pattern) = decision {
                return !pattern.is_negative();
            }
            here = rules.above.as_deref();
        }
        false
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    match std::fs::read(path) {
        Ok(content) => Ok(content),
        Err(cause) if is_absent(&cause) => Ok(Vec::new()),
        Err(cause) => Err(Error::File {
            attempt: format!("read the ignore rules in {}", path.display()),
            cause,
        }),
    }
}

fn is_absent(cause: &std::io::Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(cause.kind(), NotFound | NotADirectory | IsADirectory)
}

/// The patterns of an ignore file, weakest first.
fn parse(content: &[u8]) -> Vec<gix_glob::Pattern> {
    if content.is_empty() {
        return Vec::new();
    }
    let content = normalize(content);
    let lines = gix_ignore::parse(&content, false);
    lines.map(|(pattern, _, _)| pattern).collect()
}

/// The content in a form that the parser reads as git does: git ends the last line itself, knows a mark of UTF-8 at the
/// beginning but none of other encodings, and does not see what follows a zero in a line.
fn normalize(content: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(content.len() + 2);
    if !content.is_ascii() && !content.starts_with(b"\xef\xbb\xbf") {
        lines.push(b'\n');
    }
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        match line.iter().position(|byte| *byte == 0) {
            Some(zero) => {
                lines.extend_from_slice(&line[..zero]);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines.push(b'\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(content: &[u8]) -> Arc<Ignores> {
        let nowhere = Path::new("/nowhere");
        let none = Ignores::of_repository(None, nowhere, Case::Sensitive).unwrap();
        none.with(content, 0)
    }

    #[test]
    fn patterns_decide_as_in_git() {
        let check = |content: &str, path: &str, is_directory, expected| {
            let ignored = rules(content.as_bytes()).ignore(path.as_bytes(), is_directory);
            assert_eq!(ignored, expected, "{content:?} {path}");
        };
        check("*.o", "a/b.o", false, true);
        check("*.o\n!b.o", "a/b.o", false, false);
        check("/b.o", "a/b.o", false, false);
        check("target/", "a/target", true, true);
        check("target/", "a/target", false, false);
        check("{a,b}", "a", false, false);
        check("{a,b}", "{a,b}", false, true);
        check("a/**/z", "a/b/c/z", false, true);
        check("a\r\n", "a", false, true);
        check("a\r", "a", false, true);
        check("a  ", "a", false, true);
        check("a\\ ", "a ", false, true);
        check("\u{feff}a", "a", false, true);
        check("a\0b", "a", false, true);
        check("#a", "#a", false, false);
        check("\\#a", "#a", false, true);
    }

    #[test]
    fn rules_of_a_directory_are_stronger_than_those_above() {
        let inner = rules(b"*.log\n/top").with(b"!keep.log\n/here", 4);
        assert!(!inner.ignore(b"sub/keep.log", false));
        assert!(inner.ignore(b"sub/other.log", false));
        assert!(inner.ignore(b"sub/here", false));
        assert!(!inner.ignore(b"sub/x/here", false));
        assert!(!inner.ignore(b"sub/top", false));
    }
}
