//! Moving refs of the remote, all or none.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::git::error::Error;
use crate::git::program::Git;
use crate::git::refs::refresh::unanswered;
use crate::git::refs::verdict::{self, Verdict};
use crate::git::refs::{RemoteRefs, SETTINGS, check_name, trouble, words};
use crate::git::remote::persist;
use crate::model::change::ObjectId;
use crate::model::refs::{Move, RefsError};

/// How long the remote may take to say what became of a push.
const ASKING: Duration = Duration::from_secs(30);

/// How often the mirror is tried to be moved while somebody else moves it, and after how long.
const TRIES: u32 = 10;
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// See `Refs::push`.
pub fn push(refs: &RemoteRefs, moves: &[Move]) -> Result<(), RefsError> {
    for step in moves {
        check_name(&step.name)?;
        if step.from == step.to {
            // Git would not send it, so the remote would not check it.
            let text = format!(
                "`{}` is to become what it is, which protects nothing",
                step.name
            );
            return Err(RefsError::Repository(text));
        }
    }
    if moves.is_empty() {
        return Ok(());
    }
    let verdict = match attempt(refs, moves)? {
        Verdict::Uncertain(words) => settle(refs, moves, words)?,
        other => other,
    };
    match verdict {
        Verdict::Taken => follow(refs, moves),
        Verdict::Failed(error) => Err(error),
        Verdict::Uncertain(words) => Err(RefsError::Unsure {
            remote: refs.remote.clone(),
            words,
        }),
    }
}

fn attempt(refs: &RemoteRefs, moves: &[Move]) -> Result<Verdict, RefsError> {
    let hex = |id: Option<ObjectId>| id.map_or_else(String::new, |id| id.to_string());
    let lease = |it: &Move| format!("--force-with-lease={}:{}", it.name, hex(it.from));
    let spec = |it: &Move| format!("{}:{}", hex(it.to), it.name);
    // A clone that mirrors everything would refuse to push anything by name.
    let mirror = format!("remote.{}.mirror=false", refs.source);
    let mut arguments: Vec<String> = SETTINGS.iter().map(|&it| it.to_owned()).collect();
    if !refs.source.contains(['/', ':', '=']) {
        arguments.extend(["-c".to_owned(), mirror]);
    }
    arguments.extend(PUSH.iter().map(|&it| it.to_owned()));
    arguments.extend(moves.iter().map(lease));
    arguments.extend(["--end-of-options".to_owned(), refs.source.clone()]);
    arguments.extend(moves.iter().map(spec));
    match refs.git.talk(arguments) {
        Ok(done) => Ok(verdict::of_push(&refs.remote, &done, moves.len())),
        Err(Error::Program { message, .. }) if message.starts_with("the remote did not") => {
            Ok(Verdict::Uncertain(message))
        }
        Err(other) => Err(trouble(other)),
    }
}

const PUSH: &[&str] = &[
    "push",
    "--porcelain",
    "--no-verify",
    "--atomic",
    "--no-follow-tags",
    "--no-signed",
    "--recurse-submodules=no",
];

/// What became of a push whose answer did not come, by what the remote has now.
fn settle(refs: &RemoteRefs, moves: &[Move], words: String) -> Result<Verdict, RefsError> {
    let names: Vec<_> = moves.iter().map(|it| &it.name).collect();
    let git = refs.git.within(Some(ASKING));
    let Ok(now) = ask(refs, &git, &names) else {
        return Ok(Verdict::Uncertain(words));
    };
    let is_now = |it: &Move, id: Option<ObjectId>| now.get(&it.name).copied() == id;
    // All or none were moved, so one that tells is enough.
    if moves.iter().any(|it| is_now(it, it.to)) {
        return Ok(Verdict::Taken);
    }
    if moves.iter().all(|it| is_now(it, it.from)) {
        let remote = refs.remote.clone();
        return Ok(Verdict::Failed(RefsError::Unreachable { remote, words }));
    }
    let went_on = |it: &Move| match (it.to, now.get(&it.name)) {
        (Some(ours), Some(theirs)) => comes_after(refs, &git, &it.name, ours, *theirs),
        _ => false,
    };
    if moves.iter().any(went_on) {
        return Ok(Verdict::Taken);
    }
    match moves.iter().any(|it| is_now(it, it.from)) {
        true => Ok(Verdict::Failed(RefsError::Lost(words))),
        false => Ok(Verdict::Uncertain(words)),
    }
}

/// Whether the remote's `theirs` under `name` was made on top of `ours`.
fn comes_after(refs: &RemoteRefs, git: &Git, name: &str, ours: ObjectId, theirs: ObjectId) -> bool {
    let mut arguments = SETTINGS.to_vec();
    arguments.extend(["fetch", "--no-tags", "--no-write-fetch-head", "--refmap="]);
    arguments.extend(["--end-of-options", &refs.source, name]);
    let _ = persist(git, &arguments);
    let (ours, theirs) = (ours.to_string(), theirs.to_string());
    let answer = refs
        .git
        .run(["merge-base", "--is-ancestor", &ours, &theirs]);
    answer.is_ok_and(|answer| answer.status.success())
}

/// What the remote has under `names`.
///
/// # Errors
/// It does not say.
pub fn ask(
    refs: &RemoteRefs,
    git: &Git,
    names: &[&String],
) -> Result<BTreeMap<String, ObjectId>, RefsError> {
    let mut arguments = vec!["ls-remote", "--end-of-options", &refs.source];
    arguments.extend(names.iter().map(|name| name.as_str()));
    let done = persist(git, &arguments).map_err(|error| unanswered(refs, error))?;
    if !done.status.success() {
        return Err(verdict::of_fetch(&refs.remote, &done.message));
    }
    let text = String::from_utf8_lossy(&done.output);
    let row = |line: &str| {
        let (id, name) = line.split_once('\t')?;
        Some((name.to_owned(), ObjectId::from_hex(id)?))
    };
    let rows = text.lines().filter_map(row);
    Ok(rows.filter(|(name, _)| names.contains(&name)).collect())
}

/// Moves the mirror after the remote. What somebody else has moved meanwhile stays: the next refresh settles it.
fn follow(refs: &RemoteRefs, moves: &[Move]) -> Result<(), RefsError> {
    let command = |it: &Move| match (it.from, it.to) {
        (None, Some(to)) => format!("create {} {to}\n", it.name),
        (Some(from), Some(to)) => format!("update {} {to} {from}\n", it.name),
        (from, None) => {
            let from = from.map_or_else(String::new, |from| format!(" {from}"));
            format!("delete {}{from}\n", it.name)
        }
    };
    let commands: Vec<_> = moves.iter().map(command).collect();
    update_mirror(refs, &commands)
}

/// Carries out commands of `git update-ref --stdin`: all at once, or else each that can be.
///
/// # Errors
/// Git could not be started.
pub fn update_mirror(refs: &RemoteRefs, commands: &[String]) -> Result<(), RefsError> {
    if commands.is_empty() || update(refs, &commands.concat())? || commands.len() == 1 {
        return Ok(());
    }
    for command in commands {
        update(refs, command)?;
    }
    Ok(())
}

fn update(refs: &RemoteRefs, commands: &str) -> Result<bool, RefsError> {
    let mut arguments = SETTINGS.to_vec();
    arguments.extend(["update-ref", "--no-deref", "--stdin"]);
    for _ in 0..TRIES {
        let input = commands.as_bytes().to_vec();
        let done = refs.git.run_for(&arguments, input).map_err(trouble)?;
        let is_blocked = ["File exists", "Unable to create", "is locked"];
        let is_blocked = is_blocked.iter().any(|it| done.message.contains(it));
        if done.status.success() || !is_blocked {
            return Ok(done.status.success());
        }
        std::thread::sleep(RETRY_AFTER);
    }
    let text = "another git holds the refs of this clone locked";
    Err(RefsError::Repository(words::clean(text)))
}
