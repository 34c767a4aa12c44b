//! How fast results are kept and given back, next to `cp -r`; and the ways to pack and compress them between which the
//! store had to choose.
//!
//! All ways are timed in turn, round by round, and the ratios to `cp -r` are taken within each round.
#![allow(clippy::unwrap_used, reason = "a bench ends where it cannot be set up")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench starts, times and tells"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::timing::median;
use support::workspace::Random;
use svc::cache::{Access, Contents, NewResult, Store};
use svc::model::digest::{Digest, Digester};
use svc::model::key::{FORMAT, InputFiles, Key};
use svc::model::name::TaskId;
use svc::model::outputs::{ContentId, Output, OutputEntry, OutputTree};

/// Fewer for more bytes: about as many seconds for each case.
const ROUNDS: [usize; 3] = [15, 5, 15];

fn main() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // The first words of the names of the ways to time: all of them without.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let cases = [
        ("200 files of 2 KiB", vec![2 << 10; 200]),
        ("1 file of 100 MiB", vec![100 << 20]),
        (
            "200 files of 2 KiB and 1 of 1 MiB",
            [vec![2 << 10; 200], vec![1 << 20]].concat(),
        ),
    ];
    for (at, (name, sizes)) in cases.into_iter().enumerate() {
        println!("\n{name}");
        let place = directory.path().join(at.to_string());
        compare(&place, &sizes, ROUNDS[at], &only);
    }
}

/// One way to do the work: the name, and a call that does it into an empty directory.
type Way<'w> = (&'static str, Box<dyn FnMut(&Path) -> u64 + 'w>);

fn compare(place: &Path, sizes: &[usize], rounds: usize, only: &[String]) {
    let root = place.join("root");
    let tree = make(&root, sizes);
    let files = contents(&root, &tree);
    let key = key();
    let line = digest("line");
    let values = BTreeMap::new();
    let result = NewResult {
        key: &key,
        task_line: &line,
        outputs: &tree,
        values: &values,
        duration: Duration::ZERO,
        log: None,
    };
    let kept = Store::open(&place.join("kept"), Access::ReadWrite).unwrap();
    kept.keep(&root, &result).unwrap();
    let levels = [None, Some(1), Some(3)];
    let raw: Vec<_> = levels.map(|level| packed(&files, level)).into();
    let mut ways: Vec<Way> = vec![
        ("cp -r", Box::new(|to: &Path| copy(&root, to))),
        (
            "keep",
            Box::new(|to: &Path| {
                let store = Store::open(to, Access::ReadWrite).unwrap();
                store.keep(&root, &result).unwrap().written
            }),
        ),
        (
            "give back",
            Box::new(|to: &Path| {
                let found = kept.find(&key.digest()).unwrap();
                let mut contents = kept.contents(&found);
                for entry in found.outputs.entries() {
                    if let Output::File { content, .. } = &entry.output {
                        contents
                            .write(content, &to.join(entry.path.as_path()))
                            .unwrap();
                    }
                }
                0
            }),
        ),
    ];
    let names = [
        [
            "write: one each",
            "write: one each, level 1",
            "write: one each, level 3",
        ],
        [
            "write: one pack",
            "write: one pack, level 1",
            "write: one pack, level 3",
        ],
        [
            "read: one each",
            "read: one each, level 1",
            "read: one each, level 3",
        ],
        [
            "read: one pack",
            "read: one pack, level 1",
            "read: one pack, level 3",
        ],
    ];
    let each = place.join("each");
    let one = place.join("one");
    for (at, level) in levels.into_iter().enumerate() {
        let (each, one) = (each.join(at.to_string()), one.join(at.to_string()));
        fs::create_dir_all(&each).unwrap();
        fs::create_dir_all(&one).unwrap();
        write_each(&files, level, &each);
        fs::write(one.join("pack"), &raw[at]).unwrap();
        let files = &files;
        ways.push((
            names[0][at],
            Box::new(move |to| write_each(files, level, to)),
        ));
        ways.push((
            names[1][at],
            Box::new(move |to| {
                let pack = packed(files, level);
                fs::write(to.join("pack"), &pack).unwrap();
                pack.len() as u64
            }),
        ));
        ways.push((
            names[2][at],
            Box::new(move |to| {
                for (at, (id, bytes)) in files.iter().enumerate() {
                    let stored = fs::read(each.join(at.to_string())).unwrap();
                    put(to, at, *id, &unpacked(stored, level, bytes.len()));
                }
                0
            }),
        ));
        ways.push((
            names[3][at],
            Box::new(move |to| {
                let stored = fs::read(one.join("pack")).unwrap();
                let plain = unpacked(stored, level, files.iter().map(|it| it.1.len()).sum());
                let mut start = 0;
                for (at, (id, bytes)) in files.iter().enumerate() {
                    put(to, at, *id, &plain[start..start + bytes.len()]);
                    start += bytes.len();
                }
                0
            }),
        ));
    }
    ways.retain(|(name, _)| {
        *name == "cp -r" || only.is_empty() || only.iter().any(|it| name.starts_with(it.as_str()))
    });
    time(place, &mut ways, rounds);
}

/// Times all ways in turn and prints the middle of each.
fn time(place: &Path, ways: &mut [Way], rounds: usize) {
    let mut times = vec![Vec::new(); ways.len()];
    let mut ratios = vec![Vec::new(); ways.len()];
    let mut sizes = vec![0; ways.len()];
    for round in 0..=rounds {
        let mut base = 0.0;
        for (at, (_, work)) in ways.iter_mut().enumerate() {
            let to = place.join("to");
            fs::create_dir(&to).unwrap();
            let start = Instant::now();
            sizes[at] = work(&to);
            let seconds = start.elapsed().as_secs_f64();
            fs::remove_dir_all(&to).unwrap();
            if at == 0 {
                base = seconds;
            }
            if round > 0 {
                times[at].push(seconds);
                ratios[at].push(seconds / base);
            }
        }
    }
    for (at, (name, _)) in ways.iter().enumerate() {
        let milliseconds = median(times[at].clone()) * 1e3;
        let ratio = median(ratios[at].clone());
        let size = match sizes[at] {
            0 => String::new(),
            size => format!("{:8} KiB", size / 1024),
        };
        println!("  {name:26} {milliseconds:8.2} ms  {ratio:6.2} x cp -r  {size}");
    }
}

fn copy(from: &Path, to: &Path) -> u64 {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(status.unwrap().success());
    0
}

fn write_each(files: &[(ContentId, Vec<u8>)], level: Option<i32>, to: &Path) -> u64 {
    let mut size = 0;
    for (at, (_, bytes)) in files.iter().enumerate() {
        let stored = level.map(|level| zstd::bulk::compress(bytes, level).unwrap());
        let stored = stored.as_ref().unwrap_or(bytes);
        size += stored.len() as u64;
        fs::write(to.join(at.to_string()), stored).unwrap();
    }
    size
}

fn packed(files: &[(ContentId, Vec<u8>)], level: Option<i32>) -> Vec<u8> {
    let plain: Vec<u8> = files.iter().flat_map(|it| it.1.iter().copied()).collect();
    match level {
        Some(level) => zstd::bulk::compress(&plain, level).unwrap(),
        None => plain,
    }
}

fn unpacked(stored: Vec<u8>, level: Option<i32>, size: usize) -> Vec<u8> {
    match level {
        Some(_) => zstd::bulk::decompress(&stored, size).unwrap(),
        None => stored,
    }
}

fn put(to: &Path, at: usize, id: ContentId, bytes: &[u8]) {
    assert_eq!(ContentId::of(bytes), id);
    fs::write(to.join(at.to_string()), bytes).unwrap();
}

/// Files that compress as programs do: words that come again, and numbers that do not.
fn make(root: &Path, sizes: &[usize]) -> OutputTree {
    fs::create_dir_all(root).unwrap();
    let mut random = Random(7);
    let words: Vec<Vec<u8>> = (0..4000)
        .map(|_| {
            (0..3 + random.below(9))
                .map(|_| b'a' + random.below(26) as u8)
                .collect()
        })
        .collect();
    let file = |(at, size): (usize, &usize)| {
        let mut bytes = Vec::with_capacity(size + 16);
        while bytes.len() < *size {
            bytes.extend_from_slice(&words[random.below(words.len())]);
            bytes.push(random.below(256) as u8);
            bytes.push(random.below(256) as u8);
        }
        bytes.truncate(*size);
        let name = format!("{at:05}");
        fs::write(root.join(&name), &bytes).unwrap();
        OutputEntry {
            path: name.as_str().into(),
            output: Output::File {
                mode: 0o644,
                size: *size as u64,
                content: ContentId::of(&bytes),
            },
        }
    };
    OutputTree::new(sizes.iter().enumerate().map(file).collect())
}

fn contents(root: &Path, tree: &OutputTree) -> Vec<(ContentId, Vec<u8>)> {
    let path = |it: &OutputEntry| -> PathBuf { root.join(it.path.as_path()) };
    let read = tree.entries().iter().map(|it| fs::read(path(it)).unwrap());
    read.map(|bytes| (ContentId::of(&bytes), bytes)).collect()
}

fn digest(text: &str) -> Digest {
    Digester::new("bench")
        .part("text", text.as_bytes())
        .finish()
}

fn key() -> Key {
    Key {
        format: FORMAT,
        task: TaskId::parse("api:build").unwrap(),
        path: "api".into(),
        commands: vec!["make".into()],
        arguments: vec![],
        shell: vec!["sh".into()],
        outputs: Some(vec![]),
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
