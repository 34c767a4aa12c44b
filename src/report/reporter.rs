//! Who is told of what happens during a run.

use crate::model::event::Event;
use crate::report::lasting::{About, Errand, Lasting};
use crate::report::message;
use crate::report::output::Output;
use crate::report::people::People;
use crate::report::run_json::RunJson;
use crate::report::settings::{Format, Settings};
use crate::report::view::DeployEndView;

/// Somebody who is told of each event, in order. Implementations match every kind, so that a new one cannot be forgotten.
pub trait Reporter: Send {
    /// Takes note of `event`.
    fn event(&mut self, event: &Event);
}

/// All who are told of a run.
pub struct Reporters {
    settings: Settings,
    stderr: Output,
    lasting: Lasting,
    others: Vec<Box<dyn Reporter>>,
}

impl Reporters {
    /// Those that `settings` ask for: people, on standard error; a document on standard output; files.
    pub fn new(settings: &Settings, stdout: &Output, stderr: &Output, about: About) -> Self {
        Self {
            settings: settings.clone(),
            stderr: stderr.clone(),
            lasting: Lasting::new(settings, stderr, about),
            others: others(settings, stdout, stderr),
        }
    }

    /// Those for the next run of the same call: people see a new one begin, files go on.
    pub fn next_run(self, stdout: &Output) -> Self {
        Self {
            others: others(&self.settings, stdout, &self.stderr),
            ..self
        }
    }

    /// There is nothing to do, and this was said of it.
    pub fn nothing_to_do(&mut self, said: &str) {
        self.lasting.nothing_to_do(said);
    }

    /// The call is over. Gives what is left to be done by programs of the CI system's agent.
    pub fn close(self, end: Option<&DeployEndView>) -> Vec<Errand> {
        let (errands, warning) = self.lasting.close(end);
        if let Some(warning) = warning {
            let text = message::warning(&warning, self.settings.stderr);
            self.stderr.write(&text);
        }
        errands
    }
}

impl Reporter for Reporters {
    fn event(&mut self, event: &Event) {
        for message in self.lasting.event(event) {
            tell(&mut self.others, &Event::Warned { message });
        }
        tell(&mut self.others, event);
    }
}

fn others(settings: &Settings, stdout: &Output, stderr: &Output) -> Vec<Box<dyn Reporter>> {
    let mut others: Vec<Box<dyn Reporter>> = vec![Box::new(People::new(settings, stderr.clone()))];
    match settings.format {
        Format::Text => {}
        Format::Json => others.push(Box::new(RunJson::new(stdout.clone()))),
    }
    others
}

fn tell(others: &mut [Box<dyn Reporter>], event: &Event) {
    for reporter in others {
        reporter.event(event);
    }
}
