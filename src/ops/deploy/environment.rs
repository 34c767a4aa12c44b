//! The environment that is deployed to, and the workspace as it is seen from there.

use std::collections::BTreeMap;

use crate::model::deploy::{Deploy, Environment};
use crate::model::name::{EnvironmentName, TaskName};
use crate::model::suggest::nearest;
use crate::model::target::{NotDeployed, Resolved, resolve};
use crate::model::task::{Need, Task};
use crate::model::workspace::{Service, ServiceIndex, Workspace};
use crate::ops::failure::Failure;

/// The environment that exists without being written.
pub const LOCAL: &str = "local";

/// A workspace as one environment sees it: exactly the services that can be deployed there have a task `deploy`.
pub struct Staged {
    pub environment: EnvironmentName,
    /// What the file says of it; the defaults for `local`.
    pub settings: Environment,
    pub workspace: Workspace,
    /// How each service is deployed there.
    pub resolved: BTreeMap<ServiceIndex, Resolved>,
}

/// The environment named `name`.
///
/// # Errors
/// There is none; names the nearest.
pub fn environment(workspace: &Workspace, name: &str) -> Result<EnvironmentName, Failure> {
    let mut known = names(workspace);
    let found = known.iter().position(|it| it.as_str() == name);
    found.map(|at| known.swap_remove(at)).ok_or_else(|| {
        let known = names(workspace);
        Failure::Unknown {
            kind: "environment",
            name: name.to_owned(),
            nearest: nearest(name, known.iter().map(EnvironmentName::as_str)).map(str::to_owned),
        }
    })
}

/// All environments: `local`, then those of the file by name.
pub fn names(workspace: &Workspace) -> Vec<EnvironmentName> {
    let local = EnvironmentName::new(LOCAL).expect("it is a valid name");
    let declared = workspace.settings().environments.keys().cloned();
    let others = declared.filter(|it| *it != local);
    std::iter::once(local.clone()).chain(others).collect()
}

impl Staged {
    /// The workspace as `environment` sees it.
    ///
    /// # Errors
    /// A target that does not exist, where the file was not checked.
    pub fn new(workspace: &Workspace, environment: &EnvironmentName) -> Result<Self, Failure> {
        let mut resolved = BTreeMap::new();
        let mut services: Vec<Service> = workspace.services().to_vec();
        for index in workspace.indices() {
            let service = &mut services[index.0 as usize];
            match how(workspace, index, environment)? {
                Some(how) => {
                    service.tasks.entry(deploy()).or_insert_with(implied);
                    resolved.insert(index, how);
                }
                None => drop(service.tasks.remove(&deploy())),
            }
        }
        let declared = workspace.settings().environments.get(environment);
        Ok(Self {
            environment: environment.clone(),
            settings: declared.cloned().unwrap_or_default(),
            workspace: Workspace::new(workspace.settings().clone(), services),
            resolved,
        })
    }

    /// Whether it is the environment of this machine, which nobody else sees.
    pub fn is_local(&self) -> bool {
        self.environment.as_str() == LOCAL
    }

    /// The definition of the deploy of a service that can be deployed here.
    pub fn task(&self, service: ServiceIndex) -> &Task {
        &self.workspace.service(service).tasks["deploy"]
    }
}

/// How `service` is deployed to `environment`; none if it is not.
///
/// # Errors
/// An environment or a target that does not exist, where the file was not checked.
pub fn how(
    workspace: &Workspace,
    service: ServiceIndex,
    environment: &EnvironmentName,
) -> Result<Option<Resolved>, Failure> {
    match resolve(workspace, service, environment) {
        Ok(how) => Ok(Some(how)),
        Err(NotDeployed::NoEnvironment(name)) => Err(Failure::Unknown {
            kind: "environment",
            name: name.to_string(),
            nearest: None,
        }),
        Err(error @ NotDeployed::UnknownTarget(_)) => Err(Failure::Usage {
            message: format!("{}: {error}", workspace.service(service).name),
            hint: "`svc check` shows the place".to_owned(),
        }),
        Err(NotDeployed::NoDeploy | NotDeployed::NoServe | NotDeployed::NoTarget) => Ok(None),
    }
}

/// The name of the task.
pub fn deploy() -> TaskName {
    TaskName::new("deploy").expect("it is a valid name")
}

/// The deploy of a service that only says how it runs.
fn implied() -> Box<Task> {
    let named = |name: &str| TaskName::new(name).expect("it is a valid name");
    let mut task = Task::new(Vec::new());
    task.needs = vec![
        Need::Own(named("build")),
        Need::Own(named("test")),
        Need::OfDependencies(deploy()),
    ];
    task.deploy = Some(Box::new(Deploy::default()));
    Box::new(task)
}
