//! Whole runs as people see them, told from made-up events. Here is what they have in common.

mod ends;
mod folds;
mod live;
mod logs;
mod others;

use std::sync::Arc;

use crate::model::event::Event;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::output::Output;
use crate::report::paint::Paint;
use crate::report::people::{People, SignOfLife};
use crate::report::reporter::Reporter;
use crate::report::settings::{LogMode, Settings};
use crate::report::view::samples::{changed, failed, plan, planned, result, summary};

pub const PLAIN: Paint = Paint {
    colour: false,
    unicode: true,
};

pub fn settings(log: LogMode) -> Settings {
    Settings {
        stderr: PLAIN,
        log: Some(log),
        ..Settings::default()
    }
}

pub fn started(task: usize) -> Event {
    Event::TaskStarted { task, attempt: 1 }
}

pub fn wrote(task: usize, text: &str) -> Event {
    let bytes = text.as_bytes().to_vec();
    Event::TaskWrote { task, bytes }
}

pub fn finished(task: usize, result: &TaskResult) -> Event {
    let result = result.clone();
    Event::TaskFinished { task, result }
}

pub fn begun(plan: Plan) -> Event {
    Event::RunStarted {
        plan: Arc::new(plan),
        id: Some("7".to_owned()),
        jobs: 4,
    }
}

pub fn ended(summary: Summary) -> Event {
    Event::RunFinished {
        summary: Arc::new(summary),
    }
}

pub fn told(settings: &Settings, events: &[Event]) -> String {
    let output = Output::memory();
    let mut people = People::with_sign(settings, output.clone(), SignOfLife::None);
    events.iter().for_each(|event| people.event(event));
    output.contents()
}

/// Two services over a library that is up to date; a test fails, and what needs it is skipped.
pub fn a_run_that_fails() -> Vec<Event> {
    let mut tasks = vec![
        planned("common:build", &[]),
        planned("api:build", &[0]),
        planned("money:build", &[0]),
        planned("api:test", &[1]),
        planned("money:test", &[2]),
        planned("money:package", &[4]),
        planned("money:publish", &[5]),
    ];
    tasks[0].verdict = Verdict::Skip;
    tasks[0].reason = "passed with the same inputs in run 6".to_owned();
    tasks[1].causes = vec![changed("services/api/main.py")];
    let mut failure = failed(300, "test_money FAILED\nE   AssertionError: 1 != 2\n\n");
    failure.log = Some(".git/svc/runs/7/money-test.log".into());
    failure.hints =
        vec!["MONEY_RATE was removed from the environment; list it in `env`".to_owned()];
    let skipped = |reason| TaskResult::not_started(Outcome::Skipped, reason);
    let results = vec![
        skipped(""),
        result(Outcome::Passed, 3200),
        result(Outcome::Passed, 400),
        TaskResult {
            attempts: 2,
            ..result(Outcome::Passed, 1200)
        },
        failure,
        skipped("needs money:test"),
        skipped("needs money:package"),
    ];
    let mut end = summary(results.clone(), 4500);
    end.critical_path = vec![1, 3];
    vec![
        begun(plan(tasks)),
        finished(0, &results[0]),
        started(1),
        started(2),
        wrote(1, "compiling a\nli"),
        wrote(2, "compiling money\n"),
        wrote(1, "nking\n"),
        finished(2, &results[2]),
        started(4),
        wrote(4, "test_rate ok\ntest_money FAI"),
        finished(1, &results[1]),
        started(3),
        wrote(3, "flaky\n"),
        Event::TaskRetried {
            task: 3,
            reason: "exit code 1".to_owned(),
        },
        Event::TaskStarted {
            task: 3,
            attempt: 2,
        },
        wrote(3, "10%\r50%\r100%\r\nfine"),
        wrote(4, "LED\nE   AssertionError: 1 != 2"),
        finished(4, &results[4]),
        finished(5, &results[5]),
        finished(6, &results[6]),
        finished(3, &results[3]),
        Event::Warned {
            message: "logs are not kept: disk full".to_owned(),
        },
        ended(end),
    ]
}
