//! A run in each log mode and at each verbosity.

use crate::model::plan::Verdict;
use crate::model::run::{Outcome, TaskResult};
use crate::report::sessions::{
    a_run_that_fails, begun, ended, finished, settings, started, told, wrote,
};
use crate::report::settings::{LogMode, Verbosity};
use crate::report::view::samples::{plan, planned, result, summary};

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
fn logs_of_earlier_results_are_marked_and_spared_those_who_watch() {
    let mut tasks = vec![planned("api:build", &[]), planned("api:test", &[0])];
    tasks[0].verdict = Verdict::Cached;
    let results = [
        TaskResult::not_started(Outcome::Cached, ""),
        result(Outcome::Passed, 1200),
    ];
    let events = [
        begun(plan(tasks)),
        wrote(0, "compiled\n"),
        finished(0, &results[0]),
        started(1),
        wrote(1, "3 passed\n"),
        finished(1, &results[1]),
    ];
    let mut settings = settings(LogMode::Stream);
    insta::assert_snapshot!(told(&settings, &events), @r"
    2 tasks: 1 to run, 1 cached; 4 jobs
    api:build | compiled
    ✓ api:build  cached
    api:test | 3 passed
    ✓ api:test    1.2s
    ");
    settings.log = None;
    settings.live = true;
    insta::assert_snapshot!(told(&settings, &events), @r"
    api:test | 3 passed
    ✓ api:test    1.2s
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
