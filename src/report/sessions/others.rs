//! Hostile output, floods, and machines.

use crate::model::run::Outcome;
use crate::report::output::Output;
use crate::report::people::{People, SignOfLife};
use crate::report::reporter::{Reporter, Reporters};
use crate::report::sessions::{a_run_that_fails, begun, finished, settings, started, told, wrote};
use crate::report::settings::{Format, LogMode};
use crate::report::view::samples::{plan, planned, result};

#[test]
fn hostile_output_stays_in_its_lines() {
    let hostile =
        "\x1b[2J\x1b[1;1H✓ fake:task\r\n::error::x\n\x1b]0;title\x07\x1b[31mred\nred still";
    let passed = result(Outcome::Passed, 100);
    let events = [
        begun(plan(vec![planned("api:test", &[])])),
        started(0),
        wrote(0, hostile),
        finished(0, &passed),
    ];
    insta::assert_snapshot!(told(&settings(LogMode::Stream), &events), @r"
    api:test | ✓ fake:task
    api:test | ::error::x
    api:test | red
    api:test | red still
    ✓ api:test   100ms
    ");
    let mut settings = settings(LogMode::Grouped);
    settings.stderr.colour = true;
    settings.stderr_is_terminal = true;
    insta::assert_snapshot!(told(&settings, &events).replace('\x1b', "^"), @r"
    ^[2m┌^[0m api:test
    ^[2m│^[0m ✓ fake:task
    ^[2m│^[0m ::error::x
    ^[2m│^[0m ^[31mred^[0m
    ^[2m│^[0m ^[31mred still^[0m
    ^[32m✓^[0m api:test   100ms
    ");
}

#[test]
fn a_flood_is_passed_on_in_pieces() {
    let passed = result(Outcome::Passed, 100);
    let settings = settings(LogMode::Stream);
    let mut people = People::with_sign(&settings, Output::memory(), SignOfLife::None);
    people.event(&begun(plan(vec![planned("api:test", &[])])));
    people.event(&started(0));
    let chunk = "x".repeat(64 * 1024);
    for _ in 0..160 {
        people.event(&wrote(0, &chunk));
    }
    people.event(&finished(0, &passed));
}

#[test]
fn json_is_one_document_on_standard_output() {
    let (stdout, stderr) = (Output::memory(), Output::memory());
    let mut settings = settings(LogMode::None);
    settings.format = Format::Json;
    let mut reporters = Reporters::new(
        &settings,
        &stdout,
        &stderr,
        crate::report::lasting::About::default(),
    );
    for event in a_run_that_fails() {
        reporters.event(&event);
    }
    let document: serde_json::Value = serde_json::from_str(&stdout.contents()).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["tasks"].as_array().unwrap().len(), 7);
    assert_eq!(document["tasks"][4]["outcome"], "failed");
    assert_eq!(
        document["tasks"][4]["log"],
        ".git/svc/runs/7/money-test.log"
    );
    assert_eq!(document["summary"]["passed"], 3);
    assert!(stderr.contents().contains("svc test money"));
}
