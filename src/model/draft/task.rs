//! Tasks that other tools define, as far as they differ from what a preset gives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::draft::Found;
use crate::model::draft::place::Kept;
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::draft::words::{DraftService, DraftTask, Note, NoteKind};
use crate::model::manifest::{Ecosystem, Fact, ForeignTask, Makes, What, Whose};
use crate::model::name::TaskName;
use crate::model::path::{FilePath, ancestors};

/// What the tool that runs scripts is called, by its lock file.
const MANAGERS: &[(&str, &str)] = &[
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
];
/// What is not written down, since it is so anyway.
const USUAL: &[(&str, &[&str])] = &[("build", &["^build"]), ("test", &["build"])];
/// What presets give: only how it differs is written.
const GIVEN: &[&str] = &["build", "test", "lint"];

/// Gives services their tasks and tags.
pub fn tasks(found: &Found, kept: &Kept, services: &mut [DraftService], notes: &mut Vec<Note>) {
    let mut said: Vec<(&FilePath, &Fact, &ForeignTask)> = Vec::new();
    let mut scripts: HashMap<usize, BTreeSet<&str>> = HashMap::new();
    let mut sets: HashMap<(FilePath, &str), &Vec<String>> = HashMap::new();
    for manifest in &found.manifests {
        for fact in &manifest.facts {
            let own = kept
                .owner(fact.about.as_bytes())
                .filter(|at| kept.places[*at].path == fact.about);
            match &fact.what {
                What::Task(task) => said.push((&manifest.file, fact, task)),
                What::Script { name, .. } => {
                    if let Some(at) = own {
                        scripts.entry(at).or_default().insert(name);
                    }
                }
                What::Unsupported(words) => notes.push(Note {
                    path: manifest.file.clone(),
                    words: format!("line {}: {words}", fact.line),
                    kind: NoteKind::NotTaken,
                }),
                What::InputSet { name, patterns } => {
                    sets.insert((fact.about.clone(), name.as_str()), patterns);
                }
                What::Tag(tag) => {
                    if let Some(at) = own
                        && !services[at].tags.contains(tag)
                    {
                        services[at].tags.push(tag.clone());
                    }
                }
                _ => {}
            }
        }
    }
    services.iter_mut().for_each(|it| it.tags.sort());
    // What is said nearer to a service wins over what is said above it.
    said.sort_by_key(|(_, fact, _)| fact.about.as_bytes().len());
    // Defaults come first, and are of those that say more themselves.
    let owner = |fact: &Fact| {
        let own = kept.owner(fact.about.as_bytes());
        own.filter(|at| kept.places[*at].path == fact.about)
    };
    let with_it: BTreeSet<(usize, &str)> = said
        .iter()
        .filter(|(_, _, task)| task.whose == Whose::Own)
        .filter_map(|(_, fact, task)| Some((owner(fact)?, task.name.as_str())))
        .collect();
    let names = Names::new(found);
    let mut at_home: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (file, fact, task) in said {
        if task.is_endless {
            notes.push(Note {
                path: file.clone(),
                words: format!(
                    "line {}: the task `{}` runs until it is stopped, so it is none here",
                    fact.line, task.name
                ),
                kind: NoteKind::NotTaken,
            });
            continue;
        }
        let Some(name) = task_name(&task.name) else {
            notes.push(Note {
                path: file.clone(),
                words: format!(
                    "line {}: `{}` cannot be the name of a task",
                    fact.line, task.name
                ),
                kind: NoteKind::NotTaken,
            });
            continue;
        };
        let own = kept
            .owner(fact.about.as_bytes())
            .filter(|at| kept.places[*at].path == fact.about);
        let has_script = |at: &usize| {
            let scripts = scripts.get(at);
            scripts.is_some_and(|it| it.contains(task.name.as_str()))
        };
        let has_task = |at: &usize| with_it.contains(&(*at, task.name.as_str()));
        let below = || own.into_iter().chain(kept.below(fact.about.as_bytes()));
        let targets: Vec<usize> = match &task.whose {
            Whose::Own => own.into_iter().collect(),
            Whose::Everyones => below().collect(),
            Whose::OfThoseWithIt => below()
                .filter(|at| has_script(at) || has_task(at))
                .collect(),
            Whose::Tagged(tag) => below()
                .filter(|at| services[*at].tags.contains(tag))
                .collect(),
            Whose::Project(project) => {
                let wanted = |ecosystem| Wanted {
                    ecosystem,
                    name: project,
                    from: &fact.about,
                    file,
                };
                let path = names
                    .find(wanted(Ecosystem::Project))
                    .or_else(|| names.find(wanted(Ecosystem::Npm)));
                path.and_then(|it| kept.owner(it.as_bytes()))
                    .into_iter()
                    .collect()
            }
        };
        for at in targets {
            let service = |wanted: &str| {
                let owner = names
                    .find(Wanted {
                        ecosystem: Ecosystem::Project,
                        name: wanted,
                        from: &fact.about,
                        file,
                    })
                    .or_else(|| {
                        names.find(Wanted {
                            ecosystem: Ecosystem::Npm,
                            name: wanted,
                            from: &fact.about,
                            file,
                        })
                    })
                    .and_then(|path| kept.owner(path.as_bytes()))?;
                Some((owner, services[owner].name.to_string()))
            };
            let needs = task.needs.as_ref().map(|it| translated(it, at, service));
            if task.is_at_home && task.run.is_none() {
                at_home.insert((at, &task.name));
            }
            let is_at_home = at_home.contains(&(at, task.name.as_str()));
            let run_at_home = task.run_at_home.as_ref().filter(|_| is_at_home);
            let run = match run_at_home.or(task.run.as_ref()) {
                Some(run) => Some(vec![run.clone()]),
                None if has_script(&at) && !GIVEN.contains(&task.name.as_str()) => {
                    Some(vec![format!(
                        "{} run {}",
                        manager(found, &kept.places[at].path),
                        task.name
                    )])
                }
                None => None,
            };
            let own = &kept.places[at].path;
            let inputs = task.inputs.as_ref().map(|it| unfolded(it, &sets, own));
            let into = services[at].tasks.entry(name.clone()).or_default();
            merge(into, task, run, needs, inputs);
        }
    }
    for service in services.iter_mut() {
        tidy(&mut service.tasks, service.uses.is_some());
    }
}

/// Says of libraries that their builds leave nothing behind, where that is so: their results can be kept then. Whoever
/// uses one takes its sources.
pub fn leave_nothing(found: &Found, kept: &Kept, services: &mut [DraftService]) {
    let mut builds: BTreeSet<usize> = BTreeSet::new();
    for fact in found.manifests.iter().flat_map(|it| &it.facts) {
        let is_build = matches!(&fact.what, What::Script { name, .. } if name == "build");
        builds.extend(kept.owner(fact.about.as_bytes()).filter(|_| is_build));
    }
    let build = TaskName::new("build").expect("it is a name");
    for (at, service) in services.iter_mut().enumerate() {
        let Some(uses) = &service.uses else { continue };
        let leaves_nothing = match uses.preset.as_str() {
            "rust" | "go" => !uses.parameters.contains_key("bin"),
            "node" | "typescript" => !builds.contains(&at),
            _ => false,
        };
        if service.makes != Makes::Library
            || !leaves_nothing
            || !found
                .presets
                .iter()
                .any(|it| it.name == uses.preset && !it.is_own)
            || service.tasks.get(&build).is_some_and(|it| it.run.is_some())
        {
            continue;
        }
        let task = service.tasks.entry(build.clone()).or_default();
        task.outputs.get_or_insert_default();
    }
}

/// `test:integration` is called `test-integration` here.
fn task_name(name: &str) -> Option<TaskName> {
    let written = name.replace([':', '.', '/', '_', ' '], "-");
    TaskName::new(name).or_else(|| TaskName::new(&written.to_lowercase()))
}

/// Needs by the names that services have here; those of projects that are none are left out.
fn translated(
    needs: &[String],
    own: usize,
    service: impl Fn(&str) -> Option<(usize, String)>,
) -> Vec<String> {
    let mut out = Vec::new();
    for need in needs {
        let text = match need.rsplit_once(':') {
            None => Some(need.clone()),
            Some((project, task)) => service(project).map(|(at, name)| match at == own {
                true => task.to_owned(),
                false => format!("{name}:{task}"),
            }),
        };
        out.extend(text.filter(|it| !out.contains(it)));
    }
    out
}

/// Inputs with the patterns of the sets that they name: those said nearest to the service. A set that nobody defines is all
/// of the service's own files.
fn unfolded(
    inputs: &[String],
    sets: &HashMap<(FilePath, &str), &Vec<String>>,
    directory: &FilePath,
) -> Vec<String> {
    /// Sets may name sets; nobody nests them deeper.
    const DEEPEST: usize = 8;
    let mut out: Vec<String> = Vec::new();
    let mut waiting: Vec<(&String, usize)> = inputs.iter().rev().map(|it| (it, 0)).collect();
    while let Some((input, depth)) = waiting.pop() {
        let Some(name) = input.strip_prefix('@') else {
            if !out.contains(input) {
                out.push(input.clone());
            }
            continue;
        };
        let mut around = ancestors(directory.as_bytes());
        let set = around.find_map(|here| sets.get(&(FilePath::from_bytes(here), name)));
        match set {
            Some(set) if depth < DEEPEST => {
                waiting.extend(set.iter().rev().map(|it| (it, depth + 1)));
            }
            _ if !out.iter().any(|it| it == "...") => out.push("...".to_owned()),
            _ => {}
        }
    }
    out
}

fn merge(
    into: &mut DraftTask,
    task: &ForeignTask,
    run: Option<Vec<String>>,
    needs: Option<Vec<String>>,
    inputs: Option<Vec<String>>,
) {
    let list = |own: &mut Option<Vec<String>>, new: &Option<Vec<String>>| {
        if new.is_some() {
            own.clone_from(new);
        }
    };
    list(&mut into.run, &run);
    list(&mut into.inputs, &inputs);
    list(&mut into.outputs, &task.outputs);
    list(&mut into.needs, &needs);
    list(
        &mut into.env,
        &Some(task.env.clone()).filter(|it| !it.is_empty()),
    );
    list(
        &mut into.pass_env,
        &Some(task.pass_env.clone()).filter(|it| !it.is_empty()),
    );
    into.cache = task.cache.or(into.cache);
}

/// Takes away what is so anyway, what cannot run, and needs of tasks that are not there.
fn tidy(tasks: &mut BTreeMap<TaskName, DraftTask>, has_preset: bool) {
    for (name, task) in tasks.iter_mut() {
        let usual = USUAL
            .iter()
            .find(|(it, _)| *it == name.as_str())
            .map(|(_, needs)| *needs);
        task.needs = task
            .needs
            .take()
            .filter(|needs| !usual.is_some_and(|it| it.iter().eq(needs)));
        task.inputs = task.inputs.take().filter(|it| it.as_slice() != ["..."]);
        if matches!(name.as_str(), "test" | "lint") {
            task.cache = task.cache.filter(|it| !it);
        }
    }
    tasks.retain(|name, task| {
        let is_given = has_preset && GIVEN.contains(&name.as_str());
        *task != DraftTask::default() && (task.run.is_some() || is_given)
    });
    let known: BTreeSet<String> = tasks.keys().map(|it| it.to_string()).collect();
    for task in tasks.values_mut() {
        if let Some(needs) = &mut task.needs {
            let is_there = |it: &String| {
                it.starts_with('^')
                    || it.contains(':')
                    || known.contains(it)
                    || has_preset && GIVEN[..2].contains(&it.as_str())
            };
            needs.retain(is_there);
        }
    }
}

fn manager(found: &Found, directory: &FilePath) -> &'static str {
    let near = ancestors(directory.as_bytes()).find_map(|here| {
        let has = |(file, _): &&(&str, &str)| {
            found
                .files
                .has(FilePath::from_bytes(here).join(file.as_bytes()).as_bytes())
        };
        MANAGERS.iter().find(has)
    });
    near.map_or("npm", |(_, name)| name)
}
