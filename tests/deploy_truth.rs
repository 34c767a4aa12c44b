//! What the ledger says of this machine is what happened: going back, adopting, and sources or ledgers that move meanwhile.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

mod support;

use std::fs::File;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use support::TestRepo;

/// A service that says with what it runs.
fn says(repo: &TestRepo, greeting: &str, run: &str) {
    let out = repo.beside("out");
    std::fs::create_dir_all(&out).unwrap();
    let out = out.display();
    let text = format!(
        "version = 1\n[environments.local]\nenv = {{ GREETING = \"{greeting}\" }}\n[services.api]\npath = \"api\"\n\
         serve = {{ run = '{run}echo \"$GREETING $TOKEN\" > {out}/said; exec sleep 600' }}\n\
         [services.api.deploy]\nsecrets = [\"TOKEN\"]\n"
    );
    repo.write("services.toml", text);
}

fn said(repo: &TestRepo) -> String {
    std::fs::read_to_string(repo.beside("out").join("said")).unwrap()
}

fn deploy(repo: &TestRepo, more: &[&str]) -> i32 {
    let mut arguments = vec!["deploy", "--env", "local"];
    arguments.extend(more);
    let call = repo.svc(&arguments).env("TOKEN", "hush");
    call.run().code()
}

fn one() -> TestRepo {
    let repo = TestRepo::with_files(&[("api/file", "1")]);
    says(&repo, "one", "");
    repo.commit("one");
    repo
}

/// Ends what was started, whatever becomes of the test.
struct Down<'r>(&'r TestRepo);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.svc(&["down", "--env", "local"]).run();
    }
}

#[test]
fn going_back_takes_the_definition_and_the_secrets_of_then() {
    let repo = one();
    let _down = Down(&repo);
    assert_eq!(deploy(&repo, &[]), 0);
    assert_eq!(said(&repo), "one hush\n");
    says(&repo, "two", "");
    assert_eq!(deploy(&repo, &[]), 0);
    assert_eq!(said(&repo), "two hush\n");
    let back = repo.svc(&["rollback", "--env", "local"]);
    assert_eq!(back.env("TOKEN", "hush").run().code(), 0);
    assert_eq!(said(&repo), "one hush\n");
    says(&repo, "three", "exit 3; ");
    assert_eq!(deploy(&repo, &[]), 5, "what failed went back");
    assert_eq!(said(&repo), "one hush\n");
}

#[test]
fn only_what_runs_is_adopted() {
    let repo = one();
    let _down = Down(&repo);
    assert_eq!(deploy(&repo, &["--adopt"]), 1);
    assert_eq!(deploy(&repo, &[]), 0);
    says(&repo, "two", "");
    assert_eq!(deploy(&repo, &["--adopt"]), 1);
}

#[test]
fn sources_that_change_while_the_lease_is_awaited_are_not_deployed() {
    let repo = one();
    let _down = Down(&repo);
    let taken = repo.svc(&["lock", "take", "--env", "local", "--reason", "test"]);
    assert_eq!(taken.run().code(), 0);
    let (mut waits, log) = start(&repo, &["deploy", "--env", "local", "--lock-wait", "60s"]);
    wait_for(&log, "waiting for the lease");
    repo.write("api/file", "2");
    let released = repo.svc(&["lock", "release", "--env", "local"]);
    assert_eq!(released.run().code(), 0);
    assert_eq!(waits.wait().unwrap().code(), Some(4));
    assert!(!repo.beside("out").join("said").exists());
}

#[test]
fn a_pinned_plan_is_refused_once_the_ledger_moved_while_it_was_built() {
    let repo = one();
    let _down = Down(&repo);
    let go = repo.beside("go");
    let web = format!(
        "[services.web]\npath = \"web\"\nserve = {{ run = \"exec sleep 600\" }}\n[services.web.build]\noutputs = []\n\
         run = \"while [ ! -e {} ]; do sleep 0.05; done\"\n",
        go.display()
    );
    repo.append("services.toml", &web);
    repo.write("web/file", "1");
    let plan = repo.beside("plan");
    let plan = plan.to_str().unwrap();
    assert_eq!(deploy(&repo, &["--plan-out", plan]), 0);
    let (mut follows, log) = start(&repo, &["deploy", "--env", "local", "--plan", plan]);
    wait_for(&log, "building");
    assert_eq!(deploy(&repo, &["api"]), 0);
    std::fs::write(&go, "").unwrap();
    let code = follows.wait().unwrap().code();
    let log = std::fs::read_to_string(&log).unwrap();
    assert_eq!(code, Some(4), "{log}");
}

/// Starts a call and says where it writes.
fn start(repo: &TestRepo, arguments: &[&str]) -> (Child, std::path::PathBuf) {
    let log = repo.beside("log");
    let mut command = repo.svc(arguments).env("TOKEN", "hush").command();
    command.stdout(std::process::Stdio::null());
    command.stderr(File::create(&log).unwrap());
    (command.spawn().unwrap(), log)
}

fn wait_for(log: &Path, text: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_to_string(log).unwrap().contains(text) {
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
