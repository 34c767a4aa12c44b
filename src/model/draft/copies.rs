//! What images take over: the directories they are built in, and what their recipes copy from there.

use std::collections::{BTreeSet, HashMap};

use crate::model::draft::Found;
use crate::model::draft::candidate::component;
use crate::model::draft::files::{FileList, split};
use crate::model::manifest::What;
use crate::model::path::{FilePath, ancestors};

/// Something that an image takes over.
pub struct Copied<'f> {
    /// The directory of what is built.
    pub by: FilePath,
    /// The file or directory that is taken.
    pub path: FilePath,
    pub file: &'f FilePath,
    pub line: u32,
    pub source: &'f str,
}

/// All that is taken over, and from where.
pub fn copied(found: &Found) -> Vec<Copied<'_>> {
    let mut contexts: HashMap<&FilePath, BTreeSet<&FilePath>> = HashMap::new();
    let facts = || found.manifests.iter().flat_map(|it| &it.facts);
    for fact in facts() {
        if let What::BuiltFrom {
            context,
            dockerfile,
        } = &fact.what
        {
            contexts.entry(dockerfile).or_default().insert(context);
        }
    }
    let mut copied = Vec::new();
    for manifest in &found.manifests {
        for fact in &manifest.facts {
            let What::Copies { source } = &fact.what else {
                continue;
            };
            // What nobody knows before it is built.
            if source == "*" {
                continue;
            }
            let Some(plain) = plain(source) else { continue };
            let mut add = |context: &FilePath, by: FilePath| {
                let path = context.join(plain.as_bytes());
                if found.files.has(path.as_bytes()) || found.files.has_below(path.as_bytes()) {
                    let (file, line) = (&manifest.file, fact.line);
                    copied.push(Copied {
                        by,
                        path,
                        file,
                        line,
                        source,
                    });
                }
            };
            match contexts.get(&manifest.file) {
                Some(contexts) => {
                    for context in contexts {
                        add(context, component(context, &manifest.file));
                    }
                }
                None => {
                    let context = guess(&found.files, &manifest.file, &plain);
                    add(&context, component(&FilePath::default(), &manifest.file));
                }
            }
        }
    }
    copied
}

/// The nearest directory around the recipe that holds what it takes.
fn guess(files: &FileList, dockerfile: &FilePath, plain: &str) -> FilePath {
    let (own, _) = split(dockerfile.as_bytes());
    let holds = |directory: &&[u8]| {
        let path = FilePath::from_bytes(*directory).join(plain.as_bytes());
        files.has(path.as_bytes()) || files.has_below(path.as_bytes())
    };
    FilePath::from_bytes(ancestors(own).find(holds).unwrap_or(own))
}

/// The path that a source names, up to the first part that is a pattern. None where it is filled in when building, or leads
/// elsewhere.
pub fn plain(source: &str) -> Option<String> {
    if source.contains('$') || source.contains("://") || source.starts_with("git@") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            // Nothing lies above the directory that an image is built in.
            ".." => _ = parts.pop(),
            part if part.contains(['*', '?', '[']) => break,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_path_up_to_its_patterns() {
        let check = |source: &str, expected: Option<&str>| {
            assert_eq!(plain(source).as_deref(), expected, "{source}")
        };
        check(".", Some(""));
        check("./src/", Some("src"));
        check("/go.mod", Some("go.mod"));
        check("package*.json", Some(""));
        check("libs/*/src", Some("libs"));
        check("$APP/x", None);
        check("https://example.test/x", None);
    }
}
