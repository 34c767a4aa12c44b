//! The working tree, entered without ever following a link: whoever swaps a directory for a link leads nobody astray.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::cache::outputs::stamp::Stamp;
use crate::model::path::FilePath;

/// An open workspace.
#[derive(Debug)]
pub(crate) struct Place {
    root: OwnedFd,
}

impl Place {
    pub fn open(root: &Path) -> io::Result<Self> {
        // The way to the workspace may lead through links.
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | folder_flags();
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        Ok(Self { root })
    }

    /// What lies at `path`, by its name alone: the caller knows that no link leads there, or does not mind.
    pub fn glance(&self, path: &FilePath) -> io::Result<Option<Stamp>> {
        let seen = rustix::fs::statat(&self.root, path.as_path(), AtFlags::SYMLINK_NOFOLLOW);
        found(seen)
    }

    /// What lies at `path`. Nothing does behind a link.
    pub fn stat(&self, path: &FilePath) -> io::Result<Option<Stamp>> {
        match self.parent(path) {
            Ok((parent, name)) => {
                found(rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
            }
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Moves what lies at `from` to `to`, where nothing lies.
    pub fn move_to_free(&self, from: &FilePath, to: &FilePath) -> io::Result<()> {
        let ((old, name), (new, to_name)) = (self.parent(from)?, self.parent(to)?);
        match rustix::fs::renameat_with(&old, name, &new, to_name, RenameFlags::NOREPLACE) {
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                match found(rustix::fs::statat(&new, to_name, AtFlags::SYMLINK_NOFOLLOW))? {
                    Some(_) => Err(Errno::EXIST.into()),
                    None => Ok(rustix::fs::renameat(&old, name, &new, to_name)?),
                }
            }
            other => Ok(other?),
        }
    }

    /// Moves what lies at `from` over the file or link at `to`.
    pub fn move_over(&self, from: &FilePath, to: &FilePath) -> io::Result<()> {
        let ((old, name), (new, to_name)) = (self.parent(from)?, self.parent(to)?);
        Ok(rustix::fs::renameat(old, name, new, to_name)?)
    }

    /// Gives the file at `from` a second name, or moves it there where the file system does not do that.
    pub fn keep(&self, from: &FilePath, to: &FilePath) -> io::Result<()> {
        let ((old, name), (new, to_name)) = (self.parent(from)?, self.parent(to)?);
        match rustix::fs::linkat(&old, name, &new, to_name, AtFlags::empty()) {
            Err(Errno::EXIST) => Err(Errno::EXIST.into()),
            Ok(()) => Ok(()),
            Err(_) => Ok(rustix::fs::renameat(&old, name, &new, to_name)?),
        }
    }

    /// Sets the permission bits of the file or directory at `path`.
    pub fn set_mode(&self, path: &FilePath, mode: u32) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        let seen = found(rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW))?;
        match seen.map(|it| it.permissions()) {
            None => Err(Errno::NOENT.into()),
            Some(now) if now == mode => Ok(()),
            Some(_) => {
                let mode = Mode::from_raw_mode(mode as _);
                Ok(rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?)
            }
        }
    }

    /// Takes one name of a file away.
    pub fn unlink(&self, path: &FilePath) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?)
    }

    /// The directory that holds `path`, and the name in it.
    fn parent<'p>(&self, path: &'p FilePath) -> io::Result<(OwnedFd, &'p OsStr)> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | folder_flags();
        let mut parts = path.as_bytes().split(|byte| *byte == b'/');
        let name = parts.next_back().unwrap_or_default();
        let mut here = self.root.as_fd().try_clone_to_owned()?;
        for part in parts {
            here = rustix::fs::openat(&here, OsStr::from_bytes(part), flags, Mode::empty())?;
        }
        Ok((here, OsStr::from_bytes(name)))
    }
}

/// To pass through a directory needs less than to read it.
fn folder_flags() -> OFlags {
    #[cfg(target_os = "linux")]
    return OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    return OFlags::RDONLY;
}

fn found(seen: rustix::io::Result<rustix::fs::Stat>) -> io::Result<Option<Stamp>> {
    match seen {
        Ok(stat) => Ok(Some(Stamp::of(&stat))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
