//! Where the ledgers of a workspace are, and who writes to them.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::git::RemoteRefs;
use crate::ledger::{FileStore, Found, GitPlace, ReadOnly, Refresh, Seen, Store, choose};
use crate::model::deploy::{LedgerSettings, LedgerStore};
use crate::model::digest::Digester;
use crate::model::ledger::{Holder, Lease, Who};
use crate::model::name::EnvironmentName;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::trust;
use crate::process::ProcessId;

/// The ledgers of a workspace.
pub struct Ledgers {
    settings: LedgerSettings,
    git: Option<GitPlace>,
    /// Where ledgers are on this machine.
    directory: PathBuf,
    /// Where is remembered what was seen of leases.
    observations: PathBuf,
    /// Why nothing is written to ledgers that others share.
    foreign: Option<String>,
}

impl Ledgers {
    /// Those that `settings` speak of.
    ///
    /// # Errors
    /// The remote that they name does not exist, or there is no place for files.
    pub fn open(place: &Place, settings: &LedgerSettings) -> Result<Self, Failure> {
        let state = state_directory(place)?;
        let git = match &place.repo {
            Some(repo) => {
                let remotes = crate::git::base::remotes(repo)?;
                let remote = match &settings.remote {
                    Some(wanted) if !remotes.contains(wanted) => {
                        return Err(Failure::Unknown {
                            kind: "remote",
                            name: wanted.clone(),
                            nearest: None,
                        });
                    }
                    Some(wanted) => Some(wanted.clone()),
                    None => remotes.into_iter().next(),
                };
                remote.map(|remote| {
                    let refs = Arc::new(RemoteRefs::new(repo, &remote));
                    let prefix = prefix(place, settings);
                    GitPlace::new(refs, Some(&prefix), state.join("ledger-seen"))
                })
            }
            None => None,
        };
        Ok(Self {
            settings: settings.clone(),
            git,
            directory: state.join("ledger"),
            observations: state.join("leases"),
            foreign: trust::foreign(place)?,
        })
    }

    /// The ledger of `environment`. Everything that is written goes through it, and a run of foreign code writes nothing.
    ///
    /// # Errors
    /// It cannot be told in which store it is, or that cannot be looked at.
    pub fn of(&self, environment: &EnvironmentName) -> Result<Arc<dyn Store>, Failure> {
        let chosen = self.chosen(environment)?;
        let store = self.store(chosen, environment);
        let name = environment.as_str();
        Ok(match &self.foreign {
            Some(why) if trust::is_shared(name) => {
                let (what, hint) = (trust::refusal(name, why), trust::HINT.to_owned());
                Arc::new(ReadOnly::new(store, what, hint))
            }
            _ => store,
        })
    }

    fn store(&self, kind: LedgerStore, environment: &EnvironmentName) -> Arc<dyn Store> {
        match (kind, &self.git) {
            (LedgerStore::Git, Some(git)) => Arc::new(git.store(environment)),
            _ => Arc::new(FileStore::new(&self.directory, environment)),
        }
    }

    /// Looks at the ledgers of all `environments`, in one conversation with the remote. With the name of each.
    ///
    /// # Errors
    /// One of them cannot be told or looked at.
    pub fn look(
        &self,
        environments: &[EnvironmentName],
        refresh: Refresh,
    ) -> Result<Vec<(String, Seen)>, Failure> {
        let mut stores = Vec::new();
        for environment in environments {
            let kind = self.chosen(environment)?;
            stores.push((environment, kind, self.store(kind, environment)));
        }
        let of_git = stores.iter().filter(|it| it.1 == LedgerStore::Git);
        let of_git: Vec<_> = of_git.map(|it| it.0).collect();
        let mut in_git = match &self.git {
            Some(git) if !of_git.is_empty() => git.look(&of_git, refresh)?.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let looks = stores.into_iter().map(|(_, kind, store)| {
            let seen = match kind {
                LedgerStore::Git => in_git.next(),
                LedgerStore::File => None,
            };
            let seen = seen.map_or_else(|| store.look(refresh), Ok)?;
            Ok((store.name(), seen))
        });
        looks.collect()
    }

    fn chosen(&self, environment: &EnvironmentName) -> Result<LedgerStore, Failure> {
        let file = FileStore::new(&self.directory, environment);
        let mut found = Vec::new();
        let mut look = |kind, store: &dyn Store| {
            if store.is_begun()? {
                let name = store.name();
                found.push(Found { store: kind, name });
            }
            Ok::<_, Failure>(())
        };
        // A file that nobody wrote is quickly looked at; git is only asked where both could be meant.
        look(LedgerStore::File, &file)?;
        if self.settings.store == Some(LedgerStore::File)
            && let Some(git) = &self.git
        {
            look(LedgerStore::Git, &git.store(environment))?;
        }
        Ok(choose(
            &self.settings,
            environment,
            self.git.is_some(),
            &found,
        )?)
    }

    /// Where is remembered what was seen of leases.
    pub fn observations(&self) -> PathBuf {
        self.observations.clone()
    }
}

/// The directory for what this machine knows of the deploys of a workspace; all worktrees share it.
///
/// # Errors
/// Without a repository, there is no home to put it in.
pub fn state_directory(place: &Place) -> Result<PathBuf, Failure> {
    let digest = |kind: &str, bytes: &[u8]| {
        let digest = Digester::new("workspace").part(kind, bytes).finish();
        digest.as_str()[..16].to_owned()
    };
    if let Some(repo) = &place.repo {
        let directory = repo.common_dir().join("svc");
        return Ok(match repo.scope().is_root() {
            true => directory,
            // A repository may hold several workspaces, with services of the same names.
            false => directory.join(digest("path", repo.scope().as_bytes())),
        });
    }
    let state = place.env.path("XDG_STATE_HOME").map(ToOwned::to_owned);
    let state = state.or_else(|| Some(place.env.path("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| Failure::Usage {
        message: "there is no place to keep what is deployed: this is no git repository, and HOME is not set".into(),
        hint: "set XDG_STATE_HOME".into(),
    })?;
    let root = place.root.as_os_str().as_bytes();
    Ok(state.join("svc").join(digest("root", root)))
}

/// Above the refs of a workspace. One that is a part of its repository has a place of its own.
pub fn prefix(place: &Place, settings: &LedgerSettings) -> String {
    if let Some(prefix) = &settings.ref_prefix {
        return prefix.clone();
    }
    let scope = place.repo.as_ref().map(|repo| repo.scope().clone());
    let Some(scope) = scope.filter(|it| !it.is_root()) else {
        return "refs/svc".to_owned();
    };
    let digest = Digester::new("workspace")
        .part("path", scope.as_bytes())
        .finish();
    let plain = |byte: &u8| match byte.is_ascii_alphanumeric() {
        true => byte.to_ascii_lowercase() as char,
        false => '-',
    };
    let readable: String = scope.as_bytes().iter().map(plain).take(40).collect();
    format!("refs/svc/at-{readable}-{}", &digest.as_str()[..8])
}

/// Who deploys, where nothing tells.
pub const UNKNOWN: &str = "unknown";

/// Who deploys, as far as it can be told.
pub fn who(place: &Place) -> Who {
    let env = &place.env;
    let first = |names: &[&str]| names.iter().find_map(|it| env.text(it)).map(str::to_owned);
    let of_git = || {
        let repo = place.repo.as_ref()?;
        let name = repo.git().output(["config", "user.name"]).ok()?;
        let name = String::from_utf8_lossy(&name).trim().to_owned();
        Some(name).filter(|it| !it.is_empty())
    };
    let name = place.ci().and_then(|it| it.actor.clone());
    let name = name.or_else(of_git).or_else(|| first(&["USER", "LOGNAME"]));
    Who {
        name: name.unwrap_or_else(|| UNKNOWN.to_owned()),
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        run_url: run_url(place),
    }
}

/// The page of the CI run.
fn run_url(place: &Place) -> Option<String> {
    let given = place.env.text("SVC_RUN_URL").map(str::to_owned);
    given.or_else(|| place.ci()?.run_url.clone())
}

/// This process as the holder of a lease.
pub fn holder(place: &Place, command: &str) -> Holder {
    let own = ProcessId::own();
    Holder {
        who: who(place),
        pid: own.0,
        started: own.start_time(),
        machine: machine(),
        command: command.to_owned(),
    }
}

/// Whether the process that holds a lease lives; none where that cannot be told from here.
pub fn is_alive(holder: &Holder) -> Option<bool> {
    let here = machine()?;
    if holder.machine.as_deref() != Some(here.as_str()) {
        return None;
    }
    let started = holder.started?;
    Some(ProcessId(holder.pid).start_time() == Some(started))
}

/// Whether somebody deploys under a lease, as far as that can be told from here. Held by hand, it only keeps others off, and
/// who was killed here deploys nothing any more.
pub fn is_at_work(lease: &Lease) -> bool {
    !lease.sticky && is_alive(&lease.holder) != Some(false)
}

/// The running system, and the space of process numbers that we are in.
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}
