//! The staging directory: beside the outputs, so that what is prepared in it can be moved in place.

use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::cache::contents::Contents;
use crate::cache::error::{Error, failed};
use crate::cache::outputs::plan::{Plan, Staged};
use crate::cache::outputs::sight::{STAGING, Sight, is_missing, starts};
use crate::cache::outputs::stamp::{Identity, Stamp};
use crate::model::outputs::Output;
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;

/// While it is worked in, everything may be done in a prepared directory.
const OPEN: u32 = 0o700;

/// Why nothing was prepared.
pub(crate) enum Unprepared {
    Failed(Error),
    Stopped,
}

/// A name for a staging directory, where nothing has this name yet: in the deepest directory that holds all that the
/// patterns may match and is there already.
pub(crate) fn choose(patterns: &[Pattern], sight: &Sight) -> FilePath {
    let starts = starts(patterns);
    let first = starts.first().copied().unwrap_or_default();
    let holds_all = |directory: &&[u8]| starts.iter().all(|it| is_within(it, directory));
    let mut above = ancestors(first).skip(1).filter(holds_all);
    let is_there =
        |it: &&[u8]| it.is_empty() || sight.above.contains_key(&FilePath::from_bytes(*it));
    let parent = FilePath::from_bytes(above.find(is_there).unwrap_or_default());
    // What was mounted in place of the only outputs can be reached from inside alone.
    let inside = match &starts[..] {
        [only] => sight.folder(&FilePath::from_bytes(*only)),
        _ => None,
    };
    let parent_device = sight.device(&parent);
    let parent = match inside {
        Some(start) if parent_device.is_some_and(|it| it != start.stamp.device()) => {
            start.path.clone()
        }
        _ => parent,
    };
    let mut random = RandomState::new().build_hasher();
    random.write_u32(std::process::id());
    parent.join(format!("{STAGING}{:016x}", random.finish()).as_bytes())
}

/// Prepares all that the plan moves in place. Says what lies in each slot.
pub(crate) fn prepare(
    directory: &Path,
    plan: &Plan,
    contents: &mut dyn Contents,
    is_asked: &dyn Fn() -> bool,
) -> Result<Vec<Option<Identity>>, Unprepared> {
    make(directory).map_err(|it| Unprepared::Failed(failed("make", directory)(it)))?;
    let new = directory.join("new");
    for staged in &plan.staged {
        if is_asked() {
            return Err(Unprepared::Stopped);
        }
        put(&staged.at(&new), staged, contents).map_err(Unprepared::Failed)?;
    }
    // Last, and from within: by then nothing more is made in it.
    for staged in plan.staged.iter().rev() {
        close(&staged.at(&new), staged).map_err(Unprepared::Failed)?;
    }
    let mut prepared = vec![None; plan.slots as usize];
    for staged in plan.staged.iter().filter(|it| it.rest.is_empty()) {
        let path = staged.at(&new);
        let metadata = fs::symlink_metadata(&path)
            .map_err(failed("read", &path))
            .map_err(Unprepared::Failed)?;
        prepared[staged.slot as usize] = Some(Stamp::new(&metadata).identity());
    }
    Ok(prepared)
}

/// Removes a staging directory with all it holds, if it is there.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if is_missing(&error) => Ok(()),
        Err(_) => {
            // Directories that nobody may write to cannot be emptied.
            let entries = walkdir::WalkDir::new(directory).follow_root_links(false);
            for entry in entries.into_iter().flatten() {
                if entry.file_type().is_dir() {
                    let _ = fs::set_permissions(entry.path(), Permissions::from_mode(OPEN));
                }
            }
            fs::remove_dir_all(directory)
        }
        Ok(()) => Ok(()),
    }
}

/// Nothing in it shows up in git, not even while it is there.
fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().mode(OPEN).create(directory)?;
    fs::write(directory.join(".gitignore"), "*\n")?;
    fs::create_dir(directory.join("new"))?;
    fs::create_dir(directory.join("old"))
}

fn put(path: &Path, staged: &Staged, contents: &mut dyn Contents) -> Result<(), Error> {
    match &staged.output {
        Output::Directory { mode } => {
            let mode = if staged.is_exact { OPEN } else { *mode };
            let made = DirBuilder::new().mode(mode).create(path);
            made.map_err(failed("make", path))
        }
        Output::File { mode, content, .. } => {
            contents.write(content, path)?;
            set_mode(path, *mode)
        }
        Output::Link { target } => {
            let target = Path::new(std::ffi::OsStr::from_bytes(target));
            symlink(target, path).map_err(failed("make", path))
        }
    }
}

fn close(path: &Path, staged: &Staged) -> Result<(), Error> {
    match staged.output {
        Output::Directory { mode } if staged.is_exact && mode != OPEN => {
            let is_moved = staged.rest.is_empty();
            set_mode(path, if is_moved { mode | OPEN } else { mode })
        }
        _ => Ok(()),
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("write", path))
}

impl Staged {
    fn at(&self, new: &Path) -> PathBuf {
        let slot = new.join(self.slot.to_string());
        match self.rest.is_empty() {
            true => slot,
            false => slot.join(FilePath::from_bytes(&self.rest[..]).as_path()),
        }
    }
}
