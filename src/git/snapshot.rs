//! One state of the workspace as git sees it, behind a trait with two back-ends.

use crate::git::error::Error;
use crate::model::change::ObjectId;
use crate::model::path::FilePath;

/// A state of the workspace: a commit, the index, or the working tree with everything uncommitted and untracked.
///
/// All paths are relative to the workspace; what lies outside it does not exist here.
pub trait Snapshot {
    /// The paths whose content, mode or kind differs between the commit `base` (`None`: the empty tree) and this state,
    /// sorted, each once. Renames give both paths; a submodule gives its own path.
    ///
    /// # Errors
    /// An unreadable repository. Never a wrong or shorter list.
    fn changed_since(&self, base: Option<ObjectId>) -> Result<Vec<FilePath>, Error>;

    /// Every file of this state that is one of `within` or lies below one of them, sorted by path.
    ///
    /// # Errors
    /// An unreadable repository or file.
    fn files(&self, within: &[FilePath]) -> Result<Files, Error>;

    /// The tracked files that are in the working tree just as the index has them. Cheap, since no content is looked at; where
    /// it would not be, and for other states, there are none.
    ///
    /// # Errors
    /// An unreadable repository.
    fn clean_files(&self) -> Result<Files, Error> {
        Ok(Files::default())
    }

    /// The files that are there and that git takes as the index has them without looking, as it was told to
    /// (`--assume-unchanged`, `--skip-worktree`): what [`Snapshot::files`] says of their content may be wrong.
    ///
    /// # Errors
    /// An unreadable repository.
    fn promised(&self) -> Result<Vec<FilePath>, Error> {
        Ok(Vec::new())
    }

    /// The content of the file at `path`, or `None` where there is no file. Of a symlink it is the target; in the working
    /// tree ignored files are read as well. Nothing is found behind a symlink to a directory.
    ///
    /// # Errors
    /// An unreadable repository or file.
    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error>;
}

/// Files of a state, sorted by path, each path once.
#[derive(Clone, Debug, Default)]
pub struct Files {
    paths: Vec<u8>,
    entries: Vec<Packed>,
}

#[derive(Clone, Copy, Debug)]
struct Packed {
    end: usize,
    mode: u32,
    content: ObjectId,
    stamp: Option<Stamp>,
    is_tracked: bool,
}

/// One file of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    pub path: &'a [u8],
    /// As in a git tree: 0o100644, 0o100755, 0o120000 (symlink) or 0o160000 (submodule).
    pub mode: u32,
    /// The id of the content as git would store it; for a submodule the commit that is checked out, or with uncommitted
    /// work in it an id made of both.
    pub content: ObjectId,
    /// What the file system says of it, in the working tree.
    pub stamp: Option<Stamp>,
    /// Whether it is in the commit or the index; else it is untracked and not ignored.
    pub is_tracked: bool,
}

/// What the file system says of a file: enough to see that it was written meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stamp {
    pub size: u64,
    pub modified_ns: i128,
    pub changed_ns: i128,
    pub inode: u64,
}

impl Files {
    /// Appends a file. Files must be appended in the order of their paths.
    pub fn push(&mut self, file: File<'_>) {
        self.paths.extend_from_slice(file.path);
        self.entries.push(Packed {
            end: self.paths.len(),
            mode: file.mode,
            content: file.content,
            stamp: file.stamp,
            is_tracked: file.is_tracked,
        });
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All files, in order.
    pub fn iter(&self) -> impl Iterator<Item = File<'_>> {
        (0..self.entries.len()).map(|at| self.at(at))
    }

    /// The file at `path`.
    pub fn find(&self, path: &[u8]) -> Option<File<'_>> {
        let at = self.first_from(path);
        let file = (at < self.entries.len()).then(|| self.at(at))?;
        (file.path == path).then_some(file)
    }

    /// The file named `within` and the files below it, in order.
    pub fn within<'a>(&'a self, within: &'a [u8]) -> impl Iterator<Item = File<'a>> {
        let start = self.first_from(within);
        (start..self.entries.len())
            .map(|at| self.at(at))
            .take_while(move |file| file.path.starts_with(within))
            .filter(move |file| crate::model::path::is_within(file.path, within))
    }

    /// What lies directly in a directory: files, and directories that hold some.
    pub fn entries<'a>(&'a self, directory: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        let inside = match directory.is_empty() {
            true => Vec::new(),
            false => [directory, b"/"].concat(),
        };
        let mut next = self.first_from(&inside);
        std::iter::from_fn(move || {
            if next >= self.entries.len() {
                return None;
            }
            let path = self.at(next).path;
            let rest = path.strip_prefix(&inside[..])?;
            let Some(slash) = rest.iter().position(|it| *it == b'/') else {
                next += 1;
                return Some(path);
            };
            let entry = &path[..inside.len() + slash];
            // The first path behind all that begin with the directory and a slash.
            next = self.first_from(&[entry, b"0"].concat());
            Some(entry)
        })
    }

    /// These files as text, after the names of all that `changed`: what uncommitted work is told apart by.
    pub(crate) fn describe(&self, changed: &[FilePath]) -> Vec<u8> {
        let mut work = Vec::new();
        for path in changed {
            work.extend_from_slice(path.as_bytes());
            work.push(0);
        }
        for file in self.iter() {
            work.extend_from_slice(file.path);
            work.extend_from_slice(format!("\0{:o} {}\n", file.mode, file.content).as_bytes());
        }
        work
    }

    /// The place of the first file whose path is not less than `path`.
    fn first_from(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).path < path {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    fn at(&self, at: usize) -> File<'_> {
        let start = at
            .checked_sub(1)
            .map_or(0, |before| self.entries[before].end);
        let entry = &self.entries[at];
        File {
            path: &self.paths[start..entry.end],
            mode: entry.mode,
            content: entry.content,
            stamp: entry.stamp,
            is_tracked: entry.is_tracked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_below_a_directory() {
        let content = ObjectId::from_bytes(&[1; 20]).unwrap();
        let mut files = Files::default();
        for path in ["a", "b-c", "b/x", "b/y/z", "bc"] {
            files.push(File {
                path: path.as_bytes(),
                mode: 0o100644,
                content,
                stamp: None,
                is_tracked: true,
            });
        }
        let within = |directory: &str| -> Vec<String> {
            let found = files.within(directory.as_bytes());
            found
                .map(|file| String::from_utf8_lossy(file.path).into_owned())
                .collect()
        };
        assert_eq!(within("b"), ["b/x", "b/y/z"]);
        assert_eq!(within("bc"), ["bc"]);
        assert_eq!(within("").len(), 5);
        assert_eq!(within("c").len(), 0);
    }
}
