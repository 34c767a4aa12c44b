//! Making room: what was used longest ago goes first.
//!
//! Others go on reading and keeping meanwhile. A result that is taken away while somebody reads it is a miss for them. An
//! object is removed only when no result names it and nobody has marked it as used since the walk began, and it is looked
//! at again after it was taken out: so what a result that is being kept relies on stays, or is written again by that one.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, SystemTime};

use crate::cache::error::{Error, failed};
use crate::cache::store::place::Shelf;
use crate::cache::store::result::{Object, ResultFile};
use crate::cache::store::walk::{Entry, entries, sweep_temporary};
use crate::cache::store::{Pruned, Store, clock, lines, usage};
use crate::model::outputs::ContentId;

/// Objects that were used so recently stay: clocks of machines that share a disk differ a little.
const GRACE: Duration = Duration::from_secs(60);

/// What was not written to for so long is not being written any more.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

const LOCK: &str = "lock";

/// A result, and what it is made of.
struct Kept {
    entry: Entry,
    objects: Vec<Object>,
}

/// Removes results until the store takes no more than nine tenths of `limit`, if it takes more than `limit`; and whatever
/// belongs to no result.
pub fn prune(store: &Store, limit: u64) -> Result<Pruned, Error> {
    let place = &store.place;
    let Some(_lock) = lock(store)? else {
        return Ok(Pruned {
            busy: true,
            ..Pruned::default()
        });
    };
    let start = clock::now();
    usage::begin(place);
    sweep_temporary(place, |used| clock::is_older(used, LEFT_BEHIND, start));
    let mut kept = results(store);
    kept.sort_by_cached_key(|it| std::cmp::Reverse(it.entry.used.min(start)));
    let mut objects = objects(store);
    let mut pruned = Pruned::default();

    let holders = evict(store, &mut kept, &objects, limit, &mut pruned);
    objects.retain(|object, entry| {
        let is_old = clock::is_older(entry.used, GRACE, start);
        let path = place.path(object.shelf, entry.name.as_str());
        let goes = !holders.contains_key(object) && is_old;
        let gone = goes && place.take_away(&path, entry.identity);
        if gone {
            pruned.objects += 1;
            pruned.bytes += entry.bytes;
        }
        !gone
    });
    pruned.left = kept.iter().map(|it| it.entry.bytes).sum::<u64>()
        + objects.values().map(|it| it.bytes).sum::<u64>()
        + prune_tasks(store, &kept, start);
    usage::walked(place, pruned.left);
    Ok(pruned)
}

/// Removes everything.
pub fn clear(store: &Store) -> Result<Pruned, Error> {
    let place = &store.place;
    let Some(_lock) = lock(store)? else {
        return Ok(Pruned {
            busy: true,
            ..Pruned::default()
        });
    };
    let start = clock::now();
    usage::begin(place);
    sweep_temporary(place, |_| true);
    let mut pruned = Pruned::default();
    for shelf in Shelf::ALL {
        for entry in entries(place, shelf) {
            let is_result = shelf == Shelf::Results;
            // What is in use since is part of a result that is being kept.
            let goes = is_result || clock::is_older(entry.used, Duration::ZERO, start);
            let path = place.path(shelf, entry.name.as_str());
            if goes && place.take_away(&path, entry.identity) {
                pruned.bytes += entry.bytes;
                pruned.results += u64::from(is_result);
                pruned.objects += u64::from(matches!(shelf, Shelf::Files | Shelf::Packs));
            }
        }
    }
    lines::forget_conflicts(place);
    usage::walked(place, 0);
    Ok(pruned)
}

/// Takes away the results that were used longest ago, which are the last of `kept`. Gives how many results hold each object.
fn evict(
    store: &Store,
    kept: &mut Vec<Kept>,
    objects: &HashMap<Object, Entry>,
    limit: u64,
    pruned: &mut Pruned,
) -> HashMap<Object, u64> {
    let mut holders = HashMap::new();
    for object in kept.iter().flat_map(|it| &it.objects) {
        *holders.entry(*object).or_insert(0) += 1;
    }
    let size = |object: &Object| objects.get(object).map_or(0, |it| it.bytes);
    // What nobody holds goes anyway.
    let mut total =
        kept.iter().map(|it| it.entry.bytes).sum::<u64>() + holders.keys().map(size).sum::<u64>();
    if total <= limit {
        return holders;
    }
    let mut spared = Vec::new();
    while total > limit - limit / 10 {
        let Some(oldest) = kept.pop() else { break };
        let path = store.place.path(Shelf::Results, oldest.entry.name.as_str());
        if !store.place.take_away(&path, oldest.entry.identity) {
            // Somebody has used it meanwhile, or removed it.
            spared.push(oldest);
            continue;
        }
        pruned.results += 1;
        pruned.bytes += oldest.entry.bytes;
        total -= oldest.entry.bytes;
        for object in &oldest.objects {
            if let Some(count) = holders.get_mut(object) {
                *count -= 1;
                if *count == 0 {
                    holders.remove(object);
                    total = total.saturating_sub(size(object));
                }
            }
        }
    }
    kept.extend(spared);
    holders
}

/// All results that are whole; others are dropped.
fn results(store: &Store) -> Vec<Kept> {
    let results = entries(&store.place, Shelf::Results).filter_map(|entry| {
        let path = store.place.path(Shelf::Results, entry.name.as_str());
        let objects = ResultFile::open(&path, &entry.name).and_then(|it| it.objects());
        match objects {
            Ok(mut objects) => {
                objects.sort_unstable();
                objects.dedup();
                Some(Kept { entry, objects })
            }
            Err(flaw) => {
                store.troubles.met(&store.place, &path, &flaw);
                None
            }
        }
    });
    results.collect()
}

fn objects(store: &Store) -> HashMap<Object, Entry> {
    let of = |shelf| {
        entries(&store.place, shelf).map(move |entry| {
            let id = ContentId(crate::cache::store::result::bytes_of(&entry.name));
            (Object { shelf, id }, entry)
        })
    };
    of(Shelf::Files).chain(of(Shelf::Packs)).collect()
}

/// Removes the lists of tasks of which no result is left, and says what the others take.
fn prune_tasks(store: &Store, kept: &[Kept], start: SystemTime) -> u64 {
    let names: HashSet<_> = kept.iter().map(|it| &it.entry.name).collect();
    let mut bytes = 0;
    for entry in entries(&store.place, Shelf::Tasks) {
        let path = store.place.path(Shelf::Tasks, entry.name.as_str());
        let is_old = clock::is_older(entry.used, GRACE, start);
        let is_empty = || !lines::kept(&path).iter().any(|it| names.contains(it));
        if !(is_old && is_empty() && store.place.take_away(&path, entry.identity)) {
            bytes += entry.bytes;
        }
    }
    bytes
}

/// One at a time walks the store to remove things. The lock ends with its holder, however that ends.
fn lock(store: &Store) -> Result<Option<File>, Error> {
    let path = store.place.file(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // A file system without locks: every step is safe without, only slower.
        Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}
