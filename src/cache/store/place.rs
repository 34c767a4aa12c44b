//! Where the store lies, and how files come into it and leave it.
//!
//! Everything is written under a temporary name and renamed, so that others see a whole file or none. Nothing is flushed to
//! the disk: after a loss of power a file may be torn, and a torn file is a miss, since every byte is checked when it is
//! read.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tempfile::{Builder, NamedTempFile};

use crate::cache::error::{Error, failed};
use crate::cache::store::Access;
use crate::model::path::display;

/// The version of the directory and of everything in it. Raise it when what lies there reads differently: other versions
/// of `svc` then go on using theirs.
const VERSION: &str = "v1";

/// Files that are being written, and files that were taken away and are looked at once more.
const TEMPORARY: &str = "temporary";

/// How the names of these begin.
pub const NEW: &str = "new-";
pub const ASIDE: &str = "aside-";

/// What the store keeps, each in a directory of its own, spread over 256 directories by the first two digits of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// Results, named by their keys.
    Results,
    /// Large files, named by their content.
    Files,
    /// Small files packed together, named by what they hold.
    Packs,
    /// Which results were kept for a task, newest last.
    Tasks,
}

/// The directory of a store.
pub struct Place {
    directory: PathBuf,
    access: Access,
}

/// Which file it is, so that another one that was put under its name meanwhile is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// When it was last written or used, where that matters.
    used: Option<(i64, i64)>,
}

impl Shelf {
    pub const ALL: [Self; 4] = [Self::Results, Self::Files, Self::Packs, Self::Tasks];

    fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Files => "files",
            Self::Packs => "packs",
            Self::Tasks => "tasks",
        }
    }
}

impl Identity {
    /// This file, whatever happens to its times.
    pub fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            used: None,
        }
    }

    /// This file, as long as nobody uses it.
    pub fn unused(file: &Metadata) -> Self {
        Self {
            used: Some((file.mtime(), file.mtime_nsec())),
            ..Self::of(file)
        }
    }

    fn is(&self, file: &Metadata) -> bool {
        (self.device, self.inode) == (file.dev(), file.ino())
            && self
                .used
                .is_none_or(|used| used == (file.mtime(), file.mtime_nsec()))
    }
}

impl Place {
    /// The store in `directory`. To write, it is made where it does not exist, and something is written to it.
    ///
    /// # Errors
    /// A directory that cannot be written, or that others can write to.
    pub fn open(directory: &Path, access: Access) -> Result<Self, Error> {
        let place = Self {
            directory: directory.join(VERSION),
            access,
        };
        if place.writes() {
            make(&place.directory).map_err(failed("make the directory", &place.directory))?;
        }
        place.trusted()?;
        if place.writes() {
            place.temporary()?;
            place.hide();
        }
        Ok(place)
    }

    /// A store may lie in a working tree, and is nothing that git should see there.
    fn hide(&self) {
        let rules = self.file(".gitignore");
        if !rules.exists() {
            let _ = fs::write(rules, "*\n");
        }
    }

    /// Whether this store may be changed.
    pub fn writes(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// A file of the store itself.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory of everything of one kind.
    pub fn shelf(&self, shelf: Shelf) -> PathBuf {
        self.directory.join(shelf.name())
    }

    /// Where something lies: `name` is 64 hexadecimal digits.
    pub fn path(&self, shelf: Shelf, name: &str) -> PathBuf {
        let mut path = self.shelf(shelf);
        path.push(&name[..2]);
        path.push(name);
        path
    }

    /// The directory of what is being written.
    pub fn temporary_directory(&self) -> PathBuf {
        self.directory.join(TEMPORARY)
    }

    /// A new file that disappears unless it is put somewhere. Only its owner can read it.
    pub fn temporary(&self) -> Result<NamedTempFile, Error> {
        let directory = self.temporary_directory();
        let new = || Builder::new().prefix(NEW).tempfile_in(&directory);
        let file = match new() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(&directory).and_then(|()| new())
            }
            other => other,
        };
        file.map_err(failed("write to the directory", &directory))
    }

    /// Puts the file at `to`, whatever lies there.
    pub fn put(&self, file: NamedTempFile, to: &Path) -> Result<(), Error> {
        self.placed(file, to, NamedTempFile::persist).map(drop)
    }

    /// Puts the file at `to` if nothing lies there, and gives it back otherwise.
    pub fn put_new(&self, file: NamedTempFile, to: &Path) -> Result<Option<NamedTempFile>, Error> {
        self.placed(file, to, NamedTempFile::persist_noclobber)
    }

    /// Makes the directory that `path` lies in.
    pub fn make_parent(&self, path: &Path) -> io::Result<()> {
        make(path.parent().unwrap_or(path))
    }

    fn placed(
        &self,
        file: NamedTempFile,
        to: &Path,
        put: fn(NamedTempFile, PathBuf) -> Result<File, tempfile::PersistError>,
    ) -> Result<Option<NamedTempFile>, Error> {
        let Err(first) = put(file, to.to_owned()) else {
            return Ok(None);
        };
        if first.error.kind() == io::ErrorKind::AlreadyExists {
            return Ok(Some(first.file));
        }
        if let Err(error) = self.make_way(to, first.error) {
            // A file system that can only rename over what is there.
            let put = first.file.persist(to);
            return put.map(|_| None).map_err(|_| failed("write", to)(error));
        }
        match put(first.file, to.to_owned()) {
            Ok(_) => Ok(None),
            Err(again) if again.error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Some(again.file))
            }
            Err(again) => Err(failed("write", to)(again.error)),
        }
    }

    /// Makes the directory that is missing, or moves away the directory that lies where a file should.
    fn make_way(&self, to: &Path, error: io::Error) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::NotFound => make(to.parent().unwrap_or(to)),
            io::ErrorKind::IsADirectory => fs::rename(to, self.aside()),
            _ => Err(error),
        }
    }

    /// Takes a file out of the store if it is still the one that was judged, and says whether it did.
    ///
    /// It is renamed first and looked at again: whoever used it, or put another one in its place, between the judgement and
    /// the renaming, gets it back.
    pub fn take_away(&self, path: &Path, judged: Identity) -> bool {
        let is_judged = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| judged.is(&it));
        if !self.writes() || !is_judged(path) {
            return false;
        }
        let aside = self.aside();
        if fs::rename(path, &aside).is_err() {
            return false;
        }
        let is_gone = is_judged(&aside);
        if !is_gone {
            // Fails if something newer lies there by now, which is as well.
            let _ = fs::hard_link(&aside, path);
        }
        erase(&aside);
        is_gone
    }

    /// A name that nothing has.
    fn aside(&self) -> PathBuf {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        self.temporary_directory()
            .join(format!("{ASIDE}{process}-{number}-{}", unlikely()))
    }

    /// Whoever can write to the store decides what the next build uses. So it must belong to the user, or to root, and
    /// nobody else may write to it. Root trusts every owner: what it runs belongs to others as well, and in containers the
    /// owner is often a number without a name. Below the directory nothing needs a look, since nobody else comes in.
    fn trusted(&self) -> Result<(), Error> {
        let Ok(file) = fs::metadata(&self.directory) else {
            return Ok(());
        };
        let user = rustix::process::geteuid().as_raw();
        let shown = display(self.directory.as_os_str().as_encoded_bytes());
        if user != 0 && file.uid() != user && file.uid() != 0 {
            let text = format!(
                "`{shown}` belongs to somebody else: set SVC_CACHE_DIR to a directory of yours"
            );
            return Err(Error::Untrusted(text));
        }
        if file.mode() & 0o022 != 0 {
            let text = format!(
                "others can write to `{shown}`, and so decide what is built: run `chmod go-w` on it, after `svc cache clear` if you do not trust them"
            );
            return Err(Error::Untrusted(text));
        }
        Ok(())
    }
}

/// Opens a file of the store to read it. Neither a link nor a pipe that somebody put there leads anywhere.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Makes a directory that only its owner can enter, and those above it.
fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// Removes what was moved aside, a directory too.
pub fn erase(path: &Path) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
}

/// A number that two processes with the same id, in two containers, do not share.
fn unlikely() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
