//! `Cargo.lock`: entries name what they need; which of them a directory is, its `Cargo.toml` tells.
//!
//! What features or platforms leave out is counted all the same: the file is the union of all of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::manifest::lock::value::{list, text, toml};
use crate::manifest::lock::{Source, UNKNOWN, add};
use crate::model::lock_file::{Lock, LockEntry, LockRoot};

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    let file = toml(source.text)?;
    let mut by_name: HashMap<&str, Vec<&Value>> = HashMap::new();
    for package in list(&file, "package") {
        let name = text(package, "name").ok_or("a package has no name")?;
        by_name.entry(name).or_default().push(package);
    }
    let mut entries = BTreeMap::new();
    for package in list(&file, "package") {
        let needs = list(package, "dependencies").filter_map(Value::as_str);
        let entry = LockEntry {
            name: text(package, "name").unwrap_or_default().to_owned(),
            says: package.to_string(),
            needs: needs.flat_map(|it| found(&by_name, it)).collect(),
        };
        add(&mut entries, key(package), entry);
    }
    let roots = source.members().filter_map(|(directory, manifest)| {
        let entry = root(&by_name, manifest);
        // Tests bring packages that are nobody's, and other workspaces have lock files of their own.
        if source.is_inner(directory) && is_elsewhere(&by_name, manifest) {
            return None;
        }
        Some(LockRoot {
            directory: directory.clone(),
            says: String::new(),
            needs: vec![entry.unwrap_or_else(|| UNKNOWN.to_owned())],
        })
    });
    let rest = file.as_object().into_iter().flatten();
    let rest = rest.filter(|(key, _)| *key != "package");
    Ok(Lock {
        entries,
        roots: roots.collect(),
        for_all: rest
            .map(|(key, value)| format!("{key} = {value}\n"))
            .collect(),
        needs_for_all: Vec::new(),
    })
}

fn key(package: &Value) -> String {
    let part = |key| text(package, key).unwrap_or_default();
    format!("{} {} {}", part("name"), part("version"), part("source"))
}

/// The entries that `written` means: `name`, `name version` or `name version (source)`.
fn found(by_name: &HashMap<&str, Vec<&Value>>, written: &str) -> Vec<String> {
    let mut words = written.splitn(3, ' ');
    let (name, version, from) = (words.next().unwrap_or_default(), words.next(), words.next());
    let from = from.map(|it| it.trim_start_matches('(').trim_end_matches(')'));
    let is = |package: &&&Value, key, wanted: Option<&str>| {
        wanted.is_none_or(|it| text(package, key) == Some(it))
    };
    let named = by_name.get(name).into_iter().flatten();
    let fitting = named.filter(|it| is(it, "version", version) && is(it, "source", from));
    let keys: Vec<String> = fitting.map(|it| key(it)).collect();
    match keys.is_empty() {
        true => vec![UNKNOWN.to_owned()],
        false => keys,
    }
}

/// Whether a manifest is of a package or a workspace that the file knows nothing of.
fn is_elsewhere(by_name: &HashMap<&str, Vec<&Value>>, manifest: &str) -> bool {
    let Ok(manifest) = toml(manifest) else {
        return false;
    };
    let name = manifest.get("package").and_then(|it| text(it, "name"));
    let mut named = name.and_then(|it| by_name.get(it)).into_iter().flatten();
    manifest.get("workspace").is_some() || !named.any(|it| text(it, "source").is_none())
}

/// The entry of the package that a manifest is of. None if it is of a whole workspace, or not to be told.
fn root(by_name: &HashMap<&str, Vec<&Value>>, manifest: &str) -> Option<String> {
    let manifest = toml(manifest).ok()?;
    if manifest.get("workspace").is_some() {
        return None;
    }
    let name = text(manifest.get("package")?, "name")?;
    let named = by_name.get(name)?.iter();
    let mut own = named.filter(|it| text(it, "source").is_none());
    match (own.next(), own.next()) {
        (Some(only), None) => Some(key(only)),
        _ => None,
    }
}
