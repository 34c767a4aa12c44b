//! What a new version of the definition changes, by meaning: reformatting the file changes nothing.

use std::collections::{BTreeSet, HashSet};

use crate::model::name::{EnvironmentName, ServiceName, TaskName};
use crate::model::path::{FilePath, ancestors};
use crate::model::target::resolve;
use crate::model::workspace::{Service, ServiceIndex, Workspace};

/// Which definitions differ between two versions of a workspace. Places are those of the newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionChanges {
    /// Every definition, because of something that all of them share.
    pub all: bool,
    pub services: HashSet<ServiceIndex>,
    pub tasks: HashSet<(ServiceIndex, TaskName)>,
    /// The services of which dependents read other files than before.
    pub sources: HashSet<ServiceIndex>,
}

impl DefinitionChanges {
    /// Adds the changes against another older version.
    pub fn unite(&mut self, other: Self) {
        self.all |= other.all;
        self.services.extend(other.services);
        self.tasks.extend(other.tasks);
        self.sources.extend(other.sources);
    }
}

/// Compares two versions of a workspace.
pub fn compare(old: &Workspace, new: &Workspace) -> DefinitionChanges {
    let (before, after) = (old.settings(), new.settings());
    let mut changes = DefinitionChanges {
        all: before.global_inputs != after.global_inputs
            || before.ignore != after.ignore
            || before.lock_files != after.lock_files,
        ..DefinitionChanges::default()
    };
    for index in new.indices() {
        let service = new.service(index);
        let before = old.find(service.name.as_str()).map(|it| old.service(it));
        note(&mut changes, index, before, service);
        if reads(old, service.name.as_str()) != reads(new, service.name.as_str()) {
            note_whole(&mut changes, index, service);
        }
    }
    for owner in owners_of_other_files(old, new) {
        note_whole(&mut changes, owner, new.service(owner));
    }
    if before.environments != after.environments || before.targets != after.targets {
        note_deploys(&mut changes, old, new);
    }
    changes
}

/// The names of the dependencies whose sources tasks of the service `name` read.
fn reads<'w>(workspace: &'w Workspace, name: &str) -> Vec<&'w str> {
    let index = workspace.find(name).into_iter();
    let read = index.flat_map(|it| workspace.read_dependencies(it));
    read.map(|it| workspace.service(it).name.as_str()).collect()
}

/// The deploys that come out differently in an environment that both versions have, because of it or of a target.
fn note_deploys(changes: &mut DefinitionChanges, old: &Workspace, new: &Workspace) {
    let declared = new.settings().environments.keys();
    let declared = declared.filter(|it| old.settings().environments.contains_key(*it));
    let environments: Vec<_> = declared
        .cloned()
        .chain(EnvironmentName::new("local"))
        .collect();
    for index in new.indices() {
        let service = new.service(index);
        let task = service.tasks.get_key_value("deploy");
        let (Some((task, _)), Some(before)) = (task, old.find(service.name.as_str())) else {
            continue;
        };
        let differs = environments.iter().any(|environment| {
            let before = resolve(old, before, environment).map(|it| it.parts());
            before != resolve(new, index, environment).map(|it| it.parts())
        });
        if differs {
            changes.services.insert(index);
            changes.tasks.insert((index, task.clone()));
        }
    }
}

/// The services in which a service was put, or out of which one was taken: they own other files than before, though no file
/// differs.
fn owners_of_other_files(old: &Workspace, new: &Workspace) -> HashSet<ServiceIndex> {
    let paths = |workspace: &Workspace| -> HashSet<FilePath> {
        let services = workspace.services().iter();
        services.map(|it| it.path.clone()).collect()
    };
    let (before, after) = (paths(old), paths(new));
    let differing = before.symmetric_difference(&after);
    let around = differing.filter_map(|path| {
        let mut around = ancestors(path.as_bytes()).skip(1);
        around.find_map(|it| new.owner(it))
    });
    around.collect()
}

fn note_whole(changes: &mut DefinitionChanges, index: ServiceIndex, service: &Service) {
    changes.services.insert(index);
    changes.sources.insert(index);
    let tasks = service.tasks.keys().map(|task| (index, task.clone()));
    changes.tasks.extend(tasks);
}

fn note(
    changes: &mut DefinitionChanges,
    index: ServiceIndex,
    old: Option<&Service>,
    new: &Service,
) {
    let Some(old) = old.filter(|old| !differs_as_a_whole(old, new)) else {
        return note_whole(changes, index, new);
    };
    let differing = new
        .tasks
        .iter()
        .filter(|(name, task)| old.tasks.get(*name) != Some(*task));
    let differing: Vec<_> = differing.map(|(name, _)| (index, name.clone())).collect();
    if old.consumed != new.consumed {
        changes.services.insert(index);
        changes.sources.insert(index);
    }
    let is_removed = old.tasks.keys().any(|it| !new.tasks.contains_key(it));
    if is_removed || old.serve != new.serve || !differing.is_empty() {
        changes.services.insert(index);
    }
    changes.tasks.extend(differing);
}

/// Whether something differs that concerns each task: where the service lies, what it depends on, and which of its files are
/// outputs, as those are inputs of no task.
fn differs_as_a_whole(old: &Service, new: &Service) -> bool {
    let dependencies = |service: &Service| -> BTreeSet<ServiceName> {
        service.depends_on.iter().cloned().collect()
    };
    let outputs = |service: &Service| -> BTreeSet<String> {
        let outputs = service
            .tasks
            .values()
            .filter_map(|task| task.outputs.as_ref());
        outputs.flatten().map(|it| it.as_str().to_owned()).collect()
    };
    old.path != new.path || dependencies(old) != dependencies(new) || outputs(old) != outputs(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pattern::Pattern;
    use crate::model::workspace::sample::{named, service, workspace};
    use crate::model::workspace::{Consumed, Settings};

    #[test]
    fn only_what_differs_is_changed() {
        let old = workspace(&["a:build:test", "b:build -> a", "c:build"]);
        let mut b = service("b:build");
        b.tags.insert("new".into());
        let mut a = service("a:build:test");
        a.tasks.get_mut("test").unwrap().retry = 1;
        let new = Workspace::new(
            Settings::default(),
            vec![a, b, service("c:build"), service("d:build")],
        );
        let changes = compare(&old, &new);
        assert!(!changes.all);
        assert_eq!(changes.services, [0, 1, 3].map(ServiceIndex).into());
        let tasks = [(0, "test"), (1, "build"), (3, "build")];
        let tasks: HashSet<_> = tasks
            .map(|(at, task)| (ServiceIndex(at), named(task)))
            .into();
        assert_eq!(changes.tasks, tasks);
    }

    #[test]
    fn what_is_read_of_a_dependency_is_part_of_the_definition() {
        let with = |uses: &str, files: &[&str]| {
            let mut lib = service("lib");
            lib.consumed = Some(Consumed::sample("lib", files, &["rust"]));
            let mut app = service("app:lint -> lib");
            app.uses = Some(uses.into());
            Workspace::new(Settings::default(), vec![app, lib])
        };
        let old = with("rust", &["*.rs"]);
        assert_eq!(compare(&old, &with("rust", &["*.rs"])), Default::default());
        let other_files = compare(&old, &with("rust", &["*.c"]));
        assert_eq!(other_files.sources, [ServiceIndex(1)].into());
        let other_preset = compare(&old, &with("go", &["*.rs"]));
        assert_eq!(
            other_preset.tasks,
            [(ServiceIndex(0), named("lint"))].into()
        );
    }

    #[test]
    fn tags_are_no_definition_of_work() {
        let mut tagged = service("a:build");
        tagged.tags.insert("x".into());
        let new = Workspace::new(Settings::default(), vec![tagged]);
        assert_eq!(
            compare(&workspace(&["a:build"]), &new),
            DefinitionChanges::default()
        );
    }

    #[test]
    fn who_owns_other_files_is_changed() {
        let at = |line: &str, path: &str| Service {
            path: path.into(),
            ..service(line)
        };
        let of = |services: &[Service]| Workspace::new(Settings::default(), services.to_vec());
        let outer = at("outer:build", "outer");
        let other = at("other:build", "other");
        let inner = at("inner", "outer/x/inner");
        let deep = at("deep", "outer/x/inner/deep");
        let check = |old: &[Service], new: &[Service], expected: &[&str]| {
            let (old, new) = (of(old), of(new));
            let changes = compare(&old, &new);
            let mut names: Vec<_> = changes
                .services
                .iter()
                .map(|it| new.service(*it).name.as_str())
                .collect();
            names.sort_unstable();
            assert_eq!(names, expected);
        };
        let all = [outer.clone(), other.clone(), inner.clone()];
        check(&all, &all, &[]);
        check(&all, &[outer.clone(), other.clone()], &["outer"]);
        check(&[outer.clone(), other.clone()], &all, &["inner", "outer"]);
        check(
            &[outer.clone(), inner.clone(), deep],
            &[outer, inner],
            &["inner"],
        );
    }

    #[test]
    fn an_environment_changes_the_deploys_that_go_there() {
        let of = |environments: &[(&str, &str)]| {
            let environments = environments.iter().map(|(name, level)| {
                let mut environment = crate::model::deploy::Environment::default();
                environment.env.insert("LEVEL".into(), (*level).to_owned());
                (EnvironmentName::new(name).unwrap(), environment)
            });
            let settings = Settings {
                environments: environments.collect(),
                ..Settings::default()
            };
            let mut a = service("a:build:deploy");
            a.tasks.get_mut("deploy").unwrap().deploy = Some(Box::default());
            Workspace::new(settings, vec![a, service("b:build")])
        };
        let check = |old: &[(&str, &str)], new: &[(&str, &str)], differs: bool| {
            let changes = compare(&of(old), &of(new));
            let expected = differs.then(|| (ServiceIndex(0), named("deploy")));
            assert_eq!(
                changes.tasks,
                expected.into_iter().collect(),
                "{old:?} {new:?}"
            );
        };
        check(&[("prod", "x")], &[("prod", "x")], false);
        check(&[("prod", "x")], &[("prod", "y")], true);
        check(&[("prod", "x")], &[("prod", "x"), ("next", "y")], false);
    }

    #[test]
    fn a_list_of_dependencies_has_no_order() {
        let mut swapped = service("a:build -> b c");
        swapped.depends_on.reverse();
        let rest = || [service("b"), service("c")];
        let new = Workspace::new(
            Settings::default(),
            [vec![swapped], rest().to_vec()].concat(),
        );
        let old = workspace(&["a:build -> b c", "b", "c"]);
        assert_eq!(compare(&old, &new), DefinitionChanges::default());
    }

    #[test]
    fn an_output_less_is_an_input_more_for_every_task() {
        let with = |outputs: &[&str]| {
            let mut service = service("a:build:lint");
            let pattern = |it: &&str| Pattern::new(it, &"a".into()).unwrap();
            service.tasks.get_mut("build").unwrap().outputs =
                Some(outputs.iter().map(pattern).collect());
            Workspace::new(Settings::default(), vec![service])
        };
        let changes = compare(&with(&["dist", "gen"]), &with(&["dist"]));
        assert!(changes.tasks.contains(&(ServiceIndex(0), named("lint"))));
    }
}
