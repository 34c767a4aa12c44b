//! Finding the repository of a directory, also from inside a hook.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use crate::git::error::Error;
use crate::git::program::Git;
use crate::model::env::Env;

/// Where the parts of a repository are, all absolute and without symlinks.
#[derive(Clone, Debug)]
pub struct Place {
    /// None for a bare repository.
    pub work_tree: Option<PathBuf>,
    /// Of this worktree.
    pub git_dir: PathBuf,
    /// Of all worktrees together.
    pub common_dir: PathBuf,
    pub index_file: PathBuf,
}

/// Whose index `GIT_INDEX_FILE` names.
#[derive(Clone, Copy)]
enum Hook<'a> {
    /// That of the repository we look for.
    Ours(&'a Env),
    /// Perhaps that of another one, for which a hook was started.
    Perhaps(&'a Env),
}

/// A repository that was found.
pub struct Found {
    pub place: Place,
    /// None where libgit2 cannot read it and everything goes through the program.
    pub library: Option<Repository>,
    pub git: Git,
}

/// Variables that make git look for objects elsewhere. The library is not told of them.
const ELSEWHERE: &[&str] = &[
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NAMESPACE",
];

/// The repository that holds `directory`, if there is one.
pub fn discover(env: &Env, directory: &Path) -> Result<Option<Found>, Error> {
    let directory = real(directory)?;
    let plain = without_places(env);
    if env.directory_given {
        return search(&plain, Hook::Perhaps(env), &directory);
    }
    if let Some(git_dir) = variable(env, "GIT_DIR") {
        let named = open_named(env, &env.directory.join(git_dir))?;
        let outside = |found: &Found| {
            let tree = found.place.work_tree.as_deref();
            tree.is_some_and(|tree| !directory.starts_with(tree))
        };
        // A hook that went elsewhere still carries the variables of the repository that it was started for.
        return match outside(&named) && variable(env, "GIT_WORK_TREE").is_none() {
            true => search(&plain, Hook::Perhaps(env), &directory),
            false => Ok(Some(named)),
        };
    }
    search(env, Hook::Ours(env), &directory)
}

/// `env` without a word about where a repository is.
fn without_places(env: &Env) -> Env {
    let mut plain = env.clone();
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"]
        .iter()
        .chain(ELSEWHERE)
    {
        plain.variables.remove(OsStr::new(name));
    }
    plain
}

/// Looks in `directory` and above it.
fn search(env: &Env, hook: Hook<'_>, directory: &Path) -> Result<Option<Found>, Error> {
    let crossing = env.text("GIT_DISCOVERY_ACROSS_FILESYSTEM");
    let flags = match crossing {
        Some("1" | "true" | "yes" | "on") => RepositoryOpenFlags::CROSS_FS,
        _ => RepositoryOpenFlags::empty(),
    };
    let git = Git::new(env, directory);
    let opened = open(&git, directory, flags, &ceilings(env))?;
    let mut found = match opened {
        Opened::Library(library) => from_library(library, git)?,
        Opened::Refused(cause) => from_program(git, &cause)?,
        Opened::Absent => match dot_git_above(directory, &ceilings(env)) {
            Some(dot_git) => from_program(git, &damaged(&dot_git))?,
            None => return Ok(None),
        },
    };
    found.settle(env, hook)?;
    Ok(Some(found))
}

/// Opens the repository that `GIT_DIR` names.
fn open_named(env: &Env, git_dir: &Path) -> Result<Found, Error> {
    let mut git = Git::new(env, &env.directory);
    git.set("GIT_DIR", git_dir);
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
    let fault = || {
        let shown = git_dir.display();
        Error::Corrupt(format!("GIT_DIR is `{shown}`, which is no git repository"))
    };
    let mut found = match open(&git, git_dir, flags, &[])? {
        Opened::Library(library) => from_library(library, git)?,
        Opened::Refused(cause) => from_program(git, &cause)?,
        Opened::Absent => return Err(fault()),
    };
    let named = real(git_dir)?;
    found.git.set("GIT_DIR", named);
    found.settle(env, Hook::Ours(env))?;
    if let Some(tree) = &found.place.work_tree {
        found.git.set("GIT_WORK_TREE", tree);
    }
    Ok(found)
}

enum Opened {
    Library(Repository),
    /// The library cannot read it; perhaps the program can.
    Refused(Error),
    Absent,
}

/// libgit2 holds for the whole process whether it looks at owners, so nobody else may open meanwhile.
static OPENING: Mutex<()> = Mutex::new(());

fn open(
    git: &Git,
    path: &Path,
    flags: RepositoryOpenFlags,
    ceilings: &[PathBuf],
) -> Result<Opened, Error> {
    let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    know_partial_clones();
    let attempt = || Repository::open_ext(path, flags, ceilings);
    let opened = match attempt() {
        Err(cause) if cause.code() == ErrorCode::Owner => {
            // Git knows more ways to trust a directory than the library does.
            git.output(["rev-parse", "--git-dir"])?;
            trusting(attempt)
        }
        other => other,
    };
    Ok(match opened {
        Ok(library) => Opened::Library(library),
        Err(cause) if cause.code() == ErrorCode::NotFound => Opened::Absent,
        Err(cause) => Opened::Refused(Error::Library {
            attempt: format!("open the repository of `{}`", path.display()),
            cause,
        }),
    })
}

/// Without this the library refuses clones with `extensions.partialClone`. It wants the name in lower case.
#[expect(unsafe_code, reason = "a setting of the whole process, set once")]
fn know_partial_clones() {
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| {
        // SAFETY: nobody else touches this setting, and it is in place before the first repository is opened.
        let _ = unsafe { git2::opts::set_extensions(&["partialclone"]) };
    });
}

/// Calls `open` while the library does not look at owners.
#[expect(
    unsafe_code,
    reason = "a setting of the whole process; `OPENING` is held"
)]
fn trusting<T>(open: impl FnOnce() -> T) -> T {
    // SAFETY: every caller holds `OPENING`, and nobody else touches this setting.
    let check = |on| unsafe { git2::opts::set_verify_owner_validation(on) };
    let _ = check(false);
    let opened = open();
    let _ = check(true);
    opened
}

fn from_library(library: Repository, git: Git) -> Result<Found, Error> {
    let git_dir = real(library.path())?;
    let place = Place {
        work_tree: library.workdir().map(real).transpose()?,
        common_dir: real(library.commondir())?,
        index_file: git_dir.join("index"),
        git_dir,
    };
    Ok(Found {
        place,
        library: Some(library),
        git,
    })
}

/// Asks the program where everything is; `cause` is why the library could not say.
fn from_program(git: Git, cause: &Error) -> Result<Found, Error> {
    let git_dir = match git.output(["rev-parse", "--absolute-git-dir"]) {
        Ok(output) => real(&line(output))?,
        Err(Error::Program { message, .. }) => {
            return Err(Error::Corrupt(describe(cause, &message)));
        }
        Err(other) => return Err(other),
    };
    let mut inside = git.clone();
    inside.move_to(&git_dir);
    let common = line(inside.output(["rev-parse", "--git-common-dir"])?);
    let place = Place {
        work_tree: work_tree(&git, &git_dir)?,
        common_dir: real(&git_dir.join(common))?,
        index_file: git_dir.join("index"),
        git_dir,
    };
    Ok(Found {
        place,
        library: None,
        git,
    })
}

/// The work tree of `git_dir`. With `GIT_DIR` set the program would take the current directory for it.
fn work_tree(git: &Git, git_dir: &Path) -> Result<Option<PathBuf>, Error> {
    if let Ok(linked) = fs::read(git_dir.join("gitdir")) {
        let dot_git = git_dir.join(line(linked));
        return dot_git.parent().map(real).transpose();
    }
    let mut above = git.clone();
    if let (true, Some(parent)) = (git_dir.ends_with(".git"), git_dir.parent()) {
        above.move_to(parent);
    }
    let top = above.run(["rev-parse", "--show-toplevel"])?;
    let top = top.into_output().ok();
    top.map(|output| real(&line(output))).transpose()
}

fn describe(cause: &Error, message: &str) -> String {
    let message = message.strip_prefix("fatal: ").unwrap_or(message);
    match cause {
        Error::Library { attempt, cause } => {
            format!("{attempt}: {message} ({})", cause.message())
        }
        other => format!("{other}: {message}"),
    }
}

fn damaged(dot_git: &Path) -> Error {
    Error::Corrupt(format!("`{}` is no git repository", dot_git.display()))
}

impl Found {
    /// Applies what variables say about work tree, index and objects.
    fn settle(&mut self, env: &Env, hook: Hook<'_>) -> Result<(), Error> {
        if let Some(tree) = variable(env, "GIT_WORK_TREE") {
            let tree = real(&env.directory.join(tree))?;
            self.git.set("GIT_DIR", &self.place.git_dir);
            self.git.set("GIT_WORK_TREE", &tree);
            self.place.work_tree = Some(tree);
        }
        let top = self.place.work_tree.as_ref();
        let top = top.unwrap_or(&self.place.git_dir).clone();
        self.git.move_to(&top);
        self.take_index(&top, hook);
        if ELSEWHERE.iter().any(|name| variable(env, name).is_some()) {
            self.library = None;
        }
        Ok(())
    }

    /// Uses the index that a hook names; relative, it counts from the top of the work tree, whatever directory we are in.
    fn take_index(&mut self, top: &Path, hook: Hook<'_>) {
        let (Hook::Ours(env) | Hook::Perhaps(env)) = hook;
        let Some(file) = variable(env, "GIT_INDEX_FILE").map(|file| top.join(file)) else {
            return;
        };
        let parent = file.parent().and_then(|parent| real(parent).ok());
        let belongs = parent.as_ref() == Some(&self.place.git_dir);
        if belongs || matches!(hook, Hook::Ours(_)) {
            let name = file.file_name().unwrap_or_default();
            let file = parent.map_or_else(|| file.clone(), |parent| parent.join(name));
            self.git.set("GIT_INDEX_FILE", &file);
            self.place.index_file = file;
        }
    }
}

/// The `.git` in `directory` or in the nearest directory above that has one.
fn dot_git_above(directory: &Path, ceilings: &[PathBuf]) -> Option<PathBuf> {
    directory
        .ancestors()
        .enumerate()
        .take_while(|(steps, above)| *steps == 0 || !ceilings.iter().any(|it| it == above))
        .map(|(_, above)| above.join(".git"))
        .find(|dot_git| fs::symlink_metadata(dot_git).is_ok())
}

fn ceilings(env: &Env) -> Vec<PathBuf> {
    let Some(value) = variable(env, "GIT_CEILING_DIRECTORIES") else {
        return Vec::new();
    };
    let parts = value.as_bytes().split(|byte| *byte == b':');
    parts
        .map(|part| PathBuf::from(OsStr::from_bytes(part)))
        .filter(|path| path.is_absolute())
        .map(|path| fs::canonicalize(&path).unwrap_or(path))
        .collect()
}

fn variable<'a>(env: &'a Env, name: &str) -> Option<&'a OsString> {
    let value = env.variables.get(OsStr::new(name));
    value.filter(|value| !value.is_empty())
}

/// One line of output as a path.
pub fn line(mut output: Vec<u8>) -> PathBuf {
    output.pop_if(|byte| *byte == b'\n');
    PathBuf::from(OsString::from_vec(output))
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|cause| Error::File {
        attempt: format!("find `{}`", path.display()),
        cause,
    })
}
