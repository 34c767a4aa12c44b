//! Floor 1: how things look. The only room that writes for people and machines.
//!
//! Events become words in [`people`] (with live lines from [`board`] on a terminal), documents in [`run_json`] and lines in
//! [`events`]; [`reporter`] hands each event to all of them. Everything else is a function from a value to text or JSON,
//! one file for each query. Wording lives in [`words`], colours and marks in [`paint`], and what comes from outside goes
//! through [`clean`] before it reaches a terminal.
//!
//! A run on a terminal. The last lines are live:
//!
//! ```text
//! ✓ common:build   3.2s
//! ✗ money:test     0.4s  exit code 1
//! [2/12] 2 running, 1 failed, 5.1s
//!   ⠹ api:build   1.9s  Compiling serde v1.0.228
//!   ⠹ web:build   0.4s  vite v7 building for production...
//! ```
//!
//! Its end:
//!
//! ```text
//! ✗ money:test: exit code 1
//!   │ E   AssertionError: 1 != 2
//!   log: .git/svc/runs/7/money-test.log
//!   repeat: svc test money
//!
//! - 3 tasks skipped, they need money:test
//! ✗ 12 tasks in 12.3s: 1 failed, 3 skipped, 6 passed, 2 up to date
//!   longest chain 11.8s: common:build 3.2s → api:build 5.0s → api:test 3.6s
//! ```
//!
//! The same without a terminal, `--log stream` (one task, or `-v`) and `--log grouped` (several tasks):
//!
//! ```text
//! api:test | collected 3 items              ┌ api:test
//! api:test | 3 passed                       │ collected 3 items
//! ✓ api:test  1.2s                          │ 3 passed
//! ✓ 1 task in 1.2s: 1 passed                ✓ api:test  1.2s
//! ```
//!
//! What is shown of the output of tasks, unless `--log` says otherwise: each line as it comes where only one task runs, or
//! with `-v`; of several, on a terminal the last line of each running task, and at the end the last lines of what failed;
//! elsewhere each task's lines together when it ends, so that they are not mixed. `-q` shows only failures, at the end.
//! The log of an earlier result is shown like any other, with a line behind it that says `cached`; on a terminal it is left
//! out beside other tasks.
//!
//! In a CI system that has them, logs are folds ([`folding`]) with the last line as their title. All text goes out through
//! [`output`], which keeps it from being read as a command of that system; what [`ci`] says goes beside it.

pub mod affected;
pub mod board;
pub mod cache;
pub mod calendar;
pub mod changes;
pub mod ci;
pub mod ci_init;
pub mod ci_matrix;
pub mod clean;
pub mod clock;
pub mod code_quality;
pub mod deploy_end;
pub mod deploy_plan;
mod deploy_schema;
pub mod deployed;
pub mod doctor;
pub mod document;
pub mod ending;
pub mod events;
pub mod folding;
pub mod graph;
pub mod grounds;
pub mod history;
pub mod hook;
mod hook_schema;
pub mod init;
pub mod junit;
pub mod lasting;
pub mod lines;
pub mod list;
pub mod lock;
pub mod log;
pub mod matchers;
pub mod message;
pub mod moves;
pub mod new;
pub mod origin;
pub mod output;
pub mod paint;
pub mod people;
pub mod plan;
pub mod progress;
pub mod pulse;
pub mod remarks;
pub mod replace;
pub mod reporter;
pub mod run_json;
pub mod schema;
pub mod settings;
pub mod standing;
pub mod status;
pub mod story;
pub mod summary;
pub mod table;
pub mod task_log;
pub mod view;
pub mod why;
pub mod words;

#[cfg(test)]
mod sessions;
