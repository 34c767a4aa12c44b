//! Records of runs, in a directory that others use, damage and fill up too.
#![expect(clippy::unwrap_used, reason = "tests may fail")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use svc::model::name::{ServiceName, TaskId, TaskName};
use svc::model::run::{Outcome, Summary};
use svc::record::{Header, Moment, Records, Run, Standing, TaskRecord, now};

#[test]
fn the_last_result_stands() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    assert_eq!(records.history().last(&id("api:build")), None);
    one_run(
        &records,
        &[
            ("api:build", Outcome::Passed),
            ("web:build", Outcome::Failed),
        ],
    );
    one_run(&records, &[("api:build", Outcome::Failed)]);
    let id = id("api:build");
    let check = |records: &Records| {
        let history = records.history();
        assert_eq!(history.last(&id).unwrap().outcome, Outcome::Failed);
        assert_eq!(history.passed(&id).unwrap().outcome, Outcome::Passed);
        assert_eq!(
            history.passed(&id).unwrap().inputs.as_deref(),
            Some("digest")
        );
        assert_eq!(history.duration(&id), Some(Duration::from_millis(7)));
        assert_eq!(history.outcomes().len(), 2);
    };
    check(&records);
    check(&Records::open(place.path()));
    // What is in the runs is in the state too.
    fs::remove_dir_all(place.path().join("runs")).unwrap();
    check(&Records::open(place.path()));
}

#[test]
fn nobody_else_can_read_what_commands_wrote() {
    let place = tempfile::tempdir().unwrap();
    let run = Records::open(place.path())
        .begin(Header::default())
        .unwrap();
    let mode = run.path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn results_outlive_the_last_twenty_runs() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    one_run(&records, &[("old:build", Outcome::Passed)]);
    let open = records.begin(Header::default()).unwrap();
    for _ in 0..30 {
        one_run(&records, &[("api:build", Outcome::Passed)]);
    }
    // Twenty, and the one that is still going on.
    let runs: Vec<_> = records.runs().collect();
    assert_eq!(runs.len(), 21);
    assert_eq!(runs.last().unwrap().id, open.id());
    assert_eq!(runs.last().unwrap().standing, Standing::Running);
    assert!(runs.windows(2).all(|it| it[0].id > it[1].id));
    assert_eq!(records.history().outcomes().len(), 2);
}

#[test]
fn a_killed_run_leaves_interrupted_tasks_and_orphans() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    one_run(&records, &[("api:build", Outcome::Passed)]);
    let run = records.begin(header("svc test")).unwrap();
    run.task_started(&id("api:build"), 41, Some(1)).unwrap();
    run.task_finished(record("api:build", Outcome::Failed))
        .unwrap();
    run.task_started(&id("api:test"), 42, Some(7)).unwrap();
    run.task_started(&id("web:test"), 43, None).unwrap();
    assert_eq!(records.history().last(&id("api:test")), None);
    assert!(records.orphans().is_empty());
    let journal = run.path().join("journal");
    let name = run.id().to_owned();
    drop(run); // As a kill: nothing is written, locks are gone.
    let torn = [
        fs::read(&journal).unwrap(),
        b"{\"finished\":{\"id\":\"api:te".to_vec(),
    ]
    .concat();
    fs::write(&journal, torn).unwrap();
    let check = || {
        let history = Records::open(place.path()).history();
        assert_eq!(
            history.last(&id("api:test")).unwrap().outcome,
            Outcome::Interrupted
        );
        assert_eq!(
            history.last(&id("api:build")).unwrap().outcome,
            Outcome::Failed
        );
        assert_eq!(history.last(&id("api:build")).unwrap().run, name);
        assert!(history.passed(&id("api:build")).is_some());
    };
    check();
    let orphans = records.orphans();
    assert_eq!((orphans.len(), orphans[0].run.as_str()), (1, name.as_str()));
    assert_eq!(orphans[0].processes, [(42, 7)]);
    let past = records.run(&name).unwrap();
    assert_eq!(past.standing, Standing::Lost);
    assert_eq!(past.tasks.len(), 1);
    one_run(&records, &[("web:build", Outcome::Passed)]);
    check();
}

#[test]
fn an_interruption_is_written_at_once() {
    let place = tempfile::tempdir().unwrap();
    let run = Records::open(place.path())
        .begin(Header::default())
        .unwrap();
    run.interrupted().unwrap();
    run.interrupted().unwrap();
    let journal = fs::read_to_string(run.path().join("journal")).unwrap();
    assert_eq!(journal.matches("interrupted").count(), 1);
}

#[test]
fn a_skipped_task_keeps_its_result() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    one_run(&records, &[("api:build", Outcome::Failed)]);
    one_run(&records, &[("api:build", Outcome::Skipped)]);
    assert_eq!(
        records.history().last(&id("api:build")).unwrap().outcome,
        Outcome::Failed
    );
}

#[test]
fn everything_that_is_written_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    let run = records.begin(header("svc build api")).unwrap();
    let written = TaskRecord {
        exit_code: Some(2),
        inputs: Some("ab".into()),
        outputs: Some("cd".into()),
        values: BTreeMap::from([("image".into(), "a=\"b\"\né".into())]),
        has_log: true,
        attempts: 3,
        ..record("api:build", Outcome::TimedOut)
    };
    run.task_finished(written.clone()).unwrap();
    let expected = TaskRecord {
        run: run.id().into(),
        ..written
    };
    finish(run);
    let past = records.runs().next().unwrap();
    assert_eq!(past.tasks, std::slice::from_ref(&expected));
    assert_eq!(past.header.command, "svc build api");
    assert!(matches!(past.standing, Standing::Ended(_)));
    assert_eq!(records.history().last(&id("api:build")), Some(&expected));
}

#[test]
fn a_log_is_made_with_its_first_byte() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    let run = records.begin(Header::default()).unwrap();
    let task = id("api:build");
    let mut log = run.log(&task);
    log.write(b"");
    assert_eq!(log.finish().unwrap(), None);
    for text in ["one\n", "two\n"] {
        let mut log = run.log(&task);
        log.write(text.as_bytes());
        assert_eq!(log.finish().unwrap(), Some(run.log_path(&task)));
    }
    assert_eq!(records.log(run.id(), &task), Some(run.log_path(&task)));
    assert_eq!(fs::read(run.log_path(&task)).unwrap(), b"one\ntwo\n");
    assert_eq!(records.log(run.id(), &id("api:test")), None);
    assert_eq!(records.log("../..", &task), None);
}

#[test]
fn what_cannot_be_written_is_told_and_stops_nothing() {
    // Root may write anywhere; a file in the way stops everybody.
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("svc"), "").unwrap();
    let records = Records::open(place.path().join("svc"));
    assert!(
        records
            .begin(Header::default())
            .unwrap_err()
            .to_string()
            .contains("create")
    );
    assert_eq!(records.history().outcomes().len(), 0);
    assert_eq!(records.runs().count(), 0);
    let records = Records::open(place.path());
    let run = records.begin(Header::default()).unwrap();
    fs::remove_dir_all(run.path()).unwrap();
    let mut log = run.log(&id("api:build"));
    log.write(b"lost");
    log.write(b"lost");
    assert!(
        log.finish()
            .unwrap_err()
            .to_string()
            .contains("api.build.log")
    );
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    let run = records.begin(Header::default()).unwrap();
    let task = id("api:build");
    std::os::unix::fs::symlink("/dev/full", run.log_path(&task)).unwrap();
    let mut log = run.log(&task);
    log.write(b"lost");
    log.write(b"lost");
    assert!(log.finish().is_err());
}

#[test]
fn a_directory_that_may_only_be_read_is_told() {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::write(place.path().join("probe"), "").is_ok();
    let begun = Records::open(place.path()).begin(Header::default());
    assert!(is_root || begun.is_err());
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn damaged_and_foreign_files_count_as_nothing() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    one_run(&records, &[("api:build", Outcome::Passed)]);
    let newest = records.runs().next().unwrap();
    fs::create_dir(place.path().join("runs/mine")).unwrap();
    fs::create_dir(place.path().join("runs/20261123-141502-1m9k")).unwrap();
    fs::write(place.path().join("runs/20261123-141502-aaaa"), "a file").unwrap();
    for damage in [
        "",
        "{",
        "[]",
        "{\"version\":9}",
        "\0\0",
        "{\"version\":1,\"newest\":0,\"runs\":[]}\n../x:y\tpassed\t-\t{}",
    ] {
        fs::write(place.path().join("state"), damage).unwrap();
        // The run itself still tells.
        let known = records.history();
        assert!(known.last(&id("api:build")).is_some(), "{damage}");
    }
    fs::write(newest.path.join("journal"), b"{}\nnonsense\n\0\xff\n").unwrap();
    fs::write(newest.path.join("run.json"), "nonsense").unwrap();
    assert_eq!(records.history().outcomes().len(), 0);
    assert_eq!(records.runs().count(), 0);
    one_run(&records, &[("api:build", Outcome::Failed)]);
    assert_eq!(records.history().outcomes().len(), 1);
    for _ in 0..25 {
        one_run(&records, &[("api:build", Outcome::Passed)]);
    }
    assert!(place.path().join("runs/mine").exists());
}

#[test]
fn many_at_once_lose_nothing_of_each_other() {
    let place = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for worker in 0..4 {
            let place = place.path();
            scope.spawn(move || {
                for number in 0..10 {
                    let name = format!("s{worker}-{number}:build");
                    one_run(&Records::open(place), &[(&name, Outcome::Passed)]);
                }
            });
        }
    });
    let records = Records::open(place.path());
    assert_eq!(records.history().outcomes().len(), 40);
    one_run(&records, &[("api:build", Outcome::Passed)]);
    assert_eq!(records.runs().count(), 20);
}

#[test]
fn a_clock_that_was_put_back_hides_no_new_result() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    let run = records.begin(Header::default()).unwrap();
    let later = Moment(now().0 + 3_600_000);
    run.task_finished(TaskRecord {
        at: later,
        ..record("api:build", Outcome::Passed)
    })
    .unwrap();
    finish(run);
    let records = Records::open(place.path());
    records.history();
    one_run(&records, &[("api:build", Outcome::Failed)]);
    assert_eq!(
        records.history().last(&id("api:build")).unwrap().outcome,
        Outcome::Failed
    );
}

#[test]
fn runs_of_hooks_push_out_no_others() {
    let place = tempfile::tempdir().unwrap();
    let records = Records::open(place.path());
    let begin = |command: &str, hook: Option<&str>| {
        let header = Header {
            hook: hook.map(str::to_owned),
            ..header(command)
        };
        finish(records.begin(header).unwrap());
    };
    begin("svc test", None);
    for number in 0..25 {
        begin(&format!("svc {number}"), Some("pre-commit"));
    }
    let runs: Vec<_> = records.runs().map(|it| it.header).collect();
    assert_eq!(runs.len(), 21);
    assert_eq!(runs[0].hook.as_deref(), Some("pre-commit"));
    assert_eq!(runs[20].command, "svc test");
    for number in 0..25 {
        begin(&format!("svc {number}"), None);
    }
    let commands: Vec<_> = records.runs().map(|it| it.header.command).collect();
    assert_eq!(commands.len(), 40);
    assert!(!commands.contains(&"svc test".to_owned()));
}

fn one_run(records: &Records, results: &[(&str, Outcome)]) {
    let run = records.begin(header("svc build")).unwrap();
    for (number, (name, outcome)) in results.iter().enumerate() {
        run.task_started(&id(name), 40 + number as u32, Some(1))
            .unwrap();
        run.task_finished(record(name, *outcome)).unwrap();
    }
    finish(run);
}

fn finish(run: Run) {
    let summary = Summary {
        results: vec![],
        duration: Duration::ZERO,
        critical_path: vec![],
        interrupted: false,
    };
    run.finish(&summary).unwrap();
}

fn header(command: &str) -> Header {
    Header {
        command: command.into(),
        ..Header::default()
    }
}

fn record(name: &str, outcome: Outcome) -> TaskRecord {
    let record = TaskRecord::new(id(name), outcome, Duration::from_millis(7), now());
    TaskRecord {
        inputs: Some("digest".into()),
        ..record
    }
}

fn id(text: &str) -> TaskId {
    let (service, task) = text.split_once(':').unwrap();
    TaskId::new(
        &ServiceName::new(service).unwrap(),
        &TaskName::new(task).unwrap(),
    )
}
