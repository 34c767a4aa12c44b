//! `svc`: builds, tests and deploys only the services that changed.
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
//! | 1 | [`cache`] | results of tasks: the store, and outputs in a working tree |
//! | 1 | [`ledger`] | the record of deploys: its stores, and the lease of who may write |
//! | 1 | [`process`] | starting, watching and ending commands |
//! | 1 | [`health`] | asking a service over the network whether it is well |
//! | 1 | [`manifest`] | files of other tools: what they say of packages, and what is locked |
//! | 1 | [`ci`] | what CI systems say of a run: base, branch, change request, who began it |
//! | 1 | [`record`] | the runs of this worktree: results, durations, logs |
//! | 1 | [`report`] | how things look: terminal, plain lines, JSON |
//! | 1 | [`scaffold`] | templates from which services are made, and putting files in their place |
//! | 0 | [`model`] | the words and the decisions, as plain values |
//!
//! A run flows one way: `config` gives a `Workspace`; with the changes that `git` finds, `model` decides what is
//! `Affected` and makes a `Plan`; `engine` runs it and emits `Event`s; `report` tells of them; the `Summary` becomes the
//! exit code. A deploy adds a ring around it: what the `ledger` says that an environment runs decides what is due, and each
//! step is written down there before it is taken and after.
//!
//! # Where a thing lives
//!
//! | to find | look at |
//! |---|---|
//! | a flag, an exit code, the wording of a failure | `cli::args`, `cli::exit`, `cli::failure` |
//! | a command, from the request to the answer | `cli::NAME`, then `ops::NAME`; `build`, `test` and `run` are `cli::run` and [`ops::tasks`] |
//! | a key of `services.toml`, and what is wrong with one | `config::keys`, `config::service`, `config::task`, `config::problem` |
//! | what a target may do, its parameters and commands | `config::target`, [`model::target`], `templates/targets` |
//! | by what a service is deployed, and which files that names | [`model::target::resolve`], [`model::target::named_files`] |
//! | what is wrong with a deploy | [`model::target::faults`], `config::faults` |
//! | what a task inherits, and presets | `config::merge`, `config::preset`, `templates/presets` |
//! | what `svc init` takes for a service, a name, a dependency | [`model::draft`]; put together in `ops::survey` and [`ops::init`], shown by `report::init` |
//! | what files of other tools say | [`manifest`], in the words of [`model::manifest`] |
//! | how all names of files are listed | `git::names`, `git::native::names` |
//! | which base is used, and how it is fetched | `ops::base`, `git::compare`, `git::base`, `git::fetch` |
//! | what a CI system says of a run | [`ci`], one file for each system; the words: [`model::ci`] |
//! | what runs of foreign code may not do | `ops::trust` |
//! | how the working tree, the index and commits are read | `git::native`; by the program where that cannot be: `git::fallback` |
//! | which files are a task's inputs | [`model::input`], [`model::workspace`], [`model::pattern`] |
//! | what counts as affected, and why | [`model::affected`], [`model::cause`], [`model::definition`] |
//! | what is in a plan, and what `--tag` and its like leave of it | [`model::plan`], [`model::graph`], [`model::select`] |
//! | what is in a cache key, and what differs between two | [`model::key`], [`model::difference`]; put together in `ops::tasks::keys` |
//! | what tools print, and when that is remembered | `ops::tasks::tools`, [`process::tools`], `templates/tools` |
//! | which part of a lock file counts for a service, and what is remembered of that | `ops::shares`, `record::worked_out` |
//! | when an earlier result stands, and what is kept of a new one | `ops::tasks::lookup`, `ops::tasks::reuse`, `ops::tasks::keep` |
//! | why no earlier result stands | `ops::tasks::missed`, `ops::tasks::explain`, `report::standing` |
//! | how results lie in the store, and which go first | `cache::store` |
//! | how outputs are put in place, and what is never touched | `cache::outputs` |
//! | which outputs git does not ignore | `ops::unignored` |
//! | which outputs are refused | `config::outputs`, `config::overlap`, [`ops::owned`] |
//! | which task starts next | `engine::schedule` |
//! | where tasks run with `--isolated`, and when in place all the same | [`ops::isolation`]; the checkout: [`git::isolated`] |
//! | how hooks of git are written, and what they judge | [`ops::hook`]; its words: [`model::hook`] |
//! | how a task runs: tries, timeouts, values | `engine::attempt` |
//! | what a command sees, and how it is ended | `process::environment`, `process::run`, `process::signals`, `process::sweep` |
//! | when a service is well, and what is said when it is not | `health::http`, `health::tcp`, `health::reason` |
//! | how often and how long a service is asked | `health::patience`, `health::wait` |
//! | secrets | [`model::mask`] |
//! | what is due in an environment, and why | [`model::due`]; put together in `ops::deploy::plan` |
//! | what a deploy refuses | `ops::deploy::guards` |
//! | how one service is deployed, and rolled back | `ops::deploy::perform`, `ops::deploy::bring`, `ops::deploy::back` |
//! | going back, promoting, taking down | [`ops::deploy::moves`], [`ops::deploy::rollback`], [`ops::deploy::promote`], [`ops::deploy::down`] |
//! | how services run on this machine | `ops::deploy::serve`; processes, ports and releases: `process::local` |
//! | what `svc status`, `history` and `changes` tell | [`ops::status`], [`ops::past`]; how they look: `report::status`, `report::history`, `report::changes` |
//! | what is written down of deploys, and how | `ledger::git`, `ledger::file`; what one entry says: [`model::ledger`] |
//! | who may deploy now, and when a lease is over | [`ledger::acquire`], `ledger::tenure`, `ledger::observe` |
//! | what is written down of runs, and where | [`ops::place`], `record::run`, `record::history` |
//! | what `svc new` makes, and where | [`ops::new`]; templates: [`scaffold`], `templates/scaffolds`, `templates/parts` |
//! | how services are spread over jobs of CI, and why they are there | [`model::fanout`], [`model::handed`]; put together in [`ops::ci::matrix`], worded by `report::ci_matrix` |
//! | what pipelines `svc ci init` writes | `templates/ci`, `scaffold::pipeline`, [`ops::ci::init`] |
//! | what `svc doctor` looks at, and what `--fix` does | [`ops::doctor`], one file for each area; its words: [`model::finding`] |
//! | which programs a command calls | [`model::commands`] |
//! | how a CI system is spoken to, and what keeps others from it | `report::ci`, `report::ci::guard`, `report::output` |
//! | folds, annotations, summaries in CI | `report::folding`, `report::remarks`, `report::summary`; what tools print: `report::matchers`, `templates/matchers` |
//! | what is told of all runs of a call: JUnit, events, Code Quality | `report::lasting`, `report::junit`, `report::code_quality` |
//! | lines, live lines, JSON, and their schemas | `report::lines`, `report::board`, `report::run_json`, `report::schema` |

pub mod cache;
pub mod ci;
pub mod cli;
pub mod config;
pub mod engine;
pub mod git;
pub mod health;
pub mod ledger;
pub mod manifest;
pub mod model;
pub mod ops;
pub mod process;
pub mod record;
pub mod report;
pub mod scaffold;
