//! Installing hooks beside what is there, and putting everything back.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::world::{World, came};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o777
}

fn executable(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// What git would run, without its samples.
fn hooks(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().flatten();
    let names = entries.map(|it| it.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|it| !it.ends_with(".sample")).collect();
    names.sort();
    names
}

#[test]
fn a_hook_from_before_is_asked_first_and_put_back() {
    let world = World::new();
    let directory = world.root().join(".git/hooks");
    let hook = directory.join("pre-commit");
    let text = "#!/bin/sh\necho before \"$#\" >&2\n! grep -q refused c/file\n";
    executable(&hook, text, 0o751);
    let said = world.repo.svc(&["hook", "install"]).stdout();
    assert!(
        said.contains("the pre-commit that was there is asked first"),
        "{said}"
    );
    let status = world.repo.svc(&["hook", "status"]).json();
    assert_eq!(status["hooks"][0]["state"], "installed");
    assert_eq!(status["hooks"][0]["chained"], true);
    world.stage("c/file", "refused\n");
    let said = world.git(&["commit", "-qm", "c"]).refused();
    assert_eq!(said, "before 0\n");
    world.stage("c/file", "bad\n");
    let said = world.git(&["commit", "-qm", "c"]).refused();
    assert!(said.starts_with("before 0\n"), "{said}");
    world.stage("c/file", "better\n");
    world.git(&["commit", "-qm", "c"]).fine();
    // Again and again is once.
    world.repo.svc(&["hook", "install"]).stdout();
    world.repo.svc(&["hook", "uninstall"]).stdout();
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), text);
    assert_eq!(mode(&hook), 0o751);
    assert_eq!(hooks(&directory), ["pre-commit"]);
    assert_eq!(
        world.repo.svc(&["hook", "uninstall"]).stdout(),
        "no hook asked svc\n"
    );
}

#[test]
fn a_hook_from_before_knows_its_name_and_what_lies_beside_it() {
    let world = World::new();
    let directory = world.root().join(".git/hooks");
    let text = "#!/bin/sh\n. \"$(dirname \"$0\")/words\"\n\
                case $(basename \"$0\") in pre-commit) echo \"$word\" >&2; exit 1;; esac\n";
    executable(&directory.join("one for all"), text, 0o755);
    std::fs::write(directory.join("words"), "word=no\n").unwrap();
    let hook = directory.join("pre-commit");
    world.stage("c/file", "better\n");
    let check = || {
        for command in ["status", "install", "uninstall"] {
            let said = world.git(&["commit", "-qm", "c"]).refused();
            assert_eq!(said, "no\n", "before {command}");
            world.repo.svc(&["hook", command]).stdout();
        }
        world.git(&["commit", "-qm", "c"]).refused();
        assert_eq!(hooks(&directory), ["one for all", "pre-commit", "words"]);
    };
    executable(&hook, text, 0o755);
    check();
    std::fs::remove_file(&hook).unwrap();
    symlink("one for all", &hook).unwrap();
    check();
    assert!(hook.is_symlink());
}

#[test]
fn links_and_hooks_that_git_skips_are_put_back_as_they_were() {
    let world = World::new();
    let directory = world.root().join(".git/hooks");
    executable(&directory.join("real"), "#!/bin/sh\nexit 1\n", 0o755);
    symlink("real", directory.join("pre-commit")).unwrap();
    executable(
        &directory.join("pre-merge-commit"),
        "#!/bin/sh\nexit 1\n",
        0o644,
    );
    world.repo.svc(&["hook", "install"]).stdout();
    world.stage("c/file", "better\n");
    assert_eq!(world.git(&["commit", "-qm", "c"]).refused(), "");
    world.repo.svc(&["hook", "uninstall"]).stdout();
    assert_eq!(
        std::fs::read_link(directory.join("pre-commit")).unwrap(),
        Path::new("real")
    );
    assert_eq!(mode(&directory.join("pre-merge-commit")), 0o644);
    assert_eq!(
        hooks(&directory),
        ["pre-commit", "pre-merge-commit", "real"]
    );
}

#[test]
fn what_a_killed_svc_left_is_mended() {
    let world = World::new();
    let directory = world.root().join(".git/hooks");
    let hook = directory.join("pre-commit");
    let text = "#!/bin/sh\necho before\n";
    executable(&hook, text, 0o755);
    // Killed between its two steps.
    std::fs::create_dir(directory.join("before-svc")).unwrap();
    std::fs::hard_link(&hook, directory.join("before-svc/pre-commit")).unwrap();
    world.repo.svc(&["hook", "install"]).stdout();
    // A part of a hook, as from a disk that was full.
    let whole = std::fs::read(&hook).unwrap();
    for length in [20, 40, whole.len() - 5] {
        std::fs::write(&hook, &whole[..length]).unwrap();
        let status = world.repo.svc(&["hook", "status"]).json();
        assert_eq!(status["hooks"][0]["state"], "torn");
        world.repo.svc(&["hook", "install"]).stdout();
        assert_eq!(std::fs::read(&hook).unwrap(), whole);
    }
    world.repo.svc(&["hook", "uninstall"]).stdout();
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), text);
}

#[test]
fn what_somebody_added_by_hand_is_not_written_over() {
    let world = World::hooked();
    let hook = world.root().join(".git/hooks/pre-commit");
    let mut text = std::fs::read(&hook).unwrap();
    text.extend(b"echo mine\n");
    std::fs::write(&hook, &text).unwrap();
    for command in ["install", "uninstall"] {
        let said = world.repo.svc(&["hook", command]).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        assert!(said.stderr().contains("changed by hand"), "{}", said.all());
    }
    assert_eq!(std::fs::read(&hook).unwrap(), text);
    world.repo.svc(&["hook", "uninstall", "--force"]).stdout();
    assert!(!hook.exists());
}

#[test]
fn hooks_of_a_workspace_that_is_gone_can_be_removed() {
    let world = World::hooked();
    world.repo.remove("services.toml");
    let status = world.repo.svc(&["hook", "status"]).stdout();
    assert!(status.contains("asks svc"), "{status}");
    // Also from below.
    let below = world.root().join("a");
    let said = world.repo.at(&below).svc(&["hook", "uninstall"]).stdout();
    assert_eq!(said, "removed: pre-commit, pre-merge-commit\n");
    assert_eq!(hooks(&world.root().join(".git/hooks")), [""; 0]);
}

#[test]
fn what_asks_for_another_workspace_is_not_removed() {
    let world = World::hooked();
    let hook = world.root().join(".git/hooks/pre-commit");
    let text = std::fs::read(&hook).unwrap();
    world.write("below/services.toml", "version = 1\n");
    let below = world.root().join("below");
    let uninstall = || world.repo.at(&below).svc(&["hook", "uninstall"]).stdout();
    assert_eq!(uninstall(), "no hook asked svc\n");
    assert_eq!(std::fs::read(&hook).unwrap(), text);
}

#[test]
fn two_earlier_hooks_are_both_kept() {
    let world = World::new();
    let directory = world.root().join(".git/hooks");
    executable(&directory.join("pre-commit"), "#!/bin/sh\n: one\n", 0o755);
    world.repo.svc(&["hook", "install"]).stdout();
    executable(&directory.join("pre-commit"), "#!/bin/sh\n: two\n", 0o755);
    let said = world.repo.svc(&["hook", "install"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    assert_eq!(read("pre-commit"), "#!/bin/sh\n: two\n");
    assert_eq!(read("before-svc/pre-commit"), "#!/bin/sh\n: one\n");
}

#[test]
fn many_at_once_leave_one_whole_hook() {
    let world = World::new();
    let hook = world.root().join(".git/hooks/pre-commit");
    executable(&hook, "#!/bin/sh\nexit 0\n", 0o755);
    let start = |command: &str| {
        world
            .repo
            .svc(&["hook", command])
            .command()
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start("install")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    world.stage("c/file", "bad\n");
    world.git(&["commit", "-qm", "bad"]).refused();
    let children: Vec<_> = (0..6).map(|_| start("uninstall")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(
        std::fs::read_to_string(&hook).unwrap(),
        "#!/bin/sh\nexit 0\n"
    );
    assert_eq!(hooks(hook.parent().unwrap()), ["pre-commit"]);
}

#[test]
fn a_chosen_directory_of_hooks_is_used() {
    let world = World::new();
    world.repo.git(&["config", "core.hooksPath", ".githooks"]);
    let said = world.repo.svc(&["hook", "install"]).stdout();
    assert!(said.contains("commit them"), "{said}");
    let text = world.repo.read(".githooks/pre-commit");
    assert!(!text.contains(env!("CARGO_BIN_EXE_svc")), "{text}");
    assert!(!world.root().join(".git/hooks/pre-commit").exists());
    world.stage("c/file", "bad\n");
    let bin = Path::new(env!("CARGO_BIN_EXE_svc")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut commit = world.command_at(&world.root(), &["commit", "-qm", "bad"]);
    came(commit.env("PATH", path)).refused();
    world.repo.svc(&["hook", "uninstall"]).stdout();
    assert_eq!(hooks(&world.root().join(".githooks")), [""; 0]);
}

#[test]
fn hooks_of_all_repositories_are_written_only_if_asked() {
    let world = World::new();
    let shared = world.repo.beside("shared hooks");
    let path = shared.display().to_string();
    world
        .repo
        .git(&["config", "--global", "core.hooksPath", &path]);
    let said = world.repo.svc(&["hook", "install"]).run();
    assert_eq!(said.code(), 2);
    assert!(
        said.stderr().contains("the global core.hooksPath"),
        "{}",
        said.all()
    );
    assert!(!shared.exists());
    world.repo.svc(&["hook", "install", "--outside"]).stdout();
    world.stage("c/file", "bad\n");
    world.git(&["commit", "-qm", "bad"]).refused();
    // Another repository has no services, so nothing is judged there.
    let other = world.repo.beside("other");
    std::fs::create_dir(&other).unwrap();
    world.repo.at(&other).git(&["init", "-q"]);
    assert_eq!(
        world
            .git_at(&other, &["commit", "-q", "--allow-empty", "-m", "first"])
            .fine(),
        ""
    );
}

#[test]
fn linked_worktrees_share_the_hooks() {
    let world = World::new();
    let linked = world.repo.beside("linked");
    world
        .repo
        .git(&["worktree", "add", "-q", &linked.display().to_string()]);
    world.repo.at(&linked).svc(&["hook", "install"]).stdout();
    world.stage("c/file", "bad\n");
    world.git(&["commit", "-qm", "bad"]).refused();
    world.repo.at(&linked).svc(&["hook", "uninstall"]).stdout();
    world.git(&["commit", "-qm", "bad"]).fine();
}

#[test]
fn without_svc_nothing_is_let_through_silently() {
    let world = World::new();
    let svc = world.repo.beside("svc");
    std::fs::hard_link(env!("CARGO_BIN_EXE_svc"), &svc)
        .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_svc"), &svc).map(drop))
        .unwrap();
    let mut install = world.repo.command(&svc, &world.root());
    came(install.args(["hook", "install", "--pre-push"])).fine();
    world.stage("c/file", "better\n");
    world
        .git(&["commit", "-qm", "it is found where it was"])
        .fine();
    std::fs::remove_file(&svc).unwrap();
    world.stage("c/file", "best\n");
    let said = world.git(&["commit", "-qm", "gone"]).refused();
    assert!(
        said.contains("svc is not installed, or not in PATH"),
        "{said}"
    );
    assert!(said.contains("git commit --no-verify"), "{said}");
    let remote = world.repo.beside("remote.git");
    world
        .repo
        .git(&["init", "-q", "--bare", &remote.display().to_string()]);
    let said = world
        .git(&["push", &remote.display().to_string(), "main"])
        .refused();
    assert!(said.contains("git push --no-verify"), "{said}");
}

#[test]
fn a_tool_that_is_missing_fails_the_commit() {
    let world = World::hooked();
    world.write(
        "services.toml",
        "version = 1\n[services.c]\npath = \"c\"\ntest = \"no-such-tool --check\"\n",
    );
    world.repo.git(&["add", "."]);
    let said = world.git(&["commit", "-qm", "tool"]).refused();
    assert!(said.contains("no-such-tool"), "{said}");
}

#[test]
fn programs_that_look_after_hooks_are_told_what_to_add() {
    let world = World::new();
    let check = |manager: &str, expected: &str| {
        let said = world.repo.svc(&["hook", "install", "--pre-push"]).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        assert!(said.stdout().starts_with(manager), "{}", said.all());
        assert!(said.stdout().contains(expected), "{}", said.all());
        assert!(
            !world
                .root()
                .join(".git/hooks/before-svc/pre-commit")
                .exists()
        );
    };
    world.repo.git(&["config", "core.hooksPath", ".husky/_"]);
    check(
        "husky",
        "echo 'svc hook run pre-commit --task test' >>.husky/pre-commit",
    );
    world.repo.git(&["config", "--unset", "core.hooksPath"]);
    world.write("lefthook.yml", "");
    check(
        "lefthook",
        "run: svc hook run pre-push --task test -- {1} {2}",
    );
    world.repo.remove("lefthook.yml");
    let text = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n";
    executable(&world.root().join(".git/hooks/pre-commit"), text, 0o755);
    check("pre-commit", "entry: svc hook run pre-commit --task test");
    assert_eq!(
        world.repo.svc(&["hook", "status"]).json()["managed_by"],
        "pre-commit"
    );
}
