//! `svc` is killed at any moment: the next run is right, and leaves what a clean build leaves.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::chance::{Chance, rounds};
use crate::shop::{STATES, Shop};
use crate::support::Svc;
use crate::tree::Tree;

/// How long runs take that nobody disturbs.
struct Lengths {
    cold: Duration,
    restoring: Duration,
}

#[test]
fn killed_at_any_moment_the_next_run_is_right() {
    let mut chance = Chance::new("killed at any moment");
    let shop = Shop::new();
    let root = shop.repo.root();
    let lengths = measure(&shop, root);
    let (mut state, mut in_restores) = (0, 0);
    for round in 0..rounds(10) {
        let is_cold = chance.once_in(4);
        if is_cold {
            let _ = std::fs::remove_dir_all(shop.store());
        }
        if !chance.once_in(4) {
            state = 1 - state;
            shop.turn(root, state);
        }
        shop.lose_outputs(root, &mut chance);
        let length = if is_cold {
            lengths.cold
        } else {
            lengths.restoring
        };
        for _ in 0..=chance.below(2) {
            kill(&shop, shop.build(root, &[]), chance.time(length));
        }
        if chance.once_in(4) {
            state = 1 - state;
            shop.turn(root, state);
        }
        let when = format!("round {round}");
        in_restores += usize::from(expect_right(&shop, root, state, &when));
    }
    eprintln!("{in_restores} rounds were killed in the midst of a restore");
}

#[test]
fn killed_while_it_makes_room_nothing_is_wrong() {
    let mut chance = Chance::new("killed while it makes room");
    let shop = Shop::new();
    let root = shop.repo.root();
    shop.turn(root, 0);
    shop.build(root, &[]).stdout();
    let length = lasting(|| drop(shop.repo.svc(&["cache", "prune", "--limit", "1B"]).run()));
    for round in 0..rounds(10) {
        let state = chance.below(STATES.len());
        shop.turn(root, state);
        shop.build(root, &[]).stdout();
        shop.lose_outputs(root, &mut chance);
        let prune = [
            "cache",
            "prune",
            "--limit",
            *chance.one_of(&["1B", "1MiB", "3MiB"]),
        ];
        let removing = match chance.once_in(2) {
            true => shop.repo.svc(&["cache", "clear"]),
            false => shop.repo.svc(&prune),
        };
        let moment = chance.time(length * 3 / 2);
        match chance.once_in(2) {
            true => kill(&shop, removing, moment),
            false => {
                // Beside one that restores, which is killed as well, or not.
                let mut build = start(shop.build(root, &[]));
                let mut removing = start(removing);
                sleep(moment);
                removing.kill().unwrap();
                removing.wait().unwrap();
                if chance.once_in(2) {
                    build.kill().unwrap();
                    build.wait().unwrap();
                    shop.end_children();
                }
                build.wait().unwrap();
            }
        }
        expect_right(&shop, root, state, &format!("round {round}"));
    }
}

/// Says whether the kill came in the midst of a restore. The next run passes, leaves what a clean build leaves, speaks of no damage, and the one after it does nothing.
fn expect_right(shop: &Shop, root: &Path, state: usize, when: &str) -> bool {
    let said = shop.build(root, &["-v"]).run();
    let when = format!("{when}, state {}\n{}", STATES[state], said.all());
    assert_eq!(said.code(), 0, "{when}");
    assert!(!said.all().contains("damaged"), "{when}");
    Tree::of(root).expect(shop.clean(state), &when);
    let again = shop.build(root, &[]).json();
    assert_eq!(again["summary"]["cached"], 4, "{when}: {again:#}");
    Tree::of(root).expect(shop.clean(state), &when);
    said.all().contains("an earlier svc was killed")
}

fn kill(shop: &Shop, svc: Svc, after: Duration) {
    let mut child = start(svc);
    sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    shop.end_children();
}

fn start(svc: Svc) -> Child {
    let mut command = svc.command();
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn measure(shop: &Shop, root: &Path) -> Lengths {
    shop.turn(root, 0);
    let cold = lasting(|| drop(shop.build(root, &[]).stdout()));
    shop.turn(root, 1);
    shop.build(root, &[]).stdout();
    shop.turn(root, 0);
    let restoring = lasting(|| drop(shop.build(root, &[]).stdout()));
    eprintln!("cold {cold:?}, restoring {restoring:?}");
    Lengths { cold, restoring }
}

fn lasting(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}
