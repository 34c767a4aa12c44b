//! A temporary directory in which real repositories are made by the real git, sealed from the machine's settings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use svc::git::snapshot::Snapshot;
use svc::git::{BaseRequest, BaseRule, Fetch, FoundBase, Repo, find_base};
use svc::model::change::{Head, ObjectId};
use svc::model::env::Env;
use svc::model::path::FilePath;

/// See the first line of this file.
pub struct World {
    root: tempfile::TempDir,
}

impl World {
    /// A new, empty one.
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    /// A new one with a repository `r` on branch `main`.
    pub fn with_repo() -> Self {
        let world = Self::new();
        world.git(".", "init -q -b main r");
        world
    }

    /// The path of `name` in here.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = self.root.path().canonicalize().unwrap();
        if name == "." { root } else { root.join(name) }
    }

    /// The variables that everything here is started with.
    pub fn variables(&self) -> BTreeMap<OsString, OsString> {
        let home = self.path("home").into_os_string();
        let date = "2024-01-02T03:04:05Z";
        let mut variables: BTreeMap<OsString, OsString> = [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.test"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.test"),
            ("GIT_AUTHOR_DATE", date),
            ("GIT_COMMITTER_DATE", date),
            ("GIT_ALLOW_PROTOCOL", "file:ssh"),
            ("LC_ALL", "C"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        variables.insert("HOME".into(), home);
        variables.insert("PATH".into(), std::env::var_os("PATH").unwrap());
        variables
    }

    /// What svc would be started with in `directory`.
    pub fn env(&self, directory: &str) -> Env {
        Env {
            directory: self.path(directory),
            directory_given: false,
            variables: self.variables(),
            processors: 1,
        }
    }

    /// The repository that svc finds from `directory`.
    pub fn repo(&self, directory: &str) -> Repo {
        Repo::discover(&self.env(directory)).unwrap().unwrap()
    }

    /// Runs `git` with `arguments`, split at spaces, in `directory`.
    pub fn try_git(&self, directory: &str, arguments: &str) -> Output {
        let words: Vec<_> = arguments.split(' ').collect();
        self.start(directory, &words)
    }

    fn start(&self, directory: &str, words: &[&str]) -> Output {
        Command::new("git")
            .args(words)
            .current_dir(self.path(directory))
            .env_clear()
            .envs(self.variables())
            .output()
            .unwrap()
    }

    /// The same; it must do well. Gives what it printed.
    pub fn git(&self, directory: &str, arguments: &str) -> String {
        let output = self.try_git(directory, arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments}: {message}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Writes `file` of the repository in `directory` and commits everything. Gives the commit.
    pub fn commit(&self, directory: &str, file: &str, content: &str) -> ObjectId {
        self.write(&format!("{directory}/{file}"), content);
        self.git(directory, "add -A");
        self.git(
            directory,
            &format!("commit -q --allow-empty -m {}", file.replace(' ', "-")),
        );
        self.id(directory, "HEAD")
    }

    /// The commit that `revision` stands for.
    pub fn id(&self, directory: &str, revision: &str) -> ObjectId {
        let text = self.git(directory, &format!("rev-parse {revision}^{{commit}}"));
        ObjectId::from_hex(&text).unwrap()
    }

    /// The URL of a repository here, spoken to as to a distant one.
    pub fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Clones `r` over its URL.
    pub fn clone(&self, options: &str, into: &str) {
        self.git("r", "config uploadpack.allowFilter true");
        let url = self.url("r");
        let arguments = format!("clone -q {options} {url} {into}");
        self.git(".", &arguments.replace("  ", " "));
    }
}

/// What `git` prints, each argument given by itself.
pub fn git_words(world: &World, directory: &str, words: &[&str]) -> String {
    let output = world.start(directory, words);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {words:?}: {message}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs a script in `directory`.
pub fn shell(world: &World, directory: &str, script: &str) {
    let output = Command::new("sh")
        .args(["-euc", script])
        .current_dir(world.path(directory))
        .env_clear()
        .envs(world.variables())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {message}");
}

/// The working tree with the commit below it.
pub fn work_tree(repo: &Repo) -> Head {
    Head::WorkTree(repo.head_commit().unwrap())
}

/// The index with the commit below it.
pub fn index(repo: &Repo) -> Head {
    Head::Index(repo.head_commit().unwrap())
}

/// What differs between the commit that is checked out and `head`.
pub fn changed(repo: &Repo, head: Head) -> Vec<String> {
    changed_since(repo, head, repo.head_commit().unwrap())
}

/// What differs between `base` and `head`.
pub fn changed_since(repo: &Repo, head: Head, base: Option<ObjectId>) -> Vec<String> {
    let paths = repo.snapshot(head).changed_since(base).unwrap();
    paths.iter().map(FilePath::display).collect()
}

/// `PATH MODE` of every file of `head`.
pub fn listed(snapshot: &dyn Snapshot) -> Vec<String> {
    let files = snapshot.files(&[FilePath::default()]).unwrap();
    let show = |path: &[u8], mode: u32| format!("{} {mode:o}", String::from_utf8_lossy(path));
    files
        .iter()
        .map(|file| show(file.path, file.mode))
        .collect()
}

/// The base by `rule` for the commit that is checked out, and what was told meanwhile.
pub fn base(repo: &Repo, rule: BaseRule, fetch: Fetch) -> (FoundBase, Vec<String>) {
    let mut told = Vec::new();
    let head = Head::Commit(repo.head_commit().unwrap());
    let request = BaseRequest { rule, head, fetch };
    let found = find_base(repo, &request, &mut |step| told.push(step.to_owned())).unwrap();
    (found, told)
}

/// `--base REV`.
pub fn merge_base(rev: &str) -> BaseRule {
    BaseRule::MergeBase {
        rev: rev.to_owned(),
        origin_of_rule: String::new(),
    }
}

/// `--base-exact REV`.
pub fn exact(rev: &str) -> BaseRule {
    BaseRule::Exact {
        rev: rev.to_owned(),
        origin_of_rule: "--base-exact".to_owned(),
    }
}

/// The default branch.
pub fn default() -> BaseRule {
    BaseRule::DefaultBranch { configured: None }
}

/// The commits and the rule of a base that was found.
pub fn found(base: FoundBase) -> (Vec<ObjectId>, String) {
    match base {
        FoundBase::Found(base) => (base.commits, base.rule),
        FoundBase::Unknown { reason } => panic!("no base: {reason}"),
    }
}

/// Why no base was found.
pub fn reason(base: FoundBase) -> String {
    match base {
        FoundBase::Found(base) => panic!("a base: {base:?}"),
        FoundBase::Unknown { reason } => reason,
    }
}

/// Whether `path` exists, as a plain question.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
