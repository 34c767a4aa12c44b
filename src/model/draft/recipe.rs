//! Directories that hold nothing but the recipe of an image which is built elsewhere: they are told what to put in it.

use std::collections::HashSet;

use crate::model::draft::Found;
use crate::model::draft::candidate::{Candidates, is_dockerfile};
use crate::model::draft::copies::plain;
use crate::model::draft::files::split;
use crate::model::manifest::What;
use crate::model::path::{FilePath, ancestors};

/// Those of the candidates that are no more than that. In its own directory nobody can build such an image: what it takes
/// does not lie there, and by its name it lies nowhere else.
pub fn recipes(found: &Found, all: &Candidates) -> HashSet<FilePath> {
    let mut bare: HashSet<FilePath> = all
        .iter()
        .filter(|(path, it)| it.has_image && it.packages.is_empty() && !path.is_root())
        .filter(|(path, _)| holds_only_recipes(found, all, path))
        .map(|(path, _)| path.clone())
        .collect();
    let mut open: HashSet<&FilePath> = HashSet::new();
    let mut built: HashSet<FilePath> = HashSet::new();
    for manifest in &found.manifests {
        let directory = FilePath::from_bytes(split(manifest.file.as_bytes()).0);
        for fact in &manifest.facts {
            match &fact.what {
                What::Copies { source } if bare.contains(&directory) => {
                    match plain(source).is_none_or(|it| it.is_empty()) {
                        true => _ = open.insert(&manifest.file),
                        // What it names lies somewhere, and is what it is the image of.
                        false => _ = built.insert(directory.clone()),
                    }
                }
                What::BuiltFrom {
                    context,
                    dockerfile,
                } => {
                    built.insert(context.clone());
                    built.insert(FilePath::from_bytes(split(dockerfile.as_bytes()).0));
                }
                _ => {}
            }
        }
    }
    let open: HashSet<&[u8]> = open.iter().map(|it| split(it.as_bytes()).0).collect();
    bare.retain(|it| open.contains(it.as_bytes()) && !built.contains(it));
    bare
}

/// Whether nothing lies there, but in other candidates, that an image could be made of.
fn holds_only_recipes(found: &Found, all: &Candidates, path: &FilePath) -> bool {
    let files = found.files.below(path.as_bytes());
    let mut files = files.map(|at| found.files.at(at));
    files.all(|file| {
        let (directory, name) = split(file);
        let is_other = ancestors(directory)
            .take_while(|it| *it != path.as_bytes())
            .any(|it| all.contains_key(it));
        is_other
            || is_dockerfile(&FilePath::from_bytes(file))
            || name.starts_with(b".")
            || name.to_ascii_lowercase().ends_with(b".md")
    })
}
