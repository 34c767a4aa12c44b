//! When to ask a service, how long to wait for its answer, and when to give up. Pure: times are counted from the start.

use std::time::Duration;

use crate::health::Answer;
use crate::model::deploy::Health;

/// No question waits longer: a service that needs more is not well.
const LONGEST: Duration = Duration::from_secs(10);

/// The last question gets at least this, where the time that is left is less.
const SHORTEST: Duration = Duration::from_secs(1);

/// A wait that is going on.
pub struct Patience<'h> {
    health: &'h Health,
    asked_at: Duration,
    pub asked: u32,
    in_a_row: u32,
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Well,
    AskAt(Duration),
    GiveUp,
}

impl<'h> Patience<'h> {
    pub fn new(health: &'h Health) -> Self {
        Self {
            health,
            asked_at: Duration::ZERO,
            asked: 0,
            in_a_row: 0,
        }
    }

    /// A question is put now: how long it may take.
    pub fn ask(&mut self, now: Duration) -> Duration {
        self.asked_at = now;
        self.asked += 1;
        let left = self.health.timeout.saturating_sub(now);
        left.clamp(SHORTEST, LONGEST)
    }

    /// An answer came. Questions begin at equal distances, and the last one at the end of the time.
    pub fn hear(&mut self, answer: &Answer, now: Duration) -> Next {
        self.in_a_row = match answer {
            Answer::Well => self.in_a_row + 1,
            Answer::NotYet(_) => 0,
        };
        if self.in_a_row >= self.health.successes {
            return Next::Well;
        }
        let end = self.health.timeout;
        if self.asked_at >= end || now >= end {
            return Next::GiveUp;
        }
        let next = self.asked_at.saturating_add(self.health.interval);
        Next::AskAt(next.max(now).min(end))
    }

    /// The last answer in words, for a wait that timed out.
    pub fn last(&self, answer: Answer) -> String {
        match answer {
            Answer::NotYet(why) => why,
            Answer::Well => format!(
                "well {} in a row, of {} that count",
                times(self.in_a_row),
                self.health.successes
            ),
        }
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::testing::health;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_question_may_take_what_is_left_within_bounds() {
        let health = health(60.0, 1.0, 1);
        let check = |now, expected| {
            assert_eq!(Patience::new(&health).ask(s(now)), s(expected), "{now}");
        };
        check(0.0, 10.0);
        check(49.0, 10.0);
        check(55.0, 5.0);
        check(59.5, 1.0);
        check(60.0, 1.0);
        check(70.0, 1.0);
    }

    #[test]
    fn the_next_question_follows_the_beginning_of_the_last() {
        let health = health(60.0, 7.0, 2);
        let check = |asked: f64, heard: f64, expected: Next| {
            let mut patience = Patience::new(&health);
            patience.ask(s(asked));
            let no = Answer::NotYet(String::new());
            assert_eq!(patience.hear(&no, s(heard)), expected, "{asked} {heard}");
            patience.ask(s(asked));
            assert_eq!(patience.hear(&Answer::Well, s(heard)), expected);
        };
        check(0.0, 0.1, Next::AskAt(s(7.0)));
        check(7.0, 14.5, Next::AskAt(s(14.5)));
        check(56.0, 56.1, Next::AskAt(s(60.0)));
        check(60.0, 60.1, Next::GiveUp);
        check(55.0, 60.0, Next::GiveUp);
    }

    #[test]
    fn an_interval_beyond_all_time_is_no_overflow() {
        let mut health = health(1.0, 1.0, 2);
        health.interval = Duration::MAX;
        let mut patience = Patience::new(&health);
        patience.ask(s(0.5));
        assert_eq!(patience.hear(&Answer::Well, s(0.6)), Next::AskAt(s(1.0)));
        health.timeout = Duration::MAX;
        let mut patience = Patience::new(&health);
        patience.ask(s(0.5));
        let next = patience.hear(&Answer::Well, s(0.6));
        assert_eq!(next, Next::AskAt(Duration::MAX));
    }
}
