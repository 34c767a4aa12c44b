//! Floor 3: one file for each thing that a user can ask for.
//!
//! Requests come in as plain values ([`request`]); answers go out as plain values, for `cli` to hand to `report`. What
//! several commands do alike has files of its own: [`place`] finds the workspace, [`compare`] finds what changed,
//! [`choose`] turns names and flags into services, [`owned`] refuses outputs that git tracks, [`source`] reads definitions of
//! other states, `survey` tells what a repository holds by its files alone, and `definition` writes `services.toml`.

pub mod affected;
pub mod cache;
pub mod check;
pub mod choose;
pub mod ci;
pub mod compare;
mod definition;
pub mod deploy;
pub mod doctor;
pub mod failure;
pub mod init;
pub mod ledger;
pub mod list;
pub mod lock;
pub mod log;
mod machinery;
pub mod new;
pub mod owned;
pub mod past;
pub mod place;
pub mod request;
mod shares;
pub mod source;
pub mod status;
mod survey;
pub mod tasks;
mod unignored;
pub mod why;
