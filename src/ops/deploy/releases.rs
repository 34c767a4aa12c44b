//! The release fingerprints of services in one state of the repository: a commit, or the working tree.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::git::Snapshot;
use crate::git::snapshot::{File, Files};
use crate::model::digest::{Digest, Digester};
use crate::model::graph::TaskGraph;
use crate::model::input::Inputs;
use crate::model::path::{FilePath, ancestors};
use crate::model::release::{fingerprints, roots};
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::shares::Shares;
use crate::ops::tasks::inputs::{inputs_of, starts};

/// The release fingerprints of `services`, as a state has their `files`. Nothing runs, so files that git ignores do not
/// count: they are in no commit.
pub fn releases(
    workspace: &Workspace,
    snapshot: &dyn Snapshot,
    files: &Files,
    services: &[ServiceIndex],
) -> BTreeMap<ServiceIndex, Digest> {
    let wanted = services.iter().flat_map(|it| roots(workspace, *it));
    let graph = TaskGraph::from_roots(workspace, wanted);
    let read = graph.nodes().iter().map(|it| it.service).collect();
    let paths = files.iter().map(|it| FilePath::from_bytes(it.path));
    let shares = Shares::read(workspace, snapshot, paths, &read, None);
    let read: Vec<Digest> = graph
        .nodes()
        .par_iter()
        .map(|node| {
            let inputs = inputs_of(workspace, node);
            let files = inputs_among(workspace, node.service, &inputs, files);
            digest_by_parts(files.into_values(), |path| shares.part(path, node.service))
        })
        .collect();
    let global = files.iter().filter(|it| workspace.is_global(it.path));
    let global = digest_of_files(global);
    let inputs = |at: usize| read[at].clone();
    fingerprints(workspace, &graph, services, &inputs, &global)
}

/// The same, where some files count by a part of them.
fn digest_by_parts<'f, 's>(
    files: impl Iterator<Item = File<'f>>,
    part: impl Fn(&FilePath) -> Option<&'s Digest>,
) -> Digest {
    let mut digester = Digester::new("files of a release");
    for file in files {
        digester.part("path", file.path);
        digester.part("mode", &file.mode.to_le_bytes());
        let is_plain = file.mode & 0o170000 == 0o100000;
        match is_plain
            .then(|| part(&FilePath::from_bytes(file.path)))
            .flatten()
        {
            Some(part) => digester.digest("part", part),
            None => digester.part("content", file.content.as_bytes()),
        };
    }
    digester.finish()
}

/// The digest of some files: paths, modes and contents as git has them.
pub fn digest_of_files<'f>(files: impl Iterator<Item = File<'f>>) -> Digest {
    digest_by_parts(files, |_| None)
}

/// The digest of the files that `inputs` of a service take, less what tasks make.
pub fn digest_of_inputs(
    workspace: &Workspace,
    service: ServiceIndex,
    inputs: &[&Inputs],
    files: &Files,
) -> Digest {
    digest_of_files(inputs_among(workspace, service, inputs, files).into_values())
}

fn inputs_among<'f>(
    workspace: &'f Workspace,
    service: ServiceIndex,
    inputs: &[&'f Inputs],
    files: &'f Files,
) -> BTreeMap<&'f [u8], File<'f>> {
    let mut found = BTreeMap::new();
    for inputs in inputs {
        let places = starts(workspace, service, inputs);
        for file in places.iter().flat_map(|place| files.within(place)) {
            let is_own = || {
                workspace.owner(file.path) == Some(service) && workspace.is_own(service, file.path)
            };
            if inputs.take(file.path, is_own) && !is_made(workspace, file.path) {
                found.insert(file.path, file);
            }
        }
    }
    found
}

/// Whether the file at `path` is a declared output of a service around it.
fn is_made(workspace: &Workspace, path: &[u8]) -> bool {
    let mut around = ancestors(path).filter_map(|it| workspace.at(it));
    around.any(|service| workspace.is_output(service, path))
}
