//! By what a service is deployed to an environment.

use crate::model::deploy::Deploy;
use crate::model::name::EnvironmentName;
use crate::model::target::definition::PROCESS;
use crate::model::workspace::{Service, Settings};

/// The environment that exists without being declared: this machine.
pub const LOCAL: &str = "local";

/// The way a service takes into an environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice<'a> {
    /// A target, by its name.
    Target {
        name: &'a str,
        layers: Layers<'a>,
        named_by: NamedBy,
    },
    /// The commands of the deploy itself.
    Commands {
        run: &'a [String],
        layers: Layers<'a>,
    },
    /// None.
    LeftOut(Lacking),
}

/// The tables of `deploy` that count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layers<'a> {
    pub deploy: Option<&'a Deploy>,
    pub over: Option<&'a Deploy>,
}

/// Which table names the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    Override,
    Deploy,
    Environment,
    /// It is the one of `local`.
    Local,
}

/// What is lacking for a service to be deployed to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// It has no `deploy`.
    Deploy,
    /// It has no `serve`, which `local` starts.
    Serve,
    /// Neither it nor the environment names a target.
    Target,
}

/// The way of `service` into `environment`.
pub fn choose<'a>(
    settings: &'a Settings,
    service: &'a Service,
    environment: &EnvironmentName,
) -> Choice<'a> {
    let task = service.tasks.get("deploy");
    let deploy = task.and_then(|task| task.deploy.as_deref());
    let over = deploy.and_then(|deploy| deploy.env.get(environment));
    let declared = settings.environments.get(environment);
    let declared = declared.and_then(|it| it.target.as_deref());
    let is_local = environment.as_str() == LOCAL && declared.is_none_or(|name| name == PROCESS);
    let target = |name, layers, named_by| Choice::Target {
        name,
        layers,
        named_by,
    };
    let all = Layers { deploy, over };
    if let Some(name) = over.and_then(|over| over.target.as_deref()) {
        return target(name, all, NamedBy::Override);
    }
    let run = task.map_or(&[][..], |task| &task.run);
    if is_local {
        let by_process = deploy.filter(|it| it.target.as_deref() == Some(PROCESS));
        let layers = Layers {
            deploy: by_process,
            over,
        };
        return match (&service.serve, deploy) {
            (Some(_), _) => target(PROCESS, layers, NamedBy::Local),
            (None, Some(deploy)) if deploy.target.is_none() && !run.is_empty() => {
                Choice::Commands { run, layers: all }
            }
            _ => Choice::LeftOut(Lacking::Serve),
        };
    }
    let Some(deploy) = deploy else {
        return Choice::LeftOut(Lacking::Deploy);
    };
    match (deploy.target.as_deref(), declared) {
        (Some(name), _) => target(name, all, NamedBy::Deploy),
        (None, _) if !run.is_empty() => Choice::Commands { run, layers: all },
        (None, Some(name)) => target(name, all, NamedBy::Environment),
        (None, None) => Choice::LeftOut(Lacking::Target),
    }
}

/// Whether there is any way of `service` into `environment`.
pub fn is_deployed(settings: &Settings, service: &Service, environment: &EnvironmentName) -> bool {
    !matches!(choose(settings, service, environment), Choice::LeftOut(_))
}

impl<'a> Layers<'a> {
    /// The tables, the weaker one first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a Deploy> + use<'a> {
        self.deploy.into_iter().chain(self.over)
    }
}

/// Whether the parameters of `environment` are meant for `target`.
pub fn environment_is_for(
    settings: &Settings,
    environment: &EnvironmentName,
    target: &str,
) -> bool {
    let declared = settings.environments.get(environment);
    declared.is_some_and(|it| it.target.as_deref().is_none_or(|name| name == target))
}
