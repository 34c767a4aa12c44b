//! Paths of files in a workspace: bytes, as git has them, with `/` between their parts.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde::{Deserialize, Serialize};

/// A path relative to the workspace, without a leading or trailing `/`. The workspace itself is the empty path. Cheap to
/// clone: causes name the same file in many places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FilePath(Arc<[u8]>);

impl FilePath {
    /// Takes over bytes that follow the rule of this type.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same path for the file system, still relative.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Whether this is the workspace itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// `self/rest`.
    pub fn join(&self, rest: &[u8]) -> Self {
        match (self.0.is_empty(), rest.is_empty()) {
            (true, _) => Self(rest.into()),
            (_, true) => self.clone(),
            _ => Self([&self.0, &b"/"[..], rest].concat().into()),
        }
    }

    /// What the relative path `written`, with its `.` and `..`, means in this directory. None where it leads out of the
    /// workspace.
    pub fn resolve(&self, written: &[u8]) -> Option<Self> {
        let mut parts: Vec<&[u8]> = Vec::new();
        let of_both = self.0.split(|byte| *byte == b'/');
        for part in of_both.chain(written.split(|byte| *byte == b'/')) {
            match part {
                b"" | b"." => {}
                b".." => _ = parts.pop()?,
                part => parts.push(part),
            }
        }
        Some(Self::from_bytes(parts.join(&b'/')))
    }

    /// For people: UTF-8 as it is, control characters and other bytes percent-encoded.
    pub fn display(&self) -> String {
        display(&self.0)
    }
}

impl Default for FilePath {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl std::borrow::Borrow<[u8]> for FilePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for FilePath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.display())
    }
}

/// Every directory that holds `path`, deepest first, beginning with `path` itself and ending with the workspace (empty).
pub fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut next = Some(path);
    std::iter::from_fn(move || {
        let here = next?;
        next = match here.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => Some(&here[..slash]),
            None if here.is_empty() => None,
            None => Some(&here[..0]),
        };
        Some(here)
    })
}

/// Whether `path` is `directory` or lies below it.
pub fn is_within(path: &[u8], directory: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some(rest) => directory.is_empty() || rest.is_empty() || rest[0] == b'/',
        None => false,
    }
}

/// A path as JSON holds it: its text, and whether offending bytes had to be percent-encoded.
pub fn encoded(path: &[u8]) -> (String, bool) {
    match std::str::from_utf8(path) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (encode_invalid(path), true),
    }
}

/// A path for people. Nothing in it can move a terminal's cursor.
pub fn display(path: &[u8]) -> String {
    let (text, _) = encoded(path);
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|letter| {
                let mut buffer = [0; 4];
                let bytes = letter.encode_utf8(&mut buffer).as_bytes();
                match letter.is_control() {
                    true => percent_encode(bytes, NON_ALPHANUMERIC).to_string(),
                    false => letter.to_string(),
                }
            })
            .collect()
    } else {
        text
    }
}

fn encode_invalid(path: &[u8]) -> String {
    path.utf8_chunks()
        .map(|chunk| {
            let valid = chunk.valid().replace('%', "%25");
            let invalid = percent_encode(chunk.invalid(), NON_ALPHANUMERIC);
            format!("{valid}{invalid}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_end_at_the_workspace() {
        let all: Vec<_> = ancestors(b"a/b/c").collect();
        assert_eq!(all, [&b"a/b/c"[..], b"a/b", b"a", b""]);
    }

    #[test]
    fn a_sibling_with_the_same_start_is_not_within() {
        assert!(is_within(b"api/x", b"api"));
        assert!(is_within(b"api", b"api"));
        assert!(is_within(b"api", b""));
        assert!(!is_within(b"api2/x", b"api"));
    }

    #[test]
    fn bytes_that_are_not_text_are_encoded() {
        assert_eq!(encoded(b"a/\xff%b"), ("a/%FF%25b".into(), true));
        assert_eq!(encoded("ä b%".as_bytes()), ("ä b%".into(), false));
        assert_eq!(display(b"a\nb\x1b"), "a%0Ab%1B");
    }

    #[test]
    fn a_relative_path_never_leads_out() {
        let check = |directory: &str, written: &str, expected: Option<&str>| {
            let found = FilePath::from(directory).resolve(written.as_bytes());
            assert_eq!(found, expected.map(FilePath::from), "{directory} {written}");
        };
        check("a/b", "../c", Some("a/c"));
        check("a/b", "./c//d/.", Some("a/b/c/d"));
        check("a/b", "../..", Some(""));
        check("a/b", "../../..", None);
        check("", "../a", None);
        check("a", "../../a", None);
        check("", "a/../b", Some("b"));
    }
}
