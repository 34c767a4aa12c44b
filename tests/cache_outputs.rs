//! Outputs in a working tree: collected, verified and restored, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::type_complexity,
    clippy::disallowed_methods,
    reason = "a test ends where it cannot go on, has deadlines, starts itself, and may say how far it came"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use svc::cache::{Contents, Error, NotRestored, Outputs, Restored};
use svc::model::name::TaskId;
use svc::model::outputs::{ContentId, Output, OutputEntry, OutputTree};
use svc::model::path::FilePath;
use svc::model::pattern::Pattern;

/// What lies at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Thing {
    File(String, u32),
    Link(String),
    Dir(u32),
}

type Shape = BTreeMap<String, Thing>;

/// Contents that are kept in memory, and that can fail.
#[derive(Default)]
struct Store<'a> {
    bytes: HashMap<ContentId, Vec<u8>>,
    written: usize,
    before: Option<Box<dyn FnMut(usize) -> Result<(), Error> + 'a>>,
}

impl Contents for Store<'_> {
    fn write(&mut self, content: &ContentId, to: &Path) -> Result<(), Error> {
        self.written += 1;
        if let Some(before) = &mut self.before {
            before(self.written)?;
        }
        let bytes = self.bytes.get(content);
        let bytes = bytes.ok_or_else(|| Error::Damaged("it is missing".into()))?;
        assert!(!to.exists());
        fs::write(to, bytes).unwrap();
        Ok(())
    }
}

/// A workspace in a directory of its own.
struct World {
    root: PathBuf,
    outputs: Outputs,
    task: TaskId,
    patterns: Vec<Pattern>,
    _directory: Option<tempfile::TempDir>,
}

impl World {
    fn new(patterns: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        Self {
            _directory: Some(directory),
            ..Self::at(&root, patterns)
        }
    }

    fn at(root: &Path, patterns: &[&str]) -> Self {
        let pattern = |it: &&str| Pattern::new(it, &"s".into()).unwrap();
        Self {
            outputs: Outputs::open(root.to_owned(), root.join(".git/svc/outputs")),
            root: root.to_owned(),
            task: TaskId::parse("s:build").unwrap(),
            patterns: patterns.iter().map(pattern).collect(),
            _directory: None,
        }
    }

    fn lay(&self, things: &[(&str, Thing)]) {
        for (path, thing) in things {
            lay(&self.root.join(path), thing);
        }
    }

    /// Restores, with a store that has everything; may replace nothing.
    fn restore(&self, shape: &Shape) -> Result<Restored, NotRestored> {
        let (tree, mut store) = tree_of(shape);
        self.restore_from(&tree, &mut store, &|paths| vec![false; paths.len()])
    }

    fn restore_from(
        &self,
        tree: &OutputTree,
        store: &mut Store<'_>,
        may_replace: &dyn Fn(&[FilePath]) -> Vec<bool>,
    ) -> Result<Restored, NotRestored> {
        let Self {
            outputs,
            task,
            patterns,
            ..
        } = self;
        outputs.restore(task, patterns, tree, store, may_replace, &|| false)
    }

    fn is_in_place(&self, shape: &Shape) -> bool {
        let tree = tree_of(shape).0;
        self.outputs.is_in_place(&self.task, &self.patterns, &tree)
    }

    /// Everything below the root but what belongs to git.
    fn all(&self) -> Shape {
        shape_of(&self.root)
    }

    /// What the patterns match.
    fn matched(&self) -> Shape {
        let mut all = self.all();
        all.retain(|path, _| self.patterns.iter().any(|it| it.matches(path.as_bytes())));
        all
    }

    /// That nothing is left of what is only there meanwhile.
    fn expect_clean(&self) {
        let left = self.all().into_keys().find(|it| it.contains(".svc-"));
        assert_eq!(left, None);
        let journals = fs::read_dir(self.root.join(".git/svc/outputs/journals"));
        let left: Vec<_> = journals
            .into_iter()
            .flatten()
            .map(|it| it.unwrap().path())
            .collect();
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

fn file(text: &str) -> Thing {
    Thing::File(text.into(), 0o644)
}

fn link(target: &str) -> Thing {
    Thing::Link(target.into())
}

fn dir() -> Thing {
    Thing::Dir(0o755)
}

fn shape(things: &[(&str, Thing)]) -> Shape {
    things
        .iter()
        .map(|(path, it)| ((*path).to_owned(), it.clone()))
        .collect()
}

fn lay(path: &Path, thing: &Thing) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match thing {
        Thing::File(text, mode) => {
            fs::write(path, text).unwrap();
            fs::set_permissions(path, Permissions::from_mode(*mode)).unwrap();
        }
        Thing::Link(target) => symlink(target, path).unwrap(),
        Thing::Dir(mode) => {
            fs::create_dir_all(path).unwrap();
            fs::set_permissions(path, Permissions::from_mode(*mode)).unwrap();
        }
    }
}

fn tree_of(shape: &Shape) -> (OutputTree, Store<'static>) {
    let mut store = Store::default();
    let entries = shape.iter().map(|(path, thing)| OutputEntry {
        path: path.as_str().into(),
        output: match thing {
            Thing::Dir(mode) => Output::Directory { mode: *mode },
            Thing::Link(target) => Output::Link {
                target: target.clone().into_bytes(),
            },
            Thing::File(text, mode) => {
                let content = ContentId::of(text.as_bytes());
                store.bytes.insert(content, text.clone().into_bytes());
                Output::File {
                    mode: *mode,
                    size: text.len() as u64,
                    content,
                }
            }
        },
    });
    let tree = OutputTree::new(entries.collect());
    (tree, store)
}

fn shape_of(root: &Path) -> Shape {
    let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter();
    let entries = entries.filter_entry(|it| it.path() != root.join(".git"));
    let thing = |entry: walkdir::DirEntry| {
        let path = entry.path();
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let metadata = entry.metadata().unwrap();
        let mode = metadata.mode() & 0o7777;
        let thing = if metadata.is_dir() {
            Thing::Dir(mode)
        } else if metadata.is_symlink() {
            let target = fs::read_link(path).unwrap().into_os_string().into_vec();
            Thing::Link(String::from_utf8(target).unwrap())
        } else if metadata.is_file() {
            Thing::File(fs::read_to_string(path).unwrap(), mode)
        } else {
            Thing::File("neither file nor link".into(), 0)
        };
        (name, thing)
    };
    entries.map(|it| thing(it.unwrap())).collect()
}

fn in_the_way(result: &Result<Restored, NotRestored>) -> Option<String> {
    match result {
        Err(NotRestored::InTheWay(path)) => Some(path.display()),
        _ => None,
    }
}

#[test]
fn what_is_collected_comes_back() {
    let world = World::new(&["dist", "x/*.so"]);
    let outputs = [
        ("s/dist", Thing::Dir(0o750)),
        ("s/dist/a", Thing::File("a".into(), 0o4755)),
        ("s/dist/empty", Thing::Dir(0o700)),
        ("s/dist/sealed", Thing::Dir(0o555)),
        ("s/dist/link", link("../nowhere")),
        ("s/x/y.so", Thing::File("y".into(), 0o444)),
    ];
    world.lay(&outputs);
    world.lay(&[("s/x/main.c", file("c")), ("s/dist-2", file("other"))]);
    let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
    assert_eq!(collected.unmatched, Vec::<usize>::new());
    assert_eq!(collected.refused, None);
    assert_eq!(collected.tree, tree_of(&shape(&outputs)).0);
    let before = world.all();
    fs::remove_dir_all(world.root.join("s/dist")).unwrap();
    fs::remove_file(world.root.join("s/x/y.so")).unwrap();
    let restored = world.restore(&shape(&outputs)).unwrap();
    assert_eq!(restored, Restored::Written { files: 3 });
    assert_eq!(world.all(), before);
    world.expect_clean();
    assert_eq!(world.restore(&shape(&outputs)).unwrap(), Restored::InPlace);
}

#[test]
fn what_lay_among_the_outputs_before_the_task_ran_is_not_its_to_remove() {
    let world = World::new(&["dist"]);
    world.lay(&[("s/dist", dir()), ("s/dist/mine", file("a person's"))]);
    // The clock of the file system has to tick, or both count as made by the task.
    std::thread::sleep(std::time::Duration::from_millis(30));
    let lock = world.outputs.lock(&world.task, &|| false, &mut || {});
    world.lay(&[("s/dist/made", file("by the task"))]);
    let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
    world
        .outputs
        .remember(&world.task, &collected, lock.as_ref())
        .unwrap();
    drop(lock);
    let other = shape(&[("s/dist", dir()), ("s/dist/other", file("b"))]);
    let before = world.all();
    let refused = world.restore(&other);
    assert!(
        matches!(&refused, Err(NotRestored::InTheWay(path)) if *path == "s/dist/mine".into()),
        "{refused:?}"
    );
    assert_eq!(world.all(), before);
    fs::remove_file(world.root.join("s/dist/mine")).unwrap();
    world.restore(&other).unwrap();
    assert_eq!(world.matched(), other);
}

#[test]
fn patterns_that_match_nothing_are_told() {
    let world = World::new(&["dist", "bin/*", "nothing/**"]);
    world.lay(&[("s/bin/x", file("x")), ("s/nothing", dir())]);
    let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
    assert_eq!(collected.unmatched, [0, 2]);
}

#[test]
fn sockets_and_links_above_outputs_are_refused() {
    let check = |lay: &dyn Fn(&World), expected: Option<(&str, &'static str)>| {
        let world = World::new(&["dist/**", "deep/bin/x"]);
        world.lay(&[("s/dist/x", file("x")), ("elsewhere/bin/x", file("x"))]);
        lay(&world);
        let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
        let expected = expected.map(|(path, what)| (FilePath::from(path), what));
        assert_eq!(collected.refused, expected);
        assert_eq!(collected.tree.entries().is_empty(), expected.is_some());
    };
    check(&|_| {}, None);
    check(
        &|world| {
            std::os::unix::net::UnixListener::bind(world.root.join("s/dist/socket")).unwrap();
        },
        Some(("s/dist/socket", "a socket")),
    );
    check(
        &|world| {
            let path = world.root.join("s/dist/fifo");
            let path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
            #[expect(unsafe_code, reason = "the standard library makes no fifos")]
            // SAFETY: the path is a string that ends.
            let made = unsafe { libc::mkfifo(path.as_ptr(), 0o644) };
            assert_eq!(made, 0);
        },
        Some(("s/dist/fifo", "a fifo")),
    );
    check(
        &|world| symlink("../elsewhere", world.root.join("s/deep")).unwrap(),
        Some(("s/deep", "a link above outputs")),
    );
    check(
        &|world| {
            fs::remove_dir_all(world.root.join("s/dist")).unwrap();
            symlink("../elsewhere", world.root.join("s/dist")).unwrap();
        },
        Some(("s/dist", "a link above outputs")),
    );
}

#[test]
fn git_and_staging_directories_are_no_outputs() {
    let world = World::new(&["**/*"]);
    world.lay(&[
        ("s/a", file("a")),
        ("s/.git/config", file("git")),
        ("s/.svc-0123456789abcdef/new/0", file("staged")),
    ]);
    let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
    assert_eq!(collected.tree, tree_of(&shape(&[("s/a", file("a"))])).0);
}

#[test]
fn only_what_differs_is_touched() {
    let world = World::new(&["dist"]);
    let first = shape(&[
        ("s/dist", dir()),
        ("s/dist/same", file("same")),
        ("s/dist/mode", file("mode")),
        ("s/dist/text", file("old")),
        ("s/dist/stale/deep", file("stale")),
        ("s/dist/stale", dir()),
    ]);
    world.restore(&first).unwrap();
    let inode = |name: &str| {
        let metadata = fs::symlink_metadata(world.root.join(name)).unwrap();
        (metadata.ino(), metadata.mtime_nsec())
    };
    let outside = world.root.join("linked");
    fs::hard_link(world.root.join("s/dist/mode"), &outside).unwrap();
    let same = inode("s/dist/same");
    let second = shape(&[
        ("s/dist", Thing::Dir(0o700)),
        ("s/dist/same", file("same")),
        ("s/dist/mode", Thing::File("mode".into(), 0o755)),
        ("s/dist/text", file("new")),
    ]);
    let restored = world.restore(&second).unwrap();
    assert_eq!(restored, Restored::Written { files: 2 });
    assert_eq!(world.matched(), second);
    assert_eq!(inode("s/dist/same"), same);
    assert_eq!(fs::metadata(outside).unwrap().mode() & 0o777, 0o644);
    world.expect_clean();
}

#[test]
fn what_nobody_left_is_in_the_way() {
    let check =
        |lies: &[(&str, Thing)], asked: &[&str], answers: &[bool], expected: Option<&str>| {
            let world = World::new(&["dist", "out/**"]);
            let left = shape(&[
                ("s/dist", dir()),
                ("s/dist/left", file("left")),
                ("s/dist/old", file("1")),
            ]);
            world.restore(&left).unwrap();
            world.lay(lies);
            let before = world.all();
            let result = shape(&[
                ("s/dist", dir()),
                ("s/dist/old", file("2")),
                ("s/out/x", file("x")),
            ]);
            let (tree, mut store) = tree_of(&result);
            let heard = RefCell::new(Vec::new());
            let restored = world.restore_from(&tree, &mut store, &|paths| {
                heard
                    .borrow_mut()
                    .push(paths.iter().map(FilePath::display).collect::<Vec<_>>());
                answers.to_vec()
            });
            let asked: Vec<Vec<String>> = (!asked.is_empty())
                .then(|| asked.iter().map(|it| (*it).to_owned()).collect())
                .into_iter()
                .collect();
            assert_eq!(heard.into_inner(), asked);
            assert_eq!(in_the_way(&restored).as_deref(), expected, "{restored:?}");
            match expected {
                Some(_) => assert_eq!(world.all(), before),
                None => assert_eq!(world.matched(), result),
            }
            world.expect_clean();
        };
    check(&[], &[], &[], None);
    // Directories are nobody's work.
    check(&[("s/dist/empty", dir())], &[], &[], None);
    check(&[("s/dist/x", file("x"))], &["s/dist/x"], &[true], None);
    check(
        &[("s/dist/x", file("x"))],
        &["s/dist/x"],
        &[false],
        Some("s/dist/x"),
    );
    check(
        &[("s/dist/x", link("x"))],
        &["s/dist/x"],
        &[],
        Some("s/dist/x"),
    );
    // Left by a result, and edited since.
    check(
        &[("s/dist/left", file("edit"))],
        &["s/dist/left"],
        &[false],
        Some("s/dist/left"),
    );
    check(
        &[("s/dist/old", file("edit"))],
        &["s/dist/old"],
        &[false],
        Some("s/dist/old"),
    );
    check(
        &[("s/dist/old", file("edit"))],
        &["s/dist/old"],
        &[true],
        None,
    );
    // Not left, and the same as what comes.
    check(&[("s/out/x", file("x"))], &[], &[], None);
    check(
        &[("s/out/x/a", file("a")), ("s/out/x/b", file("b"))],
        &["s/out/x/a", "s/out/x/b"],
        &[true, false],
        Some("s/out/x/b"),
    );
    check(&[("s/out/x/a", file("a"))], &["s/out/x/a"], &[true], None);
    // A repository in a directory that would go away; a file where no pattern takes one.
    check(
        &[("s/dist/r/.git/HEAD", file("x"))],
        &[],
        &[],
        Some("s/dist/r/.git"),
    );
    check(&[("s/out", file("x"))], &[], &[], Some("s/out"));
}

#[test]
fn a_link_on_the_way_is_never_followed() {
    let check = |path: &str, target: &str| {
        let world = World::new(&["deep/dist", "out/**"]);
        world.lay(&[("elsewhere/dist/mine", file("mine")), (path, link(target))]);
        let before = world.all();
        let result = [
            ("s/deep/dist", dir()),
            ("s/deep/dist/x", file("x")),
            ("s/out/x", file("x")),
        ];
        let restored = world.restore(&shape(&result));
        match restored {
            Err(NotRestored::Leaves(leaves)) => assert_eq!(leaves.display(), path),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.all(), before);
    };
    check("s/deep", "../elsewhere");
    check("s/out", "../elsewhere");
    check("s", "elsewhere");
}

#[test]
fn a_result_of_a_hostile_store_touches_nothing() {
    let check = |path: &str| {
        let world = World::new(&["dist"]);
        world.lay(&[("s/main.c", file("c"))]);
        let before = world.all();
        let mut result = shape(&[("s/dist", dir())]);
        result.insert(path.into(), file("bad"));
        let restored = world.restore(&result);
        assert!(
            matches!(restored, Err(NotRestored::Leaves(_))),
            "{path}: {restored:?}"
        );
        assert_eq!(world.all(), before);
    };
    check("s/main.c");
    check("s/dist/../main.c");
    check("s/dist/.git/hooks");
    check("/etc/passwd");
    check("s/dist//x");
    check("");
}

#[test]
fn a_restore_that_fails_half_way_changes_nothing() {
    let old = shape(&[
        ("s/dist", dir()),
        ("s/dist/a", file("1")),
        ("s/dist/b/x", file("1")),
        ("s/dist/b", dir()),
        ("s/dist/c", link("1")),
        ("s/dist/sealed", Thing::Dir(0o555)),
    ]);
    let new = shape(&[
        ("s/dist", Thing::Dir(0o700)),
        ("s/dist/a", file("2")),
        ("s/dist/b", file("2")),
        ("s/dist/c", file("3")),
        ("s/dist/d", file("4")),
        ("s/dist/sealed", Thing::Dir(0o555)),
        ("s/dist/sealed/x", file("5")),
        ("s/out/x", file("6")),
    ]);
    // Contents that are missing, one after the other.
    for missing in 1..=6 {
        let world = World::new(&["dist", "out/**"]);
        world.restore(&old).unwrap();
        let before = world.all();
        let (tree, mut store) = tree_of(&new);
        store.before = Some(Box::new(move |count| match count == missing {
            true => Err(Error::Damaged("damaged".into())),
            false => Ok(()),
        }));
        let restored = world.restore_from(&tree, &mut store, &|paths| vec![false; paths.len()]);
        assert!(
            matches!(restored, Err(NotRestored::Failed(_))),
            "{restored:?}"
        );
        assert_eq!(world.all(), before);
        world.expect_clean();
        assert!(world.is_in_place(&old));
        world.restore(&new).unwrap();
        assert_eq!(world.matched(), new);
    }
    // Somebody makes or edits something while all is being prepared: the moves begin, and one of them fails.
    let meanwhile = [
        ("s/dist/a", file("mine")),
        ("s/dist/b/mine", file("mine")),
        ("s/dist/d", file("mine")),
        ("s/dist/sealed/x", file("mine")),
        ("s/out", file("mine")),
    ];
    for (path, thing) in meanwhile {
        let world = World::new(&["dist", "out/**"]);
        world.restore(&old).unwrap();
        let mut before = world.all();
        let (tree, mut store) = tree_of(&new);
        let made = world.root.join(path);
        let lays = thing.clone();
        store.before = Some(Box::new(move |count| {
            if count == 6 {
                lay(&made, &lays);
            }
            Ok(())
        }));
        let restored = world.restore_from(&tree, &mut store, &|paths| vec![false; paths.len()]);
        assert_eq!(in_the_way(&restored).as_deref(), Some(path), "{restored:?}");
        before.insert(path.into(), thing);
        assert_eq!(world.all(), before, "{path}");
        world.expect_clean();
    }
}

#[test]
fn a_restore_stops_when_it_is_asked_to() {
    let world = World::new(&["dist"]);
    let result = shape(&[("s/dist", dir()), ("s/dist/x", file("x"))]);
    let (tree, mut store) = tree_of(&result);
    let nobody = |paths: &[FilePath]| vec![false; paths.len()];
    let World {
        outputs,
        task,
        patterns,
        ..
    } = &world;
    let restored = outputs.restore(task, patterns, &tree, &mut store, &nobody, &|| true);
    assert!(matches!(restored, Err(NotRestored::Stopped)));
    assert_eq!(world.all(), Shape::new());
    world.expect_clean();
}

#[test]
fn whatever_changes_is_seen() {
    let result = shape(&[
        ("s/dist", dir()),
        ("s/dist/a", file("a")),
        ("s/dist/d", dir()),
        ("s/dist/link", link("a")),
        ("s/out/x", file("x")),
    ]);
    let changes: [(&str, &dyn Fn(&Path)); 9] = [
        ("content", &|s| fs::write(s.join("dist/a"), "b").unwrap()),
        ("mode", &|s| {
            lay(&s.join("dist/a"), &Thing::File("a".into(), 0o600))
        }),
        ("mode of a directory", &|s| {
            lay(&s.join("dist/d"), &Thing::Dir(0o700))
        }),
        ("more", &|s| fs::write(s.join("dist/d/more"), "").unwrap()),
        ("more beside", &|s| fs::write(s.join("out/y"), "").unwrap()),
        ("more where nothing was", &|s| {
            fs::write(s.join("bin"), "").unwrap()
        }),
        ("less", &|s| fs::remove_file(s.join("dist/a")).unwrap()),
        ("another link", &|s| {
            fs::remove_file(s.join("dist/link")).unwrap();
            symlink("b", s.join("dist/link")).unwrap();
        }),
        ("link above", &|s| {
            fs::rename(s.join("out"), s.join("out2")).unwrap();
            symlink("out2", s.join("out")).unwrap();
        }),
    ];
    for settled in [false, true] {
        for (what, change) in &changes {
            let world = World::new(&["dist", "out/**", "bin"]);
            world.restore(&result).unwrap();
            assert!(world.is_in_place(&result));
            if settled {
                settle(&world, &result);
            }
            change(&world.root.join("s"));
            assert!(!world.is_in_place(&result), "{what}");
        }
    }
}

#[test]
fn an_edit_that_keeps_size_and_time_is_seen() {
    let world = World::new(&["dist"]);
    let result = shape(&[("s/dist", file("aaaa"))]);
    for _ in 0..100 {
        world
            .restore_from(&tree_of(&result).0, &mut tree_of(&result).1, &|it| {
                vec![true; it.len()]
            })
            .unwrap();
        assert!(world.is_in_place(&result));
        let path = world.root.join("s/dist");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "bbbb").unwrap();
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert!(!world.is_in_place(&result));
        let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
        assert_eq!(
            collected.tree,
            tree_of(&shape(&[("s/dist", file("bbbb"))])).0
        );
    }
}

#[test]
fn a_lost_memory_is_no_harm() {
    let world = World::new(&["dist"]);
    let result = shape(&[("s/dist", dir()), ("s/dist/x", file("x"))]);
    world.restore(&result).unwrap();
    let memory = world.root.join(".git/svc/outputs/left/s.build");
    for bytes in [&b""[..], b"foreign", &[0; 100]] {
        fs::write(&memory, bytes).unwrap();
        assert!(world.is_in_place(&result));
        assert!(fs::read(&memory).unwrap().len() > 100);
    }
    // Where nothing can be remembered, everything is read.
    fs::remove_dir_all(world.root.join(".git")).unwrap();
    fs::write(world.root.join(".git"), "").unwrap();
    assert!(world.is_in_place(&result));
    let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
    assert!(
        world
            .outputs
            .remember(&world.task, &collected, None)
            .is_err()
    );
    assert_eq!(collected.tree, tree_of(&result).0);
    assert!(
        world
            .outputs
            .lock(&world.task, &|| false, &mut || {})
            .is_some()
    );
}

#[test]
fn only_one_at_a_time_has_the_lock() {
    let world = World::new(&[]);
    let first = world.outputs.lock(&world.task, &|| false, &mut || panic!());
    assert!(first.is_some());
    let mut told = 0;
    let second = world.outputs.lock(&world.task, &|| true, &mut || told += 1);
    assert!(second.is_none());
    assert_eq!(told, 1);
    drop(first);
    assert!(
        world
            .outputs
            .lock(&world.task, &|| true, &mut || panic!())
            .is_some()
    );
}

/// Waits until all stamps can be trusted: then nothing is read, which shows in the memory that does not change any more.
fn settle(world: &World, result: &Shape) {
    let memory = world.root.join(".git/svc/outputs/left/s.build");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let before = fs::metadata(&memory).unwrap().ino();
        let bytes = fs::read(&memory).unwrap();
        assert!(world.is_in_place(result));
        let now = fs::metadata(&memory).unwrap().ino();
        if before == now && bytes == fs::read(&memory).unwrap() {
            return;
        }
        assert!(std::time::Instant::now() < deadline);
    }
}

/// Any files, links and directories below the outputs, kinds and modes mixed.
fn shapes() -> impl Strategy<Value = Shape> {
    let name = prop::sample::select(vec!["a", "b", "a-b", "c.o"]);
    let below = prop::collection::vec(name, 0..4);
    let start = prop::sample::select(vec!["s/dist", "s/out/o", "s/x/y.o"]);
    let text = prop::sample::select(vec!["", "1", "2", "longer"]);
    let mode = prop::sample::select(vec![0o644, 0o755, 0o400, 0o4711]);
    let thing = prop_oneof![
        4 => (text, mode).prop_map(|(text, mode)| Thing::File(text.into(), mode)),
        1 => prop::sample::select(vec!["a", "../b", "/nowhere"]).prop_map(link),
        2 => prop::sample::select(vec![0o755, 0o700, 0o555, 0o2775]).prop_map(Thing::Dir),
    ];
    let entry = (start, below, thing);
    prop::collection::vec(entry, 0..14).prop_map(|entries| {
        let mut shape = Shape::new();
        for (start, below, thing) in entries {
            let path = [vec![start], below].concat().join("/");
            let above: Vec<&str> = path.match_indices('/').map(|it| &path[..it.0]).collect();
            let above = above.into_iter().filter(|it| it.len() >= start.len());
            let above: Vec<String> = above.map(str::to_owned).collect();
            let is_below_file = above
                .iter()
                .any(|it| !matches!(shape.get(it), None | Some(Thing::Dir(_))));
            if !is_below_file && !shape.contains_key(&path) {
                for directory in above {
                    shape.entry(directory).or_insert(Thing::Dir(0o755));
                }
                shape.insert(path, thing);
            }
        }
        shape
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(rounds(64)))]

    #[test]
    fn any_result_takes_the_place_of_any_other(a in shapes(), b in shapes(), with_others: bool) {
        let world = World::new(&["dist", "out/**", "x/*.o"]);
        let mut unrelated = vec![
            ("s/main.c", file("c")), ("s/dist-2", file("d")), ("s/x/keep", file("k")), ("other/dist", file("o")),
        ];
        if !with_others {
            unrelated = Vec::new();
        }
        world.lay(&unrelated);
        for wanted in [&a, &b, &a] {
            let restored = world.restore(wanted);
            prop_assert!(restored.is_ok(), "{:?}", restored);
            prop_assert_eq!(&world.matched(), wanted);
            prop_assert!(world.is_in_place(wanted));
            let all = world.all();
            for (path, thing) in &unrelated {
                prop_assert_eq!(all.get(*path), Some(thing));
            }
            world.expect_clean();
            let collected = world.outputs.collect(&world.task, &world.patterns).unwrap();
            prop_assert_eq!(collected.tree, tree_of(wanted).0);
            prop_assert_eq!(world.restore(wanted).unwrap(), Restored::InPlace);
        }
    }
}

fn rounds(few: u32) -> u32 {
    let rounds = std::env::var("SVC_TEST_ROUNDS");
    rounds.map_or(few, |text| text.parse().unwrap())
}

const CHILD: &str = "SVC_TEST_RESTORES_IN";

/// Two results that differ in every way.
fn two_results() -> [Shape; 2] {
    let both = ["1", "2"].map(|text| {
        let files = (0..20).map(|at| (format!("s/dist/f{at:02}"), file(&format!("{text} {at}"))));
        let mut shape: Shape = files.collect();
        shape.insert("s/dist".into(), dir());
        shape.insert("s/dist/same".into(), file("same"));
        shape
    });
    let [mut a, mut b] = both;
    a.extend(shape(&[
        ("s/dist/kind", dir()),
        ("s/dist/kind/x", file("x")),
        ("s/dist/only-a", dir()),
        ("s/dist/only-a/x", file("x")),
        ("s/dist/sealed", Thing::Dir(0o555)),
        ("s/dist/sealed/x", file("a")),
    ]));
    b.extend(shape(&[
        ("s/dist/kind", file("file")),
        ("s/dist/only-b", dir()),
        ("s/dist/only-b/x", link("x")),
        ("s/dist/sealed", Thing::Dir(0o500)),
        ("s/dist/sealed/x", file("b")),
        ("s/dist/sealed/y", file("b")),
    ]));
    [a, b]
}

/// Not a test by itself: what the others start, and kill.
#[test]
fn restores_again_and_again_as_a_child() {
    let Some(root) = std::env::var_os(CHILD) else {
        return;
    };
    let world = World::at(Path::new(&root), &["dist"]);
    let results = two_results();
    for turn in 0..2000 {
        let lock = world
            .outputs
            .lock(&world.task, &|| false, &mut || {})
            .unwrap();
        let restored = world.restore(&results[turn % 2]);
        assert!(restored.is_ok(), "{restored:?}");
        assert!(world.is_in_place(&results[turn % 2]));
        drop(lock);
        // Others want it, too, and whoever waits looks only now and then.
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

fn child(root: &Path) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restores_again_and_again_as_a_child"])
        .env(CHILD, root)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_kill_at_any_moment_leaves_one_result_or_the_other() {
    let world = World::new(&["dist"]);
    let results = two_results();
    let unrelated = [("s/main.c", file("c")), ("s/dist-2", file("d"))];
    world.lay(&unrelated);
    world.restore(&results[0]).unwrap();
    let mut killed_amid = 0;
    for round in 0..rounds(8) {
        let mut child = child(&world.root);
        // Starting takes a few milliseconds; then the moment is anywhere in a restore.
        let micros = 4000 + u64::from(round.wrapping_mul(2_654_435_761) % 12_000);
        std::thread::sleep(std::time::Duration::from_micros(micros));
        child.kill().unwrap();
        child.wait().unwrap();
        killed_amid += world.outputs.recover().len();
        world.expect_clean();
        let now = world.matched();
        assert!(results.contains(&now), "round {round}: {now:#?}");
        let all = world.all();
        assert!(
            unrelated
                .iter()
                .all(|(path, thing)| all.get(*path) == Some(thing))
        );
        // What a killed one left is known to be left: nobody has to be asked.
        for result in &results {
            world.restore(result).unwrap();
            assert_eq!(&world.matched(), result);
        }
    }
    // Nobody sees this but who asks for many rounds and how well they aim.
    println!("{killed_amid} were killed in the middle");
}

#[test]
fn two_that_restore_the_same_task_take_turns() {
    let world = World::new(&["dist"]);
    let results = two_results();
    world.restore(&results[0]).unwrap();
    let mut children = [child(&world.root), child(&world.root)];
    for _ in 0..10 {
        let lock = world
            .outputs
            .lock(&world.task, &|| false, &mut || {})
            .unwrap();
        assert_eq!(lock.recovered, None);
        assert!(results.contains(&world.matched()));
        world.expect_clean();
        drop(lock);
        // What a living one works on is left alone.
        world.outputs.recover();
    }
    for child in &mut children {
        assert!(child.try_wait().unwrap().is_none_or(|it| it.success()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    world.outputs.recover();
    assert!(results.contains(&world.matched()));
    world.expect_clean();
}
