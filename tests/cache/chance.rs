//! What happens by chance, in a way that can be repeated.

use std::time::{Duration, SystemTime};

/// Gives numbers that look random.
pub struct Chance(u64);

impl Chance {
    /// From `SVC_TEST_SEED`, else from the time. The seed is printed, which shows where a test fails.
    pub fn new(test: &str) -> Self {
        let chosen = std::env::var("SVC_TEST_SEED").ok();
        let seed = chosen.and_then(|it| it.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.unwrap().as_nanos() as u64
        });
        eprintln!("{test}: SVC_TEST_SEED={seed}");
        Self(seed)
    }

    /// Always the same.
    pub fn fixed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A time below `end`.
    pub fn time(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.number() % (end.as_micros() as u64).max(1))
    }

    /// Bytes that cannot be compressed.
    pub fn noise(&mut self, length: usize) -> Vec<u8> {
        let words = (0..length.div_ceil(8)).flat_map(|_| self.number().to_le_bytes());
        words.take(length).collect()
    }
}

/// How often something is tried: `few` times, unless `SVC_TEST_ROUNDS` says otherwise.
pub fn rounds(few: usize) -> usize {
    let chosen = std::env::var("SVC_TEST_ROUNDS").ok();
    chosen.and_then(|it| it.parse().ok()).unwrap_or(few)
}
