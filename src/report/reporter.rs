//! Who is told of what happens during a run.

use crate::model::event::Event;
use crate::report::events::EventsReporter;
use crate::report::output::Output;
use crate::report::people::People;
use crate::report::run_json::RunJson;
use crate::report::settings::{Format, Settings};

/// Somebody who is told of each event, in order. Implementations match every kind, so that a new one cannot be forgotten.
pub trait Reporter: Send {
    /// Takes note of `event`.
    fn event(&mut self, event: &Event);
}

/// All who are told of a run.
pub struct Reporters {
    events: Option<EventsReporter>,
    others: Vec<Box<dyn Reporter>>,
}

impl Reporters {
    /// Those that `settings` ask for: people, on standard error; a document on standard output; a file of events.
    pub fn new(settings: &Settings, stdout: &Output, stderr: &Output) -> Self {
        let people = People::new(settings, stderr.clone());
        let mut reporters = Self {
            events: settings.events.as_deref().map(EventsReporter::create),
            others: vec![Box::new(people)],
        };
        match settings.format {
            Format::Text => {}
            Format::Json => reporters.push(Box::new(RunJson::new(stdout.clone()))),
        }
        reporters
    }

    /// Those for the next run of the same call: people see a new one begin, the file of events goes on.
    pub fn next_run(self, settings: &Settings, stdout: &Output, stderr: &Output) -> Self {
        let settings = Settings {
            events: None,
            ..settings.clone()
        };
        Self {
            events: self.events,
            ..Self::new(&settings, stdout, stderr)
        }
    }

    /// Adds one more.
    pub fn push(&mut self, reporter: Box<dyn Reporter>) {
        self.others.push(reporter);
    }
}

impl Reporter for Reporters {
    fn event(&mut self, event: &Event) {
        if let Some(events) = &mut self.events {
            events.event(event);
            if let Some(message) = events.take_warning() {
                self.tell_others(&Event::Warned { message });
            }
        }
        self.tell_others(event);
    }
}

impl Reporters {
    fn tell_others(&mut self, event: &Event) {
        for reporter in &mut self.others {
            reporter.event(event);
        }
    }
}
