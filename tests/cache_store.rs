//! The store of results, with real files: what is kept comes back, and nothing else ever does.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "these tests start processes, watch the clock, say what they skip, and end where something cannot be set up"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use svc::cache::{Access, Contents, Error, Found, Kept, NewResult, Store};
use svc::model::digest::{Digest, Digester};
use svc::model::key::{FORMAT, InputFiles, Key};
use svc::model::name::TaskId;
use svc::model::outputs::{ContentId, Output, OutputEntry, OutputTree};
use svc::model::path::FilePath;
use tempfile::TempDir;

/// A store, and a workspace that outputs are made in.
struct World {
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn place(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn store(&self) -> Store {
        Store::open(&self.place(), Access::ReadWrite).unwrap()
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Keeps these files, written anew, under the key with this name.
    fn keep(&self, key: &str, files: &[(&str, &[u8])]) -> Kept {
        let tree = written(&self.root(), files);
        keep(&self.store(), &self.root(), key, &tree, None).unwrap()
    }

    /// All files of the store that hold results or contents.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for shelf in ["results", "packs", "files"] {
            walk(&self.place().join("v1").join(shelf), &mut found);
        }
        found
    }

    /// Lets everything look a day older than it does.
    fn grow_older(&self) {
        for file in self.files() {
            let time = file.metadata().unwrap().modified().unwrap();
            set_time(&file, time - Duration::from_secs(24 * 3600));
        }
    }

    /// Makes everything look as if it was last used so long ago.
    fn age(&self, age: Duration) {
        for file in self.files() {
            set_time(&file, SystemTime::now() - age);
        }
    }
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => walk(&path, found),
            path => found.push(path),
        }
    }
}

/// Writes these files, and gives the tree of them.
fn written(root: &Path, files: &[(&str, &[u8])]) -> OutputTree {
    let file = |(path, bytes): &(&str, &[u8])| {
        let to = root.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
        OutputEntry {
            path: FilePath::from(*path),
            output: Output::File {
                mode: 0o644,
                size: bytes.len() as u64,
                content: ContentId::of(bytes),
            },
        }
    };
    OutputTree::new(files.iter().map(file).collect())
}

fn digest(text: &str) -> Digest {
    Digester::new("test").part("text", text.as_bytes()).finish()
}

/// A key that differs from those with other names.
fn key(name: &str) -> Key {
    Key {
        format: FORMAT,
        task: TaskId::parse("api:build").unwrap(),
        path: "api".into(),
        commands: vec![name.into()],
        arguments: vec![],
        shell: vec!["sh".into()],
        outputs: Some(vec!["api/dist".into()]),
        strict_env: true,
        platform: "linux".into(),
        inputs: InputFiles::new(vec![]),
        global_inputs: InputFiles::new(vec![]),
        variables: BTreeMap::new(),
        tools: BTreeMap::new(),
        needs: BTreeMap::new(),
        dependencies: BTreeMap::new(),
        sources: BTreeMap::new(),
    }
}

fn keep(
    store: &Store,
    root: &Path,
    name: &str,
    tree: &OutputTree,
    log: Option<&Path>,
) -> Result<Kept, Error> {
    let (key, line) = (key(name), digest("line"));
    let values = [("name".to_owned(), name.to_owned())].into();
    store.keep(
        root,
        &NewResult {
            key: &key,
            task_line: &line,
            outputs: tree,
            values: &values,
            duration: Duration::from_millis(1500),
            log,
        },
    )
}

fn find(store: &Store, name: &str) -> Option<Found> {
    store.find(&key(name).digest())
}

/// What came back of a result, or nothing where any part is missing. What comes back is what the tree says.
fn restored(store: &Store, found: &Found) -> Option<BTreeMap<String, Vec<u8>>> {
    let to = tempfile::tempdir().unwrap();
    let mut contents = store.contents(found);
    let mut files = BTreeMap::new();
    for (at, entry) in found.outputs.entries().iter().enumerate() {
        let Output::File { content, size, .. } = &entry.output else {
            continue;
        };
        let path = to.path().join(at.to_string());
        if contents.write(content, &path).is_err() {
            assert!(!path.exists(), "what could not be written leaves nothing");
            return None;
        }
        let bytes = fs::read(&path).unwrap();
        assert_eq!(
            (ContentId::of(&bytes), bytes.len() as u64),
            (*content, *size)
        );
        files.insert(entry.path.display(), bytes);
    }
    Some(files)
}

fn text_of_log(store: &Store, found: &Found) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    store.log(found)?.read_to_end(&mut text).ok()?;
    Some(text)
}

/// Bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

fn rounds(few: usize) -> usize {
    let rounds = std::env::var("SVC_TEST_ROUNDS").ok();
    rounds.and_then(|it| it.parse().ok()).unwrap_or(few)
}

#[test]
fn what_was_kept_is_found() {
    let world = World::new();
    let large = noise(1, (1 << 20) + 17);
    let files: [(&str, &[u8]); 5] = [
        ("dist/a", b"one"),
        ("dist/again", b"one"),
        ("dist/empty", b""),
        ("dist/deep/b", b"two"),
        ("dist/large", &large),
    ];
    let log = world.directory.path().join("log");
    fs::write(&log, "built\n".repeat(10_000)).unwrap();
    let tree = written(&world.root(), &files);
    let store = world.store();
    assert!(find(&store, "k").is_none());
    let kept = keep(&store, &world.root(), "k", &tree, Some(&log)).unwrap();
    assert!(!kept.conflict && kept.written > 1 << 20);

    let store = Store::open(&world.place(), Access::ReadOnly).unwrap();
    let found = find(&store, "k").unwrap();
    assert_eq!(found.outputs, tree);
    assert_eq!(found.outputs_digest, tree.digest());
    assert_eq!(found.values["name"], "k");
    assert_eq!(found.duration, Duration::from_millis(1500));
    assert!(found.kept > 0 && store.is_complete(&found));
    assert_eq!(found.log, Some(60_000));
    assert_eq!(
        text_of_log(&store, &found).unwrap(),
        fs::read(&log).unwrap()
    );
    let restored = restored(&store, &found).unwrap();
    for (path, bytes) in files {
        assert_eq!(restored[path], bytes);
    }
    assert_eq!(store.key(&key("k").digest()), Some(key("k")));
    assert!(store.troubles().is_empty());
}

#[test]
fn a_result_without_outputs_and_log_is_a_result() {
    let world = World::new();
    world.keep("k", &[]);
    let store = world.store();
    let found = find(&store, "k").unwrap();
    assert_eq!((found.outputs.entries().len(), found.log), (0, None));
    assert!(store.log(&found).is_none());
}

#[test]
fn many_small_files_and_several_packs_come_back() {
    let world = World::new();
    let files: Vec<(String, Vec<u8>)> = (0..60)
        .map(|at| (format!("dist/{at}"), noise(at, 300_000)))
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_slice()))
        .collect();
    world.keep("k", &files);
    let store = world.store();
    assert!(store.stats().objects > 3);
    let found = find(&store, "k").unwrap();
    assert_eq!(restored(&store, &found).unwrap().len(), 60);
}

#[test]
fn the_same_outputs_are_stored_once() {
    let world = World::new();
    let large = noise(1, 3 << 20);
    world.keep("one", &[("large", &large), ("small", b"x")]);
    let kept = world.keep("two", &[("large", &large), ("small", b"x")]);
    assert!(kept.written < 10_000);
    let stats = world.store().stats();
    assert_eq!((stats.results, stats.objects), (2, 2));
    assert_eq!(stats.output_bytes, 2 * ((3 << 20) + 1));
}

#[test]
fn a_damaged_byte_anywhere_is_a_miss_or_changes_nothing() {
    let world = World::new();
    let log = world.directory.path().join("log");
    fs::write(&log, "built").unwrap();
    let files: [(&str, &[u8]); 2] = [("a", b"some text"), ("b", &noise(3, 40))];
    let tree = written(&world.root(), &files);
    keep(&world.store(), &world.root(), "k", &tree, Some(&log)).unwrap();
    let originals: Vec<_> = world
        .files()
        .into_iter()
        .map(|it| (fs::read(&it).unwrap(), it))
        .collect();
    let (mut misses, mut all) = (0, 0);
    let mut check = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).unwrap();
        for access in [Access::ReadOnly, Access::ReadWrite] {
            if access == Access::ReadOnly && !bytes.len().is_multiple_of(4) {
                continue;
            }
            let store = Store::open(&world.place(), access).unwrap();
            let whole = find(&store, "k").and_then(|found| {
                assert_eq!(found.outputs, tree);
                assert_eq!(found.values["name"], "k");
                let text = text_of_log(&store, &found)?;
                assert_eq!(text, b"built");
                if let Some(earlier) = store.key(&found.key) {
                    assert_eq!(earlier, key("k"));
                }
                restored(&store, &found)
            });
            if access == Access::ReadOnly {
                assert_eq!(fs::read(path).unwrap(), bytes, "nothing is dropped");
            }
            all += 1;
            misses += usize::from(whole.is_none());
            assert!(whole.is_some() || !store.troubles().is_empty());
        }
        for (bytes, path) in &originals {
            fs::write(path, bytes).unwrap();
        }
    };
    for (bytes, path) in &originals {
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            check(path, &changed);
            check(path, &bytes[..at]);
        }
        check(path, &[bytes.as_slice(), b"more"].concat());
        check(path, b"a foreign file");
    }
    // Only the key is not needed for a hit, and bits that the compression does not use.
    assert!(misses * 10 > all * 7, "{misses} of {all}");
}

#[test]
fn foreign_things_in_place_of_files_are_misses_and_make_way() {
    let world = World::new();
    let large = noise(1, 1 << 20);
    let files: [(&str, &[u8]); 2] = [("large", &large), ("small", b"x")];
    world.keep("k", &files);
    let paths = world.files();
    assert_eq!(paths.len(), 3);
    let puts: [fn(&Path); 3] = [
        |path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("x"), "").unwrap();
        },
        |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        |path| {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                path,
                rustix::fs::FileType::Fifo,
                0o600.into(),
                0,
            )
            .unwrap();
        },
    ];
    for put in puts {
        for path in &paths {
            fs::remove_file(path).unwrap();
            put(path);
            let store = world.store();
            let whole = find(&store, "k").and_then(|it| restored(&store, &it));
            assert!(whole.is_none(), "{}", path.display());
            assert!(!store.troubles().is_empty());
            world.keep("k", &files);
            let found = find(&store, "k").unwrap();
            assert_eq!(restored(&store, &found).unwrap()["large"], large);
        }
    }
}

#[test]
fn a_missing_part_is_a_miss_and_is_written_again() {
    let world = World::new();
    let large = noise(1, 1 << 20);
    let files: [(&str, &[u8]); 2] = [("large", &large), ("small", b"x")];
    for shelf in ["packs", "files"] {
        world.keep("k", &files);
        let store = world.store();
        fs::remove_dir_all(world.place().join("v1").join(shelf)).unwrap();
        let found = find(&store, "k").unwrap();
        assert!(!store.is_complete(&found));
        assert!(restored(&store, &found).is_none());
        assert!(find(&store, "k").is_none(), "the entry is dropped");
    }
    fs::remove_dir_all(world.place()).unwrap();
    let store = Store::open(&world.place(), Access::ReadWrite).unwrap();
    fs::remove_dir_all(world.place()).unwrap();
    let tree = written(&world.root(), &files);
    keep(&store, &world.root(), "k", &tree, None).unwrap();
    assert!(restored(&store, &find(&store, "k").unwrap()).is_some());
}

#[test]
fn an_output_that_changed_is_not_kept() {
    let world = World::new();
    let store = world.store();
    for (size, before, after) in [(3, 1, 2), (2 << 20, 1, 2)] {
        let tree = written(&world.root(), &[("x", &noise(before, size))]);
        fs::write(world.root().join("x"), noise(after, size)).unwrap();
        let kept = keep(&store, &world.root(), "k", &tree, None);
        assert!(matches!(kept, Err(Error::Unsteady(path)) if path.as_bytes() == b"x"));
        fs::remove_file(world.root().join("x")).unwrap();
        let kept = keep(&store, &world.root(), "k", &tree, None);
        assert!(matches!(kept, Err(Error::Unsteady(_))));
    }
    assert!(find(&store, "k").is_none());
    assert!(world.files().is_empty());
}

#[test]
fn the_last_of_two_that_differ_stands_and_is_counted() {
    let world = World::new();
    assert!(!world.keep("k", &[("x", b"1")]).conflict);
    assert!(!world.keep("k", &[("x", b"1")]).conflict);
    assert!(world.keep("k", &[("x", b"2")]).conflict);
    let store = world.store();
    let found = find(&store, "k").unwrap();
    assert_eq!(restored(&store, &found).unwrap()["x"], b"2");
    let stats = store.stats();
    assert_eq!((stats.results, stats.conflicts), (1, 1));
    assert_eq!(stats.last_conflicts[0].task.to_string(), "api:build");
    let list = world.place().join("v1/conflicts");
    let line = fs::read_to_string(&list).unwrap();
    fs::write(&list, line.repeat(700)).unwrap();
    assert!(world.keep("k", &[("x", b"3")]).conflict);
    let stats = store.stats();
    assert!(
        list.metadata().unwrap().len() < 1 << 10,
        "a long list is cut"
    );
    assert_eq!((stats.conflicts, stats.last_conflicts.len()), (701, 20));
}

#[test]
fn earlier_results_are_listed_newest_first() {
    let world = World::new();
    let store = world.store();
    let line = digest("line");
    assert!(store.earlier(&line).is_empty());
    for at in 0..400 {
        world.keep(&(at % 12).to_string(), &[]);
    }
    let path = world
        .place()
        .join(format!("v1/tasks/{}/{line}", &line.as_str()[..2]));
    assert!(path.metadata().unwrap().len() <= 17 << 10);
    let torn = [fs::read(&path).unwrap().as_slice(), b"\nabc"].concat();
    fs::write(&path, torn).unwrap();
    world.keep("last", &[]);
    let names = ["last", "3", "2", "1", "0", "11", "10", "9"];
    let keys: Vec<Digest> = names.iter().map(|it| key(it).digest()).collect();
    assert_eq!(store.earlier(&line), keys);
    assert_eq!(store.key(&keys[1]).unwrap().commands, ["3"]);
}

#[test]
fn a_store_that_is_only_read_writes_nothing() {
    let world = World::new();
    let missing = Store::open(&world.place(), Access::ReadOnly).unwrap();
    assert!(find(&missing, "k").is_none() && !world.place().exists());
    assert_eq!(missing.stats(), svc::cache::Stats::default());
    world.keep("k", &[("x", b"1")]);
    world.age(Duration::from_secs(10 * 24 * 3600));
    let all = || {
        let mut files = Vec::new();
        walk(&world.place(), &mut files);
        files.sort();
        let state = |it: PathBuf| {
            (
                fs::read(&it).unwrap(),
                it.metadata().unwrap().modified().unwrap(),
                it,
            )
        };
        files.into_iter().map(state).collect::<Vec<_>>()
    };
    let before = all();
    let store = Store::open(&world.place(), Access::ReadOnly).unwrap();
    let found = find(&store, "k").unwrap();
    assert!(restored(&store, &found).is_some());
    keep(&store, &world.root(), "other", &found.outputs, None).unwrap();
    store.remove(&found.key);
    store.prune(0).unwrap();
    store.prune_if_due(0);
    store.clear().unwrap();
    assert_eq!(all(), before);
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let world = World::new();
    let shared = noise(99, 1 << 20);
    for at in 0..10 {
        let own = noise(at, 1 << 20);
        world.keep(&at.to_string(), &[("shared", &shared), ("own", &own)]);
        world.grow_older();
    }
    let store = world.store();
    assert!(find(&store, "0").is_some(), "which makes it the newest");
    assert_eq!(store.prune(20 << 20).unwrap().results, 0);
    let pruned = store.prune(7 << 20).unwrap();
    assert!(pruned.left <= 7 << 20 && pruned.results == 5, "{pruned:?}");
    for at in 0..10 {
        let found = find(&store, &at.to_string());
        assert_eq!(found.is_some(), at == 0 || at > 5, "{at}");
        assert!(found.is_none_or(|it| restored(&store, &it).is_some()));
    }
    assert_eq!(store.clear().unwrap().results, 5);
    assert_eq!(store.stats(), svc::cache::Stats::default());
    assert!(world.files().is_empty());
}

#[test]
fn times_in_the_future_do_not_keep_anything_for_ever() {
    let world = World::new();
    world.keep("k", &[("x", b"1")]);
    let future = SystemTime::now() + Duration::from_secs(1_000_000);
    for file in world.files() {
        set_time(&file, future);
    }
    let store = world.store();
    assert!(find(&store, "k").is_some());
    let result = world
        .files()
        .into_iter()
        .find(|it| it.to_str().unwrap().contains("results"));
    let time = result.unwrap().metadata().unwrap().modified().unwrap();
    assert!(time < future, "a hit sets it right");
    assert_eq!(store.prune(1).unwrap().objects, 1);
    assert!(world.files().is_empty());
}

#[test]
fn pruning_is_due_when_enough_was_kept() {
    let world = World::new();
    let store = world.store();
    for at in 0..3 {
        world.keep(&at.to_string(), &[("x", &noise(at, 1 << 20))]);
        world.grow_older();
        store.prune_if_due(2_500_000);
        let left: Vec<u64> = (0..3)
            .filter(|it| find(&store, &it.to_string()).is_some())
            .collect();
        assert_eq!(left, [vec![0], vec![0, 1], vec![1, 2]][at as usize]);
        world.grow_older();
    }
}

#[test]
fn what_killed_processes_left_is_removed() {
    let world = World::new();
    world.keep("k", &[("x", b"1")]);
    let temporary = world.place().join("v1/temporary");
    for (name, age) in [
        ("new-old", 10_000),
        ("aside-old", 10_000),
        ("foreign", 10_000),
        ("new-new", 10),
    ] {
        let path = temporary.join(name);
        fs::write(&path, "half").unwrap();
        set_time(&path, SystemTime::now() - Duration::from_secs(age));
    }
    world.store().prune(1 << 30).unwrap();
    let left = ["new-old", "aside-old", "foreign", "new-new"].map(|it| temporary.join(it).exists());
    assert_eq!(left, [false, false, true, true]);
    assert!(find(&world.store(), "k").is_some());
}

#[test]
fn only_one_prunes_at_a_time() {
    let world = World::new();
    let store = world.store();
    let lock = File::create(world.place().join("v1/lock")).unwrap();
    lock.lock().unwrap();
    assert!(store.prune(0).unwrap().busy && store.clear().unwrap().busy);
    drop(lock);
    assert!(!store.prune(0).unwrap().busy);
}

#[test]
fn nobody_else_can_read_or_write() {
    let world = World::new();
    world.keep("k", &[("x", b"1"), ("y", &noise(1, 1 << 20))]);
    for file in world.files() {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let directory = file.parent().unwrap().metadata().unwrap();
        assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    }
    let inner = world.place().join("v1");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = Store::open(&world.place(), access);
        assert!(matches!(refused, Err(Error::Untrusted(_))));
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Store::open(&world.place(), access).is_ok());
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let world = World::new();
    fs::write(world.place(), "a file").unwrap();
    assert!(Store::open(&world.place(), Access::ReadWrite).is_err());
    let store = Store::open(&world.place(), Access::ReadOnly).unwrap();
    assert!(find(&store, "k").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_files_come_back(
        sizes in proptest::collection::vec((0_usize..5, 0_usize..3000), 0..40),
        large in proptest::option::of(0_usize..200_000),
    ) {
        let world = World::new();
        let mut files: Vec<(String, Vec<u8>)> = sizes.iter().enumerate()
            .map(|(at, (seed, size))| (format!("d{}/{at}", at % 7), noise(*seed as u64, *size)))
            .collect();
        files.extend(large.map(|it| ("large".to_owned(), noise(9, (1 << 20) - 100_000 + it))));
        let files: Vec<(&str, &[u8])> = files.iter().map(|(a, b)| (a.as_str(), b.as_slice())).collect();
        world.keep("k", &files);
        let store = world.store();
        let found = find(&store, "k").unwrap();
        let restored = restored(&store, &found).unwrap();
        prop_assert_eq!(restored.len(), files.len());
        for (path, bytes) in files {
            prop_assert_eq!(&restored[path], bytes);
        }
    }
}

/// What the result `at` holds, whoever keeps it.
fn outputs_of(at: u64) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = (0..5)
        .map(|file| (format!("{file}"), noise(at * 7 + file, 3000)))
        .collect();
    files.push(("shared".into(), noise(1000, 20_000)));
    files.push(("large".into(), noise(at % 3, (1 << 20) + 5)));
    files
}

/// Keeps and looks for results until the time is over. Whatever is found is right. Says how often something was.
fn work(place: &Path, root: &Path, seed: u64, until: impl Fn(u64) -> bool) -> u64 {
    let store = Store::open(place, Access::ReadWrite).unwrap();
    let mut hits = 0;
    for turn in 0.. {
        if !until(turn) {
            break;
        }
        let at = u64::from(noise(seed * 100_000 + turn, 1)[0]) % 12;
        let files = outputs_of(at);
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_slice()))
            .collect();
        match find(&store, &at.to_string()) {
            Some(found) => {
                let Some(restored) = restored(&store, &found) else {
                    continue;
                };
                assert!(files.iter().all(|(path, bytes)| restored[*path] == *bytes));
                hits += 1;
            }
            None => {
                let own = root.join(format!("{seed}"));
                let tree = written(&own, &files);
                assert!(
                    !keep(&store, &own, &at.to_string(), &tree, None)
                        .unwrap()
                        .conflict
                );
            }
        }
    }
    hits
}

#[test]
fn many_at_once_with_pruning_never_see_anything_wrong() {
    let world = World::new();
    let place = world.place();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|seed| {
                let (place, root) = (&place, world.root());
                scope.spawn(move || {
                    let pruning = Store::open(place, Access::ReadWrite).unwrap();
                    work(place, &root, seed, |turn| {
                        if turn % 5 == 0 {
                            pruning.prune(4 << 20).unwrap();
                        }
                        turn < 40
                    })
                })
            })
            .collect();
        let hits: u64 = threads.into_iter().map(|it| it.join().unwrap()).sum();
        assert!(hits > 0);
    });
}

#[test]
fn without_need_to_prune_nothing_is_lost() {
    let world = World::new();
    let place = world.place();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (place, root) = (&place, world.root());
            scope.spawn(move || {
                let store = Store::open(place, Access::ReadWrite).unwrap();
                for turn in 0..10 {
                    let name = format!("{seed} {turn}");
                    let bytes = noise(seed * 100 + turn % 2, 500);
                    let own = root.join(seed.to_string());
                    let tree = written(&own, &[("x", &bytes)]);
                    keep(&store, &own, &name, &tree, None).unwrap();
                    store.prune(1 << 30).unwrap();
                    let found = find(&store, &name).unwrap();
                    assert_eq!(restored(&store, &found).unwrap()["x"], bytes);
                }
            });
        }
    });
    assert_eq!(world.store().stats().results, 40);
}

const CHILD: &str = "SVC_TEST_STORE";

/// Not a test of its own: what the processes do that others of these tests start and kill.
#[test]
fn works_on_a_store_as_a_child() {
    let Ok(place) = std::env::var(CHILD) else {
        return;
    };
    let place = PathBuf::from(place);
    let seed = u64::from(std::process::id());
    work(&place.join("store"), &place.join("root"), seed, |turn| {
        if turn % 7 == 0 {
            let _ = Store::open(&place.join("store"), Access::ReadWrite)
                .unwrap()
                .prune(5 << 20);
        }
        true
    });
}

#[test]
fn killed_at_any_moment_leaves_nothing_wrong() {
    let world = World::new();
    world.store();
    let start = |_| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["works_on_a_store_as_a_child", "--exact"])
            .env(CHILD, world.directory.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    for round in 0..rounds(5) {
        let mut children: Vec<_> = (0..3).map(start).collect();
        let began = Instant::now();
        let life = Duration::from_micros(10_000 + u64::from(noise(round as u64, 1)[0]) * 400);
        while began.elapsed() < life {
            std::thread::yield_now();
        }
        for child in &mut children {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "a child ended by itself: {ended:?}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let store = world.store();
        for at in 0..12 {
            let found = find(&store, &at.to_string());
            let Some(restored) = found.and_then(|it| restored(&store, &it)) else {
                continue;
            };
            assert!(
                outputs_of(at)
                    .iter()
                    .all(|(path, bytes)| restored[path] == *bytes)
            );
        }
        assert!(store.troubles().is_empty(), "{:?}", store.troubles());
        work(&world.place(), &world.root(), round as u64, |turn| turn < 4);
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let world = World::new();
    let disk = world.directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mounted.is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    }
    let unmount = Unmount(disk.clone());
    let store = Store::open(&disk.join("store"), Access::ReadWrite).unwrap();
    for (name, size) in [("large", 4 << 20), ("fits", 1 << 20), ("small", 900 << 10)] {
        let files: Vec<_> = (0..4).map(|it| (it.to_string(), noise(it, size))).collect();
        let count = if name == "fits" { 1 } else { 4 };
        let files: Vec<(&str, &[u8])> = files[..count]
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_slice()))
            .collect();
        let tree = written(&world.root(), &files);
        let kept = keep(&store, &world.root(), name, &tree, None);
        assert_eq!(kept.is_ok(), name == "fits", "{name}: {kept:?}");
        assert_eq!(find(&store, name).is_some(), name == "fits");
        let left = fs::read_dir(disk.join("store/v1/temporary"))
            .unwrap()
            .count();
        assert_eq!(left, 0);
    }
    assert!(restored(&store, &find(&store, "fits").unwrap()).is_some());
    drop(unmount);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
