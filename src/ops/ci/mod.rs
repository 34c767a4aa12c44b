//! `svc ci`: `matrix` spreads what is affected over the jobs of a CI system, `init` writes a pipeline for one.

pub mod init;
pub mod matrix;
