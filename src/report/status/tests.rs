//! Tests of how `svc status` looks.

use std::time::{Duration, Instant};

use super::*;
use crate::model::ledger::{Runs, Standing};
use crate::report::deployed::samples::*;
use crate::report::schema::tests::validate;
use crate::report::view::samples::service;

fn of(name: &str, standing: Option<Standing>) -> ServiceOverview {
    ServiceOverview {
        name: service(name),
        behind: standing.is_some().then_some(3),
        standing,
        is_removed: false,
        process: None,
    }
}

fn production() -> EnvironmentOverview {
    let held = standing("web", State::RolledBack, "b", this("a"), this("a"));
    let cut = standing("pay", State::Started, "b", Runs::Unknown, this("a"));
    let runs = |it| standing(it, State::Succeeded, "a", this("a"), Runs::Nothing);
    let mut gone = of("gone", Some(runs("gone")));
    (gone.is_removed, gone.behind) = (true, None);
    EnvironmentOverview {
        name: environment("production"),
        ledger: "refs/svc/ledger/production on origin".into(),
        as_of: Some(NOW - 3600),
        stale: None,
        lease: None,
        services: vec![
            of("api", Some(runs("api"))),
            of("db", None),
            gone,
            of("pay", Some(cut)),
            of("web", Some(held)),
        ],
    }
}

fn staging() -> EnvironmentOverview {
    let mut staging = production();
    staging.name = environment("staging");
    staging.services.truncate(2);
    staging.stale = Some("offline".into());
    staging.lease = Some(crate::report::lock::tests::lease());
    staging
}

fn overview(environments: Vec<EnvironmentOverview>) -> Overview {
    Overview {
        environments,
        now: NOW,
    }
}

#[test]
fn one_environment_shows_all_that_is_known() {
    let text = status_text(&overview(vec![production()]), Look::default());
    insta::assert_snapshot!(text, @"
    SERVICE  VERSION     COMMIT      STATE             DEPLOYED    BEHIND  BY
    api      c62ba21dd3  0707070707  running           3 days ago  3       Ann
    db                               absent
    gone     c62ba21dd3  0707070707  running, removed  3 days ago          Ann
    pay                              unknown           3 days ago          Ann
    web      c62ba21dd3  0707070707  held              3 days ago  3

    production: held: web: deploy d-b of 0d763559e1 by Ann on laptop was rolled back, 3 days ago
    production: to deploy what is held: svc deploy --retry-held --env production
    production: unknown: pay: deploy d-b of 0d763559e1 by Ann on laptop did not end, 3 days ago
    production: to resolve unknown: svc deploy --resume --env production
    production: removed from services.toml: gone; to take down: svc deploy --prune --env production
    ");
}

#[test]
fn several_environments_are_a_matrix() {
    let text = status_text(&overview(vec![staging(), production()]), Look::default());
    insta::assert_snapshot!(text, @"
    SERVICE  STAGING              PRODUCTION
    api      c62ba21dd3 3 behind  c62ba21dd3 3 behind
    db       -                    -
    gone     -                    c62ba21dd3 removed
    pay      -                    unknown
    web      -                    c62ba21dd3 held 3 behind

    staging: as of 2026-11-23 13:02 UTC, not refreshed: offline
    staging: locked by Ann on laptop since 2026-11-23 13:59 UTC (3 minutes ago): svc deploy --env production, https://ci.example.test/7
    production: held: web: deploy d-b of 0d763559e1 by Ann on laptop was rolled back, 3 days ago
    production: to deploy what is held: svc deploy --retry-held --env production
    production: unknown: pay: deploy d-b of 0d763559e1 by Ann on laptop did not end, 3 days ago
    production: to resolve unknown: svc deploy --resume --env production
    production: removed from services.toml: gone; to take down: svc deploy --prune --env production
    ");
}

#[test]
fn a_process_here_is_shown_with_its_port_and_log() {
    let mut local = production();
    local.name = environment("local");
    local.services.truncate(2);
    let process = ProcessOverview {
        state: "running".into(),
        pid: Some(77),
        port: Some(8081),
        uptime: Some(Duration::from_secs(300)),
        restarts: 2,
        health: Some("healthy".into()),
        log: Some("/tmp/api.log".into()),
    };
    local.services[0].process = Some(process.clone());
    insta::assert_snapshot!(status_text(&overview(vec![local.clone()]), verbose()), @"
    SERVICE  VERSION     COMMIT      STATE    DEPLOYED    BEHIND  BY   PID  PORT  HEALTH   UPTIME     RESTARTS
    api      c62ba21dd3  0707070707  running  3 days ago  3       Ann  77   8081  healthy  5 minutes  2
    db                               absent

    local: log of api: /tmp/api.log
    local: ledger: refs/svc/ledger/production on origin
    ");
    validate("status", &status_json(&overview(vec![local.clone()])));
    let state = "gone".into();
    local.services[0].process = Some(ProcessOverview { state, ..process });
    let text = status_text(&overview(vec![local]), Look::default());
    assert!(
        text.contains("  gone ") && !text.contains("running"),
        "{text}"
    );
}

#[test]
fn machines_get_the_documented_fields() {
    let document = status_json(&overview(vec![staging(), production()]));
    validate("status", &document);
    assert_eq!(document["refreshed"], false);
    assert_eq!(document["as_of"], "2026-11-23T13:02:20Z");
    let services = &document["environments"][1]["services"];
    let states: Vec<&Value> = (0..5).map(|at| &services[at]["state"]).collect();
    assert_eq!(states, ["running", "absent", "running", "unknown", "held"]);
    assert_eq!(document["environments"][0]["locked_by"]["name"], "Ann");
    validate("status", &status_json(&overview(Vec::new())));
}

#[test]
fn empty_and_hostile_overviews_are_harmless() {
    let none = status_text(&overview(Vec::new()), Look::default());
    assert_eq!(none, "no environments\n");
    let mut evil = production();
    evil.services
        .iter_mut()
        .filter_map(|it| it.standing.as_mut())
        .for_each(|it| {
            (it.newest.error, it.newest.who.name, it.newest.who.host) =
                (Some(hostile()), hostile(), hostile());
            it.newest.at = u64::MAX;
        });
    (evil.stale, evil.ledger, evil.as_of) = (Some(hostile()), hostile(), Some(u64::MAX));
    let evil = overview(vec![evil.clone(), evil]);
    for look in [
        verbose(),
        Look {
            columns: Some(20),
            ..Look::default()
        },
    ] {
        assert_harmless(&status_text(&evil, look));
    }
    validate("status", &status_json(&evil));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this is about time")]
fn a_thousand_services_in_four_environments_are_shown_at_once() {
    let services = (0..1000).map(|at| {
        let name = format!("service-{at:04}");
        of(
            &name,
            Some(standing(
                &name,
                State::Succeeded,
                "a",
                this("a"),
                Runs::Nothing,
            )),
        )
    });
    let mut one = production();
    one.services = services.collect();
    let all = overview(vec![one; 4]);
    let start = Instant::now();
    let text = status_text(&all, Look::default());
    let document = status_json(&all).to_string();
    assert_eq!(text.lines().count(), 1001);
    assert!(document.len() > 100_000);
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
}
