//! How the services of this machine stand.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::model::name::ServiceName;
use crate::process::local::Local;
use crate::process::local::log;
use crate::process::local::owned::Machine;
use crate::process::local::place::Place;
use crate::process::local::record::{Phase, Record, moment, present};

/// How one service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub service: ServiceName,
    pub state: State,
    pub log: PathBuf,
}

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was never started here.
    Never,
    Stopped(Deployed),
    Running(Running),
    /// It ended, and is started again soon.
    Restarting(Crash),
    /// It ended quickly many times in a row. It may be up for a moment.
    Crashing(Crash),
    /// It, or something that it started, runs without a supervisor. The next start or stop ends that first.
    Unsupervised {
        deployed: Option<Deployed>,
        pids: Vec<u32>,
    },
    /// It ran, and neither it nor its supervisor is there: they were killed, or the machine was started anew.
    Gone(Deployed),
    /// What was written down cannot be read. The next start or stop mends it.
    Damaged {
        problem: String,
        pids: Vec<u32>,
    },
}

/// What was put here last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    pub version: String,
    pub deploy: String,
    pub port: Option<u16>,
    /// Where the files of the release and of the one before lie.
    pub release: Option<PathBuf>,
    pub previous: Option<PathBuf>,
    /// How it ended last.
    pub last_end: Option<String>,
}

/// A service that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub deployed: Deployed,
    pub pid: u32,
    pub supervisor: u32,
    pub since: SystemTime,
    pub restarts: u32,
}

/// A service that does not stay up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    pub deployed: Deployed,
    pub supervisor: u32,
    pub restarts: u32,
    /// Quick ends without a longer run between them.
    pub in_a_row: u32,
    /// When it is started again; nothing while it is up.
    pub next: Option<SystemTime>,
}

impl State {
    /// What was put here last.
    pub fn deployed(&self) -> Option<&Deployed> {
        match self {
            Self::Never | Self::Damaged { .. } => None,
            Self::Stopped(it) | Self::Gone(it) => Some(it),
            Self::Running(it) => Some(&it.deployed),
            Self::Restarting(it) | Self::Crashing(it) => Some(&it.deployed),
            Self::Unsupervised { deployed, .. } => deployed.as_ref(),
        }
    }
}

impl Local {
    /// How `service` stands.
    pub fn state(&self, service: &ServiceName) -> State {
        judge(&self.place(service), &Machine::look())
    }

    /// How all services stand that were ever started here, in the order of their names.
    pub fn states(&self) -> Vec<Status> {
        let services = self.services();
        if services.is_empty() {
            return Vec::new();
        }
        let machine = Machine::look();
        let status = |service| {
            let place = self.place(&service);
            Status {
                state: judge(&place, &machine),
                log: place.log(),
                service,
            }
        };
        services.into_iter().map(status).collect()
    }

    /// The file that holds what `service` wrote; an older part may lie beside it, as `log.1`.
    pub fn log(&self, service: &ServiceName) -> PathBuf {
        self.place(service).log()
    }

    /// The last `most` bytes that `service` wrote.
    pub fn log_tail(&self, service: &ServiceName, most: u64) -> String {
        log::tail(&self.log(service), most)
    }

    /// The services that have a directory here.
    pub(crate) fn services(&self) -> BTreeSet<ServiceName> {
        let entries = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        let directories = entries.filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
        let names = directories.filter_map(|it| ServiceName::new(it.file_name().to_str()?));
        names.collect()
    }
}

fn judge(place: &Place, machine: &Machine) -> State {
    let record = match Record::read(&place.state(), &place.service) {
        Ok(record) => record,
        Err(fault) => {
            return State::Damaged {
                problem: format!("`{}`: {fault}", place.state().display()),
                pids: machine.owned(place, None).pids(),
            };
        }
    };
    let Some(record) = record else {
        let pids = machine.owned(place, None).pids();
        return match pids.is_empty() {
            true => State::Never,
            false => State::Unsupervised {
                deployed: None,
                pids,
            },
        };
    };
    let deployed = deployed(place, &record);
    if machine.is_of_this_boot(&record)
        && is_supervised(place, machine, &record)
        && record.phase != Phase::Stopped
    {
        return supervised(record, deployed);
    }
    let pids = machine.owned(place, Some(&record)).pids();
    match (pids.is_empty(), &record.phase) {
        (false, _) => State::Unsupervised {
            deployed: Some(deployed),
            pids,
        },
        (true, Phase::Stopped) => State::Stopped(deployed),
        (true, _) => State::Gone(deployed),
    }
}

/// Whether the supervisor that wrote the record lives.
#[cfg(target_os = "linux")]
fn is_supervised(_: &Place, machine: &Machine, record: &Record) -> bool {
    machine.lives(record.supervisor)
}

/// Whether the supervisor that wrote the record lives.
#[cfg(not(target_os = "linux"))]
fn is_supervised(place: &Place, _: &Machine, _: &Record) -> bool {
    crate::process::local::lock::is_held(&place.supervisor_lock())
}

/// The state that a living supervisor keeps up to date.
fn supervised(record: Record, deployed: Deployed) -> State {
    let (in_a_row, next) = match record.phase {
        Phase::Runs { quick, .. } => (quick, None),
        Phase::Waits { quick, until_ms } => (quick, Some(moment(until_ms))),
        Phase::Stopped => (0, None),
    };
    let crash = |deployed| Crash {
        deployed,
        supervisor: record.supervisor.pid,
        restarts: record.restarts,
        in_a_row,
        next,
    };
    let up = Duration::from_millis(present().saturating_sub(record.at_ms));
    let is_crashing = in_a_row >= record.quick_ends;
    match record.phase {
        Phase::Runs { process, .. } if !is_crashing || up.as_millis() as u64 >= record.calm_ms => {
            State::Running(Running {
                pid: process.pid,
                supervisor: record.supervisor.pid,
                since: record.at(),
                restarts: record.restarts,
                deployed,
            })
        }
        _ if is_crashing => State::Crashing(crash(deployed)),
        _ => State::Restarting(crash(deployed)),
    }
}

fn deployed(place: &Place, record: &Record) -> Deployed {
    let directory = |name: &Option<String>| name.as_ref().map(|it| place.releases().join(it));
    Deployed {
        version: record.version.clone(),
        deploy: record.deploy.clone(),
        port: record.port,
        release: directory(&record.release),
        previous: directory(&record.previous),
        last_end: record.last_end.clone(),
    }
}
