//! What a command finds around itself: variables, directory, input; and what is said when something is missing.

use std::fs::File;
use std::process::Stdio;

use crate::world::{document, outcomes, row, workspace};

/// What `env` says in a task of the service `a`, less what shells add.
fn seen(tables: &str) -> Vec<String> {
    let repo = workspace(&format!("{tables}\n[services.a]\npath = \"a\"\n"));
    let svc = repo.svc(&["run", "show", "a"]);
    let variables = [
        ("PLAIN", "1"),
        ("GIVEN", "2"),
        ("PASSED", "3"),
        ("SHARED", "4"),
        ("LC_ALL", "C"),
        ("GIT_DIR_X", "5"),
    ];
    let said = variables
        .iter()
        .fold(svc, |svc, (name, value)| svc.env(name, value))
        .run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let log = repo.svc(&["log", "a:show"]).stdout();
    let interesting = |line: &&str| {
        let names = [
            "PLAIN",
            "GIVEN",
            "PASSED",
            "SHARED",
            "LC_ALL",
            "SVC_SERVICE",
            "SVC_TASK",
            "SVC_WORKSPACE",
            "SVC_COMMIT",
        ];
        names
            .iter()
            .any(|name| line.starts_with(&format!("{name}=")))
    };
    let mut lines: Vec<String> = log.lines().filter(interesting).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_command_sees_its_place_and_what_is_passed() {
    let table = "[services.a.tasks.show]\nrun = \"env\"\n";
    fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
        let place = [
            "SVC_SERVICE=a",
            "SVC_TASK=show",
            "SVC_WORKSPACE=[WORLD]/repo",
        ];
        [more, &place].concat()
    }
    assert_eq!(seen(table), with(&["LC_ALL=C"]));
    assert_eq!(
        seen(&format!(
            "{table}env = [\"GIVEN\"]\npass-env = [\"PASSED\"]"
        )),
        with(&["GIVEN=2", "LC_ALL=C", "PASSED=3"])
    );
    assert_eq!(
        seen(&format!("[workspace]\npass-env = [\"SHARED\"]\n{table}")),
        with(&["LC_ALL=C", "SHARED=4"])
    );
    assert_eq!(
        seen(&format!("{table}strict-env = false")),
        with(&["GIVEN=2", "LC_ALL=C", "PASSED=3", "PLAIN=1", "SHARED=4"])
    );
}

#[test]
fn the_commit_is_seen_by_those_who_name_it() {
    let table = "[services.a.tasks.show]\nrun = \"env\"\nenv = [\"SVC_COMMIT\"]\n";
    let seen = seen(table);
    let commit = seen
        .iter()
        .find_map(|line| line.strip_prefix("SVC_COMMIT="));
    assert_eq!(commit.map(str::len), Some(40), "{seen:?}");
}

#[test]
fn a_declared_variable_is_part_of_what_a_result_is_made_from() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"echo $LEVEL >out\"\nenv = [\"LEVEL\"]\noutputs = [\"out\"]\n\
         [services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = \"true\"\n",
    );
    let verdict = |level: &str, other: &str| {
        let said = repo
            .svc(&["build", "b"])
            .env("LEVEL", level)
            .env("OTHER", other)
            .json();
        row(&said, "a:build")["verdict"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(verdict("1", "x"), "run");
    assert_eq!(verdict("1", "y"), "cached");
    assert_eq!(verdict("2", "y"), "run");
}

#[test]
fn a_command_runs_in_its_directory_with_nothing_to_read() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"pwd; cat; echo end\"\n");
    repo.write("words", "not for the task\n");
    let mut command = repo.svc(&["test", "a"]).command();
    command.stdin(Stdio::from(File::open(repo.root().join("words")).unwrap()));
    assert!(command.output().unwrap().status.success());
    assert_eq!(
        repo.svc(&["log", "a:test"]).stdout(),
        "[WORLD]/repo/a\nend\n"
    );
}

#[test]
fn a_shell_of_ones_own_is_used() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = { run = \"print(6 * 7)\", shell = [\"python3\", \"-c\"] }\n",
    );
    repo.svc(&["test", "a"]).stdout();
    assert_eq!(repo.svc(&["log", "a:test"]).stdout(), "42\n");
}

#[test]
fn a_command_that_is_missing_fails_its_task_alone() {
    let repo = workspace(
        r#"
[services.lost]
path = "lost"
test = "no-such-program --x"
[services.plain]
path = "plain"
test = "./input"
[services.shell]
path = "shell"
test = { run = "x", shell = ["no-such-shell", "-c"] }
[services.well]
path = "well"
test = "true"
"#,
    );
    let arguments = [
        "test",
        "--all",
        "--jobs",
        "1",
        "--log",
        "none",
        "--no-cache",
    ];
    let said = repo.svc(&arguments).env("PATH", "/usr/bin:/bin").run();
    assert_eq!(said.code(), 1);
    let text = said.stderr();
    for expected in [
        "lost:test: exit code 127: a command was not found",
        "`no-such-program --x` ran in `[WORLD]/repo/lost`",
        "PATH is /usr/bin:/bin",
        "plain:test: exit code 126: a command cannot be executed",
        "`./input` ran in `[WORLD]/repo/plain`",
        "no-such-shell",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    let (_, said) = document(&repo, &arguments);
    let expected = [
        "lost:test failed",
        "plain:test failed",
        "shell:test failed",
        "well:test passed",
    ];
    assert_eq!(outcomes(&said), expected);
}

#[test]
fn a_directory_that_vanished_is_named() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = \"rm -r ../b\"\n[services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = \"true\"\n",
    );
    let (code, said) = document(&repo, &["build", "--all"]);
    assert_eq!(code, 1);
    let reason = row(&said, "b:build")["outcome_reason"].as_str().unwrap();
    assert!(reason.contains("repo/b"), "{reason}");
}

#[test]
fn removed_variables_that_a_failed_command_names_are_told() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
test = "test -n \"${DEPLOY_KEY:-}\""
[services.b]
path = "b"
test = "printenv API_TOKEN || { echo \"KeyError: 'API_TOKEN'\"; exit 1; }"
"#,
    );
    let svc = repo.svc(&["test", "--all", "--jobs", "1"]);
    let said = svc
        .env("DEPLOY_KEY", "k")
        .env("API_TOKEN", "t")
        .env("UNRELATED", "u")
        .run();
    let text = said.stderr();
    assert!(
        text.contains("`DEPLOY_KEY` is set here but not handed on"),
        "{text}"
    );
    assert!(
        text.contains("`API_TOKEN` is set here but not handed on"),
        "{text}"
    );
    assert!(!text.contains("UNRELATED"), "{text}");
}

#[test]
fn a_task_in_a_hook_does_not_see_what_git_meant_for_the_hook() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = { run = \"env | grep ^GIT_ >../log || true; cd ../../home && git init -q x\", \
         strict-env = false }\n",
    );
    let svc = env!("CARGO_BIN_EXE_svc");
    repo.write(
        ".git/hooks/pre-commit",
        format!("#!/bin/sh\nexec '{svc}' test --staged\n"),
    );
    repo.make_executable(".git/hooks/pre-commit");
    repo.append("a/input", "2\n");
    repo.git(&["commit", "--quiet", "--all", "--message=x"]);
    assert!(repo.beside("home").join("x/.git").is_dir());
    let seen = repo.read("log");
    let local = [
        "GIT_DIR=",
        "GIT_INDEX_FILE=",
        "GIT_PREFIX=",
        "GIT_WORK_TREE=",
    ];
    assert!(!local.iter().any(|it| seen.contains(it)), "{seen}");
    repo.write(
        "services.toml",
        repo.read("services.toml")
            .replace("git init -q x", "exit 1"),
    );
    let mut commit = repo.command("git", repo.root());
    let refused = commit
        .args(["commit", "--quiet", "--all", "--message=y"])
        .output()
        .unwrap();
    assert!(!refused.status.success(), "a failed test stops the commit");
}
