//! `poetry.lock`: entries name what they need; what a package begins with, its `pyproject.toml` tells. Extras, groups and
//! markers are not told apart: all of them count.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::manifest::lock::value::{keys, list, text, toml};
use crate::manifest::lock::{Source, UNKNOWN, add};
use crate::model::lock_file::{Lock, LockEntry, LockRoot};

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    let file = toml(source.text)?;
    let metadata = file.get("metadata").ok_or("it is no lock file of poetry")?;
    let mut by_name: HashMap<String, Vec<&Value>> = HashMap::new();
    for package in list(&file, "package") {
        let name = text(package, "name").ok_or("a package has no name")?;
        by_name.entry(normal(name)).or_default().push(package);
    }
    let mut entries = BTreeMap::new();
    for package in list(&file, "package") {
        let name = text(package, "name").unwrap_or_default();
        let named = keys(package, "dependencies").filter_map(|it| by_name.get(&normal(it)));
        let files = metadata.get("files").and_then(|it| it.get(name));
        let entry = LockEntry {
            name: name.to_owned(),
            says: format!("{package} {files:?}"),
            // What no marker or extra asks for is not in the file.
            needs: named.flatten().map(|it| key(it)).collect(),
        };
        add(&mut entries, key(package), entry);
    }
    let needs = |manifest: &str| -> Vec<&Value> {
        let names = toml(manifest).map(|it| wanted(&it)).unwrap_or_default();
        let named = names.iter().filter_map(|it| by_name.get(it));
        named.flatten().copied().collect()
    };
    let is_lost = |manifest: &str| match toml(manifest) {
        Ok(manifest) => wanted(&manifest).iter().any(|it| !by_name.contains_key(it)),
        Err(_) => true,
    };
    let lost = |manifest| is_lost(manifest).then(|| UNKNOWN.to_owned());
    let roots = source.members().map(|(directory, manifest)| LockRoot {
        directory: directory.clone(),
        says: String::new(),
        needs: needs(manifest)
            .into_iter()
            .map(key)
            .chain(lost(manifest))
            .collect(),
    });
    let needs_for_all = match source.outermost() {
        None => vec![UNKNOWN.to_owned()],
        Some(manifest) => {
            // Its tools build everything; some are packages beside it.
            let needs = needs(manifest).into_iter();
            needs.map(key).chain(lost(manifest)).collect()
        }
    };
    let settings =
        ["lock-version", "python-versions"].map(|key| format!("{:?}", metadata.get(key)));
    Ok(Lock {
        roots: roots.collect(),
        for_all: settings.join(" "),
        entries,
        needs_for_all,
    })
}

fn key(package: &Value) -> String {
    let part = |key| text(package, key).unwrap_or_default();
    format!("{} {}", normal(part("name")), part("version"))
}

/// Names are the same whatever their case and however they are joined.
fn normal(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(['-', '_', '.']).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The names of everything that a `pyproject.toml` asks for.
fn wanted(manifest: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |list: &Value| {
        let texts = list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name = |it: &str| {
            normal(
                it.split(|letter| !is_part(letter))
                    .next()
                    .unwrap_or_default(),
            )
        };
        names.extend(texts.map(name));
    };
    let groups = |of: Option<&Value>| -> Vec<Value> {
        let groups = of.and_then(Value::as_object).into_iter();
        groups.flat_map(|it| it.values()).cloned().collect()
    };
    let project = manifest.get("project");
    project
        .and_then(|it| it.get("dependencies"))
        .iter()
        .for_each(|it| add(it));
    groups(project.and_then(|it| it.get("optional-dependencies")))
        .iter()
        .for_each(&mut add);
    groups(manifest.get("dependency-groups"))
        .iter()
        .for_each(&mut add);
    if let Some(poetry) = manifest.get("tool").and_then(|it| it.get("poetry")) {
        names.extend(keys(poetry, "dependencies").map(normal));
        names.extend(keys(poetry, "dev-dependencies").map(normal));
        for group in groups(poetry.get("group")) {
            names.extend(keys(&group, "dependencies").map(normal));
        }
    }
    names.retain(|it| it != "python" && !it.is_empty());
    names
}
