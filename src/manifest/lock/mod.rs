//! Lock files: which entries each package needs. One file for each format.
//!
//! Where a format does not tell something for sure, more is taken, never less. `go.sum` is not among them: its entries do not
//! say who needs them.

mod cargo;
mod npm;
mod pnpm;
mod poetry;
mod uv;
mod value;
mod yarn;

use std::collections::BTreeMap;

use crate::manifest::error::Error;
use crate::manifest::place::{directory, resolve};
use crate::model::lock_file::{Lock, LockEntry};
use crate::model::path::{FilePath, ancestors};

/// A key that is in no lock file: who needs it needs what is not known.
const UNKNOWN: &str = "\0";

/// A format.
struct Format {
    file: &'static str,
    /// The file that tells which entries a package begins with, where the lock file does not.
    manifest: Option<&'static str>,
    read: fn(&Source) -> Result<Lock, String>,
}

const FORMATS: &[Format] = &[
    Format {
        file: "Cargo.lock",
        manifest: Some("Cargo.toml"),
        read: cargo::read,
    },
    Format {
        file: "package-lock.json",
        manifest: None,
        read: npm::read,
    },
    Format {
        file: "npm-shrinkwrap.json",
        manifest: None,
        read: npm::read,
    },
    Format {
        file: "pnpm-lock.yaml",
        manifest: None,
        read: pnpm::read,
    },
    Format {
        file: "yarn.lock",
        manifest: Some("package.json"),
        read: yarn::read,
    },
    Format {
        file: "uv.lock",
        manifest: None,
        read: uv::read,
    },
    Format {
        file: "poetry.lock",
        manifest: Some("pyproject.toml"),
        read: poetry::read,
    },
];

/// A lock file to be read.
struct Source<'t> {
    directory: FilePath,
    text: &'t str,
    /// The manifests of packages, by their directories.
    manifests: &'t BTreeMap<FilePath, String>,
}

impl Source<'_> {
    /// The directory that is written as this path, relative to the lock file's own.
    fn at(&self, written: &str) -> Option<FilePath> {
        resolve(&self.directory, written)
    }

    /// The manifests of the packages below, save that of the outermost one.
    fn members(&self) -> impl Iterator<Item = (&FilePath, &str)> {
        let all = self.manifests.iter();
        let members = all.filter(|(directory, _)| **directory != self.directory);
        members.map(|(directory, text)| (directory, text.as_str()))
    }

    /// Whether a package lies within another, save the outermost one.
    fn is_inner(&self, directory: &FilePath) -> bool {
        let above = ancestors(directory.as_bytes())
            .skip(1)
            .map(FilePath::from_bytes);
        let mut above = above.filter(|it| *it != self.directory);
        above.any(|it| self.manifests.contains_key(&it))
    }

    /// The manifest of the outermost package.
    fn outermost(&self) -> Option<&str> {
        self.manifests.get(&self.directory).map(String::as_str)
    }
}

/// The name of the manifests that [`read_lock`] wants to see for the lock file at `path`: that of the outermost package, and
/// of others.
pub fn manifest_of(path: &FilePath) -> Option<&'static str> {
    format(path)?.manifest
}

/// Whether a lock file of some format may want to see the file at `path`.
pub fn is_lock_manifest(path: &FilePath) -> bool {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    let mut manifests = FORMATS.iter().filter_map(|it| it.manifest);
    manifests.any(|it| Some(it.as_bytes()) == name)
}

/// Takes the lock file at `path` apart. `manifests` are those of packages, by directory.
///
/// # Errors
/// It is damaged, or of a format that is not known.
pub fn read_lock(
    path: &FilePath,
    content: &[u8],
    manifests: &BTreeMap<FilePath, String>,
) -> Result<Lock, Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::not_text(path))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source {
        directory: directory(path),
        text,
        manifests,
    };
    let read = match format(path) {
        Some(format) => (format.read)(&source),
        None => Err("it is no lock file whose parts can be told".to_owned()),
    };
    read.map_err(|reason| Error {
        file: path.clone(),
        line: None,
        reason,
    })
}

fn format(path: &FilePath) -> Option<&'static Format> {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next()?;
    FORMATS.iter().find(|it| it.file.as_bytes() == name)
}

/// Adds an entry under a key that may be there already: such entries count together.
fn add(entries: &mut BTreeMap<String, LockEntry>, key: String, entry: LockEntry) {
    match entries.get_mut(&key) {
        None => _ = entries.insert(key, entry),
        Some(known) => {
            known.says.push_str(&entry.says);
            known.needs.extend(entry.needs);
        }
    }
}

#[cfg(test)]
mod tests;
