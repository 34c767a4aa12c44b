//! The submodules of a checkout of ours.

use std::ffi::OsString;
use std::path::Path;

use crate::git::checkout::NO_HOOKS;
use crate::git::error::Error;
use crate::git::finished::Finished;
use crate::git::program::Git;
use crate::git::repo::Repo;

/// Fills the submodules of the checkout that `git` is in, those that are set up in the user's clone: from what it has of them
/// already, where that is enough.
pub fn fill(repo: &Repo, git: &Git) -> Result<(), Error> {
    let list = [
        "config",
        "--file",
        ".gitmodules",
        "--null",
        "--get-regexp",
        r"^submodule\..*\.path$",
    ];
    let listed = git.run(list)?.output;
    for entry in listed.split(|byte| *byte == 0) {
        let text = String::from_utf8_lossy(entry);
        let Some((key, path)) = text.split_once('\n') else {
            continue;
        };
        let name = key
            .trim_start_matches("submodule.")
            .trim_end_matches(".path");
        let url = format!("submodule.{name}.url");
        if !git.run(["config", "--get", &url])?.status.success() {
            continue;
        }
        let here = repo.common_dir().join("modules").join(name);
        let is_here = here.join("objects").is_dir() && !name.split('/').any(|part| part == "..");
        if is_here && update(git, path, Some((&url, &here))).is_ok() {
            continue;
        }
        update(git, path, None)?;
    }
    Ok(())
}

/// Checks out what is recorded at `path`: from the clone `here`, asking nobody else, or from where the submodule says.
fn update(git: &Git, path: &str, here: Option<(&str, &Path)>) -> Result<(), Error> {
    let mut arguments: Vec<OsString> = NO_HOOKS.iter().map(Into::into).collect();
    if let Some((url, here)) = here {
        let mut setting = OsString::from(format!("{url}="));
        setting.push(here);
        let allow = "protocol.file.allow=always";
        arguments.extend(["-c".into(), setting, "-c".into(), allow.into()]);
    }
    arguments.extend(["submodule", "update", "--force", "--recursive"].map(Into::into));
    if let Some((_, here)) = here {
        arguments.extend(["--no-fetch".into(), "--reference".into(), here.into()]);
    }
    arguments.extend(["--".into(), path.into()]);
    git.talk(arguments)
        .and_then(Finished::into_output)
        .map(drop)
}
