//! Hooks of git: which ones ask `svc`, and what is known of one.

use std::path::PathBuf;

use crate::model::path::FilePath;

/// A hook that asks `svc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookName {
    /// Before a commit.
    PreCommit,
    /// Before the commit that `git merge` makes by itself.
    PreMergeCommit,
    /// Before a push.
    PrePush,
}

impl HookName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PreCommit, Self::PreMergeCommit, Self::PrePush];

    /// The name of its file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PreMergeCommit => "pre-merge-commit",
            Self::PrePush => "pre-push",
        }
    }

    /// The command that goes on without it.
    pub fn skip(self) -> &'static str {
        match self {
            Self::PreCommit => "git commit --no-verify",
            Self::PreMergeCommit => "git merge --no-verify",
            Self::PrePush => "git push --no-verify",
        }
    }

    /// What it holds up.
    pub fn noun(self) -> &'static str {
        match self {
            Self::PreCommit => "commit",
            Self::PreMergeCommit => "merge",
            Self::PrePush => "push",
        }
    }
}

/// What a hook asks for one workspace of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Below the top of the work tree.
    pub workspace: FilePath,
    pub tasks: Vec<String>,
    /// Whether it judges while a rebase is in progress.
    pub during_rebase: bool,
}

/// What lies where git looks for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Present {
    /// Nothing.
    Nothing,
    /// A hook that is not ours, or no file at all.
    Other,
    /// Ours, as we wrote it.
    Ours(Vec<Asked>),
    /// Ours, and somebody added something.
    Edited(Vec<Asked>),
    /// A part of ours.
    Torn,
}

/// A program that looks after the hooks of a repository itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    Husky,
    Lefthook,
    PreCommit,
}

impl Manager {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Husky => "husky",
            Self::Lefthook => "lefthook",
            Self::PreCommit => "pre-commit",
        }
    }
}

/// Everything that is known of the hooks of a repository.
#[derive(Clone, Debug)]
pub struct Status {
    pub directory: PathBuf,
    pub manager: Option<Manager>,
    pub hooks: Vec<HookStatus>,
}

/// What is known of one hook.
#[derive(Clone, Debug)]
pub struct HookStatus {
    pub name: HookName,
    pub file: PathBuf,
    pub present: Present,
    /// Whether git would run it.
    pub is_executable: bool,
    /// Whether the hook that was there before is kept, to be asked first.
    pub has_before: bool,
}

/// What came of an installation.
#[derive(Clone, Debug)]
pub enum Installed {
    /// These hooks ask `svc` now.
    Done {
        directory: PathBuf,
        hooks: Vec<HookName>,
        /// Those with a hook from before, which is asked first.
        chained: Vec<HookName>,
        /// Whether they are files of the work tree, to be committed.
        is_in_work_tree: bool,
    },
    /// Another program looks after hooks here; these commands are for it.
    Managed {
        manager: Manager,
        commands: Vec<(HookName, String)>,
    },
}
