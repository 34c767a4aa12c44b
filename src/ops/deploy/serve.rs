//! The target `process`: services run on this machine, from copies of their files, each under a supervisor.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::engine::Hands;
use crate::health::{self, Answer, Proxies};
use crate::model::deploy::{Health, Probe, Serve};
use crate::model::digest::Digest;
use crate::model::ledger::{DeployId, Deployed, Runs};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::overview::{EnvironmentOverview, ProcessOverview, ServiceOverview};
use crate::model::path::FilePath;
use crate::model::run::TaskResult;
use crate::model::target::{Resolved, Way, resolve};
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::deploy::bring::{Bringing, Going, failed};
use crate::ops::deploy::environment::{Staged, deploy};
use crate::ops::deploy::plan::Prepared;
use crate::ops::failure::Failure;
use crate::ops::ledger::state_directory;
use crate::ops::place::Place;
use crate::process::Control;
use crate::process::environment::environment;
use crate::process::local::{Local, Restart, ServeSpec, State};

/// How a release is to be run, kept beside its files, so that it can be gone back to.
const DEFINITION: &str = "svc-release.json";

/// How many releases of a service are kept, unless the target is told.
const KEPT: usize = 5;

/// How often a service may end right after its start before it counts as failed.
const MOST_ENDS: u32 = 3;

/// How long a service of this machine may take to answer `svc status`.
const PATIENCE: Duration = Duration::from_secs(1);

/// This machine, as services of a workspace run on it.
pub struct Machine {
    local: Local,
    workspace: Workspace,
    variables: BTreeMap<OsString, OsString>,
    pass_env: Vec<String>,
    proxies: Proxies,
    /// Nobody ends what is asked of the machine beside a run; it is short.
    control: Control,
}

/// A service that this machine runs, or is to run.
#[derive(Clone)]
pub struct Serving {
    local: Local,
    definition: Definition,
    files: Files,
    port: Option<u16>,
    /// What everything that runs here is given.
    variables: BTreeMap<OsString, OsString>,
    keep: usize,
}

/// How a release runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Definition {
    run: String,
    port: Option<u16>,
    health: Option<String>,
    path: FilePath,
    shell: Vec<String>,
    /// Plain variables of its environment.
    env: BTreeMap<String, String>,
    /// Seconds between the request to end and the kill.
    grace: u64,
    /// The workspace that it runs in, if its files were not copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_place: Option<PathBuf>,
    /// Tells apart definitions of the same release.
    config: Option<Digest>,
    /// How the deploy finds out whether it is well, if it says so itself.
    checked: Option<Health>,
    /// The names of the variables that are handed on.
    handed: Handed,
}

/// The names of variables that are handed on to a service, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Handed {
    env: Vec<String>,
    pass_env: Vec<String>,
    secrets: Vec<String>,
    /// Whether nothing else is.
    is_strict: bool,
}

/// Where the files of a release are.
#[derive(Clone)]
enum Files {
    /// In the working tree: these are copied.
    WorkTree { root: PathBuf, paths: Vec<PathBuf> },
    /// In the working tree, where they stay: nobody can tell which of them it takes to run.
    InPlace(PathBuf),
    /// In the copy that was made of them.
    Kept(PathBuf),
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

impl Serving {
    /// Where it answers.
    pub fn address(&self) -> Option<String> {
        // Who names no port of its own is given one, but need not listen there.
        let port = self.definition.port.and(self.port);
        port.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// Starts the release and waits until it is well.
    pub(in crate::ops::deploy) fn start(
        &self,
        going: &Going<'_>,
        hands: &mut dyn Hands,
    ) -> Result<(), Box<TaskResult>> {
        let service = &going.what.resolved.service;
        let control = hands.control().clone();
        let wrong = |error: &dyn std::error::Error| failed(crate::engine::with_cause(error));
        let root = self.place_files(going, &control).map_err(|it| wrong(&it))?;
        if let Files::InPlace(_) = &self.files {
            hands.say("its build declares no outputs, so it runs in the working tree; going back later starts the same files");
        }
        let spec = self.spec(going, &root);
        self.local.start(&spec, &control).map_err(|it| wrong(&it))?;
        let well = self.wait(going, hands);
        if well.is_err() && !control.is_asked() {
            let tail = self.local.log_tail(service, 4 << 10);
            hands.say("the last lines of its log:");
            for line in last_lines(&tail, &spec.version) {
                hands.say(line);
            }
        }
        well?;
        // What cannot be removed now is removed next time.
        let before = going.previous.map(label);
        let before: Vec<&str> = before.iter().map(String::as_str).collect();
        let keep = self.keep.saturating_add(1);
        let _ = self.local.prune(service, keep, &before);
        Ok(())
    }

    /// Sees to it that exactly this release runs already, and is well.
    pub(in crate::ops::deploy) fn verify(
        &self,
        going: &Going<'_>,
        hands: &mut dyn Hands,
    ) -> Result<(), Box<TaskResult>> {
        let release = &going.what.release;
        let is_it = match self.local.state(&going.what.resolved.service) {
            State::Running(running) => running.deployed.version == label(release),
            _ => false,
        };
        match is_it {
            true => self.wait(going, hands),
            false => Err(failed(format!(
                "{} does not run on this machine with this configuration; `svc deploy` starts it",
                release.version()
            ))),
        }
    }

    /// Stops it.
    pub(in crate::ops::deploy) fn stop(
        &self,
        service: &ServiceName,
        hands: &mut dyn Hands,
    ) -> Result<(), Box<TaskResult>> {
        let control = hands.control().clone();
        let stopped = self.local.stop(service, &control);
        stopped.map_err(|error| failed(crate::engine::with_cause(&error)))?;
        Ok(())
    }

    /// The files of the release, copied if they are not yet.
    fn place_files(
        &self,
        going: &Going<'_>,
        control: &Control,
    ) -> Result<PathBuf, crate::process::local::Error> {
        if let Files::Kept(directory) = &self.files {
            return Ok(directory.clone());
        }
        let resolved = &going.what.resolved;
        let release = self
            .local
            .release(&resolved.service, &label(&going.what.release))?;
        let staged = release.stage(control)?;
        if let Files::WorkTree { root, paths } = &self.files {
            staged.copy(root, paths)?;
        }
        // A service without files still has a directory to run in.
        let directory = staged.path().join(self.definition.path.as_path());
        let definition = staged.path().join(DEFINITION);
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&definition, self.definition.text()));
        written.map_err(|source| crate::process::local::Error::File {
            doing: "write",
            path: definition,
            source,
        })?;
        let kept = staged.finish()?;
        Ok(match &self.files {
            Files::InPlace(root) => root.clone(),
            Files::WorkTree { .. } | Files::Kept(_) => kept,
        })
    }

    fn spec(&self, going: &Going<'_>, root: &Path) -> ServeSpec {
        let mut environment = self.variables.clone();
        environment.extend(going.variables());
        environment.insert("SVC_WORKSPACE".into(), root.as_os_str().to_owned());
        ServeSpec {
            service: going.what.resolved.service.clone(),
            version: label(&going.what.release),
            deploy: going.deploy.to_owned(),
            run: self.definition.run.clone(),
            shell: self.definition.shell.clone(),
            directory: root.join(self.definition.path.as_path()),
            environment: environment.into_iter().collect(),
            port: self.port.filter(|_| self.definition.port.is_some()),
            grace: Duration::from_secs(self.definition.grace),
            restart: Restart::default(),
        }
    }

    fn wait(&self, going: &Going<'_>, hands: &mut dyn Hands) -> Result<(), Box<TaskResult>> {
        let service = &going.what.resolved.service;
        let probe = going.what.resolved.probe(&going.facts());
        let probe = probe.map_err(|error| failed(error.to_string()))?;
        let ended = || match self.local.state(service) {
            State::Restarting(crash) | State::Crashing(crash) if crash.in_a_row >= MOST_ENDS => {
                let how = crash
                    .deployed
                    .last_end
                    .unwrap_or_else(|| "it ended".to_owned());
                Some(format!("it ended {} times in a row: {how}", crash.in_a_row))
            }
            State::Gone(_) | State::Stopped(_) => Some("it is not there any more".to_owned()),
            _ => None,
        };
        match probe.or_else(|| self.definition.health(self.port)) {
            Some(health) => going.wait(&health, hands, &ended),
            None => self.stays(service, hands, &ended),
        }
    }

    /// Nothing can be asked of it: it is well if it does not end at once.
    fn stays(
        &self,
        service: &ServiceName,
        hands: &mut dyn Hands,
        ended: &dyn Fn() -> Option<String>,
    ) -> Result<(), Box<TaskResult>> {
        let health = Health {
            probe: Probe::Command(String::new()),
            timeout: Duration::from_secs(30),
            interval: Duration::from_millis(250),
            successes: 4,
        };
        let control = hands.control().clone();
        let mut ask = |_| match self.local.state(service) {
            State::Running(_) => Answer::Well,
            _ => Answer::NotYet("it is not running".to_owned()),
        };
        let stops = || control.is_asked() || ended().is_some();
        match health::wait(&health, &mut ask, &stops, &mut |why| hands.say(why)) {
            health::Verdict::Well { .. } => Ok(()),
            _ => Err(failed(
                ended().unwrap_or_else(|| "it does not stay up".to_owned()),
            )),
        }
    }
}

impl Definition {
    fn read(release: &Path) -> Option<Self> {
        let bytes = std::fs::read(release.join(DEFINITION)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The deploy as far as it matters for running it.
    fn task(&self) -> Task {
        let mut task = Task::new(Vec::new());
        task.env.clone_from(&self.handed.env);
        task.pass_env.clone_from(&self.handed.pass_env);
        task.secrets.clone_from(&self.handed.secrets);
        task.strict_env = self.handed.is_strict;
        task
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("all keys are text")
    }

    /// How to find out whether it is well, as `serve` says it.
    fn health(&self, port: Option<u16>) -> Option<Health> {
        let port = port.filter(|_| self.port.is_some() || self.health.is_some())?;
        let probe = match &self.health {
            Some(path) => Probe::Http {
                url: format!("http://127.0.0.1:{port}{path}"),
                status: None,
                body: None,
            },
            None => Probe::Tcp(format!("127.0.0.1:{port}")),
        };
        Some(Health {
            probe,
            timeout: Duration::from_secs(60),
            interval: Duration::from_millis(100),
            successes: 1,
        })
    }
}

/// How a service is served, if its target is one that `svc` does itself.
fn embedded(resolved: &Resolved) -> Option<&Serve> {
    let target = resolved.target().filter(|it| it.is_embedded)?;
    let serve = resolved.serve.as_ref();
    debug_assert!(serve.is_some(), "{} needs a `serve`", target.name);
    serve
}

/// The files that a service takes to run: its own, and what its tasks leave behind.
fn files(prepared: &Prepared<'_>, service: ServiceIndex) -> Files {
    let root = prepared.place.root.clone();
    let workspace = &prepared.staged.workspace;
    let of = workspace.service(service);
    let makes_unknown = of
        .tasks
        .iter()
        .any(|(name, task)| name.as_str() == "build" && task.outputs.is_none());
    if makes_unknown {
        return Files::InPlace(root);
    }
    let own = prepared.files.within(of.path.as_bytes());
    let mut paths: BTreeSet<PathBuf> = own
        .map(|it| FilePath::from_bytes(it.path).as_path().to_owned())
        .filter(|it| root.join(it).symlink_metadata().is_ok())
        .collect();
    let tasks = of.tasks.iter().filter(|(name, _)| **name != deploy());
    for pattern in tasks.flat_map(|(_, task)| task.outputs.iter().flatten()) {
        let start = FilePath::from_bytes(pattern.literal());
        let found = WalkDir::new(root.join(start.as_path()))
            .into_iter()
            .flatten();
        let found = found.filter(|it| !it.file_type().is_dir());
        for entry in found {
            let Ok(path) = entry.path().strip_prefix(&root) else {
                continue;
            };
            let bytes = path.as_os_str().as_encoded_bytes();
            if pattern.matches(bytes) && workspace.owner(bytes) == Some(service) {
                paths.insert(path.to_owned());
            }
        }
    }
    Files::WorkTree {
        root,
        paths: paths.into_iter().collect(),
    }
}

/// What a release is kept under: another configuration of the same release must not take its place.
pub(in crate::ops::deploy) fn label(release: &Deployed) -> String {
    format!("{}-{}", release.version(), &release.config.as_str()[..10])
}

/// The last lines that a log holds of a release, without those of the releases before it.
fn last_lines<'t>(log: &'t str, label: &str) -> Vec<&'t str> {
    const MOST: usize = 20;
    let start = format!("svc: started {label} ");
    let is_other = |line: &&str| line.starts_with("svc: started ") && !line.starts_with(&start);
    let lines: Vec<&str> = log.lines().collect();
    let others = lines.iter().rposition(is_other).map_or(0, |it| it + 1);
    let own = &lines[others..];
    let begin = own.iter().position(|it| it.starts_with(&start));
    let own = &own[begin.unwrap_or(0)..];
    own[own.len().saturating_sub(MOST)..].to_vec()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_those_of_the_release_that_was_started() {
        let check = |log: &str, expected: &[&str]| assert_eq!(last_lines(log, "b"), expected);
        let before = "svc: started a as process 2\nold\nsvc: stopped\n";
        check("", &[]);
        check("oops\n", &["oops"]);
        check(
            &format!("{before}svc: started b as process 3\noops\n"),
            &["svc: started b as process 3", "oops"],
        );
        let many: String = (0..30).map(|it| format!("{it}\n")).collect();
        assert_eq!(last_lines(&many, "b").len(), 20);
        assert_eq!(last_lines(&many, "b").last(), Some(&"29"));
    }
}
