//! Many services, long chains and one service that everybody depends on.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::support::TestRepo;

/// Far more than it takes on a busy machine without optimization, far less than what grows with the square.
const PATIENCE: Duration = Duration::from_secs(60);

/// A repository of services; each is given by the numbers of those that it depends on.
fn services(count: usize, depends_on: impl Fn(usize) -> Vec<usize>) -> TestRepo {
    let repo = TestRepo::new();
    let mut toml = "version = 1\n".to_owned();
    for at in 0..count {
        let names: Vec<_> = depends_on(at)
            .iter()
            .map(|it| format!("\"s{it}\""))
            .collect();
        let names = names.join(", ");
        writeln!(toml, "[services.s{at}]\npath = \"s/{at}\"\ndepends-on = [{names}]\nbuild = \"true\"\ntest = \"true\"").unwrap();
        std::fs::create_dir_all(repo.root().join(format!("s/{at}"))).unwrap();
    }
    // Files take most of the time of these tests, so only the few that they edit are there.
    (0..10).for_each(|at| repo.write(&format!("s/{at}/input"), "1\n"));
    repo.write("services.toml", toml);
    repo.commit("first");
    repo
}

/// Makes the call within patience and gives the lines on stdout.
fn lines(repo: &TestRepo, arguments: &[&str]) -> Vec<String> {
    let start = Instant::now();
    let text = repo.svc(arguments).stdout();
    let took = start.elapsed();
    assert!(took < PATIENCE, "{arguments:?} took {took:?}");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn ten_thousand_services_work() {
    let repo = services(10_000, |at| match at {
        0..100 => vec![],
        100..200 => vec![at - 100],
        _ => vec![at % 100, at - 100],
    });
    assert_eq!(lines(&repo, &["list"]).len(), 10_001);
    assert_eq!(lines(&repo, &["affected"]).len(), 0);
    repo.append("s/7/input", "2\n");
    assert_eq!(lines(&repo, &["affected"]).len(), 100);
    assert_eq!(lines(&repo, &["affected", "--all"]).len(), 10_000);
    assert!(lines(&repo, &["graph", "--format", "dot"]).len() > 10_000);
    assert!(lines(&repo, &["graph"]).len() >= 10_000);
    assert_eq!(lines(&repo, &["build", "--dry-run"]).len(), 103);
    assert!(lines(&repo, &["test", "--dry-run", "--all"]).len() > 20_000);
    let why = lines(&repo, &["why", "s9907"]).join("\n");
    assert!(why.contains("s/7/input changed"), "{why}");
    assert_eq!(lines(&repo, &["check"]).len(), 0);
}

#[test]
fn a_chain_of_two_hundred_works() {
    let repo = services(200, |at| if at == 0 { vec![] } else { vec![at - 1] });
    repo.append("s/0/input", "2\n");
    assert_eq!(lines(&repo, &["affected"]).len(), 200);
    assert_eq!(lines(&repo, &["graph"]).len(), 200);
    assert_eq!(lines(&repo, &["why", "s199"]).len(), 201);
    assert!(lines(&repo, &["why", "s199", "-v"]).len() >= 201);
    assert_eq!(lines(&repo, &["build", "--dry-run"]).len(), 203);
    let said = repo.svc(&["build", "--log", "none"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(said.stderr().contains("200 passed"), "{}", said.all());
}

#[test]
fn a_thousand_services_on_one_work() {
    let repo = services(1001, |at| if at == 0 { vec![] } else { vec![0] });
    repo.append("s/0/input", "2\n");
    assert_eq!(lines(&repo, &["affected"]).len(), 1001);
    assert!(lines(&repo, &["graph"]).len() >= 1001);
    assert_eq!(lines(&repo, &["test", "--dry-run"]).len(), 2005);
    repo.write(
        "services.toml",
        repo.read("services.toml")
            .replacen("build = \"true\"", "build = \"false\"", 1),
    );
    let said = repo.svc(&["build", "--log", "none"]).run();
    assert_eq!(said.code(), 1);
    assert!(
        said.stderr().contains("1 failed") && said.stderr().contains("1000 skipped"),
        "{}",
        said.stderr()
    );
    assert!(
        said.stderr().lines().count() < 60,
        "a thousand skipped tasks are not listed:\n{}",
        said.stderr()
    );
}

#[test]
fn one_service_on_a_thousand_works() {
    let repo = services(1001, |at| {
        if at == 1000 {
            (0..1000).collect()
        } else {
            vec![]
        }
    });
    repo.append("s/5/input", "2\n");
    assert_eq!(lines(&repo, &["affected"]), ["s5", "s1000"]);
    assert_eq!(lines(&repo, &["build", "--dry-run"]).len(), 1004);
    assert!(lines(&repo, &["graph", "s1000", "--with-dependencies"]).len() >= 1001);
}
