//! Floor 2: runs a plan and emits what happens.

pub mod schedule;
