//! Files of a commit, as data from outside: only plain ones, not too many, none too large.

use std::io::{BufRead, Read};

use crate::git::error::Error;
use crate::git::program::Git;
use crate::git::raw::tree_entries;
use crate::git::refs::{RemoteRefs, SETTINGS, trouble};
use crate::git::remote::persist;
use crate::model::change::ObjectId;
use crate::model::refs::RefsError;

/// A directory with more entries is no ledger's.
pub const MOST_ENTRIES: usize = 100_000;

/// The listing of so many entries is not longer, with names of some length.
pub const LONGEST_LISTING: u64 = MOST_ENTRIES as u64 * 320;

/// All files that are read at once together.
pub const LARGEST_TOTAL: usize = 1 << 28;

/// How many missing files are fetched by one command.
const FETCHED_AT_ONCE: usize = 1000;

/// What a commit has at a name.
pub struct Named {
    pub name: String,
    pub content: ObjectId,
    pub kind: Kind,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Directory,
    /// A link or another repository, or what no text can name.
    Odd,
}

impl Named {
    /// What lies at `name` below `above`.
    pub fn new(above: &str, name: &[u8], mode: u32, content: ObjectId) -> Self {
        let text = String::from_utf8_lossy(name);
        Self {
            kind: match mode & 0o170_000 {
                0o100_000 if text.as_bytes() == name => Kind::Plain,
                0o040_000 => Kind::Directory,
                _ => Kind::Odd,
            },
            name: format!("{above}{text}"),
            content,
        }
    }
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
    let mut contents = contents(refs, vec![found], limit)?;
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
    contents(refs, files, limit)
}

/// What `git ls-tree` lists for `path`.
fn list(refs: &RemoteRefs, commit: ObjectId, path: &str) -> Result<Vec<Named>, RefsError> {
    let quickly = refs.library.as_ref().and_then(|it| it.list(commit, path));
    match quickly {
        Some(files) => Ok(files),
        None => list_by_program(refs, commit, path),
    }
}

fn list_by_program(
    refs: &RemoteRefs,
    commit: ObjectId,
    path: &str,
) -> Result<Vec<Named>, RefsError> {
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
    let named = entries
        .iter()
        .map(|it| Named::new("", it.path, it.mode, it.content));
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
    files: Vec<Named>,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, RefsError> {
    let mut found = match &refs.library {
        Some(library) => library.contents(&files, limit),
        None => vec![None; files.len()],
    };
    let left = (0..files.len()).filter(|at| found[*at].is_none()).collect();
    let missing = batch(refs, &files, left, limit, &mut found)?;
    if !missing.is_empty() {
        fetch(refs, &files, &missing)?;
        let missing = batch(refs, &files, missing, limit, &mut found)?;
        if let Some(lost) = missing.first() {
            let text = format!("`{}` is missing from this clone", files[*lost].name);
            return Err(RefsError::Repository(text));
        }
    }
    let taken = files.into_iter().zip(found);
    Ok(taken
        .map(|(file, content)| (file.name, content.unwrap_or_default()))
        .collect())
}

/// Reads those of `files` that are `wanted` by one `git cat-file`; gives those that are not here.
fn batch(
    refs: &RemoteRefs,
    files: &[Named],
    wanted: Vec<usize>,
    limit: usize,
    found: &mut [Option<Vec<u8>>],
) -> Result<Vec<usize>, RefsError> {
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let ids = wanted.iter().map(|at| format!("{}\n", files[*at].content));
    let input: String = ids.collect();
    let mut total: usize = found.iter().flatten().map(Vec::len).sum();
    let read = |from: &mut dyn BufRead| {
        let mut missing = Vec::new();
        for at in wanted {
            match next(from, &files[at], limit)? {
                Some(content) => {
                    total += content.len();
                    found[at] = Some(content);
                }
                None => missing.push(at),
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

fn fetch(refs: &RemoteRefs, files: &[Named], missing: &[usize]) -> Result<(), RefsError> {
    if !refs.is_partial {
        return Ok(());
    }
    for part in missing.chunks(FETCHED_AT_ONCE) {
        let ids: Vec<_> = part
            .iter()
            .map(|at| files[*at].content.to_string())
            .collect();
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
