//! What machines get, as JSON schemas: one for each document. Additions are allowed at any time; a change of what is
//! there raises `version`.

use serde_json::{Value, json};

use crate::report::deploy_schema;
use crate::report::hook_schema::hook;

/// The documents that have a schema.
pub const DOCUMENTS: [&str; 22] = [
    "init",
    "new",
    "doctor",
    "affected",
    "ci-matrix",
    "ci-init",
    "list",
    "plan",
    "run",
    "graph",
    "why",
    "log",
    "cache",
    "event",
    "status",
    "deploy-plan",
    "deploy-end",
    "moves",
    "history",
    "changes",
    "lock",
    "hook",
];

/// Documents whose form is another's: they have a schema and no version of ours.
pub const FOREIGN: [&str; 1] = ["code-quality"];

/// The schema of one document of [`DOCUMENTS`] or [`FOREIGN`].
pub fn output_schema(document: &str) -> Option<Value> {
    if document == "code-quality" {
        return Some(code_quality());
    }
    let body = match document {
        "init" => init(),
        "new" => new(),
        "doctor" => doctor(),
        "affected" => affected(),
        "ci-matrix" => ci_matrix(),
        "ci-init" => ci_init(),
        "list" => list(),
        "plan" => object(json!({"tasks": array(reference("planned"))})),
        "run" => run(),
        "graph" => graph(),
        "why" => why(),
        "log" => log(),
        "cache" => cache(),
        "event" => event(),
        "status" => deploy_schema::status(),
        "deploy-plan" => deploy_schema::deploy_plan(),
        "deploy-end" => deploy_schema::deploy_end(),
        "moves" => deploy_schema::moves(),
        "history" => deploy_schema::history(),
        "changes" => deploy_schema::changes(),
        "lock" => deploy_schema::lock(),
        "hook" => hook(),
        _ => return None,
    };
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("svc {document}, version 1"),
    });
    let mut definitions = definitions();
    extend(&mut definitions, deploy_schema::definitions());
    extend(&mut schema, versioned(body));
    extend(&mut schema, json!({"$defs": definitions}));
    Some(schema)
}

/// A Code Quality report, as far as GitLab reads it.
fn code_quality() -> Value {
    let issue = object(json!({
        "description": string(), "check_name": string(),
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "severity": {"enum": ["info", "minor", "major"]},
        "location": object(json!({"path": string(), "lines": object(json!({"begin": number()}))})),
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "svc code-quality",
        "type": "array",
        "items": issue,
    })
}

fn extend(object: &mut Value, part: Value) {
    if let (Some(object), Value::Object(part)) = (object.as_object_mut(), part) {
        object.extend(part);
    }
}

fn definitions() -> Value {
    json!({
        "oid": {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"},
        "base": object(json!({"commit": nullable(reference("oid")), "rule": string()})),
        "path": {
            "type": "string",
            "description": "relative to the workspace; with `path_encoded` beside it, bytes that are not UTF-8 and `%` are percent-encoded"
        },
        "cause": {
            "type": "object",
            "required": ["kind"],
            "properties": {
                "kind": {"enum": ["changed", "global", "definition", "dependency", "everything", "requested",
                                  "needed-by", "failed-before"]},
                "path": reference("path"),
                "path_encoded": {"const": true},
                "part": array(string()),
                "service": string(),
                "reads": {"const": "sources"},
                "task": string(),
            }
        },
        "planned": object(json!({
            "id": string(), "service": string(), "task": string(), "needs": array(string()),
            "verdict": {"enum": ["run", "cached", "skip"]}, "reason": string(),
            "key": nullable(string()), "causes": array(reference("cause")),
        })),
        "outcome": {"enum": ["passed", "failed", "cached", "skipped", "interrupted", "timed-out"]},
        "result": object(json!({
            "outcome": reference("outcome"), "outcome_reason": string(),
            "exit_code": nullable(json!({"type": "integer"})), "duration_ms": number(), "attempts": number(),
            "log": nullable(string()), "hints": array(string()),
            "values": {"type": "object", "additionalProperties": string()},
            "missed": nullable(string()), "saved_ms": number(),
        })),
        "summary": object(json!({
            "tasks": number(), "passed": number(), "failed": number(), "timed_out": number(), "cached": number(),
            "skipped": number(), "up_to_date": number(), "interrupted": number(),
            "was_interrupted": {"type": "boolean"}, "duration_ms": number(), "saved_ms": number(),
            "critical_path": array(string()),
        })),
    })
}

fn init() -> Value {
    let evidence = || {
        array(object(json!({
            "file": reference("path"), "line": nullable(number()), "words": string(),
        })))
    };
    let concluded = || array(object(json!({"pattern": string(), "evidence": evidence()})));
    let flag = || json!({"type": "boolean"});
    object(json!({
        "file": string(), "written": flag(), "text": string(),
        "services": array(object(json!({
            "name": string(), "path": reference("path"), "is_library": flag(), "preset": nullable(string()),
            "tags": array(string()), "evidence": evidence(), "inputs": concluded(),
            "depends_on": array(object(json!({
                "service": string(), "tie": {"enum": ["declares", "takes", "mentions", "starts-after"]},
                "left_out": flag(), "evidence": evidence(),
            }))),
        }))),
        "global_inputs": concluded(), "lock_files": concluded(),
        "notes": array(object(json!({
            "kind": {"enum": ["skipped", "left-out", "renamed", "circle", "not-taken"]},
            "path": reference("path"), "words": string(),
        }))),
    }))
}

/// What `svc new` prints, and `svc new --list`.
fn new() -> Value {
    let flag = || json!({"type": "boolean"});
    let file = object(json!({"path": reference("path"), "executable": flag()}));
    let made = object(json!({
        "template": string(), "name": string(), "path": reference("path"),
        "parameters": {"type": "object", "additionalProperties": string()}, "files": array(file), "entry": string(),
        "first": flag(), "written": flag(), "notes": array(string()), "next": array(string()),
    }));
    let parameter = object(json!({
        "name": string(), "about": string(), "default": nullable(string()), "choices": array(string()),
    }));
    let templates = object(json!({"templates": array(object(json!({
        "name": string(), "own": flag(), "makes": string(), "about": nullable(string()), "problem": nullable(string()),
        "parameters": array(parameter),
    })))}));
    let mut any = object(json!({}));
    any["anyOf"] = json!([made, templates]);
    any
}

fn doctor() -> Value {
    let step = json!({
        "type": "object",
        "required": ["do"],
        "description": "what --fix does by itself",
        "oneOf": [
            object(json!({"do": {"const": "make-executable"}, "path": string()})),
            object(json!({"do": {"const": "learn-default-branch"}, "remote": string()})),
            object(json!({"do": {"const": "add-dependencies"}, "service": string(), "to": array(string())})),
        ],
    });
    let mut fix = object(json!({"words": string()}));
    fix["properties"]["step"] = step;
    object(json!({
        "findings": array(object(json!({
            "area": {"enum": ["repository", "definition", "tools", "cache", "ledger", "hooks"]},
            "weight": {"enum": ["fine", "hint", "warning", "failure"]},
            "about": string(), "words": string(), "fix": nullable(fix),
        }))),
        "fixed": array(object(json!({"fix": string(), "failed": nullable(string())}))),
        "dry_run": {"type": "boolean"}, "difference": nullable(string()),
    }))
}

fn affected() -> Value {
    object(json!({
        "base": reference("base"),
        "head": object(json!({
            "kind": {"enum": ["commit", "index", "worktree"]}, "commit": nullable(reference("oid")),
        })),
        "everything": nullable(string()),
        "services": array(object(json!({
            "name": string(), "path": reference("path"), "causes": array(reference("cause")),
        }))),
        "unowned": array(reference("path")),
    }))
}

fn ci_matrix() -> Value {
    let mut of_affected = affected()["properties"].clone();
    if let Some(fields) = of_affected.as_object_mut() {
        fields.retain(|name, _| matches!(name.as_str(), "base" | "head" | "everything"));
    }
    let shard = object(json!({
        "name": string(), "services": array(string()), "tasks": array(string()), "causes": string(), "command": string(),
        "expected_ms": nullable(number()),
    }));
    extend(
        &mut of_affected,
        json!({"task": string(), "any": {"type": "boolean"}, "shards": array(shard)}),
    );
    object(of_affected)
}

fn ci_init() -> Value {
    let state = json!({"enum": ["new", "same", "differs"]});
    object(json!({
        "system": string(), "written": {"type": "boolean"},
        "files": array(object(json!({
            "path": reference("path"), "state": state, "text": string(), "difference": nullable(string()),
        }))),
        "notes": array(string()), "next": array(string()),
    }))
}

fn list() -> Value {
    object(json!({"services": array(object(json!({
        "name": string(), "path": reference("path"), "uses": nullable(string()), "tags": array(string()),
        "depends_on": array(string()), "tasks": array(string()),
    })))}))
}

fn run() -> Value {
    let task = json!({"allOf": [reference("planned"), reference("result")]});
    object(json!({
        "run": nullable(string()), "tasks": array(task), "summary": reference("summary"),
    }))
}

fn graph() -> Value {
    object(json!({
        "nodes": array(object(json!({"name": string()}))),
        "edges": array(object(json!({"from": string(), "to": string()}))),
    }))
}

fn why() -> Value {
    let causes = array(reference("cause"));
    object(json!({
        "name": string(), "affected": {"type": "boolean"}, "base": reference("base"),
        "everything": nullable(string()), "causes": causes, "chain": causes,
        "traced": {"type": "object", "additionalProperties": causes},
        "result": nullable(object(json!({
            "verdict": {"enum": ["run", "cached", "skip"]}, "key": nullable(string()), "reason": string(),
            "nearest": nullable(object(json!({"key": string(), "differences": array(difference())}))),
            "later": array(string()), "unasked": array(string()),
        }))),
    }))
}

fn difference() -> Value {
    json!({
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": {"enum": ["file", "commands", "arguments", "shell", "outputs", "strict-env", "path", "variable",
                              "tool", "need", "dependency", "sources", "platform", "format"]},
            "how": {"enum": ["added", "removed", "changed", "mode", "part", "outputs", "values", "key"]},
            "role": {"enum": ["input", "global-input", "dependency"]},
            "path": reference("path"),
            "path_encoded": {"const": true},
            "service": string(),
            "name": string(),
            "command": string(),
            "task": string(),
        }
    })
}

fn log() -> Value {
    object(json!({
        "run": string(), "about": string(),
        "tasks": array(object(json!({
            "id": string(), "outcome": reference("outcome"), "outcome_reason": string(), "duration_ms": number(),
            "log": nullable(string()),
        }))),
    }))
}

/// What `svc cache stats`, `path`, and both `prune` and `clear` print.
fn cache() -> Value {
    let stats = object(json!({
        "path": string(), "limit": number(), "bytes": number(), "results": number(), "objects": number(),
        "outputs": number(), "output_bytes": number(), "oldest_s": nullable(number()), "conflicts": number(),
        "last_conflicts": array(object(json!({"task": string(), "age_s": number()}))),
    }));
    let place = object(json!({"path": string()}));
    let removed = object(json!({
        "busy": {"type": "boolean"}, "results": number(), "bytes": number(), "left": number(),
    }));
    let mut any = object(json!({}));
    any["anyOf"] = json!([stats, place, removed]);
    any
}

/// One line of `--events`.
fn event() -> Value {
    let kind = |name: &str, fields: Value| {
        let mut fields = object(fields);
        fields["properties"]["event"] = json!({"const": name});
        fields
    };
    let task = || json!({"task": string()});
    let with = |name: &str, field: &str, of: Value| {
        let mut fields = task();
        fields[field] = of;
        kind(name, fields)
    };
    let mut finished = kind("task-finished", task());
    finished["allOf"] = json!([reference("result")]);
    let mut event = object(json!({"event": string(), "time_ms": number()}));
    event["oneOf"] = json!([
        kind(
            "run-started",
            json!({
                "run": nullable(string()), "jobs": number(), "tasks": array(reference("planned")),
            })
        ),
        with("task-started", "attempt", number()),
        with("task-wrote", "text", string()),
        with("task-retried", "reason", string()),
        finished,
        kind("warned", json!({"message": string()})),
        kind("noted", json!({"message": string()})),
        kind("advised", json!({"message": string()})),
        kind("stopping", json!({"reason": string()})),
        kind("run-finished", json!({"summary": reference("summary")})),
    ]);
    event
}

fn versioned(mut body: Value) -> Value {
    body["properties"]["version"] = json!({"const": 1});
    if let Some(required) = body["required"].as_array_mut() {
        required.insert(0, json!("version"));
    }
    body
}

/// An object that has at least these fields.
pub(in crate::report) fn object(properties: Value) -> Value {
    let names: Vec<&String> = properties
        .as_object()
        .iter()
        .flat_map(|it| it.keys())
        .collect();
    json!({"type": "object", "required": names, "properties": properties})
}

pub(in crate::report) fn array(items: impl Into<Value>) -> Value {
    json!({"type": "array", "items": items.into()})
}

pub(in crate::report) fn nullable(of: Value) -> Value {
    json!({"anyOf": [of, {"type": "null"}]})
}

pub(in crate::report) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

pub(in crate::report) fn string() -> Value {
    json!({"type": "string"})
}

pub(in crate::report) fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Fails where `value` is not what its schema says.
    pub fn validate(document: &str, value: &Value) {
        let schema = output_schema(document).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(value)
            .map(|fault| format!("{fault} at {}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{document}: {faults:#?}\n{value:#}");
    }

    #[test]
    fn every_document_has_a_schema_that_asks_for_its_version() {
        for document in DOCUMENTS {
            let schema = output_schema(document).unwrap();
            assert_eq!(schema["properties"]["version"]["const"], 1, "{document}");
            let validator = jsonschema::validator_for(&schema).unwrap();
            assert!(!validator.is_valid(&json!({})), "{document}");
        }
        assert!(output_schema("nothing").is_none());
    }
}
