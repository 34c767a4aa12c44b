//! Time, and chance. What a lease's end is judged by goes on while the machine sleeps and jumps for nobody.
#![expect(
    clippy::disallowed_methods,
    reason = "when something was written is a matter of the calendar"
)]

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// The time since the system was started.
pub trait Clock: Send + Sync {
    /// Never goes back, never jumps, and goes on while the machine sleeps.
    fn now(&self) -> Duration;

    /// The start that [`Self::now`] counts from; `None` if it cannot be told from another.
    fn boot(&self) -> Option<String>;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        #[cfg(target_os = "linux")]
        const CLOCK: ClockId = ClockId::Boottime;
        // Elsewhere this one goes on while the machine sleeps.
        #[cfg(not(target_os = "linux"))]
        const CLOCK: ClockId = ClockId::Monotonic;
        Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
    }

    fn boot(&self) -> Option<String> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        // A container may count from another start.
        let space = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
        Some(format!("{} {}", boot.trim(), space.display()))
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Seconds since 1970.
pub fn calendar() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// A text that nobody else has.
pub(in crate::ledger) fn token() -> String {
    format!("{:016x}{:016x}", random(), random())
}

/// Something near `time`, so that those who wait for the same do not all come at once.
pub(in crate::ledger) fn about(time: Duration) -> Duration {
    time.mul_f64(0.5 + (random() % 1024) as f64 / 1024.0)
}

/// From the keys that the system gives to hash maps.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_the_same() {
        let tokens: std::collections::BTreeSet<_> = (0..1000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1000);
    }

    #[test]
    fn time_goes_on() {
        let before = SystemClock.now();
        assert!(!before.is_zero() && SystemClock.now() >= before);
    }
}
