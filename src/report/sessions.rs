//! Whole runs as people see them, told from made-up events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

use crate::model::affected::Cause;
use crate::model::event::Event;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::board::Board;
use crate::report::clock::Clock;
use crate::report::output::{Output, TestWrite};
use crate::report::paint::Paint;
use crate::report::people::{People, SignOfLife};
use crate::report::reporter::{Reporter, Reporters};
use crate::report::settings::{Format, LogMode, Settings, Verbosity};
use crate::report::view::samples::{failed, plan, planned, result, summary};

const PLAIN: Paint = Paint {
    colour: false,
    unicode: true,
};

fn settings(log: LogMode) -> Settings {
    Settings {
        stderr: PLAIN,
        log: Some(log),
        ..Settings::default()
    }
}

fn started(task: usize) -> Event {
    Event::TaskStarted { task, attempt: 1 }
}

fn wrote(task: usize, text: &str) -> Event {
    let bytes = text.as_bytes().to_vec();
    Event::TaskWrote { task, bytes }
}

fn finished(task: usize, result: &TaskResult) -> Event {
    let result = result.clone();
    Event::TaskFinished { task, result }
}

fn begun(plan: Plan) -> Event {
    Event::RunStarted {
        plan: Arc::new(plan),
        id: Some("7".to_owned()),
        jobs: 4,
    }
}

fn ended(summary: Summary) -> Event {
    Event::RunFinished {
        summary: Arc::new(summary),
    }
}

fn told(settings: &Settings, events: &[Event]) -> String {
    let output = Output::memory();
    let mut people = People::with_sign(settings, output.clone(), SignOfLife::None);
    events.iter().for_each(|event| people.event(event));
    output.contents()
}

/// Two services over a library that is up to date; a test fails, and what needs it is skipped.
fn a_run_that_fails() -> Vec<Event> {
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
    tasks[1].causes = vec![Cause::Changed("services/api/main.py".into())];
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

#[test]
fn streamed_lines_carry_the_name_of_their_task() {
    insta::assert_snapshot!(told(&settings(LogMode::Stream), &a_run_that_fails()), @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    api:build | compiling a
    money:build | compiling money
    api:build | linking
    ✓ money:build     400ms
    money:test | test_rate ok
    ✓ api:build        3.2s
    api:test | flaky
    ↻ api:test       tried again: exit code 1
    api:test | 100%
    money:test | test_money FAILED
    money:test | E   AssertionError: 1 != 2
    ✗ money:test      300ms  exit code 1
    api:test | fine
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn grouped_logs_come_whole() {
    insta::assert_snapshot!(told(&settings(LogMode::Grouped), &a_run_that_fails()), @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    ┌ money:build
    │ compiling money
    ✓ money:build     400ms
    ┌ api:build
    │ compiling a
    │ linking
    ✓ api:build        3.2s
    ↻ api:test       tried again: exit code 1
    ┌ money:test
    │ test_rate ok
    │ test_money FAILED
    │ E   AssertionError: 1 != 2
    ✗ money:test      300ms  exit code 1
    ┌ api:test
    │ flaky
    │ 100%
    │ fine
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn only_logs_of_failures_are_shown_if_so_wished() {
    insta::assert_snapshot!(told(&settings(LogMode::Failed), &a_run_that_fails()), @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    ✓ money:build     400ms
    ✓ api:build        3.2s
    ↻ api:test       tried again: exit code 1
    ┌ money:test
    │ test_rate ok
    │ test_money FAILED
    │ E   AssertionError: 1 != 2
    ✗ money:test      300ms  exit code 1
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn without_logs_the_end_still_shows_the_last_lines() {
    insta::assert_snapshot!(told(&settings(LogMode::None), &a_run_that_fails()), @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    ✓ money:build     400ms
    ✓ api:build        3.2s
    ↻ api:test       tried again: exit code 1
    ✗ money:test      300ms  exit code 1
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      │ test_money FAILED
      │ E   AssertionError: 1 != 2
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn without_a_choice_several_tasks_are_grouped_and_one_is_streamed() {
    let mut settings = settings(LogMode::Grouped);
    let grouped = told(&settings, &a_run_that_fails());
    settings.log = None;
    assert_eq!(told(&settings, &a_run_that_fails()), grouped);
    let passed = result(Outcome::Passed, 1200);
    let events = [
        begun(plan(vec![planned("api:test", &[])])),
        started(0),
        wrote(0, "3 passed\n"),
        finished(0, &passed),
        ended(summary(vec![passed], 1210)),
    ];
    insta::assert_snapshot!(told(&settings, &events), @r"
    api:test | 3 passed
    ✓ api:test    1.2s
    ✓ 1 task in 1.2s: 1 passed
    ");
}

#[test]
fn quiet_says_what_went_wrong_and_nothing_else() {
    let mut settings = settings(LogMode::None);
    settings.verbosity = Verbosity::Quiet;
    insta::assert_snapshot!(told(&settings, &a_run_that_fails()), @r"
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      │ test_money FAILED
      │ E   AssertionError: 1 != 2
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
    let passed = result(Outcome::Passed, 1200);
    let events = [
        begun(plan(vec![planned("api:test", &[])])),
        started(0),
        finished(0, &passed),
        ended(summary(vec![passed], 1210)),
    ];
    assert_eq!(told(&settings, &events), "");
}

#[test]
fn verbose_says_why_each_task_starts_and_why_not() {
    let mut settings = settings(LogMode::None);
    settings.verbosity = Verbosity::Verbose;
    insta::assert_snapshot!(told(&settings, &a_run_that_fails()), @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    - common:build   passed with the same inputs in run 6
    ▸ api:build      services/api/main.py changed
    ▸ money:build    requested
    ✓ money:build     400ms
    ▸ money:test     requested
    ✓ api:build        3.2s
    ▸ api:test       requested
    ↻ api:test       tried again: exit code 1
    ✗ money:test      300ms  exit code 1
    - money:package  needs money:test
    - money:publish  needs money:package
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      │ test_money FAILED
      │ E   AssertionError: 1 != 2
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn where_unicode_does_not_show_words_do() {
    let mut settings = settings(LogMode::Grouped);
    settings.stderr.unicode = false;
    let text = told(&settings, &a_run_that_fails());
    assert!(text.is_ascii());
    insta::assert_snapshot!(text, @r"
    7 tasks: 6 to run, 1 up to date; 4 jobs
    + money:build
    | compiling money
    ok   money:build     400ms
    + api:build
    | compiling a
    | linking
    ok   api:build        3.2s
    redo api:test       tried again: exit code 1
    + money:test
    | test_rate ok
    | test_money FAILED
    | E   AssertionError: 1 != 2
    FAIL money:test      300ms  exit code 1
    + api:test
    | flaky
    | 100%
    | fine
    ok   api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    FAIL money:test: exit code 1
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    skip 2 tasks skipped, need money:test: money:package, money:publish
    FAIL 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s > api:test 1.2s
    ");
}

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
    tasks[10].expected = Some(Duration::from_secs(90));
    let mut results = vec![result(Outcome::Passed, 1000); 10];
    results.push(TaskResult::not_started(Outcome::Cached, ""));
    let mut end = summary(results, 9100);
    end.critical_path = (0..9).collect();
    let events = [begun(plan(tasks)), ended(end)];
    insta::assert_snapshot!(told(&settings(LogMode::None), &events), @r"
    11 tasks: 10 to run, 1 cached; 4 jobs
    ✓ 11 tasks in 9.1s: 10 passed, 1 cached; the cache saved 1m 30s
      longest chain 9.0s: s0:build 1.0s → s1:build 1.0s → s2:build 1.0s → 4 more → s7:build 1.0s → s8:build 1.0s
    ");
}

#[test]
fn hostile_output_stays_in_its_lines() {
    let hostile =
        "\x1b[2J\x1b[1;1H✓ fake:task\r\n::error::x\n\x1b]0;title\x07\x1b[31mred\nred still";
    let passed = result(Outcome::Passed, 100);
    let events = [
        begun(plan(vec![planned("api:test", &[])])),
        started(0),
        wrote(0, hostile),
        finished(0, &passed),
    ];
    insta::assert_snapshot!(told(&settings(LogMode::Stream), &events), @r"
    api:test | ✓ fake:task
    api:test | ::error::x
    api:test | red
    api:test | red still
    ✓ api:test   100ms
    ");
    let mut settings = settings(LogMode::Grouped);
    settings.stderr.colour = true;
    settings.stderr_is_terminal = true;
    insta::assert_snapshot!(told(&settings, &events).replace('\x1b', "^"), @r"
    ^[2m┌^[0m api:test
    ^[2m│^[0m ✓ fake:task
    ^[2m│^[0m ::error::x
    ^[2m│^[0m ^[31mred^[0m
    ^[2m│^[0m ^[31mred still^[0m
    ^[32m✓^[0m api:test   100ms
    ");
}

#[test]
fn a_flood_is_passed_on_in_pieces() {
    let passed = result(Outcome::Passed, 100);
    let settings = settings(LogMode::Stream);
    let mut people = People::with_sign(&settings, Output::memory(), SignOfLife::None);
    people.event(&begun(plan(vec![planned("api:test", &[])])));
    people.event(&started(0));
    let chunk = "x".repeat(64 * 1024);
    for _ in 0..160 {
        people.event(&wrote(0, &chunk));
    }
    people.event(&finished(0, &passed));
}

#[test]
fn json_is_one_document_on_standard_output() {
    let (stdout, stderr) = (Output::memory(), Output::memory());
    let mut settings = settings(LogMode::None);
    settings.format = Format::Json;
    let mut reporters = Reporters::new(&settings, &stdout, &stderr);
    for event in a_run_that_fails() {
        reporters.event(&event);
    }
    let document: serde_json::Value = serde_json::from_str(&stdout.contents()).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["tasks"].as_array().unwrap().len(), 7);
    assert_eq!(document["tasks"][4]["outcome"], "failed");
    assert_eq!(
        document["tasks"][4]["log"],
        ".git/svc/runs/7/money-test.log"
    );
    assert_eq!(document["summary"]["passed"], 3);
    assert!(stderr.contents().contains("svc test money"));
}

/// Writes to a terminal in memory as a real one takes it, with its line discipline.
#[derive(Debug)]
struct Tty(InMemoryTerm);

impl TestWrite for Tty {}

impl std::io::Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
        self.0.write_str(&text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        TermLike::flush(&self.0)
    }
}

/// A terminal of 80 columns, its board, and the hand of its clock.
fn screen(rows: u16) -> (InMemoryTerm, Board, Arc<AtomicU64>) {
    let term = InMemoryTerm::new(rows, 80);
    let hand = Arc::new(AtomicU64::new(0));
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(term.clone()), 255);
    let size = match rows {
        24 => || (80, 24),
        _ => || (80, 6),
    };
    let board = Board::new(target, PLAIN, Clock::Fixed(hand.clone()), size);
    (term, board, hand)
}

#[test]
fn a_terminal_shows_each_running_task_and_what_finished() {
    let (term, board, hand) = screen(24);
    let mut settings = settings(LogMode::None);
    settings.live = true;
    let output = Output::to(Tty(term.clone()));
    let mut people = People::with_sign(&settings, output, SignOfLife::Board(board));
    let events = a_run_that_fails();
    for event in &events[..12] {
        people.event(event);
        hand.fetch_add(150, Ordering::Relaxed);
    }
    people.event(&wrote(
        3,
        "\x1b[2J\x1b[9;9Hlinking \x1b[31mthe whole of it into one large binary",
    ));
    people.redraw();
    insta::assert_snapshot!(term.contents(), @r"
    ✓ money:build     400ms
    ✓ api:build        3.2s
    [2/6] 2 running, 1.8s
      ⠦ money:test   600ms  test_money FAI
      ⠙ api:test     100ms  linking the whole of it into one large binary
    ");
    for event in &events[12..] {
        people.event(event);
    }
    insta::assert_snapshot!(term.contents(), @r"
    ✓ money:build     400ms
    ✓ api:build        3.2s
    ↻ api:test       tried again: exit code 1
    ✗ money:test      300ms  exit code 1
    ✓ api:test         1.2s  passed at try 2
    warning: logs are not kept: disk full

    ✗ money:test: exit code 1
      │ test_money FAILED
      │ E   AssertionError: 1 != 2
      log: .git/svc/runs/7/money-test.log
      repeat: svc test money
      hint: MONEY_RATE was removed from the environment; list it in `env`

    - 2 tasks skipped, need money:test: money:package, money:publish
    ✗ 7 tasks in 4.5s: 1 failed, 2 skipped, 3 passed, 1 up to date
      longest chain 4.4s: api:build 3.2s → api:test 1.2s
    ");
}

#[test]
fn more_running_tasks_than_rows_are_counted() {
    let (term, board, hand) = screen(6);
    let tasks = (0..15)
        .map(|at| planned(&format!("s{at}:build"), &[]))
        .collect();
    board.begin(Arc::new(plan(tasks)));
    (0..15).for_each(|task| board.started(task));
    hand.store(61_000, Ordering::Relaxed);
    board.stopping("SIGINT");
    board.redraw();
    insta::assert_snapshot!(term.contents(), @r"
    [0/15] 15 running, 1m 01s, stopping, Ctrl-C again to kill at once
      ⠋ s0:build   1m 01s
      ⠋ s1:build   1m 01s
      ⠋ s2:build   1m 01s
      and 12 more
    ");
    drop(board);
    assert_eq!(term.contents(), "");
}

#[test]
fn thousands_of_skipped_tasks_leave_no_line() {
    let (term, board, _) = screen(24);
    let mut tasks = vec![planned("api:build", &[])];
    tasks.extend((0..5000).map(|at| planned(&format!("s{at}:build"), &[])));
    tasks[1..]
        .iter_mut()
        .for_each(|it| it.verdict = Verdict::Skip);
    let skipped = TaskResult::not_started(Outcome::Skipped, "");
    let mut settings = settings(LogMode::None);
    settings.live = true;
    let mut people = People::with_sign(
        &settings,
        Output::to(Tty(term.clone())),
        SignOfLife::Board(board),
    );
    people.event(&begun(plan(tasks)));
    (1..=5000).for_each(|at| people.event(&finished(at, &skipped)));
    people.event(&started(0));
    people.redraw();
    insta::assert_snapshot!(term.contents(), @r"
    [0/1] 1 running, 0ms
      ⠋ api:build     0ms
    ");
}
