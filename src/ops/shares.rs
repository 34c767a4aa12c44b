//! Which part of a shared lock file counts for a service, in one state of the repository.
//!
//! Where that cannot be told, as of a file that is damaged or does not know the service's package, the whole file counts.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::git::Snapshot;
use crate::manifest::{is_lock_manifest, manifest_of, read_lock};
use crate::model::change::ObjectId;
use crate::model::digest::{Digest, Digester};
use crate::model::key::InputFile;
use crate::model::lock_file::{LockChange, LockDigests, LockParts};
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::record::WorkedOut;

/// Raise this when a lock file of the same bytes is to be taken apart in another way.
const FORMAT: u32 = 1;

/// Shorter ones, in bytes, are read sooner than what is known of them is found.
const WORTH_KEEPING: usize = 32 << 10;

/// The parts of the shared lock files of a state.
#[derive(Default)]
pub struct Shares(BTreeMap<FilePath, Share>);

/// One lock file.
struct Share {
    /// None where what counts was known before: then nothing was read that could be compared.
    parts: Option<LockParts>,
    /// The packages of each service, and the digest of what counts for them.
    services: BTreeMap<ServiceIndex, (Vec<FilePath>, Digest)>,
}

impl Shares {
    /// Reads those of `files` that are shared lock files, for `services`. Of others, only manifests are looked at: a service
    /// may hold more packages than that of its own directory. What `known` has of the same files is taken from there, and
    /// can only be asked for parts, not compared.
    pub fn read(
        workspace: &Workspace,
        snapshot: &dyn Snapshot,
        files: impl Iterator<Item = FilePath>,
        services: &BTreeSet<ServiceIndex>,
        known: Option<&WorkedOut>,
    ) -> Self {
        if workspace.settings().lock_files.is_empty() {
            return Self::default();
        }
        let (mut locks, mut manifests) = (BTreeSet::new(), BTreeSet::new());
        for path in files {
            if workspace.is_lock_file(path.as_bytes()) {
                locks.insert(path);
            } else if is_lock_manifest(&path) {
                manifests.insert(path);
            }
        }
        let state = State {
            workspace,
            snapshot,
            manifests,
        };
        let read = locks.into_iter().filter_map(|path| {
            let share = share(&state, &path, services, known)?;
            Some((path, share))
        });
        Self(read.collect())
    }

    /// The input file as it counts for a service.
    pub fn counted(&self, service: ServiceIndex, file: InputFile) -> InputFile {
        let is_plain = file.mode & 0o170000 == 0o100000;
        let part = || self.part(&file.path, service);
        match is_plain.then(part).flatten().and_then(content) {
            None => file,
            Some(content) => InputFile {
                content,
                is_part: true,
                size: None,
                ..file
            },
        }
    }

    /// The digest of the part of the lock file at `path` that counts for a service. None: the whole file does.
    pub fn part(&self, path: &FilePath, service: ServiceIndex) -> Option<&Digest> {
        let share = self.0.get(path)?;
        share.services.get(&service).map(|it| &it.1)
    }

    /// How the part of each service differs from that in an older state, for the lock file at `path`. Services are left out
    /// for which the whole file counts.
    pub fn changes(&self, older: &Self, path: &FilePath) -> BTreeMap<ServiceIndex, LockChange> {
        let (Some(new), Some(old)) = (self.0.get(path), older.0.get(path)) else {
            return BTreeMap::new();
        };
        let (Some(parts), Some(before)) = (&new.parts, &old.parts) else {
            return BTreeMap::new();
        };
        let change = |(service, (packages, digest)): (&ServiceIndex, &(Vec<FilePath>, Digest))| {
            let (_, digest_before) = old.services.get(service)?;
            if digest_before == digest {
                return Some((*service, LockChange::Nothing));
            }
            let packages: Vec<&FilePath> = packages.iter().collect();
            let names = parts.differing(before, &packages);
            Some((*service, LockChange::Part(names.into_iter().collect())))
        };
        new.services.par_iter().filter_map(change).collect()
    }
}

/// A digest in the place of an object's id.
fn content(digest: &Digest) -> Option<ObjectId> {
    ObjectId::from_hex(digest.as_str())
}

/// The state that lock files are read from.
struct State<'a> {
    workspace: &'a Workspace,
    snapshot: &'a dyn Snapshot,
    manifests: BTreeSet<FilePath>,
}

fn share(
    state: &State,
    path: &FilePath,
    services: &BTreeSet<ServiceIndex>,
    known: Option<&WorkedOut>,
) -> Option<Share> {
    let State {
        workspace,
        snapshot,
        ..
    } = state;
    let content = snapshot.read(path).ok()??;
    let directory = FilePath::from_bytes(ancestors(path.as_bytes()).nth(1)?);
    // For a service that holds the file, all of it counts.
    let is_below = |it: &ServiceIndex| {
        let path = &workspace.service(*it).path;
        *path != directory && is_within(path.as_bytes(), directory.as_bytes())
    };
    let within = state.manifests.iter();
    let mut manifests = BTreeMap::new();
    if let Some(name) = manifest_of(path) {
        let below = workspace.indices().filter(is_below);
        let below = below.map(|it| workspace.service(it).path.clone());
        let is_own = |it: &ServiceIndex| services.contains(it) && is_below(it);
        let within =
            within.filter(|it| workspace.owner(it.as_bytes()).is_some_and(|it| is_own(&it)));
        let within = within.filter_map(|it| {
            it.as_bytes()
                .strip_suffix(name.as_bytes())?
                .strip_suffix(b"/")
        });
        let within = within.map(FilePath::from_bytes);
        let packages: BTreeSet<FilePath> = below.chain(within).chain([directory.clone()]).collect();
        for package in packages {
            let manifest = snapshot.read(&package.join(name.as_bytes()));
            // What is no text is no manifest that could be understood.
            let text = manifest.ok().flatten().map(String::from_utf8);
            manifests.extend(text.map(|it| (package, it.unwrap_or_default())));
        }
    }
    let (digests, parts) = taken_apart(path, &content, &manifests, known)?;
    let below = services.iter().copied().filter(is_below);
    let found = below.filter_map(|service| {
        let packages = digests.packages(&workspace.service(service).path);
        let own = packages.filter(|it| workspace.owner(it.as_bytes()) == Some(service));
        let own: Vec<FilePath> = own.cloned().collect();
        let digest = digests.of(&own.iter().collect::<Vec<_>>())?;
        Some((service, (own, digest)))
    });
    let services = found.collect();
    Some(Share { parts, services })
}

/// What the lock file holds for each package, from what is known of the same bytes, or else from the file itself.
fn taken_apart(
    path: &FilePath,
    content: &[u8],
    manifests: &BTreeMap<FilePath, String>,
    known: Option<&WorkedOut>,
) -> Option<(LockDigests, Option<LockParts>)> {
    let read = || Some(LockParts::new(read_lock(path, content, manifests).ok()?));
    let Some(known) = known.filter(|_| content.len() >= WORTH_KEEPING) else {
        let parts = read()?;
        return Some((parts.digests().clone(), Some(parts)));
    };
    let mut made_of = Digester::new("lock file taken apart");
    made_of.part("svc", env!("CARGO_PKG_VERSION").as_bytes());
    made_of.part("format", &FORMAT.to_le_bytes());
    made_of.part("path", path.as_bytes());
    made_of.part("content", content);
    for (directory, text) in manifests {
        made_of.part("package", directory.as_bytes());
        made_of.part("manifest", text.as_bytes());
    }
    let made_of = made_of.finish();
    if let Some(digests) = known.find(&made_of) {
        return Some((digests, None));
    }
    let digests = read()?.digests().clone();
    known.keep(&made_of, &digests);
    Some((digests, None))
}
