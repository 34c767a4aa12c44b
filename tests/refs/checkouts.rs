//! Temporary checkouts, and what lies between commits.

use svc::git::{Checkout, Fetch, Repo};
use svc::model::change::ObjectId;
use svc::model::path::FilePath;

use crate::world::{World, shell};
use crate::{clone_of, file_url, open, remote};

/// A remote with three commits on `main`, the workspace in `shop`.
fn history() -> (World, Vec<ObjectId>) {
    let world = remote("");
    let ids = (1..=3).map(|n| world.commit("r", "shop/api/main.py", &n.to_string()));
    let ids = ids.collect();
    world.git("r", "push -q ../remote.git main");
    (world, ids)
}

fn content(checkout: &Checkout) -> String {
    std::fs::read_to_string(checkout.root().join("api/main.py")).unwrap()
}

fn worktrees(world: &World, directory: &str) -> usize {
    let list = world.git(directory, "worktree list --porcelain");
    list.lines()
        .filter(|line| line.starts_with("worktree "))
        .count()
}

#[test]
fn a_checkout_holds_the_whole_commit_and_is_gone_afterwards() {
    for options in ["", "--depth=1", "--filter=blob:none", "--sparse", "--bare"] {
        let (world, ids) = history();
        clone_of(&world, &file_url(&world), options, "c");
        let bare = options == "--bare";
        let mut repo = open(&world, "c");
        if !bare {
            world.write("c/shop/mine", "uncommitted");
            repo = open(&world, "c/shop");
        }
        let one = Checkout::of(&repo, ids[0]).unwrap();
        let two = Checkout::of(&repo, ids[1]).unwrap();
        let root = one.root().to_owned();
        if bare {
            assert!(root.join("shop/api/main.py").exists());
        } else {
            assert_eq!(
                (content(&one), content(&two)),
                ("1".into(), "2".into()),
                "{options}"
            );
            assert!(root.ends_with("c/shop"), "{root:?}");
        }
        assert_eq!(worktrees(&world, "c"), 3);
        drop((one, two));
        assert!(!root.exists());
        assert_eq!(worktrees(&world, "c"), 1);
        let notes = world.path("c").join(if bare { "svc" } else { ".git/svc" });
        assert_eq!(notes.join("checkouts").read_dir().unwrap().count(), 0);
    }
}

#[test]
fn a_checkout_of_a_linked_worktree_in_a_hook_runs_no_hook() {
    let (world, ids) = history();
    clone_of(&world, &file_url(&world), "", "c");
    world.git("c", "worktree add -q ../linked");
    shell(
        &world,
        "c",
        "printf '#!/bin/sh\ntouch \"%s/ran\"\n' \"$PWD\" > .git/hooks/post-checkout
         chmod +x .git/hooks/post-checkout",
    );
    let mut env = world.env("linked/shop");
    let git_dir = world.git("linked", "rev-parse --absolute-git-dir");
    env.variables.insert("GIT_DIR".into(), git_dir.into());
    env.variables.insert(
        "GIT_INDEX_FILE".into(),
        world.git("linked", "rev-parse --git-path index").into(),
    );
    let before = world.git("linked", "ls-files --stage");
    let repo = Repo::discover(&env).unwrap().unwrap();
    let checkout = Checkout::of(&repo, ids[0]).unwrap();
    assert_eq!(
        std::fs::read_to_string(checkout.root().join("shop/api/main.py"))
            .unwrap_or_else(|_| content(&checkout)),
        "1"
    );
    assert!(!world.path("c/ran").exists());
    assert_eq!(world.git("linked", "ls-files --stage"), before);
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next() {
    let (world, ids) = history();
    clone_of(&world, &file_url(&world), "", "c");
    let repo = open(&world, "c/shop");
    let living = Checkout::of(&repo, ids[0]).unwrap();
    let place = tempfile::Builder::new()
        .prefix("svc-checkout-")
        .tempdir()
        .unwrap();
    let tree = place.path().join("c");
    world.git(
        "c",
        &format!("worktree add -q --detach {} {}", tree.display(), ids[0]),
    );
    world.write("c/.git/svc/checkouts/dead", &tree.display().to_string());
    // A note that leads elsewhere.
    let precious = world.path("home");
    world.write(
        "c/.git/svc/checkouts/wrong",
        &precious.join("x").display().to_string(),
    );
    world.write("c/.git/svc/checkouts/empty", "");
    let next = Checkout::of(&repo, ids[1]).unwrap();
    assert!(!tree.exists() && living.root().exists() && precious.exists());
    assert_eq!(worktrees(&world, "c"), 3);
    drop((living, next));
    assert_eq!(
        world
            .path("c/.git/svc/checkouts")
            .read_dir()
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn submodules_come_along_where_they_are_set_up() {
    let (world, _) = history();
    world.git(".", "init -q -b main sub");
    world.commit("sub", "inner", "1");
    let url = world.url("sub");
    world.git(
        "r",
        &format!("-c protocol.file.allow=always submodule add -q {url} lib"),
    );
    let commit = world.commit("r", "shop/x", "1");
    world.git("r", "push -q ../remote.git main");
    clone_of(&world, &file_url(&world), "", "c");
    let repo = open(&world, "c");
    let without = Checkout::of(&repo, commit).unwrap();
    assert!(!without.root().join("lib/inner").exists());
    world.git(
        "c",
        "-c protocol.file.allow=always submodule --quiet update --init",
    );
    world.git("sub", "config uploadpack.allowAnySHA1InWant true");
    world.git("c", "config protocol.file.allow always");
    let with = Checkout::of(&repo, commit).unwrap();
    assert!(with.root().join("lib/inner").exists());
    let root = with.root().to_owned();
    drop(with);
    assert!(!root.exists());
}

#[test]
fn a_commit_that_is_nowhere_is_an_error_that_leaves_nothing() {
    let (world, _) = history();
    clone_of(&world, &file_url(&world), "", "c");
    let repo = open(&world, "c");
    let nothing = ObjectId::from_hex(&"1".repeat(40)).unwrap();
    let error = Checkout::of(&repo, nothing).unwrap_err();
    assert!(error.to_string().contains("origin"), "{error}");
    assert_eq!(worktrees(&world, "c"), 1);
}

#[test]
fn descent_is_known_or_said_to_be_unknown() {
    let (world, ids) = history();
    world.git("r", "checkout -q -b side HEAD~1");
    let side = world.commit("r", "shop/web/x", "1");
    world.git("r", "push -q ../remote.git side");
    clone_of(&world, &file_url(&world), "--depth=1", "c");
    let unfetched = open(&world, "c").fetching(Fetch::Forbidden);
    assert_eq!(unfetched.is_ancestor(ids[0], ids[2]).unwrap(), None);
    assert_eq!(unfetched.counts_between(&[ids[0]], ids[2]).unwrap(), [None]);
    assert_eq!(unfetched.subject(ids[0]).unwrap(), None);
    let repo = open(&world, "c");
    assert_eq!(repo.is_ancestor(ids[0], ids[2]).unwrap(), Some(true));
    assert_eq!(repo.is_ancestor(ids[2], ids[0]).unwrap(), Some(false));
    assert_eq!(repo.is_ancestor(side, ids[2]).unwrap(), Some(false));
    let nothing = ObjectId::from_hex(&"1".repeat(40)).unwrap();
    assert_eq!(repo.is_ancestor(nothing, ids[2]).unwrap(), None);
    assert_eq!(repo.counts_between(&[ids[0]], ids[2]).unwrap(), [Some(2)]);
    assert_eq!(repo.counts_between(&[ids[2]], ids[0]).unwrap(), [Some(0)]);
}

#[test]
fn commits_between_two_are_told_with_their_paths() {
    let (world, ids) = history();
    world.write("r/shop/web/x", "1");
    world.git("r", "add -A");
    shell(
        &world,
        "r",
        "git commit -qm \"$(printf 'odd \\033[1m \\037subject\\nline two')\"",
    );
    world.git("r", "push -q ../remote.git main");
    clone_of(&world, &file_url(&world), "", "c");
    let repo = open(&world, "c/shop");
    let head = world.id("c", "HEAD");
    let all = repo.commits_between(ids[0], head, &[]).unwrap().unwrap();
    assert_eq!(all.len(), 3);
    let web = repo
        .commits_between(ids[0], head, &["web".into()])
        .unwrap()
        .unwrap();
    assert_eq!(web.len(), 1);
    assert_eq!(web[0].subject, "odd \u{1b}[1m \u{1f}subject line two");
    assert_eq!((web[0].id, web[0].author.as_str()), (head, "A"));
    let root = repo
        .commits_between(ids[0], head, &[FilePath::default()])
        .unwrap()
        .unwrap();
    assert_eq!(root.len(), 3);
    assert_eq!(repo.subject(head).unwrap().unwrap(), web[0].subject);
}
