//! Walks over tree objects: what differs between two of them, and which files one holds.

use std::cmp::Ordering;

use crate::git::error::Error;
use crate::git::native::objects::Objects;
use crate::git::native::tree::{Side, TreeEntry, compare_names};
use crate::model::change::ObjectId;

/// Longer paths than the file system takes.
const LONGEST_PATH: usize = 4096;

/// Calls `emit` with the path of every file that differs between two trees, in order. Equal subtrees are not read.
///
/// # Errors
/// A missing object.
pub fn differences(
    objects: &Objects<'_>,
    base: Option<ObjectId>,
    head: Option<ObjectId>,
    emit: &mut impl FnMut(&[u8]),
) -> Result<(), Error> {
    let mut path = Vec::new();
    match (base, head) {
        (Some(base), Some(head)) => between(objects, base, head, &mut path, emit),
        (Some(one), None) | (None, Some(one)) => {
            files(objects, one, &mut path, &mut |path, _| emit(path))
        }
        (None, None) => Ok(()),
    }
}

/// Calls `emit` for every file below `tree`, in order; `path` is the path of the tree itself.
///
/// # Errors
/// A missing object.
pub fn files(
    objects: &Objects<'_>,
    tree: ObjectId,
    path: &mut Vec<u8>,
    emit: &mut impl FnMut(&[u8], Side),
) -> Result<(), Error> {
    let tree = objects.tree(tree)?;
    let mut entries = tree.entries()?;
    while let Some(entry) = entries.peek() {
        below(path, entry.name, |path| match entry.is_directory() {
            true => files(objects, entry.object(), path, emit),
            false => {
                emit(path, entry.side());
                Ok(())
            }
        })?;
        entries.advance()?;
    }
    Ok(())
}

/// Runs `action` with `path/name`, and leaves `path` as it was.
///
/// # Errors
/// Those of `action`, and a path so long that walking it could exhaust the stack.
pub fn below(
    path: &mut Vec<u8>,
    name: &[u8],
    action: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let length = path.len();
    if length > 0 {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    let result = match path.len() > LONGEST_PATH {
        true => Err(Error::Unsupported("a path of that length".to_owned())),
        false => action(path),
    };
    path.truncate(length);
    result
}

fn between(
    objects: &Objects<'_>,
    base: ObjectId,
    head: ObjectId,
    path: &mut Vec<u8>,
    emit: &mut impl FnMut(&[u8]),
) -> Result<(), Error> {
    if base == head {
        return Ok(());
    }
    let (base, head) = (objects.tree(base)?, objects.tree(head)?);
    let (mut base, mut head) = (base.entries()?, head.entries()?);
    loop {
        match order(base.peek(), head.peek()) {
            None => return Ok(()),
            Some((Ordering::Less, one, _)) => {
                all(objects, one, path, emit)?;
                base.advance()?;
            }
            Some((Ordering::Greater, one, _)) => {
                all(objects, one, path, emit)?;
                head.advance()?;
            }
            Some((Ordering::Equal, old, new)) => {
                if old.id != new.id || old.mode != new.mode {
                    below(path, old.name, |path| match old.is_directory() {
                        true => between(objects, old.object(), new.object(), path, emit),
                        false => {
                            emit(path);
                            Ok(())
                        }
                    })?;
                }
                base.advance()?;
                head.advance()?;
            }
        }
    }
}

/// Which of the next lines comes first; that one, and its partner where they are of the same name and kind.
fn order<'a>(
    base: Option<TreeEntry<'a>>,
    head: Option<TreeEntry<'a>>,
) -> Option<(Ordering, TreeEntry<'a>, TreeEntry<'a>)> {
    Some(match (base, head) {
        (None, None) => return None,
        (Some(old), None) => (Ordering::Less, old, old),
        (None, Some(new)) => (Ordering::Greater, new, new),
        (Some(old), Some(new)) => {
            let order = compare_names(old.name, old.is_directory(), new.name, new.is_directory());
            match order {
                Ordering::Greater => (order, new, old),
                _ => (order, old, new),
            }
        }
    })
}

fn all(
    objects: &Objects<'_>,
    entry: TreeEntry<'_>,
    path: &mut Vec<u8>,
    emit: &mut impl FnMut(&[u8]),
) -> Result<(), Error> {
    below(path, entry.name, |path| match entry.is_directory() {
        true => files(objects, entry.object(), path, &mut |path, _| emit(path)),
        false => {
            emit(path);
            Ok(())
        }
    })
}
