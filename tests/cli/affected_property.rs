//! Random graphs and random edits: `svc affected` agrees with a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::support::TestRepo;

/// A service: the services it depends on, all with smaller numbers.
type Graph = Vec<BTreeSet<usize>>;

/// An edit of one service's file number so-and-so.
#[derive(Clone, Debug)]
enum Edit {
    Change(usize, usize),
    Add(usize),
    Remove(usize, usize),
    Move(usize, usize, usize),
    Stranger,
}

impl Edit {
    /// The services whose files the edit touches.
    fn touched(&self) -> Vec<usize> {
        match self {
            Self::Change(service, _) | Self::Add(service) | Self::Remove(service, _) => {
                vec![*service]
            }
            Self::Move(from, _, to) => vec![*from, *to],
            Self::Stranger => vec![],
        }
    }

    fn apply(&self, repo: &TestRepo, number: usize) {
        let file = |service: &usize, file: &usize| format!("s/{service}/f{file}");
        match self {
            Self::Change(service, at) => repo.write(&file(service, at), format!("edit {number}")),
            Self::Add(service) => repo.write(&format!("s/{service}/new{number}"), "new"),
            Self::Remove(service, at) => {
                // Removing what an earlier edit removed is no edit; adding a file is one in any case.
                repo.write(&format!("s/{service}/removed{number}"), "x");
                let _ = std::fs::remove_file(repo.root().join(file(service, at)));
            }
            Self::Move(from, at, to) => {
                repo.write(&format!("s/{from}/moved{number}"), "x");
                repo.write(&format!("s/{to}/moved{number}"), format!("moved {at}"));
            }
            Self::Stranger => repo.write(&format!("docs/{number}"), "nobody's"),
        }
    }
}

fn graphs() -> impl Strategy<Value = Graph> {
    (2usize..9).prop_flat_map(|size| {
        let services =
            (0..size).map(|at| prop::collection::btree_set(0..at.max(1), 0..at.min(3) + 1));
        let graph: Vec<_> = services.collect();
        graph.prop_map(|mut graph| {
            graph[0].clear();
            graph
        })
    })
}

fn edits(size: usize) -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (0..size, 0usize..3).prop_map(|(service, file)| Edit::Change(service, file)),
        (0..size).prop_map(Edit::Add),
        (0..size, 0usize..3).prop_map(|(service, file)| Edit::Remove(service, file)),
        (0..size, 0usize..3, 0..size).prop_map(|(from, file, to)| Edit::Move(from, file, to)),
        Just(Edit::Stranger),
    ];
    prop::collection::vec(edit, 0..4)
}

fn repository(graph: &Graph) -> TestRepo {
    let repo = TestRepo::new();
    let mut toml = "version = 1\n".to_owned();
    for (service, dependencies) in graph.iter().enumerate() {
        let names: Vec<_> = dependencies.iter().map(|it| format!("\"s{it}\"")).collect();
        toml += &format!(
            "[services.s{service}]\npath = \"s/{service}\"\ndepends-on = [{}]\nbuild = \"true\"\n",
            names.join(", ")
        );
        (0..3).for_each(|file| {
            repo.write(&format!("s/{service}/f{file}"), format!("{service} {file}"))
        });
    }
    repo.write("services.toml", toml);
    repo.commit("first");
    repo
}

/// The model: whoever is touched, and again and again whoever depends on somebody affected.
fn expected(graph: &Graph, edits: &[Edit]) -> BTreeSet<String> {
    let mut affected: BTreeSet<usize> = edits.iter().flat_map(Edit::touched).collect();
    for _ in graph {
        for (service, dependencies) in graph.iter().enumerate() {
            if !dependencies.is_disjoint(&affected) {
                affected.insert(service);
            }
        }
    }
    affected.iter().map(|it| format!("s{it}")).collect()
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn random_edits_affect_what_the_model_says(
        (graph, edits) in graphs().prop_flat_map(|graph| {
            let edits = edits(graph.len());
            (Just(graph), edits)
        })
    ) {
        let repo = repository(&graph);
        for (number, edit) in edits.iter().enumerate() {
            edit.apply(&repo, number);
        }
        let expected = expected(&graph, &edits);
        let said = |arguments: &[&str]| {
            let lines: Vec<String> = repo.svc(arguments).stdout().lines().map(str::to_owned).collect();
            let places: BTreeMap<String, usize> =
                lines.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
            for (service, dependencies) in graph.iter().enumerate() {
                for dependency in dependencies {
                    let place = |it: usize| places.get(&format!("s{it}"));
                    if let (Some(before), Some(after)) = (place(*dependency), place(service)) {
                        assert!(before < after, "s{dependency} stands before s{service}: {lines:?}");
                    }
                }
            }
            lines.into_iter().collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(&said(&["affected"]), &expected, "working tree");
        repo.git(&["add", "--all"]);
        prop_assert_eq!(&said(&["affected", "--staged"]), &expected, "staged");
        repo.commit("edits");
        prop_assert_eq!(&said(&["affected", "--base-exact", "HEAD~1", "--head", "HEAD"]), &expected, "committed");
    }
}
