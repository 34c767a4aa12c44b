//! Finding the base when everything is here already.

use svc::git::{BaseRequest, BaseRule, Fetch, FoundBase, find_base};
use svc::model::change::{Base, Head};

use crate::world::{World, base, default, exact, found, merge_base, reason, work_tree};

#[test]
fn merge_base_is_where_the_histories_part() {
    let world = World::with_repo();
    let fork = world.commit("r", "a", "1");
    world.git("r", "checkout -q -b topic");
    world.commit("r", "b", "1");
    world.git("r", "checkout -q main");
    let main = world.commit("r", "c", "1");
    world.git("r", "checkout -q topic");
    let repo = world.repo("r");
    let check = |rule, commit, text: &str| {
        let (found_base, told) = base(&repo, rule, Fetch::Allowed);
        assert_eq!(found(found_base), (vec![commit], text.to_owned()));
        assert!(told.is_empty(), "{told:?}");
    };
    check(merge_base("main"), fork, "merge-base with main");
    check(default(), fork, "merge-base with main");
    check(exact("main"), main, "--base-exact main");
    let by_variable = BaseRule::MergeBase {
        rev: main.to_string(),
        origin_of_rule: "SVC_BASE".to_owned(),
    };
    check(
        by_variable,
        fork,
        &format!("merge-base with {} (SVC_BASE)", main.short()),
    );
}

#[test]
fn a_merged_branch_is_compared_with_what_it_merged() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "checkout -q -b topic");
    world.commit("r", "b", "1");
    world.git("r", "checkout -q main");
    let main = world.commit("r", "c", "1");
    world.git("r", "checkout -q topic");
    world.git("r", "merge -q -m merge main");
    let (found_base, _) = base(&world.repo("r"), default(), Fetch::Allowed);
    assert_eq!(found(found_base).0, [main]);
}

#[test]
fn criss_cross_histories_have_all_their_bases() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "checkout -q -b topic");
    let one = world.commit("r", "b", "1");
    world.git("r", "checkout -q main");
    let other = world.commit("r", "c", "1");
    world.git("r", &format!("merge -q -m x {one}"));
    world.git("r", "checkout -q topic");
    world.git("r", &format!("merge -q -m y {other}"));
    let (found_base, _) = base(&world.repo("r"), merge_base("main"), Fetch::Allowed);
    let mut bases = found(found_base).0;
    bases.sort();
    let mut expected = [one, other];
    expected.sort();
    assert_eq!(bases, expected);
}

#[test]
fn the_default_branch_is_looked_for_in_order() {
    let world = World::with_repo();
    let check = |expected: Option<&str>, configured: Option<&str>| {
        let repo = world.repo("r");
        let branch = svc::git::base::default_branch(&repo, configured).unwrap();
        let shown = branch.as_ref().map(|it| it.shown().to_owned());
        assert_eq!(shown.as_deref(), expected);
    };
    let first = world.commit("r", "a", "1");
    world.git("r", "branch -m master");
    check(Some("master"), None);
    world.git("r", "branch main");
    check(Some("main"), None);
    world.git("r", "remote add origin file:///nowhere");
    world.git(
        "r",
        &format!("update-ref refs/remotes/origin/master {first}"),
    );
    check(Some("origin/master"), None);
    world.git("r", &format!("update-ref refs/remotes/origin/main {first}"));
    check(Some("origin/main"), None);
    world.git(
        "r",
        &format!("update-ref refs/remotes/origin/team/trunk {first}"),
    );
    world.git(
        "r",
        "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/team/trunk",
    );
    check(Some("origin/team/trunk"), None);
    check(Some("origin/master"), Some("master"));
    check(None, Some("trunk"));
}

#[test]
fn a_configured_default_branch_is_the_only_one() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    let rule = |name: &str| BaseRule::DefaultBranch {
        configured: Some(name.to_owned()),
    };
    let repo = world.repo("r");
    let (found_base, _) = base(&repo, rule("main"), Fetch::Allowed);
    assert_eq!(found(found_base).1, "merge-base with main");
    let (none, _) = base(&repo, rule("trunk"), Fetch::Allowed);
    assert_eq!(reason(none), "there is no branch `trunk`");
}

#[test]
fn zeros_stand_for_no_base() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    let repo = world.repo("r");
    for zeros in ["0".repeat(40), "0".repeat(64), String::new()] {
        for rule in [exact(&zeros), merge_base(&zeros)] {
            let (none, told) = base(&repo, rule, Fetch::Allowed);
            assert!(reason(none).starts_with("the base "));
            assert!(told.is_empty());
        }
    }
}

#[test]
fn before_the_first_commit_the_base_is_the_empty_tree() {
    let world = World::with_repo();
    let repo = world.repo("r");
    for rule in [default(), merge_base("main")] {
        let request = BaseRequest {
            rule,
            head: work_tree(&repo),
            fetch: Fetch::Allowed,
        };
        let base = find_base(&repo, &request, &mut |_| ()).unwrap();
        let rule = "the empty tree, as nothing is committed yet".to_owned();
        let commits = Vec::new();
        assert_eq!(base, FoundBase::Found(Base { commits, rule }));
    }
}

#[test]
fn histories_without_a_common_start_have_no_base() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "checkout -q --orphan other");
    world.commit("r", "b", "1");
    let (none, _) = base(&world.repo("r"), merge_base("main"), Fetch::Allowed);
    assert_eq!(
        reason(none),
        "there is no merge-base with main: no common history"
    );
}

#[test]
fn the_index_and_the_working_tree_stand_on_their_commit() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    world.git("r", "checkout -q -b topic");
    let second = world.commit("r", "a", "2");
    let repo = world.repo("r");
    for head in [Head::Index(Some(second)), Head::WorkTree(Some(second))] {
        let request = BaseRequest {
            rule: default(),
            head,
            fetch: Fetch::Forbidden,
        };
        let base = find_base(&repo, &request, &mut |_| ()).unwrap();
        assert_eq!(found(base).0, [first]);
    }
}

#[test]
fn a_name_that_looks_like_an_option_is_no_revision() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    let repo = world.repo("r");
    for name in ["--all", "-x", "--upload-pack=touch /tmp/never"] {
        let (none, _) = base(&repo, merge_base(name), Fetch::Allowed);
        assert_eq!(reason(none), format!("`{name}` is no revision"));
    }
}

/// A merge of `topic` into `main`, checked out, and its two parents.
fn merged() -> (World, [svc::model::change::ObjectId; 2]) {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "checkout -q -b topic");
    let topic = world.commit("r", "b", "1");
    world.git("r", "checkout -q main");
    let main = world.commit("r", "c", "1");
    world.git("r", "merge -q --no-ff -m merge topic");
    (world, [main, topic])
}

fn first_parent(merged: Option<&str>) -> BaseRule {
    BaseRule::FirstParent {
        merged: merged.map(str::to_owned),
    }
}

#[test]
fn the_first_parent_counts_only_for_the_merge_that_is_meant() {
    let (world, [main, topic]) = merged();
    let repo = world.repo("r");
    let topic = topic.to_string();
    for merged in [None, Some(topic.as_str()), Some(&topic[..12])] {
        let (found_base, told) = base(&repo, first_parent(merged), Fetch::Allowed);
        assert_eq!(found(found_base).0, [main]);
        assert!(told.is_empty(), "{told:?}");
    }
    let head = repo.head_commit().unwrap().unwrap().short();
    let (none, _) = base(&repo, first_parent(Some(&main.to_string())), Fetch::Allowed);
    assert_eq!(
        reason(none),
        format!("{head} is no merge of {}", main.short())
    );
    world.git("r", "checkout -q topic");
    let (none, _) = base(&repo, first_parent(None), Fetch::Allowed);
    assert!(reason(none).ends_with("is no merge of two commits"));
}

#[test]
fn the_first_parent_is_fetched_where_the_clone_ends_at_the_merge() {
    // A remote of the older protocol gives out only tips, so the history is asked for.
    for protocol in ["2", "0"] {
        let (world, [main, topic]) = merged();
        let merge = first_parent(Some(&topic.to_string()));
        world.clone("--depth 1", "c");
        world.git("c", &format!("config protocol.version {protocol}"));
        let repo = world.repo("c");
        let (none, told) = base(&repo, merge.clone(), Fetch::Forbidden);
        assert!(reason(none).contains("--no-fetch"));
        assert!(told.is_empty(), "{told:?}");
        let (found_base, told) = base(&repo, merge, Fetch::Allowed);
        assert_eq!(found(found_base).0, [main], "{told:?}");
        assert_eq!(told.len(), if protocol == "2" { 1 } else { 2 }, "{told:?}");
    }
}

#[test]
fn a_branch_is_that_of_the_remote_whatever_is_here_under_its_name() {
    let (world, [main, topic]) = merged();
    world.git("r", "checkout -q topic");
    world.git("r", "branch -f main topic~1");
    let rule = || BaseRule::Branch {
        name: "main".into(),
    };
    let (found_base, _) = base(&world.repo("r"), rule(), Fetch::Allowed);
    let root = world.id("r", "topic~1");
    assert_eq!(
        found(found_base),
        (vec![root], "merge-base with main".into())
    );
    world.clone("--depth 1 --branch topic", "c");
    world.git("c", "branch main");
    let (found_base, _) = base(&world.repo("c"), rule(), Fetch::Allowed);
    assert_eq!(
        found(found_base),
        (vec![root], "merge-base with origin/main".into())
    );
    assert_ne!(main, topic);
}
