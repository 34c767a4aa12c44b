//! A tiny project that uses one preset, and what every preset has to do with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::servers;
use crate::support::{Said, TestRepo};

/// A project in the directory `work/NAME`, where NAME is its preset.
pub struct Project<'a> {
    pub preset: &'a str,
    /// Parameters, as they stand in `uses`: `bin = "x"`.
    pub with: &'a str,
    /// The programs without which the test is skipped.
    pub tools: &'a [&'a str],
    pub files: &'a [(&'a str, &'a str)],
    /// What the build leaves behind.
    pub outputs: &'a [&'a str],
    /// A file, and what it holds when a test has to fail.
    pub broken: (&'a str, &'a str),
}

impl Project<'_> {
    /// Builds, tests and lints it, finds all of that in the cache, gets its outputs back, and sees its test fail.
    pub fn works(&self) {
        if !have(self.tools) {
            return;
        }
        let repo = repository();
        let directory = format!("work/{}", self.preset);
        for (path, text) in self.files {
            repo.write(&format!("{directory}/{path}"), text);
        }
        let comma = if self.with.is_empty() { "" } else { ", " };
        let uses = format!(
            "uses = {{ preset = \"{}\"{comma}{} }}",
            self.preset, self.with
        );
        let service = format!("[services.it]\npath = \"{directory}\"\n{uses}\n");
        repo.write("services.toml", format!("version = 1\n{service}"));
        repo.commit("a project");

        let all_tasks: [&[&str]; 3] = [&["build"], &["test"], &["run", "lint"]];
        // Python has no build, if no wheel is asked for.
        let tasks = &all_tasks[usize::from(self.preset == "python")..];
        for task in tasks {
            all(&repo, task, "passed");
        }
        for task in tasks {
            if task[0] == "build" && self.outputs.is_empty() && !self.is_checked() {
                continue;
            }
            all(&repo, task, "cached");
        }
        for output in self.outputs {
            let place = repo.root().join(&directory).join(output);
            assert!(place.exists(), "the build left no {output}");
            remove(&place);
        }
        if !self.outputs.is_empty() {
            all(&repo, &["build"], "cached");
        }
        for output in self.outputs {
            let place = repo.root().join(&directory).join(output);
            assert!(place.exists(), "{output} is not put back");
        }
        let (path, text) = self.broken;
        repo.write(&format!("{directory}/{path}"), text);
        let said = svc(&repo, &["test"]);
        assert_eq!(said.code(), 1, "{}", said.all());
    }

    /// Whether a build leaves nothing, and is kept all the same: it only looks.
    fn is_checked(&self) -> bool {
        ["php", "ruby", "terraform"].contains(&self.preset)
    }
}

/// A repository that ignores what tools leave behind.
pub fn repository() -> TestRepo {
    let repo = TestRepo::new();
    repo.write(
        ".gitignore",
        "dist/\ntarget/\nnode_modules/\n.terraform/\n_build/\n",
    );
    repo
}

/// Whether these programs are there; if not, the test is skipped visibly.
pub fn have(tools: &[&str]) -> bool {
    match tools.iter().find(|tool| locate(tool).is_none()) {
        Some(tool) => {
            servers::skip(tool, "it is not installed");
            false
        }
        None => true,
    }
}

/// Where a program is that [`have`] has found.
pub fn find(tool: &str) -> PathBuf {
    locate(tool).unwrap()
}

fn locate(tool: &str) -> Option<PathBuf> {
    let path = search_path();
    let places = std::env::split_paths(&path).map(|it| it.join(tool));
    places.into_iter().find(|it| it.is_file())
}

/// `svc` with what was installed for tests on its `PATH`, and nothing that asks a network.
pub fn svc(repo: &TestRepo, arguments: &[&str]) -> Said {
    // What a test puts beside its repository goes first.
    let path = search_path();
    let places = std::env::split_paths(&path);
    let path = std::env::join_paths([repo.beside("bin")].into_iter().chain(places)).unwrap();
    let mut svc = repo.svc(arguments).env("PATH", path);
    for (name, value) in [
        ("GOPROXY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("PIP_NO_INDEX", "1"),
        ("UV_OFFLINE", "1"),
        ("CARGO_NET_OFFLINE", "true"),
        ("npm_config_registry", "http://127.0.0.1:9/"),
        ("COMPOSER_ALLOW_SUPERUSER", "1"),
    ] {
        svc = svc.env(name, value);
    }
    svc.run()
}

/// Runs a task of every service, and expects this of each of its rows but those of other tasks that it needs.
pub fn all(repo: &TestRepo, task: &[&str], expected: &str) {
    let arguments = [task, &["--all", "--format", "json"]].concat();
    let said = svc(repo, &arguments);
    assert_eq!(said.code(), 0, "{}", said.all());
    let name = task.last().unwrap();
    let outcomes = outcomes(&said);
    let own = outcomes
        .iter()
        .filter(|(id, _)| id.ends_with(&format!(":{name}")));
    let own: Vec<_> = own.collect();
    assert!(!own.is_empty(), "{task:?}: {outcomes:?}");
    for (id, outcome) in own {
        assert_eq!(outcome, expected, "{id}\n{}", said.all());
    }
}

/// What became of each task, by its id.
pub fn outcomes(said: &Said) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&said.stdout()).unwrap_or_else(|error| {
        panic!("{error}: {}", said.all());
    });
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = document["tasks"].as_array().unwrap();
    rows.iter()
        .map(|row| (text(row, "id"), text(row, "outcome")))
        .collect()
}

/// What `tests/install-tools` installed, then what everybody finds.
pub fn search_path() -> OsString {
    let target = Path::new(env!("CARGO_BIN_EXE_svc")).ancestors().nth(2);
    let tools = target.unwrap().join("tools");
    let mut places = vec![
        tools.join("npm/node_modules/.bin"),
        tools.join("python/bin"),
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
    std::env::join_paths(places).unwrap()
}

fn remove(place: &Path) {
    match place.is_dir() {
        true => std::fs::remove_dir_all(place).unwrap(),
        false => std::fs::remove_file(place).unwrap(),
    }
}
