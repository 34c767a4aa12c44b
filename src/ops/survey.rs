//! What a repository is by its files: the draft that `svc init` writes down, and that `svc doctor` compares with what is
//! written.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rayon::prelude::*;

use crate::config::draft::{UpdateError, Updated};
use crate::config::{self, Report, Source};
use crate::git::names::{self, Names};
use crate::manifest;
use crate::model::change::Head;
use crate::model::draft::{Draft, FileList, Found, Note, NoteKind, draft, is_foreign, undecided};
use crate::model::manifest::Manifest;
use crate::model::path::FilePath;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::source::SnapshotSource;

/// What was found, and what follows from it.
#[derive(Debug)]
pub struct Survey {
    pub found: Found,
    pub draft: Draft,
    /// What is wrong with presets of the workspace's own.
    pub warnings: Report,
}

/// Manifests with more bytes than this are not read.
const LARGEST: u64 = 4 << 20;

/// So many names at least are looked at by one thread.
const MANY: usize = 4096;

/// Lists all files, reads those that say something of services, and drafts a workspace.
///
/// # Errors
/// A repository that cannot be read.
pub fn survey(place: &Place, source: &dyn Source) -> Result<Survey, Failure> {
    let names = match &place.repo {
        Some(repo) => names::of_repository(repo)?,
        None => names::of_directory(&place.root)?,
    };
    let offer = config::presets(source).map_err(|cause| Failure::File {
        attempt: "look for presets in `.svc/presets`".to_owned(),
        cause,
    })?;
    let (mut manifests, mut notes) = read(place, &names, source);
    manifests.extend(tests(place, &names.files, &manifests));
    let name = place.root.file_name();
    let found = Found {
        name: name.map(|it| it.to_string_lossy().into_owned()),
        files: names.files,
        manifests,
        presets: offer.presets,
    };
    let mut draft = draft(&found);
    draft.notes.append(&mut notes);
    draft.notes.extend(config::draft::unwritable(&draft));
    draft.notes.sort();
    Ok(Survey {
        found,
        draft,
        warnings: offer.warnings,
    })
}

/// The `services.toml` at `path` with what only `draft` has.
///
/// # Errors
/// It cannot be read, or is not valid.
pub fn updated(path: &Path, source: &dyn Source, draft: &Draft) -> Result<Updated, Failure> {
    config::draft::update(source, draft).map_err(|error| match error {
        UpdateError::Read(cause) => Failure::File {
            attempt: format!("read `{}`", path.display()),
            cause,
        },
        UpdateError::Existing(invalid) => invalid.into(),
        UpdateError::Result(invalid) => Failure::Ours {
            what: "what was to be added is not valid".to_owned(),
            shown: invalid.0.plain(),
        },
    })
}

/// Hands on where the files of the workspace come from. What a sparse checkout left out is there as well.
///
/// # Errors
/// A repository that cannot be read, or what `action` says.
pub fn with_source<T>(
    place: &Place,
    action: impl FnOnce(&(dyn Source + '_)) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match place.repo.as_ref().filter(|repo| repo.is_sparse()) {
        Some(repo) => {
            let tree = repo.snapshot(Head::WorkTree(repo.head_commit()?));
            action(&SnapshotSource(tree.as_ref()))
        }
        None => action(&config::Disk::new(&place.root)),
    }
}

/// What the known files say. What cannot be read is left out with a note.
fn read(place: &Place, names: &Names, source: &dyn Source) -> (Vec<Manifest>, Vec<Note>) {
    let files = &names.files;
    let known = (0..files.len()).into_par_iter().with_min_len(MANY);
    let known = known.filter(|at| manifest::is_known(files.at(*at)) && !is_foreign(files.at(*at)));
    let known: Vec<usize> = known.collect();
    let known: Vec<FilePath> = known
        .into_iter()
        .map(|at| files.at(at))
        .map(FilePath::from_bytes)
        .filter(|path| names.links.binary_search(path).is_err())
        .collect();
    let root = place.root.as_path();
    let variables = |path: &FilePath| {
        let file = manifest::variables_of(path).filter(|it| names.files.has(it.as_bytes()));
        let read = file.and_then(|it| bytes(&root.join(it.as_path())).ok());
        read.unwrap_or_default()
    };
    let on_disk = |path: &FilePath| match bytes(&root.join(path.as_path())) {
        Ok(bytes) => Some(understood(path, &bytes, &variables(path))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => Some(Err(skipped(path, &cause.to_string()))),
    };
    let read: Vec<_> = known.par_iter().map(on_disk).collect();
    let (mut manifests, mut notes) = (Vec::new(), Vec::new());
    for (path, result) in known.iter().zip(read) {
        // What is not on disk may have been left out by a sparse checkout.
        let absent = || Some(understood(path, &source.read(path).ok()??, &[]));
        match result.or_else(absent) {
            Some(Ok(manifest)) => manifests.push(manifest),
            Some(Err(note)) => notes.push(note),
            None => {}
        }
    }
    for path in names.links.iter().filter(|it| !is_foreign(it.as_bytes())) {
        if let Ok(target) = root.join(path.as_path()).read_link() {
            manifests.push(manifest::link(path, target.as_os_str().as_bytes()));
        }
    }
    let closed = names.unreadable.iter();
    notes.extend(closed.map(|path| skipped(path, "the directory cannot be read")));
    (manifests, notes)
}

/// What tests say that tell what projects are tested with. Those that cannot be read say nothing.
fn tests(place: &Place, files: &FileList, manifests: &[Manifest]) -> Vec<Manifest> {
    let root = place.root.as_path();
    let asked = undecided(files, manifests);
    let read = asked.par_iter().filter_map(|path| {
        let bytes = bytes(&root.join(path.as_path())).ok()?;
        manifest::read_tests(path, &bytes).ok()
    });
    read.collect()
}

fn understood(path: &FilePath, bytes: &[u8], variables: &[u8]) -> Result<Manifest, Note> {
    manifest::read_with(path, bytes, variables).map_err(|error| match error.line {
        Some(line) => skipped(path, &format!("line {line}: {}", error.reason)),
        None => skipped(path, &error.reason),
    })
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.len() > LARGEST || !metadata.is_file() {
        let words = format!("it has more than {} MiB", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn skipped(path: &FilePath, words: &str) -> Note {
    Note {
        path: path.clone(),
        words: words.to_owned(),
        kind: NoteKind::Skipped,
    }
}
