//! How fast a repository is read: trees, the index, and the working tree, on a repository that is made here.
#![expect(
    clippy::disallowed_methods,
    reason = "the bench starts git to make its repository"
)]
#![allow(clippy::unwrap_used, reason = "a bench ends where it cannot be set up")]

use std::path::Path;
use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use svc::git::native::{Scope, open};
use svc::git::snapshot::Snapshot;
use svc::model::change::{Head, ObjectId};
use svc::model::path::FilePath;

const SERVICES: usize = 200;
const FILES: usize = 50;

fn states(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path());
    let repo = git2::Repository::open(directory.path()).unwrap();
    let commit = |name: &str| {
        let object = repo.revparse_single(name).unwrap();
        ObjectId::from_bytes(object.id().as_bytes())
    };
    let (base, head) = (commit("HEAD~1"), commit("HEAD"));
    let raw = |paths: &[FilePath]| Ok(vec![head.unwrap(); paths.len()]);
    let snapshot = |head| open(&repo, Scope::of(&repo).unwrap(), head, Box::new(raw)).unwrap();
    let mut group = criterion.benchmark_group("10,000 files");
    for (name, state, base) in [
        ("changed between commits", Head::Commit(head), base),
        (
            "changed in a commit since nothing",
            Head::Commit(head),
            None,
        ),
        ("changed in the index", Head::Index(head), head),
        ("changed in the working tree", Head::WorkTree(head), head),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| snapshot(state).changed_since(base).unwrap());
        });
    }
    for (name, state) in [
        ("files of a commit", Head::Commit(head)),
        ("files of the index", Head::Index(head)),
        ("files of the working tree", Head::WorkTree(head)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| snapshot(state).files(&[FilePath::default()]).unwrap());
        });
    }
    group.finish();
}

fn make(root: &Path) {
    git(root, &["init", "-q"]);
    // Packing happens below, not beside it.
    git(root, &["config", "maintenance.auto", "false"]);
    for service in 0..SERVICES {
        for file in 0..FILES {
            let directory = root.join(format!("services/s{service}/d{}", file % 7));
            std::fs::create_dir_all(&directory).unwrap();
            let content = format!("{service} {file}\n");
            std::fs::write(directory.join(format!("f{file}.txt")), content).unwrap();
        }
    }
    std::fs::write(root.join(".gitignore"), "*.log\ntarget/\n").unwrap();
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "first"]);
    for service in [3, 70, 150] {
        let file = root.join(format!("services/s{service}/d0/f0.txt"));
        std::fs::write(file, "changed\n").unwrap();
    }
    git(root, &["commit", "-q", "-a", "-m", "second"]);
    git(root, &["gc", "-q"]);
    // What was written in the same tick as the index would be read again.
    std::thread::sleep(std::time::Duration::from_millis(50));
    git(
        root,
        &["update-index", "-q", "--refresh", "--force-write-index"],
    );
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.test"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(root)
        .status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

criterion_group!(benches, states);
criterion_main!(benches);
