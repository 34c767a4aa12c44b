//! CI systems: which one a run is in, and what it says of the run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::env::Env;

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    #[serde(rename = "github")]
    GitHub,
    #[serde(rename = "gitlab")]
    GitLab,
    Buildkite,
    #[serde(rename = "circleci")]
    CircleCi,
    Azure,
    Woodpecker,
    Drone,
    Bitbucket,
    #[serde(rename = "teamcity")]
    TeamCity,
    Jenkins,
}

/// The variable that each system sets, and its value where that counts. The more specific stand first: agents of the last
/// ones start others, and hand their variables on.
const MARKS: &[(System, &str, Option<&str>)] = &[
    (System::GitHub, "GITHUB_ACTIONS", Some("true")),
    (System::GitLab, "GITLAB_CI", Some("true")),
    (System::Buildkite, "BUILDKITE", Some("true")),
    (System::CircleCi, "CIRCLECI", Some("true")),
    (System::Azure, "TF_BUILD", Some("true")),
    (System::Woodpecker, "CI", Some("woodpecker")),
    (System::Drone, "DRONE", Some("true")),
    (System::Bitbucket, "BITBUCKET_BUILD_NUMBER", None),
    (System::TeamCity, "TEAMCITY_VERSION", None),
    (System::Jenkins, "JENKINS_URL", None),
];

impl System {
    /// The systems whose variables are set, the most specific first. None where `CI` is `false` or `0`.
    pub fn all_of(env: &Env) -> impl Iterator<Item = Self> {
        let is_off = env.text("CI").is_some_and(is_no);
        let is_set = move |(_, name, value): &&(Self, &str, Option<&str>)| {
            let found = env.text(name);
            !is_off
                && found.is_some_and(|it| value.is_none_or(|value| it.eq_ignore_ascii_case(value)))
        };
        MARKS.iter().filter(is_set).map(|(system, ..)| *system)
    }

    /// The system that this run is in.
    pub fn of(env: &Env) -> Option<Self> {
        Self::all_of(env).next()
    }

    /// What the vendor calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::Buildkite => "Buildkite",
            Self::CircleCi => "CircleCI",
            Self::Azure => "Azure Pipelines",
            Self::Woodpecker => "Woodpecker",
            Self::Drone => "Drone",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::TeamCity => "TeamCity",
            Self::Jenkins => "Jenkins",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a variable's value says no.
pub fn is_no(value: &str) -> bool {
    matches!(value, "" | "0" | "false")
}

/// What a CI system says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ci {
    pub system: System,
    /// Other systems whose variables are set as well.
    pub also: Vec<System>,
    pub trigger: Trigger,
    /// The branch that the run is for; of a change request, the one that it comes from.
    pub branch: Option<String>,
    /// The change request that the run judges.
    pub change: Option<ChangeRequest>,
    /// What the head is compared with, best first. Where none of them can be had, everything is affected.
    pub bases: Vec<CiBase>,
    /// The commit that the run is for, as written.
    pub head: Option<String>,
    /// The page of the run.
    pub run_url: Option<String>,
    /// Who caused the run.
    pub actor: Option<String>,
    pub trust: Trust,
    /// What could not be read, in words.
    pub notes: Vec<String>,
}

/// What a run was started by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Commits on a branch.
    Push,
    Tag,
    /// A change request: pull request or merge request.
    Change,
    /// A merge queue or merge train.
    Queue,
    Schedule,
    /// A person, or a call of the system's interface.
    Manual,
    /// Something else, or nothing tells.
    Other,
}

/// A pull request, a merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// As the system numbers it.
    pub number: String,
    /// The branch that it is to be merged into.
    pub target: Option<String>,
}

/// What to compare with, and why. `why` reads after "the", as in "target of pull request 12".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CiBase {
    /// A commit itself.
    Exact { commit: String, why: String },
    /// The merge-base of a commit and the head.
    MergeBase { commit: String, why: String },
    /// The first parent of the head, if that is a merge of `merged`, or of anything where that is not known.
    FirstParent { merged: Option<String>, why: String },
    /// The merge-base of a branch of the main remote and the head.
    Branch { name: String, why: String },
    /// The merge-base of the default branch and the head.
    DefaultBranch { why: String },
}

/// Whether the code of a run is that of people who may change what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It came into the repository by somebody who may write to it.
    Own,
    /// Anybody may have written it, for this reason.
    Foreign { why: String },
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        Env {
            directory: PathBuf::from("/"),
            directory_given: false,
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            processors: 1,
        }
    }

    #[test]
    fn a_system_is_known_by_its_own_variable_alone() {
        let check = |variables: &[(&str, &str)], expected: &[System]| {
            let env = env(variables);
            let found: Vec<_> = System::all_of(&env).collect();
            assert_eq!(found, expected, "{variables:?}");
        };
        check(&[("CI", "true")], &[]);
        check(&[("GITHUB_ACTIONS", "true")], &[System::GitHub]);
        check(&[("GITHUB_ACTIONS", "false")], &[]);
        check(&[("TF_BUILD", "True")], &[System::Azure]);
        check(&[("CI", "woodpecker")], &[System::Woodpecker]);
        check(&[("TEAMCITY_VERSION", "2025.11")], &[System::TeamCity]);
        check(&[("JENKINS_URL", "")], &[]);
        check(
            &[("JENKINS_URL", "http://ci.test/"), ("BUILDKITE", "true")],
            &[System::Buildkite, System::Jenkins],
        );
        check(&[("CI", "false"), ("GITLAB_CI", "true")], &[]);
    }

    #[test]
    fn a_system_that_does_not_set_ci_is_one() {
        assert!(env(&[("JENKINS_URL", "http://ci.test/")]).is_ci());
        assert!(env(&[("CI", "1")]).is_ci());
        assert!(!env(&[("CI", "0"), ("TF_BUILD", "True")]).is_ci());
        assert!(!env(&[]).is_ci());
    }
}
