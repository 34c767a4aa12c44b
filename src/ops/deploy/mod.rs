//! `svc deploy`, and what goes with it.

pub mod releases;
