//! Which services a command is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::cause::Cause;
use crate::model::handed::Handed;
use crate::model::name::TaskName;
use crate::model::workspace::{ServiceIndex, Workspace};

/// The selection flags, their names resolved.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Services named on the command line, with the task where a full name was given.
    pub named: Vec<(ServiceIndex, Option<TaskName>)>,
    /// `--all`.
    pub all: bool,
    /// Whether a flag says what to compare, so that names only narrow what is affected.
    pub compares: bool,
    /// Only services with one of these tags, unless empty.
    pub tags: BTreeSet<String>,
    pub exclude: BTreeSet<ServiceIndex>,
    pub dependents: Dependents,
    pub with_dependencies: bool,
    /// Why another `svc` had services named here.
    pub handed: Handed,
}

/// Whether services that only depend on something changed are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dependents {
    #[default]
    Include,
    Leave,
}

impl Selection {
    /// Whether the selection asks what is affected, rather than taking what is named.
    pub fn asks_for_changes(&self) -> bool {
        !self.all && (self.named.is_empty() || self.compares)
    }

    /// Narrows candidates, each a service with its causes, to what the flags select; dependencies that were asked for come
    /// in addition. Candidates are those affected where changes are asked for, else every service.
    pub fn choose(
        &self,
        workspace: &Workspace,
        candidates: impl IntoIterator<Item = (ServiceIndex, Vec<Cause>)>,
    ) -> BTreeMap<ServiceIndex, Vec<Cause>> {
        let mut chosen = BTreeMap::new();
        for (service, mut causes) in candidates {
            if !self.asks_for_changes() {
                causes = vec![Cause::Requested];
            }
            self.narrow(workspace, service, &mut causes);
            if causes.is_empty() {
                continue;
            }
            if !self.asks_for_changes()
                && !self.all
                && let Some(handed) = self.handed.of(&workspace.service(service).name)
            {
                causes.clone_from(handed);
            }
            chosen.insert(service, causes);
        }
        if self.with_dependencies {
            self.add_dependencies(workspace, &mut chosen);
        }
        chosen
    }

    /// Leaves of the causes of a service those for which it is selected.
    pub fn narrow(&self, workspace: &Workspace, service: ServiceIndex, causes: &mut Vec<Cause>) {
        if !self.takes(workspace, service) {
            causes.clear();
        }
        if self.dependents == Dependents::Leave {
            causes.retain(|cause| !matches!(cause, Cause::Dependency(_) | Cause::SourcesOf(_)));
        }
    }

    fn takes(&self, workspace: &Workspace, service: ServiceIndex) -> bool {
        let tags = &workspace.service(service).tags;
        (self.named.is_empty() || self.named.iter().any(|(named, _)| *named == service))
            && (self.tags.is_empty() || !self.tags.is_disjoint(tags))
            && !self.exclude.contains(&service)
    }

    fn add_dependencies(
        &self,
        workspace: &Workspace,
        chosen: &mut BTreeMap<ServiceIndex, Vec<Cause>>,
    ) {
        let mut pending: Vec<ServiceIndex> = chosen.keys().copied().collect();
        while let Some(service) = pending.pop() {
            let cause = Cause::DependencyOf(workspace.service(service).name.clone());
            for dependency in workspace.dependencies(service) {
                if !self.exclude.contains(dependency) && !chosen.contains_key(dependency) {
                    chosen.insert(*dependency, vec![cause.clone()]);
                    pending.push(*dependency);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::workspace;

    #[test]
    fn flags_narrow_and_widen() {
        let workspace = workspace(&["a -> b", "b -> c", "c", "d"]);
        let index = |name: &str| workspace.find(name).unwrap();
        let check = |selection: &Selection, expected: &[&str]| {
            let b = (index("b"), vec![Cause::Definition]);
            let a = (
                index("a"),
                vec![Cause::Dependency(
                    workspace.service(index("b")).name.clone(),
                )],
            );
            let candidates = match selection.asks_for_changes() {
                true => vec![b, a],
                false => workspace.indices().map(|it| (it, vec![])).collect(),
            };
            let chosen = selection.choose(&workspace, candidates);
            let names: Vec<_> = chosen
                .keys()
                .map(|it| workspace.service(*it).name.as_str())
                .collect();
            assert_eq!(names, expected, "{selection:?}");
        };
        let none = Selection::default();
        check(&none, &["a", "b"]);
        check(
            &Selection {
                all: true,
                ..none.clone()
            },
            &["a", "b", "c", "d"],
        );
        let named = vec![(index("a"), None), (index("d"), None)];
        let named = Selection {
            named,
            ..none.clone()
        };
        check(&named, &["a", "d"]);
        check(
            &Selection {
                compares: true,
                ..named.clone()
            },
            &["a"],
        );
        check(
            &Selection {
                dependents: Dependents::Leave,
                ..none.clone()
            },
            &["b"],
        );
        check(
            &Selection {
                with_dependencies: true,
                ..named
            },
            &["a", "b", "c", "d"],
        );
        check(
            &Selection {
                exclude: [index("b")].into(),
                ..none.clone()
            },
            &["a"],
        );
        check(
            &Selection {
                tags: ["x".to_owned()].into(),
                ..none
            },
            &[],
        );
    }
}
