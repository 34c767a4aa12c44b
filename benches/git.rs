//! How fast a repository is read: trees, the index, and the working tree, on a repository that is made here.
#![allow(clippy::unwrap_used, reason = "a bench ends where it cannot be set up")]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::workspace::Size;
use svc::git::native::{Scope, open};
use svc::git::snapshot::Snapshot;
use svc::model::change::{Head, ObjectId};
use svc::model::path::FilePath;

/// About 10,000 files.
const SIZE: Size = Size {
    services: 190,
    files: 50,
};

fn states(criterion: &mut Criterion) {
    let repo = git2::Repository::open(SIZE.repository()).unwrap();
    let commit = |name: &str| {
        let object = repo.revparse_single(name).unwrap();
        ObjectId::from_bytes(object.id().as_bytes())
    };
    let (base, head) = (commit("HEAD~2"), commit("HEAD~1"));
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

criterion_group!(benches, states);
criterion_main!(benches);
