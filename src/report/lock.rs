//! Who holds the lock of an environment, since when, and what to do about it.

use serde_json::{Value, json};

use crate::model::ledger::Lease;
use crate::model::name::EnvironmentName;
use crate::report::calendar::{since, stamp};
use crate::report::clean::short;
use crate::report::deployed::{self, TEXT};
use crate::report::view::Look;

/// The answer of `svc lock show`.
pub fn lock_text(
    lease: Option<&Lease>,
    environment: &EnvironmentName,
    now: u64,
    look: Look,
) -> String {
    let Some(lease) = lease else {
        return format!("{environment} is not locked\n");
    };
    let locked = look.paint.notable("locked");
    let mut text = format!("{environment} is {locked}\n");
    for (name, value) in fields(lease, now) {
        text.push_str(&format!(
            "  {} {value}\n",
            look.paint.faint(format!("{name:<8}"))
        ));
    }
    for (what, command) in ways(lease, environment) {
        text.push_str(&format!("{what}: {}\n", look.paint.advice(command)));
    }
    text
}

/// The lock for machines.
pub fn lock_json(lease: Option<&Lease>, environment: &EnvironmentName) -> Value {
    json!({
        "version": 1, "environment": environment.as_str(), "locked": lease.is_some(),
        "lock": lease.map(lease_json),
    })
}

/// Who holds a lock.
pub fn lease_json(lease: &Lease) -> Value {
    let holder = &lease.holder;
    json!({
        "name": holder.who.name, "host": holder.who.host, "run_url": holder.who.run_url, "pid": holder.pid,
        "command": holder.command, "since": stamp(lease.since), "term_s": lease.term,
        "sticky": lease.sticky, "reason": lease.reason,
    })
}

/// One sentence: `locked by Ann on laptop since 2026-11-23 14:02 UTC (3 minutes ago): svc deploy --env production`.
pub fn locked(lease: &Lease, now: u64) -> String {
    let holder = deployed::person(&lease.holder.who);
    let mut text = format!("locked by {holder} since {}", since(lease.since, now));
    let command = short(&lease.holder.command, TEXT);
    let texts = [
        Some(command).filter(|_| !lease.sticky),
        lease.sticky.then(|| "held by hand".to_owned()),
        lease.reason.as_deref().map(|it| short(it, TEXT)),
        lease
            .holder
            .who
            .run_url
            .as_deref()
            .map(|it| short(it, TEXT)),
    ];
    let texts: Vec<String> = texts
        .into_iter()
        .flatten()
        .filter(|it| !it.is_empty())
        .collect();
    if !texts.is_empty() {
        text.push_str(&format!(": {}", texts.join(", ")));
    }
    text
}

/// What to do about a lock, as hints.
pub fn locked_hints(lease: &Lease, environment: &EnvironmentName) -> Vec<String> {
    let ways = ways(lease, environment).into_iter();
    ways.map(|(what, command)| format!("{what}: {command}"))
        .collect()
}

fn fields(lease: &Lease, now: u64) -> Vec<(&'static str, String)> {
    let holder = &lease.holder;
    let by_hand = "it does not end by itself".to_owned();
    let fields = [
        (
            "by",
            format!("{} (pid {})", deployed::person(&holder.who), holder.pid),
        ),
        ("since", since(lease.since, now)),
        ("command", short(&holder.command, TEXT)),
        (
            "run",
            short(holder.who.run_url.as_deref().unwrap_or_default(), TEXT),
        ),
        (
            "by hand",
            if lease.sticky { by_hand } else { String::new() },
        ),
        (
            "reason",
            short(lease.reason.as_deref().unwrap_or_default(), TEXT),
        ),
    ];
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn ways(lease: &Lease, environment: &EnvironmentName) -> Vec<(&'static str, String)> {
    let take = format!("svc lock take --env {environment} --reason \"why\"");
    match lease.sticky {
        true => vec![
            (
                "to release it",
                format!("svc lock release --env {environment}"),
            ),
            ("to take it over", take),
        ],
        false => vec![
            ("to wait", "--lock-wait 10m".to_owned()),
            ("to take it over", take),
        ],
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::model::ledger::{Holder, LEASE_VERSION, Who};
    use crate::report::deployed::samples::{NOW, assert_harmless, environment, hostile};
    use crate::report::schema::tests::validate;

    pub fn lease() -> Lease {
        Lease {
            version: LEASE_VERSION,
            token: "t".into(),
            beat: 0,
            holder: Holder {
                who: Who {
                    name: "Ann".into(),
                    host: "laptop".into(),
                    run_url: Some("https://ci.example.test/7".into()),
                },
                pid: 123,
                command: "svc deploy --env production".into(),
                ..Holder::default()
            },
            since: NOW - 180,
            term: 300,
            sticky: false,
            reason: None,
        }
    }

    #[test]
    fn a_lock_tells_who_and_since_when_and_what_to_do() {
        let production = environment("production");
        let text = lock_text(Some(&lease()), &production, NOW, Look::default());
        insta::assert_snapshot!(text, @r#"
        production is locked
          by       Ann on laptop (pid 123)
          since    2026-11-23 13:59 UTC (3 minutes ago)
          command  svc deploy --env production
          run      https://ci.example.test/7
        to wait: --lock-wait 10m
        to take it over: svc lock take --env production --reason "why"
        "#);
        let mut sticky = lease();
        sticky.sticky = true;
        sticky.reason = Some("database is moved".into());
        let text = lock_text(Some(&sticky), &production, NOW, Look::default());
        insta::assert_snapshot!(text, @r#"
        production is locked
          by       Ann on laptop (pid 123)
          since    2026-11-23 13:59 UTC (3 minutes ago)
          command  svc deploy --env production
          run      https://ci.example.test/7
          by hand  it does not end by itself
          reason   database is moved
        to release it: svc lock release --env production
        to take it over: svc lock take --env production --reason "why"
        "#);
        insta::assert_snapshot!(locked(&lease(), NOW), @"locked by Ann on laptop since 2026-11-23 13:59 UTC (3 minutes ago): svc deploy --env production, https://ci.example.test/7");
        assert_eq!(
            lock_text(None, &production, NOW, Look::default()),
            "production is not locked\n"
        );
        for lease in [None, Some(&sticky)] {
            validate("lock", &lock_json(lease, &production));
        }
    }

    #[test]
    fn a_holder_cannot_speak_to_the_terminal() {
        let mut lease = lease();
        let who = &mut lease.holder.who;
        (who.name, who.host, who.run_url) = (hostile(), hostile(), Some(hostile()));
        lease.holder.command = hostile();
        lease.reason = Some(hostile());
        lease.since = u64::MAX;
        let production = environment("production");
        assert_harmless(&lock_text(Some(&lease), &production, NOW, Look::default()));
        assert_harmless(&locked(&lease, NOW));
        validate("lock", &lock_json(Some(&lease), &production));
    }
}
