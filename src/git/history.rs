//! What lies between two commits.

use crate::git::deepen::{STEPS, deepen};
use crate::git::error::Error;
use crate::git::fetch::{Fetched, ensure};
use crate::git::finished::Finished;
use crate::git::program::{Fetch, Git};
use crate::git::raw::{fields, ids};
use crate::git::repo::Repo;
use crate::model::change::ObjectId;
use crate::model::due::CommitLine;
use crate::model::path::FilePath;

impl Repo {
    /// Whether `new` is `old` or was made on top of it. Fetches what is missing, unless that is forbidden. None if it cannot
    /// be known.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<Option<bool>, Error> {
        if old == new {
            return Ok(Some(true));
        }
        for commit in [old, new] {
            let found = ensure(self, &commit.to_string(), self.fetch(), &mut |_| {})?;
            if matches!(found, Fetched::Missing(_)) {
                return Ok(None);
            }
        }
        let mut known = ancestry(self, old, new)?;
        if known.is_none() && self.fetch() == Fetch::Allowed {
            deepen(self, &[new], STEPS, &mut |_| {}, &mut || {
                known = ancestry(self, old, new)?;
                Ok(known.is_some())
            })?;
            known = ancestry(self, old, new)?;
        }
        Ok(known)
    }

    /// The commits that `new` has and `old` lacks, newest first; with `paths`, which start at the workspace, only those that
    /// touch one of them. None if this clone does not know.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn commits_between(
        &self,
        old: ObjectId,
        new: ObjectId,
        paths: &[FilePath],
    ) -> Result<Option<Vec<CommitLine>>, Error> {
        if between(self, old, new)?.is_none() {
            return Ok(None);
        }
        let range = [format!("^{old}"), new.to_string()];
        let mut arguments: Vec<std::ffi::OsString> = LOG.iter().map(Into::into).collect();
        arguments.extend(range.map(Into::into));
        arguments.push("--".into());
        let inside = |path: &FilePath| match self.scope().join(path.as_bytes()) {
            path if path.is_root() => ".".into(),
            path => path.as_path().as_os_str().to_owned(),
        };
        arguments.extend(paths.iter().map(inside));
        // Where trees are missing, git fetches them.
        let output = reading(self)
            .talk(arguments)
            .and_then(Finished::into_output)?;
        lines(&output)
            .map(Some)
            .ok_or_else(|| Error::Corrupt("`git log` answers in a way that is unknown".to_owned()))
    }

    /// The branches that hold `commit`, by their plain names: local ones, and those of remotes as they were fetched last.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn branches_with(&self, commit: ObjectId) -> Result<Vec<String>, Error> {
        let contains = format!("--contains={commit}");
        let arguments = [
            "for-each-ref",
            "--format=%(refname)",
            contains.as_str(),
            "refs/heads",
            "refs/remotes",
        ];
        let output = self.git().output(arguments)?;
        let text = String::from_utf8_lossy(&output);
        let plain = |name: &str| match name.strip_prefix("refs/heads/") {
            Some(branch) => Some(branch.to_owned()),
            None => {
                let of_remote = name.strip_prefix("refs/remotes/")?;
                of_remote
                    .split_once('/')
                    .map(|(_, branch)| branch.to_owned())
            }
        };
        Ok(text.lines().filter_map(plain).collect())
    }

    /// The first line of a commit's message. None if the commit is not here.
    ///
    /// # Errors
    /// An unreadable repository.
    pub fn subject(&self, commit: ObjectId) -> Result<Option<String>, Error> {
        let id = commit.to_string();
        let arguments = LOG.iter().copied().chain(["--no-walk", &id, "--"]);
        let answer = self.git().offline().run(arguments)?;
        let found = lines(&answer.output).unwrap_or_default();
        Ok(found.into_iter().next().map(|line| line.subject))
    }
}

/// Nothing of the user's taste in logs.
const LOG: &[&str] = &[
    "-c",
    "log.showSignature=false",
    "-c",
    "i18n.logOutputEncoding=UTF-8",
    "log",
    "-z",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-show-signature",
    "--no-patch",
    "--format=tformat:%H%x00%ct%x00%an%x00%s",
];

fn reading(repo: &Repo) -> Git {
    match repo.fetch() {
        Fetch::Allowed => repo.git().patient(),
        Fetch::Forbidden => repo.git().offline(),
    }
}

fn lines(output: &[u8]) -> Option<Vec<CommitLine>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let parts: Vec<_> = fields(output).collect();
    if !parts.len().is_multiple_of(4) {
        return None;
    }
    let line = |parts: &[&[u8]]| {
        Some(CommitLine {
            id: ObjectId::from_hex(&text(parts[0]))?,
            time: text(parts[1]).parse().ok()?,
            author: text(parts[2]),
            subject: text(parts[3]),
        })
    };
    parts.chunks(4).map(line).collect()
}

/// As [`Repo::is_ancestor`], by what is here. A yes is certain; a no only where no history is cut off.
fn ancestry(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Option<bool>, Error> {
    let (a, b) = (old.to_string(), new.to_string());
    let git = repo.git().offline();
    let answer = git.run(["merge-base", "--is-ancestor", &a, &b])?;
    match answer.status.code() {
        Some(0) => Ok(Some(true)),
        Some(1) => Ok(between(repo, old, new)?.map(|_| false)),
        _ => Ok(None),
    }
}

/// The commits of `new` that `old` lacks. None where history is missing that could shorten the list.
fn between(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Option<Vec<ObjectId>>, Error> {
    let (old, new) = (old.to_string(), new.to_string());
    let git = repo.git().offline();
    let answer = git.run(["rev-list", &new, "--not", &old, "--"])?;
    if !answer.status.success() {
        return match answer.into_error() {
            untrusted @ Error::Untrusted(_) => Err(untrusted),
            _ => Ok(None),
        };
    }
    let found = ids(&answer.output);
    if !repo.is_shallow() {
        return Ok(Some(found));
    }
    let edge = repo.shallow_commits()?;
    // Behind the edge of `old` may lie what `new` has as well.
    let behind = git.output(["rev-list", &old, "--not", &new, "--"])?;
    let mut seen = found.iter().copied().chain(ids(&behind));
    Ok(match seen.any(|commit| edge.contains(&commit)) {
        true => None,
        false => Some(found),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_by_its_fields() {
        let id = "1".repeat(40);
        let output = format!("{id}\x005\0A\0one\0{id}\x006\0B\0\0");
        let found = lines(output.as_bytes()).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.time, it.subject.as_str()))
            .collect();
        assert_eq!(shown, [(5, "one"), (6, "")]);
        assert_eq!(lines(b""), Some(Vec::new()));
        assert_eq!(lines(b"x\0y\0"), None);
    }
}
