//! `uv.lock`: entries name what they need, and packages of the workspace are entries with a directory. Extras, groups and
//! markers are not told apart: all of them count.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::manifest::lock::value::{list, text, toml};
use crate::manifest::lock::{Source, UNKNOWN, add};
use crate::model::lock_file::{Lock, LockEntry, LockRoot};

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    let file = toml(source.text)?;
    if file.get("version").and_then(Value::as_u64) != Some(1) {
        return Err("it is not of version 1".to_owned());
    }
    let mut by_name: HashMap<&str, Vec<&Value>> = HashMap::new();
    for package in list(&file, "package") {
        let name = text(package, "name").ok_or("a package has no name")?;
        by_name.entry(name).or_default().push(package);
    }
    let mut lock = Lock {
        for_all: for_all(&file),
        ..Lock::default()
    };
    let mut entries = BTreeMap::new();
    for package in list(&file, "package") {
        let needs = needs(package).flat_map(|it| found(&by_name, it));
        let keys = needs.map(key);
        let keys: Vec<String> = keys
            .chain(is_lost(&by_name, package).then(|| UNKNOWN.to_owned()))
            .collect();
        match member(package) {
            // Its tools build everything; some are packages of the workspace.
            Some(".") => lock.needs_for_all.clone_from(&keys),
            Some(path) => lock.roots.extend(source.at(path).map(|directory| LockRoot {
                directory,
                says: String::new(),
                needs: vec![key(package)],
            })),
            None => {}
        }
        let entry = LockEntry {
            name: text(package, "name").unwrap_or_default().to_owned(),
            says: package.to_string(),
            needs: keys,
        };
        add(&mut entries, key(package), entry);
    }
    lock.entries = entries;
    lock.needs_for_all.extend(asked_by_all(&file, &by_name));
    Ok(lock)
}

/// What the workspace asks for itself, where its outermost directory is no package.
fn asked_by_all(file: &Value, by_name: &HashMap<&str, Vec<&Value>>) -> Vec<String> {
    let Some(manifest) = file.get("manifest") else {
        return Vec::new();
    };
    let groups = manifest.get("dependency-groups").and_then(Value::as_object);
    let groups = groups.into_iter().flat_map(|it| it.values());
    let groups = groups.filter_map(Value::as_array).flatten();
    let asked = list(manifest, "requirements").chain(groups);
    let keys = asked.map(|need| {
        let named = by_name.get(text(need, "name").unwrap_or_default());
        let keys = named.into_iter().flatten().map(|it| key(it));
        (keys.collect(), is_always(need))
    });
    let keys = keys.map(
        |(keys, is_always): (Vec<String>, bool)| match keys.is_empty() {
            true if is_always => vec![UNKNOWN.to_owned()],
            _ => keys,
        },
    );
    keys.flatten().collect()
}

/// Whether a need is there on every platform, so that an entry has to answer it.
fn is_always(need: &Value) -> bool {
    need.get("marker").is_none()
}

/// What stands beside the packages; a further member of the workspace is nothing to the others.
fn for_all(file: &Value) -> String {
    let rest = file.as_object().into_iter().flatten();
    let rest = rest.filter(|(key, _)| *key != "package");
    let says = rest.map(|(key, value)| {
        let mut value = value.clone();
        if let Some(table) = value.as_object_mut() {
            table.remove("members");
        }
        format!("{key} = {value}\n")
    });
    says.collect()
}

fn key(package: &Value) -> String {
    let part = |key| text(package, key).unwrap_or_default();
    let from = package
        .get("source")
        .map(Value::to_string)
        .unwrap_or_default();
    format!("{} {} {from}", part("name"), part("version"))
}

/// The directory of a package of the workspace.
fn member(package: &Value) -> Option<&str> {
    let from = package.get("source")?;
    let kinds = ["virtual", "editable", "directory"];
    kinds.into_iter().find_map(|kind| text(from, kind))
}

fn needs(package: &Value) -> impl Iterator<Item = &Value> {
    let groups = ["optional-dependencies", "dev-dependencies"].into_iter();
    let groups = groups.filter_map(|key| package.get(key)?.as_object());
    let groups = groups
        .flat_map(|it| it.values())
        .filter_map(Value::as_array);
    list(package, "dependencies").chain(groups.flatten())
}

/// The packages that a dependency may be.
fn found<'v>(by_name: &HashMap<&str, Vec<&'v Value>>, need: &Value) -> Vec<&'v Value> {
    let named = by_name.get(text(need, "name").unwrap_or_default());
    let is_same =
        |package: &&&Value, key: &str| need.get(key).is_none_or(|it| package.get(key) == Some(it));
    let named = named.into_iter().flatten();
    let fitting = named.filter(|it| is_same(it, "version") && is_same(it, "source"));
    fitting.copied().collect()
}

/// Whether something that a package needs is not in the file.
fn is_lost(by_name: &HashMap<&str, Vec<&Value>>, package: &Value) -> bool {
    needs(package).any(|it| found(by_name, it).is_empty())
}
