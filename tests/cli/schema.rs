//! `svc schema`: what machines may rely on.

use serde_json::Value;

use crate::support::TestRepo;

const DOCUMENTS: &[(&str, &[&str])] = &[
    ("affected", &["affected"]),
    ("ci-matrix", &["ci", "matrix", "build"]),
    ("ci-init", &["ci", "init", "gitlab", "--dry-run"]),
    ("list", &["list"]),
    ("plan", &["build", "--all", "--dry-run"]),
    ("run", &["test", "--all"]),
    ("graph", &["graph"]),
    ("why", &["why", "web"]),
    ("log", &["log"]),
    ("init", &["init", "--update", "--dry-run"]),
    ("new", &["new", "--list"]),
    ("new", &["new", "rust", "fresh", "--dry-run"]),
    ("doctor", &["doctor"]),
    ("doctor", &["doctor", "--fix", "--dry-run"]),
    ("hook", &["hook", "install"]),
    ("hook", &["hook", "status"]),
    ("hook", &["hook", "uninstall"]),
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
fn every_document_of_deploys_is_what_its_schema_says() {
    let repo = crate::deploys::shop();
    let check = |document: &str, arguments: &[&str], code| {
        let said = repo.svc(&[arguments, &["--format", "json"]].concat()).run();
        assert_eq!(said.code(), code, "{}", said.all());
        let value = serde_json::from_str(&said.stdout()).expect("one document");
        let found = faults(&schema(&repo, document), &value);
        assert!(found.is_empty(), "{document}: {found:#?}\n{value:#}");
        value
    };
    let staging = |command: &'static str| [command, "--env", "staging"];
    check(
        "deploy-plan",
        &["deploy", "--env", "staging", "--dry-run"],
        0,
    );
    let end = check(
        "deploy-end",
        &["deploy", "--env", "staging", "--bootstrap"],
        0,
    );
    assert_eq!(end["outcome"], "fine");
    // Nothing is due: the document is the plan, which says so.
    check("deploy-plan", &staging("deploy"), 0);
    crate::deploys::edit(&repo, "api", "Round prices");
    crate::deploys::stop(&repo, "api", true);
    let end = check("deploy-end", &staging("deploy"), 5);
    assert_eq!(end["outcome"], "rolled-back");
    assert_eq!(end["services"][1]["state"], Value::Null);
    crate::deploys::stop(&repo, "api", false);
    check(
        "deploy-end",
        &["deploy", "--env", "staging", "--retry-held"],
        0,
    );
    check("moves", &["rollback", "--env", "staging", "--dry-run"], 0);
    check("deploy-end", &["rollback", "--env", "staging"], 0);
    check(
        "moves",
        &[
            "promote",
            "--from",
            "staging",
            "--to",
            "production",
            "--dry-run",
        ],
        0,
    );
    check("moves", &["down", "--env", "staging", "--dry-run"], 0);
    check("status", &["status"], 0);
    check("history", &staging("history"), 0);
    check("changes", &staging("changes"), 0);
    check("lock", &["lock", "show", "--env", "staging"], 0);
    check(
        "lock",
        &["lock", "take", "--env", "staging", "--reason", "x"],
        0,
    );
    check("status", &staging("status"), 0);
    check("lock", &["lock", "release", "--env", "staging"], 0);
    check("deploy-end", &staging("down"), 0);
    check("moves", &staging("down"), 0);
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
