//! `--isolated`: a checkout of exactly the head, kept between runs.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::support::TestRepo;
use crate::world::{World, until};

const TEST: &[&str] = &["test", "--staged", "--isolated"];

/// `svc`, which goes on while the test does.
fn start(world: &World) -> Child {
    let mut command = world.repo.svc(TEST).command();
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().unwrap()
}

/// Checkouts that are kept, and those that go with their users.
fn checkouts(repo: &TestRepo) -> Vec<PathBuf> {
    let directory = repo.beside("home").join(".cache/svc/isolated");
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|it| it.path()).filter(|it| it.is_dir());
    paths.collect()
}

/// The only one, with the files of the repository in it.
fn checkout(repo: &TestRepo) -> PathBuf {
    let all = checkouts(repo);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].join("repo")
}

#[test]
fn only_files_that_differ_are_written_again_and_ignored_ones_stay() {
    let world = World::new();
    world.stage(".gitignore", "made\n");
    world.stage("a/file", "better\n");
    world.write("a/file", "bad\n");
    world.repo.svc(TEST).stdout();
    let checkout = checkout(&world.repo);
    let inode = |path: &str| checkout.join(path).metadata().unwrap().ino();
    let before = inode("b/file");
    std::fs::write(checkout.join("a/made"), "kept").unwrap();
    std::fs::write(checkout.join("a/left"), "bad").unwrap();
    std::fs::write(checkout.join("b/file"), "bad\n").unwrap();
    std::fs::remove_file(checkout.join("c/file")).unwrap();
    world.stage("a/file", "best\n");
    world.write("a/file", "bad\n");
    world
        .repo
        .svc(&["test", "--staged", "--isolated", "--all", "--force"])
        .stdout();
    assert!(checkout.join("a/made").exists());
    assert!(!checkout.join("a/left").exists());
    assert!(checkout.join("c/file").exists());
    let read = |path: &str| std::fs::read_to_string(checkout.join(path)).unwrap();
    assert_eq!(
        (read("a/file"), read("b/file")),
        ("best\n".into(), "good\n".into())
    );
    let again = inode("b/file");
    world
        .repo
        .svc(&["test", "--staged", "--isolated", "--all", "--force"])
        .stdout();
    assert_eq!(inode("b/file"), again);
    let _ = before;
    // Git knows nothing of it.
    assert_eq!(world.repo.git(&["worktree", "list"]).lines().count(), 1);
    world.repo.svc(&["cache", "clear"]).stdout();
    assert!(checkouts(&world.repo).is_empty());
}

#[test]
fn a_commit_is_judged_by_its_own_files() {
    let world = World::new();
    let bad = {
        world.write("a/file", "bad\n");
        world.repo.commit("bad")
    };
    world.write("a/file", "good\n");
    world.repo.commit("good");
    let said = world
        .repo
        .svc(&[
            "test",
            "a",
            "--head",
            &bad,
            "--base-exact",
            "HEAD~2",
            "--isolated",
        ])
        .run();
    assert_eq!(said.code(), 1, "{}", said.all());
    let said = world.repo.svc(&["test", "a", "--head", "HEAD~1"]).run();
    assert!(
        said.stderr().contains("--isolated runs them on"),
        "{}",
        said.all()
    );
    let said = world.repo.svc(&["test", "--isolated"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(said.stderr().contains("--staged"), "{}", said.all());
}

#[test]
fn outputs_stay_in_the_checkout_and_are_a_hit_in_the_working_tree() {
    let repo = TestRepo::new();
    let count = repo.beside("count");
    repo.write("services.toml", format!("version = 1\n[services.a]\npath = \"a\"\nbuild = {{ run = \"echo x >> '{}'; cp file out\", outputs = [\"out\"] }}\n", count.display()));
    repo.write(".gitignore", "out\n");
    repo.write("a/file", "one\n");
    repo.commit("first");
    repo.write("a/file", "two\n");
    repo.git(&["add", "."]);
    repo.write("a/file", "three\n");
    repo.svc(&["build", "--staged", "--isolated"]).stdout();
    assert!(!repo.root().join("a/out").exists());
    repo.write("a/file", "two\n");
    repo.svc(&["build"]).stdout();
    assert_eq!(repo.read("a/out"), "two\n");
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
}

#[test]
fn what_is_ignored_and_missing_is_named_when_a_task_fails() {
    let world = World::new();
    world.write(
        "services.toml",
        "version = 1\n[services.a]\npath = \"a\"\ntest = \"cat .env\"\n",
    );
    world.write(".gitignore", ".env\nnode_modules/\n");
    world.repo.commit("needs .env");
    world.write("a/.env", "A=1\n");
    world.write("a/node_modules/x/y", "");
    world.write("c/.env", "");
    world.stage("a/file", "staged\n");
    world.write("a/file", "other\n");
    let said = world.repo.svc(TEST).run();
    assert_eq!(said.code(), 1);
    let all = said.all();
    assert!(
        all.contains("without what git ignores here: a/.env, a/node_modules/;"),
        "{all}"
    );
    world.write("a/file", "staged\n");
    assert_eq!(world.repo.svc(TEST).run().code(), 0);
}

#[test]
fn two_at_once_have_a_checkout_each() {
    let world = World::new();
    let gate = world.repo.beside("gate");
    std::fs::create_dir(&gate).unwrap();
    let text = format!(
        "version = 1\n[services.a]\npath = \"a\"\n[services.a.test]\nrun = \"pwd >> '{0}/here'; while [ ! -e '{0}/open' ]; do sleep 0.02; done\"\ncache = false\n",
        gate.display()
    );
    world.write("services.toml", &text);
    world.repo.commit("waits");
    world.stage("a/file", "staged\n");
    world.write("a/file", "other\n");
    let here = || std::fs::read_to_string(gate.join("here")).unwrap_or_default();
    let mut one = start(&world);
    until("the first one runs", || here().lines().count() == 1);
    let mut two = start(&world);
    until("the second one runs", || here().lines().count() == 2);
    assert_eq!(checkouts(&world.repo).len(), 2);
    std::fs::write(gate.join("open"), "").unwrap();
    assert!(one.wait().unwrap().success());
    assert!(two.wait().unwrap().success());
    let here = here();
    let places: Vec<&str> = here.lines().collect();
    assert_ne!(places[0], places[1]);
    assert!(checkout(&world.repo).join("a/file").exists());
}

#[test]
fn what_a_killed_one_left_is_mended_and_swept() {
    let world = World::new();
    let gate = world.repo.beside("gate");
    std::fs::create_dir(&gate).unwrap();
    let shown = gate.display();
    // A filter that stops in the middle of a checkout.
    world.repo.git(&[
        "config",
        "filter.slow.smudge",
        &format!("touch {shown}/begun; while [ ! -e {shown}/open ]; do sleep 0.02; done; cat"),
    ]);
    world.repo.git(&["config", "filter.slow.clean", "cat"]);
    world.stage(".gitattributes", "b/file filter=slow\n");
    world.stage("a/file", "staged\n");
    world.write("a/file", "bad\n");
    for temporary in [false, true] {
        let _ = std::fs::remove_file(gate.join("open"));
        let _ = std::fs::remove_file(gate.join("begun"));
        let mut children = vec![start(&world)];
        until("it checks out", || gate.join("begun").exists());
        if temporary {
            children.push(start(&world));
            until("both check out", || checkouts(&world.repo).len() == 2);
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        std::fs::write(gate.join("open"), "").unwrap();
        world
            .repo
            .svc(&["test", "--staged", "--isolated", "--force"])
            .stdout();
        let file = checkout(&world.repo).join("b/file");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "good\n");
        world.repo.svc(&["cache", "clear"]).stdout();
    }
}

#[test]
fn checkouts_of_repositories_that_are_gone_are_swept() {
    let world = World::new();
    let clone = world.repo.beside("clone");
    world
        .repo
        .git(&["clone", "-q", ".", &clone.display().to_string()]);
    let place = world.repo.at(&clone);
    place.write("a/file", "staged\n");
    place.git(&["add", "."]);
    place.write("a/file", "bad\n");
    place.svc(TEST).stdout();
    assert_eq!(checkouts(&world.repo).len(), 1);
    std::fs::remove_dir_all(&clone).unwrap();
    world.stage("a/file", "staged\n");
    world.write("a/file", "bad\n");
    world.repo.svc(TEST).stdout();
    assert_eq!(checkout(&world.repo).file_name().unwrap(), "repo");
}

#[test]
fn whatever_lies_in_the_way_is_replaced() {
    let world = World::new();
    world.stage(".gitignore", "thing\n");
    world.stage("a/file", "staged\n");
    world.write("a/file", "bad\n");
    world.repo.svc(TEST).stdout();
    let checkout = checkout(&world.repo);
    // Ignored directories where files come, files where directories come.
    std::fs::create_dir_all(checkout.join("a/thing/deep")).unwrap();
    std::fs::write(checkout.join("a/thing/deep/file"), "").unwrap();
    std::fs::write(checkout.join("c/thing"), "").unwrap();
    world.write("a/thing", "x\n");
    world.write("c/thing/file", "x\n");
    world.repo.git(&["add", "-f", "a/thing", "c/thing"]);
    world
        .repo
        .svc(&["test", "--staged", "--isolated", "--force"])
        .stdout();
    assert!(checkout.join("a/thing").is_file());
    assert!(checkout.join("c/thing/file").is_file());
    // Damage of any kind.
    for path in [".git", "../git/index", "../git/HEAD", "../git/commondir"] {
        std::fs::write(checkout.join(path), "damaged").unwrap();
        world
            .repo
            .svc(&["test", "--staged", "--isolated", "--force"])
            .stdout();
        assert!(checkout.join("c/thing/file").is_file(), "{path}");
    }
}

#[test]
fn modes_links_line_endings_and_filters_are_as_git_makes_them() {
    let world = World::new();
    world.repo.git(&["config", "core.autocrlf", "true"]);
    world
        .repo
        .git(&["config", "filter.up.smudge", "tr a-z A-Z"]);
    world.repo.git(&["config", "filter.up.clean", "tr A-Z a-z"]);
    world.write(".gitattributes", "*.up filter=up\nrun -text\n");
    world.write("a/crlf.txt", "one\r\ntwo\r\n");
    world.write("a/x.up", "LOUD\r\n");
    world.write("a/run", "#!/bin/sh\n");
    std::fs::set_permissions(
        world.root().join("a/run"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    symlink("run", world.root().join("a/link")).unwrap();
    world.repo.git(&["add", "."]);
    world.write("a/file", "bad\n");
    world.repo.svc(TEST).stdout();
    let checkout = checkout(&world.repo);
    let read = |path: &str| std::fs::read_to_string(checkout.join(path)).unwrap();
    assert_eq!(read("a/crlf.txt"), "one\r\ntwo\r\n");
    assert!(read("a/x.up").starts_with("LOUD"));
    assert_eq!(
        checkout
            .join("a/run")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o111,
        0o111
    );
    assert_eq!(
        std::fs::read_link(checkout.join("a/link")).unwrap(),
        Path::new("run")
    );
    // The same tree in place has the same keys.
    world.repo.git(&["checkout", "--", "a/file"]);
    world.ran();
    world.repo.svc(&["test", "a"]).stdout();
    assert_eq!(world.ran_names(), [""; 0]);
}

#[test]
fn submodules_are_filled_from_what_is_here() {
    let world = World::new();
    world
        .repo
        .git(&["config", "--global", "protocol.file.allow", "always"]);
    let origin = world.repo.beside("module");
    std::fs::create_dir(&origin).unwrap();
    let module = world.repo.at(&origin);
    module.git(&["init", "-q", "--initial-branch=main"]);
    module.write("part", "good\n");
    module.commit("first");
    world.repo.git(&[
        "submodule",
        "--quiet",
        "add",
        &origin.display().to_string(),
        "a/module",
    ]);
    world.repo.commit("module");
    // A commit that is nowhere else.
    std::fs::write(world.root().join("a/module/part"), "better\n").unwrap();
    let inside = world.repo.at(world.root().join("a/module"));
    inside.commit("local");
    world.repo.git(&["add", "a/module"]);
    std::fs::rename(&origin, world.repo.beside("away")).unwrap();
    world.write("a/file", "bad\n");
    world.repo.svc(TEST).stdout();
    let part = || std::fs::read_to_string(checkout(&world.repo).join("a/module/part")).unwrap();
    assert_eq!(part(), "better\n");
    std::fs::write(world.root().join("a/module/part"), "best\n").unwrap();
    inside.commit("local again");
    world.repo.git(&["add", "a/module"]);
    world.repo.svc(TEST).stdout();
    assert_eq!(part(), "best\n");
}

#[test]
fn sparse_and_reftable_repositories_are_checked_out_in_full() {
    let world = World::new();
    world
        .repo
        .git(&["sparse-checkout", "set", "--no-cone", "/*", "!/c/"]);
    world.stage("a/file", "staged\n");
    world.write("a/file", "bad\n");
    world
        .repo
        .svc(&["test", "--staged", "--isolated", "--all", "--force"])
        .stdout();
    assert!(checkout(&world.repo).join("c/file").exists());

    let repo = TestRepo::bare_directory();
    let mut init = repo.command("git", repo.root());
    init.args([
        "init",
        "-q",
        "--ref-format=reftable",
        "--initial-branch=main",
    ]);
    if !init.output().unwrap().status.success() {
        return;
    }
    repo.write("services.toml", "version = 1\n[services.a]\npath = \"a\"\ntest = \"git rev-parse HEAD; grep staged file\"\n");
    repo.write("a/file", "x\n");
    repo.commit("first");
    repo.write("a/file", "staged\n");
    repo.git(&["add", "."]);
    repo.write("a/file", "other\n");
    for _ in 0..2 {
        repo.svc(&["test", "--staged", "--isolated", "--force"])
            .stdout();
    }
}

#[test]
fn an_index_with_conflicts_is_told() {
    let world = World::new();
    world.repo.git(&["checkout", "-qb", "side"]);
    world.write("a/file", "one\n");
    world.repo.commit("one");
    world.repo.git(&["checkout", "-q", "main"]);
    world.write("a/file", "two\n");
    world.repo.commit("two");
    world.git(&["merge", "side"]).refused();
    let said = world.repo.svc(TEST).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    assert!(
        said.stderr().contains("the index has conflicts"),
        "{}",
        said.all()
    );
}
