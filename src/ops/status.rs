//! `svc status`: what runs where, as the ledgers say, and on this machine as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::ledger::Refresh;
use crate::model::change::ObjectId;
use crate::model::ledger::{Runs, Standing, Standings};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::overview::{EnvironmentOverview, Overview, ServiceOverview};
use crate::model::workspace::Workspace;
use crate::ops::choose;
use crate::ops::deploy::Machine;
use crate::ops::deploy::environment::{LOCAL, Staged, environment, how, names};
use crate::ops::failure::Failure;
use crate::ops::ledger::{Ledgers, is_at_work};
use crate::ops::place::Place;

/// How long a ledger may take to answer before it is shown as it was seen last.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `svc status` is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Only this environment.
    pub environment: Option<String>,
    /// Only these services.
    pub services: Vec<String>,
    /// Ask nobody.
    pub offline: bool,
}

/// Looks at all environments that are asked for.
///
/// # Errors
/// An environment or service that does not exist, or a ledger that cannot be read.
pub fn status(place: &Place, request: &Request) -> Result<Overview, Failure> {
    let workspace = place.workspace()?.workspace;
    let wanted = match &request.environment {
        Some(name) => vec![environment(&workspace, name)?],
        None => names(&workspace),
    };
    let ledgers = Ledgers::open(place, &workspace.settings().ledger)?;
    let refresh = match request.offline {
        true => Refresh::Never,
        false => Refresh::Within(PATIENCE),
    };
    let mut environments = Vec::new();
    for (name, (ledger, seen)) in wanted.iter().zip(ledgers.look(&wanted, refresh)?) {
        let mut overview = EnvironmentOverview {
            name: name.clone(),
            ledger,
            as_of: seen.as_of,
            stale: seen.stale,
            // That of somebody who was killed here is in nobody's way: what they left is unknown, not under way.
            lease: seen.lease.filter(|it| it.sticky || is_at_work(it)),
            services: services(&workspace, name, seen.standings)?,
        };
        let runs_nothing = overview.services.iter().all(|it| it.standing.is_none());
        if request.environment.is_none() && name.as_str() == LOCAL && runs_nothing {
            // Nobody has to be told that nothing runs here.
            overview.services.clear();
        }
        environments.push(overview);
    }
    narrow(&workspace, &mut environments, request)?;
    count_behind(place, &mut environments)?;
    for local in environments
        .iter_mut()
        .filter(|it| it.name.as_str() == LOCAL)
    {
        let staged = Staged::new(&workspace, &local.name)?;
        Machine::open(place, &staged)?.describe(local);
    }
    // The machine tells of all that runs on it.
    keep_wanted(&mut environments, request);
    Ok(Overview {
        environments,
        now: crate::record::now().0 / 1000,
    })
}

/// Every service that the environment knows or could have.
fn services(
    workspace: &Workspace,
    environment: &EnvironmentName,
    mut standings: Standings,
) -> Result<Vec<ServiceOverview>, Failure> {
    let mut all = BTreeMap::new();
    for index in workspace.indices() {
        if how(workspace, index, environment)?.is_some() {
            let name = workspace.service(index).name.clone();
            let standing = standings.remove(&name);
            all.insert(name, (standing, false));
        }
    }
    let is_there = |(_, it): &(_, Standing)| *it.runs() != Runs::Nothing;
    let removed = standings.into_iter().filter(is_there);
    all.extend(removed.map(|(name, it)| (name, (Some(it), true))));
    let one = |(name, (standing, is_removed))| ServiceOverview {
        name,
        standing,
        behind: None,
        is_removed,
        process: None,
    };
    Ok(all.into_iter().map(one).collect())
}

fn narrow(
    workspace: &Workspace,
    environments: &mut [EnvironmentOverview],
    request: &Request,
) -> Result<(), Failure> {
    for name in &request.services {
        let mut all = environments.iter().flat_map(|it| &it.services);
        if !all.any(|it| it.name.as_str() == name) {
            choose::service(workspace, name)?;
        }
    }
    keep_wanted(environments, request);
    Ok(())
}

fn keep_wanted(environments: &mut [EnvironmentOverview], request: &Request) {
    if request.services.is_empty() {
        return;
    }
    let is_wanted = |name: &ServiceName| request.services.iter().any(|it| it == name.as_str());
    for environment in environments {
        environment.services.retain(|it| is_wanted(&it.name));
    }
}

/// How many commits there are between what runs and what is checked out.
fn count_behind(place: &Place, environments: &mut [EnvironmentOverview]) -> Result<(), Failure> {
    let Some(repo) = &place.repo else {
        return Ok(());
    };
    let Some(head) = repo.head_commit()? else {
        return Ok(());
    };
    let commit = |it: &ServiceOverview| it.standing.as_ref()?.runs().known()?.commit;
    let all = environments.iter().flat_map(|it| &it.services);
    let commits: BTreeSet<ObjectId> = all.filter_map(commit).collect();
    let commits: Vec<ObjectId> = commits.into_iter().collect();
    let counts = repo.counts_between(&commits, head)?;
    let counts: BTreeMap<ObjectId, Option<usize>> = commits.into_iter().zip(counts).collect();
    for service in environments.iter_mut().flat_map(|it| &mut it.services) {
        service.behind = commit(service).and_then(|it| counts[&it]);
    }
    Ok(())
}
