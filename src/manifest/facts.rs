//! Facts as they are gathered from one file.

use crate::manifest::place;
use crate::model::manifest::{Ecosystem, Fact, Makes, Manifest, Tie, What};
use crate::model::path::{FilePath, is_within};

/// What was gathered so far.
pub struct Facts {
    /// The directory that most is said of: that of the file, unless something else is set.
    pub directory: FilePath,
    manifest: Manifest,
}

impl Facts {
    /// Nothing yet, from this file.
    pub fn of(file: &FilePath) -> Self {
        Self {
            directory: place::directory(file),
            manifest: Manifest {
                file: file.clone(),
                facts: Vec::new(),
            },
        }
    }

    /// Something of the directory.
    pub fn say(&mut self, line: u32, what: What) {
        self.say_of(self.directory.clone(), line, what);
    }

    /// Something of any directory.
    pub fn say_of(&mut self, about: FilePath, line: u32, what: What) {
        self.manifest.facts.push(Fact { about, line, what });
    }

    /// The directory is a package.
    pub fn package(&mut self, line: u32, ecosystem: Ecosystem, name: Option<&str>, makes: Makes) {
        let name = name.filter(|it| !it.is_empty()).map(str::to_owned);
        let what = What::Package {
            ecosystem,
            name,
            makes,
        };
        self.say(line, what);
    }

    /// Globs of members, in the directory. Says nothing where there are none.
    pub fn gathers(&mut self, line: u32, ecosystem: Ecosystem, members: Vec<String>) {
        if members.is_empty() {
            return;
        }
        let what = What::Gathers {
            ecosystem,
            members,
            excluded: Vec::new(),
        };
        self.say(line, what);
    }

    /// `name` stands for what lies at `path`.
    pub fn offers(
        &mut self,
        line: u32,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        path: FilePath,
    ) {
        let what = What::Offers {
            ecosystem,
            name: name.into(),
            path,
        };
        self.say(line, what);
    }

    /// `name` stands for what lies at `written`, if that is in the workspace.
    pub fn offers_at(&mut self, line: u32, ecosystem: Ecosystem, name: &str, written: &str) {
        if let Some(path) = place::resolve(&self.directory, written) {
            self.offers(line, ecosystem, name, path);
        }
    }

    /// It needs what `name` stands for.
    pub fn needs(&mut self, line: u32, ecosystem: Ecosystem, name: impl Into<String>, tie: Tie) {
        let name = name.into();
        if name.is_empty() {
            return;
        }
        let what = What::Needs {
            ecosystem,
            name,
            tie,
        };
        self.say(line, what);
    }

    /// It reads what lies at `written`, if that is in the workspace and not the directory itself.
    pub fn reads(&mut self, line: u32, written: &str, tie: Tie) {
        match place::resolve(&self.directory, written) {
            Some(path) if path != self.directory => self.say(line, What::Reads { path, tie }),
            _ => {}
        }
    }

    /// It reads what lies at `written`, if that is in the workspace and not below the directory.
    pub fn reads_outside(&mut self, line: u32, written: &str, tie: Tie) {
        match place::resolve(&self.directory, written) {
            Some(path) if !is_within(path.as_bytes(), self.directory.as_bytes()) => {
                self.say(line, What::Reads { path, tie });
            }
            _ => {}
        }
    }

    /// All that was gathered, by line, without what was said twice in a row.
    pub fn finish(mut self) -> Manifest {
        self.manifest.facts.sort_by_key(|fact| fact.line);
        self.manifest.facts.dedup();
        self.manifest
    }
}
