//! How far several commits are behind another one, by one walk of the history.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use crate::git::error::Error;
use crate::git::repo::Repo;
use crate::model::change::ObjectId;

/// Whoever is further behind is not counted.
const MOST: usize = 100_000;

/// So many commits are looked at beyond the point where nothing more can come, as dates of commits are not always right.
const SLOP: usize = 16;

impl Repo {
    /// For each of `olds`, how many commits `new` has that it lacks, as far as this clone knows: nothing is fetched. None
    /// where it does not know, or where they are too many.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn counts_between(
        &self,
        olds: &[ObjectId],
        new: ObjectId,
    ) -> Result<Vec<Option<usize>>, Error> {
        let here = self.commits_here(olds)?;
        let known: Vec<ObjectId> = pairs(olds, &here).filter(|it| *it != new).collect();
        if known.is_empty() {
            let same = olds.iter().map(|it| (*it == new).then_some(0));
            return Ok(same.collect());
        }
        let edge = match self.is_shallow() {
            true => Some(HashSet::<_>::from_iter(self.shallow_commits()?)),
            false => None,
        };
        let mut walk = Walk::new(new, &known, edge.is_some());
        let starts = std::iter::once(&new).chain(&known);
        let starts: String = starts.map(|it| format!("{it}\n")).collect();
        let limit = format!("--max-count={MOST}");
        let arguments = ["rev-list", "--parents", &limit, "--stdin"];
        let git = self.git().offline();
        match git.read(arguments, starts.into_bytes(), |from| walk.follow(from)) {
            Ok(()) => {}
            Err(error @ Error::Untrusted(_)) => return Err(error),
            // A part of the history is missing.
            Err(_) => return Ok(vec![None; olds.len()]),
        }
        let is_cut = |commit: &ObjectId| edge.as_ref().is_some_and(|it| it.contains(commit));
        let counts = walk.counts(is_cut);
        let counts: HashMap<ObjectId, Option<usize>> = known.into_iter().zip(counts).collect();
        let count = |old: &ObjectId| match *old == new {
            true => Some(0),
            false => counts.get(old).copied().flatten(),
        };
        Ok(olds.iter().map(count).collect())
    }

    /// Which of `ids` are commits that are here.
    fn commits_here(&self, ids: &[ObjectId]) -> Result<Vec<bool>, Error> {
        let input: String = ids.iter().map(|it| format!("{it}\n")).collect();
        let check = "--batch-check=%(objecttype)";
        let arguments = ["cat-file", "--buffer", check];
        let output = self
            .git()
            .offline()
            .output_for(arguments, input.into_bytes())?;
        let mut lines = output.split(|byte| *byte == b'\n');
        Ok(ids
            .iter()
            .map(|_| lines.next() == Some(b"commit"))
            .collect())
    }
}

fn pairs(ids: &[ObjectId], here: &[bool]) -> impl Iterator<Item = ObjectId> {
    let pairs = ids.iter().zip(here);
    pairs.filter_map(|(id, is_here)| is_here.then_some(*id))
}

/// What is known of the history so far: for each commit, from which of the starts it is reached. The newest start is the one
/// that the others are compared with.
struct Walk {
    starts: usize,
    /// Words of bits for each commit.
    words: usize,
    bits: Vec<u64>,
    places: HashMap<ObjectId, usize>,
    ids: Vec<ObjectId>,
    /// Of commits that were read.
    parents: Vec<Option<Vec<usize>>>,
    /// Whether all starts are followed, not only the first one.
    follows_all: bool,
    /// How many commits were not read that are not reached from all.
    open: usize,
}

impl Walk {
    fn new(new: ObjectId, olds: &[ObjectId], follows_all: bool) -> Self {
        let starts = olds.len() + 1;
        let mut walk = Self {
            starts,
            words: starts.div_ceil(64),
            bits: Vec::new(),
            places: HashMap::new(),
            ids: Vec::new(),
            parents: Vec::new(),
            follows_all,
            open: 0,
        };
        for (at, id) in std::iter::once(&new).chain(olds).enumerate() {
            let place = walk.place(*id);
            let mut bits = vec![0; walk.words];
            bits[at / 64] |= 1 << (at % 64);
            walk.reach(place, &bits);
        }
        walk
    }

    /// Reads `COMMIT PARENT…` lines until nothing more can be learned.
    fn follow(&mut self, from: &mut dyn BufRead) -> Result<(), Error> {
        let mut line = String::new();
        let mut beyond = 0;
        while beyond <= SLOP {
            line.clear();
            let length = from.read_line(&mut line);
            let length = length.map_err(|cause| Error::File {
                attempt: "read the answer of git".to_owned(),
                cause,
            })?;
            let mut ids = line.split_whitespace().map_while(ObjectId::from_hex);
            let Some(commit) = ids.next().filter(|_| length > 0) else {
                break;
            };
            let parents: Vec<ObjectId> = ids.collect();
            self.add(commit, &parents);
            beyond = if self.open == 0 { beyond + 1 } else { 0 };
        }
        Ok(())
    }

    fn add(&mut self, commit: ObjectId, parents: &[ObjectId]) {
        let place = self.place(commit);
        let parents: Vec<usize> = parents.iter().map(|it| self.place(*it)).collect();
        self.open -= usize::from(self.is_open(place));
        self.parents[place] = Some(parents.clone());
        let bits = self.bits_of(place).to_vec();
        for parent in parents {
            self.reach(parent, &bits);
        }
    }

    /// Notes that `place` and all that is known behind it are reached from those in `bits`.
    fn reach(&mut self, place: usize, bits: &[u64]) {
        let mut todo = vec![place];
        while let Some(place) = todo.pop() {
            let was_open = self.is_open(place);
            let mut has_more = false;
            let own = &mut self.bits[place * self.words..][..self.words];
            for (own, more) in own.iter_mut().zip(bits) {
                has_more |= *more & !*own != 0;
                *own |= more;
            }
            self.open = self.open + usize::from(self.is_open(place)) - usize::from(was_open);
            if has_more && let Some(parents) = &self.parents[place] {
                todo.extend(parents);
            }
        }
    }

    fn place(&mut self, id: ObjectId) -> usize {
        let next = self.ids.len();
        let place = *self.places.entry(id).or_insert(next);
        if place == next {
            self.ids.push(id);
            self.parents.push(None);
            self.bits.resize(self.bits.len() + self.words, 0);
        }
        place
    }

    fn bits_of(&self, place: usize) -> &[u64] {
        &self.bits[place * self.words..][..self.words]
    }

    fn has(&self, place: usize, start: usize) -> bool {
        self.bits_of(place)[start / 64] >> (start % 64) & 1 == 1
    }

    /// Whether a commit was not read and could still tell something.
    fn is_open(&self, place: usize) -> bool {
        if self.parents[place].is_some() {
            return false;
        }
        let reached: u32 = self.bits_of(place).iter().map(|it| it.count_ones()).sum();
        let is_followed = reached > 0 && (self.follows_all || self.has(place, 0));
        is_followed && (reached as usize) < self.starts
    }

    /// For each of the other starts, how many commits it lacks. What lies behind a commit that `is_cut` is not here.
    fn counts(&self, is_cut: impl Fn(&ObjectId) -> bool) -> Vec<Option<usize>> {
        let mut counts = vec![Some(0); self.starts - 1];
        for place in 0..self.ids.len() {
            let is_ours = self.has(place, 0);
            let is_end = self.parents[place].is_none() || is_cut(&self.ids[place]);
            let counts_for_all = is_end && self.follows_all;
            if !(is_ours || counts_for_all) {
                continue;
            }
            for (at, count) in counts.iter_mut().enumerate() {
                if self.has(place, at + 1) == is_ours {
                    continue;
                }
                *count = match is_end {
                    true => None,
                    false => count.map(|it| it + 1),
                };
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: char) -> ObjectId {
        ObjectId::from_hex(&format!("{:040x}", name as u32)).unwrap()
    }

    /// `history`: commits with their parents, as git lists them. The first of `starts` is compared with the others.
    fn check(history: &[&str], starts: &str, expected: &[Option<usize>]) {
        let ids = |text: &str| text.chars().map(id).collect::<Vec<_>>();
        let starts = ids(starts);
        let lines: String = history
            .iter()
            .map(|it| {
                let ids: Vec<_> = ids(it).iter().map(ObjectId::to_string).collect();
                ids.join(" ") + "\n"
            })
            .collect();
        let mut walk = Walk::new(starts[0], &starts[1..], false);
        walk.follow(&mut lines.as_bytes()).unwrap();
        assert_eq!(walk.counts(|_| false), expected, "{history:?}");
    }

    #[test]
    fn commits_are_counted_for_all_at_once() {
        let line = ["ed", "dc", "cb", "ba", "a"];
        check(&line, "edca", &[Some(1), Some(2), Some(4)]);
        check(&line, "ce", &[Some(0)]);
        // A merge, and a side that was never merged.
        let merged = ["fed", "xb", "ec", "db", "cb", "ba", "a"];
        check(&merged, "fxdc", &[Some(4), Some(3), Some(3)]);
        // Another history altogether.
        check(&["ba", "yx", "a", "x"], "by", &[Some(2)]);
    }

    #[test]
    fn wrong_dates_change_nothing() {
        // `b` comes before its child `c`, from which alone `d` is reached.
        check(&["dc", "ba", "a", "cb"], "db", &[Some(2)]);
        check(&["ba", "a", "dc", "cb"], "db", &[Some(2)]);
        check(&["ba", "a", "dc", "cb"], "bd", &[Some(0)]);
    }

    #[test]
    fn what_was_not_read_is_not_known() {
        check(&["dc", "cb"], "da", &[None]);
        check(&["dc", "cb"], "dcb", &[Some(1), Some(2)]);
    }
}
