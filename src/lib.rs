//! `svc`: builds and tests only the services that changed.
//!
//! This is the map. Rooms stand on floors; a room may use rooms on lower floors, never its neighbours or what is above.
//!
//! | floor | room | owns |
//! |---|---|---|
//! | 4 | [`cli`] | the command line: flags, wording of failures, exit codes |
//! | 3 | [`ops`] | one file for each thing that a user can ask for |
//! | 2 | [`engine`] | running a plan: order, slots, stopping, events |
//! | 1 | [`config`] | `services.toml`: TOML to a checked `Workspace` |
//! | 1 | [`git`] | the repository: states, differences, history, fetching |
//! | 1 | [`process`] | starting, watching and ending commands |
//! | 1 | [`record`] | the runs of this worktree: results, durations, logs |
//! | 1 | [`report`] | how things look: terminal, plain lines, JSON |
//! | 0 | [`model`] | the words and the decisions, as plain values |
//!
//! A run flows one way: `config` gives a `Workspace`; with the changes that `git` finds, `model` decides what is
//! `Affected` and makes a `Plan`; `engine` runs it and emits `Event`s; `report` tells of them; the `Summary` becomes the
//! exit code.

pub mod cli;
pub mod config;
pub mod engine;
pub mod git;
pub mod model;
pub mod ops;
pub mod process;
pub mod record;
pub mod report;
