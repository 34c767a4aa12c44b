//! Everything that lies in the store, file by file. What has no name of ours is left out: it is not ours to remove.

use std::fs::{self, DirEntry};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use crate::cache::store::clock;
use crate::cache::store::place::{ASIDE, Identity, NEW, Place, Shelf, erase};
use crate::model::digest::Digest;

/// What a small file takes on most disks.
const BLOCK: u64 = 4096;

/// A file of the store.
pub struct Entry {
    pub name: Digest,
    /// What it takes on the disk.
    pub bytes: u64,
    /// When it was last written or used.
    pub used: SystemTime,
    /// This file, unless it is used meanwhile.
    pub identity: Identity,
}

/// All files of one kind.
pub fn entries(place: &Place, shelf: Shelf) -> impl Iterator<Item = Entry> {
    let files = list(&place.shelf(shelf)).flat_map(|it| list(&it.path()));
    files.filter_map(move |file| {
        let name = Digest::parse(file.file_name().to_str()?)?;
        let ours = file.path() == place.path(shelf, name.as_str());
        let metadata = file.metadata().ok().filter(|it| ours && it.is_file())?;
        Some(Entry {
            name,
            bytes: on_disk(metadata.len()),
            used: clock::used(&metadata),
            identity: Identity::unused(&metadata),
        })
    })
}

/// Removes what was being written by processes that were killed: whatever was left alone for so long.
pub fn sweep_temporary(place: &Place, is_left: impl Fn(SystemTime) -> bool) {
    for file in list(&place.temporary_directory()) {
        let name = file.file_name();
        let ours = [NEW, ASIDE]
            .iter()
            .any(|it| name.as_bytes().starts_with(it.as_bytes()));
        if ours && file.metadata().is_ok_and(|it| is_left(clock::used(&it))) {
            erase(&file.path());
        }
    }
}

fn list(directory: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    fs::read_dir(directory).into_iter().flatten().flatten()
}

/// What a file of this length takes.
fn on_disk(length: u64) -> u64 {
    length.div_ceil(BLOCK).saturating_mul(BLOCK)
}
