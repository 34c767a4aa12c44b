//! Files of other tools: what manifests say of packages and what they need. Pure: text in, facts out; nothing here looks at
//! the disk.
//!
//! One file for each tool. Each knows its files by their names, and says plainly what stands in them, with the line.

mod attributes;
mod cargo;
mod cmake;
mod compose;
mod docker;
mod dotnet;
mod elixir;
mod error;
mod facts;
mod foreign;
mod go;
mod gradle;
mod helm;
#[cfg(test)]
mod hostile;
mod image;
mod kubernetes;
mod kustomize;
mod link;
mod lock;
mod make;
mod maven;
mod mentions;
mod names;
mod npm;
mod php;
mod place;
mod proto;
mod python;
mod ruby;
mod scripts;
mod skaffold;
mod started;
mod syntax;
mod terraform;
#[cfg(test)]
mod testing;
mod tilt;
mod variables;
mod versions;

use crate::model::manifest::Manifest;
use crate::model::path::FilePath;

pub use crate::manifest::error::Error;
pub use crate::manifest::link::link;
pub use crate::manifest::lock::{is_lock_manifest, manifest_of, read_lock};

/// A tool whose files can be read.
struct Tool {
    /// Whether a file of this name (without its directory) is one of the tool's.
    knows: fn(&str) -> bool,
    read: fn(&FilePath, &str) -> Result<Manifest, Error>,
}

/// All tools, by name. A file may be read by several.
const TOOLS: &[Tool] = &[
    attributes::TOOL,
    cargo::TOOL,
    cmake::TOOL,
    compose::TOOL,
    docker::TOOL,
    dotnet::TOOL,
    elixir::TOOL,
    foreign::moon::TOOL,
    foreign::nx::TOOL,
    foreign::nx_project::TOOL,
    foreign::turbo::TOOL,
    go::TOOL,
    gradle::TOOL,
    helm::TOOL,
    kustomize::TOOL,
    make::TOOL,
    maven::TOOL,
    npm::bundler::TOOL,
    npm::package::TOOL,
    npm::typescript::TOOL,
    npm::workspace::TOOL,
    php::TOOL,
    proto::TOOL,
    python::project::TOOL,
    python::requirements::TOOL,
    python::setup::TOOL,
    ruby::TOOL,
    scripts::TOOL,
    skaffold::TOOL,
    terraform::TOOL,
    tilt::TOOL,
    versions::TOOL,
];

/// Tools whose files have names of their own: these are asked about the whole path.
const TOOLS_BY_PATH: &[Tool] = &[kubernetes::TOOL];

/// Whether anything is to be learned from the file at `path`. Quick: it is asked of every file of a repository.
pub fn is_known(path: &[u8]) -> bool {
    let may_be = names::may_be_known(path);
    debug_assert!(may_be || tools(path).next().is_none());
    may_be && tools(path).next().is_some()
}

/// The file that has the values of variables in the file at `path`, where its tool looks for one.
pub fn variables_of(path: &FilePath) -> Option<FilePath> {
    let is_one = (compose::TOOL.knows)(place::name(path));
    is_one.then(|| place::directory(path).join(b".env"))
}

/// What the file at `path` says.
///
/// # Errors
/// It is no text, or not what such a file has to be.
pub fn read(path: &FilePath, content: &[u8]) -> Result<Manifest, Error> {
    read_with(path, content, &[])
}

/// The same with the content of [`variables_of`] the file.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: &FilePath, content: &[u8], variables: &[u8]) -> Result<Manifest, Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::not_text(path))?;
    // Some editors on Windows begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = variables::put_in(text, variables);
    let text = text.as_ref();
    let mut manifest = Manifest {
        file: path.clone(),
        facts: Vec::new(),
    };
    for tool in tools(path.as_bytes()) {
        manifest.facts.extend((tool.read)(path, text)?.facts);
    }
    Ok(manifest)
}

/// For which module the tests in the file at `path` are written.
///
/// # Errors
/// It is no text.
pub fn read_tests(path: &FilePath, content: &[u8]) -> Result<Manifest, Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::not_text(path))?;
    Ok(python::cases::read(path, text))
}

/// Those that know the file at `path`.
fn tools(path: &[u8]) -> impl Iterator<Item = &'static Tool> {
    // What is no text is the name of no tool's file.
    let start = path.iter().rposition(|byte| *byte == b'/');
    let name = std::str::from_utf8(&path[start.map_or(0, |it| it + 1)..]).unwrap_or_default();
    let whole = std::str::from_utf8(path).unwrap_or_default();
    let by_name = TOOLS.iter().filter(move |it| (it.knows)(name));
    by_name.chain(TOOLS_BY_PATH.iter().filter(move |it| (it.knows)(whole)))
}
