//! The entry of a new service in `services.toml`: made, checked with all the rest, and written.

use std::fs;
use std::io;

use crate::config::{self, Directory, Disk, EditError, FILE, Invalid, Loaded, NewService, Source};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::ops::definition;
use crate::ops::failure::Failure;
use crate::ops::new::place::Home;
use crate::scaffold::{Facts, Lock, Rendered};

/// The first lines of a new file.
const START: &str =
    "# What each service is made of, and how it is built, tested and run.\nversion = 1\n";

/// An entry, and the file that holds it.
pub struct Entry {
    /// The service's table.
    pub text: String,
    /// `services.toml` as it was, if there was one.
    before: Option<String>,
    /// All of it with the entry.
    definition: String,
}

impl Entry {
    /// The entry of a service.
    ///
    /// # Errors
    /// A `services.toml` that cannot be read, or to which nothing can be added.
    pub fn new(
        home: &Home,
        facts: &Facts,
        rendered: &Rendered,
        is_library: bool,
    ) -> Result<Self, Failure> {
        let path = home.root.join(FILE);
        let before = match home.is_first {
            true => None,
            false => Some(fs::read_to_string(&path).map_err(|cause| Failure::File {
                attempt: format!("read `{}`", path.display()),
                cause,
            })?),
        };
        let service = NewService {
            name: facts.name.clone(),
            path: facts.path.clone(),
            is_library,
            keys: with_dependencies(&rendered.entry, facts),
        };
        let start = before.as_deref().unwrap_or(START);
        let definition = config::add_service(start, &service).map_err(|error| refused(&error))?;
        let text = added(start, &definition);
        Ok(Self {
            text,
            before,
            definition,
        })
    }

    /// The workspace as it will be.
    ///
    /// # Errors
    /// It would not be valid.
    pub fn check(&self, home: &Home, facts: &Facts, template: &str) -> Result<Loaded, Failure> {
        let source = WithEntry {
            disk: Disk::new(&home.root),
            definition: &self.definition,
            path: &facts.path,
        };
        config::load(&source).map_err(|invalid| unfit(&invalid, template, &self.text))
    }
}

/// The keys of a template, and the dependencies that were asked for, unless the template has some itself.
fn with_dependencies(keys: &str, facts: &Facts) -> String {
    let has_some = keys
        .lines()
        .any(|it| it.trim_start().starts_with("depends-on"));
    if has_some || facts.depends_on.is_empty() {
        return keys.to_owned();
    }
    // Names need no escapes.
    let names: Vec<String> = facts
        .depends_on
        .iter()
        .map(|it| format!("\"{it}\""))
        .collect();
    format!("depends-on = [{}]\n{keys}", names.join(", "))
}

fn refused(error: &EditError) -> Failure {
    let cause = std::error::Error::source(error).map(|it| format!(": {it}"));
    Failure::Usage {
        message: format!("{error}{}", cause.unwrap_or_default()),
        hint: "nothing was written".to_owned(),
    }
}

/// The lines of `after` that `before` does not have, which lie together.
fn added(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let first = before.iter().zip(&after).take_while(same).count();
    let last = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(same)
        .count();
    let last = last
        .min(after.len().saturating_sub(first))
        .min(before.len().saturating_sub(first));
    let lines = &after[first..after.len() - last];
    // What follows may begin with the same words as the entry, so that its end is counted for its beginning.
    let text = lines.join("\n");
    format!("{}\n", text.trim())
}

/// What was valid before is not with the entry of the template.
fn unfit(invalid: &Invalid, template: &str, text: &str) -> Failure {
    let rows = invalid.0.rows();
    let mut messages: Vec<&str> = rows.iter().map(|it| it.message.as_str()).collect();
    messages.dedup();
    // The first ones tell enough.
    messages.truncate(3);
    Failure::Usage {
        message: format!(
            "with the entry of the template `{template}`, `services.toml` would not be valid: {}",
            messages.join("; ")
        ),
        hint: format!("nothing was written; the entry would be:\n{text}"),
    }
}

/// Puts `services.toml` with the entry in the place of the one that the entry was made for.
///
/// # Errors
/// Somebody wrote to it meanwhile, or it cannot be written.
pub fn write_definition(lock: &Lock, home: &Home, entry: &Entry) -> Result<(), Failure> {
    match &entry.before {
        Some(before) => {
            let path = home.root.join(FILE);
            definition::replace(lock, &path, before.as_bytes(), &entry.definition)
        }
        None => match definition::create(lock, &home.root, &entry.definition)? {
            true => Ok(()),
            false => Err(Failure::Stale {
                what: format!("`{FILE}` was made meanwhile"),
            }),
        },
    }
}

/// The workspace on disk, with another `services.toml` and one more directory.
struct WithEntry<'e> {
    disk: Disk,
    definition: &'e str,
    path: &'e FilePath,
}

impl Source for WithEntry<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match *path == FilePath::from(FILE) {
            true => Ok(Some(self.definition.as_bytes().to_vec())),
            false => self.disk.read(path),
        }
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        self.disk.glob(pattern)
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        match *path == FilePath::from(FILE) {
            true => Ok(Some(path.clone())),
            false => self.disk.real(path),
        }
    }

    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        self.disk.links(paths)
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<Directory> {
        let mut found = self.disk.directories(paths);
        for (path, found) in paths.iter().zip(&mut found) {
            if *path == self.path {
                *found = Directory::Present;
            }
        }
        found
    }
}
