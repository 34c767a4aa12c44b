//! Programs by their names.

use std::ffi::OsStr;

use rustix::fs::{Access, access};

/// Whether a shell would find the program `name` in the directories of `path`.
pub fn is_program(name: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|directory| {
        let file = directory.join(name);
        file.is_file() && access(&file, Access::EXEC_OK).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_file_that_may_be_run() {
        let path = OsStr::new("/nowhere:/usr/bin:/bin");
        assert!(is_program("sh", path));
        assert!(!is_program("no-such-program-at-all", path));
        // A directory is none.
        assert!(!is_program("bin", OsStr::new("/usr")));
    }
}
