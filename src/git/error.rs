//! What can go wrong with a repository.

/// A failure in the repository, naming what was tried on what.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call of the git library failed.
    #[error("{attempt}")]
    Library {
        attempt: String,
        #[source]
        cause: git2::Error,
    },
    /// A file of the repository could not be read or written.
    #[error("{attempt}")]
    File {
        attempt: String,
        #[source]
        cause: std::io::Error,
    },
    /// The `git` program could not be started or said no.
    #[error("`git {arguments}` failed: {message}")]
    Program { arguments: String, message: String },
    /// Something in the repository is not as it should be: a corrupt index, a missing object.
    #[error("{0}")]
    Corrupt(String),
    /// The repository has a shape that the fast reader leaves to the `git` program.
    #[error("{0} needs the git program")]
    Unsupported(String),
    /// Git refuses the repository because somebody else owns it.
    #[error("git does not trust this repository: {0}")]
    Untrusted(String),
}
