//! The servers that other tests use, each started for real and asked to do what it is for.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests start programs, and end where something cannot be set up"
)]

#[path = "support/servers/mod.rs"]
mod servers;

use std::process::Command;

use servers::{
    Docker, GitDaemon, Image, Kubernetes, Login, Registry, SmartHttp, Sshd, skip, until,
};

#[test]
fn git_pushes_to_a_daemon() {
    let world = Remote::new();
    let Some(daemon) = GitDaemon::start(&world.base()) else {
        return skip("git daemon", "git is not installed");
    };
    world.push(&daemon.url("shop.git")).expect("it is allowed");
    assert_eq!(world.received(), world.git(&["rev-parse", "HEAD"]).unwrap());
}

#[test]
fn git_pushes_over_http() {
    let world = Remote::new();
    let Some(server) = SmartHttp::start(&world.base(), Login::None) else {
        return skip("smart http", "git is not installed");
    };
    world.push(&server.url("shop.git")).expect("it is allowed");
    assert_eq!(world.received(), world.git(&["rev-parse", "HEAD"]).unwrap());
    world
        .git(&["ls-remote", &server.url("shop.git")])
        .expect("it may be read");
}

#[test]
fn who_may_not_push_over_http_is_told() {
    let world = Remote::new();
    let Some(server) = SmartHttp::start(&world.base(), Login::Needed) else {
        return skip("smart http", "git is not installed");
    };
    let why = world.push(&server.url("shop.git")).expect_err("no login");
    assert!(
        why.contains("could not read Username") || why.contains("terminal prompts"),
        "{why}"
    );
    world
        .push(&server.url_with_login("shop.git"))
        .expect("it is allowed");
    let server = SmartHttp::start(&world.base(), Login::MayOnlyRead).expect("as before");
    let url = server.url_with_login("shop.git");
    world.git(&["ls-remote", &url]).expect("it may be read");
    let why = world.push(&url).expect_err("only reading");
    assert!(why.contains("403"), "{why}");
}

#[test]
fn a_command_runs_over_ssh() {
    let Some(server) = Sshd::start() else {
        return skip(
            "ssh",
            "sshd is not installed, or no user can be made for it",
        );
    };
    let mut command = Command::new("ssh");
    command
        .args(server.ssh_options())
        .arg(server.destination())
        .arg("id -un; echo x > f; cat f");
    assert_eq!(output(&mut command).unwrap(), format!("{}\nx", server.user));
    let mut command = Command::new("ssh");
    command
        .arg("-F")
        .arg(server.config())
        .args(["target", "true"]);
    output(&mut command).unwrap();
}

#[test]
fn an_image_is_built_pushed_and_run() {
    let (Some(registry), Some(docker)) = (Registry::start(), Docker::start()) else {
        return skip("docker", "dockerd or docker-registry cannot run here");
    };
    let name = format!("{}/shop:1", registry.address());
    docker.build(&Image {
        name: &name,
        version: "one",
    });
    for step in [
        ["push", "--quiet", &name],
        ["rmi", "--force", &name],
        ["pull", "--quiet", &name],
    ] {
        output(&mut docker.docker(&step)).unwrap();
    }
    let Some(_) = docker.compose() else {
        return skip("compose", "docker-compose is not installed");
    };
    let directory = tempfile::tempdir().unwrap();
    let file = format!(
        "version: '3'\nservices:\n  shop:\n    image: {name}\n    ports: ['127.0.0.1::8080']\n"
    );
    std::fs::write(directory.path().join("docker-compose.yml"), file).unwrap();
    let compose = |arguments: &[&str]| {
        let mut command = docker.compose().expect("as before");
        output(
            command
                .args(["-p", "shop"])
                .args(arguments)
                .current_dir(directory.path()),
        )
        .unwrap()
    };
    compose(&["up", "-d"]);
    let address = compose(&["port", "shop", "8080"]);
    let page = until("the page", || get(&address, "/"));
    assert!(page.ends_with("one"), "{page}");
    assert_eq!(compose(&["ps", "-q"]).lines().count(), 1);
    compose(&["down", "-t", "0"]);
    assert_eq!(compose(&["ps", "-q"]), "");
}

#[test]
fn pods_become_ready_unless_their_image_fails() {
    let Some(kubernetes) = Kubernetes::start() else {
        return skip(
            "kubernetes",
            "SVC_TEST_KUBERNETES names no folder of binaries, or etcd or kubectl is missing",
        );
    };
    let kubectl = |arguments: &[&str]| output(&mut kubernetes.kubectl(arguments));
    let nodes = kubectl(&["get", "nodes", "--no-headers"]).unwrap();
    assert!(nodes.contains(" Ready "), "{nodes}");
    kubectl(&[
        "create",
        "deployment",
        "shop",
        "--image=shop:1",
        "--replicas=2",
    ])
    .unwrap();
    kubectl(&["rollout", "status", "deployment/shop", "--timeout=60s"]).unwrap();
    kubectl(&["set", "image", "deployment/shop", "shop=fail:2"]).unwrap();
    kubectl(&["rollout", "status", "deployment/shop", "--timeout=2s"]).expect_err("never ready");
    kubectl(&["rollout", "undo", "deployment/shop"]).unwrap();
    kubectl(&["rollout", "status", "deployment/shop", "--timeout=60s"]).unwrap();
}

/// A repository with a commit, and an empty one to push to.
struct Remote(tempfile::TempDir);

impl Remote {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().expect("a temporary directory"));
        for name in ["base", "work"] {
            std::fs::create_dir(world.0.path().join(name)).unwrap();
        }
        world
            .git(&["init", "--quiet", "--bare", "../base/shop.git"])
            .unwrap();
        world
            .git(&["init", "--quiet", "--initial-branch=main"])
            .unwrap();
        world
            .git(&["commit", "--quiet", "--allow-empty", "--message=first"])
            .unwrap();
        world
    }

    fn base(&self) -> std::path::PathBuf {
        self.0.path().join("base")
    }

    fn push(&self, url: &str) -> Result<String, String> {
        self.git(&["push", url, "HEAD:refs/heads/main"])
    }

    fn received(&self) -> String {
        let bare = self.base().join("shop.git").display().to_string();
        self.git(&["--git-dir", &bare, "rev-parse", "main"])
            .unwrap()
    }

    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(self.0.path().join("work"));
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ("GIT_COMMITTER_NAME", "A"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
            ("no_proxy", "*"),
        ] {
            command.env(name, value);
        }
        output(&mut command)
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().expect("it is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

fn get(address: &str, path: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    Some(page).filter(|page| !page.is_empty())
}
