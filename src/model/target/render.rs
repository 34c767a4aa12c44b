//! The commands of a deploy: templates and texts, with what is only known when it happens.

use std::collections::BTreeMap;

use minijinja::Value as Given;
use serde_json::{Value, json};

use crate::model::deploy::{Health, Probe};
use crate::model::name::ServiceName;
use crate::model::target::definition::{ParameterKind, Step};
use crate::model::target::placeholder::{self, Part};
use crate::model::target::resolve::{Resolved, Way};
use crate::model::template::{self, Quoting, structured, variable};

/// What is only known when a deploy happens.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The directory of the workspace: for a way back, that of the recorded commit.
    pub workspace: String,
    /// Of the release that is brought, or gone back to.
    pub version: String,
    pub commit: String,
    /// Names this deploy.
    pub deploy_id: String,
    /// What ran before.
    pub previous_version: Option<String>,
    /// On a way back: the deploy that brought the release first.
    pub restores: Option<String>,
    /// The values of the service's own tasks.
    pub values: BTreeMap<String, String>,
    /// The values of other services that this one may name.
    pub values_of: BTreeMap<ServiceName, BTreeMap<String, String>>,
}

/// Why a command cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A value is asked for that nobody gave.
    #[error(
        "`{service}` gave no value `{name}`: one of its tasks has to write it to `$SVC_VALUES`"
    )]
    NoValue { service: ServiceName, name: String },
    /// `${url}` stands where no `url` is known.
    #[error("`${{url}}` stands for nothing: the deploy has no `url`")]
    NoUrl,
    #[error("{0}")]
    Placeholder(String),
    /// A template fails.
    #[error("`{step}` of the target `{target}`: {words}")]
    Template {
        target: String,
        step: &'static str,
        words: String,
    },
}

impl Resolved {
    /// The commands of a step, each for a shell of its own in the service's directory. None, if there is no such step.
    ///
    /// # Errors
    /// A value that is missing, or a template that fails.
    pub fn commands(&self, step: Step, facts: &Facts) -> Result<Vec<String>, RenderError> {
        let target = match &self.way {
            Way::Commands(run) if step == Step::Deploy => return Ok(run.clone()),
            Way::Commands(_) => return Ok(Vec::new()),
            Way::Target(target) => target,
        };
        if target.commands(step).is_empty() {
            return Ok(Vec::new());
        }
        let given = self.given(facts)?;
        let render = |template: &String| {
            template::render(Quoting::Shell, template, given.clone()).map_err(|words| {
                RenderError::Template {
                    target: target.name.clone(),
                    step: step.name(),
                    words,
                }
            })
        };
        let commands: Result<Vec<_>, _> = target.commands(step).iter().map(render).collect();
        let mut commands = commands?;
        commands.retain(|command| !command.trim().is_empty());
        Ok(commands)
    }

    /// Where the service answers.
    ///
    /// # Errors
    /// A value that is missing.
    pub fn address(&self, facts: &Facts) -> Result<Option<String>, RenderError> {
        let url = self.url.as_ref();
        url.map(|url| self.expand(url, facts)).transpose()
    }

    /// How to find out that the service is well.
    ///
    /// # Errors
    /// A value that is missing.
    pub fn probe(&self, facts: &Facts) -> Result<Option<Health>, RenderError> {
        let Some(health) = &self.health else {
            return Ok(None);
        };
        let probe = match &health.probe {
            Probe::Http { url, status, body } => Probe::Http {
                url: self.expand(url, facts)?,
                status: *status,
                body: body.as_ref().map(|it| self.expand(it, facts)).transpose()?,
            },
            Probe::Tcp(address) => Probe::Tcp(self.expand(address, facts)?),
            // A shell has its own `${…}`, and sees everything as variables.
            Probe::Command(command) => Probe::Command(command.clone()),
        };
        Ok(Some(Health {
            probe,
            ..health.clone()
        }))
    }

    /// A parameter with everything in it that is known now.
    ///
    /// # Errors
    /// A value that is missing.
    pub fn parameter(&self, name: &str, facts: &Facts) -> Result<Option<Value>, RenderError> {
        let value = self.parameters.get(name);
        value.map(|value| self.expand_all(value, facts)).transpose()
    }

    /// Everything that templates may name.
    fn given(&self, facts: &Facts) -> Result<Given, RenderError> {
        let of_values = |values: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let pairs = values.iter();
            pairs
                .map(|(name, value)| (variable(name), value.clone()))
                .collect()
        };
        let others = facts.values_of.iter();
        let others: BTreeMap<_, _> = others
            .map(|(service, values)| (variable(service.as_str()), of_values(values)))
            .collect();
        let url = self.address(facts)?;
        let mut given: BTreeMap<String, Given> = [
            ("env", Given::from(self.environment.as_str())),
            ("service", Given::from(self.service.as_str())),
            ("version", Given::from(facts.version.as_str())),
            (
                "previous_version",
                Given::from(facts.previous_version.clone()),
            ),
            ("restores", Given::from(facts.restores.clone())),
            ("commit", Given::from(facts.commit.as_str())),
            ("deploy_id", Given::from(facts.deploy_id.as_str())),
            ("replicas", Given::from(self.replicas)),
            ("url", Given::from(url)),
            ("values", structured(json!(of_values(&facts.values)))),
            ("all_values", structured(json!(others))),
            ("workspace", Given::from(facts.workspace.as_str())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        for (name, parameter) in self.target().iter().flat_map(|it| &it.parameters) {
            let value = match self.parameters.get(name) {
                None => Given::from(()),
                Some(value) => {
                    let mut value = self.expand_all(value, facts)?;
                    if parameter.kind == ParameterKind::List && value.is_string() {
                        value = Value::Array(vec![value]);
                    }
                    if parameter.holds_paths() {
                        from_workspace(&mut value, &facts.workspace);
                    }
                    structured(value)
                }
            };
            given.insert(variable(name), value);
        }
        Ok(Given::from_pairs(given))
    }

    fn expand_all(&self, value: &Value, facts: &Facts) -> Result<Value, RenderError> {
        Ok(match value {
            Value::String(text) => Value::String(self.expand(text, facts)?),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.expand_all(item, facts));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(pairs) => {
                let pairs = pairs.iter().map(|(name, value)| {
                    self.expand_all(value, facts)
                        .map(|value| (name.clone(), value))
                });
                Value::Object(pairs.collect::<Result<_, _>>()?)
            }
            scalar => scalar.clone(),
        })
    }

    fn expand(&self, text: &str, facts: &Facts) -> Result<String, RenderError> {
        let parts = placeholder::parse(text);
        let parts = parts.map_err(|unknown| RenderError::Placeholder(unknown.message))?;
        let mut expanded = String::new();
        for part in parts {
            match part {
                Part::Text(text) => expanded.push_str(text),
                Part::Name("env") => expanded.push_str(self.environment.as_str()),
                Part::Name("service") => expanded.push_str(self.service.as_str()),
                Part::Name("version") => expanded.push_str(&facts.version),
                Part::Name("commit") => expanded.push_str(&facts.commit),
                Part::Name("deploy-id") => expanded.push_str(&facts.deploy_id),
                Part::Name("workspace") => expanded.push_str(&facts.workspace),
                Part::Name(_) => {
                    // A `url` that names itself was refused when the file was read.
                    let url = self.url.as_ref().filter(|url| *url != text);
                    let url = url.ok_or(RenderError::NoUrl)?;
                    expanded.push_str(&self.expand(url, facts)?);
                }
                Part::Value(service, name) => expanded.push_str(self.value(service, name, facts)?),
            }
        }
        Ok(expanded)
    }

    fn value<'f>(
        &self,
        service: Option<&str>,
        name: &str,
        facts: &'f Facts,
    ) -> Result<&'f str, RenderError> {
        let other = service.filter(|service| *service != self.service.as_str());
        let values = match other {
            None => Some(&facts.values),
            Some(other) => facts.values_of.get(other),
        };
        let value = values.and_then(|values| values.get(name));
        value
            .map(String::as_str)
            .ok_or_else(|| RenderError::NoValue {
                service: other
                    .and_then(ServiceName::new)
                    .unwrap_or_else(|| self.service.clone()),
                name: name.to_owned(),
            })
    }
}

/// Paths that begin with `/` lead from the workspace on.
fn from_workspace(value: &mut Value, workspace: &str) {
    match value {
        Value::String(text) => {
            let is_whole = text.as_str() == workspace || text.starts_with(&format!("{workspace}/"));
            if text.starts_with('/') && !is_whole {
                text.insert_str(0, workspace);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|it| from_workspace(it, workspace)),
        _ => {}
    }
}
