//! Deploys from odd places: no commit, no remote, no repository, a part of one, another worktree, a shallow clone.

use crate::deploys::{TABLES, ask, ask_at, deploy, deployed_shop, edit, shop};
use crate::support::TestRepo;
use crate::world::fill;

const STAGING: &str = "[services.api]\npath = \"api\"\ndeploy = \"true\"\n[environments.staging]\n";

#[test]
fn without_a_repository_nothing_can_be_deployed() {
    let repo = TestRepo::bare_directory();
    fill(&repo, STAGING);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--bootstrap"]), @"
    exit 2
    --- stderr
    error: this is not a git repository, so it cannot be told what would be deployed to `staging`
    hint: `git init` and a first commit make it one
    ");
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  STAGING
    api  -  -
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging"]), @"
    exit 0
    --- stdout
    staging has no history
    ");
}

#[test]
fn without_a_commit_nothing_can_be_deployed() {
    let repo = TestRepo::new();
    fill(&repo, STAGING);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--bootstrap"]), @"
    exit 2
    --- stderr
    error: there is no commit yet
    hint: `staging` is deployed from commits; make the first one
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here

    1 to deploy
    ");
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  STAGING
    api  -  -
    ");
}

#[test]
fn without_a_remote_the_ledger_is_a_file() {
    let repo = TestRepo::new();
    fill(&repo, STAGING);
    repo.commit("first");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: nothing was ever deployed to `staging`, as far as is known here: its ledger is empty (file, [WORLD]/repo/.git/svc/ledger/staging/entries.jsonl)
    hint: `--bootstrap` deploys there for the first time; `--adopt` records that what is checked out runs there already
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--bootstrap", "--log", "none"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here

    1 to deploy
    deploying
    ✓ api:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: api hash-1
    deploy [RUN]
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging", "-v"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  0  unknown

    staging: ledger: file, [WORLD]/repo/.git/svc/ledger/staging/entries.jsonl
    ");
    // A remote that comes later does not make it begin anew.
    repo.git(&["init", "--quiet", "--bare", "../remote.git"]);
    repo.git(&["remote", "add", "origin", "../remote.git"]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @r#"
    exit 2
    --- stderr
    error: the ledger of `staging` is to be in the store `git`, and its entries are in `file`: file, [WORLD]/repo/.git/svc/ledger/staging/entries.jsonl
    hint: say `store = "file"` in `[ledger]` to go on with it; to begin anew in `git`, move the old one out of the way and record what runs with `svc deploy --env staging --adopt`
    "#);
}

#[test]
fn workspaces_of_one_repository_have_ledgers_of_their_own() {
    let repo = shop();
    for name in ["one", "two"] {
        repo.write(
            &format!("{name}/services.toml"),
            format!("version = 1\n{STAGING}"),
        );
        repo.write(&format!("{name}/api/input"), "1\n");
    }
    repo.commit("two more");
    let (one, two) = (
        repo.at(repo.root().join("one")),
        repo.at(repo.root().join("two")),
    );
    one.svc(&["deploy", "--env", "staging", "--bootstrap"])
        .stdout();
    insta::assert_snapshot!(ask_at(&one, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  STAGING
    api  -  hash-1
    ");
    insta::assert_snapshot!(ask_at(&two, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  STAGING
    api  -  -
    ");
    insta::assert_snapshot!(ask_at(&two, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: nothing was ever deployed to `staging`, as far as is known here: its ledger is empty (git, refs/svc/at-two-9538d637/ledger/staging on origin)
    hint: `--bootstrap` deploys there for the first time; `--adopt` records that what is checked out runs there already
    ");
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  -
    web  -  -  -
    ");
}

#[test]
fn linked_worktrees_share_what_is_known() {
    let repo = deployed_shop();
    repo.git(&["worktree", "add", "--quiet", "../linked"]);
    let linked = repo.at(repo.beside("linked"));
    insta::assert_snapshot!(ask_at(&linked, &["status", "--offline"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  hash-1
    web  -  -  hash-2

    production: never refreshed: the remote was not asked
    staging: as of [WHEN], not refreshed: the remote was not asked
    ");
    insta::assert_snapshot!(ask_at(&linked, &["deploy", "--env", "staging"]), @"
    exit 0
    --- stderr
    staging is up to date: 2 services run what hash-1 defines
    ");
}

#[test]
fn a_shallow_clone_finds_what_it_needs() {
    let repo = deployed_shop();
    for subject in ["Round prices", "Round them again"] {
        edit(&repo, "api", subject);
    }
    repo.git(&["push", "--quiet", "origin", "main"]);
    let url = format!("file://{}", repo.beside("remote.git").display());
    repo.git(&["clone", "--quiet", "--depth", "1", &url, "../shallow"]);
    let shallow = repo.at(repo.beside("shallow"));
    insta::assert_snapshot!(ask_at(&shallow, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  ?  Ann
    web  hash-3  hash-2  running  [AGO]  ?  Ann
    ");
    insta::assert_snapshot!(ask_at(&shallow, &["changes", "--env", "staging"]), @"
    exit 0
    --- stdout
    api  2 commits since hash-1
      hash-2  2023-11-14  Round them again (A U Thor)
      hash-3  2023-11-14  Round prices (A U Thor)

    web  2 commits since hash-1
      hash-2  2023-11-14  Round them again (A U Thor)
      hash-3  2023-11-14  Round prices (A U Thor)
    ");
    insta::assert_snapshot!(ask_at(&shallow, &["deploy", "--env", "staging", "--log", "none"]), @r#"
    exit 0
    --- stderr
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  2 commits: "Round them again" and 1 more
    web  hash-3  hash-4  2 commits: "Round them again" and 1 more

    2 to deploy
    building and testing
    3 tasks: 2 to run, 1 cached; 2 jobs
    ✓ api:build [TIME]
    ✓ web:test [TIME]
    ✓ 3 tasks in [TIME]: 2 passed, 1 cached
    deploying
    2 tasks: 2 to run; 2 jobs
    ✓ api:deploy [TIME]
    ✓ web:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    staging runs now: api hash-2, web hash-4
    deploy [RUN]
    "#);
    insta::assert_snapshot!(ask_at(&shallow, &["rollback", "--env", "staging", "--log", "none"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  COMMIT
    web  hash-1  hash-2  hash-3
    api  hash-4  hash-5  hash-3
    rolling back
    2 tasks: 2 to run; 2 jobs
    ✓ web:deploy [TIME]
    ✓ api:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    staging runs now: web hash-2, api hash-5
    deploy [RUN]
    ");
}

#[test]
fn environments_may_be_named_like_parts_of_refs() {
    let tables = TABLES.replace(
        "[environments.staging]",
        "[environments.staging]\n[environments.lock]\n[environments.ledger]",
    );
    let repo = crate::deploys::shop_of(&tables);
    deploy(&repo, &["--env", "lock", "--bootstrap"]);
    deploy(&repo, &["--env", "ledger", "--bootstrap"]);
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  LEDGER  LOCK  PRODUCTION  STAGING
    api  -  hash-1  hash-1  -  -
    web  -  hash-2  hash-2  -  -
    ");
}
