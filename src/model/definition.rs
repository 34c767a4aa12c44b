//! What a new version of the definition changes, by meaning: reformatting the file changes nothing.

use std::collections::HashSet;

use crate::model::name::TaskName;
use crate::model::workspace::{Service, ServiceIndex, Workspace};

/// Which definitions differ between two versions of a workspace. Places are those of the newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinitionChanges {
    /// Every definition, because of something that all of them share.
    pub all: bool,
    pub services: HashSet<ServiceIndex>,
    pub tasks: HashSet<(ServiceIndex, TaskName)>,
}

impl DefinitionChanges {
    /// Adds the changes against another older version.
    pub fn unite(&mut self, other: Self) {
        self.all |= other.all;
        self.services.extend(other.services);
        self.tasks.extend(other.tasks);
    }
}

/// Compares two versions of a workspace.
pub fn compare(old: &Workspace, new: &Workspace) -> DefinitionChanges {
    let (before, after) = (old.settings(), new.settings());
    let mut changes = DefinitionChanges {
        all: before.global_inputs != after.global_inputs || before.ignore != after.ignore,
        ..DefinitionChanges::default()
    };
    for index in new.indices() {
        let service = new.service(index);
        let before = old.find(service.name.as_str()).map(|it| old.service(it));
        note(&mut changes, index, before, service);
    }
    changes
}

fn note(
    changes: &mut DefinitionChanges,
    index: ServiceIndex,
    old: Option<&Service>,
    new: &Service,
) {
    let moved = old.is_none_or(|old| old.path != new.path || old.depends_on != new.depends_on);
    let differing = new
        .tasks
        .iter()
        .filter(|(name, task)| moved || old.and_then(|old| old.tasks.get(*name)) != Some(*task));
    let differing: Vec<_> = differing.map(|(name, _)| (index, name.clone())).collect();
    let removed = old.is_some_and(|old| old.tasks.keys().any(|it| !new.tasks.contains_key(it)));
    let served = old.is_some_and(|old| old.serve != new.serve);
    if moved || removed || served || !differing.is_empty() {
        changes.services.insert(index);
    }
    changes.tasks.extend(differing);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::Settings;
    use crate::model::workspace::sample::{named, service, workspace};

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
    fn tags_are_no_definition_of_work() {
        let mut tagged = service("a:build");
        tagged.tags.insert("x".into());
        let new = Workspace::new(Settings::default(), vec![tagged]);
        assert_eq!(
            compare(&workspace(&["a:build"]), &new),
            DefinitionChanges::default()
        );
    }
}
