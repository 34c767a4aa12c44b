//! Many `svc` at once on one store, while others make room in it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::chance::{Chance, rounds};
use crate::shop::Shop;
use crate::support::{Said, Svc, TestRepo};
use crate::tree::Tree;

/// How many runs there are at once, and in how many clones.
const RUNS: usize = 8;
const CLONES: usize = 4;

#[test]
fn many_at_once_in_clones_and_in_one_worktree_are_all_right() {
    let mut chance = Chance::new("many at once");
    let shop = Shop::new();
    let roots: Vec<PathBuf> = (0..CLONES)
        .map(|at| shop.clone(&format!("clone-{at}"), at % 2))
        .collect();
    for round in 0..rounds(3) {
        let states: Vec<usize> = roots.iter().map(|_| chance.below(2)).collect();
        for (root, state) in roots.iter().zip(&states) {
            shop.turn(root, *state);
            shop.lose_outputs(root, &mut chance);
        }
        // The first clone has the most: 5, 1, 1 and 1.
        let places = (0..RUNS).map(|at| at.saturating_sub(RUNS - CLONES));
        let runs: Vec<Svc> = places.map(|at| shop.build(&roots[at], &["-v"])).collect();
        let said = beside_removal(&shop, runs);
        for said in &said {
            assert_eq!(said.code(), 0, "round {round}\n{}", said.all());
            assert!(
                !said.all().contains("damaged"),
                "round {round}\n{}",
                said.all()
            );
        }
        for (root, state) in roots.iter().zip(&states) {
            Tree::of(root).expect(shop.clean(*state), &format!("round {round}, {root:?}"));
        }
        // What is in the store now is right too, wherever it is put.
        for (root, state) in roots.iter().zip(&states) {
            shop.lose_outputs(root, &mut chance);
            let said = shop.build(root, &["-v"]).run();
            assert_eq!(said.code(), 0, "round {round}\n{}", said.all());
            assert!(
                !said.all().contains("damaged"),
                "round {round}\n{}",
                said.all()
            );
            Tree::of(root).expect(
                shop.clean(*state),
                &format!("round {round}, {root:?}, again"),
            );
        }
    }
    let stats = shop.repo.svc(&["cache", "stats"]).json();
    assert_eq!(stats["conflicts"], 0, "{stats:#}");
}

/// Makes all calls at once, and removes results until they are done.
fn beside_removal(shop: &Shop, runs: Vec<Svc>) -> Vec<Said> {
    let is_over = AtomicBool::new(false);
    let removals: [&[&str]; 3] = [
        &["cache", "prune", "--limit", "1MiB"],
        &["cache", "clear"],
        &["cache", "prune", "--limit", "3MiB"],
    ];
    let mut removing = removals.iter().cycle();
    thread::scope(|scope| {
        let runs = runs.into_iter().map(|it| scope.spawn(|| it.run()));
        let runs: Vec<_> = runs.collect();
        let all = scope.spawn(|| {
            let said: Vec<_> = runs
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect();
            is_over.store(true, Ordering::Relaxed);
            said
        });
        while !is_over.load(Ordering::Relaxed) {
            let said = shop.repo.svc(removing.next().unwrap()).run();
            assert_eq!(said.code(), 0, "{}", said.all());
        }
        let said = all.join().unwrap();
        said.into_iter().map(|it| it.unwrap()).collect()
    })
}

/// `app` reads what `lib` left in two steps. In between, the sources of `lib` change and it is built anew by another svc, or its
/// outputs are edited by hand.
#[test]
fn a_task_that_reads_what_changes_meanwhile_leaves_no_result() {
    let files = [
        ("services.toml", READING),
        (".gitignore", "out/\n"),
        ("lib/state", "1"),
        ("app/x", "x"),
    ];
    for by_hand in [false, true] {
        let repo = TestRepo::with_files(&files);
        let (started, go) = (repo.beside("started"), repo.beside("go"));
        let first = spawn(repo.svc(&["build", "--all"]).env("WORLD", repo.beside("")));
        until("the first has begun", || started.exists());
        repo.write("lib/state", "2");
        let mut second = None;
        if by_hand {
            repo.write("lib/out/b", "2");
        } else {
            let mut child = spawn(repo.svc(&["build", "lib"]));
            let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
            // It waits for the first, or it is done.
            let is_seen = said.any(|it| it.unwrap().contains("waits for another svc"));
            second = Some((child, said, is_seen));
        }
        std::fs::write(&go, "").unwrap();
        let first = first.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&first.stderr).into_owned();
        assert!(first.status.success(), "{said}");
        if by_hand {
            let warning = "app:build: not cached: what lib:build left changed while it ran";
            assert!(said.contains(warning), "{said}");
        }
        if let Some((mut child, said, is_seen)) = second {
            said.for_each(drop);
            assert!(child.wait().unwrap().success());
            assert!(is_seen, "the second did not wait for the first");
            assert_eq!(repo.read("app/out/both"), "11");
        }
        for state in ["1", "2"] {
            repo.write("lib/state", state);
            std::fs::remove_dir_all(repo.root().join("app/out")).unwrap();
            repo.svc(&["build", "--all"]).stdout();
            assert_eq!(repo.read("app/out/both"), state.repeat(2));
        }
    }
}

const READING: &str = r#"
version = 1
[workspace]
pass-env = ["WORLD"]
[services.lib]
path = "lib"
[services.lib.build]
run = "mkdir -p out; cat state > out/a; cat state > out/b"
outputs = ["out"]
[services.app]
path = "app"
depends-on = ["lib"]
[services.app.build]
run = """
mkdir -p out; a=$(cat ../lib/out/a)
if [ -n "${WORLD:-}" ]; then touch "$WORLD/started"; while [ ! -e "$WORLD/go" ]; do sleep 0.01; done; fi
printf '%s%s' "$a" "$(cat ../lib/out/b)" > out/both
"""
outputs = ["out"]
"#;

fn spawn(svc: Svc) -> Child {
    let mut command = svc.command();
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}
