//! The ledger on remotes that are spoken to in each way that git has.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::{GitDaemon, Login, SmartHttp, Sshd, skip};
use crate::world::{World, says};

const SHOP: &str = r#"version = 1
[environments.staging]
[services.api]
path = "api"
deploy = "cat page >>\"$DEPLOYED\""
"#;

/// A repository, and an empty bare one beside it.
fn shop() -> (World, PathBuf) {
    let world = World::new(&[("services.toml", SHOP), ("api/page", "one\n")]);
    let deployed = world.beside("deployed");
    let world = world
        .with("DEPLOYED", deployed)
        .with("GIT_TERMINAL_PROMPT", "0")
        .with("no_proxy", "*");
    let base = world.beside("base");
    bare(&base);
    (world, base)
}

fn bare(base: &Path) {
    std::fs::create_dir_all(base).unwrap();
    let mut init = Command::new("git");
    let init = init
        .args(["init", "--quiet", "--bare"])
        .arg(base.join("shop.git"));
    assert!(init.status().unwrap().success());
    // Whoever pushes over HTTP has a name.
    let mut set = Command::new("git");
    let set = set.arg("-C").arg(base.join("shop.git"));
    let set = set.args(["config", "http.receivepack", "true"]);
    assert!(set.status().unwrap().success());
}

/// Deploys from two clones, each of which sees what the other did.
fn story(world: &World, url: &str) {
    world.repo.git(&["remote", "add", "origin", url]);
    world.ok("deploy --env staging --bootstrap");
    assert_eq!(world.lines("deployed"), 1);
    world.ok("deploy --env staging");
    assert_eq!(world.lines("deployed"), 1);

    let clone = world.beside("clone");
    let name = clone.display().to_string();
    let here = world.repo.root().display().to_string();
    world.repo.git(&["clone", "--quiet", &here, &name]);
    let clone = world.repo.at(&clone);
    clone.git(&["remote", "set-url", "origin", url]);
    if let Ok(command) = world.repo_config("core.sshCommand") {
        clone.git(&["config", "core.sshCommand", &command]);
    }
    let there = |arguments: &[&str]| {
        let mut svc = clone.svc(arguments);
        for (name, value) in &world.variables {
            svc = svc.env(name, value);
        }
        let said = svc.run();
        assert_eq!(said.code(), 0, "{}", said.all());
        said.stdout() + &said.stderr()
    };
    there(&["deploy", "--env", "staging"]);
    assert_eq!(world.lines("deployed"), 1);
    clone.write("api/page", "two\n");
    clone.commit("two");
    there(&["deploy", "--env", "staging", "--reason", "from the clone"]);
    assert_eq!(world.lines("deployed"), 2);

    says(&world.ok("history --env staging"), &["from the clone"]);
    // What runs there now is newer than what is here.
    let said = world.ends(2, "deploy --env staging");
    says(&said, &["--allow-diverged"]);
    assert_eq!(world.lines("deployed"), 2);
    says(&world.ok("lock show --env staging"), &["staging"]);
}

impl World {
    fn repo_config(&self, key: &str) -> Result<String, ()> {
        let mut git = self.repo.command("git", self.repo.root());
        let output = git.args(["config", key]).output().map_err(drop)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(()),
        }
    }
}

#[test]
fn the_ledger_is_kept_by_a_daemon() {
    let (world, base) = shop();
    let Some(daemon) = GitDaemon::start(&base) else {
        return skip("git daemon", "git is not installed");
    };
    story(&world, &daemon.url("shop.git"));
}

#[test]
fn the_ledger_is_kept_over_a_url_of_files() {
    let (world, base) = shop();
    story(
        &world,
        &format!("file://{}", base.join("shop.git").display()),
    );
}

#[test]
fn the_ledger_is_kept_over_http_with_a_login() {
    let (world, base) = shop();
    let Some(server) = SmartHttp::start(&base, Login::Needed) else {
        return skip("smart http", "git is not installed");
    };
    story(&world, &server.url_with_login("shop.git"));
}

#[test]
fn the_ledger_is_kept_over_ssh() {
    let (world, _) = shop();
    let Some(sshd) = Sshd::start() else {
        return skip(
            "ssh",
            "sshd is not installed, or no user can be made for it",
        );
    };
    let base = sshd.home.path().join("base");
    bare(&base);
    let mut own = Command::new("chown");
    let own = own.arg("-R").arg(&sshd.user).arg(&base);
    assert!(own.status().unwrap().success());
    let command = format!("ssh -F {}", sshd.config().display());
    let url = format!("target:{}", base.join("shop.git").display());
    world.repo.git(&["config", "core.sshCommand", &command]);
    story(&world, &url);
    // The variable says the same, and counts more than what is set.
    world.repo.git(&["config", "core.sshCommand", "false"]);
    let world = world.with("GIT_SSH_COMMAND", &command);
    world.ok("history --env staging");
    world.ok("lock take --env staging --reason test");
    world.ok("lock release --env staging");
    // Somebody who has no key.
    let world = world.with(
        "GIT_SSH_COMMAND",
        format!("{command} -o PubkeyAuthentication=no"),
    );
    world.change("api/page", "three\n");
    let said = world.ends(3, "deploy --env staging --allow-diverged");
    says(&said, &["Permission denied (publickey)"]);
    assert_eq!(world.lines("deployed"), 2);
}

#[test]
fn who_may_only_read_deploys_nothing() {
    let (world, base) = shop();
    let Some(server) = SmartHttp::start(&base, Login::MayOnlyRead) else {
        return skip("smart http", "git is not installed");
    };
    let url = server.url_with_login("shop.git");
    world.repo.git(&["remote", "add", "origin", &url]);
    let said = world.ends(3, "deploy --env staging --bootstrap");
    says(&said, &["403"]);
    assert!(!said.contains("password"), "{said}");
    assert_eq!(world.lines("deployed"), 0);
}

#[test]
fn without_a_login_nothing_is_deployed() {
    let (world, base) = shop();
    let Some(server) = SmartHttp::start(&base, Login::Needed) else {
        return skip("smart http", "git is not installed");
    };
    let url = server.url("shop.git");
    world.repo.git(&["remote", "add", "origin", &url]);
    let said = world.ends(3, "deploy --env staging --bootstrap");
    says(&said, &["could not read Username"]);
    assert_eq!(world.lines("deployed"), 0);
    drop(server);
    let said = world.ends(3, "deploy --env staging --bootstrap");
    says(&said, &["127.0.0.1"]);
    assert_eq!(world.lines("deployed"), 0);
}
