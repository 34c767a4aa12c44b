//! Files that are no events, and who is trusted.

use std::fs::File;
use std::io::Write;

use crate::ci::read;
use crate::ci::testing::env;
use crate::model::ci::{Ci, Trust};

fn with_event(name: &str, text: &str) -> Ci {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    read_with(name, &file.path().display().to_string())
}

fn read_with(name: &str, path: &str) -> Ci {
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", name),
        ("GITHUB_EVENT_PATH", path),
        ("GITHUB_REF", "refs/heads/main"),
    ];
    read(&env(&variables)).unwrap()
}

#[test]
fn whatever_the_file_of_the_event_is_nothing_breaks() {
    let check = |text: &str, note: &str| {
        for name in [
            "push",
            "pull_request",
            "pull_request_target",
            "merge_group",
            "workflow_run",
            "schedule",
        ] {
            let ci = with_event(name, text);
            let notes = ci.notes.join("\n");
            assert!(notes.contains(note), "{name} {text:?}: {notes}");
            assert!(!notes.contains("secret"), "{notes}");
        }
    };
    check("", "ends too early");
    check("{", "ends too early");
    check("{\"before\": \"secret", "ends too early");
    check("\u{0}\u{0}", "not known here");
    check("{\u{0}", "damaged");
    check("[]", "not known here");
    check("{\"before\": {\"secret\": 1}}", "not known here");
    check("{\"pull_request\": \"secret\"}", "not known here");
    check("{\"number\": -1}", "not known here");
    check("{\"repository\": [1, 2]}", "");
    check(&"{\"a\":".repeat(100_000), "damaged or ends");
    check(
        "{\"repository\": {\"default_branch\": \"--all\"}}",
        "repository.default_branch is no branch",
    );
}

#[test]
fn a_file_that_cannot_be_an_event_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("event.json");
    File::create(&path).unwrap().set_len(50 << 20).unwrap();
    let check = |path: &str, note: &str| {
        let ci = read_with("push", path);
        assert!(ci.notes[0].contains(note), "{:?}", ci.notes);
    };
    check(&path.display().to_string(), "larger than any event");
    check(&directory.path().display().to_string(), "it is no file");
    check("/nowhere/event.json", "cannot be read");
    check("/dev/zero", "it is no file");
}

#[test]
fn runs_are_foreign_unless_only_members_can_begin_them() {
    let shop = r#"{"id": 1, "full_name": "acme/shop"}"#;
    let fork = r#"{"id": 2, "full_name": "mallory/shop"}"#;
    let check = |name: &str, event: &str, expected: Option<&str>| {
        let event = event.replace("SHOP", shop).replace("FORK", fork);
        match (with_event(name, &event).trust, expected) {
            (Trust::Own, None) => {}
            (Trust::Foreign { why }, Some(part)) if why.contains(part) => {}
            (trust, _) => panic!("{name} {event}: {trust:?}"),
        }
    };
    let request = |head: &str| {
        format!(
            r#"{{"number": 12, "pull_request": {{"base": {{"repo": SHOP}}, "head": {{"repo": {head}}}}}}}"#
        )
    };
    check("pull_request", &request("SHOP"), None);
    check(
        "pull_request",
        &request("FORK"),
        Some("the fork mallory/shop"),
    );
    check(
        "pull_request",
        &request("null"),
        Some("a fork that is gone"),
    );
    check(
        "pull_request_review",
        &request("FORK"),
        Some("the fork mallory/shop"),
    );
    // One that is called the same is not the same.
    check(
        "pull_request",
        &request(r#"{"id": 3, "full_name": "acme/shop"}"#),
        Some("the fork"),
    );
    check("pull_request", r#"{"pull_request": {}}"#, Some("fork"));
    check("pull_request", "", Some("nothing tells"));
    check(
        "pull_request_target",
        &request("SHOP"),
        Some("pull_request_target"),
    );
    check(
        "pull_request_target",
        &request("FORK"),
        Some("the fork mallory/shop"),
    );
    let run = |event: &str, head: &str| {
        format!(
            r#"{{"repository": SHOP, "workflow_run": {{"event": "{event}", "head_repository": {head}}}}}"#
        )
    };
    check("workflow_run", &run("push", "SHOP"), None);
    check("workflow_run", &run("schedule", "SHOP"), None);
    check(
        "workflow_run",
        &run("push", "FORK"),
        Some("another repository"),
    );
    check(
        "workflow_run",
        &run("push", "null"),
        Some("another repository"),
    );
    check(
        "workflow_run",
        &run("pull_request", "SHOP"),
        Some("anybody can begin"),
    );
    check(
        "workflow_run",
        &run("issue_comment", "SHOP"),
        Some("anybody can begin"),
    );
    check("workflow_run", "{}", Some("nothing is known"));
    check("workflow_run", "", Some("nothing is known"));
    check("issue_comment", "{}", Some("anybody"));
    check("push", "", None);
    check("workflow_dispatch", "", None);
    check("merge_group", "", None);
}
