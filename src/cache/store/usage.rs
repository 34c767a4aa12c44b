//! How much was written since the store was last walked: whether it is time to prune is known without a walk.

use std::time::{Duration, UNIX_EPOCH};

use crate::cache::store::clock;
use crate::cache::store::lines;
use crate::cache::store::place::Place;

const USAGE: &str = "usage";

/// A file longer than this calls for a walk by itself.
const LONG: u64 = 256 << 10;

/// The store is walked now and then even if little was written: what killed processes left is removed.
const WALK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Notes that so many bytes were written.
pub fn add(place: &Place, bytes: u64) {
    // If this fails, the next walk sets it right.
    let _ = lines::append(place, &place.file(USAGE), &format!("+{bytes}"));
}

/// Begins a walk: what is written meanwhile counts twice rather than not at all.
pub fn begin(place: &Place) {
    lines::replace(place, &place.file(USAGE), &[]);
}

/// Notes what a walk found.
pub fn walked(place: &Place, bytes: u64) {
    let now = clock::milliseconds(clock::now());
    let _ = lines::append(place, &place.file(USAGE), &format!("={bytes} {now}"));
}

/// Whether the store may hold more than `limit`, or has not been walked for long.
pub fn is_due(place: &Place, limit: u64) -> bool {
    let path = place.file(USAGE);
    if std::fs::metadata(&path).map_or(true, |it| it.len() > LONG) {
        return true;
    }
    let mut sum: u64 = 0;
    let mut last_walk = None;
    for line in lines::last(&path, LONG) {
        if let Some(bytes) = line.strip_prefix('+') {
            sum = sum.saturating_add(bytes.parse().unwrap_or(0));
        } else if let Some((bytes, at)) = line.strip_prefix('=').and_then(|it| it.split_once(' ')) {
            sum = sum.saturating_add(bytes.parse().unwrap_or(0));
            last_walk = at.parse().ok();
        }
    }
    let Some(walk) = last_walk.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_millis(at)))
    else {
        return true;
    };
    sum > limit || clock::is_older(walk, WALK_EVERY, clock::now())
}
