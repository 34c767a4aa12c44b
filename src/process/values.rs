//! Placeholder.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
pub fn read(
    _: &Path,
    _: &BTreeMap<&str, &OsStr>,
) -> Result<BTreeMap<String, String>, std::io::Error> {
    Ok(BTreeMap::new())
}
