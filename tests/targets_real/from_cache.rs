//! Moves of releases whose deploy takes what was built: from the cache, never by building again.

use std::fs;

use crate::servers::{Sshd, skip};
use crate::ssh::definition;
use crate::world::{World, says};

/// A service that is copied to machines of staging and production.
fn deployed_to_staging() -> Option<(Sshd, World)> {
    let Some(sshd) = Sshd::start() else {
        skip(
            "ssh",
            "sshd is not installed, or no user can be made for it",
        );
        return None;
    };
    let world = World::new(&[
        (
            "services.toml",
            &definition(&sshd, "staging production", ""),
        ),
        (".gitignore", "dist/\n"),
        ("api/src/page", "one"),
    ]);
    let builds = world.beside("builds");
    let world = world.with("BUILDS", builds);
    world.ok("deploy --env staging --bootstrap");
    // What is here by now is another state.
    fs::remove_dir_all(world.repo.root().join("api/dist")).unwrap();
    world.change("api/src/page", "two");
    Some((sshd, world))
}

#[test]
fn a_release_is_promoted_with_what_was_built_for_it() {
    let Some((sshd, world)) = deployed_to_staging() else {
        return;
    };
    let page = |environment: &str| {
        fs::read_to_string(sshd.home.path().join(format!("{environment}.running")))
            .unwrap_or_default()
    };
    assert_eq!(world.lines("builds"), 1);
    world.ok("promote --from staging --to production");
    assert_eq!(page("production"), "one");
    assert_eq!(world.lines("builds"), 1, "it was built again");
    assert_eq!(
        world.runs("staging", "api"),
        world.runs("production", "api")
    );
    assert!(!world.repo.root().join("api/dist").exists());
    // Nothing is left of the checkout.
    let worktrees = world.repo.git(&["worktree", "list"]);
    assert_eq!(worktrees.lines().count(), 1, "{worktrees}");

    // A release of which nothing is over there any more.
    world.ok("deploy --env production");
    assert_eq!(page("production"), "two");
    assert_eq!(world.lines("builds"), 2);
    world.ok("promote --from staging --to production --allow-diverged");
    assert_eq!(page("production"), "one");
    assert_eq!(world.lines("builds"), 2);
}

#[test]
fn what_is_not_in_the_cache_any_more_is_told_before_anything_is_touched() {
    let Some((sshd, world)) = deployed_to_staging() else {
        return;
    };
    world.ok("cache clear");
    let said = world.ends(1, "promote --from staging --to production");
    says(
        &said,
        &[
            "dist is not in .",
            "what api:build left behind is not in the cache any more",
            "svc deploy --env production api",
        ],
    );
    assert!(!sshd.home.path().join("production").exists());
    assert_eq!(world.lines("builds"), 1);
}

#[test]
fn own_commands_go_back_with_what_was_built_then() {
    let world = World::new(&[
        (
            "services.toml",
            r#"version = 1
[environments.staging]
[services.api]
path = "api"
[services.api.build]
run = "echo built >>\"$BUILDS\"; mkdir -p dist; cp page dist"
pass-env = ["BUILDS"]
outputs = ["dist/**"]
[services.api.deploy]
run = "cp dist/page \"$RUNNING\"; ! grep -q broken dist/page"
"#,
        ),
        (".gitignore", "dist/\n"),
        ("api/page", "one"),
    ]);
    let (builds, running) = (world.beside("builds"), world.beside("running"));
    let world = world.with("BUILDS", builds).with("RUNNING", running);
    let page = || fs::read_to_string(world.beside("running")).unwrap();
    world.ok("deploy --env staging --bootstrap");
    world.change("api/page", "two");
    world.ok("deploy --env staging");
    assert_eq!(page(), "two");
    world.change("api/page", "broken");
    world.ends(5, "deploy --env staging");
    assert_eq!(page(), "two");
    world.ok("rollback --env staging api");
    assert_eq!(page(), "one");
    assert_eq!(world.lines("builds"), 3);
}
