//! A repository: where it is, what its names mean, and its states.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};

use crate::git::discover::{Place, discover, line};
use crate::git::error::Error;
use crate::git::ignored;
use crate::git::native::user::UserSettings;
use crate::git::program::{Fetch, Git};
use crate::git::reader::Reader;
use crate::git::snapshot::Snapshot;
use crate::git::state::State;
use crate::model::change::{Head, ObjectId};
use crate::model::env::Env;
use crate::model::path::FilePath;

/// A repository, seen from one workspace inside it.
pub struct Repo {
    place: Place,
    library: Option<Repository>,
    git: Git,
    scope: FilePath,
    fetch: Fetch,
    user: UserSettings,
}

impl Repo {
    /// The repository of the directory of `env`, which is taken for the workspace. None where there is no repository at all.
    ///
    /// # Errors
    /// A repository that is damaged, or that git does not trust.
    pub fn discover(env: &Env) -> Result<Option<Self>, Error> {
        Self::discover_at(env, &env.directory)
    }

    /// The repository that holds `workspace`. One that ignores all of it is not meant: to it, nothing there ever changes.
    ///
    /// # Errors
    /// A repository that is damaged, or that git does not trust.
    pub fn discover_at(env: &Env, workspace: &Path) -> Result<Option<Self>, Error> {
        let Some(found) = discover(env, workspace)? else {
            return Ok(None);
        };
        let mut repo = Self {
            place: found.place,
            library: found.library,
            git: found.git,
            scope: FilePath::default(),
            fetch: Fetch::Allowed,
            user: UserSettings::of(env),
        };
        repo.scope = repo.scope_of(workspace)?;
        let is_meant = !repo.ignores_workspace()?;
        Ok(is_meant.then_some(repo))
    }

    /// Whether the workspace is ignored as a whole, with not one tracked file in it.
    fn ignores_workspace(&self) -> Result<bool, Error> {
        let path = self.scope.as_path();
        let seems_ignored = |library: &Repository| library.is_path_ignored(path).unwrap_or(true);
        let is_doubtful = self.library.as_ref().is_none_or(seems_ignored);
        if self.scope.is_root() || self.work_tree().is_none() || !is_doubtful {
            return Ok(false);
        }
        let listing = "ls-files --cached --others --exclude-standard --directory --";
        let words = listing.split(' ').map(OsStr::new);
        let listed = self.git.run(words.chain([path.as_os_str()]))?;
        Ok(listed.status.success() && listed.output.is_empty())
    }

    /// The same repository, fetching missing objects for its states or not.
    #[must_use]
    pub fn fetching(mut self, fetch: Fetch) -> Self {
        self.fetch = fetch;
        self
    }

    /// The same repository, read through the `git` program alone: slower, with the same answers.
    #[must_use]
    pub fn through_the_program(mut self) -> Self {
        self.library = None;
        self
    }

    /// The top of the work tree, absolute and without symlinks. None in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.place.work_tree.as_deref()
    }

    /// The git directory of this worktree.
    pub fn git_dir(&self) -> &Path {
        &self.place.git_dir
    }

    /// The git directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.place.common_dir
    }

    /// The index: usually `index` in the git directory; in a hook, perhaps one that git made for this commit.
    pub fn index_file(&self) -> &Path {
        &self.place.index_file
    }

    /// The workspace, relative to the top of the work tree.
    pub fn scope(&self) -> &FilePath {
        &self.scope
    }

    /// Whether missing objects may be fetched.
    pub fn fetch(&self) -> Fetch {
        self.fetch
    }

    /// The library's view, where it can read this repository.
    pub fn library(&self) -> Option<&Repository> {
        self.library.as_ref()
    }

    /// The program, at the top of this repository.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// The program, for changing how it is started.
    pub fn git_mut(&mut self) -> &mut Git {
        &mut self.git
    }

    /// Where `directory` lies below the top of the work tree. A bare repository has only its own top.
    ///
    /// # Errors
    /// A directory that does not exist or lies elsewhere.
    pub fn scope_of(&self, directory: &Path) -> Result<FilePath, Error> {
        let Some(top) = self.work_tree() else {
            return Ok(FilePath::default());
        };
        let real = directory.canonicalize().map_err(|cause| Error::File {
            attempt: format!("find `{}`", directory.display()),
            cause,
        })?;
        let below = real.strip_prefix(top).map_err(|_| {
            let (directory, top) = (directory.display(), top.display());
            Error::Corrupt(format!("`{directory}` lies outside of work tree `{top}`"))
        })?;
        Ok(FilePath::from_bytes(below.as_os_str().as_bytes()))
    }

    /// The commit that is checked out. None on a branch without commits.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn head_commit(&self) -> Result<Option<ObjectId>, Error> {
        let Some(library) = &self.library else {
            return self.ask("HEAD");
        };
        match library.head().and_then(|head| head.peel_to_commit()) {
            Ok(commit) => Ok(Some(id_of(commit.id()))),
            Err(cause) if cause.code() == ErrorCode::UnbornBranch => Ok(None),
            Err(_) => self.head_by_program(),
        }
    }

    /// A head that the library cannot read is an error only if the program cannot read it either.
    fn head_by_program(&self) -> Result<Option<ObjectId>, Error> {
        match self.ask("HEAD")? {
            Some(commit) => Ok(Some(commit)),
            None => {
                let shown = self.place.git_dir.join("HEAD");
                let shown = shown.display();
                Err(Error::Corrupt(format!("`{shown}` names no commit")))
            }
        }
    }

    /// The branch that is checked out, without `refs/heads/`; also if it has no commits yet. None when detached.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn head_branch(&self) -> Result<Option<String>, Error> {
        let target = match &self.library {
            Some(library) => library.find_reference("HEAD").ok().and_then(|head| {
                let target = head.symbolic_target_bytes()?;
                Some(String::from_utf8_lossy(target).into_owned())
            }),
            None => {
                let answer = self.git.run(["symbolic-ref", "--quiet", "HEAD"])?;
                let name = String::from_utf8_lossy(&answer.output).into_owned();
                Some(name.trim_end_matches('\n').to_owned())
            }
        };
        Ok(target.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
    }

    /// The commit that `revision`, any expression that git knows, stands for. Nothing is fetched for it.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn resolve(&self, revision: &str) -> Result<Option<ObjectId>, Error> {
        // No expression begins with `-`; to git it would be an option.
        if revision.is_empty() || revision.starts_with('-') || revision.contains('\0') {
            return Ok(None);
        }
        match self.resolve_by_library(revision) {
            Some(commit) => Ok(Some(commit)),
            None => self.ask(revision),
        }
    }

    /// Plain names and full ids, and ancestors of them, which are most; the library is not asked about anything that it may
    /// read differently.
    fn resolve_by_library(&self, revision: &str) -> Option<ObjectId> {
        let library = self.library.as_ref()?;
        let Some(at) = revision.find(['~', '^']) else {
            return self.resolve_name(library, revision);
        };
        let (name, steps) = revision.split_at(at);
        let steps = ancestry(steps).filter(|_| !self.has_replacements())?;
        let start = self.resolve_name(library, name)?;
        let mut commit = library.find_commit(oid_of(start).ok()?).ok()?;
        for (parent, times) in steps {
            for _ in 0..times {
                commit = commit.parent(parent).ok()?;
            }
        }
        Some(id_of(commit.id()))
    }

    fn resolve_name(&self, library: &Repository, revision: &str) -> Option<ObjectId> {
        if let Some(id) = ObjectId::from_hex(revision) {
            let commit = library.find_object(oid_of(id).ok()?, None).ok()?;
            return Some(id_of(commit.peel_to_commit().ok()?.id()));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        if !revision.bytes().all(plain) || revision.contains("..") {
            return None;
        }
        let reference = library.resolve_reference_from_short_name(revision).ok()?;
        Some(id_of(reference.peel_to_commit().ok()?.id()))
    }

    /// Whether some objects may stand for others, which the library does not heed.
    fn has_replacements(&self) -> bool {
        let common = &self.place.common_dir;
        let packed = std::fs::read(common.join("packed-refs")).unwrap_or_default();
        let named = |line: &[u8]| {
            let name = line.split(|byte| *byte == b' ').nth(1);
            name.is_some_and(|name| name.starts_with(b"refs/replace/"))
        };
        common.join("refs/replace").exists() || packed.split(|byte| *byte == b'\n').any(named)
    }

    fn ask(&self, revision: &str) -> Result<Option<ObjectId>, Error> {
        // The text of a search for a message goes on to the end.
        let peeled = match revision.starts_with(":/") {
            true => revision.to_owned(),
            false => format!("{revision}^{{commit}}"),
        };
        let answer = self.git.offline().run([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &peeled,
        ])?;
        if answer.status.success() {
            let text = line(answer.output);
            return Ok(text.to_str().and_then(ObjectId::from_hex));
        }
        match answer.into_error() {
            untrusted @ Error::Untrusted(_) => Err(untrusted),
            _ => Ok(None),
        }
    }

    /// Whether the history is cut off somewhere.
    pub fn is_shallow(&self) -> bool {
        self.shallow_file()
            .metadata()
            .is_ok_and(|data| data.len() > 0)
    }

    /// The commits whose parents are missing because the history is cut off there.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn shallow_commits(&self) -> Result<Vec<ObjectId>, Error> {
        let file = self.shallow_file();
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(text.lines().filter_map(ObjectId::from_hex).collect()),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(Error::File {
                attempt: format!("read `{}`", file.display()),
                cause,
            }),
        }
    }

    fn shallow_file(&self) -> PathBuf {
        self.place.common_dir.join("shallow")
    }

    /// The ids under which git would store plain files, after filters and line endings. The paths start at the top of the
    /// work tree.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn hash_files(&self, paths: &[FilePath]) -> Result<Vec<ObjectId>, Error> {
        Reader::new(self).hash_files(paths)
    }

    /// For each of `paths`, relative to the workspace, whether git ignores it. A tracked file is never ignored, nor is a
    /// directory that holds one, nor what is not this repository's: in a submodule, in another repository, behind a
    /// symbolic link, outside of the work tree.
    ///
    /// # Errors
    /// Git failed.
    pub fn ignored(&self, paths: &[FilePath]) -> Result<Vec<bool>, Error> {
        ignored::ignored(self, paths)
    }

    /// Whether git may fetch objects from a remote when it needs them.
    pub fn is_partial(&self) -> bool {
        let pattern = r"^(remote\..*\.promisor|extensions\.partialclone)$";
        if let Some(library) = &self.library
            && let Ok(config) = library.config()
            && let Ok(mut entries) = config.entries(Some(pattern))
        {
            return entries.next().is_some();
        }
        let answer = self.git.run(["config", "--get-regexp", pattern]);
        answer.is_ok_and(|answer| answer.status.success())
    }

    /// A state of the workspace. The only place that chooses how a state is read.
    pub fn snapshot(&self, head: Head) -> Box<dyn Snapshot + '_> {
        Box::new(State::new(self, head))
    }

    /// Whether a sparse checkout leaves some files out of the work tree.
    pub fn is_sparse(&self) -> bool {
        let set = |library: &Repository| library.config()?.get_bool("core.sparseCheckout");
        match &self.library {
            Some(library) => set(library).unwrap_or(false),
            None => self.place.git_dir.join("info/sparse-checkout").exists(),
        }
    }

    /// What the user's variables say of git's settings.
    pub fn user(&self) -> &UserSettings {
        &self.user
    }
}

/// The steps of `~2^`: which parent, and how many times. None where they say more than that.
fn ancestry(mut steps: &str) -> Option<Vec<(usize, u32)>> {
    /// Whatever goes further back is left to the program.
    const FAR: u32 = 1000;
    let mut found = Vec::new();
    while !steps.is_empty() {
        let (kind, rest) = steps.split_at(1);
        let end = rest.find(|it: char| !it.is_ascii_digit());
        let (number, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let number = match number {
            "" => 1,
            number => number.parse::<u32>().ok().filter(|it| *it <= FAR)?,
        };
        found.push(match (kind, number) {
            ("~", times) => (0, times),
            ("^", 0) => (0, 0),
            ("^", parent) => (parent as usize - 1, 1),
            _ => return None,
        });
        steps = rest;
    }
    Some(found)
}

/// The library's form of an id.
///
/// # Errors
/// An id of a kind that the library does not know.
pub fn oid_of(id: ObjectId) -> Result<Oid, Error> {
    Oid::from_bytes(id.as_bytes()).map_err(|cause| Error::Library {
        attempt: format!("read the id {id}"),
        cause,
    })
}

/// Our form of the library's id.
pub fn id_of(oid: Oid) -> ObjectId {
    ObjectId::from_bytes(oid.as_bytes()).expect("git's ids have 20 or 32 bytes")
}
