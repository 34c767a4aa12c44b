//! Circles of dependencies: the weakest one of each is left out, until none goes in a circle.

use std::collections::HashMap;

use crate::model::cycle::cycles;
use crate::model::draft::words::{DraftEdge, DraftService, Note, NoteKind};
use crate::model::name::ServiceName;

/// So many rounds, and then the rest is left out at once: nobody reads more.
const ROUNDS: usize = 100;

/// Marks what has to be left out.
pub fn leave_out(services: &mut [DraftService], notes: &mut Vec<Note>) {
    let places: HashMap<ServiceName, u32> = (0..)
        .zip(services.iter())
        .map(|(at, it)| (it.name.clone(), at))
        .collect();
    for _ in 0..ROUNDS {
        let circles = cycles(&graph(services, &places));
        if circles.is_empty() {
            return;
        }
        for circle in circles {
            break_one(services, &circle, notes);
        }
    }
    // What still goes in circles keeps only what leads to later names.
    loop {
        let circles = cycles(&graph(services, &places));
        let Some(start) = circles.first().and_then(|it| it.first()).copied() else {
            return;
        };
        let from = &mut services[start as usize];
        for edge in from.depends_on.iter_mut() {
            edge.is_left_out = true;
        }
        notes.push(Note {
            path: from.path.clone(),
            words: format!(
                "{} goes in many circles, so its dependencies are left out",
                from.name
            ),
            kind: NoteKind::Circle,
        });
    }
}

/// Leaves out what tasks need of other services, where that would close a circle: such a need is a dependency, too.
pub fn leave_out_needs(services: &mut [DraftService], notes: &mut Vec<Note>) {
    let places: HashMap<ServiceName, u32> = (0..)
        .zip(services.iter())
        .map(|(at, it)| (it.name.clone(), at))
        .collect();
    let mut graph = graph(services, &places);
    for (at, service) in (0..).zip(services.iter_mut()) {
        for (name, task) in &mut service.tasks {
            let closes = |need: &String| {
                let other = need.split_once(':').map(|it| it.0);
                let other = other.and_then(ServiceName::new);
                let Some(other) = other.and_then(|it| places.get(&it).copied()) else {
                    return false;
                };
                let closes = other != at && leads(&graph, other, at);
                if !closes && other != at {
                    graph[at as usize].push(other);
                }
                closes
            };
            let Some(needs) = &mut task.needs else {
                continue;
            };
            let (out, kept) = std::mem::take(needs).into_iter().partition(closes);
            *needs = kept;
            notes.extend(Vec::into_iter(out).map(|need: String| Note {
                path: service.path.clone(),
                words: format!(
                    "{}:{name} needs {need}, which closes a circle; left out",
                    service.name
                ),
                kind: NoteKind::Circle,
            }));
        }
    }
}

/// Whether a way leads from one to the other.
fn leads(graph: &[Vec<u32>], from: u32, to: u32) -> bool {
    let mut seen = vec![false; graph.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if !std::mem::replace(&mut seen[at as usize], true) {
            open.extend(&graph[at as usize]);
        }
    }
    false
}

fn graph(services: &[DraftService], places: &HashMap<ServiceName, u32>) -> Vec<Vec<u32>> {
    let kept = |service: &DraftService| -> Vec<u32> {
        let edges = service.depends_on.iter().filter(|it| !it.is_left_out);
        edges.filter_map(|it| places.get(&it.to).copied()).collect()
    };
    services.iter().map(kept).collect()
}

/// Leaves out the weakest of a circle.
fn break_one(services: &mut [DraftService], circle: &[u32], notes: &mut Vec<Note>) {
    let steps: Vec<(usize, usize)> = (0..circle.len())
        .filter_map(|at| {
            let from = circle[at] as usize;
            let to = &services[circle[(at + 1) % circle.len()] as usize].name;
            let edge = services[from]
                .depends_on
                .iter()
                .position(|it| it.to == *to)?;
            Some((from, edge))
        })
        .collect();
    let strength = |(from, edge): &(usize, usize)| {
        let service = &services[*from];
        let edge = &service.depends_on[*edge];
        (
            edge.tie,
            edge.evidence.len(),
            service.name.clone(),
            edge.to.clone(),
        )
    };
    let Some(weakest) = steps.iter().copied().min_by_key(strength) else {
        return;
    };
    let told = steps.iter().map(|(from, edge)| {
        let edge: &DraftEdge = &services[*from].depends_on[*edge];
        let evidence = edge.evidence.first().map(|it| match it.line {
            Some(line) => format!(" ({}:{line}: {})", it.file.display(), it.words),
            None => format!(" ({})", it.file.display()),
        });
        format!(
            "{} needs {}{}",
            services[*from].name,
            edge.to,
            evidence.unwrap_or_default()
        )
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let (from, edge) = weakest;
    let left_out = format!(
        "{} needs {}",
        services[from].name, services[from].depends_on[edge].to
    );
    notes.push(Note {
        path: services[from].path.clone(),
        words: format!("a circle: {told}; left out: {left_out}"),
        kind: NoteKind::Circle,
    });
    services[from].depends_on[edge].is_left_out = true;
}
