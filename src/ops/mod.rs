//! Floor 3: one file for each thing that a user can ask for.
//!
//! Requests come in as plain values ([`request`]); answers go out as plain values, for `cli` to hand to `report`. What
//! several commands do alike has files of its own: [`place`] finds the workspace, [`compare`] finds what changed, `base`
//! since when, [`trust`] says whether this run may change what others share,
//! [`choose`] turns names and flags into services, [`owned`] refuses outputs that git tracks, [`source`] reads definitions of
//! other states, `survey` tells what a repository holds by its files alone, and `definition` writes `services.toml`.

pub mod affected;
mod base;
pub mod cache;
pub mod check;
pub mod choose;
pub mod ci;
pub mod compare;
mod definition;
pub mod deploy;
pub mod doctor;
pub mod errand;
pub mod failure;
pub mod hook;
pub mod init;
pub mod isolation;
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
pub mod trust;
mod unignored;
pub mod why;

pub use crate::ops::machinery::secrets;
