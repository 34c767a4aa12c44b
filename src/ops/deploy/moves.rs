//! Moving services of an environment to releases that are known already: back, on, or away.

use std::sync::Arc;

use crate::ledger::{Refresh, Seen, Store, Tenure};
use crate::model::deploy::Environment;
use crate::model::ledger::{Action, DeployId, Deployed, Runs};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::workspace::{ServiceIndex, Settings, Workspace};
use crate::ops::deploy::Patience;
use crate::ops::deploy::acts::{Ended, Scene, Told};
use crate::ops::deploy::back::Past;
use crate::ops::deploy::bring::Bringing;
use crate::ops::deploy::environment::{Staged, environment};
use crate::ops::deploy::order::Order;
use crate::ops::deploy::perform::Act;
use crate::ops::deploy::plan::new_id;
use crate::ops::deploy::run::{release, runs};
use crate::ops::deploy::serve::Machine;
use crate::ops::failure::Failure;
use crate::ops::ledger::Ledgers;
use crate::ops::machinery::listening;
use crate::ops::place::Place;
use crate::ops::trust;

/// What all moves are asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub environment: String,
    /// Only these services.
    pub services: Vec<String>,
    pub reason: Option<String>,
    pub patience: Patience,
    pub jobs: Option<usize>,
    /// Take no step: it was done by hand and is only written down.
    pub forget: bool,
    /// Only show what would be done.
    pub shows: bool,
}

/// Moves of services, with everything that carrying them out takes.
pub struct Moves<'p> {
    pub place: &'p Place,
    pub asked: Asked,
    pub id: DeployId,
    pub environment: EnvironmentName,
    /// What the file says of the environment.
    pub settings: Environment,
    pub action: Action,
    pub moves: Vec<Move>,
    pub(in crate::ops::deploy) scene: Ground,
}

/// One service that is moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub service: ServiceName,
    pub from: Runs,
    /// Where to; none: it is taken away.
    pub to: Option<Deployed>,
}

/// What is known of an environment before anything is decided.
pub struct Ground {
    pub workspace: Workspace,
    pub staged: Staged,
    pub ledgers: Ledgers,
    pub store: Arc<dyn Store>,
    pub seen: Seen,
}

impl Ground {
    /// Looks at an environment that is to be changed.
    ///
    /// # Errors
    /// It does not exist, its ledger cannot be reached, or this run may not change it.
    pub fn of(place: &Place, asked: &Asked) -> Result<Self, Failure> {
        if !asked.shows {
            let workspace = place.workspace()?.workspace;
            let name = environment(&workspace, &asked.environment)?;
            trust::check(place, name.as_str())?;
        }
        Self::look(place, &asked.environment, Refresh::Now)
    }

    /// Looks at an environment.
    ///
    /// # Errors
    /// It does not exist, or its ledger cannot be reached.
    pub fn look(place: &Place, name: &str, refresh: Refresh) -> Result<Self, Failure> {
        let workspace = place.workspace()?.workspace;
        let name = environment(&workspace, name)?;
        let staged = Staged::new(&workspace, &name)?;
        let ledgers = Ledgers::open(place, &workspace.settings().ledger)?;
        let store = ledgers.of(&name)?;
        let seen = store.look(refresh)?;
        Ok(Self {
            workspace,
            staged,
            ledgers,
            store,
            seen,
        })
    }

    /// What runs of a service.
    pub fn runs(&self, service: &ServiceName) -> Runs {
        runs(self.seen.standings.get(service))
    }

    /// The services named, which the ledger has to know.
    ///
    /// # Errors
    /// It knows none of that name; names the nearest.
    pub fn named(&self, names: &[String]) -> Result<Vec<ServiceName>, Failure> {
        let known = || self.seen.standings.keys();
        let one = |name: &String| {
            let found = known().find(|it| it.as_str() == name).cloned();
            found.ok_or_else(|| Failure::Unknown {
                kind: "deployed service",
                name: name.clone(),
                nearest: crate::model::suggest::nearest(name, known().map(ServiceName::as_str))
                    .map(str::to_owned),
            })
        };
        names.iter().map(one).collect()
    }
}

impl<'p> Moves<'p> {
    /// Moves on what was seen.
    pub fn new(place: &'p Place, asked: Asked, action: Action, scene: Ground) -> Self {
        Self {
            place,
            asked,
            id: new_id(),
            environment: scene.staged.environment.clone(),
            settings: scene.staged.settings.clone(),
            action,
            moves: Vec::new(),
            scene,
        }
    }

    /// Carries the moves out.
    ///
    /// # Errors
    /// Somebody else has the lease or was faster, the ledger cannot be reached, or something that a move takes is gone.
    pub fn carry_out(
        mut self,
        command: &str,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<Ended, Failure> {
        let (control, _listener) = listening()?;
        let machine = Machine::open(self.place, &self.scene.staged)?;
        let past = Past::new(self.place, self.environment.clone(), &machine)
            .knowing(&self.scene.seen.standings)
            .under(&control);
        let after = self.order();
        let acts = self.acts(&past, &machine)?;
        let settings: Settings = self.scene.workspace.settings().clone();
        let scene = Scene {
            place: self.place,
            environment: &self.environment,
            id: &self.id,
            observations: &self.scene.ledgers.observations(),
            store: &self.scene.store,
            past: &past,
            settings: &settings,
            on_failure: self.settings.on_failure,
            atomic: false,
            reason: self.asked.reason.as_deref(),
            jobs: self.asked.jobs,
            command,
            control: &control,
        };
        let tenure = scene.acquire(self.asked.patience, tell)?;
        if let Err(faster) = self.check_unmoved(&tenure) {
            tenure.release()?;
            return Err(faster);
        }
        let ended = scene.carry_out(&tenure, acts, &after, &|| Ok(()), tell)?;
        release(tenure, ended, tell)
    }

    fn acts(&self, past: &Past<'_>, machine: &Machine) -> Result<Vec<Act>, Failure> {
        let act = |it: &Move| {
            let brings = match (&it.to, self.scene.staged.is_local()) {
                (None, _) if self.asked.forget => {
                    machine.stopping(&it.service, &self.environment, &it.from)?
                }
                (Some(release), _) if self.action == Action::Rollback => {
                    past.returning(&it.service, release)?
                }
                (Some(release), _) => past.bringing(&it.service, release)?,
                (None, true) => machine.stopping(&it.service, &self.environment, &it.from)?,
                (None, false) => {
                    let newest = || self.scene.seen.standings.get(&it.service);
                    let last = it.from.known().or_else(|| Some(&newest()?.newest.brings));
                    let last = last.expect("only what the ledger knows is taken away");
                    past.bringing(&it.service, last)?
                }
            };
            if it.to.is_none() && !brings.can_be_removed() {
                return Err(cannot_be_removed(&it.service, &brings));
            }
            Ok(Act {
                service: it.service.clone(),
                action: self.action,
                brings,
                before: it.from.clone(),
                is_done: self.asked.forget,
            })
        };
        self.moves.iter().map(act).collect()
    }

    /// Puts the moves in the order in which they are made, and gives for each the places of those that come before it. Ways
    /// back are gone in the other direction: who depends on something leaves before it.
    pub(in crate::ops::deploy) fn order(&mut self) -> Vec<Vec<usize>> {
        let staged = &self.scene.staged;
        let order = Order::new(staged);
        let mut ordered: Vec<ServiceIndex> = order.services.clone();
        let is_back = matches!(
            self.action,
            Action::Rollback | Action::Undo | Action::Remove
        );
        if is_back {
            ordered.reverse();
        }
        let place = |it: &Move| {
            let index = staged.workspace.find(it.service.as_str());
            let place = index.and_then(|index| ordered.iter().position(|it| *it == index));
            // What is not deployed there any more is needed by nobody.
            (place.map_or(0, |it| it + 1), it.service.clone())
        };
        self.moves.sort_by_cached_key(place);
        let chosen: Vec<(usize, ServiceIndex)> = self
            .moves
            .iter()
            .enumerate()
            .filter_map(|(at, it)| Some((at, staged.workspace.find(it.service.as_str())?)))
            .filter(|(_, it)| staged.resolved.contains_key(it))
            .collect();
        let services: Vec<ServiceIndex> = chosen.iter().map(|(_, it)| *it).collect();
        let mut after = vec![Vec::new(); self.moves.len()];
        for (place, before) in order.among(&services).into_iter().enumerate() {
            for other in before {
                let (one, two) = (chosen[place].0, chosen[other].0);
                after[one.max(two)].push(one.min(two));
            }
        }
        after.iter_mut().for_each(|it| it.sort_unstable());
        after
    }

    /// Now that nobody else can write: what was seen must still hold.
    fn check_unmoved(&self, tenure: &Tenure) -> Result<(), Failure> {
        let now = tenure.standings();
        let seen = &self.scene.seen.standings;
        let moved = |it: &&Move| {
            let newest = |all: &crate::model::ledger::Standings| {
                all.get(&it.service).map(|it| it.newest.clone())
            };
            newest(seen) != newest(&now)
        };
        let Some(first) = self.moves.iter().find(moved) else {
            return Ok(());
        };
        let entry = &now[&first.service].newest;
        Err(Failure::Faster {
            who: format!(
                "meanwhile {} on {} changed {} ({})",
                entry.who.name, entry.who.host, first.service, entry.deploy
            ),
        })
    }
}

/// That there is no way to take a service down, and what to do.
pub fn cannot_be_removed(service: &ServiceName, brings: &Bringing) -> Failure {
    let (how, hint) = match brings.resolved.target() {
        Some(target) => (
            format!("its target `{}` has no step `remove`", target.name),
            "give the target a step `remove`".to_owned(),
        ),
        None => (
            "its deploy is commands of its own".to_owned(),
            format!(
                "take it away by hand, then `svc down --forget --env {} {service}` writes that down; a target with a step `remove` can do it",
                brings.resolved.environment
            ),
        ),
    };
    Failure::Usage {
        message: format!("it is not known how to take `{service}` down: {how}"),
        hint,
    }
}
