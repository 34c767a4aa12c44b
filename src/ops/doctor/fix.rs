//! What `svc doctor --fix` does by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::model::finding::{Finding, Step};
use crate::ops::doctor::repository::has_remote;
use crate::ops::doctor::with_causes;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// A step that was taken, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// What was done, or tried.
    pub words: String,
    /// Why it could not be done.
    pub failed: Option<String>,
}

/// Takes every step that nothing can be lost by.
pub fn fix(place: &Place, findings: &[Finding]) -> Vec<Fixed> {
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let steps = fixes.filter_map(|fix| Some((&fix.words, fix.step.as_ref()?)));
    steps
        .map(|(words, step)| Fixed {
            words: words.clone(),
            failed: take(place, step).err().map(|failure| with_causes(&failure)),
        })
        .collect()
}

fn take(place: &Place, step: &Step) -> Result<(), Failure> {
    match step {
        Step::MakeExecutable { path } => {
            let attempt = || format!("make `{path}` executable");
            let file = |cause| Failure::File {
                attempt: attempt(),
                cause,
            };
            let mut permissions = fs::metadata(path).map_err(file)?.permissions();
            // Whoever may read it may run it.
            let mode = permissions.mode();
            permissions.set_mode(mode | (mode & 0o444) >> 2);
            fs::set_permissions(path, permissions).map_err(file)
        }
        Step::LearnDefaultBranch { remote } => {
            let Some(repo) = &place.repo else {
                return Ok(());
            };
            if !has_remote(repo, remote)? {
                return Ok(());
            }
            let arguments = ["remote", "set-head", remote, "--auto"];
            let finished = repo.git().talk(arguments)?;
            finished.into_output()?;
            Ok(())
        }
        Step::AddDependencies { .. } => Ok(()),
    }
}
