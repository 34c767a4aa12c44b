//! The default branch, and where two histories part.

use std::collections::HashSet;

use crate::git::error::Error;
use crate::git::raw::ids;
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// The branch that others start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultBranch {
    /// `main`.
    pub name: String,
    /// The ref that stands for it here: `refs/remotes/origin/main`, or `refs/heads/main`.
    pub reference: String,
}

impl DefaultBranch {
    /// The ref as people write it: `origin/main`.
    pub fn shown(&self) -> &str {
        let reference = self.reference.as_str();
        let short = reference
            .strip_prefix("refs/remotes/")
            .or_else(|| reference.strip_prefix("refs/heads/"));
        short.unwrap_or(reference)
    }
}

/// The best common ancestors of two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeBases {
    /// All of them, at least one.
    Known(Vec<ObjectId>),
    /// The histories have nothing in common.
    Unrelated,
    /// The clone is shallow, and a better one may lie behind its edge.
    Hidden,
}

/// The default branch as far as this clone knows it: `configured`, else `origin/HEAD`, then `main`, then `master`; by its
/// remote-tracking ref, else the local one.
///
/// # Errors
/// An unreadable repository.
pub fn default_branch(
    repo: &Repo,
    configured: Option<&str>,
) -> Result<Option<DefaultBranch>, Error> {
    let remote = main_remote(repo)?;
    let names = match configured {
        Some(name) => vec![name.to_owned()],
        None => likely_names(repo, remote.as_deref())?,
    };
    let tracking = remote.iter().flat_map(|remote| {
        let reference =
            move |name: &String| (name.clone(), format!("refs/remotes/{remote}/{name}"));
        names.iter().map(reference)
    });
    let local = names
        .iter()
        .map(|name| (name.clone(), format!("refs/heads/{name}")));
    for (name, reference) in tracking.chain(local) {
        if has_ref(repo, &reference)? {
            return Ok(Some(DefaultBranch { name, reference }));
        }
    }
    Ok(None)
}

fn likely_names(repo: &Repo, remote: Option<&str>) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    if let Some(remote) = remote {
        names.extend(head_of(repo, remote)?);
    }
    names.extend(["main".to_owned(), "master".to_owned()]);
    Ok(names)
}

/// The branch that the main remote called its default when it was cloned, where this clone knows it: what `origin/HEAD`
/// stands for.
///
/// # Errors
/// An unreadable repository.
pub fn remote_head(repo: &Repo) -> Result<Option<String>, Error> {
    match main_remote(repo)? {
        Some(remote) => head_of(repo, &remote),
        None => Ok(None),
    }
}

fn head_of(repo: &Repo, remote: &str) -> Result<Option<String>, Error> {
    let target = symbolic_target(repo, &format!("refs/remotes/{remote}/HEAD"))?;
    let prefix = format!("refs/remotes/{remote}/");
    Ok(target.and_then(|it| it.strip_prefix(&prefix).map(str::to_owned)))
}

/// The parents of a commit as it is written, also where a shallow clone hides them.
///
/// # Errors
/// An unreadable repository.
pub fn parents(repo: &Repo, commit: ObjectId) -> Result<Vec<ObjectId>, Error> {
    let git = repo.git().offline();
    let text = git.output(["cat-file", "commit", &commit.to_string()])?;
    let text = String::from_utf8_lossy(&text);
    let head = text.lines().take_while(|line| !line.is_empty());
    let parents = head.filter_map(|line| line.strip_prefix("parent "));
    Ok(parents.filter_map(ObjectId::from_hex).collect())
}

/// `origin`, else the remote of the branch that is checked out, else the first one.
///
/// # Errors
/// An unreadable repository.
pub fn main_remote(repo: &Repo) -> Result<Option<String>, Error> {
    Ok(remotes(repo)?.into_iter().next())
}

/// The configured remotes, the most likely first.
///
/// # Errors
/// An unreadable repository.
pub fn remotes(repo: &Repo) -> Result<Vec<String>, Error> {
    let mut names = remote_names(repo)?;
    if names.len() > 1 {
        let tracked = tracked_remote(repo)?;
        names.sort_by_key(|name| (name != "origin", Some(name) != tracked.as_ref()));
    }
    Ok(names)
}

fn remote_names(repo: &Repo) -> Result<Vec<String>, Error> {
    if let Some(found) = repo.library().and_then(|it| it.remotes().ok()) {
        let names = found.iter().filter_map(|name| name.ok().flatten());
        return Ok(names.map(str::to_owned).collect());
    }
    let output = repo.git().output(["remote"])?;
    let text = String::from_utf8_lossy(&output);
    Ok(text.lines().map(str::to_owned).collect())
}

fn tracked_remote(repo: &Repo) -> Result<Option<String>, Error> {
    let Some(branch) = repo.head_branch()? else {
        return Ok(None);
    };
    let key = format!("branch.{branch}.remote");
    let answer = repo.git().run(["config", "--get", &key])?;
    let text = String::from_utf8_lossy(&answer.output).trim().to_owned();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Whether the ref with this full name exists.
///
/// # Errors
/// An unreadable repository.
pub fn has_ref(repo: &Repo, name: &str) -> Result<bool, Error> {
    match repo.library() {
        Some(library) => Ok(library.refname_to_id(name).is_ok()),
        None => {
            let arguments = ["show-ref", "--verify", "--quiet", "--end-of-options", name];
            Ok(repo.git().run(arguments)?.status.success())
        }
    }
}

fn symbolic_target(repo: &Repo, name: &str) -> Result<Option<String>, Error> {
    if let Some(library) = repo.library() {
        let reference = library.find_reference(name).ok();
        let target =
            reference.and_then(|it| it.symbolic_target().ok().flatten().map(str::to_owned));
        return Ok(target);
    }
    let answer = repo.git().run(["symbolic-ref", "--quiet", name])?;
    let text = String::from_utf8_lossy(&answer.output).trim().to_owned();
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Where the histories of `one` and `other` part.
///
/// The program rather than the library: it uses the commit-graph, so that it is quick on long histories as well.
///
/// # Errors
/// An unreadable repository.
pub fn merge_bases(repo: &Repo, one: ObjectId, other: ObjectId) -> Result<MergeBases, Error> {
    if one == other {
        return Ok(MergeBases::Known(vec![one]));
    }
    let (a, b) = (one.to_string(), other.to_string());
    let git = repo.git().offline();
    let answer = git.run(["merge-base", "--all", &a, &b])?;
    let bases = match answer.status.code() {
        Some(1) => Vec::new(),
        _ => ids(&answer.into_output()?),
    };
    if repo.is_shallow() && touches_edge(repo, &[one, other], &bases)? {
        return Ok(MergeBases::Hidden);
    }
    Ok(match bases.is_empty() {
        true => MergeBases::Unrelated,
        false => MergeBases::Known(bases),
    })
}

/// Whether the history of `tips` that is not that of `bases` runs into the edge of a shallow clone. Then an ancestor behind
/// the edge may be a better base, and git would not say so.
fn touches_edge(repo: &Repo, tips: &[ObjectId], bases: &[ObjectId]) -> Result<bool, Error> {
    let edge: HashSet<_> = repo.shallow_commits()?.into_iter().collect();
    let mut arguments = vec!["rev-list".to_owned()];
    arguments.extend(tips.iter().map(ToString::to_string));
    arguments.push("--not".to_owned());
    arguments.extend(bases.iter().map(ToString::to_string));
    let output = repo.git().offline().output(arguments)?;
    Ok(ids(&output).iter().any(|commit| edge.contains(commit)))
}
