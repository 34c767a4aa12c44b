//! `svc cache`.

use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand};

use crate::cache::Pruned;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::model::path::FilePath;
use crate::ops::cache::{self, Answer};
use crate::ops::failure::Failure;
use crate::record;
use crate::report::cache::{removed_json, removed_text, store_json, store_text};
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
    /// Say how much is in it [default]
    Stats,
    /// Remove what was used longest ago, down to the limit
    Prune {
        /// How large it may be, as in `500MiB` or `5GiB` [default: SVC_CACHE_LIMIT, else 20GiB]
        #[arg(long, value_name = "SIZE")]
        limit: Option<ByteSize>,
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
        What::Prune { limit } => {
            let limit = limit.map(|it| it.as_u64());
            tell(session, &cache::prune(env, limit)?)
        }
        What::Clear => tell(session, &cache::clear(env)?),
        What::Path => session.say(&format!("{}\n", cache::path(env)?.display())),
    }
    Ok(Exit::Fine)
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
        path: FilePath::from_bytes(answer.path.as_os_str().as_bytes()),
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
