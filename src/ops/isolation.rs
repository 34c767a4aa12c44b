//! Tasks in a checkout of exactly the head, where the working tree is something else for them.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::git::{Isolated, Repo, Snapshot, isolated};
use crate::model::affected::Changed;
use crate::model::change::{Changes, Head};
use crate::model::definition::DefinitionChanges;
use crate::model::env::Env;
use crate::model::event::Event;
use crate::model::graph::{NodeIndex, TaskGraph};
use crate::model::path::{FilePath, ancestors, display, is_within};
use crate::model::plan::Plan;
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::model::workspace::Workspace;
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::tasks::cache::directory;
use crate::ops::tasks::inputs::places;

/// What tools leave behind and nobody needs: it is not named.
const LITTER: [&[u8]; 5] = [
    b"__pycache__",
    b".pytest_cache",
    b".mypy_cache",
    b".ruff_cache",
    b".DS_Store",
];

/// So many ignored files are named when a task failed without them.
const NAMED: usize = 5;

/// Where tasks run instead of the working tree, once it is known that they have to. It is in use as long as this lives.
#[derive(Default)]
pub struct Isolation {
    found: OnceCell<Found>,
}

struct Found {
    place: Place,
    checkout: Isolated,
}

impl Isolation {
    /// The place for the tasks of a plan: `place` itself where they read there what they would read at the head.
    ///
    /// # Errors
    /// The head cannot be checked out.
    pub fn choose<'p>(
        &'p self,
        place: &'p Place,
        comparison: &Comparison<'_>,
        graph: &TaskGraph,
        plan: &Plan,
        tell: &mut dyn FnMut(&str),
    ) -> Result<&'p Place, Failure> {
        if let Some(found) = self.found.get() {
            return Ok(&found.place);
        }
        let (Some(repo), Some(snapshot)) = (&place.repo, &comparison.snapshot) else {
            return Ok(place);
        };
        let is_as_good = plan.tasks.is_empty()
            || repo.work_tree().is_some() && !differs(repo, comparison, &**snapshot, graph, plan)?;
        if is_as_good {
            return Ok(place);
        }
        tell("checking out what is judged");
        let found = enter(place, repo, comparison.head)?;
        Ok(&self.found.get_or_init(|| found).place)
    }

    /// The directory in which tasks run, if it is not the workspace itself.
    pub fn root(&self) -> Option<&Path> {
        self.found.get().map(|it| it.checkout.root())
    }

    /// The event as it is told: tasks that failed in the checkout say what of `place` was not there.
    ///
    /// `directories` are those of the tasks' services, by place in the plan.
    pub fn explain(&self, place: &Place, directories: &[FilePath], event: &Event) -> Option<Event> {
        let (Some(found), Event::RunFinished { summary }) = (self.found.get(), event) else {
            return None;
        };
        let summary = explained(place.repo.as_ref()?, found, directories, summary)?;
        Some(Event::RunFinished {
            summary: Arc::new(summary),
        })
    }
}

/// The summary with hints at the tasks that failed; none if there is nothing to add.
fn explained(
    repo: &Repo,
    found: &Found,
    directories: &[FilePath],
    summary: &Summary,
) -> Option<Summary> {
    let is_failed = |it: &TaskResult| matches!(it.outcome, Outcome::Failed | Outcome::TimedOut);
    if !summary.results.iter().any(is_failed) {
        return None;
    }
    let missing = missing(repo, found.checkout.root());
    let mut summary = summary.clone();
    let results = summary.results.iter_mut().zip(directories);
    for (result, directory) in results.filter(|(result, _)| is_failed(result)) {
        result.hints.extend(hint(&missing, directory, &result.tail));
    }
    Some(summary)
}

/// What git ignores in the working tree and is not in the checkout; directories as a whole, with a slash behind.
fn missing(repo: &Repo, root: &Path) -> Vec<Vec<u8>> {
    let listing = "ls-files -z --others --ignored --exclude-standard --directory --";
    let scope = match repo.scope().is_root() {
        true => OsStr::new("."),
        false => OsStr::from_bytes(repo.scope().as_bytes()),
    };
    let words = listing.split(' ').map(OsStr::new).chain([scope]);
    let listed = repo.git().output(words).unwrap_or_default();
    let below = |path: &[u8]| match repo.scope().is_root() {
        true => Some(path.to_vec()),
        false => {
            let rest = path.strip_prefix(repo.scope().as_bytes())?;
            Some(rest.strip_prefix(b"/")?.to_vec())
        }
    };
    let paths = listed.split(|byte| *byte == 0).filter_map(below);
    let is_missing = |path: &Vec<u8>| {
        let path = root.join(OsStr::from_bytes(path));
        !path.as_os_str().is_empty() && path.symlink_metadata().is_err()
    };
    paths
        .filter(|it| !it.is_empty() && is_missing(it))
        .collect()
}

/// Names of the `missing` files those that a task in `directory` may have looked for, first those that its output names.
fn hint(missing: &[Vec<u8>], directory: &FilePath, tail: &[u8]) -> Option<String> {
    let near = |path: &&Vec<u8>| {
        let plain = path.strip_suffix(b"/").unwrap_or(path);
        if LITTER.contains(&last_part(plain)) {
            return false;
        }
        let parent = ancestors(plain).nth(1).unwrap_or_default();
        is_within(plain, directory.as_bytes()) || is_within(directory.as_bytes(), parent)
    };
    let says = |path: &[u8]| {
        let name = last_part(path.strip_suffix(b"/").unwrap_or(path));
        !name.is_empty() && tail.windows(name.len()).any(|it| it == name)
    };
    let mut named: Vec<&Vec<u8>> = missing.iter().filter(near).collect();
    named.sort_by_key(|path| !says(path));
    let more = named.len().saturating_sub(NAMED);
    let mut names: Vec<String> = named.iter().take(NAMED).map(|it| display(it)).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    (!names.is_empty()).then(|| {
        format!(
            "it ran in a checkout without what git ignores here: {}; what it needs of that, a task has to make",
            names.join(", ")
        )
    })
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether something that the tasks of a plan read is not the same in the working tree.
fn differs(
    repo: &Repo,
    comparison: &Comparison<'_>,
    head: &dyn Snapshot,
    graph: &TaskGraph,
    plan: &Plan,
) -> Result<bool, Failure> {
    let workspace = &comparison.workspace;
    let planned: BTreeSet<String> = plan.tasks.iter().map(|it| it.id.to_string()).collect();
    let is_planned = |node: &NodeIndex| {
        let id = graph.id(workspace, *node);
        id.is_some_and(|it| planned.contains(&it.to_string()))
    };
    let nodes: Vec<NodeIndex> = (0..graph.nodes().len()).filter(is_planned).collect();
    let lacking = nodes.iter().flat_map(|it| graph.needed_without_task(*it));
    let all: BTreeSet<NodeIndex> = nodes.iter().copied().chain(lacking).collect();
    let within = places(workspace, graph, &all);
    let here = repo.snapshot(Head::WorkTree(repo.head_commit()?));
    let mut paths = different(head, &*here, &within)?;
    // What git takes as unchanged without looking may be anything.
    let promised = here.promised()?.into_iter();
    paths.extend(promised.filter(|path| is_in_any(path, &within)));
    if paths.is_empty() {
        return Ok(false);
    }
    let changes = Changes::Paths(paths);
    let changed = Changed::find(workspace, &changes, &DefinitionChanges::default());
    let affected = changed.affected_nodes(workspace, graph);
    Ok(nodes.iter().any(|it| !affected[*it].is_empty()))
}

fn is_in_any(path: &FilePath, within: &[FilePath]) -> bool {
    let mut within = within.iter();
    within.any(|it| is_within(path.as_bytes(), it.as_bytes()))
}

/// The files within some places that are not the same in two states.
fn different(
    one: &dyn Snapshot,
    other: &dyn Snapshot,
    within: &[FilePath],
) -> Result<Vec<FilePath>, Failure> {
    let (one, other) = (one.files(within)?, other.files(within)?);
    let mut found = Vec::new();
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    loop {
        match (ones.peek(), others.peek()) {
            (None, None) => return Ok(found),
            (Some(a), Some(b)) if a.path == b.path => {
                if (a.mode, a.content) != (b.mode, b.content) {
                    found.push(FilePath::from_bytes(a.path));
                }
                ones.next();
                others.next();
            }
            (Some(a), b) if b.is_none_or(|b| a.path < b.path) => {
                found.push(FilePath::from_bytes(a.path));
                ones.next();
            }
            (_, Some(b)) => {
                found.push(FilePath::from_bytes(b.path));
                others.next();
            }
            (Some(_), None) => unreachable!("whoever is alone comes first"),
        }
    }
}

/// Checks `head` out, and makes that a place of its own, whose runs are written down where those of `place` are.
fn enter(place: &Place, repo: &Repo, head: Head) -> Result<Found, Failure> {
    let checkout = Isolated::of(repo, &checkouts(&place.env)?, head)?;
    let root = checkout.root().to_owned();
    let env = Env {
        directory: root.clone(),
        directory_given: true,
        ..place.env.clone()
    };
    let isolated = Repo::discover_at(&env, &root)?.map(|it| it.fetching(repo.fetch()));
    Ok(Found {
        place: Place::new(env, root, isolated).recording(place.records_directory()),
        checkout,
    })
}

/// Where checkouts lie: beside the store of results, else with what is temporary.
fn checkouts(env: &Env) -> Result<PathBuf, Failure> {
    let directory = directory(env).map_err(|reason| Failure::Usage {
        message: "there is no place for a checkout".to_owned(),
        hint: reason,
    })?;
    Ok(directory.join("isolated"))
}

/// Removes checkouts that nobody uses: with `repo` only that of its working tree. Gives how many there were.
pub fn clear(env: &Env, repo: Option<&Repo>) -> usize {
    checkouts(env).map_or(0, |directory| isolated::remove(&directory, repo))
}

/// The directories of the services of a plan's tasks, by place in the plan.
pub fn directories(workspace: &Workspace, plan: &Plan) -> Vec<FilePath> {
    let tasks = plan.tasks.iter();
    tasks
        .map(|it| workspace.service(it.service).path.clone())
        .collect()
}
