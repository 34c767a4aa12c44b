//! What a run says: to people, to machines, and how much of it.

use crate::support::{Said, TestRepo};
use crate::world::workspace;

/// Everything that was said, without what differs from run to run.
pub fn told(said: &Said) -> String {
    let all = without_ids(&said.all());
    all.lines()
        .filter(|line| !line.trim_start().starts_with("longest chain"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Replaces the ids of runs, and the spaces before times.
fn without_ids(text: &str) -> String {
    let words: Vec<String> = text
        .split_inclusive([' ', '\n', '/', '"', ':'])
        .map(without_id)
        .collect();
    let mut text = words.concat();
    while let Some(at) = text.find("  [TIME]") {
        text.remove(at);
    }
    while let Some(at) = text.find("[TIME]  ") {
        text.remove(at + "[TIME]".len());
    }
    text
}

fn without_id(word: &str) -> String {
    let id = word.trim_end_matches([' ', '\n', '/', '"', ':', ')']);
    let parts: Vec<&str> = id.split('-').collect();
    let is_number =
        |part: &str, length| part.len() == length && part.bytes().all(|it| it.is_ascii_digit());
    match parts[..] {
        [day, time, _] if is_number(day, 8) && is_number(time, 6) => word.replace(id, "[RUN]"),
        _ => word.to_owned(),
    }
}

pub const SHOP: &str = r#"
[services.lib]
path = "lib"
tags = ["library"]
build = { run = "echo building lib; mkdir -p out; cp input out/", outputs = ["out"] }
[services.api]
path = "api"
depends-on = ["lib"]
tags = ["backend", "public"]
build = "echo building api"
test = "echo testing; echo one went wrong >&2; [ -e ../fixed.flag ]"
[services.web]
path = "web"
depends-on = ["api"]
test = "echo web is fine"
tasks.lint = { run = "echo clean", needs = ["api:test"] }
"#;

fn run(repo: &TestRepo, arguments: &[&str]) -> String {
    let (first, rest) = arguments.split_first().unwrap();
    let said = told(&repo.svc(&[&[*first, "--jobs", "1"], rest].concat()).run());
    // Where the machine is slow, even the little that the cache saves here is worth a word.
    said.replace("; the cache saved [TIME]", "")
}

#[test]
fn a_run_that_passes() {
    let repo = workspace(SHOP);
    repo.write("fixed.flag", "");
    insta::assert_snapshot!(run(&repo, &["test", "--all"]), @r"
    exit 0
    --- stderr
    4 tasks: 4 to run; 1 job
    ┌ lib:build
    │ building lib
    ✓ lib:build [TIME]
    ┌ api:build
    │ building api
    ✓ api:build [TIME]
    ┌ api:test
    │ testing
    │ one went wrong
    ✓ api:test [TIME]
    ┌ web:test
    │ web is fine
    ✓ web:test [TIME]
    ✓ 4 tasks in [TIME]: 4 passed
    ");
    insta::assert_snapshot!(run(&repo, &["build", "--all"]), @"
    exit 0
    --- stderr
    2 tasks: 1 to run, 1 cached; 1 job
    lib:build | building lib
    ✓ lib:build  cached
    api:build | building api
    ✓ api:build [TIME] not cached: it has no `outputs`
    hint: api:build runs every time, as it has no `outputs`; list there what it leaves behind, or set `outputs = []` if that is nothing
    ✓ 2 tasks in [TIME]: 1 passed, 1 cached
    ");
    insta::assert_snapshot!(run(&repo, &["build", "lib"]), @"
    exit 0
    --- stderr
    lib:build | building lib
    ✓ lib:build  cached
    ✓ 1 task in [TIME]: 1 cached
    ");
    insta::assert_snapshot!(run(&repo, &["build", "lib", "-v"]), @"
    exit 0
    --- stderr
    lib:build | building lib
    ✓ lib:build  cached
    ✓ 1 task in [TIME]: 1 cached
    ");
    insta::assert_snapshot!(run(&repo, &["build", "lib", "-q"]), @r"exit 0");
}

#[test]
fn a_run_that_fails() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(run(&repo, &["run", "lint", "--all"]), @r"
    exit 1
    --- stderr
    4 tasks: 4 to run; 1 job
    ┌ lib:build
    │ building lib
    ✓ lib:build [TIME]
    ┌ api:build
    │ building api
    ✓ api:build [TIME]
    ┌ api:test
    │ testing
    │ one went wrong
    ✗ api:test [TIME] exit code 1

    ✗ api:test: exit code 1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.test.log
      repeat: svc test api

    - 1 task skipped, needs api:test: web:lint
    ✗ 4 tasks in [TIME]: 1 failed, 1 skipped, 2 passed
    ");
    insta::assert_snapshot!(run(&repo, &["run", "lint", "--all", "--log", "stream"]), @"
    exit 1
    --- stderr
    4 tasks: 3 to run, 1 cached; 1 job
    lib:build | building lib
    ✓ lib:build  cached
    api:build | building api
    ✓ api:build [TIME] not cached: it has no `outputs`
    api:test | testing
    api:test | one went wrong
    ✗ api:test [TIME] exit code 1  it failed before
    hint: api:build runs every time, as it has no `outputs`; list there what it leaves behind, or set `outputs = []` if that is nothing

    ✗ api:test: exit code 1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.test.log
      repeat: svc test api

    - 1 task skipped, needs api:test: web:lint
    ✗ 4 tasks in [TIME]: 1 failed, 1 skipped, 1 passed, 1 cached
    ");
    insta::assert_snapshot!(run(&repo, &["run", "lint", "--all", "--log", "failed"]), @"
    exit 1
    --- stderr
    4 tasks: 3 to run, 1 cached; 1 job
    ✓ api:build [TIME] not cached: it has no `outputs`
    ┌ api:test
    │ testing
    │ one went wrong
    ✗ api:test [TIME] exit code 1  it failed before
    hint: api:build runs every time, as it has no `outputs`; list there what it leaves behind, or set `outputs = []` if that is nothing

    ✗ api:test: exit code 1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.test.log
      repeat: svc test api

    - 1 task skipped, needs api:test: web:lint
    ✗ 4 tasks in [TIME]: 1 failed, 1 skipped, 1 passed, 1 cached
    ");
    insta::assert_snapshot!(run(&repo, &["run", "lint", "--all", "--log", "none", "--", "a b"]), @"
    exit 1
    --- stderr
    4 tasks: 3 to run, 1 cached; 1 job
    ✓ api:build [TIME] not cached: it has no `outputs`
    ✗ api:test [TIME] exit code 1  it failed before
    hint: api:build runs every time, as it has no `outputs`; list there what it leaves behind, or set `outputs = []` if that is nothing

    ✗ api:test: exit code 1
      │ testing
      │ one went wrong
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.test.log
      repeat: svc test api

    - 1 task skipped, needs api:test: web:lint
    ✗ 4 tasks in [TIME]: 1 failed, 1 skipped, 1 passed, 1 cached
    ");
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(run(&repo, &["test", "--all", "--dry-run"]), @"
    exit 0
    --- stdout
    TASK       VERDICT  CAUSE                          REASON
    lib:build  run      needed by api:build            no earlier result
    api:build  run      needed by web:test and 1 more  not cached: it has no `outputs`
    api:test   run      requested                      may be cached after api:build
    web:test   run      requested                      may be cached after api:build

    4 tasks: 4 to run
    ");
    assert!(!repo.root().join("lib/out").exists());
    assert_eq!(repo.svc(&["log", "--list"]).stdout(), "");
    let mut plan = repo.svc(&["test", "api", "--dry-run"]).json();
    // The platform is part of it.
    let key = plan["tasks"][0]["key"].take();
    assert_eq!(key.as_str().map(str::len), Some(64));
    insta::assert_snapshot!(format!("{plan:#}"), @r#"
    {
      "version": 1,
      "tasks": [
        {
          "id": "lib:build",
          "service": "lib",
          "task": "build",
          "needs": [],
          "verdict": "run",
          "reason": "no earlier result",
          "key": null,
          "causes": [
            {
              "kind": "needed-by",
              "task": "api:build"
            }
          ]
        },
        {
          "id": "api:build",
          "service": "api",
          "task": "build",
          "needs": [
            "lib:build"
          ],
          "verdict": "run",
          "reason": "not cached: it has no `outputs`",
          "key": null,
          "causes": [
            {
              "kind": "needed-by",
              "task": "api:test"
            }
          ]
        },
        {
          "id": "api:test",
          "service": "api",
          "task": "test",
          "needs": [
            "api:build"
          ],
          "verdict": "run",
          "reason": "may be cached after api:build",
          "key": null,
          "causes": [
            {
              "kind": "requested"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn colours_are_used_when_they_are_wanted() {
    let repo = workspace(SHOP);
    let has_colours = |arguments: &[&str], variables: &[(&str, &str)]| {
        let svc = repo.svc(&[&["test", "lib", "api"], arguments].concat());
        let said = variables
            .iter()
            .fold(svc, |svc, (name, value)| svc.env(name, value))
            .run();
        said.all().contains('\u{1b}')
    };
    repo.write(
        "services.toml",
        repo.read("services.toml")
            .replacen("[services.api]", "test = \"true\"\n[services.api]", 1),
    );
    assert!(!has_colours(&[], &[]));
    assert!(has_colours(&["--color", "always"], &[]));
    assert!(has_colours(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!has_colours(
        &[],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(has_colours(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!has_colours(
        &["--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    let list = repo.svc(&["list", "--color", "always"]).stdout();
    assert!(list.contains('\u{1b}'), "{list}");
}

#[test]
fn a_run_is_the_same_from_below_and_with_a_directory_given() {
    let repo = workspace(SHOP);
    let below = repo.at(repo.root().join("web"));
    assert_eq!(below.svc(&["list"]).stdout(), repo.svc(&["list"]).stdout());
    let elsewhere = repo.at(repo.beside("home"));
    let given = elsewhere
        .svc(&["-C", "../repo/web", "build", "lib", "--log", "none"])
        .run();
    assert_eq!(given.code(), 0, "{}", given.all());
    assert!(repo.root().join("lib/out").exists());
}
