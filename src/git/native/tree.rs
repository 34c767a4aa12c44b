//! Tree objects as bytes: reading them, and the order in which git sorts names.

use std::cmp::Ordering;

use crate::git::error::Error;
use crate::model::change::ObjectId;

pub const DIRECTORY: u32 = 0o040000;
pub const FILE: u32 = 0o100644;
pub const PROGRAM: u32 = 0o100755;
pub const LINK: u32 = 0o120000;
pub const SUBMODULE: u32 = 0o160000;

/// What a path holds in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    pub mode: u32,
    pub id: ObjectId,
}

/// One line of a tree object.
#[derive(Clone, Copy, Debug)]
pub struct TreeEntry<'a> {
    pub mode: u32,
    pub name: &'a [u8],
    /// The id, as long as the ids of the repository are.
    pub id: &'a [u8],
}

impl TreeEntry<'_> {
    pub fn is_directory(&self) -> bool {
        self.mode == DIRECTORY
    }

    /// The id as a value.
    pub fn object(&self) -> ObjectId {
        ObjectId::from_bytes(self.id).expect("the parser cuts ids of 20 or 32 bytes")
    }

    pub fn side(&self) -> Side {
        Side {
            mode: self.mode,
            id: self.object(),
        }
    }
}

/// The lines of a tree object, with a look at the next one.
pub struct TreeEntries<'a> {
    rest: &'a [u8],
    id_length: usize,
    next: Option<TreeEntry<'a>>,
}

impl<'a> TreeEntries<'a> {
    /// Starts reading `bytes`, the content of a tree object with ids of `id_length` bytes.
    ///
    /// # Errors
    /// Bytes that are no tree.
    pub fn new(bytes: &'a [u8], id_length: usize) -> Result<Self, Error> {
        let mut entries = Self {
            rest: bytes,
            id_length,
            next: None,
        };
        entries.advance()?;
        Ok(entries)
    }

    /// The next line, without taking it.
    pub fn peek(&self) -> Option<TreeEntry<'a>> {
        self.next
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// A line that cannot be read, or out of order: a walk that relies on the order would miss something.
    pub fn advance(&mut self) -> Result<(), Error> {
        if self.rest.is_empty() {
            self.next = None;
            return Ok(());
        }
        let (entry, rest) = parse(self.rest, self.id_length)
            .ok_or_else(|| Error::Corrupt("a tree object cannot be read".to_owned()))?;
        if let Some(before) = self.next
            && order(&before, &entry) != Ordering::Less
        {
            return Err(Error::Corrupt("a tree object is not sorted".to_owned()));
        }
        self.rest = rest;
        self.next = Some(entry);
        Ok(())
    }
}

/// The order of names in trees and in the index: a directory sorts as if its name ended with `/`.
pub fn compare_names(
    left: &[u8],
    left_is_directory: bool,
    right: &[u8],
    right_is_directory: bool,
) -> Ordering {
    let common = left.len().min(right.len());
    left[..common].cmp(&right[..common]).then_with(|| {
        let end = |name: &[u8], is_directory| match name.get(common) {
            Some(byte) => u16::from(*byte) + 1,
            None if is_directory => u16::from(b'/') + 1,
            None => 0,
        };
        end(left, left_is_directory).cmp(&end(right, right_is_directory))
    })
}

fn order(left: &TreeEntry<'_>, right: &TreeEntry<'_>) -> Ordering {
    compare_names(
        left.name,
        left.is_directory(),
        right.name,
        right.is_directory(),
    )
}

fn parse(bytes: &[u8], id_length: usize) -> Option<(TreeEntry<'_>, &[u8])> {
    let mut mode = 0_u32;
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            digit @ b'0'..=b'7' if at < 7 => mode = mode * 8 + u32::from(digit - b'0'),
            b' ' => break,
            _ => return None,
        }
        at += 1;
    }
    let name = &bytes[at + 1..];
    let end = name.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&name[..end], &name[end + 1..]);
    let (id, rest) = rest.split_at_checked(id_length)?;
    let mode = canonical(mode)?;
    (!name.is_empty() && !name.contains(&b'/')).then_some((TreeEntry { mode, name, id }, rest))
}

/// The mode as git sees it: old repositories hold group bits.
fn canonical(mode: u32) -> Option<u32> {
    match mode & 0o170000 {
        0o100000 if mode & 0o100 != 0 => Some(PROGRAM),
        0o100000 => Some(FILE),
        0o120000 => Some(LINK),
        0o040000 => Some(DIRECTORY),
        0o160000 => Some(SUBMODULE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> Result<Vec<String>, Error> {
        let mut entries = TreeEntries::new(bytes, 20)?;
        let mut found = Vec::new();
        while let Some(entry) = entries.peek() {
            let name = String::from_utf8_lossy(entry.name);
            found.push(format!("{:o} {name}", entry.mode));
            entries.advance()?;
        }
        Ok(found)
    }

    fn line(mode: &str, name: &str) -> Vec<u8> {
        [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &[7; 20]].concat()
    }

    #[test]
    fn lines_are_read_in_order() {
        let tree = [
            line("100664", "a"),
            line("100644", "b.c"),
            line("40000", "b"),
            line("120000", "d"),
        ]
        .concat();
        assert_eq!(
            names(&tree).unwrap(),
            ["100644 a", "100644 b.c", "40000 b", "120000 d"]
        );
        assert!(names(b"").unwrap().is_empty());
    }

    #[test]
    fn bytes_that_are_no_tree_are_refused() {
        let good = line("100644", "a");
        for cut in 1..good.len() {
            assert!(names(&good[..cut]).is_err(), "{cut}");
        }
        assert!(names(&[line("100644", "b"), line("100644", "a")].concat()).is_err());
        assert!(names(&[line("100644", "a"), line("100644", "a")].concat()).is_err());
        assert!(names(&line("100644", "a/b")).is_err());
        assert!(names(&line("100644", "")).is_err());
        assert!(names(&line("777777777777", "a")).is_err());
        assert!(names(&line("10644", "a")).is_err());
    }

    #[test]
    fn a_directory_sorts_with_a_slash() {
        assert_eq!(compare_names(b"a", true, b"a.b", false), Ordering::Greater);
        assert_eq!(compare_names(b"a", false, b"a.b", false), Ordering::Less);
        assert_eq!(compare_names(b"a", true, b"a", false), Ordering::Greater);
        assert_eq!(compare_names(b"a", true, b"a0", false), Ordering::Less);
        assert_eq!(compare_names(b"a", true, b"a", true), Ordering::Equal);
    }
}
