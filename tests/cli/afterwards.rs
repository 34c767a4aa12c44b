//! What stands where, what was, and the ways back, on and away: `status`, `history`, `changes`, `lock`, `rollback`,
//! `promote`, `down`.

use std::time::{Duration, Instant};

use crate::deploys::{ask, deploy, deployed_shop, edit, hear, live, shop, shop_of, stop};

#[test]
fn status_shows_one_environment_or_all() {
    let repo = shop();
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  -
    web  -  -  -
    ");
    deploy(&repo, &["--env", "staging", "--bootstrap"]);
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  hash-1 1 behind
    web  -  -  hash-2 1 behind
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging", "-v"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  1  Ann
    web  hash-3  hash-2  running  [AGO]  1  Ann

    staging: ledger: git, refs/svc/ledger/staging on origin
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "web"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    web  -  -  hash-1 1 behind
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "wbe"]), @"
    exit 2
    --- stderr
    error: there is no service named `wbe`
    hint: did you mean `web`?
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "prod"]), @"
    exit 2
    --- stderr
    error: there is no environment named `prod`
    hint: did you mean `production`?
    ");
}

#[test]
fn what_cannot_be_refreshed_is_shown_as_it_was() {
    let repo = deployed_shop();
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging", "--offline"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  0  Ann
    web  hash-3  hash-2  running  [AGO]  0  Ann

    staging: as of [WHEN], not refreshed: the remote was not asked
    ");
    repo.git(&["remote", "set-url", "origin", "../gone.git"]);
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  0  Ann
    web  hash-3  hash-2  running  [AGO]  0  Ann

    staging: as of [WHEN], not refreshed: origin cannot be reached: '../gone.git' does not appear to be a git repository; Could not read from remote repository.
    ");
    let json = repo.svc(&["status", "--env", "staging"]).json();
    assert_eq!(json["refreshed"], false);
    assert!(json["as_of"].as_str().unwrap().ends_with('Z'), "{json}");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging"]), @"
    exit 3
    --- stderr
    error: origin cannot be reached: '../gone.git' does not appear to be a git repository; Could not read from remote repository.
    hint: nothing was deployed or changed: only its ledger tells what an environment runs
    hint: try again when it can be reached; `svc status --offline` shows what was seen last
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "--offline"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY
    [AGO]  [RUN]  web  nothing → hash-1  succeeded  Ann
    [AGO]  [RUN]  api  nothing → hash-2  succeeded  Ann
    ");
}

#[test]
fn a_remote_that_does_not_answer_is_waited_for_two_seconds() {
    let repo = deployed_shop();
    // It listens, takes calls and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/x.git", silent.local_addr().unwrap());
    repo.git(&["remote", "set-url", "origin", &url]);
    let start = Instant::now();
    let said = repo.svc(&["status"]).run();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(said.code(), 0);
    assert!(
        said.stdout().contains("not refreshed: origin"),
        "{}",
        said.all()
    );
}

#[test]
fn history_is_limited_and_narrowed() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    deploy(
        &repo,
        &["--env", "staging", "--reason", "prices\u{1b}[31m!"],
    );
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  REASON
    [AGO]  [RUN]  web  hash-1 → hash-2  succeeded  Ann  prices!
    [AGO]  [RUN]  web  nothing → hash-1  succeeded  Ann
    [AGO]  [RUN]  api  nothing → hash-3  succeeded  Ann
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "-n", "1"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  REASON
    [AGO]  [RUN]  web  hash-1 → hash-2  succeeded  Ann  prices!
    there are older ones
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "api"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY
    [AGO]  [RUN]  api  nothing → hash-1  succeeded  Ann
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "-v"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  HOST  REASON
    [WHEN]  [RUN]  web  hash-1 → hash-2  succeeded  Ann  [HOST]  prices!
    [WHEN]  [RUN]  web  nothing → hash-1  succeeded  Ann  [HOST]
    [WHEN]  [RUN]  api  nothing → hash-3  succeeded  Ann  [HOST]
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "production"]), @"
    exit 0
    --- stdout
    production has no history
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "apu"]), @"
    exit 2
    --- stderr
    error: there is no deployed service named `apu`
    hint: did you mean `api`?
    ");
    let none = repo.svc(&["history", "--env", "staging", "-n", "0"]).run();
    assert_eq!(none.code(), 2, "{}", none.all());
    let all = repo.svc(&["history", "--env", "staging"]).json();
    let id = all["entries"][0]["deploy"].as_str().unwrap();
    let one = repo
        .svc(&["history", "--env", "staging", "--deploy", id])
        .json();
    assert_eq!(one["entries"].as_array().unwrap().len(), 2);
    let said = repo
        .svc(&["history", "--env", "staging", "--deploy", &format!("{id}x")])
        .run();
    assert_eq!(said.code(), 2);
    assert!(
        said.stderr().contains(&format!("did you mean `{id}`?")),
        "{}",
        said.all()
    );
}

#[test]
fn changes_are_the_commits_that_a_deploy_would_bring() {
    let repo = deployed_shop();
    insta::assert_snapshot!(ask(&repo, &["changes", "--env", "staging"]), @"
    exit 0
    --- stdout
    up to date: api, web
    ");
    edit(&repo, "api", "Round prices");
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["changes", "--env", "staging"]), @"
    exit 0
    --- stdout
    api  1 commit since hash-1
      hash-2  2023-11-14  Round prices (A U Thor)

    web  2 commits since hash-1
      hash-3  2023-11-14  Show prices (A U Thor)
      hash-2  2023-11-14  Round prices (A U Thor)
    ");
    insta::assert_snapshot!(ask(&repo, &["changes", "--env", "staging", "api"]), @"
    exit 0
    --- stdout
    api  1 commit since hash-1
      hash-2  2023-11-14  Round prices (A U Thor)
    ");
    insta::assert_snapshot!(ask(&repo, &["changes", "--env", "production"]), @"
    exit 0
    --- stdout
    never deployed there: api, web
    ");
}

#[test]
fn a_lock_by_hand_keeps_deploys_out_until_it_is_released() {
    let repo = deployed_shop();
    let lock = |rest: &[&str]| {
        ask(
            &repo,
            &[&["lock"][..], rest, &["--env", "staging"]].concat(),
        )
    };
    insta::assert_snapshot!(lock(&["show"]), @"
    exit 0
    --- stdout
    staging is not locked
    ");
    insta::assert_snapshot!(lock(&["take"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --reason <TEXT>

    Usage: svc lock take --env <ENV> --reason <TEXT>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(lock(&["take", "--reason", "moving the database"]), @r#"
    exit 0
    --- stdout
    staging is locked
      by  Ann on [HOST] (pid N)
      since  [WHEN] ([AGO])
      command  svc lock take --env staging
      by hand  it does not end by itself
      reason  moving the database
    to release it: svc lock release --env staging
    to take it over: svc lock take --env staging --reason "why"
    "#);
    insta::assert_snapshot!(lock(&["show"]), @r#"
    exit 0
    --- stdout
    staging is locked
      by  Ann on [HOST] (pid N)
      since  [WHEN] ([AGO])
      command  svc lock take --env staging
      by hand  it does not end by itself
      reason  moving the database
    to release it: svc lock release --env staging
    to take it over: svc lock take --env staging --reason "why"
    "#);
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @r#"
    exit 75
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show prices"

    1 to deploy, 1 up to date
    error: staging is locked by Ann on [HOST] since [WHEN] ([AGO]): held by hand, moving the database
    hint: to release it: svc lock release --env staging
    hint: to take it over: svc lock take --env staging --reason "why"
    "#);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--lock-wait", "1s", "--log", "none"]), @r#"
    exit 75
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show prices"

    1 to deploy, 1 up to date
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    ✓ web:test [TIME] web/input changed and 1 more
    ✓ 3 tasks in [TIME]: 1 passed, 2 cached
    waiting for the lease of staging: Ann on [HOST] has it (svc lock take --env staging)
    error: staging is locked by Ann on [HOST] since [WHEN] ([AGO]): held by hand, moving the database
    hint: to release it: svc lock release --env staging
    hint: to take it over: svc lock take --env staging --reason "why"
    "#);
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--dry-run"]), @"
    exit 2
    --- stderr
    error: there is nothing to go back to: `staging` ran nothing of `api` before what it runs now
    hint: `svc history --env staging api` shows its deploys; `--to ID` goes to one of them
    ");
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  hash-1 1 behind
    web  -  -  hash-2 1 behind

    staging: locked by Ann on [HOST] since [WHEN] ([AGO]): held by hand, moving the database
    ");
    insta::assert_snapshot!(lock(&["take", "--reason", "more of that"]), @r#"
    exit 0
    --- stdout
    staging is locked
      by  Ann on [HOST] (pid N)
      since  [WHEN] ([AGO])
      command  svc lock take --env staging
      by hand  it does not end by itself
      reason  more of that
    to release it: svc lock release --env staging
    to take it over: svc lock take --env staging --reason "why"
    --- stderr
    warning: it was taken from Ann on [HOST] (svc lock take --env staging), which starts no new step
    "#);
    insta::assert_snapshot!(lock(&["release"]), @"
    exit 0
    --- stdout
    the lease of staging is released
    ");
    insta::assert_snapshot!(lock(&["release"]), @"
    exit 0
    --- stdout
    nobody had the lease of staging
    ");
    deploy(&repo, &["--env", "staging"]);
}

#[test]
fn a_rollback_goes_back_and_then_further_back() {
    let repo = deployed_shop();
    let first = live(&repo, "staging", "api");
    for subject in ["Round prices", "Round them again"] {
        edit(&repo, "api", subject);
        deploy(&repo, &["--env", "staging", "api"]);
    }
    let last = live(&repo, "staging", "api");
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  COMMIT
    api  hash-1  hash-2  hash-3
    ");
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--reason", "prices are wrong"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  COMMIT
    api  hash-1  hash-2  hash-3
    rolling back
    ✓ api:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: api hash-2
    deploy [RUN]
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  held  [AGO]  1  Ann
    web  hash-3  hash-4  running  [AGO]  2  Ann

    staging: held: api: deploy [RUN] of hash-1 by Ann on [HOST] went back to it, [AGO]
    staging: to deploy what is held: svc deploy --retry-held --env staging
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    held: api  hash-1 was rolled back (deploy [RUN])
      it waits until it differs; to deploy it all the same: svc deploy api --env staging, or --retry-held for all
    waiting: web  for api, which is held

    nothing to deploy, 1 held, 1 waiting
    ");
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "api"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  COMMIT
    api  hash-1  hash-2  hash-3
    rolling back
    ✓ api:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: api hash-2
    deploy [RUN]
    ");
    assert_eq!(live(&repo, "staging", "api"), first);
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "api"]), @"
    exit 2
    --- stderr
    error: there is nothing to go back to: `staging` ran nothing of `api` before what it runs now
    hint: `svc history --env staging api` shows its deploys; `--to ID` goes to one of them
    ");
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "lib"]), @"
    exit 2
    --- stderr
    error: there is no deployed service named `lib`
    hint: `svc status` names what runs where
    ");
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--to", "nowhere"]), @"
    exit 2
    --- stderr
    error: there is no deploy named `nowhere`
    hint: `svc history --env ENV` names all deploys
    ");
    let history = repo.svc(&["history", "--env", "staging", "api"]).json();
    let entries = history["entries"].as_array().unwrap();
    let newest = entries.iter().find(|it| it["action"] == "deploy").unwrap();
    let id = newest["deploy"].as_str().unwrap();
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--to", id]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  COMMIT
    api  hash-1  hash-2  hash-3
    rolling back
    ✓ api:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: api hash-2
    deploy [RUN]
    ");
    assert_eq!(live(&repo, "staging", "api"), last);
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging", "--to", id]), @"
    exit 0
    --- stderr
    that is what runs already
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging", "api"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  REASON
    [AGO]  [RUN]  api  hash-1 → hash-2  succeeded  Ann  rollback
    [AGO]  [RUN]  api  hash-3 → hash-1  succeeded  Ann  rollback
    [AGO]  [RUN]  api  hash-2 → hash-3  succeeded  Ann  rollback; prices are wrong
    [AGO]  [RUN]  api  hash-3 → hash-2  succeeded  Ann
    [AGO]  [RUN]  api  hash-1 → hash-3  succeeded  Ann
    [AGO]  [RUN]  api  nothing → hash-1  succeeded  Ann
    ");
}

#[test]
fn the_rollback_of_several_services_goes_against_the_order_of_their_deploys() {
    let repo = deployed_shop();
    let first = live(&repo, "staging", "web");
    edit(&repo, "lib", "Better lib");
    deploy(&repo, &["--env", "staging"]);
    insta::assert_snapshot!(ask(&repo, &["rollback", "--env", "staging"]), @"
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
    assert_eq!(live(&repo, "staging", "web"), first);
    stop(&repo, "api", true);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--retry-held", "--log", "none"]), @r#"
    exit 5
    --- stderr
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  1 commit: "Better lib"; was rolled back here before
    web  hash-3  hash-4  1 commit: "Better lib"; was rolled back here before

    2 to deploy
    building and testing
    3 tasks: 3 cached; 2 jobs
    ✓ 3 tasks in [TIME]: 3 cached
    deploying
    2 tasks: 2 to run; 2 jobs
    ✗ api:deploy [TIME] exit code 1; rolled back to hash-1

    ✗ api:deploy: exit code 1; rolled back to hash-1
      │ no way
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.deploy.log

    - 1 task skipped, needs api:deploy: web:deploy
    ✗ 2 tasks in [TIME]: 1 failed, 1 skipped
    staging runs now: api hash-1 (rolled back), web hash-3 (not begun)
    deploy [RUN]
    to go on: svc deploy --env staging --resume
    "#);
}

#[test]
fn what_staging_runs_is_promoted() {
    let repo = deployed_shop();
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production"]), @"
    exit 2
    --- stderr
    SERVICE  FROM  TO  COMMIT
    api  nothing  hash-1  hash-2
    web  nothing  hash-3  hash-2
    error: `production` is protected, and there is no terminal to ask on
    hint: --yes goes on without asking
    ");
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  COMMIT
    api  nothing  hash-1  hash-2
    web  nothing  hash-3  hash-2
    ");
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production", "--yes"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  COMMIT
    api  nothing  hash-1  hash-2
    web  nothing  hash-3  hash-2
    promoting
    2 tasks: 2 to run; 2 jobs
    ✓ api:deploy [TIME]
    ✓ web:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    production runs now: api hash-1, web hash-3
    deploy [RUN]
    ");
    assert_eq!(
        live(&repo, "production", "web"),
        live(&repo, "staging", "web")
    );
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production", "--yes"]), @"
    exit 0
    --- stderr
    production runs all releases of staging already
    ");
    edit(&repo, "web", "Show prices");
    deploy(&repo, &["--env", "staging"]);
    stop(&repo, "web", true);
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production", "--yes"]), @"
    exit 5
    --- stderr
    SERVICE  FROM  TO  COMMIT
    web  hash-1  hash-2  hash-3
    promoting
    web:deploy | no way
    web:deploy | exit code 1; going back
    ✗ web:deploy [TIME] exit code 1; rolled back to hash-1

    ✗ web:deploy: exit code 1; rolled back to hash-1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/web.deploy.log

    ✗ 1 task in [TIME]: 1 failed
    production runs now: web hash-1 (rolled back)
    deploy [RUN]
    to try again: svc promote --from staging --to production web
    ");
    stop(&repo, "web", false);
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "production", "--yes"]), @"
    exit 0
    --- stderr
    web is left out: it failed or was rolled back there before; name it, or give --retry-held
    there is nothing else to bring to production
    ");
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "local", "--to", "production"]), @"
    exit 2
    --- stderr
    error: `production` is promoted from `staging` alone
    hint: `promote-from` of the environment in services.toml says so
    ");
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "staging", "--to", "staging"]), @"
    exit 2
    --- stderr
    error: an environment cannot be promoted to itself
    hint: `--from` and `--to` name two environments
    ");
    insta::assert_snapshot!(ask(&repo, &["promote", "--from", "stagin", "--to", "production"]), @"
    exit 2
    --- stderr
    error: there is no environment named `stagin`
    hint: did you mean `staging`?
    ");
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "production"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  REASON
    [AGO]  [RUN]  web  hash-1 → hash-2  rolled back  Ann  promote; exit code 1
    [AGO]  [RUN]  web  nothing → hash-1  succeeded  Ann  promote
    [AGO]  [RUN]  api  nothing → hash-3  succeeded  Ann  promote
    ");
}

#[test]
fn services_are_taken_down_before_what_they_depend_on() {
    let repo = deployed_shop();
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO
    web  hash-1  nothing
    api  hash-2  nothing
    ");
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging", "wbe"]), @"
    exit 2
    --- stderr
    error: there is no deployed service named `wbe`
    hint: did you mean `web`?
    ");
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO
    web  hash-1  nothing
    api  hash-2  nothing
    taking down
    2 tasks: 2 to run; 2 jobs
    ✓ web:deploy [TIME]
    ✓ api:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    staging runs now: web nothing, api nothing
    deploy [RUN]
    ");
    assert_eq!(live(&repo, "staging", "web"), None);
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging"]), @"
    exit 0
    --- stderr
    nothing runs in staging
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  STATE  DEPLOYED  BY
    api  absent  [AGO]  Ann
    web  absent  [AGO]  Ann
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  was taken down
    web  nothing  hash-2  was taken down

    2 to deploy
    ");
}

#[test]
fn what_nothing_can_take_down_is_left_alone() {
    let tables = "[services.api]\npath = \"api\"\ndeploy = \"true\"\n[environments.staging]\n";
    let repo = shop_of(tables);
    deploy(&repo, &["--env", "staging", "--bootstrap"]);
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging"]), @"
    exit 2
    --- stderr
    SERVICE  FROM  TO
    api  hash-1  nothing
    error: it is not known how to take `api` down: its deploy is commands of its own
    hint: take it away by hand, then `svc down --forget --env staging api` writes that down; a target with a step `remove` can do it
    ");
    insta::assert_snapshot!(hear(repo.svc(&["status"])), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  STAGING
    api  -  hash-1
    ");
}

#[test]
fn a_removal_that_fails_can_be_tried_again() {
    let repo = deployed_shop();
    std::fs::remove_file(repo.beside("home").join("live/staging-api")).unwrap();
    insta::assert_snapshot!(ask(&repo, &["down", "--env", "staging"]), @"
    exit 1
    --- stderr
    SERVICE  FROM  TO
    web  hash-1  nothing
    api  hash-2  nothing
    taking down
    2 tasks: 2 to run; 2 jobs
    ✓ web:deploy [TIME]
    ┌ api:deploy
    │ rm: cannot remove '[WORLD]/home/live/staging-api': No such file or directory
    ✗ api:deploy [TIME] exit code 1

    ✗ api:deploy: exit code 1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.deploy.log

    ✗ 2 tasks in [TIME]: 1 failed, 1 passed
    staging runs now: web nothing, api unknown (failed)
    deploy [RUN]
    to try again: svc down --env staging api
    to record what runs: svc deploy --env staging --adopt api
    ");
}
