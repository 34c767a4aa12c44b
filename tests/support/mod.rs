//! A sealed world for tests of the real binary: a temporary repository, a clean environment, fixed commit dates.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with a git repository and everything that `svc` may look at.
pub struct TestRepo {
    world: TempDir,
    root: PathBuf,
    date: std::cell::Cell<u64>,
}

impl TestRepo {
    /// A world with an empty directory, not yet a repository.
    pub fn bare_directory() -> Self {
        hear_interrupts();
        let world = tempfile::tempdir().expect("a temporary directory");
        let root = world.path().canonicalize().expect("it exists").join("repo");
        for directory in [&root, &root.with_file_name("home")] {
            std::fs::create_dir_all(directory).expect("a new directory");
        }
        Self {
            world,
            root,
            date: std::cell::Cell::new(1_700_000_000),
        }
    }

    /// An empty repository on the unborn branch `main`.
    pub fn new() -> Self {
        let repo = Self::bare_directory();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A repository in which these files are committed.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let repo = Self::new();
        for (path, text) in files {
            repo.write(path, text);
        }
        repo.commit("first");
        repo
    }

    /// The example shop in a repository of its own.
    pub fn of_shop() -> Self {
        let repo = Self::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
        let listed = std::process::Command::new("git")
            .current_dir(&source)
            .args([
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
                ".",
            ])
            .output();
        let listed = listed.expect("git starts");
        assert!(listed.status.success(), "the sources are in a repository");
        let names = String::from_utf8(listed.stdout).expect("plain names");
        for name in names.split('\0').filter(|it| !it.is_empty()) {
            let to = repo.root().join(name);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(source.join(name), to).expect("a copy, with its mode");
        }
        repo.commit("the shop");
        repo
    }

    /// The repository's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A directory beside the repository, for remotes and clones.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    /// The same world seen from another directory in it.
    pub fn at(&self, root: impl Into<PathBuf>) -> Place<'_> {
        Place {
            repo: self,
            root: root.into(),
        }
    }

    /// Writes a file with everything above it.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        write(&self.root.join(path), text.as_ref());
    }

    /// Appends to a file.
    pub fn append(&self, path: &str, text: &str) {
        let mut old = std::fs::read(self.root.join(path)).expect("the file exists");
        old.extend_from_slice(text.as_bytes());
        self.write(path, old);
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.root.join(path)).expect("the file exists"))
            .into_owned()
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.root.join(path)).expect("the file exists");
    }

    /// Makes a file executable.
    pub fn make_executable(&self, path: &str) {
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.root.join(path), all).expect("the file exists");
    }

    /// Runs git in the repository and gives what it printed; it must succeed.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.at(&self.root).git(arguments)
    }

    /// Commits everything, untracked files too.
    pub fn commit(&self, message: &str) -> String {
        self.at(&self.root).commit(message)
    }

    /// `svc` with these arguments, in the repository.
    pub fn svc(&self, arguments: &[&str]) -> Svc {
        self.at(&self.root).svc(arguments)
    }

    /// A command in the sealed environment.
    pub fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
        let home = self.root.with_file_name("home");
        let date = format!("{} +0000", self.date.get());
        command
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_STATE_HOME", home.join(".state"))
            .env("LANG", "C.UTF-8")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
            .env("GIT_AUTHOR_NAME", "A U Thor")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_COMMITTER_NAME", "C O Mitter")
            .env("GIT_COMMITTER_EMAIL", "committer@example.com")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .stdin(Stdio::null());
        for name in [
            "RUSTUP_HOME",
            "CARGO_HOME",
            "RUSTUP_TOOLCHAIN",
            "LLVM_PROFILE_FILE",
        ] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // Where a toolchain lies in the real home, it would not be found from the sealed one.
        let home = std::env::var_os("HOME").map(PathBuf::from);
        for (name, directory) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            let place = home.as_ref().map(|it| it.join(directory));
            if let Some(place) = place.filter(|it| std::env::var_os(name).is_none() && it.is_dir())
            {
                command.env(name, place);
            }
        }
        command
    }
}

/// A directory of the world.
pub struct Place<'a> {
    repo: &'a TestRepo,
    root: PathBuf,
}

impl Place<'_> {
    /// Runs git here and gives what it printed; it must succeed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self
            .repo
            .command("git", &self.root)
            .args(arguments)
            .output()
            .expect("git starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(
            output.status.success(),
            "git {arguments:?} failed:\n{}\n{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Commits everything, untracked files too, and gives the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.repo.date.set(self.repo.date.get() + 60);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes a file with everything above it.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        write(&self.root.join(path), text.as_ref());
    }

    /// `svc` with these arguments, here.
    pub fn svc(&self, arguments: &[&str]) -> Svc {
        let mut command = self.repo.command(env!("CARGO_BIN_EXE_svc"), &self.root);
        command.args(arguments);
        Svc {
            command,
            world: self.repo.root.parent().expect("it has one").to_owned(),
        }
    }
}

/// One call of `svc`, about to be made.
pub struct Svc {
    command: Command,
    world: PathBuf,
}

impl Svc {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The command itself, for tests that start and signal it.
    pub fn command(self) -> Command {
        self.command
    }

    /// Makes the call.
    pub fn run(mut self) -> Said {
        let output = self.command.output().expect("svc starts");
        Said {
            output,
            world: self.world,
        }
    }

    /// Makes the call and gives what it said on stdout; it must succeed.
    pub fn stdout(self) -> String {
        let said = self.run();
        assert_eq!(said.code(), 0, "{}", said.all());
        said.stdout()
    }

    /// Makes the call with `--format json` and gives the document; it must succeed.
    pub fn json(mut self) -> serde_json::Value {
        self.command.args(["--format", "json"]);
        let text = self.stdout();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }
}

/// What a call of `svc` said.
pub struct Said {
    output: Output,
    world: PathBuf,
}

impl Said {
    /// The exit code; -1 if a signal ended it.
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// What it wrote to stdout.
    pub fn stdout(&self) -> String {
        self.text(&self.output.stdout)
    }

    /// What it wrote to stderr.
    pub fn stderr(&self) -> String {
        self.text(&self.output.stderr)
    }

    /// Everything, for comparing in one go: exit code, stdout, stderr; times and ids are replaced.
    pub fn all(&self) -> String {
        let part = |name: &str, text: String| match text.is_empty() {
            true => String::new(),
            false => format!("--- {name}\n{text}"),
        };
        let all = format!(
            "exit {}\n{}{}",
            self.code(),
            part("stdout", self.stdout()),
            part("stderr", self.stderr())
        );
        without_times(&all)
    }

    fn text(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(&*self.world.to_string_lossy(), "[WORLD]")
    }
}

/// Lets what tests start hear SIGINT, which a shell makes the programs ignore that it starts in the background. This program
/// still ends by it.
fn hear_interrupts() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let interrupt = signal_hook::consts::SIGINT;
        signal_hook::flag::register_conditional_default(interrupt, always)
            .expect("SIGINT can be handled");
    });
}

/// Replaces durations such as `1.2s`, `35ms` and `1m 02s` by `[TIME]`.
pub fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let number = tail.len()
            - tail
                .trim_start_matches(|it: char| it.is_ascii_digit() || it == '.')
                .len();
        let (digits, after) = tail.split_at(number);
        let boundary = !before.ends_with(|it: char| it.is_alphanumeric() || it == '-' || it == '_');
        let unit = ["ms", "s"].into_iter().find(|unit| {
            after
                .strip_prefix(*unit)
                .is_some_and(|it| !it.starts_with(|it: char| it.is_alphanumeric()))
        });
        match unit {
            Some(unit) if boundary => {
                out.push_str("[TIME]");
                rest = &after[unit.len()..];
            }
            _ => {
                out.push_str(digits);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn write(path: &Path, text: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a file has a directory"))
        .expect("a new directory");
    std::fs::write(path, text).expect("a new file");
}
