//! Jenkins: variables of multibranch pipelines, and those of the git plugin.
//!
//! <https://www.jenkins.io/doc/book/pipeline/multibranch/>, and `/env-vars.html` of every controller.

use crate::ci::bases::{of_push, of_queue, of_target};
use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, System, Trigger, Trust};

/// What Jenkins says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Jenkins);
    ci.head = said.commit("GIT_COMMIT");
    ci.run_url = said.text("BUILD_URL");
    ci.actor = said.first(&["BUILD_USER_ID", "CHANGE_AUTHOR"]);
    if said.text("CHANGE_ID").is_some() {
        change(said, &mut ci);
    } else if said.text("TAG_NAME").is_some() {
        ci.trigger = Trigger::Tag;
    } else {
        ci.trigger = Trigger::Push;
        ci.branch = branch(said);
        if !of_queue(&mut ci) {
            // Never `GIT_PREVIOUS_COMMIT`: what failed there would not be looked at again.
            let before = said.commit("GIT_PREVIOUS_SUCCESSFUL_COMMIT");
            ci.bases = of_push(
                &ci,
                before.map(|it| (it, "last commit that was built well")),
            );
        }
    }
    ci
}

/// A job for one branch only has it as git shows it.
fn branch(said: &Said<'_>) -> Option<String> {
    said.branch("BRANCH_NAME").or_else(|| {
        let name = said.text("GIT_BRANCH")?;
        let name = name.strip_prefix("refs/remotes/").unwrap_or(&name);
        said.branch_of("GIT_BRANCH", name.strip_prefix("origin/").unwrap_or(name))
    })
}

fn change(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = Trigger::Change;
    ci.branch = said.branch("CHANGE_BRANCH");
    ci.change = Some(ChangeRequest {
        number: said.number("CHANGE_ID"),
        target: said.branch("CHANGE_TARGET"),
    });
    // The head is the change, or its merge with the target: both part from the target where they should.
    ci.bases.extend(of_target(ci));
    if let Some(fork) = said.text("CHANGE_FORK") {
        let what = ci.change_in_words().unwrap_or_default();
        let why = format!("{what} comes from the fork {fork}");
        ci.trust = Trust::Foreign { why };
    }
}
