//! `svc init`.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::colour;
use crate::cli::session::Session;
use crate::config::draft::Updated;
use crate::config::{FILE, Severity, render};
use crate::ops::failure::Failure;
use crate::ops::init::{self, Answer, Request};
use crate::report::init::{counts, explain, init_json, kinds, notes};
use crate::report::{message, words};

/// Write a services.toml for a repository
#[derive(Debug, Args)]
#[command(
    long_about = "Finds the services of a repository and what they depend on, by the manifests, Dockerfiles and other files \
                  that are there, and writes a services.toml at the top of the repository, or in the directory that -C \
                  names. Runs nothing. A file that is there is never overwritten.",
    after_help = "Examples:\n  \
                  svc init                        write services.toml\n  \
                  svc init --dry-run              print it\n  \
                  svc init --explain              each service and dependency, and the line that it comes from\n  \
                  svc init --update               add what is new to the file that is there"
)]
pub struct InitArgs {
    /// Print what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Add what is new to the services.toml that is there; comments and order stay
    #[arg(long)]
    pub update: bool,
    /// Show for each service and dependency where it is written, and write nothing
    #[arg(long)]
    pub explain: bool,
}

/// Runs the command.
pub fn run(session: &Session, args: &InitArgs) -> Result<Exit, Failure> {
    // Whoever asks why wants to read, whether there is a file or not.
    let request = match (args.update, args.dry_run || args.explain) {
        (false, false) => Request::Create,
        (false, true) => Request::Preview,
        (true, false) => Request::Update,
        (true, true) => Request::PreviewUpdate,
    };
    let progress = session.progress("looking for services");
    let answer = init::init(&session.env, request);
    drop(progress);
    let answer = answer?;
    let paint = session.settings.stderr;
    if !answer.warnings.rows().is_empty() {
        let warnings = render(&answer.warnings, Severity::Warning, colour(paint));
        session.note(&message::laid_out(&warnings, paint));
    }
    if let Some(around) = &answer.around {
        session.warn(&format!(
            "the workspace `{}` lies around this one; each sees only its own services",
            around.display()
        ));
    }
    if session.is_for_machines() {
        let file = answer.root.join(FILE).display().to_string();
        session.document(&init_json(
            &answer.draft,
            &file,
            answer.is_written,
            &answer.text,
        ));
        return Ok(Exit::Fine);
    }
    if args.explain {
        session.say(&explain(&answer.draft, session.settings.stdout));
    } else if args.dry_run {
        session.say(&answer.text);
    }
    if !args.explain {
        session.note(&notes(&answer.draft, paint));
    }
    session.note(&told(session, &answer));
    Ok(Exit::Fine)
}

/// What was done, and what to do next.
fn told(session: &Session, answer: &Answer) -> String {
    let paint = session.settings.stderr;
    let file = match answer.root == session.env.directory {
        true => FILE.to_owned(),
        false => answer.root.join(FILE).display().to_string(),
    };
    if let Some(updated) = &answer.updated {
        return changes(&file, updated, answer.is_written);
    }
    let draft = &answer.draft;
    if draft.services.is_empty() {
        let done = if answer.is_written {
            format!("{file} is written, for later: ")
        } else {
            String::new()
        };
        let files = words::count(answer.files, "file");
        return format!(
            "{done}no service was found in {files}; `[services.NAME]` with a `path` declares one\n"
        );
    }
    let done = if answer.is_written { " is written" } else { "" };
    let mut text = format!("{file}{done}: {} ({})\n", counts(draft), kinds(draft));
    if answer.is_written {
        let next = "read it, then: svc list, svc doctor, svc test --all";
        text.push_str(&format!("{}\n", paint.advice(next)));
    }
    text
}

fn changes(file: &str, updated: &Updated, is_written: bool) -> String {
    let mut text = String::new();
    for service in &updated.services {
        let instead = service
            .instead_of
            .as_ref()
            .map(|it| format!(", as `{it}` is taken"));
        let path = service.path.display();
        text.push_str(&format!(
            "+ {}  {path}{}\n",
            service.name,
            instead.unwrap_or_default()
        ));
    }
    for edge in &updated.edges {
        text.push_str(&format!("+ {} depends on {}\n", edge.from, edge.to));
    }
    for what in &updated.workspace {
        text.push_str(&format!("+ {what}\n"));
    }
    for edge in &updated.circles {
        text.push_str(&format!(
            "  {} depends on {}: left out, it would close a circle\n",
            edge.from, edge.to
        ));
    }
    for edge in &updated.elsewhere {
        text.push_str(&format!(
            "  {} depends on {}: to be added in the file that declares it\n",
            edge.from, edge.to
        ));
    }
    for (name, path) in &updated.gone {
        text.push_str(&format!(
            "  {name}: its directory `{}` is gone\n",
            path.display()
        ));
    }
    let is_new =
        !updated.services.is_empty() || !updated.edges.is_empty() || !updated.workspace.is_empty();
    text.push_str(&match (is_new, is_written) {
        (false, _) => format!("{file} has everything\n"),
        (true, true) => format!("{file} is updated\n"),
        (true, false) => format!("{file} would be updated\n"),
    });
    text
}
