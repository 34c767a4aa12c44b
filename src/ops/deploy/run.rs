//! Following the plan of a deploy.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::Tenure;
use crate::model::ledger::{Action, Runs};
use crate::model::name::ServiceName;
use crate::model::run::Summary;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::Mode;
use crate::ops::deploy::acts::{Close, Ended, Scene, Told};
use crate::ops::deploy::back::Past;
use crate::ops::deploy::bring::{Bringing, neighbours};
use crate::ops::deploy::build::{Built, Values, build};
use crate::ops::deploy::moves::cannot_be_removed;
use crate::ops::deploy::perform::Act;
use crate::ops::deploy::plan::Prepared;
use crate::ops::deploy::serve::Machine;
use crate::ops::deploy::sources::Sources;
use crate::ops::failure::Failure;
use crate::ops::machinery::listening;

/// How often a plan is made anew because somebody else was faster.
const MOST_PLANS: u32 = 2;

/// How many services are adopted at once: they are only asked and written down, and what comes together is written together.
const ADOPTED_AT_ONCE: usize = 64;

/// Deploys what is due.
///
/// # Errors
/// Somebody else has the lease or was faster, the ledger cannot be reached, or the machine refuses what every run needs.
pub fn carry_out(
    mut prepared: Prepared<'_>,
    command: &str,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Ended, Failure> {
    let (control, _listener) = listening()?;
    refuse_held_by_hand(&prepared)?;
    let mut values = Values::new();
    for round in 1.. {
        if let Some(ended) = build_missing(&prepared, &mut values, tell)? {
            return Ok(ended);
        }
        let machine = Machine::open(prepared.place, &prepared.staged)?;
        let environment = prepared.staged.environment.clone();
        let past = Past::new(prepared.place, environment.clone(), &machine)
            .under(&control)
            .knowing(&prepared.seen.standings);
        let id = prepared.id.clone();
        let (store, request) = (prepared.store.clone(), prepared.request.clone());
        let settings = prepared.staged.workspace.settings().clone();
        let observations = prepared.ledgers.observations();
        let scene = Scene {
            place: prepared.place,
            environment: &environment,
            id: &id,
            observations: &observations,
            store: &store,
            past: &past,
            settings: &settings,
            on_failure: prepared.staged.settings.on_failure,
            atomic: request.atomic,
            reason: request.reason.as_deref(),
            jobs: request.jobs.or(match request.mode {
                Mode::Adopt => Some(ADOPTED_AT_ONCE.min(prepared.plan.due().count().max(1))),
                Mode::Deploy { .. } | Mode::Show => None,
            }),
            command,
            control: &control,
        };
        let tenure = scene.acquire(request.patience, tell)?;
        match replan(&mut prepared, &tenure, &values)? {
            Replanned::Same => {}
            Replanned::Less(lines) => lines.into_iter().for_each(|it| tell(Told::Line(it))),
            // What a person agreed to is not made more behind their back.
            Replanned::More(who) if round < MOST_PLANS && !prepared.request.is_agreed_to => {
                tell(Told::Line(format!("{who}; the plan is made anew")));
                tenure.release()?;
                continue;
            }
            Replanned::More(who) => {
                tenure.release()?;
                return Err(Failure::Faster { who });
            }
        }
        // Only now: building takes time, and so may waiting for the lease.
        let sources = Sources::of(&prepared);
        if let Err(what) = sources.check() {
            tenure.release()?;
            return Err(Failure::Stale { what });
        }
        let (acts, after) = acts(&prepared, &values, &machine, &past)?;
        let is_same = || sources.check_again();
        let ended = scene.carry_out(&tenure, acts, &after, &is_same, tell)?;
        return release(tenure, ended, tell);
    }
    unreachable!("the last round returns")
}

/// A lease held by hand does not end while something is built: nobody has to wait for that to hear it.
fn refuse_held_by_hand(prepared: &Prepared<'_>) -> Result<(), Failure> {
    let lease = prepared.seen.lease.as_ref();
    match lease.filter(|it| it.sticky && prepared.request.patience.wait.is_none()) {
        None => Ok(()),
        Some(lease) => Err(Failure::Locked {
            environment: prepared.staged.environment.clone(),
            lease: Box::new(lease.clone()),
            now: crate::record::now().0 / 1000,
        }),
    }
}

/// Gives the lease back. That it cannot be given back is worth a warning: it ends by itself.
pub fn release(
    tenure: Tenure,
    ended: Ended,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Ended, Failure> {
    if let Err(error) = tenure.release() {
        tell(Told::Warning(format!(
            "the lease could not be given back and ends by itself: {error}"
        )));
    }
    Ok(ended)
}

/// Builds and tests what is due and was not built in an earlier round.
fn build_missing(
    prepared: &Prepared<'_>,
    values: &mut Values,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Option<Ended>, Failure> {
    let due = prepared
        .plan
        .due()
        .map(|at| prepared.plan.services[at].service);
    let missing: Vec<ServiceIndex> = due.filter(|it| !values.contains_key(it)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    if prepared.request.mode == Mode::Adopt {
        values.extend(missing.into_iter().map(|it| (it, BTreeMap::new())));
        return Ok(None);
    }
    match build(prepared, &missing, tell)? {
        Built::Well(built) => {
            values.extend(missing.into_iter().map(|it| (it, BTreeMap::new())));
            values.extend(built);
            Ok(None)
        }
        Built::Badly(summary) => Ok(Some(not_built(prepared, *summary))),
    }
}

fn not_built(prepared: &Prepared<'_>, summary: Summary) -> Ended {
    Ended {
        environment: prepared.staged.environment.clone(),
        id: prepared.id.clone(),
        planned: Vec::new(),
        entries: Vec::new(),
        addresses: BTreeMap::new(),
        close: match summary.interrupted {
            true => Close::Interrupted,
            false => Close::NotBuilt,
        },
        summary: Some(summary),
    }
}

/// What became of a plan once the lease was held.
enum Replanned {
    Same,
    /// Somebody else did a part of it.
    Less(Vec<String>),
    /// There is something to do now that was not built; who made it so.
    More(String),
}

/// Looks at the ledger again, now that nobody else can write, and decides anew.
fn replan(
    prepared: &mut Prepared<'_>,
    tenure: &Tenure,
    values: &Values,
) -> Result<Replanned, Failure> {
    let revision = tenure.revision();
    if revision.ledger == prepared.seen.revision.ledger {
        return Ok(Replanned::Same);
    }
    if prepared.request.is_pinned {
        return Err(Failure::Stale {
            what: "the pinned plan does not hold any more: the ledger has moved since".into(),
        });
    }
    let before = prepared.seen.clone();
    prepared.seen.standings = tenure.standings();
    prepared.seen.revision = revision;
    let due = |prepared: &Prepared<'_>| -> BTreeSet<ServiceIndex> {
        let due = prepared.plan.due();
        due.map(|at| prepared.plan.services[at].service).collect()
    };
    let old = due(prepared);
    let moved: Vec<String> = prepared
        .seen
        .standings
        .iter()
        .filter(|(name, it)| before.standings.get(*name).map(|it| &it.newest) != Some(&it.newest))
        .map(|(name, it)| moved(name, &it.newest))
        .collect();
    let who = moved.join("; ");
    prepared.decide().map_err(|failure| match failure {
        Failure::Usage { message, .. } => Failure::Faster {
            who: format!("{who}; now {message}"),
        },
        other => other,
    })?;
    let new = due(prepared);
    if !new.iter().all(|it| values.contains_key(it)) {
        return Ok(Replanned::More(who));
    }
    Ok(match new == old {
        true => Replanned::Same,
        false => Replanned::Less(moved),
    })
}

/// What somebody else did to a service.
fn moved(name: &ServiceName, entry: &crate::model::ledger::Entry) -> String {
    format!(
        "meanwhile {} on {} deployed {name} {} ({})",
        entry.who.name,
        entry.who.host,
        entry.brings.version(),
        entry.deploy
    )
}

/// What is to be done: a deploy of each service that is due, then, where that is asked for, the removal of what is gone.
fn acts(
    prepared: &Prepared<'_>,
    values: &Values,
    machine: &Machine,
    past: &Past<'_>,
) -> Result<(Vec<Act>, Vec<Vec<usize>>), Failure> {
    let due: Vec<usize> = prepared.plan.due().collect();
    let services: Vec<ServiceIndex> = due
        .iter()
        .map(|at| prepared.plan.services[*at].service)
        .collect();
    let mut after = prepared.order.among(&services);
    let known = |name: &ServiceName| prepared.seen.standings.get(name)?.runs().known().cloned();
    let mut acts = Vec::with_capacity(due.len());
    for at in due {
        let planned = &prepared.plan.services[at];
        let mut release = planned.wanted.clone();
        release.values = values.get(&planned.service).cloned().unwrap_or_default();
        let resolved = prepared.staged.resolved[&planned.service].clone();
        acts.push(Act {
            service: planned.name.clone(),
            action: match prepared.request.mode {
                Mode::Adopt => Action::Adopt,
                Mode::Deploy { .. } | Mode::Show => Action::Deploy,
            },
            before: runs(planned.standing.as_ref()),
            is_done: false,
            brings: Bringing {
                serving: machine.serving(prepared, planned.service)?,
                task: prepared.staged.task(planned.service).clone(),
                root: prepared.place.root.clone(),
                neighbours: neighbours(&prepared.staged, planned.service, &known),
                resolved,
                release,
                lacks: None,
            },
        });
    }
    if prepared.plan.prune {
        let deployed: Vec<usize> = (0..acts.len()).collect();
        for (name, standing) in &prepared.plan.removed {
            let before = standing.runs().clone();
            let last = before.known().unwrap_or(&standing.newest.brings);
            let brings = past.bringing(name, last)?;
            if !brings.can_be_removed() {
                return Err(cannot_be_removed(name, &brings));
            }
            acts.push(Act {
                service: name.clone(),
                action: Action::Remove,
                brings,
                before,
                is_done: false,
            });
            after.push(deployed.clone());
        }
    }
    Ok((acts, after))
}

/// What runs of a service, where nothing is known of it: nothing.
pub fn runs(standing: Option<&crate::model::ledger::Standing>) -> Runs {
    standing.map_or(Runs::Nothing, |it| it.runs().clone())
}
