//! The answer of `svc affected`.

use serde_json::{Map, Value, json};

use crate::model::change::{Base, Head};
use crate::model::path::{FilePath, encoded};
use crate::report::clean::{self, one_line};
use crate::report::message;
use crate::report::view::{AffectedView, Look, Said};
use crate::report::words;

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The base and counts.
    Brief,
    /// The causes of each service as well.
    Explained,
}

/// So many causes of a service are named.
const NAMED_CAUSES: usize = 4;

/// Names on standard output and nothing else there; the base and everything about it on standard error. `look` is that of
/// standard error.
pub fn affected_text(view: &AffectedView, detail: Detail, look: Look) -> Said {
    let names = view.services.iter().map(|it| format!("{}\n", it.name));
    let mut said = Said {
        stdout: names.collect(),
        stderr: match view.base.rule.is_empty() {
            true => String::new(),
            false => format!("{}\n", base_line(&view.base, look)),
        },
    };
    let stderr = &mut said.stderr;
    if view.services.is_empty() {
        stderr.push_str("no service is affected\n");
    }
    if let Some(reason) = &view.everything {
        let text = format!("everything is affected: {reason}");
        stderr.push_str(&match view.is_for_everything {
            true => message::note(&text, look.paint),
            false => message::warning(&text, look.paint),
        });
    }
    if detail == Detail::Explained || look.is_verbose() {
        for service in &view.services {
            let causes = words::causes(&service.causes, NAMED_CAUSES);
            let name = look.paint.strong(&service.name);
            stderr.push_str(&format!("{name}: {causes}\n"));
        }
    }
    stderr.push_str(&unowned(&view.unowned, look));
    said
}

/// `base: 3fa9c1d2e4 (merge-base with origin/main)`.
pub fn base_line(base: &Base, look: Look) -> String {
    let rule = one_line(&base.rule);
    let label = look.paint.faint("base:");
    match commits(base) {
        commits if commits.is_empty() => format!("{label} {rule}"),
        commits => format!("{label} {commits} ({rule})"),
    }
}

/// The base where a sentence names it: `3fa9c1d2e4 (merge-base with origin/main)`.
pub fn base_name(base: &Base) -> String {
    match commits(base) {
        commits if commits.is_empty() => one_line(&base.rule),
        commits => format!("{commits} ({})", one_line(&base.rule)),
    }
}

/// What a run says when there is nothing to run for: `nothing changed since origin/main; --all builds all`.
pub fn nothing_changed(base: &Base, all: &str) -> String {
    let rule = one_line(&base.rule);
    let since = match (
        base.commits.is_empty(),
        rule.strip_prefix("merge-base with "),
    ) {
        (true, _) => String::new(),
        (false, Some(of)) => format!(" since {of}"),
        (false, None) => format!(" since {}", base_name(base)),
    };
    format!("nothing changed{since}; --all {all} all\n")
}

/// The answer for machines.
pub fn affected_json(view: &AffectedView) -> Value {
    let services = view.services.iter().map(|it| {
        let mut service = Map::from_iter([("name".to_owned(), json!(it.name))]);
        service.extend(path_fields(&it.path));
        service.insert("causes".to_owned(), json!(it.causes));
        service
    });
    let mut document = json!({
        "version": 1,
        "base": base_json(&view.base),
        "head": head_json(view.head),
        "everything": view.everything,
        "services": services.collect::<Vec<_>>(),
        "unowned": view.unowned.iter().map(|it| encoded(it.as_bytes()).0).collect::<Vec<_>>(),
    });
    if view.unowned.iter().any(|it| encoded(it.as_bytes()).1) {
        document["path_encoded"] = json!(true);
    }
    document
}

/// The base for machines. Of several merge-bases the first is `commit`, and all are `commits`.
pub fn base_json(base: &Base) -> Value {
    let mut fields = json!({"commit": base.commits.first(), "rule": base.rule});
    if base.commits.len() > 1 {
        fields["commits"] = json!(base.commits);
    }
    fields
}

/// The head for machines.
pub fn head_json(head: Head) -> Value {
    json!({"kind": head.kind(), "commit": head.commit()})
}

/// A path for machines: the workspace itself is `.`.
pub fn path_fields(path: &FilePath) -> Map<String, Value> {
    let (text, is_encoded) = match path.is_root() {
        true => (".".to_owned(), false),
        false => encoded(path.as_bytes()),
    };
    let mut fields = Map::from_iter([("path".to_owned(), json!(text))]);
    if is_encoded {
        fields.insert("path_encoded".to_owned(), json!(true));
    }
    fields
}

fn commits(base: &Base) -> String {
    let commits: Vec<String> = base.commits.iter().map(|it| it.short()).collect();
    commits.join(", ")
}

fn unowned(paths: &[FilePath], look: Look) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let files = words::count(paths.len(), "changed file");
    let verb = if paths.len() == 1 {
        "belongs"
    } else {
        "belong"
    };
    let hint = if look.is_verbose() {
        ""
    } else {
        " (-v lists them)"
    };
    let mut text = format!("{files} {verb} to no service{hint}\n");
    if look.is_verbose() {
        text.extend(
            paths
                .iter()
                .map(|path| format!("  {}\n", clean::path(path))),
        );
    }
    look.paint.faint(text.trim_end()) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cause::Cause;
    use crate::model::change::ObjectId;
    use crate::report::schema::tests::validate;
    use crate::report::settings::Verbosity;
    use crate::report::view::ServiceView;
    use crate::report::view::samples::service;

    fn commit() -> ObjectId {
        ObjectId::from_hex("3fa9c1d2e4f5a6b7c8d93fa9c1d2e4f5a6b7c8d9").unwrap()
    }

    fn sample() -> AffectedView {
        let files = ["a", "b", "c", "d", "e"].map(|it| Cause::Changed(it.into()));
        AffectedView {
            base: Base {
                commits: vec![commit()],
                rule: "merge-base with origin/main".to_owned(),
            },
            head: Head::WorkTree(Some(commit())),
            everything: None,
            is_for_everything: false,
            services: vec![
                ServiceView {
                    name: service("common"),
                    path: "libs/common".into(),
                    causes: files.to_vec(),
                },
                ServiceView {
                    name: service("api"),
                    path: "".into(),
                    causes: vec![Cause::Dependency(service("common"))],
                },
            ],
            unowned: vec!["docs/x.txt".into(), FilePath::from_bytes(&b"docs/\xff"[..])],
        }
    }

    #[test]
    fn only_names_are_on_standard_output() {
        let said = affected_text(&sample(), Detail::Brief, Look::default());
        assert_eq!(said.stdout, "common\napi\n");
        insta::assert_snapshot!(said.stderr, @r"
        base: 3fa9c1d2e4 (merge-base with origin/main)
        2 changed files belong to no service (-v lists them)
        ");
    }

    #[test]
    fn causes_and_unowned_files_are_told_on_request() {
        let look = Look {
            verbosity: Verbosity::Verbose,
            ..Look::default()
        };
        let said = affected_text(&sample(), Detail::Explained, look);
        assert_eq!(said.stdout, "common\napi\n");
        insta::assert_snapshot!(said.stderr, @r"
        base: 3fa9c1d2e4 (merge-base with origin/main)
        common: a changed, b changed, c changed, d changed and 1 more
        api: depends on common
        2 changed files belong to no service
          docs/x.txt
          docs/%FF
        ");
    }

    #[test]
    fn that_nothing_is_affected_is_no_name() {
        let mut view = sample();
        view.services.clear();
        view.unowned.clear();
        let said = affected_text(&view, Detail::Brief, Look::default());
        assert_eq!(said.stdout, "");
        assert!(said.stderr.ends_with("no service is affected\n"));
    }

    #[test]
    fn everything_comes_with_its_reason() {
        let mut view = sample();
        view.base.commits.clear();
        view.base.rule = "no base".to_owned();
        view.everything = Some("there is no commit yet".to_owned());
        view.unowned.clear();
        let said = affected_text(&view, Detail::Brief, Look::default());
        insta::assert_snapshot!(said.stderr, @r"
        base: no base
        warning: everything is affected: there is no commit yet
        ");
        view.is_for_everything = true;
        let said = affected_text(&view, Detail::Brief, Look::default());
        assert!(said.stderr.contains("note: everything is affected"));
    }

    #[test]
    fn nothing_to_run_for_is_said_with_the_base() {
        let mut base = sample().base;
        let check = |base: &Base, expected| assert_eq!(nothing_changed(base, "builds"), expected);
        check(
            &base,
            "nothing changed since origin/main; --all builds all\n",
        );
        base.rule = "--base-exact v1".to_owned();
        check(
            &base,
            "nothing changed since 3fa9c1d2e4 (--base-exact v1); --all builds all\n",
        );
        base.commits.clear();
        check(&base, "nothing changed; --all builds all\n");
    }

    #[test]
    fn machines_get_the_documented_fields() {
        validate("affected", &affected_json(&sample()));
        insta::assert_snapshot!(serde_json::to_string_pretty(&affected_json(&sample())).unwrap(), @r#"
        {
          "version": 1,
          "base": {
            "commit": "3fa9c1d2e4f5a6b7c8d93fa9c1d2e4f5a6b7c8d9",
            "rule": "merge-base with origin/main"
          },
          "head": {
            "kind": "worktree",
            "commit": "3fa9c1d2e4f5a6b7c8d93fa9c1d2e4f5a6b7c8d9"
          },
          "everything": null,
          "services": [
            {
              "name": "common",
              "path": "libs/common",
              "causes": [
                {
                  "kind": "changed",
                  "path": "a"
                },
                {
                  "kind": "changed",
                  "path": "b"
                },
                {
                  "kind": "changed",
                  "path": "c"
                },
                {
                  "kind": "changed",
                  "path": "d"
                },
                {
                  "kind": "changed",
                  "path": "e"
                }
              ]
            },
            {
              "name": "api",
              "path": ".",
              "causes": [
                {
                  "kind": "dependency",
                  "service": "common"
                }
              ]
            }
          ],
          "unowned": [
            "docs/x.txt",
            "docs/%FF"
          ],
          "path_encoded": true
        }
        "#);
    }
}
