//! Files of other tools: what manifests say of packages and what they need. Pure: text in, facts out; nothing here looks at
//! the disk.
//!
//! One file for each tool. Each knows its files by their names, and says plainly what stands in them, with the line.

mod cmake;
mod compose;
mod docker;
mod dotnet;
mod elixir;
mod error;
mod facts;
mod gradle;
mod helm;
mod image;
mod kubernetes;
mod kustomize;
mod link;
mod make;
mod maven;
mod mentions;
#[cfg(test)]
mod mutations;
mod php;
mod place;
mod proto;
mod ruby;
mod scripts;
mod skaffold;
mod syntax;
mod terraform;
#[cfg(test)]
mod testing;
mod tilt;

use crate::model::manifest::Manifest;
use crate::model::path::FilePath;

pub use crate::manifest::error::Error;
pub use crate::manifest::link::link;

/// A tool whose files can be read.
struct Tool {
    /// Whether a file of this name (without its directory) is one of the tool's.
    knows: fn(&str) -> bool,
    read: fn(&FilePath, &str) -> Result<Manifest, Error>,
}

/// All tools, by name. A file may be read by several.
const TOOLS: &[Tool] = &[
    Tool {
        knows: cmake::knows,
        read: cmake::read,
    },
    Tool {
        knows: compose::knows,
        read: compose::read,
    },
    Tool {
        knows: docker::knows,
        read: docker::read,
    },
    Tool {
        knows: dotnet::knows,
        read: dotnet::read,
    },
    Tool {
        knows: elixir::knows,
        read: elixir::read,
    },
    Tool {
        knows: gradle::knows,
        read: gradle::read,
    },
    Tool {
        knows: helm::knows,
        read: helm::read,
    },
    Tool {
        knows: kustomize::knows,
        read: kustomize::read,
    },
    Tool {
        knows: make::knows,
        read: make::read,
    },
    Tool {
        knows: maven::knows,
        read: maven::read,
    },
    Tool {
        knows: php::knows,
        read: php::read,
    },
    Tool {
        knows: proto::knows,
        read: proto::read,
    },
    Tool {
        knows: ruby::knows,
        read: ruby::read,
    },
    Tool {
        knows: scripts::knows,
        read: scripts::read,
    },
    Tool {
        knows: skaffold::knows,
        read: skaffold::read,
    },
    Tool {
        knows: terraform::knows,
        read: terraform::read,
    },
    Tool {
        knows: tilt::knows,
        read: tilt::read,
    },
];

/// Tools whose files have names of their own: these are asked about the whole path.
const TOOLS_BY_PATH: &[Tool] = &[Tool {
    knows: kubernetes::knows,
    read: kubernetes::read,
}];

/// Whether anything is to be learned from the file at `path`. Quick: it is asked of every file of a repository.
pub fn is_known(path: &[u8]) -> bool {
    tools(path).next().is_some()
}

/// What the file at `path` says.
///
/// # Errors
/// It is no text, or not what such a file has to be.
pub fn read(path: &FilePath, content: &[u8]) -> Result<Manifest, Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::not_text(path))?;
    // Some editors on Windows begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut manifest = Manifest {
        file: path.clone(),
        facts: Vec::new(),
    };
    for tool in tools(path.as_bytes()) {
        manifest.facts.extend((tool.read)(path, text)?.facts);
    }
    Ok(manifest)
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
