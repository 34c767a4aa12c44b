//! Finds the two states, the files that differ between them, and what that means for definitions.

use crate::config;
use crate::git::snapshot::File;
use crate::git::{self, Fetch, FoundBase, Repo, Snapshot};
use crate::manifest::{is_lock_manifest, manifest_of};
use crate::model::affected::Changed;
use crate::model::change::{Base, Changes, Head};
use crate::model::definition::{self, DefinitionChanges};
use crate::model::lock_file::LockChanges;
use crate::model::path::FilePath;
use crate::model::workspace::Workspace;
use crate::ops::base;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, HeadRequest, SelectRequest};
use crate::ops::shares::Shares;
use crate::ops::source::{LINK, SnapshotSource};

/// The workspace at the head, and what changed since the base.
pub struct Comparison<'p> {
    pub workspace: Workspace,
    /// Without commits and rule where nothing was compared.
    pub base: Base,
    pub head: Head,
    pub changed: Changed,
    /// Whether everything is affected because the run is for everything: that is as it has to be.
    pub is_for_everything: bool,
    /// The state at the head, where there is a repository.
    pub snapshot: Option<Box<dyn Snapshot + 'p>>,
    /// What is worth a warning.
    pub warnings: Vec<String>,
    /// What is worth a line.
    pub notes: Vec<String>,
    /// What is told to who wants to know everything.
    pub details: Vec<String>,
}

/// Compares head and base, if the selection asks what changed; else only takes the head.
///
/// # Errors
/// An invalid definition, an unreadable repository, a revision that does not exist, or `--strict-base` without a base.
pub fn compare<'p>(
    place: &'p Place,
    request: &CompareRequest,
    select: &SelectRequest,
    tell: &mut dyn FnMut(&str),
) -> Result<Comparison<'p>, Failure> {
    let Some(repo) = &place.repo else {
        return without_repository(place, request, select);
    };
    let head = head(place, repo, request)?;
    let snapshot = repo.snapshot(head);
    let defined = workspace_at(place, head, &*snapshot)?;
    let mut comparison = Comparison {
        workspace: defined.workspace,
        base: Base::default(),
        head,
        changed: Changed::default(),
        is_for_everything: false,
        snapshot: None,
        warnings: Vec::new(),
        notes: Vec::new(),
        details: Vec::new(),
    };
    if !defined.is_of_head {
        let place = match head {
            Head::Commit(Some(commit)) => commit.short(),
            _ => "the index".to_owned(),
        };
        let message = format!("{place} has no `services.toml`: the one on disk is used");
        comparison.warnings.push(message);
    }
    if select.asks_for_changes(request) {
        let based = base::find(
            place,
            repo,
            &request.base,
            head,
            &comparison.workspace,
            tell,
        )?;
        comparison.warnings.extend(based.warnings);
        comparison.details = based.details;
        comparison.is_for_everything = based.is_for_everything;
        comparison.take(repo, based.found, &*snapshot, defined.is_of_head, request)?;
    } else {
        comparison.changed = Changed::nothing(&comparison.workspace);
    }
    comparison.snapshot = Some(snapshot);
    Ok(comparison)
}

/// The head that a request asks for, without comparing it with anything.
///
/// # Errors
/// An unreadable repository, or a revision that does not exist.
pub fn head(place: &Place, repo: &Repo, request: &CompareRequest) -> Result<Head, Failure> {
    let commit = repo.head_commit()?;
    match &request.head {
        HeadRequest::Index => Ok(Head::Index(commit)),
        HeadRequest::Derived if place.env.is_ci() || repo.work_tree().is_none() => {
            Ok(Head::Commit(commit))
        }
        HeadRequest::Derived => Ok(Head::WorkTree(commit)),
        HeadRequest::Commit(revision) => match repo.resolve(revision)? {
            Some(commit) => Ok(Head::Commit(Some(commit))),
            None => Err(Failure::Unknown {
                kind: "revision",
                name: revision.clone(),
                nearest: None,
            }),
        },
    }
}

/// A definition of the workspace, and whether the head itself holds it.
struct Defined {
    workspace: Workspace,
    is_of_head: bool,
}

/// The workspace as it is defined at `head`. A commit from before there was a definition is taken as the one on disk would
/// have it.
fn workspace_at(place: &Place, head: Head, snapshot: &dyn Snapshot) -> Result<Defined, Failure> {
    let is_of_head = match head {
        Head::WorkTree(_) => true,
        Head::Commit(_) | Head::Index(_) => snapshot.read(&config::FILE.into())?.is_some(),
    };
    let workspace = match head {
        Head::Commit(_) | Head::Index(_) if is_of_head => {
            config::load(&SnapshotSource(snapshot))?.workspace
        }
        _ => place.workspace()?.workspace,
    };
    Ok(Defined {
        workspace,
        is_of_head,
    })
}

impl Comparison<'_> {
    fn take(
        &mut self,
        repo: &Repo,
        found: FoundBase,
        snapshot: &dyn Snapshot,
        definitions_count: bool,
        request: &CompareRequest,
    ) -> Result<(), Failure> {
        let reason = match found {
            FoundBase::Found(base) => {
                match changed(repo, &self.workspace, &base, snapshot, definitions_count) {
                    Ok(changed) => {
                        self.changed = changed;
                        self.base = base;
                        return Ok(());
                    }
                    Err(error) if repo.fetch() == Fetch::Forbidden && repo.is_partial() => {
                        format!("{error}, and --no-fetch forbids to fetch it")
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            FoundBase::Unknown { reason } => reason,
        };
        match request.strict_base {
            true => Err(Failure::NoBase { reason }),
            false => {
                self.take_everything(reason);
                Ok(())
            }
        }
    }

    fn take_everything(&mut self, reason: String) {
        let changes = Changes::Everything(reason);
        self.changed = Changed::find(&self.workspace, &changes, &DefinitionChanges::default());
    }
}

fn without_repository<'p>(
    place: &'p Place,
    request: &CompareRequest,
    select: &SelectRequest,
) -> Result<Comparison<'p>, Failure> {
    let reason = "this is not a git repository".to_owned();
    let asks = select.asks_for_changes(request);
    if asks && request.strict_base {
        return Err(Failure::NoBase { reason });
    }
    let mut comparison = Comparison {
        workspace: place.workspace()?.workspace,
        base: Base::default(),
        head: Head::WorkTree(None),
        changed: Changed::default(),
        is_for_everything: false,
        snapshot: None,
        warnings: Vec::new(),
        notes: Vec::new(),
        details: Vec::new(),
    };
    match asks {
        true => comparison.take_everything(reason),
        false => comparison.changed = Changed::nothing(&comparison.workspace),
    }
    Ok(comparison)
}

fn changed(
    repo: &Repo,
    workspace: &Workspace,
    base: &Base,
    snapshot: &dyn Snapshot,
    definitions_count: bool,
) -> Result<Changed, git::Error> {
    let mut definitions = DefinitionChanges::default();
    let mut paths = Vec::new();
    let mut locks = LockChanges::default();
    if base.commits.is_empty() {
        paths = snapshot.changed_since(None)?;
        definitions.all = true;
    }
    for commit in &base.commits {
        let found = snapshot.changed_since(Some(*commit))?;
        let older = repo.snapshot(Head::Commit(Some(*commit)));
        compare_locks(&mut locks, workspace, &*older, snapshot, &found);
        if definitions_count && may_redefine(workspace, &found, snapshot, &*older)? {
            if older.read(&config::FILE.into())?.is_none() {
                definitions.all = true;
            } else if let Ok(older) = config::load(&SnapshotSource(&*older)) {
                definitions.unite(definition::compare(&older.workspace, workspace));
            } else {
                let commit = commit.short();
                let reason = format!("`services.toml` is not valid at the base {commit}");
                let changes = Changes::Everything(reason);
                return Ok(Changed::find(workspace, &changes, &definitions));
            }
        }
        paths.extend(found);
    }
    paths.sort_unstable();
    paths.dedup();
    let changes = Changes::Paths(paths);
    Ok(Changed::find_by_parts(
        workspace,
        &changes,
        &definitions,
        &locks,
    ))
}

/// Notes for whom those of the `changed` files differ that are shared lock files. Where none is, nothing is read.
fn compare_locks(
    locks: &mut LockChanges,
    workspace: &Workspace,
    older: &dyn Snapshot,
    newer: &dyn Snapshot,
    changed: &[FilePath],
) {
    let changed = changed
        .iter()
        .filter(|it| workspace.is_lock_file(it.as_bytes()));
    let changed: Vec<&FilePath> = changed.collect();
    if changed.is_empty() {
        return;
    }
    let services = workspace.indices().collect();
    let read = |snapshot: &dyn Snapshot| {
        let manifests = manifests(workspace, snapshot, &changed)?;
        let files = changed.iter().copied().cloned().chain(manifests);
        Ok::<_, git::Error>(Shares::read(workspace, snapshot, files, &services, None))
    };
    // Of what cannot be read nothing is said, so that all of it counts.
    let (Ok(before), Ok(after)) = (read(older), read(newer)) else {
        return;
    };
    for path in changed {
        locks.unite(path, after.changes(&before, path));
    }
}

/// The manifests of services that `locks` may want to see.
fn manifests(
    workspace: &Workspace,
    snapshot: &dyn Snapshot,
    locks: &[&FilePath],
) -> Result<Vec<FilePath>, git::Error> {
    if locks.iter().all(|it| manifest_of(it).is_none()) {
        return Ok(Vec::new());
    }
    let paths: Vec<FilePath> = workspace
        .services()
        .iter()
        .map(|it| it.path.clone())
        .collect();
    let files = snapshot.files(&paths)?;
    let paths = files.iter().map(|it| FilePath::from_bytes(it.path));
    Ok(paths.filter(is_lock_manifest).collect())
}

/// Whether the definition may differ where just the files `changed` do: one of its own, or one that a preset looks for and
/// that came or went.
fn may_redefine(
    workspace: &Workspace,
    changed: &[FilePath],
    newer: &dyn Snapshot,
    older: &dyn Snapshot,
) -> Result<bool, git::Error> {
    let mut looked_for = Vec::new();
    for path in changed {
        if workspace.defines(path.as_bytes()) {
            return Ok(true);
        }
        if workspace.looks_for(path.as_bytes()) {
            looked_for.push(path.clone());
        }
    }
    if looked_for.is_empty() {
        return Ok(false);
    }
    let newer = newer.files(&looked_for)?;
    let older = older.files(&looked_for)?;
    // What a link leads to is what it holds.
    let seen = |file: File<'_>| (file.mode, (file.mode == LINK).then_some(file.content));
    Ok(looked_for
        .iter()
        .any(|path| newer.find(path.as_bytes()).map(seen) != older.find(path.as_bytes()).map(seen)))
}
