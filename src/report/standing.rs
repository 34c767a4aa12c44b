//! Whether an earlier result stands for a task, and everything that it lacks if not.

use serde_json::{Map, Value, json};

use crate::model::difference::{Difference, How, NeedHow, Role};
use crate::model::path::{FilePath, encoded};
use crate::model::plan::Verdict;
use crate::model::standing::Standing;
use crate::report::clean::one_line;
use crate::report::view::Look;
use crate::report::words;

/// So many differences are shown without `-v`.
const ENOUGH: usize = 20;

/// The answer in words, one line for each difference.
pub fn standing_text(standing: &Standing, look: Look) -> String {
    if standing.verdict == Verdict::Cached {
        return "its result is in the cache\n".to_owned();
    }
    let mut text = String::new();
    for task in &standing.later {
        text.push_str(&format!(
            "{task} has to run first; what it leaves is not known yet\n"
        ));
    }
    for tool in &standing.unasked {
        text.push_str(&format!(
            "what `{}` prints is not known: svc why runs nothing, --dry-run asks\n",
            one_line(tool)
        ));
    }
    let differences = match &standing.nearest {
        Some((_, differences)) if !differences.is_empty() => differences,
        _ if text.is_empty() => {
            return format!("{}\n", one_line(&standing.reason));
        }
        _ => return text,
    };
    text.push_str("differs from the nearest earlier result\n");
    let shown = match look.is_verbose() {
        true => differences.len(),
        false => ENOUGH,
    };
    for difference in differences.iter().take(shown) {
        text.push_str(&format!("  {}\n", one_line(&difference.to_string())));
    }
    if differences.len() > shown {
        let more = words::count(differences.len() - shown, "more difference");
        let more = look.paint.faint(format!("{more}; -v shows all"));
        text.push_str(&format!("  {more}\n"));
    }
    text
}

/// The answer for machines.
pub fn standing_json(standing: &Standing) -> Value {
    let nearest = standing.nearest.as_ref();
    let nearest = nearest.map(|(key, differences)| {
        let differences: Vec<_> = differences.iter().map(difference_json).collect();
        json!({"key": key, "differences": differences})
    });
    json!({
        "verdict": standing.verdict.word(), "key": standing.key, "reason": standing.reason,
        "nearest": nearest, "later": standing.later, "unasked": standing.unasked,
    })
}

fn difference_json(difference: &Difference) -> Value {
    let fields = |kind: &str, fields: Value| {
        let mut all = Map::new();
        all.insert("kind".to_owned(), json!(kind));
        if let Value::Object(fields) = fields {
            all.extend(fields);
        }
        Value::Object(all)
    };
    let plain = |kind: &str| fields(kind, json!({}));
    match difference {
        Difference::File { path, how, role } => fields("file", file_json(path, *how, role)),
        Difference::Commands => plain("commands"),
        Difference::Arguments => plain("arguments"),
        Difference::Shell => plain("shell"),
        Difference::Outputs => plain("outputs"),
        Difference::StrictEnv => plain("strict-env"),
        Difference::Path => plain("path"),
        Difference::Variable { name, how } => {
            fields("variable", json!({"name": name, "how": how_json(*how)}))
        }
        Difference::Tool { command, how } => {
            fields("tool", json!({"command": command, "how": how_json(*how)}))
        }
        Difference::Need { task, how } => {
            fields("need", json!({"task": task, "how": need_json(*how)}))
        }
        Difference::Dependency { service, how } => fields(
            "dependency",
            json!({"service": service, "how": how_json(*how)}),
        ),
        Difference::Sources { service, how } => fields(
            "sources",
            json!({"service": service, "how": how_json(*how)}),
        ),
        Difference::Platform => plain("platform"),
        Difference::Format => plain("format"),
    }
}

fn file_json(path: &FilePath, how: How, role: &Role) -> Value {
    let (text, is_encoded) = encoded(path.as_bytes());
    let mut file = json!({"path": text, "how": how_json(how), "role": match role {
        Role::Input => "input",
        Role::GlobalInput => "global-input",
        Role::Of(_) => "dependency",
    }});
    if let Role::Of(service) = role {
        file["service"] = json!(service);
    }
    if is_encoded {
        file["path_encoded"] = json!(true);
    }
    file
}

fn how_json(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Removed => "removed",
        How::Changed => "changed",
        How::Mode => "mode",
        How::Part => "part",
    }
}

fn need_json(how: NeedHow) -> &'static str {
    match how {
        NeedHow::Added => "added",
        NeedHow::Removed => "removed",
        NeedHow::Outputs => "outputs",
        NeedHow::Values => "values",
        NeedHow::Key => "key",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::samples::{service, task};

    fn standing(differences: Vec<Difference>) -> Standing {
        Standing {
            verdict: Verdict::Run,
            key: Some("ab12".to_owned()),
            reason: "services/api/a.c changed and 2 more".to_owned(),
            nearest: Some(("cd34".to_owned(), differences)),
            later: Vec::new(),
            unasked: Vec::new(),
        }
    }

    fn some() -> Vec<Difference> {
        vec![
            Difference::File {
                path: "services/api/a.c".into(),
                how: How::Changed,
                role: Role::Input,
            },
            Difference::File {
                path: FilePath::from_bytes(&b"proto/\xff"[..]),
                how: How::Added,
                role: Role::Of(service("proto")),
            },
            Difference::Variable {
                name: "CFLAGS".to_owned(),
                how: How::Added,
            },
            Difference::Tool {
                command: "cc --version".to_owned(),
                how: How::Changed,
            },
            Difference::Need {
                task: task("lib:build"),
                how: NeedHow::Outputs,
            },
        ]
    }

    #[test]
    fn every_difference_has_its_line() {
        insta::assert_snapshot!(standing_text(&standing(some()), Look::default()), @"
        differs from the nearest earlier result
          services/api/a.c changed
          proto/%FF added
          variable CFLAGS is set
          `cc --version` prints something else
          lib:build left other outputs
        ");
        let mut open = standing(vec![]);
        open.later = vec![task("lib:build")];
        open.unasked = vec!["cc --version".to_owned()];
        insta::assert_snapshot!(standing_text(&open, Look::default()), @"
        lib:build has to run first; what it leaves is not known yet
        what `cc --version` prints is not known: svc why runs nothing, --dry-run asks
        ");
        let mut nothing = standing(vec![]);
        nothing.nearest = None;
        nothing.reason = "no earlier result".to_owned();
        insta::assert_snapshot!(standing_text(&nothing, Look::default()), @"no earlier result");
        nothing.verdict = Verdict::Cached;
        insta::assert_snapshot!(standing_text(&nothing, Look::default()), @"its result is in the cache");
        let many = standing(vec![Difference::Commands; 30]);
        let text = standing_text(&many, Look::default());
        assert!(
            text.ends_with("  10 more differences; -v shows all\n"),
            "{text}"
        );
    }

    #[test]
    fn machines_get_kinds_and_names() {
        insta::assert_snapshot!(standing_json(&standing(some())), @r#"{"verdict":"run","key":"ab12","reason":"services/api/a.c changed and 2 more","nearest":{"key":"cd34","differences":[{"kind":"file","path":"services/api/a.c","how":"changed","role":"input"},{"kind":"file","path":"proto/%FF","how":"added","role":"dependency","service":"proto","path_encoded":true},{"kind":"variable","name":"CFLAGS","how":"added"},{"kind":"tool","command":"cc --version","how":"changed"},{"kind":"need","task":"lib:build","how":"outputs"}]},"later":[],"unasked":[]}"#);
    }
}
