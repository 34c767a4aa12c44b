//! One job of a workflow: its steps in order, each in the shell that GitHub's runner would use. The actions that our workflows
//! use are stood in for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::expression::{Scope, Status, shown};
use crate::runner::{Event, Runner};

/// A job that is about to run.
pub struct Job<'a> {
    pub runner: &'a Runner,
    pub workflow: &'a Value,
    pub id: &'a str,
    pub event: &'a Event,
    pub contexts: Value,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Ended {
    pub is_fine: bool,
    pub log: String,
    pub outputs: Map<String, Value>,
}

impl Job<'_> {
    /// Runs all steps.
    pub fn run(mut self) -> Ended {
        for place in [self.workspace(), self.home(), self.files()] {
            let _ = fs::remove_dir_all(&place);
            fs::create_dir_all(&place).unwrap();
        }
        let mut ended = Ended {
            is_fine: true,
            ..Ended::default()
        };
        let mut after: Vec<(String, PathBuf)> = Vec::new();
        let job = self.workflow["jobs"][self.id].clone();
        let known = [
            "name",
            "needs",
            "if",
            "runs-on",
            "timeout-minutes",
            "outputs",
            "steps",
            "strategy",
            "permissions",
            "environment",
            "concurrency",
        ];
        only(&job, &known);
        self.contexts["steps"] = json!({});
        for (index, step) in job["steps"].as_array().unwrap().iter().enumerate() {
            let known = ["name", "id", "if", "uses", "with", "run", "env"];
            only(step, &known);
            let status = Status {
                success: ended.is_fine,
                failure: !ended.is_fine,
                cancelled: false,
            };
            let contexts = self.contexts.clone();
            let scope = Scope {
                contexts: &contexts,
                status,
            };
            if !scope.runs(step.get("if")) {
                continue;
            }
            let fine = match (step.get("uses"), step.get("run")) {
                (Some(action), None) => {
                    let with = map(&step["with"], &scope);
                    self.action(action.as_str().unwrap(), &with, &mut after, &mut ended.log)
                }
                (None, Some(_)) => self.shell(step, index, &scope, &mut ended.log),
                other => panic!("a step does one thing: {other:?}"),
            };
            ended.is_fine &= fine;
        }
        for (key, path) in after {
            self.keep(&key, &path);
        }
        let scope = Scope {
            contexts: &self.contexts,
            status: Status {
                success: ended.is_fine,
                failure: !ended.is_fine,
                cancelled: false,
            },
        };
        ended.outputs = map(&job["outputs"], &scope);
        ended
    }

    /// Runs the text of a step, and takes in what it left in the files that the runner reads.
    fn shell(&mut self, step: &Value, index: usize, scope: &Scope<'_>, log: &mut String) -> bool {
        let script = self.files().join(format!("{index}.sh"));
        fs::write(&script, shown(&scope.text(step["run"].as_str().unwrap()))).unwrap();
        let mut command = self.command("bash");
        command.arg("-e").arg(&script).current_dir(self.workspace());
        for place in [&self.workflow["env"], &step["env"]] {
            let variables = map(place, scope);
            command.envs(variables.iter().map(|(name, value)| (name, shown(value))));
        }
        let output = self.files().join(format!("{index}.output"));
        let others = ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"];
        for name in others {
            let file = self.files().join(format!("{index}.{name}"));
            fs::write(&file, "").unwrap();
            command.env(name, file);
        }
        fs::write(&output, "").unwrap();
        command.env("GITHUB_OUTPUT", &output);
        let said = command.output().expect("bash starts");
        log.push_str(&format!("$ {}\n", fs::read_to_string(&script).unwrap()));
        log.push_str(&String::from_utf8_lossy(&said.stdout));
        log.push_str(&String::from_utf8_lossy(&said.stderr));
        let summary = self.files().join(format!("{index}.GITHUB_STEP_SUMMARY"));
        log.push_str(&fs::read_to_string(summary).unwrap());
        for name in ["GITHUB_ENV", "GITHUB_PATH"] {
            let file = self.files().join(format!("{index}.{name}"));
            assert_eq!(fs::read_to_string(file).unwrap(), "", "{name} is not read");
        }
        if let Some(id) = step["id"].as_str() {
            let text = fs::read_to_string(&output).unwrap();
            let pairs = text
                .lines()
                .map(|line| line.split_once('=').expect("name=value"));
            let pairs: Map<String, Value> = pairs.map(|(a, b)| (a.into(), b.into())).collect();
            self.contexts["steps"][id] = json!({ "outputs": pairs });
        }
        said.status.success()
    }

    fn action(
        &self,
        action: &str,
        with: &Map<String, Value>,
        after: &mut Vec<(String, PathBuf)>,
        log: &mut String,
    ) -> bool {
        let (name, commit) = action.split_once('@').expect("an action has a version");
        let is_pinned = commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit());
        assert!(is_pinned, "{action} is named by its commit");
        log.push_str(&format!("{name} {with:?}\n"));
        match name {
            "actions/checkout" => self.check_out(with, log),
            "actions/cache" => {
                let found = self.take(with, log);
                if found.as_deref() != with["key"].as_str() {
                    after.push((shown(&with["key"]), self.path(with)));
                }
                true
            }
            "actions/cache/restore" => {
                self.take(with, log);
                true
            }
            "actions/cache/save" => {
                self.keep(&shown(&with["key"]), &self.path(with));
                true
            }
            other => panic!("{other} is not known"),
        }
    }

    /// What the action does: the commit of the event alone, or all branches with their history.
    fn check_out(&self, with: &Map<String, Value>, log: &mut String) -> bool {
        let known = ["fetch-depth", "filter", "persist-credentials"];
        assert!(
            with.keys().all(|it| known.contains(&it.as_str())),
            "{with:?}"
        );
        let depth = with.get("fetch-depth").and_then(Value::as_u64).unwrap_or(1);
        let url = format!("file://{}", self.runner.remote.display());
        let (name, commit) = (&self.event.reference, &self.event.commit);
        let is_branch = name.strip_prefix("refs/heads/");
        let local = match is_branch {
            Some(branch) => format!("refs/remotes/origin/{branch}"),
            None => name.replacen("refs/", "refs/remotes/", 1),
        };
        let spec = format!("+{commit}:{local}");
        let filter = with
            .get("filter")
            .map(|it| format!("--filter={}", shown(it)));
        let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
        fetch.extend(filter.as_deref());
        fetch.push("origin");
        let depth = match depth {
            0 => vec![
                "+refs/heads/*:refs/remotes/origin/*",
                "+refs/tags/*:refs/tags/*",
            ],
            _ => vec!["--depth=1"],
        };
        let has_all = depth.len() > 1;
        fetch.extend(depth);
        if is_branch.is_none() || !has_all {
            fetch.push(&spec);
        }
        let check_out = match is_branch {
            Some(branch) => vec!["checkout", "--quiet", "-B", branch, &local],
            None => vec!["checkout", "--quiet", &local],
        };
        let mut steps = vec![
            vec!["init", "--quiet", "--initial-branch=unused"],
            vec!["remote", "add", "origin", &url],
            fetch,
            check_out,
        ];
        // Without the permission, or without the token, nothing can be pushed.
        let kept = with.get("persist-credentials") != Some(&Value::Bool(false));
        if !kept || !self.may_write() {
            steps.push(vec!["remote", "set-url", "--push", "origin", "/forbidden"]);
        }
        steps.iter().all(|arguments| {
            let mut git = self.command("git");
            let said = git
                .args(arguments)
                .current_dir(self.workspace())
                .output()
                .unwrap();
            log.push_str(&String::from_utf8_lossy(&said.stderr));
            said.status.success()
        })
    }

    fn may_write(&self) -> bool {
        let of_workflow = &self.workflow["permissions"];
        let of_job = self.workflow["jobs"][self.id].get("permissions");
        of_job.unwrap_or(of_workflow)["contents"] == "write"
    }

    /// Restores what fits a key best: the key itself, else the newest that begins as one says. Gives the key that it had.
    fn take(&self, with: &Map<String, Value>, log: &mut String) -> Option<String> {
        let key = shown(&with["key"]);
        let others = with.get("restore-keys").map(shown).unwrap_or_default();
        let mut kept: Vec<_> = fs::read_dir(self.caches())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        kept.sort_by_key(|it| std::cmp::Reverse(it.metadata().unwrap().modified().unwrap()));
        let names: Vec<String> = kept
            .iter()
            .map(|it| it.file_name().into_string().unwrap())
            .collect();
        let begins = |start: &str| names.iter().find(|it| it.starts_with(start.trim()));
        let found = names.iter().find(|it| **it == key).or_else(|| {
            let mut starts = others.lines().filter(|it| !it.trim().is_empty());
            starts.find_map(begins)
        })?;
        log.push_str(&format!("from the cache: {found}\n"));
        copy(&self.caches().join(found), &self.path(with));
        Some(found.clone())
    }

    fn keep(&self, key: &str, path: &Path) {
        let to = self.caches().join(key);
        if path.exists() && !to.exists() {
            copy(path, &to);
        }
    }

    fn caches(&self) -> PathBuf {
        let place = self.runner.world.join("caches");
        fs::create_dir_all(&place).unwrap();
        place
    }

    fn path(&self, with: &Map<String, Value>) -> PathBuf {
        let path = shown(&with["path"]);
        self.home()
            .join(path.strip_prefix("~/").expect("a path in the home"))
    }

    /// The same for every job, as on machines that are made for one job.
    fn workspace(&self) -> PathBuf {
        self.runner.world.join("runner/work/shop/shop")
    }

    fn home(&self) -> PathBuf {
        self.runner.world.join("runner/home")
    }

    fn files(&self) -> PathBuf {
        self.runner.world.join("runner/temp")
    }

    /// A program with the variables of the runner, and nothing of this machine but its tools.
    fn command(&self, program: &str) -> Command {
        let event = self.event;
        let payload = self.files().join("event.json");
        fs::write(&payload, event.payload.to_string()).unwrap();
        let svc = Path::new(env!("CARGO_BIN_EXE_svc")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(svc.to_owned()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(path).unwrap();
        let (kind, name) = match event.reference.strip_prefix("refs/heads/") {
            Some(name) => ("branch", name),
            None => ("", event.reference.trim_start_matches("refs/pull/")),
        };
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTOR", "octocat")
            .env("GITHUB_EVENT_NAME", event.name)
            .env("GITHUB_EVENT_PATH", payload)
            .env("GITHUB_JOB", self.id)
            .env("GITHUB_REF", &event.reference)
            .env("GITHUB_REF_NAME", name)
            .env("GITHUB_REF_TYPE", kind)
            .env("GITHUB_REPOSITORY", "shop/shop")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_RUN_ID", self.runner.id().to_string())
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_SHA", &event.commit)
            .env("GITHUB_WORKSPACE", self.workspace())
            .env("RUNNER_ARCH", "X64")
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_TEMP", self.files())
            .envs(event.variables.iter().map(|(name, value)| (name, value)));
        let real = std::env::var_os("HOME").map(PathBuf::from);
        for (name, directory) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            let set = std::env::var_os(name).map(PathBuf::from);
            let place = set.or_else(|| Some(real.as_ref()?.join(directory)));
            command.envs(place.filter(|it| it.is_dir()).map(|it| (name, it)));
        }
        command
    }
}

fn only(value: &Value, known: &[&str]) {
    for key in value.as_object().expect("a mapping").keys() {
        assert!(
            known.contains(&key.as_str()),
            "`{key}` is known to this runner"
        );
    }
}

/// A mapping with its expressions put in.
fn map(value: &Value, scope: &Scope<'_>) -> Map<String, Value> {
    let entries = value.as_object().into_iter().flatten();
    let value = |it: &Value| match it {
        Value::String(text) => scope.text(text),
        other => other.clone(),
    };
    entries
        .map(|(name, it)| (name.clone(), value(it)))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let said = Command::new("cp")
        .arg("-Rp")
        .arg(from.join("."))
        .arg(to)
        .status();
    assert!(said.expect("cp starts").success());
}
