//! What a directory of the working tree holds, by name and kind.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::git::native::stat::Stat;

/// The names in a directory, sorted, without `.`, `..` and `.git`.
pub struct Listing {
    names: Vec<u8>,
    entries: Vec<Named>,
    /// Whether there is a `.git`.
    pub has_git: bool,
}

#[derive(Clone, Copy)]
struct Named {
    start: u32,
    length: u32,
    kind: Kind,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Link,
    Directory,
    /// A pipe, a socket or a device: git does not see it.
    Other,
}

/// One name in a directory.
#[derive(Clone, Copy)]
pub struct Name<'l> {
    pub bytes: &'l [u8],
    pub kind: Kind,
    terminated: &'l [u8],
}

impl Name<'_> {
    /// The name as the system wants it.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(self.terminated).expect("the system gave the name so")
    }
}

impl Listing {
    /// Reads the directory behind `directory`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read(directory: &OwnedFd) -> Result<Self, Errno> {
        let mut listing = Self {
            names: Vec::with_capacity(1024),
            entries: Vec::with_capacity(32),
            has_git: false,
        };
        listing.fill(directory.as_fd())?;
        let names = &listing.names;
        listing
            .entries
            .sort_unstable_by(|left, right| left.bytes(names).cmp(right.bytes(names)));
        Ok(listing)
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = Name<'_>> {
        self.entries.iter().map(|entry| self.name(entry))
    }

    /// The entry called `name`.
    pub fn find(&self, name: &[u8]) -> Option<Name<'_>> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.bytes(&self.names).cmp(name));
        Some(self.name(&self.entries[at.ok()?]))
    }

    fn name(&self, entry: &Named) -> Name<'_> {
        Name {
            bytes: entry.bytes(&self.names),
            kind: entry.kind,
            terminated: &self.names[entry.start as usize..][..entry.length as usize + 1],
        }
    }

    #[cfg(target_os = "linux")]
    fn fill(&mut self, directory: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); 32 * 1024];
        let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            self.push(directory, entry.file_name(), entry.file_type())?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn fill(&mut self, directory: BorrowedFd<'_>) -> Result<(), Errno> {
        for entry in rustix::fs::Dir::read_from(directory)? {
            let entry = entry?;
            self.push(directory, entry.file_name(), entry.file_type())?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &CStr,
        file_type: FileType,
    ) -> Result<(), Errno> {
        match name.to_bytes() {
            b"." | b".." => return Ok(()),
            b".git" => {
                self.has_git = true;
                return Ok(());
            }
            _ => {}
        }
        let kind = match kind(directory, name, file_type) {
            Ok(kind) => kind,
            // It went away meanwhile.
            Err(Errno::NOENT) => return Ok(()),
            Err(cause) => return Err(cause),
        };
        self.entries.push(Named {
            start: self.names.len() as u32,
            length: name.count_bytes() as u32,
            kind,
        });
        self.names.extend_from_slice(name.to_bytes_with_nul());
        Ok(())
    }
}

impl Named {
    fn bytes<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        &names[self.start as usize..][..self.length as usize]
    }
}

/// Opens a directory, not through a symlink.
///
/// # Errors
/// Those of the system.
pub fn open_directory(above: impl AsFd, path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(above, path, flags, Mode::empty())
}

/// What the system says of a name, without following a symlink.
///
/// # Errors
/// Those of the system.
pub fn stat(directory: impl AsFd, name: &CStr) -> Result<Stat, Errno> {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Stat::new(&stat))
}

fn kind(directory: BorrowedFd<'_>, name: &CStr, file_type: FileType) -> Result<Kind, Errno> {
    Ok(match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        FileType::Directory => Kind::Directory,
        // Some file systems do not say it in the listing.
        FileType::Unknown => {
            let stat = stat(directory, name)?;
            match (stat.is_file(), stat.is_link(), stat.is_directory()) {
                (true, _, _) => Kind::File,
                (_, true, _) => Kind::Link,
                (_, _, true) => Kind::Directory,
                _ => Kind::Other,
            }
        }
        _ => Kind::Other,
    })
}
