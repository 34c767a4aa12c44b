//! What one table says of a task. Several of them, laid over each other, make a task: see [`crate::config::merge`].

use std::time::Duration;

use crate::config::deploy::{self, DeployTable};
use crate::config::keys::TableKind;
use crate::config::problem::{Findings, Place};
use crate::config::read::{self, At, Texts};
use crate::config::tree::{Key, Node, TableNode};

/// The fields of a task that one table sets.
#[derive(Clone, Debug)]
pub struct TaskTable<'d> {
    /// Where the task's key stands.
    pub place: Place,
    /// Whether everything in the table could be read.
    pub is_sound: bool,
    pub run: Option<Texts<'d>>,
    pub shell: Option<Texts<'d>>,
    pub inputs: Option<Texts<'d>>,
    pub outputs: Option<Texts<'d>>,
    pub needs: Option<Texts<'d>>,
    pub env: Option<Texts<'d>>,
    pub pass_env: Option<Texts<'d>>,
    pub secrets: Option<Texts<'d>>,
    pub tools: Option<Texts<'d>>,
    pub timeout: Option<Duration>,
    pub retry: Option<u32>,
    pub pool: Option<At<&'d str>>,
    pub exclusive: Option<At<bool>>,
    pub grace: Option<Duration>,
    pub cache: Option<bool>,
    pub strict_env: Option<bool>,
    pub deploy: Option<Box<DeployTable<'d>>>,
}

/// Tasks by name, in file order.
pub type TaskTables<'d> = Vec<(&'d str, TaskTable<'d>)>;

/// Tasks that are keys of the service itself, not of its `tasks`.
pub const OWN_KEYS: [&str; 3] = ["build", "test", "deploy"];

impl TaskTable<'_> {
    /// A task of which nothing can be said.
    pub fn broken(place: Place) -> Self {
        Self {
            is_sound: false,
            ..Self::new(place)
        }
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            is_sound: true,
            run: None,
            shell: None,
            inputs: None,
            outputs: None,
            needs: None,
            env: None,
            pass_env: None,
            secrets: None,
            tools: None,
            timeout: None,
            retry: None,
            pool: None,
            exclusive: None,
            grace: None,
            cache: None,
            strict_env: None,
            deploy: None,
        }
    }
}

/// A task: its command alone, or a table.
pub fn read<'d>(findings: &mut Findings, key: Key<'d>, node: Node<'d>) -> Option<TaskTable<'d>> {
    let mut task = TaskTable::new(key.place);
    let before = findings.0.len();
    match node.table() {
        Some(table) => fill(findings, key.text, table, &mut task),
        None if node.text().is_some() || node.items().is_some() => {
            task.run = Some(read::commands(findings, key.text, node)?);
        }
        None => {
            read::wrong_type(findings, key.text, node, "a command or a table");
            return None;
        }
    }
    task.is_sound = findings.0.len() == before;
    Some(task)
}

/// The tables of `tasks`. Those of a service or preset, whose keys begin with `owner`, may not repeat its own keys.
pub fn read_all<'d>(
    findings: &mut Findings,
    table: TableNode<'d>,
    owner: &str,
    tasks: &mut TaskTables<'d>,
) {
    for (key, node) in table.iter() {
        let is_own_key = OWN_KEYS.contains(&key.text);
        if is_own_key {
            findings
                .add(
                    key.place,
                    format!("the task `{}` has a key of its own", key.text),
                )
                .hint(format!(
                    "write it as `[{owner}{}]`, without `tasks`",
                    key.text
                ));
            continue;
        }
        if read::name(findings, "a task", key)
            && let Some(task) = read(findings, key, node)
        {
            tasks.push((key.text, task));
        }
    }
}

/// The defaults of `[tasks]`: tables only, since they create no task.
pub fn read_defaults<'d>(findings: &mut Findings, table: TableNode<'d>) -> TaskTables<'d> {
    let mut tasks = Vec::new();
    for (key, node) in table.iter() {
        if read::name(findings, "a task", key)
            && let Some(task) = read(findings, key, node)
        {
            tasks.push((key.text, task));
        }
    }
    tasks
}

fn fill<'d>(findings: &mut Findings, name: &str, table: TableNode<'d>, task: &mut TaskTable<'d>) {
    let is_deploy = name == "deploy";
    let kind = if is_deploy {
        TableKind::Deploy
    } else {
        TableKind::Task
    };
    let mut deploy = DeployTable::default();
    for (key, node) in table.iter() {
        let f = &mut *findings;
        match key.text {
            "outputs" | "cache" if is_deploy => {
                f.add(
                    key.place,
                    format!("`{}` cannot be set for a deploy", key.text),
                )
                .hint("a deploy always runs; remove the key");
            }
            "run" => task.run = read::commands(f, key.text, node),
            "shell" => task.shell = shell(f, key.text, node),
            "inputs" => task.inputs = read::texts(f, key.text, node),
            "outputs" => task.outputs = read::texts(f, key.text, node),
            "needs" => task.needs = read::texts(f, key.text, node),
            "env" if is_deploy && node.table().is_some() => {
                deploy::read_overrides(f, node, &mut deploy);
            }
            "env" => task.env = environment(f, is_deploy, node),
            "pass-env" => task.pass_env = read::variables(f, key.text, node),
            "secrets" => task.secrets = read::variables(f, key.text, node),
            "tools" => task.tools = read::texts(f, key.text, node),
            "timeout" => task.timeout = read::duration(f, key.text, node),
            "retry" => task.retry = read::number(f, TableKind::Task, key.text, node),
            "pool" => task.pool = read::text_at(f, key.text, node),
            "exclusive" => {
                let place = key.place;
                task.exclusive = read::boolean(f, key.text, node).map(|value| At { value, place });
            }
            "grace" => task.grace = read::duration(f, key.text, node),
            "cache" => task.cache = read::boolean(f, key.text, node),
            "strict-env" => task.strict_env = read::boolean(f, key.text, node),
            _ if is_deploy => deploy::read_key(f, kind, key, node, &mut deploy),
            _ => read::unknown_key(f, kind, key),
        }
    }
    if let (Some(pool), Some(At { value: true, place })) = (&task.pool, &task.exclusive) {
        findings
            .add(*place, "`exclusive` and `pool` cannot be set together")
            .related(pool.place, "the pool")
            .hint("an exclusive task runs alone, so it needs no pool; remove one of them");
    }
    if is_deploy {
        task.deploy = Some(Box::new(deploy));
    }
}

fn shell<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<Texts<'d>> {
    let list = read::texts(findings, key, node)?;
    if list.iter().next().is_none() {
        findings
            .add(node.place(), "`shell` is empty")
            .hint("write the program and its arguments, such as `[\"bash\", \"-euc\"]`");
        return None;
    }
    Some(list)
}

fn environment<'d>(findings: &mut Findings, is_deploy: bool, node: Node<'d>) -> Option<Texts<'d>> {
    if node.table().is_some() {
        findings
            .add(node.place(), "`env` must be a list of names of variables")
            .label("this is a table")
            .hint("values are set where `svc` is started, or within the command");
        return None;
    }
    if is_deploy && node.items().is_none() {
        read::wrong_type(
            findings,
            "env",
            node,
            "tables by environment, or a list of variables",
        );
        return None;
    }
    read::variables(findings, "env", node)
}
