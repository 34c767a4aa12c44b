//! Carrying out acts on services under a lease: the engine runs them in order, each is written to the ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::{self, Failing, Job, Nothing};
use crate::health::Proxies;
use crate::ledger::{self, Store, Tenure};
use crate::model::cause::Cause;
use crate::model::deploy::OnFailure;
use crate::model::event::Event;
use crate::model::ledger::{Action, DeployId, Entry, Lease, Runs, State};
use crate::model::mask::Mask;
use crate::model::name::{EnvironmentName, ServiceName, TaskId};
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::run::Summary;
use crate::model::task::Task;
use crate::model::workspace::{Service, Settings, Workspace};
use crate::ops::deploy::Patience;
use crate::ops::deploy::back::Past;
use crate::ops::deploy::environment::deploy;
use crate::ops::deploy::journal::Journal;
use crate::ops::deploy::perform::{Act, Done, Performing};
use crate::ops::failure::Failure;
use crate::ops::ledger::{holder, is_alive};
use crate::ops::machinery;
use crate::ops::place::Place;
use crate::process::Control;
use crate::record::Header;

/// What is told while services are deployed.
pub enum Told<'e> {
    /// A run begins: what is built, or what is deployed.
    Phase(&'static str),
    Event(&'e Event),
    /// Something worth a line.
    Line(String),
    Warning(String),
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub environment: EnvironmentName,
    pub id: DeployId,
    /// All services that it was about, in order, each with what ran before.
    pub planned: Vec<(ServiceName, Runs)>,
    /// What was written, oldest first.
    pub entries: Vec<Entry>,
    /// What the run of deploys came to; none if it did not come to that.
    pub summary: Option<Summary>,
    /// Where services answer, by name.
    pub addresses: BTreeMap<String, String>,
    pub close: Close,
}

/// How a deploy closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// Everything went well; also: there was nothing to do.
    Fine,
    /// What had to be built first did not pass; nothing was deployed.
    NotBuilt,
    /// Something failed, and what runs is as it was.
    RolledBack,
    /// Something failed.
    Failed,
    Interrupted,
    /// The ledger could not be written to the end.
    Unrecorded(String),
}

/// What carrying out takes, whatever is done.
pub struct Scene<'a> {
    pub place: &'a Place,
    pub environment: &'a EnvironmentName,
    pub id: &'a DeployId,
    /// Where is remembered what was seen of leases.
    pub observations: &'a Path,
    pub store: &'a Arc<dyn Store>,
    pub past: &'a Past<'a>,
    pub settings: &'a Settings,
    pub on_failure: OnFailure,
    pub atomic: bool,
    pub reason: Option<&'a str>,
    pub jobs: Option<usize>,
    /// As a person typed it: `svc deploy --env production`.
    pub command: &'a str,
    pub control: &'a Control,
}

impl Scene<'_> {
    /// Takes the lease.
    ///
    /// # Errors
    /// Somebody else has it, or the ledger cannot be reached.
    pub fn acquire(
        &self,
        patience: Patience,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<Tenure, Failure> {
        let holder = holder(self.place, self.command);
        let asked = self.control.clone();
        let tell = RefCell::new(tell);
        let waiting = |lease: &Lease| {
            let who = &lease.holder;
            (tell.borrow_mut())(Told::Line(format!(
                "waiting for the lease of {}: {} on {} has it ({})",
                self.environment, who.who.name, who.who.host, who.command
            )));
        };
        let usual = ledger::Options::default();
        let term = patience.term.unwrap_or(usual.term);
        let options = ledger::Options {
            wait: patience.wait,
            poll: usual.poll.min(term / 4),
            term,
            beat: term / 3,
            memory: Some(self.observations),
            is_alive: &is_alive,
            is_asked: Arc::new(move || asked.is_asked()),
            waiting: &waiting,
            ..usual
        };
        let tenure = ledger::acquire(self.store.clone(), &holder, &options);
        let tenure = tenure.map_err(|error| match error {
            ledger::Error::Locked(lease) => Failure::Locked {
                environment: self.environment.clone(),
                lease,
                now: crate::record::now().0 / 1000,
            },
            other => other.into(),
        })?;
        if let Some(lost) = tenure.taken_over() {
            let who = &lost.holder;
            (tell.borrow_mut())(Told::Warning(format!(
                "the lease of {} on {} was over and is taken ({})",
                who.who.name, who.who.host, who.command
            )));
        }
        Ok(tenure)
    }

    /// Carries out `acts`, each after those that `after` names, as long as the sources are the same, and ends with what the ledger says of them.
    ///
    /// # Errors
    /// The machine refuses what every run needs.
    pub fn carry_out(
        &self,
        tenure: &Tenure,
        acts: Vec<Act>,
        after: &[Vec<usize>],
        is_same: &(dyn Fn() -> Result<(), String> + Sync),
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<Ended, Failure> {
        let journal = Journal::new(tenure);
        let who = crate::ops::ledger::who(self.place);
        let proxies = Proxies::of(&self.place.env);
        let addresses = addresses(&acts);
        let planned = acts
            .iter()
            .map(|it| (it.service.clone(), it.before.clone()));
        let planned = planned.collect();
        let mut performing = self.performing(&journal, &who, &proxies, acts, is_same);
        let mut summary = self.run(&performing, after, tell)?;
        let bad = |summary: &Summary| summary.results.iter().any(|it| it.outcome.is_bad());
        let is_bad = bad(&summary);
        let mut is_undone = true;
        if self.atomic
            && is_bad
            && !summary.interrupted
            && let Some(undone) = self.undo(&performing, tell)?
        {
            is_undone = !bad(&undone);
            summary.interrupted |= undone.interrupted;
        }
        let done = std::mem::take(&mut performing.done);
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let close = match (journal.closed(), summary.interrupted, is_bad) {
            (Some(why), ..) => Close::Unrecorded(why),
            (None, true, _) => Close::Interrupted,
            (None, false, false) => Close::Fine,
            (None, false, true) if is_undone && self.is_rolled_back(&performing.acts, &done) => {
                Close::RolledBack
            }
            (None, false, true) => Close::Failed,
        };
        Ok(Ended {
            environment: self.environment.clone(),
            id: self.id.clone(),
            planned,
            entries: journal.entries(),
            summary: Some(summary),
            addresses,
            close,
        })
    }

    /// Whether something was rolled back, and whatever failed left what ran before.
    fn is_rolled_back(&self, acts: &[Act], done: &[Option<Done>]) -> bool {
        let mut pairs = acts.iter().zip(done);
        let is_as_before = |(act, done): (&Act, &Option<Done>)| match done {
            None => true,
            Some(done) if done.state == State::Succeeded => true,
            Some(done) => done.runs == act.before && done.runs != Runs::Unknown,
        };
        let was_back =
            |it: &Option<Done>| it.as_ref().is_some_and(|it| it.state == State::RolledBack);
        let is_any = self.atomic || done.iter().any(was_back);
        is_any && pairs.all(is_as_before)
    }

    fn performing<'p>(
        &'p self,
        journal: &'p Journal<'p>,
        who: &'p crate::model::ledger::Who,
        proxies: &'p Proxies,
        acts: Vec<Act>,
        is_same: &'p (dyn Fn() -> Result<(), String> + Sync),
    ) -> Performing<'p> {
        Performing {
            is_same,
            journal,
            id: self.id,
            who,
            reason: self.reason,
            on_failure: self.on_failure,
            proxies,
            past: self.past,
            done: Mutex::new(vec![None; acts.len()]),
            acts,
        }
    }

    /// Takes back everything that was deployed, newest first, each to exactly what ran before.
    fn undo(
        &self,
        performing: &Performing<'_>,
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<Option<Summary>, Failure> {
        let mut acts = Vec::new();
        {
            let done = performing
                .done
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let pairs = performing.acts.iter().zip(done.iter()).rev();
            for (act, done) in pairs {
                let succeeded = done.as_ref().filter(|it| it.state == State::Succeeded);
                let Some(done) = succeeded else {
                    continue;
                };
                match self.back(act, &done.runs) {
                    Ok(act) => acts.push(act),
                    Err(failure) => tell(Told::Warning(format!(
                        "{} cannot be rolled back: {failure}",
                        act.service
                    ))),
                }
            }
        }
        if acts.is_empty() {
            return Ok(None);
        }
        let after: Vec<Vec<usize>> = (0..acts.len())
            .map(|at| at.checked_sub(1).into_iter().collect())
            .collect();
        let (journal, who, proxies) = (performing.journal, performing.who, performing.proxies);
        let undoing = self.performing(journal, who, proxies, acts, &|| Ok(()));
        self.run(&undoing, &after, tell).map(Some)
    }

    /// The act that takes another one back.
    fn back(&self, act: &Act, runs: &Runs) -> Result<Act, Failure> {
        let (action, brings) = match &act.before {
            Runs::This(before) => (Action::Undo, self.past.returning(&act.service, before)?),
            Runs::Nothing => (Action::Remove, act.brings.again()),
            Runs::Unknown => {
                return Err(Failure::Usage {
                    message: "it is not known what ran before".into(),
                    hint: String::new(),
                });
            }
        };
        Ok(Act {
            service: act.service.clone(),
            action,
            brings,
            before: runs.clone(),
            is_done: false,
        })
    }

    fn run(
        &self,
        performing: &Performing<'_>,
        after: &[Vec<usize>],
        tell: &mut dyn FnMut(Told<'_>),
    ) -> Result<Summary, Failure> {
        tell(Told::Phase(phase(
            performing.acts.first().map(|it| it.action),
        )));
        let workspace = of_acts(self.settings, &performing.acts);
        let history = self.place.history();
        let planned = performing.acts.iter().zip(after).map(|(act, after)| {
            let id = TaskId::new(&act.service, &deploy());
            PlannedTask {
                service: workspace
                    .find(act.service.as_str())
                    .expect("it is made of the acts"),
                needs: after.clone(),
                causes: vec![Cause::Requested],
                verdict: Verdict::Run,
                reason: String::new(),
                key: None,
                arguments: Vec::new(),
                expected: history.duration(&id),
                id,
            }
        });
        let plan = Arc::new(Plan {
            tasks: planned.collect(),
        });
        let variables: &BTreeMap<OsString, OsString> = &self.place.env.variables;
        let mut emit = |event: &Event| tell(Told::Event(event));
        let machinery = machinery::Machinery::new()?;
        let header = Header {
            command: self.command.to_owned(),
            commit: None,
            tasks: plan.tasks.len(),
            ..Header::default()
        };
        let record = machinery::begin_record(self.place, header, &mut emit);
        let jobs = self.jobs.unwrap_or(self.place.env.processors);
        let jobserver = machinery::jobserver(variables, self.jobs, jobs);
        let secrets = machinery::secrets(&workspace, variables);
        let job = Job {
            workspace: &workspace,
            root: &self.place.root,
            plan: plan.clone(),
            jobs,
            failing: match (self.on_failure, self.atomic) {
                (OnFailure::Stop, _) | (_, true) => Failing::StartsNoMore,
                (OnFailure::Rollback | OnFailure::Continue, false) => Failing::KeepsGoing,
            },
            variables,
            id: machinery.run_id(record.as_ref()),
            scratch: machinery.scratch(),
            record: record.as_ref(),
            control: &machinery.control,
            jobserver: jobserver.as_ref(),
            mask: Mask::new(secrets.values().map(Vec::as_slice)),
            secrets,
            values: vec![BTreeMap::new(); plan.tasks.len()],
            results: &Nothing,
            steps: Some(performing),
        };
        if self.control.is_asked() {
            machinery.control.ask();
        }
        let mut summary = engine::run(&job, &mut emit);
        // Who asked before the run could hear it has interrupted it all the same.
        summary.interrupted |= self.control.is_asked();
        machinery::finish_record(record, &summary, &mut emit);
        Ok(summary)
    }
}

/// What is done, as it is told when it begins.
fn phase(action: Option<Action>) -> &'static str {
    match action {
        Some(Action::Rollback | Action::Undo) => "rolling back",
        Some(Action::Promote) => "promoting",
        Some(Action::Adopt) => "recording what runs",
        Some(Action::Remove) => "taking down",
        Some(Action::Deploy) | None => "deploying",
    }
}

/// A workspace that holds the services of some acts, each with its deploy as the act defines it.
fn of_acts(settings: &Settings, acts: &[Act]) -> Workspace {
    let service = |act: &Act| {
        let mut task: Task = act.brings.task.clone();
        // Going on trying is a matter of the whole deploy, not of its commands.
        task.retry = 0;
        Service {
            name: act.service.clone(),
            path: act.brings.resolved.path.clone(),
            depends_on: Vec::new(),
            tags: Default::default(),
            uses: None,
            consumed: None,
            serve: None,
            tasks: [(deploy(), Box::new(task))].into(),
        }
    };
    Workspace::new(settings.clone(), acts.iter().map(service).collect())
}

/// Where the services answer.
fn addresses(acts: &[Act]) -> BTreeMap<String, String> {
    let address = |act: &Act| Some((act.service.to_string(), act.brings.address()?));
    acts.iter().filter_map(address).collect()
}
