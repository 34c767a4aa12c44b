//! TeamCity: few variables, and files with all parameters of the build.
//!
//! <https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html>,
//! <https://www.jetbrains.com/help/teamcity/pull-requests.html>

mod properties;

use std::collections::BTreeMap;
use std::path::Path;

use crate::ci::bases::{of_push, of_queue, of_target};
use crate::ci::changes::{of_change, take};
use crate::ci::said::{Said, line, number};
use crate::model::ci::{ChangeRequest, Ci, System, Trigger, Trust};

/// Names the file with the parameters that are none of the system's.
const FILE: &str = "teamcity.configuration.properties.file";

/// The parameters of a build.
struct Parameters(BTreeMap<String, String>);

/// What TeamCity says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::TeamCity);
    let parameters = Parameters::read(said);
    let commit = |name: &str| said.commit_of(name, parameters.0.get(name)?);
    ci.head = said
        .commit("BUILD_VCS_NUMBER")
        .or_else(|| commit("build.vcs.number"));
    ci.run_url = said.text("BUILD_URL").or_else(|| parameters.run_url());
    ci.actor = parameters.text("teamcity.build.triggeredBy.username");
    if parameters.text("teamcity.pullRequest.number").is_some() {
        change(said, &mut ci, &parameters);
        return ci;
    }
    let cause = parameters.text("teamcity.build.triggeredBy");
    ci.trigger = match cause {
        Some(cause) if cause.contains("chedule") => Trigger::Schedule,
        _ if ci.actor.is_some() => Trigger::Manual,
        _ => Trigger::Push,
    };
    let branch = parameters.text("teamcity.build.branch");
    if branch
        .as_deref()
        .is_some_and(|it| it.starts_with("refs/tags/") || it.starts_with("tags/"))
    {
        ci.trigger = Trigger::Tag;
        return ci;
    }
    // Without the feature for pull requests they are branches by other names.
    if let Some(what) = branch.as_deref().and_then(of_change) {
        take(&mut ci, &what);
        return ci;
    }
    // The default branch of a build configuration may be shown as `<default>`.
    let branch = branch.filter(|it| it != "<default>");
    ci.branch = branch.and_then(|it| said.branch_of("teamcity.build.branch", &it));
    if parameters
        .text("teamcity.build.branch.is_default")
        .as_deref()
        == Some("true")
    {
        ci.default_branch.clone_from(&ci.branch);
    }
    if !of_queue(&mut ci) && ci.trigger != Trigger::Schedule {
        ci.bases = of_push(&ci, None);
    }
    ci
}

fn change(said: &Said<'_>, ci: &mut Ci, parameters: &Parameters) {
    let branch = |name: &str| said.branch_of(name, &parameters.text(name)?);
    ci.trigger = Trigger::Change;
    ci.branch = branch("teamcity.pullRequest.source.branch");
    let of_change = parameters.text("teamcity.pullRequest.number");
    ci.change = Some(ChangeRequest {
        number: of_change.and_then(|it| number(&it)),
        target: branch("teamcity.pullRequest.target.branch"),
    });
    // The head is the change, or its merge with the target: both part from the target where they should.
    ci.bases.extend(of_target(ci));
    // The source is named only where it is a branch of the same repository.
    if ci.branch.is_none() {
        let what = ci.change_in_words().unwrap_or_default();
        let why = format!("{what} comes from a fork");
        ci.trust = Trust::Foreign { why };
    }
}

impl Parameters {
    /// Those of the build, then those of its configuration, which the first file leads to.
    fn read(said: &Said<'_>) -> Self {
        let mut all = BTreeMap::new();
        let Some(path) = said.env.path("TEAMCITY_BUILD_PROPERTIES_FILE") else {
            said.note(
                "no file names the parameters of this build (TEAMCITY_BUILD_PROPERTIES_FILE)"
                    .to_owned(),
            );
            return Self(all);
        };
        let mut take = |name: &str, path: &Path| match properties::read(path) {
            Ok(found) => {
                all.extend(found);
                all.get(FILE).cloned()
            }
            Err(why) => {
                said.note(format!(
                    "the parameters of this build are not known: {why} ({name})"
                ));
                None
            }
        };
        if let Some(further) = take("TEAMCITY_BUILD_PROPERTIES_FILE", path) {
            take(FILE, Path::new(&further));
        }
        Self(all)
    }

    fn text(&self, name: &str) -> Option<String> {
        line(self.0.get(name)?)
    }

    fn run_url(&self) -> Option<String> {
        let server = self.text("teamcity.serverUrl")?;
        let build = number(&self.text("teamcity.build.id")?)?;
        Some(format!(
            "{}/viewLog.html?buildId={build}",
            server.trim_end_matches('/')
        ))
    }
}
