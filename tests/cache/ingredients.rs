//! Whatever changes that can change a result is a miss and is named; whatever else changes is a hit.
//!
//! What must miss is known beforehand from [`World::ingredients`], which says in its own words what each task is made from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::chance::{Chance, rounds};
use crate::steps::{STEPS, Step};
use crate::support::Svc;
use crate::workspace::{Made, World};

/// One thing that differs: its kind, its name, and how.
type Differing = (String, String, String);

#[test]
fn what_changes_a_result_is_a_miss_that_names_it_and_nothing_else_is() {
    let mut chance = Chance::new("ingredients");
    for _ in 0..rounds(1) {
        one_workspace(&mut chance);
    }
}

/// Takes every kind of step once, in any order.
fn one_workspace(chance: &mut Chance) {
    let mut world = World::new(chance);
    let mut seen = Seen::default();
    expect(&mut world, &mut seen, "at first");
    expect(&mut world, &mut seen, "again");
    let mut steps: Vec<&Step> = STEPS.iter().collect();
    while !steps.is_empty() {
        let step = steps.swap_remove(chance.below(steps.len()));
        let before = world.all();
        let Some(what) = (step.take)(&mut world, chance) else {
            continue;
        };
        let what = format!("{}: {what}", step.name);
        let is_same = world.all() == before;
        assert_eq!(is_same, !step.is_ingredient, "the model is wrong of {what}");
        expect(&mut world, &mut seen, &what);
    }
}

/// The results so far of each task, the last one last.
#[derive(Default)]
struct Seen(BTreeMap<String, Vec<Made>>);

impl Seen {
    fn of(&self, task: &str) -> &[Made] {
        self.0.get(task).map_or(&[], |it| it)
    }

    /// Whether these differences are those to an earlier result that is no farther away than the last one.
    fn may_differ_in(&self, task: &str, now: &Made, said: impl Fn(&[Differing]) -> bool) -> bool {
        let all: Vec<_> = self
            .of(task)
            .iter()
            .map(|it| differences(it, now))
            .collect();
        let Some(last) = all.last() else {
            return false;
        };
        let near = all.iter().filter(|it| it.len() <= last.len());
        near.into_iter().any(|it| said(it))
    }
}

/// Looks and runs once: just what the model says must run.
fn expect(world: &mut World, seen: &mut Seen, what: &str) {
    let all = world.all();
    for (task, now) in &all {
        expect_why(world, seen, task, now, what);
    }
    let mut arguments = vec!["test", "--all", "--format", "json"];
    if !world.arguments.is_empty() {
        arguments.push("--");
        arguments.extend(world.arguments.iter().map(String::as_str));
    }
    let said = world.svc(&arguments).run();
    assert_eq!(said.code(), 0, "{what}\n{}", said.all());
    let run: Value = serde_json::from_str(&said.stdout()).unwrap();
    let rows = run["tasks"].as_array().unwrap();
    let ids: BTreeSet<&str> = rows.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, all.keys().map(String::as_str).collect(), "{what}");
    for row in rows {
        let task = row["id"].as_str().unwrap();
        let now = &all[task];
        let is_known = seen.of(task).contains(now);
        let outcome = if is_known { "cached" } else { "passed" };
        assert_eq!(row["outcome"], outcome, "{what}: {task}\n{row:#}");
        match row["missed"].as_str() {
            None => assert!(
                is_known || seen.of(task).is_empty(),
                "{what}: {task} {row:#}"
            ),
            Some(reason) => {
                let is_said = seen.may_differ_in(task, now, |it| says(reason, it));
                let last = seen.of(task).last().map(|it| differences(it, now));
                assert!(
                    is_said,
                    "{what}: {task} missed as `{reason}`, not {last:#?}"
                );
            }
        }
    }
    world.expect_outputs(what);
    for (task, now) in all {
        let results = seen.0.entry(task).or_default();
        results.retain(|it| *it != now);
        results.push(now);
    }
}

/// `svc why` knows the same, as far as it can without running anything.
fn expect_why(world: &World, seen: &Seen, task: &str, now: &Made, what: &str) {
    // It takes no arguments.
    let has_arguments = task.ends_with(":test") && !world.arguments.is_empty();
    if seen.of(task).last() == Some(now) || has_arguments {
        return;
    }
    let why = world.svc(&["why", task]).json();
    let result = &why["result"];
    let (later, unasked) = (names(&result["later"]), names(&result["unasked"]));
    if seen.of(task).contains(now) {
        let is_open = !later.is_empty() || !unasked.is_empty();
        assert!(
            is_open || result["verdict"] == "cached",
            "{what}: {task} {why:#}"
        );
        return;
    }
    assert_eq!(result["verdict"], "run", "{what}: {task} {why:#}");
    let Some(found) = result["nearest"]["differences"].as_array() else {
        assert!(seen.of(task).is_empty(), "{what}: {task} {why:#}");
        return;
    };
    let found: BTreeSet<Differing> = found.iter().map(differing).collect();
    // A need is open if it has to run itself, or something far below it has to.
    let waits = !later.is_empty() || !unasked.is_empty();
    let is_open = |it @ (kind, name, _): &Differing| match &kind[..] {
        "need" => waits && !found.contains(it),
        "tool" => unasked.contains(name),
        _ => false,
    };
    let is_said = seen.may_differ_in(task, now, |all| {
        let all = all.iter().filter(|it| !is_open(it)).cloned();
        all.collect::<BTreeSet<_>>() == found
    });
    assert!(is_said, "{what}: {task} {why:#}");
}

fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten();
    names.map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn differing(json: &Value) -> Differing {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let kind = match (text("kind").as_str(), text("role").as_str()) {
        ("file", "global-input") => "global".to_owned(),
        ("file", "dependency") => format!("of {}", text("service")),
        (kind, _) => kind.to_owned(),
    };
    let name = ["path", "name", "command", "task"].map(text).concat();
    (kind, name, text("how"))
}

/// What differs between two results.
fn differences(old: &Made, new: &Made) -> Vec<Differing> {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter_map(|of| {
        let (kind, name) = of;
        let how = match (old.get(of), new.get(of)) {
            (old, new) if old == new => return None,
            (None, _) => "added",
            (_, None) => "removed",
            (Some(old), Some(new)) => match &kind[..] {
                "need" if old.0 != new.0 => how_need(&new.0),
                "need" => "values",
                "variable" | "tool" => "changed",
                "file" | "global" => {
                    if old.0 == new.0 {
                        "mode"
                    } else {
                        "changed"
                    }
                }
                it if it.starts_with("of ") => {
                    if old.0 == new.0 {
                        "mode"
                    } else {
                        "changed"
                    }
                }
                _ => "",
            },
        };
        Some((kind.clone(), name.clone(), how.to_owned()))
    });
    differing.collect()
}

fn how_need(result: &str) -> &'static str {
    if result.starts_with("key") {
        "key"
    } else {
        "outputs"
    }
}

/// Whether the short reason of a run is about just these differences.
fn says(reason: &str, all: &[Differing]) -> bool {
    let more = all.len().saturating_sub(1);
    let first = match more {
        0 => Some(reason),
        _ => reason.strip_suffix(&format!(" and {more} more")),
    };
    first.is_some_and(|first| all.iter().any(|it| is_wording(first, it)))
}

fn is_wording(text: &str, (kind, name, how): &Differing) -> bool {
    let is_plain = |it: &str| {
        it.bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"/.-_".contains(&it))
    };
    let of_file = match &how[..] {
        "mode" => "changed its mode",
        how => how,
    };
    let wording = match (&kind[..], &how[..]) {
        ("file", _) => format!("{name} {of_file}"),
        ("global", _) => format!("global input {name} {of_file}"),
        ("variable", "added") => format!("variable {name} is set"),
        ("variable", "removed") => format!("variable {name} is not set any more"),
        ("variable", _) => format!("variable {name} changed"),
        ("tool", _) => format!("`{name}` prints something else"),
        ("need", "outputs") => format!("{name} left other outputs"),
        ("need", "values") => format!("{name} gave other values"),
        ("need", "key") => format!("{name} was made from something else"),
        ("commands", _) => "the command changed".to_owned(),
        ("arguments", _) => "the arguments changed".to_owned(),
        ("shell", _) => "the shell changed".to_owned(),
        ("outputs", _) => "the declared outputs changed".to_owned(),
        ("strict-env", _) => "strict-env changed".to_owned(),
        ("path", _) => "the path of the service changed".to_owned(),
        (of, _) if of.starts_with("of ") => format!("{name} {of_file}"),
        other => panic!("{other:?}"),
    };
    // How odd names are quoted is tested elsewhere.
    text == wording || (!is_plain(name) && text.ends_with(of_file))
}

impl World {
    /// `svc` with the variables of this world.
    pub fn svc(&self, arguments: &[&str]) -> Svc {
        let tools = self.repo.beside("tools");
        let path = std::env::var("PATH").unwrap();
        let svc = self.repo.at(&self.root).svc(arguments);
        let svc = svc.env("PATH", format!("{}:{path}", tools.display()));
        let variables = self.variables.iter();
        variables.fold(svc, |svc, (name, value)| svc.env(name, value))
    }
}
