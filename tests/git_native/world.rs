//! A repository in a temporary directory, the real `git`, and what it says of a state.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use svc::git::Error;
use svc::git::native::{NativeSnapshot, Scope, open};
use svc::git::snapshot::Snapshot;
use svc::model::change::{Head, ObjectId};
use svc::model::path::FilePath;

/// A repository with a workspace in it.
pub struct World {
    _home: tempfile::TempDir,
    pub root: PathBuf,
    /// The workspace below the root.
    pub workspace: Vec<u8>,
    /// The mode of a file is that of its entry in the index.
    modes_are_forgotten: bool,
}

/// Mode and id of each file.
pub type Listed = BTreeMap<Vec<u8>, (u32, String)>;

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A new repository; `options` are those of `git init`.
    pub fn with(options: &[&str]) -> Self {
        seal_library();
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&root).unwrap();
        let world = Self {
            _home: home,
            root,
            workspace: Vec::new(),
            modes_are_forgotten: false,
        };
        world.git(&[&["init", "-q", "-b", "main"], options].concat());
        world
    }

    pub fn directory(&self) -> PathBuf {
        self.root.join(OsStr::from_bytes(&self.workspace))
    }

    pub fn forget_modes(&mut self) {
        self.git(&["config", "core.fileMode", "false"]);
        self.modes_are_forgotten = true;
    }

    /// Runs git at the root of the repository.
    pub fn git(&self, arguments: &[&str]) -> Vec<u8> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        run(&self.root, &arguments, b"").unwrap()
    }

    pub fn try_git(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        run(&self.root, &arguments, b"").ok()
    }

    pub fn write(&self, path: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        let path = self.root.join(Path::new(path.as_ref()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn remove(&self, path: &str) {
        let path = self.root.join(path);
        match path.symlink_metadata().unwrap().is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.root.join(path), permissions).unwrap();
    }

    pub fn link(&self, target: &str, path: &str) {
        std::os::unix::fs::symlink(target, self.root.join(path)).unwrap();
    }

    pub fn commit(&self) -> ObjectId {
        self.git(&["add", "-A"]);
        self.commit_staged()
    }

    pub fn commit_staged(&self) -> ObjectId {
        self.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
        self.head().unwrap()
    }

    pub fn head(&self) -> Option<ObjectId> {
        let head = self.try_git(&["rev-parse", "--verify", "-q", "HEAD"])?;
        ObjectId::from_hex(std::str::from_utf8(&head).unwrap().trim())
    }

    /// Makes git's index as young as anything else is not: nothing in it is doubtful any more.
    pub fn settle(&self) {
        let old = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 5);
        for path in self.git(&["ls-files", "-z"]).split(|byte| *byte == 0) {
            let path = self.root.join(OsStr::from_bytes(path));
            if path.symlink_metadata().is_ok_and(|it| it.is_file())
                && let Ok(file) = std::fs::File::options().append(true).open(path)
            {
                file.set_modified(old).unwrap();
            }
        }
        self.try_git(&["update-index", "-q", "--refresh"]);
    }

    /// Lets a test look at a state through the reader.
    pub fn look<T>(&self, head: Head, action: impl FnOnce(&NativeSnapshot<'_>) -> T) -> T {
        let repo = git2::Repository::open(&self.root).unwrap();
        let mut scope = Scope::of(&repo).unwrap();
        scope.workspace = self.workspace.clone();
        let filtered = |paths: &[FilePath]| Ok(self.hash(paths));
        let snapshot = open(&repo, scope, head, Box::new(filtered)).unwrap();
        action(&snapshot)
    }

    pub fn changed(&self, head: Head, base: Option<ObjectId>) -> Result<Vec<String>, Error> {
        let changed = self.look(head, |snapshot| snapshot.changed_since(base))?;
        Ok(changed.iter().map(FilePath::display).collect())
    }

    /// What git says of the same.
    pub fn git_changed(&self, head: Head, base: Option<ObjectId>) -> Vec<String> {
        let base = base.map_or_else(|| self.empty_tree(), |base| base.to_string());
        let diff = ["diff", "--name-only", "-z", "--no-renames", "--relative"];
        let paths = match head {
            Head::Commit(Some(commit)) => {
                let head = commit.to_string();
                self.paths(&[&diff[..], &[&base, &head, "--"]].concat())
            }
            Head::Commit(None) => {
                let head = self.empty_tree();
                self.paths(&[&diff[..], &[&base, &head, "--"]].concat())
            }
            Head::Index(_) => self.paths(&[&diff[..], &["--cached", &base, "--"]].concat()),
            Head::WorkTree(_) => {
                let mut paths = self.paths(&[&diff[..], &[&base, "--"]].concat());
                let others = self.paths(&["ls-files", "-o", "--exclude-standard", "-z"]);
                let committed = self.committed(&base);
                for path in others {
                    if let Some(repository) = path.strip_suffix(b"/") {
                        paths.insert(repository.to_vec());
                        continue;
                    }
                    // Git speaks of the index; the state that counts is the file itself.
                    match committed.get(&path) == self.on_disk(&path).as_ref() {
                        true => paths.remove(&path),
                        false => paths.insert(path),
                    };
                }
                paths
            }
        };
        let paths = paths.into_iter().map(FilePath::from_bytes);
        paths.map(|path| path.display()).collect()
    }

    pub fn files(&self, head: Head, within: &[&str]) -> Result<Listed, Error> {
        let within: Vec<FilePath> = within.iter().map(|path| FilePath::from(*path)).collect();
        let files = self.look(head, |snapshot| snapshot.files(&within))?;
        let paths: Vec<&[u8]> = files.iter().map(|file| file.path).collect();
        assert!(
            paths.is_sorted_by(|left, right| left < right),
            "sorted, each once"
        );
        let listed = files.iter().map(|file| {
            let value = (file.mode, file.content.to_string());
            (file.path.to_vec(), value)
        });
        Ok(listed.collect())
    }

    /// What git says of the same, for everything.
    pub fn git_files(&self, head: Head) -> Listed {
        match head {
            Head::Commit(Some(commit)) => self.committed(&commit.to_string()),
            Head::Commit(None) => Listed::new(),
            Head::Index(_) => self.staged(),
            Head::WorkTree(_) => {
                let mut paths = self.paths(&["ls-files", "-z"]);
                paths.extend(self.paths(&["ls-files", "-o", "--exclude-standard", "-z"]));
                let there = paths.into_iter().filter_map(|path| {
                    let file = self.on_disk(&path)?;
                    Some((path, file))
                });
                there.collect()
            }
        }
    }

    /// The untracked ones among the files.
    pub fn untracked(&self, head: Head) -> Vec<String> {
        let files = self.look(head, |snapshot| snapshot.files(&[FilePath::default()]));
        let files = files.unwrap();
        let untracked = files.iter().filter(|file| !file.is_tracked);
        untracked
            .map(|file| file.path.escape_ascii().to_string())
            .collect()
    }

    /// What git says of the same.
    fn git_untracked(&self, head: Head) -> Vec<String> {
        let Head::WorkTree(_) = head else {
            return Vec::new();
        };
        let others = self.paths(&["ls-files", "-o", "--exclude-standard", "-z"]);
        let present = self.git_files(head);
        let others = others.iter().filter(|path| present.contains_key(*path));
        others.map(|path| path.escape_ascii().to_string()).collect()
    }

    fn committed(&self, commit: &str) -> Listed {
        let lines = self.lines(&["ls-tree", "-r", "-z", commit]);
        let lines = lines.iter().map(|line| {
            let (left, path) = split(line, b'\t');
            let words: Vec<&str> = left.split(' ').collect();
            (path, (octal(words[0]), words[2].to_owned()))
        });
        lines.collect()
    }

    fn staged(&self) -> Listed {
        let nothing = self.empty_tree();
        let known = self.paths(&[
            "diff",
            "--cached",
            "--name-only",
            "-z",
            "--relative",
            &nothing,
        ]);
        let lines = self.lines(&["ls-files", "-s", "-z"]);
        let lines = lines.iter().map(|line| {
            let (left, path) = split(line, b'\t');
            let words: Vec<&str> = left.split(' ').collect();
            (path, (octal(words[0]), words[1].to_owned()))
        });
        lines.filter(|(path, _)| known.contains(path)).collect()
    }

    /// The file that lies at a path, as git would add it.
    fn on_disk(&self, path: &[u8]) -> Option<(u32, String)> {
        let mut here = self.directory();
        let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        for (at, part) in parts.iter().enumerate() {
            here.push(OsStr::from_bytes(part));
            let metadata = here.symlink_metadata().ok()?;
            match at + 1 == parts.len() {
                true if metadata.is_symlink() => {
                    let target = here.read_link().unwrap();
                    return Some((0o120000, self.hash_bytes(target.as_os_str().as_bytes())));
                }
                true if metadata.is_file() => {
                    let mode = match metadata.permissions().mode() & 0o100 {
                        _ if self.modes_are_forgotten => self.staged_mode(path),
                        0 => 0o100644,
                        _ => 0o100755,
                    };
                    let workspace = FilePath::from_bytes(self.workspace.clone());
                    let id = self.hash(&[workspace.join(path)])[0];
                    return Some((mode, id.to_string()));
                }
                true => return None,
                false if !metadata.is_dir() => return None,
                false => {}
            }
        }
        None
    }

    fn staged_mode(&self, path: &[u8]) -> u32 {
        let staged = self.staged().get(path).map(|(mode, _)| *mode);
        let is_file = |mode: &u32| mode & 0o170000 == 0o100000;
        staged.filter(is_file).unwrap_or(0o100644)
    }

    fn hash(&self, paths: &[FilePath]) -> Vec<ObjectId> {
        let input: Vec<u8> = paths
            .iter()
            .flat_map(|path| [path.as_bytes(), b"\n"].concat())
            .collect();
        let arguments = ["hash-object", "--stdin-paths"].map(OsStr::new);
        let output = run(&self.root, &arguments, &input).unwrap();
        let output = String::from_utf8(output).unwrap();
        let ids = output.lines().map(|line| ObjectId::from_hex(line).unwrap());
        ids.collect()
    }

    fn hash_bytes(&self, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "--stdin"].map(OsStr::new);
        let output = run(&self.root, &arguments, bytes).unwrap();
        String::from_utf8(output).unwrap().trim().to_owned()
    }

    fn empty_tree(&self) -> String {
        let output = self.git(&["hash-object", "-t", "tree", "/dev/null"]);
        String::from_utf8(output).unwrap().trim().to_owned()
    }

    /// The paths that git prints when it runs in the workspace.
    fn paths(&self, arguments: &[&str]) -> BTreeSet<Vec<u8>> {
        self.lines(arguments).into_iter().collect()
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Vec<u8>> {
        let directory = self.directory();
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let output = run(&directory, &arguments, b"").unwrap();
        let lines = output.split(|byte| *byte == 0);
        lines
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    }
}

/// Compares what the reader says of a state with what git says.
pub fn agree(world: &World, head: Head, base: Option<ObjectId>) {
    let changed = world.changed(head, base).unwrap();
    assert_eq!(
        changed,
        world.git_changed(head, base),
        "{head:?} since {base:?}"
    );
    let files = world.files(head, &[""]).unwrap();
    assert_eq!(
        readable(&files),
        readable(&world.git_files(head)),
        "{head:?}"
    );
    assert_eq!(
        world.untracked(head),
        world.git_untracked(head),
        "untracked: {head:?}"
    );
}

/// Compares the working tree, the index and the commit with what git says of each.
pub fn all_agree(world: &World, base: Option<ObjectId>) {
    let head = world.head();
    for head in [Head::WorkTree(head), Head::Index(head), Head::Commit(head)] {
        agree(world, head, base);
    }
}

fn readable(files: &Listed) -> Vec<String> {
    let line = |(path, (mode, id)): (&Vec<u8>, &(u32, String))| {
        format!("{mode:o} {id} {}", path.escape_ascii())
    };
    files.iter().map(line).collect()
}

fn run(directory: &Path, arguments: &[&OsStr], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nowhere")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.test")
        .env("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.test")
        .env("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Keeps the configuration of whoever runs the tests away from the library.
#[expect(
    unsafe_code,
    reason = "the library's search paths belong to the process"
)]
fn seal_library() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        use git2::ConfigLevel::{Global, ProgramData, System, XDG};
        for level in [Global, ProgramData, System, XDG] {
            // SAFETY: this happens once, before any test uses the library.
            unsafe { git2::opts::set_search_path(level, "/nowhere") }.unwrap();
        }
    });
}

fn split(line: &[u8], at: u8) -> (String, Vec<u8>) {
    let place = line.iter().position(|byte| *byte == at).unwrap();
    let left = String::from_utf8(line[..place].to_vec()).unwrap();
    (left, line[place + 1..].to_vec())
}

fn octal(digits: &str) -> u32 {
    u32::from_str_radix(digits, 8).unwrap()
}
