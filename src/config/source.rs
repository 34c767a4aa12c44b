//! Where files come from: the working directory, or any other state of the workspace.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, stat, statat};

use crate::config::links::links;
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;

/// The name of the file that makes a directory a workspace.
pub const FILE: &str = "services.toml";
/// Files with more bytes than this are refused.
pub const LARGEST: u64 = 32 << 20;

/// The files of one state of the workspace.
pub trait Source {
    /// The bytes of a file, `None` if it does not exist.
    ///
    /// # Errors
    /// Why it cannot be read although it exists.
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>>;

    /// The files that a pattern matches, in any order. Directories that begin with a dot, and `node_modules`, need not be
    /// looked into.
    ///
    /// # Errors
    /// Why the directories cannot be read.
    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>>;

    /// The file that is read for `path`, where symbolic links lead. `None` if they lead out of the workspace.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        Ok(Some(path.clone()))
    }

    /// For each of the paths the first symbolic link among the directories above it and itself. None where there is none,
    /// or where that cannot be told at once.
    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        vec![None; paths.len()]
    }

    /// Which of the paths are files that can be read.
    ///
    /// # Errors
    /// Why that cannot be told.
    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        let present = |path| Ok(self.read(path)?.is_some());
        paths.iter().map(present).collect()
    }

    /// What stands at each of the paths.
    fn directories(&self, paths: &[&FilePath]) -> Vec<Directory> {
        vec![Directory::Unknown; paths.len()]
    }
}

/// What stands at the path of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory {
    Present,
    Missing,
    /// A file.
    Other,
    /// A symbolic link leads out of the workspace.
    Outside,
    /// It cannot be told.
    Unknown,
}

/// So few files are looked for by one thread.
const FEW: usize = 200;

/// The working directory.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The workspace at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Source for Disk {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        read_file(&self.root.join(path.as_path()))
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        let literal = FilePath::from_bytes(pattern.literal());
        let start = self.root.join(literal.as_path());
        let walk = walkdir::WalkDir::new(&start).follow_links(false);
        let walk = walk.into_iter().filter_entry(|entry| {
            entry.depth() == 0 || !entry.file_type().is_dir() || !is_skipped(entry.file_name())
        });
        let mut found = Vec::new();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            let Ok(rest) = entry.path().strip_prefix(&self.root) else {
                continue;
            };
            let path = rest.as_os_str().as_encoded_bytes();
            if !entry.file_type().is_dir() && pattern.matches(path) {
                found.push(FilePath::from_bytes(path));
            }
        }
        Ok(found)
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        let real = self.root.join(path.as_path()).canonicalize()?;
        let named = |it: &Path| FilePath::from_bytes(it.as_os_str().as_encoded_bytes());
        if let Ok(below) = real.strip_prefix(&self.root) {
            return Ok(Some(named(below)));
        }
        let top = self.root.canonicalize()?;
        Ok(real.strip_prefix(top).ok().map(named))
    }

    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        // From a directory that is open, the way to each file is short.
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(&self.root, flags, Mode::empty()).ok();
        let look = |path: &FilePath| match &top {
            Some(top) => statat(top, path.as_path(), AtFlags::empty()),
            None => stat(self.root.join(path.as_path())),
        };
        let is_there = |path: &FilePath| {
            let found = look(path).map_err(io::Error::from);
            match found {
                Ok(found) => Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile),
                Err(error) if is_absent(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        paths.par_iter().with_min_len(FEW).map(is_there).collect()
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<Directory> {
        let mut seen = Seen {
            root: &self.root,
            real_root: None,
            parents: HashMap::new(),
            listed: HashMap::new(),
        };
        seen.list_full_parents(paths);
        paths.iter().map(|path| seen.look(path)).collect()
    }

    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        links(&self.root, paths)
    }
}

/// The nearest workspace at `start` or above it, or else every place that was looked at. A file with nothing but services
/// is a part of a workspace further up, so it counts only if there is no other.
///
/// # Errors
/// The files that were looked for, nearest first.
pub fn find_root(start: &Path) -> Result<PathBuf, Vec<PathBuf>> {
    let mut part = None;
    let mut looked_at = Vec::new();
    for directory in start.ancestors() {
        let file = directory.join(FILE);
        if file.symlink_metadata().is_ok() {
            if is_whole(&file) {
                return Ok(directory.to_owned());
            }
            part.get_or_insert(directory);
        }
        looked_at.push(file);
    }
    part.map(Path::to_owned).ok_or(looked_at)
}

/// Whether a file has what only the `services.toml` of a workspace has.
fn is_whole(file: &Path) -> bool {
    let Ok(Some((file, _))) = open(file) else {
        return false;
    };
    let line = |line: &[u8]| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let line = line.trim_ascii();
        let table = line.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        table.is_some_and(|it| it.starts_with(b"workspace"))
            || line.starts_with(b"workspace")
            || line
                .strip_prefix(b"version")
                .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
    };
    // Mostly the first lines say it, so the rest is not read.
    let mut lines = io::BufReader::new(file).split(b'\n').map_while(Result::ok);
    lines.any(|it| line(&it))
}

/// Directories that an include does not look into.
pub fn is_skipped(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || name == b"node_modules"
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some((mut file, length)) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// A regular file that is not too large, and how long it is.
fn open(path: &Path) -> io::Result<Option<(io::Take<std::fs::File>, u64)>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {} MiB", LARGEST >> 20),
        ));
    }
    Ok(Some((file.take(LARGEST), metadata.len())))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn is_missing(error: &walkdir::Error) -> bool {
    error.io_error().is_some_and(is_absent)
}

fn parent(path: &FilePath) -> &[u8] {
    ancestors(path.as_bytes()).nth(1).unwrap_or_default()
}

/// Looks at directories, and only once at each of their parents.
struct Seen<'r> {
    root: &'r Path,
    real_root: Option<PathBuf>,
    parents: HashMap<FilePath, Directory>,
    /// The directories below parents of many services.
    listed: HashMap<FilePath, HashSet<OsString>>,
}

/// From this many services in a directory on, listing it is quicker than asking for each of them.
const MANY: u32 = 16;

impl Seen<'_> {
    fn list_full_parents(&mut self, paths: &[&FilePath]) {
        let mut counts: HashMap<&[u8], u32> = HashMap::new();
        for path in paths {
            *counts.entry(parent(path)).or_default() += 1;
        }
        for (parent, _) in counts.into_iter().filter(|(_, count)| *count >= MANY) {
            let parent = FilePath::from_bytes(parent);
            let Ok(entries) = std::fs::read_dir(self.root.join(parent.as_path())) else {
                continue;
            };
            let entries = entries.filter_map(Result::ok);
            let directories = entries.filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
            let names = directories.map(|it| it.file_name()).collect();
            self.listed.insert(parent, names);
        }
    }

    fn look(&mut self, path: &FilePath) -> Directory {
        if path.is_root() {
            return Directory::Present;
        }
        let parent = FilePath::from_bytes(parent(path));
        let known = match self.parents.get(&parent) {
            Some(known) => *known,
            None => {
                let found = self.look(&parent);
                self.parents.insert(parent.clone(), found);
                found
            }
        };
        match known {
            Directory::Present if self.is_listed(&parent, path) => Directory::Present,
            Directory::Present => self.look_at(path),
            Directory::Other => Directory::Missing,
            known => known,
        }
    }

    fn is_listed(&self, parent: &FilePath, path: &FilePath) -> bool {
        let names = self.listed.get(parent);
        let name = path.as_path().file_name();
        names
            .zip(name)
            .is_some_and(|(names, name)| names.contains(name))
    }

    fn look_at(&mut self, path: &FilePath) -> Directory {
        let full = self.root.join(path.as_path());
        match full.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => Directory::Present,
            Ok(metadata) if metadata.is_symlink() => self.follow(&full),
            Ok(_) => Directory::Other,
            Err(error) if is_absent(&error) => Directory::Missing,
            Err(_) => Directory::Unknown,
        }
    }

    fn follow(&mut self, link: &Path) -> Directory {
        let Ok(target) = link.canonicalize() else {
            return Directory::Missing;
        };
        let root = self.root;
        let real_root = self
            .real_root
            .get_or_insert_with(|| root.canonicalize().unwrap_or_else(|_| root.to_owned()));
        match (target.starts_with(real_root), target.is_dir()) {
            (false, _) => Directory::Outside,
            (true, true) => Directory::Present,
            (true, false) => Directory::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::{Report, load};

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn report(root: &Path) -> Report {
        let disk = Disk::new(root);
        *load(&disk).expect_err("it is not valid").0
    }

    #[test]
    fn the_root_is_the_nearest_file_that_is_a_whole_one() {
        let directory = directory(&[
            ("services.toml", "# shop\nversion = 1\n"),
            ("teams/a/services.toml", "[services.x]\npath = \".\"\n"),
            ("teams/a/src/x", ""),
            ("inner/services.toml", "[ workspace ]\n"),
        ]);
        let root = directory.path();
        let check = |start: &str, expected: &str| {
            let expected = root.join(expected);
            assert_eq!(find_root(&root.join(start)), Ok(expected), "{start}");
        };
        check("", "");
        check("teams/a/src", "");
        check("inner", "inner");
        fs::remove_file(root.join("services.toml")).unwrap();
        check("teams/a/src", "teams/a");
        let looked_at = find_root(&root.join("teams")).unwrap_err();
        assert_eq!(looked_at[0], root.join("teams/services.toml"));
        assert_eq!(looked_at[1], root.join("services.toml"));
    }

    #[test]
    fn directories_are_looked_at_one_by_one_or_all_together() {
        for count in [1, MANY as usize + 1] {
            let directory = directory(&[("services.toml", ""), ("all/file", "")]);
            let root = directory.path();
            let outside = tempfile::tempdir().unwrap();
            symlink(outside.path(), root.join("all/out")).unwrap();
            symlink(".", root.join("all/in")).unwrap();
            symlink("nowhere", root.join("all/broken")).unwrap();
            fs::create_dir(outside.path().join("x")).unwrap();
            let mut text = String::from("version = 1\n");
            for at in 0..count {
                fs::create_dir(root.join(format!("all/s{at}"))).unwrap();
                text += &format!("[services.s{at}]\npath = \"all/s{at}\"\n");
            }
            for path in [
                "file", "out", "out/x", "in", "broken", "gone", "gone/x", "file/x",
            ] {
                let name = path.replace('/', "-");
                text += &format!("[services.{name}]\npath = \"all/{path}\"\n");
            }
            fs::write(root.join("services.toml"), text).unwrap();
            let rows = report(root).rows();
            let messages: Vec<_> = rows.iter().map(|row| row.message.as_str()).collect();
            assert_eq!(
                messages,
                [
                    "`all/file` is not a directory",
                    "`all/out` leads out of the workspace through a symbolic link",
                    "`all/out/x` leads out of the workspace through a symbolic link",
                    "the directory `all/broken` does not exist",
                    "the directory `all/gone` does not exist",
                    "the directory `all/gone/x` does not exist",
                    "the directory `all/file/x` does not exist",
                ]
            );
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let check = |expected: &str| assert!(report(root).plain().contains(expected), "{expected}");
        check("the file `services.toml` does not exist");
        fs::create_dir(root.join(FILE)).unwrap();
        check("`services.toml` cannot be read: it is a directory");
        assert_eq!(find_root(root), Ok(root.to_owned()));
        fs::remove_dir(root.join(FILE)).unwrap();
        let file = fs::File::create(root.join(FILE)).unwrap();
        file.set_len(50 << 20).unwrap();
        check("`services.toml` cannot be read: it has more than 32 MiB");
    }

    #[test]
    fn includes_find_files_but_not_in_hidden_directories() {
        let directory = directory(&[
            (
                "services.toml",
                "version = 1\n[workspace]\ninclude = [\"**/services.toml\"]\n",
            ),
            ("a/b/services.toml", "[services.b]\npath = \".\"\n"),
            (".git/services.toml", "nonsense"),
            ("a/node_modules/m/services.toml", "nonsense"),
        ]);
        let disk = Disk::new(directory.path());
        let workspace = load(&disk).unwrap().workspace;
        assert_eq!(workspace.services().len(), 1);
        assert_eq!(workspace.services()[0].path.display(), "a/b");
    }

    #[test]
    fn links_on_the_way_to_outputs_are_found_on_disk() {
        let text = "version = 1\n[services.a]\npath = \"a\"\nbuild = { run = \"x\", outputs = [\"out/x\", \"dist\"] }\n";
        let directory = directory(&[("services.toml", text), ("a/file", "")]);
        let root = directory.path();
        symlink("/nowhere", root.join("a/dist")).unwrap();
        assert!(load(&Disk::new(root)).is_ok());
        symlink(".", root.join("a/out")).unwrap();
        let expected =
            "services.toml:4:33: the output `a/out/x` leads through the symbolic link `a/out`\n";
        assert_eq!(report(root).plain(), expected);
    }
}
