//! The JSON schema of what `svc hook` prints: an installation, a removal, or what is there.

use serde_json::{Value, json};

use crate::report::schema::{array, nullable, object, string};

/// One of the three.
pub fn hook() -> Value {
    let name = || json!({"enum": ["pre-commit", "pre-merge-commit", "pre-push"]});
    let manager = || nullable(json!({"enum": ["husky", "lefthook", "pre-commit"]}));
    let installed = object(json!({
        "directory": string(), "path_encoded": {"type": "boolean"}, "managed_by": manager(),
        "installed": array(name()), "chained": array(name()), "in_work_tree": {"type": "boolean"},
    }));
    let managed = object(json!({
        "managed_by": manager(), "installed": array(name()), "add": string(),
    }));
    let removed = object(json!({"removed": array(name())}));
    let asks = object(json!({
        "workspace": string(), "path_encoded": {"type": "boolean"}, "tasks": array(string()),
        "during_rebase": {"type": "boolean"},
    }));
    let status = object(json!({
        "directory": string(), "path_encoded": {"type": "boolean"}, "managed_by": manager(),
        "hooks": array(object(json!({
            "name": name(),
            "state": {"enum": ["absent", "other", "installed", "edited", "torn"]},
            "executable": {"type": "boolean"}, "chained": {"type": "boolean"}, "asks": array(asks),
        }))),
    }));
    let mut any = object(json!({}));
    any["anyOf"] = json!([installed, managed, removed, status]);
    any
}
