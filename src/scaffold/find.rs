//! Which templates there are: the workspace's own first, then those that come with the program.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::model::name::is_valid;
use crate::model::suggest::nearest;
use crate::scaffold::declaration::{self, Template};
use crate::scaffold::error::Error;
use crate::scaffold::files;

static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/scaffolds");

/// Where a workspace keeps its own templates.
pub const OWN: &str = ".svc/templates";

/// A template in the list of all.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub is_own: bool,
    /// What it is, or why it cannot be used.
    pub template: Result<Template, Error>,
}

/// All templates, sorted by name, with the own ones of the workspace at `root`.
///
/// # Errors
/// The directory of the workspace's own cannot be read. One of them that is broken is listed as that.
pub fn list(root: Option<&Path>) -> Result<Vec<Listed>, Error> {
    let mut names: BTreeMap<String, bool> =
        embedded_names().map(|it| (it.to_owned(), false)).collect();
    if let Some(root) = root {
        names.extend(own_names(root)?.into_iter().map(|it| (it, true)));
    }
    let listed = names.into_iter().map(|(name, is_own)| Listed {
        template: find(root, &name),
        name,
        is_own,
    });
    Ok(listed.collect())
}

/// The template `name`.
///
/// # Errors
/// There is none, or it is broken.
pub fn find(root: Option<&Path>, name: &str) -> Result<Template, Error> {
    if let Some(root) = root.filter(|_| is_valid(name)) {
        let directory = root.join(OWN).join(name);
        if directory.symlink_metadata().is_ok() {
            let shown = format!("{OWN}/{name}");
            return declaration::read(name, &shown, files::own(&directory, &shown)?, true);
        }
    }
    match EMBEDDED.get_dir(name).filter(|_| is_valid(name)) {
        Some(directory) => declaration::read(name, name, files::embedded(directory), false),
        None => Err(unknown(root, name)),
    }
}

fn unknown(root: Option<&Path>, name: &str) -> Error {
    let own = root
        .and_then(|root| own_names(root).ok())
        .unwrap_or_default();
    let known: Vec<String> = embedded_names().map(str::to_owned).chain(own).collect();
    Error::Unknown {
        name: name.to_owned(),
        nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
    }
}

fn embedded_names() -> impl Iterator<Item = &'static str> {
    EMBEDDED.dirs().filter_map(|it| it.path().to_str())
}

/// The names of the workspace's own templates. What has no valid name is none.
fn own_names(root: &Path) -> Result<Vec<String>, Error> {
    let directory = root.join(OWN);
    let failed = |error| Error::file("read", &directory)(error);
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_str().filter(|it| is_valid(it));
        names.extend(name.filter(|_| entry.path().is_dir()).map(str::to_owned));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_template_can_be_used() {
        let listed = list(None).unwrap();
        assert!(listed.len() > 10);
        for one in listed {
            let template = one.template.unwrap_or_else(|error| panic!("{error}"));
            assert!(
                !template.about.is_empty() && !template.about.contains('\n'),
                "{}",
                one.name
            );
        }
    }

    #[test]
    fn own_templates_replace_embedded_ones() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join(OWN).join("go");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("template.toml"), "about = \"Ours\"\n").unwrap();
        let found = find(Some(root.path()), "go").unwrap();
        assert_eq!((found.about.as_str(), found.is_own), ("Ours", true));
        assert!(!find(None, "go").unwrap().is_own);
        let listed = list(Some(root.path())).unwrap();
        assert_eq!(listed.iter().filter(|it| it.is_own).count(), 1);
        assert_eq!(listed.iter().filter(|it| it.name == "go").count(), 1);
    }

    #[test]
    fn unknown_names_get_the_nearest_and_hostile_ones_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(OWN)).unwrap();
        let check = |name: &str, expected: Option<&str>| {
            let Err(Error::Unknown { nearest, .. }) = find(Some(root.path()), name) else {
                panic!("{name} was found");
            };
            assert_eq!(nearest.as_deref(), expected, "{name}");
        };
        check("pyton", Some("python"));
        check("frobnicate", None);
        check("..", None);
        check("../..", None);
        check("", None);
        check("go/k8s", Some("go"));
        check("/etc", None);
    }

    #[test]
    fn links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join(OWN).join("odd");
        std::fs::create_dir_all(&own).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", own.join("users")).unwrap();
        let error = find(Some(root.path()), "odd").unwrap_err().to_string();
        assert_eq!(
            error,
            ".svc/templates/odd/users: a template cannot hold symbolic links"
        );
        let whole = root.path().join(OWN).join("whole");
        std::os::unix::fs::symlink(root.path(), whole).unwrap();
        let error = find(Some(root.path()), "whole").unwrap_err().to_string();
        assert_eq!(
            error,
            ".svc/templates/whole: a template cannot hold symbolic links"
        );
    }
}
