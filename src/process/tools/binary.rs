//! Whether the file of a program says enough about what it prints, so that its answer may be remembered.
//!
//! Being asked too often costs milliseconds, a wrong answer costs a wrong result. So only what surely depends on nothing but
//! a native program, its libraries and the variables is remembered: a plain command that can mean nothing but "say your
//! version", of a program that is known under its own name and is no version manager's.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use crate::model::digest::{Digest, Digester};
use crate::process::environment::Names;
use crate::process::tools::Probe;

static MANAGERS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| lines(include_str!("../../../templates/tools/managers.txt")).collect());
static SHIMS: LazyLock<Vec<&Path>> = LazyLock::new(|| {
    lines(include_str!("../../../templates/tools/directories.txt"))
        .map(Path::new)
        .collect()
});
static SESSION: LazyLock<Names> =
    LazyLock::new(|| Names::read(include_str!("../../../templates/tools/session.txt")));

/// Arguments that mean the version and nothing else, to every program. `-v` makes some talkative, `-mpip` and `x` start
/// others, and to `version` some answer with that of a server.
const ARGUMENTS: &[&[&str]] = &[
    &["--version"],
    &["-version"],
    &["--version", "--verbose"],
    &["-vV"],
    &["-dumpversion"],
    &["-dumpfullversion"],
    &["-dumpmachine"],
];

/// Shells that read no file of the user before a command.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash"];

/// What such shells do by themselves although there is a program of that name.
const BUILT_IN: &[&str] = &[
    "[", "echo", "false", "kill", "printf", "pwd", "test", "time", "true",
];

/// Variables that bring code into a shell or a program: nothing is known with them.
const INTRUDERS: &[&str] = &["ENV", "BASH_ENV", "BASH_FUNC_*", "LD_*", "DYLD_*"];

/// Where shared libraries lie: an update puts another file there, which its directory shows.
const LIBRARIES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/opt/homebrew/lib",
    "/System/Library/CoreServices/SystemVersion.plist",
];

/// The same with the name of the processor in between.
const LIBRARIES_OF_THE_PROCESSOR: &[&str] = &["/lib", "/usr/lib", "/usr/local/lib"];

/// Links that lead from one to the next are followed so often.
const MOST_LINKS: usize = 40;

/// A file that changed so shortly before may change again without showing it.
const FRESH: Duration = Duration::from_secs(2);

/// A program whose file says enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// The file, how it is found, and the libraries.
    pub digest: Digest,
    /// When any of that changed last.
    changed: SystemTime,
}

impl Binary {
    /// The program that `probe` runs, if what it prints is sure to depend on nothing else.
    pub fn of(probe: &Probe<'_>) -> Option<Self> {
        let variables = &probe.environment.variables;
        let is_clean = !variables.keys().any(|it| INTRUDING.have(it));
        let name = asks_for_version(probe.command);
        let name = name.filter(|_| is_clean && is_plain_shell(probe.shell))?;
        let found = find(name, variables.get(OsStr::new("PATH"))?)?;
        let steps = steps(found)?;
        let real = steps.last()?;
        let own_name = file_name(Path::new(name))?;
        // `cc` that leads to `ccache`, or `node` to `volta-shim`, would be told by this alone.
        let is_itself = steps
            .iter()
            .all(|it| file_name(it).is_some_and(|it| it.contains(own_name)));
        if !is_itself || steps.iter().any(|it| is_managed(it)) {
            return None;
        }
        let metadata = real.metadata().ok()?;
        let is_single = metadata.nlink() == 1 || real.starts_with("/nix/store");
        if !is_single || is_copy_of_a_manager(&steps, &metadata) || !is_native(real) {
            return None;
        }
        Some(Self::stamped(&steps, &metadata))
    }

    /// Whether nothing changed at that moment, or so shortly before that a further change need not show.
    pub fn is_older_than(&self, moment: SystemTime) -> bool {
        moment
            .duration_since(self.changed)
            .is_ok_and(|age| age >= FRESH)
    }

    fn stamped(steps: &[PathBuf], metadata: &Metadata) -> Self {
        let mut digester = Digester::new("binary");
        let mut latest = 0;
        for step in steps {
            digester.part("step", step.as_os_str().as_bytes());
        }
        let mut add = |name: &str, metadata: &Metadata| {
            let stamp = [
                i128::from(metadata.dev()),
                i128::from(metadata.ino()),
                i128::from(metadata.len()),
                time(metadata.mtime(), metadata.mtime_nsec()),
                time(metadata.ctime(), metadata.ctime_nsec()),
            ];
            latest = latest.max(stamp[3]).max(stamp[4]);
            digester.part(name, &stamp.map(i128::to_le_bytes).concat());
        };
        add("file", metadata);
        for place in libraries(steps) {
            if let Ok(metadata) = place.metadata() {
                add(&place.to_string_lossy(), &metadata);
            }
        }
        let latest = Duration::from_nanos(u64::try_from(latest).unwrap_or(u64::MAX));
        Self {
            digest: digester.finish(),
            changed: SystemTime::UNIX_EPOCH + latest,
        }
    }
}

static INTRUDING: LazyLock<Names> = LazyLock::new(|| Names::of(INTRUDERS.iter().copied()));

/// Whether the variable is another one at each login and says nothing about programs.
pub fn is_of_session(name: &OsStr) -> bool {
    SESSION.have(name)
}

/// The program of a command that only asks it for its version, without anything that a shell would have to understand.
pub fn asks_for_version(command: &str) -> Option<&str> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || " _./+-".contains(it);
    if !command.chars().all(is_plain) {
        return None;
    }
    let mut words = command.split(' ').filter(|it| !it.is_empty());
    let name = words.next()?;
    let arguments: Vec<&str> = words.collect();
    let says_version = ARGUMENTS.contains(&&*arguments);
    (says_version && !BUILT_IN.contains(&name)).then_some(name)
}

/// Whether the shell only takes the command: no login, nothing around it.
fn is_plain_shell(shell: &[String]) -> bool {
    let Some((program, options)) = shell.split_first() else {
        return false;
    };
    let path = Path::new(program);
    let is_known = file_name(path).is_some_and(|it| SHELLS.contains(&it))
        && (path.is_absolute() || !program.contains('/'));
    let is_letters = |it: &str| {
        let letters = it.strip_prefix('-').unwrap_or_default();
        !letters.is_empty() && letters.chars().all(|it| "euc".contains(it))
    };
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let options = options
        .iter()
        .filter(|it| !matches!(**it, "-o" | "pipefail"));
    let mut last = "";
    let are_known = options.inspect(|it| last = it).all(|it| is_letters(it));
    is_known && are_known && last.contains('c')
}

/// The first file of that name in `path`. None if it could be another one elsewhere or for somebody else.
fn find(name: &str, path: &OsString) -> Option<PathBuf> {
    if name.contains('/') {
        return Path::new(name).is_absolute().then(|| name.into());
    }
    for directory in std::env::split_paths(path) {
        if !directory.is_absolute() {
            return None;
        }
        let file = directory.join(name);
        match file.symlink_metadata() {
            Ok(_) => return Some(file),
            Err(error) if is_absent(&error) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The file, everything that its links lead to, and last the real one. None if it may not be run.
fn steps(found: PathBuf) -> Option<Vec<PathBuf>> {
    let mut steps = vec![found];
    while let Ok(target) = steps.last()?.read_link() {
        let next = steps.last()?.parent()?.join(target);
        steps.push(next);
        if steps.len() > MOST_LINKS {
            return None;
        }
    }
    steps.push(steps.last()?.canonicalize().ok()?);
    let metadata = steps.last()?.metadata().ok()?;
    let may_run = metadata.is_file() && metadata.permissions().mode() & 0o111 == 0o111;
    may_run.then_some(steps)
}

/// Whether the path is one of a version manager, or of a program that hands over to others.
fn is_managed(step: &Path) -> bool {
    let is_stub = cfg!(target_os = "macos") && step.starts_with("/usr/bin");
    let directory = step.parent().unwrap_or(Path::new("/"));
    let real = directory.canonicalize();
    let mut directories = directory
        .ancestors()
        .chain(real.iter().flat_map(|it| it.ancestors()));
    is_stub
        || file_name(step).is_none_or(|name| MANAGERS.contains(name))
        || directories.any(|it| SHIMS.iter().any(|shims| it.ends_with(shims)))
}

/// Where links cannot be made, a version manager copies itself under the names of its programs.
fn is_copy_of_a_manager(steps: &[PathBuf], metadata: &Metadata) -> bool {
    let directories: HashSet<_> = steps.iter().filter_map(|it| it.parent()).collect();
    let mut beside = directories
        .iter()
        .flat_map(|directory| MANAGERS.iter().map(|it| directory.join(it)));
    beside.any(|manager| {
        manager
            .metadata()
            .is_ok_and(|it| it.len() == metadata.len())
    })
}

/// Whether the file is a program for the machine itself, not a script.
fn is_native(file: &Path) -> bool {
    let mut magic = [0; 4];
    let read = std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut magic));
    let is_mach =
        |magic: u32| matches!(magic, 0xfeed_face | 0xfeed_facf | 0xcafe_babe | 0xcafe_babf);
    let (big, little) = (u32::from_be_bytes(magic), u32::from_le_bytes(magic));
    read.is_ok() && (magic == *b"\x7fELF" || is_mach(big) || is_mach(little))
}

fn libraries(steps: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let real = steps.last().and_then(|it| it.parent()?.parent());
    let beside = ["lib", "lib64"].map(|it| real.map(|top| top.join(it)));
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    let common = LIBRARIES.iter().map(PathBuf::from);
    let of_processor = LIBRARIES_OF_THE_PROCESSOR.iter();
    let of_processor = of_processor.map(move |it| Path::new(it).join(&triple));
    common
        .chain(of_processor)
        .chain(beside.into_iter().flatten())
}

fn time(seconds: i64, nanos: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// The lines of a list of ours.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;
    use crate::process::environment::Environment;

    #[test]
    fn only_plain_questions_for_the_version_are_remembered() {
        let check = |command: &str, expected: Option<&str>| {
            assert_eq!(asks_for_version(command), expected, "{command}");
        };
        check("rustc --version", Some("rustc"));
        check("  gcc   -dumpversion ", Some("gcc"));
        check(
            "/usr/bin/clang++ --version --verbose",
            Some("/usr/bin/clang++"),
        );
        for command in [
            "",
            "rustc",
            "rustc -v",
            "kubectl version",
            "cargo clippy --version",
            "python3 -mpip --version",
            "python3 -m pip",
            "cargo +nightly --version",
            "A=b rustc --version",
            "rustc --version | head",
            "rustc --version; x",
            "$CC --version",
            "'rustc' --version",
            "~/rustc --version",
            "rustc --version\nx",
            "rust* --version",
            "echo --version",
            "rustc\t--version",
            "rustc --version extra",
        ] {
            check(command, None);
        }
    }

    #[test]
    fn shells_that_do_more_are_not_relied_on() {
        let check = |shell: &str, expected: bool| {
            let words: Vec<_> = shell.split_whitespace().map(String::from).collect();
            assert_eq!(is_plain_shell(&words), expected, "{shell}");
        };
        check("sh -eu -c", true);
        check("bash -euc", true);
        check("/bin/bash -eu -o pipefail -c", true);
        for shell in [
            "",
            "sh",
            "bash -lc",
            "bash -l -c",
            "bash --login -c",
            "zsh -c",
            "bash -ic",
            "nix-shell --run",
            "./sh -c",
            "env X=y sh -c",
            "docker run x sh -c",
            "sh -c -u",
            "bash --rcfile x -c",
            "sh -c x",
        ] {
            check(shell, false);
        }
    }

    #[test]
    fn paths_of_version_managers_are_known() {
        let check =
            |path: &str, expected| assert_eq!(is_managed(Path::new(path)), expected, "{path}");
        check("/home/a/.pyenv/shims/python3", true);
        check("/home/a/.local/share/mise/shims/x/python3", true);
        check("/home/a/.volta/bin/node", true);
        check("/home/a/.cargo/bin/rustup", true);
        check("/opt/bin/go", true);
        check("/usr/lib/ccache/gcc", true);
        check("/home/a/.cargo/bin/just", false);
        check("/opt/node/bin/node", false);
        check("/opt/volta/bin/node", false);
    }

    /// The program `tool`, looked for in the directories of `path`, which are below `place`.
    fn binary(place: &Path, path: &[&str]) -> Option<Binary> {
        let path = path.iter().map(|it| place.join(it));
        let path = std::env::join_paths(path).unwrap();
        let environment = Environment {
            variables: [("PATH".into(), path)].into(),
            ..Environment::default()
        };
        let shell = ["sh", "-eu", "-c"].map(String::from);
        Binary::of(&Probe {
            command: "tool --version",
            shell: &shell,
            directory: place.into(),
            environment: &environment,
        })
    }

    fn native(place: &Path, name: &str) {
        std::fs::create_dir_all(place.join(name).parent().unwrap()).unwrap();
        std::fs::copy("/bin/sh", place.join(name)).unwrap();
    }

    fn link(place: &Path, target: &str, name: &str) {
        std::fs::create_dir_all(place.join(name).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, place.join(name)).unwrap();
    }

    #[test]
    fn a_native_program_is_known_by_its_file() {
        let home = tempfile::tempdir().unwrap();
        let place = &home.path().canonicalize().unwrap();
        native(place, "a/tool");
        native(place, "b/tool-1.2");
        link(place, "../b/tool-1.2", "c/tool");
        link(place, "c", "d");
        let first = binary(place, &["a"]).unwrap();
        assert_eq!(binary(place, &["none", "a"]).unwrap(), first);
        let versioned = binary(place, &["c", "a"]).unwrap();
        assert_ne!(versioned, first);
        assert!(binary(place, &["d"]).is_some());
        // The same bytes in another file.
        native(place, "a/new");
        std::fs::rename(place.join("a/new"), place.join("a/tool")).unwrap();
        let second = binary(place, &["a"]).unwrap();
        assert_ne!(second.digest, first.digest);
        assert_eq!(binary(place, &["c", "a"]).unwrap(), versioned);
        assert!(
            !second.is_older_than(place.join("a/tool").metadata().unwrap().modified().unwrap())
        );
        assert!(second.is_older_than(second.changed + FRESH));
        assert!(!second.is_older_than(second.changed - FRESH));
    }

    #[test]
    fn what_may_hand_over_to_another_program_is_not_known() {
        let home = tempfile::tempdir().unwrap();
        let place = &home.path().canonicalize().unwrap();
        native(place, "shims/tool");
        native(place, "real/tool");
        link(place, "../shims/tool", "leads-to-shims/tool");
        link(place, "../real/tool", "x/.volta/bin/tool");
        link(place, "x/.volta/bin", "linked-directory");
        native(place, "multi/box");
        link(place, "box", "multi/tool");
        native(place, "hard/tool");
        std::fs::hard_link(place.join("hard/tool"), place.join("hard/rustup")).unwrap();
        native(place, "copy/tool");
        native(place, "copy/rustup");
        native(place, "odd/tool");
        std::fs::set_permissions(place.join("odd/tool"), Permissions::from_mode(0o744)).unwrap();
        native(place, "script/tool");
        std::fs::write(place.join("script/tool"), "#!/bin/sh\n").unwrap();
        native(place, "short/tool");
        std::fs::write(place.join("short/tool"), "\x7fE").unwrap();
        link(place, "nowhere", "broken/tool");
        link(place, "tool", "circle/tool");
        std::fs::create_dir_all(place.join("directory/tool")).unwrap();
        for directory in [
            "shims",
            "leads-to-shims",
            "x/.volta/bin",
            "linked-directory",
            "multi",
            "hard",
            "copy",
            "odd",
            "script",
            "short",
            "broken",
            "circle",
            "directory",
            "none",
        ] {
            assert_eq!(
                binary(place, &[directory, "real"]).filter(|_| directory != "none"),
                None,
                "{directory}"
            );
        }
        assert!(binary(place, &["none", "real"]).is_some());
        assert_eq!(binary(Path::new(""), &["relative"]), None);
    }

    #[test]
    fn variables_that_bring_code_along_are_an_end_to_it() {
        let home = tempfile::tempdir().unwrap();
        native(home.path(), "tool");
        let shell = ["bash", "-c"].map(String::from);
        let check = |name: &str, expected: bool| {
            let path = ("PATH".into(), home.path().as_os_str().to_owned());
            let environment = Environment {
                variables: [path, (name.into(), "x".into())].into(),
                ..Environment::default()
            };
            let probe = Probe {
                command: "tool --version",
                shell: &shell,
                directory: "/".into(),
                environment: &environment,
            };
            assert_eq!(Binary::of(&probe).is_some(), expected, "{name}");
        };
        check("LANG", true);
        for name in [
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "BASH_ENV",
            "BASH_FUNC_tool%%",
            "ENV",
        ] {
            check(name, false);
        }
    }
}
