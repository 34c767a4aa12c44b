//! What a run says to machines: one document at its end, and events as they happen.

use rustix::process::Signal;
use serde_json::Value;

use crate::output::SHOP;
use crate::support::TestRepo;
use crate::world::{Running, document, workspace};

#[test]
fn a_run_for_machines_has_the_documented_shape() {
    let repo = workspace(SHOP);
    let (code, said) = document(&repo, &["test", "api"]);
    assert_eq!((code, &said["version"]), (1, &1.into()));
    let row = &said["tasks"][2];
    let fields: Vec<_> = row
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "id",
        "service",
        "task",
        "needs",
        "verdict",
        "reason",
        "key",
        "causes",
        "outcome",
        "exit_code",
        "duration_ms",
        "log",
    ] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    assert_eq!(
        (&row["outcome"], &row["exit_code"]),
        (&"failed".into(), &1.into())
    );
    let key = row["key"].as_str().expect("a key");
    assert!(
        key.len() == 64 && key.bytes().all(|it| it.is_ascii_hexdigit()),
        "{key}"
    );
    assert!(row["duration_ms"].is_u64());
    let log = row["log"]
        .as_str()
        .unwrap()
        .replace("[WORLD]/repo", repo.root().to_str().unwrap());
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log, "testing\none went wrong\n");
    assert_eq!(
        (&said["summary"]["passed"], &said["summary"]["failed"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn progress_of_a_run_for_machines_stays_off_stdout() {
    let repo = workspace(SHOP);
    let said = repo
        .svc(&["test", "api", "--format", "json", "--log", "stream"])
        .run();
    assert!(serde_json::from_str::<Value>(&said.stdout()).is_ok());
    assert!(
        said.stderr().contains("api:test | testing"),
        "{}",
        said.all()
    );
    let said = repo.svc(&["test", "api"]).run();
    assert_eq!(
        said.stdout(),
        "",
        "results go to stdout, and a run for people has none"
    );
}

/// The events that were written so far, each checked to be whole.
fn events(repo: &TestRepo) -> Vec<Value> {
    let text = repo.read("events.flag");
    assert!(text.ends_with('\n'), "the last line is whole: {text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert!(
        lines
            .iter()
            .all(|it| it["version"] == 1 && it["event"].is_string() && it["time_ms"].is_u64())
    );
    lines
}

#[test]
fn events_are_whole_lines_also_after_a_kill() {
    let repo = workspace(SHOP);
    assert_eq!(
        repo.svc(&["test", "--all", "--events", "events.flag"])
            .run()
            .code(),
        1
    );
    let all = events(&repo);
    let kinds: Vec<_> = all.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(
        (kinds[0], kinds[kinds.len() - 1]),
        ("run-started", "run-finished")
    );
    assert_eq!(kinds.iter().filter(|it| **it == "task-finished").count(), 4);
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = \"touch ../begun.flag; while :; do echo more; done\"\n",
    );
    let running =
        Running::start(repo.svc(&["test", "a", "--log", "none", "--events", "events.flag"]));
    crate::world::wait_until("it has begun", || repo.root().join("begun.flag").exists());
    crate::world::wait_until("it wrote", || {
        repo.root()
            .join("events.flag")
            .metadata()
            .is_ok_and(|it| it.len() > 5000)
    });
    running.signal(Signal::KILL);
    running.end();
    assert!(events(&repo).len() > 2);
}

#[test]
fn events_that_cannot_be_written_are_warned_of_and_nothing_else() {
    let repo = workspace(SHOP);
    repo.write("fixed.flag", "");
    let said = repo
        .svc(&[
            "test",
            "api",
            "--log",
            "none",
            "--events",
            "no/such/directory/file",
        ])
        .run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(
        said.stderr()
            .matches("warning: events are not written")
            .count(),
        1,
        "{}",
        said.all()
    );
}
