//! `svc doctor`: what it finds, what it says helps, and what it mends by itself.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::TestRepo;

const ONE: &str = r#"
version = 1
[services.api]
path = "api"
build = "true"
[services.api.test]
run = "no-such-tool --check"
tools = ["sh -c 'echo broken tool; exit 3'"]
"#;

fn repo(definition: &str) -> TestRepo {
    TestRepo::with_files(&[("services.toml", definition), ("api/main.py", "x = 1\n")])
}

fn findings(repo: &TestRepo, arguments: &[&str]) -> Vec<Value> {
    let said = repo
        .svc(&[&["doctor", "--format", "json"], arguments].concat())
        .run();
    let document: Value = serde_json::from_str(&said.stdout()).expect("a document");
    document["findings"].as_array().unwrap().clone()
}

fn find<'a>(findings: &'a [Value], area: &str, about: &str) -> Option<&'a Value> {
    findings
        .iter()
        .find(|it| it["area"] == area && it["about"].as_str().unwrap().contains(about))
}

#[test]
fn all_is_well_where_nothing_is_wrong() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let found = findings(&repo, &[]);
    assert!(
        found.iter().all(|it| it["weight"] != "failure"),
        "{found:?}"
    );
    assert_eq!(find(&found, "cache", "results").unwrap()["weight"], "fine");
    assert_eq!(find(&found, "ledger", "local").unwrap()["weight"], "fine");
    assert!(
        repo.svc(&["doctor", "-q"])
            .run()
            .stdout()
            .starts_with("hooks\n")
    );
}

#[test]
fn a_tool_that_is_missing_or_fails_is_named_with_the_tasks_that_need_it() {
    let repo = repo(ONE);
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    let broken = find(&found, "tools", "sh -c").unwrap();
    assert_eq!(broken["weight"], "failure");
    assert_eq!(
        broken["words"],
        "exit code 3 (broken tool); api:test needs it"
    );
    let missing = find(&found, "tools", "no-such-tool").unwrap();
    assert_eq!(missing["weight"], "warning");
    assert_eq!(missing["words"], "it is not in PATH; api:test needs it");
    assert_eq!(missing["fix"]["words"], "install no-such-tool");
}

#[test]
fn a_definition_that_is_not_valid_does_not_keep_the_rest_from_being_looked_at() {
    let repo = repo("version = 1\n[services.api]\npath = \"nowhere\"\n");
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    let definition = find(&found, "definition", "services.toml").unwrap();
    assert_eq!(definition["weight"], "failure");
    assert!(find(&found, "cache", "results").is_some());
    assert!(find(&found, "repository", "git").is_some());
}

#[test]
fn files_that_two_services_read_and_nobody_owns_are_a_likely_mistake() {
    let service = |name: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.build]\nrun = \"true\"\ninputs = [\"...\", \
             \"/proto/shop.proto\"]\n"
        )
    };
    let definition = format!("version = 1\n{}{}", service("api"), service("web"));
    let repo = TestRepo::with_files(&[
        ("services.toml", &definition),
        ("api/a", ""),
        ("web/a", ""),
        ("proto/shop.proto", ""),
    ]);
    let found = findings(&repo, &[]);
    let shared = find(&found, "definition", "proto/shop.proto").unwrap();
    assert_eq!(shared["weight"], "hint");
    assert_eq!(shared["words"], "api and web read it, and nobody owns it");
}

#[test]
fn the_shape_of_a_clone_is_told() {
    let origin = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    origin.write("api/more.py", "");
    origin.commit("second");
    let clone = origin.beside("clone");
    let from = format!("file://{}", origin.root().display());
    origin.git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        &from,
        clone.to_str().unwrap(),
    ]);
    let clone = origin.at(clone);
    let document = clone.svc(&["doctor"]).json();
    let found = document["findings"].as_array().unwrap();
    let shallow = find(found, "repository", "clone").unwrap();
    assert_eq!(shallow["weight"], "warning");
    assert_eq!(shallow["fix"]["words"], "git fetch --unshallow");
}

#[test]
fn outside_of_git_it_says_what_is_missing() {
    let repo = TestRepo::bare_directory();
    repo.write(
        "services.toml",
        "version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n",
    );
    repo.write("api/a", "");
    let found = findings(&repo, &[]);
    assert_eq!(
        find(&found, "repository", "git").unwrap()["weight"],
        "warning"
    );
    let nowhere = TestRepo::bare_directory();
    let said = nowhere.svc(&["doctor"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
}

#[test]
fn a_hook_that_git_skips_is_mended() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    let hook = ".git/hooks/pre-commit";
    repo.write(hook, "#!/bin/sh\nexec svc test --staged\n");
    let before = findings(&repo, &[]);
    let skipped = find(&before, "hooks", "pre-commit").unwrap();
    assert_eq!(skipped["weight"], "warning");
    let said = repo.svc(&["doctor", "--fix"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let mode = std::fs::metadata(repo.root().join(hook))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    let after = findings(&repo, &[]);
    assert_eq!(
        find(&after, "hooks", "pre-commit").unwrap()["weight"],
        "fine"
    );
}

#[test]
fn a_ledger_that_cannot_be_reached_is_a_failure() {
    let definition = "version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\ndeploy = \"true\"\n\
                      [environments.staging]\n[ledger]\nstore = \"git\"\n";
    let repo = repo(definition);
    repo.git(&["remote", "add", "origin", "file:///nowhere/at/all.git"]);
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    assert_eq!(
        find(&found, "ledger", "staging").unwrap()["weight"],
        "failure"
    );
    let offline = findings(&repo, &["--offline"]);
    assert!(find(&offline, "ledger", "staging").is_none_or(|it| it["weight"] != "failure"));
}

#[test]
fn a_cache_that_cannot_be_written_is_a_failure() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    repo.write("file", "");
    let place = repo.root().join("file/cache");
    let said = repo.svc(&["doctor"]).env("SVC_CACHE_DIR", &place).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    assert!(said.stdout().contains("SVC_CACHE_DIR"), "{}", said.all());
}
