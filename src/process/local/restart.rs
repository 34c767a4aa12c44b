//! How long a service that ended waits before it is started again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The rule for starting a service again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// Who ran so long is well: the waits begin anew.
    pub calm: Duration,
    /// After so many quick ends in a row it waits longest each time, and counts as crashing.
    pub quick_ends: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            calm: Duration::from_secs(60),
            quick_ends: 5,
        }
    }
}

impl Restart {
    /// How many quick ends in a row there are, after one more end.
    pub fn count(&self, before: u32, ran: Duration) -> u32 {
        match ran >= self.calm {
            true => 1,
            false => before.saturating_add(1),
        }
    }

    /// The wait after so many quick ends.
    pub fn wait(&self, quick: u32) -> Duration {
        if quick >= self.quick_ends {
            return self.longest;
        }
        let doubled = 1_u32.checked_shl(quick.saturating_sub(1));
        let wait = doubled.and_then(|it| self.first.checked_mul(it));
        wait.unwrap_or(self.longest).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_the_service_counts_as_crashing() {
        let restart = Restart::default();
        let waits: Vec<_> = (1..=7).map(|it| restart.wait(it).as_secs_f32()).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 30.0, 30.0, 30.0]);
        let patient = Restart {
            quick_ends: u32::MAX,
            ..restart
        };
        let waits: Vec<_> = [6, 7, 32, 33, 64, u32::MAX]
            .map(|it| patient.wait(it).as_secs())
            .into();
        assert_eq!(waits, [16, 30, 30, 30, 30, 30]);
    }

    #[test]
    fn who_ran_long_begins_anew() {
        let restart = Restart::default();
        assert_eq!(restart.count(4, Duration::from_secs(59)), 5);
        assert_eq!(restart.count(4, Duration::from_secs(60)), 1);
        assert_eq!(restart.count(0, Duration::ZERO), 1);
    }
}
