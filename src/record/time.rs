//! The calendar. Only here is it asked what time it is.
#![expect(
    clippy::disallowed_methods,
    reason = "records say when things happened"
)]

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A point in time, to the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// As the system has it.
    pub fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

/// The present.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Moment(since.unwrap_or_default().as_millis() as u64)
}

/// `20261123-141502-1m9k`: date and time (UTC), then two characters for the millisecond, so that names sort by time, and two
/// by chance.
pub fn name_of(moment: Moment) -> String {
    let text = humantime::format_rfc3339_seconds(moment.time()).to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let chance = RandomState::new().hash_one(moment.0);
    let (day, clock) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    format!(
        "{day}-{clock}-{}{}",
        in_base_36(moment.0 % 1000),
        in_base_36(chance)
    )
}

fn in_base_36(number: u64) -> String {
    let digit = |number: u64| char::from_digit((number % 36) as u32, 36).unwrap_or('0');
    [digit(number / 36), digit(number)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time() {
        let name = |millis| name_of(Moment(millis));
        assert!(name(1_795_443_302_123).starts_with("20261123-"));
        assert!(name(1_795_443_302_000) < name(1_795_443_302_001));
        assert!(name(1_795_443_302_999) < name(1_795_443_303_000));
        assert_eq!(name(0).len(), "20261123-141502-1m9k".len());
    }
}
