//! What the answer to a push or a fetch means.

use crate::git::finished::Finished;
use crate::git::refs::words;
use crate::model::refs::RefsError;

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Taken,
    /// Nothing was moved, because of this.
    Failed(RefsError),
    /// The remote may or may not have taken it.
    Uncertain(String),
}

/// What `git push --porcelain` says of one ref: `FLAG TAB FROM:TO TAB SUMMARY (REASON)`.
struct Row<'a> {
    flag: &'a str,
    refs: &'a str,
    summary: &'a str,
}

/// A ref that was not what it was expected to be, in the words of git and of servers.
const LOST: &[&str] = &[
    "stale info",
    "fetch first",
    "non-fast-forward",
    "atomic push failed",
    "atomic push failure",
    "atomic transaction failed",
    "transaction failed",
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
    "but expected",
    "failed to lock",
];

/// Why a server that could not move a ref will not do so later either.
const LASTING: &[&str] = &[
    "Permission denied",
    "No space left",
    "Read-only file system",
    "quota exceeded",
];

/// Faults of the repository here.
const OURS: &[&str] = &[
    "fatal: bad object",
    "does not match any",
    "insufficient permission for adding an object",
    "unable to create temporary file",
    "unable to write",
    "No space left on device",
    "not a git repository (or any",
    "missing blob",
    "missing tree",
    "unable to read",
];

/// The remote heard us, and says no to all that we ask.
const DENIED: &[&str] = &[
    "remote error:",
    "ERROR: ",
    "returned error: 403",
    "does not support --atomic",
];

/// No conversation came about.
const UNHEARD: &[&str] = &[
    "Could not read from remote repository",
    "unable to access",
    "unable to connect",
    "unable to look up",
    "Could not resolve",
    "Connection refused",
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "does not appear to be a git repository",
    "Host key verification failed",
    "transport '",
    "Unable to find remote helper",
    "not found",
];

/// What became of the push of `count` refs that ended like this.
pub fn of_push(remote: &str, done: &Finished, count: usize) -> Verdict {
    let output = String::from_utf8_lossy(&done.output);
    let rows: Vec<_> = output.lines().filter_map(row).collect();
    let bad: Vec<_> = rows.iter().filter(|row| row.flag == "!").collect();
    let message = &done.message;
    if bad.is_empty() {
        return match done.status.success() && rows.len() == count {
            true => Verdict::Taken,
            false => without_rows(remote, message, rows.is_empty()),
        };
    }
    let says = |words: &[&str], text: &str| words.iter().any(|it| text.contains(it));
    if bad
        .iter()
        .any(|row| row.summary.contains("[remote failure]"))
    {
        return Verdict::Uncertain(words::telling(message));
    }
    if bad.iter().any(|row| row.summary.contains("unpack")) && says(OURS, message) {
        return Verdict::Failed(RefsError::Repository(words::telling(message)));
    }
    let is_lost = |row: &&&Row<'_>| match row.summary.contains("[remote rejected]") {
        // A server says this of a branch that it lets nobody rewrite; it is no race.
        true => says(LOST, row.summary) && !row.summary.contains("fast-forward"),
        false => says(LOST, row.summary),
    };
    let lost: Vec<_> = bad.iter().filter(is_lost).collect();
    // With one ref refused, an atomic push fails the others for its sake: they are not lost.
    if lost.len() == bad.len() && !says(LASTING, message) {
        return Verdict::Failed(RefsError::Lost(describe(&lost)));
    }
    let telling: Vec<_> = bad.iter().filter(|row| !is_lost(row)).collect();
    let reasons = describe(if telling.is_empty() { &lost } else { &telling });
    Verdict::Failed(refused(remote, &reasons, message))
}

/// The verdict on a push of which git told nothing for each ref.
fn without_rows(remote: &str, message: &str, is_silent: bool) -> Verdict {
    let says = |words: &[&str]| words.iter().any(|it| message.contains(it));
    let telling = || words::telling(message);
    if message.contains("does not support --atomic") {
        let text = format!(
            "it cannot move several refs at once, which a ledger needs ({})",
            telling()
        );
        return Verdict::Failed(refused(remote, &text, ""));
    }
    if says(DENIED) {
        return Verdict::Failed(refused(remote, &telling(), ""));
    }
    if is_silent && says(OURS) {
        return Verdict::Failed(RefsError::Repository(telling()));
    }
    // A request that broke in the middle is told of in other words.
    let is_unheard = is_silent && says(UNHEARD) && !message.contains("RPC failed");
    match is_unheard {
        true => Verdict::Failed(unreachable(remote, telling())),
        false => Verdict::Uncertain(telling()),
    }
}

/// Why a fetch or a look at the remote did not work.
pub fn of_fetch(remote: &str, message: &str) -> RefsError {
    let says = |words: &[&str]| words.iter().any(|it| message.contains(it));
    let telling = words::telling(message);
    let blocked = [
        "cannot lock ref",
        "File exists",
        "unable to update local ref",
    ];
    if says(OURS) || says(&blocked) {
        return RefsError::Repository(telling);
    }
    match says(DENIED) {
        true => refused(remote, &telling, ""),
        false => unreachable(remote, telling),
    }
}

fn refused(remote: &str, reasons: &str, message: &str) -> RefsError {
    let said = words::of_remote(message);
    RefsError::Refused {
        remote: remote.to_owned(),
        words: match said.is_empty() {
            true => reasons.to_owned(),
            false => format!("{said} ({reasons})"),
        },
    }
}

fn unreachable(remote: &str, words: String) -> RefsError {
    let remote = remote.to_owned();
    RefsError::Unreachable { remote, words }
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut parts = line.splitn(3, '\t');
    Some(Row {
        flag: parts.next()?,
        refs: parts.next()?,
        summary: parts.next()?,
    })
}

/// `refs/svc/lock/production: stale info`, for each.
fn describe(rows: &[&&Row<'_>]) -> String {
    let one = |row: &&&Row<'_>| {
        let name = row.refs.rsplit(':').next().unwrap_or(row.refs);
        let (_, reason) = row.summary.split_once("] ").unwrap_or(("", row.summary));
        format!("{name}: {}", reason.trim_matches(['(', ')']))
    };
    let all: Vec<_> = rows.iter().map(one).collect();
    words::clean(&all.join(", "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn push(code: i32, rows: &str, message: &str) -> String {
        let done = Finished {
            status: ExitStatus::from_raw(code << 8),
            output: rows.as_bytes().to_vec(),
            message: message.to_owned(),
            arguments: String::new(),
        };
        match of_push("origin", &done, 2) {
            Verdict::Taken => "taken".to_owned(),
            Verdict::Uncertain(words) => format!("uncertain: {words}"),
            Verdict::Failed(RefsError::Lost(words)) => format!("lost: {words}"),
            Verdict::Failed(RefsError::Refused { words, .. }) => format!("refused: {words}"),
            Verdict::Failed(RefsError::Unreachable { words, .. }) => {
                format!("unreachable: {words}")
            }
            Verdict::Failed(RefsError::Repository(words)) => format!("ours: {words}"),
            Verdict::Failed(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn pushes_are_judged_by_what_git_says_of_each_ref() {
        let check = |code, rows: &str, message: &str, expected: &str| {
            assert_eq!(push(code, rows, message), expected);
        };
        check(
            0,
            "To x\n*\ta:refs/l\t[new reference]\n \tb:refs/k\t1..2\nDone\n",
            "",
            "taken",
        );
        check(
            1,
            "!\ta:refs/l\t[rejected] (stale info)\n!\tb:refs/k\t[rejected] (atomic push failed)\n",
            "error: failed to push some refs",
            "lost: refs/l: stale info, refs/k: atomic push failed",
        );
        for reason in LOST.iter().filter(|it| **it != "non-fast-forward") {
            let rows = format!("!\ta:refs/l\t[remote rejected] ({reason})\n");
            check(1, &rows, "", &format!("lost: refs/l: {reason}"));
        }
        check(
            1,
            "!\ta:refs/l\t[remote rejected] (non-fast-forward)\n!\tb:refs/k\t[remote rejected] (atomic push failure)\n",
            "",
            "refused: refs/l: non-fast-forward",
        );
        check(
            1,
            "!\ta:refs/l\t[remote rejected] (pre-receive hook declined)\n",
            "remote: not \u{1b}[1mtoday",
            "refused: not [1mtoday (refs/l: pre-receive hook declined)",
        );
        check(
            1,
            "!\ta:refs/l\t[remote rejected] (failed to update ref)\n",
            "remote: error: cannot lock ref 'refs/l': Unable to create 'l.lock': Permission denied",
            "refused: cannot lock ref 'refs/l': Unable to create 'l.lock': Permission denied (refs/l: failed to update ref)",
        );
        check(
            1,
            "!\ta:refs/l\t[remote failure] (remote failed to report status)\n",
            "error: x",
            "uncertain: x",
        );
        check(
            1,
            "!\ta:refs/l\t[remote rejected] (unpacker error)\n",
            "fatal: bad object 11",
            "ours: bad object 11",
        );
    }

    #[test]
    fn a_push_that_tells_of_no_ref_was_not_heard_or_is_uncertain() {
        let check = |message: &str, expected: &str| assert_eq!(push(128, "", message), expected);
        check(
            "fatal: unable to connect to x:\nx: Connection refused",
            "unreachable: unable to connect to x:; x: Connection refused",
        );
        check(
            "ERROR: read only key\nfatal: Could not read from remote repository.",
            "refused: read only key; Could not read from remote repository.",
        );
        check(
            "fatal: remote error: access denied",
            "refused: remote error: access denied",
        );
        check(
            "error: RPC failed; HTTP 502\nfatal: unable to access",
            "uncertain: RPC failed; HTTP 502; unable to access",
        );
        check(
            "fatal: the remote end hung up unexpectedly",
            "uncertain: the remote end hung up unexpectedly",
        );
        assert!(
            push(
                128,
                "",
                "fatal: the receiving end does not support --atomic push"
            )
            .contains("at once")
        );
    }
}
