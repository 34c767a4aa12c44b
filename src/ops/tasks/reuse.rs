//! Which results of earlier runs still stand, and what has to be known of a result for it to stand later.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engine::Aftermath;
use crate::model::digest::Digest;
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::tasks::inputs::TaskInputs;
use crate::ops::tasks::outputs;
use crate::record::{History, TaskRecord};

/// Gives the verdict `skip` to every task whose last result still stands, of those for which `digest` tells what they are
/// made from. Gives the values of those results, by place in the plan.
pub fn skip_what_stands<'d>(
    root: &Path,
    workspace: &Workspace,
    plan: &mut Plan,
    digest: impl Fn(usize) -> Option<&'d Digest>,
    history: &History,
) -> Vec<BTreeMap<String, String>> {
    let mut values = vec![BTreeMap::new(); plan.tasks.len()];
    for (at, values) in values.iter_mut().enumerate() {
        let Some(digest) = digest(at).filter(|_| !reads_new_outputs(workspace, plan, at)) else {
            continue;
        };
        let planned = &mut plan.tasks[at];
        if let Some(last) = standing(root, workspace, planned, digest, history) {
            values.clone_from(&last.values);
            planned.verdict = Verdict::Skip;
            planned.reason = "passed before with the same inputs".into();
        }
    }
    values
}

/// Whether a task that this one needs runs and declares outputs: what those will be is not known yet. Without outputs it
/// counts by what it is made from.
fn reads_new_outputs(workspace: &Workspace, plan: &Plan, task: usize) -> bool {
    let mut needs = plan.tasks[task].needs.iter().map(|it| &plan.tasks[*it]);
    needs.any(|it| {
        let outputs = definition(workspace, it).outputs.iter().flatten();
        it.verdict == Verdict::Run && outputs.count() > 0
    })
}

fn definition<'w>(workspace: &'w Workspace, planned: &PlannedTask) -> &'w Task {
    &workspace.service(planned.service).tasks[&planned.id.task]
}

/// The last result of a needed task, if it stands for the next one.
fn standing<'h>(
    root: &Path,
    workspace: &Workspace,
    planned: &PlannedTask,
    digest: &Digest,
    history: &'h History,
) -> Option<&'h TaskRecord> {
    let definition = definition(workspace, planned);
    let last = history.passed(&planned.id)?;
    let is_same = definition.is_reusable(&planned.id.task)
        && history
            .last(&planned.id)
            .is_some_and(|it| !it.outcome.is_bad())
        && last.inputs.as_deref() == Some(digest.as_str())
        && last.outputs == outputs_of(root, definition).map(|it| it.to_string())
        && (last.outputs.is_some() || definition.outputs.iter().flatten().next().is_none());
    is_same.then_some(last)
}

/// What the result of a task that passed was made from.
pub fn aftermath(
    root: &Path,
    workspace: &Workspace,
    plan: &Plan,
    inputs: Option<&TaskInputs>,
    task: usize,
) -> Aftermath {
    let planned = &plan.tasks[task];
    let definition = definition(workspace, planned);
    let Some(inputs) = inputs else {
        return Aftermath::default();
    };
    let changed_input = inputs.first_changed(root, workspace, planned.service, definition);
    Aftermath {
        inputs: changed_input.is_none().then(|| inputs.digest(task).clone()),
        outputs: outputs_of(root, definition),
        changed_input,
    }
}

fn outputs_of(root: &Path, definition: &Task) -> Option<Digest> {
    outputs::stamp(root, definition.outputs.as_ref()?)
}
