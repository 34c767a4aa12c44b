//! The entry of a new service in `services.toml`: made, checked with all the rest, and written.

use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::config::{self, Directory, Disk, EditError, FILE, Invalid, Loaded, NewService, Source};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::ops::failure::Failure;
use crate::ops::new::place::Home;
use crate::scaffold::{Facts, Rendered};

/// The first lines of a new file.
const START: &str =
    "# What each service is made of, and how it is built, tested and run.\nversion = 1\n";

/// How the name of the new `services.toml` begins, until it is in its place.
const STAGED: &str = ".svc-new-";

/// An entry, and the file that holds it.
pub struct Entry {
    /// The service's table.
    pub text: String,
    /// All of `services.toml` with it.
    definition: String,
}

impl Entry {
    /// The entry of a service.
    ///
    /// # Errors
    /// A `services.toml` that cannot be read, or to which nothing can be added.
    pub fn new(
        home: &Home,
        facts: &Facts,
        rendered: &Rendered,
        is_library: bool,
    ) -> Result<Self, Failure> {
        let path = home.root.join(FILE);
        let before = match home.is_first {
            true => None,
            false => Some(fs::read_to_string(&path).map_err(|cause| Failure::File {
                attempt: format!("read `{}`", path.display()),
                cause,
            })?),
        };
        let service = NewService {
            name: facts.name.clone(),
            path: facts.path.clone(),
            is_library,
            keys: with_dependencies(&rendered.entry, facts),
        };
        let before = before.as_deref().unwrap_or(START);
        let definition = config::add_service(before, &service).map_err(|error| refused(&error))?;
        let text = added(before, &definition);
        Ok(Self { text, definition })
    }

    /// The workspace as it will be.
    ///
    /// # Errors
    /// It would not be valid.
    pub fn check(&self, home: &Home, facts: &Facts, template: &str) -> Result<Loaded, Failure> {
        let source = WithEntry {
            disk: Disk::new(&home.root),
            definition: &self.definition,
            path: &facts.path,
        };
        config::load(&source).map_err(|invalid| unfit(&invalid, template, &self.text))
    }
}

/// The keys of a template, and the dependencies that were asked for, unless the template has some itself.
fn with_dependencies(keys: &str, facts: &Facts) -> String {
    let has_some = keys
        .lines()
        .any(|it| it.trim_start().starts_with("depends-on"));
    if has_some || facts.depends_on.is_empty() {
        return keys.to_owned();
    }
    // Names need no escapes.
    let names: Vec<String> = facts
        .depends_on
        .iter()
        .map(|it| format!("\"{it}\""))
        .collect();
    format!("depends-on = [{}]\n{keys}", names.join(", "))
}

fn refused(error: &EditError) -> Failure {
    let cause = std::error::Error::source(error).map(|it| format!(": {it}"));
    Failure::Usage {
        message: format!("{error}{}", cause.unwrap_or_default()),
        hint: "nothing was written".to_owned(),
    }
}

/// The lines of `after` that `before` does not have, which lie together.
fn added(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let first = before.iter().zip(&after).take_while(same).count();
    let last = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(same)
        .count();
    let last = last
        .min(after.len().saturating_sub(first))
        .min(before.len().saturating_sub(first));
    let lines = &after[first..after.len() - last];
    // What follows may begin with the same words as the entry, so that its end is counted for its beginning.
    let text = lines.join("\n");
    format!("{}\n", text.trim())
}

/// What was valid before is not with the entry of the template.
fn unfit(invalid: &Invalid, template: &str, text: &str) -> Failure {
    let rows = invalid.0.rows();
    let mut messages: Vec<&str> = rows.iter().map(|it| it.message.as_str()).collect();
    messages.dedup();
    // The first ones tell enough.
    messages.truncate(3);
    Failure::Usage {
        message: format!(
            "with the entry of the template `{template}`, `services.toml` would not be valid: {}",
            messages.join("; ")
        ),
        hint: format!("nothing was written; the entry would be:\n{text}"),
    }
}

/// Replaces `services.toml` at once.
///
/// # Errors
/// It cannot be written.
pub fn write_definition(home: &Home, entry: &Entry) -> Result<(), Failure> {
    let path = home.root.join(FILE);
    replace(&path, &entry.definition).map_err(|cause| Failure::File {
        attempt: format!("write `{}`", path.display()),
        cause,
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Where it is a link, what it leads to is replaced.
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    let directory = path.parent().unwrap_or(path);
    sweep(directory);
    let mut file = tempfile::Builder::new()
        .prefix(STAGED)
        .tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(path) {
        Ok(metadata) => file.as_file().set_permissions(metadata.permissions())?,
        Err(_) => file.as_file().set_permissions(usual(directory)?)?,
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Removes what a killed `svc` left here; nobody else writes while this one holds the lock.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_staged = entry.file_name().as_bytes().starts_with(STAGED.as_bytes());
        if is_staged && entry.file_type().is_ok_and(|it| it.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The permissions of a new file: those of the directory, without running it.
fn usual(directory: &Path) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(directory)?.permissions().mode();
    Ok(fs::Permissions::from_mode(mode & 0o666))
}

/// The workspace on disk, with another `services.toml` and one more directory.
struct WithEntry<'e> {
    disk: Disk,
    definition: &'e str,
    path: &'e FilePath,
}

impl Source for WithEntry<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match *path == FilePath::from(FILE) {
            true => Ok(Some(self.definition.as_bytes().to_vec())),
            false => self.disk.read(path),
        }
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        self.disk.glob(pattern)
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        match *path == FilePath::from(FILE) {
            true => Ok(Some(path.clone())),
            false => self.disk.real(path),
        }
    }

    fn links(&self, paths: &[&FilePath]) -> Vec<Option<FilePath>> {
        self.disk.links(paths)
    }

    fn directories(&self, paths: &[&FilePath]) -> Vec<Directory> {
        let mut found = self.disk.directories(paths);
        for (path, found) in paths.iter().zip(&mut found) {
            if *path == self.path {
                *found = Directory::Present;
            }
        }
        found
    }
}
