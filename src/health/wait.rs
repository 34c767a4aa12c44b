//! Waiting until a service is well: it asks, sleeps, and asks again.

use std::time::Duration;

use crate::health::clock::{Clock, Running};
use crate::health::patience::{Next, Patience};
use crate::health::{Answer, Verdict};
use crate::model::deploy::Health;

/// How soon a wish to stop is noticed.
const NOTICE: Duration = Duration::from_millis(50);

/// Asks until as many answers in a row are good as `health` wants, until its time is over, or until somebody asks to stop.
/// `ask` puts one question, within the time that it is given; `told` hears why the service is not well, once for each reason.
pub fn wait(
    health: &Health,
    ask: &mut dyn FnMut(Duration) -> Answer,
    is_asked_to_stop: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&str),
) -> Verdict {
    wait_by(&Running::start(), health, ask, is_asked_to_stop, told)
}

fn wait_by(
    clock: &dyn Clock,
    health: &Health,
    ask: &mut dyn FnMut(Duration) -> Answer,
    is_asked_to_stop: &dyn Fn() -> bool,
    told: &mut dyn FnMut(&str),
) -> Verdict {
    let mut patience = Patience::new(health);
    let mut before = Answer::Well;
    while !is_asked_to_stop() {
        let answer = ask(patience.ask(clock.elapsed()));
        let next = patience.hear(&answer, clock.elapsed());
        if next == Next::Well {
            return Verdict::Well {
                after: clock.elapsed(),
            };
        }
        if is_asked_to_stop() {
            break;
        }
        match &answer {
            Answer::NotYet(why) if answer != before => told(why),
            _ => {}
        }
        match next {
            Next::AskAt(time) => sleep_until(time, clock, is_asked_to_stop),
            _ => {
                return Verdict::TimedOut {
                    last: patience.last(answer),
                    asked: patience.asked,
                };
            }
        }
        before = answer;
    }
    Verdict::Stopped
}

fn sleep_until(time: Duration, clock: &dyn Clock, is_asked_to_stop: &dyn Fn() -> bool) {
    while !is_asked_to_stop() {
        let left = time.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return;
        }
        clock.sleep(left.min(NOTICE));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::health::testing::health;

    /// A clock that moves when somebody sleeps.
    #[derive(Default)]
    struct Fake(Cell<Duration>);

    impl Clock for Fake {
        fn elapsed(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, time: Duration) {
            self.0.set(self.0.get() + time);
        }
    }

    const NOTHING: &str = "connection refused";

    /// Waits for a service that answers by this script, `+` for well, a letter for a reason, each after so many seconds;
    /// gives the verdict, what was told, and when the questions were put.
    fn play(health: &Health, script: &str, takes: f64) -> (Verdict, String, Vec<f64>) {
        let clock = Fake::default();
        let mut answers = script.chars().cycle();
        let (mut heard, mut times) = (String::new(), Vec::new());
        let verdict = wait_by(
            &clock,
            health,
            &mut |patience| {
                times.push(clock.elapsed().as_secs_f64());
                clock.sleep(Duration::from_secs_f64(takes).min(patience));
                match answers.next().expect("it goes round") {
                    '+' => Answer::Well,
                    letter => Answer::NotYet(letter.to_string()),
                }
            },
            &|| false,
            &mut |why| heard.push_str(why),
        );
        (verdict, heard, times)
    }

    fn well(seconds: f64) -> Verdict {
        Verdict::Well {
            after: Duration::from_secs_f64(seconds),
        }
    }

    fn timed_out(last: &str, asked: u32) -> Verdict {
        Verdict::TimedOut {
            last: last.to_owned(),
            asked,
        }
    }

    #[test]
    fn good_answers_in_a_row_count() {
        let check = |successes, script: &str, expected: Verdict, heard: &str| {
            let (verdict, told, _) = play(&health(10.0, 1.0, successes), script, 0.0);
            assert_eq!((verdict, told.as_str()), (expected, heard), "{script}");
        };
        check(1, "+", well(0.0), "");
        check(1, "aab+", well(3.0), "ab");
        check(3, "+++", well(2.0), "");
        check(2, "a+b++", well(4.0), "ab");
        check(2, "a+a++", well(4.0), "aa");
        check(
            2,
            "+a",
            timed_out("well once in a row, of 2 that count", 11),
            "aaaaa",
        );
        check(1, "a", timed_out("a", 11), "a");
        check(
            12,
            "+",
            timed_out("well 11 times in a row, of 12 that count", 11),
            "",
        );
    }

    #[test]
    fn slow_questions_do_not_overshoot_the_timeout() {
        let (verdict, _, times) = play(&health(25.0, 1.0, 1), "a", 100.0);
        assert_eq!(verdict, timed_out("a", 3));
        assert_eq!(times, [0.0, 10.0, 20.0]);
        let (verdict, _, times) = play(&health(2.5, 1.0, 1), "a", 0.25);
        assert_eq!(verdict, timed_out("a", 4));
        assert_eq!(times, [0.0, 1.0, 2.0, 2.5]);
    }

    #[test]
    fn a_wish_to_stop_ends_the_wait() {
        let clock = Fake::default();
        let asked = Cell::new(0);
        let verdict = wait_by(
            &clock,
            &health(1000.0, 100.0, 1),
            &mut |_| {
                asked.set(asked.get() + 1);
                Answer::NotYet(NOTHING.to_owned())
            },
            &|| clock.elapsed() > Duration::from_secs(3),
            &mut |_| {},
        );
        assert_eq!(verdict, Verdict::Stopped);
        assert_eq!(asked.get(), 1);
        assert!(clock.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn who_is_asked_to_stop_before_the_start_asks_nothing() {
        let verdict = wait(
            &health(1.0, 1.0, 1),
            &mut |_| panic!("nothing is asked"),
            &|| true,
            &mut |_| {},
        );
        assert_eq!(verdict, Verdict::Stopped);
    }
}
