//! Bringing one release into an environment, or taking a service away: the steps, without what is written down of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{self, Hands};
use crate::health::{self, Answer, Proxies, Verdict};
use crate::model::deploy::{Health, Probe};
use crate::model::ledger::Deployed;
use crate::model::name::ServiceName;
use crate::model::run::{Outcome, TaskResult};
use crate::model::target::{Facts, Resolved, Step};
use crate::model::task::Task;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::serve::Serving;

/// Between the request to end a step and the kill, unless the deploy says otherwise. CI systems kill everything 7 to 10
/// seconds after they ask: by then the ledger has to know of it, and the lease has to be given back.
const GRACE: Duration = Duration::from_secs(2);

/// A release, with all that it takes to bring it into an environment.
pub struct Bringing {
    pub resolved: Resolved,
    /// The definition of the deploy.
    pub task: Task,
    /// The directory of the workspace that has its files: the working tree, or a checkout of the recorded commit.
    pub root: PathBuf,
    pub release: Deployed,
    /// What there is to say of outputs that its root lacks, where it may lack some.
    pub lacks: Option<String>,
    /// How it runs on this machine, for a target that `svc` does itself.
    pub serving: Option<Serving>,
    /// Where the services answer that it depends on, as far as that is known.
    pub neighbours: BTreeMap<ServiceName, String>,
}

impl Bringing {
    /// The same once more, for another act.
    pub fn again(&self) -> Self {
        Self {
            resolved: self.resolved.clone(),
            task: self.task.clone(),
            root: self.root.clone(),
            release: self.release.clone(),
            lacks: self.lacks.clone(),
            serving: self.serving.clone(),
            neighbours: self.neighbours.clone(),
        }
    }

    /// Whether there is a way to take the service away.
    pub fn can_be_removed(&self) -> bool {
        let target = self.resolved.target();
        self.serving.is_some() || target.is_some_and(|it| !it.commands(Step::Remove).is_empty())
    }

    /// Where the service answers, if that is known.
    pub fn address(&self) -> Option<String> {
        if let Some(serving) = &self.serving {
            return serving.address();
        }
        let proxies = Proxies::default();
        let going = Going {
            what: self,
            deploy: "",
            previous: None,
            restores: None,
            proxies: &proxies,
        };
        self.resolved.address(&going.facts()).ok()?
    }
}

/// One go at an environment.
pub struct Going<'a> {
    pub what: &'a Bringing,
    /// Names the deploy.
    pub deploy: &'a str,
    /// What ran before.
    pub previous: Option<&'a Deployed>,
    /// The deploy that brought the release first, where this one goes back to it.
    pub restores: Option<&'a str>,
    pub proxies: &'a Proxies,
}

/// A step that did not pass.
pub struct Broken {
    pub result: Box<TaskResult>,
    pub reach: Reach,
}

/// How far a deploy came that broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No step that changes anything was begun.
    Nothing,
    /// What comes before was begun, such as a migration; what runs was not replaced.
    Before,
    /// Something that runs may have been replaced.
    Running,
}

impl Going<'_> {
    /// Brings the release: a look whether all that it needs is there, what comes before, the target's steps, the health
    /// check, what comes after.
    ///
    /// # Errors
    /// A step did not pass.
    pub fn bring(&self, hands: &mut dyn Hands) -> Result<(), Broken> {
        let at = |reach| move |result| Broken { result, reach };
        self.check(hands).map_err(at(Reach::Nothing))?;
        self.run(&self.what.resolved.before, hands)
            .map_err(at(Reach::Before))?;
        self.switch(Step::Deploy, hands).map_err(touched)?;
        self.run(&self.what.resolved.after, hands).map_err(touched)
    }

    /// Goes back to the release: by the target's own way, if it has one.
    ///
    /// # Errors
    /// A step did not pass.
    pub fn go_back(&self, hands: &mut dyn Hands) -> Result<(), Broken> {
        let has_way = self
            .what
            .resolved
            .target()
            .is_some_and(|it| !it.commands(Step::Rollback).is_empty());
        let step = match has_way {
            true => Step::Rollback,
            false => Step::Deploy,
        };
        self.switch(step, hands).map_err(touched)
    }

    /// Asks the target whether everything that the release needs is still there.
    ///
    /// # Errors
    /// It is not, or that cannot be told.
    pub fn check(&self, hands: &mut dyn Hands) -> Result<(), Box<TaskResult>> {
        let checked = self.run(&self.commands(Step::Check)?, hands);
        checked.map_err(|result| self.with_what_lacks(result))
    }

    /// Sees to it that what runs already is well. Nothing is changed.
    ///
    /// # Errors
    /// It is not.
    pub fn verify(&self, hands: &mut dyn Hands) -> Result<(), Broken> {
        let well = match &self.what.serving {
            Some(serving) => serving.verify(self, hands),
            None => self.wait_until_well(hands),
        };
        well.map_err(|result| Broken {
            result,
            reach: Reach::Nothing,
        })
    }

    /// Takes the service away.
    ///
    /// # Errors
    /// A step did not pass, or the target has none.
    pub fn remove(&self, hands: &mut dyn Hands) -> Result<(), Broken> {
        if let Some(serving) = &self.what.serving {
            return serving
                .stop(&self.what.resolved.service, hands)
                .map_err(touched);
        }
        let commands = self.commands(Step::Remove).map_err(touched)?;
        if commands.is_empty() {
            let how = match self.what.resolved.target() {
                Some(target) => format!("the target `{}` has no step `remove`", target.name),
                None => "it is deployed by commands of its own, which know no way to take it away; do it by hand, then \
                         `svc down --forget` writes it down"
                    .to_owned(),
            };
            return Err(Broken {
                result: failed(how),
                reach: Reach::Nothing,
            });
        }
        self.run(&commands, hands).map_err(touched)
    }

    /// The step that changes what runs, and the wait until that is well.
    fn switch(&self, step: Step, hands: &mut dyn Hands) -> Result<(), Box<TaskResult>> {
        if let Some(serving) = &self.what.serving {
            return serving.start(self, hands);
        }
        let commands = self.commands(step)?;
        if commands.is_empty() {
            return Err(failed(
                "its deploy has neither commands nor a target that does it".into(),
            ));
        }
        let ran = self.run(&commands, hands);
        ran.map_err(|result| self.with_what_lacks(result))?;
        self.wait_until_well(hands)
    }

    /// A failure that may come of outputs that are not there.
    fn with_what_lacks(&self, mut result: Box<TaskResult>) -> Box<TaskResult> {
        if let Some(lacks) = &self.what.lacks {
            result.reason = format!("{}; {lacks}", result.reason);
        }
        result
    }

    fn wait_until_well(&self, hands: &mut dyn Hands) -> Result<(), Box<TaskResult>> {
        let probe = self.what.resolved.probe(&self.facts());
        match probe.map_err(|error| failed(error.to_string()))? {
            Some(health) => self.wait(&health, hands, &|| None),
            None => Ok(()),
        }
    }

    /// Waits until the service is well. `over` may tell that it will never be.
    pub fn wait(
        &self,
        health: &Health,
        hands: &mut dyn Hands,
        over: &dyn Fn() -> Option<String>,
    ) -> Result<(), Box<TaskResult>> {
        let control = hands.control().clone();
        let verdict = {
            let hands = RefCell::new(&mut *hands);
            let is_asked = || control.is_asked();
            let is_over = || control.is_asked() || over().is_some();
            let mut ask = |patience: Duration| match &health.probe {
                Probe::Command(command) => {
                    let mut step = self.step(command);
                    step.is_quiet = true;
                    step.timeout = Some(patience);
                    match hands.borrow_mut().run(&step) {
                        Ok(()) => Answer::Well,
                        Err(result) => Answer::NotYet(result.reason),
                    }
                }
                probe => health::ask(probe, patience, self.proxies, &is_asked)
                    .unwrap_or(Answer::NotYet("it cannot be asked".into())),
            };
            let mut told = |why: &str| hands.borrow_mut().say(&format!("not healthy yet: {why}"));
            health::wait(health, &mut ask, &is_over, &mut told)
        };
        let asked = shown(&health.probe);
        match verdict {
            Verdict::Well { after } => {
                let after =
                    humantime::format_duration(Duration::from_millis(after.as_millis() as u64));
                hands.say(&format!("healthy after {after} ({asked})"));
                Ok(())
            }
            Verdict::TimedOut { last, asked: times } => {
                let timeout = humantime::format_duration(health.timeout);
                Err(failed(format!(
                    "not healthy after {timeout}: {last} ({asked}, asked {times} times)"
                )))
            }
            Verdict::Stopped => Err(match over() {
                Some(why) => failed(why),
                None => Box::new(TaskResult::not_started(Outcome::Interrupted, "interrupted")),
            }),
        }
    }

    /// Runs commands one after the other.
    fn run(&self, commands: &[String], hands: &mut dyn Hands) -> Result<(), Box<TaskResult>> {
        for command in commands {
            hands.run(&self.step(command))?;
        }
        Ok(())
    }

    fn commands(&self, step: Step) -> Result<Vec<String>, Box<TaskResult>> {
        let commands = self.what.resolved.commands(step, &self.facts());
        commands.map_err(|error| failed(error.to_string()))
    }

    fn step(&self, script: &str) -> engine::Step {
        engine::Step {
            script: script.to_owned(),
            shell: self.what.task.shell.clone(),
            directory: self.what.root.join(self.what.resolved.path.as_path()),
            variables: self.variables(),
            timeout: self.what.task.timeout,
            grace: self.what.task.grace.unwrap_or(GRACE),
            is_quiet: false,
        }
    }

    /// What every command of a deploy sees beside the environment of `svc`.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let Bringing {
            resolved, release, ..
        } = self.what;
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        let mut set = |name: &str, value: &str| variables.push((name.into(), value.into()));
        for (name, value) in &resolved.env {
            set(name, value);
        }
        set("SVC_ENV", resolved.environment.as_str());
        set("SVC_VERSION", release.version());
        set("SVC_DEPLOY_ID", self.deploy);
        if let Some(commit) = release.commit {
            set("SVC_COMMIT", &commit.to_string());
        }
        if let Some(previous) = self.previous {
            set("SVC_PREVIOUS_VERSION", previous.version());
        }
        if let Some(replicas) = resolved.replicas {
            set("SVC_REPLICAS", &replicas.to_string());
        }
        for (service, address) in &self.what.neighbours {
            set(&format!("SVC_URL_{}", service.in_variable()), address);
        }
        for (name, value) in &release.values {
            let Some((service, name)) = name.split_once('.') else {
                continue;
            };
            let in_variable = |text: &str| text.to_uppercase().replace('-', "_");
            set(
                &format!("SVC_VALUE_{}_{}", in_variable(service), in_variable(name)),
                value,
            );
            if service == resolved.service.as_str() {
                set(&format!("SVC_VALUE_{}", in_variable(name)), value);
            }
        }
        let root = self.what.root.as_os_str().to_owned();
        variables.push(("SVC_WORKSPACE".into(), root));
        variables
    }

    /// What the texts of the deploy may name.
    pub fn facts(&self) -> Facts {
        let root = self.what.root.to_string_lossy();
        Facts {
            deploy_id: self.deploy.to_owned(),
            previous_version: self.previous.map(|it| it.version().to_owned()),
            restores: self.restores.map(str::to_owned),
            ..facts_of(&self.what.release, &self.what.resolved.service, &root)
        }
    }
}

/// A step that failed, in words.
pub fn failed(why: String) -> Box<TaskResult> {
    Box::new(TaskResult::not_started(Outcome::Failed, why))
}

fn touched(result: Box<TaskResult>) -> Broken {
    Broken {
        result,
        reach: Reach::Running,
    }
}

fn shown(probe: &Probe) -> String {
    match probe {
        Probe::Http { url, .. } => url.clone(),
        Probe::Tcp(address) => address.clone(),
        Probe::Command(command) => format!("`{command}`"),
    }
}

/// Where the services answer that one depends on, directly or not; `known` tells what runs of each.
pub fn neighbours(
    staged: &Staged,
    service: ServiceIndex,
    known: &dyn Fn(&ServiceName) -> Option<Deployed>,
) -> BTreeMap<ServiceName, String> {
    let mut found = BTreeMap::new();
    let (mut seen, mut pending) = (BTreeSet::new(), vec![service]);
    while let Some(at) = pending.pop() {
        for next in staged.workspace.dependencies(at) {
            if !seen.insert(*next) {
                continue;
            }
            pending.push(*next);
            let Some(resolved) = staged.resolved.get(next).filter(|it| it.url.is_some()) else {
                continue;
            };
            let release = known(&resolved.service);
            let facts = release.map(|it| facts_of(&it, &resolved.service, ""));
            // An address that takes a value which is not known yet is not told.
            if let Ok(Some(address)) = resolved.address(&facts.unwrap_or_default()) {
                found.insert(resolved.service.clone(), address);
            }
        }
    }
    found
}

/// What the texts of a deploy may name of a release.
fn facts_of(release: &Deployed, service: &ServiceName, workspace: &str) -> Facts {
    let mut values_of: BTreeMap<ServiceName, BTreeMap<String, String>> = BTreeMap::new();
    for (name, value) in &release.values {
        let named = name.split_once('.');
        let named = named.and_then(|(of, name)| Some((ServiceName::new(of)?, name)));
        if let Some((service, name)) = named {
            let values = values_of.entry(service).or_default();
            values.insert(name.to_owned(), value.clone());
        }
    }
    Facts {
        workspace: workspace.to_owned(),
        version: release.version().to_owned(),
        commit: release.commit.map(|it| it.to_string()).unwrap_or_default(),
        values: values_of.get(service).cloned().unwrap_or_default(),
        values_of,
        ..Facts::default()
    }
}
