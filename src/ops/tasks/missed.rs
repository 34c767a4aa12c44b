//! Why no earlier result stands for a task: what differs from the nearest one.

use crate::model::difference::{Difference, differences, in_short};
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::plan::PlannedTask;
use crate::ops::tasks::cache::Cache;

/// Said of a task without any earlier result.
pub const NOTHING_EARLIER: &str = "no earlier result";

/// Said of everything that is to run whatever ran before.
pub const FORCED: &str = "forced";

/// The earlier result that differs least.
pub struct Nearest {
    pub key: Digest,
    /// Everything that differs; nothing, if only the result itself is missing.
    pub differences: Vec<Difference>,
}

/// Why a task with this key has to run, in a few words; none if nothing is known of earlier results.
pub fn reason(cache: &Cache, planned: &PlannedTask, key: &Key) -> Option<String> {
    if cache.is_forced() {
        return Some(FORCED.to_owned());
    }
    let last = cache.history().last(&planned.id);
    if let Some(last) = last.filter(|it| it.outcome.is_bad())
        && last.inputs.as_deref() == Some(key.digest().as_str())
    {
        return Some("it failed before".to_owned());
    }
    let nearest = nearest(cache, planned, key)?;
    Some(match nearest.differences.is_empty() {
        true => "its earlier result is gone".to_owned(),
        false => in_short(&nearest.differences),
    })
}

/// The nearest of the results that are known: the last one of this worktree and the latest ones of all.
pub fn nearest(cache: &Cache, planned: &PlannedTask, key: &Key) -> Option<Nearest> {
    let store = cache.store()?;
    let of_this_worktree = cache.history().passed(&planned.id);
    let of_this_worktree = of_this_worktree.and_then(|it| Digest::parse(it.inputs.as_deref()?));
    let mut candidates: Vec<Digest> = of_this_worktree.into_iter().collect();
    for earlier in store.earlier(&cache.line(planned)) {
        if !candidates.contains(&earlier) {
            candidates.push(earlier);
        }
    }
    let compared = candidates.into_iter().filter_map(|digest| {
        let earlier = match digest == key.digest() {
            true => key.clone(),
            false => store.key(&digest)?,
        };
        let differences = differences(&earlier, key);
        Some(Nearest {
            key: digest,
            differences,
        })
    });
    compared.min_by_key(|it| it.differences.len())
}
