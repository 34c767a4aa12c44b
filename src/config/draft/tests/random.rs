//! Random drafts: what is written can be read, means the same, and an update of it loses nothing.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use toml_edit::{DocumentMut, Item};

use crate::config::draft::tests::{edge, service};
use crate::config::draft::{UpdateError, Updated, update, write};
use crate::config::keys::TableKind;
use crate::config::preset;
use crate::config::tests::{Memory, valid};
use crate::model::draft::{Concluded, Draft, DraftService, DraftTask, Evidence};
use crate::model::manifest::{Makes, Tie};
use crate::model::name::TaskName;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;

/// Text as it may stand in the files of others, without what no command and no file name has.
fn hostile() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-z ]{1,12}",
        "[\"'\\\\#=\\[\\]{}\n\r\t,ü\u{1b}\u{202e}]{1,8}",
        any::<String>(),
        Just("# not: a".to_owned()),
        Just("'''\n\"\"\"".to_owned()),
    ];
    let text = text.prop_map(|it| it.replace('\0', ""));
    text.prop_filter("a text", |it| !it.trim().is_empty())
}

/// Paths with a part of their own, so that none lies in another.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof!["[a-z]{1,5}", "[a-z\"'#ü= \n\\[\\]{}*]{1,5}"];
    let part = part.prop_filter("a name", |it| !it.trim().is_empty());
    vec(part, 1..3).prop_map(|it| it.join("/"))
}

fn list() -> impl Strategy<Value = Vec<String>> {
    vec("[a-z*. '\"]{1,20}", 0..4).prop_map(|it| {
        let mut list: Vec<String> = it.iter().map(|it| format!("x{it}")).collect();
        list.insert(0, "...".into());
        list.dedup();
        list
    })
}

prop_compose! {
    fn task()(
        run in vec(hostile(), 1..3),
        inputs in option::of(list()),
        env in option::of(btree_set("[A-Z][A-Z_]{0,9}", 0..3)),
        cache in option::of(any::<bool>()),
    ) -> DraftTask {
        DraftTask {
            run: Some(run),
            inputs,
            env: env.map(|it| it.into_iter().collect()),
            cache,
            ..DraftTask::default()
        }
    }
}

prop_compose! {
    fn why()(file in hostile(), line in option::of(0..9u32), words in hostile()) -> Evidence {
        Evidence { file: file.as_str().into(), line, words }
    }
}

type Parts = (
    String,
    Makes,
    Option<usize>,
    Vec<(usize, bool, Evidence)>,
    BTreeMap<String, DraftTask>,
    Vec<String>,
);

fn parts() -> impl Strategy<Value = Parts> {
    let makes = prop_oneof![
        Just(Makes::Program),
        Just(Makes::Library),
        Just(Makes::Either),
        Just(Makes::Nothing)
    ];
    let edges = vec((0..20usize, prop::bool::weighted(0.2), why()), 0..6);
    let tasks = btree_map("(build|test|[a-c]{1,3})", task(), 0..3);
    let tags = vec("[a-z]{1,5}", 0..3);
    (path(), makes, option::of(0..4usize), edges, tasks, tags)
}

fn draft() -> impl Strategy<Value = Draft> {
    let services = btree_map("[a-z][a-z0-9-]{0,8}|not", parts(), 0..10);
    let inputs = vec((list(), why()), 0..2);
    let global = btree_set("[a-z.\" ]{1,6}", 0..3);
    (option::of(hostile()), services, inputs, global).prop_map(
        |(name, services, inputs, global)| {
            let names: Vec<String> = services.keys().cloned().collect();
            let presets: Vec<&str> = preset::embedded_names().collect();
            let services = services.into_iter().enumerate();
            let mut services: Vec<DraftService> = services
                .map(|(at, (name, (path, makes, uses, edges, tasks, tags)))| {
                    let preset = uses.map_or("", |it| presets[it % presets.len()]);
                    let mut service = service(&name, &format!("s{at}/{path}"), makes, preset);
                    service.tags = tags;
                    for (to, is_left_out, why) in edges {
                        // Only to earlier ones: nothing goes in circles.
                        let Some(to) = (to < at).then(|| &names[to]) else {
                            continue;
                        };
                        if service.depends_on.iter().all(|it| it.to.as_str() != to) {
                            let mut edge = edge(to, "");
                            edge.evidence = vec![why];
                            edge.is_left_out = is_left_out;
                            edge.tie = [Tie::Declares, Tie::Mentions][at % 2];
                            service.depends_on.push(edge);
                        }
                    }
                    service.depends_on.sort_by(|a, b| a.to.cmp(&b.to));
                    let tasks = tasks.into_iter();
                    service.tasks = tasks
                        .map(|(name, task)| (TaskName::new(&name).unwrap(), task))
                        .collect();
                    service
                })
                .collect();
            if let Some(first) = services.first_mut() {
                let inputs = inputs.into_iter().flat_map(|(list, why)| {
                    let all = list.into_iter().filter(|it| it != "...");
                    all.map(move |it| Concluded {
                        what: format!("/{it}"),
                        evidence: vec![why.clone()],
                    })
                });
                first.inputs = inputs.collect();
            }
            let inputs = global.into_iter();
            let inputs = inputs.map(|it| Concluded {
                what: format!("g{it}"),
                evidence: Vec::new(),
            });
            let inputs: Vec<_> = inputs.collect();
            let knows_locks = TableKind::Workspace.names().any(|it| it == "lock-files");
            Draft {
                name,
                lock_files: if knows_locks {
                    inputs.clone()
                } else {
                    Vec::new()
                },
                global_inputs: inputs,
                services,
                notes: Vec::new(),
            }
        },
    )
}

/// The workspace holds what was drafted.
fn holds(workspace: &Workspace, draft: &Draft) {
    let name = |drafted: &str| {
        let service = draft.services.iter().find(|it| it.name.as_str() == drafted);
        let at = workspace
            .at(service.unwrap().path.as_bytes())
            .expect("it is there");
        workspace.service(at)
    };
    for drafted in &draft.services {
        let service = name(drafted.name.as_str());
        for edge in drafted.depends_on.iter().filter(|it| !it.is_left_out) {
            assert!(
                service.depends_on.contains(&name(edge.to.as_str()).name),
                "{edge:?}"
            );
        }
        for (name, task) in &drafted.tasks {
            let found = &service.tasks[name];
            assert_eq!(&found.run, task.run.as_ref().unwrap());
            for name in task.env.iter().flatten() {
                assert!(found.env.contains(name));
            }
        }
        let from_preset = drafted.uses.is_some() && drafted.tasks.is_empty();
        assert!(!from_preset || !service.tasks.is_empty());
    }
    for input in &draft.global_inputs {
        let pattern = Pattern::new(&input.what, &FilePath::default()).unwrap();
        assert!(workspace.settings().global_inputs.contains(&pattern));
    }
}

fn updated(text: &str, draft: &Draft) -> Updated {
    match update(&Memory::new(text), draft) {
        Ok(updated) => updated,
        Err(UpdateError::Existing(it) | UpdateError::Result(it)) => {
            panic!("{}\n{text}", it.0.plain())
        }
        Err(error) => panic!("{error}"),
    }
}

/// Whether the lines of `text` all stand in `after`, in their order, but for lists that became longer.
fn lines_stay(text: &str, after: &str) {
    let mut after = after.lines();
    for line in text.lines() {
        let (start, comment) = match line.strip_suffix(']') {
            Some(start) if line.contains("= [") => (start, ""),
            _ => (line, line),
        };
        let found = after.any(|it| {
            if comment.is_empty() {
                it.starts_with(start)
            } else {
                it == comment
            }
        });
        assert!(found, "{line}");
    }
}

/// The same in another form: services in braces, all services in braces, dotted keys, the file without its last line end.
fn reformed(text: &str, form: u8) -> String {
    let mut document: DocumentMut = text.parse().unwrap();
    let Some(services) = document.remove("services") else {
        return text.into();
    };
    let services = services.as_table().unwrap().clone();
    let inline = |item: &Item| {
        let mut value = item.clone().into_value().unwrap();
        value.as_inline_table_mut().unwrap().fmt();
        value
    };
    let head = document.to_string();
    let each = services.iter().map(|(name, item)| (name, inline(item)));
    match form {
        0 => {
            let each = each.map(|(name, value)| format!("{name} = {value}\n"));
            format!("{head}\n[services]\n{}", each.collect::<String>())
        }
        1 => {
            let each: Vec<_> = each
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            format!("services = {{ {} }}\n{head}", each.join(", "))
        }
        2 => {
            let each = each.flat_map(|(name, value)| {
                let table = value.as_inline_table().unwrap().clone();
                let keys = table.into_iter();
                keys.map(move |(key, value)| {
                    format!("services.{name}.{key} ={}\n", value.decorated(" ", ""))
                })
            });
            format!("{}{head}", each.collect::<String>())
        }
        _ => text.trim_end().into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_means_the_same(draft in draft()) {
        let text = write(&draft, &Memory::default());
        let workspace = valid(&Memory::new(&text)).workspace;
        holds(&workspace, &draft);
        prop_assert_eq!(workspace.services().len(), draft.services.len());
        for service in workspace.services() {
            let drafted = draft.services.iter().find(|it| it.name == service.name).unwrap();
            let edges = drafted.depends_on.iter().filter(|it| !it.is_left_out).map(|it| it.to.clone());
            prop_assert_eq!(&service.depends_on, &edges.collect::<Vec<_>>());
            prop_assert_eq!(&service.path, &drafted.path);
        }
        let again = updated(&text, &draft);
        prop_assert_eq!(again.text, text);
    }

    #[test]
    fn an_update_adds_what_is_new_and_only_once(draft in draft(), kept in vec(any::<bool>(), 10), newline in any::<bool>()) {
        let mut kept = kept.into_iter().cycle();
        let mut less = draft.clone();
        less.global_inputs.retain(|_| kept.next().unwrap());
        less.lock_files.retain(|_| kept.next().unwrap());
        less.services.retain(|_| kept.next().unwrap());
        let left: Vec<_> = less.services.iter().map(|it| it.name.clone()).collect();
        for service in &mut less.services {
            service.depends_on.retain(|it| left.contains(&it.to) && (it.is_left_out || kept.next().unwrap()));
        }
        let text = write(&less, &Memory::default());
        let text = if newline { text.replace('\n', "\r\n") } else { text };
        let once = updated(&text, &draft);
        let workspace = valid(&Memory::new(&once.text)).workspace;
        holds(&workspace, &draft);
        lines_stay(&text, &once.text);
        if newline {
            prop_assert_eq!(once.text.matches('\n').count(), once.text.matches("\r\n").count());
        }
        let twice = updated(&once.text, &draft);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert!(twice.services.is_empty() && twice.edges.is_empty() && twice.workspace.is_empty());
    }

    #[test]
    fn an_update_takes_any_form(draft in draft(), kept in vec(any::<bool>(), 10), form in 0..4u8) {
        let mut kept = kept.into_iter().cycle();
        let mut less = draft.clone();
        less.services.retain(|_| kept.next().unwrap());
        let left: Vec<_> = less.services.iter().map(|it| it.name.clone()).collect();
        for service in &mut less.services {
            service.depends_on.retain(|it| left.contains(&it.to) && kept.next().unwrap());
        }
        let text = reformed(&write(&less, &Memory::default()), form);
        let once = updated(&text, &draft);
        holds(&valid(&Memory::new(&once.text)).workspace, &draft);
        prop_assert_eq!(&updated(&once.text, &draft).text, &once.text);
    }
}
