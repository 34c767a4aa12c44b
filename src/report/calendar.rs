//! Points in time as people and machines read them. The present is always given: nothing here looks at a clock.

use std::time::{Duration, SystemTime};

use crate::report::words;

/// The first second of the year 10,000: a record that speaks of later times is wrong.
const END: u64 = 253_402_300_800;

/// Clocks of two machines may differ by this without anybody being told.
const DRIFT: u64 = 120;

/// `2026-11-23T14:02:11Z`; none for a time that cannot be.
pub fn stamp(seconds: u64) -> Option<String> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let time = time.filter(|_| seconds < END)?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// The same for a time that git gives, which may lie before 1970.
pub fn stamp_of_commit(seconds: i64) -> Option<String> {
    stamp(u64::try_from(seconds).ok()?)
}

/// `2026-11-23 14:02 UTC`.
pub fn moment(seconds: u64) -> String {
    match stamp(seconds) {
        Some(text) => format!("{} {} UTC", &text[..10], &text[11..16]),
        None => "at an impossible time".to_owned(),
    }
}

/// `2026-11-23`, of a commit.
pub fn day(seconds: i64) -> String {
    match stamp_of_commit(seconds) {
        Some(text) => text[..10].to_owned(),
        None => "no date".to_owned(),
    }
}

/// `3 days ago`; a time that lies ahead of `now` as it is.
pub fn ago(seconds: u64, now: u64) -> String {
    match now.checked_sub(seconds) {
        Some(age) => format!("{} ago", words::age(Duration::from_secs(age))),
        None if seconds - now <= DRIFT => "just now".to_owned(),
        None => moment(seconds),
    }
}

/// `2026-11-23 14:02 UTC (3 days ago)`.
pub fn since(seconds: u64, now: u64) -> String {
    let (moment, ago) = (moment(seconds), ago(seconds, now));
    match moment == ago {
        true => moment,
        false => format!("{moment} ({ago})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_442_540;

    #[test]
    fn times_are_absolute_and_relative() {
        assert_eq!(stamp(NOW).as_deref(), Some("2026-11-23T14:02:20Z"));
        assert_eq!(moment(NOW), "2026-11-23 14:02 UTC");
        assert_eq!(day(NOW as i64), "2026-11-23");
        let check = |seconds, expected: &str| assert_eq!(since(seconds, NOW), expected);
        check(NOW - 259_200, "2026-11-20 14:02 UTC (3 days ago)");
        check(NOW + 5, "2026-11-23 14:02 UTC (just now)");
        check(NOW + 3600, "2026-11-23 15:02 UTC");
    }

    #[test]
    fn impossible_times_are_named_as_that() {
        for seconds in [END, u64::MAX / 2, u64::MAX] {
            assert_eq!(since(seconds, NOW), "at an impossible time");
            assert_eq!(stamp(seconds), None);
        }
        for seconds in [-1, i64::MIN, i64::MAX] {
            assert_eq!(day(seconds), "no date");
        }
        assert_eq!(moment(END - 1), "9999-12-31 23:59 UTC");
    }
}
