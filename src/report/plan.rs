//! A plan that is shown and not run: a table for people, rows for machines.

use serde_json::{Map, Value, json};

use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::report::clean::one_line;
use crate::report::table::Table;
use crate::report::view::Look;
use crate::report::words;

/// The plan as a table, and a line that counts.
pub fn plan_text(plan: &Plan, look: Look) -> String {
    if plan.tasks.is_empty() {
        return "nothing to do\n".to_owned();
    }
    let mut table = Table::new(&["task", "verdict", "cause", "reason"]);
    for task in &plan.tasks {
        let paint = look.paint;
        let shown_causes = if look.is_verbose() { usize::MAX } else { 1 };
        let word = task.verdict.word();
        let verdict = match task.verdict {
            Verdict::Run => paint.strong(word),
            Verdict::Cached => paint.good(word),
            Verdict::Skip => paint.faint(word),
        };
        table.row([
            task.id.to_string(),
            verdict,
            words::causes(&task.causes, shown_causes),
            reason(task),
        ]);
    }
    format!("{}\n{}\n", table.render(look), plan_counts(plan))
}

/// Why the verdict is what it is; of an earlier result what it saves.
fn reason(task: &PlannedTask) -> String {
    let saved = task.expected.filter(|it| it.as_millis() > 0);
    match (task.verdict, saved) {
        (Verdict::Cached, Some(saved)) => format!("saves {}", words::duration(saved)),
        _ => one_line(&task.reason),
    }
}

/// How much there is to do: `12 tasks: 8 to run, 3 cached, 1 up to date`.
pub fn plan_counts(plan: &Plan) -> String {
    let named = [
        (Verdict::Run, "to run"),
        (Verdict::Cached, "cached"),
        (Verdict::Skip, "up to date"),
    ];
    let counts = named
        .iter()
        .map(|(verdict, words)| (plan.count(*verdict), words));
    let counts: Vec<String> = counts
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let tasks = words::count(plan.tasks.len(), "task");
    match counts.is_empty() {
        true => tasks,
        false => format!("{tasks}: {}", counts.join(", ")),
    }
}

/// The plan as `--dry-run --format json` gives it.
pub fn plan_json(plan: &Plan) -> Value {
    json!({"version": 1, "tasks": plan_rows(plan)})
}

/// One object for each task.
pub fn plan_rows(plan: &Plan) -> Vec<Map<String, Value>> {
    let tasks = plan.tasks.iter();
    tasks.map(|task| plan_row(plan, task)).collect()
}

/// One task as machines read it.
pub fn plan_row(plan: &Plan, task: &PlannedTask) -> Map<String, Value> {
    let needs: Vec<_> = task
        .needs
        .iter()
        .map(|need| &plan.tasks[*need].id)
        .collect();
    let fields = [
        ("id", json!(task.id)),
        ("service", json!(task.id.service)),
        ("task", json!(task.id.task)),
        ("needs", json!(needs)),
        ("verdict", json!(task.verdict.word())),
        ("reason", json!(task.reason)),
        ("key", json!(task.key)),
        ("causes", json!(task.causes)),
    ];
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::cause::Cause;
    use crate::report::view::samples::{plan, planned, service, task};

    fn sample() -> Plan {
        let mut tasks = vec![
            planned("common:build", &[]),
            planned("api:build", &[0]),
            planned("api:test", &[0, 1]),
        ];
        tasks[0].verdict = Verdict::Skip;
        tasks[0].reason = "passed with the same inputs in run 6".to_owned();
        tasks[0].causes = vec![Cause::NeededBy(task("api:build"))];
        tasks[1].causes = vec![
            Cause::Changed("services/api/main.py".into()),
            Cause::Dependency(service("common")),
        ];
        tasks[2].reason = "failed in run 6".to_owned();
        tasks[2].causes = vec![Cause::FailedBefore];
        plan(tasks)
    }

    #[test]
    fn a_plan_is_a_table_with_causes_and_reasons() {
        insta::assert_snapshot!(plan_text(&sample(), Look::default()), @r"
        TASK          VERDICT  CAUSE                                    REASON
        common:build  skip     needed by api:build                      passed with the same inputs in run 6
        api:build     run      services/api/main.py changed and 1 more
        api:test      run      failed before                            failed in run 6

        3 tasks: 2 to run, 1 up to date
        ");
    }

    #[test]
    fn a_plan_for_machines_has_the_documented_fields() {
        crate::report::schema::tests::validate("plan", &plan_json(&sample()));
        insta::assert_snapshot!(plan_json(&sample()), @r#"{"version":1,"tasks":[{"id":"common:build","service":"common","task":"build","needs":[],"verdict":"skip","reason":"passed with the same inputs in run 6","key":null,"causes":[{"kind":"needed-by","task":"api:build"}]},{"id":"api:build","service":"api","task":"build","needs":["common:build"],"verdict":"run","reason":"","key":null,"causes":[{"kind":"changed","path":"services/api/main.py"},{"kind":"dependency","service":"common"}]},{"id":"api:test","service":"api","task":"test","needs":["common:build","api:build"],"verdict":"run","reason":"failed in run 6","key":null,"causes":[{"kind":"failed-before"}]}]}"#);
    }

    #[test]
    fn an_empty_plan_is_said_in_words() {
        assert_eq!(
            plan_text(&Plan::default(), Look::default()),
            "nothing to do\n"
        );
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "this is about time")]
    fn five_thousand_tasks_are_shown_at_once() {
        let tasks = (0..5000).map(|at| {
            let needs: Vec<usize> = (0..at).rev().take(5).rev().collect();
            planned(&format!("service-{at}:build"), &needs)
        });
        let plan = plan(tasks.collect());
        let start = Instant::now();
        assert_eq!(plan_text(&plan, Look::default()).lines().count(), 5003);
        assert!(plan_json(&plan).to_string().len() > 500_000);
        assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
    }
}
