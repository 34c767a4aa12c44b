//! `svc schema`: what machines may rely on.

use serde_json::Value;

use crate::support::TestRepo;

const DOCUMENTS: &[(&str, &[&str])] = &[
    ("affected", &["affected"]),
    ("list", &["list"]),
    ("plan", &["build", "--all", "--dry-run"]),
    ("run", &["test", "--all"]),
    ("graph", &["graph"]),
    ("why", &["why", "web"]),
    ("log", &["log"]),
];

fn repo() -> TestRepo {
    TestRepo::with_files(&[
        (
            "services.toml",
            "version = 1\n[services.lib]\npath = \"lib\"\nbuild = \"true\"\n\
             [services.web]\npath = \"web\"\ndepends-on = [\"lib\"]\nbuild = \"true\"\ntest = \"echo fine\"\n",
        ),
        ("lib/a.c", "int a;\n"),
        ("web/b.c", "int b;\n"),
    ])
}

fn schema(repo: &TestRepo, document: &str) -> jsonschema::Validator {
    let text = repo.svc(&["schema", document]).stdout();
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("it is a schema")
}

fn faults(validator: &jsonschema::Validator, document: &Value) -> Vec<String> {
    let faults = validator.iter_errors(document);
    faults.map(|it| it.to_string()).collect()
}

#[test]
fn every_document_is_what_its_schema_says() {
    let repo = repo();
    repo.append("lib/a.c", "int changed;\n");
    for (document, arguments) in DOCUMENTS {
        let found = faults(&schema(&repo, document), &repo.svc(arguments).json());
        assert!(found.is_empty(), "{document}: {found:#?}");
    }
}

#[test]
fn every_event_is_what_its_schema_says() {
    let repo = repo();
    let events = repo.beside("events");
    let file = events.to_string_lossy();
    repo.svc(&["test", "--all", "--events", &file]).stdout();
    let lines = std::fs::read_to_string(&events).expect("the events were written");
    let validator = schema(&repo, "event");
    assert!(lines.lines().count() > 5, "{lines}");
    for line in lines.lines() {
        let event = serde_json::from_str(line).expect("an event is JSON");
        let found = faults(&validator, &event);
        assert!(found.is_empty(), "{line}: {found:#?}");
    }
}

#[test]
fn without_a_document_the_schema_is_that_of_the_definition() {
    let repo = repo();
    let plain = repo.svc(&["schema"]).stdout();
    assert_eq!(plain, repo.svc(&["schema", "services.toml"]).stdout());
    let definition = toml::from_str(&repo.read("services.toml")).expect("it is TOML");
    let found = faults(&schema(&repo, "services.toml"), &definition);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_mistyped_document_gets_the_nearest() {
    let said = repo().svc(&["schema", "afected"]).run();
    assert_eq!(said.code(), 2);
    assert!(said.stderr().contains("'affected'"), "{}", said.stderr());
}
