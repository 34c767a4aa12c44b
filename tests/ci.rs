//! Events of CI systems, replayed: each file in `tests/ci/events` says what a system tells of a run and how it checks out,
//! and what is to come of it. The repositories are real, with a remote and the clone that the system would make of it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use rayon::prelude::*;
use regex::{Captures, Regex};
use serde::Deserialize;
use svc::model::ci::{Trigger, Trust};
use svc::model::env::Env;

use crate::support::TestRepo;

/// One event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Event {
    /// What it is about, in words.
    #[serde(rename = "about")]
    _about: String,
    /// The refs of the remote, each with the name of a commit.
    refs: BTreeMap<String, String>,
    checkout: Checkout,
    /// Files beside the clone.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The payload in `tests/ci/payloads`, and what is put into it.
    #[serde(default)]
    event: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    expect: Expect,
}

/// How the system makes the clone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkout {
    fetch: Vec<String>,
    depth: Option<u32>,
    filter: Option<String>,
    /// The commit that is checked out, on no branch.
    detach: Option<String>,
    /// The local branch that is checked out, and its commit.
    branch: Option<String>,
    at: Option<String>,
    /// What is merged into that.
    merge: Option<String>,
}

/// What is to come of it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Expect {
    /// The name of the commit to compare with.
    base: Option<String>,
    rule: Option<String>,
    /// A part of the reason why everything is affected.
    everything: Option<String>,
    services: Vec<String>,
    /// Parts of what is said on standard error with `-v`.
    #[serde(default)]
    notes: Vec<String>,
    trigger: Option<Trigger>,
    branch: Option<String>,
    change: Option<String>,
    target: Option<String>,
    trust: Option<String>,
    /// A part of the reason why it is foreign.
    why: Option<String>,
    run_url: Option<String>,
    actor: Option<String>,
}

/// A name, the names of the parents, and what files hold that differ from the first parent.
type Commit = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// The history that all events are about: names of commits, their parents, and the files that differ from the first one.
///
/// `m1` to `m3` are the default branch, whose last commit takes the one before back. `f1` and `f2` are a branch that parts
/// from `m1`, `P` is its merge; `g1` is another one, or the first one rewritten, and `Q` its merge into `P`. `s1` and `s2`,
/// and `S`, bring what `f1` and `f2` do as other commits. `x1` replaces `m2`. `h1` is for the release branch `r1`, `r2`.
const COMMITS: &[Commit] = &[
    ("root", &[], &[]),
    ("m1", &["root"], &[("worker", "1")]),
    ("m2", &["m1"], &[("worker", "2")]),
    ("m3", &["m2"], &[("worker", "1")]),
    ("f1", &["m1"], &[("api", "1")]),
    ("f2", &["f1"], &[("web", "1")]),
    ("P", &["m2", "f2"], &[("api", "1"), ("web", "1")]),
    ("g1", &["m1"], &[("api", "2")]),
    ("Q", &["P", "g1"], &[("api", "2")]),
    ("s1", &["m2"], &[("web", "1")]),
    ("s2", &["s1"], &[("api", "1")]),
    ("S", &["m2"], &[("api", "1"), ("web", "1")]),
    ("x1", &["m1"], &[("lib", "1")]),
    ("r1", &["root"], &[("lib", "9")]),
    ("r2", &["r1"], &[("worker", "9")]),
    ("h1", &["r1"], &[("web", "9")]),
    ("H", &["r2", "h1"], &[("web", "9")]),
];

/// A commit that nobody has any more.
const GONE: &str = "0123456789abcdef0123456789abcdef01234567";

const SERVICES: &str = r#"
version = 1
[services.lib]
path = "lib"
[services.api]
path = "api"
depends-on = ["lib"]
[services.web]
path = "web"
[services.worker]
path = "worker"
"#;

#[test]
fn github_actions() {
    replay("github");
}

#[test]
fn gitlab_ci() {
    replay("gitlab");
}

#[test]
fn buildkite() {
    replay("buildkite");
}

#[test]
fn circleci() {
    replay("circleci");
}

#[test]
fn jenkins() {
    replay("jenkins");
}

#[test]
fn azure_pipelines() {
    replay("azure");
}

#[test]
fn bitbucket_pipelines() {
    replay("bitbucket");
}

#[test]
fn teamcity() {
    replay("teamcity");
}

#[test]
fn drone() {
    replay("drone");
}

#[test]
fn woodpecker() {
    replay("woodpecker");
}

/// Replays all events of a system.
fn replay(system: &str) {
    let directory = Path::new("tests/ci/events").join(system);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 5, "{system}");
    let place = TestRepo::bare_directory();
    let history = History::new(&place);
    let faults: String = files
        .par_iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let event: Event =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let faults = event.replay(&history);
            match faults.is_empty() {
                true => String::new(),
                false => format!("\n{}:\n{faults}", file.display()),
            }
        })
        .collect();
    assert!(faults.is_empty(), "{faults}");
}

/// The objects of all commits, for remotes to share.
struct History {
    objects: PathBuf,
    ids: BTreeMap<String, String>,
}

impl History {
    fn new(place: &TestRepo) -> Self {
        place.git(&["init", "--quiet", "--bare", "--template=", "."]);
        let mut import = place
            .command("git", place.root())
            .args(["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"])
            .arg("--export-marks=marks")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let stream = stream();
        import
            .stdin
            .take()
            .unwrap()
            .write_all(stream.as_bytes())
            .unwrap();
        assert!(import.wait().unwrap().success());
        let marks = place.read("marks");
        let of_mark = |line: &str| {
            let (mark, id) = line.strip_prefix(':')?.split_once(' ')?;
            let at: usize = mark.parse().ok()?;
            Some((COMMITS[at - 1].0.to_owned(), id.to_owned()))
        };
        let ids = marks.lines().filter_map(of_mark).collect();
        let objects = place.root().join("objects");
        Self { objects, ids }
    }

    fn id(&self, name: &str) -> String {
        let known = || self.ids.get(name).cloned();
        let id = if name == "gone" {
            Some(GONE.to_owned())
        } else {
            known()
        };
        id.unwrap_or_else(|| panic!("no commit {name}"))
    }

    /// A remote with these refs. Its server gives out every commit that it has, as those of all vendors do.
    fn serve(&self, remote: &Path, refs: &BTreeMap<String, String>) {
        for directory in ["objects/info", "refs"] {
            std::fs::create_dir_all(remote.join(directory)).unwrap();
        }
        let objects = &self.objects;
        let write = |name: &str, text: String| std::fs::write(remote.join(name), text).unwrap();
        write(
            "objects/info/alternates",
            format!("{}\n", objects.display()),
        );
        write("HEAD", "ref: refs/heads/main\n".into());
        write(
            "config",
            "[core]\nbare = true\n[uploadpack]\nallowFilter = true\nallowAnySHA1InWant = true\n"
                .into(),
        );
        let lines = refs
            .iter()
            .map(|(name, commit)| format!("{} {name}\n", self.id(commit)));
        write("packed-refs", lines.collect());
    }
}

/// The history as `git fast-import` reads it.
fn stream() -> String {
    let mut stream = String::new();
    let mark = |name: &str| COMMITS.iter().position(|it| it.0 == name).unwrap() + 1;
    for (at, (name, parents, files)) in COMMITS.iter().enumerate() {
        writeln!(stream, "commit refs/heads/{name}\nmark :{}", at + 1).unwrap();
        writeln!(
            stream,
            "committer A <a@example.test> {} +0000",
            1_700_000_000 + at
        )
        .unwrap();
        writeln!(stream, "data {}\n{name}", name.len()).unwrap();
        for (at, parent) in parents.iter().enumerate() {
            let word = if at == 0 { "from" } else { "merge" };
            writeln!(stream, "{word} :{}", mark(parent)).unwrap();
        }
        let mut all: Vec<(String, String)> = files
            .iter()
            .map(|(service, text)| (format!("{service}/main"), (*text).to_owned()))
            .collect();
        if parents.is_empty() {
            all.push(("services.toml".into(), SERVICES.into()));
            let first =
                ["lib", "api", "web", "worker"].map(|it| (format!("{it}/main"), "0".into()));
            all.extend(first);
        }
        for (path, text) in all {
            writeln!(
                stream,
                "M 100644 inline {path}\ndata {}\n{text}",
                text.len()
            )
            .unwrap();
        }
    }
    stream
}

impl Event {
    /// What is not as it should be.
    fn replay(&self, history: &History) -> String {
        let world = TestRepo::bare_directory();
        let filled = Filled {
            history,
            world: &world,
        };
        let refs = self
            .refs
            .iter()
            .map(|(name, commit)| (filled.text(name), commit.clone()));
        history.serve(&world.beside("remote.git"), &refs.collect());
        self.check_out(&world, &filled);
        self.write_files(&world, &filled);
        let variables: BTreeMap<&str, String> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), filled.text(value)))
            .collect();
        let mut faults = String::new();
        self.compare_words(&variables, &world, &mut faults);
        self.compare_answer(&variables, &world, history, &mut faults);
        let hacked = [world.root().join("hacked"), world.beside("hacked")];
        assert!(!hacked.iter().any(|it| it.exists()));
        faults
    }

    fn check_out(&self, world: &TestRepo, filled: &Filled<'_>) {
        let checkout = &self.checkout;
        let place = world.at(world.root());
        place.git(&["init", "--quiet", "--template=", "--initial-branch=unborn"]);
        let remote = format!("file://{}", world.beside("remote.git").display());
        let config = format!(
            "[remote \"origin\"]\nurl = {remote}\nfetch = +refs/heads/*:refs/remotes/origin/*\n[gc]\nauto = 0\n[maintenance]\nauto = false\n"
        );
        let file = world.root().join(".git/config");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, before + &config).unwrap();
        let mut fetch = vec!["fetch".to_owned(), "--quiet".into(), "--no-tags".into()];
        fetch.extend(checkout.depth.map(|it| format!("--depth={it}")));
        fetch.extend(checkout.filter.iter().map(|it| format!("--filter={it}")));
        fetch.push("origin".into());
        fetch.extend(checkout.fetch.iter().map(|it| filled.text(it)));
        place.git(&fetch.iter().map(String::as_str).collect::<Vec<_>>());
        if let Some(commit) = &checkout.detach {
            place.git(&["checkout", "--quiet", "--detach", &filled.text(commit)]);
        }
        if let (Some(branch), Some(commit)) = (&checkout.branch, &checkout.at) {
            place.git(&[
                "checkout",
                "--quiet",
                "--no-track",
                "-B",
                branch,
                &filled.text(commit),
            ]);
        }
        if let Some(commit) = &checkout.merge {
            place.git(&["merge", "--quiet", "--no-edit", &filled.text(commit)]);
        }
    }

    fn write_files(&self, world: &TestRepo, filled: &Filled<'_>) {
        for (name, text) in &self.files {
            std::fs::write(world.beside(name), filled.text(text)).unwrap();
        }
        if let Some(name) = self.event.get("payload") {
            let text = std::fs::read_to_string(format!("tests/ci/payloads/{name}.json")).unwrap();
            let value = |it: &Captures<'_>| {
                let value = self.event.get(&it[1]);
                filled.text(value.unwrap_or_else(|| panic!("{name} needs {}", &it[1])))
            };
            let text = PLACEHOLDER.replace_all(&text, value).into_owned();
            serde_json::from_str::<serde_json::Value>(&text).expect("the payload is JSON");
            std::fs::write(world.beside("event.json"), text).unwrap();
        }
    }

    /// Compares what is said of the run.
    fn compare_words(
        &self,
        variables: &BTreeMap<&str, String>,
        world: &TestRepo,
        faults: &mut String,
    ) {
        let pairs = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let env = Env {
            directory: world.root().to_owned(),
            directory_given: false,
            variables: pairs.collect(),
            processors: 1,
        };
        let ci = svc::ci::read(&env).expect("a system is known");
        let expect = &self.expect;
        let mut same = |what: &str, is: Option<String>, wanted: &Option<String>| {
            if wanted.is_some() && is != *wanted {
                writeln!(faults, "  {what} is {is:?}, not {wanted:?}").unwrap();
            }
        };
        let (trust, why) = match &ci.trust {
            Trust::Own => ("own", ""),
            Trust::Foreign { why } => ("foreign", why.as_str()),
        };
        same("branch", ci.branch.clone(), &expect.branch);
        same("change", ci.change_in_words(), &expect.change);
        same("target", ci.change.and_then(|it| it.target), &expect.target);
        same("run URL", ci.run_url, &expect.run_url);
        same("actor", ci.actor, &expect.actor);
        same("trust", Some(trust.to_owned()), &expect.trust);
        if expect.trigger.is_some_and(|it| it != ci.trigger) {
            writeln!(faults, "  trigger is {:?}", ci.trigger).unwrap();
        }
        if expect
            .why
            .as_ref()
            .is_some_and(|it| !why.contains(it.as_str()))
        {
            writeln!(faults, "  it is {trust} because of {why:?}").unwrap();
        }
    }

    /// Compares what the program says.
    fn compare_answer(
        &self,
        variables: &BTreeMap<&str, String>,
        world: &TestRepo,
        history: &History,
        faults: &mut String,
    ) {
        let ask = |more: &[&str]| {
            let arguments = [&["affected", "--format", "json", "-v"], more].concat();
            let call = world.svc(&arguments);
            variables
                .iter()
                .fold(call, |call, (name, value)| call.env(name, value))
                .run()
        };
        let expect = &self.expect;
        let strict = ask(&["--strict-base"]);
        let wanted = if expect.base.is_some() { 0 } else { 3 };
        if strict.code() != wanted {
            writeln!(faults, "  with --strict-base:\n{}", strict.all()).unwrap();
        }
        let said = if wanted == 0 { strict } else { ask(&[]) };
        let Ok(document) = serde_json::from_str::<serde_json::Value>(&said.stdout()) else {
            writeln!(faults, "{}", said.all()).unwrap();
            return;
        };
        let names = document["services"].as_array().unwrap().iter();
        let mut names: Vec<_> = names.map(|it| it["name"].as_str().unwrap()).collect();
        let mut wanted: Vec<_> = expect.services.iter().map(String::as_str).collect();
        names.sort_unstable();
        wanted.sort_unstable();
        let base = document["base"]["commit"].as_str();
        let rule = document["base"]["rule"].as_str();
        let everything = document["everything"].as_str().unwrap_or_default();
        let stderr = said.stderr();
        if expect.trigger == Some(Trigger::Schedule) {
            // What runs every night carries no warning of what is in order.
            let call = world.svc(&["affected"]);
            let told = variables
                .iter()
                .fold(call, |call, (name, value)| call.env(name, value))
                .run()
                .stderr();
            let is_right =
                told.starts_with("note: everything is affected") && !told.contains("warning");
            if !is_right {
                writeln!(faults, "  says of a night:\n{told}").unwrap();
            }
        }
        let is_as_wanted = names == wanted
            && base == expect.base.as_ref().map(|it| history.id(it)).as_deref()
            && expect.rule.as_deref().is_none_or(|it| rule == Some(it))
            && expect.everything.is_some() != everything.is_empty()
            && everything.contains(expect.everything.as_deref().unwrap_or_default())
            && expect.notes.iter().all(|it| stderr.contains(it.as_str()));
        if !is_as_wanted {
            let name = |(name, id): (&String, &String)| (base == Some(id)).then(|| name.clone());
            let base = history.ids.iter().find_map(name);
            writeln!(
                faults,
                "  base {base:?}, {rule:?}, {everything:?}: {names:?}\n{stderr}"
            )
            .unwrap();
        }
    }
}

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new("@([A-Za-z0-9:._-]*)@").unwrap());

/// The world in which an event is replayed, for placeholders.
struct Filled<'a> {
    history: &'a History,
    world: &'a TestRepo,
}

impl Filled<'_> {
    /// `@m1@` is the id of a commit, `@short:m1@` its start, `@file:x@` the path of a file beside the clone.
    fn text(&self, text: &str) -> String {
        let value = |it: &Captures<'_>| match it[1].split_once(':') {
            Some(("file", name)) => self.world.beside(name).display().to_string(),
            Some(("short", name)) => self.history.id(name)[..12].to_owned(),
            _ => self.history.id(&it[1]),
        };
        PLACEHOLDER.replace_all(text, value).into_owned()
    }
}
