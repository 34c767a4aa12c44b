//! Commands that behave badly in every way we know of, run for real.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may fail and look at the clock"
)]
#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use svc::process::jobserver::Jobserver;
use svc::process::{Command, Control, Ended, Marks, Obstacle, run, run_watched};

static COUNT: AtomicU32 = AtomicU32::new(0);

#[test]
fn output_keeps_its_order_and_its_bytes() {
    let (ended, output) = finish(&sh(r"printf 'a\377'; printf 'b\000' >&2; printf c; exit 3"));
    assert_eq!(ended, Ended::Exited(3));
    assert_eq!(output, b"a\xffb\0c");
}

#[test]
fn nothing_is_inherited_and_there_is_nothing_to_read() {
    let mut command = sh("cat; pwd; env | sort");
    command.environment.push(("ODD".into(), "x y".into()));
    let (ended, output) = finish(&command);
    assert_eq!(ended, Ended::Exited(0));
    let output = String::from_utf8(output).unwrap();
    let names: Vec<_> = output
        .lines()
        .skip(1)
        .map(|it| it.split('=').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["ODD", "PATH", "PWD", "SVC_RUN", "SVC_SERVICE", "SVC_TASK"]
    );
}

#[test]
fn a_signal_from_elsewhere_is_told_apart() {
    assert_eq!(finish(&sh("kill -9 $$")).0, Ended::Signalled(9));
}

#[test]
fn what_cannot_be_started_says_why() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plain"), "").unwrap();
    write_program(&directory.path().join("lost"), "#!/no/such/interpreter");
    let check = |program: &str, expected, words: &str| {
        let mut command = sh("");
        command.argv = vec![program.into()];
        command.directory = directory.path().into();
        match finish(&command).0 {
            Ended::NotStarted(it) => {
                assert_eq!(it.obstacle, expected, "{}", it.message);
                assert!(it.message.contains(words), "{}", it.message);
            }
            other => panic!("{program}: {other:?}"),
        }
    };
    check("no-such-program", Obstacle::NotFound, "PATH is /usr");
    check("./missing", Obstacle::NotFound, "missing");
    check("./plain", Obstacle::NotExecutable, "plain");
    check("./lost", Obstacle::NotFound, "interpreter");
    check("", Obstacle::NotFound, "empty");
    check("a\0b", Obstacle::NotFound, "cannot find");
    let mut command = sh("true");
    command.directory = directory.path().join("gone");
    let Ended::NotStarted(it) = finish(&command).0 else {
        panic!()
    };
    assert_eq!(it.obstacle, Obstacle::DirectoryMissing);
    let Ended::NotStarted(it) = finish(&sh(&"x".repeat(1 << 20))).0 else {
        panic!()
    };
    assert!(it.message.contains("too long"), "{}", it.message);
}

#[test]
fn a_program_is_found_in_the_path_of_the_command() {
    let directory = tempfile::tempdir().unwrap();
    write_program(
        &directory.path().join("mine"),
        "#!/bin/sh\necho found $0 $1",
    );
    let mut command = sh("");
    command.argv = vec!["mine".into(), "x".into()];
    command
        .environment
        .push(("PATH".into(), directory.path().into()));
    let (ended, output) = finish(&command);
    assert_eq!(ended, Ended::Exited(0));
    assert!(output.starts_with(b"found "));
}

#[test]
fn closed_output_does_not_end_the_wait() {
    let (ended, output) = finish(&sh("echo first; exec >&- 2>&-; sleep 0.2; exit 7"));
    assert_eq!(
        (ended, output.as_slice()),
        (Ended::Exited(7), &b"first\n"[..])
    );
}

#[test]
fn a_background_child_with_the_pipe_does_not_hang_the_run() {
    let command = sh("echo started; sleep 1000 & exit 0");
    let started = Instant::now();
    let (ended, output) = finish(&command);
    assert_eq!(
        (ended, output.as_slice()),
        (Ended::Exited(0), &b"started\n"[..])
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_gone(&command);
}

#[test]
fn a_background_child_without_the_pipe_is_ended_too() {
    let command = sh("sleep 1000 >/dev/null 2>&1 & exit 0");
    assert_eq!(finish(&command).0, Ended::Exited(0));
    assert_gone(&command);
}

#[test]
fn a_stubborn_background_child_is_killed() {
    let mut command = sh("sh -c \"trap '' TERM; while :; do sleep 1000; done\" & exit 4");
    command.grace = Duration::from_millis(100);
    assert_eq!(finish(&command).0, Ended::Exited(4));
    assert_gone(&command);
}

#[test]
fn what_a_filter_writes_last_is_not_lost() {
    let script = "exec > >(while read -r line; do echo \"got $line\"; done; sleep 0.05; echo last); echo one";
    let mut command = sh("");
    command.argv = vec!["bash".into(), "-c".into(), script.into()];
    let (ended, output) = finish(&command);
    assert_eq!(
        (ended, output.as_slice()),
        (Ended::Exited(0), &b"got one\nlast\n"[..])
    );
}

#[test]
fn a_timeout_asks_first() {
    let mut command = sh("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
    command.timeout = Some(Duration::from_millis(300));
    let (ended, output) = finish(&command);
    assert_eq!(ended, Ended::TimedOut);
    let output = String::from_utf8(output).unwrap();
    assert!(
        output.starts_with("up\n") && output.ends_with("bye\n"),
        "{output}"
    );
    assert_gone(&command);
}

#[test]
fn who_ignores_the_request_is_killed_after_the_grace_period() {
    let mut command = sh("trap '' TERM; while :; do sleep 1000; done");
    command.timeout = Some(Duration::from_millis(200));
    command.grace = Duration::from_millis(300);
    let started = Instant::now();
    assert_eq!(finish(&command).0, Ended::TimedOut);
    assert!(started.elapsed() >= Duration::from_millis(500));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_gone(&command);
}

#[test]
fn who_left_the_group_is_ended_with_the_rest() {
    // Those without marks are known by how long they sleep.
    let own = std::process::id();
    let sleep = |number: u32| format!("sleep {number}.{own}");
    let script = format!(
        "setsid sh -c '{} & {}' >/dev/null 2>&1 & (setsid {} &) ; env -i /bin/{} & \
         setsid env -i /bin/sh -c '{}; :' & echo up; {}",
        sleep(1000),
        sleep(1001),
        sleep(1002),
        sleep(1003),
        sleep(1004),
        sleep(1005),
    );
    let mut command = sh(&script);
    command.grace = Duration::from_secs(3);
    stop_when_up(&command, Control::ask);
    assert_gone(&command);
    poll(|| sleeping(&format!(".{own}\0")).is_empty(), "a sleep");
}

#[test]
fn stopped_processes_hear_the_request() {
    let command = sh(
        "trap 'echo bye; exit 0' TERM; (sleep 0.5; echo up) & sleep 1000 & sleep 0.2; kill -STOP $!; kill -STOP $$; wait",
    );
    let (ended, output) = stop_when_up(&command, Control::ask);
    assert_eq!(ended, Ended::Interrupted);
    assert_eq!(output, b"up\nbye\n");
    assert_gone(&command);
}

#[test]
fn a_second_request_kills_within_the_grace_period() {
    let mut command = sh("trap 'echo no' TERM; echo up; while :; do sleep 0.05; done");
    command.grace = Duration::from_secs(1000);
    let control = control();
    let mut output = Vec::new();
    let started = Instant::now();
    let ended = run(&command, &control, &mut |bytes| {
        output.extend_from_slice(bytes);
        match output.as_slice() {
            b"up\n" => control.ask(),
            b"up\nno\n" => control.kill(),
            _ => {}
        }
    });
    assert_eq!(ended, Ended::Interrupted);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_gone(&command);
}

#[test]
fn nothing_starts_once_the_end_was_requested() {
    let control = control();
    control.ask();
    let ended = run(&sh("echo no"), &control, &mut |_| panic!("it ran"));
    assert_eq!(ended, Ended::Interrupted);
}

#[test]
fn a_flood_does_not_drown_the_request() {
    let command = sh("echo up; exec cat /dev/zero");
    let (ended, _) = stop_when_up(&command, Control::ask);
    assert_eq!(ended, Ended::Interrupted);
    assert_gone(&command);
}

#[test]
fn the_started_process_is_told() {
    let mut seen = None;
    let ended = run_watched(
        &sh("echo $$"),
        &control(),
        &mut |it| seen = Some((it, it.start_time())),
        &mut |_| {},
    );
    assert_eq!(ended, Ended::Exited(0));
    assert!(seen.unwrap().1.is_some());
}

#[test]
fn fifty_at_once_are_all_stopped() {
    let control = control();
    let commands: Vec<_> = (0..50).map(|_| sh("echo up; sleep 1000 & wait")).collect();
    let up = AtomicU32::new(0);
    thread::scope(|scope| {
        let runs: Vec<_> = commands
            .iter()
            .map(|command| {
                scope.spawn(|| {
                    run(command, &control, &mut |_| {
                        if up.fetch_add(1, Ordering::SeqCst) == 49 {
                            control.ask();
                        }
                    })
                })
            })
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), Ended::Interrupted);
        }
    });
    commands.iter().for_each(assert_gone);
}

#[test]
fn many_short_ones_in_a_row_and_at_once_lose_nothing() {
    let control = control();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..50 {
                    let mut output = Vec::new();
                    let ended = run(
                        &sh(&format!("echo {number}; (setsid true &)")),
                        &control,
                        &mut |it| {
                            output.extend_from_slice(it);
                        },
                    );
                    assert_eq!(ended, Ended::Exited(0));
                    assert_eq!(output, format!("{number}\n").as_bytes());
                }
            });
        }
    });
}

fn control() -> Control {
    Control::new().unwrap()
}

fn sh(script: &str) -> Command {
    let shell = ["sh", "-eu", "-c"].map(String::from);
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let marks = Marks {
        run: format!("test-{}-{number}", std::process::id()),
        service: "api".into(),
        task: "build".into(),
    };
    let mut command = Command::in_shell(&shell, script, PathBuf::from("/"), marks);
    command.environment = vec![(
        "PATH".into(),
        OsString::from("/usr/local/bin:/usr/bin:/bin"),
    )];
    command
}

fn finish(command: &Command) -> (Ended, Vec<u8>) {
    let mut output = Vec::new();
    let ended = run(command, &control(), &mut |bytes| {
        output.extend_from_slice(bytes)
    });
    (ended, output)
}

/// Runs until `up` was written, then does `stop`.
fn stop_when_up(command: &Command, stop: fn(&Control)) -> (Ended, Vec<u8>) {
    let control = control();
    let mut output = Vec::new();
    let ended = run(command, &control, &mut |bytes| {
        if output.len() < 100 {
            output.extend_from_slice(bytes);
        }
        if output.starts_with(b"up\n") {
            stop(&control);
        }
    });
    (ended, output)
}

fn marker(command: &Command) -> String {
    format!("{}={}", Marks::RUN, command.marks.run)
}

/// No process carries the marks of `command`. It was ended before `run` came back, but may not be reaped yet.
fn assert_gone(command: &Command) {
    let marker = marker(command);
    poll(|| marked(&marker).is_empty(), &marker);
}

fn poll(mut is_done: impl FnMut() -> bool, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_done() {
        assert!(Instant::now() < deadline, "still there: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn marked(marker: &str) -> Vec<String> {
    processes()
        .filter(|it| {
            let variables = fs::read(it.join("environ")).unwrap_or_default();
            variables
                .split(|byte| *byte == 0)
                .any(|it| it == marker.as_bytes())
        })
        .map(|it| it.display().to_string())
        .collect()
}

fn sleeping(end: &str) -> Vec<String> {
    processes()
        .filter_map(|it| fs::read_to_string(it.join("cmdline")).ok())
        .filter(|it| it.contains("sleep\0") && it.ends_with(end))
        .collect()
}

fn processes() -> impl Iterator<Item = PathBuf> {
    fs::read_dir("/proc").unwrap().flatten().map(|it| it.path())
}

/// By another process: a child that another test just starts would hold a file open that this one writes to, and then it
/// cannot be run.
fn write_program(path: &std::path::Path, text: &str) {
    let path = path.display();
    let script = format!("cat >'{path}' <<'END'\n{text}\nEND\nchmod +x '{path}'");
    assert_eq!(finish(&sh(&script)).0, Ended::Exited(0));
}

#[test]
fn makes_below_share_the_jobs() {
    if !std::path::Path::new("/usr/bin/make").exists() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let recipe = "a b c d e f:\n\t@echo +1 >>log; sleep 0.1; echo -1 >>log\n";
    let makefile =
        format!("all: a b c d e f\nagain: all\n\t@$(MAKE) -s all2\nall2: a b c d e f\n{recipe}");
    fs::write(place.path().join("Makefile"), makefile).unwrap();
    let (server, control) = (Jobserver::new(3).unwrap(), control());
    thread::scope(|scope| {
        for script in ["make -s all", "make -s again", "make -s all"] {
            let mut command = sh(&format!("MAKEFLAGS=\"$CARGO_MAKEFLAGS\" {script}"));
            command.directory = place.path().into();
            command.environment.extend(server.variables());
            let (server, control) = (&server, &control);
            scope.spawn(move || {
                let _slot = server.acquire(control).unwrap();
                let mut output = Vec::new();
                let ended = run(&command, control, &mut |it| output.extend_from_slice(it));
                let output = String::from_utf8_lossy(&output);
                assert_eq!((ended, &*output), (Ended::Exited(0), ""));
            });
        }
    });
    let log = fs::read_to_string(place.path().join("log")).unwrap();
    let mut at_once = 0;
    let steps = log.lines().map(|it| it.parse::<i32>().unwrap());
    let most = steps
        .map(|it| {
            at_once += it;
            at_once
        })
        .max()
        .unwrap();
    assert_eq!((log.lines().count(), at_once), (48, 0));
    assert!((2..=3).contains(&most), "{most} at once");
}

#[test]
fn a_make_that_was_not_asked_keeps_its_order() {
    if !std::path::Path::new("/usr/bin/make").exists() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let makefile = "all: a b\na:\n\t@sleep 0.2; echo a >>log\nb:\n\t@echo b >>log\n";
    fs::write(place.path().join("Makefile"), makefile).unwrap();
    let mut command = sh("make -s all");
    command.directory = place.path().into();
    let server = Jobserver::new(3).unwrap();
    command.environment.extend(server.variables());
    assert_eq!(finish(&command).0, Ended::Exited(0));
    let log = fs::read_to_string(place.path().join("log")).unwrap();
    assert_eq!(log, "a\nb\n");
}

#[test]
fn cargo_below_takes_part_without_a_warning() {
    let place = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"tiny\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(place.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(place.path().join("src")).unwrap();
    fs::write(place.path().join("src/lib.rs"), "").unwrap();
    // The build script sees what cargo hands on to a make below it.
    let script = "fn main() { println!(\"cargo:warning={}\", std::env::var(\"CARGO_MAKEFLAGS\").unwrap()); }";
    fs::write(place.path().join("build.rs"), script).unwrap();
    let cargo = std::path::Path::new(env!("CARGO"));
    let mut command = sh(&format!("'{}' check --offline", cargo.display()));
    command.directory = place.path().into();
    let server = Jobserver::new(2).unwrap();
    command.environment.extend(server.variables());
    let path = format!("{}:/usr/bin:/bin", cargo.parent().unwrap().display());
    command.environment.push(("PATH".into(), path.into()));
    command
        .environment
        .push(("HOME".into(), place.path().into()));
    let (ended, output) = finish(&command);
    let output = String::from_utf8(output).unwrap();
    assert_eq!(ended, Ended::Exited(0), "{output}");
    let (_, flags) = server.variables().remove(0);
    let auth = flags.to_str().unwrap().rsplit(' ').next().unwrap();
    assert!(output.contains(auth), "{output}");
    assert!(
        !output.contains("jobserver was") && !output.contains("failed to connect"),
        "{output}"
    );
}

#[test]
fn a_command_waits_while_files_are_short() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // The limit holds for a whole process, so the test starts itself once more.
    let name = "a_command_waits_while_files_are_short";
    if std::env::var_os("SHORT_OF_FILES").is_none() {
        let own = std::env::current_exe().unwrap();
        let again = std::process::Command::new(own)
            .args(["--exact", name])
            .env("SHORT_OF_FILES", "1")
            .output();
        let again = again.unwrap();
        assert!(again.status.success(), "{again:?}");
        return;
    }
    let most = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(40),
        maximum: most.maximum,
    };
    setrlimit(Resource::Nofile, few).unwrap();
    let control = control();
    thread::scope(|scope| {
        let runs: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| run(&sh("sleep 0.1"), &control, &mut |_| {})))
            .collect();
        for ended in runs {
            assert_eq!(ended.join().unwrap(), Ended::Exited(0));
        }
    });
}
