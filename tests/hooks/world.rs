//! A small workspace whose tests fail where a file says `bad`, and git as a person calls it.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::TestRepo;

/// Two services, the second of which depends on the first. Tests write down where they ran.
pub fn definition(log: &Path) -> String {
    let log = log.display();
    format!(
        r#"version = 1

[services.a]
path = "a"
test = "echo \"$SVC_SERVICE $PWD\" >> '{log}'; if grep -rq bad .; then echo this is bad; exit 1; fi"

[services.b]
path = "b"
depends-on = ["a"]
test = "echo \"$SVC_SERVICE $PWD\" >> '{log}'; if grep -rq bad . ../a; then echo this is bad; exit 1; fi"

[services.c]
path = "c"
test = "echo \"$SVC_SERVICE $PWD\" >> '{log}'; if grep -rq bad .; then echo this is bad; exit 1; fi"
"#
    )
}

/// A repository with these services, in which nothing is committed yet.
pub struct World {
    pub repo: TestRepo,
    clock: Cell<u64>,
}

/// What came of a command.
#[derive(Debug)]
pub struct Came {
    pub is_fine: bool,
    pub said: String,
}

impl World {
    pub fn empty() -> Self {
        let repo = TestRepo::new();
        repo.write("services.toml", definition(&repo.beside("log")));
        for service in ["a", "b", "c"] {
            repo.write(&format!("{service}/file"), "good\n");
        }
        Self {
            repo,
            clock: Cell::new(1_800_000_000),
        }
    }

    /// With a first commit.
    pub fn new() -> Self {
        let world = Self::empty();
        world.repo.commit("first");
        world
    }

    /// With hooks before commits.
    pub fn hooked() -> Self {
        let world = Self::new();
        world.repo.svc(&["hook", "install"]).stdout();
        world
    }

    /// With another definition, and hooks before commits.
    pub fn hooked_by(definition: &str) -> Self {
        let world = Self::new();
        world.write("services.toml", definition);
        world.repo.commit("another definition");
        world.repo.svc(&["hook", "install"]).stdout();
        world
    }

    pub fn write(&self, path: &str, text: &str) {
        self.repo.write(path, text);
    }

    pub fn stage(&self, path: &str, text: &str) {
        self.write(path, text);
        self.repo.git(&["add", "--", path]);
    }

    /// git, a second after the last call, as the times of authors go.
    pub fn command_at(&self, directory: &Path, arguments: &[&str]) -> Command {
        self.clock.set(self.clock.get() + 1);
        let mut command = self.repo.command("git", directory);
        command.env("GIT_AUTHOR_DATE", format!("{} +0000", self.clock.get()));
        command.args(arguments);
        command
    }

    pub fn git_at(&self, directory: &Path, arguments: &[&str]) -> Came {
        came(&mut self.command_at(directory, arguments))
    }

    pub fn git(&self, arguments: &[&str]) -> Came {
        self.git_at(&self.root(), arguments)
    }

    /// The services whose tests ran since the last question, in order; the second part says where.
    pub fn ran(&self) -> Vec<(String, PathBuf)> {
        let log = self.repo.beside("log");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let _ = std::fs::remove_file(&log);
        let mut lines: Vec<_> = text
            .lines()
            .filter_map(|it| it.split_once(' '))
            .map(|(service, path)| (service.to_owned(), PathBuf::from(path)))
            .collect();
        lines.sort();
        lines
    }

    pub fn ran_names(&self) -> Vec<String> {
        self.ran().into_iter().map(|(name, _)| name).collect()
    }

    pub fn root(&self) -> PathBuf {
        self.repo.root().to_owned()
    }

    pub fn head(&self) -> String {
        self.repo.git(&["rev-parse", "HEAD"])
    }
}

impl Came {
    pub fn fine(self) -> String {
        assert!(self.is_fine, "{}", self.said);
        self.said
    }

    /// A hook refused.
    pub fn refused(self) -> String {
        assert!(!self.is_fine, "{}", self.said);
        self.said
    }
}

pub fn came(command: &mut Command) -> Came {
    let output = command.output().expect("it starts");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    Came {
        is_fine: output.status.success(),
        said: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// Waits until something holds.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
