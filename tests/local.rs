//! Services that run on this machine, supervised by the real binary, and everything that may be killed under them.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may fail, start processes and look at the clock"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use svc::model::name::ServiceName;
use svc::process::Control;
use svc::process::local::{Error, Local, Restart, Running, ServeSpec, State};

/// Answers each connection with the version, as a service does.
const SERVER: &str = r#"
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["SVC_PORT"])))
print("listening", flush=True)
while True:
    connection, _ = server.accept()
    connection.sendall(open("version").read().encode())
    connection.close()
"#;

/// A workspace with services that are ended with it.
struct World {
    place: tempfile::TempDir,
    local: Local,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let state = place.path().join("local");
        let local = Local::open(state, env!("CARGO_BIN_EXE_svc"));
        Self { place, local }
    }

    fn release(&self, version: &str) -> PathBuf {
        let release = self.local.release(&api(), version).unwrap();
        let staged = release.stage(&control()).unwrap();
        fs::write(staged.path().join("version"), version).unwrap();
        fs::write(staged.path().join("server.py"), SERVER).unwrap();
        staged.finish().unwrap()
    }

    fn spec(&self, version: &str, run: &str) -> ServeSpec {
        let port = self.local.port(&api(), None, &control()).unwrap();
        ServeSpec {
            service: api(),
            version: version.into(),
            deploy: "d1".into(),
            run: run.into(),
            shell: ["sh", "-eu", "-c"].map(String::from).into(),
            directory: self.release(version),
            environment: vec![
                ("PATH".into(), std::env::var_os("PATH").unwrap()),
                ("SVC_PORT".into(), port.to_string().into()),
            ],
            port: Some(port),
            grace: Duration::from_secs(5),
            restart: Restart {
                first: Duration::from_millis(50),
                longest: Duration::from_secs(30),
                quick_ends: 3,
                ..Restart::default()
            },
        }
    }

    fn server(&self, version: &str) -> ServeSpec {
        self.spec(version, "exec python3 server.py")
    }

    fn start(&self, spec: &ServeSpec) -> Result<svc::process::local::Started, Error> {
        self.local.start(spec, &control())
    }

    fn running(&self) -> Running {
        match self.local.state(&api()) {
            State::Running(running) => running,
            other => panic!("{other:?}\n{}", self.log()),
        }
    }

    fn log(&self) -> String {
        self.local.log_tail(&api(), 100_000)
    }

    fn directory(&self) -> PathBuf {
        self.place.path().join("local/api")
    }

    fn state_file(&self) -> PathBuf {
        self.directory().join("state.json")
    }

    fn edit_state(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let mut state = serde_json::from_slice(&fs::read(self.state_file()).unwrap()).unwrap();
        edit(&mut state);
        fs::write(self.state_file(), state.to_string()).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let stopped = self.local.stop(&api(), &control());
        if !thread::panicking() {
            stopped.unwrap();
            assert_eq!(carrying(self.place.path()), [] as [u32; 0]);
        }
    }
}

fn api() -> ServiceName {
    ServiceName::new("api").unwrap()
}

fn control() -> Control {
    Control::new().unwrap()
}

fn kill(pid: u32) {
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL);
}

/// All processes whose variables name the directory.
fn carrying(directory: &Path) -> Vec<u32> {
    let name = directory.to_str().unwrap().as_bytes();
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|it| it.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let block = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        block.windows(name.len()).any(|it| it == name)
    })
    .collect()
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|it| !it.1.starts_with('Z'))
}

#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

fn answer(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text).filter(|it| !it.is_empty())
}

#[test]
fn a_service_runs_is_switched_and_stopped() {
    let world = World::new();
    assert_eq!(world.local.state(&api()), State::Never);
    assert_eq!(
        world.local.stop(&api(), &control()).unwrap().pids,
        [] as [u32; 0]
    );
    let first = world.server("v1");
    let started = world.start(&first).unwrap();
    let port = first.port.unwrap();
    assert_eq!(eventually("an answer", || answer(port)), "v1");
    let running = world.running();
    assert_eq!(
        (running.pid, running.supervisor),
        (started.pid, started.supervisor)
    );
    assert_eq!((running.restarts, running.deployed.port), (0, Some(port)));

    let second = world.server("v2");
    assert_eq!(second.port, Some(port));
    let switched = world.start(&second).unwrap();
    assert_eq!(switched.stopped.version.as_deref(), Some("v1"));
    assert_eq!(eventually("an answer", || answer(port)), "v2");
    assert!(!lives(started.pid) && !lives(started.supervisor));
    let deployed = world.running().deployed;
    assert_eq!(deployed.release, Some(second.directory.clone()));
    assert_eq!(deployed.previous, Some(first.directory.clone()));
    assert_eq!(
        world.local.prune(&api(), 0, &[]).unwrap(),
        [] as [PathBuf; 0]
    );

    let stopped = world.local.stop(&api(), &control()).unwrap();
    assert_eq!(stopped.version.as_deref(), Some("v2"));
    assert!(matches!(world.local.state(&api()), State::Stopped(it) if it.version == "v2"));
    assert_eq!(answer(port), None);
    assert_eq!(world.local.states().len(), 1);
    world.local.remove(&api(), &control()).unwrap();
    assert_eq!(world.local.states(), []);
}

#[test]
fn a_supervisor_has_nothing_of_the_one_who_started_it() {
    let world = World::new();
    let (_reader, writer) = std::io::pipe().unwrap();
    // A descriptor that children inherit, as a jobserver's is.
    let inherited = rustix::io::dup(&writer).unwrap();
    let started = world.start(&world.spec("v1", "exec sleep 1000")).unwrap();
    drop(inherited);
    let supervisor = started.supervisor;
    let variables = fs::read(format!("/proc/{supervisor}/environ")).unwrap();
    assert!(variables.starts_with(b"SVC_SUPERVISOR="), "{variables:?}");
    assert_eq!(variables.iter().filter(|it| **it == 0).count(), 1);
    let entries = fs::read_dir(format!("/proc/{supervisor}/fd"))
        .unwrap()
        .flatten();
    let links: Vec<_> = entries
        .filter_map(|it| fs::read_link(it.path()).ok())
        .collect();
    let own = fs::read_link(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&writer)
    ));
    assert!(!links.contains(&own.unwrap()), "{links:?}");
    let stat = fs::read_to_string(format!("/proc/{supervisor}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    assert_eq!(fields[3], supervisor.to_string(), "a session of its own");
    let variables = fs::read(format!("/proc/{}/environ", started.pid)).unwrap();
    assert!(!String::from_utf8_lossy(&variables).contains("SVC_SUPERVISOR"));
}

#[test]
fn a_service_that_is_killed_is_started_again() {
    let world = World::new();
    let spec = world.server("v1");
    let first = world.start(&spec).unwrap().pid;
    kill(first);
    let running = eventually("a restart", || match world.local.state(&api()) {
        State::Running(it) if it.pid != first => Some(it),
        _ => None,
    });
    assert_eq!(running.restarts, 1);
    assert_eq!(running.deployed.last_end.as_deref(), Some("signal 9"));
    assert_eq!(eventually("an answer", || answer(spec.port.unwrap())), "v1");
    assert!(
        world.log().contains("svc: ended with signal 9"),
        "{}",
        world.log()
    );
}

#[test]
fn a_service_that_always_ends_counts_as_crashing() {
    let world = World::new();
    world
        .start(&world.spec("v1", "echo hello; exit 3"))
        .unwrap();
    let crash = eventually("crashing", || match world.local.state(&api()) {
        State::Crashing(it) => Some(it),
        _ => None,
    });
    assert_eq!((crash.in_a_row, crash.restarts), (3, 3));
    assert_eq!(crash.deployed.last_end.as_deref(), Some("exit code 3"));
    assert!(crash.next.is_some());
    assert_eq!(world.log().matches("hello\n").count(), 3);
    // Stopping does not wait for the next try.
    let started = Instant::now();
    world.local.stop(&api(), &control()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_cannot_start_says_why_and_leaves_nothing() {
    let world = World::new();
    let mut spec = world.spec("v1", "true");
    spec.shell = vec!["no-such-shell".into()];
    let error = world.start(&spec).unwrap_err();
    assert!(
        matches!(&error, Error::NotStarted { reason, .. } if reason.contains("no-such-shell")),
        "{error}"
    );
    assert_eq!(world.local.state(&api()), State::Never);
    spec.directory = world.place.path().join("gone");
    assert!(matches!(world.start(&spec), Err(Error::NotStarted { .. })));
    let local = Local::open(world.place.path().join("local"), "/bin/false");
    let error = local.start(&world.server("v1"), &control()).unwrap_err();
    assert!(matches!(error, Error::NoSupervisor { .. }), "{error}");
}

#[test]
fn a_killed_supervisor_takes_its_service_along_or_it_is_found() {
    let world = World::new();
    let script = "(setsid sleep 1000 &); trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let spec = world.spec("v1", script);
    let mut spec = ServeSpec {
        grace: Duration::from_millis(200),
        ..spec
    };
    let started = world.start(&spec).unwrap();
    eventually("readiness", || {
        world.log().contains("ready\n").then_some(())
    });
    kill(started.supervisor);
    let pids = eventually("unsupervised", || match world.local.state(&api()) {
        State::Unsupervised { pids, .. } => Some(pids),
        _ => None,
    });
    assert!(pids.contains(&started.pid), "{pids:?}");
    spec = world.server("v2");
    world.start(&spec).unwrap();
    assert!(!lives(started.pid));
    assert_eq!(eventually("an answer", || answer(spec.port.unwrap())), "v2");
    // One that does not ignore it ends with its supervisor.
    let running = world.running();
    kill(running.supervisor);
    eventually("gone", || match world.local.state(&api()) {
        State::Gone(it) => Some(it),
        _ => None,
    });
    assert!(!lives(running.pid));
}

#[test]
fn when_everything_was_killed_the_next_start_mends_it() {
    let world = World::new();
    let spec = world.server("v1");
    let started = world.start(&spec).unwrap();
    kill(started.supervisor);
    kill(started.pid);
    eventually("gone", || {
        matches!(world.local.state(&api()), State::Gone(_)).then_some(())
    });
    world.start(&spec).unwrap();
    assert_eq!(eventually("an answer", || answer(spec.port.unwrap())), "v1");
}

#[test]
fn after_a_reboot_nobody_is_taken_for_the_service() {
    let world = World::new();
    let spec = world.server("v1");
    world.start(&spec).unwrap();
    world.local.stop(&api(), &control()).unwrap();
    let mut stranger = Command::new("sleep").arg("1000").spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", stranger.id())).unwrap();
    let start: u64 = stat
        .rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .nth(19)
        .unwrap()
        .parse()
        .unwrap();
    let identity = serde_json::json!({"pid": stranger.id(), "start": start});
    world.edit_state(|it| {
        it["supervisor"] = identity.clone();
        it["phase"] = serde_json::json!({"runs": {"process": identity, "quick": 0}});
        it["boot"] = "another".into();
    });
    assert!(matches!(world.local.state(&api()), State::Gone(_)));
    world.start(&spec).unwrap();
    // The same number, started at another time.
    world.local.stop(&api(), &control()).unwrap();
    world.edit_state(|it| {
        it["phase"] = serde_json::json!({"runs": {"process": {"pid": stranger.id(), "start": 1}, "quick": 0}});
        it["supervisor"] = serde_json::json!({"pid": stranger.id(), "start": 1});
    });
    assert!(matches!(world.local.state(&api()), State::Gone(_)));
    world.local.stop(&api(), &control()).unwrap();
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_damaged_state_is_told_and_mended() {
    let world = World::new();
    let spec = world.server("v1");
    let old = world.start(&spec).unwrap();
    fs::write(world.state_file(), "{\x1b[2J").unwrap();
    let State::Damaged { problem, pids } = world.local.state(&api()) else {
        panic!("not damaged");
    };
    assert!(
        problem.contains("damaged") && !problem.contains('\x1b'),
        "{problem}"
    );
    assert!(pids.contains(&old.pid) && pids.contains(&old.supervisor));
    world.start(&spec).unwrap();
    assert!(!lives(old.pid) && !lives(old.supervisor));
    assert_eq!(world.running().deployed.version, "v1");
    world.local.stop(&api(), &control()).unwrap();
    fs::remove_file(world.state_file()).unwrap();
    fs::create_dir(world.state_file()).unwrap();
    world.start(&spec).unwrap();
    world.running();
}

#[test]
fn of_two_who_start_at_once_one_follows_the_other() {
    let world = World::new();
    let specs: Vec<_> = (0..4).map(|it| world.server(&format!("v{it}"))).collect();
    let started: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = specs
            .iter()
            .map(|it| scope.spawn(|| world.start(it).unwrap()))
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let running = world.running();
    let living = started
        .iter()
        .filter(|it| lives(it.pid) || lives(it.supervisor));
    assert_eq!(living.map(|it| it.pid).collect::<Vec<_>>(), [running.pid]);
    assert_eq!(
        eventually("an answer", || answer(specs[0].port.unwrap())),
        running.deployed.version
    );
}

#[test]
fn a_flood_fills_neither_memory_nor_disk() {
    let world = World::new();
    let script =
        "head -c 50000000 /dev/zero | tr '\\0' 'x' | fold -w 100; echo; echo done; exec sleep 1000";
    let started = world.start(&world.spec("v1", script)).unwrap();
    eventually("the end of the flood", || {
        world.log().ends_with("\ndone\n").then_some(())
    });
    let size = |name: &str| world.directory().join(name).metadata().unwrap().len();
    assert!(size("log") + size("log.1") < 21_000_000);
    let status = fs::read_to_string(format!("/proc/{}/status", started.supervisor)).unwrap();
    let peak = status
        .lines()
        .find_map(|it| it.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak < 60_000, "{peak} kB");
}

#[test]
fn a_port_of_a_stranger_is_left_alone_and_named() {
    let world = World::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let old = world.server("v1");
    world.start(&old).unwrap();
    let taken = ServeSpec {
        port: Some(port),
        ..world.server("v2")
    };
    let error = world.start(&taken).unwrap_err().to_string();
    let expected = format!("port {port} is held by process {}", std::process::id());
    assert!(error.starts_with(&expected), "{error}");
    assert!(world.local.port(&api(), Some(port), &control()).is_err());
    // What ran goes on.
    assert_eq!(world.running().deployed.version, "v1");
    let chosen = world.local.port(&api(), old.port, &control()).unwrap();
    let web = ServiceName::new("web").unwrap();
    let error = world
        .local
        .port(&web, Some(chosen), &control())
        .unwrap_err();
    assert!(matches!(error, Error::PortOfAnother { .. }), "{error}");
    assert_ne!(world.local.port(&web, None, &control()).unwrap(), chosen);
}

#[test]
fn who_ignores_the_request_is_killed_with_all_that_left_it() {
    let world = World::new();
    let script = "(setsid env -i /bin/sleep 1000 &); (setsid sh -c 'sleep 1000 & sleep 1000' &); \
                  trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut spec = world.spec("v1", script);
    spec.grace = Duration::from_millis(200);
    let started = world.start(&spec).unwrap();
    eventually("readiness", || {
        world.log().contains("ready\n").then_some(())
    });
    let below = |pid: u32| -> Vec<u32> {
        let children = format!("/proc/{pid}/task/{pid}/children");
        let text = fs::read_to_string(children).unwrap_or_default();
        text.split_whitespace()
            .map(|it| it.parse().unwrap())
            .collect()
    };
    // What left it is adopted by the supervisor.
    let adopted = eventually("orphans", || {
        Some(below(started.supervisor)).filter(|it| it.len() >= 3)
    });
    world.local.stop(&api(), &control()).unwrap();
    assert!(adopted.iter().all(|it| !lives(*it)), "{adopted:?}");
}

#[test]
fn a_supervisor_ends_with_its_directory() {
    let world = World::new();
    let started = world.start(&world.server("v1")).unwrap();
    fs::remove_dir_all(world.place.path().join("local")).unwrap();
    eventually("the end", || {
        (!lives(started.supervisor) && !lives(started.pid)).then_some(())
    });
}

#[test]
fn a_starter_that_is_killed_is_repaired_by_the_next() {
    let world = World::new();
    let spec = world.server("v1");
    let directory = world.directory();
    // As if the one who starts were killed before its order was whole: the supervisor gives up.
    let mut half = Command::new(env!("CARGO_BIN_EXE_svc"))
        .arg("supervise")
        .arg(directory.canonicalize().unwrap())
        .env_clear()
        .env("SVC_SUPERVISOR", directory.canonicalize().unwrap())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    half.stdin
        .as_mut()
        .unwrap()
        .write_all(b"{\"spec\":{\"serv")
        .unwrap();
    let output = half.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("NoSupervisor"));
    assert_eq!(world.local.state(&api()), State::Never);
    world.start(&spec).unwrap();
    world.running();
}

#[test]
fn by_hand_it_is_refused() {
    let check = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_svc"))
            .arg("supervise")
            .args(arguments)
            .env_remove("SVC_SUPERVISOR")
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(
            words.contains("not run by hand") && words.contains("svc deploy"),
            "{words}"
        );
    };
    check(&["/tmp"]);
    check(&["--detach", "/tmp/api"]);
    check(&["../x"]);
    let help = Command::new(env!("CARGO_BIN_EXE_svc"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("supervise"));
}
