//! What a `git` that ran to its end left behind, and what its words mean.

use std::process::ExitStatus;

use crate::git::error::Error;

/// What a `git` that ran to its end left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub output: Vec<u8>,
    /// Everything from standard error.
    pub message: String,
    /// What it was asked, for people.
    pub arguments: String,
}

impl Finished {
    /// The output of a `git` that did well.
    ///
    /// # Errors
    /// It did not.
    pub fn into_output(self) -> Result<Vec<u8>, Error> {
        match self.status.success() {
            true => Ok(self.output),
            false => Err(self.into_error()),
        }
    }

    /// Why it failed.
    pub fn into_error(self) -> Error {
        if let Some(advice) = distrust(&self.message) {
            return Error::Untrusted(advice);
        }
        let message = match self.message.is_empty() {
            true => self.status.to_string(),
            false => self.message,
        };
        Error::Program {
            arguments: self.arguments,
            message,
        }
    }
}

/// Where git distrusts the owner of a repository: what it says, in one line with the command that changes it.
fn distrust(message: &str) -> Option<String> {
    message.contains("dubious ownership").then(|| {
        let command = message
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("git config --global --add safe.directory"));
        let command = command.unwrap_or("git config --global --add safe.directory '*'");
        format!("somebody else owns it; if you do trust it, run `{command}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distrust_names_the_command_that_ends_it() {
        let message = "fatal: detected dubious ownership in repository at '/x y'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory '/x y'";
        let advice = distrust(message).unwrap();
        assert!(
            advice.contains("`git config --global --add safe.directory '/x y'`"),
            "{advice}"
        );
        assert_eq!(distrust("fatal: something else"), None);
    }
}
