//! The answer of `svc ci matrix`: the jobs of a fan-out, in the words of each system. Whatever is affected, also nothing,
//! each of them is something that the system takes.

use serde_json::{Value, json};

use crate::model::change::{Base, Head};
use crate::model::fanout::{Fanout, Leg};
use crate::model::handed::CAUSES;
use crate::model::path::FilePath;
use crate::report::affected::{base_json, head_json};
use crate::report::table::Table;
use crate::report::view::Look;
use crate::report::words;

/// What ends the line of a CircleCI configuration whose list is to be that of the legs.
pub const MARK: &str = "# svc ci matrix";

/// What ends the line that gives a variable the causes.
const CAUSES_MARK: &str = "# svc ci matrix causes";

/// A configuration to continue with where nobody has one: a job for each leg.
const CONTINUED: &str = include_str!("../../templates/ci/matrix/circleci.yml");

/// The jobs as people read them.
pub fn matrix_text(fanout: &Fanout, look: Look) -> String {
    let mut table = Table::new(&["job", "services", "takes about"]);
    for (index, leg) in fanout.legs.iter().enumerate() {
        table.row([
            look.paint.strong(index + 1),
            leg.words(),
            leg.expected.map(words::duration).unwrap_or_default(),
        ]);
    }
    match fanout.legs.is_empty() {
        true => "no jobs: nothing is affected\n".to_owned(),
        false => table.render(look),
    }
}

/// The jobs for machines.
pub fn matrix_json(fanout: &Fanout, base: &Base, head: Head, everything: Option<&str>) -> Value {
    let shards = fanout.legs.iter().map(|leg| {
        json!({
            "name": leg.name(),
            "services": leg.services,
            "tasks": ids(leg),
            "causes": fanout.causes(leg),
            "command": command(fanout, leg),
            "expected_ms": leg.expected.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        })
    });
    json!({
        "version": 1,
        "base": base_json(base),
        "head": head_json(head),
        "everything": everything,
        "task": fanout.task,
        "any": !fanout.legs.is_empty(),
        "shards": shards.collect::<Value>(),
    })
}

/// Lines for the file in `$GITHUB_OUTPUT`. An empty matrix is an error there, so that `any` has to be asked first.
pub fn matrix_github(fanout: &Fanout) -> String {
    let legs = fanout.legs.iter().enumerate().map(|(index, leg)| {
        json!({
            "name": leg.name(),
            "services": leg.words(),
            "tasks": ids(leg).join(" "),
            "causes": fanout.causes(leg),
            "shard": index + 1,
        })
    });
    let matrix = json!({"include": legs.collect::<Value>()});
    format!("matrix={matrix}\nany={}\n", !fanout.legs.is_empty())
}

/// Commands that set two output variables of the step: `legs`, for `strategy: matrix:`, and `any`.
pub fn matrix_azure(fanout: &Fanout) -> String {
    let legs = fanout.legs.iter().enumerate().map(|(index, leg)| {
        let name = leg.name().replace(", ", "_").replace([' ', '-'], "_");
        let name: String = name.chars().take(80).collect();
        let leg = json!({
            "services": leg.words(),
            "causes": fanout.causes(leg),
            "shard": (index + 1).to_string(),
        });
        (format!("s{}_{name}", index + 1), leg)
    });
    let legs = Value::Object(legs.collect());
    let any = !fanout.legs.is_empty();
    format!(
        "##vso[task.setvariable variable=legs;isOutput=true]{legs}\n\
         ##vso[task.setvariable variable=any;isOutput=true]{any}\n"
    )
}

/// A child pipeline. One without a visible job is an error there, so that it has one that does nothing. Names of jobs begin
/// with the task: some words are keys of GitLab.
pub fn matrix_gitlab(fanout: &Fanout, before: &[String]) -> String {
    let legs = fanout.legs.iter().map(|leg| {
        let mut script = before.to_vec();
        script.push(command(fanout, leg));
        let name = format!("{} {}", fanout.task, leg.name());
        (name, fanout.causes(leg), script)
    });
    let mut jobs: Vec<(String, String, Vec<String>)> = legs.collect();
    if jobs.is_empty() {
        let says = "echo 'nothing is affected'".to_owned();
        jobs.push((
            format!("{} nothing", fanout.task),
            String::new(),
            vec![says],
        ));
    }
    let mut text = String::from("stages: [test]\n");
    for (index, (name, causes, script)) in jobs.into_iter().enumerate() {
        let (name, shard) = (json!(name), index + 1);
        text.push_str(&format!(
            "{name}:\n  stage: test\n  variables:\n    SVC_SHARD: \"{shard}\"\n    {CAUSES}: \"{causes}\"\n  script:\n"
        ));
        for line in script {
            text.push_str(&format!("    - {}\n", json!(line)));
        }
    }
    text
}

/// Steps for `buildkite-agent pipeline upload`, which takes `$` for its own. It wants at least one step, so that there is
/// one that is skipped.
pub fn matrix_buildkite(fanout: &Fanout, before: &[String]) -> String {
    let escaped = |it: &String| it.replace('$', "$$");
    let steps = fanout.legs.iter().enumerate().map(|(index, leg)| {
        let mut commands: Vec<String> = before.iter().map(escaped).collect();
        commands.push(escaped(&command(fanout, leg)));
        json!({
            "label": format!("{} {}", fanout.task, leg.name()),
            "key": format!("svc-{}-{}", fanout.task, index + 1),
            "commands": commands,
            "env": {"SVC_SHARD": (index + 1).to_string(), CAUSES: fanout.causes(leg)},
        })
    });
    let mut steps: Vec<Value> = steps.collect();
    if steps.is_empty() {
        let label = format!("{} nothing", fanout.task);
        steps.push(json!({"label": label, "command": "true", "skip": "nothing is affected"}));
    }
    format!("{:#}\n", json!({ "steps": steps }))
}

/// A configuration to continue with. In `into`, or else in one of our own, the list at [`MARK`] becomes that of the legs: of
/// their services, or, of a parameter that is named `leg`, of their numbers and services. Where nothing is affected, one empty leg, as a matrix without any is an error. None if the mark is not there once.
pub fn matrix_circleci(fanout: &Fanout, before: &[String], into: Option<&str>) -> Option<String> {
    let text = into.unwrap_or(CONTINUED);
    let at = |line: &&str| line.trim_end().ends_with(MARK);
    let [line] = text.lines().filter(at).collect::<Vec<_>>()[..] else {
        return None;
    };
    let key = &line[..=line.find(':')?];
    let has_numbers = key.trim() == "leg:";
    let legs = fanout.legs.iter().enumerate();
    let mut legs: Vec<String> = legs
        .map(|(index, leg)| match has_numbers {
            true => format!("{} {}", index + 1, leg.words()),
            false => leg.words(),
        })
        .collect();
    if legs.is_empty() {
        legs.push(String::new());
    }
    let text = text.replacen(line, &format!("{key} {} {MARK}", json!(legs)), 1);
    let text = with_causes(&text, fanout);
    if into.is_some() {
        return Some(text);
    }
    let escape = |it: &str| it.replace("<<", "\\<<");
    let mut before: Vec<String> = before.iter().map(|it| escape(it)).collect();
    before.push(format!(
        "[ -z \"<< parameters.services >>\" ] || {} << parameters.services >>",
        escape(&prefix(fanout))
    ));
    Some(text.replace("SCRIPT", &json!(before.join("\n")).to_string()))
}

/// The text with the causes of all jobs where it ends a line in [`CAUSES_MARK`].
fn with_causes(text: &str, fanout: &Fanout) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let key = line.trim_end().strip_suffix(CAUSES_MARK);
        match key.and_then(|it| Some(&it[..=it.find(':')?])) {
            Some(key) => format!("{key} {} {CAUSES_MARK}\n", json!(fanout.all_causes())),
            None => line.to_owned(),
        }
    });
    lines.collect()
}

/// What a job runs.
fn command(fanout: &Fanout, leg: &Leg) -> String {
    format!("{} {}", prefix(fanout), leg.words())
}

/// The command without the services, from the top of the repository.
fn prefix(fanout: &Fanout) -> String {
    let svc = svc_at(&fanout.scope);
    match fanout.task.as_str() {
        task @ ("build" | "test") => format!("{svc} {task}"),
        task => format!("{svc} run {task}"),
    }
}

/// How a shell at the top of a repository calls `svc` for the workspace in `scope`.
pub fn svc_at(scope: &FilePath) -> String {
    if scope.is_root() {
        return "svc".to_owned();
    }
    let scope = String::from_utf8_lossy(scope.as_bytes()).into_owned();
    let quoted = shlex::try_quote(&scope).map_or_else(|_| scope.clone(), Into::into);
    format!("svc -C {quoted}")
}

fn ids(leg: &Leg) -> Vec<String> {
    leg.tasks.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::cause::Cause;
    use crate::model::name::{ServiceName, TaskId, TaskName};

    fn leg(names: &[&str]) -> Leg {
        let services = names.iter().map(|it| ServiceName::new(it).unwrap());
        let tasks = names
            .iter()
            .map(|it| TaskId::parse(&format!("{it}:test")).unwrap());
        Leg {
            services: services.collect(),
            tasks: tasks.collect(),
            causes: names.iter().map(|_| vec![Cause::Definition]).collect(),
            expected: Some(Duration::from_secs(2)),
        }
    }

    fn fanout(legs: &[&[&str]]) -> Fanout {
        Fanout {
            task: TaskName::new("test").unwrap(),
            scope: FilePath::default(),
            legs: legs.iter().map(|it| leg(it)).collect(),
        }
    }

    #[test]
    fn each_system_gets_its_words() {
        let two = fanout(&[&["money", "orders", "web-shop", "gateway"], &["cache"]]);
        insta::assert_snapshot!(matrix_github(&two), @r#"
        matrix={"include":[{"name":"money, orders and 2 more","services":"money orders web-shop gateway","tasks":"money:test orders:test web-shop:test gateway:test","causes":"*=definition","shard":1},{"name":"cache","services":"cache","tasks":"cache:test","causes":"cache=definition","shard":2}]}
        any=true
        "#);
        insta::assert_snapshot!(matrix_azure(&two), @r#"
        ##vso[task.setvariable variable=legs;isOutput=true]{"s1_money_orders_and_2_more":{"services":"money orders web-shop gateway","causes":"*=definition","shard":"1"},"s2_cache":{"services":"cache","causes":"cache=definition","shard":"2"}}
        ##vso[task.setvariable variable=any;isOutput=true]true
        "#);
        insta::assert_snapshot!(matrix_gitlab(&two, &["a \"$b\"".into()]), @r#"
        stages: [test]
        "test money, orders and 2 more":
          stage: test
          variables:
            SVC_SHARD: "1"
            SVC_CAUSES: "*=definition"
          script:
            - "a \"$b\""
            - "svc test money orders web-shop gateway"
        "test cache":
          stage: test
          variables:
            SVC_SHARD: "2"
            SVC_CAUSES: "cache=definition"
          script:
            - "a \"$b\""
            - "svc test cache"
        "#);
        let steps: Value = serde_json::from_str(&matrix_buildkite(&two, &["a $b".into()])).unwrap();
        assert_eq!(
            steps["steps"][1]["commands"],
            json!(["a $$b", "svc test cache"])
        );
        assert_eq!(steps["steps"][0]["key"], "svc-test-1");
    }

    #[test]
    fn nothing_is_something_that_each_system_takes() {
        let none = fanout(&[]);
        assert_eq!(matrix_github(&none), "matrix={\"include\":[]}\nany=false\n");
        assert!(matrix_azure(&none).contains("isOutput=true]{}\n"));
        assert!(matrix_azure(&none).ends_with("]false\n"));
        assert!(matrix_gitlab(&none, &[]).contains("\"test nothing\":"));
        assert!(matrix_buildkite(&none, &[]).contains("\"skip\": \"nothing is affected\""));
        assert!(
            matrix_circleci(&none, &[], None)
                .unwrap()
                .contains(r#"services: [""] #"#)
        );
        assert_eq!(
            matrix_text(&none, Look::default()),
            "no jobs: nothing is affected\n"
        );
    }

    #[test]
    fn other_tasks_and_places_have_their_command() {
        let mut fanout = fanout(&[&["a", "b"]]);
        let check = |fanout: &Fanout, expected: &str| {
            assert_eq!(command(fanout, &fanout.legs[0]), expected);
        };
        check(&fanout, "svc test a b");
        fanout.task = TaskName::new("lint").unwrap();
        fanout.scope = "apps/the shop".into();
        check(&fanout, "svc -C 'apps/the shop' run lint a b");
    }

    #[test]
    fn legs_go_where_a_configuration_wants_them() {
        let fanout = fanout(&[&["a", "b"], &["c"]]);
        let check = |into: &str, expected: Option<&str>| {
            let found = matrix_circleci(&fanout, &[], Some(into));
            assert_eq!(found.as_deref(), expected);
        };
        check(
            "x: 1\n  services: [\"\"] # svc ci matrix\ny: 2\n",
            Some("x: 1\n  services: [\"a b\",\"c\"] # svc ci matrix\ny: 2\n"),
        );
        check(
            "  leg: [\"\"] # svc ci matrix\n",
            Some("  leg: [\"1 a b\",\"2 c\"] # svc ci matrix\n"),
        );
        check("x: 1\n", None);
        check(
            "services: [] # svc ci matrix\nservices: [] # svc ci matrix\n",
            None,
        );
        check("# svc ci matrix\n", None);
    }
}
