//! `svc ci matrix`: what is affected, as jobs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::TestRepo;
use crate::world::workspace;

/// A chain, two that share a library, and one that has no test.
const SHOP: &str = r#"
[services.lib]
path = "lib"
build = { run = "cp input out", outputs = ["out"] }
test = "true"
[services.api]
path = "api"
depends-on = ["lib"]
build = { run = "cp input out", outputs = ["out"] }
test = "true"
[services.web]
path = "web"
depends-on = ["lib"]
build = { run = "cp input out", outputs = ["out"] }
test = "true"
[services.tool]
path = "tool"
test = "true"
[services.docs]
path = "docs"
build = { run = "cp input out", outputs = ["out"] }
"#;

fn services(document: &Value) -> Vec<String> {
    let shards = document["shards"].as_array().unwrap();
    let services = shards
        .iter()
        .flat_map(|it| it["services"].as_array().unwrap());
    services.map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn matrix(repo: &TestRepo, arguments: &[&str]) -> Value {
    repo.svc(&[&["ci", "matrix"], arguments].concat()).json()
}

#[test]
fn jobs_hold_what_is_affected_each_service_once() {
    let repo = workspace(SHOP);
    let check = |arguments: &[&str]| {
        let affected = repo.svc(&[&["affected"], arguments].concat()).stdout();
        let tested: BTreeSet<&str> = affected.lines().filter(|it| *it != "docs").collect();
        for shards in [
            &[][..],
            &["--shards", "1"],
            &["--shards", "2"],
            &["--shards", "99"],
        ] {
            let found = services(&matrix(&repo, &[&["test"], arguments, shards].concat()));
            assert_eq!(found.len(), tested.len(), "{found:?}");
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, tested, "{arguments:?} {shards:?}");
        }
    };
    check(&[]);
    repo.append("lib/input", "more\n");
    check(&[]);
    check(&["--no-dependents"]);
    check(&["--exclude", "web"]);
    repo.commit("more");
    repo.append("docs/input", "more\n");
    check(&["--base-exact", "HEAD~1"]);
    check(&["--base-exact", "HEAD~1", "--head", "HEAD"]);
    check(&["--staged"]);
    check(&["--all"]);
}

#[test]
fn a_task_that_failed_here_is_nothing_to_jobs_elsewhere() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"false\"\n");
    assert_eq!(repo.svc(&["test", "--all"]).run().code(), 1);
    let said = repo.svc(&["test", "--dry-run"]).stdout();
    assert!(said.contains("failed before"), "{said}");
    assert_eq!(services(&matrix(&repo, &[])), Vec::<String>::new());
}

#[test]
fn durations_balance_jobs_in_this_clone_and_by_the_cache_alone() {
    let repo = workspace(
        "[services.slow]\npath = \"slow\"\ntest = \"sleep 1\"\n[services.a]\npath = \"a\"\ntest = \"true\"\n\
         [services.b]\npath = \"b\"\ntest = \"true\"\n[services.c]\npath = \"c\"\ntest = \"true\"\n",
    );
    let shards = |variables: &[(&str, &str)]| {
        let svc = repo.svc(&["ci", "matrix", "--all", "--shards", "2"]);
        let svc = variables
            .iter()
            .fold(svc, |svc, (name, value)| svc.env(name, value));
        let document = svc.json();
        let shards = document["shards"].as_array().unwrap().clone();
        let names = shards.iter().map(|it| it["services"].to_string());
        (names.collect::<Vec<_>>(), shards[0]["expected_ms"].clone())
    };
    let balanced = [r#"["slow"]"#, r#"["a","b","c"]"#];
    assert_eq!(shards(&[]).0.len(), 2);
    assert_eq!(shards(&[]).1, Value::Null, "nobody knows");
    assert_eq!(repo.svc(&["test", "--all"]).run().code(), 0);
    let (names, expected) = shards(&[]);
    assert_eq!(names, balanced);
    assert!(expected.as_u64().unwrap() >= 1000, "{expected}");
    // As in a fresh checkout of CI, with the store that an earlier run left.
    std::fs::remove_dir_all(repo.root().join(".git/svc")).unwrap();
    assert_eq!(shards(&[]).0, balanced);
    assert_eq!(shards(&[("SVC_CACHE", "off")]).1, Value::Null);
}

#[test]
fn too_many_jobs_are_put_together_and_that_is_told() {
    let tables =
        (0..300).map(|it| format!("[services.s{it}]\npath = \"s{it}\"\ntest = \"true\"\n"));
    let repo = workspace(&tables.collect::<String>());
    let said = repo
        .svc(&["ci", "matrix", "--all", "--format", "github"])
        .run();
    assert_eq!(said.code(), 0);
    assert_eq!(
        said.stderr(),
        "warning: GitHub Actions takes at most 256 jobs: 300 jobs put together\n"
    );
    let line = said.stdout();
    let line = line
        .lines()
        .next()
        .unwrap()
        .strip_prefix("matrix=")
        .unwrap()
        .to_owned();
    let found: Value = serde_json::from_str(&line).unwrap();
    let legs = found["include"].as_array().unwrap();
    assert_eq!(legs.len(), 256);
    let words = legs
        .iter()
        .flat_map(|it| it["services"].as_str().unwrap().split(' '));
    assert_eq!(words.collect::<BTreeSet<_>>().len(), 300);
    let said = repo
        .svc(&["ci", "matrix", "--all", "--format", "buildkite"])
        .run();
    assert_eq!(said.stderr(), "", "it takes 500");
}

#[test]
fn a_job_says_why_the_plan_has_its_services() {
    let repo = workspace(SHOP);
    repo.append("lib/input", "more\n");
    repo.write("lib/a, b=c:$(x) `y`", "more\n");
    let document = matrix(&repo, &["--shards", "1"]);
    let shard = &document["shards"][0];
    let causes = shard["causes"].as_str().unwrap();
    assert_eq!(
        causes,
        "api=dependency:lib lib=changed:lib/a%2C%20b%3Dc%3A%24%28x%29%20%60y%60,changed:lib/input web=dependency:lib"
    );
    let planned = |arguments: &[&str]| {
        let svc = repo.svc(&[&["test", "--dry-run"], arguments].concat());
        svc.env("SVC_CAUSES", causes).json()
    };
    let tests = |document: &Value| {
        let rows = document["tasks"].as_array().unwrap().clone();
        let rows = rows.into_iter().filter(|it| it["task"] == "test");
        rows.map(|it| (it["service"].clone(), it["causes"].clone()))
            .collect::<Vec<_>>()
    };
    let here = repo.svc(&["test", "--dry-run"]).json();
    assert_eq!(tests(&planned(&["lib", "api", "web"])), tests(&here));
    // Flags for what is affected do not take away what is named.
    assert_eq!(
        tests(&planned(&["lib", "api", "web", "--no-dependents"])),
        tests(&here)
    );
    let requested = serde_json::json!([{"kind": "requested"}]);
    assert_eq!(
        tests(&planned(&["tool"])),
        [("tool".into(), requested.clone())]
    );
    assert_eq!(tests(&planned(&["--all"]))[0].1, requested);
}

#[test]
fn the_format_is_that_of_the_system() {
    let repo = workspace(SHOP);
    let plain = repo.svc(&["ci", "matrix", "test", "tool", "lib"]).stdout();
    assert_eq!(plain, "JOB  SERVICES\n1    lib\n2    tool\n");
    let in_system = |name: &str, value: &str| {
        let svc = repo.svc(&["ci", "matrix", "test", "tool"]);
        svc.env(name, value).stdout()
    };
    assert!(
        in_system("GITHUB_ACTIONS", "true").starts_with("matrix={\"include\":[{\"name\":\"tool\"")
    );
    assert!(in_system("GITLAB_CI", "true").contains("\"test tool\":\n"));
    assert!(
        in_system("TF_BUILD", "True")
            .contains("##vso[task.setvariable variable=legs;isOutput=true]")
    );
    assert!(in_system("DRONE", "true").starts_with("JOB "));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let repo = workspace(SHOP);
    repo.write("config.yml", "a: 1\n");
    let check = |arguments: &[&str], expected: &str| {
        let said = repo.svc(&[&["ci", "matrix"], arguments].concat()).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        assert!(said.stderr().contains(expected), "{}", said.all());
        assert_eq!(said.stdout(), "");
    };
    check(&["tset"], "did you mean `test`?");
    check(&["api"], "`api` is a service: write `test api`");
    check(&["api:build"], "`api` is a service: write `build api`");
    check(&["test", "docs"], "`docs` has no task `test`");
    check(&["--shards", "0"], "0 is not in 1..");
    check(
        &["--format", "dot"],
        "[possible values: text, json, github, gitlab, buildkite, circleci, azure]",
    );
    check(
        &["--format", "github", "--into", "config.yml"],
        "--into says nothing in this format",
    );
    check(
        &["--format", "github", "--before", "x"],
        "--before says nothing in this format",
    );
    check(
        &["--format", "buildkite", "--before", "echo \\$x"],
        "--before holds `\\$`, which Buildkite changes",
    );
    check(
        &["--format", "circleci", "--into", "config.yml"],
        "`config.yml` has to have one line that ends with `# svc ci matrix`",
    );
    let said = repo
        .svc(&["ci", "matrix", "--format", "circleci", "--into", "none.yml"])
        .run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let refused = |arguments: &[&str], expected: &str| {
        let said = repo.svc(arguments).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        assert!(said.stderr().contains(expected), "{}", said.all());
    };
    let only = "only `svc ci matrix` is printed for a CI system";
    refused(&["list", "--format", "github"], only);
    let gitlab = ["ci", "init", "github", "--format", "gitlab"];
    refused(&gitlab, only);
    // Wherever it is said.
    let json = ["--format", "json", "ci", "matrix"];
    assert_eq!(repo.svc(&json).json()["version"], 1);
}

#[test]
fn a_workspace_below_the_top_is_named_to_the_jobs() {
    let repo = TestRepo::with_files(&[
        (
            "apps/shop/services.toml",
            "version = 1\n[services.a]\npath = \"a\"\ntest = \"true\"\n",
        ),
        ("apps/shop/a/input", "1\n"),
    ]);
    let said = repo
        .svc(&[
            "-C",
            "apps/shop",
            "ci",
            "matrix",
            "--all",
            "--format",
            "gitlab",
        ])
        .stdout();
    assert!(said.contains("\"svc -C apps/shop test a\""), "{said}");
    let said = repo.svc(&["-C", "apps/shop", "ci", "init", "gitlab"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let text = repo.read(".gitlab-ci.yml");
    assert!(
        text.contains("svc -C apps/shop ci matrix test --shards 4"),
        "{text}"
    );
}
