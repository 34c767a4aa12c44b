//! What is to be done: the tasks that were asked for, all that they need, and which of those still stand.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::sync::Arc;

use crate::cache::Outputs;
use crate::engine;
use crate::git::Snapshot;
use crate::git::snapshot::Files;
use crate::model::cause::Cause;
use crate::model::change::Head;
use crate::model::graph::{NodeIndex, TaskGraph};
use crate::model::handed::{CAUSES, Handed};
use crate::model::name::TaskName;
use crate::model::plan::{self, Plan, Verdict};
use crate::model::select::Selection;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::affected::add_failed;
use crate::ops::choose;
use crate::ops::compare::{Comparison, compare};
use crate::ops::failure::Failure;
use crate::ops::isolation::Isolation;
use crate::ops::owned;
use crate::ops::place::Place;
use crate::ops::tasks::Request;
use crate::ops::tasks::cache::{Cache, CacheUse};
use crate::ops::tasks::inputs::OnDisk;
use crate::ops::tasks::keys::Keys;
use crate::ops::tasks::lookup::Lookup;
use crate::ops::tasks::results::State;
use crate::ops::tasks::tools::{Early, Tools};
use crate::ops::trust;
use crate::record::WorkedOut;

/// A plan with everything that carrying it out takes.
pub struct Prepared<'p> {
    pub place: &'p Place,
    pub request: Request,
    pub comparison: Comparison<'p>,
    pub plan: Arc<Plan>,
    /// What is known of earlier results, where there is a repository to tell what tasks are made from.
    pub(in crate::ops::tasks) reuse: Option<Reuse>,
    /// The values of tasks that are skipped, by place in the plan.
    pub(in crate::ops::tasks) values: Vec<BTreeMap<String, String>>,
    pub(in crate::ops::tasks) variables: BTreeMap<OsString, OsString>,
}

/// What taking and keeping results takes.
pub struct Reuse {
    pub keys: Keys,
    pub cache: Cache,
    pub outputs: Outputs,
    /// What git tracks, to see who writes there.
    pub tracked: Files,
    /// Hears of signals until the run does.
    pub early: Option<Early>,
    pub states: Vec<State>,
}

/// Finds what is to be done.
///
/// # Errors
/// See [`compare`]; names that do not exist.
pub fn prepare<'p>(
    place: &'p Place,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Prepared<'p>, Failure> {
    prepare_in(place, None, request, tell)
}

/// Finds what is to be done in a checkout of exactly the head, unless the working tree is as good.
///
/// # Errors
/// As for [`prepare`]; a head that cannot be checked out.
pub fn prepare_isolated<'p>(
    place: &'p Place,
    isolation: &'p Isolation,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Prepared<'p>, Failure> {
    prepare_in(place, Some(isolation), request, tell)
}

fn prepare_in<'p>(
    place: &'p Place,
    isolation: Option<&'p Isolation>,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Prepared<'p>, Failure> {
    let mut comparison = compare(place, &request.compare, &request.select, tell)?;
    if request.select.asks_for_changes(&request.compare) && request.with_failed {
        add_failed(&mut comparison, &place.history());
    }
    if isolation.is_none() {
        warn_of_other_commit(place, &mut comparison)?;
    }
    let workspace = &comparison.workspace;
    let tasks = tasks(workspace, &request)?;
    let mut selection = choose::selection(workspace, &request.select, &request.compare)?;
    selection.handed = place.env.text(CAUSES).map(Handed::read).unwrap_or_default();
    check_named(workspace, &selection, &tasks)?;
    let graph = graph(workspace, &tasks);
    let (plan, is_selected) = plan(&comparison, &graph, &selection, &tasks);
    let place = match isolation {
        Some(isolation) => isolation.choose(place, &comparison, &graph, &plan, tell)?,
        None => place,
    };
    look_up(
        place,
        request,
        comparison,
        Chosen {
            graph,
            plan,
            is_selected,
        },
    )
}

/// What a run would do, before anything is known of earlier results.
pub struct Selected<'p> {
    pub comparison: Comparison<'p>,
    pub task: TaskName,
    pub plan: Plan,
    /// Of each task of the plan, whether it is selected, rather than only needed.
    pub is_selected: Vec<bool>,
}

/// Finds which tasks a run elsewhere would do: what failed in this worktree is nothing to it. Runs nothing, tools neither.
///
/// # Errors
/// See [`compare`]; names that do not exist.
pub fn select<'p>(
    place: &'p Place,
    request: &Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Selected<'p>, Failure> {
    let comparison = compare(place, &request.compare, &request.select, tell)?;
    let workspace = &comparison.workspace;
    let task = task(workspace, &request.task)?;
    let tasks = std::slice::from_ref(&task);
    let selection = choose::selection(workspace, &request.select, &request.compare)?;
    check_named(workspace, &selection, tasks)?;
    let graph = graph(workspace, tasks);
    let (plan, is_selected) = plan(&comparison, &graph, &selection, tasks);
    Ok(Selected {
        comparison,
        task,
        plan,
        is_selected,
    })
}

/// Finds what is to be done before `services` are deployed: everything that their deploys need, save other deploys.
///
/// # Errors
/// An unreadable repository or file.
pub fn prepare_needed<'p>(
    place: &'p Place,
    request: Request,
    comparison: Comparison<'p>,
    services: &[ServiceIndex],
) -> Result<Prepared<'p>, Failure> {
    let workspace = &comparison.workspace;
    let deploy = TaskName::new("deploy").expect("it is a valid name");
    let roots = services.iter().map(|it| (*it, deploy.clone()));
    let graph = TaskGraph::from_roots(workspace, roots);
    let is_deploy = |at: NodeIndex| graph.nodes()[at].is(&deploy);
    let mut wanted: BTreeMap<NodeIndex, Vec<Cause>> = BTreeMap::new();
    for at in (0..graph.nodes().len()).filter(|at| is_deploy(*at)) {
        if !services.contains(&graph.nodes()[at].service) {
            continue;
        }
        let needed = graph.needed_tasks(at).into_iter();
        for need in needed.filter(|it| !is_deploy(*it)) {
            let causes = wanted.entry(need).or_default();
            causes.extend(graph.id(workspace, at).map(Cause::NeededBy));
        }
    }
    let nothing = vec![Vec::new(); graph.nodes().len()];
    let plan = plan::make(workspace, &graph, wanted, &nothing);
    let is_selected = vec![false; plan.tasks.len()];
    look_up(
        place,
        request,
        comparison,
        Chosen {
            graph,
            plan,
            is_selected,
        },
    )
}

/// A plan whose verdicts are not decided yet.
struct Chosen {
    graph: TaskGraph,
    plan: Plan,
    /// Whether each task is selected, rather than only needed.
    is_selected: Vec<bool>,
}

/// Looks up which tasks of a plan have results that stand.
fn look_up<'p>(
    place: &'p Place,
    request: Request,
    mut comparison: Comparison<'p>,
    chosen: Chosen,
) -> Result<Prepared<'p>, Failure> {
    let Chosen {
        graph,
        mut plan,
        is_selected,
    } = chosen;
    let variables = variables(place, comparison.head);
    let mut notes = Vec::new();
    let history = place.history();
    let on_disk = on_disk(place, &mut comparison)?;
    let workspace = &comparison.workspace;
    let mut warnings = Vec::new();
    for (planned, is_selected) in plan.tasks.iter_mut().zip(&is_selected) {
        planned.expected = history.duration(&planned.id);
        if *is_selected {
            planned.arguments.clone_from(&request.arguments);
        }
    }
    let mut values = vec![BTreeMap::new(); plan.tasks.len()];
    let mut reuse = None;
    if let (Some(snapshot), Some(repo)) = (on_disk, &place.repo) {
        let outputs = place.outputs(repo);
        let asked = Tools::ask(place, workspace, &plan, &variables, request.asking)?;
        let locks = known_locks(place, request.cache);
        let disk = OnDisk {
            root: &place.root,
            repo,
            snapshot: &*snapshot,
            locks: locks.as_ref(),
        };
        let keys = Keys::read(disk, workspace, graph, &plan, asked.tools, &variables)?;
        owned::check(workspace, keys.inputs.tracked())?;
        let mut usage = request.cache;
        if let (Some(unkept), Some(why)) = (usage.unkept(), trust::foreign(place)?) {
            usage = unkept;
            let note = format!("no result of this run is kept for others: {why}");
            notes.push(note);
        }
        let (cache, problem) = Cache::open(&place.env, usage, place.identity(repo), history)?;
        let lookup = Lookup {
            workspace,
            keys: &keys,
            cache: &cache,
            outputs: &outputs,
            is_selected: &is_selected,
        };
        let known = lookup.decide(&mut plan);
        values = known.values;
        let tracked = match plan.count(Verdict::Run) {
            0 => Files::default(),
            _ => snapshot.clean_files()?,
        };
        warnings.extend(problem);
        reuse = Some(Reuse {
            keys,
            cache,
            outputs,
            tracked,
            early: asked.early,
            states: known.states,
        });
    }
    comparison.warnings.extend(warnings);
    comparison.notes.extend(notes);
    Ok(Prepared {
        plan: Arc::new(plan),
        place,
        request,
        comparison,
        reuse,
        values,
        variables,
    })
}

/// What is known of lock files. Without a cache, nothing is that was found earlier.
fn known_locks(place: &Place, cache: CacheUse) -> Option<WorkedOut> {
    let directory = place.memory("locks").filter(|_| cache != CacheUse::Off)?;
    Some(WorkedOut::open(directory))
}

/// Finishes or undoes what a killed `svc` was putting in place, before anything is looked at. Gives a line for each.
pub fn recover(place: &Place) -> Vec<String> {
    let outputs = place.repo.as_ref().map(|repo| place.outputs(repo));
    outputs.map(|it| it.recover()).unwrap_or_default()
}

/// Tasks read what is checked out, also where another commit is compared.
fn warn_of_other_commit(place: &Place, comparison: &mut Comparison<'_>) -> Result<(), Failure> {
    if let (Head::Commit(Some(head)), Some(repo)) = (comparison.head, &place.repo)
        && repo.head_commit()? != Some(head)
    {
        let head = head.short();
        let message = format!(
            "{head} is compared, but tasks run on what is checked out; --isolated runs them on {head}"
        );
        comparison.warnings.push(message);
    }
    Ok(())
}

/// The working tree: whatever is compared, tasks run on what is there.
fn on_disk<'p>(
    place: &'p Place,
    comparison: &mut Comparison<'p>,
) -> Result<Option<Box<dyn Snapshot + 'p>>, Failure> {
    let repo = place.repo.as_ref().filter(|it| it.work_tree().is_some());
    match (comparison.head, repo) {
        (Head::WorkTree(_), _) => Ok(comparison.snapshot.take()),
        (_, Some(repo)) => Ok(Some(repo.snapshot(Head::WorkTree(repo.head_commit()?)))),
        (_, None) => Ok(None),
    }
}

/// The variables that `svc` was started with, and the commit for tasks that name it.
fn variables(place: &Place, head: Head) -> BTreeMap<OsString, OsString> {
    let mut variables = place.env.variables.clone();
    let name = OsString::from(engine::COMMIT);
    match head.commit() {
        Some(commit) => variables.insert(name, commit.to_string().into()),
        None => variables.remove(&name),
    };
    variables
}

/// The tasks that are asked for.
fn tasks(workspace: &Workspace, request: &Request) -> Result<Vec<TaskName>, Failure> {
    let asked = std::iter::once(&request.task).chain(&request.also);
    asked.map(|name| task(workspace, name)).collect()
}

fn task(workspace: &Workspace, name: &str) -> Result<TaskName, Failure> {
    let task = choose::task(workspace, name)?;
    match task.as_str() {
        "deploy" => Err(Failure::Usage {
            message: "`deploy` is not a task that `svc run` can run: it needs an environment"
                .into(),
            hint: "`svc deploy --env ENV` deploys; `svc test` runs what a deploy needs".into(),
        }),
        _ => Ok(task),
    }
}

/// The tasks of every service that has them, with all that they need.
fn graph(workspace: &Workspace, tasks: &[TaskName]) -> TaskGraph {
    let of_service = |service: ServiceIndex| {
        let having = tasks.iter();
        having.filter_map(move |it| {
            let has = workspace.service(service).tasks.contains_key(it);
            has.then(|| (service, it.clone()))
        })
    };
    TaskGraph::from_roots(workspace, workspace.indices().flat_map(of_service))
}

/// Services that are named have to have the tasks.
fn check_named(
    workspace: &Workspace,
    selection: &Selection,
    tasks: &[TaskName],
) -> Result<(), Failure> {
    for ((service, named), task) in selection
        .named
        .iter()
        .flat_map(|it| tasks.iter().map(move |task| (it, task)))
    {
        let service = workspace.service(*service);
        let other = named.as_ref().filter(|named| *named != task);
        if other.is_none() && service.tasks.contains_key(task) {
            continue;
        }
        let name = &service.name;
        return Err(match other {
            None => choose::no_task(service, task.as_str()),
            Some(other) => Failure::Usage {
                message: format!("this runs `{task}`, and `{name}:{other}` names another task"),
                hint: format!("`svc run {name}:{other}` runs it"),
            },
        });
    }
    Ok(())
}

/// The selected tasks with all that they need; and of each whether it is selected, rather than only needed.
fn plan(
    comparison: &Comparison<'_>,
    graph: &TaskGraph,
    selection: &Selection,
    tasks: &[TaskName],
) -> (Plan, Vec<bool>) {
    let workspace = &comparison.workspace;
    let mut affected = comparison.changed.affected_nodes(workspace, graph);
    for (node, causes) in graph.nodes().iter().zip(&mut affected) {
        selection.narrow(workspace, node.service, causes);
    }
    let mut wanted: BTreeMap<NodeIndex, Vec<Cause>> = BTreeMap::new();
    for task in tasks {
        let having = graph.nodes().iter().enumerate();
        let having = having.filter(|(_, node)| node.is(task));
        let nodes: BTreeMap<ServiceIndex, NodeIndex> =
            having.map(|(at, node)| (node.service, at)).collect();
        let candidates = nodes
            .iter()
            .map(|(service, node)| (*service, affected[*node].clone()));
        let chosen = selection.choose(workspace, candidates).into_iter();
        wanted.extend(chosen.filter_map(|(service, causes)| Some((*nodes.get(&service)?, causes))));
    }
    let selected = wanted.keys().map(|it| &graph.nodes()[*it]);
    let selected = selected.flat_map(|node| {
        let is_it = move |task: &&TaskName| node.is(task);
        tasks.iter().filter(is_it).map(|it| (node.service, it))
    });
    let selected: HashSet<(ServiceIndex, &TaskName)> = selected.collect();
    let plan = plan::make(workspace, graph, wanted, &affected);
    let all = plan.tasks.iter();
    let is_selected = all.map(|it| selected.contains(&(it.service, &it.id.task)));
    let is_selected = is_selected.collect();
    (plan, is_selected)
}
