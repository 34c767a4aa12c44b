//! A runner for workflows of GitHub: the jobs in the order of `needs`, a matrix with all its legs, conditions as they are
//! written. What single jobs do is in `job`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::expression::{Scope, Status, shown};
use crate::job::{Ended, Job};
use crate::yaml;

/// Where workflows run: a remote repository, a place for caches, and the one directory that every job gets fresh.
pub struct Runner {
    pub world: PathBuf,
    /// The bare repository.
    pub remote: PathBuf,
    runs: std::cell::Cell<u32>,
}

/// What starts a run.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: &'static str,
    /// The document in `$GITHUB_EVENT_PATH`.
    pub payload: Value,
    /// The ref that is checked out, and its commit.
    pub reference: String,
    pub commit: String,
    /// Beside those, as `$GITHUB_BASE_REF` of pull requests.
    pub variables: Vec<(&'static str, String)>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Run {
    /// `success`, `failure`, `skipped` or `cancelled`, by job.
    pub results: BTreeMap<String, String>,
    /// All that the steps of a job printed.
    pub logs: BTreeMap<String, String>,
    /// The legs of each job that has a matrix.
    pub legs: BTreeMap<String, Vec<Value>>,
}

impl Run {
    /// How a job ended, and all logs if that is not what was expected.
    pub fn expect(&self, job: &str, result: &str) {
        let logs = || {
            let logs = self.logs.iter();
            logs.map(|(job, log)| format!("=== {job}\n{log}\n"))
                .collect::<String>()
        };
        assert_eq!(
            self.results[job],
            result,
            "{job}: {:?}\n{}",
            self.results,
            logs()
        );
    }

    /// The services that the legs of the job `test` name, sorted.
    pub fn services(&self) -> Vec<String> {
        let legs = self.legs.get("test").into_iter().flatten();
        let words = legs.flat_map(|it| it["services"].as_str().unwrap().split(' '));
        let mut services: Vec<String> = words.map(str::to_owned).collect();
        services.sort();
        services
    }
}

impl Runner {
    pub fn new(world: &Path, remote: &Path) -> Self {
        Self {
            world: world.to_owned(),
            remote: remote.to_owned(),
            runs: std::cell::Cell::new(0),
        }
    }

    /// Runs the workflow of a commit for an event. A job that is `cancelled` is so before it begins.
    pub fn run(&self, workflow: &str, event: &Event, cancelled: Option<&str>) -> Run {
        self.runs.set(self.runs.get() + 1);
        let workflow = yaml::parse(workflow);
        check_trigger(&workflow, event);
        let jobs = workflow["jobs"].as_object().expect("there are jobs");
        let mut run = Run::default();
        let mut needs = Map::new();
        let mut is_cancelled = false;
        while run.results.len() < jobs.len() {
            let ready = jobs.iter().find(|(id, job)| {
                !run.results.contains_key(*id)
                    && needed(job).iter().all(|it| run.results.contains_key(it))
            });
            let (id, job) = ready.expect("needs do not go in circles");
            let (result, outputs) = if cancelled == Some(id) {
                is_cancelled = true;
                ("cancelled".to_owned(), json!({}))
            } else {
                self.job(&workflow, id, event, &needs, is_cancelled, &mut run)
            };
            let known: BTreeSet<String> = needed(job);
            assert!(known.iter().all(|it| jobs.contains_key(it)), "{known:?}");
            needs.insert(id.clone(), json!({"result": result, "outputs": outputs}));
            run.results.insert(id.clone(), result);
        }
        run
    }

    fn job(
        &self,
        workflow: &Value,
        id: &str,
        event: &Event,
        results: &Map<String, Value>,
        cancelled: bool,
        run: &mut Run,
    ) -> (String, Value) {
        let job = &workflow["jobs"][id];
        let named = needed(job);
        let needs: Map<String, Value> = results
            .iter()
            .filter(|(id, _)| named.contains(*id))
            .map(|(id, result)| (id.clone(), result.clone()))
            .collect();
        let are = |result: &str| needs.values().filter(|it| it["result"] == result).count();
        let status = Status {
            success: are("success") == needs.len() && !cancelled,
            failure: are("failure") > 0,
            cancelled,
        };
        let mut contexts = self.contexts(event);
        contexts["needs"] = Value::Object(needs);
        let scope = Scope {
            contexts: &contexts,
            status,
        };
        if !scope.runs(job.get("if")) {
            return ("skipped".to_owned(), json!({}));
        }
        let legs = legs(job, &scope);
        if job.get("strategy").is_some() {
            run.legs.insert(id.to_owned(), legs.clone());
        }
        let mut ended = Vec::new();
        for leg in legs {
            let mut contexts = contexts.clone();
            contexts["matrix"] = leg;
            let leg = Job {
                runner: self,
                workflow,
                id,
                event,
                contexts,
            };
            let one = leg.run();
            run.logs
                .entry(id.to_owned())
                .or_default()
                .push_str(&one.log);
            ended.push(one);
        }
        let result = match ended.iter().all(|it| it.is_fine) {
            true => "success",
            false => "failure",
        };
        (result.to_owned(), outputs(&ended))
    }

    /// What every expression sees.
    fn contexts(&self, event: &Event) -> Value {
        json!({
            "github": {
                "event_name": event.name,
                "event": event.payload,
                "ref": event.reference,
                "sha": event.commit,
                "run_id": self.id().to_string(),
                "run_attempt": "1",
            },
            "inputs": event.payload.get("inputs").cloned().unwrap_or(json!({})),
            "runner": {"os": "Linux", "arch": "X64"},
        })
    }

    /// The number of this run.
    pub fn id(&self) -> u32 {
        1000 + self.runs.get()
    }
}

/// The workflow has to be one that such an event starts.
fn check_trigger(workflow: &Value, event: &Event) {
    let on = workflow["on"].as_object().expect("`on` is a mapping");
    let trigger = on.get(event.name).expect("the event starts it");
    let branches = &trigger["branches"];
    if event.name == "push" {
        let branch = event.reference.strip_prefix("refs/heads/").unwrap();
        let branches = branches.as_array().expect("it names branches");
        assert!(branches.iter().any(|it| it == branch), "{branch}");
    }
}

fn needed(job: &Value) -> BTreeSet<String> {
    match &job["needs"] {
        Value::Null => BTreeSet::new(),
        Value::String(one) => [one.clone()].into(),
        Value::Array(all) => all.iter().map(shown).collect(),
        other => panic!("needs: {other}"),
    }
}

fn legs(job: &Value, scope: &Scope<'_>) -> Vec<Value> {
    let Some(strategy) = job.get("strategy") else {
        return vec![json!({})];
    };
    assert_eq!(
        strategy["fail-fast"], false,
        "one leg does not stop another"
    );
    let matrix = scope.text(strategy["matrix"].as_str().expect("an expression"));
    let legs = matrix["include"]
        .as_array()
        .expect("a list of legs")
        .clone();
    assert!(
        (1..=256).contains(&legs.len()),
        "an empty matrix is an error"
    );
    legs
}

fn outputs(ended: &[Ended]) -> Value {
    let all = ended.iter().flat_map(|it| it.outputs.clone());
    Value::Object(all.collect())
}
