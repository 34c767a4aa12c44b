//! The threads that read the working tree.

use crate::git::error::Error;

/// More of them wait for the file system rather than being faster.
const MOST: usize = 8;

/// Threads for one piece of work.
///
/// # Errors
/// A system that gives no more threads.
pub fn start() -> Result<rayon::ThreadPool, Error> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cores.min(MOST));
    pool.build().map_err(|cause| Error::File {
        attempt: "start threads".to_owned(),
        cause: std::io::Error::other(cause),
    })
}
