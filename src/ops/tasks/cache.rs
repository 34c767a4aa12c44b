//! The store as a run uses it: whether it may be read and written, and what is known of earlier results.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytesize::ByteSize;

use crate::cache::{Access, Store};
use crate::engine::with_cause;
use crate::model::digest::{Digest, Digester};
use crate::model::env::Env;
use crate::model::plan::PlannedTask;
use crate::ops::failure::Failure;
use crate::record::History;

/// How large the store may become unless something else is said, in bytes: 20 GiB.
const LIMIT: u64 = 20 << 30;

/// How a run uses the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// Results are taken and kept.
    ReadWrite,
    /// Results are taken, none is kept.
    Read,
    /// Everything runs, and results are kept.
    Force,
    /// Everything runs, nothing is kept.
    ForceUnkept,
    /// No store is touched.
    Off,
}

impl CacheUse {
    /// What `SVC_CACHE` says: `read`, `off`, or nothing.
    ///
    /// # Errors
    /// It says something else.
    pub fn of_variable(env: &Env) -> Result<Self, Failure> {
        match env.text("SVC_CACHE") {
            None | Some("on") => Ok(Self::ReadWrite),
            Some("read") => Ok(Self::Read),
            Some("off") => Ok(Self::Off),
            Some(other) => Err(Failure::Usage {
                message: format!("SVC_CACHE is `{other}`"),
                hint: "set it to `read` to keep no results, to `off` to use none, or unset it"
                    .into(),
            }),
        }
    }

    /// The same without keeping any result; none if none would be kept anyway.
    pub fn unkept(self) -> Option<Self> {
        match self {
            Self::ReadWrite => Some(Self::Read),
            Self::Force => Some(Self::ForceUnkept),
            Self::Read | Self::ForceUnkept | Self::Off => None,
        }
    }
}

/// The store of a run.
pub struct Cache {
    store: Option<Store>,
    usage: CacheUse,
    limit: u64,
    history: History,
    /// Tells the tasks of this repository from those of others with the same names.
    identity: Digest,
    has_warned: AtomicBool,
}

impl Cache {
    /// Opens the store. Where that fails, everything goes on without it, and the reason comes back beside it.
    ///
    /// # Errors
    /// A limit that is none.
    pub fn open(
        env: &Env,
        usage: CacheUse,
        identity: Digest,
        history: History,
    ) -> Result<(Self, Option<String>), Failure> {
        let opened = match usage {
            CacheUse::Off | CacheUse::ForceUnkept => None,
            CacheUse::Read => Some(open(env, Access::ReadOnly)),
            CacheUse::ReadWrite | CacheUse::Force => Some(open(env, Access::ReadWrite)),
        };
        let (store, problem) = match opened.transpose() {
            Ok(store) => (store, None),
            Err(problem) => (
                None,
                Some(format!("there is no cache in this run: {problem}")),
            ),
        };
        let cache = Self {
            store,
            usage,
            limit: limit(env)?,
            history,
            identity,
            has_warned: AtomicBool::new(false),
        };
        Ok((cache, problem))
    }

    /// The store, if results may be taken from it.
    pub fn readable(&self) -> Option<&Store> {
        let may = matches!(self.usage, CacheUse::ReadWrite | CacheUse::Read);
        self.store.as_ref().filter(|_| may)
    }

    /// The store, if results may be kept in it.
    pub fn writable(&self) -> Option<&Store> {
        let may = matches!(self.usage, CacheUse::ReadWrite | CacheUse::Force);
        self.store.as_ref().filter(|_| may)
    }

    /// The store, however it is used.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Whether everything is to run, whatever ran before.
    pub fn is_forced(&self) -> bool {
        matches!(self.usage, CacheUse::Force | CacheUse::ForceUnkept)
    }

    /// How large the store may become, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Earlier runs of this worktree.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What the results of one task have in common, through all its versions.
    pub fn line(&self, planned: &PlannedTask) -> Digest {
        Digester::new("task line")
            .digest("workspace", &self.identity)
            .part("task", planned.id.to_string().as_bytes())
            .finish()
    }

    /// Says once in a run that results cannot be kept.
    pub fn warn_once(&self, problem: &str, warn: &dyn Fn(String)) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            warn(format!(
                "its result, and maybe others, cannot be cached: {problem}"
            ));
        }
    }
}

fn open(env: &Env, access: Access) -> Result<Store, String> {
    let directory = directory(env)?;
    Store::open(&directory, access).map_err(|error| with_cause(&error))
}

/// How large the store may become, in bytes: `$SVC_CACHE_LIMIT`, else 20 GiB.
///
/// # Errors
/// The variable holds no size.
pub fn limit(env: &Env) -> Result<u64, Failure> {
    let Some(text) = env.text("SVC_CACHE_LIMIT") else {
        return Ok(LIMIT);
    };
    bytes(text).ok_or_else(|| Failure::Usage {
        message: format!("SVC_CACHE_LIMIT is `{text}`, which is no size"),
        hint: "write it as `500MiB` or `5GiB`".into(),
    })
}

/// A size as people write it, in bytes.
pub fn bytes(text: &str) -> Option<u64> {
    text.parse::<ByteSize>().ok().map(|it| it.as_u64())
}

/// Where the store is: `$SVC_CACHE_DIR`, else `svc` in `$XDG_CACHE_HOME` or `~/.cache`.
///
/// # Errors
/// In words, that there is no such place.
pub fn directory(env: &Env) -> Result<PathBuf, String> {
    if let Some(chosen) = env.path("SVC_CACHE_DIR") {
        return Ok(env.directory.join(chosen));
    }
    let absolute = |name: &str| {
        env.path(name)
            .filter(|it| it.is_absolute())
            .map(Path::to_owned)
    };
    let home = || Some(absolute("HOME")?.join(".cache"));
    match absolute("XDG_CACHE_HOME").or_else(home) {
        Some(caches) => Ok(caches.join("svc")),
        None => Err("HOME is not set; set SVC_CACHE_DIR to a directory".to_owned()),
    }
}
