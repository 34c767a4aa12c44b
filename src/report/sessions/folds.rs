//! A run where logs are folded: what a reader sees of a failure without a click, once.

use crate::model::ci::System;
use crate::report::ci::CiSettings;
use crate::report::sessions::{a_run_that_fails, begun, ended, finished, settings, started, wrote};
use crate::report::settings::{LogMode, Settings};
use crate::report::view::samples::{failed, plan, planned, summary};

fn told(settings: &Settings, events: &[crate::model::event::Event]) -> String {
    let text = crate::report::sessions::told(settings, events);
    let text = text.replace('\u{1b}', "^[").replace('\r', "^M");
    let is_time = |it: &char| it.is_ascii_digit();
    let parts = text
        .split("section_")
        .map(|part| match part.split_once(':') {
            Some((word @ ("start" | "end"), rest)) => {
                let rest = rest.trim_start_matches(|it| is_time(&it));
                format!("{word}:TIME{rest}")
            }
            _ => part.to_owned(),
        });
    parts.collect::<Vec<_>>().join("section_")
}

fn on(system: System, log: LogMode) -> Settings {
    Settings {
        ci: CiSettings::new(vec![system], |_| None),
        ..settings(log)
    }
}

#[test]
fn of_several_tasks_the_end_shows_what_is_folded_away() {
    insta::assert_snapshot!(told(
        &on(System::GitLab, LogMode::Grouped),
        &a_run_that_fails()
    ));
    let text = told(
        &on(System::Buildkite, LogMode::Grouped),
        &a_run_that_fails(),
    );
    assert!(!text.contains("+++ ✗"), "{text}");
    let end = text.split_once("\n+++ 1 failed\n").unwrap().1;
    assert!(end.contains("test_money FAILED"), "{text}");
}

#[test]
fn what_stands_in_an_open_fold_just_above_is_not_said_again() {
    let failure = failed(300, "test_money FAILED\nE   1 != 2\n");
    let long = "more\n".repeat(40);
    let run = |first: &str| {
        [
            begun(plan(vec![planned("api:test", &[])])),
            started(0),
            wrote(0, first),
            wrote(0, "test_money FAILED\nE   1 != 2\n"),
            finished(0, &failure),
            ended(summary(vec![failure.clone()], 310)),
        ]
    };
    for (system, times) in [
        (System::GitLab, 1),
        (System::Buildkite, 1),
        (System::GitHub, 2),
        (System::Azure, 2),
        (System::Jenkins, 1),
    ] {
        for first in ["", &long] {
            let text = told(&on(system, LogMode::Stream), &run(first));
            assert_eq!(
                text.matches("test_money FAILED").count(),
                times,
                "{system}: {text}"
            );
        }
    }
}
