//! Single files in a tree that is there: looked at first, then each put in its place as a whole.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::model::path::FilePath;
use crate::scaffold::error::Error;
use crate::scaffold::files::File;
use crate::scaffold::lock::Lock;

/// What a file is called until it is whole.
const STAGED: &str = ".svc-page-";

/// What lies where a file is to be. None: nothing.
///
/// # Errors
/// It cannot be read, is no plain file, or lies behind a link, which may lead anywhere.
pub fn lying(root: &Path, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
    let mut place = root.to_owned();
    for part in path.as_path() {
        place.push(part);
        match place.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("look at", place)(error)),
            Ok(found) if found.is_dir() || found.is_file() => {}
            Ok(_) => return Err(not_plain(place)),
        }
    }
    match place.is_file() {
        true => fs::read(&place)
            .map(Some)
            .map_err(Error::file("read", place)),
        false => Err(not_plain(place)),
    }
}

fn not_plain(place: PathBuf) -> Error {
    let cause = io::Error::other("it is no plain file, and what it leads to is not written to");
    Error::file("write", place)(cause)
}

/// Puts all files in their places below `root`, or none. `before` is what lay there when somebody looked.
///
/// # Errors
/// A file that cannot be written, or that somebody else wrote meanwhile.
pub fn put(_: &Lock, root: &Path, files: &[(File, Option<Vec<u8>>)]) -> Result<(), Error> {
    let mut done = Done::default();
    let staged = files.iter().map(|(file, before)| {
        let place = root.join(file.path.as_path());
        let above = place.parent().unwrap_or(root);
        done.make(above)?;
        Ok((stage(above, file)?, place, before))
    });
    let staged: Result<Vec<_>, Error> = staged.collect();
    let staged = match staged {
        Ok(staged) => staged,
        Err(error) => {
            done.undo();
            return Err(error);
        }
    };
    for (file, place, before) in staged {
        let put = match before {
            None => file.persist_noclobber(&place).map(drop),
            Some(before) if fs::read(&place).is_ok_and(|it| it == *before) => {
                file.persist(&place).map(drop)
            }
            Some(_) => {
                done.undo();
                let cause = io::Error::other("somebody wrote to it meanwhile");
                return Err(Error::file("write", place)(cause));
            }
        };
        if let Err(error) = put {
            done.undo();
            return Err(Error::file("write", place)(error.error));
        }
        done.put.push((place, before.clone()));
    }
    Ok(())
}

fn stage(above: &Path, file: &File) -> Result<NamedTempFile, Error> {
    let mode = if file.is_executable { 0o777 } else { 0o666 };
    let make = || {
        let mut staged = tempfile::Builder::new()
            .prefix(STAGED)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(above)?;
        staged.write_all(&file.contents)?;
        staged.as_file().sync_all()?;
        Ok(staged)
    };
    make().map_err(Error::file("write", above.join(STAGED)))
}

/// What was done so far, to be taken back if something goes wrong later.
#[derive(Default)]
struct Done {
    made: Vec<PathBuf>,
    put: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Done {
    fn make(&mut self, directory: &Path) -> Result<(), Error> {
        let missing = directory.ancestors().take_while(|it| !it.exists());
        self.made.extend(missing.map(Path::to_owned));
        fs::create_dir_all(directory).map_err(Error::file("create", directory))
    }

    fn undo(self) {
        for (place, before) in self.put {
            let _ = match before {
                None => fs::remove_file(&place),
                Some(before) => fs::write(&place, before),
            };
        }
        for directory in self.made {
            let _ = fs::remove_dir(directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            contents: text.into(),
            is_executable: false,
        }
    }

    #[test]
    fn files_come_all_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let lock = Lock::wait(root.path()).unwrap();
        assert_eq!(lying(root.path(), &"a/b".into()).unwrap(), None);
        let both = [(file("a/b", "1"), None), (file("c", "2"), None)];
        put(&lock, root.path(), &both).unwrap();
        assert_eq!(lying(root.path(), &"a/b".into()).unwrap().unwrap(), b"1");
        // `c` is there now: `d/e` does not come either.
        let two = [(file("d/e", "1"), None), (file("c", "3"), None)];
        put(&lock, root.path(), &two).unwrap_err();
        assert!(!root.path().join("d").exists());
        let other = [
            (file("a/b", "new"), Some(b"1".to_vec())),
            (file("c", "3"), Some(b"nobody's".to_vec())),
        ];
        put(&lock, root.path(), &other).unwrap_err();
        assert_eq!(fs::read(root.path().join("a/b")).unwrap(), b"1");
        put(&lock, root.path(), &[(file("c", "3"), Some(b"2".to_vec()))]).unwrap();
        assert_eq!(fs::read(root.path().join("c")).unwrap(), b"3");
    }

    #[test]
    fn nothing_is_written_through_links() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("out")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("dead")).unwrap();
        fs::create_dir(root.path().join("dir")).unwrap();
        for path in ["out/a", "dead", "dir"] {
            let error = lying(root.path(), &path.into()).unwrap_err();
            assert!(error.to_string().contains("write"), "{error}");
        }
    }
}
