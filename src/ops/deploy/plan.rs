//! Making the plan of a deploy: what is wanted, what runs, what that makes due, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::Arc;

use crate::git::Repo;
use crate::git::snapshot::Files;
use crate::ledger::{Refresh, Seen, Store, Wanted};
use crate::model::change::{Head, ObjectId};
use crate::model::due::{
    CommitLine, DeployPlan, DeployVerdict, Due, Insistence, PlannedDeploy, decide,
};
use crate::model::ledger::{DeployId, Deployed, Runs, State};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::path::FilePath;
use crate::model::release::{RELEASE_FORMAT, roots};
use crate::model::workspace::ServiceIndex;
use crate::ops::choose;
use crate::ops::deploy::environment::{Staged, environment};
use crate::ops::deploy::guards::{self, Leave};
use crate::ops::deploy::order::Order;
use crate::ops::deploy::serve::{Machine, label};
use crate::ops::deploy::wanted::{Anew, Digests, digests};
use crate::ops::deploy::{Mode, Request};
use crate::ops::failure::Failure;
use crate::ops::ledger::Ledgers;
use crate::ops::place::Place;
use crate::ops::request::CompareRequest;
use crate::ops::trust;

/// How many services have the commits listed that a deploy would bring: each costs a walk of the history.
const MOST_LISTED: usize = 50;

/// A plan with everything that carrying it out takes.
pub struct Prepared<'p> {
    pub place: &'p Place,
    pub request: Request,
    pub id: DeployId,
    pub staged: Staged,
    pub order: Order,
    pub ledgers: Ledgers,
    pub store: Arc<dyn Store>,
    pub seen: Seen,
    pub plan: DeployPlan,
    pub variables: BTreeMap<OsString, OsString>,
    /// The files of the state that is deployed.
    pub(in crate::ops::deploy) files: Files,
    pub(in crate::ops::deploy) digests: Digests,
    pub(in crate::ops::deploy) chosen: Vec<ServiceIndex>,
}

/// Finds what a deploy would do.
///
/// # Errors
/// An environment or service that does not exist, a ledger that cannot be reached, or a guard that refuses.
pub fn prepare<'p>(
    place: &'p Place,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Prepared<'p>, Failure> {
    let workspace = place.workspace()?.workspace;
    let name = environment(&workspace, &request.environment)?;
    let staged = Staged::new(&workspace, &name)?;
    let commit = match &place.repo {
        Some(repo) => repo.head_commit()?,
        None => None,
    };
    let head = Head::WorkTree(commit);
    let repo = repository(place, &staged)?;
    let snapshot = repo.snapshot(head);
    let changed = snapshot.changed_since(commit)?;
    if request.mode != Mode::Show {
        if commit.is_none() && !staged.is_local() {
            return Err(no_commit(&name));
        }
        trust::check(place, name.as_str())?;
        guards::clean(&staged, &changed)?;
        if let Some(commit) = commit {
            guards::branch(&staged, place, repo, commit)?;
        }
    }
    let chosen = chosen(&staged, &request)?;
    let ledgers = Ledgers::open(place, &workspace.settings().ledger)?;
    let store = ledgers.of(&name)?;
    tell(&format!("reading the ledger of {name}"));
    let seen = store.look(Refresh::Now)?;
    tell("comparing releases");
    let variables = place.env.variables.clone();
    let files = snapshot.files(&[FilePath::default()])?;
    let digests = digests(&staged, &*snapshot, &files, &chosen, &variables);
    let mut prepared = Prepared {
        place,
        id: new_id(),
        order: Order::new(&staged),
        plan: DeployPlan {
            environment: name.clone(),
            services: Vec::new(),
            removed: Vec::new(),
            prune: request.prune,
            adopt: request.mode == Mode::Adopt,
            commit,
            dirty: !changed.is_empty(),
        },
        request,
        staged,
        ledgers,
        store,
        seen,
        variables,
        files,
        digests,
        chosen,
    };
    prepared.first_time()?;
    prepared.decide()?;
    prepared.list_commits()?;
    Ok(prepared)
}

/// The newest deploy in the order of the ledger, whatever clocks say.
///
/// # Errors
/// The ledger cannot be read.
pub fn last_deploy(store: &dyn Store) -> Result<Option<DeployId>, Failure> {
    let wanted = Wanted {
        most: Some(1),
        ..Wanted::default()
    };
    let newest = store.history(&wanted)?.into_iter().next();
    Ok(newest.map(|it| it.deploy))
}

/// What depends on something that is held waits for it, unless it was asked for: it is made from sources that are not wanted
/// there. Services stand behind those that they come after.
fn leave_waiting(services: &mut [PlannedDeploy], is_asked_for: impl Fn(&ServiceName) -> bool) {
    for at in 0..services.len() {
        if !matches!(services[at].verdict, DeployVerdict::Due(_))
            || is_asked_for(&services[at].name)
        {
            continue;
        }
        let held = services[at].after.iter().find(|it| {
            let verdict = &services[**it].verdict;
            matches!(verdict, DeployVerdict::Held(_) | DeployVerdict::Waits(_))
        });
        if let Some(held) = held {
            services[at].verdict = DeployVerdict::Waits(services[*held].name.clone());
        }
    }
}

/// Names a deploy: when it began, and something that no other has.
pub fn new_id() -> DeployId {
    use std::hash::{BuildHasher, Hasher};
    let chance = std::hash::RandomState::new().build_hasher().finish();
    let began = crate::record::name_of(crate::record::now());
    let text = format!("{began}{:04x}", chance & 0xffff);
    DeployId::new(&text).expect("it is made of digits, letters and `-`")
}

fn repository<'p>(place: &'p Place, staged: &Staged) -> Result<&'p Repo, Failure> {
    place.repo.as_ref().ok_or_else(|| Failure::Usage {
        message: format!(
            "this is not a git repository, so it cannot be told what would be deployed to `{}`",
            staged.environment
        ),
        hint: "`git init` and a first commit make it one".into(),
    })
}

fn no_commit(environment: &EnvironmentName) -> Failure {
    Failure::Usage {
        message: "there is no commit yet".into(),
        hint: format!("`{environment}` is deployed from commits; make the first one"),
    }
}

/// The services that the request is about, in the order of their deploys.
fn chosen(staged: &Staged, request: &Request) -> Result<Vec<ServiceIndex>, Failure> {
    let workspace = &staged.workspace;
    let mut select = request.select.clone();
    select.all |= select.names.is_empty();
    let selection = choose::selection(workspace, &select, &CompareRequest::default())?;
    for (service, _) in &selection.named {
        if !staged.resolved.contains_key(service) {
            let name = &workspace.service(*service).name;
            return Err(Failure::Usage {
                message: format!("`{name}` cannot be deployed to `{}`", staged.environment),
                hint: match staged.is_local() {
                    true => "give it a `serve`, so that it can run on this machine".into(),
                    false => "give it a `deploy`".into(),
                },
            });
        }
    }
    let all = workspace.indices().map(|it| (it, Vec::new()));
    let chosen = selection.choose(workspace, all);
    let order = Order::new(staged);
    let chosen = order
        .services
        .into_iter()
        .filter(|it| chosen.contains_key(it));
    Ok(chosen.collect())
}

impl Prepared<'_> {
    /// Whether there is nothing to do.
    pub fn is_idle(&self) -> bool {
        self.plan.is_idle()
    }

    /// The first deploy to an environment is asked for by name: a mistyped remote or prefix would look just like it.
    fn first_time(&self) -> Result<(), Failure> {
        let is_first = self.seen.revision.ledger.is_none();
        let asks = matches!(self.request.mode, Mode::Deploy { bootstrap: false });
        if !is_first || self.staged.is_local() || !asks {
            return Ok(());
        }
        let name = &self.staged.environment;
        Err(Failure::Usage {
            message: format!(
                "nothing was ever deployed to `{name}`, as far as is known here: its ledger is empty ({})",
                self.store.name()
            ),
            hint: "`--bootstrap` deploys there for the first time; `--adopt` records that what is checked out runs there \
                 already".into(),
        })
    }

    /// Decides about each service, from what the ledger says now.
    ///
    /// # Errors
    /// A guard refuses.
    pub fn decide(&mut self) -> Result<(), Failure> {
        let insists = self.insists()?;
        let names = self.request.select.names.clone();
        let repo = self.place.repo.as_ref();
        let anew = Anew::new(repo, &self.staged.environment, &self.variables);
        let after = self.order.among(&self.chosen);
        let at = crate::record::now().0 / 1000;
        let machine = Machine::open(self.place, &self.staged)?;
        let running = machine.versions();
        let mut services = Vec::with_capacity(self.chosen.len());
        for (service, after) in self.chosen.iter().zip(after) {
            let name = self.staged.workspace.service(*service).name.clone();
            let (release, config) = self.digests[service].clone();
            let wanted = Deployed {
                release,
                format: RELEASE_FORMAT,
                config,
                commit: self.plan.commit,
                dirty: self.plan.dirty,
                values: BTreeMap::new(),
                deploy: self.id.clone(),
                at,
            };
            let standing = self.seen.standings.get(&name).cloned();
            let insistence = Insistence {
                also_held: self.request.retry_held
                    || insists.contains(&name)
                    || self
                        .request
                        .select
                        .names
                        .iter()
                        .any(|it| it == name.as_str()),
                also_same: self.request.force,
            };
            let mut verdict = decide(&wanted, standing.as_ref(), insistence, &|it| {
                anew.of(&name, it)
            });
            if verdict == DeployVerdict::UpToDate && self.is_gone(&running, *service, &name) {
                verdict = DeployVerdict::Due(Due::Gone);
            }
            services.push(PlannedDeploy {
                service: *service,
                name,
                wanted,
                standing,
                verdict,
                after,
                commits: Vec::new(),
            });
        }
        leave_waiting(&mut services, |it| {
            self.request.retry_held
                || insists.contains(it)
                || names.iter().any(|name| name == it.as_str())
        });
        self.plan.services = services;
        self.plan.removed = self.removed();
        self.guard()
    }

    /// Whether a process of this machine, which the ledger says runs, does not: somebody killed it, or the machine was
    /// started anew.
    fn is_gone(
        &self,
        running: &BTreeMap<ServiceName, String>,
        service: ServiceIndex,
        name: &ServiceName,
    ) -> bool {
        let target = self.staged.resolved[&service].target();
        let runs = self.seen.standings.get(name).map(|it| it.runs());
        match (target, runs) {
            (Some(target), Some(Runs::This(runs))) if target.is_embedded => {
                running.get(name) != Some(&label(runs))
            }
            _ => false,
        }
    }

    fn guard(&self) -> Result<(), Failure> {
        if matches!(self.request.mode, Mode::Show | Mode::Adopt) {
            return Ok(());
        }
        if let Some(repo) = &self.place.repo
            && !self.staged.is_local()
        {
            let leave = Leave {
                diverged: self.request.allow_diverged,
            };
            guards::newer(&self.plan, repo, leave)?;
        }
        let stands = |name: &str| {
            let standing = self.seen.standings.get(name);
            standing.is_some_and(|it| *it.runs() != Runs::Nothing)
        };
        guards::dependencies(&self.plan, &self.staged, &self.order, &stands)?;
        self.promoted()
    }

    /// An environment that is promoted to only gets what ran in the one before.
    fn promoted(&self) -> Result<(), Failure> {
        let Some(from) = &self.staged.settings.promote_from else {
            return Ok(());
        };
        let mut pending: Vec<&PlannedDeploy> =
            self.plan.due().map(|at| &self.plan.services[at]).collect();
        if pending.is_empty() {
            return Ok(());
        }
        let store = self.ledgers.of(from)?;
        let seen = store.look(Refresh::Now)?;
        let is_it = |planned: &PlannedDeploy, it: &Deployed| it.release == planned.wanted.release;
        let is_held = |planned: &&PlannedDeploy| {
            let standing = seen.standings.get(&planned.name);
            standing.is_some_and(|it| it.held.iter().any(|held| is_it(planned, &held.what)))
        };
        if let Some(held) = pending.iter().find(|it| is_held(it)) {
            return Err(Failure::Usage {
                message: format!(
                    "`{}` {} failed or was rolled back in `{from}`, from which `{}` is promoted",
                    held.name,
                    held.wanted.version(),
                    self.plan.environment
                ),
                hint: format!("mend it, and deploy it to `{from}` first"),
            });
        }
        pending.retain(|planned| {
            let standing = seen.standings.get(&planned.name);
            let runs = standing.and_then(|it| it.runs().known());
            !runs.is_some_and(|it| is_it(planned, it))
        });
        for planned in pending {
            let wanted = Wanted {
                service: Some(planned.name.clone()),
                ..Wanted::default()
            };
            let ran = store.history(&wanted)?;
            // What an entry brings need not have run: a removal brings what it takes away.
            let has_run = ran
                .iter()
                .any(|it| it.runs.known().is_some_and(|it| is_it(planned, it)));
            if !has_run {
                return Err(Failure::Usage {
                    message: format!(
                        "`{}` {} has not run in `{from}`, from which `{}` is promoted",
                        planned.name,
                        planned.wanted.version(),
                        self.plan.environment
                    ),
                    hint: format!(
                        "`svc deploy --env {from}` first, then `svc promote --from {from} --to {}`",
                        self.plan.environment
                    ),
                });
            }
        }
        Ok(())
    }

    /// The services of the last deploy that did not end well, for `--resume`.
    fn insists(&self) -> Result<BTreeSet<ServiceName>, Failure> {
        if !self.request.resume {
            return Ok(BTreeSet::new());
        }
        let newest = self.seen.standings.values().map(|it| &it.newest);
        let Some(last) = last_deploy(&*self.store)? else {
            return Err(Failure::Usage {
                message: format!(
                    "there is no deploy of `{}` to resume",
                    self.plan.environment
                ),
                hint: format!("`svc deploy --env {}` begins one", self.plan.environment),
            });
        };
        let of_last = newest.filter(|it| it.deploy == last && it.state != State::Succeeded);
        Ok(of_last.map(|it| it.service.clone()).collect())
    }

    /// What the ledger knows and the file does not, unless the request names services.
    fn removed(&self) -> Vec<(ServiceName, crate::model::ledger::Standing)> {
        if !self.request.select.names.is_empty() {
            return Vec::new();
        }
        let is_gone = |name: &ServiceName| {
            let index = self.staged.workspace.find(name.as_str());
            index.is_none_or(|it| !self.staged.resolved.contains_key(&it))
        };
        let standings = self.seen.standings.iter();
        let gone = standings.filter(|(name, it)| *it.runs() != Runs::Nothing && is_gone(name));
        gone.map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// The commits that the deploy brings to each service that is due.
    fn list_commits(&mut self) -> Result<(), Failure> {
        let (Some(repo), Some(head)) = (&self.place.repo, self.plan.commit) else {
            return Ok(());
        };
        let due: Vec<usize> = self.plan.due().take(MOST_LISTED).collect();
        let asked: Vec<(usize, ObjectId, Vec<FilePath>)> = due
            .into_iter()
            .filter_map(|at| {
                let planned = &self.plan.services[at];
                let changes =
                    matches!(planned.verdict, DeployVerdict::Due(due) if due != Due::Forced);
                let runs = planned.standing.as_ref()?.runs().known()?.commit?;
                (changes && runs != head).then(|| (at, runs, self.paths(planned.service)))
            })
            .collect();
        let found: Vec<(usize, Vec<CommitLine>)> = asked
            .iter()
            .map(|(at, old, paths)| {
                // In a shallow clone, this brings the history in between.
                repo.is_ancestor(*old, head)?;
                Ok((
                    *at,
                    repo.commits_between(*old, head, paths)?.unwrap_or_default(),
                ))
            })
            .collect::<Result<_, Failure>>()?;
        for (at, commits) in found {
            self.plan.services[at].commits = commits;
        }
        Ok(())
    }

    /// The directories whose commits can change a service's release, and its deploy.
    pub fn paths(&self, service: ServiceIndex) -> Vec<FilePath> {
        let workspace = &self.staged.workspace;
        let graph =
            crate::model::graph::TaskGraph::from_roots(workspace, roots(workspace, service));
        let nodes = graph.nodes().iter();
        let services: BTreeSet<ServiceIndex> = nodes.map(|it| it.service).collect();
        let mut paths: BTreeSet<FilePath> = services
            .iter()
            .map(|it| workspace.service(*it).path.clone())
            .collect();
        for node in graph.nodes() {
            let taken = crate::ops::tasks::inputs::inputs_of(workspace, node).into_iter();
            let taken = taken.flat_map(|it| it.taken());
            paths.extend(taken.map(|it| FilePath::from_bytes(it.literal())));
        }
        paths.into_iter().collect()
    }
}
