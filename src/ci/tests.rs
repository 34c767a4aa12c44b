//! What holds for all systems, whatever their variables say.

use std::collections::BTreeSet;

use crate::ci::read;
use crate::ci::said::is_branch;
use crate::ci::testing::env;
use crate::model::ci::{Ci, CiBase, System, Trust};

/// What makes a run one of each system.
const MARKS: &[(System, &str, &str)] = &[
    (System::GitHub, "GITHUB_ACTIONS", "true"),
    (System::GitLab, "GITLAB_CI", "true"),
    (System::Buildkite, "BUILDKITE", "true"),
    (System::CircleCi, "CIRCLECI", "true"),
    (System::Azure, "TF_BUILD", "True"),
    (System::Woodpecker, "CI", "woodpecker"),
    (System::Drone, "DRONE", "true"),
    (System::Bitbucket, "BITBUCKET_BUILD_NUMBER", "1"),
    (System::TeamCity, "TEAMCITY_VERSION", "2025.11"),
    (System::Jenkins, "JENKINS_URL", "https://ci.test/"),
];

/// Values that lead into each part of an adapter.
const LEADING: &[(&str, &[&str])] = &[
    (
        "GITHUB_EVENT_NAME",
        &[
            "push",
            "pull_request",
            "pull_request_target",
            "merge_group",
            "workflow_run",
            "issues",
            "?",
        ],
    ),
    (
        "GITHUB_REF",
        &[
            "refs/heads/x",
            "refs/tags/x",
            "refs/pull/1/merge",
            "refs/pull/",
            "x",
        ],
    ),
    (
        "CI_MERGE_REQUEST_EVENT_TYPE",
        &["detached", "merged_result", "merge_train"],
    ),
    ("BUILDKITE_SOURCE", &["webhook", "ui", "schedule"]),
    ("BUILD_REASON", &["PullRequest", "IndividualCI", "Schedule"]),
    (
        "CI_PIPELINE_EVENT",
        &["push", "pull_request", "tag", "cron"],
    ),
    (
        "DRONE_BUILD_EVENT",
        &["push", "pull_request", "tag", "cron", "promote"],
    ),
];

/// What people who name branches, commits and themselves might try.
const HOSTILE: &[&str] = &[
    "--upload-pack=touch hacked",
    "-x",
    "a\nb",
    "a\rb",
    "\u{1b}[2J",
    "a:b",
    "+refs/heads/*:refs/heads/*",
    "../../etc/passwd",
    "refs/heads/",
    "gh-readonly-queue/",
    "gh-readonly-queue/--all/x",
    "pull/",
    "HEAD",
    "@{-1}",
    "false",
    "0000000000000000000000000000000000000000",
    "💥",
    " ",
    "",
    "true",
];

#[test]
fn nothing_hostile_becomes_a_commit_a_branch_or_a_line() {
    let names = variables();
    assert!(names.len() > 80, "{}", names.len());
    for (system, mark, value) in MARKS {
        let leading = LEADING
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |it| (*name, *it)));
        for (name, leads) in leading.chain([("SVC_X", "")]) {
            for hostile in HOSTILE {
                let mut all: Vec<(&str, &str)> =
                    names.iter().map(|it| (it.as_str(), *hostile)).collect();
                all.extend([(name, leads), (*mark, *value)]);
                let ci = read(&env(&all)).expect("a system is known");
                assert_eq!(ci.system, *system);
                assert_harmless(&ci, hostile);
            }
        }
    }
}

#[test]
fn long_values_are_left_out() {
    let long = "a".repeat(1 << 20);
    let names = variables();
    for (_, mark, value) in MARKS {
        let mut all: Vec<(&str, &str)> = names
            .iter()
            .map(|it| (it.as_str(), long.as_str()))
            .collect();
        all.push((mark, value));
        let ci = read(&env(&all)).expect("a system is known");
        assert_harmless(&ci, "a long value");
        assert!(format!("{ci:?}").len() < 10_000);
    }
}

#[test]
fn a_system_that_says_nothing_is_known_and_gives_nothing_away() {
    for (system, mark, value) in MARKS {
        let ci = read(&env(&[(mark, value)])).expect("it is known");
        assert_eq!(ci.system, *system);
        assert_eq!((ci.branch, ci.head, ci.actor), (None, None, None));
        assert!(
            ci.bases.iter().all(|it| *it == CiBase::DefaultBranch),
            "{system}"
        );
        assert_eq!(ci.trust, Trust::Own);
    }
    assert_eq!(read(&env(&[("CI", "true")])), None);
    let told_no = read(&env(&[("CI", "false"), ("GITLAB_CI", "true")]));
    assert_eq!(told_no.expect("it is known").system, System::GitLab);
}

/// The names of all variables that the sources of this room ask for.
fn variables() -> BTreeSet<String> {
    let sources = [
        include_str!("azure.rs"),
        include_str!("bitbucket.rs"),
        include_str!("buildkite.rs"),
        include_str!("circleci.rs"),
        include_str!("drone.rs"),
        include_str!("github/mod.rs"),
        include_str!("gitlab.rs"),
        include_str!("jenkins.rs"),
        include_str!("teamcity/mod.rs"),
        include_str!("woodpecker.rs"),
    ];
    let words = sources.iter().flat_map(|it| it.split('"'));
    let is_name = |it: &&str| {
        it.contains('_')
            && it
                .bytes()
                .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_')
    };
    let is_mark = |it: &&str| MARKS.iter().any(|(_, mark, _)| mark == it);
    let names = words.filter(|it| is_name(it) && !is_mark(it));
    names.map(str::to_owned).collect()
}

fn assert_harmless(ci: &Ci, why: &str) {
    let is_commit =
        |it: &str| (7..=64).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_hexdigit());
    for base in &ci.bases {
        let commit = match base {
            CiBase::Exact { commit, .. } | CiBase::MergeBase { commit, .. } => Some(commit),
            CiBase::FirstParent { merged, .. } => merged.as_ref(),
            CiBase::Branch { name, .. } => {
                assert!(is_branch(name), "{why:?}: {name:?}");
                None
            }
            CiBase::DefaultBranch => None,
        };
        assert!(commit.is_none_or(|it| is_commit(it)), "{why:?}: {commit:?}");
    }
    assert!(
        ci.head
            .as_deref()
            .is_none_or(|it| it == "HEAD" || is_commit(it)),
        "{why:?}"
    );
    let target = ci.change.as_ref().and_then(|it| it.target.as_deref());
    for branch in [ci.branch.as_deref(), ci.default_branch.as_deref(), target]
        .into_iter()
        .flatten()
    {
        assert!(is_branch(branch), "{why:?}: {branch:?}");
    }
    let mut lines = vec![ci.subject()];
    lines.extend(ci.change_in_words());
    lines.extend(ci.actor.clone());
    lines.extend(ci.run_url.clone());
    lines.extend(ci.notes.clone());
    if let Trust::Foreign { why } = &ci.trust {
        lines.push(why.clone());
    }
    assert!(
        !lines.iter().any(|it| it.contains(char::is_control)),
        "{lines:?}"
    );
}
