//! What `svc ci init` says: the files, what differs, and what is left to do in the system itself.

use serde_json::{Value, json};

use crate::model::ci::System;
use crate::report::affected::path_fields;
use crate::report::clean::{self, one_line};
use crate::report::doctor::difference;

/// One file of a pipeline.
#[derive(Clone, Debug)]
pub struct PageView {
    pub path: crate::model::path::FilePath,
    pub text: String,
    pub before: Option<String>,
}

impl PageView {
    fn state(&self) -> &'static str {
        match &self.before {
            None => "new",
            Some(before) if *before == self.text => "same",
            Some(_) => "differs",
        }
    }

    /// What differs from what is there. None if nothing does, or nothing is there.
    fn difference(&self) -> Option<String> {
        let before = self.before.as_ref().filter(|it| **it != self.text)?;
        Some(difference(&self.path.display(), before, &self.text))
    }
}

/// The pages as they would be: new ones whole, others by what differs.
pub fn pages_text(pages: &[PageView]) -> String {
    let page = |page: &PageView| match (&page.before, page.difference()) {
        (None, _) => format!("# {}\n{}", clean::path(&page.path), page.text),
        (_, Some(difference)) => difference,
        (_, None) => format!("# {}: as it is\n", clean::path(&page.path)),
    };
    pages.iter().map(page).collect::<Vec<_>>().join("\n")
}

/// What differs from what is there.
pub fn differences(pages: &[PageView]) -> String {
    pages.iter().filter_map(PageView::difference).collect()
}

/// A line for each file: `wrote .github/workflows/svc.yml`.
pub fn written_text(pages: &[PageView], is_written: bool) -> String {
    let line = |page: &PageView| {
        let path = clean::path(&page.path);
        match (page.state(), is_written) {
            ("same", _) => format!("{path} is as it would be written\n"),
            ("differs", true) => format!("replaced {path}\n"),
            (_, true) => format!("wrote {path}\n"),
            (_, false) => String::new(),
        }
    };
    pages.iter().map(line).collect()
}

/// The answer for machines.
pub fn init_json(
    system: System,
    pages: &[PageView],
    is_written: bool,
    notes: &[String],
    next: &[String],
) -> Value {
    let files = pages.iter().map(|page| {
        let mut fields = path_fields(&page.path);
        fields.insert("state".to_owned(), json!(page.state()));
        fields.insert("text".to_owned(), json!(page.text));
        fields.insert("difference".to_owned(), json!(page.difference()));
        Value::Object(fields)
    });
    json!({
        "version": 1,
        "system": system,
        "written": is_written,
        "files": files.collect::<Value>(),
        "notes": notes,
        "next": next,
    })
}

/// What is left to do by hand, in the settings of the system.
pub fn next_steps(system: System, environments: &[(String, bool)]) -> Vec<String> {
    let named = |wanted: Option<bool>| {
        let names = environments.iter();
        let names = names.filter(|it| wanted.is_none_or(|wanted| it.1 == wanted));
        let names: Vec<String> = names.map(|it| one_line(&it.0)).collect();
        names.join(", ")
    };
    let (all, protected) = (named(None), named(Some(true)));
    let mut steps = vec![of_checks(system).to_owned()];
    if environments.is_empty() {
        return steps;
    }
    steps.push(match system {
        System::GitHub => format!("make the environments {all} in the settings of the repository, with their secrets"),
        System::GitLab => format!(
            "allow job tokens to push to the repository, for the ledger; give the environments {all} their variables"
        ),
        System::CircleCi => {
            let contexts: Vec<String> = environments
                .iter()
                .map(|it| format!("svc-deploy-{}", one_line(&it.0)))
                .collect();
            format!(
                "make the contexts {}, with their secrets, and give the project a key that may write",
                contexts.join(", ")
            )
        }
        System::Azure => format!(
            "make the environments {all}, each with an exclusive lock, and let the build service contribute to the repository"
        ),
        System::Bitbucket => format!("make the deployment environments {all} in the settings of the repository"),
        System::Buildkite | System::Jenkins | System::TeamCity => {
            "let the agents push to the repository, for the ledger".to_owned()
        }
        System::Drone | System::Woodpecker => {
            "give the deploy steps credentials to push to the repository, for the ledger".to_owned()
        }
    });
    if !protected.is_empty() && matches!(system, System::GitHub | System::Azure) {
        steps.push(format!("ask for approval there: {protected}"));
    }
    let first = match system {
        System::GitHub => {
            "`svc deploy --env ENV --bootstrap` once, or run the workflow by hand with `bootstrap`"
        }
        System::Azure => {
            "`svc deploy --env ENV --bootstrap` once, or run the pipeline by hand with `bootstrap`"
        }
        System::Jenkins => {
            "`svc deploy --env ENV --bootstrap` once, or build with the parameter BOOTSTRAP"
        }
        System::TeamCity => {
            "`svc deploy --env ENV --bootstrap` once, or build with deploy.flags=--bootstrap"
        }
        _ => {
            "`svc deploy --env ENV --bootstrap` once, or a run with the variable SVC_DEPLOY_FLAGS=--bootstrap"
        }
    };
    steps.push(format!("where nothing was deployed yet: {first}"));
    steps
}

fn of_checks(system: System) -> &'static str {
    match system {
        System::GitHub => "make the check `svc` a required one: it reports on every change",
        System::GitLab => "let merge requests require that pipelines succeed",
        System::Buildkite => "make the status of the build a required check",
        System::CircleCi => {
            "enable dynamic configuration in the settings of the project, and make the check of the workflow `svc` a required one"
        }
        System::Azure => "make the pipeline a build validation of the branch",
        System::Jenkins => "make a multibranch pipeline of it",
        System::TeamCity => "let the project take its settings from version control",
        System::Bitbucket | System::Drone | System::Woodpecker => {
            "require that builds pass before a change is merged"
        }
    }
}
