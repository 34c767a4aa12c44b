//! `svc check`: whether the definition is valid.

use crate::config::{self, Loaded};
use crate::git::Repo;
use crate::model::change::Head;
use crate::ops::failure::Failure;
use crate::ops::owned;
use crate::ops::place::Place;

/// Reads and checks the whole definition.
///
/// # Errors
/// All of its problems.
pub fn check(place: &Place) -> Result<Loaded, Failure> {
    match place.repo.as_ref().filter(|repo| !repo.is_sparse()) {
        Some(repo) => check_within(place, repo),
        None => {
            let loaded = place.workspace()?;
            owned::check_all(place, &loaded.workspace)?;
            Ok(loaded)
        }
    }
}

/// The same, where the definition lies on disk and the index beside it: a large index takes as long to read as a large
/// definition does.
fn check_within(place: &Place, repo: &Repo) -> Result<Loaded, Failure> {
    let disk = config::Disk::new(&place.root);
    let (loaded, index) = std::thread::scope(|scope| {
        let loaded = scope.spawn(|| config::load(&disk));
        let index = repo.head_commit().map(|commit| {
            let index = repo.snapshot(Head::Index(commit));
            // Whatever is wrong with it is told when something is looked up there.
            let _ = index.files(&[]);
            index
        });
        let loaded = loaded.join();
        (
            loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            index,
        )
    });
    let loaded = loaded?;
    match index {
        Ok(index) => owned::check_against(&*index, &loaded.workspace)?,
        Err(_) => owned::check_all(place, &loaded.workspace)?,
    }
    Ok(loaded)
}
