//! Commits, the index and the working tree: what differs, and which files there are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use svc::git::{Error, Fetch};
use svc::model::change::Head;
use svc::model::path::FilePath;

use crate::readers::agree;
use crate::world::{World, changed, changed_since, index, listed, shell, work_tree};

const NONE: [&str; 0] = [];

/// Runs `script` in a repository of files `a`, `b` and `d/e`, and compares what the index and the working tree differ in.
fn check(script: &str, in_index: &[&str], in_work_tree: &[&str]) {
    let world = World::with_repo();
    for file in ["a", "b", "d/e"] {
        world.write(&format!("r/{file}"), "1\n");
    }
    world.git("r", "add -A");
    world.git("r", "commit -q -m all");
    shell(&world, "r", script);
    let repo = world.repo("r");
    agree(&world, "r", script);
    assert_eq!(changed(&repo, index(&repo)), in_index, "index: {script}");
    assert_eq!(
        changed(&repo, work_tree(&repo)),
        in_work_tree,
        "work tree: {script}"
    );
}

#[test]
fn states_differ_in_what_was_done() {
    check("true", &[], &[]);
    check("echo 2 > a", &[], &["a"]);
    check("echo 2 > a; git add a", &["a"], &["a"]);
    check("echo 2 > a; git add a; echo 1 > a", &["a"], &[]);
    check("rm a", &[], &["a"]);
    check("git rm -q a", &["a"], &["a"]);
    check("git rm -q --cached a", &["a"], &[]);
    check("git rm -q --cached a; echo 2 > a", &["a"], &["a"]);
    check("git rm -q --cached a; chmod +x a", &["a"], &["a"]);
    check(
        "git rm -q --cached a; echo a > .git/info/exclude",
        &["a"],
        &["a"],
    );
    check("git mv a c", &["a", "c"], &["a", "c"]);
    check("mv a c", &[], &["a", "c"]);
    check("chmod +x a", &[], &["a"]);
    check("chmod +x a; git config core.fileMode false", &[], &[]);
    check("rm a; ln -s b a", &[], &["a"]);
    check("rm a; mkdir a; echo 1 > a/x", &[], &["a", "a/x"]);
    check("rm -r d; ln -s . d", &[], &["d", "d/e"]);
    check(
        "mkdir x; echo 1 > x/y; echo x > .gitignore",
        &[],
        &[".gitignore"],
    );
    check("touch -d 2001-01-01 a b d/e", &[], &[]);
    check(
        "touch -d 2001-01-01 a; git config diff.autoRefreshIndex false",
        &[],
        &[],
    );
    check("echo 1 > n; git add -N n", &[], &["n"]);
    check("echo 1 > n; git add -N n; rm n", &[], &[]);
    check("git rm -q --cached a; git add -N a", &["a"], &[]);
    check("echo 2 > a; touch .git/index.lock", &[], &["a"]);
    check("mkfifo p; echo 1 > q", &[], &["q"]);
    check("mkdir empty", &[], &[]);
    check(
        "git init -q sub; git -C sub commit -q --allow-empty -m x",
        &[],
        &["sub"],
    );
    check(
        "git update-index --assume-unchanged a; echo 2 > a",
        &[],
        &[],
    );
}

#[test]
fn settings_of_the_user_change_nothing() {
    let settings = "git config diff.external false; git config color.ui always; git config diff.relative true; git \
                    config diff.renames copies; git config diff.noprefix true; git config core.quotePath true; git \
                    config diff.ignoreSubmodules all; git config core.abbrev 5; git config diff.orderFile /nowhere;";
    check(
        &format!("{settings} git mv a c; echo 2 > d/e"),
        &["a", "c"],
        &["a", "c", "d/e"],
    );
}

#[test]
fn index_formats_are_all_read() {
    let edit = "echo 2 > a; git add a; echo 2 > d/e";
    for format in [
        "git update-index --index-version 4",
        "git update-index --split-index",
        "git update-index --untracked-cache",
        "git sparse-checkout set --cone --sparse-index d",
    ] {
        check(&format!("{format}; {edit}"), &["a"], &["a", "d/e"]);
    }
}

#[test]
fn a_conflict_counts() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    let base = world.commit("r", "same", "1");
    world.git("r", "checkout -q -b other");
    world.commit("r", "a", "2");
    world.git("r", "checkout -q main");
    world.commit("r", "a", "3");
    assert!(!world.try_git("r", "merge -q other").status.success());
    let repo = world.repo("r");
    assert_eq!(changed(&repo, index(&repo)), ["a"]);
    assert_eq!(changed(&repo, work_tree(&repo)), ["a"]);
    let staged = repo.snapshot(index(&repo));
    assert_eq!(staged.read(&"a".into()).unwrap().unwrap(), b"3");
    world.write("r/a", "1");
    assert_eq!(changed_since(&repo, work_tree(&repo), Some(base)), NONE);
    assert_eq!(
        listed(repo.snapshot(work_tree(&repo)).as_ref()),
        ["a 100644", "same 100644"]
    );
}

#[test]
fn names_are_bytes() {
    let world = World::with_repo();
    world.commit("r", "first", "1");
    let names: &[&[u8]] = &[
        b"-x",
        b"\"q",
        b":(top)z",
        b"a b",
        b"l\nm",
        b"n\xff",
        "\u{e9}".as_bytes(),
        b"t\ty",
        b"*",
    ];
    for name in names {
        std::fs::write(world.path("r").join(OsStr::from_bytes(name)), "1").unwrap();
    }
    let repo = world.repo("r");
    let check = |head: Head| {
        let snapshot = repo.snapshot(head);
        let changed = snapshot.changed_since(repo.head_commit().unwrap()).unwrap();
        let mut expected: Vec<_> = names.iter().map(|it| it.to_vec()).collect();
        expected.sort();
        let changed: Vec<_> = changed.iter().map(|it| it.as_bytes().to_vec()).collect();
        assert_eq!(changed, expected);
        for name in names {
            let path = FilePath::from_bytes(*name);
            assert_eq!(snapshot.read(&path).unwrap().unwrap(), b"1", "{path:?}");
            let files = snapshot.files(&[path]).unwrap();
            let found: Vec<_> = files.iter().map(|it| it.path.to_vec()).collect();
            assert_eq!(found, [name.to_vec()]);
        }
    };
    check(work_tree(&repo));
    world.git("r", "add -A");
    check(index(&repo));
}

#[test]
fn the_three_states_list_the_same_files_alike() {
    let world = World::with_repo();
    world.write("r/.gitattributes", "*.crlf text eol=crlf\n");
    world.write("r/x.crlf", "1\r\n");
    world.write("r/run", "1");
    shell(
        &world,
        "r",
        "chmod +x run; ln -s run link; echo out > .gitignore; echo 1 > out",
    );
    world.commit("r", "sub/dir/a", "1");
    let repo = world.repo("r");
    let heads = [
        Head::Commit(repo.head_commit().unwrap()),
        index(&repo),
        work_tree(&repo),
    ];
    let rows = |repo: &svc::git::Repo, head: Head, within: &[FilePath]| -> Vec<_> {
        let files = repo.snapshot(head).files(within).unwrap();
        let row =
            |file: svc::git::snapshot::File<'_>| (file.path.to_vec(), file.mode, file.content);
        files.iter().map(row).collect()
    };
    let all = [FilePath::default()];
    let expected = rows(&repo, heads[0], &all);
    assert_eq!(expected.len(), 6);
    for head in heads {
        assert_eq!(rows(&repo, head, &all), expected, "{head:?}");
        let some = rows(&repo, head, &["sub".into(), "run".into(), "nothing".into()]);
        assert_eq!(some.len(), 2, "{head:?}");
        assert_eq!(rows(&repo, head, &[]), []);
    }
    // Everything read anew, as if nothing were known of it.
    shell(&world, "r", "rm .git/index");
    assert_eq!(rows(&repo, heads[2], &all), expected);
    let inner = world.repo("r/sub");
    world.git("r", "reset -q");
    for head in heads {
        let inside = rows(&inner, head, &all);
        assert_eq!(inside.len(), 1, "{head:?}");
        assert_eq!(inside[0].0, b"dir/a");
    }
}

#[test]
fn a_changed_file_is_listed_with_its_new_content() {
    let world = World::with_repo();
    world.write("r/gone", "1");
    world.commit("r", "a", "1");
    world.write("r/a", "2");
    world.write("r/new", "2");
    shell(&world, "r", "rm gone; ln -s nowhere link");
    let repo = world.repo("r");
    let tree = repo.snapshot(work_tree(&repo));
    assert_eq!(
        listed(tree.as_ref()),
        ["a 100644", "link 120000", "new 100644"]
    );
    let files = tree.files(&[FilePath::default()]).unwrap();
    let content: Vec<_> = files.iter().map(|file| file.content).collect();
    assert_eq!(content[0], content[2]);
    assert!(files.iter().all(|file| file.stamp.is_some()));
    assert_eq!(tree.read(&"link".into()).unwrap().unwrap(), b"nowhere");
    assert_eq!(tree.read(&"gone".into()).unwrap(), None);
    assert_eq!(tree.read(&"a/b".into()).unwrap(), None);
    world.git("r", "add -A");
    let staged = repo.snapshot(index(&repo));
    let staged = staged.files(&[FilePath::default()]).unwrap();
    let ids: Vec<_> = staged.iter().map(|file| file.content).collect();
    assert_eq!(ids, content);
}

#[test]
fn what_lies_outside_of_the_workspace_does_not_exist() {
    let world = World::with_repo();
    world.write("r/shop/a", "1");
    world.write("r/shop2/a", "1");
    let first = world.commit("r", "outside", "1");
    world.write("r/shop/b", "1");
    world.write("r/shop2/b", "1");
    world.write("r/outside", "2");
    let repo = world.repo("r/shop");
    assert_eq!(changed(&repo, work_tree(&repo)), ["b"]);
    world.git("r", "add -A");
    assert_eq!(changed(&repo, index(&repo)), ["b"]);
    world.git("r", "commit -q -m second");
    let head = Head::Commit(repo.head_commit().unwrap());
    assert_eq!(changed_since(&repo, head, Some(first)), ["b"]);
    let snapshot = repo.snapshot(head);
    assert_eq!(listed(snapshot.as_ref()), ["a 100644", "b 100644"]);
    assert_eq!(snapshot.read(&"outside".into()).unwrap(), None);
    assert_eq!(snapshot.read(&"a".into()).unwrap().unwrap(), b"1");
}

#[test]
fn a_sparse_checkout_is_whole() {
    let world = World::with_repo();
    world.write("r/kept/a", "1");
    let first = world.commit("r", "left/b", "1");
    for options in ["--cone", "--cone --sparse-index", "--no-cone"] {
        world.git("r", &format!("sparse-checkout set {options} kept"));
        let repo = world.repo("r");
        assert!(!crate::world::exists(&world.path("r/left")), "{options}");
        for head in [Head::Commit(Some(first)), index(&repo), work_tree(&repo)] {
            assert_eq!(changed(&repo, head), NONE, "{options}");
            let snapshot = repo.snapshot(head);
            assert_eq!(
                listed(snapshot.as_ref()),
                ["kept/a 100644", "left/b 100644"]
            );
            assert_eq!(snapshot.read(&"left/b".into()).unwrap().unwrap(), b"1");
            assert_eq!(snapshot.read(&"left/c".into()).unwrap(), None);
        }
    }
}

#[test]
fn filters_are_applied_before_comparing() {
    let world = World::with_repo();
    world.write("r/.gitattributes", "*.up filter=up\n");
    shell(&world, "r", "git config filter.up.clean 'tr a-z A-Z'");
    world.commit("r", "a.up", "x");
    world.write("r/a.up", "X");
    let repo = world.repo("r");
    assert_eq!(changed(&repo, work_tree(&repo)), NONE);
    world.write("r/a.up", "y");
    assert_eq!(changed(&repo, work_tree(&repo)), ["a.up"]);
    let tree = repo.snapshot(work_tree(&repo));
    let files = tree.files(&["a.up".into()]).unwrap();
    let id = world.git("r", "hash-object a.up");
    assert_eq!(files.iter().next().unwrap().content.to_string(), id);
}

#[test]
fn a_missing_tree_is_an_error() {
    let world = World::with_repo();
    let first = world.commit("r", "a", "1");
    let tree = world.git("r", "rev-parse HEAD^{tree}");
    world.commit("r", "a", "2");
    std::fs::remove_file(world.path(&format!("r/.git/objects/{}/{}", &tree[..2], &tree[2..])))
        .unwrap();
    let repo = world.repo("r");
    let head = Head::Commit(repo.head_commit().unwrap());
    let fault = repo.snapshot(head).changed_since(Some(first));
    assert!(matches!(fault, Err(Error::Corrupt(_))), "{fault:?}");
}

#[test]
fn a_treeless_clone_fetches_trees_only_when_allowed() {
    let world = World::with_repo();
    let first = world.commit("r", "d/a", "1");
    world.commit("r", "d/b", "1");
    for filter in ["tree:0", "blob:none"] {
        world.clone(&format!("--no-checkout --filter={filter}"), filter);
        let repo = world.repo(filter).fetching(Fetch::Forbidden);
        let head = Head::Commit(repo.head_commit().unwrap());
        let refused = repo.snapshot(head).changed_since(Some(first));
        assert_eq!(refused.is_err(), filter == "tree:0", "{refused:?}");
        assert!(repo.snapshot(head).read(&"d/a".into()).is_err());
        let repo = repo.fetching(Fetch::Allowed);
        assert_eq!(changed_since(&repo, head, Some(first)), ["d/b"]);
        let read = repo.snapshot(head).read(&"d/a".into());
        assert_eq!(read.unwrap().unwrap(), b"1");
    }
}

#[test]
fn work_in_a_repository_inside_has_its_own_identity() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git("r", "init -q -b main sub");
    let id = || {
        let repo = world.repo("r");
        assert_eq!(changed(&repo, work_tree(&repo)), ["sub"]);
        let files = repo.snapshot(work_tree(&repo));
        let files = files.files(&["sub".into()]).unwrap();
        let file = files.iter().next().unwrap();
        assert_eq!(file.mode, 0o160000);
        file.content
    };
    let unborn = id();
    let commit = world.commit("r/sub", "x", "1");
    assert_eq!(id(), commit);
    world.write("r/sub/x", "2");
    let edited = id();
    world.write("r/sub/x", "3");
    let edited_otherwise = id();
    world.write("r/sub/y", "1");
    let with_another = id();
    let mut all = vec![unborn, commit, edited, edited_otherwise, with_another];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
    world.write("r/sub/x", "1");
    crate::world::shell(&world, "r/sub", "rm y");
    assert_eq!(id(), commit);
}

#[test]
fn untracked_work_in_a_submodule_counts() {
    let world = World::with_repo();
    world.commit("r", "a", "1");
    world.git(".", "init -q -b main outer");
    let url = world.url("r");
    world.git("outer", &format!("submodule add -q {url} sub"));
    world.commit("outer", "b", "1");
    world.write("outer/sub/new", "1");
    let repo = world.repo("outer");
    assert_eq!(changed(&repo, work_tree(&repo)), ["sub"]);
    assert_eq!(changed(&repo, index(&repo)), NONE);
    crate::world::shell(&world, "outer", "rm sub/new; git submodule -q deinit sub");
    assert_eq!(changed(&repo, work_tree(&repo)), NONE);
    let files = listed(repo.snapshot(work_tree(&repo)).as_ref());
    assert_eq!(files, [".gitmodules 100644", "b 100644", "sub 160000"]);
}

#[test]
fn what_a_symlink_leads_to_is_not_here() {
    let world = World::with_repo();
    world.commit("r", "d/a", "1");
    shell(&world, "r", "mv d e; ln -s e d");
    let repo = world.repo("r");
    let tree = repo.snapshot(work_tree(&repo));
    assert_eq!(tree.read(&"d/a".into()).unwrap(), None);
    assert_eq!(tree.read(&"e/a".into()).unwrap().unwrap(), b"1");
    assert_eq!(listed(tree.as_ref()), ["d 120000", "e/a 100644"]);
    assert_eq!(changed(&repo, work_tree(&repo)), ["d", "d/a", "e/a"]);
}

#[test]
fn many_paths_are_more_than_a_command_line_holds() {
    let world = World::with_repo();
    world.commit("r", "here/a", "1");
    let mut within: Vec<FilePath> = (0..20_000)
        .map(|it| format!("not/here/{it}").as_str().into())
        .collect();
    within.push("here".into());
    let repo = world.repo("r");
    for head in [
        Head::Commit(repo.head_commit().unwrap()),
        index(&repo),
        work_tree(&repo),
    ] {
        assert_eq!(repo.snapshot(head).files(&within).unwrap().len(), 1);
    }
}

/// A cheap source of choices that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}

/// A few random steps of work, by hand and through git.
fn stir(world: &World, dice: &mut Dice) {
    let names = [
        "a",
        "b",
        "d",
        "d/e",
        "d/f",
        "x y",
        "k.log",
        "d/k.log",
        "sub/deep/g",
    ];
    let mut script = String::from("exec 2> /dev/null\n");
    for _ in 0..3 + dice.roll(6) {
        let (name, other) = (names[dice.roll(names.len())], names[dice.roll(names.len())]);
        let content = dice.roll(3);
        let step = match dice.roll(12) {
            0..=3 => format!("mkdir -p \"$(dirname '{name}')\" && echo {content} > '{name}'"),
            4 => format!("rm -rf '{name}'"),
            5 => format!("chmod +x '{name}'"),
            6 => format!("rm -rf '{name}'; ln -s {content} '{name}'"),
            7 => format!("git add '{name}'"),
            8 => format!("git rm -q -r --cached '{name}'"),
            9 => format!("git add -N '{name}'"),
            10 => format!("git mv '{name}' '{other}'"),
            _ => format!("git add -f '{name}'"),
        };
        script.push_str(&format!("({step}) || true\n"));
    }
    shell(world, "r", &script);
}

/// What git itself would commit of everything here is an answer found in another way.
#[test]
fn random_work_is_seen_as_git_would_commit_it() {
    let world = World::with_repo();
    world.write("r/.gitignore", "*.log\n");
    let mut base = world.commit("r", "a", "0");
    let mut dice = Dice(7);
    for round in 0..20 {
        stir(&world, &mut dice);
        let repo = world.repo("r");
        // With its own time, or git would not look twice at files written in the same instant.
        let script = "cp -p .git/index ../index; export GIT_INDEX_FILE=$PWD/../index; git add -A; git write-tree > ../tree";
        shell(&world, "r", script);
        let tree = std::fs::read_to_string(world.path("tree")).unwrap();
        let expected = world.git(
            "r",
            &format!(
                "diff-tree -r --name-only --no-renames {base} {}",
                tree.trim()
            ),
        );
        let expected: Vec<_> = expected.lines().collect();
        assert_eq!(
            changed_since(&repo, work_tree(&repo), Some(base)),
            expected,
            "round {round}"
        );

        let files = repo
            .snapshot(work_tree(&repo))
            .files(&[FilePath::default()])
            .unwrap();
        let show = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let rows: Vec<_> = files
            .iter()
            .map(|it| format!("{:o} {}\t{}", it.mode, it.content, show(it.path)))
            .collect();
        let format = "%(objectmode) %(objectname)%x09%(path)";
        let listed = crate::world::git_words(
            &world,
            "r",
            &["ls-tree", "-r", "--format", format, tree.trim()],
        );
        assert_eq!(rows, listed.lines().collect::<Vec<_>>(), "round {round}");

        let staged = world.git("r", "write-tree");
        let expected = world.git(
            "r",
            &format!("diff-tree -r --name-only --no-renames {base} {staged}"),
        );
        let expected: Vec<_> = expected.lines().collect();
        assert_eq!(
            changed_since(&repo, index(&repo), Some(base)),
            expected,
            "round {round}"
        );
        if dice.roll(5) == 0 {
            world.git("r", "commit -q --allow-empty -m more");
            base = world.id("r", "HEAD");
        }
    }
}
