//! `svc new`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::ops::failure::Failure;
use crate::ops::new::{self, Made, Request};
use crate::report::new::{
    FileView, MadeView, ParameterView, TemplateView, made_json, made_text, templates_json,
    templates_text,
};
use crate::scaffold::{Kind, Listed, Parameter};

/// Make a new service from a template
#[derive(Debug, Args)]
#[command(
    long_about = "Makes a new service from a template: its files, with a test that passes, and its entry in services.toml. \
                  Nothing that exists is overwritten. A workspace has its own templates in .svc/templates.",
    after_help = "Examples:\n  \
                  svc new --list                        the templates, with -v their parameters\n  \
                  svc new go api                        an HTTP service in Go, where other services lie\n  \
                  svc new rust-library money --path libs/money\n  \
                  svc new python orders --depends-on money --set port=8090\n  \
                  svc new go api --dry-run              only tell what would be written"
)]
pub struct NewArgs {
    /// The template, one of `svc new --list`
    #[arg(value_name = "TEMPLATE", required_unless_present = "list")]
    pub template: Option<String>,
    /// The name of the service
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// The directory to make [default: one of that name, where others like it lie]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Set a parameter of the template; repeat for several
    #[arg(long, value_name = "PARAMETER=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// A service that the new one depends on; repeat for several
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub depends_on: Vec<String>,
    /// Only tell what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// List the templates
    #[arg(long, conflicts_with_all = ["template", "name", "path", "set", "depends_on", "dry_run"])]
    pub list: bool,
}

/// Runs the command.
pub fn run(session: &Session, args: &NewArgs) -> Result<Exit, Failure> {
    let look = session.settings.stdout_look();
    let (Some(template), Some(name)) = (&args.template, &args.name) else {
        let listed: Vec<_> = new::list(&session.env)?.into_iter().map(listed).collect();
        match session.is_for_machines() {
            true => session.document(&templates_json(&listed)),
            false => session.say(&templates_text(&listed, look)),
        }
        return Ok(Exit::Fine);
    };
    let request = Request {
        template: template.clone(),
        name: name.clone(),
        path: args.path.clone(),
        set: args.set.clone(),
        depends_on: args.depends_on.clone(),
        dry_run: args.dry_run,
    };
    let made = made(new::new(&session.env, &request)?);
    match session.is_for_machines() {
        true => session.document(&made_json(&made)),
        false => session.say(&made_text(&made, look)),
    }
    Ok(Exit::Fine)
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("write PARAMETER=VALUE, such as port=8090".to_owned()),
    }
}

fn listed(listed: Listed) -> TemplateView {
    let (makes, about, parameters) = match listed.template {
        Ok(template) => {
            let parameters = template.parameters.into_iter().map(parameter).collect();
            (template.makes.word(), Ok(template.about), parameters)
        }
        Err(error) => ("", Err(error.to_string()), vec![]),
    };
    TemplateView {
        name: listed.name,
        is_own: listed.is_own,
        makes,
        about,
        parameters,
    }
}

fn parameter(parameter: Parameter) -> ParameterView {
    let is_free = parameter.kind == Kind::Port && parameter.default.is_none();
    ParameterView {
        name: parameter.name,
        about: parameter.about,
        default: match is_free {
            true => Some("one that no service uses".to_owned()),
            false => parameter.default,
        },
        choices: parameter.choices,
    }
}

fn made(made: Made) -> MadeView {
    let next = next(&made);
    let files = made.files.into_iter().map(|it| FileView {
        path: it.path,
        is_executable: it.is_executable,
    });
    MadeView {
        next,
        files: files.collect(),
        template: made.template,
        name: made.name.to_string(),
        path: made.path,
        entry: made.entry,
        parameters: made.parameters,
        notes: made.notes,
        is_first: made.is_first,
        is_resumed: made.is_resumed,
        is_written: made.is_written,
    }
}

/// The commands that make something of the service, as far as it has such tasks.
fn next(made: &Made) -> Vec<String> {
    let name = &made.name;
    let of_task =
        |task: &str, command: String| made.tasks.iter().any(|it| it == task).then_some(command);
    let commands = [
        of_task("build", format!("svc build {name}")),
        of_task("test", format!("svc test {name}")),
        of_task("start", format!("svc run start {name}")),
        made.serves
            .then(|| format!("svc deploy --env local {name}")),
    ];
    commands.into_iter().flatten().collect()
}
