//! What machines get about deploys, as JSON schemas.

use serde_json::{Value, json};

use crate::report::schema::{array, nullable, number, object, reference, string};

/// The schemas that several documents about deploys share.
pub fn definitions() -> Value {
    let time = json!({
        "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
        "description": "UTC; null where the record speaks of an impossible time",
    });
    json!({
        "time": time,
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "deployed": object(json!({
            "version": string(), "release": reference("digest"), "format": number(), "config": reference("digest"),
            "commit": nullable(reference("oid")), "dirty": boolean(),
            "values": {"type": "object", "additionalProperties": string()},
            "deploy": string(), "at": reference("time"),
        })),
        "runs": {
            "anyOf": [reference("deployed"), {"const": "unknown"}, {"type": "null"}],
            "description": "null: nothing",
        },
        "deploy-state": {"enum": ["started", "succeeded", "failed", "rolled-back", "interrupted"]},
        "who": object(json!({"name": string(), "host": string(), "run_url": nullable(string())})),
        "entry": object(json!({
            "deploy": string(), "service": string(),
            "action": {"enum": ["deploy", "rollback", "promote", "adopt", "remove", "undo"]},
            "state": reference("deploy-state"), "brings": reference("deployed"), "runs": reference("runs"),
            "before": reference("runs"), "who": reference("who"), "at": reference("time"),
            "reason": nullable(string()), "error": nullable(string()),
        })),
        "commit-line": object(json!({
            "id": reference("oid"), "subject": string(), "author": string(), "time": reference("time"),
        })),
        "lock": object(json!({
            "name": string(), "host": string(), "run_url": nullable(string()), "pid": number(),
            "command": string(), "since": reference("time"), "term_s": number(), "sticky": boolean(),
            "reason": nullable(string()),
        })),
    })
}

/// `svc status`.
pub fn status() -> Value {
    let process = object(json!({
        "state": string(), "pid": nullable(number()), "port": nullable(number()), "uptime_s": nullable(number()),
        "restarts": number(), "health": nullable(string()), "log": nullable(string()),
    }));
    let service = object(json!({
        "name": string(), "version": nullable(string()), "commit": nullable(reference("oid")),
        "state": {"enum": ["running", "unknown", "deploying", "held", "absent"]},
        "deployed_at": reference("time"), "behind": nullable(number()), "dirty": boolean(), "removed": boolean(),
        "held": array(object(json!({
            "version": string(), "deploy": string(), "why": reference("deploy-state"),
        }))),
        "last": nullable(object(json!({
            "deploy": string(), "state": reference("deploy-state"), "at": reference("time"), "by": string(),
            "error": nullable(string()),
        }))),
        "process": nullable(process),
    }));
    object(json!({
        "as_of": reference("time"), "refreshed": boolean(),
        "environments": array(object(json!({
            "name": string(), "ledger": string(), "as_of": reference("time"), "refreshed": boolean(),
            "stale": nullable(string()), "locked_by": nullable(reference("lock")), "services": array(service),
        }))),
    }))
}

/// `svc deploy --dry-run`.
pub fn deploy_plan() -> Value {
    let to = object(json!({
        "version": string(), "release": reference("digest"), "config": reference("digest"),
        "commit": nullable(reference("oid")), "dirty": boolean(),
    }));
    object(json!({
        "environment": string(), "commit": nullable(reference("oid")), "dirty": boolean(),
        "services": array(object(json!({
            "name": string(), "verdict": {"enum": ["deploy", "up-to-date", "held", "waits"]},
            "why": {"enum": [null, "first", "unknown", "taken-down", "release", "config", "release-and-config",
                             "forced", "gone", "failed", "rolled-back", "interrupted", "started", "succeeded"]},
            "held_by": nullable(string()), "from": reference("runs"), "to": to,
            "commits": array(reference("commit-line")), "after": array(string()),
        }))),
        "removed": array(string()), "prune": boolean(),
    }))
}

/// The end of `svc deploy`, `svc rollback`, `svc promote` and `svc down`.
pub fn deploy_end() -> Value {
    let state = json!({
        "anyOf": [reference("deploy-state"), {"type": "null"}],
        "description": "null: not begun",
    });
    object(json!({
        "environment": string(), "deploy": string(),
        "outcome": {"enum": ["fine", "not-built", "rolled-back", "failed", "interrupted", "unrecorded"]},
        "unrecorded": nullable(string()),
        "services": array(object(json!({
            "name": string(), "state": state, "runs": reference("runs"), "error": nullable(string()),
            "address": nullable(string()),
        }))),
    }))
}

/// What `svc rollback`, `svc promote` and `svc down` would do: `--dry-run`.
pub fn moves() -> Value {
    object(json!({
        "environment": string(),
        "services": array(object(json!({
            "name": string(), "from": reference("runs"), "to": nullable(reference("deployed")),
        }))),
        "left_out": array(object(json!({"name": string(), "why": string()}))),
    }))
}

/// `svc history`.
pub fn history() -> Value {
    object(json!({
        "environment": string(), "entries": array(reference("entry")), "has_more": boolean(),
    }))
}

/// `svc changes`.
pub fn changes() -> Value {
    object(json!({
        "environment": string(),
        "services": array(object(json!({
            "name": string(), "from": nullable(reference("oid")), "commits": array(reference("commit-line")),
            "note": nullable(string()),
        }))),
    }))
}

/// `svc lock show`.
pub fn lock() -> Value {
    object(json!({
        "environment": string(), "locked": boolean(), "lock": nullable(reference("lock")),
    }))
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}
