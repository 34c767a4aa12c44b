//! Starting a service on this machine, and waiting until it is well.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::Hands;
use crate::health::{self, Answer};
use crate::model::deploy::{Health, Probe};
use crate::model::name::ServiceName;
use crate::model::run::TaskResult;
use crate::ops::deploy::bring::{Going, failed};
use crate::ops::deploy::serve::definition::{DEFINITION, Definition};
use crate::ops::deploy::serve::files::Files;
use crate::ops::deploy::serve::label;
use crate::process::Control;
use crate::process::local::{Local, Restart, ServeSpec, State};

/// How often a service may end right after its start before it counts as failed.
const MOST_ENDS: u32 = 3;

/// A service that this machine runs, or is to run.
#[derive(Clone)]
pub struct Serving {
    pub(in crate::ops::deploy::serve) local: Local,
    pub(in crate::ops::deploy::serve) definition: Definition,
    pub(in crate::ops::deploy::serve) files: Files,
    pub(in crate::ops::deploy::serve) port: Option<u16>,
    /// What everything that runs here is given.
    pub(in crate::ops::deploy::serve) variables: BTreeMap<OsString, OsString>,
    pub(in crate::ops::deploy::serve) keep: usize,
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
