//! `svc init`: from a repository to a `services.toml`.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::config::draft::{UpdateError, Updated};
use crate::config::{self, FILE, Report, Source};
use crate::git::names::{self, Names};
use crate::git::{Fetch, Repo};
use crate::manifest;
use crate::model::change::Head;
use crate::model::draft::{Draft, Found, Note, NoteKind, draft, is_foreign};
use crate::model::env::Env;
use crate::model::manifest::Manifest;
use crate::model::owned::tracked_outputs;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::source::SnapshotSource;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Write a file where there is none.
    Create,
    /// Say what would be written.
    Preview,
    /// Add what is new to the file that is there.
    Update,
    /// Say what would be added.
    PreviewUpdate,
}

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    /// The directory of the workspace.
    pub root: PathBuf,
    /// A workspace around it, which it is no part of.
    pub around: Option<PathBuf>,
    pub files: usize,
    pub draft: Draft,
    pub text: String,
    /// What was added to a file that was there.
    pub updated: Option<Updated>,
    pub is_written: bool,
    /// What is wrong with presets of the workspace's own.
    pub warnings: Report,
}

/// Manifests with more bytes than this are not read.
const LARGEST: u64 = 4 << 20;

/// Answers the request.
///
/// # Errors
/// A file that is there already, a repository that cannot be read, a file that cannot be written.
pub fn init(env: &Env, request: Request) -> Result<Answer, Failure> {
    let (root, around) = root(env, request)?;
    let repo = Repo::discover_at(env, &root)?.map(|it| it.fetching(Fetch::Forbidden));
    let place = Place {
        env: env.clone(),
        root,
        repo,
    };
    with_source(&place, |source| answer(&place, around, request, source))
}

/// The directory that becomes, or is, the workspace; and one around it.
fn root(env: &Env, request: Request) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    let found = config::find_root(&env.directory);
    let updates = matches!(request, Request::Update | Request::PreviewUpdate);
    if updates {
        let root = found.map_err(|looked| Failure::NoWorkspace { looked })?;
        return Ok((root, None));
    }
    let here = match env.directory_given {
        true => env.directory.clone(),
        false => {
            let repo = Repo::discover(env)?;
            let top = repo.as_ref().and_then(|it| it.work_tree());
            top.map_or_else(|| env.directory.clone(), Path::to_owned)
        }
    };
    let existing = |root: &Path| root.join(FILE).symlink_metadata().is_ok();
    let is_meant = |root: &PathBuf| *root == here || !env.directory_given;
    match found {
        _ if existing(&here) && request == Request::Create => Err(there_is_one(&here)),
        Ok(root) if is_meant(&root) && request == Request::Create => Err(there_is_one(&root)),
        Ok(root) if root != here => Ok((here, Some(root))),
        _ => Ok((here, None)),
    }
}

fn there_is_one(root: &Path) -> Failure {
    Failure::Usage {
        message: format!("there is a `{FILE}` already, in `{}`", root.display()),
        hint: "`svc init --update` adds what is new to it; `svc init --dry-run` prints what would be written without it"
            .to_owned(),
    }
}

fn with_source<T>(
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

fn answer(
    place: &Place,
    around: Option<PathBuf>,
    request: Request,
    source: &dyn Source,
) -> Result<Answer, Failure> {
    let names = match &place.repo {
        Some(repo) => names::of_repository(repo)?,
        None => names::of_directory(&place.root)?,
    };
    let offer = config::presets(source).map_err(|cause| Failure::File {
        attempt: "look for presets in `.svc/presets`".to_owned(),
        cause,
    })?;
    let (manifests, mut notes) = read(place, &names, source);
    let found = Found {
        name: place
            .root
            .file_name()
            .map(|it| it.to_string_lossy().into_owned()),
        files: names.files,
        manifests,
        presets: offer.presets,
    };
    let mut draft = draft(&found);
    draft.notes.append(&mut notes);
    draft.notes.extend(config::draft::unwritable(&draft));
    draft.notes.sort();
    let mut answer = Answer {
        root: place.root.clone(),
        around,
        files: found.files.len(),
        draft,
        text: String::new(),
        updated: None,
        is_written: false,
        warnings: offer.warnings,
    };
    match request {
        Request::Create | Request::Preview => {
            answer.text = written(&mut answer.draft, &found, source)?;
            if request == Request::Create {
                create(&place.root, &answer.text)?;
                answer.is_written = true;
            }
        }
        Request::Update | Request::PreviewUpdate => update(place, source, request, &mut answer)?,
    }
    Ok(answer)
}

/// What the known files say. What cannot be read is left out with a note.
fn read(place: &Place, names: &Names, source: &dyn Source) -> (Vec<Manifest>, Vec<Note>) {
    let known: Vec<FilePath> = names
        .files
        .iter()
        .filter(|path| manifest::is_known(path) && !is_foreign(path))
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

/// The text of a draft, which is known to be valid. Outputs that take files of the repository are taken out of the draft.
fn written(draft: &mut Draft, found: &Found, source: &dyn Source) -> Result<String, Failure> {
    let mut text = config::draft::write(draft, source);
    // What other tools say of tasks may mean something here that cannot be.
    let mut loads = config::load(&Drafted {
        text: &text,
        source,
    });
    while let Err(invalid) = &loads {
        if !take_tasks_back(draft, &text, &invalid.0) {
            break;
        }
        text = config::draft::write(draft, source);
        loads = config::load(&Drafted {
            text: &text,
            source,
        });
    }
    let workspace = loaded(&text, source)?;
    if take_outputs_back(draft, found, &workspace) {
        text = config::draft::write(draft, source);
        loaded(&text, source)?;
    }
    Ok(text)
}

fn loaded(text: &str, source: &dyn Source) -> Result<Workspace, Failure> {
    let drafted = Drafted { text, source };
    match config::load(&drafted) {
        Ok(loaded) => Ok(loaded.workspace),
        Err(invalid) => Err(Failure::Ours {
            what: "what was to be written is not valid".to_owned(),
            shown: format!("{}\n{text}", invalid.0.plain()),
        }),
    }
}

/// Whether a service that a problem stands in had tasks, which are taken back.
fn take_tasks_back(draft: &mut Draft, text: &str, report: &Report) -> bool {
    const HEADER: &str = "\n[services.";
    let before = draft.notes.len();
    for problem in &report.problems {
        let above = text.get(..problem.place.start as usize).unwrap_or(text);
        let header = above.rfind(HEADER).map(|at| &text[at + HEADER.len()..]);
        let name = header.and_then(|it| it.split(['.', ']']).next());
        let mut services = draft.services.iter_mut();
        let service = services.find(|it| Some(it.name.as_str()) == name);
        let Some(service) = service.filter(|it| !it.tasks.is_empty()) else {
            continue;
        };
        service.tasks.clear();
        draft.notes.push(Note {
            path: service.path.clone(),
            words: format!(
                "what another tool says of the tasks of {}: {}",
                service.name, problem.message
            ),
            kind: NoteKind::NotTaken,
        });
    }
    draft.notes.sort();
    draft.notes.len() > before
}

/// Whether anything had to be taken back.
fn take_outputs_back(draft: &mut Draft, found: &Found, workspace: &Workspace) -> bool {
    let taken = tracked_outputs(workspace, found.files.iter());
    for output in &taken {
        let name = &workspace.service(output.service).name;
        let Some(service) = draft.services.iter_mut().find(|it| it.name == *name) else {
            continue;
        };
        let task = service.tasks.entry(output.task.clone()).or_default();
        task.outputs = Some(Vec::new());
        draft.notes.push(Note {
            path: service.path.clone(),
            words: format!(
                "the output `{}` of {name}:{} takes {}, which is in the repository",
                output.pattern.as_str(),
                output.task,
                output.file.display()
            ),
            kind: NoteKind::NotTaken,
        });
    }
    draft.notes.sort();
    draft.notes.dedup();
    !taken.is_empty()
}

/// A workspace whose `services.toml` is not there yet.
struct Drafted<'s> {
    text: &'s str,
    source: &'s dyn Source,
}

impl Source for Drafted<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match path.as_bytes() == FILE.as_bytes() {
            true => Ok(Some(self.text.as_bytes().to_vec())),
            false => self.source.read(path),
        }
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        self.source.glob(pattern)
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        match path.as_bytes() == FILE.as_bytes() {
            true => Ok(Some(path.clone())),
            false => self.source.real(path),
        }
    }

    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        self.source.links(paths)
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<config::Directory> {
        self.source.directories(paths)
    }
}

/// Writes the file where there is none. Of several at once, one wins.
fn create(root: &Path, text: &str) -> Result<(), Failure> {
    let to = root.join(FILE);
    let file = prepared(root, text, 0o666)?;
    match file.persist_noclobber(&to) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(there_is_one(root)),
        Err(error) => Err(unwritable(&to, error.error)),
    }
}

fn prepared(directory: &Path, text: &str, mode: u32) -> Result<tempfile::NamedTempFile, Failure> {
    let make = || -> io::Result<tempfile::NamedTempFile> {
        let mode = std::fs::Permissions::from_mode(mode);
        let mut file = tempfile::Builder::new()
            .prefix(".services.toml.")
            .permissions(mode)
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    make().map_err(|cause| unwritable(&directory.join(FILE), cause))
}

fn unwritable(path: &Path, cause: io::Error) -> Failure {
    Failure::File {
        attempt: format!("write `{}`", path.display()),
        cause,
    }
}

/// Adds what is new to the file that is there.
fn update(
    place: &Place,
    source: &dyn Source,
    request: Request,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let path = place.root.join(FILE);
    let before = std::fs::read(&path).map_err(|cause| unreadable(&path, cause))?;
    let updated = match config::draft::update(source, &answer.draft) {
        Ok(updated) => updated,
        Err(UpdateError::Read(cause)) => return Err(unreadable(&path, cause)),
        Err(UpdateError::Existing(invalid)) => return Err(invalid.into()),
        Err(UpdateError::Result(invalid)) => {
            return Err(Failure::Ours {
                what: "what was to be added is not valid".to_owned(),
                shown: invalid.0.plain(),
            });
        }
    };
    let is_new = updated.text.as_bytes() != before;
    if request == Request::Update && is_new {
        replace(&path, &before, &updated.text)?;
        answer.is_written = true;
    }
    answer.text.clone_from(&updated.text);
    answer.updated = Some(updated);
    Ok(())
}

/// Puts `text` in the place of what the file held `before`, unless somebody wrote to it meanwhile.
fn replace(path: &Path, before: &[u8], text: &str) -> Result<(), Failure> {
    let real = path
        .canonicalize()
        .map_err(|cause| unwritable(path, cause))?;
    let mode = std::fs::metadata(&real).map_err(|cause| unwritable(path, cause))?;
    let directory = real.parent().unwrap_or(path);
    let file = prepared(directory, text, mode.permissions().mode() & 0o777)?;
    file.as_file()
        .set_permissions(mode.permissions())
        .map_err(|cause| unwritable(path, cause))?;
    if std::fs::read(&real).map_err(|cause| unreadable(path, cause))? != before {
        return Err(Failure::Stale {
            what: format!("`{FILE}` was changed meanwhile"),
        });
    }
    file.persist(&real)
        .map_err(|error| unwritable(path, error.error))?;
    Ok(())
}

fn unreadable(path: &Path, cause: io::Error) -> Failure {
    Failure::File {
        attempt: format!("read `{}`", path.display()),
        cause,
    }
}
