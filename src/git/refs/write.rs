//! Writing a commit: blobs, a tree, the commit. Nothing that the user works with is touched, and no ref is moved.

use std::path::Path;

use crate::git::error::Error;
use crate::git::program::Git;
use crate::git::raw::ids;
use crate::git::refs::{RemoteRefs, SETTINGS, trouble};
use crate::model::change::ObjectId;
use crate::model::refs::{Edit, RefsError};

/// Who commits where git knows of no name.
const NAME: &str = "svc";
const EMAIL: &str = "svc@localhost";

/// Who commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

/// Settings of the user that have no say in a tree of ours.
const PLAIN: &[&str] = &[
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "core.sparseCheckout=false",
    "-c",
    "index.sparse=false",
    "-c",
    "i18n.commitEncoding=UTF-8",
];

/// See `Refs::commit`.
pub fn commit(
    refs: &RemoteRefs,
    parent: Option<ObjectId>,
    edits: &[Edit],
    message: &str,
) -> Result<ObjectId, RefsError> {
    let place = tempfile::tempdir().map_err(|cause| {
        let text = format!("make a temporary directory: {cause}");
        RefsError::Repository(text)
    })?;
    let tree = tree(refs, place.path(), parent, edits).map_err(trouble)?;
    let who = refs.identity.get_or_init(|| identity(&refs.git));
    let mut git = refs.git.clone();
    for kind in ["AUTHOR", "COMMITTER"] {
        git.set(&format!("GIT_{kind}_NAME"), &who.name);
        git.set(&format!("GIT_{kind}_EMAIL"), &who.email);
    }
    let tree = tree.to_string();
    let parent = parent.map(|it| it.to_string());
    let mut arguments = settings();
    arguments.extend(["commit-tree", "--no-gpg-sign", &tree]);
    arguments.extend(parent.iter().flat_map(|it| ["-p", it.as_str()]));
    // As the author of something else, whose date a hook may carry, nobody is asked about.
    git.unset("GIT_AUTHOR_DATE");
    one(&git, arguments, message.as_bytes().to_vec()).map_err(trouble)
}

/// The tree of `parent` with `edits` laid over it, by way of an index of its own in `place`.
fn tree(
    refs: &RemoteRefs,
    place: &Path,
    parent: Option<ObjectId>,
    edits: &[Edit],
) -> Result<ObjectId, Error> {
    let mut git = refs.git.clone();
    git.set("GIT_INDEX_FILE", place.join("index"));
    if let Some(parent) = parent {
        let parent = parent.to_string();
        let mut arguments = settings();
        arguments.extend(["read-tree", &parent]);
        git.output(arguments)?;
    }
    let rows = rows(&git, place, parent, edits)?;
    if !rows.is_empty() {
        let mut arguments = settings();
        arguments.extend(["update-index", "-z", "--index-info"]);
        let done = git.run_for(arguments, rows)?;
        if !done.status.success() || done.message.contains("Ignoring path") {
            return Err(done.into_error());
        }
    }
    let mut arguments = settings();
    // In a partial clone, files that did not change need not be here.
    arguments.extend(["write-tree", "--missing-ok"]);
    one(&git, arguments, Vec::new())
}

/// The edits as `git update-index --index-info` reads them.
fn rows(
    git: &Git,
    place: &Path,
    parent: Option<ObjectId>,
    edits: &[Edit],
) -> Result<Vec<u8>, Error> {
    let contents: Vec<_> = edits.iter().filter_map(|it| it.content.as_ref()).collect();
    let mut blobs = blobs(git, place, &contents)?.into_iter();
    let digits = parent.map_or(40, |it| it.to_string().len());
    let mut rows = Vec::new();
    for edit in edits {
        if !is_path(&edit.path) {
            let text = format!("{:?} is no path of a file", edit.path);
            return Err(Error::Corrupt(text));
        }
        let row = match (&edit.content, parent) {
            (Some(_), _) => {
                let blob = blobs.next().ok_or_else(unwritten)?;
                format!("100644 {blob}\t{}\0", edit.path)
            }
            (None, None) => continue,
            (None, Some(_)) => format!("0 {}\t{}\0", "0".repeat(digits), edit.path),
        };
        rows.extend(row.into_bytes());
    }
    Ok(rows)
}

/// Git only warns of paths that no tree may hold.
fn is_path(path: &str) -> bool {
    let is_name =
        |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    path.split('/').all(is_name) && !path.contains('\0')
}

/// Stores `contents`, several by one command.
fn blobs(git: &Git, place: &Path, contents: &[&Vec<u8>]) -> Result<Vec<ObjectId>, Error> {
    let arguments = ["hash-object", "-w", "--no-filters"];
    if let [content] = contents {
        let arguments = arguments.into_iter().chain(["--stdin"]);
        return Ok(vec![one(git, arguments.collect(), content.to_vec())?]);
    }
    if contents.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for (number, content) in contents.iter().enumerate() {
        let path = place.join(number.to_string());
        std::fs::write(&path, content).map_err(|cause| Error::File {
            attempt: format!("write `{}`", path.display()),
            cause,
        })?;
        names.extend(crate::git::raw::quoted(path.as_os_str().as_encoded_bytes()));
        names.push(b'\n');
    }
    let found = ids(&git.output_for(arguments.into_iter().chain(["--stdin-paths"]), names)?);
    match found.len() == contents.len() {
        true => Ok(found),
        false => Err(unwritten()),
    }
}

/// The user as committer, else a name of our own. Who is the author of something that a hook runs for has no say.
fn identity(git: &Git) -> Identity {
    let arguments = [
        "-c",
        "user.useConfigOnly=true",
        "var",
        "GIT_COMMITTER_IDENT",
    ];
    let answer = git.run(arguments).ok();
    let answer = answer.filter(|it| it.status.success());
    let found = answer.and_then(|it| parse(&String::from_utf8_lossy(&it.output)));
    found.unwrap_or_else(|| Identity {
        name: NAME.to_owned(),
        email: EMAIL.to_owned(),
    })
}

/// `NAME <EMAIL> SECONDS ZONE`.
fn parse(text: &str) -> Option<Identity> {
    let (name, rest) = text.rsplit_once(" <")?;
    let (email, _) = rest.split_once('>')?;
    let is_whole = !name.trim().is_empty() && !email.is_empty();
    is_whole.then(|| Identity {
        name: name.to_owned(),
        email: email.to_owned(),
    })
}

fn settings<'a>() -> Vec<&'a str> {
    [SETTINGS, PLAIN].concat()
}

fn one(git: &Git, arguments: Vec<&str>, input: Vec<u8>) -> Result<ObjectId, Error> {
    let output = git.output_for(arguments, input)?;
    ids(&output).first().copied().ok_or_else(unwritten)
}

fn unwritten() -> Error {
    Error::Corrupt("git did not say what it wrote".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committer_is_read_as_git_tells_it() {
        let found = parse("A <B> C <a@example.test> 1700000000 +0000\n").unwrap();
        assert_eq!(
            (found.name.as_str(), found.email.as_str()),
            ("A <B> C", "a@example.test")
        );
        assert_eq!(parse("A <> 1 +0000"), None);
    }
}
