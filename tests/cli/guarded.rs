//! What stands against a deploy, and what a ledger may say: each gets an answer that says what to do, and nothing is
//! deployed.

use std::io::Write;
use std::process::Stdio;

use crate::deploys::{
    TO_PRODUCTION, ask, ask_at, assert_harmless, deploy, deployed_shop, edit, live, plain, shop,
    shop_of, stop,
};
use crate::servers::{Login, SmartHttp};
use crate::support::TestRepo;

#[test]
fn the_nearest_environment_is_offered_and_none_is_taken_for_granted() {
    let repo = shop();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "prod"]), @"
    exit 2
    --- stderr
    error: there is no environment named `prod`
    hint: did you mean `production`?
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "stagign"]), @"
    exit 2
    --- stderr
    error: there is no environment named `stagign`
    hint: did you mean `staging`?
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "qa"]), @"
    exit 2
    --- stderr
    error: there is no environment named `qa`
    hint: `[environments]` in services.toml declares them; `local` is always there
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy"]), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --env <ENV>

    Usage: svc deploy --env <ENV> [SERVICE]...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "a\u{1b}[2Jb"]), @"
    exit 2
    --- stderr
    error: there is no environment named `ab`
    hint: `[environments]` in services.toml declares them; `local` is always there
    ");
}

#[test]
fn a_remote_that_cannot_be_reached_stops_everything() {
    let repo = deployed_shop();
    repo.git(&["remote", "set-url", "origin", "../gone.git"]);
    for command in [
        &["deploy"][..],
        &["rollback"],
        &["changes"],
        &["down"],
        &["lock", "show"],
    ] {
        let said = repo.svc(&[command, &["--env", "staging"]].concat()).run();
        assert_eq!(said.code(), 3, "{}", said.all());
    }
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 3
    --- stderr
    error: origin cannot be reached: '../gone.git' does not appear to be a git repository; Could not read from remote repository.
    hint: nothing was deployed or changed: only its ledger tells what an environment runs
    hint: try again when it can be reached; `svc status --offline` shows what was seen last
    ");
}

#[test]
fn a_refused_push_is_told_in_the_words_of_the_remote() {
    let repo = deployed_shop();
    let hook = repo.beside("remote.git/hooks/pre-receive");
    let text = "#!/bin/sh\nwhile read old new ref; do case $ref in refs/svc/*)\n\
                printf 'no \\033[31mpushes\\033[0m \\302\\2332Jto \\342\\200\\256%s\\rOK\\n' $ref >&2; exit 1;; esac; done\n";
    std::fs::write(&hook, text).unwrap();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, all).unwrap();
    let before = live(&repo, "staging", "web");
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--log", "none"]), @r#"
    exit 3
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show prices"

    1 to deploy, 1 up to date
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    ✓ web:test [TIME] web/input changed and 1 more
    ✓ 3 tasks in [TIME]: 1 passed, 2 cached
    error: origin refuses: no [31mpushes[0m 2Jto refs/svc/lock/staging; OK (refs/svc/lock/staging: pre-receive hook declined)
    hint: nothing was deployed or changed
    hint: the ledger needs the right to push to refs below `refs/svc`: `contents: write` on GitHub, pushing by job tokens on GitLab; `ref-prefix` in `[ledger]` names another place
    "#);
    insta::assert_snapshot!(ask(&repo, &["lock", "take", "--env", "staging", "--reason", "x"]), @"
    exit 3
    --- stderr
    error: origin refuses: no [31mpushes[0m 2Jto refs/svc/lock/staging; OK (refs/svc/lock/staging: pre-receive hook declined)
    hint: nothing was deployed or changed
    hint: the ledger needs the right to push to refs below `refs/svc`: `contents: write` on GitHub, pushing by job tokens on GitLab; `ref-prefix` in `[ledger]` names another place
    ");
    assert_eq!(live(&repo, "staging", "web"), before);
}

#[test]
fn who_may_not_read_or_write_the_remote_is_told_so() {
    let repo = deployed_shop();
    let base = repo.beside("");
    edit(&repo, "web", "Show prices");
    for (login, is_user) in [(Login::Needed, false), (Login::MayOnlyRead, true)] {
        let Some(server) = SmartHttp::start(&base, login) else {
            return crate::servers::skip("smart HTTP", "there is no git");
        };
        let url = match is_user {
            true => server.url_with_login("remote.git"),
            false => server.url("remote.git"),
        };
        repo.git(&["remote", "set-url", "origin", &url]);
        let said = repo
            .svc(&["deploy", "--env", "staging", "--log", "none"])
            .env("GIT_TERMINAL_PROMPT", "0")
            .run();
        assert_eq!(said.code(), 3, "{}", said.all());
        assert!(
            said.stderr().contains("nothing was deployed or changed"),
            "{}",
            said.all()
        );
        assert!(!said.stderr().contains("password@"), "{}", said.all());
        let why = if is_user {
            "403"
        } else {
            "could not read Username"
        };
        assert!(said.stderr().contains(why), "{}", said.all());
    }
}

#[test]
fn an_older_or_foreign_commit_is_refused_with_both_commits_and_the_flag() {
    let repo = shop();
    edit(&repo, "web", "Show prices");
    deploy(&repo, &["--env", "staging", "--bootstrap"]);
    repo.git(&["checkout", "--quiet", "HEAD~1"]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: hash-1 is older than hash-2, which `staging` runs of `web`
    hint: deploy a newer commit, `svc rollback` to go back, or give --allow-diverged
    ");
    repo.git(&["checkout", "--quiet", "-b", "other"]);
    repo.append("web/input", "other\n");
    repo.commit("Show other prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: hash-1 does not come after hash-2, which `staging` runs of `web`
    hint: deploy a newer commit, `svc rollback` to go back, or give --allow-diverged
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @r#"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show other prices"

    1 to deploy, 1 up to date
    "#);
    deploy(&repo, &["--env", "staging", "--allow-diverged"]);
}

#[test]
fn what_is_in_no_commit_is_not_deployed() {
    let repo = deployed_shop();
    repo.append("web/input", "2\n");
    repo.write("api/\u{1b}[2Jnew", "");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: the working tree has changes that are in no commit: api/%1B[2Jnew and 1 more
    hint: commit or stash them first; only `--env local` deploys what is not committed
    ");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--dry-run"]), @"
    exit 0
    --- stdout
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-2  uncommitted changes
    web  hash-3  hash-4  uncommitted changes

    2 to deploy
    ");
}

#[test]
fn only_listed_branches_are_deployed() {
    let repo = deployed_shop();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    insta::assert_snapshot!(ask(&repo, &TO_PRODUCTION), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and this is `feature`
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
    edit(&repo, "web", "Show prices");
    repo.git(&["checkout", "--quiet", "--detach"]);
    insta::assert_snapshot!(ask(&repo, &TO_PRODUCTION), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and hash-1 is in none of them
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
    // As CI checks a commit out that is on the branch.
    repo.git(&["checkout", "--quiet", "--detach", "origin/main"]);
    repo.git(&["branch", "--quiet", "-D", "main"]);
    insta::assert_snapshot!(ask(&repo, &TO_PRODUCTION), @"exit 0");
}

#[test]
fn a_release_has_to_run_in_the_environment_before() {
    let repo = deployed_shop();
    let production = ["deploy", "--env", "production", "--bootstrap", "--yes"];
    deploy(&repo, &production[1..]);
    edit(&repo, "web", "Show prices");
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "production", "--yes"]), @"
    exit 2
    --- stderr
    error: `web` hash-1 has not run in `staging`, from which `production` is promoted
    hint: `svc deploy --env staging` first, then `svc promote --from staging --to production`
    ");
}

#[test]
fn who_was_faster_is_named() {
    let tables = crate::deploys::TABLES.replace(
        "test = \"true\"",
        "test = 'test ! -e \"$HOME/race\" || { rm \"$HOME/race\"; cd ../../clone; sh ./go; }'",
    );
    let repo = shop_of(&tables);
    deploy(&repo, &["--env", "staging", "--bootstrap"]);
    edit(&repo, "web", "Show prices");
    repo.git(&["push", "--quiet", "origin", "main"]);
    let clone = repo.beside("clone");
    repo.git(&["clone", "--quiet", "../remote.git", "../clone"]);
    let clone = repo.at(clone);
    clone.git(&["config", "user.name", "Bob"]);
    clone.write("web/input", "newest\n");
    clone.commit("Show the newest prices");
    let go = format!(
        "exec {} deploy --env staging >go.log 2>&1",
        env!("CARGO_BIN_EXE_svc")
    );
    std::fs::write(repo.beside("clone/.git/info/exclude"), "go\ngo.log\n").unwrap();
    clone.write("go", go);
    std::fs::write(repo.beside("home/race"), "").unwrap();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--log", "none"]), @r#"
    exit 4
    --- stderr
    SERVICE  FROM  TO  WHY
    web  hash-1  hash-2  1 commit: "Show prices"

    1 to deploy, 1 up to date
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    ✓ web:test [TIME] web/input changed and 1 more
    ✓ 3 tasks in [TIME]: 1 passed, 2 cached
    error: somebody else was faster: meanwhile Bob on [HOST] deployed web hash-3 ([ID]); now hash-4 cannot be compared with hash-5, which `staging` runs of `web`
    hint: look at `svc status`, and deploy again if it is still due
    "#);
    insta::assert_snapshot!(ask_at(&clone, &["history", "--env", "staging", "-n", "1"]), @"
    exit 0
    --- stdout
    WHEN  DEPLOY  SERVICE  FROM → TO  STATE  BY
    [AGO]  [RUN]  web  hash-1 → hash-2  succeeded  Bob
    there are older ones
    ");
}

#[test]
fn a_ledger_that_is_refused_in_the_middle_is_told() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    // What the deploy does first is to forbid all further writing.
    let text = repo
        .read(".svc/targets/home.toml")
        .replace("live=", "touch \"$HOME/closed\"; live=");
    repo.write(".svc/targets/home.toml", text);
    repo.commit("Close the ledger");
    let hook = repo.beside("remote.git/hooks/pre-receive");
    let text = format!(
        "#!/bin/sh\ntest ! -e {} || {{ echo closed >&2; exit 1; }}\n",
        repo.beside("home/closed").display()
    );
    std::fs::write(&hook, text).unwrap();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, all).unwrap();
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging", "--log", "none"]), @r#"
    exit 3
    --- stderr
    SERVICE  FROM  TO  WHY
    api  hash-1  hash-1  configuration differs
    web  hash-2  hash-3  1 commit: "Show prices", configuration differs

    2 to deploy
    building and testing
    3 tasks: 1 to run, 2 cached; 2 jobs
    ✓ web:test [TIME] web/input changed and 1 more
    ✓ 3 tasks in [TIME]: 1 passed, 2 cached
    deploying
    2 tasks: 2 to run; 2 jobs
    ✗ api:deploy [TIME] it was deployed, but the ledger cannot be written: origin refuses: closed (refs/svc/ledger/staging: pre-receive hook declined, refs/svc/lock/staging: pre-receive hook declined)

    ✗ api:deploy: it was deployed, but the ledger cannot be written: origin refuses: closed (refs/svc/ledger/staging: pre-receive hook declined, refs/svc/lock/staging: pre-receive hook declined)

    - 1 task skipped, needs api:deploy: web:deploy
    ✗ 2 tasks in [TIME]: 1 failed, 1 skipped
    warning: the lease could not be given back and ends by itself: origin refuses: closed (refs/svc/lock/staging: pre-receive hook declined)
    error: the ledger could not be written to the end: origin refuses: closed (refs/svc/ledger/staging: pre-receive hook declined, refs/svc/lock/staging: pre-receive hook declined)
    staging runs now: api unknown (started), web hash-2 (not begun)
    deploy [RUN]
    to go on: svc deploy --env staging --resume
    to record what runs: svc deploy --env staging --adopt api
    "#);
    std::fs::remove_file(repo.beside("home/closed")).unwrap();
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  unknown  [AGO]  Ann
    web  hash-1  hash-2  running  [AGO]  2  Ann

    staging: unknown: api: deploy [RUN] of hash-3 by Ann on [HOST] did not end, [AGO]
    staging: to resolve unknown: svc deploy --resume --env staging
    ");
}

/// Changes the ledger of staging as nobody should: a file of its tree becomes `mode` and `object`.
fn tamper(repo: &TestRepo, path: &str, mode: &str, object: &str) {
    let remote = repo.at(repo.beside("remote.git"));
    let name = "refs/svc/ledger/staging";
    let git = |arguments: &[&str], input: &str| {
        let mut command = repo.command("git", &repo.beside("remote.git"));
        command.env("GIT_INDEX_FILE", repo.beside("tamper.index"));
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["read-tree", name], "");
    git(
        &["update-index", "--add", "--index-info"],
        &format!("{mode} {object}\t{path}\n"),
    );
    let tree = git(&["write-tree", "--missing-ok"], "");
    let commit = git(&["commit-tree", "-p", name, "-m", "x", &tree], "");
    remote.git(&["update-ref", name, &commit]);
}

/// The same with a file of this content.
fn tamper_with(repo: &TestRepo, path: &str, content: &[u8]) {
    let file = repo.beside("tamper.content");
    std::fs::write(&file, content).unwrap();
    let remote = repo.at(repo.beside("remote.git"));
    let blob = remote.git(&["hash-object", "-w", "../tamper.content"]);
    tamper(repo, path, "100644", &blob);
}

fn ledger_file(repo: &TestRepo, path: &str) -> String {
    let remote = repo.at(repo.beside("remote.git"));
    remote.git(&["show", &format!("refs/svc/ledger/staging:{path}")])
}

#[test]
fn hostile_words_in_a_ledger_are_harmless() {
    let repo = deployed_shop();
    let evil = "\\u001b[2J\\u009b31m\\u202eevil\\r\\n\\u0007";
    let long = "x".repeat(1000);
    let text = ledger_file(&repo, "services/web.json");
    let text = text.replace("\"Ann\"", &format!("\"{evil}{long}\""));
    assert!(text.contains("evil"), "{text}");
    tamper_with(&repo, "services/web.json", text.as_bytes());
    for command in [
        &["status"][..],
        &["status", "--env", "staging", "-v"],
        &["deploy", "--env", "staging"],
        &["history", "--env", "staging"],
    ] {
        let said = repo.svc(command).run();
        assert_harmless(&said.all());
    }
    let json = repo.svc(&["status", "--format", "json"]).stdout();
    assert!(
        json.is_ascii() && json.contains("\\u202e") && json.contains("\\u009b"),
        "{json}"
    );
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]).replace(&long[..20], ""), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  0  Ann
    web  hash-3  hash-2  running  [AGO]  0  31mevil xxxxxxxxxxx~
    ");
}

#[test]
fn a_ledger_that_cannot_be_judged_is_told_and_nothing_is_deployed() {
    let good = deployed_shop();
    let text = ledger_file(&good, "services/web.json");
    drop(good);
    let cases: [(&str, &str, Vec<u8>); 6] = [
        (
            "invalid JSON",
            "services/web.json",
            b"{\"version\": 1, \x1b[2J".to_vec(),
        ),
        (
            "a future version",
            "services/web.json",
            text.replace("\"version\": 1", "\"version\": 99")
                .into_bytes(),
        ),
        (
            "another service",
            "services/web.json",
            text.replace("\"service\": \"web\"", "\"service\": \"api\"")
                .into_bytes(),
        ),
        (
            "an odd name",
            "services/We\u{202e}b \u{1b}.json",
            text.clone().into_bytes(),
        ),
        (
            "a huge value",
            "services/web.json",
            text.replace("Ann", &"x".repeat(3_000_000)).into_bytes(),
        ),
        ("a huge file", "services/web.json", vec![b' '; 200_000_000]),
    ];
    let mut all = String::new();
    for (what, path, content) in cases {
        let repo = deployed_shop();
        edit(&repo, "api", "Round prices");
        tamper_with(&repo, path, &content);
        let said = repo
            .svc(&["deploy", "--env", "staging", "--log", "none"])
            .run();
        all.push_str(&format!("{what}: {}", plain(&said)));
        let seen = repo.svc(&["status"]).run();
        assert_eq!((said.code(), seen.code()), (3, 3), "{what}: {}", seen.all());
    }
    insta::assert_snapshot!(all, @r"
    invalid JSON: exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/web.json: it is no valid record: key must be a string at line 1 column 16
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    a future version: exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/web.json: it was written by a newer svc (version 99 of its format, and this svc knows up to 1)
    hint: update svc
    another service: exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/web.json: it speaks of another service
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    an odd name: exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/We\u{202e}b \u{1b}.json: no service has this name
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    a huge value: exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/web.json: the name is longer than 4096 bytes
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    a huge file: exit 3
    --- stderr
    error: refs/svc/ledger/staging: `web.json` has 200000000 bytes, which is more than the 8388608 allowed
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    ");
}

#[test]
fn what_is_no_file_in_a_ledger_is_never_followed() {
    let mut all = String::new();
    for what in ["link", "module", "directory"] {
        let repo = deployed_shop();
        let remote = repo.at(repo.beside("remote.git"));
        match what {
            "link" => {
                std::fs::write(repo.beside("tamper.content"), "/etc/passwd").unwrap();
                let blob = remote.git(&["hash-object", "-w", "../tamper.content"]);
                tamper(&repo, "services/web.json", "120000", &blob);
            }
            "module" => tamper(
                &repo,
                "services/web.json",
                "160000",
                &remote.git(&["rev-parse", "main"]),
            ),
            _ => {
                tamper(&repo, "services/web.json", "0", &"0".repeat(40));
                tamper_with(&repo, "services/web.json/deep.json", b"{}");
            }
        }
        all.push_str(&format!(
            "{what}: {}",
            ask(&repo, &["deploy", "--env", "staging"])
        ));
    }
    insta::assert_snapshot!(all, @"
    link: exit 3
    --- stderr
    error: refs/svc/ledger/staging: `services/web.json` is no plain file
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    module: exit 3
    --- stderr
    error: refs/svc/ledger/staging: `services/web.json` is no plain file
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    directory: exit 3
    --- stderr
    error: refs/svc/ledger/staging: `services/web.json` is no plain file
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    ");
}

#[test]
fn a_ledger_of_a_hundred_thousand_files_is_refused_quickly() {
    let repo = deployed_shop();
    let remote = repo.at(repo.beside("remote.git"));
    let blob = remote.git(&["rev-parse", "refs/svc/ledger/staging:services/web.json"]);
    let lines: String = (0..100_000)
        .map(|it| format!("100644 blob {blob}\ts{it}.json\n"))
        .collect();
    let mut command = repo.command("git", &repo.beside("remote.git"));
    command
        .arg("mktree")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let services = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let mut command = repo.command("git", &repo.beside("remote.git"));
    command
        .arg("mktree")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let line = format!("040000 tree {}\tservices\n", services.trim());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    let tree = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let commit = remote.git(&[
        "commit-tree",
        "-p",
        "refs/svc/ledger/staging",
        "-m",
        "x",
        tree.trim(),
    ]);
    remote.git(&["update-ref", "refs/svc/ledger/staging", &commit]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 3
    --- stderr
    error: refs/svc/ledger/staging, services/s0.json: it speaks of another service
    hint: something other than svc wrote it: look at it with `git log -p refs/svc/ledger/staging`, and put back a commit that is right
    ");
}

#[test]
fn a_ledger_that_was_rewritten_or_deleted_is_not_believed() {
    let repo = deployed_shop();
    let remote = repo.at(repo.beside("remote.git"));
    let before = remote.git(&["rev-parse", "refs/svc/ledger/staging"]);
    remote.git(&["update-ref", "refs/svc/ledger/staging", "main"]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 3
    --- stderr
    error: `refs/svc/ledger/staging` was rewritten on origin: it was hash-1, and hash-2 does not come after that
    hint: a ledger only ever grows, so somebody changed it by hand; if that was meant, `git update-ref -d refs/svc/ledger/staging` forgets what was here
    ");
    remote.git(&["update-ref", "-d", "refs/svc/ledger/staging"]);
    insta::assert_snapshot!(ask(&repo, &["deploy", "--env", "staging"]), @"
    exit 3
    --- stderr
    error: `refs/svc/ledger/staging` is gone from origin: it was hash-1, and somebody deleted it
    hint: `git push origin hash-1:refs/svc/ledger/staging` puts it back
    hint: if that was meant, `git update-ref -d refs/svc/ledger/staging` forgets what was here
    ");
    insta::assert_snapshot!(ask(&repo, &["status", "--env", "staging"]), @"
    exit 0
    --- stdout
    SERVICE  VERSION  COMMIT  STATE  DEPLOYED  BEHIND  BY
    api  hash-1  hash-2  running  [AGO]  0  Ann
    web  hash-3  hash-2  running  [AGO]  0  Ann

    staging: as of [WHEN], not refreshed: `refs/svc/ledger/staging` is gone from origin: it was hash-4, and somebody deleted it
    ");
    remote.git(&["update-ref", "refs/svc/ledger/staging", &before]);
    stop(&repo, "api", true);
    deploy(&repo, &["--env", "staging"]);
}
