//! Reading and moving refs of remotes, together with others who do so.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use svc::git::RemoteRefs;
use svc::model::change::ObjectId;
use svc::model::refs::{Edit, Growth, Refs, RefsError};

use crate::world::{World, shell};
use crate::{
    Daemon, LEDGER, LOCK, append, both, clone_of, edit, file_url, moved, open, refs, remote, there,
};

const LIMIT: usize = 10_000;

fn read(refs: &RemoteRefs, path: &str) -> Option<String> {
    let tip = refs.tip(LEDGER).unwrap().unwrap();
    let content = refs.read(tip, path, LIMIT).unwrap();
    content.map(|it| String::from_utf8(it).unwrap())
}

/// Everything that two clones do with each other.
fn story(world: &World, url: &str) {
    let a = clone_of(world, url, "", "a");
    let b = clone_of(world, url, "", "b");
    a.refresh(&both(), None).unwrap();
    assert_eq!(a.tip(LEDGER).unwrap(), None);
    append(&a, "services/api.json", "1").unwrap();
    let lost = append(&b, "services/api.json", "2").unwrap_err();
    assert!(matches!(&lost, RefsError::Lost(_)), "{lost:?}");
    b.refresh(&both(), None).unwrap();
    assert_eq!(read(&b, "services/api.json").as_deref(), Some("1"));
    let second = append(&b, "services/web.json", "2").unwrap();
    assert_eq!(read(&b, "services/api.json").as_deref(), Some("1"));
    let lost = append(&a, "services/api.json", "3").unwrap_err();
    assert!(matches!(&lost, RefsError::Lost(_)), "{lost:?}");
    a.refresh(&both(), None).unwrap();
    assert_eq!(a.tip(LEDGER).unwrap(), Some(second));
    assert_eq!(a.log(second).unwrap().len(), 2);
    let all = a.read_all(second, "services", LIMIT).unwrap();
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["api.json", "web.json"]);
    stolen_lock(world, &a, &b);
}

/// The holder of a lock whom somebody else has taken it from.
fn stolen_lock(world: &World, a: &RemoteRefs, b: &RemoteRefs) {
    let held = a.commit(None, &[edit("holder", "a")], "take").unwrap();
    a.push(&[moved(LOCK, None, Some(held))]).unwrap();
    b.refresh(&both(), None).unwrap();
    let taken = b.commit(None, &[edit("holder", "b")], "steal").unwrap();
    b.push(&[moved(LOCK, Some(held), Some(taken))]).unwrap();
    let before = there(world, LEDGER);
    let from = a.tip(LEDGER).unwrap();
    let entry = a.commit(from, &[edit("x", "late")], "late").unwrap();
    let beat = a.commit(None, &[edit("holder", "a2")], "beat").unwrap();
    let both_moves = [
        moved(LEDGER, from, Some(entry)),
        moved(LOCK, Some(held), Some(beat)),
    ];
    let lost = a.push(&both_moves).unwrap_err();
    assert!(matches!(&lost, RefsError::Lost(_)), "{lost:?}");
    assert_eq!(there(world, LEDGER), before);
    assert_eq!(there(world, LOCK), taken.to_string());
    b.push(&[moved(LOCK, Some(taken), None)]).unwrap();
    assert_eq!(there(world, LOCK), "");
    assert_eq!(b.tip(LOCK).unwrap(), None);
    assert_eq!(a.tip(LOCK).unwrap(), Some(held));
    a.refresh(&both(), None).unwrap();
    assert_eq!(a.tip(LOCK).unwrap(), None);
}

#[test]
fn two_clones_share_refs_over_a_url() {
    let world = remote("");
    story(&world, &file_url(&world));
}

#[test]
fn two_clones_share_refs_over_a_path() {
    let world = remote("");
    story(&world, &world.path("remote.git").display().to_string());
}

#[test]
fn two_clones_share_refs_through_a_server() {
    let world = remote("");
    if let Some(daemon) = Daemon::start(&world) {
        story(&world, &daemon.url());
    }
}

#[test]
fn two_clones_share_refs_with_sha256() {
    let world = remote("--object-format=sha256");
    story(&world, &file_url(&world));
    assert_eq!(there(&world, LEDGER).len(), 64);
}

#[test]
fn two_clones_share_refs_of_reftable_repositories() {
    let world = remote("");
    if !world
        .try_git(".", "init -q --bare --ref-format=reftable t.git")
        .status
        .success()
    {
        let _ = writeln!(std::io::stderr(), "SKIPPED: this git knows no reftable");
        return;
    }
    std::fs::remove_dir_all(world.path("remote.git")).unwrap();
    std::fs::rename(world.path("t.git"), world.path("remote.git")).unwrap();
    let url = file_url(&world);
    world.git("r", &format!("push -q {url} main"));
    for clone in ["a", "b"] {
        world.git(
            ".",
            &format!("clone -q --ref-format=reftable {url} seed-{clone}"),
        );
        let _ = refs(&world, &format!("seed-{clone}"));
    }
    let a = refs(&world, "seed-a");
    let b = refs(&world, "seed-b");
    append(&a, "x", "1").unwrap();
    assert!(matches!(append(&b, "x", "2"), Err(RefsError::Lost(_))));
    b.refresh(&both(), None).unwrap();
    append(&b, "x", "2").unwrap();
    a.refresh(&both(), None).unwrap();
    assert_eq!(read(&a, "x").as_deref(), Some("2"));
    stolen_lock(&world, &a, &b);
}

#[test]
fn a_ref_that_was_never_sent_is_refused_as_it_protects_nothing() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let tip = append(&a, "x", "1").unwrap();
    let error = a.push(&[moved(LEDGER, Some(tip), Some(tip))]).unwrap_err();
    assert!(error.to_string().contains("protects nothing"), "{error}");
}

#[test]
fn edits_keep_the_rest_and_empty_directories_vanish() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let first = [edit("a/b/c", "1"), edit("a/d", "2"), edit("e", "3")];
    let one = a.commit(None, &first, "first").unwrap();
    let gone = |path: &str| Edit {
        path: path.to_owned(),
        content: None,
    };
    let two = a.commit(
        Some(one),
        &[gone("a/b/c"), gone("nothing"), edit("e", "4")],
        "second",
    );
    let tree = world.git("a", &format!("ls-tree -r -t --name-only {}", two.unwrap()));
    assert_eq!(tree, "a\na/d\ne");
    for path in ["../x", ".git/config", "/x", ""] {
        let bad = a.commit(None, &[edit(path, "x")], "bad");
        assert!(
            matches!(&bad, Err(RefsError::Repository(_))),
            "{path}: {bad:?}"
        );
    }
}

#[test]
fn only_plain_files_are_read_and_none_that_is_too_large() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    shell(
        &world,
        "a",
        "mkdir -p s/deep; ln -s /etc/passwd s/link; echo x > s/deep/f; echo y > s/plain
         head -c 20000 /dev/zero > s/large; git add -A
         git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),s/module
         git commit -qm odd",
    );
    let commit = world.id("a", "HEAD");
    let error = a.read_all(commit, "s", LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("`s/deep` is no plain file"),
        "{error}"
    );
    let error = a.read(commit, "s/large", LIMIT).unwrap_err();
    assert!(error.to_string().contains("20000"), "{error}");
    let module = "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),s/module";
    for odd in ["git add s/link", "git add s/deep", module] {
        let only = format!("git rm -rq --cached s; git add s/plain; {odd}; git commit -qm odd");
        shell(&world, "a", &only);
        let all = a.read_all(world.id("a", "HEAD"), "s", LIMIT);
        assert!(matches!(all, Err(RefsError::Odd(_))), "{odd}: {all:?}");
    }
    shell(
        &world,
        "a",
        "git rm -rq --cached s; git add s/plain s/large; git commit -qm fine",
    );
    let fine = world.id("a", "HEAD");
    let error = a.read_all(fine, "s", LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("`large` has 20000 bytes"),
        "{error}"
    );
    let names = a.read_all(fine, "s", 30_000).unwrap();
    let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["large", "plain"]);
    for path in [
        "s/link",
        "s/module",
        "s/deep",
        "s",
        "nothing",
        "s/plain/",
        "nothing/x",
    ] {
        assert_eq!(a.read(commit, path, LIMIT).unwrap(), None, "{path}");
    }
    assert_eq!(a.read_all(commit, "nothing", LIMIT).unwrap(), []);
    assert_eq!(a.read_all(commit, "s/plain", LIMIT).unwrap(), []);
    assert_eq!(a.read_all(commit, "", LIMIT).unwrap()[0].0, "file");
}

#[test]
fn a_directory_of_very_many_files_is_an_error() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    shell(
        &world,
        "a",
        "blob=$(echo x | git hash-object -w --stdin)
         seq 100001 | sed \"s/^/100644 blob $blob\t/\" | git mktree > tree
         git commit-tree -m many $(cat tree) > commit",
    );
    let commit = std::fs::read_to_string(world.path("a/commit")).unwrap();
    let commit = ObjectId::from_hex(commit.trim()).unwrap();
    let error = a.read_all(commit, "", LIMIT).unwrap_err();
    assert!(
        error.to_string().contains("more than 100000 files"),
        "{error}"
    );
}

#[test]
fn commits_need_no_name_no_key_and_no_hook() {
    let world = remote("");
    clone_of(&world, &file_url(&world), "", "a");
    shell(
        &world,
        "a",
        "git config commit.gpgsign true; git config gpg.program false; git config push.gpgSign true
         mkdir hooks; git config core.hooksPath \"$PWD/hooks\"
         for it in pre-push reference-transaction post-commit; do
             printf '#!/bin/sh\ntouch \"%s/ran\"; exit 1\n' \"$PWD\" > hooks/$it; chmod +x hooks/$it
         done",
    );
    let mut env = world.env("a");
    for name in ["NAME", "EMAIL", "DATE"] {
        env.variables
            .remove(std::ffi::OsStr::new(&format!("GIT_COMMITTER_{name}")));
    }
    // What a hook during a rebase would see.
    env.variables
        .insert("GIT_AUTHOR_NAME".into(), "Somebody Else".into());
    env.variables
        .insert("GIT_INDEX_FILE".into(), ".git/next-index".into());
    env.variables.insert("GIT_DIR".into(), ".git".into());
    let repo = svc::git::Repo::discover(&env).unwrap().unwrap();
    let a = RemoteRefs::new(&repo, "origin");
    let tip = append(&a, "x", "1").unwrap();
    a.refresh(&both(), None).unwrap();
    let who = world.git("a", &format!("log -1 --format=%an:%ae:%cn:%ce:%G? {tip}"));
    assert_eq!(who, "svc:svc@localhost:svc:svc@localhost:N");
    assert!(!world.path("a/ran").exists(), "a hook ran");
    assert!(!world.path("a/.git/next-index").exists());
    world.git("a", "config user.name Me");
    world.git("a", "config user.email me@example.test");
    let a = RemoteRefs::new(&repo, "origin");
    let tip = append(&a, "x", "2").unwrap();
    let who = world.git("a", &format!("log -1 --format=%an:%ae {tip}"));
    assert_eq!(who, "Me:me@example.test");
}

#[test]
fn bare_mirrored_and_linked_clones_take_part() {
    let world = remote("");
    let url = file_url(&world);
    let bare = clone_of(&world, &url, "--bare", "bare");
    append(&bare, "x", "1").unwrap();
    let mirror = clone_of(&world, &url, "--mirror", "mirror");
    mirror.refresh(&both(), None).unwrap();
    append(&mirror, "x", "2").unwrap();
    clone_of(&world, &url, "", "a");
    world.git("a", "worktree add -q ../linked");
    let linked = refs(&world, "linked");
    linked.refresh(&both(), None).unwrap();
    append(&linked, "x", "3").unwrap();
    bare.refresh(&both(), None).unwrap();
    assert_eq!(read(&bare, "x").as_deref(), Some("3"));
}

fn refused(error: RefsError, words: &str) {
    match error {
        RefsError::Refused { words: said, .. } if said.contains(words) => {
            assert!(!said.chars().any(char::is_control), "{said:?}");
        }
        other => panic!("{other:?} does not hold {words:?}"),
    }
}

#[test]
fn a_remote_that_refuses_is_quoted() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    world.git("remote.git", "config receive.hideRefs refs/svc");
    refused(append(&a, "x", "1").unwrap_err(), "hidden ref");
    world.git("remote.git", "config --unset receive.hideRefs");
    world.git("remote.git", "config receive.advertiseAtomic false");
    refused(append(&a, "x", "1").unwrap_err(), "several refs at once");
    world.git("remote.git", "config --unset receive.advertiseAtomic");
    let hook =
        "printf '#!/bin/sh\nprintf \"no \\033[31mdeploys\\r today\\n\"; exit 1' > hooks/pre-receive
                chmod +x hooks/pre-receive";
    shell(&world, "remote.git", hook);
    refused(append(&a, "x", "1").unwrap_err(), "deploys; today");
    assert_eq!(there(&world, LEDGER), "");
}

#[test]
fn a_server_without_permission_to_write_is_quoted() {
    let world = remote("");
    let Some(daemon) = Daemon::start(&world) else {
        return;
    };
    let a = clone_of(&world, &daemon.url(), "", "a");
    world.git("remote.git", "config daemon.receivepack false");
    refused(append(&a, "x", "1").unwrap_err(), "service not enabled");
    world.git("a", &format!("remote set-url origin {}-gone", daemon.url()));
    refused(a.refresh(&both(), None).unwrap_err(), "no such repository");
}

#[test]
fn rules_of_the_remote_for_branches_are_no_lost_race() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let name = "refs/heads/svc/lock";
    let one = a.commit(None, &[edit("x", "1")], "one").unwrap();
    let two = a.commit(None, &[edit("x", "2")], "two").unwrap();
    a.push(&[moved(name, None, Some(one))]).unwrap();
    world.git("remote.git", "config receive.denyNonFastForwards true");
    world.git("remote.git", "config receive.denyDeletes true");
    refused(
        a.push(&[moved(name, Some(one), Some(two))]).unwrap_err(),
        "fast-forward",
    );
    refused(
        a.push(&[moved(name, Some(one), None)]).unwrap_err(),
        "delet",
    );
    assert_eq!(there(&world, name), one.to_string());
    assert_eq!(a.tip(name).unwrap(), Some(one));
}

#[test]
fn a_remote_that_is_not_there_is_unreachable() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [format!("git://{free}/x"), world.url("nothing")] {
        world.git("a", &format!("remote set-url origin {url}"));
        let error = a.refresh(&both(), None).unwrap_err();
        assert!(matches!(&error, RefsError::Unreachable { .. }), "{error:?}");
        let error = append(&a, "x", "1").unwrap_err();
        assert!(matches!(&error, RefsError::Unreachable { .. }), "{error:?}");
    }
}

#[test]
fn a_remote_that_never_answers_is_given_up_in_time() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    world.git("a", &format!("remote set-url origin git://{address}/x"));
    let start = Instant::now();
    let error = a
        .refresh(&both(), Some(Duration::from_millis(300)))
        .unwrap_err();
    assert!(matches!(&error, RefsError::Unreachable { .. }), "{error:?}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn an_answer_that_did_not_come_is_looked_for() {
    let world = remote("");
    clone_of(&world, &file_url(&world), "", "a");
    // It dies before it takes the push; or takes it and dies before it says so.
    world.write("deaf", "#!/bin/sh\ngit-receive-pack \"$@\" < /dev/null\n");
    world.write(
        "remote.git/hooks/reference-transaction",
        "#!/bin/sh\n[ \"$1\" != committed ] || kill -9 $PPID\n",
    );
    shell(
        &world,
        ".",
        "chmod +x deaf remote.git/hooks/reference-transaction",
    );
    let deaf = format!(
        "config remote.origin.receivepack {}",
        world.path("deaf").display()
    );
    let a = refs(&world, "a");
    world.git("a", &deaf);
    let error = append(&a, "x", "1").unwrap_err();
    assert!(matches!(&error, RefsError::Unreachable { .. }), "{error:?}");
    assert_eq!(there(&world, LEDGER), "");
    world.git("a", "config --unset remote.origin.receivepack");
    let taken = append(&a, "x", "1").unwrap();
    assert_eq!(there(&world, LEDGER), taken.to_string());
    assert_eq!(a.tip(LEDGER).unwrap(), Some(taken));
    world.git("a", "config remote.origin.uploadpack false");
    world.git("a", &deaf);
    let error = append(&a, "x", "2").unwrap_err();
    assert!(matches!(&error, RefsError::Unsure { .. }), "{error:?}");
}

#[test]
fn a_rewritten_or_deleted_ledger_is_noticed() {
    for options in ["", "--depth=1"] {
        let world = remote("");
        let a = clone_of(&world, &file_url(&world), "", "writer");
        append(&a, "x", "0").unwrap();
        let b = clone_of(&world, &file_url(&world), options, "b");
        b.refresh(&both(), None).unwrap();
        let before = append(&a, "x", "1").unwrap();
        b.refresh(&both(), None).unwrap();
        assert_eq!(b.tip(LEDGER).unwrap(), Some(before));
        let now = a.commit(None, &[edit("x", "2")], "rewritten").unwrap();
        a.push(&[moved(LEDGER, Some(before), Some(now))]).unwrap();
        let error = b.refresh(&both(), None).unwrap_err();
        let (name, remote) = (LEDGER.to_owned(), "origin".to_owned());
        let expected = RefsError::Rewritten {
            name,
            remote,
            before,
            now,
        };
        assert_eq!(error, expected);
        assert_eq!(b.tip(LEDGER).unwrap(), Some(before));
        a.push(&[moved(LEDGER, Some(now), None)]).unwrap();
        let error = b.refresh(&both(), None).unwrap_err();
        assert!(matches!(&error, RefsError::Vanished { .. }), "{error:?}");
        assert_eq!(b.tip(LEDGER).unwrap(), Some(before));
    }
}

#[test]
fn a_shallow_clone_stays_so_and_fetches_history_when_asked() {
    let world = remote("");
    world.commit("r", "file", "2");
    world.git("r", "push -q ../remote.git main");
    let a = clone_of(&world, &file_url(&world), "", "a");
    for step in 0..5 {
        append(&a, "x", &step.to_string()).unwrap();
    }
    let b = clone_of(&world, &file_url(&world), "--depth=1", "b");
    b.refresh(&both(), None).unwrap();
    append(&b, "x", "5").unwrap();
    a.refresh(&both(), None).unwrap();
    assert!(!open(&world, "a").is_shallow());
    let tip = append(&a, "x", "6").unwrap();
    b.refresh(&both(), None).unwrap();
    assert_eq!(world.git("b", &format!("rev-list --count {LEDGER}")), "3");
    assert_eq!(b.log(tip).unwrap().len(), 7);
    assert_eq!(world.git("b", "rev-list --count main"), "1");
    // Somebody cuts the history again.
    append(&a, "x", "7").unwrap();
    append(&a, "x", "8").unwrap();
    world.git("b", &format!("fetch -q --depth=1 origin {LEDGER}"));
    b.refresh(&both(), None).unwrap();
    assert_eq!(b.log(b.tip(LEDGER).unwrap().unwrap()).unwrap().len(), 9);
}

#[test]
fn a_clone_without_files_has_those_of_the_ledger() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let world = remote("");
        let a = clone_of(&world, &file_url(&world), "", "a");
        let many: Vec<_> = (0..20)
            .map(|n| edit(&format!("s/{n}"), &n.to_string()))
            .collect();
        let one = a.commit(None, &many, "many").unwrap();
        a.push(&[moved(LEDGER, None, Some(one))]).unwrap();
        let b = clone_of(&world, &file_url(&world), filter, "b");
        // By the user's own hand, without the files.
        world.git("b", &format!("fetch -q origin {LEDGER}"));
        assert_eq!(b.read_all(one, "s", LIMIT).unwrap().len(), 20);
        append(&a, "s/1", "new").unwrap();
        b.refresh(&both(), None).unwrap();
        let tip = b.tip(LEDGER).unwrap().unwrap();
        world.git("b", "remote set-url origin /nowhere");
        assert_eq!(read(&b, "s/1").as_deref(), Some("new"));
        assert_eq!(b.read_all(tip, "s", LIMIT).unwrap().len(), 20);
        assert!(b.commit(Some(tip), &[edit("t", "x")], "next").is_ok());
    }
}

#[test]
fn nothing_is_lost_however_many_write_at_once() {
    let world = remote("");
    let url = file_url(&world);
    // Two share each clone, so that they also meet there.
    for clone in ["a", "b", "c"] {
        clone_of(&world, &url, "", clone);
    }
    let world = &world;
    let rounds: usize = std::env::var("SVC_TEST_ROUNDS").map_or(3, |it| it.parse().unwrap());
    let write = |writer: usize| {
        let refs = refs(world, ["a", "b", "c"][writer % 3]);
        for round in 0..rounds {
            let until = Instant::now() + Duration::from_secs(60);
            loop {
                refs.refresh(&both(), None).unwrap();
                match append(&refs, &format!("{writer}-{round}"), "x") {
                    Ok(_) => break,
                    Err(RefsError::Lost(_)) if Instant::now() < until => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for writer in 0..6 {
            scope.spawn(move || write(writer));
        }
    });
    let count = world.git("remote.git", &format!("rev-list --count {LEDGER}"));
    assert_eq!(count, (6 * rounds).to_string());
    let files = world.git("remote.git", &format!("ls-tree --name-only {LEDGER}"));
    assert_eq!(files.lines().count(), 6 * rounds);
}

#[test]
fn names_that_begin_alike_do_not_disturb_each_other() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let b = clone_of(&world, &file_url(&world), "", "b");
    let longer = "refs/svc/ledger/production-eu";
    let one = a.commit(None, &[edit("x", "1")], "one").unwrap();
    let two = a.commit(None, &[edit("x", "2")], "two").unwrap();
    a.push(&[
        moved(LEDGER, None, Some(one)),
        moved(longer, None, Some(one)),
    ])
    .unwrap();
    b.refresh(&both(), None).unwrap();
    // The other one is rewritten, which is nothing to us.
    a.push(&[moved(longer, Some(one), Some(two))]).unwrap();
    b.refresh(&both(), None).unwrap();
    assert_eq!(b.tip(LEDGER).unwrap(), Some(one));
    let names = [(longer.to_owned(), Growth::Forward)];
    assert!(matches!(
        b.refresh(&names, None),
        Err(RefsError::Rewritten { .. })
    ));
}

#[test]
#[ignore = "measures"]
fn how_long_it_takes_to_read_a_thousand_files() {
    let world = remote("");
    let a = clone_of(&world, &file_url(&world), "", "a");
    let content = "x".repeat(400);
    let many: Vec<_> = (0..1000)
        .map(|n| edit(&format!("s/{n}"), &format!("{content}{n}")))
        .collect();
    let start = Instant::now();
    let one = a.commit(None, &many, "many").unwrap();
    let wrote = start.elapsed();
    a.push(&[moved(LEDGER, None, Some(one))]).unwrap();
    for kind in ["loose", "packed"] {
        for _ in 0..3 {
            let start = Instant::now();
            let tip = a.tip(LEDGER).unwrap().unwrap();
            assert_eq!(a.read_all(tip, "s", LIMIT).unwrap().len(), 1000);
            let program = start.elapsed();
            let library = git2::Repository::open(world.path("a")).unwrap();
            let start = Instant::now();
            let commit = library
                .find_reference(LEDGER)
                .unwrap()
                .peel_to_commit()
                .unwrap();
            let tree = commit.tree().unwrap().get_path("s".as_ref()).unwrap();
            let tree = tree.to_object(&library).unwrap().peel_to_tree().unwrap();
            let odb = library.odb().unwrap();
            let total: usize = tree.iter().map(|it| odb.read(it.id()).unwrap().len()).sum();
            let _ = writeln!(
                std::io::stderr(),
                "{kind}: program {program:?}, library {:?} ({total} bytes), write {wrote:?}",
                start.elapsed()
            );
        }
        world.git("a", "gc -q");
    }
    let start = Instant::now();
    a.refresh(&both(), None).unwrap();
    let _ = writeln!(
        std::io::stderr(),
        "refresh of what did not change: {:?}",
        start.elapsed()
    );
    let start = Instant::now();
    append(&a, "s/1", "y").unwrap();
    let _ = writeln!(std::io::stderr(), "append and push: {:?}", start.elapsed());
}
