//! Floor 0: the words of the tool and the decisions it takes, as plain values.
//!
//! Nothing here touches a file, a process, git, a clock or a terminal.

pub mod affected;
pub mod annotation;
pub mod cause;
pub mod change;
pub mod children;
pub mod ci;
pub mod commands;
pub mod cycle;
pub mod definition;
pub mod deploy;
pub mod difference;
pub mod digest;
pub mod draft;
pub mod due;
pub mod env;
pub mod event;
pub mod finding;
pub mod graph;
pub mod input;
pub mod key;
pub mod ledger;
pub mod lock_file;
pub mod manifest;
pub mod mask;
pub mod name;
pub mod origin;
pub mod outputs;
pub mod overview;
pub mod owned;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod preset;
pub mod readers;
pub mod refs;
pub mod release;
pub mod run;
pub mod select;
pub mod standing;
pub mod suggest;
pub mod target;
pub mod task;
pub mod template;
pub mod workspace;
