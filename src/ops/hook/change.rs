//! `svc hook install` and `svc hook uninstall`.
//!
//! At every moment git finds a whole hook: ours comes in place of the earlier one by one rename, as the earlier one comes back.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config;
use crate::git::Repo;
use crate::model::hook::{Asked, HookName, Installed, Present};
use crate::ops::choose;
use crate::ops::failure::Failure;
use crate::ops::hook::before;
use crate::ops::hook::place::Hooks;
use crate::ops::hook::script;
use crate::ops::hook::status::{present, repo};
use crate::ops::place::Place;

/// What is asked.
pub struct Request {
    pub hooks: Vec<HookName>,
    pub tasks: Vec<String>,
    pub during_rebase: bool,
    /// Whether hooks outside of the repository may be written: those of all repositories of a person.
    pub outside: bool,
    /// Whether a hook of ours that somebody changed may be written over.
    pub force: bool,
    /// The program that is asked where there is no `svc` in `PATH`.
    pub program: Option<PathBuf>,
}

/// Lets hooks ask `svc`.
///
/// # Errors
/// A task that does not exist, hooks that are not this repository's, one that somebody changed.
pub fn install(place: &Place, request: &Request) -> Result<Installed, Failure> {
    let repo = repo(place)?;
    let workspace = place.workspace()?.workspace;
    for task in &request.tasks {
        choose::task(&workspace, task)?;
    }
    let hooks = Hooks::find(repo)?;
    let asked = Asked {
        workspace: repo.scope().clone(),
        tasks: request.tasks.clone(),
        during_rebase: request.during_rebase,
    };
    if let Some(manager) = hooks.manager {
        let command = |name: &HookName| {
            let arguments = script::arguments(*name, &asked);
            (
                *name,
                format!("svc hook run {}", String::from_utf8_lossy(&arguments)),
            )
        };
        return Ok(Installed::Managed {
            manager,
            commands: request.hooks.iter().map(command).collect(),
        });
    }
    check_outside(&hooks, request)?;
    let _lock = lock(repo.common_dir())?;
    fs::create_dir_all(&hooks.directory).map_err(fault("make", &hooks.directory))?;
    let mut chained = Vec::new();
    for name in &request.hooks {
        check_edited(&hooks, *name, request.force)?;
    }
    for name in &request.hooks {
        if put(&hooks, *name, &asked, request)? {
            chained.push(*name);
        }
    }
    Ok(Installed::Done {
        hooks: request.hooks.clone(),
        chained,
        is_in_work_tree: hooks.is_in_work_tree,
        directory: hooks.directory,
    })
}

fn check_outside(hooks: &Hooks, request: &Request) -> Result<(), Failure> {
    if !hooks.is_outside || request.outside {
        return Ok(());
    }
    let directory = hooks.directory.display();
    let whose = match hooks.scope.as_deref() {
        Some(scope @ ("global" | "system")) => {
            format!("the {scope} core.hooksPath makes it that of every repository")
        }
        _ => "core.hooksPath names it".to_owned(),
    };
    Err(Failure::Usage {
        message: format!("git looks for hooks in `{directory}`, outside of this repository: {whose}"),
        hint: "--outside writes there all the same (in other repositories these hooks judge nothing); \
               or let this one have its own: `git config core.hooksPath .git/hooks`"
            .to_owned(),
    })
}

fn check_edited(hooks: &Hooks, name: HookName, force: bool) -> Result<(), Failure> {
    match present(hooks, name)? {
        Present::Edited(_) if !force => Err(Failure::Usage {
            message: format!(
                "`{}` was changed by hand since svc wrote it",
                hooks.file(name).display()
            ),
            hint: "take what you added elsewhere; --force writes over it".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Writes one hook. Gives whether one from before is asked first.
fn put(hooks: &Hooks, name: HookName, asked: &Asked, request: &Request) -> Result<bool, Failure> {
    let file = hooks.file(name);
    let before = script::before(&hooks.directory, name);
    let mut all = match present(hooks, name)? {
        Present::Ours(all) | Present::Edited(all) => all,
        Present::Nothing | Present::Torn => Vec::new(),
        Present::Other => {
            before::keep(&file, &before)?;
            Vec::new()
        }
    };
    // Of several workspaces each keeps its line.
    match all.iter_mut().find(|it| it.workspace == asked.workspace) {
        Some(known) => known.clone_from(asked),
        None => all.push(asked.clone()),
    }
    all.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    // A file that is committed may not speak of this machine.
    let program = request
        .program
        .as_deref()
        .filter(|_| !hooks.is_in_work_tree);
    write(&file, &script::text(name, &all, program))?;
    Ok(before.symlink_metadata().is_ok())
}

fn write(file: &Path, text: &[u8]) -> Result<(), Failure> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let attempt = || fault("write", file);
    let mut made = tempfile::Builder::new();
    let made = made
        .prefix(".svc-hook-")
        .tempfile_in(directory)
        .map_err(attempt())?;
    fs::write(made.path(), text).map_err(attempt())?;
    let all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(made.path(), all).map_err(attempt())?;
    made.as_file().sync_all().map_err(attempt())?;
    made.persist(file).map_err(|it| attempt()(it.error))?;
    Ok(())
}

/// Lets the hooks of this workspace ask `svc` no more. Gives those that did.
///
/// # Errors
/// One that somebody changed, or that cannot be written.
pub fn uninstall(place: &Place, force: bool) -> Result<Vec<HookName>, Failure> {
    let repo = repo(place)?;
    let hooks = Hooks::find(repo)?;
    let _lock = lock(repo.common_dir())?;
    for name in HookName::ALL {
        check_edited(&hooks, name, force)?;
    }
    let mut removed = Vec::new();
    for name in HookName::ALL {
        if remove(&hooks, name, place)? {
            removed.push(name);
        }
    }
    Ok(removed)
}

fn remove(hooks: &Hooks, name: HookName, place: &Place) -> Result<bool, Failure> {
    let file = hooks.file(name);
    let before = script::before(&hooks.directory, name);
    let all = match present(hooks, name)? {
        Present::Ours(all) | Present::Edited(all) => all,
        Present::Torn => Vec::new(),
        Present::Nothing if before.symlink_metadata().is_ok() => Vec::new(),
        Present::Nothing | Present::Other => return Ok(false),
    };
    let repo = repo(place)?;
    let count = all.len();
    let others: Vec<Asked> = all
        .into_iter()
        .filter(|it| !is_meant(place, repo, it))
        .collect();
    if count > 0 && others.len() == count {
        return Ok(false);
    }
    if !others.is_empty() {
        let old = fs::read(&file).unwrap_or_default();
        let program = script::program(&old);
        write(&file, &script::text(name, &others, program.as_deref()))?;
        return Ok(true);
    }
    if before::put_back(&before, &file).map_err(fault("put back", &before))? {
        return Ok(true);
    }
    fs::remove_file(&file).map_err(fault("remove", &file))?;
    Ok(true)
}

/// Whether hooks are to ask no more for this workspace. Where there is none, those are meant that are none any more.
fn is_meant(place: &Place, repo: &Repo, asked: &Asked) -> bool {
    if place.root.join(config::FILE).is_file() {
        return asked.workspace == *repo.scope();
    }
    let top = repo.work_tree().unwrap_or(repo.git_dir());
    let root = top.join(asked.workspace.as_path());
    !root.join(config::FILE).is_file()
}

/// One `svc` at a time changes hooks.
fn lock(common_dir: &Path) -> Result<File, Failure> {
    let directory = common_dir.join("svc");
    fs::create_dir_all(&directory).map_err(fault("make", &directory))?;
    let path = directory.join("hooks.lock");
    let lock = File::create(&path).map_err(fault("open", &path))?;
    lock.lock().map_err(fault("lock", &path))?;
    Ok(lock)
}

pub(in crate::ops::hook) fn fault<'a>(
    what: &'a str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Failure + 'a {
    move |cause| Failure::File {
        attempt: format!("{what} `{}`", path.display()),
        cause,
    }
}
