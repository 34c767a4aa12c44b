//! Refs on real remotes: spoken to by path, by URL and through a real server.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start git as a person would"
)]

#[path = "repository/world.rs"]
#[allow(dead_code, reason = "each test program uses its own part of this")]
mod world;

#[path = "refs/checkouts.rs"]
mod checkouts;

#[path = "refs/remotes.rs"]
mod remotes;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use svc::git::{RemoteRefs, Repo};
use svc::model::change::ObjectId;
use svc::model::refs::{Edit, Growth, Move, Refs, RefsError};

use crate::world::{World, shell};

/// The refs of these tests.
pub const LEDGER: &str = "refs/svc/ledger/production";
pub const LOCK: &str = "refs/svc/lock/production";

/// A remote `remote.git` in a world, with a commit on `main`.
pub fn remote(options: &str) -> World {
    let world = World::new();
    let init = format!("init -q -b main {options} r");
    world.git(".", &init.replace("  ", " "));
    world.commit("r", "file", "1");
    world.git(".", "clone -q --bare r remote.git");
    world.git("remote.git", "config uploadpack.allowFilter true");
    world
}

/// The repository in `directory`, with the git protocol allowed.
pub fn open(world: &World, directory: &str) -> Repo {
    let mut env = world.env(directory);
    env.variables
        .insert("GIT_ALLOW_PROTOCOL".into(), "file:git:http".into());
    Repo::discover(&env).unwrap().unwrap()
}

/// The remote `origin` as a clone sees it.
pub fn refs(world: &World, directory: &str) -> RemoteRefs {
    RemoteRefs::new(&open(world, directory), "origin")
}

/// A clone of the remote over `url`.
pub fn clone_of(world: &World, url: &str, options: &str, into: &str) -> RemoteRefs {
    shell(
        world,
        ".",
        &format!("GIT_ALLOW_PROTOCOL=file:git git clone -q {options} '{url}' {into}"),
    );
    refs(world, into)
}

/// `file://` of the remote.
pub fn file_url(world: &World) -> String {
    world.url("remote.git")
}

pub fn both() -> [(String, Growth); 2] {
    [
        (LEDGER.to_owned(), Growth::Forward),
        (LOCK.to_owned(), Growth::Free),
    ]
}

pub fn edit(path: &str, content: &str) -> Edit {
    Edit {
        path: path.to_owned(),
        content: Some(content.as_bytes().to_vec()),
    }
}

pub fn moved(name: &str, from: Option<ObjectId>, to: Option<ObjectId>) -> Move {
    let name = name.to_owned();
    Move { name, from, to }
}

/// Writes `content` on top of what the mirror has, and pushes it.
pub fn append(refs: &RemoteRefs, path: &str, content: &str) -> Result<ObjectId, RefsError> {
    let from = refs.tip(LEDGER)?;
    let to = refs.commit(from, &[edit(path, content)], content)?;
    refs.push(&[moved(LEDGER, from, Some(to))])?;
    Ok(to)
}

/// What the remote has under `name`.
pub fn there(world: &World, name: &str) -> String {
    let arguments = format!("for-each-ref --format=%(objectname) {name}");
    world.git("remote.git", &arguments)
}

/// A real server for the repositories of a world.
pub struct Daemon {
    child: Child,
    port: u16,
}

impl Daemon {
    /// None, said aloud, where this machine has no such server.
    pub fn start(world: &World) -> Option<Self> {
        // Another program may take the port between our look and the server's start.
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let mut child = Command::new("git")
                .args([
                    "daemon",
                    "--enable=receive-pack",
                    "--reuseaddr",
                    "--export-all",
                ])
                .args(["--listen=127.0.0.1", "--informative-errors"])
                .arg(format!("--port={port}"))
                .arg(format!("--base-path={}", world.path(".").display()))
                .env_clear()
                .envs(world.variables())
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Some(Self { child, port });
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: `git daemon` does not start here"
        );
        None
    }

    pub fn url(&self) -> String {
        format!("git://127.0.0.1:{}/remote.git", self.port)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked, it takes its own children with it.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}
