//! Deploys that do not go well, and what they leave: what is said to run does run.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::running::Running;
use crate::stage::{ALL, Ledger, Stage, until};

/// With what is to happen when a deploy fails, and the first release of everything.
fn with_failing(mode: &str) -> Stage {
    let stage = Stage::new();
    stage.redefine(
        "[environments.staging]\n",
        &format!("[environments.staging]\non-failure = \"{mode}\"\n"),
    );
    stage.commit("mode");
    stage.deploy_well(&["--bootstrap"]);
    stage.forget();
    stage
}

/// The state of the newest entry of each service.
fn states(stage: &Stage) -> Vec<(String, String)> {
    let status = stage.status("staging").into_iter();
    let state = |it: Value| it["last"]["state"].as_str().unwrap_or("none").to_owned();
    status.map(|(name, it)| (name, state(it))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn what_fails_goes_back_and_the_rest_goes_on() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        let old = stage.runs("staging", "base");
        stage.change(&["api", "side"], "two");
        stage.change(&["base"], "bad");
        let said = stage.deploy(&[]).run();
        assert_eq!(said.code(), 5, "{}", said.all());
        assert_eq!(stage.runs("staging", "base"), old);
        assert_eq!(stage.source("side"), "two");
        // What depends on it was not begun.
        assert_eq!(stage.source("api"), "one");
        assert!(
            said.stderr().contains("staging runs now:"),
            "{}",
            said.all()
        );
        assert!(said.stderr().contains("(rolled back)"), "{}", said.all());
        let expected = [
            ("api", "succeeded"),
            ("base", "rolled-back"),
            ("side", "succeeded"),
        ];
        assert_eq!(states(&stage), pairs(&expected));
        stage.expect_true("staging", "rolled back");
        // It is held, and what needs it waits for it.
        stage.forget();
        stage.deploy_well(&[]);
        assert!(stage.steps().is_empty(), "{:?}", stage.steps());
        stage.change(&["base"], "mended");
        stage.deploy_well(&[]);
        stage.expect_all_deployed("mended");
    }
}

#[test]
fn with_stop_nothing_more_is_begun() {
    let stage = with_failing("stop");
    stage.change(&["api", "side"], "two");
    stage.change(&["base", "side"], "bad");
    let said = stage.deploy(&["--jobs", "1"]).run();
    assert_eq!(said.code(), 1, "{}", said.all());
    assert_eq!(stage.steps().len(), 1, "{:?}", stage.steps());
    assert_eq!(stage.in_state("unknown").len(), 1);
    stage.expect_true("staging", "stopped");
    stage.change(&ALL, "three");
    stage.deploy_well(&[]);
    stage.expect_all_deployed("mended");
}

#[test]
fn with_continue_what_failed_stays_and_the_rest_goes_on() {
    let stage = with_failing("continue");
    stage.change(&["api", "side"], "two");
    stage.change(&["base"], "bad");
    let said = stage.deploy(&["--jobs", "1"]).run();
    assert_eq!(said.code(), 1, "{}", said.all());
    assert_eq!(stage.in_state("unknown"), ["base"]);
    assert_eq!(stage.source("side"), "two");
    assert_eq!(stage.source("api"), "one");
    stage.expect_true("staging", "continued");
    // By itself it is not tried again; with `--resume` it is.
    stage.forget();
    let said = stage.deploy(&["--resume"]).run();
    assert_eq!(said.code(), 1, "{}", said.all());
    assert_eq!(stage.steps(), ["deploy base"]);
    stage.change(&["base"], "mended");
    stage.deploy_well(&["--resume"]);
    stage.deploy_well(&[]);
    stage.expect_all_deployed("mended");
}

#[test]
fn all_or_nothing_goes_back_in_reverse_to_exactly_what_ran() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        // Each runs something else before.
        stage.change(&["base"], "two");
        stage.deploy_well(&["base"]);
        stage.change(&["side"], "three");
        stage.deploy_well(&["side"]);
        let old: Vec<_> = ALL.iter().map(|it| stage.runs("staging", it)).collect();
        let before = stage.history("staging").len();
        stage.change(&["base", "side"], "four");
        stage.change(&["api"], "bad");
        stage.forget();
        let said = stage.deploy(&["--atomic", "--jobs", "1"]).run();
        assert_eq!(said.code(), 5, "{}", said.all());
        let now: Vec<_> = ALL.iter().map(|it| stage.runs("staging", it)).collect();
        assert_eq!(now, old);
        let steps = stage.steps();
        let failed = steps.iter().position(|it| it == "deploy api").unwrap();
        let (forth, back) = steps.split_at(failed + 1);
        // Who depends on something goes back before it; `side` depends on nothing.
        let of = |steps: &[String], name: &str| steps.iter().position(|it| it.ends_with(name));
        assert!(of(back, "api") < of(back, "base"), "{steps:?}");
        let sorted = |steps: &[String]| {
            let mut steps = steps.to_vec();
            steps.sort();
            steps
        };
        assert_eq!(sorted(back), sorted(forth), "{steps:?}");
        stage.expect_true("staging", "gone back");
        assert!(stage.history("staging").len() > before);
        // The good half was taken back as well, so it is held until it is asked for.
        stage.change(&["api"], "mended");
        stage.deploy_well(&["--retry-held"]);
        stage.expect_all_deployed("mended");
    }
}

#[test]
fn a_first_deploy_that_fails_is_taken_away_again() {
    let stage = Stage::new();
    stage.change(&["base"], "bad");
    let said = stage.deploy(&["--bootstrap"]).run();
    assert_eq!(said.code(), 5, "{}", said.all());
    assert_eq!(stage.runs("staging", "base"), None);
    assert_eq!(stage.runs("staging", "api"), None);
    assert_eq!(stage.source("side"), "one");
    assert_eq!(stage.in_state("absent"), ["api", "base"]);
    stage.expect_true("staging", "taken away");
    stage.change(&["base"], "mended");
    stage.deploy_well(&[]);
    stage.expect_all_deployed("mended");
}

#[test]
fn what_cannot_go_back_is_unknown() {
    let stage = Stage::deployed(Ledger::Git);
    stage.change(&["base", "side"], "two");
    stage.fail("base");
    let said = stage.deploy(&[]).run();
    assert_eq!(said.code(), 1, "{}", said.all());
    assert!(
        said.stderr().contains("could not be rolled back"),
        "{}",
        said.all()
    );
    assert!(said.stderr().contains("base unknown"), "{}", said.all());
    assert_eq!(stage.in_state("unknown"), ["base"]);
    stage.expect_true("staging", "unknown");
    stage.mend("base");
    stage.deploy_well(&["--resume"]);
    stage.deploy_well(&[]);
    stage.expect_all_deployed("mended");
}

#[test]
fn what_is_not_healthy_goes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let closed = {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        other.local_addr().unwrap().port()
    };
    let check = |good: bool, health: &str| {
        let stage = Stage::deployed(Ledger::File);
        let old = stage.runs("staging", "side");
        stage.redefine(
            "path = \"side\"\nbuild = {}\ndeploy = {}\n",
            &format!(
                "path = \"side\"\nbuild = {{}}\ndeploy = {{ health = {{ {health}, timeout = \"400ms\", interval = \"50ms\" }} }}\n"
            ),
        );
        stage.change(&["side"], "two");
        let said = stage.deploy(&[]).run();
        assert_eq!(
            said.code(),
            if good { 0 } else { 5 },
            "{health}: {}",
            said.all()
        );
        assert_eq!(stage.runs("staging", "side") == old, !good, "{health}");
        assert_eq!(
            said.all().contains("not healthy after"),
            !good,
            "{}",
            said.all()
        );
        stage.expect_true("staging", health);
    };
    check(true, &format!("tcp = \"127.0.0.1:{open}\""));
    check(false, &format!("tcp = \"127.0.0.1:{closed}\""));
    check(false, &format!("http = \"http://127.0.0.1:{closed}/\""));
    check(
        true,
        "command = \"test -s \\\"$STAGE/runs/$SVC_ENV.side\\\"\"",
    );
    check(false, "command = \"false\"");
}

#[test]
fn whoever_is_interrupted_says_so_in_time() {
    let check = |ledger, signal, is_stubborn| {
        let when = format!("{ledger:?} {signal:?} {is_stubborn}");
        let stage = Stage::deployed(ledger);
        if is_stubborn {
            let step = std::fs::read_to_string(stage.place("step")).unwrap();
            std::fs::write(stage.place("step"), format!("trap '' TERM INT\n{step}")).unwrap();
        }
        stage.change(&["base", "api"], "two");
        stage.hold("base");
        let running = Running::start(stage.deploy(&[]));
        stage.wait_until_held("base");
        let begin = Instant::now();
        running.signal(signal);
        let over = running.end();
        let lasted = begin.elapsed();
        eprintln!("{when}: {lasted:?}");
        // Then GitHub asks again, and kills soon after.
        assert!(lasted < Duration::from_millis(7500), "{when}: {lasted:?}");
        assert_eq!(over.code, 130, "{when}: {}", over.stderr);
        stage.let_go("base");
        let shown = stage.svc(&["lock", "show", "--env", "staging"]).json();
        assert_eq!(shown["locked"], false, "{when}: {shown:#}");
        let newest = stage.history("staging").pop().unwrap();
        assert_eq!(newest["state"], "interrupted", "{when}: {newest:#}");
        assert_eq!(newest["runs"], "unknown", "{when}: {newest:#}");
        assert_eq!(stage.in_state("unknown"), ["base"], "{when}");
        assert_eq!(stage.steps(), ["deploy base"], "{when}");
        stage.deploy_well(&["--resume"]);
        stage.deploy_well(&[]);
        stage.expect_all_deployed(&when);
    };
    check(Ledger::Git, Signal::INT, true);
    check(Ledger::Git, Signal::TERM, false);
    check(Ledger::File, Signal::INT, false);
}

#[test]
fn a_service_that_is_removed_is_shown_and_taken_down_only_when_asked() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        stage.redefine(
            "[services.side]\npath = \"side\"\nbuild = {}\ndeploy = {}\n",
            "",
        );
        stage.commit("without side");
        let removed = |stage: &Stage| {
            stage
                .status("staging")
                .get("side")
                .map(|it| it["removed"].clone())
        };
        assert_eq!(removed(&stage), Some(true.into()));
        let said = stage.deploy_well(&[]);
        assert!(said.all().contains("side"), "{}", said.all());
        assert_eq!(stage.steps(), Vec::<String>::new());
        assert_eq!(stage.source("side"), "one");
        stage.deploy_well(&["--prune"]);
        assert_eq!(stage.steps(), ["remove side"]);
        assert_eq!(stage.runs("staging", "side"), None);
        assert_eq!(removed(&stage), None);
        stage.expect_true("staging", "pruned");
        stage.forget();
        stage.deploy_well(&["--prune"]);
        assert_eq!(stage.steps(), Vec::<String>::new());
    }
}

#[test]
fn what_runs_already_is_written_down() {
    let stage = Stage::new();
    // Somebody deployed it by other means.
    let said = stage
        .deploy(&["--adopt", "--reason", "it ran before"])
        .run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(stage.steps(), Vec::<String>::new());
    assert_eq!(stage.in_state("running"), ALL);
    let entries = stage.history("staging");
    assert!(
        entries.iter().all(|it| it["action"] == "adopt"),
        "{entries:#?}"
    );
    stage.deploy_well(&[]);
    assert_eq!(stage.steps(), Vec::<String>::new());
    stage.change(&["side"], "two");
    stage.deploy_well(&[]);
    assert_eq!(stage.steps(), ["deploy side"]);
    // What is unknown is resolved by it, too.
    stage.change(&["side"], "three");
    stage.hold("side");
    let killed = Running::start(stage.deploy(&[]));
    stage.wait_until_held("side");
    killed.kill();
    stage.let_go("side");
    until("the step has ended", || {
        let last = stage.traces().pop().unwrap();
        last.what == "leave"
    });
    assert_eq!(stage.in_state("unknown"), ["side"]);
    stage.forget();
    stage.deploy_well(&["--adopt"]);
    assert_eq!(stage.steps(), Vec::<String>::new());
    assert_eq!(stage.in_state("running"), ALL);
    assert_eq!(stage.source("side"), "three");
}

#[test]
fn a_pinned_plan_is_followed_or_refused() {
    let stage = Stage::deployed(Ledger::Git);
    let other = stage.another("Bob");
    let file = stage.place("plan");
    let file = file.to_str().unwrap();
    let pin = |stage: &Stage| {
        stage.deploy(&["--plan-out", file]).run();
        assert_eq!(stage.steps(), Vec::<String>::new());
    };
    let refused = |stage: &Stage, words: &str| {
        let said = stage.deploy(&["--plan", file]).run();
        assert_eq!(said.code(), 4, "{}", said.all());
        assert!(said.stderr().contains(words), "{}", said.all());
        assert_eq!(stage.steps(), Vec::<String>::new());
    };
    stage.change(&["side"], "two");
    pin(&stage);
    stage.deploy_well(&["--plan", file]);
    assert_eq!(stage.steps(), ["deploy side"]);
    stage.forget();
    refused(&stage, "ledger has moved");
    stage.change(&["side"], "three");
    pin(&stage);
    stage.change(&["side"], "four");
    refused(&stage, "commit");
    pin(&stage);
    // Somebody else is faster.
    stage
        .repo
        .at(&other)
        .git(&["pull", "--quiet", "origin", "main"]);
    let said = stage.svc_at(&other, &["deploy", "--env", "staging"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    stage.forget();
    refused(&stage, "ledger has moved");
    // Another environment, and other flags.
    stage.change(&["side"], "five");
    pin(&stage);
    let said = stage.deploy(&["--plan", file, "--force"]).run();
    assert_eq!(said.code(), 4, "{}", said.all());
    let said = stage
        .svc(&[
            "deploy",
            "--env",
            "production",
            "--bootstrap",
            "--plan",
            file,
        ])
        .run();
    assert_eq!(said.code(), 4, "{}", said.all());
    stage.deploy_well(&["--plan", file]);
    stage.expect_all_deployed("by plan");
}

#[test]
fn what_runs_already_is_deployed_anew_by_force() {
    let stage = Stage::deployed(Ledger::Git);
    stage.deploy_well(&["--force", "side"]);
    assert_eq!(stage.steps(), ["deploy side"]);
    stage.deploy_well(&["--force"]);
    assert_eq!(stage.steps().len(), 4);
    stage.expect_all_deployed("by force");
}
