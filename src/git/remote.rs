//! Speaking with remotes: every fetch, and why it did not work.

use std::time::Duration;

use crate::git::error::Error;
use crate::git::finished::Finished;
use crate::git::program::Git;
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// How often a fetch is tried again that ran into another one in the same clone, and after how long.
const RETRIES: u32 = 20;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why a remote did not give what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not have it.
    Absent,
    /// It gives out only tips of branches.
    Unadvertised,
    /// Anything else, in git's words.
    Trouble(String),
}

impl Refusal {
    /// The refusal of `what` by `remote`, for people.
    pub fn about(&self, remote: &str, what: &str) -> String {
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

/// Fetches `specs` from `remote`. None if that went well.
///
/// # Errors
/// An unreadable repository.
pub fn fetch(
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
        "-c",
        "fetch.writeCommitGraph=false",
        "fetch",
        // Progress is what shows that a long fetch is alive.
        "--progress",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--no-prune",
    ];
    arguments.extend(options);
    arguments.extend(["--end-of-options", remote]);
    arguments.extend(specs.iter().map(String::as_str));
    Ok(conversation(repo.git(), &arguments)?.err())
}

/// Speaks with a remote; starts anew where another fetch in the same clone was in the way.
///
/// # Errors
/// An unreadable repository. A remote that does not answer is a refusal.
pub fn conversation(git: &Git, arguments: &[&str]) -> Result<Result<Vec<u8>, Refusal>, Error> {
    match persist(git, arguments).and_then(Finished::into_output) {
        Ok(output) => Ok(Ok(output)),
        Err(Error::Program { message, .. }) => Ok(Err(Refusal::from_message(&message))),
        Err(other) => Err(other),
    }
}

/// The last of as many conversations as it takes until no other fetch in the same clone is in the way.
///
/// # Errors
/// Git could not be started, or the remote does not answer.
pub fn persist(git: &Git, arguments: &[&str]) -> Result<Finished, Error> {
    let in_the_way = [
        "File exists",
        "has changed since we read it",
        "cannot lock ref",
    ];
    let mut tries = 0;
    loop {
        let done = git.talk(arguments)?;
        let is_blocked = in_the_way.iter().any(|words| done.message.contains(words));
        if done.status.success() || tries == RETRIES || !is_blocked {
            return Ok(done);
        }
        tries += 1;
        std::thread::sleep(RETRY_AFTER);
    }
}

/// A ref that a remote offers.
pub struct Advertised {
    pub name: String,
    pub id: ObjectId,
}

/// What `remote` has under `name`: a branch, else a tag, or a ref by its full name.
///
/// # Errors
/// An unreadable repository.
pub fn look_up(
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
    let output = match conversation(repo.git(), &arguments)? {
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
}
