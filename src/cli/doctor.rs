//! `svc doctor`.

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::FILE;
use crate::model::finding::{Finding, Weight};
use crate::ops::doctor::{self, Fixes, Request, Taking};
use crate::ops::failure::Failure;
use crate::report::doctor::{difference, doctor_json, doctor_text};

/// Look for what is wrong, or will be
#[derive(Debug, Args)]
#[command(
    long_about = "Looks at the repository, services.toml, the tools that tasks need, the cache, the ledgers and the hooks, \
                  and tells what is wrong or will be, each with what helps. What services.toml says is compared with \
                  what svc init would write. Tools are asked for their versions; nothing else is run.\n\n\
                  Exit code 3: something will fail. Warnings and hints alone: 0.",
    after_help = "Examples:\n  \
                  svc doctor                 everything\n  \
                  svc doctor -q              only what is not fine\n  \
                  svc doctor --fix --dry-run and what --fix would do\n  \
                  svc doctor --fix           and do what nothing can be lost by\n  \
                  svc doctor --offline       ask no remote"
)]
pub struct DoctorArgs {
    /// Take the steps that nothing can be lost by, then look again
    #[arg(long)]
    pub fix: bool,
    /// Only tell which steps these are, and what would be written
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Ask no remote
    #[arg(long)]
    pub offline: bool,
}

/// Runs `svc doctor`.
pub fn run(session: &Session, args: &DoctorArgs) -> Result<Exit, Failure> {
    let request = Request {
        offline: args.offline,
    };
    let place = doctor::place(&session.env, request)?;
    let look = || {
        let progress = session.progress("looking at the workspace");
        doctor::doctor(&place, request, &mut |step| {
            progress.say(&format!("looking at {step}"))
        })
    };
    let mut findings = look()?;
    let mut fixes = Fixes::default();
    if args.fix {
        let taking = match args.dry_run {
            true => Taking::Told,
            false => Taking::Done,
        };
        fixes = doctor::fix(&place, &findings, taking);
        if !args.dry_run && !fixes.steps.is_empty() {
            findings = look()?;
        }
    }
    tell(session, args, &findings, &fixes);
    let fails = findings.iter().any(|it| it.weight == Weight::Failure);
    Ok(
        match fails || fixes.steps.iter().any(|it| it.failed.is_some()) {
            true => Exit::Environment,
            false => Exit::Fine,
        },
    )
}

fn tell(session: &Session, args: &DoctorArgs, findings: &[Finding], fixes: &Fixes) {
    let rewritten = fixes.rewritten.as_ref();
    let difference = rewritten.map(|it| difference(FILE, &it.before, &it.after));
    if session.is_for_machines() {
        let mut document = doctor_json(findings);
        let steps = fixes.steps.iter();
        let steps = steps.map(|it| json!({ "fix": it.words, "failed": it.failed }));
        document["fixed"] = steps.collect();
        document["dry_run"] = json!(args.dry_run);
        document["difference"] = json!(difference);
        return session.document(&document);
    }
    let done = if args.dry_run { "would do" } else { "did" };
    for step in &fixes.steps {
        match &step.failed {
            None => session.note(&format!("{done}: {}\n", step.words)),
            Some(reason) => session.warn(&format!("`{}` did not work: {reason}", step.words)),
        }
    }
    session.say(&doctor_text(findings, session.settings.stdout_look()));
    if let Some(difference) = difference.filter(|_| args.dry_run) {
        session.say(&difference);
    }
}
