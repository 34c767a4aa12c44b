//! How tests of readers say what they expect: a fact as one line of words.

use crate::manifest::error::Error;
use crate::model::manifest::{Fact, Manifest, What};
use crate::model::path::FilePath;

/// Holds what `read` tells of `text` against `expected`: `LINE: WORDS`, with `[DIRECTORY]` in front of the words where it
/// is not said of the file's own.
pub fn check(
    read: fn(&FilePath, &str) -> Result<Manifest, Error>,
    file: &str,
    text: &str,
    expected: &[&str],
) {
    let mut manifest = read(&file.into(), text).unwrap();
    // What builds leave behind has tests of its own.
    let is_left = |it: &Fact| matches!(it.what, What::Leaves { .. } | What::Compiles(_));
    manifest.facts.retain(|it| !is_left(it));
    assert_eq!(told(&manifest), expected, "{file}:\n{text}");
}

/// The facts in words.
pub fn told(manifest: &Manifest) -> Vec<String> {
    let own = crate::manifest::place::directory(&manifest.file);
    manifest.facts.iter().map(|it| words(&own, it)).collect()
}

fn words(own: &FilePath, fact: &Fact) -> String {
    let about = match fact.about == *own {
        true => String::new(),
        false => format!("[{}] ", fact.about.display()),
    };
    let what = match &fact.what {
        What::Package {
            ecosystem,
            name,
            makes,
        } => format!(
            "package {ecosystem:?} {} {makes:?}",
            name.as_deref().unwrap_or("-")
        ),
        What::Gathers {
            ecosystem, members, ..
        } => format!("gathers {ecosystem:?} {}", members.join(" ")),
        What::Offers {
            ecosystem,
            name,
            path,
        } => format!("offers {ecosystem:?} {name} = {}", path.display()),
        What::Needs {
            ecosystem,
            name,
            tie,
        } => format!("needs {ecosystem:?} {name} {tie:?}"),
        What::Reads { path, tie } => format!("reads {} {tie:?}", path.display()),
        What::StartsAfter { component, other } => format!("{component} starts after {other}"),
        What::ReadBelow { ecosystem, path } => {
            format!("read below {ecosystem:?} {}", path.display())
        }
        What::Copies { source } => format!("copies {source}"),
        What::BuiltFrom {
            context,
            dockerfile,
        } => format!("built from {} {}", context.display(), dockerfile.display()),
        What::BaseImage(image) => format!("base {image}"),
        What::Script { name, command } => format!("script {name} = {command}"),
        What::Port(port) => format!("port {port}"),
        What::Starts(it) => format!(
            "starts {:?} at {:?} with {:?}{}{}",
            it.command.join(" "),
            it.ports,
            it.variables
                .iter()
                .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("?")))
                .collect::<Vec<_>>(),
            if it.wants_more { " and more" } else { "" },
            it.health
                .as_ref()
                .map_or(String::new(), |(port, path)| format!(
                    ", asked {port}{path}"
                ))
        ),
        What::Applied {
            runs,
            gives,
            is_template,
        } => {
            let words = [
                (*runs, "runs"),
                (*gives, "gives"),
                (*is_template, "template"),
            ];
            let words = words.iter().filter(|it| it.0).map(|it| it.1);
            let words: Vec<&str> = std::iter::once("applied").chain(words).collect();
            words.join(" ")
        }
        other => format!("{other:?}"),
    };
    format!("{}: {about}{what}", fact.line)
}
