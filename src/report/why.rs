//! The answer of `svc why`: the chain from a service or task to what made it affected.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::model::cause::Cause;
use crate::report::affected::{base_json, base_name};
use crate::report::clean::one_line;
use crate::report::standing::{standing_json, standing_text};
use crate::report::view::{Look, Subject, WhyView};
use crate::report::words;

/// The shortest chain in words; all causes with `-v`. Of a task also what its earlier results lack.
pub fn why_text(view: &WhyView, look: Look) -> String {
    let mut text = causes_text(view, look);
    if let Some(standing) = &view.standing {
        text.push_str(&standing_text(standing, look));
    }
    text
}

fn causes_text(view: &WhyView, look: Look) -> String {
    let name = look.paint.strong(&view.subject);
    let Some(causes) = view.causes.get(&view.subject).filter(|it| !it.is_empty()) else {
        let base = base_name(&view.base);
        return format!("{name} is not affected: no input differs from {base}\n");
    };
    let mut text = match &view.subject {
        Subject::Service(_) => format!("{name} is affected\n"),
        Subject::Task(_) => format!("{name} is affected\n"),
    };
    if let Some(reason) = &view.everything {
        let reason = one_line(reason);
        text.push_str(&format!("  everything counts as changed: {reason}\n"));
        return text;
    }
    if look.is_verbose() {
        all_causes(view, &mut text);
        return text;
    }
    for (depth, cause) in chain(view).into_iter().enumerate() {
        text.push_str(&line(depth + 1, cause));
    }
    if causes.len() > 1 {
        let more = words::count(causes.len() - 1, "more cause");
        let more = look.paint.faint(format!("{more}; -v shows all"));
        text.push_str(&format!("  {more}\n"));
    }
    text
}

/// The answer for machines: the shortest chain, and all causes of everything that the subject can be traced to.
pub fn why_json(view: &WhyView) -> Value {
    let causes = view.causes.get(&view.subject);
    let mut traced = Map::new();
    for subject in reached(view) {
        let causes = view.causes.get(&subject);
        traced.insert(subject.to_string(), json!(causes));
    }
    json!({
        "version": 1,
        "name": view.subject.to_string(),
        "affected": causes.is_some_and(|it| !it.is_empty()),
        "base": base_json(&view.base),
        "everything": view.everything,
        "causes": causes.map_or(&[][..], |it| it),
        "chain": chain(view),
        "traced": traced,
        "result": view.standing.as_ref().map(standing_json),
    })
}

/// From the subject to the nearest cause that has no cause of its own.
fn chain(view: &WhyView) -> Vec<&Cause> {
    let mut from: HashMap<&Subject, (&Subject, &Cause)> = HashMap::new();
    let mut waiting = VecDeque::from([&view.subject]);
    while let Some(subject) = waiting.pop_front() {
        let causes = view.causes.get(subject).map_or(&[][..], |it| it);
        if let Some(last) = causes.iter().find(|it| next(view, subject, it).is_none()) {
            let mut chain = vec![last];
            let mut at = subject;
            while let Some((before, cause)) = from.get(at) {
                chain.push(cause);
                at = before;
            }
            chain.reverse();
            return chain;
        }
        for cause in causes {
            if let Some(further) = next(view, subject, cause)
                && *further != view.subject
                && !from.contains_key(further)
            {
                from.insert(further, (subject, cause));
                waiting.push_back(further);
            }
        }
    }
    Vec::new()
}

/// Every cause, and below it the causes of what it names, each shown once.
fn all_causes(view: &WhyView, text: &mut String) {
    let mut shown: HashSet<&Subject> = HashSet::from([&view.subject]);
    let mut open: Vec<(usize, &Subject, &Cause)> = Vec::new();
    let push = |open: &mut Vec<_>, depth, subject| {
        let causes = view.causes.get(subject).map_or(&[][..], |it| it);
        open.extend(causes.iter().rev().map(|cause| (depth, subject, cause)));
    };
    push(&mut open, 1, &view.subject);
    while let Some((depth, subject, cause)) = open.pop() {
        match next(view, subject, cause) {
            Some(further) if !shown.insert(further) => {
                let line = line(depth, cause);
                text.push_str(&format!("{} (see above)\n", line.trim_end()));
            }
            Some(further) => {
                text.push_str(&line(depth, cause));
                push(&mut open, depth + 1, further);
            }
            None => text.push_str(&line(depth, cause)),
        }
    }
}

/// What the cause of `subject` names, if its own causes are known.
fn next<'a>(view: &'a WhyView, subject: &Subject, cause: &Cause) -> Option<&'a Subject> {
    let known = |subject: Subject| view.causes.get_key_value(&subject).map(|(key, _)| key);
    match cause {
        Cause::Dependency(name) | Cause::SourcesOf(name) => {
            let same_task = match subject {
                Subject::Task(id) => {
                    let mut id = id.clone();
                    id.service = name.clone();
                    known(Subject::Task(id))
                }
                Subject::Service(_) => None,
            };
            same_task.or_else(|| known(Subject::Service(name.clone())))
        }
        Cause::DependencyOf(name) => known(Subject::Service(name.clone())),
        Cause::NeededBy(id) => known(Subject::Task(id.clone())),
        Cause::Changed(_)
        | Cause::ChangedPart(..)
        | Cause::Global(_)
        | Cause::Definition
        | Cause::Everything
        | Cause::Requested
        | Cause::FailedBefore => None,
    }
}

/// Everything that the subject can be traced to, without itself.
fn reached(view: &WhyView) -> BTreeSet<Subject> {
    let mut reached = BTreeSet::new();
    let mut open = vec![&view.subject];
    while let Some(subject) = open.pop() {
        let causes = view.causes.get(subject).map_or(&[][..], |it| it);
        for further in causes.iter().filter_map(|cause| next(view, subject, cause)) {
            if *further != view.subject && reached.insert(further.clone()) {
                open.push(further);
            }
        }
    }
    reached
}

fn line(depth: usize, cause: &Cause) -> String {
    format!("{}{}\n", "  ".repeat(depth), words::cause(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Base, ObjectId};
    use crate::report::schema::tests::validate;
    use crate::report::settings::Verbosity;
    use crate::report::view::samples::{service, task};

    fn sample(subject: Subject) -> WhyView {
        let commit = ObjectId::from_hex(&"3fa9".repeat(10)).unwrap();
        let name = |it: &str| Subject::Service(service(it));
        let depends = |it: &str| Cause::Dependency(service(it));
        WhyView {
            subject,
            base: Base {
                commits: vec![commit],
                rule: "merge-base with origin/main".to_owned(),
            },
            everything: None,
            standing: None,
            causes: [
                (name("gateway"), vec![depends("orders"), depends("billing")]),
                (name("orders"), vec![depends("money")]),
                (name("billing"), vec![depends("money"), Cause::Definition]),
                (
                    name("money"),
                    vec![Cause::Changed("libs/money/money.py".into())],
                ),
                (
                    Subject::Task(task("gateway:test")),
                    vec![Cause::FailedBefore, depends("orders")],
                ),
                (
                    Subject::Task(task("gateway:build")),
                    vec![Cause::NeededBy(task("gateway:test"))],
                ),
            ]
            .into(),
        }
    }

    fn verbose() -> Look {
        Look {
            verbosity: Verbosity::Verbose,
            ..Look::default()
        }
    }

    #[test]
    fn the_shortest_chain_ends_at_what_changed() {
        let view = sample(Subject::Service(service("gateway")));
        insta::assert_snapshot!(why_text(&view, Look::default()), @r"
        gateway is affected
          depends on billing
            definition changed
          1 more cause; -v shows all
        ");
        insta::assert_snapshot!(why_text(&view, verbose()), @r"
        gateway is affected
          depends on orders
            depends on money
              libs/money/money.py changed
          depends on billing
            depends on money (see above)
            definition changed
        ");
    }

    #[test]
    fn a_task_is_traced_through_services_and_tasks() {
        let view = sample(Subject::Task(task("gateway:build")));
        insta::assert_snapshot!(why_text(&view, Look::default()), @"
        gateway:build is affected
          needed by gateway:test
            failed before
        ");
        insta::assert_snapshot!(why_text(&view, verbose()), @"
        gateway:build is affected
          needed by gateway:test
            failed before
            depends on orders
              depends on money
                libs/money/money.py changed
        ");
    }

    #[test]
    fn what_is_not_affected_is_said_to_be_so() {
        let view = sample(Subject::Service(service("docs")));
        insta::assert_snapshot!(why_text(&view, Look::default()), @"docs is not affected: no input differs from 3fa93fa93f (merge-base with origin/main)");
        assert_eq!(why_json(&view)["affected"], false);
        validate("why", &why_json(&view));
    }

    #[test]
    fn machines_get_the_chain_and_all_causes() {
        let view = sample(Subject::Service(service("orders")));
        validate("why", &why_json(&view));
        insta::assert_snapshot!(serde_json::to_string_pretty(&why_json(&view)).unwrap(), @r#"
        {
          "version": 1,
          "name": "orders",
          "affected": true,
          "base": {
            "commit": "3fa93fa93fa93fa93fa93fa93fa93fa93fa93fa9",
            "rule": "merge-base with origin/main"
          },
          "everything": null,
          "causes": [
            {
              "kind": "dependency",
              "service": "money"
            }
          ],
          "chain": [
            {
              "kind": "dependency",
              "service": "money"
            },
            {
              "kind": "changed",
              "path": "libs/money/money.py"
            }
          ],
          "traced": {
            "money": [
              {
                "kind": "changed",
                "path": "libs/money/money.py"
              }
            ]
          },
          "result": null
        }
        "#);
    }

    #[test]
    fn a_long_chain_and_a_wide_one_take_no_time() {
        let mut view = sample(Subject::Service(service("s0")));
        view.causes = (0..3000)
            .map(|at| {
                let below = at + 1..(at + 10).min(3000);
                let causes = below.map(|it| Cause::Dependency(service(&format!("s{it}"))));
                let mut causes: Vec<Cause> = causes.collect();
                if causes.is_empty() {
                    causes.push(Cause::Definition);
                }
                (Subject::Service(service(&format!("s{at}"))), causes)
            })
            .collect();
        assert!(why_text(&view, Look::default()).ends_with("-v shows all\n"));
        assert!(why_text(&view, verbose()).lines().count() > 3000);
    }
}
