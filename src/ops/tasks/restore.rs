//! Taking from the cache what tasks left behind. Nothing is ever run for it.

use crate::cache::{Found, NotRestored};
use crate::engine::with_cause;
use crate::model::name::TaskId;
use crate::model::plan::Verdict;
use crate::ops::failure::Failure;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::prepare::{Prepared, Reuse};

/// Puts the outputs of all prepared tasks in place, as far as the cache has them. Gives each task whose outputs are
/// lacking, with why.
///
/// # Errors
/// Somebody asked `svc` to end.
pub fn restore(
    prepared: Prepared<'_>,
    is_asked: &dyn Fn() -> bool,
) -> Result<Vec<(TaskId, String)>, Failure> {
    let mut lacking = Vec::new();
    let Some(mut reuse) = prepared.reuse else {
        return Ok(lacking);
    };
    if let Some(early) = reuse.early.take() {
        early.end()?;
    }
    let place = prepared.place;
    let git = GitLater {
        env: &place.env,
        root: &place.root,
    };
    let workspace = &prepared.comparison.workspace;
    for (at, planned) in prepared.plan.tasks.iter().enumerate() {
        let definition = &workspace.service(planned.service).tasks[&planned.id.task];
        let patterns = definition.outputs.as_deref().unwrap_or_default();
        if patterns.is_empty() {
            continue;
        }
        let found = reuse.states[at].found.take();
        let found = found.filter(|_| planned.verdict == Verdict::Cached);
        let restored = match &found {
            None => Err(planned.reason.clone()),
            Some(found) => put(&reuse, &git, &planned.id, patterns, found, is_asked),
        };
        if is_asked() {
            return Err(Failure::Interrupted);
        }
        if let Err(why) = restored {
            lacking.push((planned.id.clone(), why));
        }
    }
    Ok(lacking)
}

/// Puts the outputs of one task in place.
fn put(
    reuse: &Reuse,
    git: &GitLater<'_>,
    id: &TaskId,
    patterns: &[crate::model::pattern::Pattern],
    found: &Found,
    is_asked: &dyn Fn() -> bool,
) -> Result<(), String> {
    let Some(store) = reuse.cache.readable() else {
        return Err("the cache is not used".to_owned());
    };
    let mut contents = store.contents(found);
    let may_replace = |paths: &[crate::model::path::FilePath]| git.ignores(paths);
    let restored = reuse.outputs.restore(
        id,
        patterns,
        &found.outputs,
        &mut contents,
        &may_replace,
        is_asked,
    );
    restored.map(drop).map_err(|not| match not {
        NotRestored::InTheWay(path) => format!("{} is in its way", path.display()),
        NotRestored::Leaves(path) => format!("it leaves its place at {}", path.display()),
        NotRestored::Failed(error) => with_cause(&error),
        NotRestored::Stopped => "stopped".to_owned(),
    })
}
