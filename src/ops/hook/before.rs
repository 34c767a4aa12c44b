//! The hook that was there before ours: kept under its own name in a directory beside, where it finds what it found.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::model::hook::HookName;
use crate::ops::failure::Failure;
use crate::ops::hook::change::fault;

/// Gives the hook that is there a second name, so that it is never gone.
///
/// # Errors
/// Another one is kept there already, or files cannot be written.
pub fn keep(file: &Path, before: &Path) -> Result<(), Failure> {
    let directory = before.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(fault("make", directory))?;
    lead_back(directory);
    let linked = match fs::read_link(file) {
        Ok(target) => symlink(from_below(&target), before),
        Err(_) => fs::hard_link(file, before),
    };
    match linked {
        // An svc that was killed here left a second name of the same; anything else is somebody's hook as well.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => match is_same(file, before) {
            true => Ok(()),
            false => Err(Failure::Usage {
                message: format!(
                    "`{}` holds an earlier hook already, which is not `{}`",
                    before.display(),
                    file.display()
                ),
                hint: "move one of the two away".to_owned(),
            }),
        },
        // Some file systems know no second names.
        other => other
            .or_else(|_| fs::rename(file, before))
            .map_err(fault("keep", file)),
    }
}

/// Puts the hook from before in the place of ours. Gives whether there was one.
///
/// # Errors
/// It cannot be moved.
pub fn put_back(before: &Path, file: &Path) -> io::Result<bool> {
    let moved = match fs::read_link(before) {
        Ok(target) => relink(before, file, &target),
        Err(_) => fs::rename(before, file),
    };
    let is_there = match moved {
        Ok(()) => true,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => false,
        Err(cause) => return Err(cause),
    };
    if let Some(directory) = before.parent() {
        clear(directory);
    }
    Ok(is_there)
}

fn relink(before: &Path, file: &Path, target: &Path) -> io::Result<()> {
    let target = target.strip_prefix("..").unwrap_or(target);
    let made = before.with_extension("back");
    let _ = fs::remove_file(&made);
    symlink(target, &made)?;
    fs::rename(&made, file)?;
    fs::remove_file(before)
}

/// The target of a link, seen from one directory further below.
fn from_below(target: &Path) -> PathBuf {
    match target.is_absolute() {
        true => target.to_owned(),
        false => Path::new("..").join(target),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let link = fs::read_link(one).ok().map(|it| from_below(&it));
    match (link, fs::read_link(other).ok()) {
        (None, None) => {
            fs::read(one).is_ok_and(|it| fs::read(other).is_ok_and(|other| it == other))
        }
        (one, other) => one == other,
    }
}

/// Lets a hook find beside itself what lay beside it. What cannot be linked it may not need.
fn lead_back(directory: &Path) {
    let entries = directory.parent().and_then(|it| fs::read_dir(it).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_hook = HookName::ALL.iter().any(|it| name == it.as_str());
        let is_sample = Path::new(&name).extension() == Some(OsStr::new("sample"));
        if !is_hook && !is_sample && Some(&*name) != directory.file_name() {
            let _ = symlink(from_below(Path::new(&name)), directory.join(&name));
        }
    }
}

/// Removes the directory once no hook is kept in it.
fn clear(directory: &Path) {
    let is_kept = |name: &HookName| directory.join(name.as_str()).symlink_metadata().is_ok();
    if HookName::ALL.iter().any(is_kept) {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let ours = from_below(Path::new(&entry.file_name()));
        if fs::read_link(entry.path()).is_ok_and(|it| it == ours) {
            let _ = fs::remove_file(entry.path());
        }
    }
    // Unless somebody put something there.
    let _ = fs::remove_dir(directory);
}
