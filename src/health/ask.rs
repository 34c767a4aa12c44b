//! One question, answered in time whatever the other side does.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::health::clock::{Clock, Running};
use crate::health::http::Page;
use crate::health::{Answer, Proxies, http, reason, tcp};
use crate::model::deploy::Probe;

/// How soon a wish to stop is noticed.
const NOTICE: Duration = Duration::from_millis(20);

/// Asks once. `None`: it is a command, which the caller runs.
///
/// The question is put on a thread of its own: names that take long to resolve, servers that trickle and a wish to stop
/// cannot hold the caller longer than `patience`.
pub fn ask(
    probe: &Probe,
    patience: Duration,
    proxies: &Proxies,
    is_asked_to_stop: &dyn Fn() -> bool,
) -> Option<Answer> {
    let question: Box<dyn FnOnce() -> Answer + Send> = match probe {
        Probe::Http { url, status, body } => {
            let page = Page {
                url: url.clone(),
                status: *status,
                body: body.clone(),
                proxies: proxies.clone(),
            };
            Box::new(move || http::ask(&page, patience))
        }
        Probe::Tcp(address) => {
            let address = address.clone();
            Box::new(move || tcp::ask(&address, patience))
        }
        Probe::Command(_) => return None,
    };
    Some(in_time(question, patience, is_asked_to_stop))
}

fn in_time(
    question: Box<dyn FnOnce() -> Answer + Send>,
    patience: Duration,
    is_asked_to_stop: &dyn Fn() -> bool,
) -> Answer {
    let clock = Running::start();
    let (sender, answer) = channel();
    let put = move |sender: Sender<Answer>| {
        // The one who asked may have gone.
        let _ = sender.send(question());
    };
    let thread = std::thread::Builder::new().name("health".to_owned());
    if let Err(error) = thread.spawn(move || put(sender)) {
        return Answer::NotYet(format!("no thread to ask with: {error}"));
    }
    // Both sides count; who asks lets the other come first, because that one knows what it waited for.
    let end = patience + NOTICE * 2;
    loop {
        let left = end.saturating_sub(clock.elapsed());
        match answer.recv_timeout(left.min(NOTICE)) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => {
                return Answer::NotYet("the question could not be put".to_owned());
            }
            Err(RecvTimeoutError::Timeout) if is_asked_to_stop() => {
                return Answer::NotYet("stopped before it answered".to_owned());
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                return Answer::NotYet(reason::no_answer(patience));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn slow() -> Box<dyn FnOnce() -> Answer + Send> {
        Box::new(|| {
            std::thread::park_timeout(Duration::from_secs(60));
            Answer::Well
        })
    }

    #[test]
    fn a_question_that_hangs_is_given_up_in_time() {
        let clock = Running::start();
        let answer = in_time(slow(), Duration::from_millis(50), &|| false);
        assert_eq!(answer, Answer::NotYet("no answer within 50ms".to_owned()));
        assert!(clock.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_wish_to_stop_ends_a_question() {
        let clock = Running::start();
        let stop = AtomicBool::new(true);
        let answer = in_time(slow(), Duration::from_secs(50), &|| {
            stop.load(Ordering::Relaxed)
        });
        assert!(matches!(answer, Answer::NotYet(_)));
        assert!(clock.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_command_is_not_for_us() {
        let probe = Probe::Command("true".to_owned());
        let answer = ask(&probe, Duration::from_secs(1), &Proxies::default(), &|| {
            false
        });
        assert_eq!(answer, None);
    }
}
