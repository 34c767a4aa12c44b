//! Whether git might store a file's content otherwise than it lies in the working tree: a guess on the safe side.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::git::error::Error;
use crate::git::native::index::Index;
use crate::git::native::scope::{Scope, Settings};
use crate::model::path::ancestors;

/// Words of attributes that change content. A macro that sets one of them names it, too.
const WORDS: [&[u8]; 6] = [b"text", b"crlf", b"eol", b"filter", b"ident", b"encoding"];

/// What the attribute files of a repository make possible.
pub struct Filters {
    everywhere: bool,
    directories: Mutex<HashMap<Vec<u8>, bool>>,
}

impl Filters {
    /// Reads what holds for the whole repository.
    ///
    /// # Errors
    /// An attribute file that is there but cannot be read.
    pub fn of_repository(scope: &Scope, settings: &Settings) -> Result<Self, Error> {
        let own = scope.common_dir.join("info/attributes");
        let system = Path::new("/etc/gitattributes");
        let users = settings.attributes_file.as_deref();
        let mut everywhere = settings.may_convert;
        for file in [Some(own.as_path()), Some(system), users]
            .into_iter()
            .flatten()
        {
            everywhere = everywhere || read(file)?.unwrap_or(false);
        }
        Ok(Self {
            everywhere,
            directories: Mutex::default(),
        })
    }

    /// Whether the content of the file at `path`, counted from the root of the repository, might be changed.
    ///
    /// # Errors
    /// An attribute file that is there but cannot be read.
    pub fn may_change(&self, path: &[u8], scope: &Scope, index: &Index) -> Result<bool, Error> {
        if self.everywhere {
            return Ok(true);
        }
        let mut directories = self
            .directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for directory in ancestors(path).skip(1) {
            let known = directories.get(directory).copied();
            let may_change = match known {
                Some(known) => known,
                None => in_directory(directory, scope, index)?,
            };
            directories.insert(directory.to_owned(), may_change);
            if may_change {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn in_directory(directory: &[u8], scope: &Scope, index: &Index) -> Result<bool, Error> {
    let path = match directory.is_empty() {
        true => b".gitattributes".to_vec(),
        false => [directory, b"/.gitattributes"].concat(),
    };
    // Git takes the file from the index where the working tree lacks it.
    let in_index = || !index.find(&path).is_empty();
    Ok(read(&scope.rooted(&path))?.unwrap_or_else(in_index))
}

/// Whether an attribute file speaks of content; none if there is no such file.
fn read(path: &Path) -> Result<Option<bool>, Error> {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    match std::fs::read(path) {
        Ok(content) => Ok(Some(mentions(&content))),
        Err(cause) if matches!(cause.kind(), NotFound | NotADirectory | IsADirectory) => Ok(None),
        Err(cause) => Err(Error::File {
            attempt: format!("read the attributes in {}", path.display()),
            cause,
        }),
    }
}

fn mentions(content: &[u8]) -> bool {
    let holds = |word: &[u8]| content.windows(word.len()).any(|part| part == word);
    WORDS.iter().any(|word| holds(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_change_content_are_noticed() {
        assert!(mentions(b"* text=auto\n"));
        assert!(mentions(b"*.bin filter=lfs diff=lfs merge=lfs -text\n"));
        assert!(mentions(b"*.txt working-tree-encoding=UTF-16\n"));
        assert!(mentions(b"*.c ident\n"));
        assert!(!mentions(b"*.lock linguist-generated -diff\n"));
        assert!(!mentions(b""));
    }
}
