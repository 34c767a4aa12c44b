//! The files of releases, side by side: one directory each, which appears when all of it is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::name::ServiceName;
use crate::process::control::Control;
use crate::process::local::copy::{self, Copied};
use crate::process::local::lock::{Lock, Waited, lock};
use crate::process::local::place::Place;
use crate::process::local::record::{Record, is_file_name};
use crate::process::local::{Error, Local, at};

/// How the name begins of what is not complete, or no longer.
const STAGE: &str = ".stage-";

/// The place of one release of a service.
#[derive(Clone, Debug)]
pub struct ReleaseDirectory {
    place: Place,
    version: String,
}

/// A release that is being filled. Unless it is finished, it is removed.
#[derive(Debug)]
pub struct Staged {
    release: ReleaseDirectory,
    path: PathBuf,
    lock: Option<Lock>,
}

impl Local {
    /// Where the release `version` of `service` lies, or is to lie.
    ///
    /// # Errors
    /// The version cannot be the name of a file.
    pub fn release(&self, service: &ServiceName, version: &str) -> Result<ReleaseDirectory, Error> {
        if !is_file_name(version) || version.len() > 150 {
            return Err(Error::VersionName(version.to_owned()));
        }
        Ok(ReleaseDirectory {
            place: self.place(service),
            version: version.to_owned(),
        })
    }

    /// Removes all releases of `service` but the newest `keep`, the one that runs or ran last, the one before it, and those
    /// of the versions in `kept`; and what killed copies left.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn prune(
        &self,
        service: &ServiceName,
        keep: usize,
        kept: &[&str],
    ) -> Result<Vec<PathBuf>, Error> {
        let place = self.place(service);
        let record = Record::read(&place.state(), service);
        // Without a state, nobody knows what runs: better keep all.
        let Ok(record) = record else {
            return Ok(Vec::new());
        };
        let named = record.map(|it| [it.release, it.previous]);
        let named: Vec<String> = named.into_iter().flatten().flatten().collect();
        let all = releases(&place);
        let old = &all[..all.len().saturating_sub(keep)];
        let mut removed = Vec::new();
        for (number, version) in old {
            let name = format!("{number}-{version}");
            if named.contains(&name) || kept.contains(&version.as_str()) {
                continue;
            }
            let path = place.releases().join(&name);
            // What is half removed must not be taken for a release.
            let aside = place.releases().join(format!("{STAGE}old-{name}"));
            fs::rename(&path, &aside).map_err(at("move", &path))?;
            copy::remove(&aside).map_err(at("remove", &aside))?;
            removed.push(path);
        }
        Ok(removed)
    }
}

impl ReleaseDirectory {
    /// All copies of this release, newest first: the same files may be there with different definitions.
    pub fn copies(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let all = releases(&self.place).into_iter().rev();
        let own = all.filter(|it| it.1 == self.version);
        own.map(|it| self.path(it.0))
    }

    /// A new directory to be filled. One fills at a time; what killed copies left is removed.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn stage(&self, control: &Control) -> Result<Staged, Error> {
        let releases = self.place.releases();
        fs::create_dir_all(&releases).map_err(at("create", &releases))?;
        let path = self.place.directory.join("releases.lock");
        let patience = std::time::Duration::from_secs(120);
        let lock = match lock(&path, patience, control).map_err(at("lock", &path))? {
            Waited::Held(lock) => lock,
            Waited::Interrupted => return Err(Error::Interrupted),
            Waited::Busy => {
                return Err(Error::Busy {
                    service: self.place.service.clone(),
                    waited: patience.as_secs(),
                });
            }
        };
        for entry in fs::read_dir(&releases)
            .map_err(at("read", &releases))?
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with(STAGE) {
                copy::remove(&entry.path()).map_err(at("remove", &entry.path()))?;
            }
        }
        let path = releases.join(format!("{STAGE}{}", self.version));
        fs::create_dir(&path).map_err(at("create", &path))?;
        Ok(Staged {
            release: self.clone(),
            path,
            lock: Some(lock),
        })
    }

    fn path(&self, number: u64) -> PathBuf {
        let name = format!("{number}-{}", self.version);
        self.place.releases().join(name)
    }
}

impl Staged {
    /// What is to be filled.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies `paths`, files and directories below `root`, to the same places in this release.
    ///
    /// # Errors
    /// One of them is missing or leads out of `root`, or cannot be copied.
    pub fn copy(&self, root: &Path, paths: &[PathBuf]) -> Result<Copied, Error> {
        copy::copy(root, paths, &self.path, &self.release.place.directory)
    }

    /// Makes it a release, beside all others.
    ///
    /// # Errors
    /// It cannot be moved to its place.
    pub fn finish(mut self) -> Result<PathBuf, Error> {
        let newest = releases(&self.release.place).last().map_or(0, |it| it.0);
        let path = self.release.path(newest.saturating_add(1));
        fs::rename(&self.path, &path).map_err(at("finish", &path))?;
        self.lock = None;
        Ok(path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = copy::remove(&self.path);
        }
    }
}

/// Number and version of all releases, oldest first.
fn releases(place: &Place) -> Vec<(u64, String)> {
    let entries = fs::read_dir(place.releases())
        .into_iter()
        .flatten()
        .flatten();
    let mut all: Vec<(u64, String)> = entries
        .filter(|it| it.file_type().is_ok_and(|it| it.is_dir()))
        .filter_map(|it| {
            let name = it.file_name();
            let (number, version) = name.to_str()?.split_once('-')?;
            Some((number.parse().ok()?, version.to_owned()))
        })
        .collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(local: &Local, version: &str) -> ReleaseDirectory {
        local.release(&api(), version).unwrap()
    }

    fn api() -> ServiceName {
        ServiceName::new("api").unwrap()
    }

    fn put(local: &Local, version: &str) -> PathBuf {
        let control = Control::new().unwrap();
        let staged = release(local, version).stage(&control).unwrap();
        fs::write(staged.path().join("version"), version).unwrap();
        staged.finish().unwrap()
    }

    #[test]
    fn releases_lie_side_by_side_and_appear_when_they_are_complete() {
        let place = tempfile::tempdir().unwrap();
        let local = Local::open(place.path(), "svc");
        let control = Control::new().unwrap();
        let staged = release(&local, "v1").stage(&control).unwrap();
        assert_eq!(release(&local, "v1").copies().next(), None);
        drop(staged);
        let killed = release(&local, "v1").stage(&control).unwrap();
        let left = killed.path().to_owned();
        let mut killed = killed;
        killed.lock = None;
        drop(killed);
        assert!(left.exists());
        let (first, second) = (put(&local, "v1"), put(&local, "v1"));
        assert!(!left.exists() && first != second && first.exists());
        assert_eq!(release(&local, "v1").copies().next(), Some(second));
        assert_eq!(release(&local, "v").copies().next(), None);
    }

    #[test]
    fn the_newest_and_the_named_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let local = Local::open(place.path(), "svc");
        let all: Vec<_> = (1..=12).map(|it| put(&local, &format!("v{it}"))).collect();
        let removed = local.prune(&api(), 3, &["v2"]).unwrap();
        assert_eq!(removed.len(), 8);
        assert!(all[1].exists() && all[9].exists() && !all[8].exists() && !all[0].exists());
        fs::write(local.place(&api()).state(), "damaged").unwrap();
        assert_eq!(local.prune(&api(), 0, &[]).unwrap().len(), 0);
    }

    #[test]
    fn odd_versions_are_refused() {
        let local = Local::open("/nowhere", "svc");
        for version in ["", ".", "..", "a/b", "-x", "a\nb", "é", &"x".repeat(151)] {
            assert!(local.release(&api(), version).is_err(), "{version:?}");
        }
    }
}
