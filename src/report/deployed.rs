//! What every view of deploys says alike: what runs, states, people, commits; as words and as JSON.

use serde_json::{Value, json};

use crate::model::change::ObjectId;
use crate::model::due::CommitLine;
use crate::model::ledger::{Action, Deployed, Entry, Held, Runs, State, Who};
use crate::report::calendar::{day, stamp, stamp_of_commit};
use crate::report::clean::short;
use crate::report::paint::Paint;

/// The most columns of a text that people wrote into a record.
pub const TEXT: usize = 200;

/// The most columns of a name.
pub const NAME: usize = 40;

/// The short version of what runs.
pub fn runs(runs: &Runs) -> &str {
    match runs {
        Runs::This(deployed) => deployed.version(),
        Runs::Unknown => "unknown",
        Runs::Nothing => "nothing",
    }
}

/// A state as people read it.
pub fn state(state: State) -> &'static str {
    match state {
        State::Started => "started",
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::RolledBack => "rolled back",
        State::Interrupted => "interrupted",
    }
}

/// A state in its colour.
pub fn painted_state(it: State, paint: Paint) -> String {
    match it {
        State::Succeeded => paint.good(state(it)),
        State::Failed => paint.bad(state(it)),
        State::Started | State::RolledBack | State::Interrupted => paint.notable(state(it)),
    }
}

/// Why something is held: `failed in deploy d-1`.
pub fn held(held: &Held) -> String {
    let verb = match held.why {
        State::RolledBack => "was rolled back",
        State::Interrupted => "was interrupted",
        State::Started | State::Succeeded | State::Failed => "failed",
    };
    format!(
        "{} {verb} (deploy {})",
        held.what.version(),
        held.what.deploy
    )
}

/// The commit of a release, with a star where it is not the whole truth.
pub fn commit(deployed: &Deployed) -> String {
    let commit = deployed.commit.map(|it| it.short()).unwrap_or_default();
    match deployed.dirty {
        true => commit + "*",
        false => commit,
    }
}

/// Who wrote something: `Ann on laptop`.
pub fn person(who: &Who) -> String {
    let (name, host) = (short(&who.name, NAME), short(&who.host, NAME));
    match (name.is_empty(), host.is_empty()) {
        (true, true) => "somebody".to_owned(),
        (true, false) => format!("somebody on {host}"),
        (false, true) => name,
        (false, false) => format!("{name} on {host}"),
    }
}

/// A commit in a list: `3fa91c22d0  2026-11-23  Round prices (Ann)`.
pub fn commit_line(commit: &CommitLine, paint: Paint) -> String {
    let author = format!("({})", short(&commit.author, NAME));
    let subject = short(&commit.subject, 100);
    let id = paint.notable(commit.id.short());
    format!(
        "{id}  {}  {subject} {}",
        day(commit.time),
        paint.faint(author)
    )
}

/// The first `most` names, and how many there are besides.
pub fn names<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What runs: `null` for nothing.
pub fn runs_json(runs: &Runs) -> Value {
    match runs {
        Runs::This(deployed) => deployed_json(deployed),
        Runs::Unknown => json!("unknown"),
        Runs::Nothing => Value::Null,
    }
}

/// A release with its configuration.
pub fn deployed_json(it: &Deployed) -> Value {
    json!({
        "version": it.version(), "release": it.release, "format": it.format, "config": it.config,
        "commit": commit_json(it.commit), "dirty": it.dirty, "values": it.values, "deploy": it.deploy, "at": stamp(it.at),
    })
}

/// Every field of an entry.
pub fn entry_json(it: &Entry) -> Value {
    json!({
        "deploy": it.deploy, "service": it.service, "action": it.action, "state": it.state,
        "brings": deployed_json(&it.brings), "runs": runs_json(&it.runs), "before": runs_json(&it.before),
        "who": who_json(&it.who), "at": stamp(it.at), "reason": it.reason, "error": it.error,
    })
}

/// Who wrote something.
pub fn who_json(who: &Who) -> Value {
    json!({"name": who.name, "host": who.host, "run_url": who.run_url})
}

/// A commit that a deploy brings.
pub fn commit_line_json(it: &CommitLine) -> Value {
    json!({
        "id": it.id, "subject": it.subject, "author": it.author, "time": stamp_of_commit(it.time),
    })
}

/// A commit, where it is known.
pub fn commit_json(commit: Option<ObjectId>) -> Value {
    json!(commit)
}

/// The word for what was asked for.
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Deploy => "deploy",
        Action::Rollback => "rollback",
        Action::Promote => "promote",
        Action::Adopt => "adopt",
        Action::Remove => "remove",
        Action::Undo => "undo",
    }
}

#[cfg(test)]
pub mod samples {
    //! Values for tests of views.

    use super::*;
    use crate::model::ledger::{Standing, sample};
    use crate::model::name::EnvironmentName;
    use crate::report::view::Look;

    /// The present: 2026-11-23 14:02:20 UTC.
    pub const NOW: u64 = 1_795_442_540;

    /// What nobody may see raw.
    pub fn hostile() -> String {
        format!("a\u{1b}[2J\u{9b}31m\u{202e}b\r\nc\u{7}{}", "x".repeat(4000))
    }

    pub fn environment(name: &str) -> EnvironmentName {
        EnvironmentName::new(name).unwrap()
    }

    pub fn deployed(name: &str) -> Deployed {
        Deployed {
            at: NOW - 3 * 86_400,
            ..sample::deployed(name)
        }
    }

    pub fn this(name: &str) -> Runs {
        Runs::This(Box::new(deployed(name)))
    }

    pub fn entry(service: &str, state: State, name: &str, runs: Runs, before: Runs) -> Entry {
        let mut entry = sample::entry(service, state, name, runs, before);
        entry.brings = deployed(name);
        entry.at = NOW - 3 * 86_400;
        entry.who.name = "Ann".into();
        entry.who.host = "laptop".into();
        entry
    }

    pub fn standing(service: &str, state: State, name: &str, runs: Runs, before: Runs) -> Standing {
        Standing::after(None, entry(service, state, name, runs, before))
    }

    pub fn commits(subjects: &[&str]) -> Vec<CommitLine> {
        let line = |subject: &&str| CommitLine {
            id: ObjectId::from_bytes(&[9; 20]).unwrap(),
            subject: (*subject).to_owned(),
            author: "Ann".into(),
            time: NOW as i64,
        };
        subjects.iter().map(line).collect()
    }

    pub fn verbose() -> Look {
        Look {
            verbosity: crate::report::settings::Verbosity::Verbose,
            ..Look::default()
        }
    }

    /// Fails where `text` could do more than be read, or holds endless lines.
    pub fn assert_harmless(text: &str) {
        let is_bad =
            |it: char| (it.is_control() && it != '\n') || ('\u{202a}'..='\u{202e}').contains(&it);
        assert!(!text.contains(is_bad), "{text:?}");
        let longest = text.lines().map(|it| it.chars().count()).max();
        assert!(longest.unwrap_or(0) < 1000, "{text}");
    }
}
