//! In which order services are deployed, and what has to run before.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::graph::TaskGraph;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::environment::{Staged, deploy};

/// The order of deploys in an environment.
pub struct Order {
    /// Every service that can be deployed there, each after those that it is deployed after.
    pub services: Vec<ServiceIndex>,
    /// The services whose deploys come directly before.
    pub before: BTreeMap<ServiceIndex, Vec<ServiceIndex>>,
}

impl Order {
    /// The order of all services that can be deployed.
    pub fn new(staged: &Staged) -> Self {
        let graph = TaskGraph::of_task(&staged.workspace, &deploy());
        let nodes = graph.nodes();
        let deploy = deploy();
        let is_deploy = |at: &usize| nodes[*at].is(&deploy);
        let deploys: Vec<usize> = (0..nodes.len()).filter(is_deploy).collect();
        let before = deploys.iter().map(|at| {
            let needed = graph.needed_tasks(*at).into_iter().filter(is_deploy);
            let needed = needed.map(|it| nodes[it].service).collect();
            (nodes[*at].service, needed)
        });
        Self {
            before: before.collect(),
            services: deploys.iter().map(|at| nodes[*at].service).collect(),
        }
    }

    /// For each of `chosen`, in order, the places of those that come before it, seen through services that are not chosen.
    pub fn among(&self, chosen: &[ServiceIndex]) -> Vec<Vec<usize>> {
        let places: BTreeMap<ServiceIndex, usize> = chosen
            .iter()
            .enumerate()
            .map(|(at, it)| (*it, at))
            .collect();
        let mut seen: BTreeMap<ServiceIndex, BTreeSet<usize>> = BTreeMap::new();
        for service in &self.services {
            let mut found = BTreeSet::new();
            for before in &self.before[service] {
                match places.get(before) {
                    Some(place) => drop(found.insert(*place)),
                    None => found.extend(&seen[before]),
                }
            }
            seen.insert(*service, found);
        }
        let of = |it: &ServiceIndex| seen[it].iter().copied().collect();
        chosen.iter().map(of).collect()
    }
}
