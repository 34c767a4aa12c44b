//! Asking a service over the network whether it is well, and waiting until it is.

mod ask;
mod clock;
mod http;
mod patience;
mod proxies;
mod reason;
mod tcp;
#[cfg(test)]
mod testing;
mod wait;

use std::time::Duration;

pub use crate::health::ask::ask;
pub use crate::health::proxies::Proxies;
pub use crate::health::wait::wait;

/// What a service answered to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Well,
    /// Why not, for people: one line, nothing in it that a terminal would obey.
    NotYet(String),
}

/// How waiting for a service ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Well {
        after: Duration,
    },
    TimedOut {
        /// The last answer, in words.
        last: String,
        asked: u32,
    },
    /// Somebody asked to stop.
    Stopped,
}
