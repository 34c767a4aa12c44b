//! `svc init`: from a repository to a `services.toml`.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::draft::Updated;
use crate::config::{self, FILE, Invalid, Loaded, Report, Source};
use crate::git::{Fetch, Repo};
use crate::model::draft::{Draft, Found, Note, NoteKind};
use crate::model::env::Env;
use crate::model::owned::tracked_outputs;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::definition;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::survey::{Survey, survey, updated, with_source};
use crate::ops::unignored::unignored;

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

/// Answers the request.
///
/// # Errors
/// A file that is there already, a repository that cannot be read, a file that cannot be written.
pub fn init(env: &Env, request: Request) -> Result<Answer, Failure> {
    let (root, around) = root(env, request)?;
    let repo = Repo::discover_at(env, &root)?.map(|it| it.fetching(Fetch::Forbidden));
    let place = Place::new(env.clone(), root, repo);
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
    let repo = Repo::discover(env)?;
    no_git_directory(env, repo.as_ref())?;
    let here = match env.directory_given {
        true => env.directory.clone(),
        false => {
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

/// What is written among the files of git itself would be seen by nobody.
fn no_git_directory(env: &Env, repo: Option<&Repo>) -> Result<(), Failure> {
    let here = env.directory.canonicalize();
    let here = here.as_deref().unwrap_or(&env.directory);
    let top = repo.and_then(Repo::work_tree);
    // A working tree may lie in a bare repository.
    let above = here.ancestors().take_while(|it| Some(*it) != top);
    let is_git = |it: &&Path| {
        ["HEAD", "objects", "refs"]
            .iter()
            .all(|part| it.join(part).exists())
    };
    let Some(git) = above.into_iter().find(is_git) else {
        return Ok(());
    };
    Err(Failure::Usage {
        message: format!("`{}` belongs to git itself", git.display()),
        hint: "run it in a working tree; `git clone` or `git worktree add` makes one of a bare repository".to_owned(),
    })
}

fn there_is_one(root: &Path) -> Failure {
    Failure::Usage {
        message: format!("there is a `{FILE}` already, in `{}`", root.display()),
        hint: "`svc init --update` adds what is new to it; `svc init --dry-run` prints what would be written without it"
            .to_owned(),
    }
}

fn answer(
    place: &Place,
    around: Option<PathBuf>,
    request: Request,
    source: &dyn Source,
) -> Result<Answer, Failure> {
    let Survey {
        found,
        draft,
        warnings,
    } = survey(place, source)?;
    let mut answer = Answer {
        root: place.root.clone(),
        around,
        files: found.files.len(),
        draft,
        text: String::new(),
        updated: None,
        is_written: false,
        warnings,
    };
    match request {
        Request::Create | Request::Preview => {
            let (text, workspace) = written(&mut answer.draft, &found, source)?;
            answer.text = text;
            answer.draft.notes.extend(not_ignored(place, &workspace)?);
            if request == Request::Create {
                let lock = definition::lock(&place.root)?;
                if !definition::create(&lock, &place.root, &answer.text)? {
                    return Err(there_is_one(&place.root));
                }
                answer.is_written = true;
            }
        }
        Request::Update | Request::PreviewUpdate => update(place, source, request, &mut answer)?,
    }
    Ok(answer)
}

/// The text of a draft, and what it means. Outputs that take files of the repository are taken out of the draft.
fn written(
    draft: &mut Draft,
    found: &Found,
    source: &dyn Source,
) -> Result<(String, Workspace), Failure> {
    let mut text = config::draft::write(draft, source);
    // What other tools say of tasks may mean something here that cannot be.
    let mut workspace = loop {
        match load(&text, source) {
            Ok(loaded) => break loaded.workspace,
            Err(invalid) if take_tasks_back(draft, &text, &invalid.0) => {}
            Err(invalid) => return Err(not_valid(&text, &invalid)),
        }
        text = config::draft::write(draft, source);
    };
    if take_outputs_back(draft, found, &workspace) {
        text = config::draft::write(draft, source);
        let loaded = load(&text, source).map_err(|invalid| not_valid(&text, &invalid))?;
        workspace = loaded.workspace;
    }
    Ok((text, workspace))
}

fn load(text: &str, source: &dyn Source) -> Result<Loaded, Invalid> {
    config::load(&Drafted { text, source })
}

fn not_valid(text: &str, invalid: &Invalid) -> Failure {
    Failure::Ours {
        what: "what was to be written is not valid".to_owned(),
        shown: format!("{}\n{text}", invalid.0.plain()),
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
        let Some(service) = service else { continue };
        let ways = (service.serve.take(), service.deploy.take());
        if service.tasks.is_empty() && ways == (None, None) {
            continue;
        }
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

/// What git does not ignore of what builds leave behind, in one note.
fn not_ignored(place: &Place, workspace: &Workspace) -> Result<Option<Note>, Failure> {
    /// So many are named.
    const NAMED: usize = 3;
    let open = unignored(place, workspace)?;
    let named: Vec<String> = open
        .iter()
        .take(NAMED)
        .map(|it| format!("`{}` of {}", it.pattern, it.task))
        .collect();
    let rest = match open.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let note = Note {
        path: FilePath::from(".gitignore"),
        words: format!(
            "git does not ignore {}{rest}; `svc doctor --fix` adds what is missing",
            named.join(", ")
        ),
        kind: NoteKind::NotTaken,
    };
    Ok((!open.is_empty()).then_some(note))
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

    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        self.source.present(paths)
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<config::Directory> {
        self.source.directories(paths)
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
    let before = definition::read(&path)?;
    let updated = updated(&path, source, &answer.draft)?;
    let is_new = updated.text.as_bytes() != before;
    if request == Request::Update && is_new {
        let lock = definition::lock(&place.root)?;
        definition::replace(&lock, &path, &before, &updated.text)?;
        answer.is_written = true;
    }
    answer.text.clone_from(&updated.text);
    // Whoever has a name in the file was told when it got there.
    let is_added = |path: &FilePath| updated.services.iter().any(|it| it.path == *path);
    let notes = &mut answer.draft.notes;
    notes.retain(|it| it.kind != NoteKind::Renamed || is_added(&it.path));
    answer.updated = Some(updated);
    Ok(())
}
