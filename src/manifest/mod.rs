//! Files of other tools: what manifests say of packages and what they need. Pure: text in, facts out; nothing here looks at
//! the disk.
//!
//! One file for each tool. Each knows its files by their names, and says plainly what stands in them, with the line.

mod compose;
mod docker;
mod dotnet;
mod error;
mod facts;
mod gradle;
mod helm;
mod image;
mod kubernetes;
mod kustomize;
mod link;
mod maven;
mod place;
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
        knows: maven::knows,
        read: maven::read,
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

/// Whether anything is to be learned from the file at `path`. Quick: it is asked of every file of a repository.
pub fn is_known(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    std::str::from_utf8(name).is_ok_and(|name| TOOLS.iter().any(|tool| (tool.knows)(name)))
}

/// What the file at `path` says.
///
/// # Errors
/// It is no text, or not what such a file has to be.
pub fn read(path: &FilePath, content: &[u8]) -> Result<Manifest, Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::not_text(path))?;
    // Some editors on Windows begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    let name = std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default();
    let mut manifest = Manifest {
        file: path.clone(),
        facts: Vec::new(),
    };
    for tool in TOOLS.iter().filter(|tool| (tool.knows)(name)) {
        manifest.facts.extend((tool.read)(path, text)?.facts);
    }
    Ok(manifest)
}
