//! Switching a service from one release to another, and stopping it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::name::ServiceName;
use crate::process::command::ProcessId;
use crate::process::control::Control;
use crate::process::ending::Force;
use crate::process::local::lock::{Lock, Waited, lock};
use crate::process::local::owned::{Machine, boot};
use crate::process::local::place::Place;
use crate::process::local::record::{Identity, Phase, Record, is_file_name, present};
use crate::process::local::spec::{Answer, Order, ServeSpec};
use crate::process::local::{Error, Local, at, detach, port};
use crate::process::sweep::end_all;
use crate::process::tree::Process;

/// How long another one may take to start or stop the same service.
const TURN: Duration = Duration::from_secs(120);

/// What a supervisor may take beyond the grace of its service.
const SLACK: Duration = Duration::from_secs(15);

/// How long a killed process may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The grace of what nobody wrote down.
const GRACE: Duration = Duration::from_secs(10);

/// A service that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub pid: u32,
    pub supervisor: u32,
    pub log: PathBuf,
    /// What was ended for it.
    pub stopped: Stopped,
}

/// What was ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The version that ran, as far as it was written down.
    pub version: Option<String>,
    /// All processes that were ended; none if nothing ran.
    pub pids: Vec<u32>,
}

impl Local {
    /// Switches the service to the release that `spec` names: what runs of it is ended first. Started means that its command
    /// was started; whether it is well is for others to ask. When it cannot be started, the service is stopped.
    ///
    /// # Errors
    /// Another is at it, the port is held by somebody else, what runs does not end, or what is to run does not start.
    pub fn start(&self, spec: &ServeSpec, control: &Control) -> Result<Started, Error> {
        let place = self.place(&spec.service);
        let _turn = turn(&place, control)?;
        let before = Record::read(&place.state(), &place.service).ok().flatten();
        if let Some(number) = spec.port {
            port::check(number, &place, before.as_ref())?;
        }
        let stopped = stop(&place, before.as_ref(), control)?;
        if let Some(number) = spec.port {
            port::wait_until_free(number, control)?;
        }
        if control.is_killed() {
            return Err(Error::Interrupted);
        }
        let order = Order {
            spec: spec.clone(),
            previous: previous(&place, spec, before.as_ref()),
        };
        let answer = detach::start(&self.program, &place, &order, control);
        match answer.map_err(at("start", &self.program))? {
            Answer::Started { pid, supervisor } => Ok(Started {
                pid,
                supervisor,
                log: place.log(),
                stopped,
            }),
            Answer::NotStarted(reason) => {
                // Its supervisor is about to end; nobody is to meet it.
                let _ = stop(&place, None, control);
                let service = spec.service.clone();
                Err(Error::NotStarted { service, reason })
            }
            Answer::NoSupervisor(reason) => {
                // What there may be of it goes too; why it failed matters more than how this goes.
                let _ = stop(&place, None, control);
                Err(Error::NoSupervisor {
                    service: spec.service.clone(),
                    reason,
                    log: place.log(),
                })
            }
        }
    }

    /// Ends the service with its supervisor and all that it started.
    ///
    /// # Errors
    /// Another is at it, or it does not end.
    pub fn stop(&self, service: &ServiceName, control: &Control) -> Result<Stopped, Error> {
        let place = self.place(service);
        if !place.directory.exists() && Machine::look().owned(&place, None).pids().is_empty() {
            return Ok(Stopped::default());
        }
        let _turn = turn(&place, control)?;
        let before = Record::read(&place.state(), service).ok().flatten();
        stop(&place, before.as_ref(), control)
    }

    /// Ends the service and removes all that is kept of it: its releases, its log, its port.
    ///
    /// # Errors
    /// As [`Self::stop`]; or something cannot be removed.
    pub fn remove(&self, service: &ServiceName, control: &Control) -> Result<Stopped, Error> {
        let place = self.place(service);
        let stopped = self.stop(service, control)?;
        crate::process::local::copy::remove(&place.directory)
            .map_err(at("remove", &place.directory))?;
        Ok(stopped)
    }
}

fn turn(place: &Place, control: &Control) -> Result<Lock, Error> {
    place.create()?;
    let path = place.lock();
    match lock(&path, TURN, control).map_err(at("lock", &path))? {
        Waited::Held(lock) => Ok(lock),
        Waited::Interrupted => Err(Error::Interrupted),
        Waited::Busy => Err(Error::Busy {
            service: place.service.clone(),
            waited: TURN.as_secs(),
        }),
    }
}

/// Ends what belongs to the service. First its supervisor is asked, which ends the rest; then those who are left are asked
/// themselves, and killed.
fn stop(place: &Place, record: Option<&Record>, control: &Control) -> Result<Stopped, Error> {
    let grace = record.map_or(GRACE, Record::grace);
    let look = || Machine::look().owned(place, record);
    let supervisors = || look().supervisors;
    let all = || look().all();
    let mut found = BTreeMap::new();
    let mut end = |look: &dyn Fn() -> Vec<Process>, force, time| {
        end_all(look, &mut found, force, control, time)
    };
    let pids = look().pids();
    if !pids.is_empty() {
        if end(&supervisors, Force::Ask, grace.saturating_add(SLACK)) {
            end(&supervisors, Force::Kill, PATIENCE);
        }
        if end(&all, Force::Ask, grace) && end(&all, Force::Kill, PATIENCE) {
            return Err(Error::Unending {
                service: place.service.clone(),
                pids: look().pids(),
            });
        }
    }
    end_unseen(place, record, grace)?;
    settle(place, record)?;
    Ok(Stopped {
        version: record.map(|it| it.version.clone()),
        pids,
    })
}

/// Writes down that the service is stopped, where its supervisor could not; and puts a state that cannot be read out of the
/// way.
fn settle(place: &Place, record: Option<&Record>) -> Result<(), Error> {
    let path = place.state();
    // The supervisor that ended wrote down more than was known before.
    let now = Record::read(&path, &place.service).ok().flatten();
    match now.as_ref().or(record) {
        Some(it) if it.phase == Phase::Stopped => Ok(()),
        Some(it) => {
            let stopped = Record {
                phase: Phase::Stopped,
                at_ms: present(),
                ..it.clone()
            };
            stopped.write(&path).map_err(at("write", &path))
        }
        None if path.is_dir() => fs::remove_dir_all(&path).map_err(at("remove", &path)),
        None if path.symlink_metadata().is_ok() => {
            fs::remove_file(&path).map_err(at("remove", &path))
        }
        None => Ok(()),
    }
}

/// The release that stays beside the new one: the one before it, also after the new one was started twice.
fn previous(place: &Place, spec: &ServeSpec, before: Option<&Record>) -> Option<String> {
    let before = before?;
    match before.release == release_of(place, spec) {
        true => before.previous.clone(),
        false => before.release.clone(),
    }
}

/// The name of the release that the directory lies in.
pub fn release_of(place: &Place, spec: &ServeSpec) -> Option<String> {
    let inside = spec.directory.strip_prefix(place.releases()).ok()?;
    let name = inside.components().next()?.as_os_str().to_str()?;
    is_file_name(name).then(|| name.to_owned())
}

/// The record of a service that `spec` describes and this process supervises.
pub fn record_of(place: &Place, order: &Order, phase: Phase) -> Record {
    let spec = &order.spec;
    let ms = |it: Duration| it.as_millis().min(1 << 50) as u64;
    Record {
        format: Record::FORMAT,
        service: spec.service.clone(),
        boot: boot(),
        version: spec.version.clone(),
        deploy: spec.deploy.clone(),
        release: release_of(place, spec),
        previous: order.previous.clone(),
        port: spec.port,
        grace_ms: ms(spec.grace),
        calm_ms: ms(spec.restart.calm),
        quick_ends: spec.restart.quick_ends,
        supervisor: Identity::of(ProcessId::own()),
        restarts: 0,
        phase,
        last_end: None,
        at_ms: present(),
    }
}

#[cfg(target_os = "linux")]
fn end_unseen(_: &Place, _: Option<&Record>, _: Duration) -> Result<(), Error> {
    Ok(())
}

/// Where the system shows no processes, a supervisor that holds its lock is the one that wrote down its number.
#[cfg(not(target_os = "linux"))]
fn end_unseen(place: &Place, record: Option<&Record>, grace: Duration) -> Result<(), Error> {
    use crate::process::local::lock::is_held;
    use crate::process::output::{after, has_come, wait};
    use rustix::process::{Pid, Signal, kill_process};
    let path = place.supervisor_lock();
    let Some(pid) = record.and_then(|it| Pid::from_raw(it.supervisor.pid as i32)) else {
        return Ok(());
    };
    for (signal, time) in [(Signal::TERM, grace + SLACK), (Signal::KILL, PATIENCE)] {
        if !is_held(&path) {
            return Ok(());
        }
        let _ = kill_process(pid, signal);
        let until = after(time);
        while is_held(&path) && !has_come(Some(until)) {
            wait(&[], Some(after(Duration::from_millis(20))));
        }
    }
    match is_held(&path) {
        true => Err(Error::Unending {
            service: place.service.clone(),
            pids: vec![pid.as_raw_nonzero().get() as u32],
        }),
        false => Ok(()),
    }
}
