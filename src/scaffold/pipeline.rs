//! Pipelines of CI systems: `templates/ci`, a directory for each system, with the files as they lie in a repository.
//!
//! They are minijinja templates with marks of their own, `[[ … ]]`, `[% … %]` and `[# … #]`: the usual ones mean something to
//! most of these systems.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use regex::Regex;
use serde::Serialize;

use crate::model::ci::System;
use crate::model::path::FilePath;
use crate::scaffold::error::Error;
use crate::scaffold::files::{self, File};

static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/ci");

/// What goes into a pipeline.
#[derive(Clone, Debug, Serialize)]
pub struct Pipeline {
    /// How a shell at the top of the repository calls `svc` for the workspace.
    pub svc: String,
    /// The way from the workspace to the top of the repository: empty, or `../` as often as it takes.
    pub up: String,
    /// The shell command that installs `svc` where it is missing.
    pub install: String,
    /// Whether that is done by cargo, so that the program is where cargo puts it.
    pub cargo: bool,
    /// That of `svc`.
    pub version: &'static str,
    /// How many jobs test at once.
    pub shards: usize,
    pub default_branch: String,
    /// The branches whose commits are built or deployed, patterns with `*` among them; the default branch first.
    pub branches: Vec<String>,
    /// Below which refs ledger and leases are, and the shell command that fetches them.
    pub ref_prefix: String,
    pub fetch: String,
    /// The environments, each after the one that it is promoted from.
    pub environments: Vec<Stage>,
}

/// An environment in a pipeline.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    pub name: String,
    /// The same with `_`, for systems whose names know no `-`.
    pub id: String,
    /// The branches that may deploy there, as they are written.
    pub patterns: Vec<String>,
    /// Those of them that are whole names, and what the names of the others begin with.
    pub branches: Vec<String>,
    pub prefixes: Vec<String>,
    /// The same as Buildkite and CircleCI ask for branches.
    pub condition: String,
    pub only: String,
    /// What it is promoted from, if all its branches are deployed there before.
    pub after: Option<String>,
    pub after_id: Option<String>,
    pub protected: bool,
}

impl Stage {
    /// An environment that is deployed to from the branches that `patterns` name, with `*` in them.
    pub fn new(name: &str, patterns: Vec<String>, after: Option<&str>, protected: bool) -> Self {
        let (open, branches): (Vec<String>, Vec<String>) =
            patterns.iter().cloned().partition(|it| is_open(it));
        let prefix = |it: &String| it.split(OPEN).next().unwrap_or_default().to_owned();
        let prefixes: Vec<String> = open.iter().map(prefix).collect();
        let id = |name: &str| name.replace('-', "_");
        let is = |it: &String| format!("build.branch == {}", quoted(it));
        let begins = |it: &String| format!("build.branch =~ /^{}/", pattern(it));
        let conditions = branches.iter().map(is).chain(prefixes.iter().map(begins));
        let pattern = |it: &String| format!("/^{}.*/", pattern(it));
        let only: Vec<String> = branches
            .iter()
            .cloned()
            .chain(prefixes.iter().map(pattern))
            .collect();
        Self {
            name: name.to_owned(),
            id: id(name),
            condition: conditions.collect::<Vec<_>>().join(" || "),
            only: serde_json::Value::from(only).to_string(),
            patterns,
            branches,
            prefixes,
            after: after.map(str::to_owned),
            after_id: after.map(id),
            protected,
        }
    }
}

/// What makes a pattern of a name.
const OPEN: [char; 4] = ['*', '?', '[', '{'];

fn is_open(pattern: &str) -> bool {
    pattern.contains(OPEN)
}

/// The files of a pipeline, by their paths from the top of the repository.
///
/// # Errors
/// A template that is wrong, which is our fault.
pub fn pipeline(system: System, facts: &Pipeline) -> Result<Vec<File>, Error> {
    let name = directory(system);
    let files = EMBEDDED
        .get_dir(name)
        .map(files::embedded)
        .unwrap_or_default();
    let rendered = files.into_iter().map(|file| {
        let shown = format!("templates/ci/{name}/{}", file.path.display());
        let text = String::from_utf8_lossy(&file.contents);
        let wrong = |error: minijinja::Error| {
            let detail = error.detail().map(str::to_owned);
            let words = detail.unwrap_or_else(|| error.kind().to_string());
            Error::template(&shown, error.line(), words)
        };
        let text = ENGINE
            .render_str(&text, Value::from(Serde(facts)))
            .map_err(wrong)?;
        Ok(File {
            contents: text.into_bytes(),
            is_executable: false,
            path: file.path,
        })
    });
    rendered.collect()
}

/// The systems that there is a pipeline for, by the names that people write.
pub fn systems() -> Vec<(&'static str, System)> {
    ALL.iter().map(|it| (directory(*it), *it)).collect()
}

/// Where the main file of a pipeline is: by that a person finds it.
pub fn main_file(system: System) -> FilePath {
    let path = match system {
        System::GitHub => ".github/workflows/svc.yml",
        System::GitLab => ".gitlab-ci.yml",
        System::Buildkite => ".buildkite/pipeline.yml",
        System::CircleCi => ".circleci/config.yml",
        System::Azure => "azure-pipelines.yml",
        System::Woodpecker => ".woodpecker/svc.yml",
        System::Drone => ".drone.yml",
        System::Bitbucket => "bitbucket-pipelines.yml",
        System::TeamCity => ".teamcity/settings.kts",
        System::Jenkins => "Jenkinsfile",
    };
    path.into()
}

const ALL: [System; 10] = [
    System::GitHub,
    System::GitLab,
    System::Buildkite,
    System::CircleCi,
    System::Azure,
    System::Jenkins,
    System::Bitbucket,
    System::TeamCity,
    System::Drone,
    System::Woodpecker,
];

fn directory(system: System) -> &'static str {
    match system {
        System::GitHub => "github",
        System::GitLab => "gitlab",
        System::Buildkite => "buildkite",
        System::CircleCi => "circleci",
        System::Azure => "azure",
        System::Woodpecker => "woodpecker",
        System::Drone => "drone",
        System::Bitbucket => "bitbucket",
        System::TeamCity => "teamcity",
        System::Jenkins => "jenkins",
    }
}

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    let syntax = SyntaxConfig::builder()
        .block_delimiters("[%", "%]")
        .variable_delimiters("[[", "]]")
        .comment_delimiters("[#", "#]")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    engine.set_syntax(syntax.expect("the marks differ from each other"));
    engine.add_filter("quoted", quoted);
    engine.add_filter("expression", expression);
    engine.add_filter("pattern", pattern);
    engine.add_filter("macros", macros);
    engine.add_filter("dollars", |text: &str| text.replace('$', "$$"));
    engine.add_filter("percent", |text: &str| text.replace('%', "%%"));
    engine.add_filter("circle", |text: &str| text.replace("<<", "\\<<"));
    // Drone and Woodpecker put in what is in braces before they read the file, and leave `$NAME` to the shell.
    engine.add_filter("braces", |text: &str| text.replace("${", "$${"));
    engine.add_filter("shell", |text: &str| {
        shlex::try_quote(text).map_or_else(|_| text.to_owned(), Into::into)
    });
    engine.add_filter("groovy", |text: &str| {
        let text = text.replace('\\', "\\\\").replace('\'', "\\'");
        format!("'{}'", text.replace('\n', "\\n"))
    });
    engine.add_filter("kotlin", |text: &str| quoted(text).replace('$', "\\$"));
    engine
});

/// A text in double quotes, as YAML reads it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A shell command in which Azure finds no variable of its own: `$(name)` is one, `$( name)` only runs a command.
fn macros(command: &str) -> String {
    static MACRO: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$\(([\w.-]+)\)").expect("it is valid"));
    MACRO.replace_all(command, "$$( $1)").into_owned()
}

/// A text in single quotes, as the expressions of GitHub and Azure read it.
fn expression(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as a regular expression between slashes has it.
fn pattern(text: &str) -> String {
    regex::escape(text).replace('/', "\\/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(environments: Vec<Stage>) -> Pipeline {
        Pipeline {
            svc: "svc -C 'the shop'".into(),
            up: "../".into(),
            install: "curl \"$A\" | sh -s -- 'x'".into(),
            cargo: true,
            version: "1.2.3",
            fetch: "git fetch".into(),
            shards: 3,
            default_branch: "main".into(),
            branches: vec!["main".into(), "release/*".into()],
            ref_prefix: "refs/svc".into(),
            environments,
        }
    }

    #[test]
    fn commands_are_no_macros() {
        assert_eq!(
            macros("a $(b.c-d) $(e f) $((1)) $(\"$(g)\")"),
            "a $( b.c-d) $(e f) $((1)) $(\"$( g)\")"
        );
    }

    #[test]
    fn every_system_has_a_pipeline_with_its_main_file() {
        let stage = |name: &str, after: Option<&str>| {
            let patterns = vec!["main".into(), "release/*".into()];
            Stage::new(name, patterns, after, after.is_some())
        };
        let two = vec![stage("staging", None), stage("live-eu", Some("staging"))];
        for (name, system) in systems() {
            for facts in [facts(Vec::new()), facts(two.clone())] {
                let files = pipeline(system, &facts).unwrap_or_else(|error| panic!("{error}"));
                let main = main_file(system);
                assert!(files.iter().any(|it| it.path == main), "{name}");
                let text: String = files
                    .iter()
                    .map(|it| String::from_utf8(it.contents.clone()).unwrap())
                    .collect();
                assert!(text.contains("test"), "{name}");
                let deploys = facts.environments.iter().all(|it| text.contains(&it.name));
                assert!(deploys, "{name}");
                assert_eq!(
                    text.contains("deploy --env"),
                    !facts.environments.is_empty(),
                    "{name}"
                );
                assert!(!text.contains("[[") && !text.contains("[%"), "{name}");
            }
        }
    }
}
