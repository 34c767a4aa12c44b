//! What the commits of a ledger are called, for people who read them with git.

use crate::model::ledger::{Action, Entry, Lease, State};

/// How many services a subject names.
const MOST_NAMED: usize = 5;

/// `deploy api, web: succeeded`. Only of words and names of ours, which hold nothing that a terminal minds.
pub fn subject(entries: &[Entry]) -> String {
    let parts = entries
        .chunk_by(|a, b| (a.action, a.state) == (b.action, b.state))
        .map(part);
    let mut parts: Vec<_> = parts.take(3).collect();
    parts.dedup();
    parts.join("; ")
}

/// What a commit of the lock is called.
pub fn lock_subject(lease: Option<&Lease>) -> String {
    match lease {
        None => "lock released".into(),
        Some(lease) if lease.sticky => "lock taken by hand".into(),
        Some(lease) if lease.beat == 0 => "lock taken".into(),
        Some(lease) => format!("lock renewed, {}", lease.beat),
    }
}

fn part(entries: &[Entry]) -> String {
    let mut names: Vec<_> = entries
        .iter()
        .take(MOST_NAMED)
        .map(|it| it.service.as_str())
        .collect();
    names.dedup();
    let more = match entries.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (action, state) = (action(entries[0].action), state(entries[0].state));
    format!("{action} {}{more}: {state}", names.join(", "))
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Deploy => "deploy",
        Action::Rollback => "rollback",
        Action::Promote => "promote",
        Action::Adopt => "adopt",
        Action::Remove => "remove",
        Action::Undo => "undo",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Started => "started",
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::RolledBack => "rolled back",
        State::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::{Runs, sample};

    #[test]
    fn a_subject_says_what_was_done() {
        let check = |services: &[&str], expected: &str| {
            let entry = |name: &&str| {
                sample::entry(name, State::Succeeded, "a", Runs::Unknown, Runs::Nothing)
            };
            let entries: Vec<_> = services.iter().map(entry).collect();
            assert_eq!(subject(&entries), expected);
        };
        check(&["api"], "deploy api: succeeded");
        check(&["api", "web"], "deploy api, web: succeeded");
        check(
            &["a", "b", "c", "d", "e", "f", "g"],
            "deploy a, b, c, d, e and 2 more: succeeded",
        );
    }
}
