//! What commands leave behind when they are over, signals to `svc` itself, and its memory: matters of the whole process,
//! which other tests would disturb.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may fail, start processes and look at the clock"
)]

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use svc::model::name::ServiceName;
use svc::process::local::{Local, Restart, ServeSpec};
use svc::process::signals::{Request, listen};
use svc::process::{Command, Control, Ended, Leftover, Marks, ProcessId, leftovers, run, sweep};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn nothing_that_a_command_left_behind_stays_and_memory_stays_flat() {
    let mut before = sleeper(true);
    let control = Control::new().unwrap();
    assert_eq!(sweep(&control, SHORT), []);

    // What left its group lives on after its command, as a server may that later commands use, and not past the sweep.
    start("a", "setsid sleep 1000 >/dev/null 2>&1 & sleep 0.1");
    let mut other = sleeper(false);
    let found = sweep(&control, Duration::from_secs(30));
    assert_eq!(summary(&found), [("sleep", Some("api:build"), true)]);
    assert_eq!(sweep(&control, SHORT), []);

    start(
        "b",
        "setsid sh -c \"trap '' TERM; while :; do sleep 0.05; done\" >/dev/null 2>&1 & sleep 0.1",
    );
    let started = Instant::now();
    let found = sweep(&control, SHORT);
    assert!(started.elapsed() >= SHORT);
    assert!(
        found.iter().all(|it| it.is_ended) && found.iter().any(|it| it.name == "sh"),
        "{found:?}"
    );

    // Without marks, its task cannot be told.
    start(
        "c",
        "(setsid env -i /bin/sh -c '/bin/sleep 1000 & /bin/sleep 1000' >/dev/null 2>&1 &); sleep 0.2",
    );
    let found = sweep(&control, Duration::from_secs(30));
    assert!(
        found.len() >= 2 && found.iter().all(|it| it.is_ended && it.task.is_none()),
        "{found:?}"
    );

    // A stopped one, and in haste.
    start(
        "d",
        "setsid sh -c \"trap '' TERM; kill -STOP \\$\\$\" >/dev/null 2>&1 & sleep 0.2",
    );
    control.kill();
    let started = Instant::now();
    assert!(
        sweep(&control, Duration::from_secs(1000))
            .iter()
            .all(|it| it.is_ended)
    );
    assert!(started.elapsed() < Duration::from_secs(20));

    // What was there before, and what others start, is theirs.
    for child in [&mut before, &mut other] {
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    what_a_killed_svc_left_is_recognised();
    services_of_this_machine_are_spared();
    a_flood_passes_with_flat_memory();
}

fn what_a_killed_svc_left_is_recognised() {
    let control = Control::new().unwrap();
    // Marks are looked for in the whole machine, where the same test may run once more.
    let (own, killed) = (std::process::id(), format!("killed-{}", std::process::id()));
    start(&killed, "setsid sleep 1000 >/dev/null 2>&1 & sleep 0.1");
    let found = leftovers(&[], &["other".into(), killed.clone()]);
    assert_eq!(summary(&found), [("sleep", Some("api:build"), false)]);
    let pid = found[0].pid;
    let start_time = ProcessId(pid).start_time().unwrap();
    assert_eq!(leftovers(&[(pid, start_time)], &[]), found);
    assert_eq!(
        leftovers(
            &[(pid, start_time + 1), (own, start_time)],
            &["none".into()]
        ),
        []
    );
    assert_eq!(leftovers(&[], &[]), []);
    assert_eq!(sweep(&control, Duration::from_secs(30)).len(), 1);
    assert_eq!(leftovers(&[(pid, start_time)], &[killed]), []);
}

#[test]
fn signals_ask_and_a_second_interrupt_kills() {
    // A shell makes what it starts in the background ignore SIGINT; from here on it is only not handled.
    signal_hook::flag::register(signal_hook::consts::SIGINT, std::sync::Arc::default()).unwrap();
    let control = Control::new().unwrap();
    let (sender, requests) = mpsc::channel();
    let listener = listen(control.clone(), move |request| {
        sender.send(request).unwrap()
    })
    .unwrap();
    let next = || requests.recv_timeout(Duration::from_secs(10)).unwrap();
    kill_process(getpid(), Signal::INT).unwrap();
    assert_eq!(next(), Request::End("SIGINT"));
    assert!(control.is_asked() && !control.is_killed());
    kill_process(getpid(), Signal::TERM).unwrap();
    kill_process(getpid(), Signal::INT).unwrap();
    assert_eq!(next(), Request::Kill);
    assert!(control.is_killed());
    drop(listener);
    assert!(requests.recv().is_err());
}

fn services_of_this_machine_are_spared() {
    let place = tempfile::tempdir().unwrap();
    let local = Local::open(place.path(), env!("CARGO_BIN_EXE_svc"));
    let control = Control::new().unwrap();
    let spec = ServeSpec {
        service: ServiceName::new("api").unwrap(),
        version: "v1".into(),
        deploy: "d1".into(),
        run: "exec sleep 1000".into(),
        shell: ["sh", "-eu", "-c"].map(String::from).into(),
        directory: "/".into(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        port: None,
        grace: Duration::from_secs(5),
        restart: Restart::default(),
    };
    let started = local.start(&spec, &control).unwrap();
    let swept = sweep(&control, SHORT);
    let stopped = local.stop(&spec.service, &control).unwrap();
    assert_eq!(swept, []);
    assert_eq!(stopped.pids, [started.supervisor, started.pid]);
    assert_eq!(sweep(&control, SHORT), []);
}

fn a_flood_passes_with_flat_memory() {
    let before = peak_memory();
    let mut total = 0_u64;
    let control = Control::new().unwrap();
    let ended = run(
        &sh("flood", "head -c 200000000 /dev/zero"),
        &control,
        &mut |bytes| {
            total += bytes.len() as u64;
        },
    );
    assert_eq!((ended, total), (Ended::Exited(0), 200_000_000));
    let grown = peak_memory() - before;
    assert!(grown < 30_000, "{grown} kB more");
}

fn start(run_name: &str, script: &str) {
    let control = Control::new().unwrap();
    let ended = run(&sh(run_name, script), &control, &mut |_| {});
    assert_eq!(ended, Ended::Exited(0));
}

fn sh(run_name: &str, script: &str) -> Command {
    let shell = ["sh", "-eu", "-c"].map(String::from);
    let marks = Marks {
        run: run_name.into(),
        service: "api".into(),
        task: "build".into(),
    };
    let mut command = Command::in_shell(&shell, script, "/".into(), marks);
    command.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    command
}

fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A process of ours that is no command.
fn sleeper(own_group: bool) -> Child {
    let mut command = std::process::Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    if own_group {
        command.process_group(0);
    }
    command.spawn().unwrap()
}

fn summary(found: &[Leftover]) -> Vec<(&str, Option<&str>, bool)> {
    found
        .iter()
        .map(|it| (it.name.as_str(), it.task.as_deref(), it.is_ended))
        .collect()
}
