//! The store of results: what is in it, and what was removed.

use serde_json::{Value, json};

use crate::model::path::{FilePath, encoded};
use crate::report::clean::path;
use crate::report::view::{RemovedView, StoreView};
use crate::report::words;

/// So many conflicts are shown one by one.
const SHOWN: usize = 5;

/// How much is in the store, and what is odd about it.
pub fn store_text(store: &StoreView) -> String {
    let mut text = format!("{}\n", path(&store.path));
    let results = words::count(store.results as usize, "result");
    let limit = words::bytes(store.limit);
    text.push_str(&format!(
        "  {results}, {} of at most {limit}\n",
        words::bytes(store.bytes)
    ));
    if store.results > 0 {
        let outputs = words::count(store.outputs as usize, "output");
        let stand_for = words::bytes(store.output_bytes);
        text.push_str(&format!("  {outputs}, {stand_for} when unpacked\n"));
        if let Some(age) = store.oldest {
            text.push_str(&format!("  the oldest was used {} ago\n", words::age(age)));
        }
    }
    if store.conflicts > 0 {
        let conflicts = words::count(store.conflicts as usize, "conflict");
        text.push_str(&format!(
            "  {conflicts}: for the same key, a task gave other outputs or values than before\n"
        ));
        for (task, age) in store.last_conflicts.iter().rev().take(SHOWN) {
            text.push_str(&format!("    {task}, {} ago\n", words::age(*age)));
        }
    }
    text
}

/// The same for machines.
pub fn store_json(store: &StoreView) -> Value {
    let conflicts = store.last_conflicts.iter();
    let conflicts: Vec<Value> = conflicts
        .map(|(task, age)| json!({"task": task, "age_s": age.as_secs()}))
        .collect();
    let mut document = place_json(&store.path);
    let counts = json!({
        "limit": store.limit, "bytes": store.bytes,
        "results": store.results, "objects": store.objects,
        "outputs": store.outputs, "output_bytes": store.output_bytes,
        "oldest_s": store.oldest.map(|it| it.as_secs()),
        "conflicts": store.conflicts, "last_conflicts": conflicts,
    });
    if let (Some(document), Value::Object(counts)) = (document.as_object_mut(), counts) {
        document.extend(counts);
    }
    document
}

/// Where the store is, for machines.
pub fn place_json(path: &FilePath) -> Value {
    let (path, is_encoded) = encoded(path.as_bytes());
    let mut document = json!({"version": 1, "path": path});
    if is_encoded {
        document["path_encoded"] = json!(true);
    }
    document
}

/// What was removed.
pub fn removed_text(removed: &RemovedView) -> String {
    if removed.busy {
        return "another svc is at it; nothing was done\n".to_owned();
    }
    let results = words::count(removed.results as usize, "result");
    let (bytes, left) = (words::bytes(removed.bytes), words::bytes(removed.left));
    format!("removed {results}, {bytes}; {left} are left\n")
}

/// The same for machines.
pub fn removed_json(removed: &RemovedView) -> Value {
    json!({
        "version": 1, "busy": removed.busy, "results": removed.results,
        "bytes": removed.bytes, "left": removed.left,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::task;

    fn sample() -> StoreView {
        StoreView {
            path: "/home/ann/.cache/svc".into(),
            limit: 20 << 30,
            bytes: 5 << 20,
            results: 12,
            objects: 30,
            outputs: 412,
            output_bytes: 17 << 20,
            oldest: Some(Duration::from_secs(7200)),
            conflicts: 1,
            last_conflicts: vec![(task("api:build"), Duration::from_secs(300))],
        }
    }

    #[test]
    fn a_store_is_told_in_a_few_lines() {
        insta::assert_snapshot!(store_text(&sample()), @"
        /home/ann/.cache/svc
          12 results, 5.0 MiB of at most 20.0 GiB
          412 outputs, 17.0 MiB when unpacked
          the oldest was used 2 hours ago
          1 conflict: for the same key, a task gave other outputs or values than before
            api:build, 5 minutes ago
        ");
        let empty = StoreView {
            path: "/x".into(),
            limit: 1 << 30,
            ..StoreView::default()
        };
        insta::assert_snapshot!(store_text(&empty), @"
        /x
          0 results, 0 bytes of at most 1.0 GiB
        ");
    }

    #[test]
    fn machines_get_counts() {
        validate("cache", &store_json(&sample()));
        validate("cache", &place_json(&"/x".into()));
        insta::assert_snapshot!(store_json(&sample()), @r#"{"version":1,"path":"/home/ann/.cache/svc","limit":21474836480,"bytes":5242880,"results":12,"objects":30,"outputs":412,"output_bytes":17825792,"oldest_s":7200,"conflicts":1,"last_conflicts":[{"task":"api:build","age_s":300}]}"#);
    }

    #[test]
    fn what_was_removed_is_told() {
        let mut removed = RemovedView {
            busy: false,
            results: 3,
            bytes: 2048,
            left: 0,
        };
        insta::assert_snapshot!(removed_text(&removed), @"removed 3 results, 2.0 KiB; 0 bytes are left");
        validate("cache", &removed_json(&removed));
        removed.busy = true;
        insta::assert_snapshot!(removed_text(&removed), @"another svc is at it; nothing was done");
    }
}
