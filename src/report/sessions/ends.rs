//! How runs end.

use std::time::Duration;

use crate::model::event::Event;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, TaskResult};
use crate::report::sessions::{begun, ended, finished, settings, started, told};
use crate::report::settings::LogMode;
use crate::report::view::samples::{plan, planned, result, summary};

#[test]
fn an_interrupted_run_says_what_was_not_done() {
    let tasks = vec![
        planned("api:build", &[]),
        planned("web:build", &[]),
        planned("api:test", &[0]),
    ];
    let results = vec![
        result(Outcome::Interrupted, 900),
        result(Outcome::Passed, 800),
        TaskResult::not_started(Outcome::Interrupted, "interrupted"),
    ];
    let mut end = summary(results.clone(), 1000);
    end.interrupted = true;
    let events = [
        begun(plan(tasks)),
        started(0),
        started(1),
        finished(1, &results[1]),
        Event::Stopping {
            reason: "interrupted by SIGINT".to_owned(),
        },
        finished(0, &results[0]),
        finished(2, &results[2]),
        ended(end),
    ];
    insta::assert_snapshot!(told(&settings(LogMode::Grouped), &events), @r"
    3 tasks: 3 to run; 4 jobs
    ✓ web:build   800ms
    ! stopping: interrupted by SIGINT, waiting for 1 task
    ! api:build   900ms  interrupted
    ! interrupted after 1.0s, 3 tasks: 1 interrupted, 1 not started, 1 passed
    ");
}

#[test]
fn a_run_with_nothing_to_do_says_so() {
    let settings = settings(LogMode::Grouped);
    let empty = [begun(Plan::default()), ended(summary(vec![], 0))];
    assert_eq!(told(&settings, &empty), "nothing to do\n");
    let mut tasks = vec![planned("api:build", &[]), planned("api:test", &[0])];
    tasks.iter_mut().for_each(|it| it.verdict = Verdict::Skip);
    let skipped = TaskResult::not_started(Outcome::Skipped, "");
    let events = [
        begun(plan(tasks)),
        finished(0, &skipped),
        finished(1, &skipped),
        ended(summary(vec![skipped.clone(), skipped.clone()], 1)),
    ];
    assert_eq!(
        told(&settings, &events),
        "nothing to do: 2 tasks are up to date\n"
    );
}

#[test]
fn what_the_cache_saved_and_the_longest_chain_are_told() {
    let mut tasks: Vec<_> = (0..9)
        .map(|at: usize| {
            let needs: Vec<usize> = at.checked_sub(1).into_iter().collect();
            planned(&format!("s{at}:build"), &needs)
        })
        .collect();
    tasks.push(planned("other:build", &[]));
    tasks.push(planned("cached:build", &[]));
    tasks[10].verdict = Verdict::Cached;
    let mut results = vec![result(Outcome::Passed, 1000); 10];
    results.push(TaskResult {
        saved: Duration::from_secs(90),
        ..TaskResult::not_started(Outcome::Cached, "")
    });
    let mut end = summary(results, 9100);
    end.critical_path = (0..9).collect();
    let events = [begun(plan(tasks)), ended(end)];
    insta::assert_snapshot!(told(&settings(LogMode::None), &events), @r"
    11 tasks: 10 to run, 1 cached; 4 jobs
    ✓ 11 tasks in 9.1s: 10 passed, 1 cached; the cache saved 1m 30s
      longest chain 9.0s: s0:build 1.0s → s1:build 1.0s → s2:build 1.0s → 4 more → s7:build 1.0s → s8:build 1.0s
    ");
}
