//! Times of files and of now. Clocks jump: a time that lies ahead says nothing about age.
#![expect(
    clippy::disallowed_methods,
    reason = "how long ago something was used is a matter of the calendar"
)]

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// By how much a time may lie ahead of ours before a clock has been set: another machine's, on a shared disk.
const AHEAD: Duration = Duration::from_secs(3600);

/// Now.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// When the file was last written or used.
pub fn used(file: &Metadata) -> SystemTime {
    file.modified().unwrap_or(UNIX_EPOCH)
}

/// Whether `time` is longer ago than `age`. So is what lies so far ahead that a clock must have been set since.
pub fn is_older(time: SystemTime, age: Duration, now: SystemTime) -> bool {
    match now.duration_since(time) {
        Ok(since) => since > age,
        Err(ahead) => ahead.duration() > AHEAD,
    }
}

/// Milliseconds since 1970.
pub fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_far_ahead_counts_as_old() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let check = |seconds: u64, expected| {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(is_older(time, Duration::from_secs(60), now), expected);
        };
        check(0, true);
        check(999_939, true);
        check(999_950, false);
        check(1_000_000, false);
        check(1_003_000, false);
        check(2_000_000, true);
    }
}
