//! How a run is stopped, and that nothing outlives it.
#![cfg(target_os = "linux")]

use rustix::process::Signal;

use crate::support::TestRepo;
use crate::world::{Running, alive, document, mark, outcomes, row, wait_until, workspace};

/// A service whose test runs `script` and says that it began; and one that would be tested after it.
fn slow(script: &str) -> TestRepo {
    workspace(&format!(
        r#"
[services.a]
path = "a"
[services.a.test]
run = '''
{script}
'''
grace = "500ms"
[services.b]
path = "b"
test = {{ run = "echo b >>../log", needs = ["a:test"] }}
"#
    ))
}

/// Starts the tests and waits until the first has begun, as its script tells by the file `begun.flag`.
fn begin(repo: &TestRepo) -> Running {
    let running = Running::start(repo.svc(&["test", "--all"]));
    wait_until("the task begins", || {
        repo.root().join("begun.flag").exists()
    });
    running
}

#[test]
fn a_signal_ends_the_task_and_everything_below_it() {
    let scripts = [
        ("child", "sleep MARK & touch ../begun.flag; wait"),
        ("foreground", "touch ../begun.flag; sleep MARK"),
        (
            "deaf",
            "trap '' TERM; touch ../begun.flag; sleep MARK; sleep MARK",
        ),
        (
            "own session",
            "setsid sleep MARK & touch ../begun.flag; sleep MARK",
        ),
        (
            "deaf in its own session",
            "setsid sh -c 'trap \"\" TERM; sleep MARK; sleep MARK' & touch ../begun.flag; sleep MARK",
        ),
        (
            "forked away",
            "(setsid sh -c 'env -i sleep MARK &' &); touch ../begun.flag; sleep MARK",
        ),
    ];
    for (name, script) in scripts {
        for signal in [Signal::INT, Signal::TERM] {
            let mark = mark();
            let repo = slow(&script.replace("MARK", &mark));
            let running = begin(&repo);
            wait_until("the child runs", || {
                alive(&mark)
                    .iter()
                    .any(|(_, line)| line.starts_with("sleep"))
            });
            running.signal(signal);
            let (status, said) = running.end();
            assert_eq!(alive(&mark), [], "{name} {signal:?}:\n{said}");
            assert_eq!(status.code(), Some(130), "{name} {signal:?}:\n{said}");
            assert!(said.contains("stopping: SIG"), "{name} {signal:?}:\n{said}");
            assert!(!repo.root().join("log").exists(), "{name} {signal:?}");
        }
    }
}

#[test]
fn an_interrupted_run_is_recorded_and_its_task_is_not_forgotten() {
    let repo = slow("touch ../begun.flag; [ -e ../quick.flag ] || sleep 600");
    let running = begin(&repo);
    running.signal(Signal::INT);
    assert_eq!(running.end().0.code(), Some(130));
    let log = repo.svc(&["log"]).stdout();
    assert!(
        log.contains("a:test") && log.contains("interrupted"),
        "{log}"
    );
    let list = repo.svc(&["log", "--list"]).stdout();
    assert!(list.contains("interrupted"), "{list}");
    repo.write("quick.flag", "");
    let (code, said) = document(&repo, &["test"]);
    assert_eq!(
        (code, &row(&said, "a:test")["causes"][0]["kind"]),
        (0, &"failed-before".into())
    );
    let (_, said) = document(&repo, &["test"]);
    assert_eq!(outcomes(&said), Vec::<String>::new());
}

#[test]
fn the_record_says_interrupted_before_children_are_waited_for() {
    let mark = mark();
    let repo = slow(&format!(
        "trap 'touch ../asked.flag' TERM; touch ../begun.flag; sleep {mark} & wait; sleep {mark}"
    ));
    let text = repo.read("services.toml").replace("500ms", "300s");
    repo.write("services.toml", text);
    let running = begin(&repo);
    running.signal(Signal::INT);
    wait_until("the task is asked to end", || {
        repo.root().join("asked.flag").exists()
    });
    wait_until("svc says that it stops", || {
        running.said().contains("stopping: SIGINT")
    });
    // The run still waits, and is killed.
    running.signal(Signal::KILL);
    drop(running);
    let list = repo.svc(&["log", "--list"]).stdout();
    assert!(
        list.contains("killed") || list.contains("interrupted"),
        "{list}"
    );
    end_all(&mark);
}

#[test]
fn a_second_interrupt_kills_at_once_and_a_termination_after_an_interrupt_does_not() {
    let deaf = "trap 'echo asked >>../asked.flag' TERM; touch ../begun.flag; while :; do sleep 0.05 || true; done";
    let repo = slow(deaf);
    repo.write(
        "services.toml",
        repo.read("services.toml").replace("500ms", "300s"),
    );
    let mut running = begin(&repo);
    running.signal(Signal::INT);
    wait_until("the task is asked", || {
        repo.root().join("asked.flag").exists()
    });
    running.signal(Signal::TERM);
    // A termination that counted as the second request would end svc within a few milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(running.is_running(), "{}", running.said());
    running.signal(Signal::INT);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{said}");
}

/// As GitHub cancels a job: SIGINT, then SIGTERM, and soon after that SIGKILL, which nobody should have to wait for.
fn cancel(running: &Running) -> std::time::Instant {
    running.signal(Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(2200));
    running.signal(Signal::TERM);
    std::time::Instant::now()
}

/// The kinds of events in a file that holds whole lines only.
fn events(file: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("events");
    assert!(text.ends_with('\n'), "{text}");
    let kind = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("a document");
        event["event"].as_str().expect("a kind").to_owned()
    };
    text.lines().map(kind).collect()
}

const DEAF: &str =
    "trap '' INT TERM; touch \"$HOME\"/begun.flag; while :; do sleep 0.05 || true; done";

#[test]
fn a_cancelled_job_leaves_whole_files_though_its_tasks_do_not_listen() {
    let repo = slow(DEAF);
    repo.write(
        "services.toml",
        repo.read("services.toml").replace("500ms", "300s"),
    );
    let (junit, log) = (repo.beside("junit.xml"), repo.beside("events"));
    let (junit_path, log_path) = (junit.to_str().unwrap(), log.to_str().unwrap());
    let arguments = ["test", "--all", "--junit", junit_path, "--events", log_path];
    let running = Running::start(repo.svc(&arguments));
    let flag = repo.beside("home/begun.flag");
    wait_until("the task begins", || flag.exists());
    running.signal(Signal::INT);
    // Whatever comes now, what is known is written.
    wait_until("the report is written", || {
        std::fs::read_to_string(&junit).is_ok_and(|it| it.contains("it was not over"))
    });
    std::thread::sleep(std::time::Duration::from_millis(2200));
    running.signal(Signal::TERM);
    let asked = std::time::Instant::now();
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(asked.elapsed() < crate::world::DEADLINE / 2, "{said}");
    let text = std::fs::read_to_string(&junit).unwrap();
    crate::ci_reports::check_junit(&roxmltree::Document::parse(&text).unwrap());
    assert!(text.contains("message=\"interrupted\""), "{text}");
    let kinds = events(&log);
    assert_eq!(kinds.last().unwrap(), "run-finished");
    assert!(kinds.contains(&"stopping".to_owned()));
    let (_, past) = document(&repo, &["log"]);
    assert_eq!(outcomes(&past)[0], "a:test interrupted");
}

#[test]
fn a_cancelled_deploy_is_written_down_and_gives_the_lease_back() {
    let repo = crate::deploys::shop();
    let target = format!("deploy = '''\n{DEAF}\n'''\n");
    repo.write(".svc/targets/home.toml", target);
    repo.commit("deaf");
    let (junit, log) = (repo.beside("junit.xml"), repo.beside("events"));
    let files = [
        "--junit",
        junit.to_str().unwrap(),
        "--events",
        log.to_str().unwrap(),
    ];
    let deploy = ["deploy", "--env", "staging", "--bootstrap"];
    let running = Running::start(repo.svc(&[&deploy[..], &files].concat()));
    let flag = repo.beside("home/begun.flag");
    wait_until("the deploy begins", || flag.exists());
    let asked = cancel(&running);
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(130), "{said}");
    // GitHub kills 2.5 seconds after it asked; here much else goes on at the same time.
    assert!(
        asked.elapsed() < std::time::Duration::from_secs(7),
        "{said}"
    );
    let status = repo.svc(&["status"]).json();
    let environments = status["environments"].as_array().unwrap();
    let staging = environments.iter().find(|it| it["name"] == "staging");
    let staging = staging.expect("it has a history");
    assert_eq!(staging["locked_by"], serde_json::Value::Null, "{staging:#}");
    assert_eq!(
        staging["services"][0]["last"]["state"], "interrupted",
        "{staging:#}"
    );
    let text = std::fs::read_to_string(&junit).unwrap();
    crate::ci_reports::check_junit(&roxmltree::Document::parse(&text).unwrap());
    assert!(text.contains("message=\"interrupted\""), "{text}");
    assert_eq!(events(&log).last().unwrap(), "run-finished");
}

#[test]
fn a_timeout_ends_everything_below_the_task() {
    let mark = mark();
    let repo = slow(&format!(
        "setsid sh -c 'trap \"\" TERM; sleep {mark}; sleep {mark}' & trap '' TERM; sleep {mark}; sleep {mark}"
    ));
    let text = repo.read("services.toml");
    repo.write(
        "services.toml",
        text.replace(
            "grace = \"500ms\"",
            "grace = \"200ms\"\ntimeout = \"400ms\"",
        ),
    );
    let (code, said) = document(&repo, &["test", "--all"]);
    assert_eq!(alive(&mark), []);
    assert_eq!(code, 1);
    assert_eq!(outcomes(&said), ["a:test timed-out", "b:test skipped"]);
}

#[test]
fn what_a_task_leaves_behind_is_ended_and_named() {
    let mark = mark();
    let repo = slow(&format!("setsid sleep {mark} >/dev/null 2>&1 & true"));
    let said = repo.svc(&["test", "--all"]).run();
    assert_eq!(alive(&mark), []);
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr()
            .contains("of a:test was still running and was ended"),
        "{}",
        said.all()
    );
}

#[test]
fn after_a_kill_the_next_run_reports_what_is_left() {
    let mark = mark();
    let repo = slow(&format!(
        "touch ../begun.flag; [ -e ../quick.flag ] || sleep {mark}"
    ));
    let running = begin(&repo);
    wait_until("the child runs", || {
        alive(&mark)
            .iter()
            .any(|(_, line)| line.starts_with("sleep"))
    });
    let left = alive(&mark)
        .into_iter()
        .find(|(_, line)| line.starts_with("sleep"))
        .unwrap()
        .0;
    wait_for_record(&repo);
    running.signal(Signal::KILL);
    assert_eq!(running.end().0.code(), None);
    let list = repo.svc(&["log", "--list"]).stdout();
    assert!(list.contains("killed"), "{list}");
    repo.write("quick.flag", "");
    let said = repo.svc(&["test"]).run();
    end_all(&mark);
    assert_eq!(said.code(), 0, "{}", said.all());
    let expected =
        format!("process {left} (`sleep`) of a:test is left over from a run that was killed");
    assert!(
        said.stderr().contains(&expected),
        "{expected}\n{}",
        said.all()
    );
    let said = repo.svc(&["test", "--all"]).run();
    assert!(!said.stderr().contains("left over"), "{}", said.all());
}

#[test]
fn tasks_of_a_killed_run_stay_in_plans() {
    let mark = mark();
    let repo = slow(&format!(
        "touch ../begun.flag; [ -e ../quick.flag ] || sleep {mark}"
    ));
    let running = begin(&repo);
    wait_for_record(&repo);
    running.signal(Signal::KILL);
    running.end();
    end_all(&mark);
    repo.write("quick.flag", "");
    let (code, said) = document(&repo, &["test"]);
    assert_eq!(
        (code, outcomes(&said)),
        (
            0,
            vec!["a:test passed".to_owned(), "b:test passed".to_owned()]
        )
    );
}

/// Waits until the record of the run names the process of the task: a kill before that loses it.
fn wait_for_record(repo: &TestRepo) {
    let runs = repo.root().join(".git/svc/runs");
    wait_until("the start is recorded", || {
        let runs = std::fs::read_dir(&runs).into_iter().flatten().flatten();
        let mut journals = runs.map(|it| std::fs::read_to_string(it.path().join("journal")));
        journals.any(|it| it.is_ok_and(|text| text.contains("\"pid\"") || text.contains("started")))
    });
}

/// Ends the processes that a killed `svc` left.
fn end_all(mark: &str) {
    for (id, _) in alive(mark) {
        let id = rustix::process::Pid::from_raw(id as i32).unwrap();
        let _ = rustix::process::kill_process(id, Signal::KILL);
    }
}
