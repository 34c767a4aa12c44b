//! Where the files lie that tools speak of.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::name::ServiceName;
use crate::model::path::{FilePath, ancestors};
use crate::model::workspace::Workspace;

/// The workspace on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The workspace's directory, absolute and without symlinks.
    root: PathBuf,
    /// Where it lies in its repository: CI systems speak of files from there.
    within: FilePath,
    services: BTreeMap<ServiceName, FilePath>,
}

/// Finds files that tools name, and remembers what it found.
#[derive(Debug, Default)]
pub struct Files {
    grounds: Grounds,
    known: HashMap<(FilePath, String), Option<FilePath>>,
}

/// So many names are looked up on disk. A tool that names more is not telling of places.
const LOOKED_UP: usize = 5000;
/// So many entries of directories are looked at for a file that was named without its directory.
const WALKED: usize = 20_000;

impl Grounds {
    /// The workspace at `root`, which lies at `within` in its repository.
    pub fn new(root: &Path, within: FilePath, workspace: &Workspace) -> Self {
        let services = workspace.services().iter();
        Self {
            root: root.to_owned(),
            within,
            services: services
                .map(|it| (it.name.clone(), it.path.clone()))
                .collect(),
        }
    }
}

impl Files {
    /// Those of this workspace.
    pub fn of(grounds: Grounds) -> Self {
        let known = HashMap::new();
        Self { grounds, known }
    }

    /// The file that a task of `service` means by `name`, from the repository's directory: only one that exists in the
    /// workspace. Tools name files from the service's directory, or from one around it; with `search`, from any in it.
    pub fn find(&mut self, service: &ServiceName, name: &str, search: bool) -> Option<FilePath> {
        let directory = self.grounds.services.get(service)?.clone();
        let key = (directory, name.to_owned());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if self.known.len() >= LOOKED_UP || name.len() > 1024 || name.contains('\0') {
            return None;
        }
        let found = self.look(&key.0, name, search);
        let found = found.map(|it| self.grounds.within.join(it.as_bytes()));
        self.known.insert(key, found.clone());
        found
    }

    fn look(&self, directory: &FilePath, name: &str, search: bool) -> Option<FilePath> {
        let root = &self.grounds.root;
        if Path::new(name).is_absolute() {
            let inside = Path::new(name).strip_prefix(root).ok()?;
            let path = FilePath::default().resolve(inside.as_os_str().as_bytes())?;
            return self.is_ours(&path).then_some(path);
        }
        let mut around = ancestors(directory.as_bytes()).map(FilePath::from_bytes);
        let here = around.find_map(|it| {
            let path = it.resolve(name.as_bytes())?;
            self.is_ours(&path).then_some(path)
        });
        match here {
            None if search && !name.contains("..") => self.search(directory, name),
            found => found,
        }
    }

    /// Whether it is a file, and a link does not lead out of the workspace.
    fn is_ours(&self, path: &FilePath) -> bool {
        let real = self.grounds.root.join(path.as_path()).canonicalize();
        real.is_ok_and(|it| it.starts_with(&self.grounds.root) && it.is_file())
    }

    /// The one file below the service whose path ends in this name; none if there are several.
    fn search(&self, directory: &FilePath, name: &str) -> Option<FilePath> {
        let top = self.grounds.root.join(directory.as_path());
        let is_hidden = |it: &walkdir::DirEntry| {
            let file = it.file_name().as_bytes();
            it.depth() > 0 && (file.starts_with(b".") || file == b"node_modules")
        };
        let walk = walkdir::WalkDir::new(top).into_iter();
        let walk = walk.filter_entry(|it| !is_hidden(it)).take(WALKED);
        let mut found = walk
            .flatten()
            .filter(|it| it.file_type().is_file() && it.path().ends_with(name));
        let (first, second) = (found.next()?, found.next());
        let inside = first.path().strip_prefix(&self.grounds.root).ok()?;
        let path = FilePath::from_bytes(inside.as_os_str().as_bytes());
        second.is_none().then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::workspace;

    #[test]
    fn only_files_of_the_workspace_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let world = directory.path().canonicalize().unwrap();
        let root = world.join("repo/shop");
        for file in ["lib/src/a.rs", "lib/deep/b_test.go", "top.rs", "../out.rs"] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(world.join("repo/out.rs"), root.join("lib/link.rs")).unwrap();
        let workspace = workspace(&["lib:build"]);
        let service = workspace.services()[0].name.clone();
        let mut grounds = Grounds::new(&root, FilePath::from("shop"), &workspace);
        grounds.services.insert(service.clone(), "lib".into());
        let mut files = Files::of(grounds);
        let mut check = |name: &str, search: bool, expected: Option<&str>| {
            for _ in 0..2 {
                let found = files.find(&service, name, search);
                assert_eq!(found.map(|it| it.display()).as_deref(), expected, "{name}");
            }
        };
        check("src/a.rs", false, Some("shop/lib/src/a.rs"));
        check("./src/../src/a.rs", false, Some("shop/lib/src/a.rs"));
        check("lib/src/a.rs", false, Some("shop/lib/src/a.rs"));
        check("top.rs", false, Some("shop/top.rs"));
        check("../top.rs", false, Some("shop/top.rs"));
        check("../../out.rs", false, None);
        check("link.rs", false, None);
        check("src", false, None);
        check("none.rs", false, None);
        check("/etc/passwd", false, None);
        let absolute = root.join("lib/src/a.rs").display().to_string();
        check(&absolute, false, Some("shop/lib/src/a.rs"));
        check("b_test.go", true, Some("shop/lib/deep/b_test.go"));
        check("c_test.go", true, None);
        check("deep/b_test.go", true, Some("shop/lib/deep/b_test.go"));
        check("eep/b_test.go", true, None);
        check("../deep/b_test.go", true, None);
    }
}
