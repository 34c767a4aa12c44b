//! Whether the tools that tasks need are there, and which versions they have.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use crate::model::commands::{is_shell, programs};
use crate::model::finding::{Area, Finding, Weight};
use crate::model::name::TaskId;
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::failure::Failure;
use crate::ops::machinery::listening;
use crate::ops::place::Place;
use crate::ops::tasks::tools::{environments, probes};
use crate::process::tools::{Heard, hear, is_program};

/// So many tasks are named of those that need a tool.
const NAMED: usize = 3;

/// What each tool says, and to which tasks it says so: it may be another version in another directory.
type Answers<'w> = BTreeMap<&'w str, BTreeMap<Heard, BTreeSet<TaskId>>>;

/// Asks every tool that a task declares, and looks for the programs that commands call.
///
/// # Errors
/// Somebody asks `svc` to end.
pub fn look(place: &Place, workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let answers = answers(place, workspace)?;
    let mut called = called(workspace);
    // The programs of declared tools tell more by their answer.
    for program in answers.keys().flat_map(|tool| programs(tool)) {
        called.remove(&program);
    }
    let mut findings: Vec<Finding> = answers
        .iter()
        .flat_map(|(command, heard)| {
            let is_one = heard.len() == 1;
            let told = heard.iter();
            told.map(move |(heard, users)| told_of(command, heard, users, is_one))
        })
        .collect();
    findings.extend(missing(place, &called));
    findings.sort_by(|a, b| (b.weight, &a.about).cmp(&(a.weight, &b.about)));
    Ok(findings)
}

/// Asks as the tasks themselves do.
fn answers<'w>(place: &Place, workspace: &'w Workspace) -> Result<Answers<'w>, Failure> {
    let mut ids: Vec<TaskId> = Vec::new();
    let mut tasks: Vec<(ServiceIndex, &'w Task)> = Vec::new();
    for index in workspace.indices() {
        let service = workspace.service(index);
        for (name, task) in &service.tasks {
            ids.push(TaskId::new(&service.name, name));
            tasks.push((index, task));
        }
    }
    let alone: Vec<&Task> = tasks.iter().map(|(_, task)| *task).collect();
    let environments = environments(workspace, &alone, &place.env.variables);
    let (users, probes) = probes(place, workspace, &tasks, &environments);
    let (control, _listener) = listening()?;
    let heard = hear(&probes, &control, place.env.processors);
    if control.is_asked() {
        return Err(Failure::Interrupted);
    }
    let mut answers = Answers::new();
    for ((at, user), heard) in users.into_iter().enumerate().zip(heard) {
        let Some(heard) = heard else { continue };
        let (_, task) = tasks[user];
        let tool = task.tools.iter().find(|it| *it == probes[at].command);
        if let Some(tool) = tool {
            let of_tool = answers.entry(tool.as_str()).or_default();
            of_tool.entry(heard).or_default().insert(ids[user].clone());
        }
    }
    Ok(answers)
}

/// The programs that commands call, with the tasks that do.
fn called(workspace: &Workspace) -> BTreeMap<String, BTreeSet<TaskId>> {
    let mut called: BTreeMap<String, BTreeSet<TaskId>> = BTreeMap::new();
    // Services that use a preset have the same commands.
    let mut known: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for service in workspace.services() {
        for (name, task) in &service.tasks {
            let id = TaskId::new(&service.name, name);
            if !is_shell(&task.shell) {
                let users = task
                    .shell
                    .first()
                    .map(|it| called.entry(it.clone()).or_default());
                users.into_iter().for_each(|it| _ = it.insert(id.clone()));
                continue;
            }
            for command in &task.run {
                let found = known.entry(command).or_insert_with(|| programs(command));
                for program in found.iter() {
                    let users = called.entry(program.clone()).or_default();
                    users.insert(id.clone());
                }
            }
        }
    }
    called
}

/// What a tool is called, by the command that tells its version: that itself, or the program if it is a whole script.
fn called_by(command: &str) -> &str {
    /// Longer commands are read by nobody.
    const LONGEST: usize = 60;
    /// What scripts handle texts with.
    const PLAIN: &[&str] = &["sed", "sh", "grep", "head", "awk", "cut", "tr"];
    const KEYWORDS: &[&str] = &["do", "done", "for", "if", "then", "else", "fi", "true"];
    let is_script = command.contains(['|', '\n', '$']) || command.len() > LONGEST;
    if !is_script {
        return command;
    }
    let all = programs(command);
    let program = all.iter().find(|it| !PLAIN.contains(&it.as_str()));
    let found = program.and_then(|it| Some((command.find(it.as_str())?, it.len())));
    if let Some((at, length)) = found {
        return &command[at..at + length];
    }
    // Of `for …; done; python3 --version` and `"${JAVA_HOME:+$JAVA_HOME/bin/}java" -version`, what is run last.
    let parts = command.rsplit([';', '|', '\n']);
    let names = parts.filter_map(|part| {
        let first = part.split_whitespace().next()?.trim_matches('"');
        let name = first.rsplit(['/', '}']).next()?;
        let is_name = !name.is_empty() && !name.contains(['$', '(', '"', '=', '[', ':']);
        (is_name && !KEYWORDS.contains(&name) && !PLAIN.contains(&name)).then_some(name)
    });
    names.into_iter().next().unwrap_or(command)
}

fn told_of(command: &str, heard: &Heard, users: &BTreeSet<TaskId>, is_one: bool) -> Finding {
    let about = called_by(command);
    match heard {
        Heard::Said(line) if is_one => Finding::fine(Area::Tools, about, line),
        Heard::Said(line) => {
            let words = format!("{line} (for {})", named(users));
            Finding::fine(Area::Tools, about, words)
        }
        Heard::Failed { how, line } => {
            let line = line.as_ref().map(|line| format!(" ({line})"));
            let line = line.unwrap_or_default();
            let words = format!("{how}{line}; {} it", needed_by(users));
            let program = programs(command).into_iter().next();
            let fix = match program {
                Some(program) => format!("install {program}, or change `tools` of the task"),
                None => "install what it calls, or change `tools` of the task".to_owned(),
            };
            Finding::new(Area::Tools, Weight::Failure, about, words).fix(fix)
        }
    }
}

fn missing(place: &Place, called: &BTreeMap<String, BTreeSet<TaskId>>) -> Vec<Finding> {
    let path = place.env.variables.get(OsStr::new("PATH"));
    let missing = called
        .iter()
        .filter(|(program, _)| !path.is_some_and(|path| is_program(program, path)));
    missing
        .map(|(program, users)| {
            let words = format!("it is not in PATH; {} it", needed_by(users));
            // What only deploys call need not be on each machine.
            let weight = match users.iter().all(|it| it.task.as_str() == "deploy") {
                true => Weight::Hint,
                false => Weight::Warning,
            };
            Finding::new(Area::Tools, weight, program, words).fix(format!("install {program}"))
        })
        .collect()
}

/// `api:build, web:build and 3 more need`.
fn needed_by(users: &BTreeSet<TaskId>) -> String {
    let verb = if users.len() == 1 { "needs" } else { "need" };
    format!("{} {verb}", named(users))
}

/// `api:build, web:build and 3 more`.
fn named(users: &BTreeSet<TaskId>) -> String {
    let first: Vec<String> = users.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = match users.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    format!("{}{rest}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Disk};
    use crate::model::name::ServiceName;

    /// Every program that an embedded preset calls in plain words.
    const PROGRAMS: &[&str] = &[
        "buf",
        "bun",
        "bundle",
        "c++",
        "cargo",
        "cat",
        "cmake",
        "composer",
        "cp",
        "ctest",
        "docker",
        "dotnet",
        "elixir",
        "erl",
        "find",
        "go",
        "gradle",
        "helm",
        "hugo",
        "java",
        "make",
        "mix",
        "mkdir",
        "mkdocs",
        "mvn",
        "node",
        "npm",
        "perl",
        "php",
        "pip",
        "pnpm",
        "poetry",
        "protoc",
        "python3",
        "rake",
        "rm",
        "ruby",
        "rustc",
        "sed",
        "sh",
        "sort",
        "tar",
        "terraform",
        "tidy",
        "tofu",
        "uv",
        "xargs",
        "xmllint",
        "yarn",
    ];

    /// Files that lead a preset to other commands.
    const SIGNS: &[&[&str]] = &[
        &[],
        &[
            "pnpm-lock.yaml",
            "uv.lock",
            "gradlew",
            "mvnw",
            "buf.yaml",
            "hugo.toml",
        ],
        &["yarn.lock", "poetry.lock", "mkdocs.yml", "tofu.lock"],
        &["bun.lock", "Gemfile.lock", "Cargo.lock", "go.work"],
    ];

    #[test]
    fn tools_are_called_by_their_programs() {
        let check = |command: &str, expected| assert_eq!(called_by(command), expected);
        check("rustc --version --verbose", "rustc --version --verbose");
        check(
            "poetry run python --version 2>/dev/null | sed -n '$p'",
            "poetry",
        );
        check(
            "\"${JAVA_HOME:+$JAVA_HOME/bin/}java\" -version 2>&1",
            "java",
        );
        check("sh -c 'exit 3'; true", "sh -c 'exit 3'; true");
        check(
            "for x in a b; do [ ! -x $x ] || PATH=$x:$PATH; done; python3 --version",
            "python3",
        );
        check("mvn --batch-mode --version | sed -n 1p", "mvn");
    }

    #[test]
    fn presets_that_come_with_the_program_give_no_false_alarm() {
        let mut seen = 0;
        let mut found = BTreeSet::new();
        for signs in SIGNS {
            let directory = tempfile::tempdir().unwrap();
            for sign in *signs {
                std::fs::write(directory.path().join(sign), "").unwrap();
            }
            let disk = Disk::new(directory.path());
            for preset in config::presets(&disk).unwrap().presets {
                let service = (&ServiceName::new("api").unwrap(), &"".into());
                let Ok(tasks) =
                    config::preset_tasks(&disk, &preset.name, service, &BTreeMap::new())
                else {
                    continue;
                };
                seen += 1;
                let texts = tasks.values().flat_map(|it| it.run.iter().chain(&it.tools));
                let all = texts.flat_map(|it| programs(it));
                let alarms = all.filter(|it| !PROGRAMS.contains(&it.as_str()));
                found.extend(alarms.map(|it| (preset.name.clone(), it)));
            }
        }
        assert!(found.is_empty(), "{found:?}");
        assert!(seen >= 15 * SIGNS.len(), "{seen}");
    }
}
