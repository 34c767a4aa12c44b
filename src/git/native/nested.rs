//! Repositories inside the repository: submodules, and those that git was never told of.

use std::ffi::CStr;
use std::io::Read;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::git::error::Error;
use crate::git::native::hash;
use crate::git::native::scope::Scope;
use crate::git::native::snapshot;
use crate::git::native::user::UserSettings;
use crate::git::snapshot::Snapshot;
use crate::model::change::{Head, ObjectId};
use crate::model::path::FilePath;

/// Whether git would see the directory at `path` as a repository of its own, by its `.git`.
pub fn is_repository(path: &Path) -> bool {
    let git = path.join(".git");
    match std::fs::symlink_metadata(&git) {
        Ok(metadata) if metadata.is_file() => linked(path, &git).is_none_or(|dir| is_git_dir(&dir)),
        Ok(_) => is_git_dir(&git),
        Err(_) => false,
    }
}

/// The content of a file right in `directory`; none if it is no regular file.
///
/// # Errors
/// Those of the system.
pub fn read_file(directory: &OwnedFd, name: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Ok(file) => std::fs::File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let failed = |cause: std::io::Error| Errno::from_io_error(&cause).unwrap_or(Errno::IO);
    if !file.metadata().map_err(failed)?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    (&file).read_to_end(&mut content).map_err(failed)?;
    Ok(Some(content))
}

/// The git directory that a `.git` file names. None if the file cannot be read: git then takes it for a repository.
fn linked(path: &Path, git: &Path) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let content = std::fs::read(git).ok()?;
    let named = content.strip_prefix(b"gitdir: ").unwrap_or_default();
    let end = named
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'));
    let named = end.map_or(&b""[..], |end| &named[..=end]);
    Some(path.join(Path::new(std::ffi::OsStr::from_bytes(named))))
}

fn is_git_dir(path: &Path) -> bool {
    let common = std::fs::read_to_string(path.join("commondir"))
        .map_or_else(|_| path.to_owned(), |common| path.join(common.trim_end()));
    has_head(path) && common.join("objects").is_dir() && common.join("refs").is_dir()
}

fn has_head(path: &Path) -> bool {
    let head = path.join("HEAD");
    if let Ok(target) = std::fs::read_link(&head) {
        return target.starts_with("refs");
    }
    let Ok(content) = std::fs::read(&head) else {
        return false;
    };
    match content.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        None => content.len() >= 40 && content[..40].iter().all(u8::is_ascii_hexdigit),
    }
}

/// What stands for the repository at `path` in the one around it: the commit that is checked out, as git has it. With
/// uncommitted work in it (as `git status` sees it), an id made of the commit and of that work, so that no two states of
/// the repository look the same. A submodule that is not checked out is as `recorded`.
///
/// # Errors
/// A repository that cannot be read.
pub fn identity(
    path: &Path,
    recorded: Option<ObjectId>,
    id_length: usize,
    user: &UserSettings,
) -> Result<ObjectId, Error> {
    if let Some(recorded) = recorded
        && !is_repository(path)
    {
        return Ok(recorded);
    }
    let failed = |cause: git2::Error| {
        let path = path.display();
        Error::Unsupported(format!("the repository in {path} ({cause})"))
    };
    let repo = git2::Repository::open(path).map_err(failed)?;
    let commit = match repo.head().and_then(|head| head.peel_to_commit()) {
        Ok(commit) => ObjectId::from_bytes(commit.id().as_bytes()),
        Err(cause) if cause.code() == git2::ErrorCode::UnbornBranch => None,
        Err(cause) => return Err(failed(cause)),
    };
    let user = user.clone();
    let scope = Scope {
        user,
        ..Scope::of(&repo)?
    };
    // A repository that names another working tree as its own could lead around in a circle.
    if scope.work_tree.canonicalize().ok() != path.canonicalize().ok() {
        let path = path.display();
        return Err(Error::Unsupported(format!("the repository in {path}")));
    }
    let nothing = hash::blob(b"", id_length);
    let converted = |_: &[FilePath]| {
        let path = path.display();
        Err(Error::Unsupported(format!("a filter in {path}")))
    };
    let snapshot = snapshot::open(&repo, scope, Head::WorkTree(commit), Box::new(converted))?;
    let changed = snapshot.changed_since(commit)?;
    match commit {
        Some(commit) if changed.is_empty() => Ok(commit),
        _ => {
            let work = snapshot.files(&changed)?.describe(&changed);
            let commit = commit.unwrap_or(nothing);
            Ok(hash::blob(&[commit.as_bytes(), &work].concat(), id_length))
        }
    }
}
