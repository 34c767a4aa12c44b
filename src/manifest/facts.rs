//! What a reader has found in one file so far.

use crate::manifest::place::{directory, resolve};
use crate::model::manifest::{Ecosystem, Fact, Makes, Manifest, Tie, What};
use crate::model::path::{FilePath, is_within};

/// Facts of one file, in the order they were found.
pub struct Facts {
    home: FilePath,
    manifest: Manifest,
}

impl Facts {
    /// Nothing yet.
    pub fn of(file: &FilePath) -> Self {
        Self {
            home: directory(file),
            manifest: Manifest {
                file: file.clone(),
                facts: Vec::new(),
            },
        }
    }

    /// The directory that the file lies in.
    pub fn home(&self) -> &FilePath {
        &self.home
    }

    /// Lets facts be about another directory than that of the file from here on.
    pub fn move_to(&mut self, home: FilePath) {
        self.home = home;
    }

    /// Something about the file's directory.
    pub fn say(&mut self, line: u32, what: What) {
        let about = self.home.clone();
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

    /// It needs what `name` stands for.
    pub fn needs(&mut self, line: u32, ecosystem: Ecosystem, name: &str, tie: Tie) {
        if name.is_empty() {
            return;
        }
        let name = name.to_owned();
        let what = What::Needs {
            ecosystem,
            name,
            tie,
        };
        self.say(line, what);
    }

    /// `name` stands for the directory `written`, if that is in the workspace.
    pub fn offers(&mut self, line: u32, ecosystem: Ecosystem, name: &str, written: &str) {
        let Some(path) = resolve(&self.home, written) else {
            return;
        };
        let name = name.to_owned();
        let what = What::Offers {
            ecosystem,
            name,
            path,
        };
        self.say(line, what);
    }

    /// It reads what lies at `written`, if that is in the workspace and not the directory itself.
    pub fn reads(&mut self, line: u32, written: &str, tie: Tie) {
        match resolve(&self.home, written) {
            Some(path) if path != self.home => self.say(line, What::Reads { path, tie }),
            _ => {}
        }
    }

    /// It reads what lies at `written`, if that is in the workspace and not below the directory.
    pub fn reads_outside(&mut self, line: u32, written: &str, tie: Tie) {
        match resolve(&self.home, written) {
            Some(path) if !is_within(path.as_bytes(), self.home.as_bytes()) => {
                self.say(line, What::Reads { path, tie });
            }
            _ => {}
        }
    }

    /// What was found.
    pub fn done(self) -> Manifest {
        self.manifest
    }
}
