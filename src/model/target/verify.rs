//! What is wrong with the deploys of a workspace: targets that do not exist, parameters that they do not have or that do
//! not fit, and placeholders that mean nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::model::deploy::{Deploy, Health, Probe};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::target::choose::{Choice, LOCAL, Layers, NamedBy, choose, environment_is_for};
use crate::model::target::definition::{Parameter, ParameterKind, Target, URL, fits};
use crate::model::target::placeholder::{self, Part, Unknown};
use crate::model::workspace::{Service, Settings, Workspace};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The table that it stands in.
    pub layer: Layer,
    /// The key in that table. `None`: something is missing from it.
    pub key: Option<String>,
    pub what: What,
}

/// A table that speaks of deploys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    Environment(EnvironmentName),
    Deploy(ServiceName),
    Override(ServiceName, EnvironmentName),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    UnknownTarget(String),
    /// None of the targets that the table is for has the parameter.
    UnknownParameter {
        name: String,
        targets: Vec<String>,
        known: Vec<String>,
    },
    /// A deploy that runs its own commands was given a parameter.
    NoTarget {
        name: String,
    },
    Unfit {
        name: String,
        target: String,
        kind: ParameterKind,
    },
    Missing {
        name: String,
        about: String,
        target: String,
        environment: Option<EnvironmentName>,
    },
    CannotScale {
        target: String,
    },
    /// The deploy has commands and names a target.
    Both {
        target: String,
    },
    Placeholder(Unknown),
}

/// Everything that is wrong with the deploys of `workspace`.
pub fn faults(workspace: &Workspace) -> Vec<Fault> {
    let mut check = Check {
        workspace,
        settings: workspace.settings(),
        environments: environments(workspace.settings()),
        used: BTreeMap::new(),
        faults: Vec::new(),
    };
    for service in workspace.services() {
        check.service(service);
    }
    check.all_environments();
    check.faults
}

/// Every environment there is.
fn environments(settings: &Settings) -> Vec<EnvironmentName> {
    let local = EnvironmentName::new(LOCAL);
    let declared = settings.environments.keys().cloned();
    let all: BTreeSet<_> = declared.chain(local).collect();
    all.into_iter().collect()
}

struct Check<'w> {
    workspace: &'w Workspace,
    settings: &'w Settings,
    environments: Vec<EnvironmentName>,
    /// The targets by which services are deployed to each environment.
    used: BTreeMap<EnvironmentName, BTreeSet<&'w str>>,
    faults: Vec<Fault>,
}

impl<'w> Check<'w> {
    fn add(&mut self, layer: &Layer, key: Option<&str>, what: What) {
        self.faults.push(Fault {
            layer: layer.clone(),
            key: key.map(str::to_owned),
            what,
        });
    }

    fn target(&self, name: &str) -> Option<&'w Arc<Target>> {
        self.settings.targets.get(name)
    }

    fn service(&mut self, service: &'w Service) {
        let task = service.tasks.get("deploy");
        let deploy = task.and_then(|task| task.deploy.as_deref());
        let own = Layer::Deploy(service.name.clone());
        let mut targets: BTreeSet<&'w str> = BTreeSet::new();
        let mut is_commands = false;
        let mut is_anywhere = false;
        for environment in self.environments.clone() {
            match choose(self.settings, service, &environment) {
                Choice::LeftOut(_) => {}
                Choice::Commands { .. } => (is_commands, is_anywhere) = (true, true),
                Choice::Target {
                    name,
                    layers,
                    named_by,
                } => {
                    is_anywhere |= environment.as_str() != LOCAL;
                    if layers.deploy.is_some() {
                        targets.insert(name);
                    }
                    self.used
                        .entry(environment.clone())
                        .or_default()
                        .insert(name);
                    self.one(service, &environment, name, layers, named_by);
                }
            }
        }
        let Some(deploy) = deploy else { return };
        if let Some(name) = deploy.target.as_deref() {
            targets.insert(name);
            let run = task.map_or(&[][..], |task| &task.run);
            if !run.is_empty() {
                self.add(
                    &own,
                    Some("run"),
                    What::Both {
                        target: name.to_owned(),
                    },
                );
            }
            match self.target(name) {
                None => self.add(&own, Some("target"), What::UnknownTarget(name.to_owned())),
                Some(target) if !is_anywhere => {
                    // No environment is declared yet.
                    let layers = Layers {
                        deploy: Some(deploy),
                        over: None,
                    };
                    self.required(&own, target, None, layers);
                }
                Some(_) => {}
            }
        }
        self.texts(&own, deploy);
        let targets: Vec<&str> = targets.into_iter().collect();
        if !targets.is_empty() {
            self.parameters(&own, &deploy.parameters, &targets);
        } else if is_commands {
            for name in deploy.parameters.keys().filter(|name| *name != URL) {
                self.add(&own, Some(name), What::NoTarget { name: name.clone() });
            }
        }
    }

    /// A service's deploy to one environment by one target.
    fn one(
        &mut self,
        service: &'w Service,
        environment: &EnvironmentName,
        name: &'w str,
        layers: Layers<'w>,
        named_by: NamedBy,
    ) {
        let own = Layer::Deploy(service.name.clone());
        let over = Layer::Override(service.name.clone(), environment.clone());
        let Some(target) = self.target(name) else {
            if named_by == NamedBy::Override {
                self.add(&over, Some("target"), What::UnknownTarget(name.to_owned()));
            }
            return;
        };
        if let Some(table) = layers.over {
            self.texts(&over, table);
            self.parameters(&over, &table.parameters, &[name]);
        }
        let at = if layers.over.is_some() { &over } else { &own };
        self.required(at, target, Some(environment), layers);
        let scaled = [(layers.over, &over), (layers.deploy, &own)];
        let scaled = scaled
            .into_iter()
            .find(|(table, _)| table.is_some_and(|it| it.replicas.is_some()));
        if let Some((_, layer)) = scaled.filter(|_| !target.can_scale) {
            self.add(
                layer,
                Some("replicas"),
                What::CannotScale {
                    target: name.to_owned(),
                },
            );
        }
    }

    fn required(
        &mut self,
        layer: &Layer,
        target: &Target,
        environment: Option<&EnvironmentName>,
        layers: Layers,
    ) {
        let settings = self.settings;
        let from_environment = environment
            .filter(|it| environment_is_for(settings, it, &target.name))
            .and_then(|it| settings.environments.get(it));
        for (name, parameter) in target.parameters.iter().filter(|(_, it)| it.is_required) {
            let is_given = parameter.default.is_some()
                || from_environment.is_some_and(|it| it.parameters.contains_key(name))
                || layers.iter().any(|it| it.parameters.contains_key(name));
            if !is_given {
                let what = What::Missing {
                    name: name.clone(),
                    about: parameter.about.clone(),
                    target: target.name.clone(),
                    environment: environment.cloned(),
                };
                self.add(layer, None, what);
            }
        }
    }

    fn all_environments(&mut self) {
        let settings = self.settings;
        for (name, environment) in &settings.environments {
            let layer = Layer::Environment(name.clone());
            if let Some(target) = environment.target.as_deref() {
                if self.target(target).is_none() {
                    self.add(
                        &layer,
                        Some("target"),
                        What::UnknownTarget(target.to_owned()),
                    );
                    continue;
                }
                self.parameters(&layer, &environment.parameters, &[target]);
            } else {
                let used = self.used.get(name).into_iter().flatten();
                let used: Vec<&str> = used.copied().collect();
                self.parameters(&layer, &environment.parameters, &used);
            }
        }
    }

    /// Each parameter is known to one of `targets`, and fits all that know it.
    fn parameters(&mut self, layer: &Layer, given: &BTreeMap<String, Value>, targets: &[&str]) {
        let known = targets.iter().filter_map(|name| self.target(name));
        let known: Vec<&Arc<Target>> = known.collect();
        // Of a target that does not exist, something was said already.
        if known.is_empty() || known.len() < targets.len() {
            return;
        }
        for (name, value) in given {
            let having = known
                .iter()
                .filter_map(|it| Some((it, it.parameter(name)?)));
            let having: Vec<(&&Arc<Target>, &Parameter)> = having.collect();
            if having.is_empty() {
                let names = known.iter().flat_map(|target| target.parameter_names());
                let names: BTreeSet<&str> = names.collect();
                let what = What::UnknownParameter {
                    name: name.clone(),
                    targets: targets.iter().map(|it| (*it).to_owned()).collect(),
                    known: names.into_iter().map(str::to_owned).collect(),
                };
                self.add(layer, Some(name), what);
                continue;
            }
            if let Some((target, parameter)) = having.iter().find(|(_, it)| !fits(it.kind, value)) {
                let what = What::Unfit {
                    name: name.clone(),
                    target: target.name.clone(),
                    kind: parameter.kind,
                };
                self.add(layer, Some(name), what);
                continue;
            }
            let is_input = having
                .iter()
                .any(|(_, parameter)| parameter.inputs.is_some());
            let allowed: fn(&Part) -> bool = match name.as_str() {
                // Which files it names has to be known before anything runs.
                _ if is_input => |part| {
                    matches!(
                        part,
                        Part::Text(_) | Part::Name("env" | "service" | "workspace")
                    )
                },
                URL => |part| *part != Part::Name("url"),
                _ => |_| true,
            };
            self.placeholders(layer, name, value, allowed);
        }
    }

    fn texts(&mut self, layer: &Layer, deploy: &Deploy) {
        let Some(Health { probe, .. }) = &deploy.health else {
            return;
        };
        let texts = match probe {
            Probe::Http { url, body, .. } => [Some(url), body.as_ref()],
            Probe::Tcp(address) => [Some(address), None],
            Probe::Command(_) => [None, None],
        };
        for text in texts.into_iter().flatten() {
            self.placeholder(layer, "health", text, |_| true);
        }
    }

    fn placeholders(
        &mut self,
        layer: &Layer,
        key: &str,
        value: &Value,
        allowed: fn(&Part) -> bool,
    ) {
        match value {
            Value::String(text) => self.placeholder(layer, key, text, allowed),
            Value::Array(items) => {
                items
                    .iter()
                    .for_each(|it| self.placeholders(layer, key, it, allowed));
            }
            Value::Object(pairs) => {
                pairs
                    .values()
                    .for_each(|it| self.placeholders(layer, key, it, allowed));
            }
            _ => {}
        }
    }

    fn placeholder(&mut self, layer: &Layer, key: &str, text: &str, allowed: fn(&Part) -> bool) {
        let unknown = match placeholder::parse(text) {
            Err(unknown) => Some(unknown),
            Ok(parts) => parts.iter().find_map(|part| match part {
                part if !allowed(part) => Some(not_here(key, part)),
                Part::Value(Some(service), _) => self.unknown_service(service),
                _ => None,
            }),
        };
        if let Some(unknown) = unknown {
            self.add(layer, Some(key), What::Placeholder(unknown));
        }
    }

    fn unknown_service(&self, name: &str) -> Option<Unknown> {
        if self.workspace.find(name).is_some() {
            return None;
        }
        let names = self.workspace.services().iter().map(|it| it.name.as_str());
        let near = crate::model::suggest::nearest(name, names);
        Some(Unknown {
            message: format!(
                "`${{value.{name}.…}}` names the service `{name}`, which does not exist"
            ),
            hint: match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write `${value.SERVICE.NAME}` with the name of a service".into(),
            },
        })
    }
}

fn not_here(key: &str, part: &Part) -> Unknown {
    let shown = match part {
        Part::Name(name) => (*name).to_owned(),
        Part::Value(None, name) => format!("value.{name}"),
        Part::Value(Some(service), name) => format!("value.{service}.{name}"),
        Part::Text(text) => (*text).to_owned(),
    };
    let (message, hint) = match key {
        URL => ("`url` cannot name itself".into(), "write the address"),
        _ => (
            format!("`${{{shown}}}` cannot stand in `{key}`"),
            "its files are looked at before anything runs: use only `${env}`, `${service}` and `${workspace}`",
        ),
    };
    Unknown {
        message,
        hint: hint.into(),
    }
}
