//! Fetching exactly what is missing, from the configured remotes only.

use std::collections::HashSet;
use std::time::Duration;

use crate::git::base::remotes;
use crate::git::error::Error;
use crate::git::program::{Fetch, Finished};
use crate::git::raw::ids;
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// What came of looking for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Found(ObjectId),
    /// Why it is not there, in words.
    Missing(String),
}

/// How much more history each step brings to a shallow clone, before the rest is fetched.
const STEPS: &[u32] = &[50, 200];
/// The same when a parent is wanted, as for the merge commits that CI systems check out.
const SMALL_STEPS: &[u32] = &[1, 50, 200];

/// How often a fetch is tried again that ran into another one in the same clone, and after how long.
const RETRIES: u32 = 20;
const RETRY_AFTER: Duration = Duration::from_millis(100);

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
        None => name_from(repo, &remotes, revision, tell),
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
    let Ok(output) = conversation(repo, &arguments)? else {
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

/// A ref that a remote offers.
struct Advertised {
    name: String,
    id: ObjectId,
}

/// What `remote` has under `name`: a branch, else a tag, or a ref by its full name.
fn look_up(
    repo: &Repo,
    remote: &str,
    name: &str,
) -> Result<Result<Option<Advertised>, Refusal>, Error> {
    let wanted = match name.starts_with("refs/") {
        true => vec![name.to_owned()],
        false => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
    };
    let mut arguments = vec!["ls-remote", "--end-of-options", remote];
    arguments.extend(wanted.iter().map(String::as_str));
    let output = match conversation(repo, &arguments)? {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let offers: Vec<_> = output
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let found = wanted.into_iter().find_map(|name| {
        let (id, _) = offers.iter().find(|(_, offered)| *offered == name)?;
        let id = ObjectId::from_hex(id)?;
        Some(Advertised { name, id })
    });
    Ok(Ok(found))
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
        if let (Some(trouble), None) = (&trouble, step) {
            return Ok(Some(trouble.clone()));
        }
    }
    match enough()? || edge_of(repo, tips)?.is_empty() {
        true => Ok(None),
        false => Ok(Some(
            "the history of the remote is cut off as well".to_owned(),
        )),
    }
}

/// The steps of [`deepen`] when a merge-base is wanted.
pub fn merge_base_steps() -> &'static [u32] {
    STEPS
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

/// Fetches `specs`, in a shallow clone without their history.
fn bring(repo: &Repo, remote: &str, specs: &[String]) -> Result<Option<Refusal>, Error> {
    let options: &[&str] = match repo.is_shallow() {
        true => &["--depth=1"],
        false => &[],
    };
    fetch(repo, remote, options, specs)
}

/// Why a remote did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// It does not have it.
    Absent,
    /// It gives out only tips of branches.
    Unadvertised,
    /// Anything else, in git's words.
    Trouble(String),
}

impl Refusal {
    fn about(&self, remote: &str, what: &str) -> String {
        match self {
            Self::Absent => {
                format!("{remote} has no {what}; it may have been force-pushed away")
            }
            Self::Unadvertised => format!("{remote} does not give out {what} by its id"),
            Self::Trouble(message) => {
                format!("{what} could not be fetched from {remote}: {message}")
            }
        }
    }

    fn from_message(message: &str) -> Self {
        let says = |words: &str| message.contains(words);
        if says("not our ref") || says("couldn't find remote ref") || says("no such remote ref") {
            return Self::Absent;
        }
        if says("unadvertised object") {
            return Self::Unadvertised;
        }
        let lines: Vec<_> = message.lines().map(str::trim).collect();
        let fatal = lines.iter().find(|line| line.starts_with("fatal: "));
        let telling = fatal.or_else(|| lines.iter().rfind(|line| !line.is_empty()));
        let telling = telling.map_or("git gave no reason", |line| line);
        Self::Trouble(telling.trim_start_matches("fatal: ").to_owned())
    }
}

fn fetch(
    repo: &Repo,
    remote: &str,
    options: &[&str],
    specs: &[String],
) -> Result<Option<Refusal>, Error> {
    let mut arguments = vec![
        "-c",
        "maintenance.auto=false",
        "-c",
        "gc.auto=0",
        "fetch",
        // Progress is what shows that a long fetch is alive.
        "--progress",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
    ];
    arguments.extend(options);
    arguments.extend(["--end-of-options", remote]);
    arguments.extend(specs.iter().map(String::as_str));
    Ok(conversation(repo, &arguments)?.err())
}

/// Speaks with a remote; starts anew where another fetch in the same clone was in the way.
fn conversation(repo: &Repo, arguments: &[&str]) -> Result<Result<Vec<u8>, Refusal>, Error> {
    let mut tries = 0;
    loop {
        let answer = repo.git().talk(arguments);
        let message = match answer.and_then(Finished::into_output) {
            Ok(output) => return Ok(Ok(output)),
            Err(Error::Program { message, .. }) => message,
            Err(other) => return Err(other),
        };
        let in_the_way = [
            "File exists",
            "has changed since we read it",
            "cannot lock ref",
        ];
        if tries == RETRIES || !in_the_way.iter().any(|words| message.contains(words)) {
            return Ok(Err(Refusal::from_message(&message)));
        }
        tries += 1;
        std::thread::sleep(RETRY_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let check = |message: &str, expected| assert_eq!(Refusal::from_message(message), expected);
        check(
            "fatal: remote error: upload-pack: not our ref 12",
            Refusal::Absent,
        );
        check("fatal: couldn't find remote ref x", Refusal::Absent);
        check(
            "error: Server does not allow request for unadvertised object 12",
            Refusal::Unadvertised,
        );
        check(
            "ssh: no route\nfatal: Could not read from remote repository.\n\nPlease make sure",
            Refusal::Trouble("Could not read from remote repository.".to_owned()),
        );
    }

    #[test]
    fn a_relative_revision_is_split_at_its_start() {
        let check = |revision, expected| assert_eq!(split_relative(revision), expected);
        check("HEAD~3", Some(("HEAD", "~3")));
        check("origin/main^2~1", Some(("origin/main", "^2~1")));
        check("main", None);
        check("^main", None);
    }
}
