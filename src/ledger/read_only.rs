//! A ledger that is read, and never written from here.

use std::sync::Arc;

use crate::ledger::error::Error;
use crate::ledger::store::{Refresh, Revision, Seen, Store, Wanted, Write};
use crate::model::ledger::Entry;

/// Another store, all of whose writes are refused.
pub struct ReadOnly {
    store: Arc<dyn Store>,
    what: String,
    hint: String,
}

impl ReadOnly {
    /// `store`, each write to which is answered with `what` stands against it and a hint.
    pub fn new(store: Arc<dyn Store>, what: String, hint: String) -> Self {
        Self { store, what, hint }
    }
}

impl Store for ReadOnly {
    fn name(&self) -> String {
        self.store.name()
    }

    fn is_begun(&self) -> Result<bool, Error> {
        self.store.is_begun()
    }

    fn look(&self, refresh: Refresh) -> Result<Seen, Error> {
        self.store.look(refresh)
    }

    fn write(&self, _: &Revision, _: &Write) -> Result<Revision, Error> {
        Err(Error::Store {
            what: self.what.clone(),
            hint: self.hint.clone(),
        })
    }

    fn history(&self, wanted: &Wanted) -> Result<Vec<Entry>, Error> {
        self.store.history(wanted)
    }
}
