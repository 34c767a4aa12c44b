//! Placeholder.
use crate::process::Control;
pub struct JobServer;
impl JobServer {
    pub fn new(_: usize) -> std::io::Result<Self> {
        Ok(Self)
    }
    pub fn acquire(&self, _: &Control) -> Option<()> {
        Some(())
    }
    pub fn variables(&self) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
        vec![]
    }
}
