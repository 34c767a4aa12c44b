//! Keeping a result: first what it is made of, then the result itself, which names it.
//!
//! An object that is there already is not written again, only marked as used, so that pruning spares it. Pruning may have
//! chosen it just before: so all are looked at again once the result stands, and what is gone is written again.

use std::borrow::Cow;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use crate::cache::error::{Error, failed};
use crate::cache::store::clock;
use crate::cache::store::copy::{Fault, copy};
use crate::cache::store::damage::Flaw;
use crate::cache::store::lines;
use crate::cache::store::pack::{is_whole, packed};
use crate::cache::store::packing::{PACKING, Pack, Part, Plan};
use crate::cache::store::place::{Shelf, open};
use crate::cache::store::result::{self, Outcome, ResultFile};
use crate::cache::store::usage;
use crate::cache::store::{Kept, NewResult, Store};
use crate::model::digest::Digest;
use crate::model::outputs::ContentId;

/// So many packs are made at once: more would take memory, not time.
const PACKS_AT_ONCE: usize = 4;

/// Keeps `result`, whose outputs lie below `root`.
pub fn keep(store: &Store, root: &Path, result: &NewResult) -> Result<Kept, Error> {
    let plan = PACKING.plan(result.outputs);
    let mut written = put_objects(store, root, &plan)?;
    let file = written_result(store, result, &plan)?;
    written += file.as_file().metadata().map_or(0, |it| it.size());
    // Some time may have passed: mark all as used once more, directly before the result stands.
    written += put_objects(store, root, &plan)?;
    let key = result.key.digest();
    let conflict = put_result(store, &key, result, file)?;
    written += put_objects(store, root, &plan)?;
    lines::add_kept(&store.place, result.task_line, &key);
    if conflict {
        lines::add_conflict(&store.place, &result.key.task);
    }
    usage::add(&store.place, written);
    Ok(Kept { conflict, written })
}

fn written_result(store: &Store, new: &NewResult, plan: &Plan) -> Result<NamedTempFile, Error> {
    let file = store.place.temporary()?;
    let made = file.as_file().metadata();
    let outcome = Outcome {
        outputs: Cow::Borrowed(new.outputs),
        outputs_digest: new.outputs.digest(),
        values: Cow::Borrowed(new.values),
        duration: new.duration,
        kept: made.map_or(0, |it| clock::milliseconds(clock::used(&it))),
        packing: PACKING,
    };
    result::write(&file, new.key, &result::objects(plan), &outcome, new.log)?;
    Ok(file)
}

/// Puts the result in its place, and says whether it replaces one that differs.
///
/// Of two that arrive at once, only one can be the first: the other one sees it.
fn put_result(
    store: &Store,
    key: &Digest,
    new: &NewResult,
    file: NamedTempFile,
) -> Result<bool, Error> {
    let path = store.place.path(Shelf::Results, key.as_str());
    let Some(file) = store.place.put_new(file, &path)? else {
        return Ok(false);
    };
    let earlier = ResultFile::open(&path, key);
    let earlier = earlier.as_ref().ok().and_then(|it| it.outcome().ok());
    let differs = earlier.is_some_and(|it| {
        it.outputs_digest != new.outputs.digest() || it.values.as_ref() != new.values
    });
    store.place.put(file, &path)?;
    Ok(differs)
}

/// Sees to it that all packs and large files are there, and says how many bytes were written for that.
fn put_objects(store: &Store, root: &Path, plan: &Plan) -> Result<u64, Error> {
    let mut written = 0;
    for file in &plan.files {
        written += put_file(store, root, file)?;
    }
    for packs in plan.packs.chunks(PACKS_AT_ONCE) {
        let all = packs.par_iter().map(|it| put_pack(store, root, it));
        written += all.sum::<Result<u64, Error>>()?;
    }
    Ok(written)
}

fn put_file(store: &Store, root: &Path, part: &Part) -> Result<u64, Error> {
    let path = store.place.path(Shelf::Files, &part.content.to_string());
    let there = open(&path).ok();
    let is_whole = |it: &Metadata| it.is_file() && it.len() == part.size;
    if there.is_some_and(|(file, it)| is_whole(&it) && use_again(&path, &file, &it)) {
        return Ok(0);
    }
    let from = open_output(root, part)?;
    let file = store.place.temporary()?;
    match copy(&from, file.as_file(), part.size) {
        Ok(content) if content == part.content => {}
        Ok(_) => return Err(Error::Unsteady(part.path.clone())),
        Err(Fault::Read(error)) => {
            return Err(failed("read", &root.join(part.path.as_path()))(error));
        }
        Err(Fault::Write(error)) => return Err(failed("write", file.path())(error)),
    }
    store.place.put(file, &path)?;
    Ok(part.size)
}

fn put_pack(store: &Store, root: &Path, pack: &Pack) -> Result<u64, Error> {
    let path = store.place.path(Shelf::Packs, &pack.id.to_string());
    match is_whole(&path, pack.size) {
        Ok((file, it)) if use_again(&path, &file, &it) => return Ok(0),
        Ok(_) | Err(Flaw::Missing | Flaw::Unreadable(_)) => {}
        Err(flaw) => store.troubles.met(&store.place, &path, &flaw),
    }
    let mut plain = Vec::with_capacity(pack.size as usize);
    for part in &pack.parts {
        let start = plain.len();
        let file = open_output(root, part)?;
        let read = file.take(part.size + 1).read_to_end(&mut plain);
        read.map_err(failed("read", &root.join(part.path.as_path())))?;
        if ContentId::of(&plain[start..]) != part.content {
            return Err(Error::Unsteady(part.path.clone()));
        }
    }
    let file = store.place.temporary()?;
    let bytes = packed(&plain).map_err(failed("write", file.path()))?;
    std::io::Write::write_all(&mut file.as_file(), &bytes).map_err(failed("write", file.path()))?;
    store.place.put(file, &path)?;
    Ok(bytes.len() as u64)
}

/// Marks the object as used now, and sees that it still has its name: pruning, which looks at the mark after it has taken
/// the name away, then gives it back. One that cannot be marked would be pruned too early, and is written again.
fn use_again(path: &Path, file: &File, metadata: &Metadata) -> bool {
    let marked = file.set_modified(clock::now()).is_ok();
    marked && fs::symlink_metadata(path).is_ok_and(|it| it.ino() == metadata.ino())
}

/// Opens an output to read it. One that is no file any more has changed.
fn open_output(root: &Path, part: &Part) -> Result<File, Error> {
    let path = root.join(part.path.as_path());
    let unsteady = || Error::Unsteady(part.path.clone());
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&path);
    let file = match file {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(unsteady()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(unsteady());
        }
        other => other.map_err(failed("read", &path))?,
    };
    let metadata = file.metadata().map_err(failed("read", &path))?;
    match metadata.is_file() && metadata.len() == part.size {
        true => Ok(file),
        false => Err(unsteady()),
    }
}
