//! Clocks that are wrong, and edits that no clock sees: never a stale result.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::chance::rounds;
use crate::support::TestRepo;

const SERVICES: &str = r#"
version = 1
[services.api]
path = "api"
[services.api.build]
run = "mkdir -p out; cat src > out/made"
outputs = ["out"]
"#;

fn repo() -> TestRepo {
    TestRepo::with_files(&[
        ("services.toml", SERVICES),
        (".gitignore", "out/\n"),
        ("api/src", "0000"),
    ])
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// Four digits: always of the same size.
fn text(number: usize) -> String {
    format!("{:04}", number % 10_000)
}

/// The output is made from what the source is now.
#[track_caller]
fn expect_fresh(repo: &TestRepo, when: &str) {
    let said = repo.svc(&["build", "--all"]).run();
    assert_eq!(said.code(), 0, "{when}\n{}", said.all());
    let (made, source) = (repo.read("api/out/made"), repo.read("api/src"));
    assert_eq!(made, source, "{when}\n{}", said.all());
}

#[test]
fn files_of_the_future_and_of_the_beginning_of_time_are_read() {
    let now = SystemTime::now();
    let day = Duration::from_secs(86_400);
    let times = [
        ("the beginning", SystemTime::UNIX_EPOCH),
        ("before it", SystemTime::UNIX_EPOCH - day),
        ("tomorrow", now + day),
        ("in a century", now + 36_500 * day),
        ("now", now),
    ];
    let repo = repo();
    let source = repo.root().join("api/src");
    let mut number = 1;
    for (name, time) in times {
        for is_committed in [true, false] {
            let mut put = |when: &str| {
                repo.write("api/src", text(number));
                number += 1;
                set_modified(&source, time);
                if is_committed && when == "first" {
                    repo.git(&["add", "--all"]);
                }
                expect_fresh(&repo, &format!("{name}, {when}, committed: {is_committed}"));
            };
            put("first");
            put("same size, same time");
            put("again");
        }
    }
}

#[test]
fn an_edit_in_the_tick_of_the_index_is_seen() {
    let repo = repo();
    let source = repo.root().join("api/src");
    for round in 0..rounds(15) {
        repo.write("api/src", text(2 * round));
        let time = modified(&source);
        repo.git(&["add", "api/src"]);
        if round % 2 == 0 {
            expect_fresh(&repo, "added");
            repo.write("api/src", text(5000 + round));
            set_modified(&source, time);
            expect_fresh(&repo, "edited after a run");
            repo.git(&["add", "api/src"]);
        }
        repo.write("api/src", text(2 * round + 1));
        set_modified(&source, time);
        expect_fresh(&repo, &format!("round {round}"));
    }
}

#[test]
fn an_edit_in_the_tick_of_the_end_of_a_run_is_seen() {
    let repo = repo();
    let source = repo.root().join("api/src");
    let time = SystemTime::now() - Duration::from_secs(5000);
    for round in 0..rounds(20) {
        repo.write("api/src", text(round));
        set_modified(&source, time);
        expect_fresh(&repo, &format!("round {round}"));
    }
}

#[test]
fn an_input_that_its_own_task_edits_leaves_no_result() {
    let files = [
        (
            "services.toml",
            &SERVICES.replace("cat src", "cat src > x; . ../edit; cat x")[..],
        ),
        (".gitignore", "out/\napi/x\n/edit\n"),
        (
            "edit",
            "[ -e ../ran ] || { printf 1111 > new; touch -r src new; cat new > src; touch -r new src; rm new; : > ../ran; }",
        ),
        ("api/src", "0000"),
    ];
    let repo = TestRepo::with_files(&files);
    let said = repo.svc(&["build", "--all"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let warning = "api:build: not cached: its input api/src changed while it ran";
    assert!(said.stderr().contains(warning), "{}", said.all());
    assert_eq!(repo.read("api/out/made"), "0000");
    expect_fresh(&repo, "after the edit");
    repo.write("api/src", "0000");
    expect_fresh(&repo, "the first again");
}

#[test]
fn an_edited_output_is_repaired() {
    let repo = repo();
    expect_fresh(&repo, "at first");
    let output = repo.root().join("api/out/made");
    for round in 0..rounds(15) {
        let time = modified(&output);
        match round % 4 {
            0 | 1 => repo.write("api/out/made", "XXXX"),
            2 => {
                // Another file in its place.
                std::fs::remove_file(&output).unwrap();
                repo.write("api/out/made", "YYYY");
            }
            _ => repo.make_executable("api/out/made"),
        }
        set_modified(&output, time);
        let run = repo.svc(&["build", "--all"]).json();
        assert_eq!(run["tasks"][0]["outcome"], "cached", "round {round}");
        assert_eq!(repo.read("api/out/made"), "0000", "round {round}");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&output.metadata().unwrap().permissions());
        assert_eq!(mode & 0o111, 0, "round {round}");
    }
}
