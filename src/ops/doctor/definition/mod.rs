//! What is likely a mistake in `services.toml`: it is laid beside the files that are there, and beside what `svc init` would
//! write. Each file looks for one kind of mistake.

mod fitting;
mod inferred;
mod outputs;
mod patterns;
mod shared;
mod unread;
mod unshown;

use crate::config::{FILE, Loaded, Source};
use crate::model::finding::{Area, Finding, Weight};
use crate::model::workspace::Workspace;
use crate::ops::doctor::with_causes;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::survey::{Survey, survey, with_source};

pub use crate::ops::doctor::definition::inferred::only;

/// So many of a kind are told one by one.
const TOLD: usize = 8;

/// What is looked at.
struct Sight<'s> {
    workspace: &'s Workspace,
    source: &'s dyn Source,
    survey: &'s Survey,
}

/// Looks at the definition beside the files that are there.
pub fn look(place: &Place, loaded: &Loaded) -> Vec<Finding> {
    let mut findings = vec![summary(loaded)];
    let compared = with_source(place, |source| {
        let survey = survey(place, source)?;
        compare(place, &loaded.workspace, source, &survey)
    });
    match compared {
        Ok(compared) => findings.extend(compared),
        Err(failure) => findings.push(
            finding(Weight::Failure, "files", with_causes(&failure))
                .fix("the definition was not compared with the files; mend that first"),
        ),
    }
    findings
}

fn compare(
    place: &Place,
    workspace: &Workspace,
    source: &dyn Source,
    survey: &Survey,
) -> Result<Vec<Finding>, Failure> {
    let sight = Sight {
        workspace,
        source,
        survey,
    };
    let mut findings = inferred::look(place, &sight)?;
    findings.extend(unshown::look(&sight));
    findings.extend(fitting::look(&sight)?);
    findings.extend(patterns::look(&sight)?);
    findings.extend(shared::look(&sight));
    findings.extend(outputs::look(place, &sight)?);
    Ok(findings)
}

fn summary(loaded: &Loaded) -> Finding {
    let services = loaded.workspace.services().len();
    let count = match services {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    match loaded.warnings.rows().len() {
        0 => Finding::fine(Area::Definition, FILE, format!("it is valid: {count}")),
        warnings => {
            let words = format!("it is valid, with {warnings} that svc check warns of");
            finding(Weight::Warning, FILE, words).fix("svc check")
        }
    }
}

/// The first of many findings, and in the place of the others one that counts them.
fn first_of(mut all: Vec<Finding>, command: &str) -> Vec<Finding> {
    // One that counts a single one would take as much room.
    if all.len() > TOLD + 1
        && let Some(first) = all.first()
    {
        let words = format!("and {} more of this kind", all.len() - TOLD);
        let rest = finding(first.weight, FILE, words).fix(command);
        all.truncate(TOLD);
        all.push(rest);
    }
    all
}

fn finding(weight: Weight, about: &str, words: impl Into<String>) -> Finding {
    Finding::new(Area::Definition, weight, about, words)
}
