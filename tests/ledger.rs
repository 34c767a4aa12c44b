//! The ledger in a file, under real processes: killed at any moment, many at once, and on a full disk.
//!
//! `SVC_TEST_ROUNDS` sets how often a writer is killed. Writers are this test's own binary, started again.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use svc::ledger::{FileStore, Options, Refresh, Store, Wanted, acquire};
use svc::model::ledger::{Entry, Holder};
use svc::model::name::EnvironmentName;

/// Where a writer writes, and what it calls its service.
const PLACE: &str = "SVC_TEST_LEDGER";

fn store(place: &Path) -> Arc<dyn Store> {
    let environment = EnvironmentName::new("production").unwrap();
    Arc::new(FileStore::new(place, &environment))
}

fn entry(service: &str, number: usize) -> Entry {
    let digest = format!("{number:064x}");
    let text = format!(
        r#"{{"version":1,"deploy":"d-{number}","service":"{service}","action":"deploy","state":"succeeded",
        "brings":{{"release":"{digest}","format":1,"config":"{digest}","commit":null,"deploy":"d-{number}","at":0}},
        "runs":"nothing","before":"unknown","who":{{"name":"{}","host":""}},"at":0}}"#,
        "x".repeat(2000)
    );
    Entry::read(text.as_bytes()).unwrap()
}

fn options() -> Options<'static> {
    Options {
        wait: Some(Duration::from_secs(60)),
        poll: Duration::from_millis(5),
        // In these tests nobody who holds the lease lives on after having been killed.
        is_alive: &|holder| Some(Path::new(&format!("/proc/{}", holder.pid)).exists()),
        ..Options::default()
    }
}

fn holder() -> Holder {
    Holder {
        pid: std::process::id(),
        ..Holder::default()
    }
}

/// What a writer does, when the test is started again as one: it says which entries it was told are there.
#[test]
fn writer() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let (place, rest) = place.split_once('|').unwrap();
    let (service, count) = rest.split_once('|').unwrap();
    let store = store(Path::new(place));
    for number in 0..count.parse().unwrap() {
        let tenure = acquire(store.clone(), &holder(), &options()).unwrap();
        match tenure.write(&[entry(service, number)]) {
            Ok(()) => println!("\nwritten {number}"),
            Err(_) => return,
        }
        std::io::stdout().flush().unwrap();
    }
}

fn start(place: &Path, service: &str, count: usize, limit: Option<u64>) -> Child {
    let own = std::env::current_exe().unwrap();
    let limit = limit.map_or(String::new(), |it| {
        format!("trap '' XFSZ; ulimit -f {it}; ")
    });
    let script = format!("{limit}exec \"$0\" --exact writer --nocapture --test-threads=1");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(own)
        .env(PLACE, format!("{}|{service}|{count}", place.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The numbers that a writer was told are there.
fn told(child: &mut Child) -> Vec<usize> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let number = |line: String| line.strip_prefix("written ")?.parse().ok();
    lines.map_while(Result::ok).filter_map(number).collect()
}

fn names(place: &Path) -> Vec<String> {
    let entries = store(place).history(&Wanted::default()).unwrap();
    let name = |it: &Entry| format!("{} {}", it.service, it.deploy);
    entries.iter().rev().map(name).collect()
}

#[test]
fn whoever_is_killed_no_entry_is_lost_that_was_said_to_be_there() {
    let place = tempfile::tempdir().unwrap();
    let rounds = std::env::var("SVC_TEST_ROUNDS").ok();
    let rounds: usize = rounds.and_then(|it| it.parse().ok()).unwrap_or(8);
    let mut chance = Instant::now().elapsed().subsec_nanos() as usize + std::process::id() as usize;
    for round in 0..rounds {
        let service = format!("s{round}");
        let mut child = start(place.path(), &service, 10_000, None);
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        std::thread::sleep(Duration::from_micros(
            20_000 + (chance >> 20) as u64 % 60_000,
        ));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = told(&mut child);
        let names: Vec<_> = names(place.path())
            .into_iter()
            .filter(|it| it.starts_with(&format!("{service} ")))
            .collect();
        // One more may be there, whose writer was killed before it could say so.
        assert!(names.len() == told.len() || names.len() == told.len() + 1);
        let expected = (0..names.len()).map(|it| format!("{service} d-{it}"));
        assert_eq!(names, expected.collect::<Vec<_>>());
        store(place.path()).look(Refresh::Now).unwrap();
    }
    acquire(store(place.path()), &holder(), &options()).unwrap();
}

#[test]
fn many_processes_at_once_write_one_after_the_other() {
    let place = tempfile::tempdir().unwrap();
    let start = |at: usize| start(place.path(), &format!("s{at}"), 3, None);
    let children: Vec<_> = (0..8).map(start).collect();
    for mut child in children {
        assert_eq!(told(&mut child), [0, 1, 2]);
        assert!(child.wait().unwrap().success());
    }
    let mut names = names(place.path());
    assert_eq!(names.len(), 24);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 24);
}

#[test]
fn on_a_full_disk_nothing_is_half_written() {
    let place = tempfile::tempdir().unwrap();
    // So many blocks that some writes fit, and one does not.
    let mut child = start(place.path(), "api", 40, Some(64));
    let told = told(&mut child);
    child.wait().unwrap();
    assert!(!told.is_empty() && told.len() < 40, "{told:?}");
    assert_eq!(names(place.path()).len(), told.len());
    let tenure = acquire(store(place.path()), &holder(), &options()).unwrap();
    tenure.write(&[entry("web", 1)]).unwrap();
    assert_eq!(names(place.path()).len(), told.len() + 1);
}
