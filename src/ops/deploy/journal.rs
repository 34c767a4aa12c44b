//! Writing to the ledger while services are deployed: many threads, one lease. What comes together is written together, as
//! each write may be a conversation with a remote.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::ledger::{Error, Tenure};
use crate::model::ledger::Entry;

/// Writes entries under one lease.
pub struct Journal<'t> {
    tenure: &'t Tenure,
    state: Mutex<State>,
    written: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Entry>,
    /// How many batches were begun, and how many are over.
    begun: u64,
    over: u64,
    is_writing: bool,
    /// The first failure. After it nothing is written any more.
    failed: Option<Arc<Error>>,
    /// Everything that was written, in order.
    entries: Vec<Entry>,
}

impl<'t> Journal<'t> {
    /// A journal that writes under `tenure`.
    pub fn new(tenure: &'t Tenure) -> Self {
        Self {
            tenure,
            state: Mutex::default(),
            written: Condvar::new(),
        }
    }

    /// Writes an entry and comes back when it is safe in the ledger.
    ///
    /// # Errors
    /// It, or one before it, could not be written: whatever this entry was to allow must not begin.
    pub fn write(&self, entry: Entry) -> Result<(), Arc<Error>> {
        let mut state = self.state();
        state.waiting.push(entry);
        let batch = state.begun + 1;
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.over >= batch {
                return Ok(());
            }
            if !state.is_writing {
                state = self.write_waiting(state);
            } else {
                let woken = self.written.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Why nothing new may begin: the lease is not ours any more, or the ledger cannot be written.
    pub fn closed(&self) -> Option<String> {
        let lost = self.tenure.is_lost();
        let lost = lost.map(|loss| format!("the lease was lost: {}", loss.why));
        let failed = || self.state().failed.as_ref().map(ToString::to_string);
        lost.or_else(failed)
    }

    /// Everything that was written, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    fn write_waiting<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let entries = std::mem::take(&mut state.waiting);
        state.begun += 1;
        state.is_writing = true;
        drop(state);
        let result = self.tenure.write(&entries);
        let mut state = self.state();
        state.is_writing = false;
        state.over += 1;
        match result {
            Ok(()) => state.entries.extend(entries),
            Err(error) => drop(state.failed.get_or_insert(Arc::new(error))),
        }
        self.written.notify_all();
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
