//! `svc deploy --env local`, `svc status`, `svc rollback` and `svc down`: services on this machine, as a person sees them.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::Value;

use crate::support::{Said, TestRepo};

/// A repository whose services are stopped with it.
struct Services(TestRepo);

impl Services {
    fn new(settings: &str) -> Self {
        let repo = TestRepo::with_files(&[("services.toml", settings), ("w/file", "")]);
        Self(repo)
    }

    fn say(&self, arguments: &[&str]) -> Said {
        self.0.svc(arguments).run()
    }

    fn deploy(&self) -> Said {
        self.say(&["deploy", "--env", "local", "--log", "failed"])
    }

    /// The services that `svc status --env local` tells of.
    fn status(&self, more: &[&str]) -> Vec<Value> {
        let arguments = [&["status", "--env", "local"], more].concat();
        let said = self.0.svc(&arguments).json();
        let services = said["environments"][0]["services"].as_array();
        services.expect("a list of services").clone()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.0.git(&["checkout", "--quiet", "--force", "."]);
        let said = self.say(&["down", "--env", "local"]);
        if said.code() != 0 && !std::thread::panicking() {
            panic!("{}", said.all());
        }
    }
}

fn good(said: &Said) {
    assert_eq!(said.code(), 0, "{}", said.all());
}

const WORKER: &str = "version = 1\n[services.worker]\npath = \"w\"\nserve = { run = \"echo first; exec sleep 1000\" }\n";

/// What the worker wrote.
const LOG: &str = ".git/svc/processes/local/worker/log";

#[test]
fn what_was_deployed_by_commands_is_not_said_to_be_taken_down() {
    let both = WORKER.to_owned() + "[services.site]\npath = \"s\"\ndeploy = \"true\"\n";
    let services = Services::new(&both);
    services.0.write("s/file", "");
    good(&services.deploy());
    let said = services.say(&["down", "--env", "local"]);
    good(&said);
    let text = said.stderr();
    assert!(text.contains("site is left out"), "{text}");
    let state = |name: &str| {
        let all = services.status(&[]);
        let found = all.iter().find(|it| it["name"] == name);
        found.expect("it is listed")["state"].clone()
    };
    assert_eq!(
        (state("worker"), state("site")),
        ("absent".into(), "running".into())
    );
    let said = services.say(&["down", "--env", "local", "site"]);
    assert_eq!(said.code(), 2, "{}", said.all());
    good(&services.say(&["down", "--env", "local", "site", "--forget"]));
    assert_eq!(state("site"), "absent");
}

#[test]
fn a_configuration_that_cannot_start_is_rolled_back_and_the_one_before_runs_again() {
    let services = Services::new(WORKER);
    good(&services.deploy());
    let broken = WORKER.replace("echo first; exec sleep 1000", "echo no such file; exit 3");
    services.0.write("services.toml", &broken);
    let said = services.deploy();
    assert_eq!(said.code(), 5, "{}", said.all());
    let text = said.stderr();
    for part in [
        "local runs now: worker",
        "│ no such file",
        "it ended 3 times in a row: exit code 3; going back",
        "(rolled back)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("│ first"), "of another release\n{text}");
    let status = &services.status(&["worker"])[0];
    assert_eq!(status["process"]["state"], "running", "{status:#}");
    assert_eq!(status["state"], "held", "{status:#}");
    let log = services.0.read(LOG);
    let last = log.lines().rfind(|it| !it.starts_with("svc: "));
    assert_eq!(last, Some("first"), "{log}");
}

#[test]
fn what_runs_in_place_goes_back_to_the_command_that_it_ran() {
    let in_place = WORKER.replace("path = \"w\"\n", "path = \"w\"\nbuild = \"true\"\n");
    let services = Services::new(&in_place);
    good(&services.deploy());
    services
        .0
        .write("services.toml", in_place.replace("first", "second"));
    good(&services.deploy());
    good(&services.say(&["rollback", "--env", "local"]));
    let log = services.0.read(LOG);
    let lines: Vec<&str> = log.lines().filter(|it| !it.starts_with("svc: ")).collect();
    assert_eq!(lines, ["first", "second", "first"]);
}

#[test]
fn services_are_taken_down_before_those_that_they_depend_on() {
    let serve = "serve = { run = \"exec sleep 1000\" }\n";
    let services = Services::new(&format!(
        "version = 1\n[services.a]\npath = \"w\"\n{serve}\
         [services.b]\npath = \"x\"\ndepends-on = [\"a\"]\n{serve}\
         [services.c]\npath = \"y\"\ndepends-on = [\"a\", \"b\"]\n{serve}"
    ));
    for directory in ["x", "y"] {
        services.0.write(&format!("{directory}/file"), "");
    }
    services.0.commit("more");
    good(&services.deploy());
    assert_eq!(services.status(&["b"]).len(), 1, "only what was asked for");
    let said = services.say(&["down", "--env", "local"]);
    good(&said);
    let text = said.stderr();
    let at = |name: &str| text.find(&format!("{name}:deploy")).expect("it is told");
    assert!(at("c") < at("b") && at("b") < at("a"), "{text}");
    assert!(text.contains("taking down"), "{text}");
    let again = services.say(&["down", "--env", "local"]);
    insta::assert_snapshot!(again.all(), @"
    exit 0
    --- stderr
    nothing runs in local
    ");
}

#[test]
fn a_port_that_somebody_holds_is_an_error_that_names_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = format!("sleep 1000\", port = {port} }}");
    let services = Services::new(&WORKER.replace("sleep 1000\" }", &serve));
    let said = services.deploy();
    assert_eq!(said.code(), 3, "{}", said.all());
    let text = said.stderr();
    assert!(text.contains(&format!("port {port} is held by")), "{text}");
    assert!(text.contains("`port` in services.toml"), "{text}");
}

#[test]
fn uncommitted_changes_are_what_a_deploy_would_bring() {
    let services = Services::new(WORKER);
    good(&services.deploy());
    services.0.write("w/file", "more");
    let said = services.say(&["changes", "--env", "local"]);
    assert_eq!(said.stdout(), "uncommitted changes: worker\n");
}

#[test]
fn outside_of_a_repository_nothing_is_deployed() {
    let repo = TestRepo::bare_directory();
    repo.write("services.toml", WORKER);
    repo.write("w/file", "");
    let said = repo.svc(&["deploy", "--env", "local"]).run();
    insta::assert_snapshot!(said.all(), @"
    exit 2
    --- stderr
    error: this is not a git repository, so it cannot be told what would be deployed to `local`
    hint: `git init` and a first commit make it one
    ");
}
