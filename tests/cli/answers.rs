//! What the questions answer: `list`, `graph`, `why`, `affected` and `log`.

use serde_json::Value;

use crate::output::{SHOP, told};
use crate::support::TestRepo;
use crate::world::workspace;

fn ask(repo: &TestRepo, arguments: &[&str]) -> String {
    told(&repo.svc(arguments).run())
}

#[test]
fn services_are_listed() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["list"]), @r"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS       DEPENDS ON  TAGS
    api      api   build test  lib         backend public
    lib      lib   build                   library
    web      web   lint test   api
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "--tag", "backend", "--tag", "library"]), @r"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS       DEPENDS ON  TAGS
    api      api   build test  lib         backend public
    lib      lib   build                   library
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "api", "-v"]), @"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS       DEPENDS ON  TAGS
    api      api   build test  lib         backend public

    api:build
      run     echo building api         services.toml:11
      inputs  the files of the service  built in
      needs   ^build                    built in

    api:test
      run     echo testing; echo one went wrong >&2; [ -e ../fixed.flag ]  services.toml:12
      inputs  the files of the service                                     built in
      needs   build                                                        built in
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "web", "--with-dependencies", "--exclude", "api"]), @r"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS      DEPENDS ON
    web      web   lint test  api
    ");
    let document = repo.svc(&["list", "lib"]).json();
    insta::assert_snapshot!(format!("{document:#}"), @r#"
    {
      "version": 1,
      "services": [
        {
          "name": "lib",
          "path": "lib",
          "uses": null,
          "tags": [
            "library"
          ],
          "depends_on": [],
          "tasks": [
            "build"
          ]
        }
      ]
    }
    "#);
}

#[test]
fn the_graph_comes_in_four_forms() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["graph"]), @r"
    exit 0
    --- stdout
    web
    └── api
        └── lib
    ");
    insta::assert_snapshot!(ask(&repo, &["graph", "--format", "dot"]), @r#"
    exit 0
    --- stdout
    digraph svc {
      rankdir = LR;
      node [shape = box];
      "api";
      "lib";
      "web";
      "api" -> "lib";
      "web" -> "api";
    }
    "#);
    insta::assert_snapshot!(ask(&repo, &["graph", "--format", "mermaid"]), @r#"
    exit 0
    --- stdout
    graph LR
      n0["api"]
      n1["lib"]
      n2["web"]
      n0 --> n1
      n2 --> n0
    "#);
    let text = repo.svc(&["graph", "--format", "json"]).stdout();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["edges"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!(ask(&repo, &["graph", "api", "lib"]), @r"
    exit 0
    --- stdout
    api
    └── lib
    ");
}

#[test]
fn a_list_of_what_is_affected_follows_the_flags() {
    let repo = workspace(SHOP);
    repo.append("api/input", "2\n");
    repo.commit("second");
    insta::assert_snapshot!(ask(&repo, &["list", "--base-exact", "HEAD~1"]), @r"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS       DEPENDS ON  TAGS
    api      api   build test  lib         backend public
    web      web   lint test   api
    --- stderr
    base: 61fd54ad42 (HEAD~1)
    ");
    insta::assert_snapshot!(ask(&repo, &["graph", "--base-exact", "HEAD~1"]), @r"
    exit 0
    --- stdout
    web
    └── api
    --- stderr
    base: 61fd54ad42 (HEAD~1)
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "--base-exact", "HEAD~1", "--explain"]), @r"
    exit 0
    --- stdout
    api
    web
    --- stderr
    base: 61fd54ad42 (HEAD~1)
    api: api/input changed
    web: depends on api
    ");
    insta::assert_snapshot!(ask(&repo, &["affected"]), @r"
    exit 0
    --- stderr
    base: 3f82d1a037 (merge-base with main)
    no service is affected
    ");
    assert_eq!(repo.svc(&["affected", "--exit-code"]).run().code(), 0);
    assert_eq!(
        repo.svc(&["affected", "--exit-code", "--base-exact", "HEAD~1"])
            .run()
            .code(),
        1
    );
}

#[test]
fn affected_names_what_nobody_owns() {
    let repo = workspace(SHOP);
    repo.write("docs/a.txt", "nobody's");
    repo.append("web/input", "2\n");
    insta::assert_snapshot!(ask(&repo, &["affected"]), @r"
    exit 0
    --- stdout
    web
    --- stderr
    base: 61fd54ad42 (merge-base with main)
    1 changed file belongs to no service (-v lists them)
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "-v"]), @r"
    exit 0
    --- stdout
    web
    --- stderr
    base: 61fd54ad42 (merge-base with main)
    web: web/input changed
    1 changed file belongs to no service
      docs/a.txt
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "--strict"]), @r"
    exit 2
    --- stdout
    web
    --- stderr
    base: 61fd54ad42 (merge-base with main)
    1 changed file belongs to no service (-v lists them)
    error: changed files that belong to no service:
      docs/a.txt
    hint: give them to a service, or name them in `ignore` or `global-inputs`
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "-q"]), @r"
    exit 0
    --- stdout
    web
    ");
}

#[test]
fn why_has_an_answer_for_everything() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["why", "web"]), @r"
    exit 0
    --- stdout
    web is not affected: no input differs from 61fd54ad42 (merge-base with main)
    ");
    repo.append("lib/input", "2\n");
    insta::assert_snapshot!(ask(&repo, &["why", "web"]), @r"
    exit 0
    --- stdout
    web is affected
      depends on api
        depends on lib
          lib/input changed
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "web:test"]), @"
    exit 0
    --- stdout
    web:test is affected
      depends on api
        depends on lib
          lib/input changed
    lib:build has to run first; what it leaves is not known yet
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "lib:build"]), @"
    exit 0
    --- stdout
    lib:build is affected
      lib/input changed
    no earlier result
    ");
    repo.write(
        "services.toml",
        repo.read("services.toml")
            .replace("building api", "making api"),
    );
    insta::assert_snapshot!(ask(&repo, &["why", "api"]), @r"
    exit 0
    --- stdout
    api is affected
      definition changed
      1 more cause; -v shows all
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "api", "-v"]), @r"
    exit 0
    --- stdout
    api is affected
      definition changed
      depends on lib
        lib/input changed
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "api", "--base", "nope"]), @r"
    exit 0
    --- stdout
    api is affected
      everything counts as changed: `nope` is not in this clone, and no remote is configured to fetch it from
    ");
    repo.svc(&["test", "api"]).run();
    insta::assert_snapshot!(ask(&repo, &["why", "api:test", "-v"]), @"
    exit 0
    --- stdout
    api:test is affected
      definition changed
      depends on lib
        lib/input changed
      failed before
    api:build has to run first; what it leaves is not known yet
    ");
    let document = repo.svc(&["why", "web"]).json();
    assert_eq!(
        (&document["affected"], &document["name"]),
        (&true.into(), &"web".into())
    );
}

#[test]
fn logs_are_kept_and_shown() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["log"]), @r"
    exit 2
    --- stderr
    error: nothing ran here yet
    hint: `svc build`, `svc test` and `svc run` make records
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "--list"]), @r"
    exit 0
    --- stderr
    nothing ran here yet
    ");
    repo.svc(&["test", "--all", "--jobs", "1"]).run();
    insta::assert_snapshot!(ask(&repo, &["log"]), @r"
    exit 0
    --- stdout
    run [RUN]: svc test: 3 passed, 1 failed in [TIME]
    TASK       OUTCOME  TIME  REASON
    lib:build  passed [TIME]
    api:build  passed [TIME]
    api:test   failed [TIME] exit code 1
    web:test   passed [TIME]
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "api:test"]), @r"
    exit 0
    --- stdout
    testing
    one went wrong
    ");
    repo.svc(&["build", "lib"]).run();
    insta::assert_snapshot!(ask(&repo, &["log", "--list"]), @"
    exit 0
    --- stdout
    [RUN]  svc build: 1 cached in [TIME]
    [RUN]  svc test: 3 passed, 1 failed in [TIME]
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "api:test"]), @r"
    exit 0
    --- stdout
    testing
    one went wrong
    ");
    let runs = repo.svc(&["log", "--list"]).json();
    let id = runs["runs"][1]["id"]
        .as_str()
        .or(runs["runs"][1]["run"].as_str())
        .expect("an id")
        .to_owned();
    assert!(
        repo.svc(&["log", "--run", &id])
            .stdout()
            .contains("api:test")
    );
    assert_eq!(
        repo.svc(&["log", "api:test", "--run", &id]).stdout(),
        "testing\none went wrong\n"
    );
    insta::assert_snapshot!(ask(&repo, &["log", "api:tets"]), @r"
    exit 2
    --- stderr
    error: there is no recorded task named `api:tets`
    hint: did you mean `api:test`?
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "api"]), @r"
    exit 2
    --- stderr
    error: `api` is not the full name of a task
    hint: write SERVICE:TASK, as `svc log` lists them
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "--run", "20200101-000000-abcd"]), @r"
    exit 2
    --- stderr
    error: there is no recorded run named `20200101-000000-abcd`
    hint: `svc log --list` names the runs that are kept
    ");
}

#[test]
fn only_the_last_twenty_runs_are_kept() {
    let repo = workspace(SHOP);
    for _ in 0..22 {
        repo.svc(&["build", "lib", "-q"]).stdout();
    }
    assert_eq!(repo.svc(&["log", "--list"]).stdout().lines().count(), 20);
    let runs = std::fs::read_dir(repo.root().join(".git/svc/runs")).unwrap();
    assert!(runs.count() <= 21);
}

#[test]
fn worktrees_have_records_of_their_own() {
    let repo = workspace(SHOP);
    repo.svc(&["build", "lib"]).stdout();
    let other = repo.beside("other");
    repo.git(&["worktree", "add", "--quiet", other.to_str().unwrap()]);
    let other = repo.at(&other);
    assert_eq!(other.svc(&["log", "--list"]).stdout(), "");
    other.svc(&["build", "api"]).stdout();
    assert_eq!(repo.svc(&["log", "--list"]).stdout().lines().count(), 1);
}
