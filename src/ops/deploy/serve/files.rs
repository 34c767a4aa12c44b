//! Which files a service takes to run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use walkdir::WalkDir;

use crate::model::path::FilePath;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::environment::deploy;
use crate::ops::deploy::plan::Prepared;

/// Where the files of a release are.
#[derive(Clone)]
pub enum Files {
    /// In the working tree: these are copied.
    WorkTree { root: PathBuf, paths: Vec<PathBuf> },
    /// In the working tree, where they stay: nobody can tell which of them it takes to run.
    InPlace(PathBuf),
    /// In the copy that was made of them.
    Kept(PathBuf),
}

/// The files that a service takes to run: its own, and what its tasks leave behind.
pub fn files(prepared: &Prepared<'_>, service: ServiceIndex) -> Files {
    let root = prepared.place.root.clone();
    let workspace = &prepared.staged.workspace;
    let of = workspace.service(service);
    let makes_unknown = of
        .tasks
        .iter()
        .any(|(name, task)| name.as_str() == "build" && task.outputs.is_none());
    if makes_unknown {
        return Files::InPlace(root);
    }
    let own = prepared.files.within(of.path.as_bytes());
    let mut paths: BTreeSet<PathBuf> = own
        .map(|it| FilePath::from_bytes(it.path).as_path().to_owned())
        .filter(|it| root.join(it).symlink_metadata().is_ok())
        .collect();
    let tasks = of.tasks.iter().filter(|(name, _)| **name != deploy());
    for pattern in tasks.flat_map(|(_, task)| task.outputs.iter().flatten()) {
        let start = FilePath::from_bytes(pattern.literal());
        let found = WalkDir::new(root.join(start.as_path()))
            .into_iter()
            .flatten();
        let found = found.filter(|it| !it.file_type().is_dir());
        for entry in found {
            let Ok(path) = entry.path().strip_prefix(&root) else {
                continue;
            };
            let bytes = path.as_os_str().as_encoded_bytes();
            if pattern.matches(bytes) && workspace.owner(bytes) == Some(service) {
                paths.insert(path.to_owned());
            }
        }
    }
    Files::WorkTree {
        root,
        paths: paths.into_iter().collect(),
    }
}
