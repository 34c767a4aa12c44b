//! What lies in the directory of a service and in those around it: how parameters find their values.

use std::collections::HashSet;

use serde_json::Value;

use crate::config::preset::{LookUp, Preset};
use crate::model::path::{FilePath, ancestors};

/// The files that were looked for and are there.
#[derive(Debug, Default)]
pub struct LookedUp(pub HashSet<FilePath>);

impl LookUp {
    /// What it finds for a service at `path`, and the file that decides.
    pub fn find(&self, path: &FilePath, there: &LookedUp) -> Option<(Value, FilePath)> {
        ancestors(path.as_bytes()).find_map(|directory| {
            let mut files = self.files().map(|file| at(directory, file)).enumerate();
            let (place, file) = files.find(|(_, file)| there.0.contains(file))?;
            let value = match self {
                Self::Nearest(files) => files[place].1.clone(),
                Self::DirectoryOf(_) => Value::from(String::from_utf8_lossy(directory)),
            };
            Some((value, file))
        })
    }
}

/// Where the files of a preset's parameters may lie for a service at `path`.
pub fn places(preset: &Preset, path: &FilePath, into: &mut HashSet<FilePath>) {
    let look_ups = preset.parameters.values();
    let look_ups = look_ups.filter_map(|it| it.look_up.as_ref());
    let files: Vec<&str> = look_ups.flat_map(LookUp::files).collect();
    for directory in ancestors(path.as_bytes()) {
        into.extend(files.iter().map(|file| at(directory, file)));
    }
}

fn at(directory: &[u8], file: &str) -> FilePath {
    FilePath::from_bytes(directory).join(file.as_bytes())
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
            let there = LookedUp(there.iter().map(|path| FilePath::from(*path)).collect());
            let path = FilePath::from("a/b");
            let found = nearest.find(&path, &there).map(|it| it.0);
            assert_eq!(found, expected.map(|(value, _)| Value::from(value)));
            let found = directory.find(&path, &there).map(|it| it.0);
            assert_eq!(found, expected.map(|(_, directory)| Value::from(directory)));
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
