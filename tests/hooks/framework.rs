//! Programs that look after hooks, the real ones: pre-commit, lefthook, husky.

use std::path::{Path, PathBuf};

use crate::world::{Came, World, came};

/// Where the program is, or nothing, and then the test is skipped visibly.
fn find(name: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_svc"))
        .parent()
        .unwrap()
        .parent()
        .unwrap();
    let tools = target.join("tools");
    let installed = ["python/bin", "npm/node_modules/.bin"].map(|it| tools.join(it));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = installed
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|it| it.join(name))
        .find(|it| it.is_file());
    if found.is_none() {
        let line = format!("hooks by {name}: it is not installed");
        eprintln!("skipped: {line}");
        if let Some(list) = std::env::var_os("SVC_TEST_SKIPPED") {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(list)
                .unwrap();
            writeln!(file, "{line}").unwrap();
        }
    }
    found
}

/// A variable `PATH` that has this program and `svc`.
fn path(program: &Path) -> std::ffi::OsString {
    let svc = Path::new(env!("CARGO_BIN_EXE_svc"));
    let here = [svc, program].map(|it| it.parent().unwrap().to_owned());
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let rest: Vec<PathBuf> = std::env::split_paths(&rest).collect();
    std::env::join_paths(here.into_iter().chain(rest)).unwrap()
}

fn call(world: &World, program: &Path, arguments: &[&str]) -> Came {
    let mut command = world.repo.command(program, &world.root());
    came(command.args(arguments).env("PATH", path(program)))
}

fn git(world: &World, program: &Path, arguments: &[&str]) -> Came {
    let mut command = world.command_at(&world.root(), arguments);
    came(command.env("PATH", path(program)))
}

#[test]
fn the_list_of_hooks_is_valid() {
    let Some(program) = find("pre-commit") else {
        return;
    };
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/.pre-commit-hooks.yaml");
    call(&World::new(), &program, &["validate-manifest", list]).fine();
}

/// The hooks of the list, as `svc` in `PATH` runs them.
fn config() -> String {
    let list = include_str!("../../.pre-commit-hooks.yaml");
    let hooks: String = list
        .lines()
        .filter(|it| !it.starts_with('#'))
        .map(|it| format!("      {it}\n"))
        .collect();
    let hooks = hooks.replace("language: rust", "language: system");
    format!("repos:\n  - repo: local\n    hooks:\n{hooks}")
}

#[test]
fn pre_commit_judges_what_would_be_committed() {
    let Some(program) = find("pre-commit") else {
        return;
    };
    let world = World::new();
    world.repo.append(
        "services.toml",
        "\n[services.c.tasks.lint]\nrun = \"! grep ugly file\"\ncache = true\n",
    );
    world.write(".pre-commit-config.yaml", &config());
    world.repo.commit("pre-commit");
    call(&world, &program, &["validate-config"]).fine();
    call(
        &world,
        &program,
        &[
            "install",
            "-t",
            "pre-commit",
            "-t",
            "pre-push",
            "-t",
            "pre-merge-commit",
        ],
    )
    .fine();
    let run = || call(&world, &program, &["run"]);

    world.stage("a/file", "better\n");
    world.write("a/file", "bad\n");
    world.write("a/untracked", "bad\n");
    run().fine();
    assert_eq!(world.ran_names(), ["a", "b"]);
    git(&world, &program, &["commit", "-qm", "good is staged"]).fine();
    assert_eq!(world.repo.read("a/file"), "bad\n");
    world.repo.remove("a/untracked");

    world.stage("a/file", "bad\n");
    world.write("a/file", "best\n");
    let said = run().refused();
    assert!(said.contains("this is bad"), "{said}");
    git(&world, &program, &["commit", "-qm", "bad is staged"]).refused();
    world.git(&["reset", "-q", "--hard"]).fine();
    world.stage("c/file", "ugly\n");
    let said = git(&world, &program, &["commit", "-qm", "ugly"]).refused();
    assert!(said.contains("c:lint"), "{said}");
    world.write("c/file", "bad\n");
    git(&world, &program, &["commit", "-qam", "bad"]).refused();
    git(&world, &program, &["commit", "-qm", "bad", "--", "c/file"]).refused();

    // Ranges, as in CI.
    world.git(&["commit", "-qam", "bad", "--no-verify"]).fine();
    call(
        &world,
        &program,
        &["run", "--from-ref", "HEAD~1", "--to-ref", "HEAD"],
    )
    .refused();
    call(
        &world,
        &program,
        &["run", "--from-ref", "HEAD~1", "--to-ref", "HEAD~1"],
    )
    .fine();

    // Pushes.
    let remote = world.repo.beside("remote.git").display().to_string();
    world.repo.git(&["init", "-q", "--bare", &remote]);
    world.repo.git(&["remote", "add", "origin", &remote]);
    git(&world, &program, &["push", "-q", "origin", "main"]).refused();
    world
        .git(&["push", "-q", "--no-verify", "origin", "main"])
        .fine();
    world.write("b/file", "better\n");
    world.git(&["commit", "-qam", "b", "--no-verify"]).fine();
    world.ran();
    world.write("b/file", "bad\n");
    git(&world, &program, &["push", "-q", "origin", "main"]).fine();
    assert_eq!(world.ran_names(), ["b"]);
}

#[test]
fn a_check_of_all_files_in_ci_judges_what_the_run_is_about() {
    let world = World::new();
    world.write("a/file", "bad\n");
    world.repo.commit("bad");
    let program = Path::new(env!("CARGO_BIN_EXE_svc"));
    let run = |hook: &str, base: &str| {
        let mut command = world.repo.command(program, &world.root());
        command.args(["hook", "run", hook]).env("PRE_COMMIT", "1");
        let command = command.stdin(std::process::Stdio::null());
        came(command.env("CI", "true").env("SVC_BASE", base))
    };
    for hook in ["pre-commit", "pre-push"] {
        let said = run(hook, "HEAD~1").refused();
        assert!(said.contains("this is bad"), "{said}");
        run(hook, "HEAD").fine();
    }
    // A commit that is made there is judged as everywhere.
    world.stage("c/file", "bad\n");
    run("pre-commit", "HEAD").refused();
    world.git(&["reset", "-q", "--hard"]).fine();

    let Some(program) = find("pre-commit") else {
        return;
    };
    world.write(".pre-commit-config.yaml", &config());
    world.repo.commit("pre-commit");
    let mut command = world.repo.command(&program, &world.root());
    command.args(["run", "svc-test", "--all-files"]);
    command.env("CI", "true").env("SVC_BASE", "HEAD~2");
    let said = came(command.env("PATH", path(&program))).refused();
    assert!(said.contains("this is bad"), "{said}");
}

#[test]
fn lefthook_asks_svc_by_what_it_is_told_to_add() {
    let Some(program) = find("lefthook") else {
        return;
    };
    let world = World::new();
    world.write("lefthook.yml", "# nothing yet\n");
    let said = world.repo.svc(&["hook", "install", "--pre-push"]).run();
    assert_eq!(said.code(), 2);
    let said = said.stdout();
    let (_, snippet) = said.split_once("\n\n").unwrap();
    let snippet: String = snippet
        .lines()
        .map(|it| format!("{}\n", &it[2..]))
        .collect();
    world.write("lefthook.yml", &snippet);
    world.repo.commit("lefthook");
    call(&world, &program, &["install"]).fine();
    check(&world, &program);
}

#[test]
fn husky_asks_svc_by_what_it_is_told_to_add() {
    let Some(program) = find("husky") else {
        return;
    };
    let world = World::new();
    world.repo.git(&["config", "core.hooksPath", ".husky/_"]);
    let said = world.repo.svc(&["hook", "install", "--pre-push"]).run();
    assert_eq!(said.code(), 2);
    let said = said.stdout();
    let (_, snippet) = said.split_once("\n\n").unwrap();
    call(&world, &program, &[]).fine();
    let mut shell = world.repo.command("sh", &world.root());
    came(shell.args(["-eu", "-c", snippet])).fine();
    world.repo.git(&["add", "."]);
    world.git(&["commit", "-qm", "husky", "--no-verify"]).fine();
    check(&world, &program);
}

/// Commits and pushes are judged.
fn check(world: &World, program: &Path) {
    world.stage("c/file", "bad\n");
    world.write("c/file", "good\n");
    let said = git(world, program, &["commit", "-qm", "bad"]).refused();
    assert!(said.contains("this is bad"), "{said}");
    world.stage("c/file", "better\n");
    world.write("c/file", "bad\n");
    git(world, program, &["commit", "-qm", "good"]).fine();
    world.git(&["commit", "-qam", "bad", "--no-verify"]).fine();
    let remote = world.repo.beside("remote.git").display().to_string();
    world.repo.git(&["init", "-q", "--bare", &remote]);
    world.repo.git(&["remote", "add", "origin", &remote]);
    git(world, program, &["push", "-q", "origin", "main"]).refused();
    world.write("c/file", "best\n");
    world.git(&["commit", "-qam", "good", "--no-verify"]).fine();
    git(world, program, &["push", "-q", "origin", "main"]).fine();
}
