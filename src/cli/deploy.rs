//! `svc deploy`.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::around::{about, announce_secrets, run_errands};
use crate::cli::exit::Exit;
use crate::cli::run::cache_use;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::model::ledger::{Action, Runs, State};
use crate::model::name::EnvironmentName;
use crate::ops::deploy::pin::Pin;
use crate::ops::deploy::{self, Close, Ended, Mode, Patience, Prepared, Request, Told};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::SelectRequest;
use crate::report::deploy_end::{deploy_end_json, deploy_end_text};
use crate::report::deploy_plan::{deploy_plan_json, deploy_plan_text};
use crate::report::lasting::About;
use crate::report::reporter::{Reporter, Reporters};
use crate::report::settings::{Format, Settings};
use crate::report::view::{DeployEndView, EndedDeploy, Look, Ways};

/// Deploy what differs from what runs in an environment
#[derive(Debug, Args)]
#[command(
    long_about = "Deploys the services whose release or configuration differs from what the ledger says the environment \
                  runs, after building and testing what is not cached. Each step is written down before it is taken.",
    after_help = "Examples:\n  \
                  svc deploy --env local                  run what changed on this machine\n  \
                  svc deploy --env staging --dry-run      what would be deployed, and why\n  \
                  svc deploy --env staging api web        only these services\n  \
                  svc deploy --env production --yes --lock-wait 10m   in a CI job\n  \
                  svc deploy --env production --resume    go on with what the last deploy left"
)]
pub struct DeployArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    #[command(flatten)]
    pub select: ChooseArgs,
    #[command(flatten)]
    pub what: WhatArgs,
    #[command(flatten)]
    pub how: HowArgs,
    #[command(flatten)]
    pub output: crate::cli::run::OutputArgs,
}

/// Which environment.
#[derive(Clone, Debug, Args)]
pub struct EnvironmentArgs {
    /// The environment; `local` is this machine
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: String,
}

/// Which services. What changed does not matter here: the ledger says what runs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Which services")]
pub struct ChooseArgs {
    /// Only these services, also if they are held
    #[arg(value_name = "SERVICE", help_heading = None::<&str>)]
    pub services: Vec<String>,
    /// All services, as without names
    #[arg(short, long)]
    pub all: bool,
    /// Only services with this tag; repeat for any of several
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Leave this service out; repeat for several
    #[arg(long, value_name = "SERVICE")]
    pub exclude: Vec<String>,
    /// Add everything that the selected services depend on
    #[arg(long)]
    pub with_dependencies: bool,
}

impl ChooseArgs {
    fn request(&self) -> SelectRequest {
        SelectRequest {
            names: self.services.clone(),
            all: self.all,
            tags: self.tag.clone(),
            exclude: self.exclude.clone(),
            no_dependents: false,
            with_dependencies: self.with_dependencies,
        }
    }
}

/// What is deployed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What to deploy")]
pub struct WhatArgs {
    /// Deploy to an environment that has no history yet
    #[arg(long, conflicts_with = "adopt")]
    pub bootstrap: bool,
    /// Deploy nothing: record that what is checked out runs there already, after its health check
    #[arg(long, conflicts_with_all = ["atomic", "prune", "resume", "force"])]
    pub adopt: bool,
    /// Deploy what runs already, too
    #[arg(long)]
    pub force: bool,
    /// Deploy what failed or was rolled back there before, too
    #[arg(long)]
    pub retry_held: bool,
    /// Go on with what the last deploy left: failed, interrupted or unknown
    #[arg(long)]
    pub resume: bool,
    /// Take down services that are no longer in services.toml
    #[arg(long)]
    pub prune: bool,
    /// Deploy a commit that does not come after the one that runs
    #[arg(long)]
    pub allow_diverged: bool,
    /// Follow the plan in FILE, unless anything it was made from has moved
    #[arg(long, value_name = "FILE", conflicts_with = "plan_out")]
    pub plan: Option<PathBuf>,
}

/// How it is deployed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How to deploy")]
pub struct HowArgs {
    /// Print the plan and deploy nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the plan to FILE, for `--plan`, and deploy nothing
    #[arg(long, value_name = "FILE")]
    pub plan_out: Option<PathBuf>,
    /// All or nothing: if one service fails, roll back all that this deploy changed
    #[arg(long)]
    pub atomic: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Neither take results from the cache nor keep any
    #[arg(long)]
    pub no_cache: bool,
}

/// What is asked before, written down and waited for.
#[derive(Clone, Debug, Args)]
pub struct ConsentArgs {
    /// Do it without asking, also where the environment is protected
    #[arg(short, long)]
    pub yes: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Wait so long for somebody else's deploy to end, such as `10m` [default: fail at once]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub lock_wait: Option<Duration>,
    /// How long the lease holds without being renewed
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, env = "SVC_LEASE_TERM", hide = true)]
    pub lease_term: Option<Duration>,
}

impl ConsentArgs {
    /// How long a lease is waited for, and how it is held.
    pub fn patience(&self) -> Patience {
        Patience {
            wait: self.lock_wait,
            term: self.lease_term,
        }
    }
}

/// Runs `svc deploy`.
pub fn run(session: &Session, args: &DeployArgs) -> Result<Exit, Failure> {
    let pin = args.what.plan.as_deref().map(read_pin).transpose()?;
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let request = request(session, args)?;
    let mut prepared = session.look(|tell| deploy::prepare(&place, request, tell))?;
    let workspace = prepared.staged.workspace.clone();
    announce_secrets(session, &place, &workspace);
    if let Some(pin) = &pin {
        pin.check(&Pin::of(&prepared))?;
    }
    if let Some(note) = &prepared.seen.note {
        session.detail(&format!("{note}\n"));
    }
    if let Some(file) = &args.how.plan_out {
        std::fs::write(file, Pin::of(&prepared).text()).map_err(|cause| Failure::File {
            attempt: format!("write {}", file.display()),
            cause,
        })?;
    }
    let is_shown = args.how.dry_run || args.how.plan_out.is_some();
    if is_shown || (prepared.is_idle() && session.is_for_machines()) {
        show(session, &prepared);
        return Ok(Exit::Fine);
    }
    session.note(&deploy_plan_text(
        &prepared.plan,
        session.settings.stderr_look(),
    ));
    let command = format!("svc deploy --env {}", prepared.staged.environment);
    let mut telling = Telling::new(session, about(&command, &place, &workspace));
    if prepared.is_idle() {
        telling.nothing_to_do(&deploy_plan_text(&prepared.plan, Look::default()));
        return Ok(Exit::Fine);
    }
    if prepared.staged.settings.protected && !args.how.consent.yes {
        let count = prepared.plan.due().count();
        let services = match count {
            1 => "1 service".to_owned(),
            count => format!("{count} services"),
        };
        let name = &prepared.staged.environment;
        ask(session, name, &format!("Deploy {services} to {name}?"))?;
        prepared.request.is_agreed_to = true;
    }
    let ended = deploy::carry_out(prepared, &command, &mut |told| telling.hear(told))?;
    let ways = Ways {
        again: format!("{command} --resume"),
        can_resume: true,
        can_go_back: true,
    };
    Ok(finish(session, telling, &ended, ways))
}

fn request(session: &Session, args: &DeployArgs) -> Result<Request, Failure> {
    let what = &args.what;
    Ok(Request {
        environment: args.environment.environment.clone(),
        mode: match (args.how.dry_run, what.adopt) {
            (true, _) => Mode::Show,
            (false, true) => Mode::Adopt,
            (false, false) => Mode::Deploy {
                bootstrap: what.bootstrap,
            },
        },
        select: args.select.request(),
        force: what.force,
        retry_held: what.retry_held,
        resume: what.resume,
        prune: what.prune,
        atomic: args.how.atomic,
        allow_diverged: what.allow_diverged,
        is_pinned: what.plan.is_some(),
        is_agreed_to: false,
        reason: args.how.consent.reason.clone(),
        patience: args.how.consent.patience(),
        jobs: session.jobs,
        cache: cache_use(session, args.how.no_cache, false)?,
    })
}

fn read_pin(file: &std::path::Path) -> Result<Pin, Failure> {
    let bytes = std::fs::read(file).map_err(|cause| Failure::File {
        attempt: format!("read {}", file.display()),
        cause,
    })?;
    Pin::read(&bytes).map_err(|why| Failure::Usage {
        message: format!("{} is no plan: {why}", file.display()),
        hint: "`svc deploy --plan-out FILE` writes one".into(),
    })
}

fn show(session: &Session, prepared: &Prepared<'_>) {
    match session.is_for_machines() {
        true => session.document(&deploy_plan_json(&prepared.plan)),
        false => session.say(&deploy_plan_text(
            &prepared.plan,
            session.settings.stdout_look(),
        )),
    }
}

/// Asks on the terminal.
///
/// # Errors
/// Nobody can answer, or the answer is no.
pub fn ask(
    session: &Session,
    environment: &EnvironmentName,
    question: &str,
) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::Usage {
            message: format!("`{environment}` is protected, and there is no terminal to ask on"),
            hint: "--yes goes on without asking".into(),
        });
    }
    session.stderr.write(&format!("{question} [y/N] "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::Declined),
    }
}

/// Tells what happens while services are deployed.
pub struct Telling<'s> {
    session: &'s Session,
    /// As for people: what machines read comes at the end.
    settings: Settings,
    reporters: Option<Reporters>,
    about: About,
    /// Whether the reporters are to tell of another run than the next one.
    is_old: bool,
}

impl<'s> Telling<'s> {
    /// On standard error; what machines read comes at the end.
    pub fn new(session: &'s Session, about: About) -> Self {
        Self {
            session,
            settings: Settings {
                format: Format::Text,
                ..session.settings.clone()
            },
            reporters: None,
            about,
            is_old: false,
        }
    }

    /// There is nothing to do, and this was said of it.
    fn nothing_to_do(mut self, said: &str) {
        self.reporters().nothing_to_do(said);
        self.close(None);
    }

    /// It is over.
    fn close(mut self, end: Option<&DeployEndView>) {
        let session = self.session;
        self.reporters();
        let errands = self.reporters.map(|it| it.close(end));
        run_errands(session, &errands.unwrap_or_default());
    }

    /// Takes note of something.
    pub fn hear(&mut self, told: Told<'_>) {
        match told {
            Told::Phase(name) => {
                self.is_old = true;
                self.session.note(&format!("{name}\n"));
            }
            Told::Event(event) => self.reporters().event(event),
            Told::Line(line) => self
                .session
                .note(&format!("{}\n", crate::report::clean::one_line(&line))),
            Told::Warning(line) => self.session.warn(&line),
        }
    }

    fn reporters(&mut self) -> &mut Reporters {
        let Session { stdout, stderr, .. } = self.session;
        let reporters = match (self.reporters.take(), self.is_old) {
            (Some(reporters), false) => reporters,
            (Some(old), true) => old.next_run(stdout),
            (None, _) => Reporters::new(&self.settings, stdout, stderr, self.about.clone()),
        };
        self.is_old = false;
        self.reporters.insert(reporters)
    }
}

/// Tells how it ended and gives the exit code. `ways` is what can be done where something failed.
pub fn finish(session: &Session, telling: Telling<'_>, ended: &Ended, ways: Ways) -> Exit {
    let is_fine = ended.close == Close::Fine;
    let view = view(ended, ways);
    match session.is_for_machines() {
        true => session.document(&deploy_end_json(&view)),
        // What runs now is no detail once something failed.
        false if is_fine => session.note(&deploy_end_text(&view, session.settings.stderr_look())),
        false => session
            .stderr
            .write(&deploy_end_text(&view, session.settings.stderr_look())),
    }
    telling.close(Some(&view));
    match &ended.close {
        Close::Fine => Exit::Fine,
        Close::NotBuilt | Close::Failed => Exit::Failed,
        Close::RolledBack => Exit::RolledBack,
        Close::Interrupted => Exit::Interrupted,
        Close::Unrecorded(_) => Exit::Environment,
    }
}

/// What is told of the end: for each service its last entry, and what was not begun.
fn view(ended: &Ended, ways: Ways) -> DeployEndView {
    let mut services: Vec<EndedDeploy> = Vec::new();
    for (name, before) in &ended.planned {
        services.push(EndedDeploy {
            address: ended.addresses.get(name.as_str()).cloned(),
            name: name.clone(),
            state: None,
            runs: before.clone(),
            error: None,
        });
    }
    for entry in &ended.entries {
        let Some(it) = services.iter_mut().find(|it| it.name == entry.service) else {
            continue;
        };
        it.state = Some(match (entry.action, entry.state) {
            (Action::Undo, State::Succeeded) => State::RolledBack,
            (_, state) => state,
        });
        it.runs = match entry.state {
            State::Started => Runs::Unknown,
            _ => entry.runs.clone(),
        };
        it.error = entry.error.clone().or(it.error.take());
    }
    let (outcome, unrecorded) = match &ended.close {
        Close::Fine => ("fine", None),
        Close::NotBuilt => ("not-built", None),
        Close::RolledBack => ("rolled-back", None),
        Close::Failed => ("failed", None),
        Close::Interrupted => ("interrupted", None),
        Close::Unrecorded(why) => ("unrecorded", Some(why.clone())),
    };
    DeployEndView {
        environment: ended.environment.clone(),
        deploy: ended.id.clone(),
        outcome,
        unrecorded,
        services,
        ways,
    }
}
