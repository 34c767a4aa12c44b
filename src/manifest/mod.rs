//! Files of other tools: what manifests say of packages and what they need. Pure: text in, facts out; nothing here looks at
//! the disk.
//!
//! One file for each tool. Each knows its files by their names, and says plainly what stands in them, with the line.

mod error;
mod lock;
mod place;

use crate::model::manifest::Manifest;
use crate::model::path::FilePath;

pub use crate::manifest::error::Error;
pub use crate::manifest::lock::{manifest_of, read_lock};

/// A tool whose files can be read.
struct Tool {
    /// Whether a file of this name (without its directory) is one of the tool's.
    knows: fn(&str) -> bool,
    read: fn(&FilePath, &str) -> Result<Manifest, Error>,
}

/// All tools. A file may be read by several.
const TOOLS: &[Tool] = &[];

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
