//! Bringing more history into a shallow clone.

use std::collections::HashSet;

use crate::git::base::remotes;
use crate::git::error::Error;
use crate::git::raw::ids;
use crate::git::remote::{Refusal, fetch};
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// How much more history each step brings to a shallow clone, before the rest is fetched.
pub const STEPS: &[u32] = &[50, 200];
/// The same when a parent is wanted, as for the merge commits that CI systems check out.
pub const SMALL_STEPS: &[u32] = &[1, 50, 200];

/// Brings more and more history of `tips` into a shallow clone until `enough` says so. None if it did or the whole history is
/// there; else what stood in the way.
///
/// # Errors
/// An unreadable repository.
pub fn deepen(
    repo: &Repo,
    tips: &[ObjectId],
    steps: &[u32],
    tell: &mut dyn FnMut(&str),
    enough: &mut dyn FnMut() -> Result<bool, Error>,
) -> Result<Option<String>, Error> {
    for step in steps.iter().map(Some).chain([None]) {
        let edge = edge_of(repo, tips)?;
        if edge.is_empty() || enough()? {
            return Ok(None);
        }
        let trouble = match step {
            Some(step) => deepen_by(repo, *step, &edge, tell)?,
            None => complete(repo, &edge, tell)?,
        };
        // A server that cannot deepen may still give everything; one that does not answer will not do so later.
        let goes_on = |trouble: &String| step.is_some() && trouble.contains("does not support");
        if let Some(trouble) = trouble.filter(|it| !goes_on(it)) {
            return Ok(Some(trouble));
        }
    }
    match enough()? || edge_of(repo, tips)?.is_empty() {
        true => Ok(None),
        false => Ok(Some(
            "the history of the remote is cut off as well".to_owned(),
        )),
    }
}

/// The commits at which the history of `tips` is cut off.
fn edge_of(repo: &Repo, tips: &[ObjectId]) -> Result<Vec<ObjectId>, Error> {
    let shallow: HashSet<_> = repo.shallow_commits()?.into_iter().collect();
    if shallow.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = vec!["rev-list".to_owned()];
    arguments.extend(tips.iter().map(ToString::to_string));
    let history = ids(&repo.git().offline().output(arguments)?);
    Ok(history
        .into_iter()
        .filter(|it| shallow.contains(it))
        .collect())
}

fn deepen_by(
    repo: &Repo,
    step: u32,
    edge: &[ObjectId],
    tell: &mut dyn FnMut(&str),
) -> Result<Option<String>, Error> {
    let depth = format!("--deepen={step}");
    let commits = if step == 1 { "commit" } else { "commits" };
    from_any(repo, edge, &[&depth], &mut |remote| {
        tell(&format!(
            "this clone is shallow: fetching {step} more {commits} of history from {remote}"
        ));
    })
}

fn complete(
    repo: &Repo,
    edge: &[ObjectId],
    tell: &mut dyn FnMut(&str),
) -> Result<Option<String>, Error> {
    from_any(
        repo,
        edge,
        &["--unshallow", "--filter=tree:0"],
        &mut |remote| {
            tell(&format!(
                "this clone is shallow: fetching the rest of its history from {remote}, commits only; this makes it a \
             partial clone, which fetches files when they are needed"
            ));
        },
    )
}

/// Fetches what lies behind `edge` from the first remote that gives it.
fn from_any(
    repo: &Repo,
    edge: &[ObjectId],
    options: &[&str],
    tell: &mut dyn FnMut(&str),
) -> Result<Option<String>, Error> {
    let mut reasons = Vec::new();
    for remote in remotes(repo)? {
        tell(&remote);
        // The edge came from a remote, so a remote has it, unlike commits that were made here.
        let specs: Vec<_> = edge.iter().map(ToString::to_string).collect();
        let mut refusal = fetch(repo, &remote, options, &specs)?;
        if matches!(refusal, Some(Refusal::Absent | Refusal::Unadvertised)) {
            refusal = fetch(repo, &remote, options, &[])?;
        }
        match refusal {
            None => return Ok(None),
            Some(refusal) => reasons.push(refusal.about(&remote, "this history")),
        }
    }
    match reasons.is_empty() {
        true => Ok(Some("no remote is configured to fetch it from".to_owned())),
        false => Ok(Some(reasons.join("; "))),
    }
}
