//! Random repositories with random edits: the reader and git must agree on every one of them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use svc::model::change::Head;

use crate::world::{World, agree, all_agree};

const PARTS: [&[u8]; 9] = [
    b"a",
    b"b",
    b"a.b",
    b"a-b",
    b"dir one",
    "\u{fc}".as_bytes(),
    b"n\xff",
    b"x",
    b"{a,b}",
];
const NAMES: [&[u8]; 9] = [
    b"x",
    b"y.txt",
    b"z.log",
    b"keep.log",
    b"t",
    b"{a,b}",
    b"\xfe",
    b"a",
    b" s ",
];
const RULES: [&str; 24] = [
    "*.log",
    "!keep.log",
    "/x",
    "a/",
    "b/**",
    "**/z.log",
    "{a,b}",
    "y.*",
    "a/*",
    "!a/x",
    "[xy]*",
    "\\!x",
    "t ",
    "*",
    "!*/",
    "dir one/",
    "?",
    "a/**/x",
    "!/a",
    "# x",
    "/a/b",
    "**",
    "!b/",
    "a-b",
];

/// A small generator of numbers; the same seed gives the same repository.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn path(&mut self) -> PathBuf {
        let mut path = PathBuf::new();
        for _ in 0..self.below(4) {
            path.push(OsStr::from_bytes(self.pick(&PARTS)));
        }
        path.join(OsStr::from_bytes(self.pick(&NAMES)))
    }
}

#[test]
fn random_states_are_seen_as_git_sees_them() {
    let rounds = std::env::var("SVC_TEST_ROUNDS").map_or(12, |text| text.parse().unwrap());
    let first = std::env::var("SVC_TEST_SEED").map_or(1, |text| text.parse().unwrap());
    for seed in first..first + rounds {
        round(seed);
    }
}

fn round(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = match chance.below(5) {
        0 => World::with(&["--object-format=sha256"]),
        _ => World::new(),
    };
    let version = chance.pick(&["2", "4"]);
    world.git(&["config", "index.version", version]);
    if chance.below(6) == 0 {
        world.forget_modes();
    }
    for _ in 0..chance.below(25) + 3 {
        edit(&world, &mut chance);
    }
    let first = world.commit();
    for _ in 0..chance.below(12) {
        edit(&world, &mut chance);
    }
    let second = world.commit();
    if chance.below(2) == 0 {
        world.settle();
    }
    for _ in 0..chance.below(12) {
        edit(&world, &mut chance);
        stage(&world, &mut chance);
    }
    if chance.below(3) == 0 {
        let top = std::fs::read_dir(&world.root).unwrap();
        let mut below: Vec<_> = top
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_dir() && entry.file_name() != ".git")
            .map(|entry| entry.file_name().as_bytes().to_vec())
            .collect();
        below.sort();
        world.workspace = below.first().cloned().unwrap_or_default();
    }
    for base in [None, Some(first), Some(second)] {
        all_agree(&world, base);
    }
    agree(&world, Head::Commit(Some(first)), Some(second));
}

fn edit(world: &World, chance: &mut Chance) {
    let path = chance.path();
    let full = world.root.join(&path);
    let is_link = full.is_symlink();
    match chance.below(10) {
        0 => {
            let _ = std::fs::remove_file(&full);
        }
        1 if full.parent() != Some(&world.root) => {
            let _ = std::fs::remove_dir_all(full.parent().unwrap());
        }
        2 if full.is_file() && !is_link => {
            let to = world.root.join(chance.path());
            if make_room(world, &to) {
                let _ = std::fs::rename(&full, to);
            }
        }
        3 if full.is_file() && !is_link => {
            use std::os::unix::fs::PermissionsExt;
            let mode = chance.pick(&[0o755, 0o644]);
            std::fs::set_permissions(&full, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        4 if make_room(world, &full) => {
            let _ = std::fs::remove_file(&full);
            let _ = std::os::unix::fs::symlink(chance.pick(&["a", "b", "../x"]), &full);
        }
        5 => {
            let directory = full.parent().unwrap();
            if make_room(world, &directory.join(".gitignore")) {
                let rules: Vec<_> = (0..=chance.below(3)).map(|_| chance.pick(&RULES)).collect();
                let end = chance.pick(&["\n", "\r\n", ""]);
                std::fs::write(directory.join(".gitignore"), rules.join("\n") + end).unwrap();
            }
        }
        _ if make_room(world, &full) => {
            if is_link || full.is_dir() {
                return;
            }
            let content = chance.pick(&["", "1", "2", "one\n", "two\n", "three\n"]);
            std::fs::write(full, content).unwrap();
        }
        _ => {}
    }
}

fn stage(world: &World, chance: &mut Chance) {
    let path = chance.path();
    let Some(path) = path.to_str() else { return };
    let path = format!(":(literal){path}");
    match chance.below(8) {
        0 => world.try_git(&["add", "-f", "--", &path]),
        1 => world.try_git(&["add", "-N", "-f", "--", &path]),
        2 => world.try_git(&["rm", "-q", "--cached", "-f", "--", &path]),
        3 => world.try_git(&["add", "-u"]),
        4 => world.try_git(&[
            "update-index",
            "--chmod=+x",
            path.trim_start_matches(":(literal)"),
        ]),
        _ => None,
    };
}

/// Makes the directories above a path, unless something else is in the way.
fn make_room(world: &World, path: &std::path::Path) -> bool {
    let parent = path.parent().unwrap();
    let inside = parent.strip_prefix(&world.root).unwrap();
    let mut here = world.root.clone();
    for part in inside {
        here.push(part);
        if here.is_symlink() {
            return false;
        }
    }
    std::fs::create_dir_all(parent).is_ok() && (path.is_symlink() || !path.is_dir())
}
