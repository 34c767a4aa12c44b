//! A commit in a directory of its own, for as long as it is needed.
//!
//! The files lie in the directory for temporary files, not below the git directory: there, tools that look for settings in the
//! directories above would find those of the working tree, and many leave out whatever lies in a `.git`. A note below the
//! git directory, locked while its process lives, says where they are, so that the next checkout clears up after a
//! process that was killed.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::git::error::Error;
use crate::git::fetch::{Fetched, ensure};
use crate::git::finished::Finished;
use crate::git::program::{Fetch, Git};
use crate::git::repo::Repo;
use crate::git::submodules;
use crate::model::change::ObjectId;

/// What the directories of checkouts are called, so that nothing else is ever removed.
const PREFIX: &str = "svc-checkout-";

/// A temporary checkout; dropping it removes it.
#[derive(Debug)]
pub struct Checkout {
    root: PathBuf,
    place: Option<Place>,
    git: Git,
}

/// Where a checkout is, and the note that says so.
#[derive(Debug)]
struct Place {
    directory: TempDir,
    tree: PathBuf,
    note: PathBuf,
    /// Held as long as the process lives.
    _lock: File,
}

impl Checkout {
    /// The files of `commit`, which is fetched if it is missing.
    ///
    /// # Errors
    /// The commit is nowhere, or its files cannot be written.
    pub fn of(repo: &Repo, commit: ObjectId) -> Result<Self, Error> {
        let id = commit.to_string();
        if let Fetched::Missing(reason) = ensure(repo, &id, repo.fetch(), &mut |_| {})? {
            return Err(Error::Corrupt(reason));
        }
        let notes = repo.common_dir().join("svc").join("checkouts");
        fs::create_dir_all(&notes).map_err(fault("make", &notes))?;
        clear_up(repo.git(), &notes);
        let place = reserve(repo, &notes)?;
        let tree = place.tree.clone();
        let checkout = Self {
            root: tree.join(repo.scope().as_path()),
            place: Some(place),
            git: repo.git().clone(),
        };
        fill(repo, &tree, &id)?;
        Ok(checkout)
    }

    /// The workspace in it.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            remove(&self.git, &place.tree);
            let _ = fs::remove_dir_all(place.directory.path());
            // The note goes last: what is left is found by it.
            if !place.directory.path().exists() {
                let _ = fs::remove_file(&place.note);
            }
        }
    }
}

/// A new directory, and a locked note of it.
fn reserve(repo: &Repo, notes: &Path) -> Result<Place, Error> {
    let temporary = repo.git().variable("TMPDIR").map(PathBuf::from);
    let temporary = temporary.filter(|it| it.is_absolute());
    let temporary = temporary.unwrap_or_else(|| PathBuf::from("/tmp"));
    let directory = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(temporary.canonicalize().unwrap_or(temporary.clone()))
        .map_err(fault("make a directory in", &temporary))?;
    // Some tools name things after the directory that they are started in.
    let name = repo.work_tree().and_then(Path::file_name);
    let tree = directory.path().join(name.unwrap_or("checkout".as_ref()));
    loop {
        let (mut lock, note) = tempfile::NamedTempFile::new_in(notes)
            .and_then(|it| it.keep().map_err(|it| it.error))
            .map_err(fault("write a note in", notes))?;
        lock.lock().map_err(fault("lock", &note))?;
        // Somebody who clears up may have taken it for a dead one's before it was locked.
        if lock.metadata().map_err(fault("read", &note))?.nlink() == 0 {
            continue;
        }
        lock.write_all(tree.as_os_str().as_bytes())
            .map_err(fault("write", &note))?;
        return Ok(Place {
            directory,
            tree,
            note,
            _lock: lock,
        });
    }
}

/// Removes what killed processes left.
fn clear_up(git: &Git, notes: &Path) {
    let entries = fs::read_dir(notes).into_iter().flatten().flatten();
    for note in entries.map(|it| it.path()) {
        let Ok(lock) = File::open(&note) else {
            continue;
        };
        if lock.try_lock().is_err() {
            continue;
        }
        let tree = PathBuf::from(std::ffi::OsString::from_vec(
            fs::read(&note).unwrap_or_default(),
        ));
        if let Some(directory) = tree.parent().filter(|it| is_ours(it)) {
            remove(git, &tree);
            let _ = fs::remove_dir_all(directory);
            if directory.exists() {
                continue;
            }
        }
        let _ = fs::remove_file(&note);
    }
}

fn is_ours(directory: &Path) -> bool {
    let name = directory.file_name().map(OsStrExt::as_bytes);
    directory.is_absolute() && name.is_some_and(|name| name.starts_with(PREFIX.as_bytes()))
}

/// Lets git forget the worktree `tree` and remove its files.
fn remove(git: &Git, tree: &Path) {
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    arguments.extend(NO_HOOKS.iter().map(Into::into));
    arguments.extend(["worktree", "remove", "--force", "--force", "--"].map(Into::into));
    arguments.push(tree.into());
    let _ = git.run(arguments);
}

/// Hooks would begin anew in a checkout of ours.
pub const NO_HOOKS: &[&str] = &["-c", "core.hooksPath=/dev/null"];

/// Checks `commit` out into `tree`, in full even where the working tree is sparse.
fn fill(repo: &Repo, tree: &Path, commit: &str) -> Result<(), Error> {
    let add = [
        "worktree",
        "add",
        "--detach",
        "--no-checkout",
        "--quiet",
        "--",
    ];
    let mut arguments: Vec<std::ffi::OsString> = NO_HOOKS.iter().map(Into::into).collect();
    arguments.extend(add.map(Into::into));
    arguments.extend([tree.into(), commit.into()]);
    repo.git().output(arguments)?;
    let mut git = repo.git().patient();
    git.forget_repository();
    git.move_to(tree);
    if repo.fetch() == Fetch::Forbidden {
        git = git.offline();
    }
    let plain = "-c core.sparseCheckout=false -c index.sparse=false -c core.splitIndex=false \
                 -c core.fsmonitor=false -c submodule.recurse=false";
    let checkout = [
        "checkout",
        "--progress",
        "--force",
        "--detach",
        commit,
        "--",
    ];
    let arguments = NO_HOOKS.iter().copied().chain(plain.split_whitespace());
    git.talk(arguments.chain(checkout))
        .and_then(Finished::into_output)?;
    match tree.join(".gitmodules").is_file() {
        true => submodules::fill(repo, &git),
        false => Ok(()),
    }
}

fn fault<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Error + 'a {
    move |cause| Error::File {
        attempt: format!("{what} `{}`", path.display()),
        cause,
    }
}
