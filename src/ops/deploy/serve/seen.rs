//! The services of this machine as people see them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::health::{self, Answer};
use crate::model::name::ServiceName;
use crate::model::overview::{EnvironmentOverview, ProcessOverview, ServiceOverview};
use crate::ops::deploy::serve::Machine;
use crate::ops::deploy::serve::definition::Definition;
use crate::process::local::State;

/// How long a service of this machine may take to answer `svc status`.
const PATIENCE: Duration = Duration::from_secs(1);

impl Machine {
    /// Adds to what the ledger says of this machine how its processes are.
    pub fn describe(&self, local: &mut EnvironmentOverview) {
        let states = self.local.states();
        let described: Vec<_> = std::thread::scope(|scope| {
            let asked = states.into_iter().map(|it| {
                scope.spawn(move || {
                    let process = self.process(&it.service, &it.state, it.log);
                    (it.service, process)
                })
            });
            let asked: Vec<_> = asked.collect();
            let joined = asked
                .into_iter()
                .map(|it| it.join().expect("asking does not panic"));
            joined.collect()
        });
        for (service, process) in described {
            let known = local.services.iter_mut().find(|it| it.name == service);
            match known {
                Some(known) => known.process = process,
                None if process.as_ref().is_some_and(|it| it.pid.is_some()) => {
                    local.services.push(ServiceOverview {
                        name: service,
                        standing: None,
                        behind: None,
                        is_removed: true,
                        process,
                    });
                }
                None => {}
            }
        }
        local.services.sort_by(|a, b| a.name.cmp(&b.name));
    }

    fn process(
        &self,
        service: &ServiceName,
        state: &State,
        log: PathBuf,
    ) -> Option<ProcessOverview> {
        let port = state.deployed().and_then(|it| it.port);
        let mut process = ProcessOverview {
            state: word(state)?.to_owned(),
            pid: None,
            port,
            uptime: None,
            restarts: 0,
            health: None,
            log: Some(log),
        };
        match state {
            State::Running(running) => {
                process.pid = Some(running.pid);
                process.restarts = running.restarts;
                process.uptime = SystemTime::elapsed(&running.since).ok();
                process.health = self.health(service, &running.deployed.version, port);
            }
            State::Restarting(crash) | State::Crashing(crash) => {
                process.restarts = crash.restarts;
                process.health = crash.deployed.last_end.clone();
            }
            State::Unsupervised { pids, .. } | State::Damaged { pids, .. } => {
                process.pid = pids.first().copied();
            }
            State::Gone(deployed) | State::Stopped(deployed) => {
                process.health.clone_from(&deployed.last_end);
            }
            State::Never => return None,
        }
        Some(process)
    }

    /// Asks a running service once.
    fn health(&self, service: &ServiceName, label: &str, port: Option<u16>) -> Option<String> {
        let release = self.local.release(service, label).ok()?;
        let definition = Definition::read(&release.copies().next()?)?;
        let health = definition.health(port)?;
        let answer = health::ask(&health.probe, PATIENCE, &self.proxies, &|| false)?;
        Some(match answer {
            Answer::Well => "healthy".to_owned(),
            Answer::NotYet(why) => why,
        })
    }
}

fn word(state: &State) -> Option<&'static str> {
    Some(match state {
        State::Never => return None,
        State::Stopped(_) => "stopped",
        State::Running(_) => "running",
        State::Restarting(_) => "restarting",
        State::Crashing(_) => "crashing",
        State::Unsupervised { .. } => "unsupervised",
        State::Gone(_) => "gone",
        State::Damaged { .. } => "damaged",
    })
}
