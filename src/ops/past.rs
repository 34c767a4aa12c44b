//! `svc history` and `svc changes`: what was deployed to an environment, and what a deploy would bring.

use std::collections::HashSet;

use crate::ledger::{Refresh, Wanted};
use crate::model::due::{DeployVerdict, Due};
use crate::model::ledger::{DeployId, Entry};
use crate::model::overview::{HistoryPage, ServiceChanges};
use crate::model::suggest::nearest;
use crate::ops::deploy::Prepared;
use crate::ops::deploy::moves::Ground;
use crate::ops::failure::Failure;
use crate::ops::ledger::is_at_work;
use crate::ops::place::Place;

/// What `svc history` is asked.
#[derive(Clone, Debug, Default)]
pub struct HistoryRequest {
    pub environment: String,
    pub service: Option<String>,
    pub deploy: Option<String>,
    /// At most so many entries.
    pub most: usize,
    /// Ask nobody.
    pub offline: bool,
}

/// A part of a history, and whether somebody deploys there now.
pub struct Page {
    pub page: HistoryPage,
    pub is_locked: bool,
}

/// The newest entries of an environment, newest first.
///
/// # Errors
/// An environment or service that does not exist, or a ledger that cannot be reached.
pub fn history(place: &Place, request: &HistoryRequest) -> Result<Page, Failure> {
    let refresh = match request.offline {
        true => Refresh::Never,
        false => Refresh::Now,
    };
    let ground = Ground::look(place, &request.environment, refresh)?;
    let named: Vec<String> = request.service.iter().cloned().collect();
    let deploy = request.deploy.as_ref().map(|text| {
        DeployId::new(text).ok_or_else(|| Failure::Unknown {
            kind: "deploy",
            name: text.clone(),
            nearest: None,
        })
    });
    let wanted = Wanted {
        service: ground.named(&named)?.pop(),
        deploy: deploy.transpose()?,
        // Each deploy of a service is its start and its end.
        most: Some(request.most.saturating_mul(2).saturating_add(1)),
    };
    let mut entries = ground.store.history(&wanted)?;
    if let (Some(deploy), true) = (&request.deploy, entries.is_empty()) {
        return Err(no_such_deploy(&ground, deploy)?);
    }
    let has_more = truncate(&mut entries, request.most);
    let page = HistoryPage {
        environment: ground.staged.environment.clone(),
        entries,
        has_more,
        now: crate::record::now().0 / 1000,
    };
    Ok(Page {
        page,
        is_locked: ground.seen.lease.as_ref().is_some_and(is_at_work),
    })
}

/// Leaves the entries of the newest `most` deploys of a service; whether there were more.
fn truncate(entries: &mut Vec<Entry>, most: usize) -> bool {
    let mut seen = HashSet::new();
    let is_older = |it: &Entry| {
        seen.insert((it.deploy.clone(), it.service.clone()));
        seen.len() > most
    };
    let end = entries.iter().position(is_older);
    entries.truncate(end.unwrap_or(entries.len()));
    end.is_some()
}

/// That a deploy is not in the history, with the most like it.
fn no_such_deploy(ground: &Ground, deploy: &str) -> Result<Failure, Failure> {
    let all = ground.store.history(&Wanted::default())?;
    let near = nearest(deploy, all.iter().map(|it| it.deploy.as_str()));
    // One that is there brought other services.
    Ok(Failure::Unknown {
        kind: "deploy",
        name: deploy.to_owned(),
        nearest: near.filter(|it| *it != deploy).map(str::to_owned),
    })
}

/// The commits that a deploy would bring, for each service.
pub fn changes(prepared: &Prepared<'_>) -> Vec<ServiceChanges> {
    let services = prepared.plan.services.iter();
    services
        .map(|planned| {
            let runs = planned.standing.as_ref().and_then(|it| it.runs().known());
            let note = match &planned.verdict {
                DeployVerdict::UpToDate => Some("up to date".to_owned()),
                DeployVerdict::Waits(other) => Some(format!("it waits for {other}, which is held")),
                DeployVerdict::Held(held) => Some(format!(
                    "held: {} failed or was rolled back in {}",
                    held.what.version(),
                    held.what.deploy
                )),
                DeployVerdict::Due(Due::First) => Some("never deployed there".to_owned()),
                DeployVerdict::Due(Due::Unknown) => Some("it is not known what runs".to_owned()),
                DeployVerdict::Due(Due::TakenDown) => Some("it was taken down".to_owned()),
                DeployVerdict::Due(Due::Gone) => Some("it does not run any more".to_owned()),
                DeployVerdict::Due(Due::Config) => {
                    Some("the same release with another configuration".to_owned())
                }
                DeployVerdict::Due(_) if planned.wanted.dirty => {
                    Some("uncommitted changes".to_owned())
                }
                DeployVerdict::Due(_) if planned.commits.is_empty() => {
                    Some("no commit in between touches its files: what runs has another history, or the definition differs".to_owned())
                }
                DeployVerdict::Due(_) => None,
            };
            ServiceChanges {
                name: planned.name.clone(),
                from: runs.and_then(|it| it.commit),
                commits: planned.commits.clone(),
                note,
            }
        })
        .collect()
}
