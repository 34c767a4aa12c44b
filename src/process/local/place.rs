//! Where the files of a service lie.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::name::ServiceName;
use crate::process::command::Marks;
use crate::process::local::{Error, at};

/// The directory of one service.
#[derive(Clone, Debug)]
pub struct Place {
    pub service: ServiceName,
    pub directory: PathBuf,
}

impl Place {
    /// That of `service`, below the directory of the workspace.
    pub fn new(workspace: &Path, service: &ServiceName) -> Self {
        Self {
            service: service.clone(),
            directory: workspace.join(service.as_str()),
        }
    }

    /// Makes sure that it is there.
    pub fn create(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.directory).map_err(at("create", &self.directory))
    }

    /// Held by who starts or stops the service.
    pub fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }

    /// Held by the supervisor.
    pub fn supervisor_lock(&self) -> PathBuf {
        self.directory.join("supervisor.lock")
    }

    /// How the service stands.
    pub fn state(&self) -> PathBuf {
        self.directory.join("state.json")
    }

    /// The port that was chosen.
    pub fn port(&self) -> PathBuf {
        self.directory.join("port")
    }

    /// What the service wrote.
    pub fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// The releases, side by side.
    pub fn releases(&self) -> PathBuf {
        self.directory.join("releases")
    }

    /// What the processes of the service carry.
    pub fn marks(&self) -> Marks {
        Marks {
            run: format!("local:{}", self.directory.display()),
            service: self.service.as_str().to_owned(),
            task: "serve".to_owned(),
        }
    }
}
