//! What a person gets for good and bad files.

mod bad;
mod good;
mod hostile;
mod keys;
mod outputs;
mod presets;
mod targets;

use std::collections::BTreeMap;
use std::io;

use crate::config::source::Directory;
use crate::config::{Colour, Loaded, Severity, Source, load, render};
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;

/// Files that exist only in a test.
#[derive(Default)]
pub struct Memory {
    files: BTreeMap<FilePath, Vec<u8>>,
    directories: Vec<(FilePath, Directory)>,
    links: Vec<FilePath>,
}

impl Memory {
    pub fn new(services: &str) -> Self {
        Self::default().with("services.toml", services)
    }

    pub fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.files
            .insert(FilePath::from(path), text.as_ref().to_vec());
        self
    }

    pub fn directory(mut self, path: &str, directory: Directory) -> Self {
        self.directories.push((FilePath::from(path), directory));
        self
    }

    pub fn link(mut self, path: &str) -> Self {
        self.links.push(FilePath::from(path));
        self
    }
}

impl Source for Memory {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        let paths = self.files.keys();
        let paths = paths.filter(|path| pattern.matches(path.as_bytes()));
        Ok(paths.cloned().collect())
    }

    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        let find = |path: &&FilePath| {
            let mut links = self.links.iter();
            let found = links.find(|it| is_within(path.as_bytes(), it.as_bytes()));
            found.cloned()
        };
        paths.iter().map(find).collect()
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<Directory> {
        let find = |path: &FilePath| self.directories.iter().find(|(it, _)| it == path);
        let at = |path: &&FilePath| find(path).map_or(Directory::Present, |(_, it)| *it);
        paths.iter().map(at).collect()
    }
}

/// Loads what has to be valid.
pub fn valid(source: &Memory) -> Loaded {
    match load(source) {
        Ok(loaded) => loaded,
        Err(invalid) => panic!("{}", render(&invalid.0, Severity::Error, Colour::Off)),
    }
}

/// What a person sees of a workspace that is not valid.
pub fn problems(source: &Memory) -> String {
    match load(source) {
        Ok(_) => "no problem".into(),
        Err(invalid) => render(&invalid.0, Severity::Error, Colour::Off),
    }
}
