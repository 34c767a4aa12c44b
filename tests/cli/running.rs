//! How tasks run: in which order, how many at once, and what ends them.

use std::time::Instant;

use crate::world::{DEADLINE, document, noted, outcomes, row, workspace};

#[test]
fn tasks_run_after_what_they_need() {
    let repo = workspace(
        r#"
[services.c]
path = "c"
build = "echo c:build >>../log"
test = "echo c:test >>../log"
[services.b]
path = "b"
depends-on = ["c"]
[services.a]
path = "a"
depends-on = ["b"]
build = ["echo a:build 1 >>../log", "echo a:build 2 >>../log"]
test = "echo a:test >>../log"
"#,
    );
    let said = repo.svc(&["test", "a"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(
        noted(&repo),
        ["c:build", "a:build 1", "a:build 2", "a:test"]
    );
    repo.svc(&["run", "c:test"]).stdout();
    assert_eq!(noted(&repo), ["c:build", "c:test"]);
}

#[test]
fn needs_lead_through_services_without_the_task_and_name_tasks_of_others() {
    let repo = workspace(
        r#"
[services.base]
path = "base"
tasks.gen = "echo base:gen >>../log"
[services.between]
path = "between"
depends-on = ["base"]
[services.app]
path = "app"
depends-on = ["between"]
tasks.gen = { run = "echo app:gen >>../log", needs = ["^gen", "other:prepare"] }
[services.other]
path = "other"
tasks.prepare = "echo other:prepare >>../log"
"#,
    );
    repo.svc(&["run", "gen", "app"]).stdout();
    let mut ran = noted(&repo);
    assert_eq!(ran.pop().as_deref(), Some("app:gen"));
    ran.sort();
    assert_eq!(ran, ["base:gen", "other:prepare"]);
}

#[test]
fn independent_tasks_run_at_once() {
    let repo = workspace(&format!(
        "{}{}",
        waits_for("left", "right"),
        waits_for("right", "left")
    ));
    let said = repo.svc(&["build", "--all", "--jobs", "2"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
}

fn waits_for(name: &str, other: &str) -> String {
    format!(
        r#"
[services.{name}]
path = "{name}"
[services.{name}.build]
run = "touch ../{name}.flag; until [ -e ../{other}.flag ]; do sleep 0.02; done"
timeout = "50s"
"#
    )
}

/// Four services whose builds fail if two of them run at once.
fn alone(more: &str) -> String {
    let one = |name: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.build]\n\
             run = \"mkdir ../alone.flag; sleep 0.05; rmdir ../alone.flag\"\n{more}\n"
        )
    };
    ["a", "b", "c", "d"].map(one).concat()
}

#[test]
fn jobs_pools_and_exclusive_tasks_are_kept() {
    let checks = [
        ("", "", "1"),
        ("[pools]\ndocker = 1\n", "pool = \"docker\"", "4"),
        ("", "exclusive = true", "4"),
    ];
    for (before, more, jobs) in checks {
        let repo = workspace(&format!("{before}{}", alone(more)));
        let said = repo.svc(&["build", "--all", "--jobs", jobs]).run();
        assert_eq!(said.code(), 0, "{more} {jobs}: {}", said.all());
    }
}

#[test]
fn a_pool_holds_as_many_as_it_has_slots() {
    let tables = format!(
        "[pools]\nweb = 2\n{}{}",
        waits_for("l", "r"),
        waits_for("r", "l")
    );
    let repo = workspace(&tables.replace("timeout =", "pool = \"web\"\ntimeout ="));
    repo.svc(&["build", "--all", "--jobs", "4"]).stdout();
}

#[test]
fn the_longest_remaining_path_starts_first_once_durations_are_known() {
    let slow = "[ -e ../known.flag ] || sleep 1; echo $SVC_SERVICE >>../log";
    let repo = workspace(&format!(
        r#"
[services.a]
path = "a"
build = "echo a >>../log"
[services.m]
path = "m"
build = "{slow}"
[services.n]
path = "n"
depends-on = ["m"]
build = "{slow}"
[services.z]
path = "z"
build = "{slow}"
"#
    ));
    repo.svc(&["build", "--all", "--jobs", "4"]).stdout();
    noted(&repo);
    repo.write("known.flag", "");
    repo.svc(&["build", "--all", "--jobs", "1"]).stdout();
    let ran = noted(&repo);
    assert_eq!((ran[0].as_str(), ran[3].as_str()), ("m", "a"), "{ran:?}");
}

#[test]
fn a_task_that_takes_too_long_is_ended() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = { run = \"echo begun; sleep 600\", timeout = \"300ms\" }\n\
         [services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = \"echo b >>../log\"\n",
    );
    let start = Instant::now();
    let (code, said) = document(&repo, &["build", "--all"]);
    assert!(start.elapsed() < DEADLINE);
    assert_eq!(code, 1);
    assert_eq!(outcomes(&said), ["a:build timed-out", "b:build skipped"]);
    assert_eq!(
        row(&said, "a:build")["outcome_reason"],
        "timed out after 300ms"
    );
    assert_eq!(row(&said, "b:build")["outcome_reason"], "needs a:build");
    assert_eq!(noted(&repo), Vec::<String>::new());
}

#[test]
fn a_failed_task_is_tried_again_as_often_as_it_says() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
build = { run = "echo try >>../log; [ $(wc -l <../log) -ge 3 ]", retry = 2 }
[services.b]
path = "b"
test = { run = "exit 4", retry = 1 }
"#,
    );
    let (code, said) = document(&repo, &["build", "a"]);
    assert_eq!((code, &row(&said, "a:build")["attempts"]), (0, &3.into()));
    let said = repo.svc(&["test", "b"]).run();
    assert_eq!(said.code(), 1);
    assert!(
        said.stderr().contains("exit code 4, after 2 tries"),
        "{}",
        said.all()
    );
}

const ONE_FAILS: &str = r#"
[services.bad]
path = "bad"
build = "until [ -e ../slow.flag ]; do sleep 0.02; done; exit 3"
[services.behind]
path = "behind"
depends-on = ["bad"]
build = "echo behind >>../log"
[services.far-behind]
path = "far-behind"
depends-on = ["behind"]
build = "echo far-behind >>../log"
[services.slow]
path = "slow"
build = "touch ../slow.flag; [ -e ../quick.flag ] || sleep 600"
[services.then]
path = "then"
depends-on = ["slow"]
build = "echo then >>../log"
"#;

#[test]
fn a_failure_stops_only_its_dependents() {
    let repo = workspace(ONE_FAILS);
    repo.write("quick.flag", "");
    let (code, said) = document(&repo, &["build", "--all", "--jobs", "2"]);
    assert_eq!(code, 1);
    let expected = [
        "bad:build failed",
        "behind:build skipped",
        "far-behind:build skipped",
    ];
    let mut got = outcomes(&said);
    got.sort();
    assert_eq!(got[..3], expected);
    assert_eq!(got[3..], ["slow:build passed", "then:build passed"]);
    assert_eq!(noted(&repo), ["then"]);
    assert_eq!(said["summary"]["failed"], 1);
    assert_eq!(said["summary"]["skipped"], 2);
    assert_eq!(row(&said, "bad:build")["exit_code"], 3);
}

#[test]
fn fail_fast_ends_all_others() {
    let repo = workspace(ONE_FAILS);
    let start = Instant::now();
    let (code, said) = document(&repo, &["build", "--all", "--jobs", "2", "--fail-fast"]);
    assert!(start.elapsed() < DEADLINE);
    assert_eq!(code, 1, "{said:#}");
    assert_eq!(row(&said, "bad:build")["outcome"], "failed");
    assert_eq!(row(&said, "slow:build")["outcome"], "interrupted");
    assert_eq!(row(&said, "then:build")["outcome"], "skipped");
    assert_eq!(said["summary"]["was_interrupted"], false);
    assert_eq!(noted(&repo), Vec::<String>::new());
}

#[test]
fn arguments_reach_the_last_command_of_the_selected_tasks_only() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
build = "printf '[%s]'"
test = ["printf 'first %s'", "printf '[%s]'"]
"#,
    );
    repo.svc(&[
        "test", "a", "--", "a b", "it's", "$HOME", "*", "\"", "", "--all", "x;y\nz",
    ])
    .stdout();
    assert_eq!(repo.svc(&["log", "a:build"]).stdout(), "[]\n");
    assert_eq!(
        repo.svc(&["log", "a:test"]).stdout(),
        "first [a b][it's][$HOME][*][\"][][--all][x;y\nz]\n"
    );
}
