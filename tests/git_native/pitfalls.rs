//! The shapes of repositories that are easy to get wrong, one by one.

use svc::git::Error;
use svc::git::snapshot::Snapshot;
use svc::model::change::Head;

use crate::world::{World, agree, all_agree};

#[test]
fn an_unborn_branch_is_compared_with_nothing() {
    let world = World::new();
    world.write("a/b", "1");
    world.write("c", "2");
    world.git(&["add", "c"]);
    all_agree(&world, None);
    let changed = world.changed(Head::WorkTree(None), None).unwrap();
    assert_eq!(changed, ["a/b", "c"]);
}

#[test]
fn a_change_that_was_taken_back_is_none() {
    let world = World::new();
    world.write("a", "1");
    let base = world.commit();
    world.write("a", "2");
    let head = world.commit();
    world.write("a", "1");
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(base))
        .unwrap();
    assert!(changed.is_empty(), "{changed:?}");
    all_agree(&world, Some(base));
    world.git(&["rm", "-q", "--cached", "a"]);
    all_agree(&world, Some(base));
}

#[test]
fn modes_kinds_and_links_count() {
    let world = World::new();
    for name in ["mode", "kind", "link", "deep/file", "gone"] {
        world.write(name, name);
    }
    world.link("mode", "to");
    let base = world.commit();
    world.chmod("mode", 0o755);
    world.remove("kind");
    world.write("kind/inside", "1");
    world.remove("link");
    world.link("mode", "link");
    world.remove("deep");
    world.link(".", "deep");
    world.remove("gone");
    world.remove("to");
    world.link("gone", "to");
    all_agree(&world, Some(base));
    world.git(&["add", "-A"]);
    all_agree(&world, Some(base));
    world.git(&["config", "core.fileMode", "false"]);
    world.chmod("mode", 0o644);
    let head = world.commit_staged();
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn a_change_within_the_same_tick_is_seen() {
    let world = World::new();
    for round in 0..20 {
        world.write("a", format!("{round:03}"));
        let head = world.commit();
        world.write("a", format!("{:03}", round + 500));
        let changed = world
            .changed(Head::WorkTree(Some(head)), Some(head))
            .unwrap();
        assert_eq!(changed, ["a"]);
    }
}

#[test]
fn a_touched_file_is_not_changed() {
    let world = World::new();
    world.write("a", "1");
    world.write("b", "1");
    let head = world.commit();
    world.write("a", "1");
    world.settle();
    world.write("a", "1");
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn promised_files_count_as_the_index_has_them() {
    let world = World::new();
    for name in ["valid", "skipped", "absent", "other"] {
        world.write(name, "1");
    }
    let head = world.commit();
    world.git(&["update-index", "--assume-unchanged", "valid"]);
    world.git(&["update-index", "--skip-worktree", "skipped", "absent"]);
    for name in ["valid", "skipped", "other"] {
        world.write(name, "2 longer");
    }
    world.remove("absent");
    let state = Head::WorkTree(Some(head));
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["other"]);
    assert_eq!(world.git_changed(state, Some(head)), ["other"]);
    let files = world.files(state, &["absent"]).unwrap();
    assert_eq!(files.len(), 1);
    let read = world.look(state, |state| state.read(&"absent".into()).unwrap());
    assert_eq!(read.unwrap(), b"1");
}

#[test]
fn a_sparse_checkout_is_no_deletion() {
    let world = World::new();
    world.write("in/a", "1");
    world.write("out/a", "1");
    world.write("out/.gitignore", "*.log\n");
    world.write("in/.gitignore", "*.log\n");
    let head = world.commit();
    let state = Head::WorkTree(Some(head));
    world.git(&["sparse-checkout", "set", "--no-cone", "/in/a"]);
    assert!(world.changed(state, Some(head)).unwrap().is_empty());
    assert_eq!(world.files(state, &[""]).unwrap().len(), 4);
    // The rules of a directory hold although its file is not there, and a file that is there counts.
    world.write("in/x.log", "1");
    world.write("out/a", "2");
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["out/a"]);
    assert_eq!(world.git_changed(state, Some(head)), ["out/a"]);
}

#[test]
fn intent_to_add_is_in_the_working_tree_only() {
    let world = World::new();
    world.write("a", "1");
    let head = world.commit();
    world.write("new/file", "1");
    world.write("gone", "1");
    world.git(&["add", "-N", "new/file", "gone"]);
    world.remove("gone");
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert_eq!(changed, ["new/file"]);
    agree(&world, Head::Index(Some(head)), Some(head));
    assert!(
        world
            .changed(Head::Index(Some(head)), Some(head))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn conflicts_are_changes() {
    let world = World::new();
    world.write("a", "1\n");
    world.write("b", "1\n");
    world.write("d", "1\n");
    world.commit();
    world.git(&["checkout", "-q", "-b", "other"]);
    world.write("a", "2\n");
    world.remove("d");
    world.write("d/e", "1\n");
    world.commit();
    world.git(&["checkout", "-q", "main"]);
    world.write("a", "3\n");
    world.write("d", "4\n");
    let head = world.commit();
    assert!(world.try_git(&["merge", "-q", "other"]).is_none());
    for state in [Head::WorkTree(Some(head)), Head::Index(Some(head))] {
        let changed = world.changed(state, Some(head)).unwrap();
        assert!(changed.contains(&"a".to_owned()), "{changed:?}");
        assert_eq!(changed, world.git_changed(state, Some(head)), "{state:?}");
        assert!(world.files(state, &["a"]).unwrap().len() == 1);
    }
}

#[test]
fn ignored_directories_keep_their_tracked_files() {
    let world = World::new();
    world.write(".gitignore", "build/\n");
    world.write("build/tracked", "1");
    world.git(&["add", "-f", "build/tracked", ".gitignore"]);
    let head = world.commit_staged();
    world.write("build/tracked", "2 longer");
    world.write("build/untracked", "1");
    world.write("build/.gitignore", "!untracked\n");
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert_eq!(changed, ["build/tracked"]);
    all_agree(&world, Some(head));
}

#[test]
fn rules_of_the_user_and_of_the_clone_hold() {
    let mut world = World::new();
    world.write("ws/a", "1");
    let head = world.commit();
    world.write(".git/info/exclude", "*.mine\n!keep.users\n");
    world.write("../users", "*.users\n");
    let users = world.root.parent().unwrap().join("users");
    world.git(&["config", "core.excludesFile", users.to_str().unwrap()]);
    world.write(".gitignore", "/ws/top\n/other\n");
    for name in ["x.mine", "x.users", "keep.users", "top", "other", "plain"] {
        world.write(format!("ws/{name}"), "1");
    }
    all_agree(&world, Some(head));
    world.workspace = b"ws".to_vec();
    all_agree(&world, Some(head));
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert_eq!(changed, ["keep.users", "other", "plain"]);
}

#[test]
fn a_workspace_sees_only_itself() {
    let mut world = World::new();
    for name in ["a", "ws/a", "ws/b/c", "ws-2/a", "ws.x", "w"] {
        world.write(name, "1");
    }
    let base = world.commit();
    for name in ["a", "ws/a", "ws-2/a", "ws.x", "ws/new"] {
        world.write(name, "2 longer");
    }
    world.workspace = b"ws".to_vec();
    all_agree(&world, Some(base));
    let changed = world
        .changed(Head::WorkTree(Some(base)), Some(base))
        .unwrap();
    assert_eq!(changed, ["a", "new"]);
    world.workspace.clear();
    let head = world.commit();
    world.workspace = b"ws".to_vec();
    all_agree(&world, Some(base));
    world.workspace = b"nowhere".to_vec();
    for state in [
        Head::WorkTree(Some(head)),
        Head::Index(None),
        Head::Commit(Some(head)),
    ] {
        assert!(world.changed(state, Some(base)).unwrap().is_empty());
        assert!(world.files(state, &[""]).unwrap().is_empty());
    }
}

#[test]
fn parts_of_a_workspace_are_listed_in_order() {
    let world = World::new();
    for name in ["a", "b/x", "b-c", "b/y/z", "bc", "c/d"] {
        world.write(name, name);
    }
    let head = world.commit();
    world.write("b/new", "1");
    for state in [
        Head::WorkTree(Some(head)),
        Head::Index(Some(head)),
        Head::Commit(Some(head)),
    ] {
        let check = |within: &[&str], expected: &[&str]| {
            let files = world.files(state, within).unwrap();
            let expected = expected
                .iter()
                .filter(|name| matches!(state, Head::WorkTree(_)) || **name != "b/new");
            let expected: Vec<_> = expected.map(|name| name.as_bytes()).collect();
            assert_eq!(
                files.keys().collect::<Vec<_>>(),
                expected,
                "{state:?} {within:?}"
            );
        };
        check(&["b", "b-c"], &["b-c", "b/new", "b/x", "b/y/z"]);
        check(&["b/y", "b", "nothing"], &["b/new", "b/x", "b/y/z"]);
        check(&["a"], &["a"]);
        check(&[], &[]);
    }
}

#[test]
fn submodules_are_one_path() {
    let inner = World::new();
    inner.write("lib", "1");
    inner.commit();
    let world = World::new();
    world.write("a", "1");
    let from = inner.root.to_str().unwrap();
    world.git(&["submodule", "--quiet", "add", from, "sub"]);
    let head = world.commit();
    let state = Head::WorkTree(Some(head));
    assert!(world.changed(state, Some(head)).unwrap().is_empty());
    let clean = world.files(state, &["sub"]).unwrap();
    assert_eq!(
        clean,
        world.files(Head::Commit(Some(head)), &["sub"]).unwrap()
    );

    world.write("sub/lib", "2 longer");
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["sub"]);
    let dirty = world.files(state, &["sub"]).unwrap();
    assert_ne!(dirty, clean);
    world.write("sub/lib", "3 even longer");
    assert_ne!(world.files(state, &["sub"]).unwrap(), dirty);
    world.write("sub/lib", "1");
    assert!(world.changed(state, Some(head)).unwrap().is_empty());
    world.write("sub/untracked", "1");
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["sub"]);
    world.remove("sub/untracked");

    world.git(&["-C", "sub", "commit", "-q", "--allow-empty", "-m", "more"]);
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["sub"]);
    world.git(&["add", "sub"]);
    assert_eq!(
        world.changed(Head::Index(Some(head)), Some(head)).unwrap(),
        ["sub"]
    );
    let next = world.commit();
    agree(&world, Head::Commit(Some(next)), Some(head));

    world.git(&["submodule", "--quiet", "deinit", "-f", "sub"]);
    assert!(
        world
            .changed(Head::WorkTree(Some(next)), Some(next))
            .unwrap()
            .is_empty()
    );
    std::fs::remove_dir(world.root.join("sub")).unwrap();
    assert_eq!(
        world
            .changed(Head::WorkTree(Some(next)), Some(next))
            .unwrap(),
        ["sub"]
    );
}

#[test]
fn a_repository_inside_is_one_path() {
    let world = World::new();
    world.write("a", "1");
    let head = world.commit();
    world.git(&["init", "-q", "x/inner"]);
    world.write("x/inner/file", "1");
    world.write("x/other/.git", "no repository");
    world.write("x/other/file", "1");
    let state = Head::WorkTree(Some(head));
    let changed = world.changed(state, Some(head)).unwrap();
    assert_eq!(changed, ["x/inner", "x/other/file"]);
    assert_eq!(changed, world.git_changed(state, Some(head)));
    let before = world.files(state, &["x/inner"]).unwrap();
    world.write("x/inner/file", "2 longer");
    assert_ne!(world.files(state, &["x/inner"]).unwrap(), before);
}

#[test]
fn filtered_files_are_compared_as_git_stores_them() {
    let world = World::new();
    world.write(".gitattributes", "*.txt text eol=crlf\n*.id ident\n");
    world.write("a.txt", "one\r\ntwo\r\n");
    world.write("b.txt", "one\r\n");
    world.write("c.id", "$Id$\n");
    world.write("d", "plain\r\n");
    let head = world.commit();
    world.remove("c.id");
    world.git(&["checkout", "-q", "c.id"]);
    for name in ["a.txt", "d"] {
        let content = std::fs::read(world.root.join(name)).unwrap();
        world.remove(name);
        world.write(name, content);
    }
    // Without carriage returns it is still the same to git.
    world.write("b.txt", "one\n");
    let state = Head::WorkTree(Some(head));
    assert!(world.changed(state, Some(head)).unwrap().is_empty());
    all_agree(&world, Some(head));
    world.write("b.txt", "three\r\n");
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["b.txt"]);
    all_agree(&world, Some(head));
}

#[test]
fn line_ends_that_the_configuration_converts_are_no_change() {
    let world = World::new();
    world.write("a", "one\n");
    let head = world.commit();
    world.git(&["config", "core.autocrlf", "true"]);
    world.write("a", "one\r\n");
    let changed = world
        .changed(Head::WorkTree(Some(head)), Some(head))
        .unwrap();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn every_version_of_the_index_is_read() {
    for options in [&[][..], &["--object-format=sha256"]] {
        for version in ["2", "3", "4"] {
            let world = World::with(options);
            world.git(&["config", "index.version", version]);
            let long = "long/".repeat(700) + "name";
            let id =
                String::from_utf8(world.git(&["hash-object", "-w", "-t", "blob", "/dev/null"]));
            let info = format!("100644,{},{long}", id.unwrap().trim());
            for name in ["a/b/c", "a/b/d", "a/e", "f", "with space/\u{fc}"] {
                world.write(name, name);
            }
            let base = world.commit();
            world.write("new", "1");
            world.git(&["add", "-N", "new"]);
            world.git(&["update-index", "--add", "--cacheinfo", &info]);
            let changed = world.changed(Head::Index(Some(base)), Some(base)).unwrap();
            assert_eq!(changed, [long.as_str()], "{version} {options:?}");
            world.git(&["update-index", "--force-remove", &long]);
            all_agree(&world, Some(base));
        }
    }
}

#[test]
fn a_split_index_needs_git() {
    let world = World::new();
    world.write("a", "1");
    let head = world.commit();
    world.git(&["update-index", "--split-index"]);
    let fault = world.changed(Head::Index(Some(head)), Some(head));
    assert!(matches!(fault, Err(Error::Unsupported(_))), "{fault:?}");
    // A range of commits does not need the index.
    assert!(world.changed(Head::Commit(Some(head)), None).is_ok());
}

#[test]
fn a_sparse_index_needs_git() {
    let world = World::new();
    world.write("in/a", "1");
    world.write("out/a", "1");
    let head = world.commit();
    world.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    let fault = world.changed(Head::WorkTree(Some(head)), Some(head));
    assert!(matches!(fault, Err(Error::Unsupported(_))), "{fault:?}");
}

#[test]
fn a_damaged_index_is_an_error_and_never_a_panic() {
    for version in ["2", "4"] {
        let world = World::new();
        world.git(&["config", "index.version", version]);
        for name in ["a/b/c", "a/b/d", "a/e", "f"] {
            world.write(name, name);
        }
        let head = world.commit();
        let path = world.root.join(".git/index");
        let good = std::fs::read(&path).unwrap();
        let look = || {
            let index = world.changed(Head::Index(Some(head)), Some(head));
            let _ = world.files(Head::WorkTree(Some(head)), &[""]);
            index
        };
        for length in 0..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            // Nothing is lost where the cut took only what follows the entries.
            let is_refused = look().map_or(true, |changed| changed.is_empty());
            assert!(is_refused, "{version} {length}");
        }
        for at in 0..good.len() - 20 {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            std::fs::write(&path, &bad).unwrap();
            let _ = look();
        }
        std::fs::write(&path, b"").unwrap();
        let message = look().unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
}

#[test]
fn a_missing_object_is_an_error() {
    let world = World::new();
    world.write("a/b", "1");
    let base = world.commit();
    world.write("a/b", "2");
    let head = world.commit();
    let tree = String::from_utf8(world.git(&["rev-parse", "HEAD:a"])).unwrap();
    let (start, rest) = tree.trim().split_at(2);
    world.remove(&format!(".git/objects/{start}/{rest}"));
    let fault = world.changed(Head::Commit(Some(head)), Some(base));
    assert!(matches!(fault, Err(Error::Library { .. })), "{fault:?}");
}

#[test]
fn pipes_and_unreadable_directories_are_not_overlooked() {
    let world = World::new();
    world.write("a", "1");
    world.write("b", "1");
    let head = world.commit();
    let state = Head::WorkTree(Some(head));
    world.remove("a");
    let pipe = |name: &str| {
        let path = world.root.join(name);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    pipe("a");
    pipe("unknown");
    assert_eq!(world.changed(state, Some(head)).unwrap(), ["a"]);
    assert_eq!(world.files(state, &[""]).unwrap().len(), 1);
}

#[test]
fn files_of_the_working_tree_are_read() {
    let world = World::new();
    world.write("a/b", "1");
    world.link("b", "a/link");
    world.link("a", "around");
    let head = world.commit();
    world.write("a/b", "2");
    world.write("new", "3");
    let read = |state, path: &str| {
        let content = world.look(state, |state| state.read(&path.into()).unwrap());
        content.map(|content| String::from_utf8(content).unwrap())
    };
    let here = Head::WorkTree(Some(head));
    let check = |state, path, expected: Option<&str>| {
        assert_eq!(read(state, path).as_deref(), expected, "{state:?} {path}");
    };
    check(here, "a/b", Some("2"));
    check(here, "new", Some("3"));
    check(here, "a/link", Some("b"));
    check(here, "around/b", None);
    check(here, "a", None);
    check(here, "none", None);
    check(here, "a/b/c", None);
    for state in [Head::Commit(Some(head)), Head::Index(Some(head))] {
        check(state, "a/b", Some("1"));
        check(state, "new", None);
        check(state, "a/link", Some("b"));
        check(state, "a", None);
        check(state, "a/b/c", None);
    }
    check(Head::Commit(None), "a/b", None);
}

#[test]
fn a_working_tree_behind_a_symlink_is_walked() {
    let world = World::new();
    world.write("a/b", "1");
    let head = world.commit();
    world.write("a/b", "2");
    let around = world.root.parent().unwrap().join("around");
    std::os::unix::fs::symlink(&world.root, &around).unwrap();
    let repo = git2::Repository::open(&world.root).unwrap();
    let mut scope = svc::git::native::Scope::of(&repo).unwrap();
    scope.work_tree = around;
    let none = |_: &[svc::model::path::FilePath]| unreachable!("nothing is converted");
    let state = Head::WorkTree(Some(head));
    let snapshot = svc::git::native::open(&repo, scope, state, Box::new(none)).unwrap();
    let changed = snapshot.changed_since(Some(head)).unwrap();
    assert_eq!(changed, ["a/b".into()]);
}

#[test]
fn another_index_is_read_where_git_was_told_of_one() {
    let world = World::new();
    world.write("a", "1");
    let head = world.commit();
    world.write("a", "2");
    let other = world.root.join(".git/other-index");
    std::fs::copy(world.root.join(".git/index"), &other).unwrap();
    world.git(&["add", "a"]);
    let repo = git2::Repository::open(&world.root).unwrap();
    let changed = |index: &std::path::Path| {
        let mut scope = svc::git::native::Scope::of(&repo).unwrap();
        scope.index = index.to_owned();
        let none = |_: &[svc::model::path::FilePath]| unreachable!("nothing is converted");
        let state = Head::Index(Some(head));
        let snapshot = svc::git::native::open(&repo, scope, state, Box::new(none)).unwrap();
        snapshot.changed_since(Some(head)).unwrap().len()
    };
    assert_eq!(changed(&other), 0);
    assert_eq!(changed(&world.root.join(".git/index")), 1);
    assert_eq!(changed(&world.root.join(".git/none")), 1);
}

#[test]
fn a_linked_worktree_has_its_own_index_and_the_rules_of_the_clone() {
    let world = World::new();
    world.write("a", "1");
    let head = world.commit();
    world.write(".git/info/exclude", "*.mine\n");
    world.git(&["worktree", "add", "-q", "../linked"]);
    world.write("../linked/a", "2 longer");
    world.write("../linked/x.mine", "1");
    world.write("../linked/new", "1");
    let repo = git2::Repository::open(world.root.join("../linked")).unwrap();
    let scope = svc::git::native::Scope::of(&repo).unwrap();
    let none = |_: &[svc::model::path::FilePath]| unreachable!("nothing is converted");
    let state = Head::WorkTree(Some(head));
    let snapshot = svc::git::native::open(&repo, scope, state, Box::new(none)).unwrap();
    let changed = snapshot.changed_since(Some(head)).unwrap();
    assert_eq!(changed, ["a".into(), "new".into()]);
}
