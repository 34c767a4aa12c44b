//! Bringing the mirror up to the remote.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::git::program::Git;
use crate::git::refs::{RemoteRefs, SETTINGS, check_name, move_refs, trouble, verdict};
use crate::git::remote::persist;
use crate::model::change::ObjectId;
use crate::model::refs::{Growth, RefsError};

/// More than any ledger has. Unlike "all", which would complete the history of the whole clone.
pub const DEEP: &str = "--depth=1000000";

/// How often another process of the same clone may move the mirror while we do.
const TRIES: u32 = 20;

/// What a fetch found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Offered {
    there: BTreeSet<String>,
    /// Those that do not go on from what is here.
    parted: BTreeSet<String>,
}

/// See `Refs::refresh`.
pub fn refresh(
    refs: &RemoteRefs,
    names: &[(String, Growth)],
    within: Option<Duration>,
) -> Result<(), RefsError> {
    names.iter().try_for_each(|(name, _)| check_name(name))?;
    if names.is_empty() {
        return Ok(());
    }
    let git = refs.git.within(within);
    let all: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    let mut here = refs.tips_of(&all)?;
    // A git that completes a history still goes by the old one; only the next sees how it goes on.
    let doubtful = if refs.is_shallow() { 2 } else { 1 };
    for turn in 0..TRIES {
        let offered = bring(refs, &git, names, &here, turn)?;
        let parted = names.iter().find(|(name, _)| offered.parted.contains(name));
        let Some((name, _)) = parted else {
            return forget(refs, names, &here, &offered.there);
        };
        // Another process of this clone may have moved the mirror on since the remote was asked.
        let before = here.get(name).copied();
        here = refs.tips_of(&all)?;
        if turn < doubtful || here.get(name).copied() != before {
            continue;
        }
        let now = move_refs::ask(refs, &git, &[name])?.remove(name);
        match (before, now) {
            (Some(before), Some(now)) if before != now => {
                return Err(RefsError::Rewritten {
                    name: name.clone(),
                    remote: refs.remote.clone(),
                    before,
                    now,
                });
            }
            _ => {}
        }
    }
    let text = format!(
        "the refs of {} never stood still while they were read",
        refs.remote
    );
    Err(RefsError::Repository(text))
}

/// Takes away what the remote no longer has.
fn forget(
    refs: &RemoteRefs,
    names: &[(String, Growth)],
    here: &BTreeMap<String, ObjectId>,
    there: &BTreeSet<String>,
) -> Result<(), RefsError> {
    let gone = names.iter().filter(|(name, _)| !there.contains(name));
    let mut commands = Vec::new();
    for (name, growth) in gone {
        match (growth, here.get(name)) {
            (_, None) => {}
            (Growth::Free, Some(old)) => commands.push(format!("delete {name} {old}\n")),
            (Growth::Forward, Some(before)) => {
                return Err(RefsError::Vanished {
                    name: name.clone(),
                    remote: refs.remote.clone(),
                    before: *before,
                });
            }
        }
    }
    // One that moved meanwhile is somebody's who knows better.
    move_refs::update_mirror(refs, &commands)
}

/// Fetches `names`. In a shallow clone what is new comes without its history; what is here already shows where it goes on.
fn bring(
    refs: &RemoteRefs,
    git: &Git,
    names: &[(String, Growth)],
    here: &BTreeMap<String, ObjectId>,
    turn: u32,
) -> Result<Offered, RefsError> {
    if !refs.is_shallow() {
        return fetch(refs, git, &[], names);
    }
    let is_known =
        |(name, growth): &(String, Growth)| *growth == Growth::Forward && here.contains_key(name);
    let (known, new): (Vec<_>, Vec<_>) = names.iter().cloned().partition(is_known);
    // Somebody may have cut the history between the mirror and the remote.
    let deep: &[&str] = if turn == 0 { &[] } else { &[DEEP] };
    let mut offered = fetch(refs, git, deep, &known)?;
    let others = fetch(refs, git, &["--depth=1"], &new)?;
    offered.there.extend(others.there);
    offered.parted.extend(others.parted);
    Ok(offered)
}

fn fetch(
    refs: &RemoteRefs,
    git: &Git,
    options: &[&str],
    names: &[(String, Growth)],
) -> Result<Offered, RefsError> {
    let specs = specs(names);
    if specs.is_empty() {
        return Ok(Offered::default());
    }
    let mut arguments = SETTINGS.to_vec();
    arguments.extend(FETCH);
    if refs.is_partial {
        // Files of a ledger are all read, so they come along.
        arguments.push("--no-filter");
    }
    arguments.extend(options);
    arguments.extend(["--end-of-options", &refs.source]);
    arguments.extend(specs.iter().map(String::as_str));
    let answer = persist(git, &arguments);
    let done = answer.map_err(|error| unanswered(refs, error))?;
    // This is how a fetch with a depth ends that finds nothing.
    if done.message.is_empty() && done.status.code() == Some(1) {
        return Ok(Offered::default());
    }
    let offered = offered(&done.message);
    let only_parted = !offered.parted.is_empty() && !done.message.contains("fatal: ");
    match done.status.success() || only_parted {
        true => Ok(offered),
        false => Err(verdict::of_fetch(&refs.remote, &done.message)),
    }
}

/// Progress shows that a long fetch is alive; `-v` tells of refs that did not move, too.
const FETCH: &[&str] = &[
    "fetch",
    "-v",
    "--progress",
    "--no-tags",
    "--no-prune",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--refmap=",
];

/// A remote that fell silent.
pub fn unanswered(refs: &RemoteRefs, error: crate::git::error::Error) -> RefsError {
    match error {
        crate::git::error::Error::Program { message, .. } => {
            verdict::of_fetch(&refs.remote, &message)
        }
        other => trouble(other),
    }
}

/// A refspec for each name. They are patterns because a fetch of a plain name fails as a whole where the remote lacks it; and
/// a look at all refs first would be slow on remotes that have very many. What else begins like a name comes along.
fn specs(names: &[(String, Growth)]) -> Vec<String> {
    let mut sorted: Vec<_> = names.iter().collect();
    sorted.sort_by_key(|(name, _)| name);
    let mut kept: Vec<&(String, Growth)> = Vec::new();
    for entry in sorted {
        let covers = |it: &&&(String, Growth)| entry.0.starts_with(&it.0);
        if kept.iter().find(covers).is_none() {
            kept.push(entry);
        }
    }
    let spec = |(name, growth): &&(String, Growth)| {
        let force = if *growth == Growth::Free { "+" } else { "" };
        format!("{force}{name}*:{name}*")
    };
    kept.iter().map(spec).collect()
}

/// The refs of which `git fetch -v` tells: ` FLAG SUMMARY FROM -> TO (REASON)`.
fn offered(message: &str) -> Offered {
    let mut found = Offered::default();
    for line in message.lines().filter(|line| line.starts_with(' ')) {
        let Some((left, right)) = line.split_once(" -> ") else {
            continue;
        };
        let Some(name) = left.split_whitespace().last() else {
            continue;
        };
        if right.contains("(non-fast-forward)") {
            found.parted.insert(name.to_owned());
        }
        found.there.insert(name.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fetch_tells_is_understood() {
        let told = "From file:///r\n ! [rejected]        refs/l/p       -> refs/l/p  (non-fast-forward)\n = [up to date]      refs/l/q -> refs/l/q\n + 61..f5 refs/k/p         -> refs/k/p  (forced update)\nremote:  * [new ref] refs/no -> refs/no";
        let found = offered(told);
        assert_eq!(
            found.there,
            ["refs/l/p", "refs/l/q", "refs/k/p"]
                .map(str::to_owned)
                .into()
        );
        assert_eq!(found.parted, ["refs/l/p".to_owned()].into());
    }

    #[test]
    fn names_that_begin_alike_are_asked_for_once() {
        let name = |name: &str, growth| (name.to_owned(), growth);
        let names = [
            name("refs/l/production", Growth::Forward),
            name("refs/l/prod", Growth::Forward),
            name("refs/k/prod", Growth::Free),
        ];
        let expected = ["+refs/k/prod*:refs/k/prod*", "refs/l/prod*:refs/l/prod*"];
        assert_eq!(specs(&names), expected);
    }
}
