//! Fetching exactly what is missing, from the configured remotes only.

use crate::git::base::remotes;
use crate::git::deepen::{SMALL_STEPS, deepen};
use crate::git::error::Error;
use crate::git::program::Fetch;
use crate::git::remote::{Advertised, Refusal, conversation, fetch, look_up};
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// What came of looking for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Found(ObjectId),
    /// Why it is not there, in words.
    Missing(String),
}

/// The commit that `revision` stands for, fetched if it is not here. `tell` hears of each step that takes time.
///
/// # Errors
/// An unreadable repository. A remote that does not answer is no error but a reason.
pub fn ensure(
    repo: &Repo,
    revision: &str,
    fetch: Fetch,
    tell: &mut dyn FnMut(&str),
) -> Result<Fetched, Error> {
    if let Some(commit) = repo.resolve(revision)? {
        return Ok(Fetched::Found(commit));
    }
    if revision.is_empty() || revision.starts_with('-') {
        return missing(format!("`{revision}` is no revision"));
    }
    if fetch == Fetch::Forbidden {
        return missing(format!(
            "`{revision}` is not in this clone, and fetching is forbidden by --no-fetch"
        ));
    }
    let remotes = remotes(repo)?;
    if remotes.is_empty() {
        return missing(format!(
            "`{revision}` is not in this clone, and no remote is configured to fetch it from"
        ));
    }
    if let Some((start, rest)) = split_relative(revision) {
        return relative(repo, revision, start, rest, tell);
    }
    match ObjectId::from_hex(revision) {
        Some(id) => commit_from(repo, &remotes, id, tell),
        None => match name_from(repo, &remotes, revision, tell)? {
            Fetched::Missing(reason) if is_short_id(revision) => missing(format!(
                "{reason}, and a commit can be fetched only by its full id"
            )),
            other => Ok(other),
        },
    }
}

/// The name of the branch that `remote` calls its default.
///
/// # Errors
/// The `git` program cannot be started.
pub fn remote_default_branch(
    repo: &Repo,
    remote: &str,
    tell: &mut dyn FnMut(&str),
) -> Result<Option<String>, Error> {
    tell(&format!("asking {remote} for its default branch"));
    let arguments = ["ls-remote", "--symref", "--end-of-options", remote, "HEAD"];
    let Ok(output) = conversation(repo.git(), &arguments)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&output);
    let target = text.lines().find_map(|line| {
        let target = line.strip_prefix("ref: refs/heads/")?;
        target.strip_suffix("\tHEAD")
    });
    Ok(target.map(str::to_owned))
}

fn missing(reason: String) -> Result<Fetched, Error> {
    Ok(Fetched::Missing(reason))
}

fn is_short_id(revision: &str) -> bool {
    revision.len() >= 4 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `HEAD~3` in its start and the way back from there.
fn split_relative(revision: &str) -> Option<(&str, &str)> {
    let at = revision.find(['~', '^'])?;
    (at > 0).then(|| revision.split_at(at))
}

/// A commit some steps back from another: brings the start, then as much history as it takes.
fn relative(
    repo: &Repo,
    revision: &str,
    start: &str,
    rest: &str,
    tell: &mut dyn FnMut(&str),
) -> Result<Fetched, Error> {
    let start = match ensure(repo, start, Fetch::Allowed, tell)? {
        Fetched::Found(commit) => commit,
        missing @ Fetched::Missing(_) => return Ok(missing),
    };
    let wanted = format!("{start}{rest}");
    let mut found = repo.resolve(&wanted)?;
    let trouble = deepen(repo, &[start], SMALL_STEPS, tell, &mut || {
        found = repo.resolve(&wanted)?;
        Ok(found.is_some())
    })?;
    match (found, trouble) {
        (Some(commit), _) => Ok(Fetched::Found(commit)),
        (None, Some(trouble)) => {
            missing(format!("`{revision}` is not in this clone, and {trouble}"))
        }
        (None, None) => missing(format!("`{revision}` is no commit of this history")),
    }
}

fn commit_from(
    repo: &Repo,
    remotes: &[String],
    id: ObjectId,
    tell: &mut dyn FnMut(&str),
) -> Result<Fetched, Error> {
    let mut reasons = Vec::new();
    for remote in remotes {
        tell(&format!("fetching commit {} from {remote}", id.short()));
        let Some(refusal) = bring(repo, remote, &[id.to_string()])? else {
            return match repo.resolve(&id.to_string())? {
                Some(commit) => Ok(Fetched::Found(commit)),
                None => missing(format!("{} is no commit", id.short())),
            };
        };
        reasons.push(refusal.about(remote, &format!("commit {}", id.short())));
    }
    missing(reasons.join("; "))
}

fn name_from(
    repo: &Repo,
    remotes: &[String],
    name: &str,
    tell: &mut dyn FnMut(&str),
) -> Result<Fetched, Error> {
    let of_remote = remotes.iter().find_map(|remote| {
        let plain = name.strip_prefix("refs/remotes/").unwrap_or(name);
        let branch = plain.strip_prefix(remote.as_str())?.strip_prefix('/')?;
        Some((remote, branch))
    });
    let candidates: Vec<_> = match of_remote {
        Some((remote, branch)) => vec![(remote, format!("refs/heads/{branch}"))],
        None => remotes.iter().map(|it| (it, name.to_owned())).collect(),
    };
    let mut reasons = Vec::new();
    for (remote, name) in candidates {
        tell(&format!("asking {remote} for `{}`", plain(&name)));
        match look_up(repo, remote, &name)? {
            Ok(Some(advertised)) => return bring_advertised(repo, remote, &advertised, tell),
            Ok(None) => reasons.push(format!("{remote} has no branch or tag `{}`", plain(&name))),
            Err(refusal) => reasons.push(refusal.about(remote, &name)),
        }
    }
    missing(reasons.join("; "))
}

fn plain(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

fn bring_advertised(
    repo: &Repo,
    remote: &str,
    advertised: &Advertised,
    tell: &mut dyn FnMut(&str),
) -> Result<Fetched, Error> {
    // In a shallow clone, fetching what is here already would cut its history off.
    if let Some(commit) = repo.resolve(&advertised.id.to_string())? {
        return Ok(Fetched::Found(commit));
    }
    let name = &advertised.name;
    let (spec, here) = match name.strip_prefix("refs/heads/") {
        Some(branch) => {
            let here = format!("refs/remotes/{remote}/{branch}");
            (format!("+{name}:{here}"), here)
        }
        None if name.starts_with("refs/tags/") => (format!("{name}:{name}"), name.clone()),
        None => (name.clone(), advertised.id.to_string()),
    };
    tell(&format!("fetching `{}` from {remote}", plain(name)));
    if let Some(refusal) = bring(repo, remote, &[spec])? {
        return missing(refusal.about(remote, &format!("`{}`", plain(name))));
    }
    match repo.resolve(&here)? {
        Some(commit) => Ok(Fetched::Found(commit)),
        None => missing(format!("`{}` of {remote} is no commit", plain(name))),
    }
}

/// Fetches `specs`, in a shallow clone without their history.
fn bring(repo: &Repo, remote: &str, specs: &[String]) -> Result<Option<Refusal>, Error> {
    let options: &[&str] = match repo.is_shallow() {
        true => &["--depth=1"],
        false => &[],
    };
    fetch(repo, remote, options, specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_revision_is_split_at_its_start() {
        let check = |revision, expected| assert_eq!(split_relative(revision), expected);
        check("HEAD~3", Some(("HEAD", "~3")));
        check("origin/main^2~1", Some(("origin/main", "^2~1")));
        check("main", None);
        check("^main", None);
    }
}
