//! The lease while it is held: a thread renews it, and each write renews it in the same step.
//!
//! Every write carries a beat that no other write has. So, whatever becomes of a connection, the lease that is there tells
//! which write was the last one to be taken.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::ledger::clock::{Clock, about};
use crate::ledger::error::{Error, Loss};
use crate::ledger::store::{Refresh, Revision, Seen, Store, Wanted, Write};
use crate::model::ledger::{Entry, Lease, Standing, Standings};

/// The part of a term that is not used: others may count it a little faster than we do.
const MARGIN: u32 = 10;

/// Between two tries when the store cannot be reached: at first, and at most.
const SOON: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_secs(10);

/// For how long a write is tried after it was asked to stop.
const LAST: Duration = Duration::from_secs(4);

/// A lease that is held.
pub struct Tenure {
    shared: Arc<Shared>,
    renewing: Option<JoinHandle<()>>,
    taken_over: Option<Lease>,
    is_released: bool,
}

/// What a tenure begins with.
pub(in crate::ledger) struct Start {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub is_asked: Arc<dyn Fn() -> bool + Send + Sync>,
    pub beat: Duration,
    pub term: Duration,
    /// Before the lease was written.
    pub renewed_at: Duration,
    pub seen: Seen,
    pub lease: Lease,
    pub taken_over: Option<Lease>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    is_asked: Arc<dyn Fn() -> bool + Send + Sync>,
    beat: Duration,
    /// For how long a renewal counts.
    holds: Duration,
    state: Mutex<State>,
    /// Beside the state, so that it can be asked for while somebody waits for the store.
    ending: Mutex<Ending>,
    wake: Condvar,
}

struct State {
    revision: Revision,
    lease: Lease,
    /// The beat of the next write.
    next: u64,
    standings: Standings,
    is_ended: bool,
}

struct Ending {
    /// When the last renewal began that was taken.
    renewed_at: Duration,
    /// Why the last try failed.
    trouble: Option<String>,
    loss: Option<Loss>,
}

/// What became of one try.
enum Tried {
    Done,
    /// Try again.
    Again(Error),
    Failed(Error),
}

impl Tenure {
    pub(in crate::ledger) fn start(start: Start) -> Self {
        let shared = Arc::new(Shared {
            holds: start.term - start.term / MARGIN,
            beat: start.beat,
            store: start.store,
            clock: start.clock,
            is_asked: start.is_asked,
            state: Mutex::new(State {
                revision: start.seen.revision,
                next: start.lease.beat + 1,
                lease: start.lease,
                standings: start.seen.standings,
                is_ended: false,
            }),
            ending: Mutex::new(Ending {
                renewed_at: start.renewed_at,
                trouble: None,
                loss: None,
            }),
            wake: Condvar::new(),
        });
        let renewing = shared.clone();
        Self {
            shared,
            renewing: Some(thread::spawn(move || renewing.renew())),
            taken_over: start.taken_over,
            is_released: false,
        }
    }

    /// Whose lease was over and taken.
    pub fn taken_over(&self) -> Option<&Lease> {
        self.taken_over.as_ref()
    }

    /// How everything stands, with all that was written.
    pub fn standings(&self) -> Standings {
        lock(&self.shared.state).standings.clone()
    }

    /// The lease as it is now.
    pub fn lease(&self) -> Lease {
        lock(&self.shared.state).lease.clone()
    }

    /// What the ledger is now.
    pub fn revision(&self) -> Revision {
        lock(&self.shared.state).revision.clone()
    }

    /// Whether it was lost: then nothing may be begun. Never waits for the store.
    pub fn is_lost(&self) -> Option<Loss> {
        self.shared.loss()
    }

    /// Appends entries. Tried again while the store cannot be reached, as long as the lease holds.
    ///
    /// # Errors
    /// [`Error::Over`] if the lease was lost: nothing was written unless its text says that this is not known.
    pub fn write(&self, entries: &[Entry]) -> Result<(), Error> {
        let shared = &*self.shared;
        let mut state = lock(&shared.state);
        let write = state.next_write(entries);
        let begun = shared.clock.now();
        let mut pause = SOON;
        let mut asked_at = None;
        loop {
            if let Some(loss) = shared.loss() {
                return Err(Error::Over(loss));
            }
            let error = match shared.attempt(&mut state, &write, begun) {
                Tried::Done => return Ok(()),
                Tried::Failed(error) => return Err(error),
                Tried::Again(error) => error,
            };
            if (shared.is_asked)() {
                let since = *asked_at.get_or_insert_with(|| shared.clock.now());
                if shared.clock.now().saturating_sub(since) >= LAST {
                    return Err(error);
                }
                pause = SOON;
            }
            shared.clock.sleep(about(pause));
            pause = (pause * 2).min(LATE);
        }
    }

    /// Gives the lease up.
    ///
    /// # Errors
    /// Whatever the store says. Then it ends by itself.
    pub fn release(self) -> Result<(), Error> {
        self.finish(&[])
    }

    /// Appends the last entries and gives the lease up, in one step.
    ///
    /// # Errors
    /// See [`Self::write`].
    pub fn finish(mut self, entries: &[Entry]) -> Result<(), Error> {
        self.end(entries)
    }

    fn end(&mut self, entries: &[Entry]) -> Result<(), Error> {
        self.is_released = true;
        let result = {
            let mut state = lock(&self.shared.state);
            state.is_ended = true;
            self.shared.wake.notify_all();
            self.shared.give_up(&mut state, entries)
        };
        if let Some(renewing) = self.renewing.take() {
            let _ = renewing.join();
        }
        result
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        if !self.is_released {
            let _ = self.end(&[]);
        }
    }
}

impl Shared {
    /// What the thread does.
    fn renew(&self) {
        let mut pause = self.beat;
        let mut wait = SOON;
        let mut state = lock(&self.state);
        loop {
            let is_on = |state: &mut State| !state.is_ended;
            let waited = self.wake.wait_timeout_while(state, pause, is_on);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.is_ended || self.loss().is_some() {
                return;
            }
            let now = self.clock.now();
            let since = now.saturating_sub(lock(&self.ending).renewed_at);
            // A write may have renewed it meanwhile.
            if since < self.beat {
                pause = self.beat - since;
                continue;
            }
            let write = state.next_write(&[]);
            pause = match self.attempt(&mut state, &write, now) {
                Tried::Done => {
                    wait = SOON;
                    self.beat
                }
                Tried::Again(_) | Tried::Failed(_) => {
                    wait = (wait * 2).min(LATE);
                    about(wait.min(self.beat))
                }
            };
        }
    }

    /// One try of a write, the first of which began at `begun`.
    fn attempt(&self, state: &mut State, write: &Write, begun: Duration) -> Tried {
        let error = match self.store.write(&state.revision, write) {
            Ok(revision) => {
                self.taken(state, write, revision, begun);
                return Tried::Done;
            }
            Err(error) => error,
        };
        lock(&self.ending).trouble = Some(error.to_string());
        match error {
            Error::Lost(_) | Error::Unsure(_) => self.resolve(state, write, begun, error),
            error if error.is_passing() => Tried::Again(error),
            error => Tried::Failed(error),
        }
    }

    /// Asks the lease that is there which write was the last one.
    fn resolve(&self, state: &mut State, write: &Write, begun: Duration, error: Error) -> Tried {
        let Ok(seen) = self.store.look(Refresh::Now) else {
            return Tried::Again(error);
        };
        match seen.lease {
            Some(lease) if lease.token == state.lease.token => {
                if write.lease.as_ref().is_some_and(|it| it.beat == lease.beat) {
                    self.taken(state, write, seen.revision, begun);
                    return Tried::Done;
                }
                // Nobody else writes this token: what is there is an earlier write of ours that was taken late.
                state.revision = seen.revision;
                state.standings = seen.standings;
                Tried::Again(error)
            }
            other => {
                let why = self.words(other.as_ref(), write, &error);
                let to = other.map(Box::new);
                let loss = Loss { to, why };
                lock(&self.ending).loss = Some(loss.clone());
                Tried::Failed(Error::Over(loss))
            }
        }
    }

    fn words(&self, other: Option<&Lease>, write: &Write, error: &Error) -> String {
        let who = match other {
            Some(lease) => {
                let name = lease.holder.who.name.escape_debug();
                format!("{name} took it ({})", lease.holder.command.escape_debug())
            }
            None => "it was released by somebody else".to_owned(),
        };
        match (error, write.entries.is_empty()) {
            (Error::Unsure(_), false) => match self.has(&write.entries) {
                Some(true) => format!("{who}, after the last write"),
                Some(false) => who,
                None => format!("{who}, and it is not known whether the last write was taken"),
            },
            _ => who,
        }
    }

    fn taken(&self, state: &mut State, write: &Write, revision: Revision, begun: Duration) {
        state.revision = revision;
        if let Some(lease) = &write.lease {
            state.lease = lease.clone();
        }
        for entry in &write.entries {
            let before = state.standings.remove(&entry.service);
            let after = Standing::after(before, entry.clone());
            state.standings.insert(entry.service.clone(), after);
        }
        let mut ending = lock(&self.ending);
        ending.renewed_at = begun;
        ending.trouble = None;
    }

    /// How it was lost, if it was. One that could not be renewed in time is lost, even if nobody took it yet.
    fn loss(&self) -> Option<Loss> {
        let mut ending = lock(&self.ending);
        if ending.loss.is_none() {
            let since = self.clock.now().saturating_sub(ending.renewed_at);
            if since >= self.holds {
                let why = match &ending.trouble {
                    Some(trouble) => format!("it could not be renewed in time: {trouble}"),
                    None => "it was not renewed in time: the machine may have slept".to_owned(),
                };
                ending.loss = Some(Loss { to: None, why });
            }
        }
        ending.loss.clone()
    }

    /// Releases the lease if it still is ours, with the last entries if it was not lost.
    fn give_up(&self, state: &mut State, entries: &[Entry]) -> Result<(), Error> {
        if let Some(loss) = self.loss()
            && (!entries.is_empty() || loss.to.is_some())
        {
            let _ = self.give_up_tried(state, &[]);
            return Err(Error::Over(loss));
        }
        self.give_up_tried(state, entries)
    }

    fn give_up_tried(&self, state: &mut State, entries: &[Entry]) -> Result<(), Error> {
        let write = Write {
            entries: entries.to_vec(),
            lease: None,
        };
        let begun = self.clock.now();
        loop {
            let error = match self.store.write(&state.revision, &write) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            match &error {
                Error::Lost(_) | Error::Unsure(_) => match self.store.look(Refresh::Now) {
                    Ok(Seen {
                        lease: Some(lease),
                        revision,
                        ..
                    }) if lease.token == state.lease.token => state.revision = revision,
                    Ok(seen) => {
                        return match self.has(entries) {
                            Some(true) => Ok(()),
                            _ => Err(Error::Over(Loss {
                                to: seen.lease.map(Box::new),
                                why: "it was gone before the last write".into(),
                            })),
                        };
                    }
                    Err(_) => {}
                },
                error if error.is_passing() => {}
                _ => return Err(error),
            }
            if self.clock.now().saturating_sub(begun) >= LAST {
                return Err(error);
            }
            self.clock.sleep(about(SOON));
        }
    }

    /// Whether the ledger has these entries; `None` if it cannot be told.
    fn has(&self, entries: &[Entry]) -> Option<bool> {
        for entry in entries {
            let wanted = Wanted {
                service: Some(entry.service.clone()),
                deploy: Some(entry.deploy.clone()),
                most: None,
            };
            if !self.store.history(&wanted).ok()?.contains(entry) {
                return Some(false);
            }
        }
        Some(true)
    }
}

impl State {
    /// A write with a beat of its own.
    fn next_write(&mut self, entries: &[Entry]) -> Write {
        let mut lease = self.lease.clone();
        lease.beat = self.next;
        self.next += 1;
        Write {
            entries: entries.to_vec(),
            lease: Some(lease),
        }
    }
}

/// A panic of another thread in the midst of something changes nothing about what the store holds.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
