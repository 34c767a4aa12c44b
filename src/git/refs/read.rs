//! Files of a commit, as data from outside: only plain ones, not too many, none too large.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::sync::PoisonError;

use git2::ObjectType;

use crate::git::error::Error;
use crate::git::program::Git;
use crate::git::raw::tree_entries;
use crate::git::refs::{RemoteRefs, SETTINGS, trouble};
use crate::git::remote::persist;
use crate::git::repo::oid_of;
use crate::model::change::ObjectId;
use crate::model::refs::RefsError;

/// A directory with more entries is no ledger's.
const MOST_ENTRIES: usize = 100_000;

/// The listing of so many entries is not longer, with names of some length.
const LONGEST_LISTING: u64 = MOST_ENTRIES as u64 * 320;

/// All files that are read at once together.
const LARGEST_TOTAL: usize = 1 << 28;

/// How many missing files are fetched by one command.
const FETCHED_AT_ONCE: usize = 1000;

struct Named {
    name: String,
    content: ObjectId,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Directory,
    /// A link or another repository, or what no text can name.
    Odd,
}

/// See `Refs::read`.
pub fn file(
    refs: &RemoteRefs,
    commit: ObjectId,
    path: &str,
    limit: usize,
) -> Result<Option<Vec<u8>>, RefsError> {
    let files = list(refs, commit, path.trim_matches('/'))?;
    let mut plain = files.into_iter().filter(|it| it.kind == Kind::Plain);
    let exact = plain.find(|it| it.name == path);
    let Some(found) = exact else {
        return Ok(None);
    };
    let mut contents = contents(refs, &[found], limit)?;
    Ok(contents.pop().map(|(_, content)| content))
}

/// See `Refs::read_all`.
pub fn directory(
    refs: &RemoteRefs,
    commit: ObjectId,
    path: &str,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, RefsError> {
    let path = path.trim_matches('/');
    let prefix = match path {
        "" => String::new(),
        path => format!("{path}/"),
    };
    let mut files = list(refs, commit, &prefix)?;
    files.retain_mut(|it| match it.name.strip_prefix(&prefix) {
        Some(name) if !name.is_empty() && !name.contains('/') => {
            it.name = name.to_owned();
            true
        }
        _ => false,
    });
    // Whoever leaves something out would take it for not being there.
    let is_odd = |it: &&Named| match it.kind {
        Kind::Plain => false,
        Kind::Directory => !path.is_empty(),
        Kind::Odd => true,
    };
    if let Some(odd) = files.iter().find(is_odd) {
        let name = odd.name.escape_debug();
        return Err(RefsError::Odd(format!("`{prefix}{name}` is no plain file")));
    }
    files.retain(|it| it.kind == Kind::Plain);
    contents(refs, &files, limit)
}

/// What `git ls-tree` lists for `path`.
fn list(refs: &RemoteRefs, commit: ObjectId, path: &str) -> Result<Vec<Named>, RefsError> {
    let offline = refs.git.offline();
    let output = match listing(&offline, commit, path) {
        // In a clone without trees they come when they are asked for.
        Err(RefsError::Repository(_)) if refs.is_partial => listing(&refs.git, commit, path)?,
        other => other?,
    };
    let odd = || {
        RefsError::Repository(format!(
            "{} is listed in a way that is unknown",
            commit.short()
        ))
    };
    let entries = tree_entries(&output).ok_or_else(odd)?;
    if entries.len() > MOST_ENTRIES {
        return Err(too_many(commit, path));
    }
    let named = entries.iter().map(|it| {
        let name = String::from_utf8_lossy(it.path).into_owned();
        let kind = match it.mode & 0o170_000 {
            0o100_000 if name.as_bytes() == it.path => Kind::Plain,
            0o040_000 => Kind::Directory,
            _ => Kind::Odd,
        };
        Named {
            name,
            content: it.content,
            kind,
        }
    });
    Ok(named.collect())
}

fn listing(git: &Git, commit: ObjectId, path: &str) -> Result<Vec<u8>, RefsError> {
    let id = commit.to_string();
    let mut arguments = vec!["ls-tree", "-z", "--full-tree", &id];
    if !path.is_empty() {
        arguments.extend(["--", path]);
    }
    let mut output = Vec::new();
    let read = |from: &mut dyn BufRead| {
        let mut limited = from.take(LONGEST_LISTING + 1);
        limited.read_to_end(&mut output).map_err(unread)
    };
    let length = git.read(arguments, Vec::new(), read).map_err(trouble)?;
    match length as u64 > LONGEST_LISTING {
        true => Err(too_many(commit, path)),
        false => Ok(output),
    }
}

fn too_many(commit: ObjectId, path: &str) -> RefsError {
    let commit = commit.short();
    RefsError::Repository(format!(
        "`{path}` of {commit} holds more than {MOST_ENTRIES} files, which no ledger does"
    ))
}

/// What `files` hold, in their order. Those that a partial clone lacks are fetched, all at once.
fn contents(
    refs: &RemoteRefs,
    files: &[Named],
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, RefsError> {
    let mut found = BTreeMap::new();
    quickly(refs, files, limit, &mut found);
    let left = files.iter().filter(|it| !found.contains_key(&it.content));
    let wanted: Vec<_> = left.collect();
    let missing = batch(refs, &wanted, limit, &mut found)?;
    if !missing.is_empty() {
        fetch(refs, &missing)?;
        let missing = batch(refs, &missing, limit, &mut found)?;
        if let Some(lost) = missing.first() {
            let text = format!("`{}` is missing from this clone", lost.name);
            return Err(RefsError::Repository(text));
        }
    }
    let taken = files.iter().map(|it| {
        let content = found.get(&it.content).cloned().unwrap_or_default();
        (it.name.clone(), content)
    });
    Ok(taken.collect())
}

/// Reads by the library what it finds and what is not too large; the rest, and every fault, is left to the program.
fn quickly(
    refs: &RemoteRefs,
    files: &[Named],
    limit: usize,
    found: &mut BTreeMap<ObjectId, Vec<u8>>,
) {
    let Some(library) = &refs.library else {
        return;
    };
    let library = library.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(objects) = library.odb() else {
        return;
    };
    let mut total = 0;
    for file in files {
        let Ok(id) = oid_of(file.content) else {
            return;
        };
        let header = objects.read_header(id);
        let is_fine = header.is_ok_and(|(size, kind)| kind == ObjectType::Blob && size <= limit);
        let object = is_fine.then(|| objects.read(id).ok()).flatten();
        let Some(object) = object.filter(|it| it.len() <= limit) else {
            return;
        };
        total += object.len();
        if total > LARGEST_TOTAL {
            return found.clear();
        }
        found.insert(file.content, object.data().to_vec());
    }
}

/// Reads `files` by one `git cat-file`; gives those that are not here.
fn batch<'a>(
    refs: &RemoteRefs,
    files: &[&'a Named],
    limit: usize,
    found: &mut BTreeMap<ObjectId, Vec<u8>>,
) -> Result<Vec<&'a Named>, RefsError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let input: String = files.iter().map(|it| format!("{}\n", it.content)).collect();
    let read = |from: &mut dyn BufRead| {
        let mut missing = Vec::new();
        let mut total = 0;
        for file in files {
            match next(from, file, limit)? {
                Some(content) => {
                    total += content.len();
                    found.insert(file.content, content);
                }
                None => missing.push(*file),
            }
            if total > LARGEST_TOTAL {
                return Err(Error::Corrupt(
                    "the files together are too large".to_owned(),
                ));
            }
        }
        Ok(missing)
    };
    let git = refs.git.offline();
    git.read(
        ["cat-file", "--batch", "--buffer"],
        input.into_bytes(),
        read,
    )
    .map_err(|error| match error {
        Error::Corrupt(what) => RefsError::Odd(what),
        other => trouble(other),
    })
}

/// One answer of `git cat-file --batch`. A file that is too large is known by its first line, before it is read.
fn next(from: &mut dyn BufRead, file: &Named, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut header = String::new();
    from.take(256).read_line(&mut header).map_err(unread)?;
    let words: Vec<_> = header.split_whitespace().collect();
    let size: usize = match words[..] {
        [_, "missing"] => return Ok(None),
        [_, "blob", size] => size.parse().unwrap_or(usize::MAX),
        _ => {
            let text = format!("`{}` cannot be read from the repository", file.name);
            return Err(Error::Corrupt(text));
        }
    };
    if size > limit {
        let name = &file.name;
        let text = format!("`{name}` has {size} bytes, which is more than the {limit} allowed");
        return Err(Error::Corrupt(text));
    }
    let mut content = vec![0; size + 1];
    from.read_exact(&mut content).map_err(unread)?;
    content.pop();
    Ok(Some(content))
}

fn fetch(refs: &RemoteRefs, files: &[&Named]) -> Result<(), RefsError> {
    if !refs.is_partial {
        return Ok(());
    }
    for part in files.chunks(FETCHED_AT_ONCE) {
        let ids: Vec<_> = part.iter().map(|it| it.content.to_string()).collect();
        let mut arguments = SETTINGS.to_vec();
        arguments.extend(["-c", "fetch.negotiationAlgorithm=noop"]);
        arguments.extend(["fetch", "--progress", "--no-tags", "--no-write-fetch-head"]);
        arguments.extend(["--no-recurse-submodules", "--filter=blob:none", "--refmap="]);
        arguments.extend(["--end-of-options", &refs.source]);
        arguments.extend(ids.iter().map(String::as_str));
        let done = persist(&refs.git, &arguments).map_err(trouble)?;
        done.into_output().map_err(trouble)?;
    }
    Ok(())
}

fn unread(cause: std::io::Error) -> Error {
    Error::File {
        attempt: "read what git prints".to_owned(),
        cause,
    }
}
