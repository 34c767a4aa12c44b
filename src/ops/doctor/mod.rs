//! `svc doctor`: what is wrong, or will be, and what helps. Each file looks at one area.

mod cache;
mod definition;
mod fix;
mod hooks;
mod ledger;
mod repository;
mod tools;

use crate::config::Loaded;
use crate::git::Fetch;
use crate::model::finding::{Area, Finding, Weight};
use crate::ops::failure::Failure;
use crate::ops::place::Place;

pub use crate::ops::doctor::fix::{Fixed, Fixes, Rewritten, Taking, fix};

/// What `svc doctor` is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// Ask no remote.
    pub offline: bool,
}

/// Looks at everything. What is wrong with one area does not keep the others from being looked at.
///
/// # Errors
/// Somebody asks `svc` to end.
pub fn doctor(
    place: &Place,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    tell("the repository");
    findings.extend(repository::look(place));
    tell("services.toml");
    let loaded = place.workspace();
    match &loaded {
        Ok(loaded) => findings.extend(definition::look(place, loaded)),
        Err(failure) => findings.push(invalid(failure)),
    }
    if let Ok(Loaded { workspace, .. }) = &loaded {
        tell("the tools");
        findings.extend(tools::look(place, workspace)?);
        tell("the cache");
        findings.extend(cache::look(place));
        tell("the ledgers");
        findings.extend(ledger::look(place, workspace, request.offline));
    } else {
        findings.extend(cache::look(place));
    }
    findings.extend(hooks::look(place));
    findings.sort_by_key(|finding| finding.area);
    Ok(findings)
}

/// Which workspace is looked at.
///
/// # Errors
/// There is none.
pub fn place(env: &crate::model::env::Env, request: Request) -> Result<Place, Failure> {
    let fetch = match request.offline {
        true => Fetch::Forbidden,
        false => Fetch::Allowed,
    };
    Place::find(env, fetch)
}

fn invalid(failure: &Failure) -> Finding {
    let words = match failure {
        Failure::Invalid(_) => failure.to_string(),
        _ => with_causes(failure),
    };
    Finding::new(Area::Definition, Weight::Failure, "services.toml", words)
        .fix("svc check shows every problem with its line")
}

/// What went wrong and why, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
}
