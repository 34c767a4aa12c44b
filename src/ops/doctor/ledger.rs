//! Whether the ledgers can be reached, and whether somebody left a lease behind.

use std::time::Duration;

use crate::ledger::{Refresh, Seen};
use crate::model::finding::{Area, Finding, Weight};
use crate::model::name::EnvironmentName;
use crate::model::workspace::Workspace;
use crate::ops::deploy::environment::names;
use crate::ops::doctor::with_causes;
use crate::ops::ledger::{Ledgers, UNKNOWN, is_at_work, who};
use crate::ops::place::Place;

/// How long a remote may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the ledger of every environment.
pub fn look(place: &Place, workspace: &Workspace, offline: bool) -> Vec<Finding> {
    let refresh = match offline {
        true => Refresh::Never,
        false => Refresh::Within(PATIENCE),
    };
    let environments = names(workspace);
    let ledgers = match Ledgers::open(place, &workspace.settings().ledger) {
        Ok(ledgers) => ledgers,
        Err(failure) => return vec![unreachable("all environments", with_causes(&failure))],
    };
    let mut findings = nobody(place, &environments);
    findings.extend(looked(&ledgers, &environments, refresh, offline));
    findings
}

/// Whether deploys would be recorded as those of nobody.
fn nobody(place: &Place, environments: &[EnvironmentName]) -> Vec<Finding> {
    let is_shared = environments.iter().any(|it| it.as_str() != "local");
    if !is_shared || who(place).name != UNKNOWN {
        return Vec::new();
    }
    let words = format!("who you are is not known: deploys would be recorded as by `{UNKNOWN}`");
    let finding = Finding::new(Area::Ledger, Weight::Hint, "user.name", words);
    vec![finding.fix("git config --global user.name 'Your Name'")]
}

fn looked(
    ledgers: &Ledgers,
    environments: &[EnvironmentName],
    refresh: Refresh,
    offline: bool,
) -> Vec<Finding> {
    match ledgers.look(environments, refresh) {
        Ok(looks) => {
            let pairs = environments.iter().zip(looks);
            pairs
                .flat_map(|(name, (ledger, seen))| of_one(name, &ledger, &seen, offline))
                .collect()
        }
        // One by one, to tell which.
        Err(_) => environments
            .iter()
            .flat_map(
                |name| match ledgers.look(std::slice::from_ref(name), refresh) {
                    Ok(looks) => looks
                        .into_iter()
                        .flat_map(|(ledger, seen)| of_one(name, &ledger, &seen, offline))
                        .collect(),
                    Err(failure) => vec![unreachable(name.as_str(), with_causes(&failure))],
                },
            )
            .collect(),
    }
}

fn of_one(name: &EnvironmentName, ledger: &str, seen: &Seen, offline: bool) -> Vec<Finding> {
    let about = name.as_str();
    let mut findings = vec![match &seen.stale {
        Some(reason) if !offline => unreachable(about, format!("{ledger}: {reason}")),
        _ => {
            let known = match seen.standings.len() {
                0 => "nothing was deployed yet".to_owned(),
                1 => "knows 1 service".to_owned(),
                many => format!("knows {many} services"),
            };
            Finding::fine(Area::Ledger, about, format!("{ledger}: {known}"))
        }
    }];
    if let Some(lease) = &seen.lease
        && !lease.sticky
        && !is_at_work(lease)
    {
        let words = format!(
            "a lease was left by `{}`, which is over; the next deploy takes it",
            lease.holder.command
        );
        let finding = Finding::new(Area::Ledger, Weight::Hint, about, words);
        findings.push(finding.fix(format!("svc lock release --env {about}")));
    }
    findings
}

fn unreachable(about: &str, reason: String) -> Finding {
    let words = format!("cannot be looked at: {reason}");
    Finding::new(Area::Ledger, Weight::Failure, about, words).fix(
        "nothing is deployed until it can; check the remote in `[ledger]` and your access to it",
    )
}
