//! Taking the lease: when it is free, when it is over, or after waiting for that.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ledger::clock::{Clock, SystemClock, about, calendar, token};
use crate::ledger::error::Error;
use crate::ledger::observe::Observations;
use crate::ledger::store::{Refresh, Seen, Store, Write};
use crate::ledger::tenure::{Start, Tenure};
use crate::model::ledger::{Holder, LEASE_VERSION, Lease};

/// How often it is tried again when others are faster, before that counts as having lost.
const TRIES: u32 = 20;

/// Between two looks at whether it was asked to stop.
const SLICE: Duration = Duration::from_millis(50);

/// How a lease is taken and held.
pub struct Options<'a> {
    /// For how long to wait when somebody has it; `None`: not at all.
    pub wait: Option<Duration>,
    /// Between two looks while waiting.
    pub poll: Duration,
    /// For how long the lease holds without being renewed.
    pub term: Duration,
    /// Between two renewals.
    pub beat: Duration,
    /// Where to keep what was seen of leases of others.
    pub memory: Option<&'a Path>,
    /// Whether the process of a holder lives; `None`: that cannot be told from here.
    pub is_alive: &'a dyn Fn(&Holder) -> Option<bool>,
    /// Whether it was asked to stop.
    pub is_asked: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Called once, when the waiting begins.
    pub waiting: &'a dyn Fn(&Lease),
    pub clock: Arc<dyn Clock>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            wait: None,
            poll: Duration::from_secs(5),
            term: Duration::from_secs(300),
            beat: Duration::from_secs(100),
            memory: None,
            is_alive: &|_| None,
            is_asked: Arc::new(|| false),
            waiting: &|_| {},
            clock: Arc::new(SystemClock),
        }
    }
}

/// Takes the lease of a ledger and keeps it until the tenure is released or dropped.
///
/// # Errors
/// [`Error::Locked`] if somebody has it and goes on having it; [`Error::Interrupted`]; whatever the store says.
pub fn acquire(
    store: Arc<dyn Store>,
    holder: &Holder,
    options: &Options<'_>,
) -> Result<Tenure, Error> {
    let mut seen_before = Observations::new(options.memory, &store.name());
    let begun = options.clock.now();
    let mut is_waiting = false;
    let mut lost = 0;
    loop {
        if (options.is_asked)() {
            return Err(Error::Interrupted);
        }
        let over = || {
            options
                .wait
                .is_none_or(|it| options.clock.now().saturating_sub(begun) >= it)
        };
        let looked = options.clock.now();
        let seen = match store.look(Refresh::Now) {
            Ok(seen) => seen,
            Err(error) if error.is_passing() && is_waiting && !over() => {
                pause(options);
                continue;
            }
            Err(error) => return Err(error),
        };
        match &seen.lease {
            Some(lease) if !is_over(lease, &mut seen_before, looked, options) => {
                if over() {
                    return Err(Error::Locked(Box::new(lease.clone())));
                }
                if !std::mem::replace(&mut is_waiting, true) {
                    (options.waiting)(lease);
                }
                pause(options);
            }
            _ => match take_from(&store, seen, holder, options) {
                Err(Error::Lost(_)) if lost < TRIES => lost += 1,
                other => return other,
            },
        }
    }
}

fn is_over(
    lease: &Lease,
    seen_before: &mut Observations,
    looked: Duration,
    options: &Options<'_>,
) -> bool {
    if lease.sticky {
        return false;
    }
    let unchanged = seen_before.unchanged(lease, looked, &*options.clock);
    lease.is_over(unchanged) || (options.is_alive)(&lease.holder) == Some(false)
}

/// Takes the lease from whoever had it, and looks again: only now can nobody else write.
fn take_from(
    store: &Arc<dyn Store>,
    seen: Seen,
    holder: &Holder,
    options: &Options<'_>,
) -> Result<Tenure, Error> {
    let lease = Lease {
        version: LEASE_VERSION,
        token: token(),
        beat: 0,
        holder: holder.clone(),
        since: calendar(),
        term: options.term.as_secs().max(1),
        sticky: false,
        reason: None,
    };
    let write = Write {
        entries: Vec::new(),
        lease: Some(lease.clone()),
    };
    let renewed_at = options.clock.now();
    let taken = match store.write(&seen.revision, &write) {
        Ok(revision) => Some(revision),
        Err(Error::Unsure(_)) => None,
        Err(error) => return Err(error),
    };
    let now = store.look(Refresh::Now).inspect_err(|_| {
        // Nobody is to wait for a lease that is not used.
        if let Some(revision) = &taken {
            let _ = store.write(revision, &Write::default());
        }
    })?;
    if now.lease.as_ref().is_none_or(|it| it.token != lease.token) {
        return Err(Error::Lost("somebody else has the lease now".into()));
    }
    Ok(Tenure::start(Start {
        store: store.clone(),
        clock: options.clock.clone(),
        is_asked: options.is_asked.clone(),
        beat: options.beat,
        term: options.term,
        renewed_at,
        seen: now,
        lease,
        taken_over: seen.lease,
    }))
}

fn pause(options: &Options<'_>) {
    let end = options.clock.now() + about(options.poll);
    while options.clock.now() < end && !(options.is_asked)() {
        let left = end.saturating_sub(options.clock.now());
        options.clock.sleep(left.min(SLICE));
    }
}
