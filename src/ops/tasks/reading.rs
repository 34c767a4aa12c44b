//! What a task reads of the tasks that it needs: it stays as it is while the task runs, or that is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cache::{Collected, Lock, room};
use crate::model::event::Event;
use crate::model::key::NeededResult;
use crate::model::name::TaskId;
use crate::ops::tasks::keys::Needed;
use crate::ops::tasks::results::RunResults;

/// So many needed tasks are held still for one task, at most: each takes an open file, of which there are few. Changes of
/// others are only noticed.
const MOST: usize = 64;

/// How many needed tasks may still be held, for all tasks that run.
#[derive(Clone)]
pub struct Room(Arc<AtomicUsize>);

/// The part of the room that one takes.
struct Taken(Room);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(room())))
    }
}

impl Room {
    fn take(&self) -> Option<Taken> {
        let take = |left: usize| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.is_ok().then(|| Taken(self.clone()))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Held while a task runs.
#[derive(Default)]
pub struct Reading {
    /// No other svc makes or restores these outputs meanwhile.
    locks: Vec<(Lock, Taken)>,
    seen: Vec<(TaskId, Seen)>,
}

/// The outputs of a needed task as they lay there before.
enum Seen {
    Right(Collected),
    /// They are not what they were when they were made or restored.
    Wrong,
}

impl RunResults<'_> {
    /// Begins to read what the tasks left that are needed directly: these are in the key.
    ///
    /// Whoever waits here holds the lock of a task that needs what is waited for, and tasks do not need each other in a
    /// circle: so nobody waits for ever.
    pub(in crate::ops::tasks) fn read_needed(&self, task: usize, tell: &dyn Fn(Event)) -> Reading {
        let mut reading = Reading::default();
        let needs = self.planned(task).needs.iter().copied();
        let needs = needs.filter(|need| !self.patterns(*need).is_empty());
        for need in needs {
            let id = &self.planned(need).id;
            let mut waiting = || {
                let message = format!(
                    "{} waits for another svc that is at {id}",
                    self.planned(task).id
                );
                tell(Event::Warned { message });
            };
            if !self.above.contains(id)
                && reading.locks.len() < MOST
                && let Some(taken) = self.room.take()
            {
                let lock = self.outputs.share(id, self.is_asked, &mut waiting);
                reading.locks.extend(lock.map(|it| (it, taken)));
            }
            if self.cache.writable().is_some()
                && let Some(seen) = self.see(need)
            {
                reading.seen.push((id.clone(), seen));
            }
        }
        reading
    }

    /// A needed task whose outputs are not as they were since before the task ran.
    pub(in crate::ops::tasks) fn first_unsteady<'r>(
        &self,
        reading: &'r Reading,
    ) -> Option<&'r TaskId> {
        let is_changed = |seen: &Seen| match seen {
            Seen::Right(collected) => !self.outputs.lie_still(collected),
            Seen::Wrong => true,
        };
        let changed = reading.seen.iter().find(|(_, seen)| is_changed(seen));
        changed.map(|(id, _)| id)
    }

    fn see(&self, need: usize) -> Option<Seen> {
        let needed = self.state(need).needed.clone();
        let Some(Needed::Known(NeededResult::Outputs { outputs, .. })) = needed else {
            return None;
        };
        let id = &self.planned(need).id;
        Some(match self.outputs.collect(id, self.patterns(need)) {
            Ok(collected) if collected.tree.digest() == outputs => Seen::Right(collected),
            _ => Seen::Wrong,
        })
    }
}
