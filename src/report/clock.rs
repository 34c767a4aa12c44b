//! The time since something began. Tests set it by hand.
#![expect(
    clippy::disallowed_methods,
    reason = "how long a run takes is shown while it goes on, and some CI systems are told when a log began"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that began at zero.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The time since this moment.
    Running(Instant),
    /// As many milliseconds as the number says.
    Fixed(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self::Running(Instant::now())
    }

    /// The time since 1970. A fixed clock began with it.
    pub fn now(&self) -> Duration {
        match self {
            Self::Running(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            Self::Fixed(_) => self.elapsed(),
        }
    }

    /// The time since its beginning.
    pub fn elapsed(&self) -> Duration {
        match self {
            Self::Running(start) => start.elapsed(),
            Self::Fixed(millis) => Duration::from_millis(millis.load(Ordering::Relaxed)),
        }
    }
}
