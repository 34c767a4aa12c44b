//! Reading outputs: what each is, and that nobody writes to it meanwhile.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cache::error::{Error, failed};
use crate::cache::outputs::memory::Memory;
use crate::cache::outputs::sight::Found;
use crate::cache::outputs::stamp::{Kind, Stamp};
use crate::model::outputs::{ContentId, Output};

/// What is read at once.
const CHUNK: usize = 1 << 20;
/// Fewer files than this are read one after the other: waking other threads takes longer.
const FEW: usize = 16;

/// What each of `found` is. What `memory` surely knows is not read. Sockets and their like are left out.
pub(crate) fn identify(
    root: &Path,
    found: &[&Found],
    memory: &Memory,
) -> Result<Vec<Option<Output>>, Error> {
    let one = |it: &&Found| match memory.known(&it.path, &it.stamp) {
        Some(output) => Ok(Some(output.clone())),
        None => output_of(root, it),
    };
    let unknown = found
        .iter()
        .filter(|it| it.stamp.kind() == Kind::File && memory.known(&it.path, &it.stamp).is_none());
    match unknown.count() {
        0..FEW => found.iter().map(one).collect(),
        _ => found.par_iter().with_min_len(FEW / 2).map(one).collect(),
    }
}

fn output_of(root: &Path, found: &Found) -> Result<Option<Output>, Error> {
    let path = root.join(found.path.as_path());
    let mode = found.stamp.permissions();
    match found.stamp.kind() {
        Kind::Directory => Ok(Some(Output::Directory { mode })),
        Kind::Other(_) => Ok(None),
        Kind::Link => match std::fs::read_link(&path) {
            Ok(target) => Ok(Some(Output::Link {
                target: target.into_os_string().into_vec(),
            })),
            Err(_) => Err(Error::Unsteady(found.path.clone())),
        },
        Kind::File => Ok(Some(Output::File {
            mode,
            size: found.stamp.size,
            content: content_of(&path, found)?,
        })),
    }
}

/// The content of the file that was seen: before and after reading it is the same.
fn content_of(path: &Path, found: &Found) -> Result<ContentId, Error> {
    let unsteady = || Error::Unsteady(found.path.clone());
    // A fifo that takes the place of a file must not make us wait.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Err(unsteady()),
        Err(error) => return Err(failed("read", path)(error.into())),
    };
    let is_same = || -> Result<bool, Error> {
        let now = file.metadata().map_err(failed("read", path))?;
        Ok(Stamp::new(&now) == found.stamp)
    };
    if !is_same()? {
        return Err(unsteady());
    }
    let (content, size) = digest(&file).map_err(failed("read", path))?;
    if size != found.stamp.size || !is_same()? {
        return Err(unsteady());
    }
    Ok(content)
}

/// Mapping a file would be quicker by a little, but one that is cut short meanwhile would end the process.
fn digest(mut file: &File) -> std::io::Result<(ContentId, u64)> {
    let size = file.metadata()?.len();
    let room = usize::try_from(size + 1).map_or(CHUNK, |it| it.min(CHUNK));
    let mut buffer = vec![0; room];
    let mut hasher = blake3::Hasher::new();
    let mut total = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                total += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((ContentId(*hasher.finalize().as_bytes()), total))
}
