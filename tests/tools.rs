//! What tools print, asked of real programs and scripts.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may fail, and have files written by others"
)]
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svc::process::Control;
use svc::process::environment::Environment;
use svc::process::tools::{Answer, Ask, Probe, ask};

const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

/// A directory with a memory in it.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn memory(&self) -> PathBuf {
        self.path("memory/tools")
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A file that this process has open for writing could not be started while another test forks.
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        let copied = std::process::Command::new("cp")
            .arg(&new)
            .arg(&path)
            .status();
        assert!(copied.unwrap().success());
    }

    fn ask(&self, probes: &[Probe<'_>]) -> Vec<Option<Answer>> {
        let control = &Control::new().unwrap();
        ask(
            probes,
            Some(&self.memory()),
            Ask::Run {
                control,
                at_once: 2,
            },
        )
    }

    fn remembered(&self, probes: &[Probe<'_>]) -> Vec<Option<Answer>> {
        ask(probes, Some(&self.memory()), Ask::OnlyRemembered)
    }
}

fn environment(path: &str, more: &[(&str, &str)]) -> Environment {
    let path = [("PATH", path)];
    let variables = path.iter().chain(more);
    Environment {
        variables: variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        ..Environment::default()
    }
}

fn shell() -> [String; 3] {
    ["sh", "-eu", "-c"].map(String::from)
}

fn probe<'a>(
    command: &'a str,
    shell: &'a [String],
    directory: &Path,
    environment: &'a Environment,
) -> Probe<'a> {
    Probe {
        command,
        shell,
        directory: directory.into(),
        environment,
    }
}

fn failed(reason: &str) -> Option<Answer> {
    Some(Answer::Failed(reason.into()))
}

#[test]
fn equal_probes_are_run_once_and_others_for_themselves() {
    let world = World::new();
    world.script(
        "bin/tool",
        "#!/bin/sh\necho run >> ../log; echo \"$PWD $X\"\n",
    );
    for directory in ["a", "b"] {
        fs::create_dir(world.path(directory)).unwrap();
    }
    let path = format!("{}:{SYSTEM}", world.path("bin").display());
    let (one, same) = (
        environment(&path, &[("X", "1")]),
        environment(&path, &[("X", "1")]),
    );
    let other = environment(&path, &[("X", "2")]);
    let shell = shell();
    let at =
        |directory: &str, environment| probe("tool", &shell, &world.path(directory), environment);
    let answers = world.ask(&[
        at("a", &one),
        at("b", &one),
        at("a", &same),
        at("a", &other),
        at("a", &one),
    ]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[0], answers[4]);
    assert_ne!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[3]);
    assert!(matches!(answers[0], Some(Answer::Printed(_))));
    assert_eq!(
        fs::read_to_string(world.path("log"))
            .unwrap()
            .lines()
            .count(),
        3
    );
    assert!(!world.memory().exists());
}

#[test]
fn all_that_is_printed_counts_and_failures_have_their_reason() {
    let world = World::new();
    let (shell, environment) = (shell(), environment(SYSTEM, &[]));
    let scripts = [
        "echo 1",
        "echo 1 >&2",
        "echo 2",
        "printf 1",
        "cat; echo 1",
        "true",
        "exit 3",
        "no-such-tool",
        "kill -9 $$",
        "yes",
    ];
    let probes = scripts.map(|it| probe(it, &shell, Path::new("/"), &environment));
    let answers = world.ask(&probes);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[4]);
    for other in [&answers[2], &answers[3], &answers[5]] {
        assert!(matches!(other, Some(Answer::Printed(_))) && *other != answers[0]);
    }
    assert_eq!(answers[6], failed("exit code 3"));
    assert_eq!(answers[7], failed("exit code 127"));
    assert_eq!(answers[8], failed("ended by signal 9"));
    assert_eq!(answers[9], failed("it prints more than 1 MiB"));
    let odd = probe("true", &[], Path::new("/"), &environment);
    assert!(matches!(
        &world.ask(&[odd])[0],
        Some(Answer::Printed(_) | Answer::Failed(_))
    ));
    assert_eq!(world.ask(&[]), []);
}

/// A program of this machine whose answer is remembered.
fn lasting(world: &World) -> &'static str {
    let (shell, environment) = (shell(), environment(SYSTEM, &[]));
    let commands = [
        "sed --version",
        "ls --version",
        "git --version",
        "make --version",
    ];
    let is_lasting = |it: &&str| {
        let probes = [probe(it, &shell, Path::new("/"), &environment)];
        world.ask(&probes);
        world.remembered(&probes)[0].is_some()
    };
    let found = commands.into_iter().find(is_lasting);
    fs::remove_dir_all(world.path("memory")).unwrap();
    found.unwrap()
}

#[test]
fn native_programs_are_remembered_for_every_directory() {
    let world = World::new();
    let command = lasting(&world);
    let shell = shell();
    let seen = environment(SYSTEM, &[("LANG", "C"), ("SSH_AUTH_SOCK", "/tmp/1")]);
    let here = [probe(command, &shell, Path::new("/"), &seen)];
    assert_eq!(world.remembered(&here), [None]);
    let answers = world.ask(&here);
    let know = |environment: &Environment, directory: &str| {
        world.remembered(&[probe(command, &shell, Path::new(directory), environment)])
    };
    assert_eq!(know(&seen, "/usr"), answers);
    let later = environment(
        SYSTEM,
        &[("LANG", "C"), ("SSH_AUTH_SOCK", "/tmp/2"), ("TERM", "dumb")],
    );
    assert_eq!(know(&later, "/"), answers);
    let other = environment(SYSTEM, &[("LANG", "de_DE.UTF-8")]);
    assert_eq!(know(&other, "/"), [None]);
    // Something else under that name comes first now.
    let name = command.split(' ').next().unwrap();
    world.script(&format!("bin/{name}"), "#!/bin/sh\necho other\n");
    let path = format!("{}:{SYSTEM}", world.path("bin").display());
    let shadowed = environment(&path, &[("LANG", "C")]);
    assert_eq!(know(&shadowed, "/"), [None]);
    let shadowed = world.ask(&[probe(command, &shell, Path::new("/"), &shadowed)]);
    assert_ne!(shadowed, answers);
    // Damage only means to ask again.
    fs::write(world.memory(), "x").unwrap();
    assert_eq!(know(&seen, "/"), [None]);
    assert_eq!(world.ask(&here), answers);
    assert_eq!(know(&seen, "/"), answers);
}

#[test]
fn scripts_and_shims_are_asked_each_time() {
    let world = World::new();
    let (shell, directory) = (shell(), world.path("."));
    world.script("shims/tool", "#!/bin/sh\ncat version\n");
    let path = format!("{}:{SYSTEM}", world.path("shims").display());
    let environment = environment(&path, &[]);
    let probes = [probe("tool --version", &shell, &directory, &environment)];
    fs::write(world.path("version"), "1").unwrap();
    let first = world.ask(&probes);
    assert_eq!(world.remembered(&probes), [None]);
    fs::write(world.path("version"), "2").unwrap();
    assert_ne!(world.ask(&probes), first);
}

#[test]
fn a_memory_that_cannot_be_written_changes_no_answer() {
    let world = World::new();
    let command = lasting(&world);
    let (shell, environment) = (shell(), environment(SYSTEM, &[]));
    let probes = [probe(command, &shell, Path::new("/"), &environment)];
    let expected = world.ask(&probes);
    let control = &Control::new().unwrap();
    for memory in [
        None,
        Some(Path::new("/proc/none/tools")),
        Some(Path::new("/")),
    ] {
        let mode = Ask::Run {
            control,
            at_once: 1,
        };
        assert_eq!(ask(&probes, memory, mode), expected, "{memory:?}");
    }
}

#[test]
fn many_at_once_never_give_a_wrong_answer() {
    let world = World::new();
    let command = lasting(&world);
    let shell = shell();
    let environments: Vec<_> = (0..8)
        .map(|at| environment(SYSTEM, &[("N", &at.to_string())]))
        .collect();
    let probes: Vec<_> = environments
        .iter()
        .map(|it| probe(command, &shell, Path::new("/"), it))
        .collect();
    let expected = world.ask(&probes[..1])[0].clone();
    std::thread::scope(|scope| {
        for probe in &probes {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(world.ask(std::slice::from_ref(probe))[0], expected);
                    let known = &world.remembered(&probes);
                    assert!(known.iter().all(|it| it.is_none() || *it == expected));
                }
            });
        }
    });
}

#[test]
fn a_request_to_end_is_followed_at_once() {
    let world = World::new();
    let (shell, environment) = (shell(), environment(SYSTEM, &[]));
    let up = world.path("up");
    let script = format!(
        "trap '' TERM; touch '{}'; while :; do sleep 1; done",
        up.display()
    );
    let control = Control::new().unwrap();
    let probes = [
        probe(&script, &shell, Path::new("/"), &environment),
        probe("true; sleep 300", &shell, Path::new("/"), &environment),
    ];
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mode = Ask::Run {
                control: &control,
                at_once: 2,
            };
            ask(&probes, None, mode)
        });
        while !up.exists() {
            std::thread::yield_now();
        }
        control.ask();
        assert_eq!(asking.join().unwrap(), [None, None]);
    });
}
