//! Where the repository and the workspace lie, and the settings of git that decide what a file's state is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::git::error::Error;
use crate::git::native::user::UserSettings;

/// The places of a repository and of the workspace inside it.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The root of the working tree, absolute.
    pub work_tree: PathBuf,
    /// The git directory of this worktree.
    pub git_dir: PathBuf,
    /// The git directory that all worktrees share.
    pub common_dir: PathBuf,
    /// The index file, absolute: `GIT_INDEX_FILE` may name another one than `index` in `git_dir`.
    pub index: PathBuf,
    /// The path of the workspace below `work_tree`, empty where they are the same.
    pub workspace: Vec<u8>,
    pub user: UserSettings,
}

/// What git's configuration says of comparing files.
#[derive(Clone, Debug)]
pub struct Settings {
    pub file_mode: bool,
    pub trust_ctime: bool,
    pub check_stat: bool,
    pub symlinks: bool,
    pub ignore_case: bool,
    /// `core.autocrlf` changes the line ends of files, or `attr.tree` names attributes that are in no file.
    pub may_convert: bool,
    /// A file that is there counts, although its entry says that it is outside of the sparse checkout.
    pub present_files_count: bool,
    pub excludes_file: Option<PathBuf>,
    pub attributes_file: Option<PathBuf>,
}

impl Scope {
    /// The scope of a repository as the library opened it, with the workspace at the root of its working tree.
    ///
    /// # Errors
    /// A bare repository.
    pub fn of(repo: &git2::Repository) -> Result<Self, Error> {
        let work_tree = repo
            .workdir()
            .ok_or_else(|| Error::Unsupported("a repository without a working tree".to_owned()))?;
        Ok(Self {
            work_tree: work_tree.to_owned(),
            git_dir: repo.path().to_owned(),
            common_dir: repo.commondir().to_owned(),
            index: repo.path().join("index"),
            workspace: Vec::new(),
            user: UserSettings::default(),
        })
    }

    /// A path below the workspace as git counts it, from the root of the working tree.
    pub fn from_root(&self, path: &[u8]) -> Vec<u8> {
        match (self.workspace.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => self.workspace.clone(),
            _ => [&self.workspace, &b"/"[..], path].concat(),
        }
    }

    /// A path below the workspace as the system knows it.
    pub fn absolute(&self, path: &[u8]) -> PathBuf {
        self.rooted(&self.from_root(path))
    }

    /// A path below the root of the working tree as the system knows it.
    pub fn rooted(&self, path: &[u8]) -> PathBuf {
        self.work_tree.join(OsStr::from_bytes(path))
    }

    /// How many bytes of a path from the root of the working tree lead to the workspace.
    pub fn skip(&self) -> usize {
        self.workspace.len() + usize::from(!self.workspace.is_empty())
    }
}

impl Settings {
    /// The settings of `repo`.
    ///
    /// # Errors
    /// A configuration that cannot be read, or a value that only git understands.
    pub fn read(repo: &git2::Repository, scope: &Scope) -> Result<Self, Error> {
        let snapshot = scope.user.configuration(repo)?.snapshot();
        let config = snapshot.map_err(|cause| Error::Library {
            attempt: "read the configuration of git".to_owned(),
            cause,
        })?;
        let flag = |name, default| flag(&config, name, default);
        let fallback = |name| Some(scope.user.directory.as_ref()?.join(name));
        Ok(Self {
            file_mode: flag("core.filemode", true)?,
            trust_ctime: flag("core.trustctime", true)?,
            check_stat: !text_is(&config, "core.checkstat", "minimal")?,
            symlinks: flag("core.symlinks", true)?,
            ignore_case: flag("core.ignorecase", false)?,
            may_convert: flag("core.autocrlf", false)? || config.get_entry("attr.tree").is_ok(),
            present_files_count: flag("core.sparsecheckout", false)?
                && !flag("sparse.expectfilesoutsideofpatterns", false)?,
            excludes_file: file(&config, "core.excludesfile", scope)?
                .or_else(|| fallback("ignore")),
            attributes_file: file(&config, "core.attributesfile", scope)?
                .or_else(|| fallback("attributes")),
        })
    }
}

fn flag(config: &git2::Config, name: &str, default: bool) -> Result<bool, Error> {
    match config.get_bool(name) {
        Ok(value) => Ok(value),
        Err(cause) if cause.code() == git2::ErrorCode::NotFound => Ok(default),
        // `core.autocrlf = input` is no truth value.
        Err(_) if name == "core.autocrlf" => Ok(true),
        Err(cause) => Err(unreadable(name, cause)),
    }
}

fn text_is(config: &git2::Config, name: &str, wanted: &str) -> Result<bool, Error> {
    match config.get_bytes(name) {
        Ok(value) => Ok(value.eq_ignore_ascii_case(wanted.as_bytes())),
        Err(cause) if cause.code() == git2::ErrorCode::NotFound => Ok(false),
        // A name without a value stands for true.
        Err(_) => Ok(false),
    }
}

/// A file that the configuration names. Git takes a relative one from the root of the working tree.
fn file(config: &git2::Config, name: &str, scope: &Scope) -> Result<Option<PathBuf>, Error> {
    let path = match config.get_bytes(name) {
        Ok(path) => path,
        Err(cause) if cause.code() == git2::ErrorCode::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(name, cause)),
    };
    let of_user = |rest: &[u8]| Some(scope.user.home.as_ref()?.join(OsStr::from_bytes(rest)));
    let found = match path {
        path if path.starts_with(b"%(prefix)") => None,
        [b'~', b'/', rest @ ..] => of_user(rest),
        [b'~', ..] => None,
        path => Some(scope.work_tree.join(OsStr::from_bytes(path))),
    };
    let only_git_knows = || Error::Unsupported(format!("the path in `{name}`"));
    found.ok_or_else(only_git_knows).map(Some)
}

fn unreadable(name: &str, cause: git2::Error) -> Error {
    Error::Library {
        attempt: format!("read `{name}` in the configuration of git"),
        cause,
    }
}
