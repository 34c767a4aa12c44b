//! What the user's variables say of git's settings.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::{Config, ConfigLevel, Repository};

use crate::git::error::Error;
use crate::model::env::Env;

/// See the first line of this file.
#[derive(Clone, Debug, Default)]
pub struct UserSettings {
    /// What `~` stands for in paths.
    pub home: Option<PathBuf>,
    /// `git` in the user's directory of settings (`$XDG_CONFIG_HOME`, else `~/.config`): what `core.excludesFile` and
    /// `core.attributesFile` fall back to lies there.
    pub directory: Option<PathBuf>,
    /// The files of settings, where variables name others than the library knows of.
    files: Option<Vec<(ConfigLevel, PathBuf)>>,
}

/// Variables that name files of settings. The library does not read them.
const NAMING: [&str; 3] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

impl UserSettings {
    /// As the variables of `env` have it.
    pub fn of(env: &Env) -> Self {
        let path = |name| {
            let value = env.variables.get(OsStr::new(name));
            value.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let home = path("HOME");
        let below_home = || home.as_ref().map(|home| home.join(".config"));
        let directory = path("XDG_CONFIG_HOME").or_else(below_home);
        let directory = directory.map(|it| it.join("git"));
        let is_named = NAMING
            .iter()
            .any(|name| env.variables.contains_key(OsStr::new(name)));
        let files = is_named.then(|| named_files(env, home.as_deref(), directory.as_deref()));
        Self {
            home,
            directory,
            files,
        }
    }

    /// The configuration of `repo` for this user.
    ///
    /// # Errors
    /// One that cannot be read, or with conditions that only git understands.
    pub fn configuration(&self, repo: &Repository) -> Result<Config, Error> {
        let failed = |cause| Error::Library {
            attempt: "read the configuration of git".to_owned(),
            cause,
        };
        let (config, unknown) = match &self.files {
            // The library knows of remotes nothing when it reads a condition.
            None => (repo.config(), "^includeif\\.hasconfig:"),
            Some(files) => (read(repo, files), "^includeif\\."),
        };
        let config = config.map_err(failed)?;
        let has_unknown = config
            .entries(Some(unknown))
            .map(|mut found| found.next().is_some());
        match has_unknown.map_err(failed)? {
            true => Err(Error::Unsupported("a condition in the settings".to_owned())),
            false => Ok(config),
        }
    }
}

fn named_files(
    env: &Env,
    home: Option<&Path>,
    directory: Option<&Path>,
) -> Vec<(ConfigLevel, PathBuf)> {
    let named = |name: &str| {
        let value = env.variables.get(OsStr::new(name));
        value.map(|value| env.directory.join(value))
    };
    let mut files = Vec::new();
    let without_system = matches!(
        env.text("GIT_CONFIG_NOSYSTEM"),
        Some("1" | "true" | "yes" | "on")
    );
    if !without_system {
        let system = named("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into());
        files.push((ConfigLevel::System, system));
    }
    match named("GIT_CONFIG_GLOBAL") {
        Some(global) => files.push((ConfigLevel::Global, global)),
        None => {
            let xdg = directory.map(|it| (ConfigLevel::XDG, it.join("config")));
            let own = home.map(|it| (ConfigLevel::Global, it.join(".gitconfig")));
            files.extend(xdg.into_iter().chain(own));
        }
    }
    files
}

fn read(repo: &Repository, files: &[(ConfigLevel, PathBuf)]) -> Result<Config, git2::Error> {
    let mut config = Config::new()?;
    let mut add = |path: &Path, level| match path.is_file() {
        true => config.add_file(path, level, false),
        false => Ok(()),
    };
    for (level, path) in files {
        add(path, *level)?;
    }
    add(&repo.commondir().join("config"), ConfigLevel::Local)?;
    let of_worktree = repo.path().join("config.worktree");
    let mut with_worktree = || add(&of_worktree, ConfigLevel::Worktree);
    if repo
        .config()?
        .get_bool("extensions.worktreeConfig")
        .unwrap_or(false)
    {
        with_worktree()?;
    }
    Ok(config)
}
