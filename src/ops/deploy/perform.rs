//! Deploying services one by one, each with its entries in the ledger: what is about to happen is written before it
//! happens, what came of it after.

use std::sync::Mutex;

use crate::engine::{Hands, Steps};
use crate::health::Proxies;
use crate::model::deploy::OnFailure;
use crate::model::ledger::{Action, DeployId, Deployed, ENTRY_VERSION, Entry, Runs, State, Who};
use crate::model::name::ServiceName;
use crate::model::run::{Outcome, TaskResult};
use crate::ops::deploy::back::Past;
use crate::ops::deploy::bring::{Bringing, Broken, Going, Reach};
use crate::ops::deploy::journal::Journal;

/// Everything that is carried out under one lease.
pub struct Performing<'a> {
    pub journal: &'a Journal<'a>,
    pub id: &'a DeployId,
    pub who: &'a Who,
    pub reason: Option<&'a str>,
    pub on_failure: OnFailure,
    pub proxies: &'a Proxies,
    pub past: &'a Past<'a>,
    /// Whether the sources are still those that were planned; what changed, if not.
    pub is_same: &'a (dyn Fn() -> Result<(), String> + Sync),
    /// By place in the plan of the run.
    pub acts: Vec<Act>,
    /// What was done to each, by place, where something was.
    pub done: Mutex<Vec<Option<Done>>>,
}

/// What is to be done to one service.
pub struct Act {
    pub service: ServiceName,
    pub action: Action,
    pub brings: Bringing,
    /// What runs now.
    pub before: Runs,
    /// Whether it was done by hand and is only written down.
    pub is_done: bool,
}

/// What was done to a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub state: State,
    pub runs: Runs,
}

impl Steps for Performing<'_> {
    fn perform(&self, task: usize, hands: &mut dyn Hands) -> TaskResult {
        let act = &self.acts[task];
        if let Some(why) = self.journal.closed() {
            return TaskResult::not_started(Outcome::Skipped, format!("not started: {why}"));
        }
        if let Err(what) = (self.is_same)() {
            return TaskResult::not_started(Outcome::Failed, format!("nothing was done: {what}"));
        }
        let started = self.entry(act, State::Started, Runs::Unknown, None);
        if let Err(error) = self.journal.write(started) {
            let why = format!("nothing was done, as the ledger cannot be written: {error}");
            return TaskResult::not_started(Outcome::Failed, why);
        }
        let (end, mut result) = match self.carry_out(act, hands) {
            Ok(runs) => (
                self.entry(act, State::Succeeded, runs, None),
                TaskResult::not_started(Outcome::Passed, ""),
            ),
            Err(broken) => self.after_failure(act, broken, hands),
        };
        let done = Done {
            state: end.state,
            runs: end.runs.clone(),
        };
        if let Err(error) = self.journal.write(end) {
            result.outcome = Outcome::Failed;
            let what = match done.state {
                State::Succeeded => "it was deployed, but",
                _ => "besides,",
            };
            result.reason = format!(
                "{} {what} the ledger cannot be written: {error}",
                result.reason
            )
            .trim()
            .to_owned();
            return result;
        }
        self.done.lock().expect("no thread panics with it")[task] = Some(done);
        result
    }
}

impl Performing<'_> {
    fn carry_out(&self, act: &Act, hands: &mut dyn Hands) -> Result<Runs, Broken> {
        let going = self.going(&act.brings, act.before.known(), None);
        match act.action {
            Action::Deploy | Action::Promote => bring(&going, act.brings.task.retry, hands)?,
            Action::Rollback | Action::Undo => {
                let restores = act.brings.release.deploy.as_str();
                let going = self.going(&act.brings, act.before.known(), Some(restores));
                going.check(hands).map_err(|result| Broken {
                    result,
                    reach: Reach::Nothing,
                })?;
                going.go_back(hands)?;
            }
            Action::Remove => {
                if !act.is_done {
                    going.remove(hands)?;
                }
                return Ok(Runs::Nothing);
            }
            Action::Adopt => going.verify(hands)?,
        }
        Ok(Runs::This(Box::new(act.brings.release.clone())))
    }

    /// What is written and told of a service that could not be deployed; goes back to what ran before, if that is wanted.
    fn after_failure(
        &self,
        act: &Act,
        broken: Broken,
        hands: &mut dyn Hands,
    ) -> (Entry, TaskResult) {
        let Broken { mut result, reach } = broken;
        let why = result.reason.clone();
        let end = |state, runs| self.entry(act, state, runs, Some(why.clone()));
        if result.outcome == Outcome::Interrupted || hands.control().is_asked() {
            result.outcome = Outcome::Interrupted;
            let runs = match reach {
                Reach::Nothing => act.before.clone(),
                Reach::Before | Reach::Running => Runs::Unknown,
            };
            return (end(State::Interrupted, runs), *result);
        }
        let goes_back = matches!(act.action, Action::Deploy | Action::Promote)
            && self.on_failure == OnFailure::Rollback;
        if reach < Reach::Running || !goes_back {
            let runs = match reach {
                Reach::Nothing => act.before.clone(),
                Reach::Before => self.still_runs(act, hands),
                Reach::Running => Runs::Unknown,
            };
            return (end(State::Failed, runs), *result);
        }
        hands.say(&format!("{why}; going back"));
        match self.go_back(act, hands) {
            Ok(runs) => {
                let to = match runs.known() {
                    Some(before) => format!("rolled back to {}", before.version()),
                    None => "taken away again, as nothing ran before".to_owned(),
                };
                result.reason = format!("{why}; {to}");
                (end(State::RolledBack, runs), *result)
            }
            Err(fault) => {
                result.reason = format!("{why}; and it could not be rolled back: {fault}");
                let mut end = end(State::Failed, Runs::Unknown);
                end.error = Some(result.reason.clone());
                (end, *result)
            }
        }
    }

    /// What runs after something failed that comes before the deploy itself: what ran before, if it still is well.
    fn still_runs(&self, act: &Act, hands: &mut dyn Hands) -> Runs {
        let Runs::This(before) = &act.before else {
            return act.before.clone();
        };
        let bringing = match act.brings.serving {
            Some(_) => self.past.returning(&act.service, before).ok(),
            None => Some(act.brings.again()),
        };
        let is_well = bringing.is_some_and(|it| {
            let going = self.going(&it, None, None);
            going.verify(hands).is_ok()
        });
        match is_well {
            true => act.before.clone(),
            false => Runs::Unknown,
        }
    }

    /// Goes back to what ran before a deploy that failed.
    fn go_back(&self, act: &Act, hands: &mut dyn Hands) -> Result<Runs, String> {
        let words = |broken: Broken| broken.result.reason;
        match &act.before {
            Runs::Unknown => Err("it is not known what ran before".to_owned()),
            Runs::Nothing => {
                let going = self.going(&act.brings, None, None);
                going.remove(hands).map_err(words)?;
                Ok(Runs::Nothing)
            }
            Runs::This(before) => {
                let bringing = self.past.returning(&act.service, before);
                let bringing = bringing.map_err(|failure| failure.to_string())?;
                let restores = Some(before.deploy.as_str());
                let going = self.going(&bringing, Some(&act.brings.release), restores);
                going.go_back(hands).map_err(words)?;
                Ok(act.before.clone())
            }
        }
    }

    fn going<'g>(
        &'g self,
        what: &'g Bringing,
        previous: Option<&'g Deployed>,
        restores: Option<&'g str>,
    ) -> Going<'g> {
        Going {
            what,
            deploy: self.id.as_str(),
            previous,
            restores,
            proxies: self.proxies,
        }
    }

    fn entry(&self, act: &Act, state: State, runs: Runs, error: Option<String>) -> Entry {
        Entry {
            version: ENTRY_VERSION,
            deploy: self.id.clone(),
            service: act.service.clone(),
            action: act.action,
            state,
            brings: act.brings.release.clone(),
            runs,
            before: act.before.clone(),
            who: self.who.clone(),
            at: crate::record::now().0 / 1000,
            reason: self.reason.map(str::to_owned),
            error: error.map(|it| shortened(&it)),
        }
    }
}

/// Brings a release; tries again as often as its definition says, before anything is rolled back.
fn bring(going: &Going<'_>, retry: u32, hands: &mut dyn Hands) -> Result<(), Broken> {
    let (mut left, mut reach) = (retry, Reach::Nothing);
    loop {
        let Err(mut broken) = going.bring(hands) else {
            return Ok(());
        };
        reach = reach.max(broken.reach);
        broken.reach = reach;
        if left == 0 || hands.control().is_asked() {
            return Err(broken);
        }
        left -= 1;
        hands.say(&format!("{}; trying again", broken.result.reason));
    }
}

/// As much of a text as an entry holds.
fn shortened(text: &str) -> String {
    const MOST: usize = 2000;
    match text.len() > MOST {
        true => format!("{}…", &text[..text.floor_char_boundary(MOST)]),
        false => text.to_owned(),
    }
}
