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
    /// What of a shell command cannot be written for the system so that it comes out as it is, and what to write instead.
    pub fn cannot_hold(self, command: &str) -> Option<(&'static str, &'static str)> {
        let mut is_escaped = false;
        let has_escaped_dollar = command.chars().any(|letter| {
            let found = is_escaped && letter == '$';
            is_escaped = letter == '\\' && !is_escaped;
            found
        });
        // It puts variables in when a pipeline is uploaded, and takes the backslash for its own there.
        let is_buildkite = matches!(self, Self::Buildkite);
        (is_buildkite && has_escaped_dollar).then_some(("\\$", "write `'$'`, in single quotes"))
    }

    /// The systems whose variables are set, the most specific first.
    pub fn all_of(env: &Env) -> impl Iterator<Item = Self> {
        let is_set = move |(_, name, value): &&(Self, &str, Option<&str>)| {
            let found = env.text(name);
            found.is_some_and(|it| value.is_none_or(|value| it.eq_ignore_ascii_case(value)))
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

    /// What its users call a change that waits to be merged.
    pub fn change_request(self) -> &'static str {
        match self {
            Self::GitLab => "merge request",
            _ => "pull request",
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
    /// The branch that the run is for; of a change request, the one that it comes from. None for a tag.
    pub branch: Option<String>,
    /// The branch that others start from, where the system names it.
    pub default_branch: Option<String>,
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

impl Ci {
    /// A run of `system`, of which nothing is known yet.
    pub fn of(system: System) -> Self {
        Self {
            system,
            also: Vec::new(),
            trigger: Trigger::Other,
            branch: None,
            default_branch: None,
            change: None,
            bases: Vec::new(),
            head: None,
            run_url: None,
            actor: None,
            trust: Trust::Own,
            notes: Vec::new(),
        }
    }

    /// The change request as people call it: `pull request 12`.
    pub fn change_in_words(&self) -> Option<String> {
        let change = self.change.as_ref()?;
        let kind = self.system.change_request();
        Some(match &change.number {
            Some(number) => format!("{kind} {number}"),
            None => format!("a {kind}"),
        })
    }

    /// What the run is for, for people: `pull request 12 into main`.
    pub fn subject(&self) -> String {
        if let Some(words) = self.change_in_words() {
            let target = self.change.as_ref().and_then(|it| it.target.as_ref());
            return match target {
                Some(target) => format!("{words} into {target}"),
                None => words,
            };
        }
        match (&self.branch, self.trigger) {
            (_, Trigger::Tag) => "a tag".to_owned(),
            (Some(branch), Trigger::Schedule) => format!("a scheduled run of {branch}"),
            (Some(branch), Trigger::Manual) => format!("a run of {branch} by hand"),
            (Some(branch), _) => format!("branch {branch}"),
            (None, Trigger::Schedule) => "a scheduled run".to_owned(),
            (None, _) => "a run".to_owned(),
        }
    }
}

/// What a run was started by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeRequest {
    /// As the system numbers it, where it says so.
    pub number: Option<String>,
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
    /// The first parent of the head, if that is a merge of `merged`. Where that is not known, the head has to be the commit
    /// that the run is for.
    FirstParent { merged: Option<String>, why: String },
    /// The merge-base of a branch of the main remote and the head.
    Branch { name: String, why: String },
    /// The merge-base of the default branch and the head; nothing for a run of the default branch itself.
    DefaultBranch,
}

/// Whether the code of a run is that of people who may change what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It came into the repository by somebody who may write to it.
    Own,
    /// Anybody may have written it, for this reason: `pull request 12 comes from the fork octocat/shop`.
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
        // Many set this for the sake of one tool; who reads the log, and whose code it is, stays the same.
        check(&[("CI", "false"), ("GITLAB_CI", "true")], &[System::GitLab]);
    }

    #[test]
    fn a_system_that_does_not_set_ci_is_one() {
        assert!(env(&[("JENKINS_URL", "http://ci.test/")]).is_ci());
        assert!(env(&[("CI", "1")]).is_ci());
        assert!(!env(&[("CI", "0"), ("TF_BUILD", "True")]).is_ci());
        assert!(!env(&[]).is_ci());
    }
}
