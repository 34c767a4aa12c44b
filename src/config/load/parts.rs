//! Does the same with many things, in two threads where there are enough of them.

/// Below this many, a thread costs more than it saves.
const WORTH_A_THREAD: usize = 300;

/// What `work` makes of each part of `all`, in order. It is given the place where the part begins.
pub fn in_parts<'a, T: Sync, R: Send>(
    all: &'a [T],
    work: impl Fn(usize, &'a [T]) -> R + Sync,
) -> Vec<R> {
    if all.len() < WORTH_A_THREAD {
        return vec![work(0, all)];
    }
    let (first, rest) = all.split_at(all.len() / 2);
    let (first, rest) = rayon::join(|| work(0, first), || work(first.len(), rest));
    vec![first, rest]
}
