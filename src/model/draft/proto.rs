//! Directories of protobuf files that belong to no service, and that services read: libraries of their own.

use std::collections::BTreeMap;

use crate::model::draft::Found;
use crate::model::draft::copies::copied;
use crate::model::draft::files::split;
use crate::model::draft::leave_out::by_name;
use crate::model::draft::place::{Kept, Place, by_file};
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::manifest::What;
use crate::model::path::{FilePath, ancestors, is_within};

const PRESET: &str = "proto";

/// Adds them to `kept`.
pub fn libraries(found: &Found, kept: &mut Vec<Place>) {
    let places = Kept::new(std::mem::take(kept));
    let mut directories: BTreeMap<FilePath, FilePath> = BTreeMap::new();
    for path in found.files.iter().filter(|it| it.ends_with(b".proto")) {
        let (directory, _) = split(path);
        if directory.is_empty() || places.owner(path).is_some() || by_name(directory).is_some() {
            continue;
        }
        let top = top(&places, directory);
        directories
            .entry(top)
            .or_insert_with(|| FilePath::from_bytes(path));
    }
    let read = match directories.is_empty() {
        true => Vec::new(),
        false => read(found, &places),
    };
    let is_known = found.presets.iter().any(|it| it.name == PRESET);
    *kept = places.places;
    for (path, first) in directories {
        let is_read = |it: &FilePath| {
            let (read, own) = (it.as_bytes(), path.as_bytes());
            is_within(read, own) || !read.is_empty() && is_within(own, read)
        };
        if read.iter().any(is_read) {
            kept.push(Place {
                path,
                packages: Vec::new(),
                has_image: false,
                runs: false,
                preset: Some(PRESET.to_owned()).filter(|_| is_known),
                evidence: vec![by_file(&first)],
            });
        }
    }
    kept.sort_by(|left, right| left.path.cmp(&right.path));
}

/// The highest directory around that holds no service.
fn top(places: &Kept, directory: &[u8]) -> FilePath {
    let free = |it: &&[u8]| !it.is_empty() && places.below(it).is_empty();
    let top = ancestors(directory).take_while(free).last();
    FilePath::from_bytes(top.unwrap_or(directory))
}

/// What services read.
fn read(found: &Found, places: &Kept) -> Vec<FilePath> {
    let names = Names::new(found);
    let mut read = Vec::new();
    for manifest in &found.manifests {
        for fact in manifest
            .facts
            .iter()
            .filter(|it| places.owner(it.about.as_bytes()).is_some())
        {
            match &fact.what {
                What::Reads { path, .. } => read.push(path.clone()),
                What::Needs {
                    ecosystem, name, ..
                } => read.extend(names.find(Wanted {
                    ecosystem: *ecosystem,
                    name,
                    from: &fact.about,
                    file: &manifest.file,
                })),
                _ => {}
            }
        }
    }
    read.extend(
        copied(found)
            .into_iter()
            .filter(|it| places.owner(it.by.as_bytes()).is_some())
            .map(|it| it.path),
    );
    read.sort();
    read.dedup();
    read
}
