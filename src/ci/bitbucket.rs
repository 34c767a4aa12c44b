//! Bitbucket Pipelines: everything is in variables; what was pushed before is not.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>

use crate::ci::bases::{of_push, of_target, target_of};
use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger};

/// What Bitbucket says of a run. Pull requests of forks start none, so all are the repository's own.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Bitbucket);
    ci.head = said.commit("BITBUCKET_COMMIT");
    ci.run_url = run_url(said);
    ci.actor = said.text("BITBUCKET_STEP_TRIGGERER_UUID");
    ci.branch = said.branch("BITBUCKET_BRANCH");
    if said.text("BITBUCKET_PR_ID").is_some() {
        change(said, &mut ci);
    } else if said.text("BITBUCKET_TAG").is_some() {
        ci.trigger = Trigger::Tag;
        ci.branch = None;
    } else if ci.branch.is_some() {
        // Runs on a schedule and by hand look the same.
        ci.trigger = Trigger::Push;
        ci.bases = of_push(&ci, None);
    } else {
        ci.trigger = Trigger::Manual;
    }
    ci
}

fn change(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = Trigger::Change;
    ci.change = Some(ChangeRequest {
        number: said.number("BITBUCKET_PR_ID"),
        target: said.branch("BITBUCKET_PR_DESTINATION_BRANCH"),
    });
    // The target is merged into what is checked out, as its second parent. The commit may be a short one.
    let target = said.commit("BITBUCKET_PR_DESTINATION_COMMIT");
    ci.bases.extend(target.map(|commit| CiBase::MergeBase {
        commit,
        why: target_of(ci),
    }));
    ci.bases.extend(of_target(ci));
}

fn run_url(said: &Said<'_>) -> Option<String> {
    let repository = said.text("BITBUCKET_REPO_FULL_NAME")?;
    let build = said.number("BITBUCKET_BUILD_NUMBER")?;
    Some(format!(
        "https://bitbucket.org/{repository}/pipelines/results/{build}"
    ))
}
