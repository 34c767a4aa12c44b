//! The shop as a reader has it: below `examples/shop` of a repository in which it was committed.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::support::TestRepo;

/// A fresh copy of the shop.
pub struct Shop(TestRepo);

impl Shop {
    /// Copies the files that git knows or would know.
    pub fn new() -> Self {
        let repo = TestRepo::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed = Command::new("git")
            .current_dir(source)
            .args(["ls-files", "-z", "--cached", "--others"])
            .args(["--exclude-standard", "examples/shop"])
            .output()
            .expect("git starts");
        assert!(listed.status.success(), "the sources are in a repository");
        let names = String::from_utf8(listed.stdout).expect("plain names");
        for name in names.split('\0').filter(|it| !it.is_empty()) {
            let to = repo.root().join(name);
            std::fs::create_dir_all(to.parent().expect("it has one")).expect("a new directory");
            std::fs::copy(source.join(name), to).expect("a copy, with its mode");
        }
        repo.commit("the shop");
        Self(repo)
    }

    /// The repository with the shop in it.
    pub fn repo(&self) -> &TestRepo {
        &self.0
    }

    /// A shell command in the directory of the shop, with `svc` on the `PATH`: its exit code, and what it said.
    pub fn shell(&self, command: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let mut shell = self.0.command("sh", &self.0.root().join("examples/shop"));
        shell
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .env("PATH", search_path())
            .envs(variables.iter().copied());
        let output = shell.output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap_or(-1), said)
    }
}

fn search_path() -> OsString {
    let svc = Path::new(env!("CARGO_BIN_EXE_svc"));
    let mut path = OsString::from(svc.parent().expect("it lies in a directory"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}
