//! `svc ci init`: a pipeline for a CI system, made from what the workspace says of its environments.

use std::path::PathBuf;

use crate::git::base::{default_branch, main_remote};
use crate::git::{Fetch, Repo};
use crate::model::ci::System;
use crate::model::deploy::{Environment, LedgerStore};
use crate::model::env::Env;
use crate::model::name::EnvironmentName;
use crate::model::path::FilePath;
use crate::model::workspace::{Settings, Workspace};
use crate::ops::deploy::environment::{LOCAL, environment};
use crate::ops::failure::Failure;
use crate::ops::ledger;
use crate::ops::place::Place;
use crate::scaffold::{self, File, Pipeline, Stage};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub system: System,
    /// Only these environments; empty: all that are declared.
    pub environments: Vec<String>,
    pub shards: usize,
    /// The command that installs `svc`.
    pub install: Option<String>,
    /// How a shell at the top of the repository calls `svc`.
    pub svc: fn(&FilePath) -> String,
    pub writing: Writing,
}

/// What may be done to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Nothing.
    Told,
    /// New ones are written, if none that is there differs.
    New,
    /// Those that differ are replaced, too.
    Replaced,
}

/// What came of it.
#[derive(Debug)]
pub struct Answer {
    /// The top of the repository.
    pub root: PathBuf,
    pub pages: Vec<Page>,
    pub is_written: bool,
    pub environments: Vec<Stage>,
    /// What the pipeline cannot work without, or not as somebody would think.
    pub notes: Vec<Note>,
}

/// One file of a pipeline.
#[derive(Debug)]
pub struct Page {
    pub path: FilePath,
    pub text: String,
    /// What lay there.
    pub before: Option<String>,
}

impl Page {
    /// Whether something else lies there.
    pub fn differs(&self) -> bool {
        self.before.as_ref().is_some_and(|it| *it != self.text)
    }
}

/// What is to be known of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nobody said where `svc` is to be had.
    NoAddress,
    /// The ledger of these environments is a file, which each job would begin anew.
    LedgerInFile(Vec<String>),
    /// The ledger is pushed to the remote, and there is none.
    NoRemote,
    /// Nothing says what the default branch is; this was taken.
    Guessed { branch: String },
}

/// What `svc` is installed from, as its manifest says.
const ADDRESS: &str = env!("CARGO_PKG_REPOSITORY");
const NO_ADDRESS: &str = "ADDRESS";

/// Answers the request.
///
/// # Errors
/// No workspace or no repository, an environment that does not exist, a file that cannot be written. Files that differ and
/// may not be replaced are no error here, but then nothing is written.
pub fn init(place: &Place, request: &Request) -> Result<Answer, Failure> {
    let Some((repo, root)) = repository(place) else {
        return Err(Failure::Usage {
            message: "this is not a git repository with a working tree".to_owned(),
            hint: "a pipeline lies at the top of one; `git init` makes one".to_owned(),
        });
    };
    let workspace = place.workspace()?.workspace;
    let settings = workspace.settings();
    let mut notes = Vec::new();
    let default = match default_branch(repo, settings.default_branch.as_deref())? {
        Some(found) => found.name,
        None => {
            let branch = repo.head_branch()?.unwrap_or_else(|| "main".to_owned());
            notes.push(Note::Guessed {
                branch: branch.clone(),
            });
            branch
        }
    };
    let environments = environments(&workspace, &request.environments)?;
    let stages = stages(settings, &environments, &default);
    let remote = main_remote(repo)?;
    notes.extend(of_ledger(settings, &stages, remote.is_some()));
    if request.install.is_none() && ADDRESS.is_empty() {
        notes.push(Note::NoAddress);
    }
    let install = installing(request.install.as_deref(), request.system)?;
    let facts = pipeline(
        place,
        request,
        repo.scope(),
        settings,
        &stages,
        default,
        install,
    );
    let files = scaffold::pipeline(request.system, &facts)?;
    let (pages, is_written) = put(&root, files, request.writing)?;
    Ok(Answer {
        root,
        pages,
        is_written,
        environments: stages,
        notes,
    })
}

/// The place for which a pipeline is made: nothing of it is fetched.
///
/// # Errors
/// See [`Place::find`].
pub fn place(env: &Env) -> Result<Place, Failure> {
    Place::find(env, Fetch::Forbidden)
}

fn repository(place: &Place) -> Option<(&Repo, PathBuf)> {
    let repo = place.repo.as_ref()?;
    Some((repo, repo.work_tree()?.to_owned()))
}

fn pipeline(
    place: &Place,
    request: &Request,
    scope: &FilePath,
    settings: &Settings,
    stages: &[Stage],
    default_branch: String,
    install: String,
) -> Pipeline {
    let prefix = ledger::prefix(place, &settings.ledger);
    let ref_prefix = prefix.trim_end_matches('/').to_owned();
    let mut branches = vec![default_branch.clone()];
    for pattern in stages.iter().flat_map(|it| &it.patterns) {
        if !branches.contains(pattern) {
            branches.push(pattern.clone());
        }
    }
    Pipeline {
        svc: (request.svc)(scope),
        up: "../".repeat(scope.as_path().components().count()),
        cargo: install.starts_with("cargo install"),
        install: where_missing(&install),
        version: env!("CARGO_PKG_VERSION"),
        shards: request.shards,
        default_branch,
        branches,
        fetch: format!("git fetch --no-tags origin '+{ref_prefix}/*:{ref_prefix}/*'"),
        ref_prefix,
        environments: stages.to_vec(),
    }
}

/// The command that installs `svc`, without what stands around it.
fn installing(asked: Option<&str>, system: System) -> Result<String, Failure> {
    let Some(asked) = asked else {
        let address = match ADDRESS {
            "" => NO_ADDRESS,
            address => address,
        };
        return Ok(format!("cargo install --locked --git {address} svc"));
    };
    let says_nothing = |line: &str| {
        let line = line.trim_matches(|it: char| it.is_whitespace() || it == ';');
        line.is_empty() || line.starts_with('#')
    };
    if asked.lines().all(says_nothing) {
        return Err(Failure::Usage {
            message: "--install has to be a command".to_owned(),
            hint: "`true` does nothing, where svc is there already".to_owned(),
        });
    }
    let asked = asked.trim();
    let backslashes = asked.len() - asked.trim_end_matches('\\').len();
    if backslashes % 2 == 1 {
        return Err(Failure::Usage {
            message: "--install ends in a backslash, which goes on to a line that is not there"
                .to_owned(),
            hint: "take it away".to_owned(),
        });
    }
    if let Some((what, hint)) = system.cannot_hold(asked) {
        return Err(Failure::Usage {
            message: format!("--install holds `{what}`, which {system} changes"),
            hint: hint.to_owned(),
        });
    }
    Ok(asked.to_owned())
}

/// A command that is run where `svc` is missing. What may go on to the end of its line gets lines of its own.
fn where_missing(install: &str) -> String {
    let goes_on = install.contains(['#', '\n']) || install.ends_with([';', '&']);
    let body = match goes_on {
        true => format!("{{\n{install}\n}}"),
        false => format!("{{ {install}; }}"),
    };
    format!("command -v svc >/dev/null || {body}")
}

/// The environments of the pipeline, each after the one that it is promoted from.
fn environments(workspace: &Workspace, asked: &[String]) -> Result<Vec<EnvironmentName>, Failure> {
    let declared = &workspace.settings().environments;
    let mut names: Vec<EnvironmentName> = match asked {
        [] => declared.keys().cloned().collect(),
        asked => {
            let found = asked.iter().map(|it| environment(workspace, it));
            found.collect::<Result<_, _>>()?
        }
    };
    if let Some(local) = names
        .iter()
        .find(|it| it.as_str() == LOCAL && !asked.is_empty())
    {
        return Err(Failure::Usage {
            message: format!(
                "`{local}` is the machine that `svc` runs on, so no pipeline deploys to it"
            ),
            hint: "`[environments]` in services.toml declares others".to_owned(),
        });
    }
    names.retain(|it| it.as_str() != LOCAL);
    names.dedup();
    let mut ordered = Vec::new();
    for name in names.clone() {
        add(&mut ordered, &name, &names, workspace.settings());
    }
    Ok(ordered)
}

fn add(
    ordered: &mut Vec<EnvironmentName>,
    name: &EnvironmentName,
    names: &[EnvironmentName],
    settings: &Settings,
) {
    if ordered.contains(name) {
        return;
    }
    let before = settings.environments.get(name);
    let before = before.and_then(|it| it.promote_from.as_ref());
    if let Some(before) = before.filter(|it| names.contains(it) && *it != name) {
        add(ordered, before, names, settings);
    }
    ordered.push(name.clone());
}

fn stages(settings: &Settings, names: &[EnvironmentName], default: &str) -> Vec<Stage> {
    let declared = |name: &EnvironmentName| settings.environments.get(name);
    // All branches may deploy where none is named; a pipeline then takes the default branch.
    let patterns = |it: &Environment| match it.branches.is_empty() {
        true => vec![default.to_owned()],
        false => it.branches.clone(),
    };
    let stage = |name: &EnvironmentName| {
        let environment = declared(name)?;
        let own = patterns(environment);
        let after = environment.promote_from.as_ref();
        let after = after.filter(|it| names.contains(it));
        let after = after.filter(|it| {
            let earlier = declared(it).map(patterns).unwrap_or_default();
            own.iter().all(|pattern| earlier.contains(pattern))
        });
        let after = after.map(EnvironmentName::as_str);
        Some(Stage::new(name.as_str(), own, after, environment.protected))
    };
    names.iter().filter_map(stage).collect()
}

/// What is to be known of where the ledger is.
fn of_ledger(settings: &Settings, stages: &[Stage], has_remote: bool) -> Option<Note> {
    if stages.is_empty() {
        return None;
    }
    let names = stages.iter().map(|it| it.name.clone()).collect();
    match settings.ledger.store {
        Some(LedgerStore::File) => Some(Note::LedgerInFile(names)),
        _ if !has_remote => Some(Note::NoRemote),
        _ => None,
    }
}

/// Looks at what lies where the files are to be, and writes them if that is allowed.
fn put(
    root: &std::path::Path,
    files: Vec<File>,
    writing: Writing,
) -> Result<(Vec<Page>, bool), Failure> {
    let lock = scaffold::Lock::wait(root)?;
    let mut pages = Vec::new();
    let mut due = Vec::new();
    for file in files {
        let before = scaffold::lying(root, &file.path)?;
        let page = Page {
            path: file.path.clone(),
            text: String::from_utf8_lossy(&file.contents).into_owned(),
            before: before
                .as_ref()
                .map(|it| String::from_utf8_lossy(it).into_owned()),
        };
        if before.as_ref() != Some(&file.contents) {
            due.push((file, before));
        }
        pages.push(page);
    }
    let may = match writing {
        Writing::Told => false,
        Writing::New => !pages.iter().any(Page::differs),
        Writing::Replaced => true,
    };
    if !may || due.is_empty() {
        return Ok((pages, false));
    }
    scaffold::put(&lock, root, &due)?;
    Ok((pages, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_install_stay_whole() {
        let check = |asked: &str, body: &str| {
            let install = installing(Some(asked), System::GitHub).unwrap();
            let expected = format!("command -v svc >/dev/null || {body}");
            assert_eq!(where_missing(&install), expected);
        };
        check(" make svc\n", "{ make svc; }");
        check("make svc;", "{\nmake svc;\n}");
        check("make svc # ours", "{\nmake svc # ours\n}");
        check("cat <<E\na\nE\n", "{\ncat <<E\na\nE\n}");
        check("find . -exec x \\;", "{\nfind . -exec x \\;\n}");
        check("make svc &", "{\nmake svc &\n}");
        for nothing in ["", " \n", ";", "# make svc", "\n# a\n;\n"] {
            assert!(
                installing(Some(nothing), System::GitHub).is_err(),
                "{nothing:?}"
            );
        }
        let is_taken = |asked, system| installing(Some(asked), system).is_ok();
        assert!(!is_taken("make svc \\\n", System::GitHub));
        assert!(is_taken("echo \\\\", System::GitHub));
        assert!(is_taken("echo \\$x", System::GitHub));
        assert!(!is_taken("echo \\$x", System::Buildkite));
        assert!(is_taken("echo '$x' \\\\$x", System::Buildkite));
    }
}
