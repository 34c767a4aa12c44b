//! What lies in the directory of a service and in those around it: how parameters find their values.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::config::preset::{LookUp, Preset};
use crate::model::path::{FilePath, ancestors};

/// The files that were looked for and are there, by the directories that they were looked for in.
#[derive(Debug, Default)]
pub struct LookedUp(HashMap<FilePath, Vec<String>>);

/// Where files of presets may lie. What is above one service is above many, and is noted once.
#[derive(Default)]
pub struct Wanted<'p> {
    /// By the names of the presets.
    around: HashMap<&'p str, Around<'p>>,
    /// The files, and the directories in front of their names.
    places: Vec<(FilePath, &'p str)>,
}

/// The files that one preset looks for, and the directories where that is noted.
struct Around<'p> {
    files: HashSet<&'p str>,
    seen: HashSet<FilePath>,
}

impl<'p> Wanted<'p> {
    /// Notes where the files of a preset's parameters may lie for a service at `path`.
    pub fn add(&mut self, preset: &'p Preset, path: &FilePath) {
        let around = self.around.entry(&preset.name).or_insert_with(|| {
            let look_ups = preset.parameters.values();
            let look_ups = look_ups.filter_map(|it| it.look_up.as_ref());
            Around {
                files: look_ups.flat_map(LookUp::files).collect(),
                seen: HashSet::new(),
            }
        });
        for directory in ancestors(path.as_bytes()) {
            if around.seen.contains(directory) {
                return;
            }
            let directory = FilePath::from_bytes(directory);
            let places = around.files.iter().map(|file| (directory.clone(), *file));
            self.places.extend(places);
            around.seen.insert(directory);
        }
    }

    /// The paths to look at.
    pub fn paths(&self) -> Vec<FilePath> {
        let places = self.places.iter();
        places.map(|(at, file)| at.join(file.as_bytes())).collect()
    }

    /// What is there, given whether each of those paths is.
    pub fn found(self, present: Vec<bool>) -> LookedUp {
        let mut there: HashMap<FilePath, Vec<String>> = HashMap::new();
        for ((directory, file), is_present) in self.places.into_iter().zip(present) {
            if is_present {
                there.entry(directory).or_default().push(file.to_owned());
            }
        }
        LookedUp(there)
    }
}

impl LookUp {
    /// What it finds for a service at `path`.
    pub fn value(&self, path: &FilePath, there: &LookedUp) -> Option<Value> {
        let (place, directory) = self.nearest(path, there)?;
        Some(match self {
            Self::Nearest(files) => files[place].1.clone(),
            Self::DirectoryOf(_) => Value::from(String::from_utf8_lossy(directory)),
        })
    }

    /// The file that decides on that.
    pub fn file(&self, path: &FilePath, there: &LookedUp) -> Option<FilePath> {
        let (place, directory) = self.nearest(path, there)?;
        let file = self.files().nth(place)?;
        Some(FilePath::from_bytes(directory).join(file.as_bytes()))
    }

    /// Which of its files decides, and where it lies.
    fn nearest<'a>(&self, path: &'a FilePath, there: &LookedUp) -> Option<(usize, &'a [u8])> {
        ancestors(path.as_bytes()).find_map(|directory| {
            let there = there.0.get(directory)?;
            let place = self
                .files()
                .position(|file| there.iter().any(|it| it == file))?;
            Some((place, directory))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_directory_decides_and_within_it_the_first_file() {
        let nearest = LookUp::Nearest(vec![
            ("pnpm-lock.yaml".into(), "pnpm".into()),
            ("yarn.lock".into(), "yarn".into()),
        ]);
        let directory = LookUp::DirectoryOf(vec!["pnpm-lock.yaml".into(), "yarn.lock".into()]);
        let check = |there: &[&str], expected: Option<(&str, &str)>| {
            let mut found: HashMap<FilePath, Vec<String>> = HashMap::new();
            for path in there {
                let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
                let files = found.entry(FilePath::from(directory)).or_default();
                files.push(file.to_owned());
            }
            let there = LookedUp(found);
            let path = FilePath::from("a/b");
            let found = nearest.value(&path, &there);
            assert_eq!(found, expected.map(|(value, _)| Value::from(value)));
            let found = directory.value(&path, &there);
            assert_eq!(found, expected.map(|(_, directory)| Value::from(directory)));
            let found = nearest.file(&path, &there).map(|it| it.display());
            let decides = |(value, directory): (&str, &str)| {
                let file = if value == "pnpm" {
                    "pnpm-lock.yaml"
                } else {
                    "yarn.lock"
                };
                FilePath::from(directory).join(file.as_bytes()).display()
            };
            assert_eq!(found, expected.map(decides));
        };
        check(&[], None);
        check(&["yarn.lock"], Some(("yarn", "")));
        check(&["yarn.lock", "pnpm-lock.yaml"], Some(("pnpm", "")));
        check(&["a/yarn.lock", "pnpm-lock.yaml"], Some(("yarn", "a")));
        check(
            &["a/b/yarn.lock", "a/pnpm-lock.yaml"],
            Some(("yarn", "a/b")),
        );
        check(&["a/b/c/yarn.lock", "ab/yarn.lock"], None);
    }
}
