//! `services.toml` on disk: made where there is none, replaced where nobody else wrote meanwhile. Always as a whole.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::FILE;
use crate::ops::failure::Failure;
use crate::scaffold::Lock;

/// What a file is called until it is whole.
const STAGED: &str = ".services.toml.";

/// Keeps everybody else from writing to the workspace at `root` for as long as it is held.
///
/// # Errors
/// The directory cannot be opened.
pub fn lock(root: &Path) -> Result<Lock, Failure> {
    Ok(Lock::wait(root)?)
}

/// What the file holds.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|cause| unreadable(path, cause))
}

/// Writes the file where there is none. Of several at once, one wins; whether it was this one.
///
/// # Errors
/// It cannot be written.
pub fn create(lock: &Lock, root: &Path, text: &str) -> Result<bool, Failure> {
    let to = root.join(FILE);
    let file = prepared(lock, root, text, 0o666)?;
    match file.persist_noclobber(&to) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(unwritable(&to, error.error)),
    }
}

/// Puts `text` in the place of what the file held `before`, unless somebody wrote to it meanwhile.
///
/// # Errors
/// Somebody did, or it cannot be written.
pub fn replace(lock: &Lock, path: &Path, before: &[u8], text: &str) -> Result<(), Failure> {
    let real = path
        .canonicalize()
        .map_err(|cause| unwritable(path, cause))?;
    let mode = std::fs::metadata(&real).map_err(|cause| unwritable(path, cause))?;
    let directory = real.parent().unwrap_or(path);
    let file = prepared(lock, directory, text, mode.permissions().mode() & 0o777)?;
    file.as_file()
        .set_permissions(mode.permissions())
        .map_err(|cause| unwritable(path, cause))?;
    if std::fs::read(&real).map_err(|cause| unreadable(path, cause))? != before {
        return Err(Failure::Stale {
            what: format!("`{FILE}` was changed meanwhile"),
        });
    }
    file.persist(&real)
        .map_err(|error| unwritable(path, error.error))?;
    Ok(())
}

fn prepared(
    lock: &Lock,
    directory: &Path,
    text: &str,
    mode: u32,
) -> Result<tempfile::NamedTempFile, Failure> {
    sweep(lock, directory);
    let make = || -> io::Result<tempfile::NamedTempFile> {
        let mode = std::fs::Permissions::from_mode(mode);
        let mut file = tempfile::Builder::new()
            .prefix(STAGED)
            .permissions(mode)
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    make().map_err(|cause| unwritable(&directory.join(FILE), cause))
}

/// Removes what a killed `svc` left here; nobody else writes while the lock is held.
fn sweep(_: &Lock, directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_staged = entry.file_name().as_bytes().starts_with(STAGED.as_bytes());
        if is_staged && entry.file_type().is_ok_and(|it| it.is_file()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn unwritable(path: &Path, cause: io::Error) -> Failure {
    Failure::File {
        attempt: format!("write `{}`", path.display()),
        cause,
    }
}

fn unreadable(path: &Path, cause: io::Error) -> Failure {
    Failure::File {
        attempt: format!("read `{}`", path.display()),
        cause,
    }
}
