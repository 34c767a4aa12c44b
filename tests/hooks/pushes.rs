//! Each way to push: what is pushed is judged, against what the remote has.

use crate::world::{World, came};

/// A remote that has `main`, and hooks before pushes.
fn world() -> World {
    let world = World::new();
    let remote = world.repo.beside("remote.git").display().to_string();
    world
        .repo
        .git(&["init", "-q", "--bare", "--initial-branch=main", &remote]);
    world.repo.git(&["remote", "add", "origin", &remote]);
    world.repo.git(&["push", "-q", "-u", "origin", "main"]);
    world.repo.svc(&["hook", "install", "--pre-push"]).stdout();
    world
}

fn commit(world: &World, path: &str, text: &str) {
    world.stage(path, text);
    world.git(&["commit", "-qm", path, "--no-verify"]).fine();
}

#[test]
fn what_is_pushed_is_judged_and_not_the_working_tree() {
    let world = world();
    commit(&world, "c/file", "better\n");
    world.write("c/file", "bad\n");
    world.write("a/untracked", "bad\n");
    world.git(&["push", "-q"]).fine();
    assert_eq!(world.ran_names(), ["c"]);
    commit(&world, "c/file", "bad\n");
    world.write("c/file", "good\n");
    let said = world.git(&["push"]).refused();
    assert!(said.contains("git push --no-verify"), "{said}");
    let head = world.head();
    assert!(
        said.contains(&format!("repeat: svc test c --head {head} --isolated")),
        "{said}"
    );
    // A later commit mends it: what is pushed in the end counts.
    commit(&world, "c/file", "good again\n");
    world.git(&["push", "-q"]).fine();
    world.ran();
    world.git(&["push", "-q"]).fine();
    assert_eq!(world.ran_names(), [""; 0]);
}

#[test]
fn new_branches_deletes_and_forced_pushes_are_judged_by_what_is_new() {
    let world = world();
    world.repo.git(&["checkout", "-qb", "side"]);
    commit(&world, "b/file", "bad\n");
    world.git(&["push", "-q", "origin", "side"]).refused();
    commit(&world, "b/file", "better\n");
    world.ran();
    world.git(&["push", "-q", "origin", "side"]).fine();
    assert_eq!(world.ran_names(), ["b"]);
    // Rewritten.
    world.repo.git(&["reset", "-q", "--hard", "main"]);
    commit(&world, "c/file", "better\n");
    world.git(&["push", "-qf", "origin", "side"]).fine();
    assert!(world.ran_names().contains(&"c".to_owned()));
    // What the remote has may not be here at all.
    let clone = world.repo.beside("clone");
    let remote = world.repo.beside("remote.git").display().to_string();
    world.repo.git(&[
        "clone",
        "-q",
        "-b",
        "side",
        &remote,
        &clone.display().to_string(),
    ]);
    std::fs::write(clone.join("a/file"), "other\n").unwrap();
    world.repo.at(&clone).commit("elsewhere");
    world.repo.at(&clone).git(&["push", "-q"]);
    commit(&world, "c/file", "bad\n");
    world.git(&["push", "-qf", "origin", "side"]).refused();
    commit(&world, "c/file", "best\n");
    world.git(&["push", "-qf", "origin", "side"]).fine();
    world.ran();
    world.git(&["push", "-q", "origin", ":side"]).fine();
    assert_eq!(world.ran_names(), [""; 0]);
}

#[test]
fn what_another_remote_has_does_not_count() {
    let world = world();
    commit(&world, "b/file", "bad\n");
    world
        .git(&["push", "-q", "--no-verify", "origin", "main"])
        .fine();
    let other = world.repo.beside("other.git").display().to_string();
    world.repo.git(&["init", "-q", "--bare", &other]);
    world.repo.git(&["remote", "add", "other", &other]);
    world.git(&["push", "-q", "other", "HEAD:main"]).refused();
    world.git(&["push", "-q", &other, "HEAD:main"]).refused();
    // The address of a remote is as good as its name.
    let origin = world.repo.beside("remote.git").display().to_string();
    commit(&world, "c/file", "better\n");
    world.ran();
    world.git(&["push", "-q", &origin, "HEAD:side"]).fine();
    assert_eq!(world.ran_names(), ["c"]);
    world.git(&["push", "-q", "other", "HEAD:side"]).refused();
}

#[test]
fn a_variable_of_the_framework_does_not_hide_what_git_says() {
    let world = world();
    commit(&world, "c/file", "bad\n");
    commit(&world, "c/file", "good\n");
    let arguments = ["push", "-q", "origin", "HEAD~1:refs/heads/main"];
    let mut push = world.command_at(&world.root(), &arguments);
    let said = came(push.env("PRE_COMMIT", "1")).refused();
    assert!(said.contains("this is bad"), "{said}");
}

#[test]
fn several_refs_are_judged_each() {
    let world = world();
    world.repo.git(&["checkout", "-qb", "one"]);
    commit(&world, "c/file", "better\n");
    world.repo.git(&["tag", "-a", "-m", "tag", "v1"]);
    world.repo.git(&["checkout", "-q", "-b", "two", "main"]);
    commit(&world, "c/file", "bad\n");
    let said = world
        .git(&["push", "-q", "origin", "one", "two", "v1"])
        .refused();
    assert!(said.contains("this is bad"), "{said}");
    commit(&world, "c/file", "best\n");
    world.ran();
    world
        .git(&["push", "-q", "origin", "one", "two", "v1"])
        .fine();
    // The first one was judged before.
    assert_eq!(world.ran_names(), ["c"]);
}

#[test]
fn the_first_push_is_judged_as_a_whole() {
    let world = World::new();
    commit(&world, "b/file", "bad\n");
    let remote = world.repo.beside("remote.git").display().to_string();
    world.repo.git(&["init", "-q", "--bare", &remote]);
    world.repo.git(&["remote", "add", "origin", &remote]);
    world.repo.svc(&["hook", "install", "--pre-push"]).stdout();
    world.git(&["push", "-q", "origin", "main"]).refused();
    world.git(&["push", "-q", &remote, "main"]).refused();
    commit(&world, "b/file", "good\n");
    world.ran();
    world.git(&["push", "-q", "origin", "main"]).fine();
    assert!(world.ran_names().contains(&"b".to_owned()));
}

#[test]
fn a_hook_from_before_reads_what_git_says() {
    let world = world();
    let hook = world.root().join(".git/hooks/pre-push");
    world.repo.svc(&["hook", "uninstall"]).stdout();
    let seen = world.repo.beside("seen");
    std::fs::write(
        &hook,
        format!(
            "#!/bin/sh\necho \"$1\" >'{0}'\ncat >>'{0}'\n",
            seen.display()
        ),
    )
    .unwrap();
    world.repo.make_executable(".git/hooks/pre-push");
    world.repo.svc(&["hook", "install", "--pre-push"]).stdout();
    commit(&world, "c/file", "bad\n");
    let old = world.repo.git(&["rev-parse", "origin/main"]);
    world.git(&["push", "-q"]).refused();
    let head = world.head();
    let expected = format!("origin\nrefs/heads/main {head} refs/heads/main {old}\n");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), expected);
}
