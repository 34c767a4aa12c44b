//! The release fingerprints of services in one state of the repository: a commit, or the working tree.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::git::snapshot::Files;
use crate::model::digest::{Digest, Digester};
use crate::model::graph::TaskGraph;
use crate::model::input::Inputs;
use crate::model::path::ancestors;
use crate::model::release::{fingerprints, roots};
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::tasks::inputs::{inputs_of, starts};

/// The release fingerprints of `services`, as a state has their `files`. Nothing runs, so files that git ignores do not
/// count: they are in no commit.
pub fn releases(
    workspace: &Workspace,
    files: &Files,
    services: &[ServiceIndex],
) -> BTreeMap<ServiceIndex, Digest> {
    let wanted = services.iter().flat_map(|it| roots(workspace, *it));
    let graph = TaskGraph::from_roots(workspace, wanted);
    let read: Vec<Digest> = graph
        .nodes()
        .par_iter()
        .map(|node| {
            let inputs = inputs_of(workspace, node);
            digest_of_inputs(workspace, node.service, &inputs, files)
        })
        .collect();
    let global = files.iter().filter(|it| workspace.is_global(it.path));
    let global = digest_of_files(global);
    let inputs = |at: usize| read[at].clone();
    fingerprints(workspace, &graph, services, &inputs, &global)
}

/// The digest of some files: paths, modes and contents as git has them.
pub fn digest_of_files<'f>(files: impl Iterator<Item = crate::git::snapshot::File<'f>>) -> Digest {
    let mut digester = Digester::new("files of a release");
    for file in files {
        digester.part("path", file.path);
        digester.part("mode", &file.mode.to_le_bytes());
        digester.part("content", file.content.as_bytes());
    }
    digester.finish()
}

/// The digest of the files that `inputs` of a service take, less what tasks make.
pub fn digest_of_inputs(
    workspace: &Workspace,
    service: ServiceIndex,
    inputs: &[&Inputs],
    files: &Files,
) -> Digest {
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
    digest_of_files(found.into_values())
}

/// Whether the file at `path` is a declared output of a service around it.
fn is_made(workspace: &Workspace, path: &[u8]) -> bool {
    let mut around = ancestors(path).filter_map(|it| workspace.at(it));
    around.any(|service| workspace.is_output(service, path))
}
