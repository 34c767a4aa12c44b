//! What can change in a [`World`], one thing at a time.

use std::time::{Duration, SystemTime};

use crate::chance::Chance;
use crate::workspace::{File, Service, Task, World};

/// A kind of change.
pub struct Step {
    pub name: &'static str,
    /// Whether it can change a result.
    pub is_ingredient: bool,
    /// Makes the change on disk and in the model and says what it was; none where it cannot be made.
    pub take: fn(&mut World, &mut Chance) -> Option<String>,
}

const fn ingredient(
    name: &'static str,
    take: fn(&mut World, &mut Chance) -> Option<String>,
) -> Step {
    Step {
        name,
        is_ingredient: true,
        take,
    }
}

const fn none(name: &'static str, take: fn(&mut World, &mut Chance) -> Option<String>) -> Step {
    Step {
        name,
        is_ingredient: false,
        take,
    }
}

/// All kinds.
pub const STEPS: &[Step] = &[
    ingredient("content", |it, chance| change_file(it, chance, b"src/main")),
    ingredient("content below", |it, chance| {
        change_file(it, chance, b"src/deep/er/x")
    }),
    ingredient("content of the same size", same_size),
    ingredient("what outputs are made of", |it, chance| {
        change_file(it, chance, b"data/d1")
    }),
    ingredient("a value", change_version),
    ingredient("mode", change_mode),
    ingredient("file added", |it, chance| add_file(it, chance, false)),
    ingredient("file added and committed", |it, chance| {
        add_file(it, chance, true)
    }),
    ingredient("file added beside outputs' sources", add_data),
    ingredient("file removed", remove_file),
    ingredient("file renamed", rename_file),
    ingredient("ignored and declared", change_generated),
    ingredient("file of nobody that is declared", change_shared),
    ingredient("global input", change_global),
    ingredient("mode of a global input", |it, _| {
        it.global.is_program = !it.global.is_program;
        it.write(b"versions.txt", &it.global);
        Some(String::new())
    }),
    ingredient("variable changed", |it, _| set(it, "CC")),
    ingredient("variable unset", |it, _| it.variables.remove("CC")),
    ingredient("variable with a prefix", |it, chance| {
        let name = *chance.one_of(&["GEN_A", "GEN_B", "GEN_"]);
        set(it, name)
    }),
    ingredient("tool", |it, _| {
        it.tool = format!("tool {}", it.new_number());
        it.write_tool();
        Some(String::new())
    }),
    ingredient("command", |it, chance| {
        define(it, chance, |task, new| task.note = new)
    }),
    ingredient("shell", |it, chance| {
        define(it, chance, |task, _| task.shell += 1)
    }),
    ingredient("strict-env", |it, chance| {
        define(it, chance, |task, _| {
            task.has_loose_env = !task.has_loose_env
        })
    }),
    ingredient("declared outputs", |it, _| {
        it.services[0].build.as_mut()?.more_outputs += 1;
        it.write_definition();
        Some(String::new())
    }),
    ingredient("arguments", |it, _| {
        let new = format!("--flag {}", it.new_number());
        it.arguments = vec![new.clone(), "'quoted' $x".into()];
        Some(new)
    }),
    ingredient("dependency without tasks", |it, _| {
        let new = File::new(format!("{}\n", it.new_number()));
        put(it, 1, b"src/main", new)
    }),
    ingredient("path of a service", move_service),
    none("touched", touch),
    none("ignored file", |it, chance| {
        let at = chance.below(it.services.len());
        let path = format!("{}/x.log", it.services[at].path);
        let new = File::new(format!("{}\n", it.new_number()));
        it.write(path.as_bytes(), &new);
        Some(path)
    }),
    none("file of nobody", |it, _| {
        let new = File::new(format!("{}\n", it.new_number()));
        it.write(b"notes.txt", &new);
        it.write(b"elsewhere/notes.txt", &new);
        Some(String::new())
    }),
    none("file that the workspace ignores", |it, chance| {
        change_file(it, chance, b"README.md")
    }),
    none("variable that is only passed", |it, _| set(it, "PASSED")),
    none("variable of nobody", |it, _| set(it, "SOMETHING")),
    none("secret", |it, _| set(it, "TOKEN")),
    none("timeout and such", |it, chance| {
        define(it, chance, |task, _| task.rest += 1)
    }),
    none("retry and such", |it, chance| {
        define(it, chance, |task, new| task.rest += 1 + new % 4)
    }),
    none("comment", |it, _| {
        it.comment = it.new_number();
        it.write_definition();
        Some(String::new())
    }),
    none("commit", |it, _| {
        it.commit();
        Some(String::new())
    }),
    none("git's index written anew", |it, _| {
        let git = it.repo.at(&it.root);
        git.git(&["read-tree", "HEAD"]);
        Some(String::new())
    }),
    none("other checkout", |it, _| {
        it.commit();
        let new = it.new_number();
        let to = it.repo.beside(&format!("checkout-{new}"));
        let git = it.repo.at(&it.root);
        git.git(&["clone", "--quiet", ".", to.to_str()?]);
        it.root = to;
        it.write_ignored();
        Some(String::new())
    }),
    none("outputs lost", |it, _| {
        for service in &it.services {
            let _ = std::fs::remove_dir_all(it.root.join(&service.path).join("out"));
        }
        Some(String::new())
    }),
];

/// Names that are easily got wrong.
const ODD: &[&[u8]] = &[
    b"with space",
    b"-rf",
    "ünï©ode".as_bytes(),
    b"line\nbreak",
    b"\xff",
    b"[a-z]*?",
    b"\"quoted'",
    b"!not",
    b"#comment",
    b"back\\slash",
    b" ",
    b"...",
    b"dollar$HOME",
];

/// A service that has tasks.
fn tasked(world: &World, chance: &mut Chance) -> usize {
    let all: Vec<usize> = (0..world.services.len()).filter(|it| *it != 1).collect();
    *chance.one_of(&all)
}

fn put(world: &mut World, at: usize, path: &[u8], file: File) -> Option<String> {
    let service = &mut world.services[at];
    service.files.insert(path.to_owned(), file);
    let of = String::from_utf8_lossy(path).into_owned();
    let of = format!("{of:?} of {}", service.name);
    world.write_service(at);
    Some(of)
}

fn change_file(world: &mut World, chance: &mut Chance, path: &[u8]) -> Option<String> {
    let at = tasked(world, chance);
    let old = world.services[at].files.get(path)?.is_program;
    let new = File {
        text: format!("{}\n", world.new_number()),
        is_program: old,
    };
    put(world, at, path, new)
}

/// With the old times put back.
fn same_size(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    let path = b"src/deep/er/x";
    let mut new = world.services[at].files.get(&path[..])?.clone();
    let first = new.text.remove(0);
    new.text.insert(0, if first == '~' { '!' } else { '~' });
    let place = world.place(&[world.services[at].path.as_bytes(), b"/", path].concat());
    let modified = std::fs::metadata(&place).unwrap().modified().unwrap();
    let what = put(world, at, path, new);
    let file = std::fs::File::options().write(true).open(place).unwrap();
    file.set_modified(modified).unwrap();
    what
}

fn change_version(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    let new = File::new(format!("v{}", world.new_number()));
    put(world, at, b"version", new)
}

fn change_mode(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    let mut file = world.services[at].files.get(&b"src/main"[..])?.clone();
    file.is_program = !file.is_program;
    put(world, at, b"src/main", file)
}

fn add_file(world: &mut World, chance: &mut Chance, is_committed: bool) -> Option<String> {
    let at = tasked(world, chance);
    let directory = *chance.one_of(&[&b""[..], b"src/", b"src/new/deep/"]);
    let name = *chance.one_of(ODD);
    let path = [directory, name].concat();
    let new = File::new(format!("{}\n", world.new_number()));
    let what = put(world, at, &path, new);
    if is_committed {
        world.commit();
    }
    what
}

fn add_data(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    let new = world.new_number();
    let file = File::new(format!("{new}\n"));
    put(world, at, format!("data/n{new:04}").as_bytes(), file)
}

fn remove_file(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    take_away(world, at, b"src/deep/er/x")?;
    Some(world.services[at].name.clone())
}

fn rename_file(world: &mut World, chance: &mut Chance) -> Option<String> {
    let at = tasked(world, chance);
    let file = take_away(world, at, b"src/main")?;
    put(world, at, b"src/renamed", file)
}

fn take_away(world: &mut World, at: usize, path: &[u8]) -> Option<File> {
    let service = &mut world.services[at];
    let file = service.files.remove(path)?;
    let path = [service.path.as_bytes(), b"/", path].concat();
    std::fs::remove_file(world.place(&path)).unwrap();
    Some(file)
}

fn change_generated(world: &mut World, _: &mut Chance) -> Option<String> {
    world.services[0].generated = File::new(format!("{}\n", world.new_number()));
    world.write_ignored();
    Some(String::new())
}

fn change_shared(world: &mut World, _: &mut Chance) -> Option<String> {
    world.shared = File::new(format!("{}\n", world.new_number()));
    world.write(b"shared/x.json", &world.shared);
    Some(String::new())
}

fn change_global(world: &mut World, _: &mut Chance) -> Option<String> {
    world.global.text = format!("{}\n", world.new_number());
    world.write(b"versions.txt", &world.global);
    Some(String::new())
}

fn set(world: &mut World, name: &str) -> Option<String> {
    let value = format!("value {}", world.new_number());
    world.variables.insert(name.to_owned(), value);
    Some(name.to_owned())
}

fn define(world: &mut World, chance: &mut Chance, change: fn(&mut Task, usize)) -> Option<String> {
    let at = tasked(world, chance);
    let new = world.new_number();
    let Service {
        build, test, name, ..
    } = &mut world.services[at];
    let task = if chance.once_in(2) { build } else { test };
    change(task.as_mut()?, new);
    let name = name.clone();
    world.write_definition();
    Some(name)
}

fn move_service(world: &mut World, _: &mut Chance) -> Option<String> {
    let alone = (0..world.services.len()).filter(|it| *it != 1 && !world.is_entangled(*it));
    let at = alone.last()?;
    let new = format!("moved/s{}", world.new_number());
    let (from, to) = (
        world.root.join(&world.services[at].path),
        world.root.join(&new),
    );
    std::fs::create_dir_all(to.parent()?).unwrap();
    std::fs::rename(from, to).unwrap();
    world.services[at].path.clone_from(&new);
    world.write_definition();
    Some(new)
}

fn touch(world: &mut World, chance: &mut Chance) -> Option<String> {
    let back = Duration::from_secs(chance.below(100_000) as u64);
    for service in &world.services {
        for path in service.files.keys() {
            let place = world.place(&[service.path.as_bytes(), b"/", path].concat());
            let file = std::fs::File::options().write(true).open(place).unwrap();
            file.set_modified(SystemTime::now() - back).unwrap();
        }
    }
    Some(String::new())
}
