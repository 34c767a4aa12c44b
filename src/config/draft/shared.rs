//! What all services say alike of a task: written once, as its defaults.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::preset;
use crate::config::source::Source;
use crate::model::draft::{Draft, DraftService, DraftTask};
use crate::model::name::{TaskName, is_valid};

/// So many have to say it. Two lines are as good as a table.
const MANY: usize = 3;
/// The tasks that presets of the program give.
const GIVEN: [&str; 3] = ["build", "test", "lint"];

/// The defaults that follow from what the services of `draft` have in common, and the draft without it. Commands stay with
/// the services: defaults make no task.
pub fn shared(draft: &Draft, source: &dyn Source) -> (BTreeMap<TaskName, DraftTask>, Draft) {
    let mut draft = draft.clone();
    let own = own_presets(&draft, source);
    let all = draft.services.iter().flat_map(|it| it.tasks.keys());
    let names: BTreeSet<TaskName> = all.filter(|it| it.as_str() != "deploy").cloned().collect();
    let mut shared = BTreeMap::new();
    for name in names {
        let may_have = |service: &&mut DraftService| {
            let is_given = service
                .uses
                .as_ref()
                .is_some_and(|it| GIVEN.contains(&name.as_str()) || own.contains(&it.preset));
            is_given || service.tasks.contains_key(&name)
        };
        let mut members: Vec<_> = draft.services.iter_mut().filter(may_have).collect();
        // A preset that gives the task unseen would get the defaults, too.
        let tasks = members.iter_mut().map(|it| it.tasks.get_mut(&name));
        let Some(mut tasks) = tasks.collect::<Option<Vec<_>>>() else {
            continue;
        };
        let common = common(&mut tasks);
        if common != DraftTask::default() {
            shared.insert(name, common);
        }
    }
    for service in &mut draft.services {
        service
            .tasks
            .retain(|name, task| *task != DraftTask::default() || !shared.contains_key(name));
    }
    (shared, draft)
}

/// Takes what is the same in all of them.
fn common(tasks: &mut [&mut DraftTask]) -> DraftTask {
    let mut common = DraftTask::default();
    if tasks.len() < MANY {
        return common;
    }
    let is_anywhere = |list: &Vec<String>| list.iter().all(|it| !it.contains(':'));
    common.inputs = take(tasks, |it| &mut it.inputs, |_| true);
    common.outputs = take(tasks, |it| &mut it.outputs, |it| !it.is_empty());
    common.needs = take(tasks, |it| &mut it.needs, is_anywhere);
    common.env = take(tasks, |it| &mut it.env, |_| true);
    common.pass_env = take(tasks, |it| &mut it.pass_env, |_| true);
    common.cache = take(tasks, |it| &mut it.cache, |_| true);
    common
}

/// One field, if all have it, and the same.
fn take<T: Clone + PartialEq>(
    tasks: &mut [&mut DraftTask],
    field: fn(&mut DraftTask) -> &mut Option<T>,
    may: impl Fn(&T) -> bool,
) -> Option<T> {
    let first = field(tasks.first_mut()?).clone().filter(|it| may(it))?;
    let is_same = |it: &mut &mut DraftTask| field(it).as_ref() == Some(&first);
    tasks.iter_mut().all(is_same).then(|| {
        tasks.iter_mut().for_each(|it| *field(it) = None);
        first
    })
}

/// The presets that may give any task.
fn own_presets(draft: &Draft, source: &dyn Source) -> BTreeSet<String> {
    let used = draft.services.iter().filter_map(|it| it.uses.as_ref());
    let names: BTreeSet<String> = used.map(|it| it.preset.clone()).collect();
    let is_own = |name: &String| {
        let is_there = |name: &str| !matches!(source.read(&preset::own_path(name)), Ok(None));
        preset::embedded(name).is_none() || is_valid(name) && is_there(name)
    };
    names.into_iter().filter(is_own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::draft::tests::service;
    use crate::config::tests::Memory;
    use crate::model::manifest::Makes;

    fn task(outputs: &[&str], cache: Option<bool>) -> DraftTask {
        DraftTask {
            outputs: Some(outputs.iter().map(|it| (*it).to_owned()).collect()),
            cache,
            ..DraftTask::default()
        }
    }

    /// The defaults of `build` for services that use these presets and say this of it.
    fn check(services: &[(&str, Option<DraftTask>)], expected: Option<DraftTask>) {
        let services = services.iter().enumerate().map(|(at, (preset, task))| {
            let mut service = service(&format!("s{at}"), &format!("s{at}"), Makes::Either, preset);
            let build = TaskName::new("build").unwrap();
            service.tasks.extend(task.clone().map(|task| (build, task)));
            service
        });
        let draft = Draft {
            services: services.collect(),
            ..Draft::default()
        };
        let (found, _) = shared(&draft, &Memory::new("version = 1\n"));
        assert_eq!(found.into_values().next(), expected);
    }

    #[test]
    fn what_everybody_says_is_said_once() {
        let dist = || Some(task(&["dist"], None));
        let node = || ("node", dist());
        check(&[node(), node(), node()], dist());
        check(&[node(), node()], None);
        check(
            &[node(), node(), ("node", Some(task(&["lib"], None)))],
            None,
        );
        check(
            &[node(), node(), ("node", Some(task(&["dist"], Some(false))))],
            dist(),
        );
        // A preset gives that task without a word of it.
        check(&[node(), node(), node(), ("go", None)], None);
        check(&[node(), node(), node(), ("", None)], dist());
    }
}
