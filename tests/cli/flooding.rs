//! Tasks that write too much, nothing that is text, or to nobody.
#![cfg(target_os = "linux")]

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::world::{Running, wait_until, workspace};

const SH: &str = "/bin/sh";

/// The peak of memory that a process needed so far, in kB.
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_flood_passes_with_flat_memory() {
    for (log, flood) in [
        ("none", "head -c 200000000 /dev/zero"),
        ("failed", "yes 'a line of a flood' | head -c 50000000"),
        ("stream", "yes 'a line of a flood' | head -c 20000000"),
        ("grouped", "head -c 20000000 /dev/zero"),
    ] {
        let repo = workspace(&format!(
            "[services.a]\npath = \"a\"\n[services.a.test]\n\
             run = \"{flood}; touch ../flooded.flag; until [ -e ../go.flag ]; do sleep 0.02; done; exit 1\"\n"
        ));
        let running = Running::start(repo.svc(&["test", "a", "--log", log]));
        wait_until("all is written", || {
            repo.root().join("flooded.flag").exists()
        });
        let peak = peak_memory(running.id());
        repo.write("go.flag", "");
        let (status, _) = running.end();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(peak < 80_000, "{log}: {peak} kB");
    }
}

#[test]
fn bytes_that_are_no_text_pass_through() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
test = '''printf 'caf\303\251 \377\376 end\n\000\n'; exit 1'''
"#,
    );
    let output = repo.svc(&["test", "a"]).command().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let has = |part: &[u8]| output.stderr.windows(part.len()).any(|it| it == part);
    assert!(
        has(b"caf\xc3\xa9 \xff\xfe end\n"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let log = repo.svc(&["log", "a:test"]).command().output().unwrap();
    assert_eq!(log.stdout, b"caf\xc3\xa9 \xff\xfe end\n\n");
}

#[test]
fn a_task_that_closes_its_output_is_waited_for() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = \"echo first; exec >&- 2>&-; sleep 0.2; touch ../late.flag; exit 7\"\n",
    );
    let said = repo.svc(&["test", "a"]).run();
    assert!(said.stderr().contains("exit code 7"), "{}", said.all());
    assert!(repo.root().join("late.flag").exists());
}

#[test]
fn nobody_reading_is_no_fault() {
    let many: String = (0..2000)
        .map(|at| format!("[services.s{at}]\npath = \"s/{at}\"\nbuild = \"true\"\n"))
        .collect();
    let repo = workspace(&many);
    for at in 0..2000 {
        std::fs::create_dir_all(repo.root().join(format!("s/{at}"))).unwrap();
    }
    let svc = env!("CARGO_BIN_EXE_svc");
    for arguments in [
        "list",
        "graph",
        "schema",
        "list --format json",
        "build --all --dry-run",
        "completions bash",
        "affected --all",
    ] {
        let script = format!("{{ '{svc}' {arguments}; echo $? >&2; }} | head -1");
        let output = repo
            .command(SH, repo.root())
            .args(["-c", &script])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "0\n", "{arguments}");
    }
    let script = format!("'{svc}' list >&-; echo $? >&2");
    let output = repo
        .command(SH, repo.root())
        .args(["-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_run_whose_readers_left_goes_on() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"seq 100000; touch ../done.flag\"\n");
    let script = format!("'{}' test a 2>&1 | head -1", env!("CARGO_BIN_EXE_svc"));
    let output = repo
        .command(SH, repo.root())
        .args(["-c", &script])
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    wait_until("the task ends", || repo.root().join("done.flag").exists());
}

#[test]
fn a_full_disk_is_told_for_results_and_not_for_progress() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"echo hello\"\n");
    let full = || {
        Stdio::from(
            std::fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
    };
    let mut list = repo.svc(&["list"]).command();
    let output = list.stdout(full()).output();
    let output = output.unwrap();
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut test = repo.svc(&["test", "a"]).command();
    let status = test.stderr(full()).status().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
