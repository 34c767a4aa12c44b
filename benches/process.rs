//! What starting a command costs, against a plain shell loop that starts the same ones. Prints ratios.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not part of the program"
)]

use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use svc::process::{Command, Control, Ended, Marks, run};

const COMMANDS: usize = 400;
const ROUNDS: usize = 9;

fn main() {
    for at_once in [1, 2] {
        let mut pairs: Vec<(Duration, Duration)> = (0..ROUNDS)
            .map(|_| (time(at_once, shell_loop), time(at_once, ours)))
            .collect();
        pairs.sort_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
        let (shell, svc) = pairs[ROUNDS / 2];
        let each = |it: Duration| it.as_secs_f64() * 1e6 / COMMANDS as f64;
        println!(
            "{at_once} at once: {:.0} µs per command, shell {:.0} µs, ratio {:.2} (from {:.2} to {:.2})",
            each(svc),
            each(shell),
            ratio((shell, svc)),
            ratio(pairs[0]),
            ratio(pairs[ROUNDS - 1]),
        );
    }
}

fn ratio((shell, svc): (Duration, Duration)) -> f64 {
    svc.as_secs_f64() / shell.as_secs_f64()
}

/// How long `work` takes for all commands, split over as many threads.
fn time(at_once: usize, work: fn(usize)) -> Duration {
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| work(COMMANDS / at_once));
        }
    });
    started.elapsed()
}

fn shell_loop(count: usize) {
    let script = format!("i=0; while [ $i -lt {count} ]; do sh -eu -c 'echo x'; i=$((i+1)); done");
    let mut child = std::process::Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(output.len(), 2 * count);
}

fn ours(count: usize) {
    let control = Control::new().unwrap();
    let shell = ["sh", "-eu", "-c"].map(String::from);
    let marks = Marks {
        run: "bench".into(),
        service: "api".into(),
        task: "build".into(),
    };
    let mut command = Command::in_shell(&shell, "echo x", "/".into(), marks);
    command.environment = std::env::vars_os().collect();
    for _ in 0..count {
        let mut output = 0;
        assert_eq!(
            run(&command, &control, &mut |it| output += it.len()),
            Ended::Exited(0)
        );
        assert_eq!(output, 2);
    }
}
