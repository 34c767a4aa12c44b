//! The answer of `svc graph`: who depends on whom, as a tree, for Graphviz, for Mermaid and for machines.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::model::path::FilePath;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::report::affected::path_fields;
use crate::report::paint::Paint;

/// Nodes and what each needs. There are no circles: a workspace and a plan have none.
#[derive(Clone, Debug, Default)]
pub struct GraphView {
    pub nodes: Vec<Node>,
    /// For each node, the places of those that it needs.
    pub needs: Vec<Vec<usize>>,
}

/// A service or a task.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: String,
    /// Only services have one.
    pub path: Option<FilePath>,
    /// Whether it stands out: affected, or to be run.
    pub is_marked: bool,
}

impl GraphView {
    /// The chosen services, and the dependencies among them.
    pub fn of_services(workspace: &Workspace, chosen: &[ServiceIndex]) -> Self {
        let places = chosen.iter().enumerate().map(|(at, index)| (*index, at));
        let places: HashMap<ServiceIndex, usize> = places.collect();
        let node = |index: &ServiceIndex| {
            let service = workspace.service(*index);
            Node {
                name: service.name.to_string(),
                path: Some(service.path.clone()),
                is_marked: false,
            }
        };
        let needs = |index: &ServiceIndex| {
            let dependencies = workspace.dependencies(*index).iter();
            dependencies
                .filter_map(|it| places.get(it).copied())
                .collect()
        };
        Self {
            nodes: chosen.iter().map(node).collect(),
            needs: chosen.iter().map(needs).collect(),
        }
    }

    /// Makes the nodes stand out whose names `is_marked` says so of.
    pub fn mark(&mut self, is_marked: impl Fn(&str) -> bool) {
        for node in &mut self.nodes {
            node.is_marked = is_marked(&node.name);
        }
    }

    /// Those that nobody needs.
    fn roots(&self) -> Vec<usize> {
        let mut is_needed = vec![false; self.nodes.len()];
        self.needs
            .iter()
            .flatten()
            .for_each(|it| is_needed[*it] = true);
        (0..self.nodes.len()).filter(|at| !is_needed[*at]).collect()
    }

    fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        let needs = self.needs.iter().enumerate();
        needs.flat_map(|(from, needs)| needs.iter().map(move |to| (from, *to)))
    }
}

/// A tree from those that nobody needs down to what they need. What was shown with all below it is shown by name the next
/// time, with `(*)`.
pub fn tree(graph: &GraphView, paint: Paint) -> String {
    let (tee, elbow, pipe, gap) = match paint.unicode {
        true => ("├── ", "└── ", "│   ", "    "),
        false => ("|-- ", "`-- ", "|   ", "    "),
    };
    let mut text = String::new();
    let mut is_shown = vec![false; graph.nodes.len()];
    for root in graph.roots() {
        let mut prefix = String::new();
        // What is still to be shown: a node, how deep it is, and whether it is the last of its siblings.
        let mut open = vec![(root, 0, true)];
        let mut bars: Vec<&str> = Vec::new();
        while let Some((at, depth, is_last)) = open.pop() {
            bars.truncate(depth_of_bars(depth));
            prefix.truncate(bars.iter().map(|bar| bar.len()).sum());
            let branch = match (depth, is_last) {
                (0, _) => "",
                (_, true) => elbow,
                (_, false) => tee,
            };
            let node = &graph.nodes[at];
            let name = match node.is_marked {
                true => paint.notable(&node.name),
                false => node.name.clone(),
            };
            let needs = &graph.needs[at];
            let again = is_shown[at] && !needs.is_empty();
            let mark = if again {
                paint.faint(" (*)")
            } else {
                String::new()
            };
            text.push_str(&format!(
                "{}{name}{mark}\n",
                paint.faint(format!("{prefix}{branch}"))
            ));
            if again {
                continue;
            }
            is_shown[at] = true;
            if depth > 0 {
                let bar = if is_last { gap } else { pipe };
                bars.push(bar);
                prefix.push_str(bar);
            }
            let needs = needs.iter().enumerate().rev();
            let last = graph.needs[at].len().saturating_sub(1);
            open.extend(needs.map(|(place, it)| (*it, depth + 1, place == last)));
        }
    }
    text
}

/// For Graphviz.
pub fn dot(graph: &GraphView) -> String {
    let mut text = String::from("digraph svc {\n  rankdir = LR;\n  node [shape = box];\n");
    for node in &graph.nodes {
        let style = if node.is_marked {
            " [style = filled]"
        } else {
            ""
        };
        text.push_str(&format!("  {}{style};\n", quoted(&node.name)));
    }
    for (from, to) in graph.edges() {
        let (from, to) = (
            quoted(&graph.nodes[from].name),
            quoted(&graph.nodes[to].name),
        );
        text.push_str(&format!("  {from} -> {to};\n"));
    }
    text + "}\n"
}

/// For Mermaid. Nodes have ids of their own, since names such as `end` mean something to it.
pub fn mermaid(graph: &GraphView) -> String {
    let mut text = String::from("graph LR\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let class = if node.is_marked { ":::marked" } else { "" };
        let name = node.name.replace('&', "&amp;").replace('"', "&quot;");
        text.push_str(&format!("  n{at}[\"{name}\"]{class}\n"));
    }
    for (from, to) in graph.edges() {
        text.push_str(&format!("  n{from} --> n{to}\n"));
    }
    if graph.nodes.iter().any(|it| it.is_marked) {
        text.push_str("  classDef marked stroke-width:3px\n");
    }
    text
}

/// For machines.
pub fn graph_json(graph: &GraphView) -> Value {
    let nodes = graph.nodes.iter().map(|node| {
        let mut fields = Map::from_iter([("name".to_owned(), json!(node.name))]);
        if let Some(path) = &node.path {
            fields.extend(path_fields(path));
        }
        if node.is_marked {
            fields.insert("marked".to_owned(), json!(true));
        }
        fields
    });
    let edges = graph
        .edges()
        .map(|(from, to)| json!({"from": graph.nodes[from].name, "to": graph.nodes[to].name}));
    let (nodes, edges): (Vec<_>, Vec<_>) = (nodes.collect(), edges.collect());
    json!({"version": 1, "nodes": nodes, "edges": edges})
}

/// How many bars stand before a node: one for each node above it but the root.
fn depth_of_bars(depth: usize) -> usize {
    depth.saturating_sub(1)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::report::list::samples::{all, workspace};
    use crate::report::schema::tests::validate;

    const PLAIN: Paint = Paint {
        colour: false,
        unicode: true,
    };

    fn sample() -> GraphView {
        let workspace = workspace(&[
            "gateway -> orders catalog",
            "orders -> money common",
            "catalog -> common money",
            "money -> common",
            "common",
            "docs",
        ]);
        GraphView::of_services(&workspace, &all(&workspace))
    }

    #[test]
    fn a_tree_shows_what_is_shared_once() {
        insta::assert_snapshot!(tree(&sample(), PLAIN), @r"
        docs
        gateway
        ├── catalog
        │   ├── common
        │   └── money
        │       └── common
        └── orders
            ├── common
            └── money (*)
        ");
        insta::assert_snapshot!(tree(&sample(), Paint::default()), @r"
        docs
        gateway
        |-- catalog
        |   |-- common
        |   `-- money
        |       `-- common
        `-- orders
            |-- common
            `-- money (*)
        ");
    }

    #[test]
    fn other_tools_get_their_own_format() {
        let mut graph = sample();
        graph.mark(|name| name == "money");
        insta::assert_snapshot!(dot(&graph), @r#"
        digraph svc {
          rankdir = LR;
          node [shape = box];
          "catalog";
          "common";
          "docs";
          "gateway";
          "money" [style = filled];
          "orders";
          "catalog" -> "common";
          "catalog" -> "money";
          "gateway" -> "catalog";
          "gateway" -> "orders";
          "money" -> "common";
          "orders" -> "common";
          "orders" -> "money";
        }
        "#);
        insta::assert_snapshot!(mermaid(&graph), @r#"
        graph LR
          n0["catalog"]
          n1["common"]
          n2["docs"]
          n3["gateway"]
          n4["money"]:::marked
          n5["orders"]
          n0 --> n1
          n0 --> n4
          n3 --> n0
          n3 --> n5
          n4 --> n1
          n5 --> n1
          n5 --> n4
          classDef marked stroke-width:3px
        "#);
        validate("graph", &graph_json(&graph));
        insta::assert_snapshot!(graph_json(&graph), @r#"{"version":1,"nodes":[{"name":"catalog","path":"services/catalog"},{"name":"common","path":"services/common"},{"name":"docs","path":"services/docs"},{"name":"gateway","path":"services/gateway"},{"name":"money","path":"services/money","marked":true},{"name":"orders","path":"services/orders"}],"edges":[{"from":"catalog","to":"common"},{"from":"catalog","to":"money"},{"from":"gateway","to":"catalog"},{"from":"gateway","to":"orders"},{"from":"money","to":"common"},{"from":"orders","to":"common"},{"from":"orders","to":"money"}]}"#);
    }

    #[test]
    fn names_are_escaped_for_each_format() {
        let graph = GraphView {
            nodes: vec![Node {
                name: "a\"\\&".to_owned(),
                path: None,
                is_marked: false,
            }],
            needs: vec![vec![]],
        };
        assert!(dot(&graph).contains(r#""a\"\\&""#));
        assert!(mermaid(&graph).contains("a&quot;\\&amp;"));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "this is about time")]
    fn thousands_of_services_with_shared_dependencies_are_shown_in_no_time() {
        let lines: Vec<String> = (0..5000)
            .map(|at: usize| {
                let below = at.saturating_sub(at % 200).max(at.saturating_sub(10))..at;
                let needs: String = below.map(|it| format!(" s{it}")).collect();
                format!("s{at} ->{needs}")
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let workspace = workspace(&lines);
        let start = Instant::now();
        let graph = GraphView::of_services(&workspace, &all(&workspace));
        assert!(tree(&graph, PLAIN).lines().count() < 60_000);
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    }
}
