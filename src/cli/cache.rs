//! `svc cache`.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cache::Pruned;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::model::path::FilePath;
use crate::ops::cache::{self, Answer};
use crate::ops::failure::Failure;
use crate::ops::tasks::cache::bytes;
use crate::record;
use crate::report::cache::{place_json, removed_json, removed_text, store_json, store_text};
use crate::report::view::{RemovedView, StoreView};

/// Look after the store of results that builds and tests are taken from
#[derive(Debug, Args)]
#[command(
    long_about = "Looks after the store of results. It lies in SVC_CACHE_DIR, else in `svc` below XDG_CACHE_HOME or ~/.cache, and \
                  serves all clones and worktrees. When it grows over its limit, what was used longest ago goes first.",
    after_help = "Examples:\n  \
                  svc cache                       how much is in it\n  \
                  svc cache prune --limit 5GiB    make it smaller\n  \
                  svc cache clear                 remove everything\n  \
                  du -sh \"$(svc cache path)\"      look at it yourself"
)]
pub struct CacheArgs {
    #[command(subcommand)]
    pub what: Option<What>,
}

/// What to do with it.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Say how much is in it; the default
    Stats,
    /// Remove what was used longest ago, down to the limit; what was used within the last minute may stay
    Prune {
        /// How large it may be, as in `500MiB` or `5GiB` [default: SVC_CACHE_LIMIT, else 20GiB]
        #[arg(long, value_name = "SIZE", value_parser = size)]
        limit: Option<u64>,
    },
    /// Remove everything
    Clear,
    /// Print where it is
    Path,
}

/// Runs the command.
pub fn run(session: &Session, args: &CacheArgs) -> Result<Exit, Failure> {
    let env = &session.env;
    match args.what.as_ref().unwrap_or(&What::Stats) {
        What::Stats => {
            let view = view(&cache::stats(env)?);
            match session.is_for_machines() {
                true => session.document(&store_json(&view)),
                false => session.say(&store_text(&view)),
            }
        }
        What::Prune { limit } => tell(session, &cache::prune(env, *limit)?),
        What::Clear => tell(session, &cache::clear(env)?),
        What::Path => {
            let path = cache::path(env)?;
            match session.is_for_machines() {
                true => session.document(&place_json(&file_path(&path))),
                false => session.say(&format!("{}\n", path.display())),
            }
        }
    }
    Ok(Exit::Fine)
}

fn size(text: &str) -> Result<u64, String> {
    bytes(text).ok_or_else(|| "write it as `500MiB` or `5GiB`".to_owned())
}

fn file_path(path: &Path) -> FilePath {
    FilePath::from_bytes(path.as_os_str().as_bytes())
}

fn tell(session: &Session, removed: &Pruned) {
    let view = RemovedView {
        busy: removed.busy,
        results: removed.results,
        bytes: removed.bytes,
        left: removed.left,
    };
    match session.is_for_machines() {
        true => session.document(&removed_json(&view)),
        false => session.say(&removed_text(&view)),
    }
}

fn view(answer: &Answer) -> StoreView {
    let now = record::now().0;
    let age = |at: u64| Duration::from_millis(now.saturating_sub(at));
    let stats = &answer.stats;
    let conflicts = stats.last_conflicts.iter();
    StoreView {
        path: file_path(&answer.path),
        limit: answer.limit,
        results: stats.results,
        objects: stats.objects,
        bytes: stats.bytes,
        outputs: stats.outputs,
        output_bytes: stats.output_bytes,
        oldest: stats.oldest.map(age),
        conflicts: stats.conflicts,
        last_conflicts: conflicts.map(|it| (it.task.clone(), age(it.at))).collect(),
    }
}
