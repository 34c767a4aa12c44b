//! Azure Pipelines: everything is in variables; what was pushed before is not.
//!
//! <https://learn.microsoft.com/azure/devops/pipelines/build/variables>

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::ci::bases::{of_push, of_queue, of_target, target_of};
use crate::ci::said::{Said, number};
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// What Azure Pipelines says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Azure);
    ci.head = said.commit("BUILD_SOURCEVERSION");
    ci.run_url = run_url(said);
    ci.actor = said.text("BUILD_REQUESTEDFOR");
    let source = said.text("BUILD_SOURCEBRANCH").unwrap_or_default();
    let reason = said.text("BUILD_REASON");
    let of_ref = source
        .strip_prefix("refs/pull/")
        .and_then(|it| number(it.split('/').next()?));
    if reason.as_deref() == Some("PullRequest") || of_ref.is_some() {
        change(said, &mut ci, of_ref);
        return ci;
    }
    if source.starts_with("refs/tags/") {
        ci.trigger = Trigger::Tag;
        return ci;
    }
    ci.trigger = match reason.as_deref() {
        Some("Schedule") => Trigger::Schedule,
        Some("Manual") => Trigger::Manual,
        Some("IndividualCI" | "BatchedCI") | None => Trigger::Push,
        Some(_) => Trigger::Other,
    };
    ci.branch = said.branch("BUILD_SOURCEBRANCH");
    if !of_queue(&mut ci) && ci.trigger != Trigger::Schedule {
        ci.bases = of_push(&ci, None);
    }
    ci
}

fn change(said: &Said<'_>, ci: &mut Ci, of_ref: Option<String>) {
    ci.trigger = Trigger::Change;
    ci.branch = said.branch("SYSTEM_PULLREQUEST_SOURCEBRANCH");
    // GitHub's number is not the id that Azure gives it.
    let number = said
        .number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
        .or_else(|| said.number("SYSTEM_PULLREQUEST_PULLREQUESTID"));
    ci.change = Some(ChangeRequest {
        number: number.or(of_ref),
        target: said.branch("SYSTEM_PULLREQUEST_TARGETBRANCH"),
    });
    // Checked out is `refs/pull/N/merge`.
    ci.bases.push(CiBase::FirstParent {
        merged: said.commit("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
        why: target_of(ci),
    });
    ci.bases.extend(of_target(ci));
    let what = ci.change_in_words().unwrap_or_default();
    let is_fork = said
        .text("SYSTEM_PULLREQUEST_ISFORK")
        .map(|it| it.eq_ignore_ascii_case("false"));
    ci.trust = match is_fork {
        Some(true) => Trust::Own,
        Some(false) => Trust::Foreign {
            why: format!("{what} comes from a fork"),
        },
        None => Trust::Foreign {
            why: format!("nothing tells whether {what} comes from a fork"),
        },
    };
}

fn run_url(said: &Said<'_>) -> Option<String> {
    let server = said.first(&["SYSTEM_COLLECTIONURI", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"])?;
    let project = said.text("SYSTEM_TEAMPROJECT")?;
    let build = said.number("BUILD_BUILDID")?;
    let project = utf8_percent_encode(&project, NON_ALPHANUMERIC);
    let server = server.trim_end_matches('/');
    Some(format!("{server}/{project}/_build/results?buildId={build}"))
}
