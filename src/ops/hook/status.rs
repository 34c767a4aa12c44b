//! `svc hook status`: what lies where git looks for hooks.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use crate::git::{Fetch, Repo};
use crate::model::env::Env;
use crate::model::hook::{HookName, HookStatus, Present, Status};
use crate::ops::failure::Failure;
use crate::ops::hook::place::Hooks;
use crate::ops::hook::script;
use crate::ops::place::Place;

/// Looks.
///
/// # Errors
/// No repository, or a hook that cannot be read.
pub fn status(place: &Place) -> Result<Status, Failure> {
    let hooks = Hooks::find(repo(place)?)?;
    let of = |name| {
        let file = hooks.file(name);
        let mode = file.metadata().map(|it| it.permissions().mode());
        Ok(HookStatus {
            name,
            present: present(&hooks, name)?,
            is_executable: mode.is_ok_and(|it| it & 0o111 != 0),
            has_before: script::before(&hooks.directory, name)
                .symlink_metadata()
                .is_ok(),
            file,
        })
    };
    Ok(Status {
        hooks: HookName::ALL
            .into_iter()
            .map(of)
            .collect::<Result<_, Failure>>()?,
        manager: hooks.manager,
        directory: hooks.directory,
    })
}

/// What lies where a hook would.
///
/// # Errors
/// It cannot be read.
pub fn present(hooks: &Hooks, name: HookName) -> Result<Present, Failure> {
    let file = hooks.file(name);
    let fault = |cause| Failure::File {
        attempt: format!("read `{}`", file.display()),
        cause,
    };
    match file.symlink_metadata() {
        Err(cause) if is_missing(&cause) => return Ok(Present::Nothing),
        Err(cause) => return Err(fault(cause)),
        // Ours is a plain file; whatever a link leads to belongs to somebody else.
        Ok(data) if !data.is_file() => return Ok(Present::Other),
        Ok(_) => {}
    }
    fs::read(&file).map(|it| script::read(&it)).map_err(fault)
}

fn is_missing(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The workspace around the working directory or, where it is gone, the repository alone: its hooks may be there still.
///
/// # Errors
/// Neither is there, or the repository cannot be opened.
pub fn around(env: &Env) -> Result<Place, Failure> {
    match Place::find(env, Fetch::Forbidden) {
        Err(failure @ Failure::NoWorkspace { .. }) => {
            let repo = Repo::discover(env)?.ok_or(failure)?;
            Ok(Place::new(env.clone(), env.directory.clone(), Some(repo)))
        }
        other => other,
    }
}

/// The repository, without which there are no hooks.
///
/// # Errors
/// There is none.
pub fn repo(place: &Place) -> Result<&Repo, Failure> {
    place.repo.as_ref().ok_or_else(|| Failure::Usage {
        message: "this is not a git repository, so there are no hooks".to_owned(),
        hint: "`git init` begins one".to_owned(),
    })
}
