//! Copying the files of a release: clones where the file system can, never links, as the next build may write in place.

use std::fs::{self, File, FileType, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::process::local::{Error, at};

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    pub files: u64,
    pub bytes: u64,
    /// What is neither file, directory nor link, such as a socket: it means nothing elsewhere.
    pub skipped: Vec<PathBuf>,
}

/// Copies `paths` below `root` to the same places below `to`, but never `own`, where releases lie. When it fails, what is in
/// `to` is not whole.
pub fn copy(root: &Path, paths: &[PathBuf], to: &Path, own: &Path) -> Result<Copied, Error> {
    let own = fs::metadata(own).map_err(at("read", own))?;
    let mut copier = Copier {
        own: (own.dev(), own.ino()),
        copied: Copied::default(),
    };
    for path in paths {
        let inside = inside(path)?;
        stay_below(root, &inside)?;
        make_parents(root, &inside, to)?;
        copier.put(&root.join(&inside), &to.join(&inside))?;
    }
    Ok(copier.copied)
}

/// Removes a directory with all below, also where it may not be written; nothing there is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    let remove = || match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    if remove().is_ok() {
        return Ok(());
    }
    for entry in walkdir::WalkDir::new(path).into_iter().flatten() {
        if entry.file_type().is_dir() {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o700));
        }
    }
    // What stood in a directory that could not be read was not seen before.
    remove()
}

/// The path without `.`; one that leads out is refused.
fn inside(path: &Path) -> Result<PathBuf, Error> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(refused(path, "it leads out of the service"));
            }
        }
    }
    Ok(inside)
}

/// Refuses a path whose directories lead out of `root` through a link.
fn stay_below(root: &Path, path: &Path) -> Result<(), Error> {
    let above = root.join(path.parent().unwrap_or(path));
    let real = |it: &Path| it.canonicalize().map_err(at("read", it));
    match real(&above)?.starts_with(real(root)?) {
        true => Ok(()),
        false => Err(refused(path, "a link leads out of the service")),
    }
}

/// Makes the directories above `path`, as they are in `root`.
fn make_parents(root: &Path, path: &Path, to: &Path) -> Result<(), Error> {
    let parts = path.parent().into_iter().flat_map(Path::components);
    let (mut from, mut to) = (root.to_owned(), to.to_owned());
    for part in parts {
        from.push(part);
        to.push(part);
        match to.symlink_metadata() {
            Ok(it) if it.is_dir() => continue,
            Ok(_) => return Err(refused(path, "a file or link stands in its way")),
            Err(_) => fs::create_dir(&to).map_err(at("create", &to))?,
        }
        let mode = from.metadata().map_err(at("read", &from))?.mode();
        // Its owner is still to write there.
        let permissions = Permissions::from_mode(mode & 0o777 | 0o700);
        fs::set_permissions(&to, permissions).map_err(at("write", &to))?;
    }
    Ok(())
}

struct Copier {
    own: (u64, u64),
    copied: Copied,
}

impl Copier {
    fn put(&mut self, from: &Path, to: &Path) -> Result<(), Error> {
        let data = from.symlink_metadata().map_err(at("read", from))?;
        let kind = data.file_type();
        if kind.is_dir() {
            if (data.dev(), data.ino()) == self.own {
                return Ok(());
            }
            return self.put_directory(from, to, data.mode());
        }
        if kind.is_symlink() {
            let target = fs::read_link(from).map_err(at("read", from))?;
            clear(to)?;
            std::os::unix::fs::symlink(target, to).map_err(at("link", to))?;
        } else if kind.is_file() {
            clear(to)?;
            self.copied.bytes += put_file(from, to, kind)?;
        } else {
            self.copied.skipped.push(from.to_owned());
            return Ok(());
        }
        self.copied.files += 1;
        Ok(())
    }

    fn put_directory(&mut self, from: &Path, to: &Path, mode: u32) -> Result<(), Error> {
        match to.symlink_metadata() {
            Ok(it) if it.is_dir() => {
                fs::set_permissions(to, Permissions::from_mode(0o700)).map_err(at("write", to))?;
            }
            Ok(_) => return Err(refused(to, "a file or link stands in its way")),
            Err(_) => fs::create_dir(to).map_err(at("create", to))?,
        }
        for entry in fs::read_dir(from).map_err(at("read", from))? {
            let entry = entry.map_err(at("read", from))?;
            self.put(&entry.path(), &to.join(entry.file_name()))?;
        }
        let permissions = Permissions::from_mode(mode & 0o7777);
        fs::set_permissions(to, permissions).map_err(at("write", to))
    }
}

/// A path that is named twice is copied twice.
fn clear(to: &Path) -> Result<(), Error> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("replace", to)(error)),
        _ => Ok(()),
    }
}

fn put_file(from: &Path, to: &Path, expected: FileType) -> Result<u64, Error> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    let mut source = options
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(from)
        .map_err(at("read", from))?;
    let data = source.metadata().map_err(at("read", from))?;
    if data.file_type() != expected {
        return Err(refused(from, "it changed while it was copied"));
    }
    let mut target = File::create_new(to).map_err(at("create", to))?;
    let copied = match reflink_copy::reflink_file(&source, &target) {
        Ok(()) => data.len(),
        Err(_) => io::copy(&mut source, &mut target).map_err(at("copy", from))?,
    };
    let permissions = Permissions::from_mode(data.mode() & 0o7777);
    target
        .set_permissions(permissions)
        .map_err(at("write", to))?;
    Ok(copied)
}

fn refused(path: &Path, reason: &'static str) -> Error {
    Error::NotCopied {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        _place: tempfile::TempDir,
        root: PathBuf,
        to: PathBuf,
    }

    impl World {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let (root, to) = (place.path().join("root"), place.path().join("root/.git/to"));
            fs::create_dir_all(&to).unwrap();
            fs::create_dir_all(root.join("a/b")).unwrap();
            fs::write(root.join("a/b/tool"), "tool").unwrap();
            fs::set_permissions(root.join("a/b/tool"), Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::symlink("b/tool", root.join("a/link")).unwrap();
            std::os::unix::fs::symlink("/tmp", root.join("out")).unwrap();
            Self {
                _place: place,
                root,
                to,
            }
        }

        fn copy(&self, paths: &[&str]) -> Result<Copied, Error> {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            copy(&self.root, &paths, &self.to, &self.root.join(".git"))
        }
    }

    #[test]
    fn modes_and_links_are_kept_and_nothing_is_shared() {
        let world = World::new();
        let copied = world.copy(&["a"]).unwrap();
        assert_eq!((copied.files, copied.bytes), (2, 4));
        let tool = world.to.join("a/b/tool");
        assert_eq!(tool.metadata().unwrap().mode() & 0o777, 0o755);
        assert_eq!(tool.metadata().unwrap().nlink(), 1);
        assert_eq!(
            fs::read_link(world.to.join("a/link")).unwrap(),
            Path::new("b/tool")
        );
        fs::write(world.root.join("a/b/tool"), "changed").unwrap();
        assert_eq!(fs::read_to_string(tool).unwrap(), "tool");
    }

    #[test]
    fn a_path_may_be_named_twice_and_hold_the_releases_themselves() {
        let world = World::new();
        world.copy(&["a/b/tool", "a", ".", "out"]).unwrap();
        assert!(world.to.join("a/b/tool").exists() && !world.to.join(".git").exists());
    }

    #[test]
    fn what_leads_out_or_is_missing_is_an_error() {
        let world = World::new();
        for path in ["../x", "/etc/passwd", "a/../../x", "missing", "out/x"] {
            assert!(world.copy(&[path]).is_err(), "{path}");
        }
        let world = World::new();
        world.copy(&["out"]).unwrap();
        assert!(world.copy(&["out/x"]).is_err());
    }

    #[test]
    fn what_may_not_be_written_is_copied_and_removed() {
        let world = World::new();
        let sealed = world.root.join("a/b");
        fs::set_permissions(&sealed, Permissions::from_mode(0o555)).unwrap();
        world.copy(&["a"]).unwrap();
        assert_eq!(
            world.to.join("a/b").metadata().unwrap().mode() & 0o777,
            0o555
        );
        fs::set_permissions(&sealed, Permissions::from_mode(0o755)).unwrap();
        remove(&world.to).unwrap();
        remove(&world.to).unwrap();
        assert!(!world.to.exists());
    }
}
