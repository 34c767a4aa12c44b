//! Whether tasks keep out of each other's way: outputs that meet other outputs, inputs, other services or links.
//!
//! Only what is sure is a problem here. Whether two patterns that choose meet, the files show when tasks run.

use std::collections::HashSet;

use crate::config::check::task_table;
use crate::config::overlap::{Output, Outputs, Owner, all};
use crate::config::problem::{Findings, Place};
use crate::config::service::Context;
use crate::config::source::Source;
use crate::config::task::TaskTable;
use crate::config::tree::Node;
use crate::model::input::InputRule;
use crate::model::name::TaskName;
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;
use crate::model::task::{Need, Task};
use crate::model::workspace::{Service, ServiceIndex, Workspace};

/// No task leaves files behind that are another's outputs, its own inputs or in another service, and who reads an output
/// needs the task that makes it.
pub fn check(findings: &mut Findings, context: &Context, workspace: &Workspace) {
    let outputs = Outputs::of(workspace);
    if outputs.all.is_empty() {
        return;
    }
    let mut told = Tell {
        findings,
        context,
        workspace,
    };
    for output in &outputs.all {
        let is_other = |at: usize| outputs.all[at].owner != output.owner;
        if let Some(other) = outputs.taking(output.pattern, &is_other) {
            told.overlap(&outputs.all[other], output);
        }
        told.other_service(output);
    }
    for index in workspace.indices() {
        for (name, task) in &workspace.service(index).tasks {
            let reader = Owner { index, name };
            told.inputs(&outputs, reader, task);
        }
    }
}

/// No output is reached through a symbolic link: it would be written somewhere else.
pub fn links(source: &dyn Source, context: &Context, workspace: &Workspace) -> Findings {
    let mut findings = Findings::default();
    let outputs = all(workspace);
    // What a plain path names may be a link itself, which is kept as one.
    let on_the_way = |pattern: &Pattern| match pattern.is_literal() {
        true => ancestors(pattern.literal())
            .nth(1)
            .unwrap_or_default()
            .to_vec(),
        false => pattern.literal().to_vec(),
    };
    let paths = outputs
        .iter()
        .map(|it| FilePath::from_bytes(on_the_way(it.pattern)));
    let paths: Vec<FilePath> = paths.collect();
    if paths.is_empty() {
        return findings;
    }
    let links = source.links(&paths.iter().collect::<Vec<_>>());
    let told = Tell {
        findings: &mut findings,
        context,
        workspace,
    };
    for (output, link) in outputs.iter().zip(links) {
        let Some(link) = link else { continue };
        let message = format!(
            "the output `{}` leads through the symbolic link `{}`",
            output.pattern.as_str(),
            link.display()
        );
        let place = told.place(output.owner, "outputs", output.pattern);
        told.findings
            .add(place, message)
            .hint("nothing is written through a link; name the directory that it leads to, or remove the link");
    }
    findings
}

/// Puts problems into words.
struct Tell<'f, 'c, 'd, 'w> {
    findings: &'f mut Findings,
    context: &'c Context<'d>,
    workspace: &'w Workspace,
}

impl<'w> Tell<'_, '_, '_, 'w> {
    fn overlap(&mut self, one: &Output<'w>, other: &Output<'w>) {
        let place = |it: &Output<'w>| self.place(it.owner, "outputs", it.pattern);
        let mut both = [(place(one), one), (place(other), other)];
        both.sort_by_key(|(place, _)| *place);
        let [(first_place, first), (place, second)] = both;
        let message = format!(
            "the output `{}` of `{}` overlaps the output `{}` of `{}`",
            second.pattern.as_str(),
            self.id(second.owner),
            first.pattern.as_str(),
            self.id(first.owner)
        );
        self.findings
            .add(place, message)
            .related(first_place, "the other one")
            .hint("a file can be left behind by one task only; give each task files of its own");
    }

    /// The deepest service around a file owns it, so no task of another one may leave it behind.
    fn other_service(&mut self, output: &Output<'w>) {
        let Owner { index, .. } = output.owner;
        let literal = output.pattern.literal();
        let inner = self.workspace.owner(literal).filter(|it| *it != index);
        let (inner, how) = match (inner, output.pattern.whole()) {
            (Some(inner), _) => (inner, "lies in"),
            (None, Some(directory)) => match self.workspace.below(directory).next() {
                Some(inner) => (inner, "holds"),
                None => return,
            },
            (None, None) => {
                let mut below = self.workspace.below(literal);
                let is_reached = |it: &ServiceIndex| {
                    if *it == index {
                        return false;
                    }
                    let path = &self.workspace.service(*it).path;
                    output.pattern.may_reach(path.as_bytes())
                };
                match below.find(is_reached) {
                    Some(inner) => (inner, "may reach into"),
                    None => return,
                }
            }
        };
        let inner = &self.workspace.service(inner).name;
        let message = format!(
            "the output `{}` of `{}` {how} the service `{inner}`",
            output.pattern.as_str(),
            self.id(output.owner)
        );
        let place = self.place(output.owner, "outputs", output.pattern);
        self.findings.add(place, message).hint(format!(
            "the files of `{inner}` are its own; let a task of `{inner}` leave them behind"
        ));
    }

    fn inputs(&mut self, outputs: &Outputs<'w>, reader: Owner<'w>, task: &'w Task) {
        let rules = task.inputs.rules();
        for (at, rule) in rules.iter().enumerate() {
            let InputRule::Take(input) = rule else {
                continue;
            };
            if outputs.is_free(input) {
                continue;
            }
            let stays = |output: &Output<'w>| !may_leave(&rules[at + 1..], input, output.pattern);
            let is_own = |at: usize| outputs.all[at].owner == reader && stays(&outputs.all[at]);
            if let Some(own) = outputs.overlapping(input, &is_own) {
                self.own_input(reader, input, outputs.all[own].pattern);
            }
            let is_missing = |at: usize| {
                let output = &outputs.all[at];
                output.owner != reader && stays(output) && !self.needs(reader, task, output.owner)
            };
            if let Some(other) = outputs.overlapping(input, &is_missing) {
                self.unneeded_input(reader, input, &outputs.all[other]);
            }
        }
    }

    fn own_input(&mut self, reader: Owner<'w>, input: &Pattern, output: &Pattern) {
        let message = format!(
            "the input `{}` of `{}` overlaps its own output `{}`",
            input.as_str(),
            self.id(reader),
            output.as_str()
        );
        let place = self.place(reader, "inputs", input);
        let related = self.place(reader, "outputs", output);
        self.findings
            .add(place, message)
            .related(related, "the output")
            .hint(format!(
                "a task that reads what it leaves behind is never done; leave it out of `inputs`, with `\"!/{}\"`",
                output.as_str()
            ));
    }

    fn unneeded_input(&mut self, reader: Owner<'w>, input: &Pattern, output: &Output<'w>) {
        let message = format!(
            "the input `{}` of `{}` is an output of `{}`, which it does not need",
            input.as_str(),
            self.id(reader),
            self.id(output.owner)
        );
        let need = match output.owner.index == reader.index {
            true => output.owner.name.to_string(),
            false => self.id(output.owner),
        };
        let hint = format!(
            "add `\"{need}\"` to the `needs` of `{}`, so that the file is there before",
            self.id(reader)
        );
        let place = self.place(reader, "inputs", input);
        let related = self.place(output.owner, "outputs", output.pattern);
        self.findings
            .add(place, message)
            .related(related, "the output")
            .hint(hint);
    }

    /// Whether `task` needs `wanted` itself. A service that lacks the task is passed through, as in a plan.
    fn needs(&self, reader: Owner<'w>, task: &Task, wanted: Owner<'w>) -> bool {
        let of = |services: &[ServiceIndex], name: &TaskName| {
            name == wanted.name && self.reaches(services, name, wanted.index)
        };
        task.needs.iter().any(|need| match need {
            Need::Own(name) => of(&[reader.index], name),
            Need::OfDependencies(name) => of(self.workspace.dependencies(reader.index), name),
            Need::Of(service, name) => {
                let service = self.workspace.find(service.as_str());
                service.is_some_and(|it| of(&[it], name))
            }
        })
    }

    fn reaches(&self, start: &[ServiceIndex], name: &TaskName, wanted: ServiceIndex) -> bool {
        let mut next = start.to_vec();
        let mut seen = HashSet::new();
        while let Some(index) = next.pop() {
            if index == wanted {
                return true;
            }
            let lacks_it = !self.workspace.service(index).tasks.contains_key(name);
            if seen.insert(index) && lacks_it {
                next.extend(self.workspace.dependencies(index));
            }
        }
        false
    }

    fn id(&self, owner: Owner<'w>) -> String {
        let service = self.workspace.service(owner.index);
        format!("{}:{}", service.name, owner.name)
    }

    /// Where a pattern is written: in the service's own table, in the defaults or in a preset.
    fn place(&self, owner: Owner<'w>, key: &str, pattern: &Pattern) -> Place {
        let service = self.workspace.service(owner.index);
        let Some(head) = self.context.find(service.name.as_str()) else {
            return self.context.heads[0].key.place;
        };
        let name = owner.name.as_str();
        let table = task_table(head, name);
        let own = table.and_then(|(_, task)| Some(task.table()?.find(key)?.1));
        let find = |tasks: &[(&str, TaskTable)]| {
            let (_, task) = tasks.iter().find(|(it, _)| *it == name)?;
            let list = match key {
                "inputs" => task.inputs,
                _ => task.outputs,
            };
            let mut texts = list?.iter();
            let found = texts.find(|it| is_written(it.value, service, pattern));
            found.map(|it| it.place)
        };
        own.and_then(|list| item(list, service, pattern))
            .or_else(|| find(&self.context.defaults))
            .or_else(|| find(&self.context.preset_of(head)?.tasks))
            .or(table.map(|(place, _)| place))
            .unwrap_or(head.key.place)
    }
}

fn item(list: Node, service: &Service, pattern: &Pattern) -> Option<Place> {
    let is_it = |item: &Node| {
        item.text()
            .is_some_and(|it| is_written(it, service, pattern))
    };
    let found = list.items()?.find(is_it);
    found.map(|item| item.place())
}

fn is_written(text: &str, service: &Service, pattern: &Pattern) -> bool {
    Pattern::new(text, &service.path).is_ok_and(|it| it == *pattern)
}

/// Whether one of the rules that follow an input may take those files out again that it has in common with an output.
fn may_leave(rules: &[InputRule], input: &Pattern, output: &Pattern) -> bool {
    // What they have in common lies below both.
    let literal = match input.literal().len() > output.literal().len() {
        true => input.literal(),
        false => output.literal(),
    };
    rules.iter().any(|rule| match rule {
        InputRule::Leave(pattern) => {
            is_within(literal, pattern.literal()) || is_within(pattern.literal(), literal)
        }
        InputRule::Own | InputRule::Take(_) | InputRule::PartOfOwn { .. } => false,
    })
}
