//! The files of a template as they lie there: embedded, or below `.svc/templates`.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use include_dir::{Dir, DirEntry};
use walkdir::{DirEntry as Found, WalkDir};

use crate::model::path::FilePath;
use crate::scaffold::error::Error;

/// More than this is no template, but a directory that got there by mistake.
const MOST_FILES: usize = 5_000;
const MOST_BYTES: u64 = 64 << 20;

/// One file, of a template or rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the template's directory; rendered, from that of the service.
    pub path: FilePath,
    pub contents: Vec<u8>,
    pub is_executable: bool,
}

/// The files of an embedded template, sorted.
pub fn embedded(directory: &Dir<'_>) -> Vec<File> {
    let mut files = Vec::new();
    add_embedded(directory, directory.path(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn add_embedded(directory: &Dir<'_>, top: &Path, files: &mut Vec<File>) {
    for entry in directory.entries() {
        match entry {
            DirEntry::Dir(below) => add_embedded(below, top, files),
            DirEntry::File(file) => {
                let path = file.path().strip_prefix(top).unwrap_or(file.path());
                files.push(File {
                    path: FilePath::from_bytes(path.as_os_str().as_bytes()),
                    contents: file.contents().to_vec(),
                    is_executable: false,
                });
            }
        }
    }
}

/// The files of a workspace's own template, sorted; `shown` is how messages call the directory.
///
/// # Errors
/// A file that cannot be read, that is none, or too many of them.
pub fn own(directory: &Path, shown: &str) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    let mut bytes = 0;
    for entry in WalkDir::new(directory)
        .follow_links(false)
        .follow_root_links(false)
    {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(directory).to_owned();
            Error::file("read", path)(error.into())
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let file = read(&entry, directory, shown)?;
        bytes += file.contents.len() as u64;
        files.push(file);
        if files.len() > MOST_FILES || bytes > MOST_BYTES {
            let words = "the template is too large: at most 5,000 files and 64 MiB can be one";
            return Err(Error::template(shown, None, words));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn read(entry: &Found, directory: &Path, shown: &str) -> Result<File, Error> {
    let path = entry.path().strip_prefix(directory).unwrap_or(entry.path());
    let path = FilePath::from_bytes(path.as_os_str().as_bytes());
    let shown = match path.is_root() {
        true => shown.to_owned(),
        false => format!("{shown}/{}", path.display()),
    };
    let kind = entry.file_type();
    if kind.is_symlink() {
        let error = Error::template(&shown, None, "a template cannot hold symbolic links");
        return Err(error.hint("put a copy of the file there"));
    }
    if !kind.is_file() {
        let words = "a template cannot hold anything but files and directories";
        return Err(Error::template(&shown, None, words));
    }
    let failed = |error| Error::file("read", entry.path())(error);
    let metadata = entry.metadata().map_err(|error| failed(error.into()))?;
    if metadata.len() > MOST_BYTES {
        return Err(Error::template(
            &shown,
            None,
            "the file is larger than 64 MiB",
        ));
    }
    Ok(File {
        path,
        contents: std::fs::read(entry.path()).map_err(failed)?,
        is_executable: metadata.permissions().mode() & 0o111 != 0,
    })
}
