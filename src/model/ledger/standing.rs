//! How services stand in an environment: what its entries come to, one after the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::ledger::entry::{
    Action, Deployed, ENTRY_VERSION, Entry, Invalid, Runs, State, parse,
};
use crate::model::name::ServiceName;

/// How many held releases of a service are kept in mind.
const MOST_HELD: usize = 16;

/// How all services of an environment stand, by name. A service that it never had an entry of is not in it.
pub type Standings = BTreeMap<ServiceName, Standing>;

/// How one service stands in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    pub version: u32,
    /// The newest entry.
    pub newest: Entry,
    /// What is not deployed again by itself, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// A release that failed or was rolled back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub what: Deployed,
    pub why: State,
}

impl Standing {
    /// How a service stands after `entry`, given how it stood.
    pub fn after(before: Option<Self>, entry: Entry) -> Self {
        let mut held = before.map(|it| it.held).unwrap_or_default();
        let mut hold = |what: &Deployed, why| {
            held.retain(|it: &Held| !it.what.is_same(what));
            held.push(Held {
                what: what.clone(),
                why,
            });
        };
        match (entry.state, entry.action) {
            (State::Failed | State::RolledBack, Action::Deploy | Action::Promote) => {
                hold(&entry.brings, entry.state);
            }
            // What a rollback replaced is not wanted here.
            (State::Succeeded, Action::Rollback) => {
                if let Some(replaced) = entry.before.known() {
                    hold(replaced, State::RolledBack);
                }
            }
            _ => {}
        }
        if entry.state == State::Succeeded {
            held.retain(|it| !it.what.is_same(&entry.brings));
        }
        held.drain(..held.len().saturating_sub(MOST_HELD));
        Self {
            version: entry.version,
            newest: entry,
            held,
        }
    }

    /// What runs. A deploy that was begun and of which nothing more is known leaves that open.
    pub fn runs(&self) -> &Runs {
        match self.newest.state {
            State::Started => &Runs::Unknown,
            _ => &self.newest.runs,
        }
    }

    /// Why `wanted` is not deployed by itself, if it is held.
    pub fn is_held(&self, wanted: &Deployed) -> Option<&Held> {
        self.held.iter().rev().find(|it| it.what.is_same(wanted))
    }

    /// Reads a standing and checks it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let standing: Self = parse(bytes, ENTRY_VERSION, |it: &Self| it.version)?;
        standing.newest.check()?;
        if standing.held.len() > MOST_HELD {
            return Err(Invalid("it holds too much".into()));
        }
        standing.held.iter().try_for_each(|it| it.what.check())?;
        Ok(standing)
    }

    /// The standing as it is written.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("all keys are text");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::entry::sample::{deployed, entry};

    fn this(name: &str) -> Runs {
        Runs::This(Box::new(deployed(name)))
    }

    fn stand(entries: Vec<Entry>) -> Standing {
        let after = |before, entry| Some(Standing::after(before, entry));
        entries.into_iter().fold(None, after).unwrap()
    }

    #[test]
    fn a_deploy_without_an_end_leaves_unknown_what_runs() {
        let standing = stand(vec![
            entry("api", State::Succeeded, "a", this("a"), Runs::Nothing),
            entry("api", State::Started, "b", this("a"), this("a")),
        ]);
        assert_eq!(standing.runs(), &Runs::Unknown);
    }

    #[test]
    fn what_failed_is_held_until_it_succeeds() {
        let failed = entry("api", State::RolledBack, "b", this("a"), this("a"));
        let other = entry("api", State::Succeeded, "c", this("c"), this("a"));
        let standing = stand(vec![failed, other]);
        assert!(standing.is_held(&deployed("b")).is_some());
        assert!(standing.is_held(&deployed("c")).is_none());
        let again = entry("api", State::Succeeded, "b", this("b"), this("c"));
        assert!(Standing::after(Some(standing), again).held.is_empty());
    }

    #[test]
    fn what_a_rollback_replaced_is_held() {
        let mut back = entry("api", State::Succeeded, "a", this("a"), this("b"));
        back.action = Action::Rollback;
        let standing = stand(vec![back]);
        assert!(standing.is_held(&deployed("b")).is_some());
        let read = Standing::read(standing.text().as_bytes());
        assert_eq!(read, Ok(standing));
    }
}
