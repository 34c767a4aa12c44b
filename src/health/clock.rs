//! The clock of those who wait. Only here does this room look at it.
#![expect(
    clippy::disallowed_methods,
    reason = "waiting for a service takes time"
)]

use std::time::{Duration, Instant};

/// Time since some beginning.
pub trait Clock {
    fn elapsed(&self) -> Duration;
    fn sleep(&self, time: Duration);
}

/// The real one.
pub struct Running(Instant);

impl Running {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Running {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
