//! One environment after the other: what is due where, what is promoted, held, gone back to, and made due by nothing.

use serde_json::Value;

use crate::running::Running;
use crate::stage::{ALL, Ledger, Stage};

/// A deploy to production.
fn to_production(stage: &Stage, arguments: &[&str]) -> crate::support::Said {
    stage
        .svc(&[&["deploy", "--env", "production"], arguments].concat())
        .run()
}

fn promote(stage: &Stage, arguments: &[&str]) -> crate::support::Said {
    let command = ["promote", "--from", "staging", "--to", "production"];
    stage.svc(&[&command, arguments].concat()).run()
}

/// The services that a plan would deploy, each with why.
fn due(stage: &Stage, environment: &str) -> Vec<(String, String)> {
    let plan = stage
        .svc(&["deploy", "--env", environment, "--dry-run"])
        .json();
    let services = plan["services"].as_array().unwrap();
    let due = services.iter().filter(|it| it["verdict"] == "deploy");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    due.map(|it| (text(&it["name"]), text(&it["why"])))
        .collect()
}

#[test]
fn what_runs_in_staging_is_still_due_in_production() {
    let stage = Stage::deployed(Ledger::Git);
    assert_eq!(due(&stage, "staging"), []);
    assert_eq!(due(&stage, "production").len(), 3);
    let said = to_production(&stage, &[]);
    assert_eq!(
        said.code(),
        2,
        "the first time is asked for: {}",
        said.all()
    );
    let said = to_production(&stage, &["--bootstrap"]);
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(stage.steps().len(), 3);
    stage.expect_true("production", "after it");
    assert_eq!(due(&stage, "production"), []);
    for (at, environment) in ["staging", "production"].into_iter().enumerate() {
        stage.change(&["base"], &format!("new {at}"));
        let said = stage.svc(&["deploy", "--env", environment]).run();
        assert_eq!(said.code(), 0, "{}", said.all());
    }
    let names: Vec<_> = due(&stage, "staging").into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["base", "api"]);
}

#[test]
fn a_promotion_brings_exactly_what_staging_runs_and_builds_nothing() {
    let stage = Stage::deployed(Ledger::Git);
    stage.change(&["base", "side"], "two");
    stage.deploy_well(&[]);
    // Commits that staging does not run yet do not come along.
    stage.change(&ALL, "three");
    stage.forget();
    let said = promote(&stage, &[]);
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(stage.builds(), Vec::<String>::new());
    for service in ALL {
        let ran = stage.runs("staging", service);
        assert_eq!(stage.runs("production", service), ran, "{service}");
    }
    assert!(stage.runs("production", "base").unwrap().contains(" two "));
    let (old, new) = (stage.history("staging"), stage.history("production"));
    for service in ALL {
        let newest = |entries: &[Value]| {
            let newest = entries.iter().rev().find(|it| it["service"] == service);
            newest.unwrap()["runs"].clone()
        };
        let (old, new) = (newest(&old), newest(&new));
        for field in ["version", "release", "values", "commit"] {
            assert_eq!(old[field], new[field], "{service} {field}");
        }
    }
    stage.expect_true("production", "promoted");
    stage.forget();
    let said = promote(&stage, &[]);
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(said.all().contains("already"), "{}", said.all());
    assert_eq!(stage.steps(), Vec::<String>::new());
}

#[test]
fn only_what_ran_before_is_deployed_where_it_is_promoted_to() {
    let stage = Stage::with(Ledger::Git);
    stage.redefine(
        "[environments.production]\n",
        "[environments.production]\npromote-from = \"staging\"\n",
    );
    stage.commit("promote");
    stage.deploy_well(&["--bootstrap"]);
    let said = to_production(&stage, &["--bootstrap"]);
    assert_eq!(said.code(), 0, "{}", said.all());
    stage.change(&["side"], "two");
    let said = to_production(&stage, &[]);
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(
        said.stderr().contains("has not run in `staging`"),
        "{}",
        said.all()
    );
    stage.deploy_well(&[]);
    assert_eq!(promote(&stage, &["side"]).code(), 0);
    stage.expect_true("production", "promoted");
}

#[test]
fn what_was_rolled_back_is_held() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        let first = stage.runs("staging", "side");
        stage.change(&["side"], "two");
        stage.deploy_well(&[]);
        let second = stage.runs("staging", "side");
        assert_ne!(first, second);
        let back = [
            "rollback",
            "--env",
            "staging",
            "--reason",
            "prices are wrong",
        ];
        stage.svc(&back).stdout();
        assert_eq!(stage.runs("staging", "side"), first);
        stage.expect_true("staging", "rolled back");
        stage.forget();
        let said = stage.deploy_well(&[]);
        assert!(said.all().contains("held"), "{}", said.all());
        assert_eq!(stage.steps(), Vec::<String>::new());
        let anew: [&[&str]; 2] = [&["side"], &["--retry-held"]];
        for arguments in anew {
            stage.deploy_well(arguments);
            assert_eq!(stage.runs("staging", "side"), second, "{arguments:?}");
            stage.svc(&back).stdout();
            assert_eq!(stage.runs("staging", "side"), first, "{arguments:?}");
        }
        // What differs is not held.
        stage.change(&["side"], "three");
        stage.deploy_well(&[]);
        stage.expect_all_deployed("another one");
    }
}

#[test]
fn who_goes_back_gets_the_values_and_definitions_of_then() {
    let stage = Stage::deployed(Ledger::Git);
    let first = stage.runs("staging", "side");
    assert!(first.as_ref().unwrap().ends_with(" one plain"), "{first:?}");
    let target = stage.repo.read(".svc/targets/stage.toml");
    let target = target.replace("step\" deploy", "step\" deploy new-way");
    stage.repo.write(".svc/targets/stage.toml", target);
    stage.change(&["side"], "two");
    stage.deploy_well(&[]);
    let second = stage.runs("staging", "side");
    assert!(
        second.as_ref().unwrap().ends_with(" two new-way"),
        "{second:?}"
    );
    stage.forget();
    stage
        .svc(&["rollback", "--env", "staging", "side"])
        .stdout();
    assert_eq!(stage.runs("staging", "side"), first);
    assert_eq!(stage.builds(), Vec::<String>::new());
    // And on to the newer one, by its name.
    let entries = stage.history("staging");
    let mut brought = entries.iter().rev();
    let brought = brought.find(|it| it["action"] == "deploy" && it["service"] == "side");
    let brought = brought.unwrap();
    let id = brought["deploy"].as_str().unwrap();
    stage
        .svc(&["rollback", "--env", "staging", "side", "--to", id])
        .stdout();
    assert_eq!(stage.runs("staging", "side"), second);
    stage.expect_true("staging", "to and fro");
}

#[test]
fn a_ledger_in_another_format_makes_nothing_due() {
    let stage = Stage::deployed(Ledger::Git);
    stage.change(&["side"], "two");
    stage.deploy_well(&[]);
    // Commits in between that are nobody's.
    stage.repo.write("notes.md", "of nobody");
    stage.commit("notes");
    another_format(&stage);
    assert_eq!(due(&stage, "staging"), []);
    stage.forget();
    stage.deploy_well(&[]);
    assert_eq!(stage.steps(), Vec::<String>::new());
    stage.change(&["base"], "three");
    let names: Vec<_> = due(&stage, "staging").into_iter().map(|it| it.0).collect();
    assert_eq!(names, ["base", "api"]);
    stage.deploy_well(&[]);
    assert_eq!(stage.steps(), ["deploy base", "deploy api"]);
    assert_eq!(due(&stage, "staging"), []);
}

/// Rewrites what the ledger says runs as an older `svc` would have: in another format, with other digests.
fn another_format(stage: &Stage) {
    let editor = stage.repo.beside("editor");
    let origin = format!("file://{}", stage.origin().display());
    let at = editor.to_str().unwrap();
    stage.repo.git(&["clone", "--quiet", &origin, at]);
    let there = stage.repo.at(&editor);
    let name = "refs/svc/ledger/staging";
    there.git(&["fetch", "--quiet", "origin", name]);
    there.git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
    for service in ALL {
        let path = format!("services/{service}.json");
        let text = std::fs::read_to_string(editor.join(&path)).unwrap();
        let mut standing: Value = serde_json::from_str(&text).unwrap();
        for place in ["/newest/brings", "/newest/runs/this"] {
            let deployed = standing.pointer_mut(place).unwrap();
            deployed["format"] = 0.into();
            deployed["release"] = "a".repeat(64).into();
            deployed["config"] = "b".repeat(64).into();
        }
        there.write(&path, standing.to_string());
    }
    // The entries of the commit before are no news.
    there.write("entries.jsonl", "");
    there.commit("another format");
    there.git(&["push", "--quiet", "origin", &format!("HEAD:{name}")]);
}

#[test]
fn another_tool_or_machine_makes_nothing_due() {
    let stage = Stage::with(Ledger::Git);
    stage.redefine(
        "outputs = []\n",
        "outputs = []\ntools = [\"cat $STAGE/tool\"]\n",
    );
    stage.commit("with a tool");
    std::fs::write(stage.place("tool"), "tool 1\n").unwrap();
    stage.deploy_well(&["--bootstrap"]);
    stage.forget();
    std::fs::write(stage.place("tool"), "tool 2\n").unwrap();
    // Builds are made anew.
    stage.svc(&["build", "--all"]).stdout();
    assert_eq!(stage.builds().len(), 3);
    assert_eq!(due(&stage, "staging"), []);
    // As on another machine: another user, home, path and clone, and nothing in the cache.
    let clone = stage.another("elsewhere");
    let plan = stage
        .svc_at(&clone, &["deploy", "--env", "staging", "--dry-run"])
        .env("HOME", stage.place("home"))
        .env("XDG_CACHE_HOME", stage.place("cache"))
        .env(
            "PATH",
            format!("/nowhere:{}", std::env::var("PATH").unwrap()),
        )
        .env("LANG", "de_DE.UTF-8")
        .json();
    for service in plan["services"].as_array().unwrap() {
        assert_eq!(service["verdict"], "up-to-date", "{plan:#}");
    }
    stage.deploy_well(&[]);
    assert_eq!(stage.steps(), Vec::<String>::new());
}

#[test]
fn an_older_commit_is_refused_with_both_commits_and_the_flag() {
    let stage = Stage::deployed(Ledger::Git);
    let old = stage.repo.git(&["rev-parse", "HEAD"]);
    let new = stage.change(&["side"], "two");
    stage.deploy_well(&[]);
    stage.repo.git(&["checkout", "--quiet", "--detach", &old]);
    let refused = |stage: &Stage| {
        let said = stage.deploy(&[]).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        for words in [&old[..7], &new[..7], "--allow-diverged"] {
            assert!(said.stderr().contains(words), "{words}: {}", said.all());
        }
    };
    refused(&stage);
    // Also while it is unknown what runs, as it may well be the newer one.
    stage.repo.git(&["checkout", "--quiet", "main"]);
    let newest = stage.change(&["side"], "three");
    stage.hold("side");
    let killed = Running::start(stage.deploy(&[]));
    stage.wait_until_held("side");
    killed.kill();
    stage.let_go("side");
    stage.repo.git(&["checkout", "--quiet", "--detach", &old]);
    refused(&stage);
    stage
        .repo
        .git(&["checkout", "--quiet", "--detach", &newest]);
    crate::stage::until("the step has ended", || {
        let last = stage.traces().pop().unwrap();
        last.what == "leave"
    });
    stage.deploy_well(&[]);
    stage.repo.git(&["checkout", "--quiet", "--detach", &old]);
    stage.deploy_well(&["--allow-diverged"]);
    stage.expect_all_deployed("an older one");
}
