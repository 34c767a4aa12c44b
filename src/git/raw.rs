//! What the `git` program prints of files, taken apart. All paths are bytes, ended by NUL.

use crate::model::change::ObjectId;

/// A row of `git diff --raw -z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    pub old_mode: u32,
    pub mode: u32,
    /// All zeros where git did not compute it.
    pub content: ObjectId,
    pub kind: Kind,
    pub path: &'a [u8],
}

/// How a path differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deleted,
    /// Several versions of the path wait for somebody to merge them.
    Unmerged,
    /// Added, or different in content, mode or kind.
    Present,
}

/// The rows of `git diff --raw -z --no-abbrev --no-renames`; None if they are anything else.
pub fn differences(output: &[u8]) -> Option<Vec<Difference<'_>>> {
    let mut parts = fields(output);
    let mut rows = Vec::new();
    while let Some(head) = parts.next() {
        let head = std::str::from_utf8(head).ok()?.strip_prefix(':')?;
        let words: Vec<_> = head.split(' ').collect();
        let [old_mode, mode, _, content, status] = words[..] else {
            return None;
        };
        rows.push(Difference {
            old_mode: u32::from_str_radix(old_mode, 8).ok()?,
            mode: u32::from_str_radix(mode, 8).ok()?,
            content: ObjectId::from_hex(content)?,
            kind: match status {
                "D" => Kind::Deleted,
                "U" => Kind::Unmerged,
                "A" | "M" | "T" => Kind::Present,
                _ => return None,
            },
            path: parts.next()?,
        });
    }
    Some(rows)
}

/// A row of `git ls-tree -z`, or of `git ls-files -s -z`, which has a stage in place of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub mode: u32,
    /// 1 to 3 where the path waits to be merged; None in a tree.
    pub stage: Option<u8>,
    pub content: ObjectId,
    pub path: &'a [u8],
}

/// The rows of `git ls-tree -r -z`: `MODE TYPE ID TAB PATH`; None if they are anything else.
pub fn tree_entries(output: &[u8]) -> Option<Vec<Entry<'_>>> {
    let entry = |(words, path): ([&str; 3], _)| {
        Some(Entry {
            mode: u32::from_str_radix(words[0], 8).ok()?,
            stage: None,
            content: ObjectId::from_hex(words[2])?,
            path,
        })
    };
    fields(output)
        .map(|row| row_of(row).and_then(entry))
        .collect()
}

/// The rows of `git ls-files -s -z`: `MODE ID STAGE TAB PATH`; None if they are anything else.
pub fn index_entries(output: &[u8]) -> Option<Vec<Entry<'_>>> {
    let entry = |(words, path): ([&str; 3], _)| {
        Some(Entry {
            mode: u32::from_str_radix(words[0], 8).ok()?,
            stage: Some(words[2].parse().ok()?),
            content: ObjectId::from_hex(words[1])?,
            path,
        })
    };
    fields(output)
        .map(|row| row_of(row).and_then(entry))
        .collect()
}

fn row_of(row: &[u8]) -> Option<([&str; 3], &[u8])> {
    let tab = row.iter().position(|byte| *byte == b'\t')?;
    let words: Vec<_> = std::str::from_utf8(&row[..tab]).ok()?.split(' ').collect();
    Some((words.try_into().ok()?, &row[tab + 1..]))
}

/// The ids that `output` holds, one on each line.
pub fn ids(output: &[u8]) -> Vec<ObjectId> {
    let text = String::from_utf8_lossy(output);
    text.lines().filter_map(ObjectId::from_hex).collect()
}

/// The parts of an output in which each ends with NUL.
pub fn fields(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = output.strip_suffix(b"\0").unwrap_or(output);
    let parts = whole.split(|byte| *byte == 0);
    parts.take(if output.is_empty() { 0 } else { usize::MAX })
}

/// A path as a line of input for git: quoted where it would not be read as it is.
pub fn quoted(path: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| !matches!(byte, b'\n' | b'\r');
    if path.first() != Some(&b'"') && path.iter().all(plain) {
        return path.to_vec();
    }
    let mut text = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            b'\n' | b'\r' => text.extend(format!("\\{byte:03o}").into_bytes()),
            _ => text.push(*byte),
        }
    }
    text.push(b'"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const Z: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn differences_are_read() {
        let output = format!(":100644 100755 {A} {Z} M\0a b\0:100644 000000 {A} {Z} D\0x\ny\0");
        let rows = differences(output.as_bytes()).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].mode, rows[0].path), (0o100755, &b"a b"[..]));
        assert_eq!(rows[0].kind, Kind::Present);
        assert_eq!((rows[1].kind, rows[1].path), (Kind::Deleted, &b"x\ny"[..]));
        assert_eq!(differences(b"").unwrap(), []);
        assert_eq!(differences(b"warning: x"), None);
    }

    #[test]
    fn entries_are_read() {
        let output = format!("100644 blob {A}\ta\tb\0160000 commit {A}\tsub\0");
        let rows = tree_entries(output.as_bytes()).unwrap();
        assert_eq!((rows[0].mode, rows[0].path), (0o100644, &b"a\tb"[..]));
        assert_eq!((rows[1].mode, rows[1].path), (0o160000, &b"sub"[..]));
        let output = format!("120000 {A} 0\tl\0");
        assert_eq!(index_entries(output.as_bytes()).unwrap()[0].mode, 0o120000);
        assert_eq!(index_entries(b"fatal"), None);
    }

    #[test]
    fn lines_that_git_would_misread_are_quoted() {
        let check = |path: &[u8], expected: &[u8]| assert_eq!(quoted(path), expected);
        check(b"a b\\", b"a b\\");
        check(b"a\nb\"\\", b"\"a\\012b\\\"\\\\\"");
        check(b"\"a", b"\"\\\"a\"");
        check(b"\xff", b"\xff");
    }
}
