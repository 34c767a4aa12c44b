//! `package-lock.json`, versions 2 and 3: every installed package by its place below `node_modules`, where what needs it
//! finds it as Node looks for it, from its own directory upwards.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::lock::value::{json, keys, text};
use crate::manifest::lock::{Source, UNKNOWN};
use crate::model::lock_file::{Lock, LockEntry, LockRoot};

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    let file = json(source.text)?;
    let version = file.get("lockfileVersion").and_then(Value::as_u64);
    let packages = file.get("packages").and_then(Value::as_object);
    let (Some(2 | 3), Some(packages)) = (version, packages) else {
        return Err("it is not of version 2 or 3".to_owned());
    };
    let mut lock = Lock::default();
    let mut entries = BTreeMap::new();
    for (place, package) in packages {
        let needs = needs(packages, place, package);
        if place.is_empty() {
            // Its tools build everything; some are packages of the workspace.
            lock.needs_for_all = needs;
            continue;
        }
        if !place.split('/').any(|it| it == "node_modules")
            && let Some(directory) = source.at(place)
        {
            lock.roots.push(LockRoot {
                directory,
                says: String::new(),
                needs: vec![place.clone()],
            });
        }
        let name = place.rsplit("node_modules/").next().unwrap_or(place);
        let entry = LockEntry {
            name: name.to_owned(),
            says: package.to_string(),
            needs,
        };
        entries.insert(place.clone(), entry);
    }
    lock.entries = entries;
    let settings = ["lockfileVersion", "requires"].map(|key| format!("{:?}", file.get(key)));
    lock.for_all = settings.join(" ");
    Ok(lock)
}

fn needs(packages: &Map<String, Value>, place: &str, package: &Value) -> Vec<String> {
    if package.get("link").and_then(Value::as_bool) == Some(true) {
        return vec![text(package, "resolved").unwrap_or(UNKNOWN).to_owned()];
    }
    let is_installed = place.split('/').any(|it| it == "node_modules");
    let mut needs = Vec::new();
    let mut add = |section: &str, is_sure: bool| {
        for name in keys(package, section) {
            match found(packages, place, name) {
                Some(place) => needs.push(place),
                None if is_sure && !is_optional(package, name) => needs.push(UNKNOWN.to_owned()),
                None => {}
            }
        }
    };
    add("dependencies", true);
    add("optionalDependencies", false);
    add("peerDependencies", false);
    if !is_installed {
        add("devDependencies", true);
    }
    needs
}

fn is_optional(package: &Value, name: &str) -> bool {
    keys(package, "optionalDependencies").any(|it| it == name)
}

/// The place of `name` as the package at `from` finds it.
fn found(packages: &Map<String, Value>, from: &str, name: &str) -> Option<String> {
    let mut directory = from;
    loop {
        let place = match directory.is_empty() {
            true => format!("node_modules/{name}"),
            false => format!("{directory}/node_modules/{name}"),
        };
        if packages.contains_key(&place) {
            return Some(place);
        }
        if directory.is_empty() {
            return None;
        }
        directory = directory.rsplit_once('/').map_or("", |it| it.0);
    }
}
