//! What CI systems read in a log: folds, annotations, masks. One small file for each system; the others get plain lines.
//!
//! What a dialect says is the only text that goes out beside the [`guard`], which keeps everything else from being read as
//! its commands. The facts are those of the vendors' documentation; their quirks stand beside the code that heeds them.

mod azure;
mod buildkite;
mod github;
mod gitlab;
pub mod guard;
mod plain;
mod teamcity;

use std::fmt::Debug;
use std::path::PathBuf;

use crate::model::annotation::Annotation;
use crate::model::ci::System;
use crate::report::ci::guard::{Guard, Marker};

/// How one CI system is spoken to. Texts are whole lines without their end.
pub trait Dialect: Debug + Send + Sync {
    /// What the system would read as a command.
    fn markers(&self) -> &'static [Marker] {
        &[]
    }

    /// Begins a fold; none where there are no folds.
    fn open(&self, fold: &Fold) -> Option<String> {
        let _ = fold;
        None
    }

    /// Ends it; none where the next one does.
    fn close(&self, fold: &Fold) -> Option<String> {
        let _ = fold;
        None
    }

    /// Whether a fold that is to be open is read without a click, also when the job is over.
    fn keeps_open(&self) -> bool {
        false
    }

    /// Stands before what is to be read last and is no part of a fold, where folds do not end by themselves.
    fn after_folds(&self, text: &str) -> Option<String> {
        let _ = text;
        None
    }

    /// Marks a place in a file; none where that is not done in the log.
    fn annotation(&self, annotation: &Annotation) -> Option<String> {
        let _ = annotation;
        None
    }

    /// How many annotations of one severity are shown.
    fn most_annotations(&self) -> usize {
        50
    }

    /// Has a line of a secret hidden; none where the system does not read such a thing: it would stand in the log.
    fn mask(&self, line: &str) -> Option<String> {
        let _ = line;
        None
    }

    /// Where the summary of a run goes.
    fn summary(&self) -> SummaryPlace {
        SummaryPlace::None
    }

    /// Takes over a summary that was written to a file.
    fn take_summary(&self, file: &str) -> Option<String> {
        let _ = file;
        None
    }
}

/// The log of one task, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Letters, digits, `_`, `.` and `-`, and no other fold of the job has it.
    pub name: String,
    pub title: String,
    /// Seconds since 1970.
    pub time: u64,
    /// Whether it is to be seen without a click.
    pub is_open: bool,
}

/// Where a summary of the run can be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryPlace {
    None,
    /// Appended to the file that a variable names.
    File,
    /// Written to a file that the log then names.
    Uploaded,
    /// Given to the agent's program.
    Agent,
}

/// What is known of the CI system around this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CiSettings {
    /// All whose variables are set, the most specific first: that one is spoken to, all are guarded against.
    pub systems: Vec<System>,
    /// The file that summaries are appended to.
    pub summary: Option<PathBuf>,
    /// A directory that the agent clears after the job.
    pub scratch: Option<PathBuf>,
}

impl CiSettings {
    /// What `variable` says of it.
    pub fn new(systems: Vec<System>, variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        Self {
            systems,
            summary: variable("GITHUB_STEP_SUMMARY"),
            scratch: variable("AGENT_TEMPDIRECTORY"),
        }
    }

    /// How the system is spoken to.
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.systems
            .first()
            .map_or(&plain::Plain, |it| dialect(*it))
    }

    /// Keeps text from being read as commands of any of the systems.
    pub fn guard(&self) -> Guard {
        let markers = self.systems.iter().flat_map(|it| dialect(*it).markers());
        Guard::new(markers.copied())
    }
}

/// How a system is spoken to.
pub fn dialect(system: System) -> &'static dyn Dialect {
    match system {
        System::GitHub => &github::GitHub,
        System::GitLab => &gitlab::GitLab,
        System::Buildkite => &buildkite::Buildkite,
        System::Azure => &azure::Azure,
        System::TeamCity => &teamcity::TeamCity,
        System::CircleCi
        | System::Woodpecker
        | System::Drone
        | System::Bitbucket
        | System::Jenkins => &plain::Plain,
    }
}

/// `text` with `escapes` applied to each letter that has one.
fn escape(text: &str, escapes: &[(char, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match escapes.iter().find(|(it, _)| *it == letter) {
            Some((_, escaped)) => out.push_str(escaped),
            None => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::annotation::Severity;

    fn fold() -> Fold {
        Fold {
            name: "svc_7_api-test".to_owned(),
            title: "api:test 100%\nx'|[]".to_owned(),
            time: 1_700_000_000,
            is_open: false,
        }
    }

    fn annotation() -> Annotation {
        Annotation {
            severity: Severity::Error,
            path: Some("a,b:c;]/x.rs".into()),
            line: Some(3),
            column: Some(5),
            code: Some("E0382".to_owned()),
            ..Annotation::new("api:test", "50% done,\nor 'so' |[x]")
        }
    }

    #[test]
    fn each_system_is_spoken_to_in_its_dialect() {
        let mut said = String::new();
        for system in [
            System::GitHub,
            System::GitLab,
            System::Buildkite,
            System::Azure,
            System::TeamCity,
            System::Jenkins,
        ] {
            let dialect = dialect(system);
            let lines = [
                dialect.open(&fold()),
                dialect.close(&fold()),
                dialect.after_folds("it failed"),
                dialect.annotation(&annotation()),
                dialect.mask("a%b;c"),
                dialect.take_summary("/tmp/a b.md"),
            ];
            said.push_str(&format!("# {system}\n"));
            for line in lines.into_iter().flatten() {
                said.push_str(&format!("{line}\n"));
            }
        }
        let said = said.replace('\u{1b}', "^[").replace('\r', "^M");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn the_most_specific_is_spoken_to_and_all_are_guarded_against() {
        let systems = vec![System::Buildkite, System::TeamCity];
        let ci = CiSettings::new(systems, |_| None);
        let mut guard = ci.guard();
        let out = guard.pass(b"--- x\n##teamcity[x]\n::error::\n");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "-- - x\n##teamcity [x]\n::error::\n"
        );
        assert!(CiSettings::default().guard().is_idle());
    }
}
