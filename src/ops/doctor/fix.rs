//! What `svc doctor --fix` does by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;

use crate::config::FILE;
use crate::config::draft::Edge;
use crate::model::finding::{Finding, Step};
use crate::ops::definition;
use crate::ops::doctor::definition::only;
use crate::ops::doctor::repository::has_remote;
use crate::ops::doctor::with_causes;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::survey::{survey, updated, with_source};

/// A step that was taken, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// What was done, or tried.
    pub words: String,
    /// Why it could not be done.
    pub failed: Option<String>,
}

/// What came of all steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixes {
    pub steps: Vec<Fixed>,
    /// `services.toml` as it was and as it is, where it is another.
    pub rewritten: Option<Rewritten>,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    pub before: String,
    pub after: String,
}

/// Whether steps are taken, or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    Done,
    Told,
}

/// Dependencies that are missing, by the names of the file.
type Wanted<'f> = BTreeSet<(&'f str, &'f str)>;

/// Takes every step that nothing can be lost by.
pub fn fix(place: &Place, findings: &[Finding], taking: Taking) -> Fixes {
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let steps: Vec<(&str, &Step)> = fixes
        .filter_map(|fix| Some((fix.words.as_str(), fix.step.as_ref()?)))
        .collect();
    let mut wanted = Wanted::new();
    for (_, step) in &steps {
        if let Step::AddDependencies { service, to } = step {
            wanted.extend(to.iter().map(|to| (service.as_str(), to.as_str())));
        }
    }
    // One file, so all of them at once.
    let added = match wanted.is_empty() {
        true => Ok(None),
        false => add_dependencies(place, &wanted, taking).map_err(|it| with_causes(&it)),
    };
    let take = |(words, step): &(&str, &Step)| match step {
        Step::AddDependencies { service, to } => Fixed {
            words: format!("{service} depends on {}", to.join(", ")),
            failed: added.as_ref().err().cloned(),
        },
        step => Fixed {
            words: (*words).to_owned(),
            failed: match taking {
                Taking::Done => take(place, step).err().map(|it| with_causes(&it)),
                Taking::Told => None,
            },
        },
    };
    Fixes {
        steps: steps.iter().map(take).collect(),
        rewritten: added.ok().flatten(),
    }
}

/// Adds to `services.toml` what is `wanted`, as `svc init --update` would. Nothing is taken out, nothing changes places.
fn add_dependencies(
    place: &Place,
    wanted: &Wanted,
    taking: Taking,
) -> Result<Option<Rewritten>, Failure> {
    let path = place.root.join(FILE);
    let before = definition::read(&path)?;
    let workspace = place.workspace()?.workspace;
    let after = with_source(place, |source| {
        let survey = survey(place, source)?;
        let is_wanted = |it: &Edge| wanted.contains(&(it.from.as_str(), it.to.as_str()));
        let draft = only(&survey.draft, &workspace, is_wanted);
        Ok(updated(&path, source, &draft)?.text)
    })?;
    if after.as_bytes() == before {
        return Ok(None);
    }
    if taking == Taking::Done {
        let lock = definition::lock(&place.root)?;
        definition::replace(&lock, &path, &before, &after)?;
    }
    let before = String::from_utf8_lossy(&before).into_owned();
    Ok(Some(Rewritten { before, after }))
}

fn take(place: &Place, step: &Step) -> Result<(), Failure> {
    match step {
        Step::MakeExecutable { path } => {
            let attempt = || format!("make `{path}` executable");
            let file = |cause| Failure::File {
                attempt: attempt(),
                cause,
            };
            let mut permissions = fs::metadata(path).map_err(file)?.permissions();
            // Whoever may read it may run it.
            let mode = permissions.mode();
            permissions.set_mode(mode | (mode & 0o444) >> 2);
            fs::set_permissions(path, permissions).map_err(file)
        }
        Step::LearnDefaultBranch { remote } => {
            let Some(repo) = &place.repo else {
                return Ok(());
            };
            if !has_remote(repo, remote)? {
                return Ok(());
            }
            let arguments = ["remote", "set-head", remote, "--auto"];
            let finished = repo.git().talk(arguments)?;
            finished.into_output()?;
            Ok(())
        }
        Step::Ignore { lines } => ignore(place, lines),
        // All at once, by `add_dependencies`.
        Step::AddDependencies { .. } => Ok(()),
    }
}

/// Adds lines at the end, but those that are there.
fn ignore(place: &Place, lines: &[String]) -> Result<(), Failure> {
    let path = place.root.join(".gitignore");
    let file = |cause| Failure::File {
        attempt: format!("add `{}` to `{}`", lines.join("`, `"), path.display()),
        cause,
    };
    let existing = match fs::read(&path) {
        Ok(existing) => existing,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(cause) => return Err(file(cause)),
    };
    let there: BTreeSet<&[u8]> = existing.split(|it| *it == b'\n').collect();
    let missing: BTreeSet<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|it| !there.contains(it.as_bytes()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_open = existing.last().is_some_and(|it| *it != b'\n');
    let mut text = if is_open { "\n" } else { "" }.to_owned();
    missing
        .iter()
        .for_each(|it| text.push_str(&format!("{it}\n")));
    let mut open = fs::OpenOptions::new();
    let mut opened = open.append(true).create(true).open(&path).map_err(file)?;
    opened.write_all(text.as_bytes()).map_err(file)
}
