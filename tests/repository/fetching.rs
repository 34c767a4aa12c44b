//! Finding the base when something is missing and a remote has it, or does not.

use std::time::{Duration, Instant};

use svc::git::{Fetch, Repo};
use svc::model::change::ObjectId;

use crate::world::{World, base, changed_since, default, exact, found, merge_base, reason};

/// A repository `r` of `main` with a topic branch that parts from it some way back: the commit where it does so, and `depth`
/// commits on both sides.
fn forked(depth: usize) -> (World, ObjectId) {
    let world = World::with_repo();
    world.commit("r", "root", "1");
    let fork = world.commit("r", "fork", "1");
    world.git("r", "checkout -q -b topic");
    for step in 0..depth {
        world.commit("r", "topic", &step.to_string());
    }
    world.git("r", "checkout -q main");
    for step in 0..depth {
        world.commit("r", "main", &step.to_string());
    }
    (world, fork)
}

/// What the clone `c` holds of files, config and refs that could change.
fn state(world: &World) -> String {
    let refs = world.git("c", "for-each-ref");
    let objects = world.git("c", "count-objects -v");
    format!("{refs}\n{objects}")
}

fn shallow(repo: &Repo) -> bool {
    repo.is_shallow()
}

#[test]
fn a_shallow_clone_is_deepened_until_the_base_is_certain() {
    let (world, fork) = forked(3);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    let repo = world.repo("c");
    assert!(shallow(&repo));
    let (found_base, told) = base(&repo, default(), Fetch::Allowed);
    assert_eq!(
        found(found_base),
        (vec![fork], "merge-base with origin/main".into())
    );
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("50 more commits of history from origin"),
        "{told:?}"
    );
    let (again, told) = base(&repo, default(), Fetch::Forbidden);
    assert_eq!(found(again).0, [fork]);
    assert!(told.is_empty());
}

#[test]
fn without_fetching_a_shallow_clone_has_no_base_and_nothing_changes() {
    let (world, _) = forked(3);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    let before = state(&world);
    let repo = world.repo("c");
    let (none, told) = base(&repo, default(), Fetch::Forbidden);
    let reason = reason(none);
    assert!(
        reason.contains("--no-fetch") && reason.contains("shallow"),
        "{reason}"
    );
    assert!(told.is_empty());
    assert_eq!(state(&world), before);
}

#[test]
fn a_far_base_brings_the_whole_history_but_only_its_commits() {
    let (world, fork) = forked(3);
    // A history longer than all steps, made at once.
    let tree = world.git("r", "rev-parse main^{tree}");
    let script = format!(
        "{{ echo reset refs/heads/topic; echo from {fork}; for n in $(seq 260); do printf 'commit \
         refs/heads/topic\\ncommitter A <a@example.test> 1700000000 +0000\\ndata 1\\nx\\nM 040000 {tree} \\n'; done; }} | \
         git fast-import --quiet --force"
    );
    crate::world::shell(&world, "r", &script);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    let repo = world.repo("c");
    let (found_base, told) = base(&repo, merge_base("origin/main"), Fetch::Allowed);
    assert_eq!(found(found_base).0, [fork]);
    assert!(told.last().unwrap().contains("partial clone"), "{told:?}");
    assert!(!shallow(&repo));
    let repo = world.repo("c");
    let head = svc::model::change::Head::Commit(repo.head_commit().unwrap());
    assert_eq!(changed_since(&repo, head, Some(fork)), ["main"]);
}

/// An older common ancestor is at hand by another way, and git would take it for the merge-base.
#[test]
fn a_wrong_base_of_a_shallow_clone_is_not_trusted() {
    let world = World::with_repo();
    let old = world.commit("r", "old", "1");
    world.git("r", "branch side");
    for step in 0..5 {
        world.commit("r", "main", &step.to_string());
    }
    let real = world.id("r", "HEAD");
    world.git("r", "checkout -q -b topic");
    world.commit("r", "topic", "1");
    world.git("r", "merge -q --no-ff -m both -s ours side");
    world.git("r", "checkout -q main");
    world.commit("r", "main", "last");
    world.git("r", "checkout -q side");
    world.git("r", "reset -q --hard main");
    // Both tips join `old` directly, and the better base lies behind the edge.
    let tree = world.git("r", "rev-parse main^{tree}");
    for branch in ["main", "topic"] {
        let tip = world.id("r", branch);
        let joined = world.git(
            "r",
            &format!("commit-tree -p {tip} -p {old} -m join {tree}"),
        );
        world.git("r", &format!("update-ref refs/heads/{branch} {joined}"));
    }
    world.clone("--depth 2 --no-single-branch --branch topic", "c");
    let wrong = world.git("c", "merge-base origin/main HEAD");
    assert_eq!(wrong, old.to_string(), "git itself is fooled");
    let repo = world.repo("c");
    let (none, _) = base(&repo, default(), Fetch::Forbidden);
    assert!(reason(none).contains("shallow"));
    let (found_base, _) = base(&repo, default(), Fetch::Allowed);
    assert_eq!(found(found_base).0, [real]);
}

#[test]
fn the_parent_of_a_checked_out_merge_is_fetched_by_one_step() {
    let (world, _) = forked(3);
    let main = world.id("r", "main");
    world.git("r", "checkout -q -b merged");
    world.git("r", "merge -q -m merge topic");
    let merge = world.id("r", "HEAD");
    world.git("r", &format!("update-ref refs/pull/1/merge {merge}"));
    world.git("r", "checkout -q main");
    world.git("r", "branch -q -D merged");
    // As CI systems check out: no branch, one commit.
    world.git(".", "init -q -b main c");
    world.git("c", &format!("remote add origin {}", world.url("r")));
    world.git(
        "c",
        "fetch -q --depth=1 origin +refs/pull/1/merge:refs/remotes/pull/1/merge",
    );
    world.git("c", "checkout -q --detach refs/remotes/pull/1/merge");
    let repo = world.repo("c");
    let (found_base, told) = base(&repo, exact("HEAD^1"), Fetch::Allowed);
    assert_eq!(found(found_base).0, [main]);
    assert_eq!(
        told,
        ["this clone is shallow: fetching 1 more commit of history from origin"]
    );
    let head = svc::model::change::Head::Commit(Some(merge));
    assert_eq!(changed_since(&repo, head, Some(main)), ["topic"]);
    let (none, _) = base(&repo, exact("HEAD^3"), Fetch::Allowed);
    assert!(reason(none).contains("no commit of this history"));
}

#[test]
fn commits_made_here_do_not_hinder_deepening() {
    let (world, fork) = forked(3);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    world.commit("c", "local", "1");
    let (found_base, _) = base(&world.repo("c"), default(), Fetch::Allowed);
    assert_eq!(found(found_base).0, [fork]);
}

#[test]
fn a_missing_commit_is_fetched_by_its_id() {
    let (world, _) = forked(3);
    let main = world.id("r", "main");
    world.clone("--single-branch --branch topic", "c");
    let repo = world.repo("c");
    let (found_base, told) = base(&repo, exact(&main.to_string()), Fetch::Allowed);
    assert_eq!(found(found_base).0, [main]);
    assert_eq!(
        told,
        [format!("fetching commit {} from origin", main.short())]
    );
    assert!(!shallow(&repo), "a whole clone stays whole");
    world.clone("--depth 1 --single-branch --branch topic", "d");
    let repo = world.repo("d");
    let (found_base, _) = base(&repo, exact(&main.to_string()), Fetch::Allowed);
    assert_eq!(found(found_base).0, [main]);
    assert!(
        repo.resolve(&format!("{main}~1")).unwrap().is_none(),
        "only what is needed"
    );
}

#[test]
fn a_missing_branch_is_fetched_into_its_own_ref() {
    let (world, fork) = forked(3);
    let main = world.id("r", "main");
    for (name, options) in [("c", ""), ("d", "--depth 1")] {
        world.clone(
            format!("{options} --single-branch --branch topic").trim_start(),
            name,
        );
        world.git(name, "remote set-head origin -d");
        let repo = world.repo(name);
        let (found_base, told) = base(&repo, merge_base("origin/main"), Fetch::Allowed);
        assert_eq!(found(found_base).0, [fork], "{told:?}");
        assert_eq!(world.id(name, "origin/main"), main);
    }
}

#[test]
fn a_default_branch_that_is_not_here_is_asked_for() {
    let (world, fork) = forked(2);
    world.git("r", "branch -m main trunk");
    world.clone("--single-branch --branch topic", "c");
    let _ = world.try_git("c", "remote set-head origin -d");
    let repo = world.repo("c");
    let (none, told) = base(&repo, default(), Fetch::Forbidden);
    assert!(reason(none).contains("default branch is not known"));
    assert!(told.is_empty());
    let (found_base, _) = base(&repo, default(), Fetch::Allowed);
    assert_eq!(
        found(found_base),
        (vec![fork], "merge-base with origin/trunk".into())
    );
}

#[test]
fn tags_and_full_names_are_fetched() {
    let (world, _) = forked(2);
    let main = world.id("r", "main");
    world.git("r", "tag -a v1 -m v1 main");
    world.git("r", &format!("update-ref refs/pull/7/head {main}"));
    for name in ["v1", "refs/tags/v1", "refs/pull/7/head", "refs/heads/main"] {
        let into = format!("c-{}", name.replace('/', "-"));
        world.clone("--depth 1 --single-branch --no-tags --branch topic", &into);
        let (found_base, _) = base(&world.repo(&into), exact(name), Fetch::Allowed);
        assert_eq!(found(found_base).0, [main], "{name}");
    }
}

#[test]
fn a_commit_that_was_pushed_away_is_named() {
    let (world, _) = forked(2);
    world.clone("", "c");
    let absent = "1234567890123456789012345678901234567890";
    let (none, _) = base(&world.repo("c"), exact(absent), Fetch::Allowed);
    assert_eq!(
        reason(none),
        "origin has no commit 1234567890; it may have been force-pushed away"
    );
    let (none, _) = base(&world.repo("c"), exact(absent), Fetch::Forbidden);
    assert!(reason(none).contains("forbidden by --no-fetch"));
    let (none, _) = base(&world.repo("c"), merge_base("nowhere"), Fetch::Allowed);
    assert_eq!(reason(none), "origin has no branch or tag `nowhere`");
    let (none, _) = base(&world.repo("c"), exact("1234567"), Fetch::Allowed);
    assert!(reason(none).ends_with("only by its full id"));
}

#[test]
fn a_remote_that_is_gone_is_a_reason() {
    let (world, _) = forked(2);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    crate::world::shell(&world, ".", "mv r gone");
    let repo = world.repo("c");
    for rule in [exact(&"1".repeat(40)), merge_base("nowhere"), default()] {
        let (none, _) = base(&repo, rule, Fetch::Allowed);
        let reason = reason(none);
        assert!(reason.contains("from origin"), "{reason}");
    }
    world.git(".", "init -q -b main alone");
    world.commit("alone", "a", "1");
    let (none, _) = base(&world.repo("alone"), merge_base("nowhere"), Fetch::Allowed);
    assert!(reason(none).contains("no remote is configured"));
}

/// Makes the remote of `c` one that never answers. Gives the file that will hold the process id of its connection.
fn hang(world: &World) -> std::path::PathBuf {
    let pid = world.path("pid");
    let script = format!("#!/bin/sh\necho $$ > {}\nexec sleep 600\n", pid.display());
    world.write("ssh", &script);
    crate::world::shell(world, ".", "chmod +x ssh");
    world.git("c", "remote set-url origin ssh://host.test/r");
    let ssh = world.path("ssh");
    world.git("c", &format!("config core.sshCommand {}", ssh.display()));
    pid
}

fn is_ended(pid: &std::path::Path) {
    let pid = std::fs::read_to_string(pid).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_running(pid.trim()) {
        assert!(Instant::now() < deadline, "{pid} is left over");
        std::thread::yield_now();
    }
}

#[test]
fn a_remote_that_hangs_is_ended_with_all_it_started() {
    let (world, _) = forked(1);
    world.clone("", "c");
    let pid = hang(&world);
    let mut repo = world.repo("c");
    repo.git_mut().set_patience(Duration::from_millis(500));
    let (none, _) = base(&repo, exact(&"1".repeat(40)), Fetch::Allowed);
    assert!(reason(none).contains("did not answer"));
    is_ended(&pid);
}

/// Git holds the list of shallow commits locked while it waits for what it fetches.
#[test]
fn a_remote_that_hangs_while_it_sends_leaves_no_lock() {
    let (world, fork) = forked(3);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    let (pid, pack, ssh) = (world.path("pid"), world.path("pack"), world.path("ssh"));
    let held = world.path("held");
    let lock = world.path("c/.git/shallow.lock");
    // The server comes here while the one who asked may still be reading what comes before the pack.
    let script = format!(
        "#!/bin/sh\necho $$ > {}\ntries=0\nwhile [ $tries -lt 80 ] && ! [ -e {lock} ]\ndo sleep 0.05; tries=$((tries + 1))\n\
         done\ntest -e {lock} && touch {}\nexec sleep 600\n",
        pid.display(),
        held.display(),
        lock = lock.display(),
    );
    world.write("pack", &script);
    let script = format!(
        "#!/bin/sh\nexec git -c uploadpack.packObjectsHook={} upload-pack {}\n",
        pack.display(),
        world.path("r").display()
    );
    world.write("ssh", &script);
    crate::world::shell(&world, ".", "chmod +x ssh pack");
    world.git("c", "remote set-url origin ssh://host.test/r");
    world.git("c", &format!("config core.sshCommand {}", ssh.display()));
    let mut repo = world.repo("c");
    repo.git_mut().set_patience(Duration::from_secs(6));
    let (none, _) = base(&repo, default(), Fetch::Allowed);
    assert!(reason(none).contains("did not answer"));
    assert!(crate::world::exists(&held), "git held no lock");
    assert!(!crate::world::exists(&lock), "a lock is left over");
    is_ended(&pid);
    let url = world.url("r");
    world.git("c", &format!("remote set-url origin {url}"));
    let (found_base, _) = base(&world.repo("c"), default(), Fetch::Allowed);
    assert_eq!(found(found_base).0, [fork]);
}

#[test]
fn objects_that_a_hanging_remote_does_not_give_are_an_error() {
    let (world, fork) = forked(1);
    world.clone("--no-checkout --filter=tree:0", "c");
    let pid = hang(&world);
    let mut repo = world.repo("c");
    repo.git_mut().set_patience(Duration::from_millis(200));
    let head = svc::model::change::Head::Commit(repo.head_commit().unwrap());
    let fault = repo.snapshot(head).changed_since(Some(fork));
    assert!(fault.unwrap_err().to_string().contains("did not answer"));
    is_ended(&pid);
}

#[test]
fn a_missing_program_is_named() {
    let (world, _) = forked(1);
    let mut env = world.env("r");
    env.variables.insert("PATH".into(), "/nowhere".into());
    let repo = Repo::discover(&env).unwrap().unwrap();
    let request = svc::git::BaseRequest {
        rule: merge_base("topic"),
        head: svc::model::change::Head::Commit(repo.head_commit().unwrap()),
        fetch: Fetch::Allowed,
    };
    let fault = svc::git::find_base(&repo, &request, &mut |_| ()).unwrap_err();
    assert!(fault.to_string().contains("is it installed?"), "{fault}");
}

/// Whether the process exists and is no zombie that only waits to be collected.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn several_at_once_do_not_hinder_each_other() {
    let (world, fork) = forked(3);
    world.clone("--depth 1 --no-single-branch --branch topic", "c");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (found_base, _) = base(&world.repo("c"), default(), Fetch::Allowed);
                assert_eq!(found(found_base).0, [fork]);
            });
        }
    });
}
