//! `svc` is killed at every write to the ledger and between any two: what is written stays true, and the next deploy repairs
//! what is left.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chance::{Chance, rounds};
use crate::running::Running;
use crate::stage::{ALL, Ledger, Stage, until};

/// Counts pushes, and stalls the one that a test names until it is told how to go on.
const HOOK: &str = r#"#!/bin/sh
cd "@PLACE@"
when=$1
if [ "$when" = before ]; then echo x >> pushes; fi
[ "$(cat stall 2>/dev/null)" = "$when $(wc -l < pushes | tr -d ' ')" ] || exit 0
touch stalled
while [ ! -e go ]; do sleep 0.02; done
touch gone
exit "$(cat go)"
"#;

/// Where a push is when `svc` is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// It has arrived, and is refused after the death.
    Refused,
    /// It has arrived, and is taken after the death.
    Late,
    /// It was taken, which `svc` was not told yet.
    Taken,
}

#[test]
fn killed_at_any_push_the_ledger_tells_the_truth_and_the_next_deploy_repairs() {
    let stage = Stage::deployed(Ledger::Git);
    let pushes = Pushes::new(&stage);
    let all = rounds(0) > 0;
    let mut kills = 0;
    for at in [At::Refused, At::Late, At::Taken] {
        for number in 1.. {
            // Few rounds take some of the writes.
            if !all && !(number + at as usize).is_multiple_of(4) {
                if number > 9 {
                    break;
                }
                continue;
            }
            let when = format!("{at:?} {number}");
            stage.change(&ALL, &format!("s{kills}-{number}"));
            stage.forget();
            pushes.stall(at, number);
            let mut running = Running::start(stage.deploy(&["--jobs", "1"]));
            let mut is_over = false;
            until("a push is stalled", || {
                is_over = running.is_over();
                is_over || pushes.is_stalled()
            });
            if is_over {
                assert_eq!(running.end().code, 0);
                pushes.free();
                break;
            }
            running.kill();
            kills += 1;
            pushes.go_on(at);
            expect_repaired(&stage, kills, &when);
        }
        // No deploy makes fewer: the lease, two for each service, and its end.
        pushes.free();
    }
    eprintln!("killed at {kills} pushes");
}

#[test]
fn killed_between_two_writes_the_ledger_tells_the_truth_and_the_next_deploy_repairs() {
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        for (count, service) in ["base", "side", "api"].into_iter().enumerate() {
            let when = format!("{ledger:?} {service}");
            stage.change(&ALL, &format!("s{count}"));
            stage.forget();
            stage.hold(service);
            let running = Running::start(stage.deploy(&[]));
            stage.wait_until_held(service);
            let step = std::fs::read_to_string(stage.place("reached").join(service)).unwrap();
            running.kill();
            if count % 2 == 0 {
                kill(&step);
            }
            stage.let_go(service);
            let unknown = stage.in_state("unknown");
            assert!(
                unknown.iter().any(|it| it == service),
                "{when}: {unknown:?}"
            );
            expect_repaired(&stage, count, &when);
        }
    }
}

#[test]
fn killed_at_any_moment_the_ledger_tells_the_truth_and_the_next_deploy_repairs() {
    let mut chance = Chance::new("killed at any moment");
    for ledger in [Ledger::Git, Ledger::File] {
        let stage = Stage::deployed(ledger);
        stage.change(&ALL, "measured");
        let begin = Instant::now();
        stage.deploy_well(&[]);
        let length = begin.elapsed();
        let mut unknown = 0;
        for round in 0..rounds(2) {
            let when = format!("{ledger:?} round {round}");
            let services = &ALL[..=chance.below(ALL.len())];
            stage.change(services, &format!("s{round}"));
            stage.forget();
            let running = Running::start(stage.deploy(&[]));
            std::thread::sleep(chance.time(length));
            running.kill();
            unknown += expect_repaired(&stage, round, &when);
        }
        eprintln!("{ledger:?}: {unknown} services were unknown");
    }
}

#[test]
fn a_file_that_was_cut_off_anywhere_tells_the_truth_and_is_repaired() {
    let stage = Stage::deployed(Ledger::File);
    let file = stage.root.join(".git/svc/ledger/staging/entries.jsonl");
    let before = std::fs::read(&file).unwrap();
    stage.change(&ALL, "two");
    stage.deploy_well(&["--jobs", "1"]);
    let whole = std::fs::read(&file).unwrap();
    assert!(whole.starts_with(&before));
    let mut chance = Chance::new("a file that was cut off");
    let ends: Vec<usize> = (before.len()..whole.len())
        .filter(|at| whole[*at] == b'\n')
        .collect();
    assert!(ends.len() >= 8, "{}", ends.len());
    let mut begin = before.len();
    for (count, end) in ends.into_iter().enumerate() {
        let within = begin + chance.below(end - begin);
        let cuts = [("whole", begin), ("half", within), ("without its end", end)];
        let all = rounds(0) > 0;
        for (at, (cut, length)) in cuts.into_iter().enumerate() {
            if !all && at != count % 3 {
                continue;
            }
            let when = format!("line {count} {cut}");
            std::fs::write(&file, &whole[..length]).unwrap();
            if chance.once_in(2) {
                let _ = std::fs::remove_file(file.with_file_name("standings"));
            }
            let entries = stage.history("staging");
            assert_eq!(entries.len(), count_entries(&whole[..length]), "{when}");
            assert_eq!(stage.in_state("unknown"), open(&entries), "{when}");
            let mode = [&[][..], &["--resume"]][count % 2];
            stage.deploy_well(mode);
            stage.expect_all_deployed(&when);
        }
        begin = end + 1;
    }
}

/// How many entries all whole lines have.
fn count_entries(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|it| *it == b'\n');
    let lines = lines.filter(|it| it.ends_with(b"\n"));
    let count = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        text.matches("\"state\":\"").count()
    };
    lines.map(count).sum()
}

#[test]
fn a_remote_that_is_gone_for_a_while_is_waited_for() {
    let stage = Stage::deployed(Ledger::Git);
    stage.change(&["base", "api"], "two");
    let running = without_remote(&stage, "60s", |stage| {
        stage.let_go("base");
        until("the step has ended", || stage.traces().len() == 2);
        // The write of its end has begun by now, or fails soon.
        std::thread::sleep(Duration::from_millis(100));
    });
    let over = running.end();
    assert_eq!(over.code, 0, "{}", over.stderr);
    stage.expect_all_deployed("it came back");
}

#[test]
fn a_remote_that_stays_away_leaves_what_is_unknown() {
    let stage = Stage::deployed(Ledger::Git);
    stage.change(&["base", "api"], "two");
    let mut said = String::new();
    let running = without_remote(&stage, "2s", |stage| {
        stage.let_go("base");
        until("the step has ended", || stage.traces().len() == 2);
        std::thread::sleep(Duration::from_secs(8));
        let alone = stage.deploy(&[]).run();
        assert_eq!(alone.code(), 3, "{}", alone.all());
        said = alone.stderr();
    });
    assert!(said.contains("nothing was deployed"), "{said}");
    let over = running.end();
    assert_eq!(over.code, 3, "{}", over.stderr);
    assert!(
        over.stderr.contains("could not be renewed in time"),
        "{}",
        over.stderr
    );
    assert_eq!(stage.steps(), ["deploy base"]);
    assert_eq!(stage.in_state("unknown"), ["base"]);
    stage.expect_true("staging", "it is back");
    stage.deploy_well(&["--resume"]);
    stage.deploy_well(&[]);
    stage.expect_all_deployed("it is back");
}

/// A deploy that is in the midst of `base` when its remote goes, and, after `meanwhile`, comes back.
fn without_remote(stage: &Stage, term: &str, meanwhile: impl FnOnce(&Stage)) -> Running {
    stage.hold("base");
    let running = Running::start(stage.deploy(&[]).env("SVC_LEASE_TERM", term));
    stage.wait_until_held("base");
    let away = stage.repo.beside("away.git");
    // Not in the midst of a renewal: who is cut off there needs no remote to be confused.
    std::fs::rename(stage.origin(), &away).unwrap();
    meanwhile(stage);
    std::fs::rename(&away, stage.origin()).unwrap();
    running
}

/// What is written is true, what is open is unknown, and a deploy repairs it: `--resume` first, or a plain one. Says how
/// many services were unknown.
fn expect_repaired(stage: &Stage, count: usize, when: &str) -> usize {
    wait_for_steps(stage);
    let states = stage.expect_true("staging", when);
    let entries = stage.history("staging");
    let open = open(&entries);
    for (service, state) in &states {
        let expected = if open.contains(service) {
            "unknown"
        } else {
            "running"
        };
        assert_eq!(state, expected, "{when}: {service}");
    }
    let mut begun: BTreeSet<String> = BTreeSet::new();
    let ended = |service: &str, deploy: &str| {
        entries.iter().any(|it| {
            it["service"] == service && it["deploy"] == deploy && it["state"] != "started"
        })
    };
    for it in stage.traces() {
        if !ended(&it.service, &it.deploy) {
            begun.insert(it.service);
        }
    }
    for service in &begun {
        assert!(
            open.contains(service),
            "{when}: {service} was begun: {open:?}"
        );
    }
    if count.is_multiple_of(2) {
        let said = stage.deploy(&["--resume"]).run();
        assert_eq!(said.code(), 0, "{when}: {}", said.all());
    }
    stage.deploy_well(&[]);
    stage.expect_all_deployed(when);
    open.len()
}

/// The services with a beginning that has no end.
fn open(entries: &[Value]) -> Vec<String> {
    let is_open = |service: &str| {
        let last = entries.iter().rev().find(|it| it["service"] == service);
        last.is_some_and(|it| it["state"] == "started")
    };
    let all = ALL.iter().filter(|it| is_open(it));
    all.map(ToString::to_string).collect()
}

/// Steps may outlive who started them.
fn wait_for_steps(stage: &Stage) {
    let deadline = Instant::now() + Duration::from_millis(300);
    let is_inside = || {
        let traces = stage.traces();
        traces.iter().filter(|it| it.what == "enter").count()
            > traces.iter().filter(|it| it.what != "enter").count()
    };
    while is_inside() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(pid: &str) {
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// The hooks of the remote.
struct Pushes {
    place: PathBuf,
}

impl Pushes {
    fn new(stage: &Stage) -> Self {
        let place = stage.place("pushes");
        std::fs::create_dir_all(&place).unwrap();
        let pushes = Self { place };
        for (name, when) in [("pre-receive", "before"), ("post-receive", "after")] {
            let hook = stage.origin().join("hooks").join(name);
            let script = HOOK.replace("@PLACE@", pushes.place.to_str().unwrap());
            let script = script.replace("when=$1", &format!("when={when}"));
            write_program(&hook, &script);
        }
        pushes.free();
        pushes
    }

    fn stall(&self, at: At, number: usize) {
        self.free();
        let when = match at {
            At::Refused | At::Late => "before",
            At::Taken => "after",
        };
        let of_hook = format!("{when} {number}\n");
        std::fs::write(self.place.join("stall"), of_hook).unwrap();
    }

    fn is_stalled(&self) -> bool {
        self.place.join("stalled").exists()
    }

    /// Lets the stalled push end, and waits until it has.
    fn go_on(&self, at: At) {
        let code = match at {
            At::Refused => "1",
            At::Late | At::Taken => "0",
        };
        let _ = std::fs::remove_file(self.place.join("stall"));
        let go = self.place.join("go");
        std::fs::write(go.with_extension("new"), code).unwrap();
        std::fs::rename(go.with_extension("new"), &go).unwrap();
        until("the hook ends", || self.place.join("gone").exists());
        if at == At::Late {
            // It says so after both refs are moved, if the two sides of the push live on that long.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Nothing is stalled.
    fn free(&self) {
        for file in ["stall", "stalled", "go", "gone"] {
            let _ = std::fs::remove_file(self.place.join(file));
        }
        std::fs::write(self.place.join("pushes"), "").unwrap();
    }
}

fn write_program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
