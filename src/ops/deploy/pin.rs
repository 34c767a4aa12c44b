//! A plan that is written down to be followed later, and refused once anything it was made from has moved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::change::ObjectId;
use crate::model::digest::Digest;
use crate::model::due::DeployVerdict;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::ops::deploy::plan::Prepared;
use crate::ops::failure::Failure;

/// The version of pinned plans.
const VERSION: u32 = 1;

/// Everything that a plan was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    version: u32,
    environment: EnvironmentName,
    /// The state of the ledger.
    ledger: Option<String>,
    commit: Option<ObjectId>,
    /// What is deployed, each with its release fingerprint and config digest.
    services: BTreeMap<ServiceName, (Digest, Digest)>,
    /// What is taken down.
    removed: Vec<ServiceName>,
}

impl Pin {
    /// What `prepared` was made from.
    pub fn of(prepared: &Prepared<'_>) -> Self {
        let plan = &prepared.plan;
        let due = plan.services.iter();
        let due = due.filter(|it| matches!(it.verdict, DeployVerdict::Due(_)));
        let services = due.map(|it| {
            let digests = (it.wanted.release.clone(), it.wanted.config.clone());
            (it.name.clone(), digests)
        });
        let removed = plan.removed.iter().filter(|_| plan.prune);
        Self {
            version: VERSION,
            environment: plan.environment.clone(),
            ledger: prepared.seen.revision.ledger.clone(),
            commit: plan.commit,
            services: services.collect(),
            removed: removed.map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Reads a pinned plan.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let pin: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match pin.version <= VERSION {
            true => Ok(pin),
            false => Err(format!(
                "it is of version {}; this svc knows up to {VERSION}",
                pin.version
            )),
        }
    }

    /// The plan as it is written.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("all keys are text");
        text.push('\n');
        text
    }

    /// Whether a plan made now is this one.
    ///
    /// # Errors
    /// What moved.
    pub fn check(&self, now: &Self) -> Result<(), Failure> {
        let moved = if self.environment != now.environment {
            format!("it is for `{}`", self.environment)
        } else if self.commit != now.commit {
            let short = |it: Option<ObjectId>| it.map_or("none".into(), |it| it.short());
            format!(
                "it was made at the commit {}, and this is {}",
                short(self.commit),
                short(now.commit)
            )
        } else if self.ledger != now.ledger {
            "the ledger has moved since".to_owned()
        } else if self != now {
            "it would do something else now: sources, definitions or flags differ".to_owned()
        } else {
            return Ok(());
        };
        Err(Failure::Stale {
            what: format!("the pinned plan does not hold any more: {moved}"),
        })
    }
}
