//! `svc deploy`: what a person sees of it.

use crate::deploys::{ask, deploy, deployed_shop, edit, hear, live, shop, stop};

#[test]
fn the_first_deploy_of_an_environment_is_asked_for_by_name() {
    let repo = shop();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: nothing was ever deployed to `staging`, as far as is known here: its ledger is empty (git, refs/svc/ledger/staging on origin)
    hint: `--bootstrap` deploys there for the first time; `--adopt` records that what is checked out runs there already
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here
    web  nothing  hash-2  first deploy here

    2 to deploy
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--bootstrap"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here
    web  nothing  hash-2  first deploy here

    2 to deploy
    building and testing
    3 tasks: 3 to run; 2 jobs
    ✓ lib:build [TIME]
    ┌ api:build
    │ building api
    ✓ api:build [TIME]
    ✓ web:test [TIME]
    ✓ 3 tasks in [TIME]: 3 passed
    deploying
    2 tasks: 2 to run; 2 jobs
    ✓ api:deploy [TIME]
    ✓ web:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    staging runs now: api hash-1, web hash-2
    deploy [RUN]
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 0
    --- stderr
    staging is up to date: 2 services run what hash-1 defines
    ");
    assert!(live(&repo, "staging", "web").is_some());
}

#[test]
fn what_runs_already_is_adopted() {
    let repo = shop();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--adopt"]), @"
    exit 0
    --- stderr
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here
    web  nothing  hash-2  first deploy here

    2 to record as it runs
    recording what runs
    2 tasks: 2 to run; 2 jobs
    ✓ api:deploy [TIME]
    ✓ web:deploy [TIME]
    ✓ 2 tasks in [TIME]: 2 passed
    staging runs now: api hash-1, web hash-2
    deploy [RUN]
    ");
    assert_eq!(live(&repo, "staging", "web"), None);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 0
    --- stderr
    staging is up to date: 2 services run what hash-1 defines
    ");
}

#[test]
fn a_plan_says_from_what_to_what_and_why() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    edit(&repo, "web", "Show \u{1b}[2Jmore\u{202e} prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  2 commits: "Show more prices" and 1 more

    1 to deploy, 1 up to date
    "#);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run", "-v"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  2 commits: "Show more prices" and 1 more

    web
      hash-3  2023-11-14  Show more prices (A U Thor)
      hash-4  2023-11-14  Show prices (A U Thor)

    1 to deploy, 1 up to date
    "#);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "-v", "--reason", "a try"]), @r#"
    exit 0
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  2 commits: "Show more prices" and 1 more

    web
      hash-3  2023-11-14  Show more prices (A U Thor)
      hash-4  2023-11-14  Show prices (A U Thor)

    1 to deploy, 1 up to date
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    ✓ lib:build  cached
    api:build | building api
    ✓ api:build  cached
    ▸ web:test  needed by web:deploy
    ✓ web:test [TIME] web/input changed and 1 more
    ✓ 3 tasks in [TIME]: 1 passed, 2 cached
    deploying
    ▸ web:deploy  requested
    ✓ web:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: web hash-2
    deploy [RUN]
    "#);
    insta::assert_snapshot!(ask(&repo, &["history", "--env", "staging"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY  REASON
    [AGO]  [RUN]  web  hash-1 → hash-2  succeeded  Ann  a try
    [AGO]  [RUN]  web  nothing → hash-1  succeeded  Ann
    [AGO]  [RUN]  api  nothing → hash-3  succeeded  Ann
    ");
}

#[test]
fn services_are_named_or_chosen_by_tag() {
    let repo = deployed_shop();
    edit(&repo, "lib", "Better lib");
    let plan = |rest: &[&str]| {
        ask(
            &repo,
            &[&["deploy", "--env", "staging", "--dry-run"][..], rest].concat(),
        )
    };
    insta::assert_snapshot!(plan(&["web"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Better lib"

    1 to deploy
    "#);
    insta::assert_snapshot!(plan(&["web", "--with-dependencies"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  1 commit: "Better lib"
    web  hash-3  hash-4  1 commit: "Better lib"

    2 to deploy
    "#);
    insta::assert_snapshot!(plan(&["--tag", "backend"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  1 commit: "Better lib"

    1 to deploy
    "#);
    insta::assert_snapshot!(plan(&["--exclude", "api"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Better lib"

    1 to deploy
    "#);
    insta::assert_snapshot!(plan(&["lib"]), @"
    exit 2
    --- stderr
    error: `lib` cannot be deployed to `staging`
    hint: give it a `deploy`
    ");
    insta::assert_snapshot!(plan(&["wbe"]), @"
    exit 2
    --- stderr
    error: there is no service named `wbe`
    hint: did you mean `web`?
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "api", "-q"]), @"exit 0");
}

#[test]
fn what_a_service_depends_on_has_to_be_there() {
    let repo = shop();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--bootstrap", "web"]), @"
    exit 2
    --- stderr
    error: `web` needs `api`, which was never deployed to `staging`
    hint: add `api`, or give --with-dependencies
    ");
    let arguments = [
        "deploy",
        "--env",
        "staging",
        "--bootstrap",
        "web",
        "--with-dependencies",
        "-q",
    ];
    insta::assert_snapshot!(ask(&repo, &arguments), @"exit 0");
}

#[test]
fn a_protected_environment_wants_consent() {
    let repo = deployed_shop();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "production", "--bootstrap"]), @"
    exit 2
    --- stderr
    SERVICE  FROM  TO  WHY
    api  nothing  hash-1  first deploy here
    web  nothing  hash-2  first deploy here

    2 to deploy
    error: `production` is protected, and there is no terminal to ask on
    hint: --yes goes on without asking
    ");
    assert_eq!(live(&repo, "production", "api"), None);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "production", "--bootstrap", "--yes", "-q"]), @"exit 0");
    assert!(live(&repo, "production", "api").is_some());
}

#[test]
fn a_failed_deploy_is_rolled_back_and_held() {
    let repo = deployed_shop();
    let before = live(&repo, "staging", "api");
    edit(&repo, "api", "Round prices");
    stop(&repo, "api", true);
    let said = ask(&repo, &["deploy", "--env", "staging"]);
    stop(&repo, "api", false);
    insta::assert_snapshot!(said, @r#"
    exit 5
    --- stderr
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  1 commit: "Round prices"
    web  hash-3  hash-4  1 commit: "Round prices"

    2 to deploy
    building and testing
    3 tasks: 2 to run, 1 cached; 2 jobs
    ┌ api:build
    │ building api
    ✓ api:build [TIME] api/input changed
    ✓ web:test [TIME] api:build was made from something else
    ✓ 3 tasks in [TIME]: 2 passed, 1 cached
    deploying
    2 tasks: 2 to run; 2 jobs
    ┌ api:deploy
    │ no way
    │ exit code 1; going back
    ✗ api:deploy [TIME] exit code 1; rolled back to hash-1

    ✗ api:deploy: exit code 1; rolled back to hash-1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/api.deploy.log

    - 1 task skipped, needs api:deploy: web:deploy
    ✗ 2 tasks in [TIME]: 1 failed, 1 skipped
    staging runs now: api hash-1 (rolled back), web hash-3 (not begun)
    deploy [RUN]
    to go on: svc deploy --env staging --resume
    "#);
    assert_eq!(live(&repo, "staging", "api"), before);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    held: api  hash-1 was rolled back (deploy [RUN])
      exit code 1
      it waits until it differs; to deploy it all the same: svc deploy api --env staging, or --retry-held for all
    waiting: web  for api, which is held

    nothing to deploy, 1 held, 1 waiting
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  held  [AGO]  1
    web  hash-3  hash-2  running  [AGO]  1  Ann

    staging: held: api: deploy [RUN] of hash-4 by Ann on [HOST] was rolled back, [AGO]: exit code 1
    staging: to deploy what is held: svc deploy --retry-held --env staging
    ");
    insta::assert_snapshot!(ask(&repo, &["log", "api:deploy"]), @"
    exit 0
    --- stdout
    no way
    exit code 1; going back
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--resume", "-q"]), @"exit 0");
    assert_ne!(live(&repo, "staging", "api"), before);
}

#[test]
fn a_failure_is_told_even_to_who_wants_to_hear_little() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    stop(&repo, "web", true);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "-q"]), @"
    exit 5
    --- stderr

    ✗ web:deploy: exit code 1; rolled back to hash-1
      │ no way
      log: [WORLD]/repo/.git/svc/runs/[RUN]/web.deploy.log

    ✗ 1 task in [TIME]: 1 failed
    staging runs now: web hash-1 (rolled back)
    deploy [RUN]
    to go on: svc deploy --env staging --resume
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "-q", "--retry-held", "--log", "none"]), @"
    exit 5
    --- stderr

    ✗ web:deploy: exit code 1; rolled back to hash-1
      │ no way
      log: [WORLD]/repo/.git/svc/runs/[RUN]/web.deploy.log

    ✗ 1 task in [TIME]: 1 failed
    staging runs now: web hash-1 (rolled back)
    deploy [RUN]
    to go on: svc deploy --env staging --resume
    ");
}

#[test]
fn what_does_not_pass_its_tests_is_not_deployed() {
    let repo = deployed_shop();
    let text = repo
        .read("services.toml")
        .replace("test = \"true\"", "test = \"echo broken; false\"");
    repo.write("services.toml", text);
    edit(&repo, "web", "Break the test");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @r#"
    exit 1
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Break the test"

    1 to deploy, 1 up to date
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    api:build | building api
    ✓ api:build  cached
    web:test | broken
    ✗ web:test [TIME] exit code 1  web/input changed and 2 more

    ✗ web:test: exit code 1
      log: [WORLD]/repo/.git/svc/runs/[RUN]/web.test.log
      repeat: svc test web

    ✗ 3 tasks in [TIME]: 1 failed, 2 cached
    staging: nothing was deployed
    "#);
}

#[test]
fn a_service_that_is_gone_from_the_file_is_only_pruned_when_asked() {
    let repo = deployed_shop();
    let text = repo.read("services.toml");
    let (start, end) = (
        text.find("[services.web]").unwrap(),
        text.find("[environments.staging]").unwrap(),
    );
    repo.write("services.toml", text[..start].to_owned() + &text[end..]);
    repo.commit("Remove web");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 0
    --- stderr
    removed: web  hash-1, still there, though services.toml no longer has it
      to take it down: svc deploy --env staging --prune

    nothing to deploy, 1 removed, 1 up to date
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  1  Ann
    web  hash-3  hash-2  running, removed  [AGO]  1  Ann

    staging: removed from services.toml: web; to take down: svc deploy --prune --env staging
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--prune", "--dry-run"]), @"
    exit 0
    --- stdout
    removed: web  hash-1, to be taken down

    nothing to deploy, 1 to take down, 1 up to date
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--prune"]), @"
    exit 0
    --- stderr
    removed: web  hash-1, to be taken down

    nothing to deploy, 1 to take down, 1 up to date
    taking down
    ✓ web:deploy [TIME]
    ✓ 1 task in [TIME]: 1 passed
    staging runs now: web nothing
    deploy [RUN]
    ");
    assert_eq!(live(&repo, "staging", "web"), None);
    insta::assert_snapshot!(ask(&repo, &["status"]), @"
    exit 0
    --- stdout
    SERVICE  LOCAL  PRODUCTION  STAGING
    api  -  -  hash-1 1 behind
    ");
}

#[test]
fn a_plan_is_pinned_and_refused_when_something_moved() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--plan-out", "out"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show prices"

    1 to deploy, 1 up to date
    "#);
    deploy(&repo, &["--env", "staging"]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--plan", "out"]), @"
    exit 4
    --- stderr
    error: the pinned plan does not hold any more: the ledger has moved since
    hint: deploy again to plan anew
    ");
    repo.write("out", "{");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--plan", "out"]), @"
    exit 2
    --- stderr
    error: out is no plan: EOF while parsing an object at line 1 column 1
    hint: `svc deploy --plan-out FILE` writes one
    ");
}

#[test]
fn the_events_of_both_phases_are_whole() {
    let repo = shop();
    let events = repo.beside("events");
    let file = events.to_str().unwrap();
    deploy(
        &repo,
        &["--env", "staging", "--bootstrap", "--events", file],
    );
    let text = std::fs::read_to_string(&events).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let finished = lines.iter().filter(|it| it["event"] == "task-finished");
    let finished: Vec<&str> = finished.map(|it| it["task"].as_str().unwrap()).collect();
    assert_eq!(
        finished,
        [
            "lib:build",
            "api:build",
            "web:test",
            "api:deploy",
            "web:deploy"
        ]
    );
    let times: Vec<u64> = lines
        .iter()
        .map(|it| it["time_ms"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_terminal_is_asked() {
    let repo = deployed_shop();
    let svc = env!("CARGO_BIN_EXE_svc");
    let call = format!("{svc} deploy --env production --bootstrap --color never --log none");
    let answer = |answer: &str| {
        let mut command = repo.command("script", repo.root());
        command
            .args(["-qec", &call, "/dev/null"])
            .env("TERM", "dumb");
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut child = command.spawn().ok()?;
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Some((
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ))
    };
    let Some((code, said)) = answer("n\n") else {
        return crate::servers::skip("a terminal", "there is no `script`");
    };
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.contains("Deploy 2 services to production? [y/N]"),
        "{said}"
    );
    assert!(said.contains("nothing was done"), "{said}");
    assert_eq!(live(&repo, "production", "api"), None);
    let (code, said) = answer("y\n").unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert!(live(&repo, "production", "api").is_some());
}

#[test]
fn this_machine_is_an_environment_that_nobody_declares() {
    let repo = shop();
    insta::assert_snapshot!(hear(repo.svc(&["deploy", "--env", "local"])), @"
    exit 0
    --- stderr
    no service can be deployed to local
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "local", "api"]), @"
    exit 2
    --- stderr
    error: `api` cannot be deployed to `local`
    hint: give it a `serve`, so that it can run on this machine
    ");
}

#[test]
fn what_git_of_the_remote_still_does_is_left_to_it() {
    let repo = shop();
    // As git tidies up where it is pushed to, without letting anybody wait for it.
    let hook = repo.beside("remote.git/hooks/post-receive");
    std::fs::write(
        &hook,
        "#!/bin/sh\nsetsid sh -c 'n=0; until test -e go || test $n = 600; do sleep .1; n=$((n + 1)); done; echo >tidied' >&- 2>&- &\n",
    )
    .unwrap();
    repo.make_executable("../remote.git/hooks/post-receive");
    let said = repo
        .svc(&["deploy", "--env", "staging", "--bootstrap"])
        .run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(!said.all().contains("still running"), "{}", said.all());
    std::fs::write(repo.beside("remote.git/go"), "").unwrap();
    let tidied = repo.beside("remote.git/tidied");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !tidied.exists() {
        assert!(std::time::Instant::now() < until, "it was ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
