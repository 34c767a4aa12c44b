//! The shop as a reader has it: below `examples/shop` of a repository in which it was committed.
//!
//! Several shops may be open at once, so each has ports of its own. What is said to it and what it says is in the ports of
//! the pages.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::support::TestRepo;

/// The ports of the services, as the pages have them.
const PORTS: [u16; 5] = [8080, 8081, 8082, 8083, 8084];

/// A fresh copy of the shop. With it go the processes that it runs.
pub struct Shop {
    repo: TestRepo,
    ports: [u16; 5],
}

impl Shop {
    /// Copies the files that git knows or would know.
    pub fn new() -> Self {
        let repo = TestRepo::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed = Command::new("git")
            .current_dir(source)
            .args(["ls-files", "-z", "--cached", "--others"])
            .args(["--exclude-standard", "examples/shop"])
            .output()
            .expect("git starts");
        assert!(listed.status.success(), "the sources are in a repository");
        let names = String::from_utf8(listed.stdout).expect("plain names");
        for name in names.split('\0').filter(|it| !it.is_empty()) {
            let to = repo.root().join(name);
            std::fs::create_dir_all(to.parent().expect("it has one")).expect("a new directory");
            std::fs::copy(source.join(name), to).expect("a copy, with its mode");
        }
        let shop = Self {
            repo,
            ports: free_ports(),
        };
        let settings = "examples/shop/services.toml";
        let written = shop.repo.read(settings);
        shop.repo.write(settings, shop.with_own_ports(&written));
        shop.repo.commit("the shop");
        shop
    }

    /// The repository with the shop in it.
    pub fn repo(&self) -> &TestRepo {
        &self.repo
    }

    /// A shell command in the directory of the shop, with `svc` on the `PATH`: its exit code, and what it said.
    pub fn shell(&self, command: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let mut shell = self
            .repo
            .command("sh", &self.repo.root().join("examples/shop"));
        shell
            .args([
                "-c",
                &format!("exec 2>&1\n{}", self.with_own_ports(command)),
            ])
            .env("PATH", search_path())
            .envs(variables.iter().copied());
        let output = shell.output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = self.replaced(&said, |(page, own)| (own, page));
        (output.status.code().unwrap_or(-1), said)
    }

    fn with_own_ports(&self, text: &str) -> String {
        self.replaced(text, |pair| pair)
    }

    /// The text with one port of each pair in place of the other, where it is a word of its own.
    fn replaced(&self, text: &str, order: fn((u16, u16)) -> (u16, u16)) -> String {
        let pairs = PORTS.into_iter().zip(self.ports).map(order);
        let pairs: Vec<(String, String)> = pairs
            .map(|(from, to)| (from.to_string(), to.to_string()))
            .collect();
        let mut out = String::new();
        let mut word = String::new();
        for letter in text.chars().chain(['\0']) {
            if letter.is_ascii_alphanumeric() {
                word.push(letter);
                continue;
            }
            let pair = pairs.iter().find(|(from, _)| *from == word);
            out.push_str(pair.map_or(word.as_str(), |(_, to)| to));
            word.clear();
            out.push(letter);
        }
        out.pop();
        out
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Back to what is committed, so that a broken definition cannot keep anything from being stopped.
        let (code, said) = self.shell(
            "git checkout --quiet --force HEAD -- . && svc down --env local",
            &[],
        );
        if code != 0 && !std::thread::panicking() {
            panic!("the services are not stopped:\n{said}");
        }
    }
}

/// Ports that nobody listens on, below those that the system gives to anybody. No two tests of this program get the same.
fn free_ports() -> [u16; 5] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 16) as u16 * 500;
    std::array::from_fn(|_| {
        loop {
            let port = 11_000 + start + NEXT.fetch_add(1, Ordering::Relaxed) % 500;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return port;
            }
        }
    })
}

#[test]
fn each_shop_has_ports_of_its_own_and_speaks_of_those_of_the_pages() {
    let (one, other) = (Shop::new(), Shop::new());
    assert!(one.ports.iter().all(|it| !other.ports.contains(it)));
    let own = one.with_own_ports("port = 8080, :8081/ 80800 x8080");
    let [first, second, ..] = one.ports;
    assert_eq!(own, format!("port = {first}, :{second}/ 80800 x8080"));
    let (_, said) = one.shell("echo 8084; grep -c 'port = 8083' services.toml", &[]);
    assert_eq!(said, "8084\n1\n");
}

fn search_path() -> OsString {
    let svc = Path::new(env!("CARGO_BIN_EXE_svc"));
    let mut path = OsString::from(svc.parent().expect("it lies in a directory"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}
