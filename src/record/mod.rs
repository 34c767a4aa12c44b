//! Floor 1: the runs of this worktree: results, durations, logs.
//!
//! ```text
//! runs/20261123-141502-1m9k/   one run; its name sorts by time
//!   run.json                   what was asked for, by whom
//!   journal                    a line for each thing that happened, only ever added to
//!   alive                      locked as long as the svc that does the run lives
//!   api.build.log              what a task wrote
//! state                        the last result of each task, also of runs that are gone
//! lock                         held while the state is replaced
//! locks/                       what lock files of package managers were found to hold
//! ```
//!
//! Nothing here is precious: what is missing or damaged counts as never having happened, and things run again.

mod entry;
mod error;
mod files;
mod history;
mod log;
mod records;
mod run;
mod state;
mod time;
mod worked_out;

pub use crate::record::entry::{End, Header, RunId, TaskRecord};
pub use crate::record::error::Error;
pub use crate::record::history::History;
pub use crate::record::log::LogWriter;
pub use crate::record::records::{Orphans, Past, Records, Standing};
pub use crate::record::run::Run;
pub use crate::record::time::{Moment, name_of, now};
pub use crate::record::worked_out::WorkedOut;
