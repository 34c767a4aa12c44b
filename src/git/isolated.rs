//! A checkout of exactly what would be committed, or of a commit, beside the working tree.
//!
//! It is kept between uses, with whatever git ignores in it, so that only files that differ are written again and tools find
//! what they made before. It is a worktree of the repository that git does not list: its git directory lies beside its files,
//! in a directory that the caller chooses. That is not below the repository's own: there, tools that look for settings in the
//! directories above would find those of the working tree, and some take no file whose path holds a `.git`.
//!
//! Each working tree has one such checkout. Whoever finds it in use makes another one, which goes with its user.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::git::error::Error;
use crate::git::finished::Finished;
use crate::git::program::{Fetch, Git};
use crate::git::repo::Repo;
use crate::git::submodules;
use crate::model::change::Head;
use crate::model::digest::Digester;

/// What the names of checkouts begin with that go with their users.
const TEMPORARY: &str = "temporary-";
/// Behind the name of a checkout: the file that its user has locked.
const LOCK: &str = "lock";
/// Below a checkout: its git directory.
const GIT: &str = "git";
/// Below a checkout: the git directory of the working tree that it belongs to.
const OWNER: &str = "owner";
/// Git says nothing while it writes files, however many there are.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// A checkout that nobody used for so long is removed.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A checkout, in use as long as this value lives.
#[derive(Debug)]
pub struct Isolated {
    root: PathBuf,
    place: Place,
}

impl Isolated {
    /// The files of `head`, the index or a commit, in a checkout below `directory`.
    ///
    /// # Errors
    /// An index with conflicts, a commit that is missing, or files that cannot be written.
    pub fn of(repo: &Repo, directory: &Path, head: Head) -> Result<Self, Error> {
        // What lies here is as private as the working tree may be.
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory);
        made.map_err(fault("make", directory))?;
        let owner = repo.git_dir().as_os_str().as_bytes();
        let name = Digester::new("isolated").part("owner", owner).finish();
        let name = &name.as_str()[..16];
        sweep(directory, Some(name));
        let place = match hold(directory, name)? {
            Some(lock) => Place::new(directory, name, lock, Lifetime::Kept),
            None => temporary(directory)?,
        };
        let tree = place.tree(repo);
        place.fill(repo, &tree, head)?;
        Ok(Self {
            root: match repo.scope().is_root() {
                true => tree,
                false => tree.join(repo.scope().as_path()),
            },
            place,
        })
    }

    /// The workspace in it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether another process had the one that is kept.
    pub fn is_temporary(&self) -> bool {
        self.place.lifetime == Lifetime::Temporary
    }
}

/// Removes every checkout below `directory` that nobody uses; with `repo` only that of its working tree. Gives how many.
pub fn remove(directory: &Path, repo: Option<&Repo>) -> usize {
    let is_meant = |name: &str| {
        let owner = fs::read(directory.join(name).join(OWNER)).unwrap_or_default();
        repo.is_none_or(|it| owner == it.git_dir().as_os_str().as_bytes())
    };
    let names = names(directory).into_iter();
    let removed = names.filter(|name| is_meant(name) && remove_unused(directory, name));
    removed.count()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    Kept,
    Temporary,
}

/// Where a checkout lies.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    lifetime: Lifetime,
    lock_file: PathBuf,
    /// Held as long as it is used.
    _lock: File,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.lifetime == Lifetime::Temporary {
            let _ = fs::remove_dir_all(&self.directory);
            let _ = fs::remove_file(&self.lock_file);
        }
    }
}

impl Place {
    fn new(directory: &Path, name: &str, lock: File, lifetime: Lifetime) -> Self {
        Self {
            directory: directory.join(name),
            lifetime,
            lock_file: lock_file(directory, name),
            _lock: lock,
        }
    }

    /// Its files. Some tools name things after the directory that they are started in.
    fn tree(&self, repo: &Repo) -> PathBuf {
        let name = repo.work_tree().and_then(Path::file_name);
        // Two names beside it are taken.
        match name.filter(|it| *it != GIT && *it != OWNER) {
            Some(name) => self.directory.join(name),
            None => self.directory.join("checkout"),
        }
    }

    /// Makes the files those of `head`.
    fn fill(&self, repo: &Repo, tree: &Path, head: Head) -> Result<(), Error> {
        let git_dir = self.set_up(repo, tree)?;
        let wanted = match head {
            Head::Commit(Some(commit)) => format!("{commit}^{{tree}}"),
            Head::Commit(None) => empty_tree(repo)?,
            Head::Index(_) | Head::WorkTree(_) => tree_of_index(repo, &git_dir)?,
        };
        if self.check_out(repo, tree, head, &wanted).is_ok() {
            return Ok(());
        }
        // Whatever git stumbles over here is made anew: first what it knows of the files, then the files.
        let _ = fs::remove_file(git_dir.join("index"));
        if self.check_out(repo, tree, head, &wanted).is_ok() {
            return Ok(());
        }
        fs::remove_dir_all(&self.directory).map_err(fault("remove", &self.directory))?;
        self.check_out(repo, tree, head, &wanted)
    }

    fn check_out(&self, repo: &Repo, tree: &Path, head: Head, wanted: &str) -> Result<(), Error> {
        let git_dir = self.set_up(repo, tree)?;
        let mut git = repo.git().clone();
        git.set_patience(PATIENCE);
        git.forget_repository();
        git.move_to(tree);
        if repo.fetch() == Fetch::Forbidden {
            git = git.offline();
        }
        let by_directory = git.clone();
        git.set("GIT_DIR", &git_dir);
        git.set("GIT_WORK_TREE", tree);
        point_head(repo, &git, &git_dir, head)?;
        run(&git, &["read-tree", "--reset", "-u", wanted])?;
        // Nothing but what git ignores may lie beside the files of the tree.
        run(&git, &["clean", "-ffdq"])?;
        match tree.join(".gitmodules").is_file() {
            true => submodules::fill(repo, &by_directory),
            false => Ok(()),
        }
    }

    /// Makes what git needs to see a worktree here, as far as it is missing. Gives its git directory.
    fn set_up(&self, repo: &Repo, tree: &Path) -> Result<PathBuf, Error> {
        let git_dir = self.directory.join(GIT);
        for directory in [&git_dir, tree] {
            fs::create_dir_all(directory).map_err(fault("make", directory))?;
        }
        let line = |path: &Path| [path.as_os_str().as_bytes(), b"\n"].concat();
        let link = tree.join(".git");
        let to_link = [b"gitdir: ".as_slice(), &line(&git_dir)].concat();
        let owner = repo.git_dir().as_os_str().as_bytes().to_vec();
        put(&self.directory.join(OWNER), &owner)?;
        put(&git_dir.join("commondir"), &line(repo.common_dir()))?;
        put(&git_dir.join("gitdir"), &line(&link))?;
        put(&link, &to_link)?;
        // Nobody else is here: these are of processes that were killed.
        for left in ["index.lock", "HEAD.lock", "wanted.lock"] {
            let _ = fs::remove_file(git_dir.join(left));
        }
        Ok(git_dir)
    }
}

/// Lets the checkout's HEAD be what the working tree's is, or the commit that is checked out.
fn point_head(repo: &Repo, git: &Git, git_dir: &Path, head: Head) -> Result<(), Error> {
    let file = git_dir.join("HEAD");
    let has_tables = repo.common_dir().join("reftable").is_dir();
    if has_tables {
        let tables = git_dir.join("reftable");
        fs::create_dir_all(&tables).map_err(fault("make", &tables))?;
        put(&file, b"ref: refs/heads/.invalid\n")?;
        let Some(commit) = head.commit() else {
            let branch = repo.head_branch()?.unwrap_or_else(|| "main".to_owned());
            let branch = format!("refs/heads/{branch}");
            return run(git, &["symbolic-ref", "HEAD", &branch]);
        };
        return run(
            git,
            &["update-ref", "--no-deref", "HEAD", &commit.to_string()],
        );
    }
    match (head.commit(), repo.head_branch()?) {
        (Some(commit), _) => put(&file, format!("{commit}\n").as_bytes()),
        (None, Some(branch)) => put(&file, format!("ref: refs/heads/{branch}\n").as_bytes()),
        (None, None) => put(&file, b"ref: refs/heads/main\n"),
    }
}

/// The tree that `git commit` would make of the index, which is left alone: git writes to a copy.
fn tree_of_index(repo: &Repo, git_dir: &Path) -> Result<String, Error> {
    let copy = git_dir.join("wanted");
    match fs::copy(repo.index_file(), &copy) {
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return empty_tree(repo),
        Err(cause) => return Err(fault("copy", repo.index_file())(cause)),
    }
    let mut git = repo.git().clone();
    git.set("GIT_INDEX_FILE", &copy);
    let written = git.run(settings().chain(["write-tree", "--missing-ok"]));
    let _ = fs::remove_file(&copy);
    let written = written?;
    if !written.status.success() && written.message.contains("unmerged") {
        let first = written.message.lines().next().unwrap_or_default().trim();
        return Err(Error::Corrupt(format!("the index has conflicts: {first}")));
    }
    let text = String::from_utf8_lossy(&written.into_output()?).into_owned();
    Ok(text.trim_end().to_owned())
}

fn empty_tree(repo: &Repo) -> Result<String, Error> {
    let arguments = ["hash-object", "-t", "tree", "-w", "--stdin"];
    let output = repo.git().output_for(arguments, Vec::new())?;
    Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
}

/// What may be set for the working tree and is not meant for a checkout in full, and hooks, which would begin anew here.
fn settings() -> impl Iterator<Item = &'static str> {
    let settings = "-c core.sparseCheckout=false -c index.sparse=false -c core.splitIndex=false -c core.fsmonitor=false \
                    -c core.untrackedCache=false -c submodule.recurse=false -c core.bare=false \
                    -c core.hooksPath=/dev/null";
    settings.split_whitespace()
}

fn run(git: &Git, arguments: &[&str]) -> Result<(), Error> {
    let settings = settings().map(OsString::from);
    let arguments = settings.chain(arguments.iter().map(OsString::from));
    // It ends with us: nobody else may write here after that.
    git.talk(arguments)
        .and_then(Finished::into_output)
        .map(drop)
}

/// Another checkout, for who found the one that is kept in use.
fn temporary(directory: &Path) -> Result<Place, Error> {
    loop {
        let made = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .suffix(".lock")
            .tempfile_in(directory);
        let (_, path) = made
            .and_then(|it| it.keep().map_err(|it| it.error))
            .map_err(fault("write in", directory))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Somebody who sweeps may have taken it for a dead one's.
        if let Some(lock) = hold(directory, &name)? {
            return Ok(Place::new(directory, &name, lock, Lifetime::Temporary));
        }
    }
}

/// The lock of a checkout, or none if another process has it.
fn hold(directory: &Path, name: &str) -> Result<Option<File>, Error> {
    let path = lock_file(directory, name);
    loop {
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let lock = lock.map_err(fault("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(cause)) => return Err(fault("lock", &path)(cause)),
        }
        // Whoever swept it meanwhile removed the file.
        if lock.metadata().map_err(fault("read", &path))?.nlink() > 0 {
            // Says when it was used last.
            let _ = (&lock).write_all(b"\n");
            return Ok(Some(lock));
        }
    }
}

fn lock_file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.{LOCK}"))
}

/// The names of all checkouts.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let locks = entries.filter_map(|it| it.file_name().into_string().ok());
    locks
        .filter_map(|it| Some(it.strip_suffix(LOCK)?.strip_suffix('.')?.to_owned()))
        .collect()
}

/// Removes what killed processes left, and what belongs to working trees that are gone or was not used for long. `own` stays.
fn sweep(directory: &Path, own: Option<&str>) {
    for name in names(directory) {
        let is_own = own == Some(name.as_str());
        if !is_own && (name.starts_with(TEMPORARY) || is_stale(directory, &name)) {
            remove_unused(directory, &name);
        }
    }
}

fn is_stale(directory: &Path, name: &str) -> bool {
    let owner = fs::read(directory.join(name).join(OWNER)).unwrap_or_default();
    let is_gone = !owner.is_empty() && !Path::new(OsStr::from_bytes(&owner)).exists();
    let used = lock_file(directory, name)
        .metadata()
        .and_then(|it| it.modified());
    let is_old = |at: SystemTime| at.elapsed().is_ok_and(|it| it > UNUSED);
    is_gone || used.is_ok_and(is_old)
}

/// Removes a checkout, unless it is in use.
fn remove_unused(directory: &Path, name: &str) -> bool {
    let path = lock_file(directory, name);
    let Ok(lock) = File::open(&path) else {
        return false;
    };
    let is_ours = lock.try_lock().is_ok() && lock.metadata().is_ok_and(|it| it.nlink() > 0);
    if !is_ours {
        return false;
    }
    let checkout = directory.join(name);
    let _ = fs::remove_dir_all(&checkout);
    // The lock goes last: what is left is found by it.
    !checkout.exists() && fs::remove_file(&path).is_ok()
}

/// Writes a file, unless it says so already.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    match fs::read(path) {
        Ok(there) if there == bytes => Ok(()),
        _ => fs::write(path, bytes).map_err(fault("write", path)),
    }
}

fn fault<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |cause| Error::File {
        attempt: format!("{what} `{}`", path.display()),
        cause,
    }
}
