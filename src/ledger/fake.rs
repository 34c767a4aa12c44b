//! A remote in memory, and a clock, for tests: connections break and time passes as they are told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::ledger::clock::Clock;
use crate::model::change::ObjectId;
use crate::model::refs::{Edit, Growth, Move, Refs, RefsError};

/// What happens to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection breaks before the remote has it.
    Before,
    /// It breaks when the remote has it.
    After,
    /// It breaks, and the remote has it before the next push.
    Late,
    Unreachable,
    Refused,
}

#[derive(Default)]
pub struct Remote(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    commits: BTreeMap<ObjectId, Commit>,
    refs: BTreeMap<String, ObjectId>,
    late: Vec<Vec<Move>>,
    keeps_all: bool,
}

#[derive(Clone)]
struct Commit {
    parent: Option<ObjectId>,
    files: BTreeMap<String, Vec<u8>>,
    message: String,
}

/// One clone of it.
#[derive(Default)]
pub struct Mirror {
    remote: Arc<Remote>,
    refs: Mutex<BTreeMap<String, ObjectId>>,
    faults: Mutex<VecDeque<Fault>>,
    /// How many refreshes fail from now on.
    pub deaf: AtomicU64,
    /// Done before the next pushes, one each.
    meanwhile: Mutex<VecDeque<Box<dyn FnOnce() + Send>>>,
}

impl Remote {
    /// From now on no ref can be deleted.
    pub fn keep_all(&self) {
        self.0.lock().unwrap().keeps_all = true;
    }

    pub fn tip(&self, name: &str) -> Option<ObjectId> {
        self.0.lock().unwrap().refs.get(name).copied()
    }

    pub fn message(&self, name: &str) -> String {
        let tip = self.tip(name).unwrap();
        self.0.lock().unwrap().commits[&tip].message.clone()
    }

    /// Somebody else writes a file.
    pub fn spoil(&self, name: &str, path: &str, content: Option<&[u8]>) {
        let mut inside = self.0.lock().unwrap();
        let tip = inside.refs.get(name).copied();
        let content = content.map(<[u8]>::to_vec);
        let path = path.to_owned();
        let id = inside.commit(tip, &[Edit { path, content }], "spoilt");
        inside.refs.insert(name.to_owned(), id);
    }
}

impl Inside {
    fn commit(&mut self, parent: Option<ObjectId>, edits: &[Edit], message: &str) -> ObjectId {
        let mut files = parent.map_or_else(BTreeMap::new, |it| self.commits[&it].files.clone());
        for edit in edits {
            match &edit.content {
                Some(content) => files.insert(edit.path.clone(), content.clone()),
                None => files.remove(&edit.path),
            };
        }
        let id = blake3::hash(&self.commits.len().to_le_bytes());
        let id = ObjectId::from_bytes(&id.as_bytes()[..20]).unwrap();
        let message = message.to_owned();
        let commit = Commit {
            parent,
            files,
            message,
        };
        self.commits.insert(id, commit);
        id
    }

    /// As git does it: what is to stay as it is is not even mentioned.
    fn take(&mut self, moves: &[Move]) -> Result<(), RefsError> {
        let moves: Vec<_> = moves.iter().filter(|it| it.from != it.to).collect();
        for it in &moves {
            if self.refs.get(&it.name).copied() != it.from {
                return Err(RefsError::Lost(format!("{} moved", it.name)));
            }
            if it.to.is_none() && self.keeps_all {
                return Err(refused());
            }
        }
        for it in moves {
            match it.to {
                Some(to) => self.refs.insert(it.name.clone(), to),
                None => self.refs.remove(&it.name),
            };
        }
        Ok(())
    }
}

fn refused() -> RefsError {
    RefsError::Refused {
        remote: "origin".into(),
        words: "deletion prohibited".into(),
    }
}

impl Mirror {
    pub fn of(remote: &Arc<Remote>) -> Arc<Self> {
        Arc::new(Self {
            remote: remote.clone(),
            ..Self::default()
        })
    }

    /// What happens to the next pushes, one after the other.
    pub fn fail(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// Nothing more is to happen to pushes.
    pub fn forget(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// What somebody else does just before the next push arrives; called again, before the one after it.
    pub fn meanwhile(&self, act: impl FnOnce() + Send + 'static) {
        self.meanwhile.lock().unwrap().push_back(Box::new(act));
    }
}

impl Refs for Mirror {
    fn remote(&self) -> &'static str {
        "origin"
    }

    fn refresh(&self, names: &[(String, Growth)], _: Option<Duration>) -> Result<(), RefsError> {
        let fewer = |it: u64| it.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.deaf.fetch_update(order, order, fewer).is_ok() {
            return Err(RefsError::Unreachable {
                remote: "origin".into(),
                words: "no route".into(),
            });
        }
        let inside = self.remote.0.lock().unwrap();
        let mut refs = self.refs.lock().unwrap();
        for (name, _) in names {
            match inside.refs.get(name) {
                Some(id) => refs.insert(name.clone(), *id),
                None => refs.remove(name),
            };
        }
        Ok(())
    }

    fn tips(&self, names: &[&str]) -> Result<BTreeMap<String, ObjectId>, RefsError> {
        let refs = self.refs.lock().unwrap();
        let tip = |name: &&str| Some(((*name).to_owned(), *refs.get(*name)?));
        Ok(names.iter().filter_map(tip).collect())
    }

    fn read(&self, at: ObjectId, path: &str, _: usize) -> Result<Option<Vec<u8>>, RefsError> {
        let inside = self.remote.0.lock().unwrap();
        Ok(inside.commits[&at].files.get(path).cloned())
    }

    fn read_all(
        &self,
        at: ObjectId,
        path: &str,
        _: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, RefsError> {
        let inside = self.remote.0.lock().unwrap();
        let files = inside.commits[&at].files.iter();
        let below = format!("{path}/");
        let named = |(name, content): (&String, &Vec<u8>)| {
            Some((name.strip_prefix(&below)?.to_owned(), content.clone()))
        };
        Ok(files.filter_map(named).collect())
    }

    fn log(&self, commit: ObjectId) -> Result<Vec<ObjectId>, RefsError> {
        let inside = self.remote.0.lock().unwrap();
        let parent = |id: &ObjectId| inside.commits[id].parent;
        Ok(std::iter::successors(Some(commit), parent).collect())
    }

    fn commit(
        &self,
        parent: Option<ObjectId>,
        edits: &[Edit],
        message: &str,
    ) -> Result<ObjectId, RefsError> {
        let mut inside = self.remote.0.lock().unwrap();
        Ok(inside.commit(parent, edits, message))
    }

    fn push(&self, moves: &[Move]) -> Result<(), RefsError> {
        let meanwhile = self.meanwhile.lock().unwrap().pop_front();
        if let Some(act) = meanwhile {
            act();
        }
        let mut inside = self.remote.0.lock().unwrap();
        for late in std::mem::take(&mut inside.late) {
            let _ = inside.take(&late);
        }
        let fault = self.faults.lock().unwrap().pop_front();
        let (remote, words) = ("origin".to_owned(), "broken pipe".to_owned());
        match fault.unwrap_or(Fault::None) {
            Fault::None => {}
            Fault::Refused => return Err(refused()),
            Fault::Unreachable => return Err(RefsError::Unreachable { remote, words }),
            Fault::Before => return Err(RefsError::Unsure { remote, words }),
            Fault::After => {
                let _ = inside.take(moves);
                return Err(RefsError::Unsure { remote, words });
            }
            Fault::Late => {
                inside.late.push(moves.to_vec());
                return Err(RefsError::Unsure { remote, words });
            }
        }
        inside.take(moves)?;
        let mut refs = self.refs.lock().unwrap();
        for it in moves {
            match it.to {
                Some(to) => refs.insert(it.name.clone(), to),
                None => refs.remove(&it.name),
            };
        }
        Ok(())
    }
}

/// A clock that goes on when somebody sleeps.
pub struct FakeClock(AtomicU64);

impl FakeClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_000_000)))
    }

    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn boot(&self) -> Option<String> {
        Some("this start".into())
    }

    fn sleep(&self, time: Duration) {
        self.pass(time.max(Duration::from_millis(1)));
    }
}
