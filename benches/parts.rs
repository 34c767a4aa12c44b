//! How fast the parts are that need neither git nor processes: the definition, what is affected, the plan and its order.
#![allow(clippy::unwrap_used, reason = "a bench ends where it cannot be set up")]

mod support;

use std::collections::BTreeMap;
use std::io;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use support::workspace::definition;
use svc::config::{self, Source};
use svc::engine::schedule::Schedule;
use svc::model::affected::Changed;
use svc::model::cause::Cause;
use svc::model::change::{Changes, ObjectId};
use svc::model::definition::DefinitionChanges;
use svc::model::digest::Digest;
use svc::model::graph::TaskGraph;
use svc::model::key::{FORMAT, InputFile, InputFiles, Key};
use svc::model::name::{TaskId, TaskName};
use svc::model::path::FilePath;
use svc::model::pattern::Pattern;
use svc::model::plan::{self, Plan};
use svc::model::task::Slot;
use svc::model::workspace::{Service, Workspace};

const SIZES: [usize; 3] = [100, 1000, 5000];

/// A workspace that is nothing but its definition.
struct Text(String);

impl Source for Text {
    fn read(&self, _path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        Ok(Some(self.0.clone().into_bytes()))
    }

    fn glob(&self, _pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        Ok(Vec::new())
    }
}

fn parts(criterion: &mut Criterion) {
    for services in SIZES {
        let text = Text(definition(services));
        let workspace = config::load(&text).unwrap().workspace;
        let changes = edits(&workspace);
        let plan = planned(&workspace);
        let mut group = criterion.benchmark_group(format!("{services} services"));
        group.bench_function("load the definition", |bencher| {
            bencher.iter_with_large_drop(|| config::load(&text).unwrap());
        });
        group.bench_function("decide what is affected", |bencher| {
            bencher.iter(|| {
                let changed = Changed::find(&workspace, &changes, &DefinitionChanges::default());
                changed.affected_services(&workspace)
            });
        });
        group.bench_function("plan a build of everything", |bencher| {
            bencher.iter_with_large_drop(|| planned(&workspace));
        });
        group.bench_function("schedule it", |bencher| bencher.iter(|| schedule(&plan)));
        let inputs: Vec<_> = workspace.services().iter().map(inputs).collect();
        group.bench_function("digest the keys of everything", |bencher| {
            let keys = |inputs: Vec<Vec<InputFile>>| keys(&workspace, inputs);
            bencher.iter_batched(|| inputs.clone(), keys, BatchSize::LargeInput);
        });
        group.finish();
    }
}

/// An edit in every tenth service.
fn edits(workspace: &Workspace) -> Changes {
    let services = workspace.services().iter().step_by(10);
    Changes::Paths(services.map(|it| it.path.join(b"src/file")).collect())
}

fn planned(workspace: &Workspace) -> Plan {
    let build = TaskName::new("build").unwrap();
    let graph = TaskGraph::of_task(workspace, &build);
    let affected = Changed::nothing(workspace).affected_nodes(workspace, &graph);
    let wanted = (0..graph.nodes().len()).map(|node| (node, vec![Cause::Requested]));
    plan::make(workspace, &graph, wanted.collect(), &affected)
}

fn schedule(plan: &Plan) {
    let slots = vec![Slot::Free; plan.tasks.len()];
    let mut schedule = Schedule::new(plan, slots, 2, &BTreeMap::new());
    while !schedule.is_done() {
        let task = schedule.start_next().unwrap();
        schedule.passed(task);
    }
}

/// What git and the working tree tell of the 50 files of a service.
fn inputs(service: &Service) -> Vec<InputFile> {
    let file = |at: u8| InputFile {
        path: service
            .path
            .join(format!("src/part{}/file{at:03}.rs", at / 10).as_bytes()),
        mode: 0o100644,
        content: ObjectId::from_bytes(&[at; 20]).unwrap(),
        is_part: false,
        size: Some(1000),
    };
    (0..50).map(file).collect()
}

/// The digests of the keys, as far as they do not depend on each other.
fn keys(workspace: &Workspace, inputs: Vec<Vec<InputFile>>) -> Vec<Digest> {
    let build = TaskName::new("build").unwrap();
    let services = workspace.services().iter().zip(inputs);
    let key = |(service, inputs): (&Service, Vec<InputFile>)| Key {
        format: FORMAT,
        task: TaskId::new(&service.name, &build),
        path: service.path.clone(),
        commands: service.tasks[&build].run.clone(),
        arguments: Vec::new(),
        shell: service.tasks[&build].shell.to_vec(),
        outputs: Some(Vec::new()),
        strict_env: true,
        platform: "linux x86_64".into(),
        inputs: InputFiles::new(inputs),
        global_inputs: InputFiles::new(Vec::new()),
        variables: BTreeMap::new(),
        tools: BTreeMap::new(),
        needs: BTreeMap::new(),
        dependencies: BTreeMap::new(),
        sources: BTreeMap::new(),
    };
    services.map(|it| key(it).digest()).collect()
}

criterion_group!(benches, parts);
criterion_main!(benches);
