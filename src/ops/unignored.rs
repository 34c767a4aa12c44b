//! Outputs that git does not ignore: each build makes the working tree differ from the commit, and sooner or later somebody
//! commits them.

use crate::model::name::TaskId;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// An output that git does not ignore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unignored {
    pub task: TaskId,
    /// As it is written, from the workspace.
    pub pattern: String,
    /// The line for `.gitignore` in the workspace's directory. None where such a file has no words for it.
    pub line: Option<String>,
}

/// All of them, in the order of the services.
///
/// # Errors
/// Git failed.
pub fn unignored(place: &Place, workspace: &Workspace) -> Result<Vec<Unignored>, Failure> {
    let Some(repo) = place.repo.as_ref().filter(|it| it.work_tree().is_some()) else {
        return Ok(Vec::new());
    };
    let mut outputs: Vec<(TaskId, &Pattern)> = Vec::new();
    for service in workspace.services() {
        for (name, task) in &service.tasks {
            let patterns = task.outputs.iter().flatten();
            outputs.extend(patterns.map(|it| (TaskId::new(&service.name, name), it)));
        }
    }
    // What is not there yet may become a file or a directory.
    let samples = outputs.iter().flat_map(|(_, pattern)| samples(pattern));
    let samples: Vec<FilePath> = samples.collect();
    let are_ignored = repo.ignored(&samples)?;
    let pairs = outputs.into_iter().zip(are_ignored.chunks(2));
    let found = pairs.filter(|(_, are_ignored)| !are_ignored.contains(&true));
    Ok(found
        .map(|((task, pattern), _)| Unignored {
            task,
            pattern: pattern.as_str().to_owned(),
            line: line(pattern.as_str()),
        })
        .collect())
}

/// A file that the output may be, and one that may lie in it.
fn samples(pattern: &Pattern) -> [FilePath; 2] {
    let whole = match pattern.whole() {
        Some(whole) => whole.to_vec(),
        None => pattern
            .as_str()
            .replace("**", "x")
            .replace(['*', '?'], "x")
            .into_bytes(),
    };
    let whole = FilePath::from_bytes(whole);
    let inner = whole.join(b"x");
    [whole, inner]
}

fn line(pattern: &str) -> Option<String> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "._-+@/*".contains(it);
    (!pattern.is_empty() && pattern.chars().all(is_plain)).then(|| format!("/{pattern}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_git_reads_in_the_same_way() {
        let check = |pattern: &str, expected: Option<&str>| {
            assert_eq!(line(pattern).as_deref(), expected, "{pattern}");
        };
        check("api/dist", Some("/api/dist"));
        check("api/dist/*.whl", Some("/api/dist/*.whl"));
        for other in ["", "a/{b,c}", "a b", "[!]x", "a\\b", "a#"] {
            check(other, None);
        }
    }
}
