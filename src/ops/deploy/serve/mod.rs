//! The target `process`: services run on this machine, from copies of their files, each under a supervisor.
//!
//! [`Machine`] knows what runs here and what can be run again; `serving` starts one service, `definition` is what is kept
//! beside its files, `files` tells which those are, `seen` describes all of it for people.

mod definition;
mod files;
mod seen;
mod serving;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::health::Proxies;
use crate::model::deploy::Serve;
use crate::model::ledger::{DeployId, Deployed, Runs};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::path::FilePath;
use crate::model::target::{Resolved, Way, resolve};
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::deploy::bring::Bringing;
use crate::ops::deploy::environment::{LOCAL, Staged};
use crate::ops::deploy::plan::Prepared;
use crate::ops::deploy::serve::definition::{Definition, Handed};
use crate::ops::deploy::serve::files::{Files, files};
use crate::ops::failure::Failure;
use crate::ops::ledger::state_directory;
use crate::ops::place::Place;
use crate::process::Control;
use crate::process::environment::environment;
use crate::process::local::{Local, State};

pub use crate::ops::deploy::serve::serving::Serving;

/// How many releases of a service are kept, unless the target is told.
const KEPT: usize = 5;

/// This machine, as services of a workspace run on it.
pub struct Machine {
    pub(in crate::ops::deploy::serve) local: Local,
    pub(in crate::ops::deploy::serve) workspace: Workspace,
    pub(in crate::ops::deploy::serve) variables: BTreeMap<OsString, OsString>,
    pub(in crate::ops::deploy::serve) pass_env: Vec<String>,
    pub(in crate::ops::deploy::serve) proxies: Proxies,
    /// Nobody ends what is asked of the machine beside a run; it is short.
    pub(in crate::ops::deploy::serve) control: Control,
}

impl Machine {
    /// This machine, for the services of a workspace.
    ///
    /// # Errors
    /// There is no place for what is kept, or the program cannot be found to supervise.
    pub fn open(place: &Place, staged: &Staged) -> Result<Self, Failure> {
        let program = Local::own_program().map_err(|cause| Failure::File {
            attempt: "find the program that runs".to_owned(),
            cause,
        })?;
        let directory = state_directory(place)?.join("processes");
        let directory = directory.join(staged.environment.as_str());
        Ok(Self {
            local: Local::open(directory, program),
            workspace: staged.workspace.clone(),
            variables: place.env.variables.clone(),
            pass_env: staged.workspace.settings().pass_env.clone(),
            proxies: Proxies::of(&place.env),
            control: Control::new().map_err(|cause| Failure::File {
                attempt: "make a pipe".to_owned(),
                cause,
            })?,
        })
    }

    /// How a service that is due is run here; none if its target is another one.
    ///
    /// # Errors
    /// There is no port for it.
    pub(in crate::ops::deploy) fn serving(
        &self,
        prepared: &Prepared<'_>,
        service: ServiceIndex,
    ) -> Result<Option<Serving>, Failure> {
        let resolved = &prepared.staged.resolved[&service];
        let Some(serve) = embedded(resolved) else {
            return Ok(None);
        };
        let task = prepared.staged.task(service);
        let files = files(prepared, service);
        let definition = Definition {
            run: serve.run.clone(),
            port: serve.port,
            health: serve.health.clone(),
            path: resolved.path.clone(),
            shell: task.shell.to_vec(),
            env: resolved.env.clone(),
            grace: task.grace().as_secs(),
            in_place: match &files {
                Files::InPlace(root) => Some(root.clone()),
                Files::WorkTree { .. } | Files::Kept(_) => None,
            },
            config: Some(prepared.digests[&service].1.clone()),
            checked: resolved.health.clone(),
            handed: Handed {
                env: task.env.clone(),
                pass_env: task.pass_env.clone(),
                secrets: task.secrets.clone(),
                is_strict: task.strict_env,
            },
        };
        let serving = self.with(&resolved.service, definition, files, task)?;
        let keep = resolved.parameters.get("keep").and_then(|it| it.as_u64());
        Ok(Some(Serving {
            keep: keep.map_or(KEPT, |it| it as usize),
            ..serving
        }))
    }

    /// A release that is kept here, to be run again; none if it is not.
    ///
    /// # Errors
    /// There is no port for it.
    pub(in crate::ops::deploy) fn kept(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        release: &Deployed,
    ) -> Result<Option<Bringing>, Failure> {
        let index = self.workspace.find(service.as_str());
        let way = index.map(|it| resolve(&self.workspace, it, environment));
        let is_here = match way {
            Some(Ok(resolved)) => resolved.target().is_some_and(|it| it.is_embedded),
            // Of what is not deployed here any more, only this machine can tell.
            Some(Err(_)) | None => true,
        };
        if !is_here {
            return Ok(None);
        }
        let copies = self.local.release(service, &label(release))?;
        let found = copies.copies().find_map(|directory| {
            let definition = Definition::read(&directory)?;
            let is_it = definition.config.as_ref() == Some(&release.config);
            is_it.then_some((directory, definition))
        });
        let Some((directory, definition)) = found else {
            return Ok(None);
        };
        let task = definition.task();
        let resolved = self.resolved(service, environment, &definition);
        let (root, files) = match &definition.in_place {
            Some(root) => (root.clone(), Files::InPlace(root.clone())),
            None => (directory.clone(), Files::Kept(directory)),
        };
        let serving = self.with(service, definition, files, &task)?;
        Ok(Some(Bringing {
            resolved,
            task,
            root,
            release: release.clone(),
            lacks: None,
            serving: Some(serving),
            neighbours: BTreeMap::new(),
        }))
    }

    /// What it takes to stop a service, whatever is known of it.
    ///
    /// # Errors
    /// There is no port for it.
    pub(in crate::ops::deploy) fn stopping(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        from: &Runs,
    ) -> Result<Bringing, Failure> {
        let release = from.known().cloned().unwrap_or_else(nothing_known);
        let definition = Definition {
            run: String::new(),
            port: None,
            health: None,
            path: FilePath::default(),
            shell: Vec::new(),
            env: BTreeMap::new(),
            grace: 10,
            in_place: None,
            config: None,
            checked: None,
            handed: Handed::default(),
        };
        let resolved = self.resolved(service, environment, &definition);
        Ok(Bringing {
            resolved,
            task: Task::new(Vec::new()),
            root: PathBuf::new(),
            release,
            lacks: None,
            serving: Some(Serving {
                local: self.local.clone(),
                definition,
                files: Files::Kept(PathBuf::new()),
                port: None,
                variables: BTreeMap::new(),
                keep: KEPT,
            }),
            neighbours: BTreeMap::new(),
        })
    }

    /// Whether a service runs, or is to run, by a process of this machine.
    pub fn has(&self, service: &ServiceName) -> bool {
        let index = self.workspace.find(service.as_str());
        let local = EnvironmentName::new(LOCAL).expect("it is a valid name");
        let resolved = index.and_then(|it| resolve(&self.workspace, it, &local).ok());
        let is_process = resolved.is_some_and(|it| it.target().is_some_and(|it| it.is_embedded));
        is_process || self.local.states().iter().any(|it| it.service == *service)
    }

    /// The services that this machine runs, or has something left of.
    pub fn running(&self) -> Vec<ServiceName> {
        let states = self.local.states().into_iter();
        let is_there = |state: &State| match state {
            State::Never | State::Stopped(_) | State::Gone(_) => false,
            State::Running(_)
            | State::Restarting(_)
            | State::Crashing(_)
            | State::Unsupervised { .. }
            | State::Damaged { .. } => true,
        };
        states
            .filter(|it| is_there(&it.state))
            .map(|it| it.service)
            .collect()
    }

    /// The versions of the services that run here.
    pub fn versions(&self) -> BTreeMap<ServiceName, String> {
        let states = self.local.states().into_iter();
        let running = states.filter_map(|it| match it.state {
            State::Running(running) => Some((it.service, running.deployed.version)),
            _ => None,
        });
        running.collect()
    }

    fn with(
        &self,
        service: &ServiceName,
        definition: Definition,
        files: Files,
        task: &Task,
    ) -> Result<Serving, Failure> {
        let port = self.local.port(service, definition.port, &self.control)?;
        let given = environment(&self.variables, task, &self.pass_env, []);
        let mut variables = given.variables;
        for (name, port) in self.neighbours(service)? {
            let url = format!("http://127.0.0.1:{port}");
            variables.insert(format!("SVC_URL_{}", name.in_variable()).into(), url.into());
        }
        variables.insert("SVC_PORT".into(), port.to_string().into());
        Ok(Serving {
            local: self.local.clone(),
            definition,
            files,
            port: Some(port),
            variables,
            keep: KEPT,
        })
    }

    /// The services that a service depends on and that answer on this machine, each with its port.
    fn neighbours(&self, service: &ServiceName) -> Result<Vec<(ServiceName, u16)>, Failure> {
        let Some(index) = self.workspace.find(service.as_str()) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let (mut seen, mut pending) = (BTreeSet::new(), vec![index]);
        while let Some(at) = pending.pop() {
            for next in self.workspace.dependencies(at) {
                if !seen.insert(*next) {
                    continue;
                }
                pending.push(*next);
                let other = self.workspace.service(*next);
                if let Some(serve) = &other.serve {
                    found.push((
                        other.name.clone(),
                        self.local.port(&other.name, serve.port, &self.control)?,
                    ));
                }
            }
        }
        Ok(found)
    }

    /// How a service is deployed here, as far as that is known.
    fn resolved(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        definition: &Definition,
    ) -> Resolved {
        let index = self.workspace.find(service.as_str());
        let known = index.and_then(|it| resolve(&self.workspace, it, environment).ok());
        let serve = Some(Serve {
            run: definition.run.clone(),
            port: definition.port,
            health: definition.health.clone(),
        });
        let base = known.unwrap_or_else(|| Resolved {
            service: service.clone(),
            path: definition.path.clone(),
            environment: environment.clone(),
            way: Way::Commands(Vec::new()),
            parameters: BTreeMap::new(),
            given: BTreeSet::new(),
            replicas: None,
            health: None,
            before: Vec::new(),
            after: Vec::new(),
            url: None,
            env: definition.env.clone(),
            inputs: None,
            serve: None,
            shell: Task::new(Vec::new()).shell,
        });
        Resolved {
            path: definition.path.clone(),
            env: definition.env.clone(),
            health: definition.checked.clone(),
            serve,
            ..base
        }
    }
}

/// How a service is served, if its target is one that `svc` does itself.
fn embedded(resolved: &Resolved) -> Option<&Serve> {
    let target = resolved.target().filter(|it| it.is_embedded)?;
    let serve = resolved.serve.as_ref();
    debug_assert!(serve.is_some(), "{} needs a `serve`", target.name);
    serve
}

/// What a release is kept under: another configuration of the same release must not take its place.
pub(in crate::ops::deploy) fn label(release: &Deployed) -> String {
    format!("{}-{}", release.version(), &release.config.as_str()[..10])
}

/// What stands for a release of which nothing is known.
fn nothing_known() -> Deployed {
    let none = crate::model::digest::Digester::new("nothing known").finish();
    Deployed {
        release: none.clone(),
        format: crate::model::release::RELEASE_FORMAT,
        config: none,
        commit: None,
        dirty: false,
        values: BTreeMap::new(),
        deploy: DeployId::new("unknown").expect("it is a valid id"),
        at: 0,
    }
}
