//! Those who are told of all runs of one call, as a deploy is several, and speak at its end: files for machines, remarks and
//! the summary for a CI system.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::model::event::Event;
use crate::report::ci::SummaryPlace;
use crate::report::code_quality::CodeQuality;
use crate::report::events::EventsReporter;
use crate::report::grounds::Grounds;
use crate::report::junit::Junit;
use crate::report::output::Output;
use crate::report::remarks::Remarks;
use crate::report::replace::replace;
use crate::report::reporter::Reporter;
use crate::report::settings::Settings;
use crate::report::summary::JobSummary;
use crate::report::view::DeployEndView;

/// What a call of the program is about.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// `svc test`.
    pub command: String,
    pub grounds: Grounds,
}

/// A program of the CI system's agent that is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What it reads on its standard input.
    pub input: String,
}

/// All of them.
pub struct Lasting {
    settings: Settings,
    output: Output,
    events: Option<EventsReporter>,
    junit: Option<Junit>,
    code_quality: Option<CodeQuality>,
    remarks: Option<Remarks>,
    summary: Option<JobSummary>,
}

/// The largest summary that is shown.
const LARGEST_SUMMARY: usize = 1 << 20;

impl Lasting {
    /// Those that `settings` ask for. Commands for the CI system go to `output`.
    pub fn new(settings: &Settings, output: &Output, about: About) -> Self {
        let dialect = settings.ci.dialect();
        let files = &settings.files;
        let has_remarks = !settings.ci.systems.is_empty()
            || files.code_quality.is_some()
            || files.junit.is_some();
        let remarks = || Remarks::new(dialect, output.clone(), about.grounds);
        let has_summary = dialect.summary() != SummaryPlace::None;
        Self {
            events: files.events.as_deref().map(EventsReporter::create),
            junit: files.junit.clone().map(Junit::create),
            code_quality: files.code_quality.clone().map(CodeQuality::create),
            remarks: has_remarks.then(remarks),
            summary: has_summary.then(|| JobSummary::new(&about.command)),
            settings: settings.clone(),
            output: output.clone(),
        }
    }

    /// Tells them of `event`, and gives what there is to warn of.
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        if let Some(events) = &mut self.events {
            events.event(event);
        }
        if let Some(summary) = &mut self.summary {
            summary.event(event);
        }
        if let Some(remarks) = &mut self.remarks {
            remarks.event(event);
            if let (Event::RunFinished { .. }, Some(file)) = (event, &mut self.code_quality) {
                file.write(remarks.all());
            }
        }
        if let Some(junit) = &mut self.junit {
            let remarks = self.remarks.as_ref().map(Remarks::all);
            junit.event(event, remarks.unwrap_or_default());
        }
        let warnings = [
            self.events.as_mut().and_then(EventsReporter::take_warning),
            self.junit.as_mut().and_then(Junit::take_warning),
            self.code_quality
                .as_mut()
                .and_then(CodeQuality::take_warning),
        ];
        warnings.into_iter().flatten().collect()
    }

    /// There was nothing to do, and this was said of it.
    pub fn nothing_to_do(&mut self, said: &str) {
        if let Some(summary) = &mut self.summary {
            summary.nothing_to_do(said);
        }
    }

    /// Puts the summary where the CI system shows it. Gives what is left to be done by its agent's programs, and what there
    /// is to warn of.
    pub fn close(&self, end: Option<&DeployEndView>) -> (Vec<Errand>, Option<String>) {
        let Some(summary) = &self.summary else {
            return (Vec::new(), None);
        };
        let ci = &self.settings.ci;
        let written = match ci.dialect().summary() {
            SummaryPlace::None => Ok(()),
            SummaryPlace::File => match &ci.summary {
                Some(file) => append(file, |limit| summary.text(end, limit)),
                None => Ok(()),
            },
            SummaryPlace::Uploaded => self.upload(&summary.text(end, LARGEST_SUMMARY)),
            SummaryPlace::Agent => {
                let text = summary.text(end, LARGEST_SUMMARY);
                let errand = (!text.is_empty()).then(|| annotate(text, summary.has_failed()));
                return (errand.into_iter().collect(), None);
            }
        };
        let warning = written.err();
        let warning = warning.map(|it| format!("the summary of this run is not shown: {it}"));
        (Vec::new(), warning)
    }

    fn upload(&self, text: &str) -> std::io::Result<()> {
        let Some(scratch) = self
            .settings
            .ci
            .scratch
            .as_ref()
            .filter(|_| !text.is_empty())
        else {
            return Ok(());
        };
        let name = format!("svc-summary-{}.md", std::process::id());
        let file = scratch.join(name);
        replace(&file, text.as_bytes())?;
        let command = self
            .settings
            .ci
            .dialect()
            .take_summary(&file.display().to_string());
        if let Some(command) = command {
            self.output.command(&command);
        }
        Ok(())
    }
}

/// Appends as much as still fits.
fn append(file: &Path, text: impl Fn(usize) -> String) -> std::io::Result<()> {
    let size = file.metadata().map_or(0, |it| it.len());
    let limit = LARGEST_SUMMARY.saturating_sub(usize::try_from(size).unwrap_or(usize::MAX));
    let text = text(limit);
    if text.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(text.as_bytes())
}

fn annotate(text: String, has_failed: bool) -> Errand {
    let style = if has_failed { "error" } else { "info" };
    let words = [
        "buildkite-agent",
        "annotate",
        "--style",
        style,
        "--context",
        "svc",
        "--append",
    ];
    Errand {
        command: words.map(String::from).to_vec(),
        input: text,
    }
}
