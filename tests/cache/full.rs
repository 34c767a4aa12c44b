//! Full disks: a store without room costs the cache and nothing else; a working tree without room keeps what it had.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::shop::Shop;
use crate::tree::Tree;

/// The one warning.
const WARNING: &str = "cannot be cached";

/// `svc build --all` by way of a shell: `before` is done first, `after` follows, in one place.
fn build_in(shop: &Shop, root: &Path, before: &str, after: &str, is_mounting: bool) -> Output {
    let script = format!(
        "set -eu\n{before}\ncode=0; \"$SVC\" build --all --log none -v || code=$?\n{after}\nexit $code"
    );
    let mut command = match is_mounting {
        true => {
            let mut command = shop.repo.command("unshare", root);
            command.args(["--map-root-user", "--mount", "sh", "-c"]);
            command
        }
        false => {
            let mut command = shop.repo.command("sh", root);
            command.arg("-c");
            command
        }
    };
    let command = command.arg(script).env("SVC", env!("CARGO_BIN_EXE_svc"));
    command.env("WORLD", shop.repo.beside("")).output().unwrap()
}

/// Whether a small disk can be had here.
fn can_mount(shop: &Shop) -> bool {
    let mut unshare: Command = shop.repo.command("unshare", Path::new("/"));
    let script = "mount -t tmpfs -o size=1m tmpfs /mnt";
    unshare.args(["--map-root-user", "--mount", "sh", "-c", script]);
    let is_possible = unshare.output().is_ok_and(|it| it.status.success());
    if !is_possible {
        eprintln!("skipped: a small disk cannot be mounted here");
    }
    is_possible
}

fn said(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    let text = |it| String::from_utf8_lossy(it).into_owned();
    format!("{}\n{}{}", output.status, text(stdout), text(stderr))
}

/// The run passed with one warning, and the next one finds nothing half in the store.
fn expect_no_harm(shop: &Shop, root: &Path, output: &Output) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches(WARNING).count(), 1, "{said}");
    Tree::of(root).expect(shop.clean(0), &said);
    let clone = shop.clone("after-it", 0);
    let next = shop.build(&clone, &["-v"]).run();
    assert_eq!(next.code(), 0, "{}", next.all());
    assert!(!next.all().contains("damaged"), "{}", next.all());
    Tree::of(&clone).expect(shop.clean(0), &next.all());
    // What was too large is not there; what was small is.
    let stats = shop.repo.svc(&["cache"]).json();
    assert_eq!(stats["results"], 4, "{stats:#}");
}

#[test]
fn a_store_on_a_full_disk_costs_one_warning() {
    let shop = Shop::new();
    if !can_mount(&shop) {
        return;
    }
    let root = shop.clone("work", 0);
    let store = shop.store();
    std::fs::create_dir_all(&store).unwrap();
    let store = store.display();
    let before = format!("mount -t tmpfs -o size=1m tmpfs '{store}'");
    let after = format!("cp -r '{store}' \"$WORLD/kept\"");
    let output = build_in(&shop, &root, &before, &after, true);
    let kept = shop.repo.beside("kept");
    let left = std::fs::read_dir(kept.join("v1/temporary")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{}", said(&output));
    std::fs::remove_dir(shop.store()).unwrap();
    std::fs::rename(kept, shop.store()).unwrap();
    let stats = shop.repo.svc(&["cache"]).json();
    assert_eq!(stats["results"], 3, "{stats:#}");
    expect_no_harm(&shop, &root, &output);
}

#[test]
fn a_limit_for_the_size_of_files_costs_one_warning() {
    let shop = Shop::new();
    let root = shop.clone("work", 0);
    // In blocks of 512 bytes. The tasks lift it for themselves.
    let output = build_in(&shop, &root, "ulimit -S -f 2048", "", false);
    assert_eq!(output.status.signal(), None, "{}", said(&output));
    let stats = shop.repo.svc(&["cache"]).json();
    assert_eq!(stats["results"], 3, "{}\n{stats:#}", said(&output));
    expect_no_harm(&shop, &root, &output);
}

#[test]
fn a_working_tree_without_room_keeps_what_it_had() {
    let shop = Shop::new();
    if !can_mount(&shop) {
        return;
    }
    // The store gets both states.
    let root = shop.repo.root();
    for state in [0, 1] {
        shop.turn(root, state);
        shop.build(root, &[]).stdout();
    }
    // The disk holds one state and not the next one beside it.
    let before = "
        mkdir -p \"$WORLD/disk\"; mount -t tmpfs -o size=24m tmpfs \"$WORLD/disk\"
        cd \"$WORLD/disk\"; git clone --quiet --branch a \"$WORLD/repo\" tree; cd tree
        git fetch --quiet origin
        \"$SVC\" build --all --log none
        git checkout --quiet b
        cp -a . \"$WORLD/earlier\"
        cat /dev/zero > ../filler 2> ../said || :
        truncate --size=-300K ../filler; export DO_NOT_RUN=1";
    let after = "
        cp -a . \"$WORLD/full\"; rm ../filler; unset DO_NOT_RUN
        \"$SVC\" build --all --log none; cp -a . \"$WORLD/later\"";
    let output = build_in(&shop, root, before, after, true);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let tree = |name: &str| Tree::of(&shop.repo.beside(name));
    // Each output as it was, or as it is to be, and nothing besides.
    let (earlier, full) = (tree("earlier"), tree("full"));
    for place in crate::shop::OUTPUTS {
        let now = full.below(place);
        let is_whole = now == earlier.below(place) || now == shop.clean(1).below(place);
        if !is_whole {
            now.expect(&earlier.below(place), &format!("{place}\n{said}"));
        }
    }
    let without = |tree: &Tree| {
        crate::shop::OUTPUTS
            .iter()
            .fold(tree.clone(), |it, place| it.without(place))
    };
    without(&full).expect(&without(&earlier), &said);
    assert!(
        full.below("big/target") == earlier.below("big/target"),
        "{said}"
    );
    tree("later").expect(shop.clean(1), &said);
}
