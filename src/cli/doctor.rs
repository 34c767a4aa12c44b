//! `svc doctor`.

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::model::finding::{Finding, Weight};
use crate::ops::doctor::{self, Fixed, Request};
use crate::ops::failure::Failure;
use crate::report::doctor::{doctor_json, doctor_text};

/// Look for what is wrong, or will be
#[derive(Debug, Args)]
#[command(
    long_about = "Looks at the repository, services.toml, the tools that tasks need, the cache, the ledgers and the hooks, \
                  and tells what is wrong or will be, each with what helps. It asks tools for their versions, and else runs \
                  nothing.\n\n\
                  Exit code 3: something will fail. Warnings and hints alone: 0.",
    after_help = "Examples:\n  \
                  svc doctor                 everything\n  \
                  svc doctor -q              only what is not fine\n  \
                  svc doctor --fix           and do what nothing can be lost by\n  \
                  svc doctor --offline       ask no remote"
)]
pub struct DoctorArgs {
    /// Take the steps that nothing can be lost by, then look again
    #[arg(long)]
    pub fix: bool,
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
    let mut fixed = Vec::new();
    if args.fix {
        fixed = doctor::fix(&place, &findings);
        if !fixed.is_empty() {
            findings = look()?;
        }
    }
    tell(session, &findings, &fixed);
    let fails = findings.iter().any(|it| it.weight == Weight::Failure);
    Ok(match fails || fixed.iter().any(|it| it.failed.is_some()) {
        true => Exit::Environment,
        false => Exit::Fine,
    })
}

fn tell(session: &Session, findings: &[Finding], fixed: &[Fixed]) {
    if session.is_for_machines() {
        let mut document = doctor_json(findings);
        let rows = fixed
            .iter()
            .map(|it| json!({ "fix": it.words, "failed": it.failed }));
        document["fixed"] = rows.collect();
        return session.document(&document);
    }
    for step in fixed {
        match &step.failed {
            None => session.note(&format!("did: {}\n", step.words)),
            Some(reason) => session.warn(&format!("`{}` did not work: {reason}", step.words)),
        }
    }
    session.say(&doctor_text(findings, session.settings.stdout_look()));
}
