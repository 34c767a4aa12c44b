//! The workflow for GitHub, run on the shop: a pull request, pushes, and what goes wrong.

use serde_json::json;

use crate::runner::{Event, Run, Runner};
use crate::support::TestRepo;

/// The shop as it is on GitHub: with a remote, a pipeline, and a ledger that all clones see.
struct Hosted {
    repo: TestRepo,
    runner: Runner,
}

impl Hosted {
    fn new() -> Self {
        let repo = TestRepo::of_shop();
        let text = repo.read("services.toml");
        let own = "[ledger]\nstore = \"file\"\n";
        assert!(text.contains(own));
        repo.write("services.toml", text.replace(own, ""));
        Self::of(repo)
    }

    fn of(repo: TestRepo) -> Self {
        let remote = repo.beside("remote.git");
        repo.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
        let config = ["--git-dir", remote.to_str().unwrap(), "config"];
        for name in ["uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"] {
            repo.git(&[&config[..], &[name, "true"]].concat());
        }
        repo.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        let said = repo
            .svc(&[
                "ci",
                "init",
                "github",
                "--shards",
                "2",
                "--install",
                "false",
            ])
            .run();
        assert_eq!(said.code(), 0, "{}", said.all());
        repo.commit("a pipeline");
        repo.git(&["push", "--quiet", "origin", "main"]);
        let runner = Runner::new(repo.root().parent().unwrap(), &remote);
        Self { repo, runner }
    }

    fn run(&self, event: &Event, cancelled: Option<&str>) -> Run {
        let workflow = self.repo.read(".github/workflows/svc.yml");
        self.runner.run(&workflow, event, cancelled)
    }

    /// What is checked out becomes the next commit of `main`, on the remote, too.
    fn push(&self, message: &str) -> Event {
        let before = self.repo.git(&["rev-parse", "HEAD"]);
        let after = self.repo.commit(message);
        self.repo.git(&["push", "--quiet", "origin", "main"]);
        Event {
            name: "push",
            payload: json!({
                "ref": "refs/heads/main", "before": before, "after": after, "created": false,
                "deleted": false, "forced": false,
                "repository": {"full_name": "shop/shop", "default_branch": "main"},
            }),
            reference: "refs/heads/main".into(),
            variables: Vec::new(),
            commit: after,
        }
    }

    /// What is checked out becomes a pull request from a fork, merged with `main` as GitHub does it. The working tree goes back
    /// to `main`.
    fn pull_request(&self, message: &str) -> Event {
        let base = self.repo.git(&["rev-parse", "main"]);
        self.repo.git(&["checkout", "--quiet", "-b", "change"]);
        let head = self.repo.commit(message);
        let tree = self.repo.git(&["rev-parse", "change^{tree}"]);
        let merge = [
            "commit-tree",
            &tree,
            "-p",
            &base,
            "-p",
            &head,
            "-m",
            "Merge",
        ];
        let merge = self.repo.git(&merge);
        let spec = format!("+{merge}:refs/pull/7/merge");
        self.repo.git(&["push", "--quiet", "origin", &spec]);
        self.repo.git(&["checkout", "--quiet", "main"]);
        self.repo.git(&["branch", "--quiet", "-D", "change"]);
        let variables = vec![
            ("GITHUB_BASE_REF", "main".to_owned()),
            ("GITHUB_HEAD_REF", "change".to_owned()),
        ];
        Event {
            name: "pull_request",
            payload: json!({
                "action": "opened", "number": 7,
                "pull_request": {
                    "number": 7, "draft": false, "merged": false,
                    "base": {"ref": "main", "sha": base, "repo": {"full_name": "shop/shop"}},
                    "head": {"ref": "change", "sha": head, "repo": {"full_name": "stranger/shop", "fork": true}},
                },
                "repository": {"full_name": "shop/shop", "default_branch": "main"},
            }),
            reference: "refs/pull/7/merge".into(),
            commit: merge,
            variables,
        }
    }

    /// Somebody starts the workflow by hand, to deploy for the first time.
    fn first_deploy(&self) -> Event {
        Event {
            name: "workflow_dispatch",
            payload: json!({
                "ref": "refs/heads/main", "inputs": {"bootstrap": true},
                "repository": {"full_name": "shop/shop", "default_branch": "main"},
            }),
            reference: "refs/heads/main".into(),
            commit: self.repo.git(&["rev-parse", "HEAD"]),
            variables: Vec::new(),
        }
    }

    /// What a plain git says of the ledger on the remote: the services of its last commits.
    fn recorded(&self, environment: &str) -> String {
        let remote = self.runner.remote.to_str().unwrap();
        let name = format!("refs/svc/ledger/{environment}");
        self.repo
            .git(&["--git-dir", remote, "log", "--format=%s", &name])
    }
}

#[test]
fn the_workflow_tests_what_a_change_affects_and_deploys_what_is_pushed() {
    let shop = Hosted::new();
    let deploys = ["deploy-staging", "deploy-production"];

    // For the first time: all is tested and brought, to one environment after the other.
    let run = shop.run(&shop.first_deploy(), None);
    for job in ["plan", "test", "gate"].iter().chain(&deploys) {
        run.expect(job, "success");
    }
    assert_eq!(run.services().len(), 7);
    // All is in the cache then, of every job.
    assert!(
        run.logs["deploy-staging"].contains("12 tasks: 12 cached"),
        "{}",
        run.logs["deploy-staging"]
    );
    assert!(shop.recorded("production").contains("gateway"));

    // A pull request is tested, as far as it goes, and nothing is deployed of it.
    shop.repo
        .append("libs/money/src/money.py", "# Not a cent is lost.\n");
    let affected = shop.repo.svc(&["affected"]).stdout();
    let event = shop.pull_request("Lose no cent");
    let run = shop.run(&event, None);
    run.expect("test", "success");
    run.expect("gate", "success");
    deploys.iter().for_each(|it| run.expect(it, "skipped"));
    let mut names: Vec<&str> = affected.lines().collect();
    names.sort_unstable();
    assert_eq!(
        (run.services(), names.len()),
        (names.iter().map(|it| it.to_string()).collect(), 3)
    );

    // Each job says of its services why the plan has them.
    for row in [
        "| money:test | libs/money/src/money.py changed | ✅ passed |",
        "| orders:test | depends on money |",
        "| gateway:test | depends on orders |",
    ] {
        assert!(run.logs["test"].contains(row), "{}", run.logs["test"]);
    }

    // Where nothing is affected, the required check reports all the same.
    shop.repo.append("README.md", "More.\n");
    let run = shop.run(&shop.pull_request("Say more"), None);
    run.expect("test", "skipped");
    run.expect("gate", "success");

    // A test that fails, a plan that fails, and a run that is cancelled do not pass it.
    let tests = shop.repo.read("libs/money/tests/test_money.py");
    shop.repo.write(
        "libs/money/tests/test_money.py",
        "raise SystemError('broken')\n",
    );
    let run = shop.run(&shop.pull_request("Break a test"), None);
    run.expect("plan", "success");
    run.expect("test", "failure");
    run.expect("gate", "failure");
    assert_eq!(
        shop.repo.read("libs/money/tests/test_money.py"),
        tests,
        "this is main again"
    );
    shop.repo.append("services.toml", "[services.broken]\n");
    let run = shop.run(&shop.pull_request("Break the definition"), None);
    run.expect("plan", "failure");
    run.expect("test", "skipped");
    run.expect("gate", "failure");
    let run = shop.run(&event, Some("plan"));
    run.expect("test", "skipped");
    run.expect("gate", "failure");

    // What is pushed is tested, and then deployed where it is due.
    shop.repo
        .append("libs/money/src/money.py", "# Not a cent is lost.\n");
    let run = shop.run(&shop.push("Lose no cent"), None);
    for job in ["plan", "test", "gate"].iter().chain(&deploys) {
        run.expect(job, "success");
    }
    assert_eq!(run.services(), ["gateway", "money", "orders"]);
    assert!(
        run.logs["deploy-staging"].contains("2 to deploy, 3 up to date"),
        "{}",
        run.logs["deploy-staging"]
    );
    for environment in ["staging", "production"] {
        let lines = shop.recorded(environment);
        let newest: Vec<&str> = lines.lines().take(6).collect();
        assert!(newest.iter().any(|it| it.contains("orders")), "{lines}");
    }
    let place = shop
        .runner
        .world
        .join("runner/work/shop/shop/.git/shop/production/orders");
    assert!(place.join("orders.pyz").is_file(), "it is there");
}

#[test]
fn where_the_first_of_three_stages_fails_no_later_one_starts() {
    let services = r#"version = 1
[workspace]
default-branch = "main"
[services.api]
path = "api"
test = "true"
deploy = { run = "test \"$SVC_ENV\" != \"$(cat broken)\"" }
[environments.dev]
[environments.staging]
promote-from = "dev"
[environments.production]
promote-from = "staging"
"#;
    let files = [("services.toml", services), ("api/broken", "dev\n")];
    let shop = Hosted::of(TestRepo::with_files(&files));
    let deploys = ["deploy-dev", "deploy-staging", "deploy-production"];
    let run = shop.run(&shop.first_deploy(), None);
    run.expect("gate", "success");
    run.expect(deploys[0], "failure");
    run.expect(deploys[1], "skipped");
    run.expect(deploys[2], "skipped");
    shop.repo.write("api/broken", "none\n");
    shop.push("Mend it");
    let run = shop.run(&shop.first_deploy(), None);
    deploys.iter().for_each(|it| run.expect(it, "success"));
}
