//! A docker daemon of the test's own: private socket, private images.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::servers::program::{find, run};
use crate::servers::{Program, have, kept, write};

/// A running daemon.
pub struct Docker {
    program: Option<Program>,
    directory: TempDir,
    _turn: File,
}

/// An image to build: the small server of `tiny_http.rs`.
pub struct Image<'a> {
    pub name: &'a str,
    /// What it says on every page; with `sick` in it, it is not well.
    pub version: &'a str,
}

impl Docker {
    /// Needs root, and a kernel that has what containers need.
    pub fn start() -> Option<Self> {
        let server = find("dockerd")?;
        if !have("docker") || !have("iptables") || !rustix::process::geteuid().is_root() {
            return None;
        }
        // Daemons share a bridge, and would give two containers one address: only one runs at a time.
        let turn = File::create(kept().join("docker.lock")).expect("a file");
        turn.lock().expect("a lock");
        // Sockets have short names.
        let directory = tempfile::Builder::new().prefix("d").tempdir_in("/tmp");
        let directory = directory.expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        let mut command = Command::new(server);
        command
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .arg("--host")
            .arg(format!("unix://{}", at("sock").display()))
            .args(["--insecure-registry", "127.0.0.0/8", "--live-restore=false"])
            .args(["--log-level", "warn"]);
        let program = Program::start(&mut command, &at("log"));
        let is_up = || UnixStream::connect(at("sock")).is_ok() && ping(&at("sock"));
        match program.ready(is_up) {
            Ok(program) => Some(Self {
                program: Some(program),
                directory,
                _turn: turn,
            }),
            Err(said) => {
                let last = said.lines().last().unwrap_or("it says nothing");
                crate::servers::skip("docker", &format!("dockerd does not start: {last}"));
                None
            }
        }
    }

    /// The value of `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.directory.path().join("sock").display())
    }

    /// Variables with which every client of docker speaks to this daemon.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let config = self.directory.path().join("config");
        vec![
            ("DOCKER_HOST", self.host()),
            ("DOCKER_CONFIG", config.display().to_string()),
            ("DOCKER_BUILDKIT", "0".to_owned()),
            ("COMPOSE_DOCKER_CLI_BUILD", "0".to_owned()),
        ]
    }

    /// `docker` with these arguments.
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).envs(self.variables());
        command
    }

    /// `docker compose` or `docker-compose`, whichever is there.
    pub fn compose(&self) -> Option<Command> {
        let plugin = self.docker(&["compose", "version"]).output().ok()?;
        if plugin.status.success() {
            return Some(self.docker(&["compose"]));
        }
        let mut command = Command::new(find("docker-compose")?);
        command.envs(self.variables());
        Some(command)
    }

    /// Builds an image from nothing but a static binary.
    pub fn build(&self, image: &Image) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::copy(tiny_http(), directory.path().join("tiny-http")).expect("it was built");
        let file = format!(
            "FROM scratch\nCOPY tiny-http /tiny-http\nEXPOSE 8080\nENTRYPOINT [\"/tiny-http\", {:?}]\n",
            image.version
        );
        write(&directory.path().join("Dockerfile"), file);
        let mut build = self.docker(&["build", "--quiet", "--tag", image.name]);
        run(build.arg(directory.path()));
    }
}

/// Containers first: they are not the daemon's children. Then what it mounted goes with it.
impl Drop for Docker {
    fn drop(&mut self) {
        let all = self.docker(&["ps", "--all", "--quiet"]).output();
        let all = all.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
        let all = all.unwrap_or_default();
        let ids: Vec<_> = all.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = self.docker(&["rm", "--force"]).args(ids).output();
        }
        drop(self.program.take());
    }
}

fn ping(socket: &Path) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = UnixStream::connect(socket) else {
        return false;
    };
    let mut answer = [0; 12];
    let ask = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";
    stream.write_all(ask).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b"200")
}

/// The small server as a static binary, built once.
pub fn tiny_http() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers/tiny_http.rs");
    let binary = kept().join("tiny-http");
    let modified = |path: &Path| path.metadata().and_then(|it| it.modified()).ok();
    if modified(&binary) < modified(&source) {
        // Under another name first: another test program may be starting it.
        let own = kept().join(format!("tiny-http.{}", std::process::id()));
        let mut compile = Command::new("rustc");
        compile
            .args([
                "--edition=2024",
                "-O",
                "-C",
                "target-feature=+crt-static",
                "-C",
                "strip=symbols",
            ])
            .args(["--crate-name", "tiny_http", "-o"])
            .arg(&own)
            .arg(&source);
        run(&mut compile);
        std::fs::rename(&own, &binary).expect("the same directory");
    }
    binary
}
