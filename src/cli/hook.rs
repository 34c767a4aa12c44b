//! `svc hook`.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::affected::tell_base;
use crate::cli::around::{announce_secrets, run_errands};
use crate::cli::exit::Exit;
use crate::cli::run::{cache_use, carry_out, reporters};
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::model::event::Event;
use crate::model::hook::{Asked, HookName, Installed};
use crate::model::path::FilePath;
use crate::ops::failure::Failure;
use crate::ops::hook;
use crate::ops::hook::judge::{Case, Judgement, Said, is_told_by_framework};
use crate::ops::isolation::{self, Isolation, directories};
use crate::ops::place::Place;
use crate::ops::tasks;
use crate::process::local::Local;
use crate::report::hook::{
    installed_json, installed_text, judged, removed_json, removed_text, status_json, status_text,
};
use crate::report::settings::Verbosity;

/// Let git ask svc before each commit
#[derive(Debug, Args)]
#[command(
    long_about = "Lets git ask svc before each commit, and before each push if that is wanted: only what the commit \
                  affects is tested, exactly as it would be committed, and from the cache where it was tested before. \
                  A hook that is there already is asked first, and put back on uninstall.",
    after_help = "Examples:\n  \
                  svc hook install                          test before each commit\n  \
                  svc hook install --task lint --task test  lint and test\n  \
                  svc hook install --pre-push               before each push as well\n  \
                  svc hook status                           what is there\n  \
                  svc hook uninstall                        as it was before\n  \
                  git commit --no-verify                    skip it once"
)]
pub struct HookArgs {
    #[command(subcommand)]
    pub command: HookCommand,
}

impl HookArgs {
    /// Whether git calls, rather than a person.
    pub fn is_run(&self) -> bool {
        matches!(self.command, HookCommand::Run(_))
    }
}

/// What is done with the hooks.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Write the hooks for this workspace
    Install {
        /// The task that judges; repeat for several
        #[arg(long, value_name = "TASK", default_value = "test")]
        task: Vec<String>,
        /// Before each push as well: what is pushed, against what the remote has
        #[arg(long)]
        pre_push: bool,
        /// Judge commits of a rebase, too
        #[arg(long)]
        during_rebase: bool,
        /// Write also where core.hooksPath names a directory outside of this repository
        #[arg(long)]
        outside: bool,
        /// Write over a hook of svc that was changed by hand
        #[arg(long)]
        force: bool,
    },
    /// Remove them, put back those from before, and remove the checkout that they used
    Uninstall {
        /// Remove also a hook of svc that was changed by hand
        #[arg(long)]
        force: bool,
    },
    /// Say which hooks ask svc
    Status,
    /// Judge what git is about to do; hooks call this, those of other programs, too
    Run(RunArgs),
}

/// `svc hook run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[arg(value_name = "HOOK")]
    pub hook: Hook,
    /// The workspace, from the top of the work tree
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    #[arg(long, value_name = "TASK", default_value = "test")]
    pub task: Vec<String>,
    #[arg(long)]
    pub during_rebase: bool,
    /// What git gives to the hook
    #[arg(last = true)]
    pub arguments: Vec<OsString>,
}

/// The hooks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hook {
    PreCommit,
    PreMergeCommit,
    PrePush,
}

impl From<Hook> for HookName {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::PreCommit => Self::PreCommit,
            Hook::PreMergeCommit => Self::PreMergeCommit,
            Hook::PrePush => Self::PrePush,
        }
    }
}

/// Runs `svc hook`.
pub fn run(session: &Session, args: &HookArgs) -> Result<Exit, Failure> {
    match &args.command {
        HookCommand::Install {
            task,
            pre_push,
            during_rebase,
            outside,
            force,
        } => {
            let mut hooks = vec![HookName::PreCommit, HookName::PreMergeCommit];
            hooks.extend(pre_push.then_some(HookName::PrePush));
            let request = hook::Request {
                hooks,
                tasks: task.clone(),
                during_rebase: *during_rebase,
                outside: *outside,
                force: *force,
                program: Local::own_program().ok(),
            };
            let place = Place::find(&session.env, Fetch::Forbidden)?;
            Ok(tell_installed(session, &hook::install(&place, &request)?))
        }
        HookCommand::Uninstall { force } => {
            let place = hook::around(&session.env)?;
            let removed = hook::uninstall(&place, *force)?;
            isolation::clear(&session.env, place.repo.as_ref());
            match session.is_for_machines() {
                true => session.document(&removed_json(&removed)),
                false => session.say(&removed_text(&removed)),
            }
            Ok(Exit::Fine)
        }
        HookCommand::Status => {
            let status = hook::status(&hook::around(&session.env)?)?;
            match session.is_for_machines() {
                true => session.document(&status_json(&status)),
                false => session.say(&status_text(&status)),
            }
            Ok(Exit::Fine)
        }
        HookCommand::Run(args) => judge_it(session, args),
    }
}

fn tell_installed(session: &Session, installed: &Installed) -> Exit {
    match session.is_for_machines() {
        true => session.document(&installed_json(installed)),
        false => session.say(&installed_text(installed)),
    }
    match installed {
        Installed::Done { .. } => Exit::Fine,
        // Nothing was written.
        Installed::Managed { .. } => Exit::Usage,
    }
}

fn judge_it(session: &Session, args: &RunArgs) -> Result<Exit, Failure> {
    let hook = HookName::from(args.hook);
    let workspace = args
        .workspace
        .as_deref()
        .map(|it| it.as_os_str().as_bytes());
    let asked = Asked {
        workspace: FilePath::from_bytes(workspace.unwrap_or_default()),
        tasks: args.task.clone(),
        during_rebase: args.during_rebase,
    };
    let input = input(session, hook)?;
    let said = Said {
        remote: args.arguments.first().and_then(|it| it.to_str()),
        input: &input,
    };
    let (place, cases) = match hook::judge(&session.env, hook, &asked, &said)? {
        Judgement::Nothing(reason) => {
            session.detail(&format!("svc: {reason}\n"));
            return Ok(Exit::Fine);
        }
        Judgement::Skipped(reason) => {
            session.stderr.write(&format!("svc: {reason}\n"));
            return Ok(Exit::Fine);
        }
        Judgement::Cases(place, cases) => (place, cases),
    };
    let mut all = Exit::Fine;
    for case in &cases {
        match judge_one(session, &place, hook, case, &asked.tasks)? {
            Exit::Fine => {}
            Exit::Interrupted => return Ok(Exit::Interrupted),
            other => all = other,
        }
    }
    if all != Exit::Fine {
        let skip = format!("no {} was made; without svc: {}", hook.noun(), hook.skip());
        session.stderr.write(&format!("svc: {skip}\n"));
    }
    Ok(all)
}

/// What git tells a hook on its standard input.
fn input(session: &Session, hook: HookName) -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    if hook == HookName::PrePush && !is_told_by_framework(&session.env) {
        let read = std::io::stdin().lock().read_to_end(&mut input);
        read.map_err(|cause| Failure::File {
            attempt: "read what is pushed from standard input".to_owned(),
            cause,
        })?;
    }
    Ok(input)
}

fn judge_one(
    session: &Session,
    place: &Place,
    hook: HookName,
    case: &Case,
    tasks: &[String],
) -> Result<Exit, Failure> {
    let isolation = Isolation::default();
    let mut tasks = tasks.to_vec();
    let prepared = loop {
        if tasks.is_empty() {
            return Ok(Exit::Fine);
        }
        let cache = cache_use(session, false, false)?;
        let request = case.request(hook, &tasks, cache, session.jobs);
        for line in tasks::recover(place) {
            session.note(&format!("{line}\n"));
        }
        match session.look(|tell| tasks::prepare_isolated(place, &isolation, request, tell)) {
            // Another state of the workspace may not have it yet, or not any more.
            Err(Failure::Unknown {
                kind: "task",
                name,
                nearest,
            }) => {
                if !case.is_task_elsewhere(place, &name) {
                    return Err(unknown_task(hook, &name, nearest.as_deref()));
                }
                session.warn(&format!(
                    "no service has a task `{name}` here, so it judges nothing"
                ));
                tasks.retain(|it| *it != name);
            }
            other => break other?,
        }
    };
    announce_secrets(session, place, &prepared.comparison.workspace);
    tell_base(session, &prepared.comparison);
    let mut settings = session.settings.clone();
    settings.flags.clone_from(&case.flags);
    let directories = directories(&prepared.comparison.workspace, &prepared.plan);
    let explain = |event: &Event| isolation.explain(place, &directories, event);
    let mut reporters = reporters(session, &settings, &prepared.request.task, &prepared);
    let (exit, summary) = carry_out(prepared, &mut reporters, &explain)?;
    run_errands(session, &reporters.close(None));
    if exit == Exit::Fine && settings.verbosity <= Verbosity::Quiet {
        session.stderr.write(&judged(&summary));
    }
    Ok(exit)
}

/// A hook that asks for what nobody has would let everything through.
fn unknown_task(hook: HookName, name: &str, nearest: Option<&str>) -> Failure {
    let meant = nearest.map_or(String::new(), |it| format!("did you mean `{it}`? "));
    Failure::Usage {
        message: format!("the hook asks for the task `{name}`, which no service has"),
        hint: format!(
            "{meant}define it, or let the hook ask for another (`svc hook install --task TASK`, or where the hook is \
             configured); without svc: {}",
            hook.skip()
        ),
    }
}
