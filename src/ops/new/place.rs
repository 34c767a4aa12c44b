//! Where a new service goes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::config;
use crate::git::Repo;
use crate::model::env::Env;
use crate::model::name::ServiceName;
use crate::model::path::{FilePath, ancestors};
use crate::model::workspace::{Service, ServiceIndex, Workspace};
use crate::ops::failure::Failure;
use crate::scaffold::{File, Makes, Template};

/// The first port that is proposed.
const FIRST_PORT: u16 = 8080;

/// The workspace that gets a service.
pub struct Home {
    pub root: PathBuf,
    /// Whether it has no `services.toml` yet.
    pub is_first: bool,
}

/// The workspace around the working directory; where there is none, the top of the repository, else the directory itself.
///
/// # Errors
/// A repository that cannot be opened.
pub fn home(env: &Env) -> Result<Home, Failure> {
    if let Ok(root) = config::find_root(&env.directory) {
        return Ok(Home {
            root,
            is_first: false,
        });
    }
    let repo = Repo::discover(env)?;
    let top = repo.as_ref().and_then(Repo::work_tree);
    let root = top.map_or_else(|| env.directory.clone(), Path::to_owned);
    Ok(Home {
        root: root.canonicalize().unwrap_or(root),
        is_first: true,
    })
}

/// The directory of the new service: the one that was asked for, else one of its name where others like it lie.
///
/// # Errors
/// One that lies outside the workspace.
pub fn place_for(
    root: &Path,
    env: &Env,
    workspace: &Workspace,
    template: &Template,
    name: &ServiceName,
    asked: Option<&Path>,
) -> Result<FilePath, Failure> {
    let place = match asked {
        Some(asked) => tidy(&env.directory.join(asked)),
        None => {
            let parent = usual_parent(workspace, template.makes);
            let parent = parent.unwrap_or_else(|| FilePath::from(template.makes.directory()));
            root.join(parent.join(name.as_str().as_bytes()).as_path())
        }
    };
    let refused = |why: &str| Failure::Usage {
        message: format!("`{}` {why}", place.display()),
        hint: "--path names a new directory in the workspace".to_owned(),
    };
    let path = place
        .strip_prefix(root)
        .map_err(|_| refused("lies outside the workspace"))?;
    let path = FilePath::from_bytes(path.as_os_str().as_bytes());
    if path.is_root() {
        return Err(refused("is the workspace itself"));
    }
    let is_git = |part: &[u8]| part.eq_ignore_ascii_case(b".git");
    if path.as_bytes().split(|it| *it == b'/').any(is_git) {
        return Err(refused("belongs to git"));
    }
    if std::str::from_utf8(path.as_bytes()).is_err()
        || path.display() != String::from_utf8_lossy(path.as_bytes())
    {
        return Err(refused("cannot be written in services.toml"));
    }
    let above = place.ancestors().skip(1);
    let real = above
        .filter(|it| it.symlink_metadata().is_ok())
        .map(|it| it.canonicalize())
        .next();
    match real {
        Some(Ok(real)) if real.starts_with(root) => Ok(path),
        Some(Ok(_)) => Err(refused("leads outside the workspace")),
        Some(Err(cause)) => Err(Failure::File {
            attempt: format!("look at the directories above `{}`", place.display()),
            cause,
        }),
        None => Err(refused("lies nowhere")),
    }
}

/// What of a new service's files git would ignore: none of it would ever be committed, or count as an input.
///
/// # Errors
/// It would ignore all of them.
pub fn ignored(
    root: &Path,
    env: &Env,
    path: &FilePath,
    files: &[File],
) -> Result<Vec<FilePath>, Failure> {
    let Some(repo) = Repo::discover_at(env, root)? else {
        return Ok(Vec::new());
    };
    let paths = files.iter().map(|it| path.join(it.path.as_bytes()));
    let paths: Vec<FilePath> = paths.collect();
    let are_ignored = repo.ignored(&paths)?;
    let ignored = paths.into_iter().zip(are_ignored).filter(|it| it.1);
    let ignored: Vec<FilePath> = ignored.map(|it| it.0).collect();
    match ignored.len() == files.len() && !files.is_empty() {
        true => Err(Failure::Usage {
            message: format!("git ignores whatever is in `{}`", path.display()),
            hint: "--path names another directory; `git check-ignore -v` tells which rule it is"
                .to_owned(),
        }),
        false => Ok(ignored),
    }
}

/// The path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = tidy.pop(),
            part => tidy.push(part),
        }
    }
    tidy
}

/// The directory that holds most of the services like it.
fn usual_parent(workspace: &Workspace, makes: Makes) -> Option<FilePath> {
    let mut counts: BTreeMap<FilePath, usize> = BTreeMap::new();
    let all = || workspace.indices();
    let below = |index: &ServiceIndex| !workspace.service(*index).path.is_root();
    let mut like: Vec<ServiceIndex> = all()
        .filter(|it| below(it) && is_like(workspace.service(*it), makes))
        .collect();
    // Where nobody says of any service how it runs, what no other uses, and is not kept where libraries are, is one.
    let needed: BTreeSet<ServiceIndex> = all()
        .flat_map(|it| workspace.dependencies(it).iter().copied())
        .collect();
    let is_said = all().any(|it| is_like(workspace.service(it), Makes::Service));
    let seems_library =
        |it: &ServiceIndex| needed.contains(it) || is_shared(&workspace.service(*it).path);
    if !is_said {
        match makes {
            Makes::Service => like = all().filter(|it| below(it) && !seems_library(it)).collect(),
            Makes::Library if like.iter().any(seems_library) => like.retain(seems_library),
            Makes::Library | Makes::Job | Makes::Site => {}
        }
    }
    for service in like.into_iter().map(|it| workspace.service(it)) {
        let parent = ancestors(service.path.as_bytes())
            .nth(1)
            .unwrap_or_default();
        *counts.entry(FilePath::from_bytes(parent)).or_default() += 1;
    }
    // Of several with as many, the first by name.
    let most = counts.values().copied().max()?;
    counts
        .into_iter()
        .find(|(_, count)| *count == most)
        .map(|it| it.0)
}

/// Whether it lies where libraries are kept.
fn is_shared(path: &FilePath) -> bool {
    const SHARED: &[&[u8]] = &[
        b"libs",
        b"lib",
        b"packages",
        b"pkg",
        b"shared",
        b"common",
        b"libraries",
    ];
    path.as_bytes()
        .split(|it| *it == b'/')
        .any(|it| SHARED.contains(&it))
}

fn is_like(service: &Service, makes: Makes) -> bool {
    let serves = service.serve.is_some();
    let is_deployed = service.tasks.contains_key("deploy");
    match makes {
        Makes::Service => serves || is_deployed,
        Makes::Library => !serves && !is_deployed,
        // What else there is tells nothing of jobs and sites, unless it says so by the name of its directory.
        Makes::Job | Makes::Site => {
            let mut above = ancestors(service.path.as_bytes()).skip(1);
            above.any(|it| it.ends_with(makes.directory().as_bytes()))
        }
    }
}

/// The lowest port, from a first one up, that no service says it listens on.
pub fn free_port(workspace: &Workspace) -> u16 {
    let serving = workspace
        .services()
        .iter()
        .filter_map(|it| it.serve.as_ref());
    let used: BTreeSet<u16> = serving.filter_map(|it| it.port).collect();
    let mut ports = FIRST_PORT..=u16::MAX;
    ports.find(|it| !used.contains(it)).unwrap_or(FIRST_PORT)
}

/// The names of the files in the directories above `path`.
pub fn above(root: &Path, path: &FilePath) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for directory in ancestors(path.as_bytes()).skip(1) {
        let directory = root.join(FilePath::from_bytes(directory).as_path());
        for entry in directory.read_dir().into_iter().flatten().flatten() {
            let is_file = entry.file_type().is_ok_and(|it| !it.is_dir());
            names.extend(entry.file_name().into_string().ok().filter(|_| is_file));
        }
    }
    names
}
