//! `pnpm-lock.yaml`, versions 6 and 9: importers are the packages of the workspace, and each names the very entries that it
//! has.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::lock::value::{text, texts, yaml};
use crate::manifest::lock::{Source, UNKNOWN};
use crate::manifest::place::resolve;
use crate::model::lock_file::{Lock, LockEntry, LockRoot};
use crate::model::path::FilePath;

/// What an importer and an entry need stands under these.
const SECTIONS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// What is known of the file while it is taken apart.
struct File<'v> {
    importers: Map<String, Value>,
    packages: &'v Map<String, Value>,
    /// In version 9, what is said of each entry with its peers.
    snapshots: Option<&'v Map<String, Value>>,
    catalogs: Option<&'v Value>,
}

/// Takes the file apart.
pub fn read(source: &Source) -> Result<Lock, String> {
    let value = yaml(source.text)?;
    let version = text(&value, "lockfileVersion").unwrap_or_default();
    let is_new = version.starts_with("9.");
    if !is_new && !version.starts_with("6.") {
        return Err("it is not of version 6 or 9".to_owned());
    }
    let none = Map::new();
    let map = |key: &str| value.get(key).and_then(Value::as_object);
    let file = File {
        importers: map("importers").cloned().unwrap_or_else(|| only(&value)),
        packages: map("packages").unwrap_or(&none),
        snapshots: is_new.then(|| map("snapshots").unwrap_or(&none)),
        catalogs: value.get("catalogs"),
    };
    let mut lock = Lock {
        entries: file.entries(),
        for_all: for_all(&value),
        ..Lock::default()
    };
    for (path, importer) in &file.importers {
        let needs = file.importer_needs(path, importer);
        let key = importer_key(path);
        if path == "." {
            // Its tools build everything; some are packages of the workspace.
            lock.needs_for_all.clone_from(&needs);
        } else if let Some(directory) = source.at(path) {
            lock.roots.push(LockRoot {
                directory,
                says: String::new(),
                needs: vec![key.clone()],
            });
        }
        let entry = LockEntry {
            name: path.clone(),
            says: file.says(importer),
            needs,
        };
        lock.entries.insert(key, entry);
    }
    Ok(lock)
}

const IMPORTER: &str = "importer ";

fn importer_key(path: &str) -> String {
    format!("{IMPORTER}{path}")
}

/// The one importer of a file that names none.
fn only(value: &Value) -> Map<String, Value> {
    let sections = SECTIONS
        .iter()
        .filter_map(|it| Some(((*it).to_owned(), value.get(it)?.clone())));
    let importer: Map<String, Value> = sections.collect();
    [(".".to_owned(), Value::Object(importer))]
        .into_iter()
        .collect()
}

/// What stands beside packages and importers. Catalogs are said where they are used.
fn for_all(value: &Value) -> String {
    let apart = ["importers", "packages", "snapshots", "catalogs"];
    let rest = value.as_object().into_iter().flatten();
    let rest =
        rest.filter(|(key, _)| !apart.contains(&key.as_str()) && !SECTIONS.contains(&key.as_str()));
    rest.map(|(key, value)| format!("{key}: {value}\n"))
        .collect()
}

impl File<'_> {
    fn entries(&self) -> BTreeMap<String, LockEntry> {
        let all = self.snapshots.unwrap_or(self.packages);
        let entry = |(key, said): (&String, &Value)| {
            let plain = without_peers(key);
            let package = self.snapshots.and_then(|_| self.packages.get(plain));
            let package = package.map(Value::to_string).unwrap_or_default();
            let needs = ["dependencies", "optionalDependencies"].into_iter();
            let needs = needs.flat_map(|section| texts(said, section));
            let name = plain.trim_start_matches('/').rsplit_once('@');
            let entry = LockEntry {
                name: name.map_or(plain, |it| it.0).to_owned(),
                says: format!("{said} {package}"),
                needs: needs
                    .map(|(name, version)| self.found("", name, version))
                    .collect(),
            };
            (key.clone(), entry)
        };
        all.iter().map(entry).collect()
    }

    fn importer_needs(&self, path: &str, importer: &Value) -> Vec<String> {
        let sections = SECTIONS
            .iter()
            .filter_map(|it| importer.get(it)?.as_object());
        let named = sections.flatten().map(|(name, of)| {
            let version = text(of, "version").or_else(|| of.as_str());
            self.found(path, name, version.unwrap_or(UNKNOWN))
        });
        named.collect()
    }

    /// The key of what `name` is at `version`, in the importer at `path`.
    fn found(&self, path: &str, name: &str, version: &str) -> String {
        if let Some(link) = version.strip_prefix("link:") {
            let linked = resolve(&FilePath::from(path.trim_start_matches("./")), link);
            let linked = linked.map(|it| match it.is_root() {
                true => ".".to_owned(),
                false => it.display(),
            });
            let linked = linked.filter(|it| self.importers.contains_key(it));
            return linked.map_or(UNKNOWN.to_owned(), |it| importer_key(&it));
        }
        let all = self.snapshots.unwrap_or(self.packages);
        let keys = [
            format!("{name}@{version}"),
            format!("/{name}@{version}"),
            version.to_owned(),
        ];
        let found = keys.into_iter().find(|it| all.contains_key(it));
        found.unwrap_or_else(|| UNKNOWN.to_owned())
    }

    /// What is said of an importer, with what catalogs say of its dependencies.
    fn says(&self, importer: &Value) -> String {
        let mut says = importer.to_string();
        let sections = SECTIONS
            .iter()
            .filter_map(|it| importer.get(it)?.as_object());
        for (name, of) in sections.flatten() {
            let Some(catalog) = text(of, "specifier").and_then(|it| it.strip_prefix("catalog:"))
            else {
                continue;
            };
            let catalog = if catalog.is_empty() {
                "default"
            } else {
                catalog
            };
            let said = self.catalogs.and_then(|it| it.get(catalog)?.get(name));
            says.push_str(&format!(" {name}: {said:?}"));
        }
        says
    }
}

/// `name@1.0.0(peer@2.0.0)` without its peers.
fn without_peers(key: &str) -> &str {
    key.split('(').next().unwrap_or(key)
}
