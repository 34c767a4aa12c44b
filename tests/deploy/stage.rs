//! A workspace of three services whose deploys leave traces: who came and went, and what is left to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Said, Svc, TestRepo};

/// What the target does. A step says when it comes and goes; between the two, what runs is only half there. It waits where
/// a test holds it, and fails where the source is bad or a test says so.
const STEP: &str = r#"set -eu
verb=$1
place="$STAGE/runs/$SVC_ENV.$SVC_SERVICE"
say() { echo "$1 $verb $SVC_ENV $SVC_SERVICE $SVC_VERSION $SVC_DEPLOY_ID" >> "$STAGE/steps"; }
say enter
echo half > "$place"
if [ -e "$STAGE/hold/$SVC_SERVICE" ]; then
    echo $$ > "$STAGE/reached/$SVC_SERVICE"
    while [ -e "$STAGE/hold/$SVC_SERVICE" ]; do sleep 0.02; done
fi
if [ -e "$STAGE/fail/$SVC_SERVICE" ] || { [ "$verb" = deploy ] && grep -q bad src; }; then
    say fail
    exit 1
fi
case $verb in
remove) rm -f "$place" ;;
*) echo "$SVC_VERSION ${SVC_VALUE_IMAGE:-none} ${2:-plain}" > "$place" ;;
esac
say leave
"#;

const TARGET: &str = r#"
about = "Writes down what runs"
deploy = 'sh "$STAGE/step" deploy'
remove = 'sh "$STAGE/step" remove'
"#;

/// `base`, `api` that needs it, and `side`. A build is counted, and gives its source as a value.
const SERVICES: &str = r#"
version = 1
[workspace]
name = "stage"
pass-env = ["STAGE"]
[environments.staging]
target = "stage"
[environments.production]
target = "stage"
[tasks.build]
run = '''
echo "$SVC_SERVICE" >> "$STAGE/builds"
echo "image=$(cat src)" >> "$SVC_VALUES"
'''
outputs = []
[services.base]
path = "base"
build = {}
deploy = {}
[services.api]
path = "api"
depends-on = ["base"]
build = {}
deploy = {}
[services.side]
path = "side"
build = {}
deploy = {}
"#;

/// The services.
pub const ALL: [&str; 3] = ["api", "base", "side"];

/// Where the ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// In git, on a bare remote.
    Git,
    /// In a file.
    File,
}

/// The workspace, with everything that is told of its deploys.
pub struct Stage {
    pub repo: TestRepo,
    pub root: PathBuf,
    pub ledger: Ledger,
}

/// What a step said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// `enter`, `leave` or `fail`.
    pub what: String,
    pub verb: String,
    pub environment: String,
    pub service: String,
    pub version: String,
    pub deploy: String,
}

impl Stage {
    /// With a ledger in git.
    pub fn new() -> Self {
        Self::with(Ledger::Git)
    }

    /// With nothing deployed yet.
    pub fn with(ledger: Ledger) -> Self {
        let repo = TestRepo::new();
        let root = repo.root().to_owned();
        let stage = Self { repo, root, ledger };
        for directory in ["runs", "hold", "reached", "fail"] {
            std::fs::create_dir_all(stage.place(directory)).unwrap();
        }
        for file in ["steps", "builds"] {
            std::fs::write(stage.place(file), "").unwrap();
        }
        std::fs::write(stage.place("step"), STEP).unwrap();
        stage.repo.write("services.toml", SERVICES);
        stage.repo.write(".svc/targets/stage.toml", TARGET);
        for service in ALL {
            stage.repo.write(&format!("{service}/src"), "one\n");
        }
        stage.repo.git(&["config", "user.name", "Ann"]);
        stage.repo.commit("first");
        if ledger == Ledger::Git {
            let origin = stage.origin();
            let origin = origin.to_str().unwrap();
            stage
                .repo
                .git(&["init", "--quiet", "--bare", "--initial-branch=main", origin]);
            stage
                .repo
                .git(&["remote", "add", "origin", &format!("file://{origin}")]);
            stage.push();
        }
        stage
    }

    /// With the first release of everything in staging.
    pub fn deployed(ledger: Ledger) -> Self {
        let stage = Self::with(ledger);
        stage.deploy(&["--bootstrap"]).stdout();
        stage.forget();
        stage
    }

    /// A file or directory of what is told.
    pub fn place(&self, path: &str) -> PathBuf {
        self.repo.beside("stage").join(path)
    }

    /// The bare repository.
    pub fn origin(&self) -> PathBuf {
        self.repo.beside("origin.git")
    }

    /// Another clone, of somebody else.
    pub fn another(&self, name: &str) -> PathBuf {
        let place = self.repo.beside(name);
        let origin = format!("file://{}", self.origin().display());
        self.repo
            .git(&["clone", "--quiet", &origin, place.to_str().unwrap()]);
        self.repo.at(&place).git(&["config", "user.name", name]);
        place
    }

    /// `svc` somewhere.
    pub fn svc_at(&self, root: &Path, arguments: &[&str]) -> Svc {
        let svc = self.repo.at(root).svc(arguments);
        svc.env("STAGE", self.place(""))
    }

    /// `svc` in the first clone.
    pub fn svc(&self, arguments: &[&str]) -> Svc {
        self.svc_at(&self.root, arguments)
    }

    /// A deploy to staging.
    pub fn deploy(&self, arguments: &[&str]) -> Svc {
        self.svc(&[&["deploy", "--env", "staging"], arguments].concat())
    }

    /// A deploy to staging that goes well.
    pub fn deploy_well(&self, arguments: &[&str]) -> Said {
        let said = self.deploy(arguments).run();
        assert_eq!(said.code(), 0, "{}", said.all());
        said
    }

    /// Gives services another source, in a new commit.
    pub fn change(&self, services: &[&str], source: &str) -> String {
        for service in services {
            self.repo
                .write(&format!("{service}/src"), format!("{source}\n"));
        }
        self.commit(source)
    }

    /// Commits everything, for everybody.
    pub fn commit(&self, message: &str) -> String {
        let commit = self.repo.commit(message);
        if self.ledger == Ledger::Git {
            self.push();
        }
        commit
    }

    fn push(&self) {
        self.repo.git(&["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// Replaces something in `services.toml`.
    pub fn redefine(&self, from: &str, to: &str) {
        let old = self.repo.read("services.toml");
        let new = old.replacen(from, to, 1);
        assert_ne!(old, new, "{from}");
        self.repo.write("services.toml", new);
    }

    /// Makes steps of a service wait from now on.
    pub fn hold(&self, service: &str) {
        let _ = std::fs::remove_file(self.place("reached").join(service));
        std::fs::write(self.place("hold").join(service), "").unwrap();
    }

    /// Lets them go on.
    pub fn let_go(&self, service: &str) {
        let _ = std::fs::remove_file(self.place("hold").join(service));
    }

    /// Waits until a step of a service is held.
    pub fn wait_until_held(&self, service: &str) {
        let place = self.place("reached").join(service);
        until(&format!("{service} is held"), || {
            std::fs::read_to_string(&place).is_ok_and(|it| it.ends_with('\n'))
        });
    }

    /// Makes every step of a service fail from now on.
    pub fn fail(&self, service: &str) {
        std::fs::write(self.place("fail").join(service), "").unwrap();
    }

    /// No more.
    pub fn mend(&self, service: &str) {
        let _ = std::fs::remove_file(self.place("fail").join(service));
    }

    /// Forgets what steps and builds said.
    pub fn forget(&self) {
        for file in ["steps", "builds"] {
            std::fs::write(self.place(file), "").unwrap();
        }
    }

    /// Which services were built, in order.
    pub fn builds(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.place("builds")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What the steps said, in order.
    pub fn traces(&self) -> Vec<Trace> {
        let text = std::fs::read_to_string(self.place("steps")).unwrap();
        let trace = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let [what, verb, environment, service, version, deploy] = words.try_into().unwrap();
            Trace {
                what,
                verb,
                environment,
                service,
                version,
                deploy,
            }
        };
        text.lines().map(trace).collect()
    }

    /// What the steps that were begun did, in order: `deploy api`.
    pub fn steps(&self) -> Vec<String> {
        let begun = self.traces().into_iter().filter(|it| it.what == "enter");
        begun
            .map(|it| format!("{} {}", it.verb, it.service))
            .collect()
    }

    /// What really runs: `VERSION IMAGE LABEL`; none if nothing does.
    pub fn runs(&self, environment: &str, service: &str) -> Option<String> {
        let file = self.place("runs").join(format!("{environment}.{service}"));
        let text = std::fs::read_to_string(file).ok()?;
        Some(text.trim_end().to_owned())
    }

    /// The source that really runs in staging, as the value of its build tells.
    pub fn source(&self, service: &str) -> String {
        let runs = self.runs("staging", service).unwrap_or_default();
        runs.split(' ').nth(1).unwrap_or(&runs).to_owned()
    }

    /// All entries of an environment, oldest first.
    pub fn history(&self, environment: &str) -> Vec<Value> {
        let arguments = ["history", "--env", environment, "-n", "100000"];
        let mut document = self.svc(&arguments).json();
        let entries = document["entries"].take();
        let mut entries = entries.as_array().unwrap().clone();
        entries.reverse();
        entries
    }

    /// The states of all services of an environment, by name, as `svc status` has them.
    pub fn status(&self, environment: &str) -> BTreeMap<String, Value> {
        let document = self.svc(&["status", "--env", environment]).json();
        assert_eq!(document["refreshed"], true, "{document:#}");
        let environments = document["environments"].as_array().unwrap();
        let found = environments.iter().find(|it| it["name"] == environment);
        let services = found.unwrap()["services"].as_array().unwrap().clone();
        let named = |it: Value| (it["name"].as_str().unwrap().to_owned(), it);
        services.into_iter().map(named).collect()
    }

    /// The services of staging that are in `state`.
    pub fn in_state(&self, state: &str) -> Vec<String> {
        let services = self.status("staging").into_iter();
        let services = services.filter(|(_, it)| it["state"] == state);
        services.map(|(name, _)| name).collect()
    }

    /// The history is in order, and whatever it says runs does run. Gives the state of each service.
    pub fn expect_true(&self, environment: &str, when: &str) -> BTreeMap<String, String> {
        let entries = self.history(environment);
        expect_in_order(&entries, when);
        let mut states = BTreeMap::new();
        for (service, it) in self.status(environment) {
            let runs = self.runs(environment, &service);
            let version = runs.as_ref().map(|it| it.split(' ').next().unwrap());
            let state = it["state"].as_str().unwrap();
            states.insert(service.clone(), state.to_owned());
            match state {
                "unknown" | "deploying" => {}
                "absent" => assert_eq!(version, None, "{when}: {service}"),
                _ => assert_eq!(it["version"].as_str(), version, "{when}: {it:#}"),
            }
        }
        states
    }

    /// Everything that the working tree has runs, is known to, and nothing is due.
    pub fn expect_all_deployed(&self, when: &str) {
        let states = self.expect_true("staging", when);
        assert!(
            states.values().all(|it| it == "running"),
            "{when}: {states:?}"
        );
        for service in ALL {
            let source = self.repo.read(&format!("{service}/src"));
            assert_eq!(self.source(service), source.trim_end(), "{when}: {service}");
        }
        let said = self.deploy(&[]).run();
        assert_eq!(said.code(), 0, "{when}: {}", said.all());
        assert!(!said.all().contains("deploying"), "{when}: {}", said.all());
    }
}

/// Each entry of a service begins where the one before ended, and every end has its own beginning.
pub fn expect_in_order(entries: &[Value], when: &str) {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for entry in entries {
        let is_start = entry["state"] == "started";
        let before = last.insert(entry["service"].as_str().unwrap(), entry);
        let is_open = before.is_some_and(|it| it["state"] == "started");
        if is_start {
            let runs = match before {
                None => Value::Null,
                Some(_) if is_open => Value::from("unknown"),
                Some(before) => before["runs"].clone(),
            };
            assert_eq!(entry["before"], runs, "{when}: {entry:#}");
        } else {
            let before = before.unwrap_or_else(|| panic!("{when}: no beginning: {entry:#}"));
            assert!(is_open, "{when}: {before:#} {entry:#}");
            assert_eq!(before["deploy"], entry["deploy"], "{when}");
            assert_eq!(before["brings"], entry["brings"], "{when}");
        }
    }
}

/// Waits for something that is about to happen.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
