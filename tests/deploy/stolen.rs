//! Leases: stolen, held by hand, and left behind by those who are gone.

use std::time::{Duration, Instant};

use crate::running::Running;
use crate::stage::{Ledger, Stage};

#[test]
fn who_lost_the_lease_cannot_write_and_begins_nothing() {
    for ledger in [Ledger::Git, Ledger::File] {
        for released_early in [false, true] {
            let when = format!("{ledger:?} {released_early}");
            let stage = Stage::deployed(ledger);
            stage.change(&["base", "api"], "two");
            stage.hold("base");
            let robbed = Running::start(stage.deploy(&[]));
            stage.wait_until_held("base");
            let take = [
                "lock",
                "take",
                "--env",
                "staging",
                "--reason",
                "the disk is full",
            ];
            let said = stage.svc(&take).run();
            assert_eq!(said.code(), 0, "{when}: {}", said.all());
            assert!(said.all().contains("starts no new step"), "{}", said.all());
            let release = ["lock", "release", "--env", "staging"];
            if released_early {
                stage.svc(&release).stdout();
            }
            let before = stage.history("staging");
            stage.let_go("base");
            let over = robbed.end();
            assert_eq!(over.code, 3, "{when}: {}", over.stderr);
            let words = match released_early {
                true => "released by somebody else",
                false => "Ann took it",
            };
            assert!(
                over.stderr.contains("the lease was lost"),
                "{when}: {}",
                over.stderr
            );
            assert!(over.stderr.contains(words), "{when}: {}", over.stderr);
            assert_eq!(stage.steps(), ["deploy base"], "{when}");
            assert_eq!(stage.history("staging"), before, "{when}");
            assert_eq!(stage.in_state("unknown"), ["base"], "{when}");
            if !released_early {
                let kept_out = stage.deploy(&[]).run();
                assert_eq!(kept_out.code(), 75, "{when}: {}", kept_out.all());
                stage.svc(&release).stdout();
            }
            stage.deploy_well(&[]);
            stage.expect_all_deployed(&when);
        }
    }
}

#[test]
fn a_lease_held_by_hand_keeps_everybody_out_and_says_how_to_go_on() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        stage.change(&["side"], "two");
        stage
            .svc(&[
                "lock",
                "take",
                "--env",
                "staging",
                "--reason",
                "moving the database",
            ])
            .stdout();
        let calls: [&[&str]; 4] = [
            &["deploy", "--env", "staging"],
            &["deploy", "--env", "staging", "--lock-wait", "300ms"],
            &[
                "rollback",
                "--env",
                "staging",
                "--to",
                &last_deploy(&stage),
                "side",
            ],
            &["deploy", "--env", "staging", "--force"],
        ];
        for call in calls {
            let said = stage.svc(call).env("SVC_LEASE_TERM", "1s").run();
            if call[0] == "rollback" && said.code() == 0 {
                // There is nothing to go back to, so nobody is asked.
                continue;
            }
            assert_eq!(said.code(), 75, "{call:?}: {}", said.all());
            for words in [
                "Ann on ",
                "since ",
                "held by hand",
                "moving the database",
                "svc lock release --env staging",
            ] {
                assert!(said.stderr().contains(words), "{words}: {}", said.stderr());
            }
        }
        let shown = stage.svc(&["lock", "show", "--env", "staging"]).json();
        assert_eq!(shown["lock"]["sticky"], true, "{shown:#}");
        assert_eq!(shown["lock"]["reason"], "moving the database");
        // Nothing that is only read is kept out.
        stage.expect_true("staging", "while it is held");
        assert_eq!(stage.steps(), Vec::<String>::new());
        stage.svc(&["lock", "release", "--env", "staging"]).stdout();
        stage.deploy_well(&[]);
        stage.expect_all_deployed("released");
    }
}

fn last_deploy(stage: &Stage) -> String {
    let entries = stage.history("staging");
    entries.last().unwrap()["deploy"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn who_waits_gets_the_lease_when_it_is_given_back() {
    let stage = Stage::deployed(Ledger::Git);
    let other = stage.another("Bob");
    stage.change(&["side"], "two");
    stage.hold("side");
    let first = Running::start(stage.deploy(&[]));
    stage.wait_until_held("side");
    let there = stage.repo.at(&other);
    there.git(&["pull", "--quiet", "origin", "main"]);
    let locked = stage.svc_at(&other, &["deploy", "--env", "staging"]).run();
    assert_eq!(locked.code(), 75, "{}", locked.all());
    for words in [
        "locked by Ann on ",
        "since ",
        "--lock-wait",
        "svc lock take",
    ] {
        assert!(
            locked.stderr().contains(words),
            "{words}: {}",
            locked.stderr()
        );
    }
    let wait = ["deploy", "--env", "staging", "--lock-wait", "60s"];
    let second = Running::start(stage.svc_at(&other, &wait).env("SVC_LEASE_TERM", "2s"));
    // It may not have looked yet; either way it ends well, and one of the two deployed.
    stage.let_go("side");
    assert_eq!(first.end().code, 0);
    let second = second.end();
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert_eq!(stage.steps(), ["deploy side"]);
    stage.expect_all_deployed("afterwards");
}

#[test]
fn who_was_killed_here_is_replaced_at_once() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        stage.change(&["side"], "two");
        leave_behind(&stage);
        let begin = Instant::now();
        let said = stage.deploy_well(&[]);
        assert!(
            said.stderr().contains("was over and is taken"),
            "{}",
            said.all()
        );
        // Its term is five minutes.
        assert!(begin.elapsed() < Duration::from_secs(60));
        stage.expect_all_deployed("afterwards");
    }
}

#[test]
fn who_was_killed_elsewhere_is_replaced_after_a_term_of_watching() {
    if !can_be_elsewhere() {
        eprintln!("skipped: no other space of process numbers can be made here");
        return;
    }
    let stage = Stage::deployed(Ledger::Git);
    let other = stage.another("Bob");
    stage.change(&["side"], "two");
    stage
        .repo
        .at(&other)
        .git(&["pull", "--quiet", "origin", "main"]);
    stage.hold("side");
    let svc = stage.svc_at(&other, &["deploy", "--env", "staging"]);
    let mut command = stage.repo.command("unshare", &other);
    command.args(ELSEWHERE).arg(svc.command().get_program());
    command.args(["deploy", "--env", "staging"]);
    command
        .env("STAGE", stage.place(""))
        .env("SVC_LEASE_TERM", "2s");
    let mut elsewhere = command.spawn().unwrap();
    stage.wait_until_held("side");
    // With it everything ends that was started there.
    elsewhere.kill().unwrap();
    elsewhere.wait().unwrap();
    stage.let_go("side");
    let said = stage.deploy(&[]).env("SVC_LEASE_TERM", "2s").run();
    assert_eq!(said.code(), 75, "{}", said.all());
    let said = stage
        .deploy(&["--lock-wait", "60s"])
        .env("SVC_LEASE_TERM", "2s")
        .run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("was over and is taken"),
        "{}",
        said.all()
    );
    stage.expect_all_deployed("afterwards");
}

/// A space of process numbers of its own, as in a container: what is not known to share ours is elsewhere.
const ELSEWHERE: [&str; 6] = [
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
    "--",
];

fn can_be_elsewhere() -> bool {
    let mut command = std::process::Command::new("unshare");
    command.args(ELSEWHERE).arg("true");
    command.status().is_ok_and(|it| it.success())
}

/// Begins a deploy of `side` and kills it in the midst of its step, which is gone too.
fn leave_behind(stage: &Stage) {
    stage.hold("side");
    let killed = Running::start(stage.deploy(&[]));
    stage.wait_until_held("side");
    let step = std::fs::read_to_string(stage.place("reached/side")).unwrap();
    killed.kill();
    let step = rustix::process::Pid::from_raw(step.trim().parse().unwrap()).unwrap();
    let _ = rustix::process::kill_process(step, rustix::process::Signal::KILL);
    stage.let_go("side");
}
