//! What a hook of git has `svc` judge.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::config;
use crate::engine::Failing;
use crate::git::{Fetch, Repo};
use crate::model::change::Head;
use crate::model::env::Env;
use crate::model::hook::{Asked, HookName};
use crate::model::path::FilePath;
use crate::model::workspace::Workspace;
use crate::ops::choose;
use crate::ops::failure::Failure;
use crate::ops::hook::{commit, push};
use crate::ops::place::Place;
use crate::ops::request::{BaseRequest, CompareRequest, HeadRequest, SelectRequest};
use crate::ops::source::SnapshotSource;
use crate::ops::tasks;
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::tools::Asking;

/// What git says beside the name of the hook.
pub struct Said<'a> {
    /// For a push: the remote's name, or its address.
    pub remote: Option<&'a str>,
    /// For a push: what is pushed where, a line each.
    pub input: &'a [u8],
}

/// What is to be done.
pub enum Judgement {
    /// Nothing, because of this.
    Nothing(String),
    /// Nothing, though there may be something to judge.
    Skipped(String),
    /// Each of these, one after the other.
    Cases(Box<Place>, Vec<Case>),
}

/// One state that is judged.
pub struct Case {
    pub head: Head,
    pub base: BaseRequest,
    /// The flags by which `svc` looks at the same state again.
    pub flags: Vec<String>,
}

impl Case {
    /// The request of `hook` to judge it by `tasks`, which are not empty.
    pub fn request(
        &self,
        hook: HookName,
        tasks: &[String],
        cache: CacheUse,
        jobs: Option<usize>,
    ) -> tasks::Request {
        tasks::Request {
            task: tasks[0].clone(),
            also: tasks[1..].to_vec(),
            with_failed: false,
            hook: Some(hook),
            compare: CompareRequest {
                base: self.base.clone(),
                head: match self.head {
                    Head::Commit(Some(commit)) => HeadRequest::Commit(commit.to_string()),
                    _ => HeadRequest::Index,
                },
                strict_base: false,
            },
            select: SelectRequest::default(),
            arguments: Vec::new(),
            jobs,
            failing: Failing::KeepsGoing,
            cache,
            asking: Asking::Run,
        }
    }

    /// Whether a service has the task `name` on disk or at the base, if none has at the head.
    pub fn is_task_elsewhere(&self, place: &Place, name: &str) -> bool {
        let has = |workspace: &Workspace| choose::task(workspace, name).is_ok();
        if place.workspace().is_ok_and(|it| has(&it.workspace)) {
            return true;
        }
        let (Some(repo), BaseRequest::Known(base)) = (&place.repo, &self.base) else {
            return false;
        };
        let mut commits = base.commits.iter();
        commits.any(|commit| {
            let state = repo.snapshot(Head::Commit(Some(*commit)));
            config::load(&SnapshotSource(&*state)).is_ok_and(|it| has(&it.workspace))
        })
    }
}

/// Finds what `hook` judges in the workspace that it was installed for.
///
/// # Errors
/// No repository, or an unreadable one; lines of a push that git would not write.
pub fn judge(
    env: &Env,
    hook: HookName,
    asked: &Asked,
    said: &Said<'_>,
) -> Result<Judgement, Failure> {
    let Some(top) = Repo::discover(env)? else {
        let reason = "this is not a git repository".to_owned();
        return Ok(Judgement::Nothing(reason));
    };
    let Some(work_tree) = top.work_tree() else {
        return Ok(Judgement::Nothing("there is no working tree".to_owned()));
    };
    if hook != HookName::PrePush && !asked.during_rebase && commit::is_in_rebase(&top) {
        let reason = "a rebase is in progress, so this commit is not judged".to_owned();
        return Ok(Judgement::Skipped(reason));
    }
    let root = work_tree.join(asked.workspace.as_path());
    let cases = match framework(env, hook, said) {
        _ if is_of_ci_run(env, hook, said, &top)? => vec![of_ci_run(&top)?],
        Some(range) => push::of_range(&top, &range)?,
        None if hook == HookName::PrePush => push::cases(&top, said)?,
        None => vec![commit::case(env, &top)?],
    };
    let is_defined = |case: &Case| -> Result<bool, Failure> {
        let there = top
            .snapshot(case.head)
            .read(&definition(&top, &asked.workspace))?;
        Ok(there.is_some())
    };
    let is_on_disk = root.join(config::FILE).is_file();
    let mut found = Vec::new();
    for case in cases {
        if is_on_disk || is_defined(&case)? {
            found.push(case);
        }
    }
    if found.is_empty() {
        return Ok(Judgement::Nothing("there is nothing to judge".to_owned()));
    }
    let root = root.canonicalize().map_err(|cause| Failure::File {
        attempt: format!("find the workspace `{}`", root.display()),
        cause,
    })?;
    let env = Env {
        directory: root.clone(),
        variables: absolute(env, work_tree),
        ..env.clone()
    };
    let repo = Repo::discover_at(&env, &root)?.map(|it| it.fetching(Fetch::Allowed));
    let place = Place::new(env, root, repo);
    Ok(Judgement::Cases(Box::new(place), found))
}

/// Where the definition lies, seen from `repo`, which was found from the top or from somewhere below it.
fn definition(repo: &Repo, workspace: &FilePath) -> FilePath {
    let path = workspace.join(config::FILE.as_bytes());
    let scope = repo.scope().as_bytes();
    let below = path.as_bytes().strip_prefix(scope);
    let below = below.map(|it| it.strip_prefix(b"/").unwrap_or(it));
    match below {
        Some(below) => FilePath::from_bytes(below),
        None => path,
    }
}

/// The variables with the places that git names from the top of the work tree named from the root.
fn absolute(env: &Env, top: &std::path::Path) -> BTreeMap<OsString, OsString> {
    let mut variables = env.variables.clone();
    for (name, from) in [("GIT_INDEX_FILE", top), ("GIT_DIR", &env.directory)] {
        if let Some(value) = variables.get_mut(OsStr::new(name))
            && !value.is_empty()
        {
            *value = from.join(&value).into_os_string();
        }
    }
    variables
}

/// What the pre-commit framework compares, which keeps what git says to itself.
pub struct Range {
    pub from: Option<String>,
    pub to: String,
    pub remote: Option<String>,
    pub is_push: bool,
}

/// Whether the pre-commit framework says what is compared, so that git's own words are not there to be read.
pub fn is_told_by_framework(env: &Env) -> bool {
    let has = |name: &str| env.text(name).is_some();
    has("PRE_COMMIT") && (has("PRE_COMMIT_TO_REF") || has("PRE_COMMIT_REMOTE_NAME"))
}

fn framework(env: &Env, hook: HookName, said: &Said<'_>) -> Option<Range> {
    env.text("PRE_COMMIT")?;
    // The variable alone says little: programs that the framework runs have it as well, and may push.
    if !said.input.is_empty() {
        return None;
    }
    let text = |name: &str| env.text(name).map(str::to_owned);
    let is_push = hook == HookName::PrePush;
    let to = text("PRE_COMMIT_TO_REF").or_else(|| {
        // A push of a history that the remote knows nothing of.
        let branch = text("PRE_COMMIT_LOCAL_BRANCH").filter(|_| is_push);
        branch.or_else(|| is_push.then(|| "HEAD".to_owned()))
    })?;
    Some(Range {
        from: text("PRE_COMMIT_FROM_REF"),
        to,
        remote: text("PRE_COMMIT_REMOTE_NAME"),
        is_push,
    })
}

/// Whether the framework checks all files in CI, where nobody commits or pushes: what the run is about is judged then.
fn is_of_ci_run(env: &Env, hook: HookName, said: &Said<'_>, repo: &Repo) -> Result<bool, Failure> {
    let is_whole = env.text("PRE_COMMIT").is_some() && !is_told_by_framework(env);
    let Some(commit) = repo.head_commit()?.filter(|_| is_whole && env.is_ci()) else {
        return Ok(false);
    };
    if hook == HookName::PrePush {
        return Ok(said.input.is_empty());
    }
    let index = repo.snapshot(Head::Index(Some(commit)));
    Ok(index.changed_since(Some(commit))?.is_empty())
}

/// The commit that is checked out, against the base that the CI system names.
fn of_ci_run(repo: &Repo) -> Result<Case, Failure> {
    Ok(Case {
        head: Head::Commit(repo.head_commit()?),
        base: BaseRequest::Derived,
        flags: ["--head", "HEAD", "--isolated"].map(str::to_owned).to_vec(),
    })
}
