//! The whole definition of one service's deploy to one environment: what all tables make together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::deploy::{Health, Probe, Serve};
use crate::model::input::Inputs;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::path::FilePath;
use crate::model::target::choose::{Choice, LOCAL, Lacking, Layers, choose, environment_is_for};
use crate::model::target::definition::{Target, URL};
use crate::model::workspace::{Service, ServiceIndex, Workspace};

/// How one service is deployed to one environment. Placeholders still stand in its texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub service: ServiceName,
    /// The directory of the service.
    pub path: FilePath,
    pub environment: EnvironmentName,
    pub way: Way,
    /// The parameters that have a value, defaults among them.
    pub parameters: BTreeMap<String, Value>,
    /// The names of those that the workspace gives.
    pub given: BTreeSet<String>,
    pub replicas: Option<u32>,
    pub health: Option<Health>,
    pub before: Vec<String>,
    pub after: Vec<String>,
    /// Where the service answers.
    pub url: Option<String>,
    /// Plain variables of the environment.
    pub env: BTreeMap<String, String>,
    /// The `inputs` of the deploy, where its definition has any: they stand in for the files that the parameters name.
    pub inputs: Option<Inputs>,
    /// How the service runs, for `process`.
    pub serve: Option<Serve>,
    /// The program that commands are handed to.
    pub shell: Arc<[String]>,
}

/// By what a service is deployed.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    Target(Arc<Target>),
    /// Its own commands.
    Commands(Vec<String>),
}

/// Why a service is not deployed to an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDeployed {
    #[error("there is no environment `{0}`")]
    NoEnvironment(EnvironmentName),
    #[error("there is no target `{0}`")]
    UnknownTarget(String),
    #[error("it has no `deploy`")]
    NoDeploy,
    #[error("it has no `serve`, so `local` has nothing to start")]
    NoServe,
    #[error("neither its `deploy` nor the environment names a target")]
    NoTarget,
}

impl Resolved {
    /// The target, unless the service is deployed by commands of its own.
    pub fn target(&self) -> Option<&Arc<Target>> {
        match &self.way {
            Way::Target(target) => Some(target),
            Way::Commands(_) => None,
        }
    }

    /// Everything of this definition that a deploy could come out differently by, in a fixed order, except the contents
    /// of files. The targets that come with `svc` count by their names and what they were given, so that a newer `svc`
    /// makes nothing due.
    pub fn parts(&self) -> Vec<(String, String)> {
        let mut parts = Vec::new();
        let mut part = |name: &str, value: String| parts.push((name.to_owned(), value));
        match &self.way {
            Way::Target(target) => {
                part("target", target.name.clone());
                target
                    .own
                    .iter()
                    .for_each(|text| part("definition", text.clone()));
            }
            Way::Commands(run) => {
                run.iter().for_each(|command| part("run", command.clone()));
            }
        }
        for name in &self.given {
            if let Some(value) = self.parameters.get(name) {
                part(&format!("parameter {name}"), canonical(value));
            }
        }
        self.replicas
            .iter()
            .for_each(|it| part("replicas", it.to_string()));
        // What a target brings along is a part of its own text, if it has one.
        let brought = self.target().and_then(|target| target.health.as_ref());
        if let Some(health) = self.health.as_ref().filter(|it| Some(*it) != brought) {
            part("health", canonical(&described(health)));
        }
        self.before
            .iter()
            .for_each(|command| part("before", command.clone()));
        self.after
            .iter()
            .for_each(|command| part("after", command.clone()));
        if let Some(serve) = &self.serve {
            let serve = json!({ "run": serve.run, "port": serve.port, "health": serve.health });
            part("serve", canonical(&serve));
        }
        if !self.shell.iter().eq(["sh", "-eu", "-c"]) {
            part("shell", canonical(&json!(&*self.shell)));
        }
        for (name, value) in &self.env {
            part(&format!("env {name}"), value.clone());
        }
        parts
    }
}

/// How the service at `index` is deployed to `environment`.
///
/// # Errors
/// Why it is not.
pub fn resolve(
    workspace: &Workspace,
    index: ServiceIndex,
    environment: &EnvironmentName,
) -> Result<Resolved, NotDeployed> {
    let settings = workspace.settings();
    let service = workspace.service(index);
    let declared = settings.environments.get(environment);
    if declared.is_none() && environment.as_str() != LOCAL {
        return Err(NotDeployed::NoEnvironment(environment.clone()));
    }
    let (way, layers) = match choose(settings, service, environment) {
        Choice::LeftOut(reason) => return Err(reason.into()),
        Choice::Commands { run, layers } => (Way::Commands(run.to_vec()), layers),
        Choice::Target { name, layers, .. } => {
            let target = settings.targets.get(name);
            let target = target.ok_or_else(|| NotDeployed::UnknownTarget(name.to_owned()))?;
            (Way::Target(target.clone()), layers)
        }
    };
    let task = service.tasks.get("deploy");
    let mut resolved = Resolved {
        service: service.name.clone(),
        path: service.path.clone(),
        environment: environment.clone(),
        way,
        parameters: BTreeMap::new(),
        given: BTreeSet::new(),
        replicas: None,
        health: None,
        before: Vec::new(),
        after: Vec::new(),
        url: None,
        env: declared.map(|it| it.env.clone()).unwrap_or_default(),
        inputs: task
            .map(|it| it.inputs.clone())
            .filter(|it| *it != Inputs::default()),
        serve: None,
        shell: match task {
            Some(task) => task.shell.clone(),
            None => crate::model::task::Task::new(Vec::new()).shell,
        },
    };
    lay_parameters(workspace, &mut resolved, layers);
    lay_rest(service, &mut resolved, layers);
    Ok(resolved)
}

fn lay_parameters(workspace: &Workspace, resolved: &mut Resolved, layers: Layers) {
    let settings = workspace.settings();
    let target = resolved.target().cloned();
    let name = target.as_ref().map_or("", |it| &it.name);
    let from_environment = settings.environments.get(&resolved.environment);
    let from_environment = from_environment
        .filter(|_| target.is_some() && environment_is_for(settings, &resolved.environment, name));
    let tables = from_environment.map(|it| &it.parameters).into_iter();
    let tables = tables.chain(layers.iter().map(|it| &it.parameters));
    for (name, parameter) in target.iter().flat_map(|it| &it.parameters) {
        if let Some(default) = &parameter.default {
            resolved.parameters.insert(name.clone(), default.clone());
        }
    }
    for (name, value) in tables.flatten() {
        let is_known = match &target {
            Some(target) => target.parameter(name).is_some(),
            None => name == URL,
        };
        if is_known {
            resolved.given.insert(name.clone());
            resolved.parameters.insert(name.clone(), value.clone());
        }
    }
    let given = resolved.parameters.get(URL).and_then(Value::as_str);
    let default = target.as_ref().and_then(|target| target.url.as_deref());
    resolved.url = given.or(default).map(str::to_owned);
}

fn lay_rest(service: &Service, resolved: &mut Resolved, layers: Layers) {
    let strongest_first = || layers.iter().rev();
    resolved.replicas = strongest_first().find_map(|it| it.replicas);
    let health = strongest_first().find_map(|it| it.health.clone());
    let brought = resolved.target().and_then(|target| target.health.clone());
    resolved.health = health.or(brought);
    resolved.before = strongest_first()
        .find_map(|it| it.before.clone())
        .unwrap_or_default();
    resolved.after = strongest_first()
        .find_map(|it| it.after.clone())
        .unwrap_or_default();
    if resolved.target().is_some_and(|target| target.is_embedded) {
        resolved.serve = service.serve.clone();
    }
}

impl From<Lacking> for NotDeployed {
    fn from(reason: Lacking) -> Self {
        match reason {
            Lacking::Deploy => Self::NoDeploy,
            Lacking::Serve => Self::NoServe,
            Lacking::Target => Self::NoTarget,
        }
    }
}

fn described(health: &Health) -> Value {
    let probe = match &health.probe {
        Probe::Http { url, status, body } => json!({ "http": url, "status": status, "body": body }),
        Probe::Tcp(address) => json!({ "tcp": address }),
        Probe::Command(command) => json!({ "command": command }),
    };
    json!({
        "probe": probe,
        "timeout": health.timeout.as_nanos().to_string(),
        "interval": health.interval.as_nanos().to_string(),
        "successes": health.successes,
    })
}

/// JSON with the keys of every table in order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(pairs) => {
            let sorted: BTreeMap<&String, &Value> = pairs.iter().collect();
            let pairs = sorted.into_iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deploy::{Deploy, Environment};
    use crate::model::target::definition::{Parameter, ParameterKind};
    use crate::model::workspace::Settings;
    use crate::model::workspace::sample::{named, service};

    fn environment(name: &str) -> EnvironmentName {
        EnvironmentName::new(name).unwrap()
    }

    fn parameter(default: Option<&str>) -> Parameter {
        Parameter {
            kind: ParameterKind::Text,
            is_required: false,
            default: default.map(Value::from),
            about: String::new(),
            inputs: None,
        }
    }

    fn target(name: &str, parameters: &[(&str, Option<&str>)]) -> (String, Arc<Target>) {
        let parameters = parameters.iter();
        let target = Target {
            name: name.into(),
            about: String::new(),
            is_embedded: name == "process",
            can_scale: false,
            url: None,
            health: None,
            parameters: parameters
                .map(|(name, default)| ((*name).to_owned(), parameter(*default)))
                .collect(),
            steps: BTreeMap::new(),
            own: None,
        };
        (name.into(), Arc::new(target))
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, Value> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect()
    }

    /// `staging` by `k`, `own` without a target, and the service `api` with a deploy and maybe a `serve`.
    fn workspace(deploy: Option<Deploy>, run: &[&str], serves: bool) -> Workspace {
        let mut api = service("api:deploy");
        api.serve = serves.then(|| Serve {
            run: "x".into(),
            port: None,
            health: None,
        });
        let task = api.tasks.get_mut("deploy").unwrap();
        task.run = run.iter().map(|it| (*it).to_owned()).collect();
        task.deploy = deploy.map(Box::new);
        if task.deploy.is_none() {
            api.tasks.remove(&named("deploy"));
        }
        let staging = Environment {
            target: Some("k".into()),
            parameters: given(&[("context", "env"), ("mode", "env")]),
            ..Environment::default()
        };
        let settings = Settings {
            environments: [
                (environment("staging"), staging),
                (environment("own"), Environment::default()),
            ]
            .into(),
            targets: [
                target(
                    "k",
                    &[
                        ("context", None),
                        ("mode", Some("default")),
                        ("file", Some("f")),
                    ],
                ),
                target("c", &[("file", None)]),
                target("process", &[]),
            ]
            .into(),
            ..Settings::default()
        };
        Workspace::new(settings, vec![api])
    }

    fn way(workspace: &Workspace, name: &str) -> String {
        match resolve(workspace, ServiceIndex(0), &environment(name)) {
            Ok(Resolved {
                way: Way::Target(target),
                ..
            }) => target.name.clone(),
            Ok(Resolved {
                way: Way::Commands(run),
                ..
            }) => run.join(";"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_service_takes_its_way_into_each_environment() {
        let by = |name: &str| {
            Some(Deploy {
                target: Some(name.into()),
                ..Deploy::default()
            })
        };
        let plain = Some(Deploy::default());
        let over = |place: &str, target: &str| {
            let over = Deploy {
                target: Some(target.into()),
                ..Deploy::default()
            };
            Some(Deploy {
                env: [(environment(place), over)].into(),
                ..Deploy::default()
            })
        };
        let check = |deploy: &Option<Deploy>, run: &[&str], serves, expected: [&str; 3]| {
            let workspace = workspace(deploy.clone(), run, serves);
            let ways = ["local", "staging", "own"].map(|name| way(&workspace, name));
            assert_eq!(ways, expected, "{deploy:?}");
        };
        let (no_deploy, no_serve) = (
            "it has no `deploy`",
            "it has no `serve`, so `local` has nothing to start",
        );
        let no_target = "neither its `deploy` nor the environment names a target";
        check(&None, &[], false, [no_serve, no_deploy, no_deploy]);
        check(&None, &[], true, ["process", no_deploy, no_deploy]);
        check(&plain, &[], true, ["process", "k", no_target]);
        check(&plain, &[], false, [no_serve, "k", no_target]);
        check(&plain, &["./d"], true, ["process", "./d", "./d"]);
        check(&plain, &["./d"], false, ["./d", "./d", "./d"]);
        check(&by("c"), &[], true, ["process", "c", "c"]);
        check(&by("c"), &[], false, [no_serve, "c", "c"]);
        check(&over("staging", "c"), &["./d"], false, ["./d", "c", "./d"]);
        check(&over("local", "c"), &[], true, ["c", "k", no_target]);
        check(
            &by("z"),
            &[],
            false,
            [no_serve, "there is no target `z`", "there is no target `z`"],
        );
        let workspace = workspace(None, &[], true);
        assert_eq!(way(&workspace, "prod"), "there is no environment `prod`");
    }

    #[test]
    fn the_nearest_table_decides() {
        let over = Deploy {
            parameters: given(&[("mode", "over")]),
            replicas: Some(3),
            after: Some(vec![]),
            ..Deploy::default()
        };
        let deploy = Deploy {
            parameters: given(&[("file", "g"), ("url", "http://${env}")]),
            replicas: Some(1),
            before: Some(vec!["b".into()]),
            after: Some(vec!["a".into()]),
            env: [(environment("staging"), over)].into(),
            ..Deploy::default()
        };
        let workspace = workspace(Some(deploy), &[], true);
        let staging = resolve(&workspace, ServiceIndex(0), &environment("staging")).unwrap();
        let expected = given(&[
            ("context", "env"),
            ("file", "g"),
            ("mode", "over"),
            ("url", "http://${env}"),
        ]);
        assert_eq!(staging.parameters, expected);
        assert_eq!(staging.replicas, Some(3));
        assert_eq!(staging.url.as_deref(), Some("http://${env}"));
        assert_eq!((staging.before.len(), staging.after.len()), (1, 0));
        let parts: Vec<String> = staging
            .parts()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            parts,
            [
                "target=k",
                "parameter context=\"env\"",
                "parameter file=\"g\"",
                "parameter mode=\"over\"",
                "parameter url=\"http://${env}\"",
                "replicas=3",
                "before=b",
            ]
        );
        // What is written for other places is nothing for this machine.
        let local = resolve(&workspace, ServiceIndex(0), &environment("local")).unwrap();
        assert_eq!(
            (local.before.len(), local.replicas, local.url),
            (0, None, None)
        );
        assert!(local.serve.is_some());
    }

    #[test]
    fn a_newer_default_makes_nothing_due() {
        let workspace = workspace(Some(Deploy::default()), &[], false);
        let resolved = resolve(&workspace, ServiceIndex(0), &environment("staging")).unwrap();
        assert_eq!(resolved.parameters["file"], "f");
        assert!(
            !resolved
                .parts()
                .iter()
                .any(|(name, _)| name == "parameter file")
        );
    }

    #[test]
    fn tables_have_one_order() {
        assert_eq!(
            canonical(&json!({ "b": [1, true], "a": { "z": null, "y": "x" } })),
            r#"{"a":{"y":"x","z":null},"b":[1,true]}"#
        );
    }
}
