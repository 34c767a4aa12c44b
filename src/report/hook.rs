//! The hooks of git: what was written, what is there, and what came of one.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::model::hook::{Asked, HookName, HookStatus, Installed, Manager, Present, Status};
use crate::model::path::{display, encoded};
use crate::model::run::{Outcome, Summary};
use crate::report::words;

/// What was written.
pub fn installed_text(installed: &Installed) -> String {
    match installed {
        Installed::Done {
            directory,
            hooks,
            chained,
            is_in_work_tree,
        } => {
            let mut text = format!("{} in {}\n", asks(hooks), shown(directory));
            for name in chained {
                let name = name.as_str();
                text.push_str(&format!("  the {name} that was there is asked first\n"));
            }
            if *is_in_work_tree {
                text.push_str("  commit them, so that everybody has them\n");
            }
            text
        }
        Installed::Managed { manager, commands } => {
            let name = manager.as_str();
            format!(
                "{name} looks after the hooks here, so nothing was written. {}",
                snippet(*manager, commands)
            )
        }
    }
}

fn asks(hooks: &[HookName]) -> String {
    let names: Vec<&str> = hooks.iter().map(|it| it.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => format!("{last} asks svc now,"),
        Some((last, others)) => format!("{} and {last} ask svc now,", others.join(", ")),
        None => "no hook asks svc now,".to_owned(),
    }
}

/// What to tell another program that looks after hooks.
fn snippet(manager: Manager, commands: &[(HookName, String)]) -> String {
    let lines = commands.iter().map(|(name, command)| {
        let hook = name.as_str();
        match (manager, name) {
            (Manager::Husky, HookName::PrePush) => {
                format!("  echo '{command} -- \"$@\"' >>.husky/{hook}\n")
            }
            (Manager::Husky, _) => format!("  echo '{command}' >>.husky/{hook}\n"),
            (Manager::Lefthook, HookName::PrePush) => format!(
                "  {hook}:\n    commands:\n      svc:\n        run: {command} -- {{1}} {{2}}\n        use_stdin: true\n"
            ),
            (Manager::Lefthook, _) => {
                format!("  {hook}:\n    commands:\n      svc:\n        run: {command}\n")
            }
            (Manager::PreCommit, _) => format!(
                "  - repo: local\n    hooks:\n      - id: svc-{hook}\n        name: svc\n        entry: {command}\n        \
                 language: system\n        pass_filenames: false\n        always_run: true\n        require_serial: true\n        \
                 stages: [{hook}]\n"
            ),
        }
    });
    let lines: String = lines.collect();
    let head = match manager {
        Manager::Husky => "Let it ask svc:",
        Manager::Lefthook => "Add to lefthook.yml:",
        Manager::PreCommit => "Add to `repos` in .pre-commit-config.yaml:",
    };
    format!("{head}\n\n{lines}")
}

/// The same for machines.
pub fn installed_json(installed: &Installed) -> Value {
    match installed {
        Installed::Done {
            directory,
            hooks,
            chained,
            is_in_work_tree,
        } => {
            let (path, is_encoded) = encoded(directory.as_os_str().as_bytes());
            json!({
                "version": 1, "directory": path, "path_encoded": is_encoded, "managed_by": null,
                "installed": names(hooks), "chained": names(chained), "in_work_tree": is_in_work_tree,
            })
        }
        Installed::Managed { manager, commands } => json!({
            "version": 1, "managed_by": manager.as_str(), "installed": [],
            "add": snippet(*manager, commands),
        }),
    }
}

/// Which hooks ask no more.
pub fn removed_text(removed: &[HookName]) -> String {
    match removed {
        [] => "no hook asked svc\n".to_owned(),
        some => format!("removed: {}\n", names(some).join(", ")),
    }
}

/// The same for machines.
pub fn removed_json(removed: &[HookName]) -> Value {
    json!({ "version": 1, "removed": names(removed) })
}

fn names(hooks: &[HookName]) -> Vec<&'static str> {
    hooks.iter().map(|it| it.as_str()).collect()
}

/// What is there.
pub fn status_text(status: &Status) -> String {
    let mut text = format!("{}\n", shown(&status.directory));
    if let Some(manager) = status.manager {
        text.push_str(&format!("  {} looks after it\n", manager.as_str()));
    }
    for hook in &status.hooks {
        let name = hook.name.as_str();
        text.push_str(&format!("  {name:<17} {}\n", state(hook)));
        for asked in asked(&hook.present) {
            text.push_str(&format!("  {:<17} {}\n", "", line(asked)));
        }
    }
    text
}

fn state(hook: &HookStatus) -> String {
    let first = match hook.has_before {
        true => ", after the hook that was there before",
        false => "",
    };
    match &hook.present {
        Present::Nothing => "not there".to_owned(),
        Present::Other => "a hook that svc did not write".to_owned(),
        Present::Torn => "only a part of it; `svc hook install` mends it".to_owned(),
        _ if !hook.is_executable => "not executable, so git skips it".to_owned(),
        Present::Ours(_) => format!("asks svc{first}"),
        Present::Edited(_) => format!("asks svc{first}; changed by hand"),
    }
}

fn line(asked: &Asked) -> String {
    let place = match asked.workspace.is_root() {
        true => String::new(),
        false => format!("{}: ", asked.workspace.display()),
    };
    let rebase = match asked.during_rebase {
        true => ", during a rebase as well",
        false => "",
    };
    format!("{place}{}{rebase}", asked.tasks.join(", "))
}

fn asked(present: &Present) -> &[Asked] {
    match present {
        Present::Ours(asked) | Present::Edited(asked) => asked,
        Present::Nothing | Present::Other | Present::Torn => &[],
    }
}

/// The same for machines.
pub fn status_json(status: &Status) -> Value {
    let hooks = status.hooks.iter().map(|hook| {
        let asked = asked(&hook.present).iter().map(|it| {
            let (path, is_encoded) = encoded(it.workspace.as_bytes());
            json!({
                "workspace": path, "path_encoded": is_encoded, "tasks": it.tasks,
                "during_rebase": it.during_rebase,
            })
        });
        json!({
            "name": hook.name.as_str(),
            "state": match hook.present {
                Present::Nothing => "absent",
                Present::Other => "other",
                Present::Ours(_) => "installed",
                Present::Edited(_) => "edited",
                Present::Torn => "torn",
            },
            "executable": hook.is_executable,
            "chained": hook.has_before,
            "asks": asked.collect::<Vec<_>>(),
        })
    });
    let (path, is_encoded) = encoded(status.directory.as_os_str().as_bytes());
    json!({
        "version": 1, "directory": path, "path_encoded": is_encoded,
        "managed_by": status.manager.map(Manager::as_str),
        "hooks": hooks.collect::<Vec<_>>(),
    })
}

/// One line for a hook that has nothing against it.
pub fn judged(summary: &Summary) -> String {
    let total = summary.results.len();
    if total == 0 {
        return "svc: no service is affected\n".to_owned();
    }
    let cached = summary.count(Outcome::Cached);
    let from_cache = match cached {
        0 => String::new(),
        some => format!(", {some} of them from the cache"),
    };
    let time = words::duration(summary.duration);
    format!(
        "svc: {} fine in {time}{from_cache}\n",
        words::count(total, "task")
    )
}

fn shown(path: &Path) -> String {
    display(path.as_os_str().as_bytes())
}
