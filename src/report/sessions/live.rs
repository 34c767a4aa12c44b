//! Runs on a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

use crate::model::plan::Verdict;
use crate::model::run::{Outcome, TaskResult};
use crate::report::board::Board;
use crate::report::clock::Clock;
use crate::report::output::{Output, TestWrite};
use crate::report::people::{People, SignOfLife};
use crate::report::reporter::Reporter;
use crate::report::sessions::{PLAIN, a_run_that_fails, begun, finished, settings, started, wrote};
use crate::report::settings::LogMode;
use crate::report::view::samples::{plan, planned};

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
