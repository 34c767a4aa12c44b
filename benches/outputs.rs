//! Restoring 1 MiB and 200 small files, against `cp -r` of the same, and verifying them, against `find`. Prints ratios.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not part of the program"
)]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::timing::{Timed, median};
use svc::cache::{Contents, Error, Outputs};
use svc::model::name::TaskId;
use svc::model::outputs::{ContentId, OutputTree};
use svc::model::path::FilePath;
use svc::model::pattern::Pattern;

const ROUNDS: usize = 15;

/// Contents in memory, verified as a store does.
struct Store(HashMap<ContentId, Vec<u8>>);

impl Contents for Store {
    fn write(&mut self, content: &ContentId, to: &Path) -> Result<(), Error> {
        let bytes = &self.0[content];
        assert_eq!(ContentId::of(bytes), *content);
        fs::write(to, bytes).unwrap();
        Ok(())
    }
}

struct Place {
    outputs: Outputs,
    task: TaskId,
    patterns: Vec<Pattern>,
    store: Store,
}

impl Place {
    fn collect(&mut self, root: &Path) -> OutputTree {
        let collected = self.outputs.collect(&self.task, &self.patterns).unwrap();
        self.outputs.remember(&self.task, &collected, None).unwrap();
        for entry in collected.tree.entries() {
            if let Ok(bytes) = fs::read(root.join(entry.path.as_path())) {
                self.store.0.insert(ContentId::of(&bytes), bytes);
            }
        }
        collected.tree
    }

    fn restore(&mut self, tree: &OutputTree) -> f64 {
        let Self {
            outputs,
            task,
            patterns,
            store,
        } = self;
        let nobody = |paths: &[FilePath]| vec![false; paths.len()];
        seconds(|| {
            let restored = outputs.restore(task, patterns, tree, store, &nobody, &|| false);
            restored.unwrap();
        })
    }
}

fn main() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = directory.path();
    let mut place = Place {
        outputs: Outputs::open(root.to_owned(), root.join(".git/svc/outputs")),
        task: TaskId::parse("s:build").unwrap(),
        patterns: vec![Pattern::new("dist", &"s".into()).unwrap()],
        store: Store(HashMap::new()),
    };
    let dist = root.join("s/dist");
    make(&dist, "old");
    let old = place.collect(root);
    make(&dist, "new");
    let new = place.collect(root);
    make(&root.join("from"), "new");
    let copy = Timed::new("cp", "-r from to");
    let find = Timed::new("find", "s/dist -printf %s%m%T@%i");
    let [mut fresh, mut over, mut first, mut again, mut listed] = [const { Vec::new() }; 5];
    let mut again_seconds = Vec::new();
    for _ in 0..ROUNDS {
        let _ = fs::remove_dir_all(root.join("to"));
        let copied = copy.run(root).wall;
        fs::remove_dir_all(&dist).unwrap();
        fresh.push(place.restore(&old) / copied);
        over.push(place.restore(&new) / copied);
        let found = find.run(root).wall;
        let Place {
            outputs,
            task,
            patterns,
            ..
        } = &place;
        let verify = || seconds(|| assert!(outputs.is_in_place(task, patterns, &new)));
        first.push(verify() / found);
        // Until the stamps are old enough to be trusted.
        std::thread::sleep(Duration::from_millis(40));
        verify();
        let taken = verify();
        again.push(taken / found);
        again_seconds.push(taken);
        listed.push(found);
    }
    println!("restore, nothing there: {:.2} of cp -r", median(fresh));
    println!("restore over another result: {:.2} of cp -r", median(over));
    println!("verify just after: {:.2} of find", median(first));
    println!(
        "verify later: {:.2} of find ({:.2} ms, find {:.2} ms)",
        median(again),
        median(again_seconds) * 1e3,
        median(listed) * 1e3
    );
}

fn make(dist: &Path, text: &str) {
    for at in 0..200 {
        let path = dist.join(format!("part{}/file{at:03}", at / 20));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let line = format!("{text} {at}\n");
        fs::write(path, line.repeat(2048 / line.len())).unwrap();
    }
    let large: Vec<u8> = text.bytes().cycle().take(1 << 20).collect();
    fs::write(dist.join("large"), large).unwrap();
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}
