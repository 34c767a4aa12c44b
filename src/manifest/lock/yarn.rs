//! `yarn.lock`: the first format, where the manifests tell what packages need; and that of later yarns, where packages of
//! the workspace are entries themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::manifest::lock::value::{json, keys, text, texts, yaml};
use crate::manifest::lock::{Source, UNKNOWN};
use crate::model::lock_file::{Lock, LockEntry, LockRoot};

/// One block of the file.
#[derive(Default)]
struct Block {
    /// The wishes that it answers: `name@range`.
    wishes: Vec<String>,
    says: String,
    needs: Vec<(String, String)>,
    /// Those that need not be there.
    may_need: Vec<(String, String)>,
}

/// Which blocks answer a wish.
struct Answers<'b> {
    by_wish: HashMap<&'b str, usize>,
    by_name: HashMap<&'b str, Vec<usize>>,
    /// The names that resolutions of the outermost package speak of.
    resolved: BTreeSet<String>,
}

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    match source.text.contains("# yarn lockfile v1") {
        true => first(source),
        false => later(source),
    }
}

impl<'b> Answers<'b> {
    fn new(source: &Source, blocks: &'b [Block]) -> Self {
        let (mut by_wish, mut by_name) = (HashMap::new(), HashMap::new());
        for (at, block) in blocks.iter().enumerate() {
            for wish in &block.wishes {
                by_wish.insert(wish.as_str(), at);
                let named: &mut Vec<usize> = by_name.entry(name_of(wish)).or_default();
                named.push(at);
            }
        }
        Self {
            by_wish,
            by_name,
            resolved: resolved(source.outermost()),
        }
    }

    /// The blocks that may answer a wish: the one that says so, and patched forms of it; all of that name if there is none
    /// or where a resolution may stand in between.
    fn of(&self, blocks: &[Block], name: &str, range: &str) -> Vec<usize> {
        let wishes = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
        let direct = wishes.iter().find_map(|it| self.by_wish.get(it.as_str()));
        let direct = direct.filter(|_| !self.resolved.contains(name));
        let named = self.by_name.get(name).into_iter().flatten().copied();
        let is_patch = |at: &usize| blocks[*at].wishes.iter().any(|it| it.contains("@patch:"));
        match direct {
            Some(direct) => named.filter(is_patch).chain([*direct]).collect(),
            None => named.collect(),
        }
    }

    fn keys(&self, blocks: &[Block], needs: &[(String, String)], is_sure: bool) -> Vec<String> {
        let mut keys = Vec::new();
        for (name, range) in needs {
            let found = self.of(blocks, name, range);
            if found.is_empty() && is_sure {
                keys.push(UNKNOWN.to_owned());
            }
            keys.extend(found.into_iter().map(|at| key(&blocks[at])));
        }
        keys
    }

    fn entries(&self, blocks: &[Block]) -> BTreeMap<String, LockEntry> {
        let entries = blocks.iter().map(|block| {
            let mut needs = self.keys(blocks, &block.needs, true);
            needs.extend(self.keys(blocks, &block.may_need, false));
            let name = block.wishes.first().map_or("", |it| name_of(it));
            let entry = LockEntry {
                name: name.to_owned(),
                says: block.says.clone(),
                needs,
            };
            (key(block), entry)
        });
        entries.collect()
    }
}

/// The wishes are no part of what a block is called by: one more of them changes nothing for who had it before.
fn key(block: &Block) -> String {
    let first = block.wishes.first().map_or("", |it| name_of(it));
    format!("{first} {}", block.says)
}

/// `@scope/name` of `@scope/name@range`.
fn name_of(wish: &str) -> &str {
    let at = wish.get(1..).and_then(|it| it.find('@'));
    at.map_or(wish, |at| &wish[..=at])
}

/// The names that the resolutions of a manifest speak of: the last one of `frame/@scope/chalk@^2.0.0`. A range may hold
/// slashes too, so what lies before each is taken as well.
fn resolved(manifest: Option<&str>) -> BTreeSet<String> {
    let manifest = manifest.and_then(|it| json(it).ok()).unwrap_or_default();
    let mut names = BTreeSet::new();
    for pattern in keys(&manifest, "resolutions") {
        let words: Vec<&str> = pattern.split('/').collect();
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| words[at]);
            let scope = before.filter(|it| it.starts_with('@'));
            let name = scope.map_or((*word).to_owned(), |it| format!("{it}/{word}"));
            names.insert(name_of(&name).to_owned());
        }
    }
    names
}

/// The file of yarn 1.
fn first(source: &Source) -> Result<Lock, String> {
    let blocks = blocks(source.text)?;
    let answers = Answers::new(source, &blocks);
    let mut entries = answers.entries(&blocks);
    let mut packages = BTreeMap::new();
    let mut by_name = HashMap::new();
    for (directory, manifest) in source.manifests {
        let manifest = json(manifest).ok();
        if let Some(name) = manifest.as_ref().and_then(|it| text(it, "name")) {
            by_name.insert(name.to_owned(), package_key(&directory.display()));
        }
        packages.insert(directory.clone(), manifest);
    }
    let needs_of = |manifest: &Option<Value>| {
        let Some(manifest) = manifest else {
            return (vec![UNKNOWN.to_owned()], Vec::new());
        };
        let (mut outside, mut inside) = (Vec::new(), Vec::new());
        let sections = [
            ("dependencies", true),
            ("devDependencies", true),
            ("optionalDependencies", false),
            ("peerDependencies", false),
        ];
        for (section, is_sure) in sections {
            for (name, range) in texts(manifest, section) {
                let own = by_name.get(name);
                inside.extend(own.cloned());
                let need = [(name.to_owned(), range.to_owned())];
                outside.extend(answers.keys(&blocks, &need, is_sure && own.is_none()));
            }
        }
        (outside, inside)
    };
    let mut lock = Lock::default();
    for (directory, manifest) in &packages {
        let (outside, inside) = needs_of(manifest);
        if *directory == source.directory {
            // Its tools build everything; some are packages of the workspace.
            lock.needs_for_all = [&*outside, &inside].concat();
        }
        let key = package_key(&directory.display());
        lock.roots.push(LockRoot {
            directory: directory.clone(),
            says: String::new(),
            needs: vec![key.clone()],
        });
        let entry = LockEntry {
            name: directory.display(),
            says: String::new(),
            needs: [outside, inside].concat(),
        };
        entries.insert(key, entry);
    }
    if source.outermost().is_none() {
        lock.needs_for_all.push(UNKNOWN.to_owned());
    }
    lock.entries = entries;
    Ok(lock)
}

fn package_key(directory: &str) -> String {
    format!("package {directory}")
}

fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = "";
    let lines = text
        .lines()
        .filter(|it| !it.trim().is_empty() && !it.starts_with('#'));
    for line in lines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let written = line.trim();
        if indent == 0 {
            let wishes = written
                .strip_suffix(':')
                .ok_or("a line is not understood")?;
            let wishes = wishes.split(", ").map(|it| it.trim_matches('"').to_owned());
            blocks.push(Block {
                wishes: wishes.collect(),
                ..Block::default()
            });
            continue;
        }
        let block = blocks.last_mut().ok_or("it begins in the middle")?;
        block.says.push_str(written);
        block.says.push('\n');
        match indent {
            2 => section = written.strip_suffix(':').unwrap_or_default(),
            _ => {
                let (name, range) = written.rsplit_once(' ').ok_or("a line is not understood")?;
                let (name, range) = match range.ends_with('"') {
                    true => written.split_once(" \"").unwrap_or((name, range)),
                    false => (name, range),
                };
                let need = (
                    name.trim_matches('"').to_owned(),
                    range.trim_matches('"').to_owned(),
                );
                match section {
                    "optionalDependencies" => block.may_need.push(need),
                    _ => block.needs.push(need),
                }
            }
        }
    }
    Ok(blocks)
}

/// The file of later yarns.
fn later(source: &Source) -> Result<Lock, String> {
    let file = yaml(source.text)?;
    let settings = file.get("__metadata").ok_or("it is no lock file of yarn")?;
    let all = file.as_object().into_iter().flatten();
    let all: Vec<(&String, &Value)> = all.filter(|it| it.0 != "__metadata").collect();
    let pairs = |value: &Value, section: &str| -> Vec<(String, String)> {
        let pairs = texts(value, section);
        pairs
            .map(|(name, range)| (name.to_owned(), range.to_owned()))
            .collect()
    };
    let block = |(wishes, said): &(&String, &Value)| {
        let optional: Vec<&str> = keys(said, "dependenciesMeta").collect();
        let all = pairs(said, "dependencies").into_iter();
        let (may_need, needs): (Vec<_>, Vec<_>) =
            all.partition(|it| optional.contains(&it.0.as_str()));
        Block {
            wishes: wishes.split(", ").map(str::to_owned).collect(),
            says: said.to_string(),
            needs,
            may_need: [may_need, pairs(said, "peerDependencies")].concat(),
        }
    };
    let blocks: Vec<Block> = all.iter().map(block).collect();
    let mut lock = Lock {
        entries: Answers::new(source, &blocks).entries(&blocks),
        for_all: settings.to_string(),
        ..Lock::default()
    };
    for ((_, said), block) in all.iter().zip(&blocks) {
        let resolution = text(said, "resolution").unwrap_or_default();
        let Some((_, directory)) = resolution.split_once("@workspace:") else {
            continue;
        };
        if directory == "." {
            // Its tools build everything; some are packages of the workspace.
            lock.needs_for_all
                .clone_from(&lock.entries[&key(block)].needs);
        } else if let Some(directory) = source.at(directory) {
            lock.roots.push(LockRoot {
                directory,
                says: String::new(),
                needs: vec![key(block)],
            });
        }
    }
    Ok(lock)
}
