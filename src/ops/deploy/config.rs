//! The config digest: how a service is deployed to an environment, with the files and plain variables that count.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::git::Snapshot;
use crate::git::snapshot as git;
use crate::model::digest::{Digest, Digester};
use crate::model::key::digest_of_variable;
use crate::model::path::FilePath;
use crate::model::target::{Files, named_files};
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::releases::{digest_of_files, digest_of_inputs};

/// The config digests of `services`, as a state has their `files`.
pub fn configs(
    staged: &Staged,
    snapshot: &dyn Snapshot,
    files: &git::Files,
    services: &[ServiceIndex],
    variables: &BTreeMap<OsString, OsString>,
) -> BTreeMap<ServiceIndex, Digest> {
    let one = |service: &ServiceIndex| {
        let resolved = &staged.resolved[service];
        let mut digester = Digester::new("config of a deploy");
        for (name, value) in resolved.parts() {
            digester.part(&name, value.as_bytes());
        }
        digester.digest("files", &digest_of(staged, snapshot, files, *service));
        for name in &staged.task(*service).env {
            let value = variables.get(OsStr::new(name));
            match value.map(|it| digest_of_variable(name, it.as_bytes())) {
                Some(value) => digester
                    .part("variable", name.as_bytes())
                    .digest("value", &value),
                None => digester.part("variable not set", name.as_bytes()),
            };
        }
        (*service, digester.finish())
    };
    services.iter().map(one).collect()
}

/// The digest of the files of a deploy: its `inputs`, or else those that its target names.
fn digest_of(
    staged: &Staged,
    snapshot: &dyn Snapshot,
    files: &git::Files,
    service: ServiceIndex,
) -> Digest {
    let resolved = &staged.resolved[&service];
    if let Some(inputs) = &resolved.inputs {
        return digest_of_inputs(&staged.workspace, service, &[inputs], files);
    }
    let list = |path: &FilePath| {
        let below = files.within(path.as_bytes());
        let below = below.filter(|it| !staged.workspace.ignores(it.path));
        below.map(|it| FilePath::from_bytes(it.path)).collect()
    };
    let read = |path: &FilePath| snapshot.read(path).ok().flatten();
    let state = Files {
        list: &list,
        read: &read,
    };
    let named = named_files(resolved, &state);
    digest_of_files(named.iter().filter_map(|it| files.find(it.as_bytes())))
}
