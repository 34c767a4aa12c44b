//! Puts files where they belong: beside the place first, then there at once. Nothing that lies there is overwritten.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::model::path::FilePath;
use crate::scaffold::error::Error;
use crate::scaffold::files::File;

/// How the names of staged directories begin.
const STAGED: &str = ".svc-new-";

/// What is at the place of a new service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or an empty directory.
    Free,
    /// Exactly these files: somebody who wanted the same was stopped before its end.
    Same,
    /// Something else.
    Taken,
}

/// What is at `place`, where `files` are to be.
///
/// # Errors
/// It cannot be read.
pub fn standing(place: &Path, files: &[File]) -> Result<Standing, Error> {
    match place.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Free),
        Err(error) => return Err(Error::file("look at", place)(error)),
        Ok(metadata) if !metadata.is_dir() => return Ok(Standing::Taken),
        Ok(_) => {}
    }
    let mut found = 0;
    for entry in WalkDir::new(place).follow_links(false) {
        let entry = entry.map_err(|error| Error::file("read", place)(error.into()))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path().strip_prefix(place).unwrap_or(entry.path());
        let path = path.as_os_str().as_bytes();
        let file = files.iter().find(|it| it.path.as_bytes() == path);
        let is_same = |file: &File| {
            entry.file_type().is_file()
                && fs::read(entry.path()).is_ok_and(|it| it == file.contents)
        };
        if !file.is_some_and(is_same) {
            return Ok(Standing::Taken);
        }
        found += 1;
    }
    Ok(match found {
        0 => Standing::Free,
        all if all == files.len() => Standing::Same,
        _ => Standing::Taken,
    })
}

/// Files that lie beside their place. Dropped before they are put there, they are removed.
#[derive(Debug)]
pub struct Staged {
    directory: TempDir,
    place: PathBuf,
    made: Vec<PathBuf>,
}

/// Writes `files` beside `path` of the workspace at `root`, which somebody who holds its lock may do.
///
/// # Errors
/// A directory or a file that cannot be written.
pub fn stage(root: &Path, path: &FilePath, files: &[File]) -> Result<Staged, Error> {
    let place = root.join(path.as_path());
    let parent = place.parent().unwrap_or(root).to_owned();
    let made = make_directories(&parent)?;
    sweep(&parent);
    let directory = tempfile::Builder::new().prefix(STAGED).tempdir_in(&parent);
    let directory = match directory {
        Ok(directory) => directory,
        Err(error) => {
            unmake(&made);
            return Err(Error::file("write", parent)(error));
        }
    };
    let staged = Staged {
        directory,
        place,
        made,
    };
    match staged.write(files) {
        Ok(()) => Ok(staged),
        Err(error) => {
            staged.undo();
            Err(error)
        }
    }
}

impl Staged {
    /// Moves the files to their place.
    ///
    /// # Errors
    /// Something got there meanwhile.
    pub fn put(self) -> Result<Placed, Error> {
        let from = self.directory.path().join("new");
        // An empty directory gives way; everything else stays, and is an error.
        let _ = fs::remove_dir(&self.place);
        let moved = match renameat_with(CWD, &from, CWD, &self.place, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::rename(&from, &self.place),
            other => other.map_err(io::Error::from),
        };
        if let Err(error) = moved {
            let failed = Error::file("write", &self.place)(error);
            self.undo();
            return Err(failed);
        }
        Ok(Placed {
            place: self.place.clone(),
            made: self.made.clone(),
        })
    }

    fn write(&self, files: &[File]) -> Result<(), Error> {
        let top = self.directory.path().join("new");
        fs::create_dir(&top).map_err(Error::file("write", &top))?;
        for file in files {
            let path = top.join(file.path.as_path());
            let above = path.parent().unwrap_or(&top);
            fs::create_dir_all(above).map_err(Error::file("write", above))?;
            fs::write(&path, &file.contents).map_err(Error::file("write", &path))?;
            if file.is_executable {
                make_executable(&path).map_err(Error::file("make executable", &path))?;
            }
        }
        Ok(())
    }

    fn undo(self) {
        let made = self.made;
        drop(self.directory);
        unmake(&made);
    }
}

/// Files that are at their place, as long as nobody takes them back.
#[derive(Debug)]
pub struct Placed {
    place: PathBuf,
    made: Vec<PathBuf>,
}

impl Placed {
    /// Takes them away again, with the directories that were made for them.
    pub fn undo(self) {
        let _ = fs::remove_dir_all(&self.place);
        unmake(&self.made);
    }
}

/// Makes a directory and those above it, and gives the new ones, deepest first.
fn make_directories(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let missing = directory.ancestors().take_while(|it| !it.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    fs::create_dir_all(directory).map_err(|error| {
        unmake(&missing);
        Error::file("create", directory)(error)
    })?;
    Ok(missing)
}

/// Removes directories again, unless somebody put something there.
fn unmake(made: &[PathBuf]) {
    for directory in made {
        let _ = fs::remove_dir(directory);
    }
}

/// Removes what a killed `svc` left here.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_staged = entry.file_name().as_bytes().starts_with(STAGED.as_bytes());
        if is_staged && entry.file_type().is_ok_and(|it| it.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whoever may read it may run it.
fn make_executable(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str, is_executable: bool) -> File {
        File {
            path: path.into(),
            contents: text.into(),
            is_executable,
        }
    }

    #[test]
    fn files_get_to_their_place_at_once() {
        let root = tempfile::tempdir().unwrap();
        let files = [file("a", "1", false), file("bin/run", "2", true)];
        let path = FilePath::from("services/api");
        let place = root.path().join("services/api");
        assert_eq!(standing(&place, &files).unwrap(), Standing::Free);
        let staged = stage(root.path(), &path, &files).unwrap();
        assert!(!place.exists());
        staged.put().unwrap();
        assert_eq!(fs::read(place.join("bin/run")).unwrap(), b"2");
        let mode = fs::metadata(place.join("bin/run"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o100, 0o100);
        assert_eq!(standing(&place, &files).unwrap(), Standing::Same);
        assert_eq!(standing(&place, &files[..1]).unwrap(), Standing::Taken);
        let left: Vec<_> = fs::read_dir(root.path().join("services"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn what_lies_there_stays() {
        let root = tempfile::tempdir().unwrap();
        let staged = stage(root.path(), &"api".into(), &[file("a", "new", false)]).unwrap();
        fs::create_dir(root.path().join("api")).unwrap();
        fs::write(root.path().join("api/a"), "old").unwrap();
        staged.put().unwrap_err();
        assert_eq!(fs::read(root.path().join("api/a")).unwrap(), b"old");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        let other = [file("a", "new", false)];
        assert_eq!(
            standing(&root.path().join("api"), &other).unwrap(),
            Standing::Taken
        );
    }

    #[test]
    fn what_was_not_put_there_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let staged = stage(root.path(), &"x/y/api".into(), &[file("a", "", false)]).unwrap();
        staged.put().unwrap().undo();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        // A name that is too long for a file.
        let long = [file(&"a".repeat(300), "", false)];
        stage(root.path(), &"x/api".into(), &long).unwrap_err();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_one_left_is_swept() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(".svc-new-abc/new")).unwrap();
        stage(root.path(), &"api".into(), &[file("a", "", false)])
            .unwrap()
            .put()
            .unwrap();
        let names: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(names, ["api"]);
    }
}
