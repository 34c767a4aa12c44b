//! Files as they are on disk, and what git would store of them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::git::error::Error;
use crate::git::nested::identity;
use crate::git::reader::Reader;
use crate::git::snapshot::Stamp;
use crate::model::change::ObjectId;
use crate::model::path::{FilePath, ancestors};

/// The directory of the workspace.
pub struct Disk<'a> {
    reader: &'a Reader,
    directory: PathBuf,
    scope: &'a FilePath,
    /// `core.fileMode`, once it was asked for.
    modes: OnceCell<bool>,
    /// `core.symlinks`, once it was asked for.
    links: OnceCell<bool>,
}

/// The modes that the index has.
pub type Recorded = BTreeMap<Vec<u8>, u32>;

/// A file of some state.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub mode: u32,
    pub content: ObjectId,
    pub stamp: Option<Stamp>,
}

/// How often reading starts anew when files vanish meanwhile.
const TRIES: u32 = 5;

impl<'a> Disk<'a> {
    /// The files below `directory`, which is `scope` of the work tree.
    pub fn new(reader: &'a Reader, directory: PathBuf, scope: &'a FilePath) -> Self {
        Self {
            reader,
            directory,
            scope,
            modes: OnceCell::new(),
            links: OnceCell::new(),
        }
    }

    /// What the file system says of `path`, if there is anything.
    pub fn stamp(&self, path: &[u8]) -> Option<Stamp> {
        let data = fs::symlink_metadata(self.at(path)).ok()?;
        Some(stamp_of(&data))
    }

    /// The content of the file at `path`, of a symlink its target; None where there is no file.
    pub fn read(&self, path: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let at = self.at(path);
        let Some(data) = self.look(path)? else {
            return Ok(None);
        };
        let bytes = match data.file_type() {
            kind if kind.is_symlink() => {
                fs::read_link(&at).map(|to| to.as_os_str().as_bytes().into())
            }
            kind if kind.is_file() => fs::read(&at),
            _ => return Ok(None),
        };
        present(bytes).map_err(|cause| fault(&at, cause))
    }

    /// Mode and content of those of `paths` that are files, symlinks or repositories. What the file system cannot hold is
    /// as `recorded`.
    pub fn contents(
        &self,
        paths: BTreeSet<Vec<u8>>,
        recorded: &Recorded,
    ) -> Result<BTreeMap<Vec<u8>, Found>, Error> {
        let mut tries = 0;
        loop {
            match self.contents_once(&paths, recorded) {
                Err(_) if tries < TRIES && self.has_lost_one(&paths) => tries += 1,
                done => return done,
            }
        }
    }

    fn has_lost_one(&self, paths: &BTreeSet<Vec<u8>>) -> bool {
        let gone = |path: &Vec<u8>| matches!(self.look(path), Ok(None));
        paths.iter().any(gone)
    }

    fn contents_once(
        &self,
        paths: &BTreeSet<Vec<u8>>,
        recorded: &Recorded,
    ) -> Result<BTreeMap<Vec<u8>, Found>, Error> {
        let mut found = BTreeMap::new();
        let mut plain = Vec::new();
        for path in paths {
            let at = self.at(path);
            let Some(data) = self.look(path)? else {
                continue;
            };
            let kind = data.file_type();
            if kind.is_file() {
                plain.push((path, data));
            } else if kind.is_symlink() {
                let target = fs::read_link(&at).map_err(|cause| fault(&at, cause))?;
                let content = self
                    .reader
                    .hash("blob", target.as_os_str().as_bytes().to_vec())?;
                found.insert(path.clone(), seen(0o120000, content, &data));
            } else if kind.is_dir()
                && let Some(content) = identity(self.reader, &at)?
            {
                found.insert(path.clone(), seen(0o160000, content, &data));
            }
        }
        let names: Vec<_> = plain
            .iter()
            .map(|(path, _)| self.scope.join(path))
            .collect();
        let hashes = self.reader.hash_files(&names)?;
        for ((path, data), content) in plain.into_iter().zip(hashes) {
            let mode = self.mode(&data, recorded.get(path).copied())?;
            found.insert(path.clone(), seen(mode, content, &data));
        }
        Ok(found)
    }

    /// The mode as git would store it.
    fn mode(&self, data: &Metadata, recorded: Option<u32>) -> Result<u32, Error> {
        let is_program = data.mode() & 0o100 != 0;
        Ok(match recorded {
            Some(0o120000) if !self.has(&self.links, "core.symlinks")? => 0o120000,
            Some(mode @ (0o100644 | 0o100755)) if !self.has(&self.modes, "core.fileMode")? => mode,
            _ if is_program && self.has(&self.modes, "core.fileMode")? => 0o100755,
            _ => 0o100644,
        })
    }

    /// Whether the file system can do what `setting` tells of, as it does unless told otherwise.
    fn has(&self, known: &OnceCell<bool>, setting: &str) -> Result<bool, Error> {
        if let Some(known) = known.get() {
            return Ok(*known);
        }
        let arguments = ["config", "--type=bool", "--get", setting];
        let answer = self.reader.git().run(arguments)?;
        let has = !answer.output.starts_with(b"false");
        Ok(*known.get_or_init(|| has))
    }

    /// What is at `path`; nothing where a symlink leads to it, as git sees it.
    fn look(&self, path: &[u8]) -> Result<Option<Metadata>, Error> {
        let directories = ancestors(path).skip(1).filter(|it| !it.is_empty());
        let is_symlink = |at: PathBuf| fs::symlink_metadata(at).is_ok_and(|it| it.is_symlink());
        if directories.map(|it| self.at(it)).any(is_symlink) {
            return Ok(None);
        }
        let at = self.at(path);
        present(fs::symlink_metadata(&at)).map_err(|cause| fault(&at, cause))
    }

    fn at(&self, path: &[u8]) -> PathBuf {
        self.directory.join(OsStr::from_bytes(path))
    }
}

fn seen(mode: u32, content: ObjectId, data: &Metadata) -> Found {
    Found {
        mode,
        content,
        stamp: Some(stamp_of(data)),
    }
}

fn stamp_of(data: &Metadata) -> Stamp {
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stamp {
        size: data.size(),
        modified_ns: nanoseconds(data.mtime(), data.mtime_nsec()),
        changed_ns: nanoseconds(data.ctime(), data.ctime_nsec()),
        inode: data.ino(),
    }
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(cause) => Err(cause),
    }
}

fn fault(at: &Path, cause: io::Error) -> Error {
    Error::File {
        attempt: format!("read `{}`", at.display()),
        cause,
    }
}
