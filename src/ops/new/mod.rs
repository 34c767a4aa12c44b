//! `svc new`: a service from a template, with its entry in `services.toml`.
//!
//! The files are put in their place before the entry is written: whoever is stopped between the two has a directory that
//! nobody knows yet, in a workspace that is valid; the same command then adds the entry alone. The other way round, every
//! command would fail until somebody mends the file.

mod entry;
mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{self, Disk, Loaded};
use crate::model::env::Env;
use crate::model::name::{NAME_RULE, ServiceName};
use crate::model::path::FilePath;
use crate::model::suggest::nearest;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::new::entry::{Entry, write_definition};
use crate::ops::new::place::{above, free_port, home, ignored, place_for};
use crate::scaffold::{self, Facts, File, Listed, Lock, Makes, Rendered, Standing, Template};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    pub template: String,
    pub name: String,
    /// From the working directory. None: where others like it lie.
    pub path: Option<PathBuf>,
    /// Parameters of the template.
    pub set: Vec<(String, String)>,
    pub depends_on: Vec<String>,
    pub dry_run: bool,
}

/// What was made, or would be.
#[derive(Debug)]
pub struct Made {
    pub template: String,
    pub name: ServiceName,
    pub path: FilePath,
    pub files: Vec<File>,
    /// What is added to `services.toml`.
    pub entry: String,
    pub parameters: BTreeMap<String, String>,
    /// What is left for a person to do.
    pub notes: Vec<String>,
    /// The tasks that the service has, sorted.
    pub tasks: Vec<String>,
    /// Whether it runs on this machine.
    pub serves: bool,
    /// Whether there was no `services.toml` before.
    pub is_first: bool,
    /// Whether the files lay there already, of one who was stopped.
    pub is_resumed: bool,
    pub is_written: bool,
}

/// All templates that can be named from the directory of `env`.
///
/// # Errors
/// The workspace's own cannot be read.
pub fn list(env: &Env) -> Result<Vec<Listed>, Failure> {
    Ok(scaffold::list(Some(&home(env)?.root))?)
}

/// Makes a service.
///
/// # Errors
/// A name or a place that is taken, a template that cannot be used, or files that cannot be written. Nothing is left then.
pub fn new(env: &Env, request: &Request) -> Result<Made, Failure> {
    let name = checked_name(&request.name)?;
    let mut home = home(env)?;
    let lock = match request.dry_run {
        true => None,
        false => Some(Lock::wait(&home.root)?),
    };
    // Somebody else may have made a `services.toml` while this one waited.
    home.is_first &= !home.root.join(config::FILE).exists();
    let workspace = match home.is_first {
        true => Workspace::new(Default::default(), vec![]),
        false => config::load(&Disk::new(&home.root))?.workspace,
    };
    check_free(&workspace, &name)?;
    let template = scaffold::find(Some(&home.root), &request.template)?;
    let depends_on = dependencies(&workspace, &request.depends_on)?;
    let path = place_for(
        &home.root,
        env,
        &workspace,
        &template,
        &name,
        request.path.as_deref(),
    )?;
    let facts = facts(&home.root, &workspace, name, path, depends_on);
    let rendered = scaffold::render(&template, &facts, &request.set)?;
    let entry = Entry::new(&home, &facts, &rendered, template.makes == Makes::Library)?;
    let loaded = entry.check(&home, &facts, &template.name)?;
    let standing = standing(&home.root, &facts.path, &rendered)?;
    let ignored = ignored(&home.root, env, &facts.path, &rendered.files)?;
    let mut made = made(&template, facts, rendered, &entry, &loaded);
    let notes = ignored.iter().map(|it| {
        format!(
            "commit {} with `git add --force`: git ignores it",
            it.display()
        )
    });
    made.notes.splice(0..0, notes);
    made.is_first = home.is_first;
    made.is_resumed = standing == Standing::Same;
    let Some(lock) = lock else {
        return Ok(made);
    };
    let placed = match standing {
        Standing::Same => None,
        _ => Some(scaffold::stage(&home.root, &made.path, &made.files)?.put()?),
    };
    if let Err(failure) = write_definition(&lock, &home, &entry) {
        if let Some(placed) = placed {
            placed.undo();
        }
        return Err(failure);
    }
    made.is_written = true;
    Ok(made)
}

fn checked_name(name: &str) -> Result<ServiceName, Failure> {
    ServiceName::new(name).ok_or_else(|| Failure::Usage {
        message: format!("a service cannot be named `{}`", name.escape_debug()),
        hint: NAME_RULE.to_owned(),
    })
}

fn check_free(workspace: &Workspace, name: &ServiceName) -> Result<(), Failure> {
    let Some(service) = workspace.services().iter().find(|it| it.name == *name) else {
        return Ok(());
    };
    Err(Failure::Usage {
        message: format!(
            "there is a service named `{name}` already, in `{}`",
            shown(&service.path)
        ),
        hint: "choose another name".to_owned(),
    })
}

fn dependencies(workspace: &Workspace, names: &[String]) -> Result<Vec<ServiceName>, Failure> {
    let known = || workspace.services().iter().map(|it| it.name.as_str());
    let mut found: Vec<ServiceName> = Vec::new();
    for name in names {
        let Some(service) = workspace
            .services()
            .iter()
            .find(|it| it.name.as_str() == name)
        else {
            return Err(Failure::Unknown {
                kind: "service",
                name: name.clone(),
                nearest: nearest(name, known()).map(str::to_owned),
            });
        };
        found.push(service.name.clone());
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn facts(
    root: &Path,
    workspace: &Workspace,
    name: ServiceName,
    path: FilePath,
    depends_on: Vec<ServiceName>,
) -> Facts {
    let settings = workspace.settings();
    let directory = root.file_name().map(|it| it.to_string_lossy().into_owned());
    let targets = settings
        .environments
        .values()
        .filter_map(|it| it.target.clone());
    Facts {
        name,
        workspace: settings.name.clone().or(directory).unwrap_or_default(),
        targets: targets.collect(),
        above: above(root, &path),
        path,
        depends_on,
        free_port: free_port(workspace),
    }
}

/// What is at the place.
fn standing(root: &Path, path: &FilePath, rendered: &Rendered) -> Result<Standing, Failure> {
    let standing = scaffold::standing(&root.join(path.as_path()), &rendered.files)?;
    match standing {
        Standing::Taken => Err(Failure::Usage {
            message: format!("`{}` exists already", shown(path)),
            hint: "nothing is overwritten; --path names another directory".to_owned(),
        }),
        standing => Ok(standing),
    }
}

fn made(
    template: &Template,
    facts: Facts,
    rendered: Rendered,
    entry: &Entry,
    loaded: &Loaded,
) -> Made {
    let services = loaded.workspace.services();
    let service = services.iter().find(|it| it.name == facts.name);
    let tasks = service.into_iter().flat_map(|it| it.tasks.keys());
    Made {
        template: template.name.clone(),
        tasks: tasks.map(ToString::to_string).collect(),
        serves: service.is_some_and(|it| it.serve.is_some()),
        name: facts.name,
        path: facts.path,
        files: rendered.files,
        entry: entry.text.clone(),
        parameters: rendered.parameters,
        notes: rendered.notes,
        is_first: false,
        is_resumed: false,
        is_written: false,
    }
}

fn shown(path: &FilePath) -> String {
    match path.is_root() {
        true => ".".to_owned(),
        false => path.display(),
    }
}
