//! Circles in a directed graph.

/// One circle for each group of nodes that reach each other, as the path it takes: each node has an edge to the next, the
/// last one to the first. Linear in nodes and edges, and not recursive.
pub fn cycles<N: Copy + Into<u32>, E: AsRef<[N]>>(edges: &[E]) -> Vec<Vec<u32>> {
    let groups = groups(edges);
    let mut of_node = vec![u32::MAX; edges.len()];
    for (group, nodes) in groups.iter().enumerate() {
        for node in nodes {
            of_node[*node as usize] = group as u32;
        }
    }
    let mut cycles: Vec<Vec<u32>> = groups
        .iter()
        .enumerate()
        .filter_map(|(group, nodes)| {
            let start = *nodes.iter().min()?;
            let stays = |node: u32| of_node[node as usize] == group as u32;
            shortest_way_back(edges, start, stays)
        })
        .collect();
    cycles.sort();
    cycles
}

/// Groups of nodes that reach each other (Tarjan), the number of groups being that of the nodes if nothing goes in circles.
fn groups<N: Copy + Into<u32>, E: AsRef<[N]>>(edges: &[E]) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let count = edges.len();
    let mut order = vec![NEW; count];
    let mut low = vec![0; count];
    let mut is_open = vec![false; count];
    let mut open = Vec::new();
    let mut path: Vec<(u32, usize)> = Vec::new();
    let mut next = 0;
    let mut groups = Vec::new();
    for root in 0..count as u32 {
        if order[root as usize] != NEW {
            continue;
        }
        path.push((root, 0));
        while let Some((node, edge)) = path.last_mut() {
            let (here, at) = (*node as usize, *edge);
            if at == 0 && order[here] == NEW {
                order[here] = next;
                low[here] = next;
                next += 1;
                open.push(*node);
                is_open[here] = true;
            }
            if let Some(target) = edges[here].as_ref().get(at) {
                *edge += 1;
                let target: u32 = (*target).into();
                let there = target as usize;
                if order[there] == NEW {
                    path.push((target, 0));
                } else if is_open[there] {
                    low[here] = low[here].min(order[there]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent as usize] = low[*parent as usize].min(low[here]);
            }
            if low[here] == order[here] {
                let begin = open.iter().rposition(|it| *it as usize == here);
                let group = open.split_off(begin.unwrap_or(open.len()));
                for node in &group {
                    is_open[*node as usize] = false;
                }
                let mut targets = edges[here].as_ref().iter().map(|it| (*it).into());
                let circles = group.len() > 1 || targets.any(|it: u32| it as usize == here);
                if circles {
                    groups.push(group);
                }
            }
        }
    }
    groups
}

/// The shortest path from `start` back to it, through nodes that `stays` allows.
fn shortest_way_back<N: Copy + Into<u32>, E: AsRef<[N]>>(
    edges: &[E],
    start: u32,
    stays: impl Fn(u32) -> bool,
) -> Option<Vec<u32>> {
    let mut came_from = std::collections::HashMap::new();
    let mut waiting = std::collections::VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        for next in edges[node as usize].as_ref() {
            let next: u32 = (*next).into();
            if next == start {
                let back = std::iter::successors(Some(node), |it| came_from.get(it).copied());
                let mut path: Vec<u32> = back.collect();
                path.reverse();
                return Some(path);
            }
            if stays(next) && !came_from.contains_key(&next) {
                came_from.insert(next, node);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_gives_its_shortest_circle() {
        let check = |edges: &[&[u32]], expected: &[&[u32]]| {
            let edges: Vec<Vec<u32>> = edges.iter().map(|it| it.to_vec()).collect();
            assert_eq!(cycles(&edges), expected, "{edges:?}");
        };
        check(&[], &[]);
        check(&[&[1], &[2], &[]], &[]);
        check(&[&[0]], &[&[0]]);
        check(&[&[1], &[2], &[0]], &[&[0, 1, 2]]);
        check(&[&[1], &[2, 0], &[0]], &[&[0, 1]]);
        check(&[&[1], &[0], &[3], &[2, 0]], &[&[0, 1], &[2, 3]]);
        check(&[&[1, 2], &[3], &[3], &[]], &[]);
    }

    #[test]
    fn a_long_chain_is_no_matter() {
        let mut edges: Vec<Vec<u32>> = (1..200_000).map(|next| vec![next]).collect();
        edges.push(vec![]);
        assert_eq!(cycles(&edges), Vec::<Vec<u32>>::new());
        edges.pop();
        edges.push(vec![0]);
        assert_eq!(cycles(&edges)[0].len(), 200_000);
    }
}
