//! Facts as they are gathered from one file.

use crate::manifest::place;
use crate::model::manifest::{Ecosystem, Fact, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

/// What was gathered so far.
pub struct Facts {
    /// The directory that the file lies in, which most is said of.
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

    /// Something of the file's own directory.
    pub fn say(&mut self, line: u32, what: What) {
        self.say_of(self.directory.clone(), line, what);
    }

    /// Something of any directory.
    pub fn say_of(&mut self, about: FilePath, line: u32, what: What) {
        self.manifest.facts.push(Fact { about, line, what });
    }

    pub fn package(&mut self, line: u32, ecosystem: Ecosystem, name: Option<String>, makes: Makes) {
        self.say(
            line,
            What::Package {
                ecosystem,
                name,
                makes,
            },
        );
    }

    /// Globs of members, in the file's own directory. Says nothing where there are none.
    pub fn gathers(&mut self, line: u32, ecosystem: Ecosystem, members: Vec<String>) {
        if !members.is_empty() {
            let excluded = Vec::new();
            self.say(
                line,
                What::Gathers {
                    ecosystem,
                    members,
                    excluded,
                },
            );
        }
    }

    pub fn offers(
        &mut self,
        line: u32,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        path: FilePath,
    ) {
        let name = name.into();
        self.say(
            line,
            What::Offers {
                ecosystem,
                name,
                path,
            },
        );
    }

    pub fn needs(&mut self, line: u32, ecosystem: Ecosystem, name: impl Into<String>, tie: Tie) {
        let name = name.into();
        self.say(
            line,
            What::Needs {
                ecosystem,
                name,
                tie,
            },
        );
    }

    /// It reads what `written` means in its directory; nothing where that lies outside of the workspace.
    pub fn reads(&mut self, line: u32, written: &str, tie: Tie) {
        if let Some(path) = place::resolve(&self.directory, written) {
            self.say(line, What::Reads { path, tie });
        }
    }

    /// All that was gathered, by line, without what was said twice in a row.
    pub fn finish(mut self) -> Manifest {
        self.manifest.facts.sort_by_key(|fact| fact.line);
        self.manifest.facts.dedup();
        self.manifest
    }
}
