//! Where things lie: directories of files, paths as manifests write them, and lines of offsets.

use crate::model::path::{FilePath, ancestors};

/// The directory that the file at `path` lies in.
pub fn directory(path: &FilePath) -> FilePath {
    FilePath::from_bytes(ancestors(path.as_bytes()).nth(1).unwrap_or_default())
}

/// The name of the file at `path`, without its directory; empty where it is no text.
pub fn name(path: &FilePath) -> &str {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default()
}

/// The directory that everything lies in which a pattern fits: all of `written` where it is none.
pub fn before_pattern(written: &str) -> &str {
    match written.find(['*', '?', '{']) {
        Some(at) => written[..at].rsplit_once('/').map_or("", |it| it.0),
        None => written,
    }
}

/// What `written` means in `directory`. None where it leads out of the workspace, or is absolute.
pub fn resolve(directory: &FilePath, written: &str) -> Option<FilePath> {
    let written = written.replace('\\', "/");
    if written.starts_with('/') || written.contains(':') {
        return None;
    }
    directory.resolve(written.as_bytes())
}

/// The line, from 1, that the byte at `offset` of `text` stands on.
pub fn line(text: &str, offset: usize) -> u32 {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_what_they_mean_in_their_directory() {
        let check = |written: &str, expected: Option<&str>| {
            let found = resolve(&"services/cart".into(), written);
            assert_eq!(found, expected.map(FilePath::from), "{written}");
        };
        check("../../libs/common", Some("libs/common"));
        check("./src/", Some("services/cart/src"));
        check("..\\other\\x.csproj", Some("services/other/x.csproj"));
        check("../..", Some(""));
        check("../../..", None);
        check("/etc", None);
        check("C:/x", None);
        check("https://example.test/x", None);
    }

    #[test]
    fn lines_begin_at_one() {
        assert_eq!(line("a\nb\nc", 0), 1);
        assert_eq!(line("a\nb\nc", 2), 2);
        assert_eq!(line("a", 99), 1);
    }
}
