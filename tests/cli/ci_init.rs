//! `svc ci init`: a pipeline, and what is done to one that is there.

use crate::support::TestRepo;

const STAGED: &str = r#"version = 1
[workspace]
default-branch = "main"
[services.api]
path = "api"
test = "true"
deploy = { run = "true" }
[environments.live]
promote-from = "staging"
branches = ["main"]
protected = true
[environments.staging]
"#;

fn repo() -> TestRepo {
    let repo = TestRepo::with_files(&[("services.toml", STAGED), ("api/a", "1\n")]);
    repo.git(&[
        "remote",
        "add",
        "origin",
        "https://git.example.test/shop.git",
    ]);
    repo
}

#[test]
fn a_pipeline_is_written_once_and_replaced_only_by_force() {
    let repo = repo();
    let init = |arguments: &[&str]| {
        let install = ["ci", "init", "drone", "--install", "make svc"];
        repo.svc(&[&install, arguments].concat()).run()
    };
    let first = init(&[]);
    insta::assert_snapshot!(first.all(), @"
    exit 0
    --- stderr
    wrote .drone.yml
    next: require that builds pass before a change is merged
    next: give the deploy steps credentials to push to the repository, for the ledger
    next: where nothing was deployed yet: `svc deploy --env ENV --bootstrap` once, or a run with the variable SVC_DEPLOY_FLAGS=--bootstrap
    ");
    assert_eq!(
        init(&[]).stderr().lines().next(),
        Some(".drone.yml is as it would be written")
    );
    repo.append(".drone.yml", "# ours\n");
    let refused = init(&[]);
    insta::assert_snapshot!(refused.all(), @r#"
    exit 2
    --- stdout
    --- a/.drone.yml
    +++ b/.drone.yml
    @@ -45,4 +45,3 @@
           target: [ live ]
           branch:
             - "main"
    -# ours
    --- stderr
    error: `.drone.yml` differs from what would be written
    hint: --force replaces it; nothing was written
    "#);
    assert!(repo.read(".drone.yml").ends_with("# ours\n"));
    let shown = init(&["--dry-run"]);
    assert!(
        shown.code() == 0 && shown.stdout().contains("-# ours\n"),
        "{}",
        shown.all()
    );
    assert!(repo.read(".drone.yml").ends_with("# ours\n"));
    let replaced = init(&["--force"]);
    assert!(
        replaced.stderr().starts_with("replaced .drone.yml\n"),
        "{}",
        replaced.all()
    );
    assert!(replaced.stdout().contains("-# ours\n"));
    assert!(!repo.read(".drone.yml").contains("# ours"));
}

#[test]
fn of_several_files_none_is_written_where_one_differs() {
    let repo = repo();
    repo.write(".gitlab/svc.yml", "mine: true\n");
    let said = repo
        .svc(&["ci", "init", "gitlab", "--install", "true"])
        .run();
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(!repo.root().join(".gitlab-ci.yml").exists());
    assert_eq!(repo.read(".gitlab/svc.yml"), "mine: true\n");
}

#[test]
fn environments_come_in_their_order_or_as_they_are_named() {
    let repo = repo();
    let text = |arguments: &[&str]| {
        let all = [&["ci", "init", "github", "--dry-run"], arguments].concat();
        repo.svc(&all).stdout()
    };
    let both = text(&[]);
    let (staging, live) = (
        both.find("  deploy-staging:").unwrap(),
        both.find("  deploy-live:").unwrap(),
    );
    assert!(staging < live);
    assert!(both.contains("needs: [gate, deploy-staging]"));
    let one = text(&["--env", "live", "--shards", "7"]);
    assert!(!one.contains("deploy-staging"));
    assert!(one.contains("needs: [gate]") && one.contains("--shards 7 "));
    let check = |arguments: &[&str], expected: &str| {
        let said = repo.svc(&[&["ci", "init"], arguments].concat()).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        assert!(said.stderr().contains(expected), "{}", said.all());
    };
    check(&["github", "--env", "stagin"], "did you mean `staging`?");
    check(&["github", "--env", "local"], "no pipeline deploys to it");
    check(&["githab"], "a similar value exists");
    check(&["github", "--force", "--dry-run"], "cannot be used with");
}

#[test]
fn what_a_pipeline_cannot_work_without_is_told() {
    let repo = TestRepo::with_files(&[
        (
            "services.toml",
            &format!("{STAGED}[ledger]\nstore = \"file\"\n"),
        ),
        ("api/a", "1\n"),
    ]);
    let said = repo
        .svc(&["ci", "init", "github", "--install", "true"])
        .run();
    assert!(
        said.stderr()
            .contains("the ledger of staging, live is a file of each clone"),
        "{}",
        said.all()
    );
    repo.write("services.toml", STAGED);
    let said = repo
        .svc(&["ci", "init", "github", "--install", "true"])
        .run();
    assert!(
        said.stderr().contains("this repository has no remote"),
        "{}",
        said.all()
    );
    let said = repo.svc(&["ci", "init", "gitlab"]).json();
    assert_eq!(
        (said["written"].clone(), said["files"][0]["state"].clone()),
        (true.into(), "new".into())
    );
}

#[test]
fn nothing_is_written_where_there_is_no_repository_or_a_link() {
    let bare = TestRepo::bare_directory();
    bare.write(
        "services.toml",
        "version = 1\n[services.a]\npath = \"a\"\ntest = \"true\"\n",
    );
    bare.write("a/input", "1\n");
    let said = bare.svc(&["ci", "init", "github"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(
        said.stderr().contains("this is not a git repository"),
        "{}",
        said.all()
    );
    let repo = repo();
    std::os::unix::fs::symlink(repo.beside("home"), repo.root().join(".github")).unwrap();
    let said = repo.svc(&["ci", "init", "github", "--force"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    assert_eq!(std::fs::read_dir(repo.beside("home")).unwrap().count(), 0);
}
